"""Firefox as the tests drive it: the system's own, without a window, over WebDriver BiDi (https://w3c.github.io/webdriver-bidi).

Debian: ``apt-get install firefox-esr``. It speaks BiDi itself, so no geckodriver is needed.
"""

import base64
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser import engine as base

NAMES = ("firefox-esr", "firefox")
#: Nothing is asked of the network, nothing is told, no first page is shown.
PREFERENCES = {
    "app.normandy.enabled": False, "app.update.enabled": False, "browser.shell.checkDefaultBrowser": False,
    "browser.safebrowsing.malware.enabled": False, "browser.safebrowsing.phishing.enabled": False,
    "browser.aboutwelcome.enabled": False, "browser.startup.page": 0, "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.healthreport.uploadEnabled": False, "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False, "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,", "toolkit.telemetry.server": "", "remote.active-protocols": 1,
    "termsofuse.bypassNotification": True, "security.sandbox.warn_unprivileged_namespaces": False,
}  # fmt: skip
START = 60.0  # seconds


def executable() -> str | None:
    """The path of Firefox on this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def missing() -> str | None:
    """In one line, what this machine lacks for it; None when it has everything."""
    return None if executable() else "Firefox is not installed (Debian: apt-get install firefox-esr)"


@contextmanager
def engine() -> "Iterator[base.Engine]":
    """A running Firefox with a profile of its own; it is gone afterwards, whatever happened."""
    from websocket import create_connection

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()
        ]
        (Path(folder) / "user.js").write_text("\n".join(lines))
        log = Path(folder) / "firefox.log"
        with log.open("wb") as out:
            command = [str(executable()), "--headless", "--no-remote", "--remote-debugging-port", "0"]
            browser = subprocess.Popen(
                [*command, "--profile", folder],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        try:
            address = _address(browser, log)
            socket = create_connection(f"{address}/session", suppress_origin=True, timeout=120)
            try:
                yield Firefox(socket)
            finally:
                socket.close()
        finally:
            browser.terminate()
            try:
                browser.wait(20)
            except subprocess.TimeoutExpired:
                browser.kill()
                browser.wait()


def _address(browser: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and browser.poll() is None:
        if found := re.search(r"BiDi listening on (ws://\S+)", log.read_text(errors="replace")):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"Firefox did not start:\n{log.read_text(errors='replace')}")


class Firefox(base.Engine):
    """A session of BiDi: commands, and events sorted to the pages they belong to."""

    name = "firefox"

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.sent = 0
        self.pages: dict[str, FirefoxPage] = {}
        self.send("session.new", capabilities={})
        self.send("session.subscribe", events=["log.entryAdded"])

    def send(self, method: str, **parameters: Any) -> Any:
        """The answer to a command; events that come meanwhile are noted. Raises AssertionError with its refusal."""
        self.sent += 1
        self.socket.send(json.dumps({"id": self.sent, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.sent:
                assert message["type"] == "success", f"{method}: {message['error']}: {message['message']}"
                return message["result"]
            if message.get("method") == "log.entryAdded":
                said = message["params"]
                page = self.pages.get(said["source"].get("context"))
                if page and said["level"] == "error":
                    page.complaints.append(said["text"] or "an error without a text")

    def page(self) -> "FirefoxPage":
        room = self.send("browser.createUserContext")["userContext"]
        context = self.send("browsingContext.create", type="tab", userContext=room)["context"]
        self.pages[context] = FirefoxPage(self, room, context)
        self.pages[context].viewport(1280, 900)
        return self.pages[context]


class FirefoxPage(base.Page):
    """A tab in a container of its own, which keeps nothing of another's."""

    def __init__(self, firefox: Firefox, room: str, context: str) -> None:
        self.firefox, self.room, self.context = firefox, room, context
        self.complaints = []

    def send(self, method: str, **parameters: Any) -> Any:
        return self.firefox.send(method, context=self.context, **parameters)

    def goto(self, address: str) -> None:
        self.send("browsingContext.navigate", url=address, wait="complete")

    def evaluate(self, js: str, arg: Any = None) -> Any:
        answer = self.firefox.send(
            "script.callFunction",
            functionDeclaration=base.CALL.format(js),
            arguments=[{"type": "string", "value": json.dumps(arg)}],
            target={"context": self.context},
            awaitPromise=True,
            userActivation=True,
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        return json.loads(answer["result"]["value"])

    def press(self, key: str) -> None:
        self.send("input.performActions", actions=[base.keyboard(key)])

    def pull(self, points: Sequence[tuple[float, float]]) -> None:
        self.send("input.performActions", actions=[base.pointer(points)])

    def viewport(self, width: int, height: int) -> None:
        self.send("browsingContext.setViewport", viewport={"width": width, "height": height})

    def media(self, *, dark: bool = False, forced_colors: bool = False, reduced_motion: bool = False) -> None:
        if dark or forced_colors or reduced_motion:
            raise base.NotHere("Firefox's WebDriver BiDi cannot ask for a theme or for reduced motion")

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.send("browsingContext.captureScreenshot")["data"]))

    def close(self) -> None:
        del self.firefox.pages[self.context]
        self.firefox.send("browser.removeUserContext", userContext=self.room)
