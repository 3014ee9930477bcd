"""Gauss' rules: on the unit interval, on charts, and on curves and surfaces made of many pieces."""

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from gmnm_pde.geometry.region import Chart

_ORDER = 32
"""Points of one rule at most; more are several rules side by side."""


@functools.lru_cache(maxsize=64)
def _legendre(count: int) -> tuple[Tensor, Tensor]:
    places, weights = np.polynomial.legendre.leggauss(count)
    return torch.as_tensor((places + 1) / 2), torch.as_tensor(weights / 2)


def line(count: int) -> tuple[Tensor, Tensor]:
    """Places in the unit interval and weights, [count] each, or a few more."""
    panels = math.ceil(count / _ORDER)
    places, weights = _legendre(math.ceil(count / panels))
    starts = torch.arange(panels, dtype=torch.float64)[:, None]
    return ((starts + places) / panels).reshape(-1), (weights / panels).repeat(panels)


def ring(count: int) -> tuple[Tensor, Tensor]:
    """The same for functions that are periodic, with equal weights."""
    return (torch.arange(count, dtype=torch.float64) + 0.5) / count, torch.full((count,), 1 / count).double()


def cube(count: int, dimension: int, periodic: tuple[int, ...] = ()) -> tuple[Tensor, Tensor]:
    """Points of the unit cube [n, dimension] with weights [n], about ``count`` along each side."""
    return product_rule([ring(count) if axis in periodic else line(count) for axis in range(dimension)])


def product_rule(rules: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """The points [n, dimension] and weights [n] of rules along each side of a cube."""
    if not rules:
        return torch.zeros(1, 0, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    points = torch.cartesian_prod(*[places for places, _ in rules]).reshape(-1, len(rules))
    weights = torch.cartesian_prod(*[weights for _, weights in rules]).reshape(-1, len(rules)).prod(dim=1)
    return points, weights


def chart_nodes(chart: Chart, count: int) -> tuple[Tensor, Tensor]:
    """Points [n, d] of the image of a chart, cut or not, and their weights [n]."""
    if chart.nodes is not None:
        return chart.nodes(count)
    unit, weights = cube(count, chart.dimension, chart.periodic)
    points, volume = chart.mapped(unit)
    return points, weights * volume


def per_piece(count: int) -> int:
    """Points along each side of one of many pieces, where one piece alone would have ``count``."""
    return min(2 + max(0, count.bit_length() - 4), 6)


def piece_nodes(
    pieces: Tensor, count: int, project: Callable[[Tensor], Tensor] = lambda points: points
) -> tuple[Tensor, Tensor]:
    """Points and weights on a curve of segments [m, 2, d], or a surface of triangles [m, 3, d].

    Args:
        pieces: The segments or triangles.
        count: Points along each side of one.
        project: Where the curved pieces are that they stand for.
    """
    sides = pieces.shape[1] - 1
    unit, weights = cube(count, sides)
    at = _on_pieces(pieces, unit)
    points = project(at.reshape(-1, pieces.shape[2])).reshape(at.shape)
    grid = points.reshape(len(pieces), *[count] * sides, pieces.shape[2])
    slope = _differentiation(count)
    if sides == 1:
        volume = torch.einsum("ij,mjd->mid", slope, grid).norm(dim=-1)
    else:
        along, across = torch.einsum("ij,mjkd->mikd", slope, grid), torch.einsum("ij,mkjd->mkid", slope, grid)
        volume = torch.linalg.cross(along, across).norm(dim=-1)
    return points.reshape(-1, pieces.shape[2]), (volume.reshape(len(pieces), -1) * weights).reshape(-1)


def _on_pieces(pieces: Tensor, unit: Tensor) -> Tensor:
    """Points of the unit cube on every segment or triangle, [m, n, d]; the side s = 0 of a square is one corner."""
    s = unit[:, :1]
    corners = pieces[:, :, None]
    points = corners[:, 0] + s * (corners[:, 1] - corners[:, 0])
    return points if pieces.shape[1] == 2 else points + s * unit[:, 1:] * (corners[:, 2] - corners[:, 1])


@functools.lru_cache(maxsize=8)
def _differentiation(count: int) -> Tensor:
    """The matrix that takes values at Gauss' places to the slopes there of the polynomial through them."""
    places, _ = _legendre(count)
    gaps = places[:, None] - places + torch.eye(count, dtype=torch.float64)
    scale = gaps.prod(dim=1)
    matrix = scale[:, None] / (scale * gaps)
    matrix.fill_diagonal_(0)
    return matrix - torch.diag(matrix.sum(dim=1))
