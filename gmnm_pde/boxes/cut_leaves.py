"""Boxes that the boundary cuts with their own polynomials eliminated, each by itself."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.leaf import Leaf
from gmnm_pde.boxes.leaves import Pins, matching_rows
from gmnm_pde.interruption import pause
from gmnm_pde.linalg.qr import triangular
from gmnm_pde.models.modes.legendre import TotalDegree
from gmnm_pde.processes import ALL, rank

_RIDGE = 1e-14
"""Of polynomials on a part of a box some are about zero there: coefficients are held down by rows of this size, in
parts of the largest of the others."""

_FREE = 1e-3
"""Constants and linear functions are held down by this part of it alone, which shows where nothing fixes them."""


class CutBoxes(Protocol):
    """The rows of boxes that are cut, in groups whose rows hold the polynomials of several of them."""

    groups: tuple[tuple[int, ...], ...]

    @property
    def layout(self) -> Layout:
        """All boxes."""
        ...

    def of_group(self, group: Sequence[int], basis: TotalDegree) -> tuple[Tensor, Tensor]:
        """The rows of a group, [m, boxes * own], and the right-hand side, [m]."""
        ...


def cut_leaves(
    degrees: Degrees, rows: CutBoxes, lengths: Sequence[float], pins: Pins, owners: Sequence[int] | None = None
) -> list[Leaf]:
    """The leaves of all boxes that are cut.

    Args:
        degrees: Of the polynomials.
        rows: Of the boxes.
        lengths: For each face the length that derivatives across it are measured in.
        pins: Rows at given points.
        owners: The process that needs each group, or ``ALL``; by default every process needs all.
    """
    layout, leaves = rows.layout, []
    for group, owner in zip(rows.groups, owners or [ALL] * len(rows.groups), strict=True):
        if owner not in (ALL, rank()):
            leaves.append(_elsewhere(layout, group, owner))
            continue
        pause()
        own, traces, right = group_rows(degrees, rows, group, lengths, pins)
        count, kept = own.shape[1], own.shape[1] + traces.shape[1]
        R = triangular(torch.cat([own, traces, right[:, None]], dim=1))[None]
        leaf = Leaf(
            torch.tensor([group]),
            faces_around(layout, group),
            R[:, :count, :count],
            R[:, :count, count:-1],
            R[:, :count, -1],
            R[:, count:kept, count:-1],
            R[:, count:kept, -1],
            R[:, kept:, -1].square().sum(dim=1),
            torch.tensor([owner]),
        )
        leaves.append(leaf.weighted(layout.weights[group[0]].item()))
    return leaves


def _elsewhere(layout: Layout, group: Sequence[int], owner: int) -> Leaf:
    """A leaf that another process holds."""
    none = torch.zeros(0, 0, dtype=torch.float64)
    boxes, faces = torch.tensor([group]), faces_around(layout, group)
    return Leaf(boxes, faces, none[None], none[None], none, none[None], none, none, torch.tensor([owner]))


def group_rows(
    degrees: Degrees, rows: CutBoxes, group: Sequence[int], lengths: Sequence[float], pins: Pins
) -> tuple[Tensor, Tensor, Tensor]:
    """All rows of a group: in its own unknowns [m, boxes * own], in traces [m, traces], the right-hand side [m]."""
    own, right = rows.of_group(group, degrees.basis)
    for k, number in enumerate(group):
        if number in pins:
            given = own.new_zeros(len(pins[number][0]), own.shape[1])
            given[:, k * degrees.own : (k + 1) * degrees.own] = pins[number][0]
            own, right = torch.cat([own, given]), torch.cat([right, pins[number][1]])
    both = [matching_rows(rows.layout, degrees, number, lengths) for number in group]
    matched, traces = (torch.block_diag(*(pair[k] for pair in both)) for k in (0, 1))
    whole = torch.cat([own, matched])
    whole = torch.cat([whole, held_down(degrees, whole)])
    count = whole.shape[1]
    return (
        whole,
        torch.nn.functional.pad(traces, (0, 0, len(own), count)),
        torch.nn.functional.pad(right, (0, len(matched) + count)),
    )


def faces_around(layout: Layout, group: Sequence[int]) -> Tensor:
    """The faces of all boxes of a group, one after the other, [1, faces]."""
    return torch.tensor([[face for number in group for face in layout.around[number]]])


def held_down(degrees: Degrees, rows: Tensor) -> Tensor:
    """Rows that hold the coefficients of a box, or of several, down, [own, own], beside the other ones, [m, own]."""
    low = degrees.basis.degrees.sum(dim=1) <= 1
    held = torch.where(low, _FREE * _RIDGE, _RIDGE).double().repeat(len(degrees.across))
    held = held.repeat(rows.shape[1] // len(held))
    return torch.diag(held * rows.norm(dim=0).max())
