"""When data of a problem with space change within much less of the time than a step may take, at however many times.

Equations and conditions are looked at with their fields kept as they are, at a few places and very many times. Steps
end on both sides of what is narrow there.
"""

from collections.abc import Collection, Iterator, Sequence

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.evolution.reading.narrow import from_straight
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.residuals.pointwise import Placed, linearize
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.scrutiny.looks.data import Data
from gmnm_pde.statement.terms import Term

_WINDOWS, _EACH = 2048, 32
"""The time is looked at in so many windows, so often in each."""

_PLACES = 3
"""At so many places."""

_STATES = (0.0, 0.7)
"""Fields and all of their derivatives are kept at these."""

_BENT = 1e-2
"""What is farther from straight within a window, relative to how far values are from their middle, is narrow."""

_PART = 0.25
"""Where more of the windows than this are narrow, the data are fine as a whole, which steps see."""


_BESIDE = 2.0
"""Steps end so many widths, those at half the height, before and after what is narrow."""


def pulses(statements: Statements) -> list[tuple[float, float]]:
    """Intervals of time with what is narrow in the data, ascending and apart."""
    span = statements.end - statements.start
    shifts = torch.rand(_WINDOWS * _EACH, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    times = statements.start + span * (torch.arange(len(shifts), dtype=torch.float64) + shifts) / len(shifts)
    terms = [*statements.equations, *(own.term for own in (*statements.sides, *statements.meetings))]
    narrow = torch.zeros(len(times), dtype=torch.bool)
    for term in (own for own in terms if _reads_time(statements, own)):
        for values in _values(statements, term, times):
            narrow |= _is_narrow(values)
    return list(_intervals(times, narrow))


def _reads_time(statements: Statements, term: Term) -> bool:
    """Whether a term's function reads the time; where that is not known, it does not."""
    try:
        return statements.axis in Data(statements.problem, term).reading().axes
    except GmnmError:
        return False


def _values(statements: Statements, term: Term, times: Tensor) -> Iterator[Tensor]:
    """A term at some times, for each state and residual, [times, places]."""
    cloud = sample(term.region, _PLACES, "sobol", seed=2)
    points = statements.joined(cloud.points[:, list(statements.space)], times)
    normals = None if cloud.normals is None else cloud.normals.repeat(len(times), 1)
    placed = Placed(term, Cloud(points, normals), integrate=lambda own: own.detach().clone().requires_grad_())
    shape = (len(points), len(statements.problem.branches))
    for state in _STATES:
        jets = {alpha: torch.full(shape, state, dtype=torch.float64) for alpha in term.trace.alphas}
        for own in linearize(statements.problem, placed, points, jets, (), slopes=False).values():
            yield own.residual.double().nan_to_num(0, 0, 0).view(len(times), -1)


def _is_narrow(values: Tensor) -> Tensor:
    """At which times values [times, places] are narrow, a mask [times]."""
    apart = values - values.median(dim=0).values
    bent = from_straight(apart, _WINDOWS)
    most = bent.amax(dim=1)
    there = (most > _BENT * apart.abs().amax(dim=0)) & (most > 1e-10 * values.abs().amax(dim=0))
    there &= there.double().mean(dim=0) <= _PART
    return ((bent > 0.5 * most[:, None]) & there[:, None]).flatten(0, 1).any(dim=1)


def _intervals(times: Tensor, narrow: Tensor) -> Iterator[tuple[float, float]]:
    """Intervals around times that are narrow, so wide that little of a pulse is beside them."""
    rows = narrow.nonzero()[:, 0].tolist()
    groups: list[list[int]] = []
    for row in rows:
        if groups and row - groups[-1][1] <= _EACH:
            groups[-1][1] = row
        else:
            groups.append([row, row])
    step = (times[-1] - times[0]).item() / len(times)
    for first, last in groups:
        width = _BESIDE * (times[last].item() - times[first].item() + step)
        yield times[first].item() - width, times[last].item() + width


def with_ends(
    known: Collection[float], narrow: Collection[float], intervals: Sequence[tuple[float, float]]
) -> set[float]:
    """Times at which steps are to end: known ones, the ends of intervals in which there is none of these, and what is
    narrow beside intervals.
    """  # noqa: D205
    free = [pair for pair in intervals if not any(pair[0] <= own <= pair[1] for own in known)]
    beside = {own for own in narrow if not any(low <= own <= high for low, high in free)}
    return {*known, *beside, *(end for pair in free for end in pair)}
