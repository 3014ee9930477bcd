"""A polynomial in each of many boxes that share nothing but their faces."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde import processes
from gmnm_pde._errors import refuse
from gmnm_pde.models.modes.legendre import TotalDegree
from gmnm_pde.multiindex import Alpha
from gmnm_pde.processes import gathered, portion

Box = tuple[tuple[float, float], ...]

_AT_ONCE = 2**22
"""Numbers of a table that are made at once, which bounds the memory."""


_SHARED_OUT = 2**17
"""From so many values of polynomials on several processes share them out."""

_NEAR = 1.0
"""Points no farther from the boxes of a part than this part of one have its polynomials."""


class Boxwise(nn.Module):
    """Legendre polynomials of a total degree in each box; where boxes meet, their values differ by the error.

    Args:
        boxes: The ends of each box along each coordinate, (low, high); they do not overlap.
        degree: Of the polynomials.
        fields: How many outputs.
        parts: Where boxes belong to several parts of a domain, how many belong to each, one part after the other.
            Outputs are then those of each part in turn; far from its boxes a part has zeros.

    Raises:
        GmnmError: there is no box, or the degree is negative.
    """

    def __init__(self, boxes: Sequence[Box], degree: int, fields: int = 1, parts: Sequence[int] = ()):
        super().__init__()
        if not boxes or degree < 0:
            call = f"Boxwise({len(boxes)} boxes, degree={degree})"
            raise refuse(call, expected="boxes, and a degree from 0 on", got=f"{len(boxes)} boxes, degree {degree}")
        self.boxes = tuple(tuple((float(low), float(high)) for low, high in box) for box in boxes)
        self.degree, self.fields, self.out_features = int(degree), int(fields), int(fields) * max(1, len(parts))
        self.parts = tuple(int(count) for count in parts)
        if self.parts and sum(self.parts) != len(boxes):
            raise refuse("Boxwise(parts=...)", expected=f"{len(boxes)} boxes in all", got=f"{sum(self.parts)}")
        self.basis = TotalDegree(len(self.boxes[0]), self.degree)
        self.weights = nn.Parameter(torch.zeros(len(boxes), fields, len(self.basis), dtype=torch.float64))

    @property
    def form(self) -> str:
        """In words, for reports."""
        return f"{len(self.boxes)} boxes of degree {self.degree}"

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.boxes[0])

    def forward(self, x: Tensor) -> Tensor:
        """Outputs at x [..., d]: [..., fields]."""
        d = self.dimension
        if x.shape[-1:] != (d,):
            raise refuse("Boxwise.forward(x)", expected=f"x of shape [..., {d}]", got=f"shape {list(x.shape)}")
        flat, zero = x.reshape(-1, d), (0,) * d
        return self.output_jet(flat, (zero,))[zero].reshape(*x.shape[:-1], self.out_features)

    def output_jet(self, x: Tensor, alphas: Sequence[Alpha], parts: Sequence[int] | None = None) -> dict[Alpha, Tensor]:
        """Derivatives of the outputs at x [n, d], or of those of some parts alone: for each alpha, [n, fields]."""
        if not self.parts:
            return self.in_boxes(x, self.owner(x), alphas)
        found: dict[Alpha, list[Tensor]] = {alpha: [] for alpha in alphas}
        first = 0
        for number, count in enumerate(self.parts):
            wanted = parts is None or number in parts
            jets = self._of_part(x, first, first + count, alphas) if wanted else {}
            for alpha in alphas:
                found[alpha].append(jets[alpha] if jets else x.new_zeros(len(x), self.fields))
            first += count
        return {alpha: torch.cat(columns, dim=1) for alpha, columns in found.items()}

    def _of_part(self, x: Tensor, first: int, last: int, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """The same of some of the boxes, zero at points that are not near to any; nothing if none is."""
        near, owner = self._located(first, last)(x)
        if not len(near):
            return {}
        jets = self.in_boxes(x[near], first + owner, alphas)
        return {alpha: x.new_zeros(len(x), self.fields).index_copy(0, near, jet) for alpha, jet in jets.items()}

    def in_boxes(self, x: Tensor, owner: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """The same for the polynomials of given boxes [n], also at their faces and beyond.

        Several processes that solve together share many points out.
        """
        if processes.count() == 1 or len(x) * len(self.basis) < _SHARED_OUT or torch.is_grad_enabled():
            return self._all_in_boxes(x, owner, alphas)
        mine, alphas = portion(len(x)), tuple(dict.fromkeys(alphas))
        parts = gathered(lambda: list(self._all_in_boxes(x[mine], owner[mine], alphas).values()))
        return {alpha: torch.cat(own) for alpha, own in zip(alphas, zip(*parts, strict=True), strict=True)}

    def _all_in_boxes(self, x: Tensor, owner: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        parts = [self._chunk(x[rows], owner[rows], alphas) for rows in self._chunks(len(x))]
        return {alpha: torch.cat([part[alpha] for part in parts]) for alpha in alphas}

    def _chunk(self, x: Tensor, owner: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        low, high = self._low.to(x)[owner], self._high.to(x)[owner]
        half = (high - low) / 2
        jets = self.basis.jet((x - (low + high) / 2) / half, alphas)
        weights = self.weights[owner]
        found = {}
        for alpha, table in jets.items():
            values = (weights @ table[:, :, None])[:, :, 0]
            for axis, order in enumerate(alpha):
                values = values / half[:, axis, None] ** order if order else values
            found[alpha] = values
        return found

    def _chunks(self, count: int) -> Iterator[slice]:
        size = max(1, _AT_ONCE // len(self.basis))
        return (slice(first, first + size) for first in range(0, max(count, 1), size))

    def owner(self, x: Tensor) -> Tensor:
        """The number of the box that each point of x [n, d] lies in, or of the last one before a face: [n]."""
        return self._places.owner(x)

    @cached_property
    def _places(self) -> "_Places":
        return _Places(self._low, self._high)

    def _located(self, first: int, last: int) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        """For some of the boxes: the points that lie in or near them, and which box each lies in."""
        places = self._known.setdefault((first, last), _Places(self._low[first:last], self._high[first:last]))

        ends, size = (places.low.amin(dim=0), places.high.amax(dim=0)), (places.high - places.low).amin(dim=1).max()

        def located(x: Tensor) -> tuple[Tensor, Tensor]:
            bottom, top = (end.to(x) for end in ends)
            around = torch.maximum(bottom - x, x - top).amax(dim=1).detach()
            some = (around <= _NEAR * size.to(x)).nonzero()[:, 0]  # most points are in other parts
            at = x[some]
            owner = places.owner(at)
            low, high = places.low.to(x)[owner], places.high.to(x)[owner]
            beyond = torch.maximum(low - at, at - high).amax(dim=1).detach()
            near = (beyond <= _NEAR * (high - low).amin(dim=1)).nonzero()[:, 0]
            return some[near], owner[near]

        return located

    @cached_property
    def _known(self) -> "dict[tuple[int, int], _Places]":
        return {}

    @cached_property
    def _low(self) -> Tensor:
        return torch.tensor(self.boxes, dtype=torch.float64)[..., 0]

    @cached_property
    def _high(self) -> Tensor:
        return torch.tensor(self.boxes, dtype=torch.float64)[..., 1]

    def config(self) -> dict[str, Any]:
        """The arguments that build a model of this shape."""
        return {"boxes": self.boxes, "degree": self.degree, "fields": self.fields} | (
            {"parts": self.parts} if self.parts else {}
        )


class _Places:
    """Which of some boxes points lie in.

    Args:
        low: The lower ends of the boxes along each coordinate, [boxes, d].
        high: The higher ends.
    """

    def __init__(self, low: Tensor, high: Tensor):
        self.low, self.high = low, high

    def owner(self, x: Tensor) -> Tensor:
        """The number of the box that each point of x [n, d] lies in, or of the last one before a face: [n].

        Beyond a face there may be no box: on one, it is the box before it.
        """
        x = x.detach()
        found = self._in_cells(x, [True] * x.shape[1])
        outside = (self._beyond(x, found) > 0).nonzero()[:, 0]
        if len(outside):
            some = x[outside]
            near = torch.stack([self._in_cells(some, sides) for sides in product((True, False), repeat=x.shape[1])])
            beyond = torch.stack([self._beyond(some, own) for own in near])
            found[outside] = near.gather(0, beyond.argmin(dim=0, keepdim=True))[0]
        return found

    def _in_cells(self, x: Tensor, after: Sequence[bool]) -> Tensor:
        """The box of the cell that each point lies in; on an edge along an axis, of that ``after`` it or before."""
        cell = torch.zeros(len(x), dtype=torch.long, device=x.device)
        for column, edges, right in zip(x.unbind(1), self._edges, after, strict=True):
            own = torch.bucketize(column.contiguous(), edges[1:-1].to(x), right=right)
            cell = cell * (len(edges) - 1) + own
        return self._lookup.to(x.device)[cell]

    def _beyond(self, x: Tensor, owner: Tensor) -> Tensor:
        """How far points lie outside of given boxes, [n]."""
        low, high = self.low.to(x)[owner], self.high.to(x)[owner]
        return torch.maximum(low - x, x - high).clamp_min(0).amax(dim=1)

    @cached_property
    def _edges(self) -> list[Tensor]:
        """The coordinates at which boxes begin or end, along each axis."""
        return [torch.cat(pair).unique() for pair in zip(self.low.unbind(1), self.high.unbind(1), strict=True)]

    @cached_property
    def _lookup(self) -> Tensor:
        """The box that each cell of the grid of all edges lies in, [cells]; the nearest one outside of all boxes."""
        middles = [(edges[1:] + edges[:-1]) / 2 for edges in self._edges]
        points = torch.cartesian_prod(*middles).reshape(-1, self.low.shape[1])
        found = []
        for part in points.split(max(1, _AT_ONCE // self.low.numel())):
            beyond = torch.maximum(self.low - part[:, None], part[:, None] - self.high).clamp_min(0).sum(dim=2)
            found.append(beyond.argmin(dim=1))
        return torch.cat(found)
