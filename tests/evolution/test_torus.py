"""Two and three dimensions on a torus: stages without matrices against matrices, and against exact solutions."""

import math

import pytest
import torch

from gmnm_pde import Box, Initial, Observations, Periodic, Problem, Rectangle, Time, diff, laplacian, registry, solve
from gmnm_pde.evolution.marching import March
from gmnm_pde.evolution.reading import read
from gmnm_pde.evolution.reading.faces import Unsuited
from gmnm_pde.evolution.reading.initial import initial_values
from gmnm_pde.evolution.solvers import Direct, Stages
from gmnm_pde.evolution.solvers.krylov import Krylov
from gmnm_pde.evolution.space.control import SpaceControl
from gmnm_pde.evolution.space.galerkin import Galerkin
from gmnm_pde.evolution.steps import Accuracy
from gmnm_pde.models.modes import Product, Waves, radau

PI = math.pi
SQUARE = Rectangle(x=(0, 2 * PI), y=(0, 2 * PI)) * Time(t=(0, 1))
PERIODIC = [Periodic("x"), Periodic("y")]


def drifting(u, v, x, y, t):
    """Two fields that drift, diffuse and react: slopes of odd order with means, and slopes that vary."""
    return {
        "first": diff(u, t) + (1 + u) * diff(u, x) - 0.3 * laplacian(u) + u * v,
        "second": diff(v, t) + diff(v, x, x, y) - diff(v, y) * torch.cos(x) - 0.1 * laplacian(v) - u**2,
    }


def wave(u, x, y, t):
    return diff(u, t, t) - (1 + 0.3 * torch.sin(x)) * laplacian(u) + diff(u, t) + u**3


def problem(equations, **initial):
    start = [Initial(**{k: v}) for k, v in initial.items()]
    return Problem(domain=SQUARE, equations=equations, conditions=[*PERIODIC, *start])


CASES = {
    "drifting": lambda: problem(drifting, u=lambda x, y: torch.sin(x + y), v=lambda x, y: torch.cos(y)),
    "wave": lambda: Problem(
        domain=SQUARE,
        equations=wave,
        conditions=[*PERIODIC, Initial(u=lambda x, y: torch.sin(x + y)), Initial(u=0, order=1)],
    ),
    "taylor_green": lambda: registry.load("taylor_green"),
}


def stages_of(name, length=0.05):
    statements = read(CASES[name]())
    basis = Product([Waves(b, 4) for b in statements.bounds])
    state = [own.flatten() for own in initial_values(statements, basis)]
    allowed = torch.full((len(statements.orders),), 1e-9, dtype=torch.float64)
    return Stages(Galerkin(statements, basis), radau(3), 0.0, length, state, allowed)


