"""Solves on domains of several materials, against exact solutions; one mixture in each, patches, slabs, files."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.collocation.members import members_of
from gmnm_pde.collocation.patchwise import Spread
from gmnm_pde.plots.patches import plot_patches

LINE = g.Interval(x=(0, 1))
SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
FIXED = [g.Dirichlet(u=lambda x: 1.0 * (x > 0.5))]


def heat(u, k):
    return g.div(k * g.grad(u))


def layers(conductivities, conditions=FIXED, **options):
    """A wall of equal layers between u(0) = 0 and u(1) = 1."""
    count = len(conductivities)
    names = [f"layer_{k}" for k in range(count)]
    flux = 1 / sum(1 / count / k for k in conductivities)
    starts = [flux * sum(1 / count / k for k in conductivities[:j]) for j in range(count)]

    def within(j):
        return lambda x: starts[j] + flux * (x - j / count) / conductivities[j]

    return g.Problem(
        LINE.split(at=[(j + 1) / count for j in range(count - 1)], names=names),
        heat,
        conditions,
        coefficients={"k": dict(zip(names, conductivities, strict=True))},
        exact={name: within(j) for j, name in enumerate(names)},
        **options,
    )


def stacked():
    return g.Problem(
        SQUARE.split(at={"y": 0.5}, names=("low", "high")),
        heat,
        [
            g.Dirichlet(u=293.15, on=SQUARE.face(y=0)),
            g.Condition(lambda u, k: k * g.normal_derivative(u) - 200, on=SQUARE.face(y=1), name="heated"),
            g.Neumann(u=0, on=SQUARE.face(x=0) | SQUARE.face(x=1)),
        ],
        coefficients={"k": {"low": 1.38, "high": 400.0}},
        exact={
            "low": lambda y: 293.15 + 200 * y / 1.38,
            "high": lambda y: 293.15 + 100 / 1.38 + 200 * (y - 0.5) / 400,
        },
    )


def check(problem, bound, *arguments, **options):
    problem.verify()
    solution = g.solve(problem, *arguments, **options)
    report = solution.report
    errors = report.relative_l2 if isinstance(report.relative_l2, dict) else {"u": report.relative_l2}
    assert report.converged, report
    assert max(errors.values()) <= bound, report
    assert max(errors.values()) <= 30 * report.error_estimate, report
    return solution


@pytest.mark.parametrize("conductivities", [(1.0, 10.0), (1.0, 30.0, 2.0)])
def test_layers(conductivities):
    check(layers(conductivities), 1e-12)


@pytest.mark.slow
def test_ten_layers():
    check(layers([1.0 + 3 * (k % 3) for k in range(10)]), 1e-11, tol=1e-10)


def test_two_stacked_materials():
    check(stacked(), 1e-7, g.Mixture(components=300, widths=2.0))


@pytest.mark.slow
def test_two_stacked_materials_to_ten_digits():
    check(stacked(), 1e-10)


def test_contact_resistance_and_a_source_on_the_interface():
    flux = 1 / (0.5 + 0.3 + 0.25)
    halves = LINE.split(at=0.5, names=("a", "b"))
    law = g.Interface(lambda u, flux: (flux.a - flux.b, 0.3 * flux.a - (u.b - u.a)), between=("a", "b"))
    exact = {"a": lambda x: flux * x, "b": lambda x: 1 - flux * (1 - x) / 2}
    known = {"coefficients": {"k": {"a": 1.0, "b": 2.0}}}
    check(g.Problem(halves, heat, [*FIXED, law], exact=exact, **known), 1e-12)
    source = g.Interface(lambda u, flux: (u.a - u.b, flux.a - flux.b - 6), between=("a", "b"))
    exact = {"a": lambda x: 2 * x, "b": lambda x: 2 * (1 - x)}
    check(g.Problem(halves, heat, [g.Dirichlet(u=0), source], exact=exact, **known), 1e-12)


def test_coefficients_that_vary_in_a_part_and_with_the_field():
    halves = LINE.split(at=0.5, names=("a", "b"))
    flux = 1 / (math.log(1.5) + (math.exp(-0.5) - math.exp(-1)) / 3)
    exact = {"a": lambda x: flux * torch.log(1 + x), "b": lambda x: 1 - flux / 3 * (torch.exp(-x) - math.exp(-1))}
    varying = {"k": {"a": lambda x: 1 + x, "b": lambda x: 3 * torch.exp(x)}}
    check(g.Problem(halves, heat, FIXED, coefficients=varying, exact=exact), 1e-11)
    # u' (2 + u) = flux on both sides, with k = 2 + u and k = 2 (2 + u) / 2: the same equation, stated in two ways
    whole = {"k": {"a": lambda u: 2 + u, "b": lambda u: (4 + 2 * u) / 2}}
    check(g.Problem(halves, heat, FIXED, coefficients=whole, exact=lambda x: torch.sqrt(4 + 5 * x) - 2), 1e-11)


def test_a_composite_wall_in_time():
    check(g.registry.load("composite_wall"), 1e-3, g.Mixture(components=100, widths=1.5))


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [None, 2])
def test_a_composite_wall_in_time_or_in_blocks(blocks):
    check(g.registry.load("composite_wall"), 1e-6, tol=1e-6, blocks=blocks)


def anisotropic():
    """k = 1 on the left, a full matrix on the right; u is linear on both sides."""
    exact = {"a": lambda x, y: 2.5 * (x - 0.5) + 0.5 * y, "b": lambda x, y: (x - 0.5) + 0.5 * y}

    def equation(u, xx, xy, yy):
        u_x, u_y = g.grad(u)
        return g.div(xx * u_x + xy * u_y, xy * u_x + yy * u_y)

    return g.Problem(
        SQUARE.split(at={"x": 0.5}, names=("a", "b")),
        equation,
        [g.Dirichlet(u=lambda x, y: torch.where(x < 0.5, 2.5 * (x - 0.5), x - 0.5) + 0.5 * y)],
        coefficients={"xx": {"a": 1, "b": 2}, "xy": {"a": 0, "b": 1}, "yy": {"a": 1, "b": 3}},
        exact=exact,
    )


def oblique():
    """An interface that runs from side to side at an angle; u is linear on both sides of it."""
    slope = math.sqrt(1.16)
    beyond = ((4 * slope - 0.4 / slope) / 3 + 0.4 / slope) / slope
    exact = {
        "a": lambda x, y: 4 * (y - 0.3 - 0.4 * x) + x,
        "b": lambda x, y: beyond * (y - 0.3 - 0.4 * x) + x,
    }
    below = g.Polygon([(0, 0), (1, 0), (1, 0.7), (0, 0.3)])
    return g.Problem(
        SQUARE.split(by=below, names=("a", "b")),
        heat,
        [g.Dirichlet(u=lambda x, y: torch.where(y < 0.3 + 0.4 * x, exact["a"](x, y), exact["b"](x, y)))],
        coefficients={"k": {"a": 1.0, "b": 3.0}},
        exact=exact,
    )


def ring():
    """A ring of two materials; u depends on the radius alone."""
    flux = 1 / (math.log(2) / 5 + math.log(1 / 0.6))

    def exact(inner, k, value):
        return lambda x, y: value + flux * torch.log(torch.sqrt(x**2 + y**2) / inner) / k

    return g.Problem(
        g.Annulus(center=(0, 0), inner=0.3, outer=1).split(by=g.Disk(center=(0, 0), radius=0.6), names=("a", "b")),
        heat,
        [g.Dirichlet(u=lambda x, y: 1.0 * (x**2 + y**2 > 0.36))],
        coefficients={"k": {"a": 5.0, "b": 1.0}},
        exact={"a": exact(0.3, 5.0, 0.0), "b": exact(1.0, 1.0, 1.0)},
    )


def in_space():
    box = g.Box(x=(0, 1), y=(0, 1), z=(0, 1))
    exact = {"a": lambda x, z: x + 4 * (z - 0.5), "b": lambda x, z: x + (z - 0.5)}
    return g.Problem(
        box.split(at={"z": 0.5}, names=("a", "b")),
        heat,
        [g.Dirichlet(u=lambda x, z: x + torch.where(z < 0.5, 4.0, 1.0) * (z - 0.5))],
        coefficients={"k": {"a": 1.0, "b": 4.0}},
        exact=exact,
    )


@pytest.mark.parametrize(
    ("make", "components", "width", "bound"),
    [(anisotropic, 200, 1.5, 1e-5), (oblique, 200, 1.5, 1e-5), (ring, 250, 2.5, 1e-2), (in_space, 200, 1.0, 1e-2)],
)
def test_in_the_plane_and_in_space(make, components, width, bound):
    check(make(), bound, g.Mixture(components=components, widths=width))


@pytest.mark.slow
@pytest.mark.parametrize("conductivity", [1000.0, 1e-3])
def test_a_disk_in_a_square(conductivity):
    check(g.registry.load("two_materials", conductivity=conductivity), 1e-6, tol=1e-6)


def test_parts_on_patches():
    """Boxes that the circle cuts hold two mixtures, the others one; the rows do not depend on the units of k."""
    problem = g.registry.load("two_materials", conductivity=3.0)
    solution = check(problem, 1e-2, g.Mixture(components=60, widths=0.7, patches=4))
    members = solution.approximator.members
    assert len({member.box for member in members}) == 16 and 16 < len(members) < 32
    other = g.Problem(
        problem.domain,
        lambda u, k: 1e6 * g.div(k * g.grad(u)),
        problem.conditions,
        coefficients={"k": {"disk": 3.0, "square": 1.0}},
    )
    again = g.solve(other, g.Mixture(components=60, widths=0.7, patches=4))
    x = torch.linspace(-0.9, 0.9, 40, dtype=torch.float64)
    torch.testing.assert_close(again(x, x), solution(x, x), rtol=1e-6, atol=1e-6)


def test_windows_sum_to_one_in_every_part():
    domain = g.Rectangle(x=(-1, 1), y=(-1, 1)).split(by=g.Disk(center=(0.1, 0), radius=0.6), names=("a", "b"))
    partition = g.Partition.even((3, 3)).split([(4, (0, 1))])
    members = members_of(domain, partition)
    points = 2 * torch.rand(500, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 1
    for part in (0, 1):
        own = points[domain.owner(points) == part]
        total = torch.zeros(len(own), dtype=torch.float64)
        among = [member.box for member in members if member.part == part]
        for _, rows, window in partition.windows(own, [(1, 0)], among):
            total[rows] += window[0, 0]
        torch.testing.assert_close(total, torch.ones_like(total))


def test_every_part_gets_its_points():
    problem = g.registry.load("two_materials", radius=0.05)
    whole = g.Partition.even((1, 1))
    small, large = Spread(problem, whole, 100, "chebyshev", 0, members=members_of(problem.domain, whole)).place()[:2]
    for placed, part in ((small, 0), (large, 1)):
        assert len(placed.cloud) >= 90
        assert (problem.domain.owner(placed.cloud.points) == part).all()


def test_solves_resume_and_weights_are_known_by_the_names_as_stated(tmp_path):
    problem = layers((1.0, 3.0))
    options = {"model": g.Mixture(components=20, widths=1.0, patches=2), "checkpoint": tmp_path / "c"}
    first, again = (g.solve(problem, weights={"equation": 2.0, "interface": 3.0}, **options) for _ in range(2))
    x = torch.linspace(0, 1, 20, dtype=torch.float64)
    assert torch.equal(first(x), again(x)) and len(plot_patches(first).axes)
    with pytest.raises(g.GmnmError, match="a term or a group"):
        g.solve(problem, weights={"equations": 2.0})


def test_files_hold_the_parts(tmp_path):
    problem = g.registry.load("two_materials", conductivity=2.0)
    solution = g.solve(problem, g.Mixture(components=40, widths=1.5))
    solution.save(tmp_path / "solution.safetensors")
    loaded = g.load_solution(tmp_path / "solution.safetensors")
    x = torch.linspace(-1, 1, 50, dtype=torch.float64)
    assert torch.equal(loaded(x, 0.3 * x), solution(x, 0.3 * x))
    known = g.load_solution(tmp_path / "solution.safetensors", problem=problem)
    assert set(known.residuals(torch.stack([x, x], 1))) == {"equation"}
    with pytest.raises(g.GmnmError, match="another"):
        g.load_solution(tmp_path / "solution.safetensors", problem=g.registry.load("two_materials"))


def test_files_of_parts_that_are_made_of_functions_need_the_problem(tmp_path):
    bounds = ((-0.5, 0.5), (-0.5, 0.5))
    blob = g.SignedDistance(lambda x, y: 0.4 - torch.sqrt(x**2 + y**2), x=bounds[0], y=bounds[1])
    square = g.Rectangle(x=(-1, 1), y=(-1, 1)).split(by=blob, names=("a", "b"))
    problem = g.Problem(square, heat, [g.Dirichlet(u=lambda x: x)], coefficients={"k": {"a": 2.0, "b": 1.0}})
    solution = g.solve(problem, g.Mixture(components=30, widths=1.0))
    solution.save(tmp_path / "s.safetensors")
    with pytest.raises(g.GmnmError, match=r"problem=\.\.\."):
        g.load_solution(tmp_path / "s.safetensors")
    loaded = g.load_solution(tmp_path / "s.safetensors", problem=problem)
    assert loaded(0.1, 0.2) == solution(0.1, 0.2)


def test_a_system_of_first_order_and_observations():
    """Fields of first order are continuous by the fluxes of the equations; each observation belongs to its part."""
    flux = 1 / (0.5 / 2 + 0.5 / 5)
    exact = {"a": lambda x: (flux * x / 2, flux + 0 * x), "b": lambda x: (1 - flux * (1 - x) / 5, flux + 0 * x)}
    points = torch.tensor([[0.25], [0.75], [0.375]])
    problem = g.Problem(
        LINE.split(at=0.5, names=("a", "b")),
        lambda u, q, k, x: {"law": q - k * g.diff(u, x), "balance": g.diff(q, x)},
        [*FIXED, g.Observations(points, u=[flux / 8, 1 - flux / 20, flux * 0.375 / 2])],
        fields=("u", "q"),
        coefficients={"k": {"a": 2.0, "b": 5.0}},
        exact=exact,
    )
    check(problem, 1e-8, g.Mixture(components=30, widths=1.0))


@pytest.mark.parametrize(
    "options",
    [
        {"model": "mlp"},
        {"method": "gauss-newton"},
        {"hard": True},
        {"engine": "reverse"},
        {"model": g.Mixture(active=1)},
    ],
)
def test_what_is_not_solved_on_parts(options):
    with pytest.raises(g.GmnmError, match="where the domain has parts"):
        g.solve(stacked(), **options)


@pytest.mark.parametrize("width", [1e-3, 1e-6])
@pytest.mark.parametrize("declared", [True, False])
def test_a_layer_that_is_thinner_than_any_spacing_of_points(width, declared):
    # of three resistances 0.4, 1 and 0.6 - width, from u = 0 to u = 1
    if not declared and width < 1e-4:
        pytest.skip("it is not found")
    conductivity = {"a": 1.0, "b": width, "c": 1.0}
    if declared:
        domain = LINE.split(at=(0.4, 0.4 + width), names=tuple(conductivity))
        problem = g.Problem(domain, heat, FIXED, coefficients={"k": conductivity})
    else:
        problem = g.Problem(LINE, lambda u, x: heat(u, torch.where((x > 0.4) & (x < 0.4 + width), width, 1.0)), FIXED)
    solution = g.solve(problem, tol=1e-6)
    assert solution.report.converged
    assert solution(x=0.2).item() == pytest.approx(0.2 / (2 - width), rel=1e-6)
    assert solution(x=0.8).item() == pytest.approx(1 - 0.2 / (2 - width), rel=1e-6)
