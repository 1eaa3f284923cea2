"""The three browsers that tests drive: the system's own Chromium, Firefox and WebKit, installed where one is missing.

Imports nothing that must be installed: start.py runs this while it installs, or before.
"""

import os
import shutil
import subprocess
import sys

from mlteach.errors import MlteachError

#: What tests look for -> what Debian and Ubuntu call it. WebKit shows its window on a screen that Xvfb makes.
PACKAGES = {
    ("chromium", "chromium-browser", "google-chrome"): ("chromium", "fonts-dejavu-core"),
    ("firefox-esr", "firefox"): ("firefox-esr",),
    ("WebKitWebDriver",): ("webkit2gtk-driver",),
    ("Xvfb",): ("xvfb",),
}


def missing() -> list[str]:
    """The packages of those browsers that are not here."""
    return [
        package
        for programs, packages in PACKAGES.items()
        if not any(map(shutil.which, programs))
        for package in packages
    ]


def install() -> str:
    """Install what is missing, with the system's package manager; returns what was done. Raises MlteachError."""
    wanted = missing()
    if not wanted:
        return "Chromium, Firefox and WebKit are here."
    by_hand = f"Install {', '.join(wanted)} (Debian's names) with your system's own means; without them their tests are skipped."
    if shutil.which("apt-get") is None:
        raise MlteachError(f"Browsers are installed here where the system has apt-get. {by_hand}")
    as_root = [] if not hasattr(os, "geteuid") or os.geteuid() == 0 else ["sudo", "--non-interactive"]
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *wanted]):
        try:
            code: int | str = subprocess.call([*as_root, *quiet, *command])
        except OSError as error:  # no sudo
            code = error.strerror or str(error)
        if code:
            raise MlteachError(
                f"apt-get could not install the browsers (above is what it said; {code}). {by_hand}"
            )
    return f"Installed {', '.join(wanted)}."


if __name__ == "__main__":  # as start.py calls it, in a Python that may have nothing of the course
    try:
        print(install())
    except MlteachError as error:
        sys.exit(str(error))
