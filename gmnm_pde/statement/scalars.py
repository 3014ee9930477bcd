"""Scalars of a problem: constants that are known, and unknown parameters with a guess, perhaps between bounds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from gmnm_pde._errors import refuse
from gmnm_pde.geometry import Domain


@dataclass(frozen=True)
class Bounded:
    """An unknown parameter between two bounds: ``parameters={"porosity": Bounded(0.4, low=0, high=1)}``.

    Newton's steps go at most nine tenths of the way to a bound, which is so never reached.

    Args:
        guess: Where the search begins, between the bounds.
        low: The lower bound, perhaps -inf.
        high: The upper bound, perhaps inf.
    """

    guess: float
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        numbers = (self.guess, self.low, self.high)
        if not all(isinstance(number, Real) for number in numbers) or not self.low < self.guess < self.high:
            raise refuse(repr(self), expected="numbers low < guess < high", got=", ".join(map(repr, numbers)))


class Positive(Bounded):
    """An unknown parameter that is positive: ``parameters={"K": Positive(1.0)}``."""

    def __init__(self, guess: float):
        super().__init__(guess, low=0.0)

    def __repr__(self) -> str:
        return f"Positive({self.guess!r})"


_WANTED = {"parameters": "a finite initial guess", "constants": "a finite number"}
"""What is expected of a scalar of each kind, as error messages say it."""


def read_scalars(given: Mapping[str, Any] | None, domain: Domain, kind: str) -> dict[str, float]:
    """Scalars by name, ``parameters`` or ``constants``, or a clear refusal; of bounded ones the guess."""
    if given is not None and not (isinstance(given, Mapping) and all(isinstance(name, str) for name in given)):
        raise refuse(f"Problem({kind}=...)", expected="a dict from names to numbers", got=repr(given))
    scalars = {}
    for name, value in (given or {}).items():
        number = value.guess if isinstance(value, Bounded) and kind == "parameters" else value
        if name in domain.coordinates:
            raise refuse(f"{kind}={{'{name}': ...}}", expected="a name of its own", got=f"the coordinate '{name}'")
        if not isinstance(number, Real) or not math.isfinite(float(number)):
            raise refuse(f"{kind}={{'{name}': ...}}", expected=_WANTED[kind], got=repr(number))
        scalars[name] = float(number)
    return scalars


def read_limits(parameters: Mapping[str, Any] | None) -> dict[str, tuple[float, float]]:
    """The bounds of those parameters that have any."""
    bounded = {name: value for name, value in (parameters or {}).items() if isinstance(value, Bounded)}
    return {name: (float(value.low), float(value.high)) for name, value in bounded.items()}
