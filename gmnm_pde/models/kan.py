"""The Kolmogorov-Arnold network: a trained function on every edge."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import refuse
from gmnm_pde.models.layered import Layered, check_widths
from gmnm_pde.models.mlp import ACTIVATIONS
from gmnm_pde.models.streams import Streams


def spline_basis(z: Tensor, knots: Tensor, order: int) -> Tensor:
    """The B-splines of an order on equidistant knots, at z [...]: [..., len(knots) - order - 1]. Cox-de Boor."""
    z = z[..., None]
    basis = ((z >= knots[:-1]) & (z < knots[1:])).to(z)
    for k in range(1, order + 1):
        left = (z - knots[: -k - 1]) / (knots[k:-1] - knots[: -k - 1])
        right = (knots[k + 1 :] - z) / (knots[k + 1 :] - knots[1:-k])
        basis = left * basis[..., :-1] + right * basis[..., 1:]
    return basis


class KAN(Layered):
    """A Kolmogorov-Arnold network (Z. Liu et al., arXiv 2404.19756).

    Each edge has the function w silu(z) + sum_k c_k B_k(z), with B-splines B_k on an equidistant grid over [-1, 1];
    beyond the grid only the base silu is left. An edge has grid + order + 1 parameters:
    ``KAN([2, 10, 10, 1], grid=78)`` has 10,660, near the paper's 10,600.

    Args:
        widths: Of the layers, from inputs to outputs.
        grid: Intervals of the splines' grid.
        order: Of the splines; 3 has two continuous derivatives, which second-order equations need.

    Raises:
        GmnmError: widths, grid or order are none.
    """

    def __init__(self, widths: Sequence[int], *, grid: int = 5, order: int = 3):
        super().__init__()
        call = f"KAN({widths}, grid={grid}, order={order})"
        check_widths(call, widths)
        if not (isinstance(grid, int) and isinstance(order, int) and grid >= 1 and order >= 1):
            raise refuse(call, expected="a positive grid and order", got=f"{grid} and {order}")
        self.widths, self.grid, self.order = list(widths), grid, order
        self.coefficients = nn.ParameterList()
        for before, after in zip(self.widths, self.widths[1:], strict=False):
            base = torch.randn(after, before, 1) * math.sqrt(2 / (before + after))
            splines = 0.1 / math.sqrt(before) * torch.randn(after, before, grid + order)
            self.coefficients.append(nn.Parameter(torch.cat([base, splines], dim=-1).flatten(1)))

    def hidden(self, streams: Streams) -> Streams:
        """The edge functions of the last layer: silu and the B-splines of each of its inputs."""
        for coefficients in list(self.coefficients)[:-1]:
            streams = self._edges(streams).linear(coefficients)
        return self._edges(streams)

    def _edges(self, streams: Streams) -> Streams:
        """The base and the splines of every entry, [..., width * (1 + grid + order)]."""
        size = 1 + self.grid + self.order
        spread = Streams(streams.data.repeat_interleave(size, dim=-1), streams.firsts, streams.seconds)
        return spread.entrywise(self._functions)

    def _functions(self, z: Tensor, order: int) -> tuple[Tensor, ...]:
        """Base and splines with derivatives; ``z`` holds every entry once for each function."""
        entries = z[..., :: 1 + self.grid + self.order]
        bases = ACTIVATIONS["silu"](entries, order)
        splines = (self._splines(entries, k) for k in range(order + 1))
        return tuple(
            torch.cat([base[..., None], spline], dim=-1).flatten(-2)
            for base, spline in zip(bases, splines, strict=True)
        )

    def _splines(self, z: Tensor, derivative: int) -> Tensor:
        """A derivative of the B-splines: on equidistant knots, differences of those of lower order over the step."""
        if derivative > self.order:
            return z.new_zeros(*z.shape, self.grid + self.order)
        step = 2.0 / self.grid
        steps = torch.arange(-self.order, self.grid + self.order + 1, dtype=z.dtype, device=z.device)
        splines = spline_basis(z, -1 + step * steps, self.order - derivative)
        for _ in range(derivative):
            splines = (splines[..., :-1] - splines[..., 1:]) / step
        return splines

    @property
    def readout(self) -> Tensor:
        """The last layer's coefficients, [outputs, features]."""
        return self.coefficients[-1]

    @torch.no_grad()
    def set_readout(self, readout: Tensor) -> None:
        """Put other coefficients, [outputs, features], in place of the last layer's."""
        self.coefficients[-1].copy_(readout)

    def config(self) -> dict[str, Any]:
        """The arguments that build a model of this shape."""
        return {"widths": self.widths, "grid": self.grid, "order": self.order}
