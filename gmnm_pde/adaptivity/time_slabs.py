"""Time slabs: each is solved on patches, and the solution at its end is the initial condition of the next.

A slab whose error is too large is halved and solved again; after a slab that met its tolerance the next one is longer.
The next slab begins with the boxes that the last one had at its end. (``solve`` calls slabs ``blocks``.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import pairwise, takewhile
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.adaptivity.h_refinement import HRefinement
from gmnm_pde.adaptivity.loop import adapt
from gmnm_pde.adaptivity.partitions import finer_at, first_partition
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup, smoothness_for
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.fitting.fit import Fit, fields_from, restored, saved
from gmnm_pde.fitting.stored import check_state, checked_estimate
from gmnm_pde.interruption import OutOfTime
from gmnm_pde.io import checks
from gmnm_pde.io.states import restoring
from gmnm_pde.models import Mixture, Normalized, Partition, TimeBlocks
from gmnm_pde.run.result import Result, Status, beside, good_status, is_good
from gmnm_pde.run.run import Run
from gmnm_pde.scrutiny import Feature
from gmnm_pde.statement.during import Before, during
from gmnm_pde.statement.problem import Problem


@dataclass(frozen=True)
class Slabs:
    """The numbers of time slabs."""

    first: int = 8
    """How many slabs of equal length the time is first divided into, unless their number is given."""
    aim: float = 1e-8
    """The estimated error of a slab that is aimed at without a tolerance."""
    longer: float = 1.5
    """A slab is this many times as long as the one before it, if that met its tolerance."""
    shortest: float = 1e-3
    """The shortest slab, as a part of the whole time."""
    remnant: float = 0.3
    """If less than this part of a slab would be left at the end, the last slab is lengthened to the end."""
    lost: float = 1e-2
    """A slab with an error above this and far above its tolerance is halved: finer boxes did not help."""
    points: int = 1000
    """Points that a slab's error is estimated on."""
    patience: float = 4.0
    """A slab may take this many times its share of the time that is left until the time limit."""


@dataclass(frozen=True)
class Slab:
    """A slab of time with its solution."""

    start: float
    end: float
    candidate: Candidate

    @property
    def fit(self) -> Fit:
        return self.candidate.fit


class Chain:
    """The fits of consecutive time slabs as one approximation of the whole problem."""

    def __init__(self, problem: Problem, slabs: Sequence[Slab]):
        self.problem, self.slabs = problem, tuple(slabs)
        self.widths: tuple[float, ...] = slabs[-1].fit.widths
        self.trained = 0

    @property
    def fits(self) -> tuple[Fit, ...]:
        """Those of the slabs."""
        return tuple(slab.fit for slab in self.slabs)

    @cached_property
    def model(self) -> Normalized:
        """All slabs as one model."""
        axis, (low, high) = time_axis(self.problem)
        edges = [self.slabs[0].start, *(slab.end for slab in self.slabs)]
        unit = [2 * (edge - low) / (high - low) - 1 for edge in edges]
        inner = TimeBlocks(unit, [slab.fit.model.inner for slab in self.slabs], axis, self.problem.domain.dimension)
        like = next(self.slabs[0].fit.model.parameters())
        return Normalized(inner, self.problem.domain.bounds).to(dtype=like.dtype, device=like.device)

    def outputs(self, points: Tensor) -> Tensor:
        """The fields at points [n, d]: [n, fields]."""
        return fields_from(self.problem, points, self.solved_for(points))

    def solved_for(self, points: Tensor) -> Tensor:
        """The outputs of the model alone, before conditions are built into them: [n, fields]."""
        with torch.no_grad():
            return self.model(points)

    def named_residuals(self) -> dict[str, Tensor]:
        """The unscaled residuals on held-out points by name, of all slabs."""
        by_name: dict[str, list[Tensor]] = {}
        for slab in self.slabs:
            for name, values in slab.fit.named_residuals().items():
                by_name.setdefault(name, []).append(values)
        return {name: torch.cat(parts) for name, parts in by_name.items()}

    @property
    def converged(self) -> bool:
        """Whether the method converged in every slab."""
        return all(slab.fit.converged for slab in self.slabs)

    @property
    def parameters(self) -> dict[str, float]:
        """None: a problem with unknown parameters, which couple all times, is not solved in slabs."""
        return {}

    @property
    def loss(self) -> float:
        """The mean squared residual, rows scaled."""
        return sum(slab.fit.loss for slab in self.slabs) / len(self.slabs)

    @property
    def components(self) -> int:
        return sum(slab.fit.components or 0 for slab in self.slabs)

    @property
    def unknowns(self) -> int:
        return sum(slab.fit.unknowns for slab in self.slabs)

    @property
    def points(self) -> int:
        return sum(slab.fit.points for slab in self.slabs)


