"""Boxes on domains of several parts: interfaces on sides of cells and through them, laws of one's own, estimates."""

import math

import pytest
import torch

from gmnm_pde import (
    Boxes,
    Dirichlet,
    Disk,
    Interface,
    Neumann,
    Problem,
    Rectangle,
    diff,
    div,
    grad,
    load_solution,
    solve,
)
from gmnm_pde.adaptivity.boxes.first_cells import inside
from gmnm_pde.models import Partition

SQUARE = Rectangle(x=(0, 1), y=(0, 1))


def heat(u, k):
    return div(k * grad(u))


def inclusion(k, radius=0.25, resistance=0.0):
    """A disk in a uniform field: the exact solution is a dipole outside."""
    inner = 2 * radius / (radius * (k + 1) + resistance * k)
    dipole = radius**2 * (1 - k * inner)

    def outside(x, y):
        return (x - 0.5) * (1 + dipole / ((x - 0.5) ** 2 + (y - 0.5) ** 2))

    def law(u, flux):
        return {"flux": flux.i - flux.o, "jump": resistance * flux.i - (u.o - u.i)}

    return Problem(
        SQUARE.split(by=Disk(center=(0.5, 0.5), radius=radius), names=("i", "o")),
        heat,
        [Dirichlet(u=outside), *([Interface(law, between=("i", "o"))] if resistance else [])],
        coefficients={"k": {"i": k, "o": 1.0}},
        exact={"i": lambda x: inner * (x - 0.5), "o": outside},
    )


def stacked(low=1.0, high=50.0):
    """Two materials with a face in common, on different sizes of boxes; harmonic in each."""

    def below(x, y):
        return torch.sin(math.pi * x) * torch.sinh(math.pi * (y - 0.5)) / low + torch.cos(math.pi * x) * torch.cosh(
            math.pi * (y - 0.5)
        )

    def above(x, y):
        return torch.sin(math.pi * x) * torch.sinh(math.pi * (y - 0.5)) / high + torch.cos(math.pi * x) * torch.cosh(
            math.pi * (y - 0.5)
        )

    return Problem(
        SQUARE.split(at={"y": 0.5}, names=("low", "high")),
        heat,
        [Dirichlet(u=lambda x, y: torch.where(y < 0.5, below(x, y), above(x, y)))],
        coefficients={"k": {"low": low, "high": high}},
        exact={"low": below, "high": above},
    )


def trusted(solution, tol):
    assert "boxes" in solution.report.method
    assert solution.report.converged
    assert solution.report.relative_l2 <= tol
    assert solution.report.relative_l2 <= 1.5 * solution.report.error_estimate + 1e-13


def test_two_materials_that_share_a_side():
    trusted(solve(stacked(), tol=1e-6), 1e-6)


def test_a_disk_of_another_material_cuts_cells():
    trusted(solve(inclusion(1000.0), tol=1e-2, method=Boxes(degree=10)), 1e-2)


def test_a_jump_where_parts_meet():
    trusted(solve(inclusion(5.0, radius=0.3, resistance=0.2), tol=1e-2, method=Boxes(degree=10)), 1e-2)


@pytest.mark.parametrize(
    ("law", "left", "right"),
    [
        (lambda flux: (flux.l, flux.r), 0.0, 1.0),
        (lambda flux: (flux.l - 1, flux.r - 1), 0.25, 0.75),
        (lambda u: (u.l - 1, u.r - 2), 0.5, 1.5),
    ],
    ids=["insulated", "given fluxes", "given values"],
)
def test_laws_need_not_couple_both_sides(law, left, right):
    walls = [Dirichlet(u=0, on=SQUARE.face(x=0)), Dirichlet(u=1, on=SQUARE.face(x=1))]
    insulated = Neumann(u=0, on=SQUARE.face(y=0) | SQUARE.face(y=1))
    parts = SQUARE.split(at={"x": 0.5}, names=("l", "r"))
    problem = Problem(parts, lambda u: div(grad(u)), [*walls, insulated, Interface(law, between=("l", "r"))])
    solution = solve(problem, tol=1e-6)
    assert solution.report.converged
    assert abs(solution(0.25, 0.5) - left) < 1e-10 and abs(solution(0.75, 0.5) - right) < 1e-10


