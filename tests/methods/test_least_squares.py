"""Least squares and Newton's method, and the width search, on small systems of their own."""

import itertools
import math
from dataclasses import dataclass

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.fitting.widths import search_widths
from gmnm_pde.methods.least_squares import best_truncated
from gmnm_pde.methods.monitor import Monitor


def system(rows=60, columns=12, seed=0, decay=0.0):
    generator = torch.Generator().manual_seed(seed)
    A = torch.randn(rows, columns, dtype=torch.float64, generator=generator)
    scales = torch.exp(-decay * torch.arange(columns, dtype=torch.float64))
    return A * scales, torch.randn(rows, dtype=torch.float64, generator=generator)


@dataclass
class Curve:
    """theta -> residual(theta) of a small nonlinear system, for Newton."""

    function: object
    first: tuple
    linear: bool = False

    @property
    def columns(self):
        return len(self.first)

    def start(self):
        return torch.tensor(self.first, dtype=torch.float64)

    def residual(self, theta):
        return self.function(theta)

    def blocks(self, theta):
        yield torch.func.jacfwd(self.function)(theta), self.function(theta)


SYSTEMS = {
    "circle and line": (Curve(lambda t: torch.stack([t[0] ** 2 + t[1] ** 2 - 4, t[0] - t[1]]), (3.0, 0.5)), 0.0),
    "Rosenbrock": (Curve(lambda t: torch.stack([10 * (t[1] - t[0] ** 2), 1 - t[0]]), (-1.2, 1.0)), 0.0),
    "Beale": (
        Curve(
            lambda t: torch.stack([y - t[0] * (1 - t[1] ** k) for k, y in ((1, 1.5), (2, 2.25), (3, 2.625))]),
            (1.0, 1.0),
        ),
        0.0,
    ),
    "misfit that stays": (Curve(lambda t: torch.stack([t[0] - 1, t[0] + 1, t[0] ** 2]), (2.0,)), math.sqrt(2)),
}
"""From J. J. More, B. S. Garbow, K. E. Hillstrom, Testing unconstrained optimization software (1981), and by hand."""


@pytest.mark.parametrize("name", SYSTEMS)
def test_newton_arrives(name):
    curve, misfit = SYSTEMS[name]
    outcome = g.LeastSquares().run(curve)
    assert outcome.converged, outcome.reason
    assert curve.residual(outcome.theta).norm().item() == pytest.approx(misfit, rel=2e-3, abs=1e-6)


@pytest.mark.parametrize("useless", [math.nan, math.inf, 1e200])
def test_a_useless_initial_guess_is_left_for_the_start(useless):
    curve, misfit = SYSTEMS["circle and line"]
    start = torch.full_like(curve.start(), useless)
    assert not torch.isfinite(curve.residual(start)).all()
    outcome = g.LeastSquares().run(curve, start=start)
    assert outcome.converged
    assert curve.residual(outcome.theta).norm().item() == pytest.approx(misfit, rel=2e-3, abs=1e-6)


def test_newton_converges_quadratically():
    curve, _ = SYSTEMS["circle and line"]
    steps = []
    monitor = Monitor()
    monitor.step = steps.append
    g.LeastSquares().run(curve, monitor=monitor)
    norms = [step.norm for step in steps]
    fast = [later <= 2 * earlier**2 for earlier, later in itertools.pairwise(norms) if 1e-6 < earlier < 0.5]
    assert fast and all(fast), norms


def test_full_steps_help_where_damped_ones_fail():
    """A growth law from zero: the linearised solution overshoots, and Newton then halves it down."""
    problem = g.Problem(
        g.Time(t=(0, 10)),
        lambda u, t: g.diff(u, t) - u * (1 - u),
        [g.Initial(u=0.1)],
        exact=lambda t: 1 / (1 + 9 * torch.exp(-t)),
    )
    report = g.solve(problem).report
    assert report.converged and report.relative_l2 < 1e-10


def test_newton_says_where_it_stopped():
    stuck = Curve(lambda t: torch.stack([t[0] ** 2 + 1]), (0.3,))
    outcome = g.LeastSquares(max_steps=30).run(stuck)
    assert outcome.theta.abs().max() < 1.0
    assert curve_norm(stuck, outcome.theta) <= curve_norm(stuck, stuck.start())
    hasty = g.LeastSquares(max_steps=1).run(SYSTEMS["Rosenbrock"][0])
    assert not hasty.converged and "no convergence in 1 Newton steps" in hasty.reason


def curve_norm(curve, theta):
    return curve.residual(theta).norm().item()


def test_truncation_prefers_what_holds_on_other_points():
    A, b = system()
    outcome = g.LeastSquares().run(Curve(lambda t: A @ t - b, (0.0,) * 12, linear=True))
    assert torch.equal(best_truncated(outcome, lambda theta: (theta - outcome.theta).norm().item()), outcome.theta)
    assert best_truncated(outcome, lambda theta: 1.0 if theta is outcome.theta else 0.5) is not outcome.theta


@pytest.mark.parametrize("valley", [(3.0, 3.0), (0.5, 8.0), (20.0, 20.0)])
def test_widths_are_found(valley):
    calls = []

    def score(widths):
        calls.append(widths)
        return math.exp(sum((math.log2(w) - math.log2(v)) ** 2 for w, v in zip(widths, valley, strict=True)))

    found = search_widths(score, (1.5, 1.5), octaves=(1.0, 0.5), by_axis=True)
    assert all(abs(math.log2(w / v)) <= 0.6 for w, v in zip(found, valley, strict=True))
    assert len(calls) == len(set(calls))


@pytest.mark.parametrize("arguments", [{"max_steps": 0}, {"max_steps": 2.5}, {"oversampling": 0.9}])
def test_bad_arguments(arguments):
    with pytest.raises(g.GmnmError, match="LeastSquares"):
        g.LeastSquares(**arguments)
