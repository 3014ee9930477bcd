"""Tests have the same names whenever and wherever they are collected: several workers share them out by name."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def start_collecting(hash_seed):
    """A process that prints the names of all tests, slow ones as well."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts=", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**environment, "PYTHONHASHSEED": str(hash_seed)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_collections_find_the_same_names():
    first = start_collecting(hash_seed=1)
    time.sleep(1.1)  # a second is the least step of the times that files hold
    second = start_collecting(hash_seed=2)
    outputs = [process.communicate()[0] for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0], outputs[0]
    names, again = ([line for line in output.splitlines() if "::" in line] for output in outputs)
    assert len(names) > 1000
    assert names == again
