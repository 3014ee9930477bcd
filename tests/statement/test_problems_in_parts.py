"""Problems on domains with parts: coefficients and equations by part, fluxes that are found, laws of one's own."""

import pytest
import torch

import gmnm_pde as g

LINE = g.Interval(x=(0, 1))
HALVES = LINE.split(at=0.5, names=("a", "b"))
SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
STACKED = SQUARE.split(at={"y": 0.5}, names=("low", "high"))
FIXED = [g.Dirichlet(u=lambda x: 1.0 * (x > 0.5))]


def slab(equation, exact=None, conditions=FIXED, **options):
    return g.Problem(HALVES, equation, conditions, exact=exact, **options)


def kink(k_a, k_b):
    """The exact solution of (k u')' = 0 between u(0) = 0 and u(1) = 1."""
    flux = 1 / (0.5 / k_a + 0.5 / k_b)
    return {"a": lambda x: flux * x / k_a, "b": lambda x: 1 - flux * (1 - x) / k_b}


def names(problem):
    return [name for term in problem.terms if term.group == "interface" for name in term.trace.names]


@pytest.mark.parametrize(
    "equation",
    [
        lambda u, k, x: g.diff(k * g.diff(u, x), x),
        lambda u, k, x: -g.diff(k * g.diff(u, x), x) / (1 + x) + 0 * u,  # a factor of the whole is no part of the flux
        lambda u, k, x: {"heat": g.div(k * g.grad(u))},
        lambda u, k: g.div(-1 * k * g.grad(u) + 0 * g.grad(u)),
    ],
)
def test_the_flux_is_what_is_differentiated_last(equation):
    problem = slab(equation, kink(2.0, 5.0), coefficients={"k": {"a": 2.0, "b": 5.0}})
    assert names(problem) == ["a|b_u", "a|b_flux"]
    problem.verify()
    wrong = slab(equation, kink(2.0, 6.0), coefficients={"k": {"a": 2.0, "b": 5.0}})
    with pytest.raises(g.GmnmError, match=r"a\|b_flux"):
        wrong.verify()


def test_coefficients_are_numbers_or_functions_of_coordinates_fields_and_scalars():
    def both(u, k, x):
        return g.diff(k * g.diff(u, x), x)

    assert slab(both, coefficients={"k": {"a": lambda x: 1 + x, "b": 3}}).linear
    assert not slab(both, coefficients={"k": {"a": lambda u: 1 + u**2, "b": 3}}).linear
    assert not slab(both, coefficients={"k": {"a": lambda p: p, "b": 3}}, parameters={"p": 2.0}).linear
    plain = g.Problem(LINE, both, FIXED, coefficients={"k": lambda x: 1 + x})
    assert plain.linear and plain.fields == ("u",)


def test_an_equation_for_each_part():
    problem = slab(
        {"a": lambda u, x: g.diff(u, x, x) + 2, "b": lambda u, x: g.diff(u, x, x)}, conditions=[g.Dirichlet(u=0)]
    )
    assert [term.trace.names[0] for term in problem.terms[:2]] == ["equation.a", "equation.b"]
    assert problem.branches == ("u.a", "u.b")


def test_functions_that_jump_at_an_interface_are_seen_from_either_side():
    def heat(u, y):
        return g.div(torch.where(y > 0.5, 400, 1.38) * g.grad(u))

    faces = [g.Dirichlet(u=0, on=SQUARE.face(y=0)), g.Dirichlet(u=1, on=SQUARE.face(y=1))]
    sides = [g.Neumann(u=0, on=SQUARE.face(x=0) | SQUARE.face(x=1))]
    flux = 1 / (0.5 / 1.38 + 0.5 / 400)
    exact = {"low": lambda y: flux * y / 1.38, "high": lambda y: 1 - flux * (1 - y) / 400}
    whole = g.Problem(SQUARE, heat, faces + sides)
    split = g.Problem(STACKED, heat, faces + sides, exact=exact)
    split.verify()
    assert names(whole.on(STACKED)) == names(split) == ["low|high_u", "low|high_flux"]


def test_a_law_of_ones_own_replaces_what_is_continuous():
    def resistance(u, flux):
        return {"flux": flux.a - flux.b, "jump": 0.3 * flux.a - (u.b - u.a)}

    flux = 1 / (0.5 + 0.3 + 0.25)
    exact = {"a": lambda x: flux * x, "b": lambda x: 1 - flux * (1 - x) / 2}
    law = g.Interface(resistance, between=("a", "b"), name="contact")
    problem = slab(
        lambda u, k, x: g.diff(k * g.diff(u, x), x), exact, [*FIXED, law], coefficients={"k": {"a": 1.0, "b": 2.0}}
    )
    assert names(problem) == ["contact_flux", "contact_jump"]
    problem.verify()


