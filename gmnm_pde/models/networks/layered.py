"""What networks of layers share: derivatives carried along with the values, and a linear readout."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import refuse
from gmnm_pde.jets import forward_jet
from gmnm_pde.jets.rows import parameter_rows
from gmnm_pde.models.networks.streams import Recorded, Streams, column
from gmnm_pde.multiindex import Alpha, Operator, axes_of


def check_widths(call: str, widths: Sequence[int]) -> None:
    """Refuse widths that are not at least two positive whole numbers."""
    fine = isinstance(widths, list | tuple) and len(widths) >= 2 and all(isinstance(w, int) and w > 0 for w in widths)
    if not fine:
        raise refuse(call, expected="widths of at least an input and an output, such as [2, 50, 1]", got=repr(widths))


class Carrying(nn.Module, ABC):
    """A module that carries derivatives up to second order along with its values."""

    @abstractmethod
    def output_streams(self, streams: Streams) -> Streams:
        """The outputs' streams from those of the coordinates."""

    def output_jet(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives of the outputs at x [n, d]: for each alpha, [n, outputs]."""
        high = [alpha for alpha in alphas if sum(alpha) > 2]
        seconds = [alpha for alpha in alphas if sum(alpha) == 2]
        firsts = [alpha for alpha in alphas if sum(alpha) == 1]
        carried = Streams.of_inputs(x, [{alpha: 1.0} for alpha in seconds], [axes_of(alpha)[0] for alpha in firsts])
        streams = self.output_streams(carried)
        jet = {alpha: streams.operator(k) for k, alpha in enumerate(seconds)}
        jet |= {alpha: streams.first(axes_of(alpha)[0]) for alpha in firsts}
        jet |= self._high_jet(self, x, high) if high else {}
        return {alpha: jet[alpha] if sum(alpha) else streams.value for alpha in alphas}

    def output_combination(self, x: Tensor, coefficients: Operator, tape: list[Recorded] | None = None) -> Tensor:
        """sum_alpha c_alpha D^alpha of every output at x [n, d], for c_alpha of shape [n] or []: [n, outputs]."""
        return self._combined(coefficients, x, self.output_streams, self, tape)

    def output_along(self, x: Tensor, directions: Any) -> tuple[Tensor, Tensor]:
        """The outputs at x [n, d], and an operator on directions applied to them: [n, outputs] each."""
        streams = Streams.along(x, directions.slopes, directions.form, directions.drift)
        streams = self.output_streams(streams)
        return streams.value, streams.operator(0)

    def output_rows(self, x: Tensor, coefficients: Operator, output: int) -> dict[str, Tensor]:
        """The derivatives of one output's ``output_combination`` by every trained parameter, each [n, *its shape].

        One backward pass serves all points: each depends on its own layers' entries alone, and a linear layer's rows
        are products of what came in and what came back. What streams do not carry is done point by point.
        """
        high = {alpha: c for alpha, c in coefficients.items() if sum(alpha) > 2}
        low = {alpha: c for alpha, c in coefficients.items() if sum(alpha) <= 2}
        rows = self._rows_by_tape(x, low, output) if low else {}
        if high:
            for name, own in self._high_rows(x, high, output).items():
                rows[name] = rows[name] + own if low else own
        return rows

    def _rows_by_tape(self, x: Tensor, coefficients: Operator, output: int) -> dict[str, Tensor]:
        tape: list[Recorded] = []
        with torch.enable_grad():
            combined = self.output_combination(x, coefficients, tape)[:, output].sum()
            bars = torch.autograd.grad(combined, [layer.output for layer in tape], allow_unused=True)
        trained = {name: p for name, p in self.named_parameters() if p.requires_grad}
        rows: dict[int, Tensor] = {}
        for layer, bar in zip(tape, bars, strict=True):
            if bar is None:
                continue
            for parameter, own in layer.rows_by_leaf(bar, list(trained.values())):
                rows[id(parameter)] = rows[id(parameter)] + own if id(parameter) in rows else own
        return {name: rows.get(id(p), p.new_zeros(1).expand(len(x), *p.shape)) for name, p in trained.items()}

    def _high_rows(self, x: Tensor, coefficients: Operator, output: int) -> dict[str, Tensor]:
        def jets(weights: dict[str, Tensor], at: Tensor, alphas: tuple[Alpha, ...]) -> dict[Alpha, Tensor]:
            return forward_jet(lambda z: torch.func.functional_call(self, weights, (z,)), at, alphas)

        return parameter_rows(self, jets, x, coefficients, output)

    def _high_jet(
        self, function: Callable[[Tensor], Tensor], x: Tensor, alphas: Iterable[Alpha]
    ) -> dict[Alpha, Tensor]:
        """Derivatives of an order that streams do not carry."""
        return forward_jet(function, x, alphas)

    def _combined(
        self,
        coefficients: Operator,
        x: Tensor,
        through: Callable[[Streams], Streams],
        function: Callable[[Tensor], Tensor],
        tape: list[Recorded] | None = None,
    ) -> Tensor:
        low = {alpha: c for alpha, c in coefficients.items() if 0 < sum(alpha) <= 2}
        high = {alpha: c for alpha, c in coefficients.items() if sum(alpha) > 2}
        plain = coefficients.get((0,) * x.shape[1])
        streams = through(
            Streams.of_inputs(x, [low] if low else [], tape=tape, only_operators=bool(low) and plain is None)
        )
        parts = [streams.operator(0)] if low else []
        if plain is not None:
            parts.append(column(plain) * streams.value)
        if high:
            jets = self._high_jet(function, x, high)
            parts += [column(c) * jets[alpha] for alpha, c in high.items()]
        return sum(parts[1:], parts[0])


class Layered(Carrying):
    """A network whose outputs are features(x) @ readout.T."""

    widths: list[int]

    @abstractmethod
    def feature_streams(self, streams: Streams) -> Streams:
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
        if not isinstance(x, Tensor):  # derivatives come with it, where this is a part of a user's module
            return x.through(self.output_streams)
        return self.output_streams(self._values(x)).value.reshape(*x.shape[:-1], -1)

    def features(self, x: Tensor) -> Tensor:
        """The features at x [..., inputs]: [..., features]."""
        return self.feature_streams(self._values(x)).value.reshape(*x.shape[:-1], -1)

    def _values(self, x: Tensor) -> Streams:
        if x.shape[-1] != self.widths[0]:
            name = type(self).__name__
            raise refuse(f"{name}.forward(x)", expected=f"x of shape [..., {self.widths[0]}]", got=f"{list(x.shape)}")
        return Streams.of_inputs(x.reshape(-1, self.widths[0]), ())

    def feature_combination(self, x: Tensor, coefficients: Operator) -> Tensor:
        """sum_alpha c_alpha D^alpha of every feature at x [n, d], for c_alpha of shape [n] or []: [n, features]."""
        return self._combined(coefficients, x, self.feature_streams, self.features)
