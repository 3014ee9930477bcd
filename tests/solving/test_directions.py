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
    report = g.solve(g.registry.load("poisson_nd", dimension=8), tol=1e-8).report
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


@pytest.mark.parametrize("bad", [0, -1, 1.5, True])
def test_bad_numbers_are_refused(bad):
    with pytest.raises(g.GmnmError, match="active"):
        g.Mixture(active=bad)
    with pytest.raises(g.GmnmError, match="affine"):
        g.Mixture(active=1, form="full")
