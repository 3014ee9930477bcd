"""Derivatives, integrals and fluxes of solutions, against exact ones; arrays, tensors and torch.func."""

import copy
import math
import multiprocessing
import pickle
import warnings
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import gmnm_pde as g

PI = math.pi
DISK = g.Disk((0, 0), 1)
ROD = g.Interval(x=(0, 1))


@pytest.fixture(scope="module")
def bowl():
    """1 - x^2 - y^2 on the disk."""
    return g.solve(g.Problem(DISK, lambda u, x, y: g.laplacian(u) + 4, [g.Dirichlet(u=0)]))


@pytest.fixture(scope="module")
def heat():
    """exp(-pi^2 t / 10) sin(pi x), in least squares over space and time."""
    start = g.Initial(u=lambda x: torch.sin(PI * x))
    equation = lambda u, t: g.diff(u, t) - 0.1 * g.diff(u, "x", "x")  # noqa: E731
    return g.solve(g.Problem(ROD * g.Time(t=(0, 1)), equation, [g.Dirichlet(u=0), start]), g.Mixture())


@pytest.fixture(scope="module")
def pair():
    """Two fields, u = x y and v = x - y^2, and a constant."""

    def equations(u, v, x, y, c):
        return g.laplacian(u), g.laplacian(v) + 2 * c

    values = g.Dirichlet(u=lambda x, y: x * y, v=lambda x, y: x - y**2)
    square = g.Rectangle(x=(0, 1), y=(0, 1))
    problem = g.Problem(square, equations, [values], constants={"c": 1.0})
    return g.solve(problem, tol=1e-10)


@pytest.fixture(scope="module")
def layers():
    """Two materials of conductivity 1 and 4 on top of each other: a flux of 1.6 upward."""
    square = g.Rectangle(x=(0, 1), y=(0, 1)).split(at={"y": 0.5}, names=("low", "high"))
    ends = [g.Dirichlet(u=0, on=square.face(y=0)), g.Dirichlet(u=1, on=square.face(y=1))]
    sides = g.Neumann(u=0, on=square.face(x=0) | square.face(x=1))
    k = {"k": {"low": 1.0, "high": 4.0}}
    return g.solve(g.Problem(square, lambda u, k: g.div(k * g.grad(u)), [*ends, sides], coefficients=k), tol=1e-6)


GRID = np.meshgrid(np.linspace(-0.5, 0.5, 5), np.linspace(-0.5, 0.5, 4))


def test_derivatives_have_the_shape_of_their_inputs(bowl):
    x, y = GRID
    assert bowl.diff("x", "x")(x, y).shape == x.shape
    assert np.allclose(bowl.diff("x", "x")(x, y), -2, atol=1e-9)
    assert np.allclose(bowl.diff("x")(x, y), -2 * x, atol=1e-10)
    assert np.allclose(bowl.grad(x, y), [-2 * x, -2 * y], atol=1e-10)
    assert np.allclose(bowl.laplacian(x, y), -4, atol=1e-9)
    assert np.allclose(bowl.of(lambda u, x: x * g.diff(u, x) ** 2)(x, y), 4 * x**3, atol=1e-9)
    assert np.allclose(bowl.grad()(x=x, y=y), bowl.grad(x, y))
    assert np.shape(bowl.diff("y")(0.1, 0.2)) == ()
    assert isinstance(bowl.diff("y")(torch.tensor(0.1), 0.2), torch.Tensor)


def test_systems_give_dicts_or_the_field_that_is_named(pair):
    x, y = np.array([0.2, 0.7]), 0.4
    assert np.allclose(pair.diff("y")(x, y)["v"], -0.8, atol=1e-9)
    assert np.allclose(pair.diff("y", field="u")(x, y), x, atol=1e-9)
    assert np.allclose(pair.grad(x, y, field="v"), [[1, 1], [-0.8, -0.8]], atol=1e-9)
    assert pair.integral()["u"] == pytest.approx(0.25) and pair.integral(field="v") == pytest.approx(1 / 6)
    assert np.allclose(pair.of(lambda u, v, c: c * u + v)(x, y), x * y + x - y**2)
    assert pair.of(lambda u, v: {"sum": u + v, "one": 1})(0.5, 0.5)["one"] == 1
    assert pair.flux(of=lambda u, v: (u, v)) == pytest.approx(0.5 - 1.0, abs=1e-9)  # div = y - 2 y


