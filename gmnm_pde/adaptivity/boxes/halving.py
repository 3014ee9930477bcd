"""Refinement on boxes of several sizes: some are halved, or the polynomials of all get a higher degree.

Boxes whose held-out residual is above an equal share of what the tolerance leaves have to become better. Where their
parts fall quickly with the degree, a higher degree is enough; where they do not, or where few boxes are concerned and
that is cheaper, these are halved along the axes that the solution varies along.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.adaptivity.boxes.cells import Cells
from gmnm_pde.adaptivity.boxes.edge_grading import edges_on_unit, levels_at_edges, sides_at, toward_edges
from gmnm_pde.adaptivity.boxes.first_cells import following, inside, kept
from gmnm_pde.adaptivity.boxes.first_level import first_level
from gmnm_pde.adaptivity.boxes.refinement import (
    AIM,
    BEYOND,
    HIGHEST,
    LESS,
)
from gmnm_pde.adaptivity.boxes.results import candidate_of, is_confirmed, refuted, result_of
from gmnm_pde.adaptivity.boxes.smaller_steps import steps
from gmnm_pde.adaptivity.hanging import SMALLEST, graded, matched, on_unit, touching
from gmnm_pde.adaptivity.loop import Stop, Trials, stalled
from gmnm_pde.boxes.drift import calibrated, compared, slow
from gmnm_pde.boxes.fit import BoxFit, fit_boxes
from gmnm_pde.boxes.foresight import bytes_of
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.reading import Statements
from gmnm_pde.boxes.space.carved import Carved
from gmnm_pde.fitting.approximation import InitialGuess
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.geometry.composed import is_box
from gmnm_pde.geometry.edges import Edge
from gmnm_pde.memory import available_bytes
from gmnm_pde.models import Partition
from gmnm_pde.run.result import Result
from gmnm_pde.run.run import Run
from gmnm_pde.scrutiny import Feature
from gmnm_pde.scrutiny.singular_points import singular_points

_STEP = 2
"""By how many degrees a refinement goes at least."""

_AT_ONCE = 16
"""Towards a corner at which the solution is not smooth boxes are halved so many times at once at the most."""

_SLOW = 0.55
"""Where the parts of a solution fall by no smaller factor from one degree to the next, more degrees do not help."""

_BESIDE_EDGES, _MANY_DEGREES = 0.25, 4
"""In solids with re-entrant edges boxes elsewhere that leave this part of the squared residual of the worst box at an
edge are halved if they need more than so many degrees more."""

_FAR = 100
"""More degrees than are ever possible."""

_MOST_BOXES = 4000
"""The most boxes."""


@dataclass(frozen=True)
class BoxHalving:
    """Boxes of several sizes, finer until the error estimate is good.

    Args:
        statements: What is solved.
        tol: The error wanted.
        seed: Of the solve.
        features: What a close look at the data found.
        counts: Boxes along each coordinate, where chosen by hand; then they stay.
        degree: Of the polynomials, where chosen by hand.
        begin: The first level, where it is known.
        guess: What Newton's method begins with.
    """

    statements: Statements
    tol: float | None
    seed: int
    features: tuple[Feature, ...] = ()
    counts: tuple[int, ...] | None = None
    degree: int | None = None
    begin: Cells | None = None
    guess: InitialGuess | None = None

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """The re-entrant edges of a solid, on [-1, 1]^3."""
        return edges_on_unit(self.statements.problem.domain)

    @property
    def _aim(self) -> float:
        return AIM if self.tol is None else self.tol

    def first(self) -> Cells:
        """The first boxes."""
        return first_level(self.statements, self._aim, self.seed, self.features, self.counts, self.degree)

    def next(self, trials: Trials[Cells]) -> Cells | Stop:
        """The first level, then the next one."""
        level = trials.level
        if level is None:
            return self.begin or self.first()
        if trials.errors[-1] <= self._aim and is_confirmed(trials):
            return Stop.MET
        if trials.doubtful or not math.isfinite(trials.errors[-1]) or stalled(trials.errors, early=4, late=3):
            return Stop.STALLED
        finer = self.finer(level, trials.last.fit, trials.last.fit.judged.to_lower)
        while finer is not None and self.if_possible(finer) is None:
            finer = self.smaller(trials, finer)
        return finer or Stop.LARGEST

    def if_possible(self, level: Cells) -> Cells | None:
        """A level, or None where it has too many boxes, or not enough memory."""
        needed = bytes_of(level.like(), shared=False, across=self.statements.across)
        fits = needed < available_bytes(torch.device("cpu"))
        return level if fits and len(level.boxes) <= _MOST_BOXES else None

    def finer(self, level: Cells, fit: BoxFit, error: float) -> Cells | None:
        """The cheaper one of more degrees, where that is enough, and halving; None where nothing may change."""
        wanted = BEYOND * self._aim / error
        excess, marked = self._marked(fit, wanted)
        if self.edges and self.counts is None and (fit.judged.moved or slow(fit)):
            return self._finer_at_edges(level, fit, excess)
        if not marked:
            return None
        needed = self._needed(level, fit, wanted, excess, marked)
        raised = replace(level, degree=level.degree + max(_STEP, math.ceil(min(needed, _FAR))))
        most = HIGHEST.of(level.boxes.dimension)
        if self.counts is not None:
            return None if self.degree or level.degree >= most else replace(raised, degree=min(most, raised.degree))
        halved = Cells(self._halved(level.boxes, fit, marked, wanted), level.degree)
        if self.degree is not None or raised.degree > most:
            return halved
        costs = [self._cost(cells, fit) for cells in (raised, halved)]
        return raised if costs[0] <= costs[1] else halved

    def _marked(self, fit: BoxFit, wanted: float) -> tuple[Tensor, list[int]]:
        """By how much boxes leave more than an equal share of what may be left, and those that do."""
        excess = (fit.squares / fit.squares.mean()).sqrt() / wanted
        return excess, ((excess > 1) & (self._sizes(fit) > SMALLEST)).nonzero()[:, 0].tolist()

    def _finer_at_edges(self, level: Cells, fit: BoxFit, excess: Tensor) -> Cells:
        """Another level towards re-entrant edges, and more degrees; boxes elsewhere are halved that need many."""
        cells = torch.tensor([fit.layout.cell_of(k) for k in range(len(fit.layout))])
        at_edges = sides_at(level.boxes, self.edges).flatten(1).any(dim=1)[cells]
        least = _BESIDE_EDGES * fit.squares[at_edges].max()
        needed = excess.clamp_min(1.0).log() / -torch.tensor(fit.falls).double().clamp_max(1 - 1e-3).log()
        needed[at_edges | (fit.squares < least)] = 0.0
        many = (needed > _MANY_DEGREES).nonzero()[:, 0].tolist()
        halved = level.boxes.split([(int(cells[k]), fit.rough_in(k)) for k in many])
        levels = 1 if fit.judged.moved else levels_at_edges(self._aim)
        boxes = kept(self.statements.problem.domain, toward_edges(halved, self.edges, levels))
        more = max(_STEP, math.ceil(needed[needed <= _MANY_DEGREES].max().item()))
        return Cells(boxes, level.degree if self.degree else min(HIGHEST.space, level.degree + more))

    def _needed(self, level: Cells, fit: BoxFit, wanted: float, excess: Tensor, marked: list[int]) -> float:
        """Degrees more after which all boxes are good enough; in space, where boxes are dear, all of them together."""
        falls = torch.tensor(fit.falls).clamp_max(1 - 1e-3).double()
        if level.boxes.dimension < 3:
            return max(math.log(excess[k].item()) / -math.log(falls[k].item()) for k in marked)
        for more in range(1, HIGHEST.space):
            if (fit.squares * falls ** (2 * more)).sum() <= wanted**2 * fit.squares.sum():
                return more
        return math.inf

    def _sizes(self, fit: BoxFit) -> Tensor:
        """The longest side of each box, of a domain that is two long."""
        extent = torch.tensor([high - low for low, high in self.statements.problem.domain.bounds], dtype=torch.float64)
        return (4 * fit.layout.halves / extent).amax(dim=1)

    def _halved(self, boxes: Partition, fit: BoxFit, marked: list[int], wanted: float) -> Partition:
        """Marked boxes halved, those at a corner where the solution is not smooth again and again."""
        domain = self.statements.problem.domain
        corners = [*domain.vertices(), *map(tuple, singular_points(self.statements.problem).tolist())]
        vertices = on_unit(domain, torch.tensor(corners, dtype=torch.float64).reshape(-1, boxes.dimension))
        cells = [fit.layout.cell_of(k) for k in marked]
        at = touching(boxes, vertices)[:, cells]
        slow = torch.tensor([fit.falls[k] > _SLOW for k in marked])
        singular = vertices[(at & slow).any(dim=1)]
        axes: dict[int, set[int]] = {}
        for cell, k in zip(cells, marked, strict=True):
            axes.setdefault(cell, set()).update(fit.rough_in(k))
        finer = matched(boxes.split([(cell, sorted(own)) for cell, own in axes.items()]))
        levels = min(_AT_ONCE, math.ceil(-math.log2(max(wanted, SMALLEST)))) - 1
        finer = graded(finer, singular, levels)
        return finer if is_box(domain) else following(domain, finer)

    def smaller(self, trials: Trials[Cells], level: Cells) -> Cells | None:
        """The step that is foretold to leave the least of those that take less; None if none is worth its time."""
        before = trials.level
        if before is None:
            return None
        fit, wanted = trials.last.fit, BEYOND * self._aim / trials.last.fit.judged.to_lower
        may_halve = self.counts is None and not self.edges
        marked = self._marked(fit, wanted)[1] if may_halve else []
        degrees = 0 if self.degree else HIGHEST.of(before.boxes.dimension) - before.degree
        limit = LESS * self._cost(level, fit)
        for step in sorted(steps(fit, degrees, marked), key=lambda step: step.left):
            finer = Cells(before.boxes, before.degree + step.degrees)
            if step.halved:
                finer = Cells(self._halved(before.boxes, fit, list(step.halved), wanted), before.degree)
            if self._cost(finer, fit) <= limit:
                return finer
        return None

    def seconds(self, trials: Trials[Cells], level: Cells) -> float:
        """By the operations, from how long the last level took."""
        before = trials.level
        if before is None:
            return self.seconds_of(level)
        fit = trials.last.fit
        known = trials.seconds / self._cost(before, fit) if trials.seconds else 1.0
        return known * self._cost(level, fit)

    def _cost(self, level: Cells, fit: BoxFit) -> float:
        """By the operations alone; boxes in space that are not cut may share their factors."""
        shared = fit.shared and isinstance(fit.layout, Carved)
        return self.seconds_of(level, fit.layout, shared=shared)

    def seconds_of(self, level: Cells, layout: Layout | None = None, *, shared: bool = False) -> float:
        """The same before there is a last level; a ``layout`` of some such boxes tells how many are cut."""
        return level.seconds(self.statements.across, layout, shared=shared)

    def attempt(self, level: Cells, trials: Trials[Cells], run: Run) -> Candidate:
        """The solution of a level."""
        problem = self.statements.problem
        guess = self.guess if trials.last is None else trials.last.fit
        layout = inside(problem.domain, level.boxes)[0]
        fit = fit_boxes(self.statements, layout, level.degree, self.seed, guess=guess, monitor=run)
        if self.edges:
            fit = compared(fit, None if trials.last is None else trials.last.fit)
        fit = calibrated(fit, None if trials.last is None else trials.last.fit)
        run.worked(fit.steps * self.seconds_of(level, fit.layout, shared=fit.shared))
        return candidate_of(fit)

    def better(self, candidate: Candidate, trials: Trials[Cells]) -> bool:
        """The smaller estimate, where that of the best so far is not refuted."""
        return candidate.estimate.sure or candidate.error <= refuted(trials.best, candidate)

    def state(self, trials: Trials[Cells]) -> Any:
        """Nothing: these solves are not resumed."""
        return None

    def result(self, trials: Trials[Cells], stop: Stop, run: Run) -> Result:
        """The best candidate, whether it is good enough, and why the refinement stopped."""
        return result_of(trials.best, self.tol, stop, run, by_hand=self.counts is not None)
