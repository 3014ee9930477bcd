"""Tests have the same names whenever and wherever they are collected: several workers share them out by name.

Slow, since workers that collect other names than each other, each with hashes of its own, end any run of several.
"""

import os
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def collected(hash_seed):
    """The names of all tests, slow ones as well, in another process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts=", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**environment, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "::" in line]


@pytest.mark.slow
def test_another_collection_finds_the_same_names(request):
    """The tests of this run, whichever were chosen, are among all, each file's in the same order."""
    names = collected(hash_seed=1)
    places = {name: place for place, name in enumerate(names)}
    here = [item.nodeid for item in request.session.items]
    assert len(names) == len(places) > 1000
    assert all(name in places for name in here), [name for name in here if name not in places]
    for _, of_file in groupby(here, key=lambda name: name.partition("::")[0]):
        order = [places[name] for name in of_file]
        assert order == sorted(order)


@pytest.mark.slow
def test_two_collections_with_other_hashes_find_the_same_names():
    assert collected(hash_seed=1) == collected(hash_seed=2)
