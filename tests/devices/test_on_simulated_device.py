"""Solves on a device that is not the CPU, simulated on the CPU: what would fail on a GPU fails here."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch.utils.backend_registration", reason="the simulated device needs a newer PyTorch")
CASES = Path(__file__).with_name("cases.py")


@pytest.mark.parametrize("group", [pytest.param("training", marks=pytest.mark.slow), "mixtures"])
def test_the_digits_are_those_of_the_cpu(group):
    """In a process of its own, for which the device is registered."""
    ended = subprocess.run([sys.executable, CASES, group], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
