"""A kernel on a hub has a share of the memory, and says in one sentence when a cell asks for more."""

import os
import sys
from pathlib import Path

import pytest

from mlteach.course import memory
from mlteach.course.lessons import LAB

GB = 2**30


@pytest.mark.parametrize(
    ("given", "left"),
    [(str(2 * GB), 2 * GB - memory.SERVER), ("", None), ("1G", None), (str(memory.SERVER), None)],
)
def test_what_is_left_of_the_servers_share(
    given: str, left: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(memory.VARIABLE, given)
    assert memory.allowance() == left


@pytest.mark.skipif(sys.platform == "win32", reason="no hub runs on Windows")
def test_who_asks_for_more_is_told_and_the_kernel_lives(tmp_path: Path) -> None:
    from jupyter_client.manager import start_new_kernel

    environment = os.environ | {
        "JUPYTER_PATH": str(LAB / "hub"),
        memory.VARIABLE: str(memory.SERVER + GB),
        "IPYTHONDIR": str(tmp_path),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", environment["JUPYTER_PATH"])
        manager, client = start_new_kernel(kernel_name="python3", env=environment, startup_timeout=120)

    def run(code: str) -> str:
        said: list[str] = []

        def keep(message: dict) -> None:  # type: ignore[type-arg]
            content = message["content"]
            said.append(content.get("text", "") or "\n".join(content.get("traceback", [])))

        client.execute_interactive(code, output_hook=keep, timeout=120)
        return "".join(said)

    try:
        wanted = f"MemoryError: {memory.sentence(GB)}"
        assert run("import numpy, torch\nmany = 2**30") == ""
        assert run("torch.zeros(many)") == wanted
        assert run("numpy.ones(many)") == wanted
        assert run("bytearray(4 * many)") == wanted
        assert "1.0 GB" in wanted and "what you wrote stays" in wanted
        other = run("def f():\n    raise RuntimeError('of another kind')\nf()")
        assert all(
            word in other for word in ("of another kind", "raise", "line 2")
        )  # where it was raised is shown as ever
        assert run("print(torch.ones(3).sum().item())") == "3.0\n"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
