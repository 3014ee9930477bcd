"""Systems on boxes in space: elasticity and the flow of Stokes against known solutions, and what is refused."""

import pytest
import space_systems as cases
import torch

import gmnm_pde as g
from gmnm_pde import GmnmError

RIGHT = cases.CUBE.face(x=1)


def by_hand(problem, counts=2, degree=8):
    return g.solve(problem, method=g.Boxes(counts=counts, degree=degree)).report


@pytest.mark.parametrize(
    ("problem", "degree", "error"),
    [
        (cases.elasticity(0.5), 6, 1e-3),
        (cases.elasticity(0.5, conditions="traction"), 6, 5e-3),
        (cases.elasticity(0.5, stiffer=0.7), 6, 1e-3),
        pytest.param(cases.elasticity(0.5, cases.BORED, "traction"), 6, 2e-2, marks=pytest.mark.slow),
        (cases.flow(0.5), 8, 3e-3),
        (cases.flow(0.5, pin=(0, 0, 0)), 6, 1e-2),
        pytest.param(cases.flow(0.5, cases.BORED), 6, 5e-3, marks=pytest.mark.slow),
    ],
    ids=["values", "tractions", "stiffer", "bored", "stokes", "pinned_in_a_corner", "stokes_around_a_hole"],
)
def test_solutions_are_right_and_estimates_too(problem, degree, error):
    report = by_hand(problem, degree=degree)
    worst = max(report.relative_l2.values())
    assert worst < error
    assert worst < report.error_estimate < 20 * worst


def test_the_order_of_equations_and_fields_does_not_matter():
    plain = cases.flow(0.5)
    equations, exact = cases.stokes(0.5)

    def shuffled(p, w, u, v, x, y, z):
        own = equations(u, v, w, p, x, y, z)
        return {name: own[name] for name in ("mass", "momentum_z", "momentum_x", "momentum_y")}

    other = g.Problem(plain.domain, shuffled, plain.conditions, exact=exact)
    sample = plain.domain.sample(50).points
    first, second = (g.solve(each, method=g.Boxes(counts=2, degree=4))(*sample.unbind(1)) for each in (plain, other))
    for name in plain.fields:
        assert torch.allclose(first[name], second[name], atol=1e-8)


def test_sides_of_symmetry_hold_one_value_and_two_tractions():
    """A quarter of a bar that is drawn: its stress is the same everywhere."""
    ratio = cases.LAME / (2 * (cases.LAME + cases.SHEAR))
    young = 2 * cases.SHEAR * (1 + ratio)

    def drawn(u, v, w, x, y, z, normal):
        found = cases.traction(u, v, w, x, y, z, normal)
        return (found[0] - 1, *found[1:])

    def slides(axis):
        return lambda u, v, w, x, y, z: tuple(cases.stresses(u, v, w, x, y, z)[axis][k] for k in {0, 1, 2} - {axis})

    low = [cases.CUBE.face(**{axis: 0}) for axis in "xyz"]
    conditions = [
        *(g.Dirichlet(**{name: 0}, on=side, name=f"held_{name}") for name, side in zip("uvw", low, strict=True)),
        *(g.Condition(slides(k), on=side, name=f"slides_{k}") for k, side in enumerate(low)),
        g.Condition(drawn, on=RIGHT, name="drawn"),
        g.Condition(cases.traction, on=cases.CUBE.face(y=1) | cases.CUBE.face(z=1), name="free"),
    ]
    problem = g.Problem(
        cases.CUBE,
        cases.rest,
        conditions,
        exact=lambda x, y, z: {"u": x / young, "v": -ratio * y / young, "w": -ratio * z / young},
    )
    assert max(by_hand(problem, degree=5).relative_l2.values()) < 1e-9


def test_a_pressure_may_be_known_from_a_side_with_a_given_traction():
    equations, exact = cases.stokes(0.5)
    slope = cases.jet_of(exact)("u", 0)

    def leaves(p, u, x, y, z):
        return p - exact(x, y, z)["p"] - g.diff(u, x) + slope(x, y, z)

    others = cases.CUBE.boundary.where(lambda x: x < 1 - 1e-9)
    conditions = [
        g.Dirichlet(**cases.values(exact), on=others),
        g.Dirichlet(**cases.values(exact, "vw"), on=RIGHT, name="across"),
        g.Condition(leaves, on=RIGHT, name="leaves"),
    ]
    report = by_hand(g.Problem(cases.CUBE, equations, conditions, exact=exact))
    assert max(report.relative_l2.values()) < 5e-3


def refused(problem, words):
    with pytest.raises(GmnmError, match=words):
        by_hand(problem, degree=4)


@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
def test_what_leaves_something_free_is_refused():
    equations, exact = cases.stokes(0.5)
    given = g.Dirichlet(**cases.values(exact))
    refused(g.Problem(cases.CUBE, equations, [given]), "no value of a field")
    twice = g.Observations([[0.1, 0.1, 0.1], [0.5, 0.5, 0.5]], p=[0.0, 0.0])
    refused(g.Problem(cases.CUBE, equations, [given, twice]), "data are given at points")
    free = g.Condition(cases.traction, on=cases.CUBE.boundary, name="free")
    refused(g.Problem(cases.CUBE, cases.rest, [free]), "only derivatives of a field")


def test_waves_and_directions_of_time_are_refused():
    def waves(u, v):
        return g.laplacian(u) + 50 * u + v, g.laplacian(v) + 50 * v - u

    refused(g.Problem(cases.CUBE, waves, [g.Dirichlet(u=0, v=0)]), "waves")

    def hyperbolic(u, v, x, y, z):
        return g.laplacian(u) - 3 * g.diff(u, x, x), g.laplacian(v)

    refused(g.Problem(cases.CUBE, hyperbolic, [g.Dirichlet(u=0, v=0)]), "not elliptic")


@pytest.mark.slow
def test_flows_of_a_wave_are_solved_on_boxes_unasked():
    report = g.solve(cases.flow(1), tol=1e-4).report
    assert report.status == "met" and "boxes" in report.method
    assert max(report.relative_l2.values()) < report.error_estimate < 1e-4