@pytest.mark.parametrize("name", CASES)
def test_newton_steps_without_matrices_lead_where_those_with_matrices_do(name):
    stages = stages_of(name)
    jets = [*stages.state, *[torch.zeros_like(stages.state[0])] * (2 - len(stages.state))]
    jets += [torch.zeros_like(stages.state[0])] * (stages.system.statements.order + 1 - len(jets))
    dense = Direct(
        stages.system.slopes(torch.zeros((), dtype=torch.float64), stages.system.shaped([jet[None] for jet in jets]))
    )
    found = []
    for solver in (dense, Krylov(stages.system)):
        increments = torch.zeros(3, stages.system.count, dtype=torch.float64)
        for _ in range(25):
            change = solver.change(stages, solver.residual(stages, increments))
            assert change is not None
            increments = increments - change
        found.append(increments)
    assert found[0].norm() > 1e-2
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["drifting", "wave"])
def test_products_with_slopes_are_those_of_the_matrices(name):
    stages = stages_of(name)
    krylov = Krylov(stages.system)
    zero = torch.zeros(3, stages.system.count, dtype=torch.float64)
    krylov.residual(stages, zero)  # slopes are taken at the stages, at the first of which the state is as at the start
    jets = [jet[:1] for jet in stages.jets(zero)]
    slopes = stages.system.slopes(torch.zeros((), dtype=torch.float64), stages.system.shaped(jets))
    vector = torch.randn(stages.system.count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for order in range(len(jets)):
        torch.testing.assert_close(krylov.multiplied(order, vector), slopes.apply(order, vector), rtol=0, atol=1e-9)


def test_a_march_without_matrices_follows_an_exact_solution():
    """u_t + u_x + 2 u_y = 0.1 lap u + (u^2 - e^2): a wave that travels and decays, with a source that keeps it."""

    def exact(x, y, t):
        return torch.exp(-0.2 * t) * torch.sin(x + y - 3 * t)

    def equation(u, x, y, t):
        return diff(u, t) + diff(u, x) + 2 * diff(u, y) - 0.1 * laplacian(u) - u**2 + exact(x, y, t) ** 2

    stated = Problem(
        domain=SQUARE,
        equations=equation,
        conditions=[*PERIODIC, Initial(u=lambda x, y: exact(x, y, 0 * x))],
        exact=exact,
    )
    solution = solve(stated, tol=1e-9)
    assert solution.report.converged
    assert solution.report.relative_l2 < 1e-9


def test_pressure_is_found_and_meets_its_gauge():
    solution = solve(registry.load("taylor_green"), tol=1e-8)
    assert solution.report.converged
    points = torch.tensor([[0.0, 0.0, 0.3], [PI / 2, 0.0, 0.3], [PI / 2, PI / 2, 0.0]], dtype=torch.float64)
    pressure = solution.model(points)[:, 2]
    exact = registry.load("taylor_green").exact(*points.T)["p"]
    torch.testing.assert_close(pressure, exact, rtol=0, atol=1e-8)


def test_a_gauge_may_depend_on_time():
    times = torch.linspace(0, 1, 33, dtype=torch.float64)
    place = torch.stack([torch.full_like(times, 1.0), torch.full_like(times, 2.0), times], dim=1)
    stated = Problem(
        domain=SQUARE,
        equations=lambda u, p, x, y, t: {"u": diff(u, t) - laplacian(u), "p": laplacian(p) + u},
        conditions=[
            *PERIODIC,
            Initial(u=lambda x, y: torch.sin(x) * torch.sin(y)),
            Observations(place, p=torch.sin(times)),
        ],
    )
    solution = solve(stated, tol=1e-8)
    at = torch.tensor([[1.0, 2.0, 0.37], [0.0, 0.0, 0.37]], dtype=torch.float64)
    want = math.sin(0.37), math.sin(0.37) - math.sin(1.0) * math.sin(2.0) * math.exp(-2 * 0.37) / 2
    assert solution.model(at)[:, 1].tolist() == pytest.approx(want, abs=1e-8)


def test_values_at_given_points_of_a_field_that_is_no_constant_short_are_no_gauge():
    conditions = [*PERIODIC, Initial(u=lambda x, y: torch.sin(x)), Observations([[0.0, 0.0, 0.5]], u=0.0)]
    with pytest.raises(Unsuited, match="given points"):
        read(Problem(domain=SQUARE, equations=lambda u, x, y, t: diff(u, t) - laplacian(u), conditions=conditions))


def test_three_dimensions():
    space = Box(x=(0, 2 * PI), y=(0, 2 * PI), z=(0, 2 * PI)) * Time(t=(0, 0.5))

    def exact(x, y, z, t):
        return torch.exp(-3 * t) * torch.sin(x) * torch.sin(y + z)

    def equation(u, x, y, z, t):
        return diff(u, t) - laplacian(u) + u**3 - exact(x, y, z, t) ** 3

    stated = Problem(
        domain=space,
        equations=equation,
        conditions=[*PERIODIC, Periodic("z"), Initial(u=lambda x, y, z: exact(x, y, z, 0 * x))],
        exact=exact,
    )
    statements = read(stated)
    march = March(statements, Accuracy(1e-6, 1e-6, 5), SpaceControl(statements, 1e-6))
    march.run()
    step = march.steps[-1]
    points = step.basis.points
    values = step.basis.values(step.states[-1, 0], (0, 0, 0))
    want = exact(*points.T, torch.tensor(0.5, dtype=torch.float64))
    assert (values - want).norm() < 1e-6 * want.norm()
