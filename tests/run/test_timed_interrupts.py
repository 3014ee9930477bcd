"""SIGINT at ten moments of each strategy: an answer within a step and one second, that says what it is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cases import SOLVES

SCRIPT = Path(__file__).parent / "timed_interrupts.py"


@pytest.mark.slow
@pytest.mark.parametrize("name", SOLVES)
def test_sigint_at_ten_moments(name):
    done = subprocess.run([sys.executable, str(SCRIPT), name], capture_output=True, text=True, check=True)
    whole, *lines = map(json.loads, done.stdout.splitlines())
    assert len(lines) == 10
    for line in lines:
        if line["after"] is None:
            continue  # the solve was over before
        assert line["after"] < whole["step"] + 1.0
        if line["status"] == "no answer":
            assert line["rows"] == 0 or name == "continuation"
        else:
            assert line["status"] == "interrupted" and not line["converged"]
    assert any(line["status"] == "interrupted" for line in lines)
