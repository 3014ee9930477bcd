"""Error indicators of the boxes of a partition, and which boxes are halved by them.

The indicator of a box is its residual on held-out points, scaled as the rows of the fit are, so that a unit of it means
about as much error in a small box as in a large one. A box is halved along the coordinates along which the solution has
the largest curvature: along all of them at a corner, only across a layer. The exact solution is not used.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde.fitting.fit import Fit
from gmnm_pde.geometry import Parted

_MARKED = 0.5
"""Boxes with at least this part of the largest residual of a box are halved (the maximum strategy)."""

_CURVED = 0.3
"""A box is halved along each coordinate with at least this part of the largest curvature along any."""


@dataclass(frozen=True)
class Indicators:
    """Of each box: the residual of a fit, [boxes], and the curvature of the solution across it, [boxes, d]."""

    residual: Tensor
    curvature: Tensor


@torch.no_grad()
def indicators(fit: Fit) -> Indicators:
    """The indicators of a fit on patches, from its held-out points."""
    fit.install()
    held, partition = fit.held_out, fit.model.partition
    squares = torch.zeros(len(partition), dtype=torch.float64)
    curvature = torch.zeros(len(partition), partition.dimension, dtype=torch.float64)
    counts = torch.zeros(len(partition), dtype=torch.float64)
    for placed in held.placed:
        points = placed.cloud.points.to(held.like)
        unit = fit.model.unit(points).cpu()
        owner = partition.owner(unit)
        alone = partition.reached(unit).sum(dim=1) == 1
        residual = replace(held, placed=[placed]).residual(fit.theta).to(torch.float64).cpu()
        for part in residual.split(len(owner)) if len(owner) else ():
            squares.index_add_(0, owner[alone], part[alone].square())
        if placed.term.group == "interior" and not counts.any():
            counts.index_add_(0, owner[alone], torch.ones(int(alone.sum()), dtype=torch.float64))
            _add_curvature(fit, points, owner, curvature)
    counts = counts.clamp_min(1)
    return Indicators((squares / counts).sqrt(), curvature / counts[:, None])


def _add_curvature(fit: Fit, points: Tensor, owner: Tensor, curvature: Tensor) -> None:
    """Add the second derivatives at the points, times the squared sides of their boxes, box by box."""
    partition = fit.model.partition
    alphas = [tuple(2 * (j == k) for j in range(partition.dimension)) for k in range(partition.dimension)]
    jets = fit.model.inner.output_jet(fit.model.unit(points), alphas)
    for k, alpha in enumerate(alphas):
        second = _own(fit, jets[alpha], points).to(torch.float64).cpu().norm(dim=1) * partition.sizes[owner, k] ** 2
        curvature[:, k].index_add_(0, owner, second)


def _own(fit: Fit, values: Tensor, points: Tensor) -> Tensor:
    """Of outputs in several parts of the domain those of the part that each point lies in."""
    domain = fit.system.problem.domain
    return domain.own(values, points) if isinstance(domain, Parted) else values


def marked(boxes: Indicators, most: int | None = None) -> list[tuple[int, Sequence[int]]]:
    """The boxes to halve, each with the coordinates to halve it along; ``most`` of them, those of largest residual."""
    worst = (boxes.residual >= _MARKED * boxes.residual.max()).nonzero()[:, 0].tolist()
    if most is not None:
        worst = sorted(worst, key=lambda number: -boxes.residual[number].item())[:most]
    chosen = []
    for number in worst:
        curvature = boxes.curvature[number]
        axes = (curvature >= _CURVED * curvature.max()).nonzero()[:, 0].tolist()
        chosen.append((number, axes or range(len(curvature))))
    return chosen
