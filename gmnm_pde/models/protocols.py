"""The contract of models with a linear readout: outputs = features(x) @ readout.T."""

from typing import Protocol, runtime_checkable

from torch import Tensor, nn


@runtime_checkable
class LinearReadout(Protocol):
    """What least squares needs of a model."""

    def features(self, x: Tensor) -> Tensor:
        """The features at x [n, d]: [n, features]."""
        ...

    @property
    def readout(self) -> Tensor:
        """The weights that mix features into outputs: [outputs, features]."""
        ...

    def set_readout(self, readout: Tensor) -> None:
        """Put other weights, [outputs, features], in place."""
        ...


def has_readout(model: nn.Module) -> bool:
    """Whether ``model`` is features followed by a linear readout."""
    inner = getattr(model, "inner", None)
    if isinstance(inner, nn.Module):
        return has_readout(inner)
    return callable(getattr(model, "features", None)) and callable(getattr(model, "set_readout", None))