def test_integrals_and_fluxes(bowl):
    assert bowl.integral() == pytest.approx(PI / 2, rel=1e-10)
    assert bowl.integral(DISK.where(lambda x: x > 0)) == pytest.approx(PI / 4, rel=1e-9)
    assert bowl.integral(g.Disk((0, 0), 0.5)) == pytest.approx(PI / 4 - PI / 32, rel=1e-9)
    assert bowl.integral(of=lambda u, x, y: g.diff(u, x) ** 2 + g.diff(u, y) ** 2) == pytest.approx(2 * PI, rel=1e-9)
    assert bowl.flux() == pytest.approx(-4 * PI, rel=1e-9)  # the integral of the Laplacian, by Gauss's theorem
    assert bowl.flux(g.Disk((0, 0), 0.5).boundary) == pytest.approx(-PI, rel=1e-9)
    assert bowl.flux(coefficient=lambda x: 1 + x**2) == pytest.approx(-6 * PI, rel=1e-9)
    assert bowl.integral(DISK.boundary, of=lambda u, normal: normal[:, 0] ** 2) == pytest.approx(PI, rel=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert bowl.integral(DISK.boundary) == pytest.approx(0, abs=1e-9)


def test_integrals_at_times(heat):
    times = np.linspace(0, 1, 4)
    decay = np.exp(-0.1 * PI**2 * times)
    assert np.allclose(heat.integral(t=times), 2 / PI * decay, atol=1e-8)
    assert heat.integral(ROD, t=0.5) == pytest.approx(2 / PI * math.exp(-0.05 * PI**2), abs=1e-8)
    assert heat.integral() == pytest.approx(2 / PI * (1 - decay[-1]) / (0.1 * PI**2), abs=1e-8)
    assert np.allclose(heat.flux(t=times), -2 * PI * decay, atol=1e-6)
    assert np.allclose(heat.normal_derivative(heat.domain.face(x=0))(0.0, times), -PI * decay, atol=1e-6)


def test_materials_have_their_own_coefficients(layers):
    top, bottom = (layers.domain.face(y=y) for y in (1, 0))
    assert layers.flux(top, "k") == pytest.approx(1.6, rel=1e-5)
    assert layers.flux(bottom, "k") == pytest.approx(-1.6, rel=1e-5)
    assert layers.integral("low") == pytest.approx(0.2, rel=1e-5)
    assert layers.integral() == pytest.approx(0.65, rel=1e-5)
    assert np.allclose(layers.of(lambda u, k: k * g.diff(u, "y"))(0.3, [0.2, 0.8]), 1.6, rtol=1e-4)


def test_normal_derivatives(bowl):
    angle = np.linspace(0, 6, 7)
    assert np.allclose(bowl.normal_derivative()(np.cos(angle), np.sin(angle)), -2, atol=1e-9)
    around = DISK.boundary.sample(50)
    assert torch.allclose(bowl.normal_derivative(DISK.boundary)(around), torch.tensor(-2.0).double(), atol=1e-9)
    square = g.Rectangle(x=(0, 1), y=(0, 1))
    saddle = g.solve(g.Problem(square, lambda u, x, y: g.laplacian(u), [g.Dirichlet(u=lambda x, y: x * y)]))
    found = saddle.normal_derivative()([0, 1, 0.3, 0.3], [0.3, 0.3, 0, 1])
    assert np.allclose(found, [-0.3, 0.3, -0.3, 0.3], atol=1e-9)


def test_points_in_one_array(bowl):
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (6, 2))
    assert np.array_equal(bowl(points), bowl(points[:, 0], points[:, 1]))
    assert bowl(points.reshape(3, 2, 2)).shape == (3, 2)
    assert bowl([0.1, 0.2]) == bowl((0.1, 0.2)) == bowl(0.1, 0.2)
    assert np.array_equal(bowl(torch.as_tensor(points)).numpy(), bowl(points))
    inside = DISK.interior.sample(4000)
    assert (bowl(inside) * inside.weights).sum().item() == pytest.approx(PI / 2, rel=1e-3)


def test_one_coordinate_keeps_the_shape_of_columns():
    line = g.solve(g.Problem(ROD, lambda u, x: g.diff(u, x, x) + 2, [g.Dirichlet(u=0)]))
    assert line(np.zeros((4, 1))).shape == (4, 1)
    assert line(ROD.interior.sample(5)).shape == (5,)


