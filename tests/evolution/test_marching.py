"""Marches of small problems: digits, orders, conditions of every kind, and what is said where steps end."""

import math

import pytest
import torch
from scipy.optimize import brentq

from gmnm_pde import (
    Condition,
    Dirichlet,
    Evolution,
    GmnmError,
    Initial,
    Interval,
    Neumann,
    Periodic,
    Problem,
    Robin,
    Time,
    diff,
    load_solution,
    normal_derivative,
    registry,
    solve,
)
from gmnm_pde.evolution.reading import read
from gmnm_pde.evolution.reading.counting import require_conditions
from gmnm_pde.evolution.space.banded import BandedGalerkin
from gmnm_pde.models.modes import LocalCells, Piecewise

UNIT = Interval(x=(0, 1)) * Time(t=(0, 1))
PI = math.pi


def decaying(x, t):
    return torch.exp(-t) * torch.cos(x)


def radiation(u, x, t):
    return diff(u, x) + u**3 - (decaying(x, t) ** 3 - torch.exp(-t) * torch.sin(x))


def error_of(solution):
    error = solution.report.relative_l2
    return max(error.values()) if isinstance(error, dict) else error


@pytest.mark.parametrize("name", ["heat", "burgers", "klein_gordon", "schrodinger", "convection", "lotka_volterra"])
def test_problems_of_the_registry_are_marched_to_the_tolerance(name):
    solution = solve(registry.load(name), tol=1e-6)
    assert solution.report.method.startswith("evolution")
    assert solution.report.converged
    assert error_of(solution) < 1e-6
    assert 0.1 * error_of(solution) < solution.report.error_estimate < 100 * error_of(solution)


@pytest.mark.parametrize(
    "conditions",
    [
        [Dirichlet(u=decaying)],
        [
            Dirichlet(u=decaying, on=UNIT.face(x=0)),
            Neumann(u=lambda t: -torch.exp(-t) * math.sin(1), on=UNIT.face(x=1)),
        ],
        [
            Neumann(u=0, on=UNIT.face(x=0)),
            Robin(2.0, 1.0, u=lambda t: torch.exp(-t) * (2 * math.cos(1) - math.sin(1)), on=UNIT.face(x=1)),
        ],
        [
            Dirichlet(u=decaying, on=UNIT.face(x=0)),
            Condition(
                lambda u, x, t: diff(u, x) + u**3 - (decaying(x, t) ** 3 - torch.exp(-t) * torch.sin(x)),
                on=UNIT.face(x=1),
            ),
        ],
        [
            Dirichlet(u=decaying, on=UNIT.face(x=1)),
            Condition(lambda u, t: diff(u, t) + u + diff(u, "x"), on=UNIT.face(x=0), name="dynamic"),
        ],
    ],
    ids=["data in time", "mixed", "robin", "radiation", "derivative in time"],
)
def test_conditions_on_sides(conditions):
    problem = Problem(
        UNIT,
        lambda u, x, t: diff(u, t) - diff(u, x, x),
        [*conditions, Initial(u=lambda x: torch.cos(x))],
        exact=decaying,
    )
    solution = solve(problem, tol=1e-7)
    assert solution.report.converged and error_of(solution) < 1e-7
    assert solution.report.method.startswith("evolution")


def test_second_order_in_time_and_fourth_in_space():
    problem = Problem(
        UNIT,
        lambda u, x, t: diff(u, t, t) + diff(u, x, x, x, x),
        [
            Dirichlet(u=0),
            Condition(lambda u, x: diff(u, x, x), on=UNIT.boundary, name="moment"),
            Initial(u=lambda x: torch.sin(PI * x)),
            Initial(u=0, order=1),
        ],
        exact=lambda x, t: torch.sin(PI * x) * torch.cos(PI**2 * t),
    )
    solution = solve(problem, tol=1e-6)
    assert solution.report.converged and error_of(solution) < 1e-6


