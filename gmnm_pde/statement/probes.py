"""A term evaluated on made-up numbers, and what these evaluations tell: whether it is affine, and what it may not do.

Numbers of one size see one side of a term only: T^4 with a small factor is nothing beside T' at T = 1, and relu(u - 5)
is zero. So the fields and their derivatives are given numbers of all magnitudes, each its own, and where conditions
prescribe a field, values of that range.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError, refuse
from gmnm_pde.geometry import Domain
from gmnm_pde.jets import Alpha, Field, Frame, partials
from gmnm_pde.sampling import Cloud
from gmnm_pde.statement.degree import bent, is_curved
from gmnm_pde.statement.recording import NOT_RECORDED, Graph, record
from gmnm_pde.statement.terms import Term

Ranges = Mapping[int, tuple[float, float]]
"""Of some fields, by their numbers, the least and the largest value."""

MAGNITUDES = (-9.0, 16.0)
"""The decimal logarithms between which magnitudes are drawn."""

_KNOWN = 1e-3
"""How much the size of other solutions counts in this, which rounding is relative to even where they are near zero."""

_SAME = 1e-9
"""Numbers that differ by no more than this part are the same but for rounding."""

_NOISE = 1e-16
"""Slopes that are below this part of a term's largest one are nothing."""

MODERATE = (-6.0, 6.0)
"""The same where finite differences are taken: of larger numbers even small parts step over many periods and jumps."""

_ULPS = 8
"""Differences of residuals are known to so many roundings of their parts."""

_STEPS = (1e-4, 1e-5, 1e-7, 1e-9)
"""Steps of finite differences, in parts of the numbers."""

_AGREE, _DIFFER, _FEW = 1e-3, 1e-2, 0.005
"""Differences of all steps that agree to the first part, and differ from the slopes by more than the second, on more
points than the third, show that the slopes are not those of the residual."""


_LOOKED_AT = 64
"""At so many points where slopes seem wrong, at most, the rounding of what cancels in them is looked at."""


class Drawn:
    """Numbers for every derivative that a term asks for, drawn when it does, and kept."""

    follows_coordinates = False

    def __init__(self, draw: Callable[[int, Alpha], Tensor]):
        self._draw, self.asked = draw, dict[tuple[int, Alpha], Tensor]()

    def derivative(self, output: int, alpha: Alpha) -> Tensor:
        key = (output, alpha)
        if key not in self.asked:
            self.asked[key] = self._draw(output, alpha).requires_grad_()
        return self.asked[key]

    def changed(self, change: Callable[[Any, Tensor], Tensor]) -> "Drawn":
        """Other numbers, made from these."""
        return Drawn(lambda output, alpha: change((output, alpha), self.derivative(output, alpha).detach()))


@dataclass(frozen=True)
class Place:
    """Points of a term at which it is evaluated, with their numbers among the term's own points."""

    cloud: Cloud
    rows: Tensor

    @classmethod
    def first(cls, cloud: Cloud, count: int, times: int = 1) -> "Place":
        """The first points of some, all of them several times over."""
        return cls(cloud, torch.arange(len(cloud))).at(torch.arange(min(count, len(cloud))).repeat(times))

    def at(self, which: Tensor) -> "Place":
        """Some of the points, in any order."""
        normals = self.cloud.normals
        return Place(Cloud(self.cloud.points[which], None if normals is None else normals[which]), self.rows[which])

    def __len__(self) -> int:
        return len(self.cloud)


