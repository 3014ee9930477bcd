"""Events, breaks and invariants as a problem states them."""

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.jets import Field, Frame, FunctionSource
from gmnm_pde.statement.fingerprint import difference, fingerprint

T = g.Time(t=(0, 2))
START = [g.Initial(h=1, v=0)]


def ball(h, v, t, g):
    return diff(h, t) - v, diff(v, t) + g


diff = g.diff


def stated(conditions=START, equations=ball, domain=T, **more):
    return g.Problem(domain, equations, conditions, constants={"g": 9.81}, **more)


def values(problem, **functions):
    """A frame at some times, with fields that are functions of time."""
    frame = Frame(("t",), torch.tensor([[0.5], [1.0], [1.5]], dtype=torch.float64), time=("t",))
    source = FunctionSource([functions[name](frame.leaves[0]) for name in problem.fields], frame)
    return frame, {name: Field(frame, source, k, name=name) for k, name in enumerate(problem.fields)}


def test_an_event_is_bound_by_name_and_run_once():
    bounce = g.Event(lambda h: h, direction=-1, change={"v": lambda v, g: -0.08 * g * v, "h": 0})
    problem = stated(events=bounce)
    (event,) = problem.events
    assert (event.name, event.direction, event.stop, event.at) == ("event_1", -1, False, ())
    assert event.function.trace.asked == ((0, (0,)),)
    frame, fields = values(problem, h=lambda t: t - 1, v=lambda t: 2 * t)
    assert torch.equal(event.function.evaluate(frame, fields)["event_1"].detach(), frame.points[:, 0] - 1)
    assert [(change.field, change.order) for change in event.changes] == [("v", 0), ("h", 0)]
    after = [change.value.evaluate(frame, fields)[change.field].detach() for change in event.changes]
    assert torch.allclose(after[0], -0.08 * 9.81 * 2 * frame.points[:, 0]) and not after[1].any()


def test_derivatives_in_events_and_of_equations_of_second_order():
    def fall(h, t, g):
        return diff(h, t, t) + g

    top = g.Event(lambda h, t: diff(h, t), name="top", direction=-1)
    bounce = g.Event(lambda h: h, change={"h_t": lambda h: -0.8 * diff(h, "t")}, name="bounce")
    problem = stated([g.Initial(h=1), g.Initial(h=0, order=1)], fall, events=[top, bounce])
    assert [event.name for event in problem.events] == ["top", "bounce"]
    assert problem.events[0].function.trace.asked == ((0, (1,)),)
    assert [(change.field, change.order) for change in problem.events[1].changes] == [("h", 1)]
    with pytest.raises(g.GmnmError, match="one of h, h_t"):
        stated([g.Initial(h=1), g.Initial(h=0, order=1)], fall, events=g.Event(at=1, change={"h_tt": 0}))


def test_doses_at_known_times_and_vectors():
    dose = g.Event(at=[1.5, 1, 1.0], change={"a": lambda a: a + torch.tensor([1.0, 0.0])}, name="dose")
    problem = g.Problem(T, lambda t, a: diff(a, t) + a, [g.Initial(a=0)], fields=("a", 2), events=[dose])
    (event,) = problem.events
    assert event.at == (1.0, 1.5) and event.function is None
    frame, fields = values(problem, a_1=lambda t: t, a_2=lambda t: 2 * t)
    after = {change.field: change.value.evaluate(frame, fields)[change.field] for change in event.changes}
    assert torch.equal(after["a_1"], frame.points[:, 0] + 1) and torch.equal(after["a_2"], 2 * frame.points[:, 0])


def test_doses_in_space():
    domain = g.Interval(x=(0, 1)) * T
    pulse = g.Event(at=1, change={"u": lambda u, x: u + torch.exp(-(((x - 0.5) / 0.1) ** 2))})
    conditions = [g.Dirichlet(u=0), g.Initial(u=0)]
    problem = g.Problem(domain, lambda u, x, t: diff(u, t) - diff(u, x, x), conditions, events=pulse)
    assert problem.events[0].at == (1.0,) and problem.events[0].changes[0].field == "u"


def test_breaks_are_those_stated_and_those_of_tables():
    drive = g.table([0, 0.5, 1, 3], [0, 1, 0, 0])

    def driven(h, v, t):
        return diff(h, t) - v, diff(v, t) - drive(t)

    problem = stated(equations=driven, breaks=[1.5, 1.0])
    assert problem.breaks == (0.5, 1.0, 1.5)
    assert stated().breaks == ()


def test_invariants_are_terms_by_name():
    problem = stated(invariants={"energy": lambda h, v, g: v**2 / 2 + g * h})
    frame, fields = values(problem, h=lambda t: 1 - t**2, v=lambda t: -2 * t)
    energy = problem.invariants["energy"].evaluate(frame, fields)["energy"].detach()
    t = frame.points[:, 0]
    assert torch.allclose(energy, 2 * t**2 + 9.81 * (1 - t**2))
    assert set(problem.invariants["energy"].trace.asked) == {(0, (0,)), (1, (0,))}


