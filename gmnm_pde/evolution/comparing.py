"""How far a march is from the march before it, which allowed more: about the error of that one."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gmnm_pde.evolution.marched import Marched
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.fitting.faint import deviations_of, measured_by

FALL = 0.5
"""What falls by no more than this factor from one march to the next has stopped to fall."""

_IN_STEP = 1000
"""Points of the steps at which marches are compared; there is at least one in each step."""

_NOTHING = 10.0
"""A field whose size is below so many times the rounding in it is zero."""

_OF_TIED, _OF_FREE = 1e-12, 1e-9
"""The rounding of fields that a constraint ties together, as velocities, beside the largest of them, and that of what
holds them to it, as a pressure."""

_ROUNDING, _OF_MODES, _OF_WAVES = 2e-15, 5e-14, 2e-13
"""No estimate is below this: the rounding of marches in time alone, of those with modes in space, and of those with
derivatives of second and higher order in time, which are differences of differences."""


def differences(marched: Marched, before: Marched, points: Tensor) -> list[float]:
    """How far the fields of a march are from those of the one before it, relative to their sizes.

    Points of the whole, [n, d], tell of the whole; those in single steps of what lives for a short time. While an event
    has happened in one march and not yet in the other nothing is compared: what counts is how long that is, beside the
    whole time. A pressure between walls is what rounding of velocities over the length of a step makes of it: in single
    steps, which may be as short as one likes, it tells nothing.
    """
    statements = marched.statements
    late = max((abs(a - b) for a, b in _happened(marched, before)), default=0.0)
    apart = [late / (statements.end - statements.start)] * len(marched.problem.fields)
    for places, weights in ((points, None), marched.in_steps(_IN_STEP)):
        found = differences_up_to(marched, before, places, weights) or apart
        silent = statements.free if weights is not None and statements.sides else ()
        found = [known if k in silent else now for k, (known, now) in enumerate(zip(apart, found, strict=True))]
        apart = [max(pair) for pair in zip(apart, found, strict=True)]
    return apart


def differences_up_to(
    marched: Marched, before: Marched, points: Tensor, weights: Tensor | None = None
) -> list[float] | None:
    """The same at those of some points that both reach, as events may end one sooner; None if they reach none.

    ``weights`` [n] say how much of the domain each point stands for; by default all for the same.
    """
    every, known = marched.outputs(points), before.outputs(points)
    both = (every.isfinite() & known.isfinite()).all(dim=1)
    both &= ~_between(_happened(marched, before), marched.statements.when(points[:, marched.statements.axis]))
    if not bool(both.any()):
        return None
    fields, noise = every[both], marched.told.noise
    if noise is None and marched.statements.free:
        shares = torch.full((fields.shape[1],), _OF_TIED, dtype=fields.dtype)
        shares[list(marched.statements.free)] = _OF_FREE
        noise = shares * fields.square().mean(dim=0).sqrt().max()
    apart = (fields - known[both]).abs()
    if noise is not None:  # a field that is zero all the time is met by its rounding
        nothing = fields.square().mean(dim=0).sqrt() < _NOTHING * noise.to(fields)
        apart = torch.where(nothing, (apart - noise.to(apart)).clamp_min(0.0), apart)
    share = torch.ones(len(apart), 1).to(apart) if weights is None else weights[both].sqrt()[:, None]
    size = (share * fields).norm(dim=0) / share.norm()
    if not marched.reached:  # beside all that the other one knows: at first a field may be next to nothing
        size = torch.maximum(size, known[known.isfinite().all(dim=1)].square().mean(dim=0).sqrt())
    distance = (share * apart).norm(dim=0) / share.norm()
    larger = measured_by(marched.problem, size, deviations_of(fields), distance)
    whole = torch.where(size > 0, size, torch.ones_like(size)) if larger is None else larger
    return (distance / whole).tolist()


def _happened(marched: Marched, before: Marched) -> list[tuple[float, float]]:
    """When each event happened in two marches, ascending; none of a name that did not happen as often in both."""
    own, other = marched.told.events, before.told.events
    same = [name for name in own if len(own[name]) == len(other.get(name, ()))]
    return sorted(pair for name in same for pair in zip(own[name], other[name], strict=True))


def _between(pairs: Sequence[tuple[float, float]], times: Tensor) -> Tensor:
    """Which times [n] lie between the two of some pair."""
    if not pairs:
        return torch.zeros(len(times), dtype=torch.bool, device=times.device)
    both = torch.tensor(pairs, dtype=torch.float64).to(times)
    begun, over = (
        torch.searchsorted(ends.sort().values, times.contiguous(), right=right)
        for ends, right in ((both.amin(1), True), (both.amax(1), False))
    )
    return begun > over


def estimated(marched: Marched, apart: Sequence[float], earlier: Sequence[float] | None = None) -> ErrorEstimate:
    """The errors of the fields of a march.

    Args:
        marched: The march.
        apart: How far it is from the one before it.
        earlier: How far that one is from the one before, if there are three: where marches do not come closer to one
            another, the errors may be as large as both together.
    """
    errors = [
        now if last is None or now <= FALL * last else now + last
        for now, last in zip(apart, earlier or [None] * len(apart), strict=True)
    ]
    least = _least(marched)
    return ErrorEstimate({n: max(least, e) for n, e in zip(marched.problem.fields, errors, strict=True)}, {})


def _least(marched: Marched) -> float:
    """The least error that an estimate may show."""
    if not marched.statements.space:
        return _ROUNDING
    return _OF_MODES if marched.statements.order < 2 else _OF_WAVES
