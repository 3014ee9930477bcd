"""Random Fourier features, and models that see their inputs through them."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import refuse
from gmnm_pde.models.networks.layered import Layered
from gmnm_pde.models.networks.periodic_embedding import PeriodicEmbedding
from gmnm_pde.models.networks.streams import Streams

_TURN = 2 * math.pi
"""The angle of a whole turn."""


def _cos(z: Tensor, order: int) -> tuple[Tensor, ...]:
    """Cos 2 pi z with its first derivatives."""
    cos, sin = torch.cos(_TURN * z), torch.sin(_TURN * z)
    return (cos, -_TURN * sin, -(_TURN**2) * cos, _TURN**3 * sin)[: order + 1]


def _sin(z: Tensor, order: int) -> tuple[Tensor, ...]:
    """Sin 2 pi z with its first derivatives."""
    cos, sin = torch.cos(_TURN * z), torch.sin(_TURN * z)
    return (sin, _TURN * cos, -(_TURN**2) * sin, -(_TURN**3) * cos)[: order + 1]


class FourierFeatures(nn.Module):
    """Random Fourier features (Tancik et al., arXiv 2006.10739): cos 2 pi B x and sin 2 pi B x, B normally distributed.

    A torch module of its own; before an MLP or KAN it is put by ``Embedded``, which knows its derivatives.

    Args:
        in_features: d, the number of coordinates.
        frequencies: Rows of B; there are twice as many features.
        scale: The standard deviation of the entries of B, in turns for a unit of x. Large means fine.
        trainable: Whether B is a parameter, or kept as drawn (and saved) as a buffer.
        periods: By number of the coordinate, the period in x: there B holds multiples of 1 / period, so that every
            function of the features is exactly periodic. ``solve`` scales the domain to [-1, 1], whose period is 2.

    Raises:
        GmnmError: a count, the scale or a period is not positive, an axis does not exist, or B is both periodic and
            trained.
    """

    def __init__(
        self,
        in_features: int,
        frequencies: int,
        *,
        scale: float = 1.0,
        trainable: bool = False,
        periods: Mapping[int, float] | None = None,
    ):
        super().__init__()
        call = f"FourierFeatures({in_features}, {frequencies})"
        for name, count in (("in_features", in_features), ("frequencies", frequencies)):
            if not isinstance(count, int) or count < 1:
                raise refuse(call, expected=f"{name} to be a positive integer", got=repr(count))
        if not _positive(scale):
            raise refuse(call, expected="a positive scale", got=repr(scale))
        self.in_features, self.frequencies, self.scale, self.trainable = in_features, frequencies, scale, trainable
        self.periods = _checked(call, periods or {}, in_features)
        if trainable and self.periods:
            raise refuse(call, expected="either trainable=True or periods", got="both, and training ends periodicity")
        drawn = scale * torch.randn(frequencies, in_features)
        for axis, period in self.periods.items():
            drawn[:, axis] = (drawn[:, axis] * period).round()
        self.B: Tensor
        """The frequencies; of a periodic coordinate, how many turns fit its period."""
        if trainable:
            self.B = nn.Parameter(drawn)
        else:
            self.register_buffer("B", drawn)

    @property
    def out_features(self) -> int:
        """The number of features."""
        return 2 * self.frequencies

    def forward(self, x: Tensor) -> Tensor:
        """The features at x [..., in_features]: [..., 2 frequencies]."""
        if x.shape[-1] != self.in_features:
            expected = f"x of shape [..., {self.in_features}]"
            raise refuse("FourierFeatures.forward(x)", expected=expected, got=f"shape {list(x.shape)}")
        if not isinstance(x, Tensor):
            return x.through(self.carry)
        turns = _TURN * (x @ self._matrix().mT)
        return torch.cat([turns.cos(), turns.sin()], dim=-1)

    def carry(self, streams: Streams) -> Streams:
        """The features' streams from those of the coordinates."""
        turns = replace(streams, tape=streams.tape if self.trainable else None).linear(self._matrix())
        cos, sin = turns.entrywise(_cos), turns.entrywise(_sin)
        return replace(cos, data=torch.cat([cos.data, sin.data], dim=-1), tape=streams.tape)

    def _matrix(self) -> Tensor:
        """B in turns for a unit of x; divided here, so that a period is exact in every precision."""
        if not self.periods:
            return self.B
        return torch.stack([b / self.periods.get(axis, 1.0) for axis, b in enumerate(self.B.unbind(1))], dim=1)

    def config(self) -> dict[str, Any]:
        """The arguments that build features of this shape."""
        names = ("in_features", "frequencies", "scale", "trainable", "periods")
        return {name: getattr(self, name) for name in names}

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.config().items())


class Embedded(Layered):
    """A network of layers that sees its inputs through an embedding: inner(embedding(x)).

    Features and readout are those of ``inner``. ``Embedded(FourierFeatures(2, 64), MLP([128, 50, 1]))`` is the network
    of Tancik et al.; with ``MLP([128, 1])`` it is the random feature method, whose readout least squares solves for.

    Args:
        embedding: What comes first.
        inner: An MLP, a KAN or another Embedded, with as many inputs as the embedding has features.

    Raises:
        GmnmError: one of them is another kind of module, or the numbers differ.
    """

    def __init__(self, embedding: FourierFeatures | PeriodicEmbedding, inner: Layered):
        super().__init__()
        if not isinstance(embedding, FourierFeatures | PeriodicEmbedding) or not isinstance(inner, Layered):
            raise refuse(
                "Embedded(embedding, inner)",
                expected="FourierFeatures or PeriodicEmbedding and a network of layers such as an MLP",
                got=f"{type(embedding).__name__} and {type(inner).__name__}",
                remedy="Before other modules: torch.nn.Sequential(FourierFeatures(...), model).",
            )
        if inner.widths[0] != embedding.out_features:
            expected = f"{embedding.out_features} inputs of the inner model, as many as the embedding has features"
            raise refuse("Embedded(embedding, inner)", expected=expected, got=str(inner.widths[0]))
        self.embedding, self.inner = embedding, inner
        self.widths = [embedding.in_features, *inner.widths]

    def feature_streams(self, streams: Streams) -> Streams:
        """The inner model's features."""
        return self.inner.feature_streams(self.embedding.carry(streams))

    def output_streams(self, streams: Streams) -> Streams:
        """The inner model's outputs."""
        return self.inner.output_streams(self.embedding.carry(streams))

    @property
    def readout(self) -> Tensor:
        """The inner model's readout, [outputs, features]."""
        return self.inner.readout

    def set_readout(self, readout: Tensor) -> None:
        """Put another readout, [outputs, features], in place."""
        self.inner.set_readout(readout)

    def config(self) -> dict[str, Any]:
        """The kinds of both parts with the arguments that build them."""
        parts = {"embedding": self.embedding, "inner": self.inner}
        return {name: {"kind": type(part).__name__, "config": part.config()} for name, part in parts.items()}


def _positive(number: object) -> bool:
    return isinstance(number, int | float) and math.isfinite(number) and number > 0


def _checked(call: str, periods: Mapping[Any, float], in_features: int) -> dict[int, float]:
    """Periods by axis; from a file the axes come as words."""
    by_axis = {int(axis) if str(axis).isdecimal() else axis: period for axis, period in periods.items()}
    for axis, period in by_axis.items():
        if not isinstance(axis, int) or not 0 <= axis < in_features:
            raise refuse(call, expected=f"periods by axis, a number below {in_features}", got=repr(axis))
        if not _positive(period):
            raise refuse(call, expected="positive periods", got=repr(period))
    return {axis: float(period) for axis, period in by_axis.items()}
