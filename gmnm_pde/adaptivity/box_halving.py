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

from gmnm_pde.adaptivity.box_refinement import (
    AIM,
    BEYOND,
    DIGITS_OF_DEGREES,
    HIGHEST,
    LEAST,
    candidate_of,
    is_confirmed,
    left_of_data,
    refuted,
    result_of,
)
from gmnm_pde.adaptivity.edge_grading import edges_on_unit, levels_at_edges, sides_at, toward_edges
from gmnm_pde.adaptivity.first_cells import first_cells, following, inside, kept
from gmnm_pde.adaptivity.hanging import SMALLEST, graded, matched, on_unit, touching
from gmnm_pde.adaptivity.loop import Stop, Trials, stalled
from gmnm_pde.boxes.cut_layout import CutLayout
from gmnm_pde.boxes.drift import calibrated, compared, slow
from gmnm_pde.boxes.fit import BoxFit, fit_boxes, probed
from gmnm_pde.boxes.foresight import Level, bytes_of, foreseen, seconds_of
from gmnm_pde.boxes.reading import Statements
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

_FEWER_OF_SYSTEMS = 4
"""So many degrees less have the first boxes of nonlinear equations of several fields, which are solved many times."""

_DEGREES_IN_SPACE = (4, 1.0)
"""In space the first degree, and degrees for each digit that is asked for: boxes of higher degrees cost far more."""

_HIGHER = 6
"""So many more they may be."""

_MOST_LEFT_IN_SPACE = 3e-3
"""What the first boxes may leave of the data at the most."""

_LONGEST = 2.0
"""Sides of the first boxes in a shape of space are no longer than so many times the shortest."""

_CUT = 2.0
"""Boxes that are cut, foreseen, for the number of all to the power two thirds."""

_FAR = 100
"""More degrees than are ever possible."""

_MOST_BOXES = 4000
"""The most boxes."""


@dataclass(frozen=True)
class Cells:
    """Boxes of [-1, 1]^d of several sizes, and the degree of their polynomials."""

    boxes: Partition
    degree: int

    def like(self) -> Level:
        """About as many equal boxes."""
        d = self.boxes.dimension
        along = max(1, round(len(self.boxes) ** (1 / d)))
        return Level((*(along,) * (d - 1), math.ceil(len(self.boxes) / along ** (d - 1))), self.degree)


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
        problem = self.statements.problem
        d = problem.domain.dimension
        digits = -math.log10(min(1e-1, max(1e-14, self._aim)))
        if d > 2:
            least, each = _DEGREES_IN_SPACE
            return self._first_in_space(self.degree or min(HIGHEST.of(d), least + round(each * digits)))
        fewer = _FEWER_OF_SYSTEMS if len(problem.fields) > 1 and not problem.linear else 0
        degree = self.degree or min(HIGHEST.of(d), LEAST.of(d) + round(DIGITS_OF_DEGREES * digits) - fewer)
        if self.counts is not None:
            return Cells(Partition.even(self.counts), degree)
        return Cells(first_cells(problem, self._aim, self.seed, self.features), degree)

    def _first_in_space(self, degree: int) -> Cells:
        """With so many boxes of this degree, or of a higher one where that is cheaper, as the data ask for."""
        if self.counts is not None:
            return Cells(Partition.even(self.counts), degree)
        problem, shared = self.statements.problem, probed(self.statements).constant
        degrees = [degree] if self.degree else range(degree, min(HIGHEST.space, degree + _HIGHER) + 1, _STEP)
        limit = left_of_data(self._aim, _MOST_LEFT_IN_SPACE)
        jumps = [feature.plane for feature in self.features if feature.plane is not None]
        levels = [foreseen(self.statements, each, limit, jumps) for each in degrees]

        def cost(level: Level) -> float:
            cut = 0.0 if is_box(problem.domain) else _CUT * level.boxes ** (2 / 3)
            return seconds_of(level, shared=shared, across=self.statements.across, cut=cut)

        even = [self._less_long(level) for level in levels if level is not None]
        known = min(even, key=cost, default=Level((2, 2, 2), degree))
        return Cells(first_cells(problem, self._aim, self.seed, self.features, known.counts), known.degree)

    def _less_long(self, level: Level) -> Level:
        """With no side of a box much longer than another, which boundaries in shapes do badly with."""
        domain = self.statements.problem.domain
        if is_box(domain):
            return level
        extents = [high - low for low, high in domain.bounds]
        shortest = min(extent / count for extent, count in zip(extents, level.counts, strict=True))
        pairs = zip(extents, level.counts, strict=True)
        counts = tuple(max(count, math.ceil(extent / (_LONGEST * shortest))) for extent, count in pairs)
        return replace(level, counts=counts)

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
        return (None if finer is None else self.if_possible(finer)) or Stop.LARGEST

    def if_possible(self, level: Cells) -> Cells | None:
        """A level, or None where it has too many boxes, or not enough memory."""
        needed = bytes_of(level.like(), shared=False, across=self.statements.across)
        fits = needed < available_bytes(torch.device("cpu"))
        return level if fits and len(level.boxes) <= _MOST_BOXES else None

    def finer(self, level: Cells, fit: BoxFit, error: float) -> Cells | None:
        """The cheaper one of more degrees, where that is enough, and halving; None where nothing may change."""
        wanted = BEYOND * self._aim / error
        excess = (fit.squares / fit.squares.mean()).sqrt() / wanted
        marked = ((excess > 1) & (self._sizes(fit) > SMALLEST)).nonzero()[:, 0].tolist()
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
        costs = [self.seconds_of(cells, fit) for cells in (raised, halved)]
        return raised if costs[0] <= costs[1] else halved

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
        """None: a level between two would tell little."""
        return None

    def seconds(self, trials: Trials[Cells], level: Cells) -> float:
        """By the operations, from how long the last level took."""
        fit = None if trials.last is None else trials.last.fit
        before = trials.level
        known = trials.seconds / self.seconds_of(before, fit) if before is not None and trials.seconds else 1.0
        return known * self.seconds_of(level, fit)

    def seconds_of(self, level: Cells, fit: BoxFit | None = None, *, shared: bool = False) -> float:
        """In space, boxes that are cut grow in number as the surfaces of all do."""
        across, like = self.statements.across, level.like()
        if fit is None or level.boxes.dimension < 3 or not isinstance(fit.layout, CutLayout):
            return seconds_of(like, shared=shared, across=across)
        cut = len(fit.layout.cut) * (len(level.boxes) / len(fit.layout)) ** (2 / 3)
        return seconds_of(like, shared=fit.shared, across=across, cut=cut)

    def attempt(self, level: Cells, trials: Trials[Cells], run: Run) -> Candidate:
        """The solution of a level."""
        problem = self.statements.problem
        guess = self.guess if trials.last is None else trials.last.fit
        layout = inside(problem.domain, level.boxes)[0]
        fit = fit_boxes(self.statements, layout, level.degree, self.seed, guess=guess, monitor=run)
        if self.edges:
            fit = compared(fit, None if trials.last is None else trials.last.fit)
        fit = calibrated(fit, None if trials.last is None else trials.last.fit)
        run.worked(fit.steps * self.seconds_of(level, fit, shared=fit.shared))
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
