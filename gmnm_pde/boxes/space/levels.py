"""How wrong a field may be whose level one given point alone fixes, as a pressure."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gmnm_pde.boxes.sizes import Sizes
from gmnm_pde.boxes.space.coupled import Coupled
from gmnm_pde.boxes.system import BoxSystem

_PLACES = 11
"""Places along each side of a box at which it is looked how large a change is."""


def at_pins(system: BoxSystem | Coupled, sizes: Sizes, changes: Sequence[Tensor]) -> Tensor:
    """By field, how much larger than it is an error may be at a given point, where that alone fixes the field's level.

    Near a corner polynomials are least accurate, and a pressure that is fixed there is as wrong everywhere. For other
    fields it is 0. Errors are taken to be like the ``changes`` to worse solutions.
    """
    tiny, fields = torch.finfo(changes[0].dtype).tiny, changes[0].shape[1]
    moved = torch.stack([sizes.of(change) for change in changes]).amax(dim=0).clamp_min(tiny)
    if isinstance(system, Coupled):
        ((box, _),) = system.pins.items()
        highest = torch.stack([_highest(system, sizes, change, box) for change in changes]).amax(dim=0)
        return torch.where(torch.arange(fields) == system.level, highest / moved, 0.0)
    spread = torch.stack([sizes.about_mean(change) for change in changes]).amax(dim=0)
    return spread / moved * _level(system, fields)


def _highest(system: Coupled, sizes: Sizes, change: Tensor, box: int) -> Tensor:
    """By field, how large a change about its mean is in a box; in space the norm of evaluation is far larger."""
    zero, line = (0, 0, 0), torch.linspace(-1, 1, _PLACES, dtype=torch.float64)
    table = system.degrees.basis.jet(torch.cartesian_prod(line, line, line), (zero,))[zero]
    return (change[box] @ table.mT - sizes.means(change)[:, None]).abs().amax(dim=1)


def _level(system: BoxSystem, fields: int) -> Tensor:
    """By field, how much larger errors may be at a given point than elsewhere: the norm of evaluation there."""
    zero, found = (0,) * system.degrees.dimension, torch.zeros(fields, dtype=torch.float64)
    fixed = {field for operator in system.equation.operators for field, alpha in operator if alpha == zero}
    fixed |= {k for own in system.conditions.values() for one in own for k, alpha in one.slopes if alpha == zero}
    for rows, _ in system.pins.values():
        by_field = rows.unflatten(1, (fields, -1))
        levels = by_field[:, :, 0].abs()
        found = torch.maximum(found, torch.where(levels > 0, by_field.norm(dim=2) / levels, 0.0).amax(dim=0))
    found[list(fixed)] = 0.0
    return found
