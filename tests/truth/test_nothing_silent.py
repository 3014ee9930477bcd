"""Nothing is silently wrong: cases of the reports; random problems, also cut short, contradicted, and with jumps.

``QUICK`` are those that take about a second; all cases, and fifty numbers of each kind of random problem, are slow.
"""

import pytest

from truth.case import judge
from truth.cases import CASES
from truth.fuzz import judged
from truth.run_cases import in_a_process

WRONG = {"SILENT", "COARSE", "FOREIGN", "LATE"}

QUICK = (
    "jump_line", "missing_size", "missing_end", "missing_slopes", "resonance_near", "hidden_rising",
    "jump_slight_1e-07", "jump_with_the_field", "jump_within_a_part", "missing_a_or_b", "contradiction_values",
    "hidden_cube", "hidden_stairs", "cooling_ball_2", "cooling_ball_0.05", "kelvin", "load_0.05",
)  # fmt: skip
QUICK_NUMBERS = {"a": (0, 4, 5), "b": (4,), "c": (5,), "d": (5,)}


def check(verdict):
    if verdict.word == "HANGS":
        pytest.skip(verdict.text)
    assert not set(verdict.word.split()) & WRONG, verdict


@pytest.mark.parametrize("name", QUICK)
def test_quick_cases(name):
    check(judge(CASES[name]))


@pytest.mark.parametrize("kind, number", [(k, n) for k, of in QUICK_NUMBERS.items() for n in of])
def test_quick_random_problems(kind, number):
    check(judged(kind, number, stop=20))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_cases(name):
    check(in_a_process(name, 60))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(50))
@pytest.mark.parametrize("kind", "abcd")
def test_random_problems(kind, number):
    check(judged(kind, number))
