"""Statements on time alone: names of fields, and many fields as one vector."""

import pytest
import torch

import gmnm_pde as g

T = g.Time(t=(0, 1))


def test_x_and_y_are_fields_where_there_is_no_space():
    problem = g.Problem(T, lambda x, y, t: (g.diff(x, t) - y, g.diff(y, t) + x), [g.Initial(x=0, y=1)])
    assert problem.fields == ("x", "y") and problem.linear
    solution = g.solve(problem, g.Mixture(components=30))
    assert abs(solution(0.5)["x"] - torch.sin(torch.tensor(0.5)).item()) < 1e-6


def test_another_name_of_time_is_no_field_unasked():
    with pytest.raises(g.GmnmError, match="asks for 't', which is no coordinate"):
        g.Problem(g.Time(s=(0, 1)), lambda u, t: g.diff(u, "s") + u, [g.Initial(u=1)])


def test_x_stays_a_coordinate_where_there_is_space():
    with pytest.raises(g.GmnmError, match="asks for 'y', which is no coordinate"):
        g.Problem(g.Interval(x=(0, 1)) * T, lambda u, y, t: g.diff(u, t) + y, [g.Initial(u=1)])
