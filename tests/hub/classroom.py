"""A class on a JupyterHub of its own, on 127.0.0.1: the course, the hub, learners who log in, and what they do by its API."""

import contextlib
import ctypes
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from compileall import compile_dir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import websocket

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LESSON = "03_gradient_descent_is_an_lstm_cell"
PATIENCE = 240.0  # seconds for anything; a loaded machine is no failure
DAC_OVERRIDE, DROP_FROM_BOUNDING_SET = 1, 24  # Linux's numbers


def installed(courses: Path, name: str, *, lesson: str | None = None, whole: bool = False) -> Path:
    """A version of the course as an administrator installs it: compiled, and nobody may write into it.

    ``lesson``: the text of 03. ``whole``: with all lessons, of which each learner gets copies; else with 00 and 03.
    """
    course = courses / name
    shutil.copytree(ROOT / "mlteach", course / "mlteach")
    unused = shutil.ignore_patterns("omniglot", "mini-imagenet", "lectures")
    shutil.copytree(ROOT / "data", course / "data", ignore=unused)
    shutil.copy(ROOT / "pyproject.toml", course)
    (course / "notebooks" / "src").mkdir(parents=True)
    every = sorted(path.stem for path in (ROOT / "notebooks" / "src").glob("[0-9]*.py"))
    for each in every if whole else ("00_start_here", LESSON):
        shutil.copy(ROOT / "notebooks" / f"{each}.ipynb", course / "notebooks")
        shutil.copy(ROOT / "notebooks" / "src" / f"{each}.py", course / "notebooks" / "src")
    if lesson is not None:
        (course / "notebooks" / "src" / f"{LESSON}.py").write_text(lesson, encoding="utf-8")
    (course / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    compile_dir(course / "mlteach", quiet=2, workers=1)
    for path in (course, *course.rglob("*")):
        if not path.is_symlink() and ".venv" not in path.parts:
            path.chmod(path.stat().st_mode & ~0o222)
    return course


def writable(folder: Path) -> None:
    """Take the write protection away again, so that the folder can be removed."""
    for path in (folder, *(each for each in folder.rglob("*") if ".venv" not in each.parts)):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


def fingerprint(course: Path) -> str:
    """Changes when any file of the course changes, comes or goes."""
    found = hashlib.sha256()
    for path in sorted(each for each in course.rglob("*") if ".venv" not in each.parts):
        about = path.lstat()
        found.update(f"{path.relative_to(course)}\0{about.st_mode}\0{about.st_mtime_ns}\0".encode())
        if path.is_file():
            found.update(path.read_bytes())
    return found.hexdigest()


def obeying() -> None:
    """Before exec, on Linux: from here on a file without write permission is that for root too."""
    ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, DAC_OVERRIDE, 0, 0, 0)


@contextlib.contextmanager
def hub(room: Path, courses: Path, **variables: str) -> Iterator[str]:
    """The address of a JupyterHub with `deploy/jupyterhub_config.py`; it, its proxy, its learners' servers and kernels end with it."""
    ports = free_ports(3)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLTEACH_", "JUPYTER"))}
    version = next(courses.iterdir())
    environment = kept | {
        "CLASS_ROOM": str(room),
        "CLASS_PORTS": " ".join(map(str, ports)),
        "MLTEACH_COURSES": str(courses),
        "PYTHONPATH": str(version),  # where pip has put the package, in a course that is installed
        **variables,
    }
    log = room / "hub.log"
    with log.open("w") as out:
        running = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(HERE / "jupyterhub_config.py")],
            cwd=room,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=obeying,
        )
    address = f"http://127.0.0.1:{ports[0]}"
    try:
        until(lambda: running.poll() is not None or answers(f"{address}/hub/health"), "the hub answers")
        assert running.poll() is None, f"The hub did not start:\n{log.read_text()}"
        yield address
    except Exception:
        print(log.read_text()[-20_000:])
        raise
    finally:
        running.send_signal(signal.SIGTERM)  # it ends proxy and servers, those their kernels
        try:
            running.wait(60)
        except subprocess.TimeoutExpired:
            running.kill()
        for process in of_room(room):  # what a killed server has left behind
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        running.wait()


def answers(address: str) -> bool:
    """Whether something there says yes."""
    try:
        return requests.get(address, timeout=5).ok
    except requests.RequestException:
        return False


def until(holds: Any, what: str, patience: float = PATIENCE) -> Any:
    """What ``holds()`` gives as soon as that is true. Fails with ``what`` after ``patience`` seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {patience:.0f} s")


def free_ports(number: int) -> list[int]:
    """Ports of 127.0.0.1 that are free, each another."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def of_room(room: Path) -> list[int]:
    """Every process that was started in this room, by its environment."""
    return [
        process
        for process, found in environments()
        if f"CLASS_ROOM={room}" in found or f"HOME={room}/home/" in "\0".join(found)
    ]


def of_learner(room: Path, name: str) -> list[int]:
    """The processes of one learner: their server and its kernels."""
    return [process for process, found in environments() if f"HOME={room}/home/{name}" in found]


def environments() -> Iterator[tuple[int, list[str]]]:
    """Every living process that may be looked at, and its environment."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                yield int(folder.name), (folder / "environ").read_bytes().decode(errors="replace").split("\0")


def worked(process: int) -> float:
    """CPU seconds of a process, of all its threads."""
    found = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(found[11]) + int(found[12])) / os.sysconf("SC_CLK_TCK")


def memory(process: int) -> float:
    """What a process has in memory that is its own, in MB; the peak is that of all it has."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    return sum(int(found) for found in re.findall(r"Private_\w+:\s+(\d+)", rollup)) / 1024


