"""Solves on patches that are stopped and gone on with: digits, order of fits and reason of one left alone."""

import pytest
import torch
from conftest import PI

import gmnm_pde as g


class Stopped(Exception):
    pass


def stop_after(count):
    """A callback that ends a solve once so many fits are on record."""
    rows = []

    def listen(news):
        if "error_estimate" in news.figures:
            rows.append(news)
        if len(rows) == count:
            raise Stopped

    return listen


def layer(eps=1e-3):
    return g.registry.load("boundary_layer", eps=eps)


def cubic():
    """A mildly nonlinear problem."""

    def equation(u, x):
        return g.diff(u, x, x) - u**3 + PI**2 * torch.sin(PI * x)

    return g.Problem(g.Interval(x=(0, 1)), equation, [g.Dirichlet(u=0)], name="cubic")


def waves():
    line = g.Interval(x=(0, 90))
    start = g.Dirichlet(u=0, on=line.face(x=0))
    return g.Problem(line, lambda u, x: g.diff(u, x) - torch.cos(x), [start], name="waves")


def smooth():
    return g.Problem(
        g.Interval(x=(0, 1)),
        lambda u, x: g.diff(u, x, x) + PI**2 * torch.sin(PI * x),
        [g.Dirichlet(u=0)],
        name="smooth",
    )


SOLVES = {
    "one mixture, then patches": (lambda: layer(1e-2), {"tol": 1e-8}, (4,)),
    "patches by hand that get more components": (waves, {"model": g.Mixture(patches=3), "tol": 1e-4}, (1,)),
    "Newton on patches": (cubic, {"model": g.Mixture(patches=2), "tol": 1e-10}, (1,)),
    "patches with exact conditions": (smooth, {"model": g.Mixture(patches=2), "tol": 1e-12, "hard": True}, (1,)),
}


def figures(solution):
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in solution.history.rows]
    return [{key: repr(value) for key, value in row.items()} for row in rows]


@pytest.mark.parametrize("name", SOLVES)
def test_the_digits_of_a_solve_left_alone(name, tmp_path):
    make, options, stops = SOLVES[name]
    alone = g.solve(make(), **options)
    for count in stops:
        if count >= len(alone.history):
            continue
        path = tmp_path / f"after{count}"
        with pytest.raises(Stopped):
            g.solve(make(), checkpoint=path, callback=stop_after(count), **options)
        again = g.solve(make(), checkpoint=path, **options)
        assert figures(again) == figures(alone)
        assert again.report.reason == alone.report.reason and again.report.status == alone.report.status
        assert again(0.37) == alone(0.37)
    assert len(alone.history) > min(stops)
