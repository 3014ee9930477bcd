"""Where data on a line change within much less than a first cell: cells end there, so that none of it is missed.

Initial values are looked at closely, and so are the equations at zero fields, which is what drives them, at some times.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from gmnm_pde.evolution.reading.initial import given_at
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.residuals.pointwise import Placed, linearize, zero_jets
from gmnm_pde.sampling import Cloud
from gmnm_pde.statement.terms import Term

_WINDOWS, _EACH = 4096, 64
"""The line is looked at in so many windows, at so many places each."""

_BENT = 3e-3
"""What is farther from straight within a window, relative to the largest there is, is narrow."""

_MOST = 24
"""Of windows that are narrow no more are told; with more the data are rough everywhere, or fine as a whole."""

_FEW = 256
"""Places at which it is seen whether an equation depends on time."""

_TIMES = (1e-9, 0.13, 0.37, 0.61, 0.87)
"""Parts of the time at which equations are looked at."""


def narrow_places(statements: Statements) -> list[float]:
    """Places on both sides of what is narrow in the data of a problem on a line, ascending."""
    (low, high), found = statements.bounds[0], set[float]()
    generator = torch.Generator().manual_seed(5)
    shift = torch.rand(1, generator=generator, dtype=torch.float64)
    parts = (torch.arange(_WINDOWS * _EACH, dtype=torch.float64) + shift) / (_WINDOWS * _EACH)
    places = low + (high - low) * parts
    rows = [*given_at(statements, places[:, None]).flatten(0, 1), *_sources(statements, places)]
    for values in rows:
        found |= set(_around(places, values, high - low))
    return sorted(place for place in found if low < place < high)


def _sources(statements: Statements, places: Tensor) -> Iterator[Tensor]:
    """The equations at zero fields, [n] each, at some times; those that few places show to be steady at one."""
    times = statements.start + torch.tensor(_TIMES, dtype=torch.float64) * (statements.end - statements.start)
    for term in statements.equations:
        few = [_at_zero(statements, term, places[:: len(places) // _FEW], time) for time in times]
        steady = all(torch.equal(own, few[0]) for own in few)
        for time in times[:1] if steady else times:
            yield from _at_zero(statements, term, places, time)


def _at_zero(statements: Statements, term: Term, places: Tensor, time: Tensor) -> Tensor:
    """The residuals of an equation at zero fields at a time, [residuals, n]; zero beside its part."""
    points, problem = statements.joined(places[:, None], time[None]), statements.problem
    inside = statements.lies_in(term.parts[0], points) if term.parts else torch.ones(len(points)).bool()
    own = points[inside]
    jets = zero_jets(term, own, len(problem.branches))
    named = linearize(problem, Placed(term, Cloud(own)), own, jets, (), slopes=False)
    values = torch.zeros(len(named), len(points), dtype=torch.float64)
    for row, linearized in zip(values, named.values(), strict=True):
        row[inside] = linearized.residual.double()
    return values


def _around(places: Tensor, values: Tensor, extent: float) -> Sequence[float]:
    """Places on both sides of what is narrow in some values."""
    by_window = values.unflatten(0, (_WINDOWS, _EACH))
    line = torch.linspace(0, 1, _EACH, dtype=torch.float64)
    straight = by_window[:, :1] + (by_window[:, -1:] - by_window[:, :1]) * line
    bent = (by_window - straight).abs()
    largest = values.abs().max()
    windows = (bent.amax(dim=1) > _BENT * largest).nonzero()[:, 0]
    if float(largest) == 0 or not 0 < len(windows) <= _MOST:
        return ()
    told = []
    step = extent / (_WINDOWS * _EACH)
    for window in windows.tolist():
        rows = (bent[window] > 0.5 * bent[window].max()).nonzero()[:, 0]
        first, last = (places[window * _EACH + k].item() for k in (int(rows[0]), int(rows[-1])))
        width = last - first + step
        told += [first - width, last + width]
    return told
