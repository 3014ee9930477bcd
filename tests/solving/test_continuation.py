"""Problems reached from easier ones, constants by name, and layers that the coefficients foretell."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.adaptivity.boundary_layers import find_layers
from gmnm_pde.jets import forward_jet
from gmnm_pde.options.arguments import parse_continuation
from gmnm_pde.residuals import Placed
from gmnm_pde.residuals.pointwise import linearize
from gmnm_pde.sampling import Cloud

LINE = g.Interval(x=(0, 1))


def bratu(strength=3.0):
    """u'' + s exp(u) = 0: u = 2 log(cosh(c / 4) / cosh(c (x - 1/2) / 2)), c = sqrt(2 s) cosh(c / 4)."""
    c = 0.0
    for _ in range(200):
        c = math.sqrt(2 * strength) * math.cosh(c / 4)

    def exact(x):
        return 2 * torch.log(math.cosh(c / 4) / torch.cosh(c * (x - 0.5) / 2))

    return g.Problem(
        LINE,
        lambda u, s: g.diff(u, "x", "x") + s * torch.exp(u),
        [g.Dirichlet(u=0)],
        constants={"s": strength},
        exact=exact,
        name="bratu",
    )


def layered(eps):
    """Ascher's layer problem: the solution turns within eps of somewhere inside."""
    ends = g.Dirichlet(u=lambda x: torch.where(x < 0.5, -7 / 6 + 0 * x, 1.5 + 0 * x))
    return g.Problem(
        LINE, lambda u, eps: eps * g.diff(u, "x", "x") + u * g.diff(u, "x") - u, [ends], constants={"eps": eps}
    )


def test_constants_are_known_by_name():
    problem = bratu()
    assert problem.constants == {"s": 3.0} and problem.fields == ("u",) and not problem.parameters
    problem.verify()
    assert problem.with_constants(s=1.0).constants == {"s": 1.0}
    assert problem.constants == {"s": 3.0}


def test_constants_serve_conditions_too():
    problem = g.Problem(
        LINE,
        lambda u, k: g.diff(u, "x") - k,
        [g.Dirichlet(u=lambda x, k: k + 0 * x, on=LINE.face(x=0))],
        constants={"k": 2},
    )
    assert float(g.solve(problem)(0.5)) == pytest.approx(3.0, abs=1e-10)


def test_a_continuation_reaches_the_same_solution():
    problem = bratu()
    plain = g.solve(problem, tol=1e-8)
    along = g.solve(problem, tol=1e-8, continuation={"s": (0.5, 1.5)})
    assert plain.report.relative_l2 < 1e-8 and along.report.relative_l2 < 1e-8
    assert "the continuation went all the way" in along.report.reason


def test_stronger_diffusion_is_a_continuation():
    solution = g.solve(layered(0.05), tol=1e-5, continuation=True)
    assert solution.report.converged and "the continuation went all the way" in solution.report.reason


def test_boosted_terms_multiply_the_highest_derivatives_alone():
    problem = layered(0.1).boosted(5.0)
    other = layered(0.5)
    (first, *_), (second, *_) = problem.terms, other.terms
    assert first.boost == 5.0 and second.boost == 1.0
    x = torch.linspace(0.1, 0.9, 7, dtype=torch.float64)[:, None]
    jets = forward_jet(torch.sin, x, first.trace.alphas)
    found = [
        linearize(one, Placed(term, Cloud(x)), x, jets, [])["equation"]
        for one, term in ((problem, first), (other, second))
    ]
    torch.testing.assert_close(found[0].residual, found[1].residual)
    for key, slope in found[0].slopes.items():
        torch.testing.assert_close(slope, found[1].slopes[key])


@pytest.mark.parametrize(
    ("path", "stops"),
    [({"s": (0.1, 1.0)}, [0.1, 1.0]), ({"s": [2]}, [2.0]), (True, [100.0, 30.0, 10.0, 3.0])],
)
def test_paths_pass_through_what_is_asked(path, stops):
    problem = bratu()
    chosen = parse_continuation(problem, path)
    assert chosen is not None
    found = [chosen.at(place).problem for place in chosen.places]
    if path is True:
        assert [one.terms[0].boost for one in found] == pytest.approx(stops)
    else:
        assert [one.constants["s"] for one in found] == pytest.approx(stops)


def test_layers_are_foretold_at_the_end_that_convection_runs_into():
    problem = g.registry.load("boundary_layer", eps=1e-3)
    layers = find_layers(problem, 0)
    assert layers.low == (0.0,) and layers.high[0] == pytest.approx(2e-3)
    square = g.Rectangle(x=(0, 1), y=(0, 2))
    reaction = g.Problem(square, lambda u: -1e-4 * g.laplacian(u) + u - 1, [g.Dirichlet(u=0)])
    both = find_layers(reaction, 0)
    assert both.low == pytest.approx((0.02, 0.01)) and both.high == pytest.approx((0.02, 0.01))
    assert find_layers(g.registry.load("poisson"), 0).high == (0.0, 0.0)


def test_a_thin_layer_is_found():
    report = g.solve(g.registry.load("boundary_layer"), tol=1e-6).report
    assert report.converged and report.relative_l2 < 1e-6 and "boxes" in report.reason


BAD = {
    "a constant that does not occur": (
        lambda: g.solve(bratu(), continuation={"nu": (1, 2)}),
        "a constant of the problem: s",
    ),
    "no constants": (
        lambda: g.solve(g.registry.load("nonlinear_poisson"), continuation={"nu": (1, 2)}),
        "it has none",
    ),
    "two at once": (lambda: g.solve(bratu(), continuation={"s": (1,), "t": (1,)}), "one constant"),
    "no mapping": (lambda: g.solve(bratu(), continuation=3), "one constant with its values"),
    "no values": (lambda: g.solve(bratu(), continuation={"s": ()}), "finite numbers"),
    "words": (lambda: g.solve(bratu(), continuation={"s": ("a",)}), "finite numbers"),
    "a linear problem": (lambda: g.solve(g.registry.load("poisson"), continuation=True), "a nonlinear problem"),
    "a constant like a coordinate": (
        lambda: g.Problem(LINE, lambda u: g.diff(u, "x"), [g.Dirichlet(u=0)], constants={"x": 1.0}),
        "a name of its own",
    ),
    "a constant without a number": (
        lambda: g.Problem(LINE, lambda u, k: g.diff(u, "x") - k, [g.Dirichlet(u=0)], constants={"k": "one"}),
        "a finite number",
    ),
    "a normal where there is none": (
        lambda: g.Problem(
            LINE, lambda u: g.diff(u, "x"), [g.Condition(lambda u, normal: u * normal[:, 0], on=torch.tensor([[0.5]]))]
        ),
        "points with a normal",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case):
    function, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message):
        function()
