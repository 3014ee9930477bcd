"""Stating problems: names are bound, mistakes are told, exact solutions are checked."""

import math
import warnings
from dataclasses import FrozenInstanceError

import pytest
import torch
from conftest import PI, make_poisson

import gmnm_pde as g
from gmnm_pde.statement.during import during
from gmnm_pde.statement.hard import meet_exactly

SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
SPACETIME = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))


def simple(equations=lambda u: g.laplacian(u), conditions=None, domain=SQUARE, **options):
    return g.Problem(domain, equations, [g.Dirichlet(u=0)] if conditions is None else conditions, **options)


@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
def test_fields_in_order_of_appearance():
    problem = g.Problem(
        SQUARE,
        [lambda v, x, u: g.diff(v, x) + u, lambda p, y: g.diff(p, y)],
        [g.Dirichlet(u=0)],
    )
    assert problem.fields == ("v", "u", "p")
    assert g.Problem(SQUARE, lambda u, v: u - v, fields=("v", "u")).fields == ("v", "u")


def test_linear_or_not():
    assert simple().linear
    assert simple(lambda u, x: g.laplacian(u) + torch.sin(x) * u).linear
    assert not simple(lambda u: g.laplacian(u) + u**2).linear
    assert not simple(lambda u: g.laplacian(u) + u.abs()).linear
    assert not simple(lambda u, k: k * g.laplacian(u), parameters={"k": 1.0}).linear
    assert simple(lambda u, k: g.laplacian(u) - k, parameters={"k": 1.0}).linear
    assert not simple(conditions=[g.Condition(lambda u: u**2 - 1)]).linear


def test_only_the_derivatives_used_are_asked_for():
    problem = simple(lambda u, x: g.diff(u, x, x) + u)
    (term, *_) = problem.terms
    assert set(term.trace.asked) == {(0, (2, 0)), (0, (0, 0))}
    assert problem.order == 2


def test_every_term_has_its_trace_and_keeps_it():
    problem = g.Problem(SPACETIME, lambda u, x, t: g.diff(u, t) - g.diff(u, x, x), [g.Dirichlet(u=0), g.Initial(u=0)])
    with pytest.raises(FrozenInstanceError):
        problem.terms[0].boost = 2.0
    for other in (problem.boosted(2.0), during(problem, 0.0, 0.5)):
        assert [term.trace for term in other.terms] == [term.trace for term in problem.terms]


def test_problems_made_from_others_leave_these_as_they_were():
    problem = simple()
    terms = problem.terms
    hard = meet_exactly(problem, True)
    assert hard.lift is not None and hard.met == ("dirichlet_u",) and len(hard.terms) == 1
    assert hard.terms[0].trace.alphas != terms[0].trace.alphas  # derivatives of u ask for lower derivatives of v
    assert problem.terms is terms and problem.lift is None and problem.met == ()


def test_equations_return_one_several_or_named_residuals():
    def names(equations):
        problem = simple(equations)
        return [name for term in problem.terms if term.group == "interior" for name in term.trace.names]

    assert names(lambda u: g.laplacian(u)) == ["equation"]
    assert names(lambda u, x: (g.laplacian(u), g.diff(u, x))) == ["equation_1", "equation_2"]
    assert names(lambda u, x: {"a": g.laplacian(u), "b": g.diff(u, x)}) == ["a", "b"]
    assert names({"heat": lambda u: g.laplacian(u)}) == ["heat"]


def test_terms_are_named_by_kind_and_field():
    problem = g.Problem(
        SPACETIME,
        lambda u, t: g.diff(u, t, t) - g.laplacian(u),
        [
            g.Dirichlet(u=0),
            g.Initial(u=0),
            g.Initial(u=1, order=1),
            g.Condition(lambda u: u, on=SPACETIME.face(t=1), name="end"),
        ],
    )
    assert [term.name for term in problem.terms] == ["equation", "dirichlet_u", "initial_u", "initial_dt_u", "end"]
    assert [term.group for term in problem.terms] == ["interior", "boundary", "initial", "initial", "boundary"]


def test_periodic_matches_derivatives_below_the_order():
    ring = g.Interval(x=(0, 2 * PI)) * g.Time(t=(0, 1))

    def names(equation):
        problem = g.Problem(ring, equation, [g.Periodic("x"), g.Initial(u=0)])
        return [term.name for term in problem.terms if term.partner]

    assert names(lambda u, x, t: g.diff(u, t) + g.diff(u, x)) == ["periodic_u"]
    assert names(lambda u, x, t: g.diff(u, t) - g.diff(u, x, x)) == ["periodic_u", "periodic_u_x"]
    assert names(lambda u, x, t: g.diff(u, t) + g.diff(u, x, x, x)) == ["periodic_u", "periodic_u_x", "periodic_u_xx"]