def test_mixed_derivatives_and_a_mass_that_depends_on_the_state():
    domain = Interval(x=(-20, 20)) * Time(t=(0, 2))

    def wave(x, t):
        return 1.5 / torch.cosh(0.5 * math.sqrt(1 / 3) * (x - 1.5 * t)) ** 2

    mixed = Problem(
        domain,
        lambda u, x, t: diff(u, t) + diff(u, x) + u * diff(u, x) - diff(u, x, x, t),
        [Dirichlet(u=wave), Initial(u=lambda x: wave(x, 0 * x))],
        exact=wave,
    )
    solution = solve(mixed, tol=1e-6)
    assert solution.report.converged and error_of(solution) < 1e-6

    def source(x, t):
        u = decaying(x, t)
        return -(1 + u**2) * u + u

    mass = Problem(
        UNIT,
        lambda u, x, t: diff(u + u**3 / 3, t) - diff(u, x, x) - source(x, t),
        [Dirichlet(u=decaying), Initial(u=lambda x: torch.cos(x))],
        exact=decaying,
    )
    solution = solve(mass, tol=1e-7)
    assert solution.report.converged and error_of(solution) < 1e-7


def test_periodic_lines():
    domain = Interval(x=(0, 2)) * Time(t=(0, 1))
    problem = Problem(
        domain,
        lambda u, x, t: diff(u, t) + diff(u, x) - 0.1 * diff(u, x, x),
        [Periodic("x"), Initial(u=lambda x: torch.sin(PI * x))],
        exact=lambda x, t: torch.exp(-0.1 * PI**2 * t) * torch.sin(PI * (x - t)),
    )
    solution = solve(problem, tol=1e-9)
    assert solution.report.converged and error_of(solution) < 1e-9


def test_an_initial_value_that_no_condition_meets():
    def series(x, t):
        odd = torch.arange(1, 400, 2, dtype=torch.float64)
        terms = torch.sin(PI * odd * x[..., None]) * torch.exp(-((PI * odd) ** 2) * t[..., None]) / odd
        return 4 / PI * terms.sum(dim=-1)

    with pytest.warns(UserWarning, match="cannot be continuous"):
        problem = Problem(UNIT, lambda u, x, t: diff(u, t) - diff(u, x, x), [Dirichlet(u=0), Initial(u=1)])
    solution = solve(problem, tol=1e-4)
    assert solution.report.converged
    x = torch.linspace(0, 1, 101, dtype=torch.float64)
    for time, most in ((1e-3, 1e-4), (0.1, 1e-5)):
        t = torch.full_like(x, time)
        assert (solution(x, t) - series(x, t)).abs().max() < most


@pytest.mark.slow
def test_conditions_that_switch_in_time():
    left, right = UNIT.face(x=0), UNIT.face(x=1)
    with pytest.warns(UserWarning, match="cannot be continuous"):
        problem = Problem(
            UNIT,
            lambda u, x, t: diff(u, t) - diff(u, x, x),
            [
                Dirichlet(u=1, on=left.where(lambda t: t < 0.25)),
                Neumann(u=0, on=left.where(lambda t: t >= 0.25)),
                Neumann(u=0, on=right),
                Initial(u=0),
            ],
        )
    solution = solve(problem, tol=1e-4)
    assert solution.report.converged
    x = torch.linspace(0, 1, 2001, dtype=torch.float64)
    mass = [torch.trapezoid(solution(x, torch.full_like(x, t)), x).item() for t in (0.25, 0.6, 1.0)]
    assert abs(solution(0.0, 0.2) - 1) < 1e-5
    assert max(mass) - min(mass) < 1e-4  # no flux any more: what is inside stays


def test_a_solution_that_grows_without_bound_ends_where_it_does():
    problem = Problem(Time(t=(0, 2)), lambda u, t: diff(u, t) - u**2, [Initial(u=1)])
    solution = solve(problem, tol=1e-6)
    assert not solution.report.converged
    assert "t = 1" in solution.report.reason or "t = 0.99" in solution.report.reason
    assert abs(solution(0.5) - 2) < 1e-5
    assert torch.isnan(torch.as_tensor(solution(1.5)))


def test_the_derivatives_of_a_march_solve_its_equations():
    solution = solve(registry.load("burgers"), tol=1e-7)
    residual = solution.residuals(torch.rand(200, 2, generator=torch.Generator().manual_seed(0)).double())
    assert residual["equation"].abs().max() < 1e-3


