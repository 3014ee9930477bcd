"""A module of the user's as a model: outputs of one shape, derivatives by the engine that is right for it."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

import gmnm_pde.models.modules.attention
import gmnm_pde.models.modules.recurrence
import gmnm_pde.models.modules.rules  # noqa: F401  (all fill the table of rules)
from gmnm_pde._errors import refuse
from gmnm_pde.jets.engines import derivatives, forward_jet, reverse_jet
from gmnm_pde.jets.rows import parameter_rows, parameter_rows_in_turn
from gmnm_pde.models.modules.carried import Carried, streams_of
from gmnm_pde.models.modules.primitives import spelled_out
from gmnm_pde.models.modules.readouts import Readout
from gmnm_pde.models.networks.layered import Carrying
from gmnm_pde.models.networks.streams import Recorded, Streams, column
from gmnm_pde.multiindex import Alpha, Operator

ENGINES = ("carried", "forward", "reverse")
"""How derivatives of a module are made, the fastest first: along with its values, by nested forward mode, by autograd
through the graph. Nested forward mode of today's torch drops a term of layer and batch normalisation, and is not
written for some functions."""

ROWS = ("tape", "vmap", "in turn")
"""How rows of Jacobians are made, the fastest first."""


class Adopted(Carrying):
    """A module of the user's, whose outputs are [n, fields] whatever shape it gives.

    Args:
        module: From [n, d] to [n], [n, fields], or several of these in a tuple, list or dict.
        engine: One of ``ENGINES``.
        rows: One of ``ROWS``.
    """

    def __init__(self, module: nn.Module, engine: str = "carried", rows: str = "tape"):
        super().__init__()
        self.module, self.engine, self.rows = module, engine, rows

    def forward(self, x: Tensor) -> Tensor:
        """Outputs at x [n, d]: [n, fields]."""
        with spelled_out():
            return joined(self.module(x))

    def output_streams(self, streams: Streams) -> Streams:
        """The outputs' streams from those of the coordinates."""
        return streams_of(joined(self.module(Carried.of_streams(streams))), streams)

    def output_jet(self, x: Tensor, alphas: Iterable[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives of the outputs at x [n, d]: for each alpha, [n, fields]."""
        alphas = tuple(alphas)
        return super().output_jet(x, alphas) if self.engine == "carried" else self._high_jet(self, x, alphas)

    def output_combination(self, x: Tensor, coefficients: Operator, tape: list[Recorded] | None = None) -> Tensor:
        """sum_alpha c_alpha D^alpha of every output at x [n, d], for c_alpha of shape [n] or []: [n, fields]."""
        if self.engine == "carried":
            return super().output_combination(x, coefficients, tape)
        jets = self._high_jet(self, x, tuple(coefficients))
        return sum(column(c) * jets[alpha] for alpha, c in coefficients.items())  # type: ignore[return-value]

    def output_rows(self, x: Tensor, coefficients: Operator, output: int) -> dict[str, Tensor]:
        """The derivatives of one output's ``output_combination`` by every trained parameter, each [n, *its shape]."""
        if self.rows == "tape":
            return super().output_rows(x, coefficients, output)
        return self._high_rows(x, coefficients, output)

    def _high_jet(self, function: Any, x: Tensor, alphas: Iterable[Alpha]) -> dict[Alpha, Tensor]:
        return (derivatives if self.engine == "reverse" else forward_jet)(function, x, alphas)

    def _high_rows(self, x: Tensor, coefficients: Operator, output: int) -> dict[str, Tensor]:
        if self.rows == "in turn":
            return parameter_rows_in_turn(
                self, lambda _, at, alphas: self._high_jet(self, at, alphas), x, coefficients, output
            )
        make = reverse_jet if self.engine == "reverse" else forward_jet

        def jets(weights: dict[str, Tensor], at: Tensor, alphas: tuple[Alpha, ...]) -> dict[Alpha, Tensor]:
            return make(lambda z: torch.func.functional_call(self, weights, (z,)), at, alphas)

        return parameter_rows(self, jets, x, coefficients, output)


class AdoptedWithReadout(Adopted):
    """The same where the module ends in linear layers, or has features and a readout of its own."""

    def __init__(self, module: nn.Module, last: Readout, engine: str = "carried", rows: str = "tape"):
        super().__init__(module, engine, rows)
        self.last = last

    def features(self, x: Tensor) -> Tensor:
        """The features at x [n, d], with a constant 1 where the last layer has a bias: [n, features]."""
        with spelled_out():
            return self.last.features(self.module, x)

    def feature_streams(self, streams: Streams) -> Streams:
        """The features' streams from those of the coordinates."""
        return streams_of(self.last.features(self.module, Carried.of_streams(streams)), streams)

    def feature_combination(self, x: Tensor, coefficients: Mapping[Alpha, Tensor]) -> Tensor:
        """sum_alpha c_alpha D^alpha of every feature at x [n, d], for c_alpha of shape [n] or []: [n, features]."""
        if self.engine == "carried":
            return self._combined(coefficients, x, self.feature_streams, self.features)
        jets = self._high_jet(self.features, x, tuple(coefficients))
        return sum(column(c) * jets[alpha] for alpha, c in coefficients.items())  # type: ignore[return-value]

    @property
    def readout(self) -> Tensor:
        """The weights of the features, [fields, features]."""
        return self.last.weights(self.module)

    def set_readout(self, readout: Tensor) -> None:
        """Put other weights, [fields, features], in place."""
        self.last.put(self.module, readout)


def joined(outputs: Any) -> Any:
    """The outputs of a module, [n], [n, k], or several of them, as one tensor [n, fields].

    Raises:
        GmnmError: they are something else.
    """
    if isinstance(outputs, Mapping):
        outputs = tuple(outputs.values())
    if isinstance(outputs, tuple | list) and outputs:
        return torch.cat([joined(one) for one in outputs], -1)
    if isinstance(outputs, Tensor | Carried) and outputs.ndim in (1, 2):
        return outputs if outputs.ndim == 2 else outputs.unsqueeze(-1)
    got = f"shape {tuple(outputs.shape)}" if isinstance(outputs, Tensor | Carried) else type(outputs).__name__
    raise refuse(
        "solve(model=...)",
        expected="a module from points [n, d] to [n], [n, fields], or several such tensors",
        got=got,
    )