SUMMED = ("poisson_layers",)
"""Problems whose exact solution takes seconds; tests of their own compare it with finite differences."""


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in SUMMED else n for n in g.registry.names()]
)
def test_registry_problems_verify(name):
    problem = g.registry.load(name)
    assert problem.name == name
    assert "Source:" in (g.registry.factory(name).__doc__ or "")
    if problem.exact is not None:
        table = problem.verify()
        assert all(row.residual < 1e-8 * row.scale for row in table.rows)
        assert table.free_faces == ()


@pytest.mark.parametrize("options", [{"dimension": 1}, {"dimension": 3}, {"wave_number": 4}])
def test_poisson_family_verifies(options):
    g.registry.load("poisson", **options).verify()


WRONG = {
    "equation": {"equations": lambda u, x, y: g.laplacian(u)},
    "equation with a wrong sign": {
        "equations": lambda u, x, y: g.laplacian(u) - 2 * PI**2 * torch.sin(PI * x) * torch.sin(PI * y)
    },
    "dirichlet_u": {"conditions": [g.Dirichlet(u=0.01)]},
    "neumann_u": {"conditions": [g.Neumann(u=0)]},
}


@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
@pytest.mark.parametrize("case", WRONG)
def test_verify_names_the_term_that_fails(case):
    with pytest.raises(g.GmnmError, match=case.split()[0]) as caught:
        make_poisson(**WRONG[case]).verify()
    assert "FAILS" in str(caught.value) and "largest" in str(caught.value)


def test_verify_sees_a_small_mistake():
    wrong = make_poisson(exact=lambda x, y: (1 + 1e-6) * torch.sin(PI * x) * torch.sin(PI * y))
    with pytest.raises(g.GmnmError, match="equation"):
        wrong.verify()


@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
def test_verify_knows_normals():
    square = g.Rectangle(x=(-1, 1), y=(0, 2))

    def exact(x, y):
        return torch.exp(x) * torch.cos(y)

    g.Problem(
        square,
        lambda u: g.laplacian(u),
        [
            g.Neumann(u=exact, on=square.face(x=1)),
            g.Robin(2.0, -1.0, u=lambda x, y: torch.exp(x) * (2 * torch.cos(y) - torch.sin(y)), on=square.face(y=0)),
            g.Condition(lambda u, x, y, normal: g.diff(u, x) * normal[:, 0] + exact(x, y), on=square.face(x=-1)),
        ],
        exact=exact,
    ).verify()


@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
def test_verify_names_faces_without_a_condition():
    right = g.Rectangle(x=(-1, 1), y=(-1, 1)).face(x=1)
    assert make_poisson(conditions=[g.Dirichlet(u=0, on=right)]).verify().free_faces == ("x=-1", "y=-1", "y=1")


def test_exact_by_field():
    def stated(**given):
        return g.Problem(
            SQUARE,
            lambda u, v, k: (k * g.laplacian(u) - v, g.laplacian(v)),
            [g.Dirichlet(u=0, v=0)],
            parameters={"k": 1.0},
            **given,
        )

    column = torch.tensor([0.25, 0.5], dtype=torch.float64)
    fields, parameters = stated(exact={"v": lambda y: 2 * y, "u": lambda x: x**2, "k": 3}).exact_columns([column] * 2)
    assert torch.equal(fields["u"], column**2) and torch.equal(fields["v"], 2 * column) and parameters == {"k": 3.0}
    assert torch.equal(stated(exact={"u": 1, "v": lambda x: x}).exact_columns([column] * 2)[0]["u"], 0 * column + 1)
    for wrong in ({"u": lambda x: x}, {"u": lambda x: x, "v": lambda x: x, "w": 0}):
        with pytest.raises(g.GmnmError, match="the fields u, v"):
            stated(exact=wrong)
    with pytest.raises(g.GmnmError, match="asks for 'z'"):
        stated(exact={"u": lambda z: z, "v": 0})


def test_exact_may_tell_the_parameters():
    problem = g.registry.load("inverse_heat")
    problem.verify()
    silent = g.Problem(
        SQUARE, lambda u, k: k * g.laplacian(u) - u, [g.Dirichlet(u=0)], parameters={"k": 1.0}, exact=lambda x, y: 0 * x
    )
    with pytest.raises(g.GmnmError, match="what k should be"):
        silent.verify()


def test_contradicting_corners_warn_once_and_agreeing_ones_do_not():
    walls = [g.Dirichlet(u=0, on=face) for face in (SQUARE.face(x=0), SQUARE.face(x=1), SQUARE.face(y=0))]
    lid = [g.Dirichlet(u=1, on=SQUARE.face(y=1)), *walls]
    with pytest.warns(g.NumericalWarning, match="at the corner x=., y=1"):
        simple(conditions=lid)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simple(conditions=[g.Dirichlet(u=lambda x: x * (1 - x), on=SQUARE.face(y=1)), *walls])


