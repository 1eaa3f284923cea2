"""JupyterLab as the course starts it: what it opens, and what it is told. `jupyter/README.md` says what each file does."""

import importlib.util
import os
import sys
from pathlib import Path

from mlteach.course import copies
from mlteach.course.lessons import LAB, LessonError
from mlteach.files import one_sentence
from mlteach.home import furnish

#: Jupyter's own list, and the sources, which hold the solutions.
HIDDEN = ("__pycache__", "*.pyc", "*.pyo", ".DS_Store", "*~", "src")


def server(page: Path, top: Path, *, copies: bool, hub: bool = False) -> tuple[list[str], dict[str, str]]:
    """The command that opens ``page`` in JupyterLab, and its environment.

    ``top``: the folder whose files can be opened. ``copies``: the page is a learner's own. ``hub``: it is one learner's server
    on a JupyterHub, which says by environment variables where it listens.
    """
    page = page.relative_to(top)
    settings = [str(LAB / "copies"), str(LAB)] if copies else [str(LAB)]
    settings += filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])
    environment = os.environ | {"JUPYTER_CONFIG_PATH": os.pathsep.join(settings)}
    if hub:
        kernels = [str(LAB / "hub"), *filter(None, [os.environ.get("JUPYTER_PATH")])]
        environment |= {"JUPYTER_PATH": os.pathsep.join(kernels)}
        environment.setdefault("JUPYTERHUB_DEFAULT_URL", f"/lab/tree/{page.as_posix()}")
        command = [sys.executable, "-m", "jupyterhub.singleuser"]
    else:
        command = [sys.executable, "-m", "jupyterlab", str(page)]
    # the whole course can be opened; what the list of files shows first is the folder of the page
    command += [f"--ServerApp.root_dir={top}", f"--FileContentsManager.preferred_dir={top / page.parent}"]
    command += [f"--ContentsManager.hide_globs={hidden}" for hidden in HIDDEN]
    command.append(f"--LabApp.extra_labextensions_path={LAB / 'labextensions'}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # the usual user inside a container; Jupyter refuses it unless told
    return command, environment


def furnished() -> None:
    """Make the learner's folder and what is missing in it, and print what they should know. Raises LessonError."""
    with one_sentence(LessonError, "make your folder"):
        furnish()
    for sentence in copies.bring():
        print(sentence, flush=True)


def must_be_on_a_hub() -> None:
    """Raise LessonError unless a JupyterHub has started this process, in an environment that has its other half."""
    if "JUPYTERHUB_API_TOKEN" not in os.environ:
        raise LessonError(
            "A JupyterHub calls this for a learner (docs/for_a_class.md). To open the course yourself, run: python3 start.py lab"
        )
    if importlib.util.find_spec("jupyterhub") is None:
        raise LessonError(
            f"The environment {sys.prefix} has no JupyterHub in it. Install the version that the hub has: "
            'pip install -c constraints.txt -e ".[course,hub]"'
        )
