"""What a model can do beyond its call, as protocols, and how to ask for it.

A model has a capability if it has the methods of its protocol: ``can(model, OutputJet)``. It need not inherit from it.
A wrapper, which sees a model in other coordinates or adds to it, has the methods in any case, and the capability if the
model in it has it too.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from gmnm_pde.multiindex import Alpha


class OutputJet(Protocol):
    """Derivatives of the outputs in closed form."""

    def output_jet(self, x: Tensor, alphas: Sequence[Alpha], /) -> dict[Alpha, Tensor]:
        """Derivatives of the outputs at x [n, d]: for each alpha, [n, outputs]."""
        ...


class FeatureCombination(Protocol):
    """Linear differential operators on the features in closed form."""

    def feature_combination(self, x: Tensor, coefficients: Mapping[Alpha, Tensor], /) -> Tensor:
        """sum_alpha c_alpha D^alpha of every feature at x [n, d], for c_alpha of shape [n] or []: [n, features]."""
        ...


class Wrapper(nn.Module):
    """A model made of another one, ``inner``, whose capabilities limit its own."""

    inner: Any


def can(model: object, capability: type) -> bool:
    """Whether a model has the methods of a protocol, and where it wraps another one, that one too."""
    for name in methods_of(capability):
        if not callable(getattr(model, name, None)):
            return False
    return not isinstance(model, Wrapper) or can(model.inner, capability)


def methods_of(capability: type) -> list[str]:
    """The names of the methods that a protocol asks for, its properties left out."""
    return [name for name, member in vars(capability).items() if not name.startswith("_") and callable(member)]
