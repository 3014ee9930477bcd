"""Coordinates as sines and cosines, of exact periods or of frequencies that are trained."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

import gmnm_pde.models.modules.rules  # noqa: F401  (fills the table of rules)
from gmnm_pde._errors import refuse
from gmnm_pde.models.modules.carried import Carried, streams_of
from gmnm_pde.models.networks.streams import Streams


class PeriodicEmbedding(nn.Module):
    """Harmonics of periodic coordinates; the others as they are, or with frequencies that are trained.

    A function of sines and cosines of a period is periodic exactly (S. Dong, N. Ni, arXiv 2007.07442). Before an MLP it
    is put by ``Embedded``.

    Args:
        in_features: d, the number of coordinates.
        periods: By number of the coordinate, its period. ``solve`` scales the domain to [-1, 1], whose period is 2.
        harmonics: cos and sin of 1 to so many turns of a period.
        learned: By number of the coordinate, the angular frequency that a cos and a sin of it begin with.

    Raises:
        GmnmError: a coordinate does not exist or is in both, or a number is not positive.
    """

    def __init__(
        self,
        in_features: int,
        *,
        periods: Mapping[int, float] | None = None,
        harmonics: int = 1,
        learned: Mapping[int, float] | None = None,
    ):
        super().__init__()
        call = f"PeriodicEmbedding({in_features})"
        self.in_features, self.harmonics = in_features, harmonics
        self.periods = {int(axis): float(period) for axis, period in (periods or {}).items()}
        self.learned = {int(axis): float(frequency) for axis, frequency in (learned or {}).items()}
        if not isinstance(in_features, int) or in_features < 1 or not isinstance(harmonics, int) or harmonics < 1:
            expected = "in_features and harmonics to be positive integers"
            raise refuse(call, expected=expected, got=f"{in_features!r} and {harmonics!r}")
        axes = [*self.periods, *self.learned]
        if len(set(axes)) < len(axes) or not all(0 <= axis < in_features for axis in axes):
            raise refuse(call, expected="numbers of coordinates, each in one of periods and learned", got=repr(axes))
        if not all(number > 0 for number in (*self.periods.values(), *self.learned.values())):
            raise refuse(call, expected="positive periods and frequencies", got=repr((periods, learned)))
        self.frequencies = nn.ParameterList(torch.tensor([frequency]) for frequency in self.learned.values())

    @property
    def out_features(self) -> int:
        """The number of features."""
        plain = self.in_features - len(self.periods) - len(self.learned)
        return plain + 2 * self.harmonics * len(self.periods) + 2 * len(self.learned)

    def forward(self, x: Any) -> Any:
        """The features at x [..., in_features]: [..., out_features]."""
        if x.shape[-1] != self.in_features:
            expected = f"x of shape [..., {self.in_features}]"
            raise refuse("PeriodicEmbedding.forward(x)", expected=expected, got=f"shape {list(x.shape)}")
        parts, learned = [], dict(zip(self.learned, self.frequencies, strict=True))
        for axis in range(self.in_features):
            own = x[..., axis : axis + 1]
            if axis in self.periods:
                angles = [own * (math.tau * k / self.periods[axis]) for k in range(1, self.harmonics + 1)]
                parts += [function(angle) for angle in angles for function in (torch.cos, torch.sin)]
            elif axis in learned:
                parts += [torch.cos(own * learned[axis]), torch.sin(own * learned[axis])]
            else:
                parts.append(own)
        return torch.cat(parts, -1)

    def carry(self, streams: Streams) -> Streams:
        """The features' streams from those of the coordinates."""
        if not (streams.firsts or streams.squares or streams.tape is not None):
            return replace(streams, data=self(streams.data))  # values alone, which a compiler follows
        return streams_of(self(Carried.of_streams(streams)), streams)

    def config(self) -> dict[str, Any]:
        """The arguments that build features of this shape."""
        return {name: getattr(self, name) for name in ("in_features", "periods", "harmonics", "learned")}

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.config().items())
