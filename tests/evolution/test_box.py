"""Boxes of several dimensions: conditions met line by line against matrices, and against exact solutions."""

import math

import pytest
import torch

from gmnm_pde import (
    Condition,
    Dirichlet,
    Initial,
    Neumann,
    Periodic,
    Problem,
    Rectangle,
    Robin,
    Time,
    diff,
    laplacian,
    solve,
)
from gmnm_pde.evolution.marching import March
from gmnm_pde.evolution.reading import read
from gmnm_pde.evolution.reading.initial import initial_values
from gmnm_pde.evolution.solvers import Direct, Stages
from gmnm_pde.evolution.solvers.krylov import Krylov
from gmnm_pde.evolution.space import systems
from gmnm_pde.evolution.space.control import SpaceControl
from gmnm_pde.evolution.space.galerkin import Galerkin
from gmnm_pde.evolution.space.sides import SeparableGalerkin, across
from gmnm_pde.evolution.steps import Accuracy
from gmnm_pde.models.modes import Cells, Product, Waves, radau

pytestmark = pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")  # data that do not agree in corners

PI = math.pi
SPACE = Rectangle(x=(0, 1), y=(-1, 1))
DOMAIN = SPACE * Time(t=(0, 1))


def smooth(x, y):
    return torch.cos(2 * x + y) * torch.exp(0.3 * x)


def heat(u, x, y, t):
    return diff(u, t) - diff(u, x, x) - 0.5 * diff(u, y, y) + 0.2 * u - torch.sin(t) * x


def varying(u, x, y, t):
    return diff(u, t) - (1 + 0.5 * x * y) * laplacian(u) + u * diff(u, x) + u**3


def waves(u, x, y, t):
    return diff(u, t, t) + 0.3 * diff(u, t) - laplacian(u)


ROBIN = [Robin(2.0, 1.0, u=lambda t: torch.cos(t))]
MIXED = [
    Dirichlet(u=lambda y, t: t * y, on=SPACE.face(x=0)),
    Neumann(u=0.3, on=SPACE.face(x=1)),
    Robin(1.0, 2.0, u=0, on=SPACE.face(y=-1)),
    Dirichlet(u=lambda x, t: t + 0 * x, on=SPACE.face(y=1)),
]
CASES = {
    "heat": (heat, ROBIN, 1),
    "mixed": (heat, MIXED, 1),
    "varying": (varying, ROBIN, 1),
    "waves": (waves, ROBIN, 2),
}


def statements_of(name):
    equation, sides, order = CASES[name]
    start = [Initial(u=smooth), Initial(u=0, order=1)][:order]
    return read(Problem(domain=DOMAIN, equations=equation, conditions=[*sides, *start]))


def basis_of(statements):
    return Product([Cells(b, 9, 2) for b in statements.bounds])


def stages_of(system, statements, length=0.02):
    state = [own.flatten() for own in initial_values(statements, system.basis)]
    return Stages(system, radau(3), 0.1, length, state, torch.full((1,), 1e-10, dtype=torch.float64))


@pytest.mark.parametrize("name", CASES)
def test_stages_line_by_line_are_those_of_the_matrices(name):
    statements = statements_of(name)
    basis, conditions = basis_of(statements), across(statements)
    assert conditions is not None
    found = []
    for system in (Galerkin(statements, basis), SeparableGalerkin(statements, basis, conditions)):
        stages = stages_of(system, statements)
        if isinstance(system, SeparableGalerkin):
            solver = Krylov(system)
        else:
            jets = [*stages.state, torch.zeros_like(stages.state[0])]
            solver = Direct(
                system.slopes(torch.tensor(0.1, dtype=torch.float64), system.shaped([jet[None] for jet in jets]))
            )
        increments = torch.zeros(3, system.count, dtype=torch.float64)
        for _ in range(30):
            change = solver.change(stages, solver.residual(stages, increments))
            assert change is not None
            increments = increments - change
        found.append(increments)
    # conditions that do not agree in the corners are met there as well as can be in two ways
    part = 1e-9 if name != "mixed" else 0.5
    assert (found[1] - found[0]).norm() < part * found[0].norm()


