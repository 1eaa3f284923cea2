"""A JupyterLab of its own, and a notebook open in it: by what it holds, not by what is drawn."""

import ast
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NOTEBOOK = "window.jupyterapp.shell.currentWidget"
CELLS = f"[...{NOTEBOOK}.content.model.cells]"
#: Waits until JupyterLab has got the kernel's widgets: what a hand does before that is undone when their states come. It looks
#: for a widget for two seconds, so on a busy machine it writes "model not found" for some of two dozen; who reads then runs
#: the cell again, and here what the cell has shown is drawn again.
RESTORED = f"""async () => {{
  const {{ content }} = {NOTEBOOK}, kind = "application/vnd.jupyter.widget-view+json";
  const renderer = content.rendermime.createRenderer(kind, {{ mimeType: kind }}), manager = await renderer._manager.promise;
  renderer.dispose();
  const areas = content.widgets.map((cell) => cell.outputArea).filter(Boolean);
  const say = (text) => areas.filter((area) => area.node.textContent.includes(text));
  for (let k = 0; k < 1200 && (!manager.restoredStatus || say("Loading widget...").length); k++)
    await new Promise((later) => setTimeout(later, 50));
  for (const {{ model }} of say("model not found")) model.fromJSON(model.toJSON());
  return manager.restoredStatus;
}}"""
#: Nothing of the user's is read or written: no settings, no workspace, no history.
OWN = {
    "JUPYTER_CONFIG_DIR": ".config", "JUPYTER_DATA_DIR": ".data", "JUPYTER_RUNTIME_DIR": ".runtime",
    "JUPYTERLAB_SETTINGS_DIR": ".settings", "JUPYTERLAB_WORKSPACES_DIR": ".workspaces", "IPYTHONDIR": ".ipython",
}  # fmt: skip


@contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """The address of a JupyterLab that serves ``folder``; it and its kernels are gone afterwards, whatever happened."""
    port = _quiet(folder)
    log = folder / "lab.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [
                sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
                f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
                f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True",
            ],
            env=os.environ | {name: str(folder / place) for name, place in OWN.items()},
            stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, server, log)
        yield address
    finally:
        server.terminate()  # takes its kernels along
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextmanager
def command_lab(course: Path, *arguments: str, quiet: bool = True) -> Iterator[tuple[str, Path]]:
    """The course's own command ``lab`` run in a copy of the course: the address of its JupyterLab, and what it prints.

    Its settings say the rest, as a user's might: no window, no password, and with ``quiet`` no news. It is shut down
    from the page's side.
    """
    port = _quiet(course) if quiet else _free_port()
    settings = {
        "ServerApp": {
            "ip": "127.0.0.1", "port": port, "port_retries": 0, "open_browser": False, "disable_check_xsrf": True
        },
        "IdentityProvider": {"token": ""},
        "LabApp": {"expose_app_in_browser": True},
    }  # fmt: skip
    (course / OWN["JUPYTER_CONFIG_DIR"]).mkdir(exist_ok=True)
    (course / OWN["JUPYTER_CONFIG_DIR"] / "jupyter_server_config.json").write_text(json.dumps(settings))
    log = course / "lab.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlteach", "lab", *arguments],
            env=os.environ
            | {name: str(course / place) for name, place in OWN.items()}
            | {"PYTHONPATH": str(course), "PYTHONUTF8": "1"},
            cwd=course, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, server, log)
        yield address, log
        urllib.request.urlopen(f"{address}/api/shutdown", data=b"")
        assert server.wait(20) == 0
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)  # its session holds nothing else
            server.wait(20)


