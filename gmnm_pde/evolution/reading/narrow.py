"""Where data on a line change within much less than a first cell: cells end there, so that none of it is missed.

Initial values are looked at closely, and so are the equations at zero fields, which is what drives them, at some times.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from gmnm_pde.evolution.reading.initial import given_at
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.residuals.pointwise import Linearized, Placed, linearize, zero_jets
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

_ROUNDING = 1e-13
"""Less than this part of the constants that fields are beside, or of what equations make of these, is rounding."""

_TIMES = (1e-9, 0.13, 0.37, 0.61, 0.87)
"""Parts of the time at which equations are looked at."""


Interval = tuple[float, float]


def narrow_sources(statements: Statements) -> list[float]:
    """Places on both sides of what is narrow in what drives a problem on a line, ascending."""
    places = _places(statements)
    found = [_around(places, values, size) for values, size in _sources(statements, places)]
    ends = {end for intervals in found for interval in intervals for end in interval}
    low, high = statements.bounds[0]
    return sorted(place for place in ends if low < place < high)


def narrow_at_first(statements: Statements) -> list[Interval]:
    """Where initial values of a problem on a line are narrow."""
    places = _places(statements)
    given = given_at(statements, places[:, None])
    base = torch.tensor(statements.base or [0.0] * statements.fields, dtype=torch.float64)
    rows = zip(given.flatten(0, 1), base.abs().repeat(len(given)), strict=True)
    return [interval for values, size in rows for interval in _around(places, values, size)]


def _places(statements: Statements) -> Tensor:
    """Places in windows of the line, ascending."""
    (low, high) = statements.bounds[0]
    shift = torch.rand(1, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    return low + (high - low) * (torch.arange(_WINDOWS * _EACH, dtype=torch.float64) + shift) / (_WINDOWS * _EACH)


def _sources(statements: Statements, places: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The equations at zero fields, [n] each, at some times; those that few places show to be steady at one.

    With each comes how large those of its parts are that come of the constants which fields are beside.
    """
    times = statements.start + torch.tensor(_TIMES, dtype=torch.float64) * (statements.end - statements.start)
    for term in statements.equations:
        few = [_at_zero(statements, term, places[:: len(places) // _FEW], time) for time in times]
        sizes = [_of_base(statements, own) for own in few[0]]
        steady = all(
            torch.equal(own.residual, first.residual)
            for by_time in few
            for own, first in zip(by_time, few[0], strict=True)
        )
        for time in times[:1] if steady else times:
            every = _at_zero(statements, term, places, time, slopes=False)
            yield from ((own.residual, size) for own, size in zip(every, sizes, strict=True))


def _of_base(statements: Statements, own: Linearized) -> Tensor:
    """How large what an equation makes of the constants is that fields are beside."""
    parts = zip(statements.problem.base, range(len(statements.problem.branches)), strict=False)
    zero = (0,) * statements.problem.domain.dimension
    return sum(
        (base * own.slopes[field, zero].abs().max() for base, field in parts if (field, zero) in own.slopes),
        torch.zeros((), dtype=torch.float64),
    ).abs()


def _at_zero(
    statements: Statements, term: Term, places: Tensor, time: Tensor, *, slopes: bool = True
) -> list[Linearized]:
    """An equation at zero fields at a time, residual by residual, [n] each; zero beside its part."""
    points, problem = statements.joined(places[:, None], time[None]), statements.problem
    inside = statements.lies_in(term.parts[0], points) if term.parts else torch.ones(len(points)).bool()
    own = points[inside]
    jets = zero_jets(term, own, len(problem.branches))
    (low, high) = statements.bounds[0]

    def integrate(values: Tensor) -> Tensor:
        return ((high - low) * values.detach().mean()).expand_as(values).clone().requires_grad_()

    placed = Placed(term, Cloud(own), integrate=integrate)
    named = linearize(problem, placed, own, jets, (), slopes=slopes)
    for linearized in named.values():
        residual = torch.zeros(len(points), dtype=torch.float64)
        residual[inside] = linearized.residual.double()
        linearized.residual = residual
    return list(named.values())


def from_straight(values: Tensor, windows: int) -> Tensor:
    """How far values [n, ...] are, in each of so many windows, from the straight line between its ends.

    Returns:
        [windows, n / windows, ...].
    """
    by_window = values.unflatten(0, (windows, -1))
    first, last = by_window[:, :1], by_window[:, -1:]
    line = torch.linspace(0, 1, by_window.shape[1], dtype=values.dtype).view(-1, *[1] * (values.ndim - 1))
    return (by_window - (first + (last - first) * line)).abs()


def _around(places: Tensor, values: Tensor, size: Tensor) -> list[Interval]:
    """Intervals with what is narrow in some values, which are differences of numbers of some size."""
    bent = from_straight(values, _WINDOWS)
    largest = float(values.abs().max())
    windows = (bent.amax(dim=1) > _BENT * largest).nonzero()[:, 0]
    if largest <= _ROUNDING * float(size) or not 0 < len(windows) <= _MOST:
        return []
    told, step = [], (places[1] - places[0]).item()
    for window in windows.tolist():
        rows = (bent[window] > 0.5 * bent[window].max()).nonzero()[:, 0]
        first, last = (places[window * _EACH + k].item() for k in (int(rows[0]), int(rows[-1])))
        width = last - first + step
        told.append((first - width, last + width))
    return told
