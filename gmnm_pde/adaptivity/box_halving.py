"""Refinement on boxes of several sizes: some are halved, or the polynomials of all get a higher degree.

Boxes whose held-out residual is above an equal share of what the tolerance leaves have to become better. Where their
parts fall quickly with the degree, a higher degree is enough; where they do not, or where few boxes are concerned and
that is cheaper, these are halved along the axes that the solution varies along.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.adaptivity.box_refinement import AIM, BEYOND, DIGITS_OF_DEGREES, HIGHEST, LEAST, candidate_of, result_of
from gmnm_pde.adaptivity.first_cells import first_cells, following, inside
from gmnm_pde.adaptivity.hanging import SMALLEST, graded, matched, touching
from gmnm_pde.adaptivity.loop import Stop, Trials, stalled
from gmnm_pde.boxes.fit import BoxFit, fit_boxes
from gmnm_pde.boxes.foresight import Level, bytes_of, seconds_of
from gmnm_pde.boxes.reading import Statements
from gmnm_pde.fitting.approximation import InitialGuess
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.memory import available_bytes
from gmnm_pde.models import Partition
from gmnm_pde.run.result import Result
from gmnm_pde.run.run import Run
from gmnm_pde.scrutiny import Feature

_STEP = 2
"""By how many degrees a refinement goes at least."""

_AT_ONCE = 16
"""Towards a corner at which the solution is not smooth boxes are halved so many times at once at the most."""

_SLOW = 0.55
"""Where the parts of a solution fall by no smaller factor from one degree to the next, more degrees do not help."""

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

    @property
    def _aim(self) -> float:
        return AIM if self.tol is None else self.tol

    def first(self) -> Cells:
        """The first boxes."""
        problem = self.statements.problem
        d = problem.domain.dimension
        digits = -math.log10(min(1e-1, max(1e-14, self._aim)))
        most, asked = HIGHEST.of(d), LEAST.of(d) + round(DIGITS_OF_DEGREES * digits)
        if self.counts is not None:
            cells = Partition.even(self.counts)
        else:
            cells = first_cells(problem, self._aim, self.seed, self.features)
        return Cells(cells, self.degree or min(most, asked))

    def next(self, trials: Trials[Cells]) -> Cells | Stop:
        """The first level, then the next one."""
        level = trials.level
        if level is None:
            return self.begin or self.first()
        if trials.errors[-1] <= self._aim:
            return Stop.MET
        if trials.doubtful or stalled(trials.errors, early=4, late=3):
            return Stop.STALLED
        finer = self._finer(level, trials.last.fit, trials.errors[-1])
        if finer is None:
            return Stop.LARGEST
        fits = bytes_of(finer.like(), shared=False, across=self.statements.across) < available_bytes(
            torch.device("cpu")
        )
        return finer if fits and len(finer.boxes) <= _MOST_BOXES else Stop.LARGEST

    def _finer(self, level: Cells, fit: BoxFit, error: float) -> Cells | None:
        """The cheaper one of more degrees, where that is enough, and halving; None where nothing may change."""
        wanted = BEYOND * self._aim / error
        excess = (fit.squares / fit.squares.mean()).sqrt() / wanted
        marked = ((excess > 1) & (self._sizes(fit) > SMALLEST)).nonzero()[:, 0].tolist()
        if not marked:
            return None
        needed = max(math.log(excess[k].item()) / -math.log(min(fit.falls[k], 1 - 1e-3)) for k in marked)
        raised = replace(level, degree=level.degree + max(_STEP, math.ceil(needed)))
        most = HIGHEST.of(level.boxes.dimension)
        if self.counts is not None:
            return None if self.degree or level.degree >= most else replace(raised, degree=min(most, raised.degree))
        halved = Cells(self._halved(level.boxes, fit, marked, wanted), level.degree)
        if self.degree is not None or raised.degree > most:
            return halved
        costs = [self._seconds(cells) for cells in (raised, halved)]
        return raised if costs[0] <= costs[1] else halved

    def _sizes(self, fit: BoxFit) -> Tensor:
        """The longest side of each box, of a domain that is two long."""
        extent = torch.tensor([high - low for low, high in self.statements.problem.domain.bounds], dtype=torch.float64)
        return (4 * fit.layout.halves / extent).amax(dim=1)

    def _halved(self, boxes: Partition, fit: BoxFit, marked: list[int], wanted: float) -> Partition:
        """Marked boxes halved, those at a corner where the solution is not smooth again and again."""
        domain = self.statements.problem.domain
        low, high = torch.tensor(domain.bounds, dtype=torch.float64).unbind(1)
        corners = [*domain.vertices(), *map(tuple, domain.reentrant_corners().tolist())]
        vertices = torch.tensor(corners, dtype=torch.float64).reshape(-1, boxes.dimension)
        vertices = 2 * (vertices - low) / (high - low) - 1
        cells = [fit.layout.cell_of(k) for k in marked]
        at = touching(boxes, vertices)[:, cells]
        slow = torch.tensor([fit.falls[k] > _SLOW for k in marked])
        singular = vertices[(at & slow).any(dim=1)]
        axes: dict[int, set[int]] = {}
        for cell, k in zip(cells, marked, strict=True):
            axes.setdefault(cell, set()).update(fit.rough_in(k))
        finer = matched(boxes.split([(cell, sorted(own)) for cell, own in axes.items()]))
        levels = min(_AT_ONCE, math.ceil(-math.log2(wanted))) - 1
        finer = graded(finer, singular, levels)
        return following(domain, finer) if boxes.dimension == 2 else finer

    def smaller(self, trials: Trials[Cells], level: Cells) -> Cells | None:
        """None: a level between two would tell little."""
        return None

    def seconds(self, trials: Trials[Cells], level: Cells) -> float:
        """By the operations, from how long the last level took."""
        before = trials.level
        known = trials.seconds / self._seconds(before) if before is not None and trials.seconds else 1.0
        return known * self._seconds(level)

    def _seconds(self, level: Cells, *, shared: bool = False) -> float:
        return seconds_of(level.like(), shared=shared, across=self.statements.across)

    def attempt(self, level: Cells, trials: Trials[Cells], run: Run) -> Candidate:
        """The solution of a level."""
        problem = self.statements.problem
        guess = self.guess if trials.last is None else trials.last.fit
        layout = inside(problem.domain, level.boxes)[0]
        fit = fit_boxes(self.statements, layout, level.degree, self.seed, guess=guess, monitor=run)
        run.worked(fit.steps * self._seconds(level, shared=fit.shared))
        return candidate_of(fit)

    def better(self, candidate: Candidate, trials: Trials[Cells]) -> bool:
        """The smaller estimate."""
        return candidate.error <= trials.best.error or candidate.estimate.sure

    def state(self, trials: Trials[Cells]) -> Any:
        """Nothing: these solves are not resumed."""
        return None

    def result(self, trials: Trials[Cells], stop: Stop, run: Run) -> Result:
        """The best candidate, whether it is good enough, and why the refinement stopped."""
        return result_of(trials.best, self.tol, stop, run, by_hand=self.counts is not None)
