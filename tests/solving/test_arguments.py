"""Every argument of ``solve`` with every strategy: it is refused in words, or it does what it says; never ignored."""

import inspect

import numpy as np
import pytest
import torch
from conftest import PI

import gmnm_pde as g

LINE = g.Interval(x=(0, 1))
AT = torch.linspace(0.1, 0.9, 5, dtype=torch.float64).view(-1, 1)
VALUES = {"x": AT[:, 0].tolist(), "u": torch.sin(PI * AT[:, 0])}


def line(**changes):
    parts = {"equations": lambda u, x: g.diff(u, x, x) + PI**2 * torch.sin(PI * x), "conditions": [g.Dirichlet(u=0)]}
    return g.Problem(**{"domain": LINE, "name": "line", **parts, **changes})


def nonlinear():
    return line(equations=lambda u, x, c: g.diff(u, x, x) - c * u**3 + PI**2 * torch.sin(PI * x), constants={"c": 1.0})


def heat():
    return g.registry.load("heat")


def measured(*, observed):
    """A parameter from noisy values; or a field that they do not show."""
    noisy = 0.01 * torch.randn(len(AT), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    data = g.Observations(AT, u=VALUES["u"] + noisy, noise=0.01)
    if observed:
        return line(
            equations=lambda u, x, a: g.diff(u, x, x) + a * torch.sin(PI * x),
            conditions=[g.Dirichlet(u=0), data],
            parameters={"a": 5.0},
        )
    return line(equations=lambda u, f, x: g.diff(u, x, x) + f, conditions=[g.Dirichlet(u=0), data])


def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return g.MLP([1, 3, 1])


def drawn():
    return g.Mixture().draw(1, 1, 30, (2.0,), seed=0)


FEW = {"interior": 20, "boundary": 2}

STRATEGIES = {
    "one mixture": (line, {}),
    "a mixture of given size": (line, {"model": g.Mixture(components=25)}),
    "Newton": (nonlinear, {"model": g.Mixture(components=25)}),
    "patches": (line, {"model": g.Mixture(components=14, patches=3)}),
    "patches that grow": (line, {"model": g.Mixture(patches=3)}),
    "blocks": (heat, {"model": g.Mixture(components=36, widths=0.6, patches=1), "blocks": 2, "tol": 0.5}),
    "the readout of a given model": (line, {"model": drawn}),
    "Adam": (line, {"model": network, "method": g.Adam(30), "points": FEW}),
    "Gauss-Newton": (line, {"model": network, "method": g.GaussNewton(5), "points": FEW}),
    "a network and no method": (line, {"model": network, "points": FEW, "tol": 1e-3}),
    "noise, all observed": (lambda: measured(observed=True), {}),
    "noise, a field not observed": (lambda: measured(observed=False), {"model": g.Mixture(components=30)}),
}
"""A problem and arguments for each strategy."""

NOISY = {"noise, all observed", "noise, a field not observed"}
GIVEN = {"the readout of a given model"}
PATCHED = {"patches", "patches that grow", "blocks"}
EVERY = set(STRATEGIES)

ARGUMENTS = {
    "problem": {},
    "model": {},
    "method": {},
    "tol": {1e-15: set()},
    "seed": {3: set()},
    "dtype": {torch.float32: set()},
    "device": {"nowhere": EVERY},
    "points": {37: set()},
    "weights": {"boundary": set(), "data": EVERY - NOISY, "no such term": EVERY},
    "time_limit": {1e-9: set()},
    "checkpoint": {"file": GIVEN | NOISY},
    "progress": {True: set(), "a bar": EVERY},
    "callback": {"heard": set(), "no function": EVERY},
    "engine": {"reverse": PATCHED, "no such engine": EVERY},
    "compiled": {True: EVERY - {"Adam"}},
    "blocks": {2: EVERY - {"blocks"}},
    "continuation": {True: EVERY - {"Newton"}},
    "hard": {True: {"blocks"}},
    "smoothing": {
        2.0: EVERY - {"noise, a field not observed"},
        "cross-validation": EVERY - {"noise, a field not observed"},
    },
    "initial_guess": {0.3: EVERY - {"Newton"}},
}
"""For each argument values, and for each value the strategies that refuse it; with all others it has an effect."""

ELSEWHERE = {("Adam", "compiled"), ("blocks", "blocks"), ("a network and no method", "engine")}
"""What has tests of its own: compiling and reverse mode take long, and blocks are asked for already."""

SLOW = {"patches that grow", "a network and no method", "noise, a field not observed"}
"""Strategies whose every argument takes a second; of their kinds others are in the default suite."""

CASES = [
    pytest.param(name, argument, value, marks=[pytest.mark.slow] if name in SLOW else [])
    for name in STRATEGIES
    for argument, values in ARGUMENTS.items()
    for value in values
    if (name, argument) not in ELSEWHERE
]


def test_every_argument_is_listed():
    assert set(ARGUMENTS) == set(inspect.signature(g.solve).parameters)


def solved(name, **more):
    make, options = STRATEGIES[name]
    options = {**options, **more}
    if callable(options.get("model")) and not isinstance(options["model"], torch.nn.Module):
        options["model"] = options["model"]()
    return g.solve(make(), **options)


_ALONE = {}


def alone(name):
    if name not in _ALONE:
        _ALONE[name] = answer(solved(name))
    return _ALONE[name]


def answer(solution):
    """What a user sees: values, the estimate, how it ended."""
    inputs = [torch.full((1,), 0.3, dtype=torch.float64)] * len(solution.coordinates)
    values = solution(*inputs)
    values = values if isinstance(values, dict) else {"u": values}
    report = solution.report
    shown = tuple(value.item() for value in values.values())
    return shown, report.error_estimate, report.status, report.dtype, report.components, report.points, report.reason


@pytest.mark.parametrize(("name", "argument", "value"), CASES, ids=lambda part: str(part).replace(" ", "-"))
@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
def test_an_argument_is_refused_or_has_an_effect(name, argument, value, tmp_path, capsys):
    heard, file = [], tmp_path / "checkpoint"
    given = value
    if argument == "weights":
        given = {value: 30.0}
    elif argument == "checkpoint":
        given = file
    elif value == "heard":
        given = heard.append
    if name in ARGUMENTS[argument][value]:
        with pytest.raises(g.GmnmError) as error:
            solved(name, **{argument: given})
        assert argument in str(error.value) or "noise" in str(error.value)
        assert not file.exists()
        return
    found = solved(name, **{argument: given})
    if argument == "callback":
        assert heard
    elif argument == "progress":
        assert capsys.readouterr().err
    elif argument == "checkpoint":
        assert file.exists()
    else:
        assert answer(found) != alone(name)
    if argument == "time_limit":
        assert "time limit" in found.report.reason


def test_what_other_libraries_call_a_number_or_a_type_is_one():
    line = g.Problem(g.Interval(x=(0, 1)), lambda u, x: g.diff(u, x, x) - 1, [g.Dirichlet(u=0)], fields="u")
    report = g.solve(line, tol=np.float32(1e-3), dtype="float32").report
    assert report.converged and report.dtype == "float32"
    point = g.Observations([0.5], u=[-0.125])
    assert g.Problem(line.domain, lambda u, x: g.diff(u, x, x) - 1, [g.Dirichlet(u=0), point])


def test_modules_without_values_and_calls_that_do_not_fit_are_refused():
    line = g.Problem(g.Interval(x=(0, 1)), lambda u, x: g.diff(u, x, x) - 1, [g.Dirichlet(u=0)])
    with torch.device("meta"):
        empty = g.MLP([1, 4, 1])
    with pytest.raises(g.GmnmError, match="'meta', which have none"):
        g.solve(line, empty, g.Adam(2))
    solution = g.solve(line)
    with pytest.raises(g.GmnmError, match="arguments by name"):
        solution.extended(1.0)
    with pytest.raises(g.GmnmError, match="arguments by name"):
        solution.plot("u")
