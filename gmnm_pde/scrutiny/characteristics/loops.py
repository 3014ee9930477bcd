"""Characteristics that close on themselves."""

import torch
from torch import Tensor

from gmnm_pde.scrutiny.characteristics.flow import BLOCKS, STEP, Flow
from gmnm_pde.scrutiny.characteristics.unit_box import UnitBox

_AWAY, _BACK = 3.0, 0.75
"""A line that has been so many steps away closes where it comes so near to its beginning."""

_SAME = 3e-3
"""It meets itself where it passes its beginning no farther off than this part of its size."""

_CANCELS = 0.02
"""An integral along a loop vanishes where it is no more than this part of that of the size."""


def free_loops(flow: Flow, box: UnitBox, starts: Tensor) -> Tensor:
    """Those of some points [n, d] through which lines close, along which the solution is free, [k, d].

    The lines are some that do not leave the domain backwards.

    What multiplies the field along a loop makes it unique there, unless its integral vanishes.
    """
    path = _long_path(flow, box, starts)
    off = path - starts
    for axis in box.periodic:
        off[..., axis] -= off[..., axis].round()
    far = off.norm(dim=2)
    away = (far > _AWAY * STEP).cummax(dim=0).values
    back = away & (far < _BACK * STEP)
    first, row = back.byte().argmax(dim=0), torch.arange(len(starts))
    direction, last = flow.at(starts), off[first, row]
    beside = last - (last * direction).sum(dim=1, keepdim=True) * direction
    before = torch.arange(len(path))[:, None] < first
    size = torch.where(before, far, 0.0).amax(dim=0)
    rates = flow.rates(box.wrapped(path).flatten(0, 1)).reshape(far.shape)
    total, most = (torch.where(before, values, 0.0).sum(dim=0) for values in (rates, rates.abs()))
    meets = back.any(dim=0) & (beside.norm(dim=1) < _SAME * size)
    return starts[meets & (total.abs() <= _CANCELS * most)]


def _long_path(flow: Flow, box: UnitBox, starts: Tensor) -> Tensor:
    """Lines as long as any that are followed, [steps, n, d]."""
    path, ways = starts[None], torch.ones(len(starts), dtype=starts.dtype)
    for _ in range(BLOCKS):
        path = torch.cat([path, flow.path(box, path[-1], ways)[1:]])
    return path
