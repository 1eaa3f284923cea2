"""Runs an explorer's JavaScript in Node, so that it can be compared with its Python twin."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlteach.explore.base import script


@pytest.fixture(scope="session")
def node() -> str:
    """Path of Node: the system's, else the one that comes with Playwright."""
    path = shutil.which("node")
    if path is None:
        from playwright._impl._driver import compute_driver_executable

        path, _ = compute_driver_executable()
    return path


@pytest.fixture
def javascript(node: str, tmp_path: Path) -> Callable[..., Any]:
    """``javascript("gradient_cell", "m.paths(data)", data)``: evaluate an expression with the explorer's module as ``m``."""

    def run(name: str, expression: str, data: Any) -> Any:
        module = tmp_path / f"{name}.mjs"
        module.write_text(script(name), encoding="utf-8")
        program = (
            f"import * as m from {json.dumps(module.as_uri())}; import {{ readFileSync }} from 'node:fs';"
            f"const data = JSON.parse(readFileSync(0, 'utf8')); console.log(JSON.stringify({expression}));"
        )
        done = subprocess.run(
            [node, "--input-type=module", "-e", program],
            input=json.dumps(data), capture_output=True, text=True, encoding="utf-8", timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
