"""Cases of start.py: setting the course up. Its folder here is one where nothing is installed."""

import contextlib
import io
import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType, SimpleNamespace

from mlteach.course.lessons import ROOT
from tests.robustness.table import Room, case

SETUP = "Setting up"


def start(room: Room) -> ModuleType:
    """start.py in a folder of its own."""
    spec = spec_from_file_location("start", ROOT / "start.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("pyproject.toml", "constraints.txt"):
        (room.folder / name).touch()
    room.patch.chdir(room.folder)
    for name, value in (
        ("ROOT", room.folder),
        ("VENV", room.folder / ".venv"),
        ("PYTHON", room.folder / ".venv" / "bin" / "python"),
    ):
        room.patch.setattr(module, name, value)
    room.patch.setattr(module, "STAMP", room.folder / ".venv" / "installed.txt")
    room.patch.setattr(module, "LOG", room.folder / ".venv" / "install.log")
    return module


@case(
    SETUP,
    "Python is too old",
    "This course needs Python 3.11 or newer; this is Python 3.9.\nInstall a newer one from python.org or with your package "
    "manager, then run: python3.11 start.py",
)
def too_old(room: Room) -> str:
    module, said = start(room), io.StringIO()
    room.patch.setattr(module, "sys", SimpleNamespace(version_info=(3, 9, 1)))
    with contextlib.redirect_stdout(said):
        assert module.main() == 1
    return said.getvalue()


NO_ENVIRONMENT = (
    "Python could not make a virtual environment here. It said: {}\nIf that is about venv or ensurepip: on Debian and Ubuntu "
    "run sudo apt install python3-venv\nElse check that you may write into … and that the disk is not full, then call this again."
)
for wrong, said in (
    ("Python comes without venv", "No module named venv"),
    ("a read-only folder", "Error: [Errno 30] Read-only file system: '.venv'"),
    (".venv was made by a Python that is gone, and no other can be made", "no space left"),
):

    @case(SETUP, wrong, NO_ENVIRONMENT.format(said))
    def no_environment(room: Room, said: str = said) -> None:
        module = start(room)
        (room.folder / ".venv").mkdir()
        room.patch.setattr(module, "refusal", lambda command: said)
        assert module.main() == 1


@case(
    SETUP,
    "pip has no network",
    "pip could not install the course. It said:\n  ERROR: No matching distribution found for setuptools>=77\nThe whole of it "
    "is in …. Check the network and the free disk space (2 GB), then call this again.",
)
def offline(room: Room) -> None:
    module = start(room)
    (room.folder / ".venv" / "bin").mkdir(parents=True)
    pip = room.folder / ".venv" / "bin" / "python"
    pip.write_text(
        f"#!{sys.executable}\nprint('ERROR: No matching distribution found for setuptools>=77')\nraise SystemExit(1)\n"
    )
    pip.chmod(0o755)
    room.patch.setattr(module, "refusal", lambda command: None)
    assert module.main() == 1


@case(
    SETUP,
    "a file called .venv",
    "… is a file, and the course's environment belongs there. Move it away, then call this again.",
)
def a_file(room: Room) -> None:
    (room.folder / ".venv").write_text("mine")
    assert start(room).main() == 1


@case(
    SETUP,
    "a full disk",
    "The course could not be set up or started: No space left on device (…). Check that you may write into … and that its "
    "disk is not full, then call this again.",
)
def full(room: Room) -> None:
    def refuse(wanted: str) -> None:
        raise OSError(28, "No space left on device", "install.log")

    module = start(room)
    room.patch.setattr(module, "install", refuse)
    assert module.main() == 1
