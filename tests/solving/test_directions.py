"""Ridges in few of many coordinates."""

import pytest
import torch

import gmnm_pde as g


@pytest.mark.parametrize("active", [1, 2, 3, 5])
def test_how_many_coordinates_each_depends_on(active):
    model = g.Mixture(active=active).draw(5, 1, 40, (2.0,) * 5, seed=0)
    slopes = model.kernel.slopes()
    assert ((slopes != 0).sum(dim=1) == active).all()
    assert torch.allclose(slopes.norm(dim=1), torch.full((40,), 2.0, dtype=torch.float64))
    turns = (slopes != 0).sum(dim=0)
    assert turns.min() > 0.5 * turns.max()


def test_a_sum_of_functions_of_one_coordinate_in_many_dimensions():
    report = g.solve(g.registry.load("poisson_nd", dimension=6), tol=1e-8).report
    assert report.converged and report.relative_l2 < 1e-8 and report.components < 500


def test_other_functions_keep_ridges_across_all():
    report = g.solve(g.registry.load("heat_nd", dimension=3), g.Mixture(components=300, widths=1.0)).report
    dense = g.solve(g.registry.load("heat_nd", dimension=3), g.Mixture(components=300, widths=1.0, active=4)).report
    assert report.relative_l2 == dense.relative_l2


def test_a_checkpoint_keeps_the_kind_of_ridges(tmp_path):
    path, problem = tmp_path / "solve", g.registry.load("poisson_nd", dimension=5)
    whole = g.solve(problem, tol=1e-6, checkpoint=path)
    again = g.solve(problem, tol=1e-6, checkpoint=path)
    assert again.report.relative_l2 == whole.report.relative_l2 < 1e-6


def test_ridges_on_sets_of_coordinates_take_turns():
    sets = ((0, 1), (2, 3, 4), (1,))
    slopes = g.Mixture(active=sets).draw(5, 1, 10, (2.0,) * 5, seed=0).kernel.slopes()
    assert [tuple(row.nonzero()[:, 0].tolist()) for row in slopes] == [sets[k % 3] for k in range(10)]
    assert torch.allclose(slopes.norm(dim=1), torch.full((10,), 2.0, dtype=torch.float64))


def test_pairs_that_act_together_are_found():
    problem = g.registry.load("two_body_nd", dimension=8)
    report = g.solve(problem, tol=1e-4).report
    assert report.converged and report.relative_l2 < min(1e-4, report.error_estimate), report
    assert report.met == ["dirichlet_u"], "a constant on a sphere is met by construction"


def test_a_faint_pair_beside_functions_of_one_coordinate():
    def exact(x):
        return torch.sin(x).sum() + 1e-3 * x[1] * torch.exp(x[4])

    def source(x):
        return -torch.sin(x).sum() + 1e-3 * x[1] * torch.exp(x[4])

    box = g.Box(x=[(-1, 1)] * 5)
    problem = g.Problem(box, lambda u, x: g.laplacian(u) - source(x), [g.Dirichlet(u=exact)], exact=exact)
    report = g.solve(problem, tol=1e-7).report
    assert report.converged and report.relative_l2 < 1e-7, report


@pytest.mark.slow
def test_one_pair_among_many_coordinates_on_the_conditions_alone():
    def exact(x):
        return (x[:-1] ** 2 - x[1:] ** 2).sum() + x[0] * x[1]

    box = g.Box(x=[(0, 1)] * 20)
    problem = g.Problem(box, lambda u: g.laplacian(u), [g.Dirichlet(u=exact)], exact=exact)
    report = g.solve(problem, tol=1e-6).report
    assert report.converged and report.relative_l2 < min(1e-6, report.error_estimate), report


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, (), ((),), ((0, 0),), ((-1, 2),), ((0, 1), 2)])
def test_bad_numbers_are_refused(bad):
    with pytest.raises(g.GmnmError, match="active"):
        g.Mixture(active=bad)
    with pytest.raises(g.GmnmError, match="affine"):
        g.Mixture(active=1, form="full")
