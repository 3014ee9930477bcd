"""A flux is the same whether it is written in one piece or in several, also where a lower one of them jumps."""

import math

import pytest
import torch

from gmnm_pde import (
    Dirichlet,
    GmnmError,
    Initial,
    Interface,
    Interval,
    Neumann,
    Problem,
    Rectangle,
    Time,
    diff,
    div,
    grad,
    laplacian,
    solve,
)
from gmnm_pde.residuals.pointwise import Placed, linearize, zero_jets
from gmnm_pde.sampling import Cloud

LINE, SQUARE = Interval(x=(0, 1)), Rectangle(x=(0, 1), y=(0, 1))
PARTS = LINE.split(at=0.3, names=("a", "b"))
ZERO = Dirichlet(u=0)
ENDS = [Dirichlet(u=0, on=SQUARE.face(x=0) | SQUARE.face(x=1)), Neumann(u=0, on=SQUARE.face(y=0) | SQUARE.face(y=1))]


def step(x, low=1.0, high=2.0, at=0.3):
    return torch.where(x > at, high, low)


def unit_step(x):
    return step(x, 0.0, 1.0, 0.5)


def points(count=500):
    return (torch.arange(count, dtype=torch.float64) + 0.5) / count


def error(solution, exact, **at):
    x = points()
    names = [name for name in solution.coordinates if name != "x"]
    found, right = solution(x=x, **{name: torch.full_like(x, at.get(name, 0.37)) for name in names}), exact(x)
    return ((found - right).norm() / right.norm()).item()


def cell(x):
    """(k u')' + k' = 0 with k = 1 and 2: u' + 1 = q / k."""
    q = 1 / (0.3 + 0.35)
    return torch.where(x < 0.3, (q - 1) * x, (q - 1) * 0.3 + (q / 2 - 1) * (x - 0.3))


def drifting(x):
    """u'' - (b u)' = 0, b = 1 and 3, between u(0) = 1 and u(1) = 0, where u and u' - b u are continuous."""
    e = math.exp(0.3)

    def free(x):
        return torch.where(x < 0.3, torch.exp(x), e * torch.exp(3 * (x - 0.3)))

    def forced(x):
        far = torch.exp(3 * (x - 0.3))
        return torch.where(x < 0.3, torch.exp(x) - 1, far * (e - 1) + (far - 1) / 3)

    end = torch.ones(1, dtype=torch.float64)
    return free(x) - free(end) / forced(end) * forced(x)


def hat(x):
    return 0.3 + 0.4 * x - (x - 0.3).abs()


SLOPED = [Dirichlet(u=lambda x: 1 - x)]
B = {"b": {"a": 1.0, "b": 3.0}}
K = {"k": {"a": 1.0, "b": 2.0}}
STEADY = {
    "drift, declared": (
        lambda: Problem(PARTS, lambda u, b, x: diff(u, x, x) - diff(b * u, x), SLOPED, coefficients=B),
        drifting,
    ),
    "drift": (lambda: Problem(LINE, lambda u, x: diff(u, x, x) - diff(step(x, 1.0, 3.0) * u, x), SLOPED), drifting),
    "cell, declared": (
        lambda: Problem(PARTS, lambda u, k, x: diff(k * diff(u, x), x) + diff(k + 0 * x, x), [ZERO], coefficients=K),
        cell,
    ),
    "cell in the plane": (lambda: Problem(SQUARE, lambda u, x: div(step(x) * grad(u)) + diff(step(x), x), ENDS), cell),
    "kink": (lambda: Problem(LINE, lambda u, x: diff(u, x, x) + diff((x - 0.3).abs(), x, x), [ZERO]), hat),
    "kink, nested": (
        lambda: Problem(LINE, lambda u, x: diff(diff(u, x), x) + diff(diff(2 * torch.relu(x - 0.3), x), x), [ZERO]),
        hat,
    ),
    "kink in the plane": (
        lambda: Problem(SQUARE, lambda u, x: laplacian(u) + diff((x - 0.3).abs(), x, x), ENDS),
        hat,
    ),
    "step": (lambda: Problem(LINE, lambda u, x: diff(u, x, x) + diff(step(x, 0.0, 2.0), x), [ZERO]), hat),
}


@pytest.mark.parametrize("name", STEADY)
def test_pieces_that_jump_belong_to_the_flux(name):
    make, exact = STEADY[name]
    solution = solve(make(), tol=1e-6)
    assert solution.report.converged
    assert error(solution, exact) < 1e-7


def test_pieces_that_jump_in_time():
    domain, both = LINE * Time(t=(0, 1)), [*SLOPED, Initial(u=drifting)]
    equation = lambda u, x, t: diff(u, t) - diff(u, x, x) + diff(step(x, 1.0, 3.0) * u, x)  # noqa: E731
    assert error(solve(Problem(domain, equation, both), tol=1e-6), drifting, t=1.0) < 1e-7


