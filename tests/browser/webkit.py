"""WebKit as the tests drive it: WebKitGTK's own small browser, in a screen of its own, over WebDriver (https://w3.org/TR/webdriver2).

Debian: ``apt-get install webkit2gtk-driver xvfb``.
"""

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.browser import engine as base

DRIVER, SCREEN = "WebKitWebDriver", "Xvfb"
BROWSERS = "/usr/l*/*/webkit2gtk-4.1/MiniBrowser", "/usr/l*/*/webkitgtk-6.0/MiniBrowser"
#: Without a driver the browser writes its console to its output; with one it keeps it to itself.
ALOUD = "--enable-write-console-messages-to-stdout=true"
COMPLAINT = re.compile(r"^(?:\S+:\d+:\d+: )?CONSOLE (?:[A-Z]+ )?ERROR (.*)$", re.MULTILINE)
#: Once a page is loaded its complaints are noted in the page: WebDriver has no word for them.
LISTEN = """() => {
  window.complained = [];
  addEventListener("error", (event) => complained.push(event.message ?? "something did not load"), true);
  addEventListener("unhandledrejection", (event) => complained.push(String(event.reason)));
  addEventListener("securitypolicyviolation", (event) => complained.push(`refused: ${event.effectiveDirective} ${event.blockedURI}`));
  const say = console.error;
  console.error = (...words) => { complained.push(words.join(" ")); say(...words); };
}"""
START, LISTENED = 60.0, 4.0  # seconds
WINDOW = (2000, 1300)  # the screen's pixels


def executable() -> str | None:
    """The path of the driver on this machine."""
    return shutil.which(DRIVER)


def _browser() -> Path:
    return next(path for pattern in BROWSERS for path in Path("/").glob(pattern[1:]))


def missing() -> str | None:
    """In one line, what this machine lacks for it; None when it has everything."""
    lacks = [name for name in (DRIVER, SCREEN) if shutil.which(name) is None]
    return (
        f"{' and '.join(lacks)} not installed (Debian: apt-get install webkit2gtk-driver xvfb)"
        if lacks
        else None
    )


@contextmanager
def engine() -> "Iterator[base.Engine]":
    """A screen of its own for WebKit's browsers; it is gone afterwards, whatever happened."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, _screen() as display:
        own = {name: folder for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
        yield WebKit(
            os.environ | own | {
                "DISPLAY": display, "GDK_BACKEND": "x11", "LIBGL_ALWAYS_SOFTWARE": "1", "NO_AT_BRIDGE": "1",
                "WEBKIT_DISABLE_DMABUF_RENDERER": "1", "GTK_THEME": "Adwaita",
            }
        )  # fmt: skip


@contextmanager
def _screen() -> Iterator[str]:
    """A screen nobody sees, by its name: ``:7``."""
    read, write = os.pipe()
    width, height = WINDOW
    screen = subprocess.Popen(
        [SCREEN, "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"],
        pass_fds=[write], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    try:
        with os.fdopen(read) as said:
            yield f":{int(said.readline())}"
    finally:
        screen.terminate()
        screen.wait(20)


class WebKit(base.Engine):
    """A driver runs one browser at a time, so every page has a driver and a browser."""

    name = "webkit"

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def opening(self, address: str) -> list[str]:
        """See `Engine.opening`: what a browser without a driver writes in its first seconds."""
        browser = subprocess.Popen(
            [str(_browser()), ALOUD, address],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace",
        )  # fmt: skip
        try:
            browser.wait(LISTENED)
        except subprocess.TimeoutExpired:
            browser.terminate()
        said, _ = browser.communicate(timeout=20)
        return [str(each) for each in COMPLAINT.findall(said)]

    def page(self) -> "WebKitPage":
        return WebKitPage(self.environment)


class WebKitPage(base.Page):
    """A browser with one page, which keeps nothing of another's."""

    def __init__(self, environment: dict[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address, self.heard = f"http://127.0.0.1:{port}", list[str]()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.driver = subprocess.Popen(
            [DRIVER, f"--port={port}"], env=environment, start_new_session=True, **quiet
        )
        try:
            self._wait()
            wanted = {"webkitgtk:browserOptions": {"binary": str(_browser()), "args": ["--automation"]}}
            began = self._ask("POST", "session", {"capabilities": {"alwaysMatch": wanted}})
            self.session = f"session/{began['sessionId']}"
            self.viewport(1280, 900)
        except BaseException:
            self._end()
            raise

    def _wait(self) -> None:
        deadline = time.monotonic() + START
        while True:
            try:
                self._ask("GET", "status")
                return
            except OSError:
                assert self.driver.poll() is None and time.monotonic() < deadline, f"{DRIVER} did not start"
                time.sleep(0.03)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        """The value of an answer. Raises AssertionError with the driver's refusal."""
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(f"{self.address}/{path}", data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as refused:
            said = json.loads(refused.read())["value"]
            raise AssertionError(f"{path}: {said['error']}: {said.get('message')}") from None

    def _end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.driver.pid, signal.SIGTERM)  # its session holds nothing else
        self.driver.wait(20)

    @property
    def complaints(self) -> list[str]:  # type: ignore[override]
        self.heard += self.evaluate("window.complained?.splice(0) ?? []")
        return self.heard

    def send(self, method: str, path: str, body: Any = None) -> Any:
        return self._ask(method, f"{self.session}/{path}", body)

    def goto(self, address: str) -> None:
        self.send("POST", "url", {"url": address})
        self.evaluate(LISTEN)

    def evaluate(self, js: str, arg: Any = None) -> Any:
        script = (
            f"const [text, done] = arguments; ({base.CALL.format(js)})(text)"
            ".then((value) => done([value, null]), (error) => done([null, String(error)]));"
        )
        value, error = self.send("POST", "execute/async", {"script": script, "args": [json.dumps(arg)]})
        assert error is None, error
        return json.loads(value)

    def press(self, key: str) -> None:
        self.send("POST", "actions", {"actions": [base.keyboard(key)]})

    def pull(self, points: Sequence[tuple[float, float]]) -> None:
        self.send("POST", "actions", {"actions": [base.pointer(points)]})

    def viewport(self, width: int, height: int) -> None:
        for _ in range(3):  # the window has a border, whose size shows afterwards
            inner = self.evaluate("[innerWidth, innerHeight]")
            if inner == [width, height]:
                return
            rect = self.send("GET", "window/rect")
            more = {"width": rect["width"] + width - inner[0], "height": rect["height"] + height - inner[1]}
            self.send("POST", "window/rect", more)
            for _ in range(40):
                if self.evaluate("[innerWidth, innerHeight]") != inner:
                    break
                time.sleep(0.025)
        inner = self.evaluate("[innerWidth, innerHeight]")
        if inner != [width, height]:
            raise base.NotHere(
                f"WebKit's window takes {inner[0]} x {inner[1]}, not {width} x {height} pixels"
            )

    def media(self, *, dark: bool = False, forced_colors: bool = False, reduced_motion: bool = False) -> None:
        if dark or forced_colors or reduced_motion:
            raise base.NotHere("WebKit's WebDriver cannot ask for a theme or for reduced motion")

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.send("GET", "screenshot")))

    def close(self) -> None:
        try:
            self._ask("DELETE", self.session)
        finally:
            self._end()
