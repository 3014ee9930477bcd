"""Long times in blocks: each is solved on patches, and the next begins with what the last one ends with.

A block that fails is halved and solved again; after one that was easy the next is longer. Boxes that one block needed
at its end are what the next one begins with.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.adaptivity.h_refinement import refine
from gmnm_pde.adaptivity.p_refinement import Climb, Rung
from gmnm_pde.adaptivity.partitions import first_partition
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.fitting.fit import Setup, smoothness_for
from gmnm_pde.methods import Step
from gmnm_pde.models import Normalized, Partition, TimeBlocks
from gmnm_pde.run.evaluation import judged_points
from gmnm_pde.statement.during import Before, during
from gmnm_pde.statement.problem import Problem

_FIRST_BLOCKS = 8
_AIM = 1e-8
_LONGER, _SHORTEST = 1.5, 1e-3
"""How much longer a block may be than the one before, and the shortest, in parts of all the time."""

_LOST = 1e-2
"""A block with an estimate above this, and far above its tolerance, is halved: finer boxes did not help."""

_POINTS = 1000
_PATIENCE = 4.0
"""A block may take so many times its share of the time that is left."""


@dataclass(frozen=True)
class Leg:
    """A solved block."""

    start: float
    end: float
    rung: Rung

    @property
    def fit(self) -> Any:
        return self.rung.fit


class Chain:
    """Fits one after another in time, as one answer: what a judge asks of a fit, this has."""

    def __init__(self, problem: Problem, legs: Sequence[Leg]):
        self.problem, self.legs = problem, tuple(legs)
        self.widths: tuple[float, ...] = legs[-1].fit.widths
        self.trained = 0

    @cached_property
    def model(self) -> Normalized:
        """All blocks as one model."""
        axis, (low, high) = time_axis(self.problem)
        edges = [self.legs[0].start, *(leg.end for leg in self.legs)]
        unit = [2 * (edge - low) / (high - low) - 1 for edge in edges]
        inner = TimeBlocks(unit, [leg.fit.model.inner for leg in self.legs], axis, self.problem.domain.dimension)
        like = next(self.legs[0].fit.model.parameters())
        return Normalized(inner, self.problem.domain.bounds).to(dtype=like.dtype, device=like.device)

    def outputs(self, points: Tensor) -> Tensor:
        """The fields at points [n, d]: [n, fields]."""
        values, lift = self.solved_for(points), self.problem.lift
        return values if lift is None else lift(points, values)

    def solved_for(self, points: Tensor) -> Tensor:
        """What the model gives there."""
        with torch.no_grad():
            return self.model(points)

    def named_residuals(self) -> dict[str, Tensor]:
        """The unscaled residuals on held-out points by name, of all blocks."""
        found: dict[str, list[Tensor]] = {}
        for leg in self.legs:
            for name, values in leg.fit.named_residuals().items():
                found.setdefault(name, []).append(values)
        return {name: torch.cat(parts) for name, parts in found.items()}

    @property
    def arrived(self) -> bool:
        """Whether the method converged in every block."""
        return all(leg.fit.arrived for leg in self.legs)

    @property
    def found(self) -> dict[str, float]:
        """The unknown parameters: none, they would bind all times together."""
        return {}

    @property
    def loss(self) -> float:
        """The mean squared residual, rows scaled."""
        return sum(leg.fit.loss for leg in self.legs) / len(self.legs)

    @property
    def components(self) -> int:
        return sum(leg.fit.components for leg in self.legs)

    @property
    def unknowns(self) -> int:
        return sum(leg.fit.unknowns for leg in self.legs)

    @property
    def points(self) -> int:
        return sum(leg.fit.points for leg in self.legs)


def time_axis(problem: Problem) -> tuple[int, tuple[float, float]]:
    """The number of the time coordinate and its ends.

    Raises:
        GmnmError: there is no time.
    """
    if not problem.domain.time:
        raise refuse(
            "solve(blocks=...)",
            expected="a problem with time",
            got=f"coordinates {', '.join(problem.domain.coordinates)}",
            remedy="Leave blocks out.",
        )
    axis = problem.domain.coordinates.index(problem.domain.time[0])
    return axis, problem.domain.bounds[axis]


def read_blocks(problem: Problem, blocks: Any) -> tuple[tuple[float, ...] | None, int]:
    """``solve``'s argument ``blocks``: edges if they are given, and the number of blocks to begin with.

    Raises:
        GmnmError: no positive number, or edges that do not ascend from the beginning to the end of the time.
    """
    _, (low, high) = time_axis(problem)
    call = f"solve(blocks={blocks!r})"
    if problem.parameters:
        raise refuse(call, expected="a problem without unknown parameters, which bind all times", got="one with them")
    if blocks is True or blocks is None:
        return None, _FIRST_BLOCKS
    if isinstance(blocks, int) and blocks > 0:
        return (*(low + (high - low) * k / blocks for k in range(blocks)), high), blocks
    listed: Any = blocks
    listed = listed.tolist() if hasattr(listed, "tolist") else listed
    listed = listed if isinstance(listed, list | tuple) else ()
    edges = tuple(float(edge) if isinstance(edge, int | float) else math.nan for edge in listed)
    if len(edges) < 2 or edges[0] != low or edges[-1] != high or not all(a < b for a, b in pairwise(edges)):
        raise refuse(
            call,
            expected=f"a number of blocks, or ascending edges from {low:g} to {high:g}",
            got=repr(blocks),
            remedy="Blocks longer than the time, or beyond it, are none.",
        )
    return edges, len(edges) - 1


def march(
    setup: Setup,
    *,
    blocks: Any,
    tol: float | None,
    deadline: float,
    legs: Sequence[Leg] = (),
    on_rung: Callable[[Rung, Problem], None] | None = None,
    on_leg: Callable[[Sequence[Leg]], None] | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> Climb:
    """Solve block by block.

    Args:
        setup: Of the whole problem.
        blocks: As ``read_blocks`` takes them; with edges given, these are kept.
        tol: The error wanted, of all blocks together.
        deadline: On the clock of time.monotonic().
        legs: Blocks that were solved before, to go on from.
        on_rung: Called after each fit with the block's problem.
        on_leg: Called after each block with all so far.
        on_step: Called after each step of a fit.
    """
    problem = setup.problem
    edges, count = read_blocks(problem, blocks)
    _, (low, high) = time_axis(problem)
    done = list(legs)
    aim, reason = tol if tol is not None else _AIM * count, ""
    length = (high - low) / count if not done else _next_length(done[-1], aim / (high - low))
    mixture, partition = setup.mixture, setup.partition
    if done:
        mixture, partition = _carried(setup, done[-1])
    shortest = _SHORTEST * (high - low)
    by_hand = setup.partition
    if setup.mixture.patches == 1:
        by_hand = Partition.even([1] * setup.dimension, smoothness=smoothness_for(problem))
    begin = by_hand or first_partition(problem, tol, setup.seed)
    while not done or done[-1].end < high:
        start = done[-1].end if done else low
        end = edges[len(done) + 1] if edges else min(high, start + length)
        end = high if high - end < 0.3 * length and not edges else end
        block = block_after(problem, done, start, end)
        share = aim * (end - start) / (high - low)
        now = time.monotonic()
        limit = min(deadline, now + _PATIENCE * (deadline - now) * (end - start) / (high - start))
        stage = replace(
            setup,
            problem=block,
            mixture=mixture,
            partition=by_hand or partition or begin,
        )
        climbed = refine(
            stage,
            judged_points(block, _POINTS, setup.seed).to(dtype=setup.dtype, device=setup.device),
            tol=share,
            deadline=limit,
            fixed=by_hand is not None,
            near=_Extended(done[-1], time_axis(problem)[0]) if done else None,  # type: ignore[arg-type]
            on_rung=None if on_rung is None else lambda rung, b=block: on_rung(rung, b),
            on_step=on_step,
        )
        estimate = climbed.best.estimate.overall
        poor = estimate > max(10 * share, _LOST) or not climbed.best.fit.arrived
        late = time.monotonic() > deadline
        if poor and not edges and not late and (end - start) / 2 >= shortest:
            length = (end - start) / 2
            continue
        done.append(Leg(start, end, climbed.best))
        mixture, partition = _carried(setup, done[-1])
        if on_leg is not None:
            on_leg(done)
        length = _next_length(done[-1], aim / (high - low))
        if time.monotonic() > deadline and end < high:
            reason = f"stopped by the time limit at {problem.domain.time[0]} = {end:g}"
            break
    chain = Chain(problem, done)
    unknown = 0.0 if done[-1].end >= high else 1.0  # of times that were not reached
    total = {name: unknown + sum(leg.rung.estimate.by_field[name] for leg in done) for name in problem.fields}
    estimate = ErrorEstimate(total, {})
    arrived = chain.arrived and not reason
    met = tol is None or estimate.overall <= tol
    if not reason:
        verdict = "" if tol is None else f"{' meets' if met else ' does not meet'} tol={tol:g}"
        reason = f"the error estimate {estimate.overall:.1e}{verdict}"
    reliable = arrived and met and estimate.overall < 1e-2
    return Climb(Rung(chain, estimate), reliable, f"{reason}; {len(done)} blocks in time")  # type: ignore[arg-type]


def _next_length(leg: Leg, aim: float) -> float:
    """How long the block after this one may be, with an error ``aim`` wanted in each unit of time."""
    length = leg.end - leg.start
    return length * (_LONGER if leg.rung.estimate.overall <= aim * length else 1.0)


class _Extended:
    """A block's solution for later times: as it was at its end."""

    def __init__(self, leg: Leg, axis: int):
        self._fit, self._axis, self._end = leg.fit, axis, leg.end
        self.theta = leg.fit.theta

    def solved_for(self, points: Tensor) -> Tensor:
        held = points.clone()
        held[:, self._axis] = held[:, self._axis].clamp(max=self._end)
        return self._fit.solved_for(held)


def block_after(problem: Problem, done: Sequence[Leg], start: float, end: float) -> Problem:
    """The problem from ``start`` to ``end``, beginning with what the blocks before end with."""
    return during(problem, start, end, _before(done[-1]) if done else None)


def _before(leg: Leg) -> Before:
    model = leg.fit.model
    return lambda points, alphas: model.output_jet(points.to(next(model.parameters())), alphas)


def _carried(setup: Setup, leg: Leg) -> tuple[Any, Partition]:
    """The widths that served a block, and the boxes at its end, each through the whole of the next block."""
    axis, _ = time_axis(setup.problem)
    partition = leg.fit.model.partition
    last = [box for box in partition.boxes if box[axis][1] > 1 - 1e-9]
    boxes = [(*box[:axis], (-1.0, 1.0), *box[axis + 1 :]) for box in last]
    return replace(setup.mixture, widths=leg.fit.widths), replace(partition, boxes=tuple(dict.fromkeys(boxes)))
