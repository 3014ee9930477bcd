"""Events and invariants of problems with space: doses, stops, kicks, and integrals that stay."""

import math

import pytest
import torch

from gmnm_pde import (
    Dirichlet,
    Event,
    Initial,
    Interval,
    Periodic,
    Problem,
    Rectangle,
    Time,
    diff,
    integral,
    laplacian,
    load_solution,
    mean,
    solve,
)

RATE = 0.1 * math.pi**2
PLACES = torch.linspace(0, 1, 11, dtype=torch.float64)


def rod(events=None, source=0.0, initial=1.0, **stated):
    return Problem(
        Interval(x=(0, 1)) * Time(t=(0, 1)),
        lambda u, x, t: diff(u, t) - 0.1 * laplacian(u) - source * torch.sin(math.pi * x),
        [Dirichlet(u=0), Initial(u=lambda x: initial * torch.sin(math.pi * x))],
        events=events,
        **stated,
    )


def test_doses_at_known_times():
    dose = Event(at=[0.25, 0.5], change={"u": lambda u, x: u + torch.sin(2 * math.pi * x)})
    solution = solve(rod(dose), tol=1e-8)
    assert solution.report.converged and solution.report.events == {"event_1": [0.25, 0.5]}
    after = math.exp(-4 * RATE * 0.5) + math.exp(-4 * RATE * 0.25)
    expected = math.exp(-0.75 * RATE) * torch.sin(math.pi * PLACES) + after * torch.sin(2 * math.pi * PLACES)
    assert torch.as_tensor(solution(PLACES, 0 * PLACES + 0.75)).sub(expected).abs().max() < 1e-8


def test_a_dose_at_the_beginning():
    report = solve(rod(Event(at=0, change={"u": lambda u: 2 * u})), tol=1e-6).report
    assert report.converged and report.events == {"event_1": [0.0]}


def test_a_mean_ends_it(tmp_path):
    solution = solve(rod(Event(lambda u: mean(u) - 1 / math.pi, stop=True, name="half")), tol=1e-8)
    assert solution.report.events["half"] == pytest.approx([math.log(2) / RATE], abs=1e-9)
    assert "the event 'half' ends it" in solution.report.reason
    solution.save(tmp_path / "half.safetensors")
    again = load_solution(tmp_path / "half.safetensors")
    assert math.isnan(again(0.5, 0.9))
    assert again(0.5, 0.5) == solution(0.5, 0.5)


def test_the_first_place_that_is_hot():
    cut = Event(lambda u: u - 0.7, direction=1, change={"u": lambda u: u / 2}, name="hot")
    (first, *others) = solve(rod(cut, source=3.0, initial=0.0), tol=1e-8).report.events["hot"]
    steady = 3 / RATE
    assert first == pytest.approx(-math.log(1 - 0.7 / steady) / RATE, abs=1e-9)
    period = -math.log((0.7 - steady) / (0.35 - steady)) / RATE
    assert others == pytest.approx([first + (k + 1) * period for k in range(len(others))], abs=1e-9)
    assert len(others) == 5


def test_a_velocity_taken_away():
    string = Problem(
        Interval(x=(0, 1)) * Time(t=(0, 2)),
        lambda u, x, t: diff(u, t, t) - diff(u, x, x),
        [Dirichlet(u=0), Initial(u=lambda x: torch.sin(math.pi * x)), Initial(u=0, order=1)],
        events=Event(at=0.5, change={"u_t": 0}),
    )
    solution = solve(string, tol=1e-8)  # at that time the string is flat
    assert torch.as_tensor(solution(PLACES, 0 * PLACES + 1.3)).abs().max() < 1e-8


def test_a_dose_in_the_plane():
    def modes(x, y):
        return torch.sin(2 * math.pi * x) * torch.sin(math.pi * y)

    plate = Problem(
        Rectangle(x=(0, 1), y=(0, 1)) * Time(t=(0, 1)),
        lambda u: diff(u, "t") - 0.1 * (diff(u, "x", "x") + diff(u, "y", "y")),
        [Dirichlet(u=0), Initial(u=lambda x, y: torch.sin(math.pi * x) * torch.sin(math.pi * y))],
        events=Event(at=0.5, change={"u": lambda u, x, y: u + modes(x, y)}),
    )
    solution = solve(plate, tol=1e-7)
    y, end = 0 * PLACES + 0.3, 0 * PLACES + 1
    expected = math.exp(-2 * RATE) * torch.sin(math.pi * PLACES) * math.sin(0.3 * math.pi)
    expected += math.exp(-5 * RATE * 0.5) * modes(PLACES, y)
    assert torch.as_tensor(solution(PLACES, y, end)).sub(expected).abs().max() < 1e-7


def test_events_are_kept_in_a_checkpoint(tmp_path):
    problem = rod(Event(at=0.5, change={"u": lambda u: 3 * u}))
    alone = solve(problem, tol=1e-6)
    solve(problem, tol=1e-6, checkpoint=tmp_path / "march")
    again = solve(problem, tol=1e-6, checkpoint=tmp_path / "march")
    assert again.report.events == alone.report.events == {"event_1": [0.5]}
    assert again(0.3, 0.8) == alone(0.3, 0.8)


def test_what_does_not_change():
    waves = Problem(
        Interval(x=(0, 1)) * Time(t=(0, 1)),
        lambda u, x, t: diff(u, t) + diff(u, x) + u * diff(u, x) + 1e-3 * diff(u, x, x, x),
        [Periodic("x"), Initial(u=lambda x: torch.sin(2 * math.pi * x) / 4)],
        invariants={"mass": lambda u: mean(u), "energy": lambda u: integral(u**2), "at": lambda u: u},
    )
    found = solve(waves, tol=1e-8).report.invariants
    assert found["mass"] == 0 and found["energy"] < 1e-7 and found["at"] > 0.5


def test_each_event_changes_what_is_its_own():
    domain = Interval(x=(0, 1)) * Time(t=(0, 2))
    two = [Event(at=0.5, change={"u": lambda u: u + 1}), Event(at=1.0, change={"v": lambda v: v + 10})]
    first = [Initial(u=1.0, v=1.0)]
    solution = solve(Problem(domain, lambda u, v, x, t: (diff(u, t), diff(v, t)), first, events=two), tol=1e-6)
    for time, values in ((0.25, (1, 1)), (0.75, (2, 1)), (1.5, (2, 11))):
        found = solution(0.3, time)
        assert [float(found["u"]), float(found["v"])] == pytest.approx(values, rel=1e-12)
