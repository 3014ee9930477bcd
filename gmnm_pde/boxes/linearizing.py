"""Equations and conditions linearised at many points."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from gmnm_pde.multiindex import Alpha
from gmnm_pde.processes import gathered, portion
from gmnm_pde.residuals.pointwise import Linearized, Placed, linearize, zero_jets
from gmnm_pde.sampling import Cloud
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term, check_finite

_AT_ONCE = 2**16
"""Points at which equations are evaluated at a time."""


def linearized(
    problem: Problem,
    term: Term,
    points: Tensor,
    normals: Tensor | None = None,
    jets: Mapping[Alpha, Tensor] | None = None,
    *,
    finite: bool = True,
    slopes: bool = True,
) -> dict[str, Linearized]:
    """The residuals of a term at points [n, d], for derivatives of the fields that are given, by default zero.

    With ``finite`` it is refused where it is not; without ``slopes`` there are the residuals alone. Several processes
    that solve together share many points out.
    """

    def some(rows: slice) -> dict[str, Linearized]:
        own = points[rows]
        placed = Placed(term, Cloud(own, None if normals is None else normals[rows]))
        given = (
            zero_jets(term, own, len(problem.branches)) if jets is None else {a: jet[rows] for a, jet in jets.items()}
        )
        part = linearize(problem, placed, own, given, (), slopes=slopes)
        for name, found in part.items() if finite else ():
            for values in (found.residual, *found.slopes.values()):
                check_finite(name, values, problem.domain.coordinates, own)
        return part

    pieces = [slice(first, first + _AT_ONCE) for first in range(0, len(points), _AT_ONCE)]
    if len(pieces) == 1:
        return some(pieces[0])
    mine, names = pieces[portion(len(pieces))], term.trace.names
    every = gathered(lambda: [tensor for rows in mine for tensor in _told(some(rows), names)])
    parts = [part for own in every for part in _heard(list(own), names)]
    return {name: _joined([part[name] for part in parts]) for name in names}


def _told(part: Mapping[str, Linearized], names: Sequence[str]) -> Iterator[Tensor]:
    """The residual under each name, which derivatives of fields have slopes, and these."""
    for name in names:
        found = part[name]
        yield found.residual
        yield torch.tensor([(field, *alpha) for field, alpha in found.slopes], dtype=torch.float64)
        yield from found.slopes.values()


def _heard(told: list[Tensor], names: Sequence[str]) -> Iterator[dict[str, Linearized]]:
    while told:
        part = {}
        for name in names:
            residual, keys = told[:2]
            last = 2 + len(keys)
            slopes = zip(keys.long().tolist(), told[2:last], strict=True)
            part[name] = Linearized(residual, {(field, tuple(alpha)): own for (field, *alpha), own in slopes}, {})
            told = told[last:]
        yield part


def _joined(parts: Sequence[Linearized]) -> Linearized:
    keys = {key for part in parts for key in part.slopes}
    slopes = {key: torch.cat([p.slopes.get(key, torch.zeros_like(p.residual)) for p in parts]) for key in keys}
    return Linearized(torch.cat([part.residual for part in parts]), slopes, {})


def right_of(found: Linearized, jets: Mapping[Alpha, Tensor] | None) -> Tensor:
    """The right-hand side for the fields themselves, not for how they differ from those that were linearised at."""
    right = -found.residual
    if jets is not None:
        for (field, alpha), slope in found.slopes.items():
            right = right + slope * jets[alpha][:, field]
    return right