def test_an_interface_through_cells_need_not_couple_both_sides():
    def outside(x, y):
        return (x - 0.5) * (1 + 0.0625 / ((x - 0.5) ** 2 + (y - 0.5) ** 2))

    problem = Problem(
        SQUARE.split(by=Disk(center=(0.5, 0.5), radius=0.25), names=("i", "o")),
        lambda u: div(grad(u)),
        [Dirichlet(u=outside), Interface(lambda u, flux: (u.i - 3, flux.o), between=("i", "o"))],
        exact={"i": lambda x: 3 + 0 * x, "o": outside},
    )
    trusted(solve(problem, tol=1e-6), 1e-6)


def test_two_fields_in_two_parts():
    size = {"a": 1.0, "b": 5.0}
    slope = {part: (3.0 - 1.0) / (1.0 + 2 * mu) for part, mu in size.items()}

    def elastic(u, v, mu, x, y):
        trace = diff(u, x) + diff(v, y)
        shear = mu * (diff(u, y) + diff(v, x))
        return {
            "x": diff(trace + 2 * mu * diff(u, x), x) + diff(shear, y),
            "y": diff(shear, x) + diff(trace + 2 * mu * diff(v, y), y),
        }

    def low(x, y):
        return x, slope["a"] * y

    def high(x, y):
        return x, slope["a"] * 0.5 + slope["b"] * (y - 0.5)

    problem = Problem(
        SQUARE.split(at={"y": 0.5}, names=("a", "b")),
        elastic,
        [Dirichlet(u=lambda x: x, v=lambda x, y: torch.where(y < 0.5, low(x, y)[1], high(x, y)[1]))],
        coefficients={"mu": size},
        exact={"a": low, "b": high},
    )
    solution = solve(problem, tol=1e-3)
    assert "boxes" in solution.report.method and solution.report.converged
    assert max(solution.report.relative_l2.values()) < 1e-6


def test_faces_where_parts_meet_come_in_pairs_of_one_span():
    domain = stacked().domain
    cells = Partition.even((2, 2)).split([(0, (0, 1))])
    layout, kept = inside(domain, cells)
    assert len(kept) == len(layout) == 7
    assert len(layout.twins) == 3  # one and one half of the other, twice
    for first, second in layout.twins:
        one, two = layout.faces[first], layout.faces[second]
        assert one.span == two.span and one.place == two.place == 0.5 and one.outer and two.outer


def test_cells_that_an_interface_cuts_hold_a_box_of_each_part():
    layout, kept = inside(inclusion(2.0).domain, Partition.even((2, 2)))
    assert len(kept) == 4 and len(layout) == 8
    assert [len(group) for group in layout.groups] == [2, 2, 2, 2] and not layout.twins


def test_what_is_saved_is_loaded(tmp_path):
    solution = solve(inclusion(3.0), tol=1e-3, method=Boxes(degree=10))
    solution.save(tmp_path / "disk")
    points = torch.rand(50, 2, dtype=torch.float64)
    again = load_solution(tmp_path / "disk")
    assert torch.equal(again(*points.unbind(1)), solution(*points.unbind(1)))


@pytest.mark.slow
def test_four_quadrants_have_a_singular_point():
    a = 4 / math.pi * math.atan(0.1**0.5)

    def sector(middle, size, *, odd):
        def value(x, y):
            angle = torch.atan2(y, x) - middle
            angle = a * torch.atan2(angle.sin(), angle.cos())
            top = angle.sin() / math.sin(a * math.pi / 4) if odd else angle.cos() / math.cos(a * math.pi / 4)
            return size * (x * x + y * y) ** (a / 2) * top

        return value

    exact = {
        "ne": sector(math.pi / 4, 1.0, odd=False),
        "nw": sector(3 * math.pi / 4, -1.0, odd=True),
        "sw": sector(-3 * math.pi / 4, -1.0, odd=False),
        "se": sector(-math.pi / 4, 1.0, odd=True),
    }

    def given(x, y):
        north, south = (torch.where(x > 0, exact[e](x, y), exact[w](x, y)) for e, w in (("ne", "nw"), ("se", "sw")))
        return torch.where(y > 0, north, south)

    problem = Problem(
        Rectangle(x=(-1, 1), y=(-1, 1)).split(at={"x": 0.0, "y": 0.0}, names=("sw", "nw", "se", "ne")),
        heat,
        [Dirichlet(u=given)],
        coefficients={"k": {"ne": 10.0, "sw": 10.0, "nw": 1.0, "se": 1.0}},
        exact=exact,
    )
    trusted(solve(problem, tol=1e-3), 1e-3)
