"""Solves of every kind come out as recorded: on any processor the same course, and errors of the same size.

That all digits are the same, which holds on one machine alone, is for ``golden_record.py`` to show.
"""

import json
import math
from pathlib import Path

import golden_cases
import golden_record
import pytest
import torch

RECORDED = json.loads((Path(__file__).parent / "recorded.json").read_text())
COURSE = ("rows", "steps", "components", "converged")

ROUNDING = 1e-11
"""Figures below this are rounding errors, of which none is expected twice."""

NOISY, FACTOR, FACTOR_OF_NOISY = 1e-6, 2.0, 10.0
"""Figures are met to a factor, and to a larger one below ``NOISY``, where rounding shows in ill-conditioned systems."""

MEANINGLESS = 1.0
"""Error estimates above this say no more than that nothing is known."""

FOUND = 1e-2
"""Parameters and eigenvalues are met to this part of them."""


@pytest.fixture(autouse=True)
def one_thread():
    """Solves as small as these are no faster on several threads, and much slower where others work beside them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def met(name, recorded, found):
    """Whether a figure is what was recorded."""
    if recorded is None or found is None:
        return recorded is found
    if name.startswith("found"):
        return math.isclose(recorded, found, rel_tol=FOUND)
    if name == "estimate" and recorded > MEANINGLESS:
        return found > MEANINGLESS / FACTOR
    factor = FACTOR if recorded > NOISY else FACTOR_OF_NOISY
    return max(recorded, found) < ROUNDING or recorded / factor <= found <= recorded * factor


DEAR = {
    "modes_on_patches", "modes_tol", "modes_hard", "noisy_field_cross_validation", "continuation_by_itself",
    "resumed_methods", "blocks_by_themselves",
}  # fmt: skip
"""Cases that take seconds, and are slow with the first seed already."""


def runs():
    """All cases with their seeds; the second seed is slow."""
    for seed in golden_record.SEEDS:
        for name in golden_cases.CASES:
            marks = [pytest.mark.slow] if seed or name in DEAR else []
            yield pytest.param(name, seed, id=f"{name}-{seed}", marks=marks)


def test_every_case_is_on_record():
    assert list(RECORDED) == list(golden_cases.CASES)


@pytest.mark.parametrize(("name", "seed"), list(runs()))
def test_solves_come_out_as_recorded(name, seed):
    solved, expected = golden_record.quiet_solve(name, seed), RECORDED[name][str(seed)]
    assert len(solved) == len(expected)
    for one, recorded in zip(solved, expected, strict=True):
        found = golden_record.portable(one)
        assert {key: found[key] for key in COURSE} == {key: recorded[key] for key in COURSE}
        assert found["figures"].keys() == recorded["figures"].keys()
        for key, figure in found["figures"].items():
            assert met(key, recorded["figures"][key], figure), f"{key}: {figure}, recorded {recorded['figures'][key]}"
    if name in golden_cases.ALIKE:
        every = [golden_record.of_any(one) for one in solved]
        assert every[::2] == every[1::2], "stopped and gone on with, the digits are others"