def time_axis(problem: Problem) -> tuple[int, tuple[float, float]]:
    """The axis of the time coordinate, and where it begins and ends.

    Raises:
        GmnmError: the problem has no time.
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


@dataclass(frozen=True)
class March:
    """The solution slab after slab.

    Args:
        setup: Of the whole problem.
        edges: Where slabs begin and end, if that is given; then their lengths do not adapt.
        count: How many slabs of equal length the time is first divided into.
        tol: The error wanted, of all slabs together.
        numbers: The numbers of time slabs.
    """

    setup: Setup
    edges: tuple[float, ...] | None
    count: int
    tol: float | None
    numbers: Slabs = Slabs()

    def run(self, run: Run, done: Sequence[Slab] = ()) -> Result:
        """Solve from the beginning, or go on after the slabs that are done."""
        slabs = list(done)
        low, high = self._ends
        length = self._next_length(slabs[-1]) if slabs else (high - low) / self.count
        while not slabs or slabs[-1].end < high:
            start = slabs[-1].end if slabs else low
            end = self._next_end(len(slabs), start, length)
            try:
                slab = self._solve(slabs, start, end, run)
            except OutOfTime:
                if not slabs:
                    raise
                break
            if self._is_lost(slab, run):
                length = (end - start) / 2
                continue
            slabs.append(slab)
            if run.writes and not run.interrupted:
                run.save({"slabs": [_saved(slab) for slab in slabs]})
            length = self._next_length(slab)
            if run.late and end < high:
                break
        return self._result(slabs, run)

    @property
    def _ends(self) -> tuple[float, float]:
        return time_axis(self.setup.problem)[1]

    @property
    def _wanted(self) -> float:
        """The error wanted, of all slabs together."""
        return self.tol if self.tol is not None else self.numbers.aim * self.count

    @property
    def _by_hand(self) -> Partition | None:
        """The partition for every slab, if it was chosen by hand."""
        if self.setup.mixture.patches == 1:
            return Partition.even([1] * self.setup.dimension, smoothness=smoothness_for(self.setup.problem))
        return self.setup.partition

    @cached_property
    def _first_partition(self) -> Partition:
        return self._by_hand or first_partition(self.setup.problem, self.tol, self.setup.seed)

    def _next_end(self, number: int, start: float, length: float) -> float:
        """Where the slab with this number ends."""
        if self.edges:
            return self.edges[number + 1]
        high = self._ends[1]
        end = min(high, start + length)
        return high if high - end < self.numbers.remnant * length else end

    def _solve(self, slabs: Sequence[Slab], start: float, end: float, run: Run) -> Slab:
        """Solve the slab from ``start`` to ``end``, after the others."""
        (low, high), setup = self._ends, self.setup
        problem = slab_after(setup.problem, slabs, start, end)
        mixture, partition = (setup.mixture, None) if not slabs else _carried_over(setup, slabs[-1])
        features = self._features(len(slabs), start, end)
        if features and self._by_hand is None:
            known = partition and finer_at(features, partition, problem.domain)
            partition = known or first_partition(problem, self.tol, setup.seed, features)
        partition = self._by_hand or partition or self._first_partition
        stage = replace(setup, problem=problem, mixture=mixture, features=features, partition=partition)
        share = self._wanted * (end - start) / (high - low)
        part = run.part(
            problem,
            points=self.numbers.points,
            tol=share,
            deadline=run.share(self.numbers.patience * (end - start) / (high - start)),
        )
        guess = _Extended(slabs[-1], time_axis(setup.problem)[0]) if slabs else None
        refinement = HRefinement(stage, share, guess, fixed=self._by_hand is not None)
        return Slab(start, end, adapt(refinement, part).best)

    def _features(self, number: int, start: float, end: float) -> tuple[Feature, ...]:
        """The features of the data that concern the slab with this number; later ones begin with what is known."""
        problem, (axis, _) = self.setup.problem, time_axis(self.setup.problem)
        first = {name for term in problem.terms if term.group == "initial" for name in term.trace.names}
        parts = (feature.within(axis, start, end) for feature in self.setup.features)
        return tuple(part for part in parts if part is not None and (number == 0 or part.term not in first))

    def _is_lost(self, slab: Slab, run: Run) -> bool:
        """Whether a slab's error is too large, and the slab can be halved."""
        (low, high), length = self._ends, slab.end - slab.start
        share = self._wanted * length / (high - low)
        poor = slab.candidate.error > max(10 * share, self.numbers.lost) or not slab.fit.converged
        return poor and not self.edges and not run.late and length / 2 >= self.numbers.shortest * (high - low)

    def _next_length(self, slab: Slab) -> float:
        """The length of the slab after this one."""
        low, high = self._ends
        length = slab.end - slab.start
        met = slab.candidate.error <= self._wanted / (high - low) * length
        return length * (self.numbers.longer if met else 1.0)

    def _result(self, slabs: Sequence[Slab], run: Run) -> Result:
        """All slabs as one solution; if they do not reach the end of the time, of the part that they reach."""
        problem = self.setup.problem
        if slabs[-1].end < self._ends[1] and run.timed:  # what came to nothing for lack of time spoils what follows
            good = list(takewhile(lambda slab: slab.candidate.error < self.numbers.lost, slabs))
            if not good and not run.interrupted:
                raise OutOfTime
            slabs = good or slabs
        errors = {name: sum(slab.candidate.estimate.by_field[name] for slab in slabs) for name in problem.fields}
        doubted = next((s.candidate.estimate for s in slabs if s.candidate.estimate.doubt), ErrorEstimate(errors, {}))
        candidate = Candidate(Chain(problem, slabs), replace(doubted, by_field=errors))
        partial = slabs[-1].end < self._ends[1]
        status, words = self._verdict(candidate, until=slabs[-1].end if partial else None, run=run)
        return Result(candidate, status, f"{words}; {len(slabs)} blocks in time", partial=partial)

    def _verdict(self, candidate: Candidate, *, until: float | None, run: Run) -> tuple[Status, str]:
        tol, words = self.tol, beside(candidate.error, self.tol)
        if until is not None:
            status, why = run.end_of_time
            name = self.setup.problem.domain.time[0]
            return status, f"solved up to {name} = {until:g} of {self._ends[1]:g}, {words} there: {why}"
        if is_good(candidate, tol):
            return good_status(tol), words
        if not candidate.fit.converged:
            return Status.TIME if run.timed and run.late else Status.NOT_CONVERGED, f"{words}: {_FAILED}"
        if run.timed and run.late:
            return Status.TIME, f"{words}: stopped by {run.ended_by}"
        return (Status.POOR if tol is None else Status.MISSED), words

    @restoring()
    def slabs_from(self, state: Mapping[str, Any]) -> list[Slab]:
        """The slabs that a checkpoint holds."""
        slabs: list[Slab] = []
        self._check(state)
        for known in state["slabs"]:
            problem = slab_after(self.setup.problem, slabs, known["start"], known["end"])
            features = self._features(len(slabs), known["start"], known["end"])
            stage = replace(self.setup, problem=problem, features=features, partition=self._first_partition)
            estimate = ErrorEstimate(**checked_estimate(problem, known["estimate"]))
            candidate = Candidate(restored(stage, known["fit"]), estimate)
            slabs.append(Slab(known["start"], known["end"], candidate))
        return slabs

    def _check(self, state: Mapping[str, Any]) -> None:
        """Refuse slabs that do not follow one another, or are not those that were asked for."""
        ends = {"start": checks.finite, "end": checks.finite}
        slab = checks.record(fit=checks.anything, estimate=checks.anything, **ends)
        check_state(state, slabs=checks.listed(slab, least=1))
        low, high = self._ends
        starts, edges = [known["start"] for known in state["slabs"]], [low, *(k["end"] for k in state["slabs"])]
        ascend = all(a < b for a, b in pairwise(edges)) and edges[-1] <= high
        if starts != edges[:-1] or not ascend or (self.edges and tuple(edges) != self.edges[: len(edges)]):
            raise checks.Unfit("state.slabs", f"slabs one after another from {low:g}", edges)