class Probe:
    """A term evaluated once on made-up numbers, with its slopes by all of them."""

    def __init__(
        self,
        term: Term,
        domain: Domain,
        fields: Sequence[str],
        place: Place,
        source: Any,
        parameters: Mapping[str, Tensor],
    ):
        self.term, self.domain, self.fields, self.place = term, domain, fields, place
        self.source = source
        self.parameters = {name: value.detach().clone().requires_grad_() for name, value in parameters.items()}
        cloud = place.cloud
        self.frame = frame = Frame(
            domain.coordinates, cloud.points, time=domain.time, normals=cloud.normals, rows=place.rows
        )
        frame.integrate = stand_in(cloud.points)
        frame.sizes = []
        values = {name: Field(frame, source, k, name=name) for k, name in enumerate(fields)}
        self.residuals = term.evaluate(frame, {**values, **self.parameters})

    @property
    def inputs(self) -> dict[Any, Tensor]:
        """The numbers that it was evaluated on: derivatives of fields, and parameters."""
        return {**self.source.asked, **self.parameters}

    def slopes(self, name: str) -> dict[Any, Tensor]:
        """Partial derivatives of a residual by the numbers that occur in it, [n] each."""
        inputs, residual = self.inputs, self.residuals[name]
        if not residual.requires_grad or not inputs:
            return {}
        try:
            found = partials(residual, list(inputs.values()))
        except RuntimeError as error:
            raise refuse(
                f"the residual '{name}'",
                expected="functions that torch can differentiate",
                got=str(error).splitlines()[0],
                remedy="Write steps as torch.where(condition, a, b), or as smooth functions such as torch.sigmoid.",
            ) from None
        return {key: slope for key, slope in zip(inputs, found, strict=True) if slope is not None}

    def again(self, change: Callable[[Any, Tensor], Tensor], place: Place | None = None) -> "Probe":
        """The same term on numbers that are made from these."""
        parameters = {name: change(name, value.detach()) for name, value in self.parameters.items()}
        place = self.place if place is None else place
        return Probe(self.term, self.domain, self.fields, place, self.source.changed(change), parameters)

    def refuse_random(self) -> None:
        """The same numbers must give the same residuals."""
        again = self.again(lambda key, value: value)
        for name, residual in self.residuals.items():
            if not torch.equal(residual.nan_to_num(), again.residuals[name].nan_to_num()):
                raise GmnmError(
                    f"the residual '{name}' changes from one evaluation to the next: expected a function of fields, "
                    "coordinates and parameters alone, got one that draws random numbers or keeps a state. Draw "
                    "them before, outside of the function."
                )

    def refuse_nonlocal(self) -> None:
        """Rows must not depend on one another, nor on their order: the solver linearises point by point."""
        n = len(self.place)
        which = torch.arange(n - 1, n - 1 - max(1, n // 2), -1)
        again = self.again(lambda key, value: value[which], self.place.at(which))
        for name, residual in self.residuals.items():
            size = self._size(name)[which] + residual.detach()[which].abs() + _KNOWN * sum(self.frame.sizes or ())
            if not _same(residual.detach()[which], again.residuals[name].detach(), size):
                raise GmnmError(
                    f"the residual '{name}' at one point depends on other points: expected a pointwise expression, got "
                    "one with a sum, mean or maximum over points, or with one of them. Take that out of the function."
                )

    def refuse_missing_slopes(self) -> None:
        """The residual must change as its slopes say, else a part of it is hidden from differentiation."""
        generator = torch.Generator().manual_seed(7)
        turns = {
            key: (0.5 + 0.5 * torch.rand(len(self.place), generator=generator, dtype=torch.float64)) * turn
            for key, turn in ((key, -1.0 if k % 3 == 1 else 1.0) for k, key in enumerate(self.inputs))
        }
        moved = [
            (step, *(self.again(lambda key, value, h=h: value * (1 + h * turns.get(key, 1.0))) for h in (step, -step)))
            for step in _STEPS
        ]
        for name in self.residuals:
            promised = self._along(name, turns)
            steady = promised.isfinite()
            seen = []
            for step, up, down in moved:
                seen.append((up.residuals[name] - down.residuals[name]).detach() / (2 * step))
                for side in (up, down):  # a step over a kink, or over periods of a sine, shows nothing
                    steady &= (side._along(name, turns) - promised).abs() <= _DIFFER * promised.abs()
            found = torch.stack(seen)
            size = found.abs().amax(dim=0)
            settled = steady & (found.amax(dim=0) - found.amin(dim=0) <= _AGREE * size)
            rounding = torch.finfo(torch.float64).eps * (self._size(name) + self.residuals[name].detach().abs())
            off, limit = (found[-1] - promised).abs(), max(2, _FEW * len(promised))
            far = _DIFFER * (size + promised.abs())
            wrong = settled & (off > far + _ULPS * rounding / min(_STEPS))
            if wrong.sum() > limit:
                some = wrong.nonzero()[:, 0]
                some = some[:: math.ceil(len(some) / _LOOKED_AT)]
                off = (found[0] - promised).abs()[some]  # of the longest step, which rounding is least beside
                unexplained = off > far[some] + _ULPS * self._largest_rounding(name, some) / max(_STEPS)
                wrong = wrong & (unexplained.double().mean() * wrong.sum() > limit)
            if wrong.sum() > limit:
                raise GmnmError(
                    f"the residual '{name}' changes with the unknowns otherwise than its derivatives say: expected an "
                    "expression that torch can differentiate, got one with a part that is hidden from it. Take "
                    "detach(), no_grad(), .data and conversions to other types or to numpy out of the function."
                )

    def _largest_rounding(self, name: str, some: Tensor) -> Tensor:
        """The rounding of a residual at some points, as large as it is for the values that the fields have elsewhere.

        A conductivity that levels off, such as tanh, has a slope that is rounded as what cancels in it is.
        """
        sizes, keeps = [], {key for key in self.inputs if isinstance(key, tuple) and any(key[1])}
        for row in some.tolist():
            far = self.again(lambda key, value, row=row: value[row].expand_as(value) if key in keeps else value)
            sizes.append((far._size(name) + far.residuals[name].detach().abs()).nan_to_num().max())
        return torch.finfo(torch.float64).eps * torch.stack(sizes)

    def affine(self) -> bool:
        """Whether all residuals are affine in the numbers: the same slopes everywhere, and values that follow them."""
        zero = self.again(lambda key, value: torch.zeros_like(value))
        for name, residual in self.residuals.items():
            slopes = self.slopes(name)
            if slopes and not self._constant(torch.stack(list(slopes.values()))):
                return False
            start = zero.residuals[name].detach()
            followed = start + sum((slope * self.inputs[key].detach() for key, slope in slopes.items()), 0.0)
            if not _same(residual.detach(), followed, self._size(name) + start.abs()):
                return False
        return True

    def curved(self) -> bool:
        """Whether something is done with the numbers that is no polynomial: those drawn may show no more than a line.

        A coefficient that dips where a field is within a thousandth of some value is 1 for all other numbers.
        """
        graph = self._recorded()
        return graph is not None and is_curved(graph)

    def bent(self) -> dict[str, set[Any]]:
        """By residual the numbers by which its slopes may show more elsewhere than those drawn; all where not known."""
        graph, inputs = self._recorded(), list(self.inputs)
        if graph is None:
            return {name: set(inputs) for name in self.residuals}
        return {name: {inputs[k] for k in own} for name, own in zip(self.residuals, bent(graph), strict=True)}

    def _recorded(self) -> Graph | None:
        """What is done with the numbers; None where that cannot be recorded."""
        inputs = list(self.inputs.values())

        def residuals() -> list[Tensor]:
            return list(self.again(lambda key, value: self.inputs.get(key, value)).residuals.values())

        try:
            return record(residuals, inputs)
        except NOT_RECORDED:
            return None

    def _along(self, name: str, turns: Mapping[Any, Tensor]) -> Tensor:
        """The derivative of a residual where each number changes by a part of itself, [n]."""
        parts = [slope * turns[key] * self.inputs[key].detach() for key, slope in self.slopes(name).items()]
        return sum(parts, torch.zeros(len(self.place), dtype=torch.float64))

    def _constant(self, slopes: Tensor) -> bool:
        """Whether slopes [m, n] are the same for all numbers at each point, which occurs many times among the rows."""
        noise = _NOISE * slopes.nan_to_num().abs().amax().item()
        by_point = slopes.reshape(len(slopes), -1, len(self.place.rows.unique()))
        first = by_point[:, :1].expand_as(by_point)
        return torch.allclose(by_point, first, rtol=_SAME, atol=noise, equal_nan=True)

    def _size(self, name: str) -> Tensor:
        """The size of a residual's parts, by which rounding is judged, [n]."""
        parts = [(slope * self.inputs[key].detach()).abs() for key, slope in self.slopes(name).items()]
        return sum(parts, torch.zeros(len(self.place), dtype=torch.float64)).nan_to_num()


def stand_in(points: Tensor) -> Callable[[Tensor], Tensor]:
    """In place of integrals over space: values at points [n, d] times some factor at each, and constants as they are.

    It is pointwise and linear, as far as a term is concerned, and no integral cancels against the values themselves.
    """
    multiples = torch.arange(1, points.shape[1] + 1, dtype=points.dtype, device=points.device)
    factors = 0.5 + (points * multiples).sum(1).abs() % 0.3
    return lambda values: factors * values if values.requires_grad else values


def all_magnitudes(
    place: Place, seed: int, span: tuple[float, float] = MAGNITUDES, ranges: Ranges | None = None
) -> Callable[..., Tensor]:
    """Draws numbers of all magnitudes and both signs, [n]; of fields that have one, from their range and around it."""
    generator = torch.Generator().manual_seed(seed)
    low, high = span

    def draw(output: int = -1, alpha: Alpha = ()) -> Tensor:
        unit, sign = torch.rand(2, len(place), generator=generator, dtype=torch.float64)
        if ranges and output in ranges and not any(alpha):
            least, most = ranges[output]
            around = 0.5 * (most - least) or 0.1 * abs(least)
            return least - around + (most - least + 2 * around) * unit
        return torch.where(sign < 0.5, -1.0, 1.0) * 10 ** (low + (high - low) * unit)

    return draw


def _same(values: Tensor, others: Tensor, sizes: Tensor) -> bool:
    """Whether numbers are the same but for the rounding of parts of some sizes, or neither of them finite."""
    finite = values.isfinite() & others.isfinite()
    both = finite | ~(values.isfinite() | others.isfinite())
    near = (values - others).abs() <= _SAME * sizes + torch.finfo(torch.float64).tiny
    return bool((both & (near | ~finite)).all())
