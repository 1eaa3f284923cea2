"""A lesson as a student meets it: JupyterLab in Chromium, a live kernel, the keyboard.

    .venv/bin/python -m pip install -e ".[browser]"      Playwright; Chromium or Chrome comes from the system
    .venv/bin/python -m pytest tests/browser

Takes about half a minute. Skipped, with the reason, where Playwright, JupyterLab or Chromium is missing, as on most CI
machines. Everything happens in a copy, with settings of its own: neither the checkout nor yours are touched.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip(
    "playwright.sync_api", reason="Playwright is not installed: pip install playwright"
)
pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="neither Chromium nor Chrome is installed on this machine"),
    pytest.mark.timeout(120),
]

LESSON = Path(__file__).parents[2] / "notebooks" / "03_gradient_descent_is_an_lstm_cell.ipynb"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
NOTEBOOK = "window.jupyterapp.shell.currentWidget"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """The address of a JupyterLab that shows a copy of the lesson; it is gone after the test, whatever happened."""
    shutil.copy(LESSON, tmp_path)
    settings = tmp_path / ".settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)  # no news over the corner of the page
    news = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(news), encoding="utf-8")
    own = {
        "JUPYTER_CONFIG_DIR": ".config", "JUPYTER_DATA_DIR": ".data", "JUPYTER_RUNTIME_DIR": ".runtime",
        "JUPYTERLAB_SETTINGS_DIR": ".settings", "JUPYTERLAB_WORKSPACES_DIR": ".workspaces", "IPYTHONDIR": ".ipython",
    }  # fmt: skip
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    log = tmp_path / "lab.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [
                sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
                f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
                f"--ServerApp.root_dir={tmp_path}", "--LabApp.expose_app_in_browser=True",
            ],
            env=os.environ | {name: str(tmp_path / folder) for name, folder in own.items()},
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


def _wait_for(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        assert server.poll() is None, f"JupyterLab did not start:\n{log.read_text()}"
        try:
            urllib.request.urlopen(address + "/api", timeout=1)
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not answer within 30 s:\n{log.read_text()}")


class Notebook:
    """An open notebook, by what it holds and not by what is drawn: cells off the screen are not in the page."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.wait(f"{NOTEBOOK}?.context?.sessionContext.kernelDisplayStatus == 'idle'")

    def wait(self, condition: str) -> None:
        self.page.wait_for_function(f"() => window.jupyterapp && {condition}", timeout=40_000)

    def find(self, text: str) -> int:
        """The first code cell that holds ``text``."""
        find = f"cells => cells.findIndex(c => c.type == 'code' && c.sharedModel.getSource().includes({json.dumps(text)}))"
        at = self.page.evaluate(f"() => ({find})([...{NOTEBOOK}.content.model.cells])")
        assert at >= 0, f"no code cell holds {text!r}"
        return int(at)

    def clear(self) -> None:
        """Forget the stored outputs and counts: what stands there afterwards is from this run."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")

    def run(self, *cells: int) -> None:
        """Run these cells in their order and wait for the last."""
        self.page.evaluate(
            f"""cells => {{
                const content = {NOTEBOOK}.content;
                content.activeCellIndex = cells.at(-1);
                content.deselectAll();
                for (const k of cells.slice(0, -1)) content.select(content.widgets[k]);
                return window.jupyterapp.commands.execute('notebook:run-cell');
            }}""",
            list(cells),
        )

    def text(self, cell: int) -> str:
        """What a cell has printed; fails when it ended in an error."""
        outputs = self.page.evaluate(
            f"k => {NOTEBOOK}.content.model.cells.get(k).sharedModel.getOutputs()", cell
        )
        assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"], outputs
        return "".join("".join(o["text"]) for o in outputs if o["output_type"] == "stream").strip()

    def ask(self, cell: int, code: str) -> str:
        """What ``code`` prints, written into ``cell``."""
        self.page.evaluate(
            f"([k, code]) => {NOTEBOOK}.content.model.cells.get(k).sharedModel.setSource(code)", [cell, code]
        )
        self.run(cell)
        return self.text(cell)

    def show(self, cell: int) -> None:
        self.page.evaluate(
            f"k => {{ {NOTEBOOK}.content.activeCellIndex = k; return {NOTEBOOK}.content.scrollToItem(k, 'start') }}",
            cell,
        )


def test_explorer_and_kernel_tell_the_same_story(lab: str) -> None:
    complaints: list[str] = []
    with playwright.sync_playwright() as pw:
        browser = pw.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda problem: complaints.append(str(problem)))
        page.goto(f"{lab}/lab/tree/{LESSON.name}?reset")
        notebook = Notebook(page)

        cell = notebook.find("explorer = GradientCell(")
        notebook.clear()
        kinds = page.evaluate(f"() => [...{NOTEBOOK}.content.model.cells].map(c => c.type)")
        wanted = [k for k in range(cell + 1) if kinds[k] == "code"]
        notebook.run(*wanted)
        for k in wanted:
            notebook.text(k)  # no error, nothing on stderr

        notebook.show(cell)
        explorer = page.locator(".mlx")
        summary = explorer.locator(".mlx-summary")
        summary.wait_for()
        scratch = wanted[-2]  # a cell that has done its work

        def move(control: Any, *keys: str) -> str:
            """The new summary after some keys on a control."""
            before = summary.inner_text()
            control.focus()
            for key in keys:
                control.press(key)
            page.wait_for_function(
                "before => document.querySelector('.mlx-summary').textContent != before", arg=before
            )
            page.wait_for_timeout(300)  # the last key is drawn, and on its way to the kernel
            return str(summary.inner_text())

        def python_says(code: str = "explorer.summary") -> str:
            said = notebook.ask(scratch, f"print({code})")
            notebook.show(cell)
            summary.wait_for()
            return said

        gate = move(explorer.get_by_label("input gate i", exact=True), *["ArrowRight"] * 7)
        assert "the cell ends at" in gate and gate == python_says()

        start = move(explorer.get_by_label("Start of both paths"), "Shift+ArrowRight", "ArrowUp")
        assert start != gate and start == python_says()
        assert python_says("explorer.start") == "(-0.6, 1.12)"

        back = python_says('setattr(explorer, "forget", 0.9) or explorer.summary')  # and the other way round
        page.wait_for_function("text => document.querySelector('.mlx-summary').textContent == text", arg=back)
        assert "f = 0.9" in back

        assert page.locator(".mlx-error:visible").count() == 0
        browser.close()
    assert not complaints