FREE = {
    "a constant": ([g.Neumann(u=0)], "any constant can be added"),
    "two faces free": (
        [g.Dirichlet(u=0, on=SQUARE.face(x=0) | SQUARE.face(x=1))],
        r"order 2 in 'y', with 0 condition\(s\)",
    ),
    "one face free": (
        [g.Dirichlet(u=0, on=face) for face in (SQUARE.face(x=0), SQUARE.face(y=0), SQUARE.face(y=1))],
        r"order 2 in 'x', with 1 condition\(s\)",
    ),
}


@pytest.mark.parametrize("case", FREE)
def test_a_statement_that_leaves_the_solution_free_warns(case):
    conditions, message = FREE[case]
    with pytest.warns(g.NumericalWarning, match=message):
        simple(conditions=conditions)


def test_enough_conditions_do_not_warn():
    line = g.Interval(x=(0, 1))
    for domain, equation, conditions in (
        (
            line,
            lambda u, x: g.diff(u, x, x) + u,
            [g.Dirichlet(u=0, on=line.face(x=0)), g.Neumann(u=1, on=line.face(x=0))],
        ),
        (
            SPACETIME,
            lambda u, x, t: g.diff(u, t) + g.diff(u, x),
            [g.Dirichlet(u=0, on=SPACETIME.face(x=0)), g.Initial(u=0)],
        ),
        (SQUARE, lambda u: g.laplacian(u), [g.Neumann(u=0), g.Observations([[0.0, 0.0]], u=0.0)]),
        (SPACETIME, lambda u, x, t: g.diff(u, t) - g.diff(u, x, x), [g.Periodic("x"), g.Initial(u=0)]),
    ):
        g.Problem(domain, equation, conditions)


