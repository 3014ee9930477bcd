"""A hundred coordinates: vectors of them, all of space, and where a diffusion comes to."""

import math

import numpy as np
import pytest
import torch

import gmnm_pde as g


def test_a_list_of_intervals_is_a_vector_of_coordinates():
    box = g.Box(x=[(0, 1)] * 100, y=(2, 3))
    assert box.dimension == 101
    assert box.coordinates[:2] == ("x_1", "x_2")
    assert repr(box) == "Box(x=[(0, 1)] * 100, y=(2, 3))"
    assert repr(g.Box(x=[(0, 1), (0, 2)])) == "Box(x_1=(0, 1), x_2=(0, 2))"
    assert g.Ball(0, 1, coordinates=("x", 5)).coordinates == ("x_1", "x_2", "x_3", "x_4", "x_5")


def test_functions_ask_for_the_vector():
    box = g.Box(x=[(0, 1)] * 4)
    problem = g.Problem(
        box,
        lambda u, x: g.laplacian(u) - 8 + 0 * x[0],
        [g.Dirichlet(u=lambda x: x @ x)],
        exact=lambda x: torch.linalg.norm(x) ** 2,
    )
    problem.verify()
    assert problem.fields == ("u",)
    solution = g.solve(problem, g.Mixture(components=60))
    assert abs(solution(x=[0.1, 0.2, 0.3, 0.4]) - 0.3) < 1e-3
    assert solution(x=np.full((7, 4), 0.5)).shape == (7,)
    assert abs(solution(x=0.5) - solution(0.5, 0.5, 0.5, 0.5)) < 1e-15
    with pytest.raises(g.GmnmError, match="asks for 'y'"):
        g.Problem(box, lambda u: g.laplacian(u), [g.Dirichlet(u=lambda y: y)])


def test_vectors_of_derivatives():
    box = g.Box(x=[(0, 1)] * 3)
    points = torch.rand(5, 3, dtype=torch.float64)
    u = g.jet(lambda at: (at**2).sum(1), points, coordinates=box.coordinates, engine="reverse")
    assert torch.allclose((g.grad(u) @ g.grad(u)).tensor, 4 * points.square().sum(1))
    with pytest.raises(g.GmnmError):
        g.grad(u) @ g.grad(u)[:2]


def test_points_in_all_of_space_are_at_all_distances():
    space = g.WholeSpace(reach=8.0, center=1.0, coordinates=("x", 100))
    points = space.sample(2000).points
    distances = (points - 1).norm(dim=1) / 8
    assert torch.allclose(distances.sort().values, torch.linspace(0, 1, 2000, dtype=torch.float64), atol=0.025)
    assert ((points - 1).mean(dim=0).abs() < 0.05).all()
    assert not space.boundary_charts()
    with pytest.raises(g.GmnmError, match="at least 2 names"):
        g.WholeSpace(1.0, coordinates=("x",))


def test_points_of_a_cone_are_where_a_diffusion_is():
    cone = g.DiffusionCone(apex=0, center=2.0, diffusion=0.5, t=(0, 1), coordinates=("x", 20))
    points = cone.sample(4000).points
    scaled = (points[:, :-1] - 2) / points[:, -1:].sqrt()
    assert abs(scaled.std() - 1) < 0.02
    last = cone.face(t=1).sample(1000).points
    assert (last[:, -1] == 1).all()
    assert abs((last[:, :-1] - 2).std() - 1) < 0.03
    assert cone.contains(torch.tensor([[9.0] * 20 + [0.5], [0.0] * 20 + [1.5]])).tolist() == [True, False]
    with pytest.raises(g.GmnmError, match="expected 0 or 1"):
        g.DiffusionCone(apex=0.5, t=(0, 1), coordinates=("x", 20))


def test_no_condition_is_missed_where_there_is_no_boundary(recwarn):
    g.registry.load("allen_cahn_nd", dimension=3)
    assert not [one for one in recwarn if issubclass(one.category, g.NumericalWarning)]


@pytest.mark.parametrize("name", ["hjb_nd", "black_scholes_nd", "two_body_nd"])
def test_problems_verify_in_few_dimensions(name):
    g.registry.load(name, dimension=4).verify()


def test_values_of_the_literature():
    hjb, start = g.registry.load("hjb_nd"), torch.zeros(1, 101, dtype=torch.float64)
    assert abs(hjb.exact_columns(start.unbind(1))[0]["u"].item() - 4.5901) < 2e-4
    prices = torch.tensor([[1.0, 0.5] * 50 + [0.0]], dtype=torch.float64)
    assert abs(g.registry.load("black_scholes_nd").exact_columns(prices.unbind(1))[0]["u"].item() - 77.1049) < 1e-3
    assert math.isclose(hjb.domain.bounds[-1][1], 1.0)
