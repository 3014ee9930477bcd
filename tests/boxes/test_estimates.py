"""The error estimate on boxes beside the error."""

import box_cases as cases
import pytest
import torch

import gmnm_pde as g

KNOWN = {
    "poisson": (lambda: cases.poisson(1), (2, 2), 10),
    "poisson, coarse": (lambda: cases.poisson(1), (1, 1), 12),
    "helmholtz": (lambda: cases.helmholtz(3), (2, 2), 18),
    "helmholtz, coarse": (lambda: cases.helmholtz(3), (4, 4), 12),
    "varying": (cases.varying, (2, 2), 10),
    "line": (cases.line, (2,), 14),
    "space": (cases.cube, (2, 2, 2), 7),
    "space and time": (cases.spacetime, (2, 2), 8),
}


@pytest.mark.parametrize("name", KNOWN)
def test_estimates_are_within_a_factor_of_ten(name):
    make, counts, degree = KNOWN[name]
    report = g.solve(make(), method=g.Boxes(counts=counts, degree=degree)).report
    assert report.relative_l2 / 2 < report.error_estimate < 10 * report.relative_l2


def test_a_corner_is_not_called_smooth():
    def exact(x, y):
        return (x * x + y * y) ** (1 / 3) * torch.sin(2 / 3 * torch.atan2(y, x))

    problem = g.Problem(cases.SQUARE, lambda u: g.laplacian(u), [g.Dirichlet(u=exact)], exact=exact)
    report = g.solve(problem, method=g.Boxes(counts=2, degree=12)).report
    assert report.relative_l2 < report.error_estimate < 100 * report.relative_l2