NAN = float("nan")
BAD = {
    "inverted bounds": (lambda: g.Interval(x=(1, 0)), r"low < high, got \(1, 0\). Swap them"),
    "empty interval": (lambda: g.Interval(x=(1, 1)), "widen it"),
    "nan bound": (lambda: g.Rectangle(x=(0, 1), y=(0, NAN)), "finite bounds"),
    "infinite bound": (lambda: g.Time(t=(0, math.inf)), "finite bounds"),
    "no pair": (lambda: g.Interval(x=3), "a pair of numbers"),
    "no bounds": (lambda: g.Box(), "at least one interval"),
    "too many intervals": (lambda: g.Interval(x=(0, 1), y=(0, 1)), r"1 interval\(s\), got 2"),
    "same name twice": (lambda: g.Interval(x=(0, 1)) * g.Interval(x=(0, 1)), "different coordinates"),
    "two times": (lambda: SPACETIME * g.Time(s=(0, 1)), "one time"),
    "times a number": (lambda: SQUARE * 3, "a domain"),
    "no such face": (lambda: SQUARE.face(x=0.5), "an end of x"),
    "no such coordinate": (lambda: SQUARE.face(z=0), "a coordinate of the domain"),
    "two faces at once": (lambda: SQUARE.face(x=0, y=0), "one coordinate"),
    "no time": (lambda: SQUARE.initial, "a domain with time"),
    "no boundary": (lambda: g.Time(t=(0, 1)).boundary, "spatial coordinates"),
    "where on a wrong name": (lambda: SQUARE.boundary.where(lambda z: z > 0), "asks for 'z'"),
    "no domain": (lambda: g.Problem((0, 1), lambda u: u), "a domain"),
    "equations no function": (lambda: simple(3.0), "a function"),
    "an unknown coordinate": (lambda: simple(lambda u, z: g.diff(u, z)), "no coordinate of"),
    "star arguments": (lambda: simple(lambda *fields: fields[0]), "arguments with names"),
    "unknown field": (lambda: simple(conditions=[g.Dirichlet(w=0)]), r"Dirichlet\(w=...\)"),
    "near field": (
        lambda: g.Problem(SQUARE, lambda temp: g.laplacian(temp), [g.Dirichlet(tmp=0)]),
        "Did you mean 'temp'",
    ),
    "fields stated, another named": (lambda: simple(lambda u, q: g.laplacian(u) + q, fields=("u",)), "got 'q'"),
    "field named as a coordinate": (lambda: simple(fields=("u", "x")), "names of their own"),
    "unknown in a condition": (lambda: simple(conditions=[g.Condition(lambda u, q: u - q)]), "asks for 'q'"),
    "unknown in data": (lambda: simple(conditions=[g.Dirichlet(u=lambda z: z)]), "asks for 'z'"),
    "unknown in exact": (lambda: simple(exact=lambda z: z), "asks for 'z'"),
    "no conditions": (lambda: simple(conditions=[]), "without any condition"),
    "no condition object": (lambda: simple(conditions=[lambda u: u]), r"Condition\(function, on=region\)"),
    "empty dirichlet": (lambda: g.Dirichlet(), "a field and its value"),
    "nan value": (lambda: g.Dirichlet(u=NAN), "a finite value"),
    "value no number": (lambda: g.Dirichlet(u="zero"), "a number, an array or a function"),
    "array on a face": (lambda: simple(conditions=[g.Dirichlet(u=torch.zeros(5))]), "Observations"),
    "negative order": (lambda: g.Initial(u=0, order=-1), "0 or a positive integer"),
    "initial without time": (lambda: simple(conditions=[g.Initial(u=0)]), "a domain with time"),
    "periodic by a number": (lambda: g.Periodic(0), "the name of a coordinate"),
    "periodic in time": (
        lambda: g.Problem(SPACETIME, lambda u, t: g.diff(u, t), [g.Periodic("t")]),
        "a spatial coordinate",
    ),
    "robin with a function": (lambda: g.Robin(lambda x: x, 1, u=0), "a number"),
    "region of another domain": (
        lambda: simple(conditions=[g.Dirichlet(u=0, on=SPACETIME.boundary)]),
        "a region of the problem's domain",
    ),
    "domain as a region": (lambda: simple(conditions=[g.Dirichlet(u=0, on=SQUARE)]), "domain.boundary"),
    "no points selected": (
        lambda: simple(conditions=[g.Dirichlet(u=0, on=SQUARE.boundary.where(lambda x: x > 2))]),
        "at least one point",
    ),
    "normal inside": (lambda: simple(lambda u, normal: g.laplacian(u)), "normal"),
    "flux where there is no normal": (
        lambda: simple(conditions=[g.Neumann(u=0, on=[[0.5, 0.5]])]),
        "points on a boundary",
    ),
    "observations of a wrong shape": (
        lambda: simple(conditions=[g.Observations(torch.zeros(3, 3), u=0)]),
        r"shape \[m, 2\]",
    ),
    "observations without points": (lambda: simple(conditions=[g.Observations(torch.zeros(0, 2), u=0)]), "shape"),
    "observed values of a wrong shape": (
        lambda: simple(conditions=[g.Observations(torch.zeros(3, 2), u=torch.zeros(4))]),
        r"shape \(3,\)",
    ),
    "observed nan": (
        lambda: simple(conditions=[g.Observations(torch.zeros(2, 2), u=[0.0, NAN])]),
        "at row 1",
    ),
    "observed nan points": (lambda: simple(conditions=[g.Observations([[0.0, NAN]], u=0)]), "finite coordinates"),
    "residual with an extra axis": (
        lambda: simple(lambda u, x: torch.stack([g.laplacian(u), u], dim=1)),
        "one number per point",
    ),
    "residual is a sum": (lambda: simple(lambda u: (u**2).sum()), "one number per point"),
    "residual of other points": (lambda: simple(lambda u: u - u.mean()), "depends on other points"),
    "residual without unknown": (lambda: simple(lambda u, x: torch.sin(x)), "does not depend on any unknown"),
    "residual no tensor": (lambda: simple(lambda u: 1.0), "a tensor with one number per point"),
    "residual none": (lambda: simple(lambda u: None), "a tensor with one number per point"),
    "condition data with an extra axis": (
        lambda: simple(conditions=[g.Dirichlet(u=lambda x: torch.stack([x, x], dim=1))]),
        "one number per point",
    ),
    "parameter named as a coordinate": (lambda: simple(parameters={"x": 1.0}), "a name of its own"),
    "parameter without a number": (lambda: simple(parameters={"k": "one"}), "a finite initial guess"),
    "exact with a wrong count": (
        lambda: make_poisson(exact=lambda x, y: (x, y)).verify(),
        r"1 field\(s\)",
    ),
    "exact with a wrong name": (lambda: make_poisson(exact=lambda x, y: {"w": x}).verify(), "the fields u"),
    "no exact": (lambda: make_poisson(exact=None).verify(), "an exact solution"),
    "problem name": (lambda: g.registry.load("poison"), "Did you mean 'poisson'"),
    "problem parameter": (lambda: g.registry.load("poisson", wavenumber=2), "Did you mean 'wave_number'"),
    "sampling rule": (lambda: g.sampling.unit_points(3, 2, "sobel"), "Did you mean 'sobol'"),
    "sampling count": (lambda: g.sampling.unit_points(0, 2), "at least 1 point"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_statements_are_one_clear_error(case):
    function, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message) as caught:
        function()
    assert "\n" not in str(caught.value).splitlines()[0]
