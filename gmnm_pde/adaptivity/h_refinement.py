"""Patches where they are needed: fit, look where the residual is large, halve the boxes there, and fit again.

The residual is that on held-out points, scaled as the rows of the fit are, so that a unit of it means about as much
error in a small box as in a large one. A box is halved along the coordinates along which the solution bends most across
it: isotropically at a corner, across a layer only. Neighbours never differ by more than a factor of two, so that a
window reaches over a face by a good part of both. The exact solution is not looked at.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde.adaptivity.p_refinement import Climb, Rung
from gmnm_pde.adaptivity.partitions import balanced, first_partition, within
from gmnm_pde.fitting.estimate import ErrorEstimate, estimate_error
from gmnm_pde.fitting.fit import Fit, Setup, fit
from gmnm_pde.fitting.widths import search_widths
from gmnm_pde.methods import Step
from gmnm_pde.models import along_each
from gmnm_pde.statement.problem import Problem

_COMPONENTS = {1: 24, 2: 100, 3: 240}
"""Components in each patch for six digits and equations of second order, by the number of coordinates."""

_BY_ORDER = 1.5
"""How they grow with the order: with 132, 220 and 300 the Korteweg-de Vries equation, of third order, came to
6e-8, 4e-9 and 2e-9 in ten seconds."""

_LEAST_DIGITS = 5.0
"""Fewer components than for so many digits leave a floor that halving boxes does not lower."""

_DIGITS, _AIM = 8.0, 1e-8
"""What is aimed at without ``tol``."""

_MORE, _MOST_COMPONENTS, _BEGUN = 1.35, 1000, 0.1
"""On a partition that stays: how many more components the patches get, the most in one, and the estimate below which
patches that gain nothing by more are as good as they get."""

_MARKED = 0.5
"""Boxes with at least this part of the largest residual of a box are halved."""

_BENDS = 0.3
"""A box is halved along each coordinate along which the solution bends at least this much of the most."""

_SECONDS, _SPREAD = 3e-8, 5.0
"""A fit takes about so many seconds for each patch and the cube of its unknowns in two dimensions, and so many times
more for each further one."""

_FIRST_WIDTH = 0.7
_MOST_UNKNOWNS = 60_000


@dataclass(frozen=True)
class Look:
    """What a fit tells of each box: its residual, [boxes], and how the solution bends across it, [boxes, d]."""

    residual: Tensor
    bend: Tensor


def refine(
    setup: Setup,
    judged_on: Tensor,
    *,
    tol: float | None,
    deadline: float,
    near: Fit | None = None,
    fixed: bool = False,
    on_rung: Callable[[Rung], None] | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> Climb:
    """Fit on finer and finer partitions until the estimate meets ``tol``, or stops falling, or time or room runs out.

    Args:
        setup: With the partition to begin with, or none.
        judged_on: Points for the error estimate, [n, d].
        tol: The error wanted.
        deadline: On the clock of time.monotonic().
        near: A fit to start Newton's method from, where the problem is nonlinear.
        fixed: Whether the partition stays as it is and the patches get more components instead.
        on_rung: Called after each fit.
        on_step: Called after each step of a fit.
    """
    partition = setup.partition or first_partition(setup.problem, tol, setup.seed)
    partition = within(setup.problem.domain, partition)
    components = setup.mixture.components or components_for(setup.problem, tol)
    aim = tol if tol is not None else _AIM
    best: Rung | None = None
    last: Fit | None = near
    by_hand = setup.mixture.widths
    given = None if by_hand is None else along_each(by_hand, setup.dimension)
    widths, begin = given, (_FIRST_WIDTH,) * setup.dimension
    estimates: list[float] = []
    drifts: list[float] = []
    scores: list[float] = []
    outputs: Tensor | None = None
    spent, reason, converged = 0.0, "", False
    while True:
        started = time.monotonic()
        stage = replace(setup, partition=partition)
        if widths is None:
            found = _search(stage, components, begin, last, deadline, on_step)
            widths = found.widths
        else:
            found = fit(stage, components, widths, near=last, deadline=deadline, watch=on_step)
        now = found.outputs(judged_on)
        if outputs is not None:
            drifts.append(((now - outputs).norm(dim=0) / now.norm(dim=0).clamp_min(1e-300)).max().item())
        outputs = now
        rung = Rung(found, _estimate(found, judged_on, drifts))
        estimates.append(rung.estimate.overall)
        if best is None or rung.estimate.overall <= best.estimate.overall:
            best = rung
        if on_rung is not None:
            on_rung(rung)
        last, spent = found, time.monotonic() - started
        if rung.estimate.overall <= aim:
            converged, reason = True, f"the error estimate {rung.estimate.overall:.1e} meets tol={aim:g}"
            if tol is None:
                reason = f"error estimate {rung.estimate.overall:.1e}"
            break
        scores.append(found.score)
        if _stalled(estimates) and _stalled(scores) and (not fixed or min(estimates) < _BEGUN):
            reason = f"the error estimate stopped falling at {min(estimates):.1e}"
            break
        if fixed and setup.mixture.components:
            reason = found.outcome.reason
            break
        if fixed:
            finer, more = partition, round(_MORE * components)
            begin = tuple(width * _MORE ** (1 / setup.dimension) for width in found.widths)
            widths = given
        else:
            finer = within(setup.problem.domain, balanced(partition.split(marked(look_at(found)))))
            more = components
        if len(finer) * more * len(setup.problem.fields) > _MOST_UNKNOWNS or more > _MOST_COMPONENTS:
            reason = f"{len(partition)} patches of {components} components are the most that fit"
            break
        grown = (len(finer) / len(partition)) ** 1.3 * (more / components) ** 3
        if time.monotonic() + 1.2 * spent * grown > deadline:
            reason = "stopped by the time limit before the next, finer fit"
            break
        partition, components = finer, more
    assert best is not None
    reliable = converged or (tol is None and best.estimate.overall < 1e-2 and best.fit.arrived)
    patches = len(best.fit.model.partition)
    each = (best.fit.components or 0) // patches
    return Climb(best, reliable, f"{reason}; {patches} patches of {each} components")


def first_seconds(setup: Setup, tol: float | None) -> float:
    """Seconds that the first fit may take, roughly: what one core did on a few problems."""
    problem, d = setup.problem, setup.dimension
    components = setup.mixture.components or components_for(problem, tol)
    patches = len(setup.partition or first_partition(problem, tol, setup.seed))
    return _SECONDS * _SPREAD ** (d - 2) * patches * (components * len(problem.fields)) ** 3


def _stalled(values: Sequence[float]) -> bool:
    """Whether the last ones brought no gain worth having: two once some digits are there, three before."""
    last = 2 if min(values) < 1e-4 else 3
    return len(values) > last + 1 and min(values[-last:]) > 0.5 * min(values[:-last])


def components_for(problem: Problem, tol: float | None) -> int:
    """Components in each patch, more for more digits and for higher derivatives, whose rounding small boxes magnify."""
    d = problem.domain.dimension
    digits = _DIGITS if tol is None else min(12.0, max(_LEAST_DIGITS, -math.log10(tol)))
    higher = (max(problem.order, 2) / 2) ** _BY_ORDER
    return round(_COMPONENTS.get(d, 400) * (digits / 6) ** min(d, 2) * (higher if d > 1 else 1.0))


@torch.no_grad()
def look_at(found: Fit) -> Look:
    """Where a fit leaves a residual on its held-out points, and how the solution bends there."""
    held, model = found.held_out, found.model
    partition = model.partition
    squares = torch.zeros(len(partition), dtype=torch.float64)
    bends = torch.zeros(len(partition), partition.dimension, dtype=torch.float64)
    counts = torch.zeros(len(partition), dtype=torch.float64)
    for placed in held.placed:
        unit = model.unit(placed.cloud.points.to(held.like)).cpu()
        owner = partition.owner(unit)
        alone = partition.reached(unit).sum(dim=1) == 1
        residual = replace(held, placed=[placed]).residual(found.theta).to(torch.float64).cpu()
        for part in residual.split(len(owner)) if len(owner) else ():
            squares.index_add_(0, owner[alone], part[alone].square())
        if placed.term.group == "interior" and not counts.any():
            counts.index_add_(0, owner[alone], torch.ones(int(alone.sum()), dtype=torch.float64))
            points = placed.cloud.points.to(held.like)
            alphas = [tuple(2 * (j == k) for j in range(partition.dimension)) for k in range(partition.dimension)]
            jets = model.inner.output_jet(model.unit(points), alphas)
            for k, alpha in enumerate(alphas):
                curve = jets[alpha].to(torch.float64).cpu().norm(dim=1) * partition.sizes[owner, k] ** 2
                bends[:, k].index_add_(0, owner, curve)
    counts = counts.clamp_min(1)
    return Look((squares / counts).sqrt(), bends / counts[:, None])


def marked(look: Look) -> list[tuple[int, Sequence[int]]]:
    """The boxes to halve, each with the coordinates to halve it along."""
    worst = (look.residual >= _MARKED * look.residual.max()).nonzero()[:, 0].tolist()
    chosen = []
    for number in worst:
        bend = look.bend[number]
        axes = (bend >= _BENDS * bend.max()).nonzero()[:, 0].tolist()
        chosen.append((number, axes or range(len(bend))))
    return chosen


def _estimate(found: Fit, judged_on: Tensor, drifts: Sequence[float]) -> ErrorEstimate:
    """The estimate of the fit alone, or what the last fits' differences tell of the sum of those to come."""
    estimate = estimate_error(found, judged_on)
    if not drifts:
        return estimate
    rate = min(0.9, drifts[-1] / drifts[-2]) if len(drifts) > 1 else 0.5
    tail = drifts[-1] * rate / (1 - rate)
    return replace(estimate, by_field={name: max(value, tail) for name, value in estimate.by_field.items()})


def _search(
    setup: Setup,
    components: int,
    begin: tuple[float, ...],
    near: Fit | None,
    deadline: float,
    on_step: Callable[[Step], None] | None,
) -> Fit:
    """The best fit over a few widths, while there is time."""
    fits: dict[tuple[float, ...], Fit] = {}
    began = time.monotonic()

    def score(trial: tuple[float, ...]) -> float:
        spent = time.monotonic() - began
        if fits and time.monotonic() + spent / len(fits) > deadline:
            return math.inf
        start = min(fits.values(), key=lambda one: one.score, default=near)
        fits[trial] = fit(setup, components, trial, near=start, deadline=deadline, watch=on_step)
        return fits[trial].score

    return fits[search_widths(score, begin, octaves=(0.5,), by_axis=False)]
