"""Last layers from features to outputs: a Gaussian mixture, and what it is compared with."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gmnm_pde import GMNM, KAN


@dataclass(frozen=True)
class Head:
    """A kind of last layer.

    Attributes:
        kind: ``linear``, ``mlp``, ``kan`` or ``gmnm``; the MLP and the KAN are as large as the GMNM would be, as
            nearly as whole units allow.
        components: Of the GMNM.
        form: Of its components.
        trainable_centers: Whether its centres are trained; the paper's section 5 leaves them as drawn.
        gain: What its mixture weights are multiplied by at the start: logits are larger than values near [-1, 1].
    """

    kind: str = "gmnm"
    components: int = 40
    form: str = "affine"
    trainable_centers: bool = False
    gain: float = 1.0

    @property
    def bounded(self) -> bool:
        """Whether the layer works on features in [-1, 1], where centres and knots lie."""
        return self.kind in ("kan", "gmnm")

    def build(self, features: int, outputs: int) -> nn.Module:
        """The layer from [n, features] to [n, outputs]."""
        return HEADS[self.kind](self, features, outputs)

    def mixture(self, features: int, outputs: int) -> GMNM:
        """The GMNM of this head."""
        made = GMNM(features, outputs, self.components, form=self.form, trainable_centers=self.trainable_centers)
        made.set_readout(self.gain * made.readout)
        return made

    def size(self, features: int, outputs: int) -> int:
        """The trained parameters of the GMNM of this head, which the MLP and the KAN are to match."""
        return sum(p.numel() for p in self.mixture(features, outputs).parameters())


class FullPrecision(nn.Module):
    """A layer kept out of mixed precision: the exponent of a Gaussian is a difference of numbers of like size."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return self.layer(x.to(torch.promote_types(x.dtype, torch.float32)))


def _linear(head: Head, features: int, outputs: int) -> nn.Module:
    return nn.Linear(features, outputs)


def _mlp(head: Head, features: int, outputs: int) -> nn.Module:
    hidden = max(1, round((head.size(features, outputs) - outputs) / (features + 1 + outputs)))
    return nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def _kan(head: Head, features: int, outputs: int) -> nn.Module:
    on_an_edge = head.size(features, outputs) / (features * outputs)
    if on_an_edge >= 4:  # one layer of splines of order 2, with at least one interval
        return FullPrecision(KAN([features, outputs], grid=round(on_an_edge) - 3, order=2))
    hidden = max(1, round(head.size(features, outputs) / (4 * (features + outputs))))
    return FullPrecision(KAN([features, hidden, outputs], grid=1, order=2))


def _gmnm(head: Head, features: int, outputs: int) -> nn.Module:
    return FullPrecision(head.mixture(features, outputs))


HEADS: dict[str, Callable[[Head, int, int], nn.Module]] = {"linear": _linear, "mlp": _mlp, "kan": _kan, "gmnm": _gmnm}