def test_normals_and_coefficients_in_a_law():
    def law(u, k, normal):
        fluxes = [s * g.normal_derivative(v) for s, v in ((k.b, u.b), (k.a, u.a))]
        return u.a - u.b, (fluxes[0] - fluxes[1]) * normal[:, 0]

    for between in (("a", "b"), ("b", "a")):
        interface = g.Interface(law, between=between)
        equation = {"equations": lambda u, k, x: g.diff(k * g.diff(u, x), x)}
        problem = slab(equation, kink(2.0, 5.0), [*FIXED, interface], coefficients={"k": {"a": 2.0, "b": 5.0}})
        problem.verify()


def test_traction_of_a_system():
    def balance(u, v, mu, x, y):
        shear = mu * (g.diff(u, y) + g.diff(v, x))
        return {
            "x": g.diff(2 * mu * g.diff(u, x), x) + g.diff(shear, y),
            "y": g.diff(shear, x) + g.diff(2 * mu * g.diff(v, y), y),
        }

    problem = g.Problem(STACKED, balance, [g.Dirichlet(u=0, v=0)], coefficients={"mu": {"low": 1.0, "high": 3.0}})
    assert names(problem) == ["low|high_u", "low|high_v", "low|high_flux_x", "low|high_flux_y"]


def test_conditions_keep_their_names_in_one_part_and_get_those_of_several():
    problem = g.Problem(
        STACKED,
        lambda u: g.laplacian(u),
        [
            g.Dirichlet(u=0, on=SQUARE.face(y=0)),
            g.Dirichlet(u=1, on=SQUARE.face(y=1), name="top"),
            g.Neumann(u=0, on=SQUARE.face(x=0) | SQUARE.face(x=1)),
        ],
    )
    stated = [name for term in problem.terms if term.group == "boundary" for name in term.trace.names]
    assert stated == ["dirichlet_u", "top", "neumann_u.low", "neumann_u.high"]


def heat(u, k, x):
    return g.diff(k * g.diff(u, x), x)


K = {"k": {"a": 1.0, "b": 2.0}}
LAW = g.Interface(lambda u: u.a - u.b, between=("a", "b"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: slab(heat, coefficients={"k": {"a": 1.0}}), "none for 'b'"),
        (lambda: slab(heat, coefficients={"k": {"a": 1.0, "b": 2.0, "c": 3.0}}), "got 'c'"),
        (lambda: slab(heat, coefficients={"k": {"a": 1.0, "b": lambda q: q}}), "asks for 'q'"),
        (lambda: slab(heat, coefficients={"x": 1.0}), "a name of its own"),
        (lambda: g.Problem(LINE, heat, FIXED, coefficients=K), "a domain with parts"),
        (lambda: slab({"a": heat}, coefficients=K), "none for 'b'"),
        (lambda: slab({"a": heat, "c": heat}, coefficients=K), "got 'c'"),
        (lambda: slab(heat, coefficients=K, conditions=[*FIXED, LAW]), "2 residuals"),
        (
            lambda: slab(heat, coefficients=K, conditions=[*FIXED, g.Interface(lambda u: u.a, between=("a", "c"))]),
            "'c'",
        ),
        (lambda: g.Interface(lambda u: u.a, between=("a", "a")), "the names of two parts"),
        (lambda: g.Problem(LINE, lambda u: g.laplacian(u), [*FIXED, LAW]), "a domain that has these parts"),
        (lambda: slab(lambda u, k, x: k * g.diff(u, x, x), coefficients=K), "a divergence"),
        (lambda: slab(lambda u, k: g.biharmonic(u) * k, coefficients=K), "second order"),
        (lambda: slab({"a": heat, "b": lambda v, x: g.diff(v, x, x)}, coefficients=K), "an equation in every part"),
        (lambda: slab(heat, {"a": lambda x: x}, coefficients=K), "exact"),
        (
            lambda: slab(
                heat, coefficients=K, conditions=[*FIXED, g.Interface(lambda u: (u.a, u.c), between=("a", "b"))]
            ),
            "a side of the interface",
        ),
        (lambda: slab(heat, coefficients=K, conditions=[g.Periodic("x")]), "the same part at both ends"),
    ],
)
def test_refusals(make, words):
    with pytest.raises(g.GmnmError, match=words):
        make()


def test_parts_that_do_not_meet_have_no_interface():
    three = LINE.split(at=(0.3, 0.6), names=("a", "b", "c"))
    with pytest.raises(g.GmnmError, match="do not touch"):
        g.Problem(three, lambda u: g.laplacian(u), [*FIXED, g.Interface(lambda u: u.a - u.c, between=("a", "c"))])
