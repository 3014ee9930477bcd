"""Boxes that the boundary cuts with their own polynomials eliminated, each by itself."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gmnm_pde.boxes.cut_rows import CutRows
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.leaves import Leaf, Pins, matching_rows
from gmnm_pde.interruption import pause
from gmnm_pde.linalg.qr import triangular

_RIDGE = 1e-14
"""Of polynomials on a part of a box some are about zero there: coefficients are held down by rows of this size, in
parts of the largest of the others."""

_FREE = 1e-3
"""Constants and linear functions are held down by this part of it alone, which shows where nothing fixes them."""


def cut_leaves(degrees: Degrees, rows: CutRows, lengths: Sequence[float], pins: Pins) -> list[Leaf]:
    """The leaves of all boxes that are cut.

    Args:
        degrees: Of the polynomials.
        rows: Of the boxes.
        lengths: For each face the length that derivatives across it are measured in.
        pins: Rows at given points.
    """
    layout, leaves = rows.layout, []
    for number in rows.numbers:
        pause()
        own, right = rows.of(number, degrees.basis)
        if number in pins:
            own, right = (torch.cat(pair) for pair in zip((own, right), pins[number], strict=True))
        matched, traces = matching_rows(layout, degrees, number, lengths)
        count, size = own.shape[1], traces.shape[1]
        whole = own.new_zeros(len(own) + len(matched) + count, count + size + 1)
        m, last = len(own), len(own) + len(matched)
        whole[:m, :count], whole[:m, -1] = own, right
        whole[m:last, :count], whole[m:last, count:-1] = matched, traces
        whole[last:, :count] = held_down(degrees, whole[:last, :count])
        R = triangular(whole)[None]
        kept = count + size
        leaf = Leaf(
            torch.tensor([number]),
            torch.tensor([layout.around[number]]),
            R[:, :count, :count],
            R[:, :count, count:-1],
            R[:, :count, -1],
            R[:, count:kept, count:-1],
            R[:, count:kept, -1],
            R[:, kept:, -1].square().sum().item(),
        )
        leaves.append(leaf.weighted(layout.weights[number].item()))
    return leaves


def held_down(degrees: Degrees, rows: Tensor) -> Tensor:
    """Rows that hold a box's coefficients down, [own, own], beside its other ones, [m, own]."""
    low = degrees.basis.degrees.sum(dim=1) <= 1
    held = torch.where(low, _FREE * _RIDGE, _RIDGE).double().repeat(len(degrees.across))
    return torch.diag(held * rows.norm(dim=0).max())
