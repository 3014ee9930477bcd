"""Refinement of boxes for modes: degrees and boxes as the worst mode asks for, until the values are good.

Each discretisation is finer in all respects than the one before, and errors are told by the steps between them: towards
re-entrant corners boxes are halved further each time, and the degree is higher.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from gmnm_pde.adaptivity.boxes.cells import Cells
from gmnm_pde.adaptivity.boxes.first_cells import first_cells, inside
from gmnm_pde.adaptivity.boxes.first_level import first_degree
from gmnm_pde.adaptivity.boxes.halving import BoxHalving
from gmnm_pde.adaptivity.boxes.refinement import AIM, BEYOND, left_of_data
from gmnm_pde.adaptivity.hanging import graded, on_unit
from gmnm_pde.adaptivity.loop import Stop, Trials, stalled
from gmnm_pde.boxes.foresight import foreseen
from gmnm_pde.boxes.reading import Statements
from gmnm_pde.boxes.spectra.fading import fading
from gmnm_pde.boxes.spectra.modes import BoxModes, Wanted, modes_on_boxes
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.interruption import OutOfTime
from gmnm_pde.models import Partition
from gmnm_pde.run.modes import Modes, ended
from gmnm_pde.run.run import Run
from gmnm_pde.scrutiny.singular_points import singular_points

_LEVELS = 2
"""By so many levels of halving towards corners, and so many degrees, discretisations differ at least."""

_OF_VALUES = 0.75
"""Of the digits of the values those of the first boxes: errors of values fall faster with the size of boxes at a corner
than those that boxes are made for."""

_HELPED = 0.3
"""Finer boxes at corners helped if they left less than this part of the error."""

_DEARER = 4.0
"""How many times as long modes take as a solve on the same boxes."""

_UNSURE = 3.0
"""So many times as long as foretold the very first ones may take, before it is known how fast the machine is."""

_CHEAPER = 0.8
"""Where there is no time for a level another one is tried that takes less than this part of its time."""

_FEWER_DIGITS, _LEAST_DIGITS = 30.0, 0.1
"""The first one is made for an error so many times as large then, and this at the most."""

_SETTLED = 1e-3, 1e-12, 1e-8
"""Iterations end at this part of the relative error wanted, between these."""

_METHOD = "inverse iteration on boxes that share their faces"


@dataclass(frozen=True)
class First(Cells):
    """The first boxes.

    Attributes:
        coarser: What they are held beside.
        factor: They are made for a tolerance so many times as large.
    """

    coarser: Cells
    factor: float


@dataclass(frozen=True)
class ModeHalving:
    """Boxes of several sizes, finer until the estimates of the values are good.

    Args:
        setup: Of the solve, its problem with the eigenvalue as its parameter.
        statements: The problem at the guess, read for boxes.
        count: How many modes.
        tol: The relative error wanted of the values.
    """

    setup: Setup
    statements: Statements
    count: int
    tol: float | None

    @property
    def _aim(self) -> float:
        return AIM if self.tol is None else self.tol

    @cached_property
    def _halving(self) -> BoxHalving:
        """How boxes for a given right-hand side are refined, at the guess."""
        return BoxHalving(self.statements, self._aim, self.setup.seed, self.setup.features)

    def _first(self, factor: float = 1.0) -> First:
        """The first boxes, for a tolerance so many times as large."""
        aim = min(_LEAST_DIGITS, factor * self._aim**_OF_VALUES)
        boxes, coarser = self._boxes(aim), self._boxes(2.0**_LEVELS * aim)
        degree = first_degree(self.statements, aim)
        return First(boxes, degree, Cells(coarser, degree - _LEVELS), factor)

    def _boxes(self, aim: float) -> Partition:
        """The first boxes for an error: as many as the coefficients ask for."""
        counts, setup = self._counts if self.asks_for_boxes else None, self.setup
        return first_cells(self.statements.problem, aim, setup.seed, setup.features, counts, free=True)

    @property
    def asks_for_boxes(self) -> bool:
        """Whether the coefficients vary too much for one box."""
        return max(self._counts) > 1

    @cached_property
    def _counts(self) -> tuple[int, ...]:
        """How many boxes the coefficients ask for along each coordinate; one where what they have is narrow.

        Towards what is narrow boxes are halved.
        """
        alone = (1,) * self.setup.dimension
        if any(feature.kind == "narrow" for feature in self.setup.features):
            return alone
        aim = self._aim**_OF_VALUES
        degree = first_degree(self.statements, aim)
        level, faded = foreseen(self.statements, degree, left_of_data(aim)), fading(self.statements, degree)
        return alone if level is None else tuple(map(max, level.counts, faded))

    def next(self, trials: Trials[Cells]) -> Cells | Stop:
        """The first level, then the next one."""
        if trials.level is None:
            return self._first()
        if trials.errors[-1] <= self._aim:
            return Stop.MET
        if not math.isfinite(trials.errors[-1]) or stalled(trials.errors, early=3):
            return Stop.STALLED
        return self._finer(trials)

    def _finer(self, trials: Trials[Cells]) -> Cells | Stop:
        """Of higher degree and finer at corners, or where that did not help, as the worst mode asks for."""
        level, errors, corners = trials.level, trials.errors, self._corners
        assert level is not None
        levels = max(_LEVELS, math.ceil(math.log2(errors[-1] / (BEYOND * self._aim))))
        if len(corners) and (len(errors) == 1 or errors[-1] < _HELPED * errors[-2]):
            finer: Cells | None = replace(level, boxes=graded(level.boxes, corners, levels))
        else:
            finer = self._halving.finer(level, trials.last.worst_fit, errors[-1])
        if finer is None:
            return Stop.LARGEST
        degree = max(finer.degree, level.degree + _LEVELS)
        return self._halving.if_possible(replace(finer, degree=degree)) or Stop.LARGEST

    @property
    def _corners(self) -> torch.Tensor:
        """Where modes are singular, on [-1, 1]^2."""
        problem = self.setup.problem
        return on_unit(problem.domain, singular_points(problem))

    def seconds(self, trials: Trials[Cells], level: Cells) -> float:
        """By the operations, from how long the last level took, with the first one that of a coarser one."""
        last = trials.level
        assert last is not None
        of_last = self._foretold(last)
        if len(trials.errors) == 1 and isinstance(last, First):
            of_last += self._foretold(last.coarser)
        return trials.seconds / of_last * self._foretold(level)

    def _foretold(self, level: Cells) -> float:
        return _DEARER * self._halving.seconds_of(level)

    def smaller(self, trials: Trials[Cells], level: Cells) -> Cells | None:
        """In place of the first level one of fewer digits; none later, as steps that are too small tell no errors."""
        if trials.level is not None:
            return None
        assert isinstance(level, First)
        fewer = self._first(_FEWER_DIGITS * level.factor)
        return fewer if self._foretold(fewer) < _CHEAPER * self._foretold(level) else None

    def attempt(self, level: Cells, trials: Trials[Cells], run: Run) -> BoxModes:
        """The modes of a level, beside those of the level before, or for the first one those of a coarser one."""
        before = trials.last
        if before is None:
            assert isinstance(level, First)
            before = self._coarser(level, run)
        return self._modes(level, run, before).compared(before)

    def _coarser(self, level: First, run: Run) -> BoxModes:
        """The modes that those of a first level are held beside; they tell whether there is time for these."""
        own, coarser = self._foretold(level), self._foretold(level.coarser)
        if run.timed and not (run.affords(own + coarser) and run.affords(_UNSURE * coarser)):
            raise OutOfTime
        started = run.clock.now()
        found = self._modes(level.coarser, run, None)
        if run.timed and not run.affords(own * (run.clock.now() - started) / coarser):
            raise OutOfTime
        return found

    def _modes(self, level: Cells, run: Run, before: BoxModes | None) -> BoxModes:
        problem, (part, least, most) = self.setup.problem, _SETTLED
        wanted = Wanted(problem, self.count, run.points, self.setup.seed, min(most, max(least, part * self._aim)))
        layout = inside(problem.domain, level.boxes)[0]
        found = modes_on_boxes(wanted, layout, level.degree, before)
        run.worked(_DEARER * self._halving.seconds_of(level))
        return found

    def better(self, candidate: BoxModes, trials: Trials[Cells]) -> bool:
        """The smaller error."""
        return candidate.worst <= trials.best.worst

    def state(self, trials: Trials[Cells]) -> None:
        """Nothing: no checkpoint is written."""

    def result(self, trials: Trials[Cells], stop: Stop, run: Run) -> Modes:
        """The best mode set."""
        stopped = run.ended_by if stop is Stop.TIME else ""
        return replace(ended(trials.best, self.tol, stopped), method=_METHOD)
