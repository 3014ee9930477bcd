"""A case: a problem that somebody could state, what is right, and how it is judged."""

import inspect
import math
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

import gmnm_pde as g
from gmnm_pde.sampling import sample

KNOWN = 1e-12
"""Right answers that were integrated are no closer than this to the truth."""

SURE = 10.0
"""An error of more than so many times its estimate is silent."""

FINE = 1e-6
"""What is right to this is right, where no tolerance is named."""

POINTS = 4000
"""So many points an error is measured on."""

CASES: dict[str, "Case"] = {}
"""All cases by name."""


@dataclass(frozen=True)
class Case:
    """A problem with its solution, which is never shown to ``solve``.

    Attributes:
        name: What it is called.
        kind: The section of the reports it belongs to, with a 2 for a cousin of what stands there.
        make: Makes the problem.
        exact: A function of coordinates, bound by name, that returns the field or a dict of fields; None where no
            solution or more than one exists, so that only "not converged" and a refusal are right.
        options: Makes further arguments of ``solve``.
        scalars: The right values of unknown parameters, with how far off they may be.
        points: Where errors are measured, [n, d]; by default all over the domain.
        solve: Takes the place of ``solve(make(), **options())`` where that is not all; it may return a word
            ("" or "SILENT: ...") in place of a solution, for what is judged otherwise.
        allowed: What a relative error may be; by default ``tol``, or 1e-6.
    """

    name: str
    kind: str
    make: Callable[[], g.Problem] | None = None
    exact: Callable[..., Any] | None = None
    options: Callable[[], Mapping[str, Any]] = field(default=dict)
    scalars: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    points: Callable[[], Tensor] | None = None
    solve: Callable[[], g.Solution | str] | None = None
    allowed: float | None = None


@dataclass(frozen=True)
class Verdict:
    """How a case went; ``word`` is empty where nothing is wrong."""

    name: str
    kind: str
    word: str = ""
    converged: bool | None = None
    status: str = ""
    estimate: float = math.nan
    error: float = math.nan
    deviation: float = math.nan
    ratio: float = math.nan
    seconds: float = 0.0
    text: str = ""


def case(name: str, kind: str, exact: Callable[..., Any] | None = None, **rest: Any) -> Callable:
    """Register a function that makes a problem; options of ``solve`` may be among the arguments."""

    def register(make: Callable[[], g.Problem]) -> Callable[[], g.Problem]:
        add(name, kind, make, exact, **rest)
        return make

    return register


def add(name: str, kind: str, make: Callable | None, exact: Callable | None = None, **rest: Any) -> None:
    """Register a case; what is no attribute of ``Case`` is an argument of ``solve``."""
    assert name not in CASES, f"two cases called {name}"
    own = {key: rest.pop(key) for key in ("scalars", "points", "solve", "allowed") if key in rest}
    options = rest.pop("options", None) or (lambda: rest)
    CASES[name] = Case(name, kind, make, exact, options, **own)


def judge(one: Case) -> Verdict:
    """Solve a case and say how it went."""
    started, options = time.process_time(), {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            options = dict(one.options())
            solution = one.solve() if one.solve else g.solve(one.make(), **options)
            seconds = time.process_time() - started  # of the processor: a machine may have other work, too
            if isinstance(solution, str):
                word, _, text = solution.partition(": ")
                return Verdict(one.name, one.kind, word or "ok", seconds=seconds, text=text)
            return measured(one, solution, seconds, options)
    except TimeoutError as error:
        return Verdict(one.name, one.kind, "HANGS", seconds=time.process_time() - started, text=str(error))
    except g.GmnmError as error:
        return Verdict(one.name, one.kind, "REFUSED", seconds=time.process_time() - started, text=str(error))
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} ({where.filename.rsplit('/', 1)[-1]}:{where.lineno})"
        return Verdict(one.name, one.kind, "FOREIGN", seconds=time.process_time() - started, text=text)


def measured(one: Case, solution: Any, seconds: float, options: Mapping[str, Any]) -> Verdict:
    """The verdict on a solution."""
    report = solution.report
    estimate, tol = report.error_estimate, options.get("tol")
    error = deviation = math.nan
    if one.exact is not None:
        error, deviation = errors(one, solution)
    error = max([error, *scalar_errors(one, report.found)], key=lambda value: -1 if math.isnan(value) else value)
    ratio = error / estimate if estimate else math.inf
    word = ""
    limit = options.get("time_limit")
    if report.converged:
        allowed = one.allowed or tol or FINE
        if one.exact is None and not one.scalars:
            word = "SILENT"
        elif not error <= max(SURE * estimate, KNOWN):
            word = "SILENT"
        elif not error <= allowed:
            word = "COARSE" if tol is None else "OVER"
    elif not report.reason:
        word = "NO REASON"
    elif not error <= SURE * estimate and one.exact is not None:
        word = "low"
    if limit and seconds > 1.1 * limit + 1:
        word = f"{word} LATE".strip()
    return Verdict(
        one.name,
        one.kind,
        word,
        report.converged,
        report.status,
        estimate,
        error,
        deviation,
        ratio,
        seconds,
        report.reason,
    )


def judged_points(one: Case, solution: Any) -> Tensor:
    """Where a solution is compared with the right one, [n, d]."""
    if one.points is not None:
        return one.points()
    domain = solution.problem.domain if solution.problem is not None else one.make().domain
    return sample(domain.interior, POINTS, "sobol", seed=77).points


def errors(one: Case, solution: Any) -> tuple[float, float]:
    """The largest relative L2 error of the fields, and that relative to their deviation from their mean."""
    points = judged_points(one, solution)
    columns = dict(zip(solution.coordinates, points.unbind(-1), strict=True))
    right = truth(one.exact, columns)
    found = solution(**columns)
    found = found if isinstance(found, dict) else {solution.fields[0]: found}
    relative, of_deviation = [], []
    for name, values in right.items():
        values = torch.as_tensor(values, dtype=torch.float64).expand(len(points))
        name = name if name in found else solution.fields[0]
        off = (found[name].to(torch.float64) - values).square().mean().sqrt().item()
        size, spread = values.square().mean().sqrt().item(), values.std(correction=0).item()
        relative.append(off / size if size else off)
        of_deviation.append(off / spread if spread > 1e-12 * size else math.nan)
    return max(relative, key=_order), max(of_deviation, key=_order)


def truth(exact: Callable[..., Any], columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The right fields at points, by name; a single field without a name is ''."""
    names = inspect.signature(exact).parameters
    values = exact(**{name: columns[name] for name in names if name in columns})
    return dict(values) if isinstance(values, dict) else {"": values}


def scalar_errors(one: Case, found: Mapping[str, float]) -> list[float]:
    """Errors of unknown parameters, as relative errors that may be 1e-6: in units of what is allowed."""
    return [FINE * abs(found[name] - right) / off for name, (right, off) in one.scalars.items()]


def _order(value: float) -> float:
    """NaN is the worst."""
    return math.inf if math.isnan(value) else value