@dataclass
class Learner:
    """One who logs in and works in a copy of lesson 03. Everything goes by HTTP and a websocket through the hub's proxy."""

    name: str
    address: str
    room: Path
    seconds: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(
        default_factory=dict
    )  # seconds, of server and kernel; the machine may be busy, this is not
    memory: dict[str, float] = field(default_factory=dict)
    notebook: dict[str, Any] = field(default_factory=dict)

    def log_in(self) -> None:
        """With name and password, as in the page; the browser's cookies then get a token for the rest."""
        browser = requests.Session()
        browser.get(f"{self.address}/hub/login", timeout=PATIENCE)
        xsrf = {"_xsrf": browser.cookies.get("_xsrf", path="/hub/")}
        answer = browser.post(
            f"{self.address}/hub/login?next=/hub/token",
            {"username": self.name, "password": "any of them", **xsrf},
            timeout=PATIENCE,
        )
        assert answer.ok and answer.url.endswith("/hub/token"), (answer.status_code, answer.url)
        xsrf = {"_xsrf": browser.cookies.get("_xsrf", path="/hub/")}
        answer = browser.post(
            f"{self.address}/hub/api/users/{self.name}/tokens",
            params=xsrf,
            json={},
            headers={"Referer": f"{self.address}/hub/token"},
            timeout=PATIENCE,
        )
        assert answer.status_code == 201, answer.text
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"token {answer.json()['token']}"

    def say(self, method: str, path: str, /, **content: Any) -> Any:
        """What the hub or the learner's server answers."""
        answer = self.http.request(method, f"{self.address}{path}", json=content or None, timeout=PATIENCE)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    @property
    def ready(self) -> bool:
        """Whether the learner's server runs."""
        servers = self.say("GET", f"/hub/api/users/{self.name}").get("servers", {})
        return bool(servers.get("", {}).get("ready"))

    def start(self) -> None:
        """Ask for a server and wait until it is there."""
        self.began = time.monotonic()
        self.say("POST", f"/hub/api/users/{self.name}/server")
        until(lambda: self.ready, f"the server of {self.name}")
        self.seconds.setdefault("server", time.monotonic() - self.began)

    def open(self) -> None:
        """The learner's copy of the lesson, and a kernel for it."""
        path = f"my/{LESSON}.ipynb"
        self.notebook = self.say("GET", f"/user/{self.name}/api/contents/{path}")["content"]
        kernel = {"name": "python3"}
        made = self.say(
            "POST", f"/user/{self.name}/api/sessions", path=path, name=path, type="notebook", kernel=kernel
        )
        self.channel = websocket.create_connection(
            f"{self.address.replace('http', 'ws')}/user/{self.name}/api/kernels/{made['kernel']['id']}/channels",
            header=[f"Authorization: {self.http.headers['Authorization']}"],
            timeout=PATIENCE,
        )

    def save(self) -> None:
        """As JupyterLab does."""
        path = f"/user/{self.name}/api/contents/my/{LESSON}.ipynb"
        self.say("PUT", path, type="notebook", format="json", content=self.notebook)

    def run(self, cell: dict[str, Any]) -> str:
        """Run a cell and keep its outputs in the notebook; returns what it printed. Fails with the cell's error."""
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "username": self.name,
            "session": self.name,
            "version": "5.3",
            "date": "",
        }
        content = {
            "code": cell["source"],
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        self.channel.send(
            json.dumps(
                {
                    "header": header,
                    "parent_header": {},
                    "metadata": {},
                    "content": content,
                    "channel": "shell",
                    "buffers": [],
                }
            )
        )
        outputs: list[dict[str, Any]] = []
        waited = {"reply", "idle"}
        while waited:
            got = self.channel.recv()
            if isinstance(got, bytes):
                continue  # an explorer's arrays
            message = json.loads(got)
            if message["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            kind, said = message["msg_type"], message["content"]
            if kind == "execute_reply":
                waited.discard("reply")
                assert said["status"] == "ok", (
                    f"{self.name}, {cell['id']}: {said.get('ename')}: {said.get('evalue')}"
                )
            elif kind == "status" and said["execution_state"] == "idle":
                waited.discard("idle")
            elif kind == "stream":
                outputs.append({"output_type": kind, **said})
            elif kind in ("display_data", "execute_result"):
                outputs.append(
                    {
                        "output_type": kind,
                        **{
                            name: said[name]
                            for name in ("data", "metadata", "execution_count")
                            if name in said
                        },
                    }
                )
        cell["outputs"], cell["execution_count"] = outputs, 1
        self.seconds.setdefault("first cell", time.monotonic() - self.began)
        if "first cell" not in self.cpu:
            self.cpu["first cell"] = sum(map(worked, of_learner(self.room, self.name)))
        return "".join(
            each["text"] for each in outputs if each["output_type"] == "stream" and each["name"] == "stdout"
        )

    def code(self) -> list[dict[str, Any]]:
        """The code cells of the copy, in order."""
        return [cell for cell in self.notebook["cells"] if cell["cell_type"] == "code"]

    def weigh(self) -> None:
        """Note what the learner's server and kernels have in memory, in MB."""
        parts = {process: memory(process) for process in of_learner(self.room, self.name)}
        commands = {process: Path(f"/proc/{process}/cmdline").read_text() for process in parts}
        self.memory = {
            kind: sum(parts[process] for process in parts if word in commands[process])
            for kind, word in (("server", "jupyterhub.singleuser"), ("kernel", "ipykernel_launcher"))
        }

    def killed(self) -> None:
        """The machine takes server and kernel away, without a word."""
        for process in of_learner(self.room, self.name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        with contextlib.suppress(Exception):
            self.channel.close()
        until(lambda: not self.ready, f"the hub misses the server of {self.name}")
