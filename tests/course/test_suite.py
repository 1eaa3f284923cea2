"""What the checks print is read as it was written, in whatever locale CI runs."""

import os
import subprocess
import sys

import pytest

from mlteach.course.lessons import ROOT

SHOWN = r"""
from mlteach.course.suite import call
call(["-c", r"import sys; sys.stdout.buffer.write(b'K\xc3\xa4se \xe2\x9c\x93'); sys.exit(1)"], None, quiet=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows names its locales otherwise")
def test_the_output_of_a_check_is_utf_8_in_any_locale() -> None:
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", SHOWN], capture_output=True, cwd=ROOT, env={**os.environ, **locale}
    )
    assert done.stdout.decode() == "K\u00e4se \u2713\n", done.stderr.decode()