def test_a_march_is_saved_and_read_with_the_same_digits(tmp_path):
    solution = solve(registry.load("convection"), tol=1e-6)
    solution.save(tmp_path / "march.safetensors")
    read_back = load_solution(tmp_path / "march.safetensors")
    x, t = torch.rand(2, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.equal(solution(x, t), read_back(x, t))


def test_blocks_and_other_choices_keep_to_least_squares():
    assert solve(registry.load("heat"), blocks=False, tol=1e-4).report.method.startswith("least squares")
    assert solve(registry.load("heat"), method="least-squares", tol=1e-4).report.method.startswith("least squares")


def test_the_method_by_hand():
    solution = solve(registry.load("heat"), method=Evolution(stages=3, polynomials=12), tol=1e-5)
    assert solution.report.converged and solution.report.method.startswith("evolution")
    assert solve(registry.load("heat"), method="evolution", tol=1e-5).report.converged


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: Evolution(stages=4), "3, 5 or 7"),
        (lambda: Evolution(polynomials=2), "from 4 to 40"),
        (lambda: solve(registry.load("poisson"), method=Evolution()), "it has no time"),
        (
            lambda: solve(Problem(Time(t=(0, 1)), lambda u, t: diff(u, t, t) + u, [Initial(u=1)]), method=Evolution()),
            "no initial value of the derivative of 'u'",
        ),
        (lambda: solve(registry.load("heat_inverse"), method="evolution"), "cannot be marched"),
    ],
)
def test_what_cannot_be_marched_is_refused(act, words):
    with pytest.raises(GmnmError, match=words):
        act()


def test_slopes_are_those_of_the_residual():
    statements = read(registry.load("schrodinger"))
    basis = Piecewise(LocalCells((*statements.bounds[0][:1], 0.3, *statements.bounds[0][1:]), 10, 2))
    system, generator = BandedGalerkin(statements, basis), torch.Generator().manual_seed(0)
    jets = [torch.randn(1, 2, basis.count, generator=generator, dtype=torch.float64) for _ in range(2)]
    slopes = system.slopes(torch.tensor(0.1, dtype=torch.float64), jets)
    change, time = torch.randn(system.count, generator=generator, dtype=torch.float64), torch.tensor([0.1]).double()
    for order in range(2):
        ends = [
            system.residual(
                time, [own + sign * 1e-6 * change.view(1, 2, -1) * (j == order) for j, own in enumerate(jets)]
            )
            for sign in (1, -1)
        ]
        assert torch.allclose((ends[0] - ends[1])[0] / 2e-6, slopes.apply(order, change), rtol=1e-4, atol=1e-4)
    right = torch.randn(system.count, generator=generator, dtype=torch.float64).to(torch.complex128)
    solved = slopes.factorised(3 + 2j).solve(right)
    again = sum((3 + 2j) ** j * (slopes.apply(j, solved.real) + 1j * slopes.apply(j, solved.imag)) for j in range(2))
    assert torch.allclose(again, right, atol=1e-9)


UNDETERMINED = {
    "an end without a condition": [Dirichlet(u=0, on=UNIT.face(x=0))],
    "no condition": [],
    "one too many": [Dirichlet(u=0), Neumann(u=0, on=UNIT.face(x=0))],
    "twice with other values": [Dirichlet(u=0), Dirichlet(u=1, on=UNIT.face(x=0))],
    "for half of the time": [
        Dirichlet(u=0, on=UNIT.face(x=0)),
        Dirichlet(u=0, on=UNIT.face(x=1).where(lambda t: t < 0.5)),
    ],
}


@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
@pytest.mark.parametrize("name", UNDETERMINED)
def test_as_many_conditions_are_asked_for_as_equations_take(name):
    heat = Problem(
        UNIT,
        lambda u, x, t: diff(u, t) - diff(u, x, x),
        [*UNDETERMINED[name], Initial(u=lambda x: torch.sin(PI * x))],
    )
    with pytest.raises(GmnmError, match=r"conditions at the ends of x, and its equations ask for 2"):
        solve(heat, method="evolution")


