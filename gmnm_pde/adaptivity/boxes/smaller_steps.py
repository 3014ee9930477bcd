"""Smaller steps to finer boxes, for where there is no time or memory for the step that a tolerance asks for.

Each is either a higher degree of all boxes, or a halving of those that leave most. What it leaves is foretold from how
the parts of the solution fall with the degree in each box, so that of all steps that take less the best is known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from gmnm_pde.adaptivity.boxes.refinement import WORTH
from gmnm_pde.boxes.fit import BoxFit

_MOST_DEGREES = 8
"""So many degrees more are looked at."""


@dataclass(frozen=True)
class Step:
    """A step to finer boxes.

    Attributes:
        degrees: How many degrees more all boxes get.
        halved: The boxes that are halved.
        left: The part of the residual that it is foretold to leave.
    """

    degrees: int
    halved: tuple[int, ...]
    left: float


def steps(fit: BoxFit, most_degrees: int, marked: Sequence[int]) -> Iterator[Step]:
    """Steps from a solution that are worth their time.

    Args:
        fit: The solution.
        most_degrees: How many degrees more there may be.
        marked: Boxes that may be halved.
    """
    falls, whole = torch.tensor(fit.falls).double().clamp_max(1.0), fit.squares.sum()
    for more in range(1, min(_MOST_DEGREES, most_degrees) + 1):
        left = ((fit.squares * falls ** (2 * more)).sum() / whole).sqrt().item()
        if left <= WORTH:
            yield Step(more, (), left)
    worst = sorted(marked, key=lambda box: -fit.squares[box].item())
    while len(worst) > 1:
        worst = worst[: (len(worst) + 1) // 2]
        left = (1 - fit.squares[worst].sum() / whole).clamp_min(0.0).sqrt().item()
        if left <= WORTH:
            yield Step(0, tuple(sorted(worst)), left)
