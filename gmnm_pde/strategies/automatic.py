"""The course of a solve by least squares: one mixture; where that leaves a poor estimate, patches or blocks in time."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from gmnm_pde.adaptivity.continuation import read_continuation, walk
from gmnm_pde.adaptivity.h_refinement import first_seconds, refine
from gmnm_pde.adaptivity.p_refinement import Ascent, Climb, Rung, climb
from gmnm_pde.adaptivity.time_slabs import Leg, march
from gmnm_pde.fitting.fit import Fit, Setup
from gmnm_pde.geometry import GivenPoints
from gmnm_pde.methods import Step
from gmnm_pde.statement.problem import Problem

_POOR = 1e-4
"""An error estimate above this is poor, where no tolerance is given."""

_LOST = 1e-3
"""Newton's method is lost where it did not arrive and leaves more than this part of the zero solution's residual."""

_HOPELESS = 1e-3
"""One mixture is given up early where its estimate would stay above this."""

_FINE = 1e-8
"""Below this the solution is smooth enough for one mixture, which patches would not surpass."""

_PATIENCE = 120.0
"""Seconds that patches may take that nobody asked for, where no time limit is given."""

_MOST_DIMENSIONS = 3


@dataclass(frozen=True)
class Listener:
    """Who is told of each fit with its problem and the climb's state, of all blocks after each, and of each step."""

    on_rung: Callable[[Rung, Problem, Ascent | None], None]
    on_legs: Callable[[Sequence[Leg], str], None]
    on_step: Callable[[Step], None]


def run_course(
    setup: Setup,
    judged_on: Tensor,
    *,
    blocks: Any,
    tol: float | None,
    deadline: float,
    listener: Listener,
    resume: Ascent | None = None,
    legs: Sequence[Leg] = (),
    note: str = "",
    continuation: Any = None,
) -> Climb:
    """Solve with what was chosen by hand, or with more and more until the estimate is good.

    Args:
        setup: Of the solve; with a partition, that one is used.
        judged_on: Points for the error estimate, [n, d].
        blocks: In time: None chooses, False is none, and otherwise as ``march`` takes them.
        tol: The error wanted.
        deadline: On the clock of time.monotonic().
        listener: Who is told.
        resume: A climb to go on from.
        legs: Solved blocks to go on from.
        note: Why there are blocks.
        continuation: As ``read_continuation`` takes it; None proposes one where Newton's method does not arrive.
    """
    problem, near = setup.problem, None
    chosen = read_continuation(problem, continuation)
    if chosen is not None:
        near, told = _walk(setup, chosen, judged_on, deadline, listener)
        note = f"{told}; "
    if legs or (blocks is not None and blocks is not False):
        return _march(setup, blocks, tol, deadline, listener, legs, note)
    if setup.partition is not None:
        end = _refine(setup, judged_on, tol, deadline, listener, near, fixed=True)
        return replace(end, reason=note + end.reason)
    automatic = blocks is None and _may_choose(setup) and _affordable(setup, tol, deadline)

    def from_below(start: Fit | None) -> Climb:
        return climb(
            setup,
            judged_on,
            tol=tol,
            deadline=deadline,
            resume=resume,
            near=start,
            hopeless=_HOPELESS if automatic else math.inf,
            on_rung=lambda rung, ascent: listener.on_rung(rung, problem, ascent),
            on_step=listener.on_step,
        )

    first = from_below(near)
    lost = not problem.linear and not first.best.fit.arrived and first.best.fit.score > _LOST
    if lost and continuation is None and not problem.domain.time and problem.order > 0 and time.monotonic() < deadline:
        near, told = _walk(setup, read_continuation(problem, True), judged_on, deadline, listener)
        if near is not None:
            first, note = from_below(near), f"Newton's method did not arrive from zero; {told}; "
    first = replace(first, reason=note + first.reason)
    poor = first.best.estimate.overall > (_POOR if tol is None else max(tol, _FINE)) or not first.best.fit.arrived
    until = deadline if math.isfinite(deadline) else time.monotonic() + _PATIENCE
    if not automatic or not poor or not _affordable(setup, tol, until):
        return first
    left = f"one mixture left an error estimate of {first.best.estimate.overall:.1e}"
    if problem.domain.time:
        note = f"{note}{left}, so blocks in time, each on patches, were used: "
        then = _march(setup, None, tol, until, listener, (), note)
    else:
        then = _refine(setup, judged_on, tol, until, listener, first.best.fit if first.best.fit.arrived else near)
        then = replace(then, reason=f"{note}{left}, so patches were used: {then.reason}")
    if _rank(then) > _rank(first):
        return replace(first, reason=f"{first.reason}; patches did no better ({then.reason})")
    return then


def _march(
    setup: Setup,
    blocks: Any,
    tol: float | None,
    deadline: float,
    listener: Listener,
    legs: Sequence[Leg],
    note: str,
) -> Climb:
    end = march(
        setup,
        blocks=None if blocks is False else blocks,
        tol=tol,
        deadline=deadline,
        legs=legs,
        on_rung=lambda rung, block: listener.on_rung(rung, block, None),
        on_leg=lambda done: listener.on_legs(done, note),
        on_step=listener.on_step,
    )
    return replace(end, reason=note + end.reason)


def _walk(setup: Setup, chosen: Any, judged_on: Tensor, deadline: float, listener: Listener) -> tuple[Fit | None, str]:
    path, places = chosen
    return walk(
        replace(setup, partition=None),
        path,
        places,
        judged_on,
        deadline=deadline,
        on_rung=lambda rung, stage: listener.on_rung(rung, stage, None),
        on_step=listener.on_step,
    )


def _refine(
    setup: Setup,
    judged_on: Tensor,
    tol: float | None,
    deadline: float,
    listener: Listener,
    near: Fit | None,
    *,
    fixed: bool = False,
) -> Climb:
    return refine(
        setup,
        judged_on,
        tol=tol,
        deadline=deadline,
        near=near,
        fixed=fixed,
        on_rung=lambda rung: listener.on_rung(rung, setup.problem, None),
        on_step=listener.on_step,
    )


def _may_choose(setup: Setup) -> bool:
    """Whether nothing was said of the mixture, and the problem can be taken to pieces."""
    mixture, problem = setup.mixture, setup.problem
    by_hand = (mixture.components, mixture.widths, mixture.patches, setup.points)
    regions = all(not isinstance(term.region, GivenPoints) for term in problem.terms)
    few = problem.domain.dimension <= _MOST_DIMENSIONS
    begun = not problem.domain.time or any(term.group == "initial" for term in problem.terms)
    able = regions and few and begun and problem.order > 0 and not problem.parameters and not problem.periodic
    return able and all(one is None for one in by_hand)


def _affordable(setup: Setup, tol: float | None, until: float) -> bool:
    """Whether there is time for a first fit on patches."""
    return until == math.inf or time.monotonic() + first_seconds(setup, tol) <= until


def _rank(end: Climb) -> tuple[bool, float]:
    return not end.best.fit.arrived, end.best.estimate.overall
