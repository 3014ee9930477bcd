"""An end of the space without a condition where the equation asks for one leaves the answer open; that is said."""

import pytest
import torch

from gmnm_pde import Dirichlet, Initial, Interval, Neumann, Observations, Periodic, Problem, Time, diff, solve
from gmnm_pde.evolution.reading.counting import free_end

LINE = Interval(x=(0, 1))
DOMAIN = LINE * Time(t=(0, 0.5))


def wave(u, x, t):
    return diff(u, t, t) - diff(u, x, x)


def heat(u, x, t):
    return diff(u, t) - diff(u, x, x)


AT_REST = [Initial(u=lambda x: torch.sin(torch.pi * x)), Initial(u=0, order=1)]
LEFT, RIGHT = Dirichlet(u=0, on=LINE.face(x=0)), Neumann(u=0, on=LINE.face(x=1))


@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
@pytest.mark.parametrize(
    ("equation", "conditions", "free"),
    [
        (wave, [LEFT, *AT_REST], "'u' at x = 1"),
        (wave, [RIGHT, *AT_REST], "'u' at x = 0"),
        (wave, [LEFT, RIGHT, *AT_REST], ""),
        (wave, [Periodic("x"), *AT_REST], ""),
        (heat, [LEFT, AT_REST[0]], "'u' at x = 1"),
        (heat, [LEFT, Neumann(u=1, on=LINE.face(x=0)), AT_REST[0]], ""),  # as many conditions, all on one side
        (heat, [LEFT, AT_REST[0], Observations([[0.5, 0.2]], u=[0.1])], ""),  # data may say the rest
        (lambda u, x, t: diff(u, t) + diff(u, x), [LEFT, AT_REST[0]], ""),  # what flows in is known
        (lambda u, x, t: diff(u, t) - diff(x * (1 - x) * diff(u, x), x), [AT_REST[0]], ""),  # nothing asks at the ends
    ],
)
def test_ends_where_a_field_is_left_free(equation, conditions, free):
    assert free in free_end(Problem(DOMAIN, equation, conditions))
    assert bool(free) == bool(free_end(Problem(DOMAIN, equation, conditions)))


@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
def test_a_wave_with_a_side_left_free_is_not_converged():
    report = solve(Problem(DOMAIN, wave, [LEFT, *AT_REST]), tol=1e-3, blocks=False).report
    assert not report.converged
    assert report.status == "not_unique"
