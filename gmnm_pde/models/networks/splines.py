"""B-splines on a grid for each input, evaluated where they are not zero.

Of all B-splines of order p only p + 1 differ from zero at a point. On the interval from knot J on, at the fraction t of
the way to the next one, each is a polynomial in t, and its derivatives are those of the powers of t. So a point costs
p + 1 polynomials whatever the number of splines; on equidistant knots these are the same on every interval.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, pad

_MARGIN = 0.01
"""The knots reach this share of the range beyond the outermost values."""


def spline_pieces(knots: Tensor, order: int) -> Tensor:
    """The polynomials that B-splines are, interval by interval, by de Boor's recurrence.

    Args:
        knots: [..., intervals + 2 order + 1], increasing; the first and last ``order`` intervals are not evaluated.
        order: Of the splines.

    Returns:
        [..., intervals, order + 1, order + 1]: on each interval the coefficients of the powers of t (last) of each of
        its splines (before last), from the leftmost on.
    """
    intervals = knots.shape[-1] - 2 * order - 1
    windows = knots.unfold(-1, 2 * order + 2, 1)
    start, length = windows[..., order : order + 1], (windows[..., order + 1] - windows[..., order])[..., None]
    pieces = torch.zeros(*knots.shape[:-1], intervals, 1, order + 1, dtype=knots.dtype, device=knots.device)
    pieces[..., 0] = 1
    for k in range(1, order + 1):
        lower, upper = windows[..., order - k + 1 : order + 1], windows[..., order + 1 : order + 1 + k]
        constant, slope = (start - lower) / (upper - lower), length / (upper - lower)
        rising = constant[..., None] * pieces + slope[..., None] * pad(pieces, (1, 0))[..., :-1]
        pieces = pad(rising, (0, 0, 1, 0)) + pad(pieces - rising, (0, 0, 0, 1))
    return pieces


@dataclass(frozen=True)
class LocalSplines:
    """The splines that are not zero at points, with derivatives.

    Args:
        interval: Where each entry of each point lies, [n, inputs]; the splines from this number on are not zero,
            counted with ``order`` more on the left. Beyond all knots it is the number of intervals.
        values: One tensor for each order of differentiation, [n, inputs, order + 1].
    """

    interval: Tensor
    values: tuple[Tensor, ...]


class SplineGrid(nn.Module):
    """The grid of one layer: its B-splines at points, and the sums of them that the layer's edges are.

    Args:
        inputs: How many entries, each with knots of its own.
        grid: Intervals inside the domain; ``order`` more follow on each side, on which the outermost splines fade.
        order: Of the splines.
        domain: From where to where the knots go at the start.
        equidistant: Whether they stay there; if not they are a buffer, ``knots`` [inputs, grid + 2 order + 1].
    """

    knots: Tensor | None
    _unit: Tensor

    def __init__(self, inputs: int, grid: int, order: int, domain: tuple[float, float], equidistant: bool):
        super().__init__()
        self.inputs, self.grid, self.order, self.domain = inputs, grid, order, domain
        self.intervals, self.count = grid + 2 * order, grid + order
        whole = spline_pieces(torch.arange(2.0 * order + 2, dtype=torch.float64), order)[0] * math.factorial(order)
        self.register_buffer("_unit", whole.round().to(torch.get_default_dtype()), persistent=False)
        self.register_buffer("knots", None if equidistant else self._equidistant().to(torch.get_default_dtype()))

    @property
    def step(self) -> float:
        """The length of an interval, where they are equidistant."""
        return (self.domain[1] - self.domain[0]) / self.grid

    def _equidistant(self) -> Tensor:
        numbers = torch.arange(-self.order, self.grid + self.order + 1, dtype=torch.float64)
        return (self.domain[0] + self.step * numbers).repeat(self.inputs, 1)

    def all_knots(self) -> Tensor:
        """The knots of every input, [inputs, intervals + 1]."""
        return self._equidistant() if self.knots is None else self.knots

    def at(self, z: Tensor, derivatives: int) -> LocalSplines:
        """The splines at z [n, inputs] that are not zero, with derivatives up to an order."""
        if self.knots is None:
            place = (z - self.domain[0]) * (1 / self.step) + self.order
            inside = (place >= 0) & (place < self.intervals)
            floor = place.detach().floor()
            interval = torch.where(inside, floor.long(), self.intervals)
            powers = _powers(torch.where(inside, place - floor, 0.0), self.order)
            pieces = self._unit * (1 / math.factorial(self.order))
            matrices = [_differentiated(pieces, k) * self.step**-k for k in range(derivatives + 1)]
            return LocalSplines(interval, tuple((powers @ torch.cat(matrices).mT).split(self.order + 1, dim=-1)))
        return self._at_any(z, self.knots, derivatives)

    def _at_any(self, z: Tensor, knots: Tensor, derivatives: int) -> LocalSplines:
        before = torch.searchsorted(knots, z.detach().mT.contiguous(), right=True).mT - 1
        interval = torch.where(before < 0, self.intervals, before)
        row = interval.clamp(max=self.intervals - 1) + self.intervals * torch.arange(self.inputs, device=z.device)
        lengths = knots.diff()
        start, length = knots[:, :-1].reshape(-1)[row], lengths.reshape(-1)[row]
        fraction = torch.where(interval < self.intervals, (z - start) / length, 0.0)
        pieces = spline_pieces(_continued(knots, self.order), self.order).flatten(0, 1)[row]
        powers = _powers(fraction, self.order)[..., None]
        values = ((_differentiated(pieces, k) @ powers)[..., 0] for k in range(derivatives + 1))
        return LocalSplines(interval, tuple(value / length[..., None] ** k for k, value in enumerate(values)))

    def spread(self, local: Tensor, interval: Tensor) -> Tensor:
        """Values [..., n, inputs, order + 1] of the splines that are not zero, among all: [..., n, inputs, count]."""
        index = interval[..., None] + torch.arange(self.order + 1, device=local.device)
        among = local.new_zeros(*local.shape[:-1], self.intervals + self.order + 1)
        return among.scatter(-1, index.expand_as(local), local)[..., self.order : self.order + self.count]

    def weights(self, coefficients: Tensor, interval: Tensor) -> Tensor:
        """Of coefficients [outputs, inputs, count] those that count, [n, inputs, order + 1, outputs]."""
        table = pad(coefficients.permute(1, 2, 0), (0, 0, self.order, self.order + 1))
        rows = table.shape[1] * torch.arange(self.inputs, device=interval.device) + interval
        index = rows[..., None] + torch.arange(self.order + 1, device=interval.device)
        return embedding(index, table.flatten(0, 1))

    def edges(self, z: Tensor, coefficients: Tensor) -> Tensor:
        """The splines' sum on every edge at z [n, inputs]: [n, inputs, outputs]."""
        local = self.at(z, 0)
        return torch.einsum("nip,nipo->nio", local.values[0], self.weights(coefficients, local.interval))

    def fitted(self, z: Tensor, wanted: Tensor) -> Tensor:
        """The coefficients [outputs, inputs, count] of the splines nearest to ``wanted`` [n, inputs, outputs] at z."""
        local = self.at(z, 0)
        matrices = self.spread(local.values[0], local.interval).movedim(1, 0)
        ridge = (torch.finfo(z.dtype).eps * len(z)) ** 0.5 * torch.eye(self.count, dtype=z.dtype, device=z.device)
        left = torch.cat([matrices, ridge.expand(self.inputs, -1, -1)], dim=1)
        right = pad(wanted.movedim(1, 0), (0, 0, 0, self.count))
        return torch.linalg.lstsq(left, right, driver="gels").solution.permute(2, 0, 1)

    def follow(self, z: Tensor, mixing: float) -> None:
        """Put the knots at quantiles of z [n, inputs], mixed with equidistant ones."""
        low, high = z.amin(dim=0), z.amax(dim=0)
        span = torch.where(high > low, high - low, 1.0)
        shares = torch.linspace(0, 1, self.grid + 1, dtype=z.dtype, device=z.device)
        even = low[:, None] + (high - low)[:, None] * shares
        inner = torch.quantile(z, shares, dim=0).mT.lerp(even, mixing)
        inner[:, 0] -= _MARGIN * span
        inner[:, -1] += _MARGIN * span
        self.knots = self._surrounded(inner, span / self.grid)

    def refine(self, coarse: "SplineGrid") -> None:
        """Put the knots among those of a coarser grid, and the outer ones where its outer ones are."""
        knots, p = coarse.all_knots().to(self._unit), self.order
        inner = knots[:, p : knots.shape[1] - p]
        place = torch.arange(self.grid + 1, dtype=knots.dtype, device=knots.device) * coarse.grid / self.grid
        left = place.floor().long().clamp(max=coarse.grid - 1)
        between = inner[:, left].lerp(inner[:, left + 1], place - left)
        self.knots = torch.cat([knots[:, :p], between, knots[:, -p:]], dim=1)

    def samples(self) -> Tensor:
        """Points evenly in every interval, [n, inputs]: enough to tell the splines apart."""
        knots, each = self.all_knots(), self.order + 2
        shares = (torch.arange(each, dtype=knots.dtype, device=knots.device) + 0.5) / each
        return (knots[:, :-1, None] + knots.diff()[..., None] * shares).flatten(1).mT

    def _surrounded(self, inner: Tensor, step: Tensor) -> Tensor:
        """Knots with ``order`` more on each side, ``step`` [inputs] apart."""
        more = step[:, None] * torch.arange(1, self.order + 1, dtype=inner.dtype, device=inner.device)
        return torch.cat([inner[:, :1] - more.flip(1), inner, inner[:, -1:] + more], dim=1)


def _powers(t: Tensor, order: int) -> Tensor:
    """1, t, ..., t^order, [..., order + 1]."""
    powers = [torch.ones_like(t)]
    for _ in range(order):
        powers.append(powers[-1] * t)
    return torch.stack(powers, dim=-1)


def _differentiated(pieces: Tensor, times: int) -> Tensor:
    """Polynomials, coefficients last, differentiated by t."""
    degrees = torch.arange(pieces.shape[-1], dtype=pieces.dtype, device=pieces.device)
    for _ in range(times):
        pieces = pad((degrees * pieces)[..., 1:], (0, 1))
    return pieces


def _continued(knots: Tensor, more: int) -> Tensor:
    """Knots [inputs, n] with ``more`` at either end, as far apart as the last ones there."""
    steps = torch.arange(1, more + 1, dtype=knots.dtype, device=knots.device)
    left = knots[:, :1] - (knots[:, 1:2] - knots[:, :1]) * steps.flip(0)
    right = knots[:, -1:] + (knots[:, -1:] - knots[:, -2:-1]) * steps
    return torch.cat([left, knots, right], dim=1)