def test_jets_turn_into_arrays_but_not_in_equations(bowl):
    x, y = GRID
    assert np.allclose(np.asarray(g.diff(bowl.jet(x, y), "x")), -2 * x.reshape(-1), atol=1e-10)
    with pytest.raises(g.GmnmError, match="got one that needs an array"):
        g.Problem(ROD, lambda u, x: g.diff(u, x, x) + np.asarray(x), [g.Dirichlet(u=0)])


@settings(max_examples=8)
@given(st.lists(st.tuples(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6)), min_size=1, max_size=5))
def test_autograd_and_functional_transforms(bowl, points):
    points = torch.tensor(points, dtype=torch.float64)
    at = points.clone().requires_grad_()
    (slope,) = torch.autograd.grad(bowl(at).sum(), at, create_graph=True)
    assert torch.allclose(slope, -2 * points, atol=1e-9)
    (bend,) = torch.autograd.grad(slope[:, 0].sum(), at)
    assert torch.allclose(bend[:, 0], torch.tensor(-2.0).double(), atol=1e-8)
    for jacobian in (torch.func.jacrev, torch.func.jacfwd):
        assert torch.allclose(torch.func.vmap(jacobian(bowl))(points), -2 * points, atol=1e-9)
    assert torch.equal(torch.func.vmap(bowl)(points), bowl(points))
    assert torch.allclose(torch.func.hessian(bowl)(points[0]), -2 * torch.eye(2).double(), atol=1e-8)
    assert torch.allclose(torch.func.grad(bowl.diff("x"))(points[0]), torch.tensor([-2.0, 0.0]).double(), atol=1e-8)


def test_points_outside_are_nan_under_transforms_too(bowl):
    with pytest.warns(g.NumericalWarning, match="outside"):
        found = torch.func.vmap(bowl)(torch.tensor([[0.0, 0.0], [3.0, 0.0]]).double())
    assert found.isnan().tolist() == [False, True]


def test_a_solution_is_a_coefficient_with_its_derivatives():
    k = g.solve(g.Problem(ROD, lambda u, x: g.diff(u, x, x), [g.Dirichlet(u=lambda x: 1 + x)]))

    def middle(equation, value=0):
        return g.solve(g.Problem(ROD, equation, [g.Dirichlet(u=value)]))(0.5)

    right = middle(lambda u, x: g.diff((1 + x) * g.diff(u, x), x) + 1)
    assert middle(lambda u, x: g.diff(k(x) * g.diff(u, x), x) + 1) == pytest.approx(right, rel=1e-9)
    assert middle(lambda u, x: g.diff(k(x.tensor) * g.diff(u, x), x) + 1) == pytest.approx(right, rel=1e-9)
    slope, again = k.diff("x"), k.of(lambda u, x: u * 1.0)
    equation = lambda u, x: again(x) * g.diff(u, x, x) + slope(x) * g.diff(u, x) + 1  # noqa: E731
    assert middle(equation) == pytest.approx(right, rel=1e-9)
    assert middle(lambda u, x: g.diff(u, x, x), slope) == pytest.approx(1, rel=1e-9)


