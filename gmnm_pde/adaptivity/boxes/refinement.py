"""Refinement on boxes that share their faces: higher degrees while they pay, else smaller boxes."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from gmnm_pde.adaptivity.boxes.results import candidate_of, is_confirmed, refuted, result_of
from gmnm_pde.adaptivity.loop import Stop, Trials, stalled
from gmnm_pde.boxes.drift import calibrated
from gmnm_pde.boxes.fit import BoxFit, fit_boxes, probed
from gmnm_pde.boxes.foresight import Level, bytes_of, foreseen, seconds_of
from gmnm_pde.boxes.reading import Statements
from gmnm_pde.fitting.approximation import InitialGuess
from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.memory import available_bytes
from gmnm_pde.run.result import Result
from gmnm_pde.run.run import Run

HIGHEST = ByDimension(line=40, plane=30, space=16, beyond=8)
"""The highest degree."""

DIGITS_OF_DEGREES = 1.6
"""Degrees for each digit that is asked for."""

LEAST = ByDimension(line=12, plane=12, space=8, beyond=4)
"""To which those for the digits are added."""

_STEP = 2
"""By how many degrees a refinement goes at least."""

BEYOND = 0.3
"""A next solution is to come below this part of the tolerance."""

_LOWEST, _AROUND = 8, 4
"""In space the first degree of a system may be lower or higher by so many, and not below the first number."""

_TIMES, _TRACED = (1.0, 1.2, 1.5, 2.0), 0.68
"""Along each axis a system in space may have so many times as many boxes next, whose errors then fall with the power of
the degree of traces, this part of that of boxes."""

_LIMIT = (30.0, 1e-9, 1e-4)
"""What the first boxes may leave of the data: so many times the tolerance, and between these."""

_MORE = 1.5
"""Along an axis that the solution varies along there are so many times as many boxes next."""

_LITTLE_MORE = (1.1, 1.25)
"""The same where there is no time for so many."""

LESS, WORTH = 0.8, 0.7
"""A smaller step takes this part of the time of a larger one at most, and leaves this part of an error at most."""

AIM = 1e-8
"""The estimated error that is aimed at without a tolerance."""


@dataclass(frozen=True)
class BoxRefinement:
    """Equal boxes of some degree, more of both until the error estimate is good.

    Args:
        statements: What is solved.
        tol: The error wanted.
        seed: Of the solve.
        counts: Boxes along each coordinate, where chosen by hand.
        degree: The same of the degree.
        begin: The first level, where it is known.
        guess: What Newton's method begins with.
    """

    statements: Statements
    tol: float | None
    seed: int
    counts: tuple[int, ...] | None = None
    degree: int | None = None
    begin: Level | None = None
    guess: InitialGuess | None = None
    patience: ClassVar[int] = 2
    """So many solutions without a gain end it, and in any case two once a few digits are there."""

    @property
    def _aim(self) -> float:
        return AIM if self.tol is None else self.tol

    @property
    def _dimension(self) -> int:
        return self.statements.problem.domain.dimension

    def first(self) -> Level | None:
        """The first level: a degree by the tolerance, and as many boxes as the data ask for; None if too many."""
        degree = self.degree or min(self._most, self._first_degree(-math.log10(min(1e-1, max(1e-14, self._aim)))))
        if self.counts is not None:
            return Level(self.counts, degree)
        shared = probed(self.statements).constant
        if self._is_system_in_space and self.degree is None:
            return self._cheapest(self._foreseen(degree), shared=shared)
        level = foreseen(self.statements, degree, self._left_of_data)
        return level if level is not None and self._fits(level, shared=shared) else None

    @property
    def _is_system_in_space(self) -> bool:
        """Whether degrees cost so much beside boxes that the cheaper ones of both are looked for."""
        return self._dimension > 2 and len(self.statements.problem.fields) > 1

    def _foreseen(self, degree: int) -> Iterator[Level]:
        """The boxes that the data ask for with this degree, and with others."""
        for each in range(max(_LOWEST, degree - _AROUND), min(self._most, degree + _AROUND) + 1, _STEP):
            level = foreseen(self.statements, each, self._left_of_data)
            if level is not None:
                yield level

    def _cheapest(self, levels: Iterable[Level], *, shared: bool) -> Level | None:
        fitting = [level for level in levels if self._fits(level, shared=shared)]
        return min(fitting, key=lambda level: self._seconds(level, shared=shared), default=None)

    def _first_degree(self, digits: float) -> int:
        """For so many digits."""
        return LEAST.of(self._dimension) + round(DIGITS_OF_DEGREES * digits / max(1, self._dimension - 1))

    @property
    def _left_of_data(self) -> float:
        """What the first boxes may leave of the data."""
        return left_of_data(self._aim)

    def _fits(self, level: Level, *, shared: bool) -> bool:
        """Whether a level fits into memory."""
        return bytes_of(level, shared=shared, across=self.statements.across) < available_bytes(torch.device("cpu"))

    def next(self, trials: Trials[Level]) -> Level | Stop:
        """The first level, then the next one."""
        level = trials.level
        if level is None:
            return self.begin or self.first() or Stop.LARGEST
        if trials.errors[-1] <= self._aim and is_confirmed(trials):
            return Stop.MET
        if trials.doubtful or not math.isfinite(trials.errors[-1]) or stalled(trials.errors, early=self.patience):
            return Stop.STALLED
        if self.counts is not None and self.degree is not None:
            return Stop.LARGEST
        finer = self._finer(level, trials.last.fit, trials.last.fit.judged.to_lower)
        return Stop.LARGEST if finer is None else finer

    @property
    def _wanted(self) -> float:
        return BEYOND * self._aim

    @property
    def _most(self) -> int:
        return HIGHEST.of(self._dimension)

    def _degrees_more(self, fit: BoxFit, error: float) -> int:
        """By how many degrees an error falls far enough, as the parts of a solution foretell."""
        return math.ceil(math.log(self._wanted / error) / min(-1e-3, math.log(fit.decay())))

    def _finer(self, level: Level, fit: BoxFit, error: float) -> Level | None:
        most, more = self._most, self._degrees_more(fit, error)
        if self._is_system_in_space and self.degree is None and self.counts is None:
            return self._cheapest(self._enough(level, fit, error), shared=fit.shared)
        if self.degree is None and level.degree < most and (level.degree + more <= most or self.counts is not None):
            finer = replace(level, degree=min(most, level.degree + max(_STEP, more)))
        elif self.counts is None:
            finer = self._with_more_boxes(level, fit)
        else:
            return None
        return finer if self._fits(finer, shared=fit.shared) else None

    def _enough(self, level: Level, fit: BoxFit, error: float) -> Iterator[Level]:
        """Levels that are foreseen to be enough: with more boxes, a higher degree, or both."""
        for times in _TIMES:
            finer = self._with_more_boxes(level, fit, times)
            ratio = max(new / old for new, old in zip(finer.counts, level.counts, strict=True))
            for degree in range(level.degree, self._most + 1):
                fall = (fit.decay() / ratio) ** (degree - level.degree) / ratio ** (_TRACED * level.degree)
                if error * fall <= self._wanted:
                    yield replace(finer, degree=degree)
                    break
        yield self._with_more_boxes(level, fit, 2 * _MORE)

    @staticmethod
    def _with_more_boxes(level: Level, fit: BoxFit, times: float = _MORE) -> Level:
        pairs = zip(level.counts, fit.rough(), strict=True)
        return replace(level, counts=tuple(math.ceil(times * n) if own else n for n, own in pairs))

    def smaller(self, trials: Trials[Level], level: Level) -> Level | None:
        """The step that is foretold to leave the least of those that take less; None if none is worth its time."""
        before = trials.level
        if before is None:
            return None
        fit = trials.last.fit
        limit = LESS * self._seconds(level, shared=fit.shared)
        cheaper = [
            (left, finer)
            for finer, left in self._steps(before, fit)
            if left <= WORTH and self._seconds(finer, shared=fit.shared) <= limit
        ]
        return min(cheaper, key=lambda step: step[0])[1] if cheaper else None

    def _steps(self, level: Level, fit: BoxFit) -> Iterator[tuple[Level, float]]:
        """Small steps from a level, and what part of the error each is foretold to leave."""
        if self.degree is None:
            for degree in range(level.degree + 1, self._most + 1):
                yield replace(level, degree=degree), min(1.0, fit.decay()) ** (degree - level.degree)
        if self.counts is None:
            yield from self._smaller_boxes(level, fit)

    def _smaller_boxes(self, level: Level, fit: BoxFit) -> Iterator[tuple[Level, float]]:
        for times in _LITTLE_MORE:
            finer = self._with_more_boxes(level, fit, times)
            ratio = max(new / old for new, old in zip(finer.counts, level.counts, strict=True))
            yield finer, ratio ** (-_TRACED * level.degree)

    def seconds(self, trials: Trials[Level], level: Level) -> float:
        """By the operations, from how long the last level took."""
        shared = trials.last.fit.shared
        predicted = self._seconds(level, shared=shared)
        before = trials.level
        known = trials.seconds / self._seconds(before, shared=shared) if before is not None and trials.seconds else 1.0
        return known * predicted

    def _seconds(self, level: Level, *, shared: bool) -> float:
        return seconds_of(level, shared=shared, across=self.statements.across)

    def attempt(self, level: Level, trials: Trials[Level], run: Run) -> Candidate:
        """The solution of a level."""
        problem = self.statements.problem
        guess = self.guess if trials.last is None else trials.last.fit
        layout = level.layout(problem.domain.bounds, self.statements.periodic)
        fit = fit_boxes(self.statements, layout, level.degree, self.seed, guess=guess, monitor=run)
        fit = calibrated(fit, None if trials.last is None else trials.last.fit)
        run.worked(fit.steps * self._seconds(level, shared=fit.shared))
        return candidate_of(fit)

    def better(self, candidate: Candidate, trials: Trials[Level]) -> bool:
        """The smaller estimate, where that of the best so far is not refuted."""
        return candidate.estimate.sure or candidate.error <= refuted(trials.best, candidate)

    def state(self, trials: Trials[Level]) -> Any:
        """Nothing: these solves are not resumed."""
        return None

    def result(self, trials: Trials[Level], stop: Stop, run: Run) -> Result:
        """The best candidate, whether it is good enough, and why the refinement stopped."""
        by_hand = self.counts is not None and self.degree is not None
        return result_of(trials.best, self.tol, stop, run, by_hand=by_hand)


def left_of_data(aim: float, most: float = _LIMIT[2]) -> float:
    """What the first boxes may leave of the data, for an error that is aimed at."""
    factor, low, _ = _LIMIT
    return min(most, max(low, factor * aim))
