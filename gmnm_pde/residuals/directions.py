"""Operators of second order estimated on random directions: unbiased, at a price that does not grow with dimension.

With the entries of v independent, +1 or -1 alike, the mean of v^T C H v is the trace of C H = sum_ij C_ij u_ij
(M. F. Hutchinson 1990; for networks Z. Hu et al., arXiv 2307.12306, Z. Shi et al., arXiv 2412.00088). Second
derivatives along a direction are carried through the network with the values, and so are the lower orders, exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.models.networks.streams import column
from gmnm_pde.multiindex import Alpha, Operator, axes_of


@dataclass(frozen=True)
class Directions:
    """sum_ij Q_ij D_(v_i) D_(v_j) + D_b: second derivatives along directions, and a first one.

    Args:
        slopes: The directions v_k, [k, 1 or n, d].
        form: Terms (i, j, Q_ij).
        drift: The direction b, [1 or n, d].
    """

    slopes: Tensor
    form: tuple[tuple[int, int, Tensor | float], ...]
    drift: Tensor


def along(operator: Operator, points: Tensor, count: int, generator: torch.Generator) -> Directions:
    """An operator of second and first order at points [n, d] on ``count`` random directions; exact where they suffice.

    Its second-order part is that of one set of directions for all points. Where it is a weighted sum of pure
    derivatives with weights of one sign, directions are scaled by their roots; else each comes with its image by C.
    """
    d = points.shape[1]
    second = {axes_of(alpha): c for alpha, c in operator.items() if sum(alpha) == 2}
    first = {axes_of(alpha)[0]: c for alpha, c in operator.items() if sum(alpha) == 1}
    drift = _rows(first, points)
    pure = {i: c for (i, j), c in second.items() if i == j}
    if len(pure) == len(second) and len(second) <= count:
        units = torch.eye(d, dtype=points.dtype, device=points.device)[list(pure)]
        form = tuple((k, k, column(c)) for k, c in enumerate(pure.values()))
        return Directions(units[:, None], form, drift)
    signs = 2.0 * torch.randint(0, 2, (count, 1, d), generator=generator).to(points) - 1.0
    weights = _rows(pure, points)
    if len(pure) == len(second) and ((weights >= 0).all() or (weights <= 0).all()):
        sign = 1.0 if (weights >= 0).all() else -1.0
        return Directions(signs * weights.abs().sqrt(), tuple((k, k, sign / count) for k in range(count)), drift)
    images = signs * weights
    for (i, j), c in second.items():
        if i != j:
            images = images.expand(-1, points.shape[0] if isinstance(c, Tensor) else -1, -1).clone()
            images[..., i] += c * signs[..., j] / 2
            images[..., j] += c * signs[..., i] / 2
    pairs = torch.cat([signs.expand_as(images), images])
    return Directions(pairs, tuple((k, count + k, 1.0 / count) for k in range(count)), drift)


def _rows(coefficients: Mapping[int, Tensor | float], points: Tensor) -> Tensor:
    """Coefficients by axis as rows, [1, d] where they are the same everywhere, else [n, d]."""
    varied = any(isinstance(c, Tensor) and c.ndim for c in coefficients.values())
    rows = points.new_zeros(len(points) if varied else 1, points.shape[1])
    for axis, c in coefficients.items():
        rows[:, axis] = c
    return rows


def unchanged(slopes: Sequence[Mapping[tuple[int, Alpha], Tensor]]) -> set[tuple[int, Alpha]]:
    """The derivatives whose slopes are the same for several sets of numbers: they depend on the coordinates alone."""
    first, *others = slopes
    return {
        key
        for key, slope in first.items()
        if all(key in other and torch.allclose(slope, other[key], rtol=1e-9, atol=1e-300) for other in others)
    }
