"""GMRES: the smallest residual in the space that a matrix makes of the right-hand side, without the matrix.

Source: Y. Saad and M. H. Schultz, GMRES: a generalized minimal residual algorithm for solving nonsymmetric linear
systems, SIAM Journal on Scientific and Statistical Computing 7 (1986).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

_BREAKDOWN = 1e-14
"""A new direction smaller than this part of what it came from is none: the answer is exact."""

_ROUNDED, _WITHOUT_GAIN, _GAIN = 1e-10, 10, 0.5
"""With less than the first left, rounding may keep it from falling: so many products in succession that do not lower
it to this part of what was left before them end it."""

_CANCELLED = 0.5
"""A direction of which more than this is left is orthogonal to the others to rounding."""


@dataclass(frozen=True)
class Solved:
    """What was found, the part of the right-hand side that is left, and the number of products."""

    solution: Tensor
    left: float
    products: int


def gmres(multiplied: Callable[[Tensor], Tensor], right: Tensor, *, tolerance: float, most: int) -> Solved:
    """A x = b by GMRES without restarts, from zero.

    Args:
        multiplied: The product of A and a vector [n].
        right: b, [n].
        tolerance: What may be left of b, relative to it.
        most: How many products at most.
    """
    size = right.norm().item()
    if not size:
        return Solved(right, 0.0, 0)
    basis = right.new_empty(most + 1, len(right))
    basis[0] = right / size
    hessenberg = torch.zeros(most + 1, most, dtype=torch.float64)
    target = torch.zeros(most + 1, 1, dtype=torch.float64)
    target[0] = size
    y, left, number = target[:0], 1.0, 0
    lefts: list[float] = []
    for number in range(1, most + 1):
        direction = multiplied(basis[number - 1])
        before = direction.norm().item()
        own = basis[:number]
        length = before
        for _ in range(2):
            parts = own @ direction
            direction = direction - parts @ own
            hessenberg[:number, number - 1] += parts.cpu()
            shorter, length = length, direction.norm().item()
            if length > _CANCELLED * shorter:
                break
        if not math.isfinite(length):
            return Solved(torch.zeros_like(right), 1.0, number)
        hessenberg[number, number - 1] = length
        rows = hessenberg[: number + 1, :number]
        y = torch.linalg.lstsq(rows, target[: number + 1], driver="gelsd").solution
        left = (rows @ y - target[: number + 1]).norm().item() / size
        if not left > tolerance or length <= _BREAKDOWN * before or _stays(lefts, left):
            break
        lefts.append(left)
        basis[number] = direction / length
    return Solved(y[:, 0].to(right) @ basis[: len(y)], left, number)


def _stays(lefts: list[float], left: float) -> bool:
    """Whether rounding keeps what is left, after products that left ``lefts``, from falling."""
    return left < _ROUNDED and len(lefts) >= _WITHOUT_GAIN and left > _GAIN * lefts[-_WITHOUT_GAIN]
