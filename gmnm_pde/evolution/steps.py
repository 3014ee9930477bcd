"""The steps of a march, and what they are to hold."""

from dataclasses import dataclass
from enum import Enum

from torch import Tensor

from gmnm_pde.models.modes import Product


@dataclass(frozen=True)
class Step:
    """A step that was taken.

    Attributes:
        start: When it begins.
        length: How long it is.
        states: The state at its beginning and at its stages, [stages + 1, fields, modes].
        basis: Whose modes these are.
        stages: Of the method.
    """

    start: float
    length: float
    states: Tensor
    basis: Product
    stages: int


@dataclass(frozen=True)
class Accuracy:
    """What steps are to hold.

    Attributes:
        time: The error of a step relative to each field.
        space: What the finest modes may carry, relative to each field.
        stages: Of the method.
        absolute: Errors of a field below this do not matter, by field.
    """

    time: float
    space: float
    stages: int
    absolute: tuple[float, ...] = ()


class Outcome(Enum):
    """What became of a step that was tried."""

    TAKEN = "it was taken"
    REJECTED = "it is to be taken again, shorter or with other modes"
    FAILED = "Newton's method did not converge"


class Ended(Exception):
    """Steps came to an end before the final time; why, in words."""

    def __init__(self, time: float, why: str):
        super().__init__(why)
        self.time, self.why = time, why
