"""The Kolmogorov-Arnold network: a trained function on every edge."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import refuse
from gmnm_pde._modes import drawing
from gmnm_pde.models.networks.layered import Layered, check_widths
from gmnm_pde.models.networks.mlp import ACTIVATIONS
from gmnm_pde.models.networks.splines import SplineGrid
from gmnm_pde.models.networks.streams import Recorded, Streams

_SMOOTH = 5
"""Splines on finer grids than this start smaller by the square, so that second derivatives start alike on every grid:
with 78 intervals the Poisson problem's loss starts near 1 instead of 1e5."""


class KAN(Layered):
    """A Kolmogorov-Arnold network (Z. Liu et al., arXiv 2404.19756).

    Each edge has the function w silu(z) + sum_k c_k B_k(z), with B-splines B_k on a grid over ``domain``. Beyond it the
    splines fade within ``order`` intervals, and the base silu is left. An edge has grid + order + 1 parameters:
    ``KAN([2, 10, 10, 1], grid=78)`` has 10,660, near the paper's 10,600.

    Args:
        widths: Of the layers, from inputs to outputs.
        grid: Intervals of the splines' grid.
        order: Of the splines; 3 has two continuous derivatives, which second-order equations need.
        domain: Where the grid lies at the start, for the entries of every layer.
        equidistant: Whether the knots stay equidistant. If not they are buffers, one grid for each entry of each layer;
            ``update_grid`` and ``extended`` give such networks.

    Raises:
        GmnmError: widths, grid or order that are not positive whole numbers, or a domain that is not an interval.
    """

    def __init__(
        self,
        widths: Sequence[int],
        *,
        grid: int = 5,
        order: int = 3,
        domain: Sequence[float] = (-1.0, 1.0),
        equidistant: bool = True,
    ):
        super().__init__()
        call = f"KAN({widths}, grid={grid}, order={order})"
        check_widths(call, widths)
        if not (isinstance(grid, int) and isinstance(order, int) and grid >= 1 and order >= 1):
            raise refuse(call, expected="a positive grid and order", got=f"{grid} and {order}")
        self.widths, self.grid, self.order = list(widths), grid, order
        self.domain, self.equidistant = _interval(domain), equidistant
        self.coefficients = nn.ParameterList()
        for before, after in zip(self.widths, self.widths[1:], strict=False):
            base = torch.randn(after, before, 1) * math.sqrt(2 / (before + after))
            rough = 0.1 * min(1.0, _SMOOTH / grid) ** 2
            splines = rough / math.sqrt(before) * torch.randn(after, before, grid + order)
            self.coefficients.append(nn.Parameter(torch.cat([base, splines], dim=-1).flatten(1)))
        self.grids = nn.ModuleList(
            SplineGrid(before, grid, order, self.domain, equidistant=equidistant) for before in self.widths[:-1]
        )

    def feature_streams(self, streams: Streams) -> Streams:
        """The edge functions of the last layer: silu and the B-splines of each of its inputs."""
        streams = streams.dense()
        for number in range(len(self.grids) - 1):
            streams = self._layer(number, streams)
        base, local, interval = self._functions(-1, streams)
        functions = torch.cat([base[..., None], self._grid(-1).spread(local, interval)], dim=-1)
        return replace(streams, data=functions.flatten(-2))

    def output_streams(self, streams: Streams) -> Streams:
        """The outputs' streams."""
        streams = streams.dense()
        for number in range(len(self.grids)):
            streams = self._layer(number, streams)
        return streams

    def _layer(self, number: int, streams: Streams) -> Streams:
        """The sums over edges, from the splines that are not zero alone."""
        grid, coefficients = self._grid(number), self.coefficients[number]
        base, local, interval = self._functions(number, streams)
        each = self._each(number)
        weights = grid.weights(each[..., 1:], interval).flatten(1, 2)
        data = base @ each[..., 0].mT + torch.bmm(local.flatten(-2).transpose(0, 1), weights).transpose(0, 1)
        if streams.tape is not None:

            def rows(bar: Tensor) -> Tensor:
                splines = grid.spread(torch.einsum("sno,snip->onip", bar, local), interval).movedim(0, 1)
                bases = torch.einsum("sno,sni->noi", bar, base)
                return torch.cat([bases[..., None], splines], dim=-1).flatten(-2)

            streams.tape.append(Recorded(coefficients, data, rows))
        return replace(streams, data=data)

    def _functions(self, number: int, streams: Streams) -> tuple[Tensor, Tensor, Tensor]:
        """The streams of base [..., n, inputs] and of the splines that are not zero, and where these are."""
        firsts = streams.data[1 : 1 + len(streams.firsts)]
        needed = 2 if any(streams.squares) else min(1, len(streams.data) - 1)
        splines = self._grid(number).at(streams.value, needed)
        value, *slopes = splines.values
        parts = [value[None]]
        if needed:
            parts.append(slopes[0] * streams.data[1:, ..., None])
        if needed == 2:
            squares = [
                sum((c * firsts[i] * firsts[j] for i, j, c in form), torch.zeros_like(streams.value))
                for form in streams.squares
            ]
            count = len(squares)
            curved = slopes[1] * torch.stack(squares)[..., None]
            parts[1:] = [parts[1][:-count], parts[1][-count:] + curved]
        return streams.entrywise(ACTIVATIONS["silu"]).data, torch.cat(parts), splines.interval

    def _grid(self, number: int) -> SplineGrid:
        return self.grids[number]  # type: ignore[return-value]

    def _each(self, number: int) -> Tensor:
        """A layer's coefficients, [outputs, inputs, 1 + grid + order]."""
        return self.coefficients[number].unflatten(1, (-1, 1 + self.grid + self.order))

    @torch.no_grad()
    def update_grid(self, x: Tensor, *, mixing: float = 0.1) -> None:
        """Move the knots to where the layers' entries are, and fit the splines to what they were there.

        Each entry of each layer gets knots at the quantiles of its values, mixed with equidistant ones. The splines are
        found by least squares at these values, so that the function is kept near the points to the accuracy of the
        fit, not elsewhere. From then on ``equidistant`` is false. Optimisers keep their hold of the parameters.

        Args:
            x: Points [..., inputs], more than an edge has parameters.
            mixing: The equidistant share: 1 for equidistant knots over the range of the values, near 0 for quantiles.
                (``grid_eps`` of other implementations.)

        Raises:
            GmnmError: mixing is not in (0, 1], or there are too few points.
        """
        if not (isinstance(mixing, int | float) and 0 < mixing <= 1):
            raise refuse("KAN.update_grid(mixing=...)", expected="a number above 0 and up to 1", got=repr(mixing))
        points = x.reshape(-1, x.shape[-1])
        if len(points) <= self.grid + self.order:
            expected = f"more than grid + order = {self.grid + self.order} points"
            raise refuse("KAN.update_grid(x)", expected=expected, got=f"{len(points)}")
        streams = self._values(points)
        for number in range(len(self.grids)):
            grid, each, z = self._grid(number), self._each(number), streams.value
            streams = self._layer(number, streams)
            wanted = grid.edges(z, each[..., 1:])
            grid.follow(z, float(mixing))
            each[..., 1:] = grid.fitted(z, wanted)
        self.equidistant = False

    @torch.no_grad()
    def extended(self, grid: int) -> "KAN":
        """The same function on a finer grid, a network of its own.

        Where ``grid`` is a multiple of this network's, the finer splines hold the coarser ones and the function is kept
        to rounding, everywhere; else it is fitted by least squares.

        Args:
            grid: Intervals of the new grid, at least as many.

        Raises:
            GmnmError: grid is coarser.
        """
        if not isinstance(grid, int) or grid < self.grid:
            raise refuse(
                "KAN.extended(grid)", expected=f"a whole number, at least this one's {self.grid}", got=repr(grid)
            )
        with drawing():
            finer = KAN(**{**self.config(), "grid": grid, "equidistant": False})
        finer.to(self.readout)
        for number in range(len(self.grids)):
            old, new = self._grid(number), finer._grid(number)
            new.refine(old)
            z = new.samples()
            each = finer._each(number)
            each[..., :1] = self._each(number)[..., :1]
            each[..., 1:] = new.fitted(z, old.edges(z, self._each(number)[..., 1:]))
        return finer

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
        return {
            "widths": self.widths,
            "grid": self.grid,
            "order": self.order,
            "domain": list(self.domain),
            "equidistant": self.equidistant,
        }


def _interval(domain: Sequence[float]) -> tuple[float, float]:
    fine = isinstance(domain, list | tuple) and len(domain) == 2 and all(isinstance(b, int | float) for b in domain)
    if not (fine and -math.inf < domain[0] < domain[1] < math.inf):
        raise refuse("KAN(domain=...)", expected="an interval such as (-1, 1)", got=repr(domain))
    return float(domain[0]), float(domain[1])
