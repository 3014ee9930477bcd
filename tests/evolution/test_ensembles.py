"""Many members in one march, against what each is alone."""

import math

import pytest
import torch

from gmnm_pde import GmnmError, Initial, Interval, Periodic, Problem, Time, diff, solve, solve_many

DECAY = Problem(Time(t=(0, 3)), lambda u, t, k: diff(u, t) + k * u, [Initial(u=1)], constants={"k": 1.0})


def test_initial_values_and_constants_of_members():
    rates = torch.tensor([0.5, 5.0, 50.0], dtype=torch.float64)
    begin = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    many = solve_many(DECAY, initial={"u": begin}, constants={"k": rates}, tol=1e-8)
    times = torch.linspace(0, 3, 7, dtype=torch.float64)
    known = begin[:, None] * torch.exp(-rates[:, None] * times)
    assert many.converged and len(many) == 3 and many(times).shape == (3, 7)
    assert (many(times) - known).abs().max() < 1e-7
    assert DECAY.constants["k"] == 1.0


def test_members_of_second_order_and_vectors():
    wave = Problem(Time(t=(0, 5)), lambda u, t: diff(u, t, t) + u, [Initial(u=1), Initial(u=0, order=1)])
    many = solve_many(wave, initial={"u_t": [0.0, 1.0]}, tol=1e-8)
    assert many(2.0).tolist() == pytest.approx([math.cos(2.0), math.cos(2.0) + math.sin(2.0)], abs=1e-7)
    pair = Problem(Time(t=(0, 1)), lambda y, t: diff(y, t) + y, [Initial(y=1)], fields=("y", 2))
    found = solve_many(pair, initial={"y": [[1.0, 2.0], [3.0, 4.0]]})(1.0)
    assert found["y_2"].tolist() == pytest.approx([2 * math.exp(-1), 4 * math.exp(-1)], abs=1e-6)


def test_a_member_is_what_it_is_alone():
    def predators(mine):
        return Problem(
            Time(t=(0, 4)), lambda u, v, t: (diff(u, t) - u + u * v, diff(v, t) + v - u * v), [Initial(u=mine, v=1)]
        )

    many = solve_many(predators(2.0), initial={"u": [0.5, 1.5]}, tol=1e-8)
    alone = solve(predators(1.5), tol=1e-8)
    assert abs(many(3.0)["v"][1].item() - alone(t=3.0)["v"]) < 1e-7


def test_impossible_ensembles():
    with pytest.raises(GmnmError, match="as many values of each"):
        solve_many(DECAY, initial={"u": [1.0, 2.0]}, constants={"k": [1.0]})
    with pytest.raises(GmnmError, match=r"solve_many\(initial=...\)"):
        solve_many(DECAY, initial={"w": [1.0, 2.0]})
    ring = Interval(x=(0, 1)) * Time(t=(0, 1))
    rod = Problem(ring, lambda u, x, t: diff(u, t) - diff(u, x, x), [Initial(u=0), Periodic("x")])
    with pytest.raises(GmnmError, match="it has space"):
        solve_many(rod, initial={"u": [1.0]})
