"""Nonlinear problems reached from easier ones: each is solved from the solution of the one before."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.adaptivity.p_refinement import Rung
from gmnm_pde.fitting.estimate import estimate_error
from gmnm_pde.fitting.fit import Fit, Setup, fit
from gmnm_pde.methods import Step
from gmnm_pde.models import along_each
from gmnm_pde.statement.problem import Problem

_COMPONENTS = {1: 80, 2: 250, 3: 500}
_WIDTH = 2.0
"""A mixture for the problems on the way, where none was chosen by hand; a width that serves most."""

_DIFFUSION = (100.0, 30.0, 10.0, 3.0)
"""What the highest derivatives are multiplied by in the problems that are proposed."""

_HALVINGS = 3
"""How often a step that Newton does not manage is halved."""


@dataclass(frozen=True)
class Stage:
    """A problem on the way, and what it is called."""

    label: str
    problem: Problem


Path = Callable[[float], Stage]
"""The problem at a place between 0, the beginning, and 1, the end."""


def read_continuation(problem: Problem, continuation: Any) -> tuple[Path, tuple[float, ...]] | None:
    """``solve``'s argument ``continuation``: the path to the problem, and the places to stop at on it.

    Raises:
        GmnmError: it is no mapping from one constant of the problem to values.
    """
    if continuation is None or continuation is False:
        return None
    call = f"solve(continuation={continuation!r})"
    if problem.linear:
        raise refuse(
            call, expected="a nonlinear problem", got="a linear one, solved in one step", remedy="Leave it out."
        )
    if continuation is True or continuation == "diffusion":
        return _diffusion(problem)
    if not isinstance(continuation, Mapping) or len(continuation) != 1:
        raise refuse(
            call,
            expected="one constant with its values on the way, as in {'viscosity': (1, 0.1)}",
            got=repr(continuation),
        )
    ((name, values),) = continuation.items()
    listed = list(values) if isinstance(values, list | tuple) else [values]
    if not listed or not all(isinstance(value, Real) and math.isfinite(value) for value in listed):
        raise refuse(call, expected="finite numbers", got=repr(values))
    problem.with_constants(**{name: float(listed[0])})  # refuses a name that does not occur
    stops = [*map(float, listed), problem.constants[name]]
    places = tuple(k / (len(stops) - 1) for k in range(len(stops) - 1))

    def at(place: float) -> Stage:
        k = min(int(place * (len(stops) - 1) + 1e-9), len(stops) - 2)
        part = place * (len(stops) - 1) - k
        a, b = stops[k], stops[k + 1]
        value = a * (b / a) ** part if a * b > 0 else a + part * (b - a)
        return Stage(f"{name} = {value:.4g}", problem.with_constants(**{name: value}))

    return at, places


def _diffusion(problem: Problem) -> tuple[Path, tuple[float, ...]]:
    """The problem with its highest derivatives stronger, on the way to themselves."""
    first = math.log(_DIFFUSION[0])
    places = tuple(1 - math.log(factor) / first for factor in _DIFFUSION)

    def at(place: float) -> Stage:
        factor = math.exp(first * (1 - place))
        return Stage(f"highest derivatives times {factor:.3g}", problem.boosted(factor))

    return at, places


def walk(
    setup: Setup,
    path: Path,
    places: Sequence[float],
    judged_on: Tensor,
    *,
    deadline: float,
    on_rung: Callable[[Rung, Problem], None] | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> tuple[Fit | None, str]:
    """The fit nearest to the end of the path that Newton's method reached, and in words how far that was."""
    mixture = setup.mixture
    components = mixture.components or _COMPONENTS.get(setup.dimension, 600)
    widths = along_each(mixture.widths or _WIDTH, setup.dimension)
    last: Fit | None = None
    reached, label, halvings = 0.0, "the beginning", 0
    waiting = list(places)
    while waiting and time.monotonic() < deadline:
        stage = path(waiting[0])
        found = fit(
            replace(setup, problem=stage.problem), components, widths, near=last, deadline=deadline, watch=on_step
        )
        if on_rung is not None:
            on_rung(Rung(found, estimate_error(found, judged_on)), stage.problem)
        if found.arrived:
            last, label, reached = found, stage.label, waiting.pop(0)
        elif last is None or halvings == _HALVINGS:
            break
        else:
            halvings += 1
            waiting.insert(0, (reached + waiting[0]) / 2)
    if not waiting:
        return last, "the continuation went all the way"
    return last, f"the continuation {'failed at its beginning' if last is None else f'stopped at {label}'}"
