"""The ladder: fits of growing size, each starting from the widths that served the one below, until one is good enough.

A rung is a number of components. On small rungs, where a fit takes hundredths of a second, the widths are searched; on
large ones the widths of the rung below are carried up (a component's slope grows like the number of components per
coordinate) and only adjusted. Nothing here looks at the exact solution: fits are judged by the residual on points held
out, and the climb ends by the error estimate.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from gmnm_pde.fitting.estimate import ErrorEstimate, estimate_error
from gmnm_pde.fitting.fit import Fit, Setup, fit
from gmnm_pde.fitting.widths import Widths, search_widths
from gmnm_pde.methods import Step
from gmnm_pde.methods.least_squares import rescue
from gmnm_pde.models import along_each

_FIRST = {1: 40, 2: 150, 3: 400}
_GROWTH = 1.6
"""The first rung, by the number of coordinates, and how much larger each next one is."""

_FIRST_OF_TOL, _GROWTH_OF_TOL = 0.4, 1.35
"""With a tolerance the ladder climbs by smaller steps, and for a linear problem begins lower, so that few digits cost
little. (Newton from zero needs a mixture of some size to arrive.)"""

_FIRST_WIDTH = 1.5

_DENSE, _TRIED, _CLEARLY = 3, 300, 0.1
"""In more dimensions several kinds of directions are tried, with so many components; sparse ones must do so much better
than dense ones."""

_SEARCHED = 500
"""Up to so many unknowns the widths are searched on a rung; up to three times as many (twice, where each fit takes
several Newton steps) they are adjusted."""

_TRIES, _LOST, _ENOUGH = 3, 10.0, 600
"""When a climb may be given up: for a linear problem, whose fits are quick, from so many unknowns on by the rate of the
last rungs; for a nonlinear one after so many rungs, or at once if the estimate is so many times what is hopeless."""

AIM = 1e-12
"""What ``solve`` aims at without ``tol``."""

_MOST_UNKNOWNS = {
    ("linear", "aim"): 2500,
    ("nonlinear", "aim"): 1500,
    ("linear", "tol"): 6000,
    ("nonlinear", "tol"): 3000,
}
"""The largest readouts that are tried, unless the number of components is given."""


@dataclass(frozen=True)
class Rung:
    """A fit with its error estimate."""

    fit: Fit
    estimate: ErrorEstimate


@dataclass(frozen=True)
class Ascent:
    """How far a climb has come: the best rung, and of all rungs the estimates; of the last its size and widths."""

    best: Rung
    estimates: tuple[float, ...]
    components: int
    widths: Widths


@dataclass(frozen=True)
class Climb:
    """Where the climb ended, and why."""

    best: Rung
    converged: bool
    reason: str


def climb(
    setup: Setup,
    judged_on: Tensor,
    *,
    tol: float | None,
    deadline: float,
    resume: Ascent | None = None,
    near: Fit | None = None,
    hopeless: float = math.inf,
    on_rung: Callable[[Rung, Ascent], None] | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> Climb:
    """Fit at growing sizes, from the bottom or from where an earlier climb was left.

    ``near`` is a fit that Newton's method starts from on the first rung.

    The climb ends when the estimate meets ``tol`` (or the aim), when the given number of components is reached, when
    the estimate stops falling, or when time or the largest size runs out; and early when the estimates
    would stay above ``hopeless``.
    """
    ascent, spent = resume, 0.0
    sizes = list(_sizes(setup, tol))
    for number, (components, last) in enumerate(sizes):
        if ascent is not None:
            if components <= ascent.components:
                continue
            if _ends(setup, ascent, tol):
                break
            if _hopeless(setup, ascent, hopeless, len(sizes) - number):
                break
            if time.monotonic() + spent * (components / ascent.components) ** 3 > deadline:
                return Climb(ascent.best, False, "stopped by the time limit before the next, larger fit")
        started = time.monotonic()
        rung = _climb_one(setup, components, ascent, near, judged_on, deadline, on_step)
        spent = time.monotonic() - started
        chosen = ascent is None or (last and setup.mixture.components) or _better(rung, ascent.best)
        ascent = Ascent(
            best=rung if chosen or ascent is None else ascent.best,
            estimates=(*(ascent.estimates if ascent is not None else ()), rung.estimate.overall),
            components=components,
            widths=rung.fit.widths,
        )
        if on_rung is not None:
            on_rung(rung, ascent)
    assert ascent is not None
    return _verdict(setup, ascent, tol)


def with_active(setup: Setup, deadline: float = math.inf) -> Setup:
    """On how many coordinates ridges depend, where that is open: by small trials.

    Sums of functions of few coordinates are hardly to be had from ridges across all of many, and other functions not at
    all from ridges in few.
    """
    mixture, d = setup.mixture, setup.dimension
    if mixture.active is not None or mixture.form != "affine" or d <= _DENSE or setup.partition is not None:
        return setup
    widths = along_each(mixture.widths or _FIRST_WIDTH, d)
    trials = [replace(setup, mixture=replace(mixture, active=active)) for active in (1, 2, d)]
    components = min(mixture.components or _TRIED, _TRIED)
    *sparse, dense = (fit(trial, components, widths, deadline=deadline).score for trial in trials)
    best = min(range(len(sparse)), key=sparse.__getitem__)
    return trials[best if sparse[best] < _CLEARLY * dense else -1]


def _sizes(setup: Setup, tol: float | None) -> Iterator[tuple[int, bool]]:
    """Numbers of components with a mark on the last."""
    mixture = setup.mixture
    if mixture.components and mixture.widths and setup.problem.linear:
        yield mixture.components, True
        return
    fields = len(setup.problem.fields)
    size, growth = _FIRST.get(setup.dimension, 600) / fields**0.5, _GROWTH
    if tol is not None:
        size, growth = size * (_FIRST_OF_TOL if setup.problem.linear else 1.0), _GROWTH_OF_TOL
    kind = ("linear" if setup.problem.linear else "nonlinear", "aim" if tol is None else "tol")
    most = mixture.components or _MOST_UNKNOWNS[kind] / fields
    while size * growth**0.5 < most:
        yield round(size), False
        size *= growth
    yield round(most), True


def _climb_one(
    setup: Setup,
    components: int,
    ascent: Ascent | None,
    near: Fit | None,
    judged_on: Tensor,
    deadline: float,
    on_step: Callable[[Step], None] | None,
) -> Rung:
    below = ascent.best.fit if ascent is not None else near
    widths = _carried_up(setup, components, ascent)
    fits: dict[Widths, Fit] = {}

    def score(trial: Widths) -> float:
        if fits and time.monotonic() > deadline:
            return math.inf
        nearby = min(fits.values(), key=lambda found: found.score, default=below)
        fits[trial] = fit(setup, components, trial, near=nearby, deadline=deadline, watch=on_step)
        return fits[trial].score

    given = setup.mixture.widths
    unknowns = components * len(setup.problem.fields)
    if given is not None:
        chosen = along_each(given, setup.dimension)
        score(chosen)
    elif unknowns <= _SEARCHED:
        chosen = search_widths(score, widths, octaves=(1.0, 0.5), by_axis=True)
    elif unknowns <= (3 if setup.problem.linear else 2) * _SEARCHED:
        chosen = search_widths(score, widths, octaves=(0.25,), by_axis=False)
    else:
        score(widths)
        chosen = widths
    found = _rescued(fits[chosen])
    return Rung(found, estimate_error(found, judged_on))


def _carried_up(setup: Setup, components: int, ascent: Ascent | None) -> Widths:
    """The widths of the rung below, narrower as the components become denser."""
    if ascent is None:
        return (_FIRST_WIDTH,) * setup.dimension
    denser = (components / ascent.components) ** (1 / setup.dimension)
    return tuple(width * denser for width in ascent.widths)


def _rescued(found: Fit) -> Fit:
    """Where the residual between the points is far above that on them, a rank-revealing solution may do better."""
    rows = found.system.rows
    fitted = found.outcome.norm / rows**0.5 / found.reference
    if found.score <= 1e3 * fitted or found.score < 1e-10:
        return found
    return Fit(
        found.components,
        found.widths,
        found.model,
        found.system,
        found.held_out,
        replace(found.outcome, theta=rescue(found.outcome, found.score_of)),
    )


def _better(rung: Rung, other: Rung) -> bool:
    """Whether ``rung`` is the better answer: a converged one first, then the smaller estimate."""
    arrived, other_arrived = rung.fit.arrived, other.fit.arrived
    if arrived != other_arrived:
        return arrived
    return rung.estimate.overall <= other.estimate.overall


def _stalled(estimates: Sequence[float]) -> bool:
    """Whether the last rungs brought no gain worth having: two once some digits are there, four before."""
    patience = 2 if min(estimates) < 1e-4 else 4
    return len(estimates) > patience + 1 and min(estimates[-patience:]) > 0.5 * min(estimates[:-patience])


def _ends(setup: Setup, ascent: Ascent, tol: float | None) -> bool:
    if setup.mixture.components or not ascent.best.fit.arrived:
        return False
    return ascent.best.estimate.overall <= (AIM if tol is None else tol) or _stalled(ascent.estimates)


def _hopeless(setup: Setup, ascent: Ascent, above: float, sizes_left: int) -> bool:
    """Whether the estimates, which are above ``above``, will stay there at the rate at which they fall."""
    best, count = min(ascent.estimates), len(ascent.estimates)
    if best <= above:
        return False
    if not setup.problem.linear:
        return best > _LOST * above or count >= _TRIES
    if ascent.components * len(setup.problem.fields) < _ENOUGH or count < _TRIES:
        return False
    rate = min(1.0, (ascent.estimates[-1] / ascent.estimates[-_TRIES]) ** (1 / (_TRIES - 1)))
    return best * rate**sizes_left > above


def _verdict(setup: Setup, ascent: Ascent, tol: float | None) -> Climb:
    best, outcome, estimate = ascent.best, ascent.best.fit.outcome, ascent.best.estimate.overall
    if not outcome.converged:
        return Climb(best, False, outcome.reason)
    if tol is None:
        reliable = estimate < 1e-2
        note = "" if reliable else "; the estimate is poor: try more components or look at the residual"
        return Climb(best, reliable, f"{outcome.reason}; error estimate {estimate:.1e}{note}")
    if estimate <= tol:
        return Climb(best, True, f"the error estimate {estimate:.1e} meets tol={tol:g}")
    stalled = not setup.mixture.components and _stalled(ascent.estimates)
    why = "it stopped falling" if stalled else f"{ascent.components} components are the most allowed"
    return Climb(best, False, f"the error estimate {estimate:.1e} does not meet tol={tol:g}: {why}")
