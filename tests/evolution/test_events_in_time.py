"""Events on the way of a march, and tolerances by field."""

import math

import numpy as np
import pytest
import torch

from gmnm_pde import Event, GmnmError, Initial, Problem, Time, Tolerance, diff, registry, solve


def ball(end, **bounce):
    change = {"v": lambda v: -0.8 * v}
    return Problem(
        Time(t=(0, end)),
        lambda h, v, t: (diff(h, t) - v, diff(v, t) + 9.81),
        [Initial(h=1, v=0)],
        events=[Event(lambda h: h, direction=-1, change=change, name="bounce", **bounce)],
    )


def test_ten_bounces():
    report = solve(ball(3.7), tol=1e-6).report
    times, speed = [math.sqrt(2 / 9.81)], math.sqrt(2 * 9.81)
    for _ in range(9):
        speed *= 0.8
        times.append(times[-1] + 2 * speed / 9.81)
    assert report.converged and np.abs(np.array(report.events["bounce"][:10]) - times).max() < 1e-9
    assert "event bounce" in str(report)


def test_bounces_without_end_are_named():
    report = solve(ball(6.0), tol=1e-4).report
    assert not report.converged and "Zeno" in report.reason and "t = 4.0637" in report.reason


def test_a_stop_ends_the_solution():
    ground = Problem(
        Time(t=(0, 4)),
        lambda h, t: diff(h, t, t) + 9.81,
        [Initial(h=1), Initial(h=0, order=1)],
        events=[Event(lambda h: h, stop=True, name="ground")],
    )
    solution = solve(ground, tol=1e-6)
    assert solution.report.converged and "'ground' ends it at t = 0.4515" in solution.report.reason
    assert solution.report.events["ground"] == pytest.approx([math.sqrt(2 / 9.81)], abs=1e-12)
    assert math.isnan(solution(t=0.5)) and abs(solution(t=0.2) - (1 - 9.81 * 0.02)) < 1e-9


def test_doses_at_known_times_and_values_after_them():
    doses = Problem(
        Time(t=(0, 4)),
        lambda a, t: diff(a, t) + a / 2,
        [Initial(a=0)],
        events=Event(at=[1, 2], change={"a": lambda a: a + 1}),
    )
    values = solve(doses, tol=1e-8)(t=torch.tensor([0.5, 1.0, 2.0, 4.0]))
    after = 1 + math.exp(-0.5)
    assert values.tolist() == pytest.approx([0.0, 1.0, after, after * math.exp(-1)], abs=1e-8)


def test_crossings_by_direction():
    wave = Problem(
        Time(t=(0, 20)),
        lambda u, t: diff(u, t, t) + u,
        [Initial(u=1), Initial(u=0, order=1)],
        events=[Event(lambda u: u, name="all"), Event(lambda u, t: diff(u, t), direction=-1, name="peaks")],
        invariants={"energy": lambda u, t: u**2 + diff(u, t) ** 2},
    )
    report = solve(wave, tol=1e-8).report
    assert report.events["all"] == pytest.approx([(k + 0.5) * math.pi for k in range(6)], abs=1e-8)
    assert report.events["peaks"] == pytest.approx([2 * math.pi, 4 * math.pi, 6 * math.pi], abs=1e-8)
    assert report.invariants["energy"] < 1e-8


SMALL = Problem(
    Time(t=(0, 3)),
    lambda u, w, t: (diff(u, t) + u, diff(w, t) - 1e-8 * u + w),
    [Initial(u=1, w=0)],
)


@pytest.mark.parametrize("tol", [{"w": 1e-9, "u": 1e-3}, Tolerance(1e-4, absolute={"w": 1e-13})])
def test_tolerances_by_field(tol):
    solution = solve(SMALL, tol=tol)
    assert solution.report.converged and "the tolerances" in solution.report.reason
    assert abs(solution(t=1.0)["w"] - 1e-8 * math.exp(-1)) < 1e-13


def test_impossible_tolerances_by_field():
    with pytest.raises(GmnmError, match="fields of the problem"):
        solve(SMALL, tol={"q": 1e-6})
    with pytest.raises(GmnmError, match="positive numbers"):
        solve(SMALL, tol=Tolerance({"u": -1.0}))
    with pytest.raises(GmnmError, match="problems in time alone"):
        solve(registry.load("poisson"), tol={"u": 1e-6})


def test_each_event_changes_what_is_its_own():
    two = [Event(at=0.5, change={"u": lambda u: u + 1}), Event(at=1.0, change={"v": lambda v: v + 10})]
    first = [Initial(u=1.0, v=1.0)]
    solution = solve(Problem(Time(t=(0, 2)), lambda u, v, t: (diff(u, t), diff(v, t)), first, events=two), tol=1e-6)
    for time, values in ((0.25, (1, 1)), (0.75, (2, 1)), (1.5, (2, 11))):
        found = solution(time)
        assert [float(found["u"]), float(found["v"])] == pytest.approx(values, rel=1e-12)
