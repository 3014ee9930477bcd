"""Regions of a shape that was made a second time with the same numbers are those of the first."""

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.statement.during import during


def string():
    return g.Interval(x=(0, 1)) * g.Time(t=(0, 1))


SHAPES = {
    "interval": lambda: g.Interval(x=(0, 1)),
    "space times time": string,
    "disk": lambda: g.Disk(center=(0, 0), radius=1),
    "ball": lambda: g.Ball(center=(0, 0, 0), radius=1),
    "polygon": lambda: g.Polygon([(0, 0), (1, 0), (0, 1)]),
    "planar mesh": lambda: g.PlanarMesh([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [[0, 1, 2]], {"left": [[0, 2]]}),
    "annulus": lambda: g.Annulus(center=(0, 0), inner=0.5, outer=1),
    "difference": lambda: g.Rectangle(x=(-2, 2), y=(-2, 2)) - g.Disk(center=(0, 0), radius=1),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_boundary_of_an_equal_shape_is_adopted(name):
    domain, again = SHAPES[name](), SHAPES[name]()
    adopted = domain.adopt(again.boundary)
    assert adopted is not None and len(adopted.charts) == len(domain.boundary.charts)


def test_faces_and_times_of_an_equal_domain_are_adopted():
    domain, again = string(), string()
    for region in (again.face(x=0), again.initial, again.face(t=0), g.Rectangle(x=(0, 1), y=(0, 1)).face(x=1)):
        assert (domain.adopt(region) is None) == ("y" in region.coordinates)


OTHERS = {
    "another length": (lambda: g.Interval(x=(0, 1)), g.Interval(x=(0, 1 + 1e-9))),
    "another radius": (lambda: g.Disk(center=(0, 0), radius=1), g.Disk(center=(0, 0), radius=1 + 1e-9)),
    "space in place of time": (string, g.Interval(x=(0, 1)) * g.Interval(t=(0, 1))),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_shapes_are_not(name):
    make, other = OTHERS[name]
    last = other.boundary_charts()[-1]
    assert not any(chart.same(last) for chart in make().boundary_charts())


def test_a_problem_with_such_conditions_goes_in_blocks():
    domain, again = string(), string()
    conditions = [g.Dirichlet(u=0, on=again.boundary), g.Initial(u=lambda x: torch.sin(torch.pi * x), on=again.initial)]
    problem = g.Problem(domain, lambda u, x, t: g.diff(u, t) - g.diff(u, x, x), conditions)
    assert [term.group for term in problem.terms] == ["interior", "boundary", "initial"]
    block = during(problem, 0.0, 0.5)
    assert block.terms[1].region.charts[0].embed(torch.ones(1, 1))[0, 1] == 0.5
