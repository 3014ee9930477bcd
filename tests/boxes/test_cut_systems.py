"""Systems and nonlinear equations in shapes of the plane, against exact solutions."""

import pytest
import torch
from truth.hidden import slit_exact, slit_square

import gmnm_pde as g

DISK = g.Disk(center=(0, 0), radius=1)
WITH_HOLE = DISK - g.Disk(center=(0.2, 0), radius=0.4)


def exact(x, y):
    return torch.exp(x) * torch.cos(2 * y)


def slope(x, y, normal):
    return exact(x, y) * normal[:, 0] - 2 * torch.exp(x) * torch.sin(2 * y) * normal[:, 1]


def cubic():
    equation = lambda u, x, y: g.laplacian(u) - u**3 + 3 * exact(x, y) + exact(x, y) ** 3  # noqa: E731
    return g.Problem(DISK, equation, [g.Dirichlet(u=exact)], exact=exact, name="cubic")


def radiating():
    def flux(u, x, y, normal):
        return g.normal_derivative(u) + u**2 - slope(x, y, normal) - exact(x, y) ** 2

    conditions = [g.Condition(flux, on=DISK.boundary)]
    return g.Problem(
        DISK, lambda u, x, y: g.laplacian(u) - u + 4 * exact(x, y), conditions, exact=exact, name="radiating"
    )


def clamped():
    conditions = [
        g.Dirichlet(u=exact),
        g.Condition(lambda u, x, y, normal: g.normal_derivative(u) - slope(x, y, normal), on=DISK.boundary),
    ]
    return g.Problem(DISK, lambda u, x, y: g.biharmonic(u) - 9 * exact(x, y), conditions, exact=exact, name="clamped")


def flow():
    """Navier-Stokes around a hole, with a pressure that is given at a point."""

    def known(x, y):
        return {"u": torch.sin(x) * torch.cos(y), "v": -torch.cos(x) * torch.sin(y), "p": torch.sin(x + y)}

    def equations(u, v, p, x, y):
        force = torch.cos(x + y)
        across, along = torch.sin(x) * torch.cos(x), torch.sin(y) * torch.cos(y)
        return {
            "x": u * g.diff(u, x) + v * g.diff(u, y) - 0.1 * g.laplacian(u) + g.diff(p, x)
            - (0.2 * torch.sin(x) * torch.cos(y) + force + across),
            "y": u * g.diff(v, x) + v * g.diff(v, y) - 0.1 * g.laplacian(v) + g.diff(p, y)
            - (-0.2 * torch.cos(x) * torch.sin(y) + force + along),
            "mass": g.diff(u, x) + g.diff(v, y),
        }  # fmt: skip

    walls = g.Dirichlet(u=lambda x, y: known(x, y)["u"], v=lambda x, y: known(x, y)["v"])
    at = torch.tensor([[0.0, 0.75]], dtype=torch.float64)
    pressure = g.Observations(at, p=torch.sin(at[:, 1]))
    return g.Problem(WITH_HOLE, equations, [walls, pressure], exact=known, name="flow")


SOLVED = {
    "elasticity": (lambda: g.registry.load("plate_with_hole"), 4, 16, 1e-5),
    "nonlinear": (cubic, 2, 12, 1e-6),
    "a nonlinear condition": (radiating, 2, 12, 1e-6),
    "fourth order": (clamped, 3, 10, 1e-7),
    "navier-stokes": (flow, 2, 9, 1e-4),
}


def by_field(figures):
    return [*figures.values()] if isinstance(figures, dict) else [figures]


@pytest.mark.parametrize("name", SOLVED)
def test_answers_are_right_and_estimates_say_so(name):
    make, counts, degree, bound = SOLVED[name]
    report = g.solve(make(), method=g.Boxes(counts=counts, degree=degree)).report
    errors, estimates = by_field(report.relative_l2), by_field(report.error_estimate)
    assert max(errors) < bound
    assert max(errors) < max(estimates) < 300 * max(errors)


@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
def test_fluxes_alone_leave_a_constant_free():
    conditions = [g.Condition(lambda u, normal: g.normal_derivative(u) - 1, on=DISK.boundary)]
    free = g.Problem(DISK, lambda u: g.laplacian(u) - 2, conditions)
    assert g.solve(free, method=g.Boxes(counts=2, degree=10)).report.status == "not_unique"


def test_a_field_that_nothing_determines_is_told():
    def twice(u, v):
        first = g.laplacian(u) + v - 1
        return {"once": first, "twice": 2 * first}

    problem = g.Problem(DISK, twice, [g.Dirichlet(u=0)])
    assert g.solve(problem, method=g.Boxes(counts=4, degree=8)).report.status == "not_unique"


@pytest.mark.slow
def test_a_wedge_that_is_cut_out_has_small_boxes_of_several_shapes():
    problem = slit_square(0.5)
    problem.exact = slit_exact(0.5)
    report = g.solve(problem, method="boxes", tol=1e-6).report
    assert report.relative_l2 < 1e-6 and report.relative_l2 < report.error_estimate