def test_they_stay_with_the_problem_and_are_part_of_its_fingerprint():
    more = {"events": g.Event(lambda h: h, stop=True), "breaks": [1.0], "invariants": {"h": lambda h: h}}
    problem = stated(**more)
    others = (problem.with_constants(g=1.0), problem.restated(problem.terms), problem.boosted(2.0), problem.on(T))
    for other in others:
        assert [event.name for event in other.events] == ["event_1"] and other.breaks == (1.0,) and other.invariants
    known = fingerprint(problem)
    assert not difference(known, fingerprint(stated(**more)))
    changed = {
        "events": g.Event(lambda h: h - 1e-3, stop=True),
        "breaks": [1.1],
        "invariants": {"h": lambda h: 2 * h},
    }
    for name, other in changed.items():
        assert difference(known, fingerprint(stated(**{**more, name: other}))) == f"the {name} differ"
    assert not {"events", "breaks", "invariants"} & fingerprint(stated()).keys()


def test_events_are_refused_by_strategies_for_all_times_at_once():
    problem = stated(events=g.Event(lambda h: h, stop=True))
    with pytest.raises(g.GmnmError, match="the strategy evolution, which follows a problem in time"):
        g.solve(problem, g.Mixture(components=30))


def test_a_solve_that_goes_on_keeps_its_events():
    problem = stated(equations=ball, breaks=[1.0], invariants={"energy": lambda h, v, g: v**2 / 2 + g * h})
    later = g.solve(problem, g.Mixture(components=30)).extended(t=3)
    assert later.breaks == () and list(later.invariants) == ["energy"]


SPACE = g.Interval(x=(0, 1))
REFUSED = {
    "nothing": (lambda: g.Event(), "got neither"),
    "both": (lambda: g.Event(lambda h: h, at=1), "got both"),
    "no function": (lambda: g.Event("h"), "a function of fields and time, got 'h'"),
    "a direction": (lambda: g.Event(lambda h: h, direction=2), "1, -1 or 0, got 2"),
    "a direction of times": (lambda: g.Event(at=1, direction=1), "0 for an event at known times"),
    "a stop": (lambda: g.Event(lambda h: h, stop="yes"), "True or False"),
    "a change": (lambda: g.Event(lambda h: h, change=lambda h: h), "a dict from fields to values"),
    "a changed value": (lambda: g.Event(lambda h: h, change={"v": "fast"}), "a number, an array or a function"),
    "a name": (lambda: g.Event(lambda h: h, name=3), "a string, got 3"),
    "no times": (lambda: g.Event(at="noon"), "times, got 'noon'"),
    "endless times": (lambda: g.Event(at=[1, float("inf")]), "finite times"),
    "a list of others": (lambda: stated(events=[lambda h: h]), r"events, as in Event"),
    "another field": (lambda: stated(events=g.Event(lambda w: w)), "asks for 'w'"),
    "another field changed": (lambda: stated(events=g.Event(lambda h: h, change={"w": 0})), "one of h, v"),
    "a changed value of another": (
        lambda: stated(events=g.Event(lambda h: h, change={"v": lambda w: w})),
        "asks for 'w'",
    ),
    "two changed values": (lambda: stated(events=g.Event(at=1, change={"v": [1, 2]})), "a finite number"),
    "time alone": (lambda: stated(events=g.Event(lambda t: t - 1)), r"Event\(at=\[...\]\)"),
    "no number": (lambda: stated(events=g.Event(lambda h: "h")), "one number at each time"),
    "two numbers": (lambda: stated(events=g.Event(lambda h, v: (h, v))), "one number at each time"),
    "a comparison": (lambda: stated(events=g.Event(lambda h: h > 0)), "is a difference"),
    "a failure": (lambda: stated(events=g.Event(lambda h: h * (1 / 0))), "ZeroDivisionError"),
    "a time outside": (lambda: stated(events=g.Event(at=3, change={"v": 0})), "times from 0 to 2, got 3"),
    "a name twice": (lambda: stated(events=[g.Event(at=1, name="a"), g.Event(at=1, name="a")]), "'a' twice"),
    "in parts": (
        lambda: g.Problem(
            SPACE.split(at=0.5, names=("a", "b")) * T,
            lambda u, x, t: diff(u, t) - diff(u, x, x),
            [g.Dirichlet(u=0), g.Initial(u=0)],
            events=g.Event(at=1, change={"u": 0}),
        ),
        "a problem without parts",
    ),
    "without time": (
        lambda: g.Problem(SPACE, lambda u: g.laplacian(u), [g.Dirichlet(u=0)], events=g.Event(at=1)),
        "a domain with time",
    ),
    "breaks outside": (lambda: stated(breaks=[-1]), "times from 0 to 2, got -1"),
    "breaks that are none": (lambda: stated(breaks="1"), "times, got '1'"),
    "breaks without time": (
        lambda: g.Problem(SPACE, lambda u: g.laplacian(u), [g.Dirichlet(u=0)], breaks=[0.5]),
        "a domain with time",
    ),
    "invariants in a list": (lambda: stated(invariants=[lambda h: h]), "a dict from names to functions"),
    "an invariant of nothing": (lambda: stated(invariants={"one": lambda t: t}), "a function of the fields"),
    "an invariant of another": (lambda: stated(invariants={"one": lambda w: w}), "asks for 'w'"),
    "an invariant that is none": (lambda: stated(invariants={"one": 1.0}), "a function of fields"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_they_cannot_be(name):
    make, words = REFUSED[name]
    with pytest.raises(g.GmnmError, match=words):
        make()
