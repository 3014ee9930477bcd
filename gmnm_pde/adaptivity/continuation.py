"""Continuation: a homotopy from an easier problem, each problem solved with the last solution as initial guess."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.estimate import estimate_error
from gmnm_pde.fitting.fit import Fit, fit
from gmnm_pde.interruption import OutOfTime
from gmnm_pde.run.run import Run
from gmnm_pde.statement.problem import Problem


@dataclass(frozen=True)
class Easier:
    """An easier problem, and what messages call it."""

    label: str
    problem: Problem


@dataclass(frozen=True)
class Homotopy:
    """Problems between an easy one, at 0, and the one to solve, at 1.

    Attributes:
        at: The problem at a place between 0 and 1.
        places: Where it is solved, ascending; the problem at 1 itself is not among them.
    """

    at: Callable[[float], Easier]
    places: tuple[float, ...]


@dataclass(frozen=True)
class Following:
    """The numbers of a continuation."""

    components: ByDimension = field(default=ByDimension(line=80, plane=250, space=500, beyond=600))
    """Components of the mixtures on the way, unless chosen by hand, by the number of coordinates."""
    width: float = 2.0
    """The slope of these components; it serves most problems."""
    halvings: int = 3
    """How often in all a step of the homotopy is halved because Newton's method does not converge."""
    diffusion: tuple[float, ...] = (100.0, 30.0, 10.0, 3.0)
    """Factors of the highest derivatives in the easier problems that are chosen unasked."""


def along_constant(problem: Problem, name: str, values: Sequence[float]) -> Homotopy:
    """The homotopy through some values of one of the problem's constants, to the value that it has.

    Raises:
        GmnmError: the problem has no constant of this name.
    """
    problem.with_constants(**{name: float(values[0])})
    stops = [*map(float, values), problem.constants[name]]
    places = tuple(k / (len(stops) - 1) for k in range(len(stops) - 1))

    def at(place: float) -> Easier:
        k = min(int(place * (len(stops) - 1) + 1e-9), len(stops) - 2)
        part = place * (len(stops) - 1) - k
        a, b = stops[k], stops[k + 1]
        value = a * (b / a) ** part if a * b > 0 else a + part * (b - a)
        return Easier(f"{name} = {value:.4g}", problem.with_constants(**{name: value}))

    return Homotopy(at, places)


def along_diffusion(problem: Problem, numbers: Following | None = None) -> Homotopy:
    """The homotopy that begins with larger highest derivatives, that is with more diffusion."""
    factors = (numbers or Following()).diffusion
    first = math.log(factors[0])

    def at(place: float) -> Easier:
        factor = math.exp(first * (1 - place))
        return Easier(f"highest derivatives times {factor:.3g}", problem.boosted(factor))

    return Homotopy(at, tuple(1 - math.log(factor) / first for factor in factors))


def follow(setup: Setup, homotopy: Homotopy, run: Run, numbers: Following | None = None) -> tuple[Fit | None, str]:
    """The fit of the last problem of a homotopy for which Newton's method converged, and in words which that was."""
    numbers = numbers or Following()
    setup = replace(setup, partition=None)
    components = setup.mixture.components or numbers.components.of(setup.dimension)
    widths = setup.widths_or(numbers.width)
    last: Fit | None = None
    reached, label, halvings = 0.0, "the beginning", 0
    waiting = list(homotopy.places)
    while waiting and not run.late:
        easier = homotopy.at(waiting[0])
        part = run.part(easier.problem)
        try:
            trial = fit(replace(setup, problem=easier.problem), components, widths, initial_guess=last, monitor=part)
            estimate = estimate_error(trial, part.points)
        except OutOfTime:
            break
        part.record(Candidate(trial, estimate))
        if trial.converged:
            last, label, reached = trial, easier.label, waiting.pop(0)
        elif last is None or halvings == numbers.halvings:
            break
        else:
            halvings += 1
            waiting.insert(0, (reached + waiting[0]) / 2)
    if not waiting:
        return last, "the continuation went all the way"
    return last, f"the continuation {'failed at its beginning' if last is None else f'stopped at {label}'}"
