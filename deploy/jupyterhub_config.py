"""A class on JupyterHub: one course for all to read, everything a learner makes in their own home. See docs/for_a_class.md.

The Littlest JupyterHub reads it as a file in /opt/tljh/config/jupyterhub_config.d/; alone it is `jupyterhub -f` of it.
"""

import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821  (JupyterHub gives it)

#: Each folder in it is one version of the course: a checkout, which learners may read, with its environment in .venv.
COURSES = Path(os.environ.get("MLTEACH_COURSES", "/srv/mlteach"))
#: How many work at the same time, how many cores they share, and the memory of each (JupyterHub's own notation).
LEARNERS = int(os.environ.get("MLTEACH_LEARNERS", "30"))
CORES = os.cpu_count() or 1
MEMORY = os.environ.get("MLTEACH_MEMORY", "3G")
#: Seconds without anything to do after which a kernel, then the server around it, is ended.
IDLE_KERNEL, IDLE_SERVER = 30 * 60, 60 * 60


def versions():
    """The names of the versions that are installed, the newest by name first."""
    found = COURSES.glob("*/.venv/bin/python")
    return sorted((each.parts[-4] for each in found), reverse=True)


def choices(spawner):
    """A form where there is a choice; with one version JupyterHub starts it without asking."""
    names = versions()
    if len(names) < 2:
        return ""
    options = "".join(f"<option>{name}</option>" for name in names)
    return (
        '<label for="version">Which course?</label> '
        f'<select name="version" id="version" class="form-control">{options}</select>'
    )


def chosen(spawner):
    """Before a learner's server starts: the version's own environment, and a folder of that version in the learner's home."""
    wanted = spawner.user_options.get("version", "")
    name = wanted[0] if isinstance(wanted, list) else wanted
    names = versions()
    if not names:
        raise RuntimeError(f"No course is installed in {COURSES}; docs/for_a_class.md says how.")
    if name not in names:
        name = names[0]
    python = COURSES / name / ".venv" / "bin" / "python"
    spawner.cmd = [str(python), "-m", "mlteach", "hub"]
    spawner.environment = {**spawner.environment, "MLTEACH_HOME": f"~/mlteach-{name}"}


c.Spawner.options_form = choices
c.Spawner.pre_spawn_hook = chosen
c.Spawner.mem_limit = MEMORY
c.Spawner.start_timeout = 300  # thirty servers that start at once wait for each other
c.Spawner.http_timeout = 120

# Thirty kernels that each take all cores for one product of two matrices spend their time on taking turns. A core a learner
# at most; where a machine has more cores than learners, they are shared out.
threads = str(max(1, CORES // LEARNERS))
c.Spawner.environment.update(
    {name: threads for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
)
# Of a kernel that nobody uses the variables go, the notebook stays as it was saved. A cell that runs is never ended.
c.Spawner.args = [
    f"--MappingKernelManager.cull_idle_timeout={IDLE_KERNEL}",
    "--MappingKernelManager.cull_interval=60",
    "--MappingKernelManager.cull_connected=True",  # also behind a tab that was left open
]
if "tljh" not in sys.modules:  # The Littlest JupyterHub brings its own
    c.JupyterHub.services = [
        {
            "name": "idle-culler",
            "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE_SERVER}"],
        }
    ]
    c.JupyterHub.load_roles = [
        {
            "name": "idle-culler",
            "services": ["idle-culler"],
            "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        }
    ]
