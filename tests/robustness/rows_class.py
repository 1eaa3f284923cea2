"""Cases of a class: many learners, one course that none of them may write into, a server with so much memory."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

from mlteach import home
from mlteach.course import memory
from mlteach.course.lab import must_be_on_a_hub
from mlteach.course.lessons import ROOT
from tests.robustness.table import Room, case

CLASS = "A class on one server"

for wrong, named, said in (
    ("names no whole path", "course", "MLTEACH_HOME names course, which is another folder in every notebook; write its whole path."),
    ("names a home that nobody has", "~nosuchuser", "The folder ~nosuchuser, which MLTEACH_HOME names, cannot be found (…); write its whole path."),
):  # fmt: skip

    @case(CLASS, f"MLTEACH_HOME {wrong}: `{named}`", said)
    def named_home(room: Room, named: str = named) -> None:
        room.patch.setenv(home.VARIABLE, named)
        home.home()


@case(
    CLASS,
    "somebody calls `hub` in a terminal",
    "A JupyterHub calls this for a learner (docs/for_a_class.md). To open the course yourself, run: python3 start.py lab",
)
def no_hub(room: Room) -> None:
    room.patch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    must_be_on_a_hub()


@case(
    CLASS,
    "the course's environment lacks JupyterHub's other half",
    "The environment … has no JupyterHub in it. Install the version that the hub has: "
    'pip install -c constraints.txt -e ".[course,hub]"',
)
def no_other_half(room: Room) -> None:
    room.patch.setenv("JUPYTERHUB_API_TOKEN", "one")
    room.patch.setattr(importlib.util, "find_spec", lambda name: None)
    must_be_on_a_hub()


@case(
    CLASS,
    "the hub's folder of courses is empty",
    "No course is installed in …; docs/for_a_class.md says how.",
)
def no_course(room: Room) -> str:
    try:
        configured(room.folder)["chosen"](SimpleNamespace(user_options={}, environment={}))
    except RuntimeError as error:
        return str(error)
    return ""


@case(
    CLASS,
    "a cell asks for more memory than a learner has",
    "This cell asks for more memory than the 1.0 GB that a kernel has on this server. Choose a smaller profile or a smaller batch, "
    "restart the kernel and run the lesson again; what you wrote stays.",
)
def too_much(room: Room) -> str:
    said: list[str] = []
    shell = SimpleNamespace(
        set_custom_exc=lambda kinds, say: said.append(say),
        showtraceback=lambda error, tb_offset: said.append(str(error[1])),
    )
    room.patch.setenv(memory.VARIABLE, str(memory.SERVER + 2**30))
    if sys.platform == "win32":  # where no hub runs
        return memory.sentence(2**30)
    room.patch.setattr(memory.resource, "setrlimit", lambda *_: None)
    memory.load_ipython_extension(shell)
    error = RuntimeError(
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 4294967296 bytes."
    )
    said[0](shell, RuntimeError, error, None)  # type: ignore[operator]
    return said[1]


def configured(courses: Path, **variables: str) -> dict[str, object]:
    """What stands in `deploy/jupyterhub_config.py` when JupyterHub has read it; "c" is its configuration."""
    import os

    from traitlets.config import Config

    kept = dict(os.environ)
    names: dict[str, object] = {}
    c = Config()
    try:
        os.environ |= {"MLTEACH_COURSES": str(courses), **variables}
        names = {"get_config": lambda: c}
        exec((ROOT / "deploy" / "jupyterhub_config.py").read_text(encoding="utf-8"), names)
    finally:
        os.environ.clear()
        os.environ |= kept
    return names