def test_systems_take_as_many_conditions_as_their_order():
    for name in ("schrodinger", "kdv", "beltrami", "wave_2d", "fokker_planck"):
        require_conditions(read(registry.load(name)))


def test_an_initial_value_that_jumps():
    """Cells end where it jumps, so that steps begin with all that there is of it."""
    line = Interval(x=(0, 1))
    problem = Problem(
        line * Time(t=(0, 0.1)),
        lambda u, x, t: diff(u, t) - diff(u, x, x),
        [Dirichlet(u=0), Initial(u=lambda x: torch.where((x - 0.5).abs() < 0.2, 1.0, 0.0))],
    )
    solution = solve(problem, tol=1e-4)
    n = torch.arange(1, 60, dtype=torch.float64) * torch.pi
    x = torch.linspace(0, 1, 51, dtype=torch.float64)
    sines = 2 / n * (torch.cos(0.3 * n) - torch.cos(0.7 * n)) * torch.exp(-(n**2) * 0.05)
    series = (sines * torch.sin(n * x[:, None])).sum(dim=1)
    assert solution.report.converged
    left = torch.as_tensor(solution(x=x, t=torch.full_like(x, 0.05))) - series
    assert left.norm() / series.norm() < min(1e-4, 10 * solution.report.error_estimate)


def test_a_tank_at_the_end_of_a_rod():
    """A field that is the same everywhere, w_x = 0, with an equation of its own at the end: 1/2 w' = -u_x."""
    line = Interval(x=(0, 1))

    def at_end(u, w, t):
        return {"heat": diff(w, t) / 2 + normal_derivative(u), "contact": u - w}

    problem = Problem(
        line * Time(t=(0, 1)),
        lambda u, w, x, t: {"rod": diff(u, t) - diff(u, x, x), "tank": diff(w, x)},
        [
            Dirichlet(u=0, on=line.face(x=0)),
            Condition(at_end, on=line.face(x=1), name="end"),
            Initial(u=lambda x: x, w=1.0),
        ],
    )
    solution = solve(problem, tol=1e-6)
    # in functions sin(m x) with m sin(m) / 2 = cos(m), orthogonal with half of the values at the end
    rates = [brentq(lambda m: m * math.sin(m) / 2 - math.cos(m), k * math.pi, (k + 0.5) * math.pi) for k in range(30)]
    total = 0.0
    for m in rates:
        inner = (math.sin(m) - m * math.cos(m)) / m**2 + math.sin(m) / 2
        norm = 0.5 - math.sin(2 * m) / (4 * m) + math.sin(m) ** 2 / 2
        total += inner / norm * math.sin(m) * math.exp(-(m**2) * 0.5)
    assert solution.report.converged
    values = solution(x=0.3, t=0.5)
    assert abs(values["w"] - total) < 1e-6


@pytest.mark.parametrize("width", [2e-4, 1e-5])
def test_an_initial_spike_that_cells_would_miss(width):
    line, place = Interval(x=(0, 1)), 0.3137

    def spike(x):
        return torch.exp(-(((x - place) / width) ** 2)) / (width * math.pi**0.5)

    problem = Problem(
        line * Time(t=(0, 0.1)), lambda u, x, t: diff(u, t) - diff(u, x, x), [Dirichlet(u=0), Initial(u=spike)]
    )
    solution = solve(problem, tol=1e-6)
    n = torch.arange(1, 40, dtype=torch.float64) * math.pi
    series = (2 * torch.sin(n * place) * torch.sin(n * 0.5) * torch.exp(-(n**2) * 0.1)).sum().item()
    assert solution.report.converged and abs(solution(x=0.5, t=0.1) - series) < 1e-4


def test_a_coefficient_that_jumps_with_the_field_is_told():
    problem = Problem(
        Interval(x=(0, 1)) * Time(t=(0, 0.5)),
        lambda u, x, t: diff(u, t) - diff(torch.where(u > 0.5, 1.0, 0.1) * diff(u, x), x),
        [Dirichlet(u=lambda x: 1 - x), Initial(u=lambda x: 1 - x)],
    )
    report = solve(problem, tol=1e-6).report
    assert not report.converged and "jumps" in report.reason