BAD = {
    "no derivative": (lambda s: s.diff(), "at least one coordinate"),
    "an unknown coordinate": (lambda s: s.diff("z"), "among x, y, got 'z'"),
    "a misspelt argument": (lambda s: s.diff("x", feild="u"), r"solution.diff\(.*Did you mean 'field'"),
    "an unknown field": (lambda s: s.grad(field="v"), "a field, one of u, got 'v'"),
    "no function": (lambda s: s.of(3), "a function such as"),
    "an unknown name": (lambda s: s.of(lambda w: w), "asks for 'w'"),
    "a mean over points": (lambda s: s.of(lambda u: u - u.mean()), "that mixes points"),
    "one point of all": (lambda s: s.of(lambda u: u[0]), "that mixes points"),
    "no number": (lambda s: s.integral(of=lambda u: "a"), "one number at each point"),
    "a region that leaves it": (lambda s: s.integral(g.Disk((0, 0), 2)), "a region within"),
    "a number for a region": (lambda s: s.integral(over=3), "a region, got 3"),
    "an unknown part": (lambda s: s.integral("steel"), "a region, got 'steel'"),
    "a coordinate that it has not": (lambda s: s.integral(z=1), "one of the coordinates x, y, got 'z'"),
    "a slice of a disk": (lambda s: s.integral(x=0.5), "runs by itself"),
    "both": (lambda s: s.integral(of=lambda u: u, field="u"), "field= or of="),
    "a flux through the interior": (lambda s: s.flux(DISK.interior), "with normals, got 'interior'"),
    "an unknown coefficient": (lambda s: s.flux(coefficient="k"), "the name of a coefficient, got 'k'"),
    "no vector": (lambda s: s.flux(of=lambda u: u), "2 components, got 1"),
    "a point within": (lambda s: s.normal_derivative()(0.0, 0.0), "points on boundary, got x=0, y=0"),
    "too many": (lambda s: s(1, 2, 3), "each of x, y once"),
    "points of three": (lambda s: s(np.zeros((4, 3))), r"Points in one array have shape \[n, 2\]"),
    "nothing": (lambda s: s(), "each of x, y once"),
    "words": (lambda s: s("a", "b"), "numbers or arrays"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_asked(bowl, name):
    ask, words = BAD[name]
    with pytest.raises(g.GmnmError, match=words):
        ask(bowl)


@pytest.mark.parametrize("ask, words", [({"t": 3}, "from 0 to 1, got 3"), ({"over": ROD}, "Say where: t=0.5")])
def test_times_that_cannot_be(heat, ask, words):
    with pytest.raises(g.GmnmError, match=words):
        heat.integral(**ask)


def make(source):
    return g.solve(g.Problem(ROD, lambda u, x: g.diff(u, x, x) + source, [g.Dirichlet(u=0)]))


def test_solutions_pass_process_pools():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        assert [solution(0.5) for solution in pool.map(make, [8.0, 16.0])] == pytest.approx([1, 2])


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = torch.nn.Linear(1, 5).double(), torch.nn.Linear(5, 1).double()

    def forward(self, x):
        return self.outer(torch.tanh(self.inner(x)))


def test_pickles_are_files_in_memory(bowl):
    again = pickle.loads(pickle.dumps(bowl))
    assert again(0.3, 0.4) == bowl(0.3, 0.4) and again.problem is None and again.report == bowl.report
    trained = g.solve(make(1.0).problem, Network(), g.Adam(2))
    assert pickle.loads(pickle.dumps(trained))(0.3) == trained(0.3)
    met = g.solve(make(1.0).problem, hard=True)
    with pytest.raises(g.GmnmError, match="hard=False"):
        pickle.dumps(met)


def test_pickles_that_are_not_whole_are_refused(bowl):
    rebuild, (content, model) = bowl.__reduce__()
    for damaged in (content[:-1], b"", b"x" * 100, content[:-1] + bytes([content[-1] ^ 1])):
        with pytest.raises(g.GmnmError, match=r"damaged|format"):
            rebuild(damaged, model)


def test_copies_keep_the_problem(bowl):
    for again in (copy.copy(bowl), copy.deepcopy(bowl)):
        assert again.problem is bowl.problem and again(0.3, 0.4) == bowl(0.3, 0.4)
    assert copy.deepcopy(bowl).model is not bowl.model


def test_without_the_problem_the_domain_is_to_be_named(bowl):
    again = pickle.loads(pickle.dumps(bowl))
    assert again.integral(DISK) == pytest.approx(PI / 2, rel=1e-10)
    with pytest.raises(g.GmnmError, match="over="):
        again.integral()
    assert pickle.loads(pickle.dumps(make(12.0))).integral() == pytest.approx(1)


def test_fields_by_name_and_first_of_diff(pair):
    assert pair["u"](0.5, 0.4) == pytest.approx(0.2)
    assert pair.diff("v", "y")(0.5, 0.4) == pytest.approx(-0.8)
    assert pair.integral("u") == pytest.approx(0.25) == pair.integral(lambda u: u)
    with pytest.raises(g.GmnmError, match="a field, one of u, v, got 'w'"):
        pair["w"]


ELSEWHERE = {
    "predict": r"solution\(points\)",
    "u": r"solution\['u'\]",
    "integrate": r"solution.integral\(\)",
    "converged": "solution.report.converged",
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_names_of_other_libraries_say_what_is_meant(bowl, name):
    with pytest.raises(AttributeError, match=ELSEWHERE[name]):
        getattr(bowl, name)
    assert not hasattr(bowl, name) and not hasattr(bowl, "_repr_pretty_")


def test_solutions_are_no_arrays_nor_fields(bowl):
    with pytest.raises(g.GmnmError, match="its values somewhere"):
        np.asarray(bowl)
    with pytest.raises(g.GmnmError, match=r"Of a solution it is solution.diff\('x'\)"):
        g.diff(bowl, "x")
    with pytest.raises(g.GmnmError, match=r"Say solution.diff\('x', 'x'\)"):
        bowl.diff("xx")
    with pytest.raises(TypeError):
        iter(bowl)
