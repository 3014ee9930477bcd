"""What networks of layers share: a linear readout, and derivatives carried along with the values."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from gmnm_pde._errors import refuse
from gmnm_pde.jets import forward_jet
from gmnm_pde.models.streams import Streams

Alpha = tuple[int, ...]


def check_widths(call: str, widths: Sequence[int]) -> None:
    """Refuse what are no widths of layers."""
    fine = isinstance(widths, list | tuple) and len(widths) >= 2 and all(isinstance(w, int) and w > 0 for w in widths)
    if not fine:
        raise refuse(call, expected="widths of at least an input and an output, such as [2, 50, 1]", got=repr(widths))


class Layered(nn.Module, ABC):
    """A network whose outputs are features(x) @ readout.T."""

    widths: list[int]

    @abstractmethod
    def hidden(self, streams: Streams) -> Streams:
        """The features' streams from those of the coordinates."""

    @property
    @abstractmethod
    def readout(self) -> Tensor:
        """The weights of the features, [outputs, features]."""

    @abstractmethod
    def set_readout(self, readout: Tensor) -> None:
        """Put other weights in place."""

    def forward(self, x: Tensor) -> Tensor:
        """Outputs at x [..., inputs]: [..., outputs]."""
        return self.features(x) @ self.readout.mT

    def features(self, x: Tensor) -> Tensor:
        """The features at x [..., inputs]: [..., features]."""
        if x.shape[-1] != self.widths[0]:
            name = type(self).__name__
            raise refuse(f"{name}.forward(x)", expected=f"x of shape [..., {self.widths[0]}]", got=f"{list(x.shape)}")
        flat = self.hidden(Streams.of_inputs(x.reshape(-1, self.widths[0]), ())).data[0]
        return flat.reshape(*x.shape[:-1], -1)

    def output_jet(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives of the outputs at x [n, d]: for each alpha, [n, outputs]."""
        readout = self.readout
        return {alpha: part @ readout.mT for alpha, part in self._feature_jet(x, alphas).items()}

    def feature_combination(self, x: Tensor, coefficients: Mapping[Alpha, Tensor]) -> Tensor:
        """sum_alpha c_alpha D^alpha of every feature at x [n, d], for c_alpha of shape [n] or []: [n, features]."""
        parts = self._feature_jet(x, tuple(coefficients))
        first, *rest = (c[..., None] * parts[alpha] for alpha, c in coefficients.items())
        return sum(rest, first)

    def _feature_jet(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        low = [alpha for alpha in alphas if sum(alpha) <= 2]
        high = [alpha for alpha in alphas if sum(alpha) > 2]
        streams = self.hidden(Streams.of_inputs(x, low))
        return {
            **{alpha: streams.take(alpha) for alpha in low},
            **(forward_jet(self.features, x, high) if high else {}),
        }