def test_a_point_source_whose_strength_changes():
    """u_t = u_xx + (1 + t) delta_x, of which the modes are known."""
    domain = LINE * Time(t=(0, 1))
    equation = lambda u, x, t: diff(u, t) - diff(u, x, x) - (1 + t) * diff((x - 0.3).abs(), x, x) / 2  # noqa: E731
    solution = solve(Problem(domain, equation, [ZERO, Initial(u=0)]), tol=1e-3)

    def exact(x):
        """G (1 + t) less what diffusion is behind, sum (1 / l^2) terms, at t = 1, where exp(-l) is far below."""
        k = torch.arange(1, 200, dtype=torch.float64)[:, None] * math.pi
        green = torch.where(x < 0.3, 0.7 * x, 0.3 * (1 - x))
        waves, decay = torch.sin(0.3 * k) * torch.sin(k * x), torch.exp(-(k**2))
        behind = 2 * waves * ((1 - decay) / k**4 + decay / k**2)
        return 2 * green - behind.sum(dim=0)

    assert solution.report.converged
    assert error(solution, exact, t=1.0) < solution.report.error_estimate


def test_drift_that_is_smooth_adds_no_law():
    problem = Problem(PARTS, lambda u, x: diff(u, x, x) - diff((1 + x) * u, x), SLOPED)
    law = next(term for term in problem.terms if term.group == "interface")
    at = torch.tensor([[0.3]], dtype=torch.float64)
    placed = Placed(law, Cloud(at, torch.ones_like(at)))
    flux = linearize(problem, placed, at, zero_jets(law, at, 2), [])["a|b_flux"]
    assert {alpha for (_, alpha), slope in flux.slopes.items() if slope.any()} == {(1,)}


def test_a_law_of_ones_own_sees_the_whole_flux():
    """Where a field jumps by contact, what drifts flows through it too."""

    def law(u, flux):
        return {"flux": flux.a - flux.b, "jump": flux.a - 5 * (u.b - u.a)}

    found = []
    for equation in (lambda u, x: diff(diff(u, x) - 2 * u, x), lambda u, x: diff(u, x, x) - diff(2 * u, x)):
        problem = Problem(PARTS, equation, [*SLOPED, Interface(law, between=("a", "b"))])
        found.append(solve(problem, tol=1e-6)(points()))
    assert (found[0] - found[1]).abs().max() < 1e-6


def jumping(x):
    return x - unit_step(x)


def contrast(x):
    """k (u + H)' is the same everywhere, k = 1 and 2 on both sides of 1/2, and u + H is continuous."""
    f = 1 / 0.75
    return torch.where(x < 0.5, f * x, f / 2 + f / 2 * (x - 0.5)) - unit_step(x)


def k(x):
    return step(x, 1.0, 2.0, 0.5)


TWICE = {
    "inside": (lambda u, x: diff(u + unit_step(x), x, x), [ZERO], jumping),
    "beside": (lambda u, x: diff(u, x, x) + diff(unit_step(x), x, x), [ZERO], jumping),
    "coefficient": (lambda u, x: diff(k(x) * u, x, x), [Dirichlet(u=lambda x: 1 + x)], lambda x: (1 + 3 * x) / k(x)),
    "with contrast": (lambda u, x: diff(k(x) * diff(u + unit_step(x), x), x), [ZERO], contrast),
    "with contrast, beside": (
        lambda u, x: diff(k(x) * diff(u, x), x) + diff(k(x) * diff(unit_step(x), x), x),
        [ZERO],
        contrast,
    ),
}


@pytest.mark.parametrize("name", TWICE)
def test_what_is_differentiated_twice_is_continuous(name):
    equation, conditions, exact = TWICE[name]
    solution = solve(Problem(LINE, equation, conditions), tol=1e-6)
    assert solution.report.converged
    assert error(solution, exact) < 1e-7


def test_what_drifts_with_a_field_that_jumps():
    """(u + H)'' = u': u jumps by -1, and so does its slope."""
    e, s = math.e, math.exp(0.5)
    laws = torch.tensor([[1 - s, s, 1.0], [-s, s, 0.0], [0.0, e, 1.0]], dtype=torch.float64)
    low, high, free = torch.linalg.solve(laws, torch.tensor([-1.0, -1.0, 0.0], dtype=torch.float64))
    solution = solve(Problem(LINE, lambda u, x: diff(u + unit_step(x), x, x) - diff(u, x), [ZERO]), tol=1e-6)
    exact = lambda x: torch.where(x < 0.5, low * (torch.exp(x) - 1), high * torch.exp(x) + free)  # noqa: E731
    assert error(solution, exact) < 1e-7


def test_a_factor_that_changes_there_is_refused():
    equation = lambda u, k, x: diff(u, x, x) + x * diff(k + 0 * x, x, x)  # noqa: E731
    with pytest.raises(GmnmError, match="differentiates twice"):
        Problem(PARTS, equation, [ZERO], coefficients=K)


@pytest.mark.parametrize("sign", [lambda s: s.abs() / s, lambda s: s / torch.sqrt(s**2)])
def test_a_sign_that_is_a_quotient(sign):
    def exact(x):
        return torch.where(x < 0.4, x**2 / 2 - 1.7 * x, -0.6 - (x**2 - 0.16) / 2 + 1.7 * (x - 0.4))

    solution = solve(Problem(LINE, lambda u, x: diff(sign(x - 0.4) * diff(u, x), x) + 1, [ZERO]), tol=1e-6)
    assert "divided at x = 0.4" in solution.report.reason
    assert error(solution, exact) < 1e-7