def test_where_nothing_is_left_to_gmres_one_newton_step_is_enough():
    statements = statements_of("heat")
    system = systems.system_of(statements, Product([Cells(b, 12, 2) for b in statements.bounds]))
    assert isinstance(system, SeparableGalerkin)
    stages, solver = stages_of(system, statements), Krylov(system)
    zero = torch.zeros(3, system.count, dtype=torch.float64)
    first = solver.residual(stages, zero)
    left = solver.residual(stages, zero - solver.change(stages, first))
    assert solver.exact
    assert left.norm() < 1e-11 * first.norm()


@pytest.mark.parametrize(
    "condition",
    [
        Condition(lambda u, x: u * (1 + x), on=SPACE.face(y=1), name="varying"),
        Condition(lambda u, t: diff(u, t) + u, on=SPACE.face(y=1), name="in_time"),
        Condition(lambda u: diff(u, "x") + u, on=SPACE.face(y=1), name="oblique"),
        Condition(lambda u: u**3, on=SPACE.face(y=1), name="nonlinear"),
    ],
    ids=lambda condition: condition.name,
)
def test_conditions_that_are_none_of_lines_are_told_apart(condition):
    sides = [Dirichlet(u=0, on=SPACE.face(x=0) | SPACE.face(x=1))]
    conditions = [*sides, condition, Initial(u=smooth)]
    assert across(read(Problem(domain=DOMAIN, equations=heat, conditions=conditions))) is None


def exact_robin(x, y, t):
    """Eigenfunctions of du/dn + u = 0 on (-1, 1): k tan k = 1 (even), k = -tan k (odd)."""
    k, m = 0.8603335890193798, 2.0287578381104345
    return torch.exp(-(k**2 + m**2) * t) * torch.cos(k * x) * torch.sin(m * y)


def test_heat_in_a_square_with_robin_sides():
    square = Rectangle(x=(-1, 1), y=(-1, 1)) * Time(t=(0, 0.5))
    start = Initial(u=lambda x, y: exact_robin(x, y, 0 * x))
    conditions = [Robin(1.0, 1.0, u=0.0), start]
    stated = Problem(
        domain=square, equations=lambda u, t: diff(u, t) - laplacian(u), conditions=conditions, exact=exact_robin
    )
    solution = solve(stated, tol=1e-10)
    assert solution.report.converged
    assert solution.report.relative_l2 < 1e-10


def test_data_on_sides_that_change_in_time():
    def exact(x, y, t):
        return torch.sin(x + 2 * t) * torch.cos(y - t)

    def equation(u, x, y, t):
        source = 2 * torch.cos(x + 2 * t) * torch.cos(y - t) + torch.sin(x + 2 * t) * torch.sin(y - t)
        return diff(u, t) - laplacian(u) - source - 2 * exact(x, y, t)

    conditions = [Dirichlet(u=exact), Initial(u=lambda x, y: exact(x, y, 0 * x))]
    solution = solve(Problem(domain=DOMAIN, equations=equation, conditions=conditions, exact=exact), tol=1e-8)
    assert solution.report.converged
    assert solution.report.relative_l2 < 1e-8


def test_a_strip_that_is_periodic_along_one_coordinate():
    def exact(x, y, t):
        return torch.exp(-(1 + PI**2) * t) * torch.sin(x - t) * torch.sin(PI * y)

    def equation(u, x, y, t):
        return diff(u, t) + diff(u, x) - laplacian(u)

    strip = Rectangle(x=(0, 2 * PI), y=(0, 1))
    walls = Dirichlet(u=0, on=strip.face(y=0) | strip.face(y=1))
    stated = Problem(
        domain=strip * Time(t=(0, 0.2)),
        equations=equation,
        conditions=[Periodic("x"), walls, Initial(u=lambda x, y: exact(x, y, 0 * x))],
    )
    statements = read(stated)
    basis = Product([Waves((0, 2 * PI), 3), Cells((0.0, 1.0), 16, 2)])
    assert isinstance(SeparableGalerkin(statements, basis, across(statements) or []), SeparableGalerkin)
    march = March(statements, Accuracy(1e-8, 1e-8, 5), SpaceControl(statements, 1e-8, size=14))
    march.run()
    last = march.steps[-1]
    values = last.basis.values(last.states[-1, 0], (0, 0))
    want = exact(*last.basis.points.T, torch.tensor(0.2, dtype=torch.float64))
    assert (values - want).norm() < 1e-8 * want.norm()
