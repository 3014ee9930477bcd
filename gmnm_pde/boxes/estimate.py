"""The error estimate of a solution on boxes: that of mixtures, with fewer traces in place of fewer components.

Solutions with traces of lower degree cost a back-substitution each and are worse. From each of them to the full one the
solution and the held-out residual change; the quotient is how much error a unit of residual makes. The stability
constant, by power iteration with the factors, bounds it.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde.boxes.balance import Balance
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.foresight import decay_of
from gmnm_pde.boxes.held_out import HeldOut
from gmnm_pde.boxes.sizes import Sizes
from gmnm_pde.boxes.system import BoxSystem
from gmnm_pde.fitting.estimate import quickly_falling
from gmnm_pde.fitting.uniqueness import LOST, SUSPECT
from gmnm_pde.linalg.extremes import largest_gain

_ROUNDING = 1e-14
"""No estimate is below this, and what the stability constant makes of the rounding of rows."""

_WORSE = 2
"""So many worse solutions are looked at."""

SAFETY = 3.0
"""The estimate is this times the observed constant."""

_TELLING = 0.05
"""A worse solution tells something if its residual differs by this part of the solution's at least. The best that does
tells the constant: errors fall faster than residuals, so that worse ones may show too large a one and count by half."""

_FEWER_ON_SOME = (2, 6)
"""So many degrees less have the traces of worse solutions that are worse on some faces alone."""

_HOT = 0.5
"""Boxes that hold this part of the squared residual hold most of it."""

_UNSEEN = 100.0
"""Where no stability constant is measured the bound is so many times what is observed."""

_DEGREES = 4
"""A solution converges quickly if its parts fall tenfold over so many degrees; where it is not smooth they do not, and
worse solutions share what is wrong with it."""

_BEGUN, _UNSOLVED = 1e-2, 0.3
"""Relative to that of zero, a residual below the first is of a solution that shows what it is; one above the second
tells nothing but the bound by the stability constant."""


@dataclass(frozen=True)
class Judged:
    """What is known of the error of a solution on boxes.

    Attributes:
        error: Its estimate, relative L2.
        residual: The held-out residual, rows scaled.
        relative: The same relative to that of the zero solution.
        stability: The largest solution that rows of size 1 leave.
        parts: The solution in polynomials by rising degree that are orthonormal in each box, [boxes, count].
    """

    error: float
    residual: float
    relative: float
    stability: float
    parts: Tensor

    @property
    def doubt(self) -> str:
        """In words, why the answer may be one of many; empty if it is the one."""
        many = self.stability > SUSPECT and self.residual * self.stability > LOST
        return "the answer is one of many: rows are no larger for some other field than for zero" if many else ""


@torch.no_grad()
def judged(
    system: BoxSystem | Balance, held_out: HeldOut, coefficients: Tensor, lower: Callable[[Degrees], Tensor]
) -> Judged:
    """The estimate for the solution of a system; ``lower`` solves the problem with other degrees."""
    degree, sizes = system.degrees.inside, Sizes(system.layout, system.degrees)
    tiny, boxes = torch.finfo(coefficients.dtype).tiny, len(system.layout) ** 0.5
    size = max(sizes.of(coefficients), tiny)
    layout, hot = system.layout, None
    if not layout.equal:
        hot = _worst(held_out.by_box(coefficients, degree))
    others = list(_worse(system, lower, None if hot is None else {f for box in hot for f in layout.around[box]}))
    every = torch.stack([coefficients, *others, torch.zeros_like(coefficients)])
    left, *rest, at_zero = held_out.residuals(every, degree).unbind(1)
    residual = left.norm().item() / boxes
    telling = []
    for fewer, other in zip(others, rest, strict=True):
        change = (other - left).norm().item() / boxes
        if change >= _TELLING * residual:
            telling.append(sizes.of(fewer - coefficients) / change)
    stability = _stability(system, sizes) if isinstance(system, BoxSystem) else math.nan
    observed = SAFETY * residual * math.sqrt(telling[0] * max(telling)) if telling else math.inf
    bound = _UNSEEN * observed if math.isnan(stability) else residual * stability
    observed = min(observed, bound) if telling else min(bound, size)
    parts = sizes.times(coefficients[..., None])[..., 0]
    if hot is None:
        decay = decay_of(coefficients, system.degrees.basis)
    else:
        decay = max(decay_of(parts[box : box + 1], system.degrees.basis) for box in hot)
    quickly = quickly_falling(decay**-_DEGREES, 1.0)
    relative = boxes * residual / max(at_zero.norm().item(), tiny)
    unsolved = math.log(max(relative, tiny) / _BEGUN) / math.log(_UNSOLVED / _BEGUN)
    drawn = 0.5 * (1 - quickly)
    if hot is None:
        drawn = max(drawn, min(1.0, max(0.0, unsolved)))
    error = observed * max(1.0, bound / max(observed, tiny)) ** drawn
    rounding = _ROUNDING + (0.0 if math.isnan(stability) else torch.finfo(coefficients.dtype).eps * stability / size)
    return Judged(error / size + rounding, residual, relative, stability, parts)


def _worst(squares: Tensor) -> list[int]:
    """The boxes that hold most of the residual."""
    order = squares.argsort(descending=True)
    parts = squares[order].cumsum(0) / squares.sum()
    count = 1 + int((parts < _HOT).sum())
    return order[:count].tolist()


def _worse(system: BoxSystem | Balance, lower: Callable[[Degrees], Tensor], hot: set[int] | None) -> Iterator[Tensor]:
    """Worse solutions of the same problem, the best first: with traces of lower degree, or in one dimension boxes.

    Where boxes have several sizes a unit of residual makes more error in some than in others: traces have a lower
    degree on those faces alone that most of the residual is at.
    """
    degrees = system.degrees
    for fewer in range(1, _WORSE + 1):
        if degrees.dimension > 1:
            degree = max(0, degrees.on_faces - (fewer if hot is None else _FEWER_ON_SOME[fewer - 1]))
            yield system.with_fewer(degree, hot) if isinstance(system, BoxSystem) else system.with_fewer(degree)
        else:
            part = lower(replace(degrees, inside=max(1, degrees.inside - fewer)))
            yield torch.nn.functional.pad(part, (0, len(degrees.basis) - part.shape[1]))


def _stability(system: BoxSystem, sizes: Sizes) -> float:
    """The largest root mean square of a solution whose rows have a root mean square of 1 over the boxes."""
    count = len(system.layout)

    def forth(unknowns: Tensor) -> Tensor:
        return sizes.times(unknowns[: system.own].view(count, -1, unknowns.shape[1])).flatten(0, 1)

    def back(values: Tensor) -> Tensor:
        own = sizes.transposed(values.view(count, -1, values.shape[1])).flatten(0, 1)
        return torch.cat([own, own.new_zeros(system.columns - system.own, own.shape[1])])

    like = torch.zeros(system.columns, dtype=torch.float64)
    return largest_gain(system, forth, back, like)[0] * count**0.5
