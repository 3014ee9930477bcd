"""Worse solutions on boxes, which tell how much error a unit of residual makes."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.space.balance import Balance
from gmnm_pde.boxes.space.coupled import Coupled
from gmnm_pde.boxes.system import BoxSystem

_WORSE = 2
"""So many worse solutions are looked at."""

_FEWER_ON_SOME = (2, 6)
"""So many degrees less have the traces of worse solutions that are worse on some faces alone."""

_HOT = 0.5
"""Boxes that hold this part of the squared residual hold most of it."""


def worst(squares: Tensor) -> list[int]:
    """The boxes that hold most of the residual."""
    order = squares.argsort(descending=True)
    parts = squares[order].cumsum(0) / squares.sum()
    count = 1 + int((parts < _HOT).sum())
    return order[:count].tolist()


def worse(
    system: BoxSystem | Balance | Coupled, lower: Callable[[Degrees], Tensor], hot: set[int] | None
) -> Iterator[Tensor]:
    """Worse solutions of the same problem, the best first: with traces of lower degree, or in one dimension boxes.

    Where boxes have several sizes a unit of residual makes more error in some than in others: traces have a lower
    degree on those faces alone that most of the residual is at.
    """
    degrees = system.degrees
    for fewer in range(1, _WORSE + 1):
        if degrees.dimension > 1:
            some = isinstance(system, BoxSystem) and hot is not None
            degree = max(0, degrees.on_faces - (_FEWER_ON_SOME[fewer - 1] if some else fewer))
            yield system.with_fewer(degree, hot) if isinstance(system, BoxSystem) else system.with_fewer(degree)
        else:
            part = lower(replace(degrees, inside=max(1, degrees.inside - fewer)))
            yield torch.nn.functional.pad(part, (0, len(degrees.basis) - part.shape[-1]))


def with_lower_cut(system: BoxSystem | Balance | Coupled) -> Iterator[Tensor]:
    """Worse solutions, the best first, whose polynomials have lower degrees in the boxes that are cut.

    Nothing on the boundary in these has a trace, and so traces of lower degree show little of what is wrong there.
    """
    if isinstance(system, BoxSystem | Coupled) and system.cut is not None and system.cut.groups:
        for fewer in range(1, _WORSE + 1):
            yield system.with_lower_cut(max(1, system.degrees.inside - fewer))
