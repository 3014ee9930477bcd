"""A march that was stopped goes on from its file to the digits of one that was left alone."""

import pytest
import torch

from gmnm_pde import Dirichlet, GmnmError, Initial, Interval, Periodic, Problem, Time, diff, div, grad, solve
from gmnm_pde.evolution.resuming import basis_from, saved_basis
from gmnm_pde.models.modes import LocalCells, Waves, product_of
from gmnm_pde.strategies.evolution import Evolution


def layers():
    domain = Interval(x=(0, 1)).split(at=0.4, names=("a", "b")) * Time(t=(0, 1))
    return Problem(
        domain,
        lambda u, x, t, k: diff(u, t) - div(k * grad(u)) - u * (1 - u) - torch.sin(20 * t),
        [Dirichlet(u=0), Initial(u=lambda x: torch.sin(torch.pi * x))],
        coefficients={"k": {"a": 0.01, "b": 0.1}},
    )


def waves():
    return Problem(
        Interval(x=(0, 1)) * Time(t=(0, 1)),
        lambda u, x, t: diff(u, t) + u * diff(u, x) - 0.01 * diff(u, x, x) - torch.sin(20 * t),
        [Periodic("x"), Initial(u=lambda x: torch.sin(2 * torch.pi * x))],
    )


def test_modes_are_saved_whole():
    basis = product_of([LocalCells([0.0, 0.3, 0.5, 1.0], 8, 2, [0.5], [0.3]), Waves((0.0, 2.0), 5)])
    again = basis_from(saved_basis(basis))
    assert [line.config() for line in again.lines] == [line.config() for line in basis.lines]
    assert again.lines[0].marks == basis.lines[0].marks == (0.3,)


class Stop(Exception):
    pass


@pytest.mark.parametrize(("make", "steps"), [pytest.param(layers, 40, marks=pytest.mark.slow), (waves, 12)])
def test_the_digits_of_a_march_left_alone(make, steps, tmp_path, monkeypatch):
    monkeypatch.setattr("gmnm_pde.run.checkpoint._PAUSE", 0.0)
    monkeypatch.setattr("gmnm_pde.run.checkpoint._SHARE", 0.0)
    monkeypatch.setattr("gmnm_pde.evolution.marching._RENEWED", 5)
    problem, path, tol = make(), tmp_path / "march", 1e-4
    alone = solve(problem, tol=tol)
    seen = 0

    def stop(news):
        nonlocal seen
        seen += news.t is not None
        if seen == steps:
            raise Stop

    with pytest.raises(Stop):
        solve(problem, tol=tol, checkpoint=path, callback=stop)
    assert path.exists()
    again = solve(problem, tol=tol, checkpoint=path)
    assert again.report.error_estimate == alone.report.error_estimate
    points = torch.rand(50, 2, dtype=torch.float64)
    assert torch.equal(again.model(points), alone.model(points))


def test_files_of_other_marches_are_refused(tmp_path):
    path = tmp_path / "march"
    solve(waves(), tol=1e-3, method=Evolution(stages=3), checkpoint=path)
    with pytest.raises(GmnmError, match="stages"):
        solve(waves(), tol=1e-3, method=Evolution(stages=5), checkpoint=path)
    with pytest.raises(GmnmError, match="another"):
        solve(layers(), tol=1e-3, checkpoint=path)


def test_time_alone_keeps_no_file(tmp_path):
    problem = Problem(Time(t=(0, 1)), lambda y, t: diff(y, t) + y, [Initial(y=1.0)])
    with pytest.raises(GmnmError, match="checkpoint"):
        solve(problem, method=Evolution(), checkpoint=tmp_path / "march")