def _quiet(folder: Path) -> int:
    """Settings without news, which would cover the corner of the page; returns a port that is free."""
    settings = folder / ".settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    news = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(news), encoding="utf-8")
    return _free_port()


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _wait_for(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        assert server.poll() is None, f"JupyterLab did not start:\n{log.read_text()}"
        try:
            urllib.request.urlopen(address + "/api", timeout=1)
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not answer within 60 s:\n{log.read_text()}")


class Notebook:
    """A notebook in JupyterLab. Cells off the screen are not in the page, so ask this and not the page."""

    def __init__(self, page: Any, address: str, name: str) -> None:
        self.page = page
        page.goto(f"{address}/lab/tree/{name}?reset")
        self.opened()

    def opened(self) -> None:
        """Wait until the notebook is there and its kernel idle."""
        self.wait(f"{NOTEBOOK}?.context?.isReady && {NOTEBOOK}.content.model?.cells.length > 1")
        self.wait(f"{NOTEBOOK}.context.sessionContext.kernelDisplayStatus == 'idle'")
        assert self.page.evaluate(RESTORED), "JupyterLab has not asked the kernel for its widgets within 60 s"
        self.command("application:toggle-left-area")  # the files; a narrow window has no room for them

    def wait(self, condition: str, argument: Any = None) -> None:
        """Until ``condition``, JavaScript that may use ``argument``, holds."""
        self.page.wait_for_function(
            f"argument => window.jupyterapp && {condition}", arg=argument, timeout=60_000
        )

    def command(self, name: str, **arguments: Any) -> None:
        """Run one of JupyterLab's commands, those of its menus, as soon as it is enabled: before, it would do nothing."""
        self.wait("window.jupyterapp.commands.isEnabled(argument[0], argument[1])", [name, arguments])
        self.page.evaluate(
            "([name, arguments]) => { window.jupyterapp.commands.execute(name, arguments); }",
            [name, arguments],
        )

    def sources(self) -> list[str]:
        """The text of each cell; of those with prose, nothing."""
        return list(
            self.page.evaluate(f"() => {CELLS}.map(c => c.type == 'code' ? c.sharedModel.getSource() : '')")
        )

    def find(self, text: str) -> int:
        """The first code cell that holds ``text``."""
        at = next((k for k, source in enumerate(self.sources()) if text in source), None)
        assert at is not None, f"no code cell holds {text!r}"
        return at

    def run_all(self) -> None:
        """Forget the stored outputs, run every cell in order, and fail where one ended in an error or warned."""
        self.forget()
        self.command("notebook:run-all-cells")
        self.finished(len(self.sources()))

    def run_up_to(self, cell: int) -> None:
        """The same for all cells up to this one, with it."""
        self.forget()
        self.page.evaluate(f"k => {{ {NOTEBOOK}.content.activeCellIndex = k + 1; }}", cell)
        self.command("notebook:run-all-above")
        self.finished(cell + 1)

    def forget(self) -> None:
        """Clear outputs and counts: what stands there afterwards is from this run."""
        self.command("notebook:clear-all-cell-outputs")
        self.wait(
            f"{CELLS}.every(c => c.type != 'code' || !c.executionCount && !c.sharedModel.getOutputs().length)"
        )

    def finished(self, cells: int) -> None:
        """Wait until the first ``cells`` cells have run; fail where one ended in an error or warned."""
        self.wait(
            f"{CELLS}.slice(0, argument).every(c => c.type != 'code' || !c.sharedModel.getSource() || c.executionCount)"
            f" && {NOTEBOOK}.context.sessionContext.kernelDisplayStatus == 'idle'",
            cells,
        )
        for k, source in enumerate(self.sources()[:cells]):
            if source:
                self.text(k)

    def restart(self) -> None:
        """Restart the kernel as a user does, and wait for the new one."""
        before = self.ask("id(get_ipython()), __import__('os').getpid()")
        self.command("kernelmenu:restart")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.wait(f"{NOTEBOOK}.context.sessionContext.kernelDisplayStatus == 'idle'")
        assert self.ask("id(get_ipython()), __import__('os').getpid()") != before

    def run(self, cell: int, source: str) -> None:
        """Write ``source`` into a cell, run it and wait for its end."""
        self.page.evaluate(
            f"""([k, source]) => {{
                const content = {NOTEBOOK}.content;
                content.model.cells.get(k).sharedModel.setSource(source);
                content.deselectAll();
                content.activeCellIndex = k;
                return window.jupyterapp.commands.execute('notebook:run-cell');
            }}""",
            [cell, source],
        )

    def text(self, cell: int) -> str:
        """What a cell has printed; fails when it ended in an error or warned."""
        outputs = self.page.evaluate(
            f"k => {NOTEBOOK}.content.model.cells.get(k).sharedModel.getOutputs()", cell
        )
        assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"], outputs
        return "".join("".join(o["text"]) for o in outputs if o["output_type"] == "stream").strip()

    def ask(self, expression: str) -> Any:
        """The value of a Python expression in the notebook's kernel: a number, a text, a tuple of such."""
        answer = self.page.evaluate(
            f"""async expression => {{
                const kernel = {NOTEBOOK}.context.sessionContext.session.kernel;
                const reply = await kernel.requestExecute({{ code: '', store_history: false,
                    user_expressions: {{ said: expression }} }}).done;
                return reply.content.user_expressions.said;
            }}""",
            expression,
        )
        assert answer["status"] == "ok", answer
        return ast.literal_eval(answer["data"]["text/plain"])

    def show(self, cell: int) -> Any:
        """Scroll to a cell, which puts it into the page, and return its element."""
        self.page.evaluate(
            f"""async k => {{
                const content = {NOTEBOOK}.content;
                content.activeCellIndex = k;
                await content.scrollToItem(k, 'start');
                content.widgets[k].node.dataset.cell = k;
            }}""",
            cell,
        )
        found = self.page.locator(f'[data-cell="{cell}"]')
        found.wait_for()
        return found

    def dark(self, on: bool) -> None:
        """Change JupyterLab's theme."""
        self.command("apputils:change-theme", theme=f"JupyterLab {'Dark' if on else 'Light'}")
        self.wait("document.body.dataset.jpThemeLight == argument", str(not on).lower())