_FAILED = "Newton's method did not converge in every block"


def _saved(slab: Slab) -> dict[str, Any]:
    estimate = asdict(slab.candidate.estimate)
    return {"start": slab.start, "end": slab.end, "fit": saved(slab.fit), "estimate": estimate}


class _Extended:
    """An initial guess for the next slab: the solution at the end of the last one, constant in time."""

    def __init__(self, slab: Slab, axis: int):
        self._fit, self._axis, self._end = slab.fit, axis, slab.end
        self.theta = slab.fit.theta

    def solved_for(self, points: Tensor) -> Tensor:
        """The outputs of the model alone, with later times moved back to the end of its slab: [n, fields]."""
        held = points.clone()
        held[:, self._axis] = held[:, self._axis].clamp(max=self._end)
        return self._fit.solved_for(held)


def slab_after(problem: Problem, slabs: Sequence[Slab], start: float, end: float) -> Problem:
    """The problem from ``start`` to ``end``; its initial condition is the solution at the end of the last slab."""
    return during(problem, start, end, _before(slabs[-1]) if slabs else None)


def _before(slab: Slab) -> Before:
    model = slab.fit.model
    return lambda points, alphas: model.output_jet(points.to(next(model.parameters())), alphas)


def _carried_over(setup: Setup, slab: Slab) -> tuple[Mixture, Partition]:
    """For the next slab: a mixture with the last one's widths, and the boxes at its end, extended over the next."""
    axis, _ = time_axis(setup.problem)
    partition = slab.fit.model.partition
    last = [box for box in partition.boxes if box[axis][1] > 1 - 1e-9]
    boxes = [(*box[:axis], (-1.0, 1.0), *box[axis + 1 :]) for box in last]
    return replace(setup.mixture, widths=slab.fit.widths), replace(partition, boxes=tuple(dict.fromkeys(boxes)))
