"""Nonlinear problems reached from easier ones: a homotopy, each problem solved from the solution of the one before."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.estimate import estimate_error
from gmnm_pde.fitting.fit import Fit, fit
from gmnm_pde.models import along_each
from gmnm_pde.run.run import Run
from gmnm_pde.statement.problem import Problem


@dataclass(frozen=True)
class Easier:
    """An easier problem, and what it is called."""

    label: str
    problem: Problem


@dataclass(frozen=True)
class Homotopy:
    """Problems between an easy one, at 0, and the one to solve, at 1.

    Attributes:
        at: The problem at a place.
        places: Where it is solved at first, ascending; 1 is left to what follows.
    """

    at: Callable[[float], Easier]
    places: tuple[float, ...]


@dataclass(frozen=True)
class Following:
    """The numbers of a continuation."""

    components: Mapping[int, int] = field(default_factory=lambda: {1: 80, 2: 250, 3: 500})
    """Of the mixtures on the way, where none was chosen by hand, by the number of coordinates."""
    components_beyond: int = 600
    """The same for more coordinates than ``components`` names."""
    width: float = 2.0
    """Of these components; it serves most problems."""
    halvings: int = 3
    """How often a step that Newton's method does not manage is halved."""
    diffusion: tuple[float, ...] = (100.0, 30.0, 10.0, 3.0)
    """What the highest derivatives are multiplied by in the problems that are proposed."""


def along_constant(problem: Problem, name: str, values: Sequence[float]) -> Homotopy:
    """The problem with other values of one of its constants.

    Raises:
        GmnmError: a name that does not occur.
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
    """The problem with its highest derivatives stronger."""
    factors = (numbers or Following()).diffusion
    first = math.log(factors[0])

    def at(place: float) -> Easier:
        factor = math.exp(first * (1 - place))
        return Easier(f"highest derivatives times {factor:.3g}", problem.boosted(factor))

    return Homotopy(at, tuple(1 - math.log(factor) / first for factor in factors))


def follow(setup: Setup, homotopy: Homotopy, run: Run, numbers: Following | None = None) -> tuple[Fit | None, str]:
    """The fit nearest to the end of a homotopy that Newton's method reached, and in words how far that was."""
    numbers = numbers or Following()
    mixture, setup = setup.mixture, replace(setup, partition=None)
    components = mixture.components or numbers.components.get(setup.dimension, numbers.components_beyond)
    widths = along_each(mixture.widths or numbers.width, setup.dimension)
    last: Fit | None = None
    reached, label, halvings = 0.0, "the beginning", 0
    waiting = list(homotopy.places)
    while waiting and not run.late:
        easier = homotopy.at(waiting[0])
        part = run.part(easier.problem)
        trial = fit(replace(setup, problem=easier.problem), components, widths, initial_guess=last, monitor=part)
        part.record(Candidate(trial, estimate_error(trial, part.points)))
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
