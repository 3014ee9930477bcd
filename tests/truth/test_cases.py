"""The right answers of the cases are right: they satisfy the equations and conditions they are stated with."""

import warnings

import pytest

import gmnm_pde as g
from truth.cases import CASES

BEYOND = {
    # integrated numerically, or by series that the statement cannot differentiate
    "cooling", "tank", "boltzmann", "robertson", "prey", "van_der_pol", "wall", "warming",
    # kinks and singular points, at which a second derivative is no number
    "jump", "half_source", "tiny_hole", "slit", "crack", "root", "l_shape", "limit",
    # what is cut out of the graph has no derivatives
    "cut", "solution_as", "wells", "residual", "argument",
    # a parameter that no field tells
    "checkpoint_other_data",
}  # fmt: skip


def stated(name):
    one = CASES[name]
    if getattr(one.exact, "__qualname__", "").startswith("initial_value"):
        return False
    return one.make is not None and one.exact is not None and not any(name.startswith(word) for word in BEYOND)


@pytest.mark.parametrize("name", [name for name in CASES if stated(name)])
def test_right_answers_satisfy_their_statements(name):
    one = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", g.NumericalWarning)
        problem = one.make()
    problem.exact = one.exact
    problem.verify()
