"""A training that is killed again and again ends with the same bits. The table: python tests/training/kills.py 50."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs an operating system that forks")
def test_killed_and_killed_again_it_ends_with_the_same_bits():
    """In a process of its own: a fork is safe only where no other thread is at work."""
    command = [sys.executable, str(Path(__file__).with_name("kills.py")), "6"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every bit is the same" in done.stdout
    assert "6 kills at work" in done.stdout
