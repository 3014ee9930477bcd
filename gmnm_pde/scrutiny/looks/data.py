"""What a term is made of, as functions of the coordinates alone: its source or values, and its coefficients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.geometry import Domain
from gmnm_pde.jets import Field, Frame, GivenSource
from gmnm_pde.jets.values import Coordinate
from gmnm_pde.multiindex import Alpha, axes_of
from gmnm_pde.residuals.pointwise import Placed, linearize, zero_jets
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.statement.probes import stand_in
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_FEW = 8
"""Points at which it is found out which coordinates a term reads."""

_ASIDE = 1e-9
"""What is differentiated is compared so near to a jump on both sides, as a part of the domain."""

_JUMP = 1e-4
"""It jumps where both differ by more than this part."""

_CHUNK = 2**14
"""Points that are evaluated at once, which bounds the memory of what users' functions make."""


@dataclass(frozen=True)
class Datum:
    """One function of the coordinates in a term.

    Attributes:
        residual: The name of the residual.
        derivative: The derivative of a field, (field, alpha), that it is the coefficient of; None for a source.
        within: Which of the things that the term differentiates it is, from 1; 0 if it is none of them.
    """

    residual: str
    derivative: tuple[int, Alpha] | None
    within: int = 0

    def described(self, problem: Problem, term: Term) -> str:
        """It in words."""
        if self.within:
            return f"what '{term.name}' differentiates"
        if self.derivative is None:
            return f"the {'source' if term.group == 'interior' else 'value'} of '{self.residual}'"
        field, alpha = self.derivative
        names = "".join(problem.domain.coordinates[axis] for axis in axes_of(alpha))
        symbol = problem.branches[field] + (f"_{names}" if names else "")
        return f"the coefficient of {symbol} in '{self.residual}'"


@dataclass(frozen=True)
class Reading:
    """What a term does with coordinates.

    Attributes:
        axes: The numbers of those whose values it reads.
        products: Whether it differentiates more than fields, as ``div(k grad u)`` does.
    """

    axes: tuple[int, ...]
    products: bool


def domain_of(problem: Problem, term: Term) -> Domain:
    """Where a term holds: the domain, or a part of it."""
    domain = problem.domain
    return domain.parts[term.parts[0]] if domain.parts and len(term.parts) == 1 else domain


@dataclass(frozen=True)
class Data:
    """The functions of a term, evaluated for fields whose derivatives are all ``state`` (0, or some number)."""

    problem: Problem
    term: Term
    state: float = 0.0

    def at(self, cloud: Cloud) -> dict[Datum, Tensor]:
        """Their values at points, [n] each; what is the same everywhere is left out where it is seen to be."""
        try:
            parts = [self._chunk(part) for part in _chunks(cloud)]
        except (RuntimeError, ArithmeticError) as error:  # from autograd: what functions raise has its message already
            raise GmnmError(f"the residual '{self.term.name}': {error}") from error
        return {key: torch.cat([part[key] for part in parts]) for key in parts[0] if all(key in p for p in parts)}

    def _chunk(self, cloud: Cloud) -> dict[Datum, Tensor]:
        points = cloud.points
        jets = {a: jet + self.state * (1.0 + 0.1 * sum(a)) for a, jet in self._zero(points).items()}
        guesses = [torch.tensor(value, dtype=points.dtype) for value in self._guesses()]
        found: dict[Datum, Tensor] = {}
        for name, linearized in linearize(self.problem, Placed(self.term, cloud), points, jets, guesses).items():
            if self.state == 0.0:
                found[Datum(name, None)] = linearized.residual
            found.update({Datum(name, key): slope for key, slope in linearized.slopes.items()})
        return found

    def _zero(self, points: Tensor) -> Mapping[Alpha, Tensor]:
        return zero_jets(self.term, points, len(self.problem.branches))

    def _given(self, points: Tensor) -> Mapping[Alpha, Tensor]:
        """Derivatives of the fields that are some numbers."""
        return {a: jet + 0.7 for a, jet in self._zero(points).items()}

    def _guesses(self) -> Sequence[float]:
        """Values of the unknown parameters that leave everything in the terms: a guess of zero would take some out."""
        return [value or 1.0 for value in self.problem.parameters.values()]

    @property
    def domain(self) -> Domain:
        """Where the term holds: the domain, or a part of it."""
        return domain_of(self.problem, self.term)

    def reading(self) -> Reading:
        """What the term reads and differentiates, from one evaluation at a few points."""
        frame = self._watched(sample(self.term.region, _FEW, "sobol", seed=1))
        seen = frame.names if self.problem.lift is not None else frame.seen
        return Reading(tuple(sorted(frame.names.index(name) for name in seen)), bool(frame.products))

    def made(self, cloud: Cloud) -> list[Tensor]:
        """What comes of the term at points, [n] each, and what it differentiates, for derivatives that are given."""
        frame = self._watched(cloud)
        return [*frame.results, *frame.products]

    def differentiates_across(self, at: Tensor, axes: Sequence[int]) -> bool:
        """Whether something that the term differentiates jumps at some places, [k, d], across some coordinates."""
        domain = self.domain
        for axis in axes:
            low, high = domain.bounds[axis]
            step = torch.zeros(domain.dimension, dtype=at.dtype)
            step[axis] = _ASIDE * (high - low)
            inside = domain.contains(at - step) & domain.contains(at + step)
            if not bool(inside.any()):
                continue
            sides = [self._watched(Cloud(at[inside] + way * step)).products for way in (-1, 1)]
            for before, after in zip(*sides, strict=True):
                size = torch.maximum(before.abs(), after.abs()).max()
                if bool((before - after).abs().max() > _JUMP * size):
                    return True
        return False

    @torch.enable_grad()
    def _watched(self, cloud: Cloud) -> "_WatchedFrame":
        """The frame after one evaluation, with derivatives that are given."""
        problem, n = self.problem, len(cloud)
        frame = _WatchedFrame(problem.domain.coordinates, cloud.points, time=problem.domain.time, normals=cloud.normals)
        frame.integrate = stand_in(cloud.points)
        source = GivenSource(self._given(cloud.points))
        fields: dict[str, Any] = {name: Field(frame, source, k, name=name) for k, name in enumerate(problem.branches)}
        numbers = zip(problem.parameters, self._guesses(), strict=True)
        guesses = {name: cloud.points.new_full((n,), value) for name, value in numbers}
        frame.results = list(self.term.evaluate(frame, {**fields, **guesses}).values())
        return frame


class Fluxes(Data):
    """What a term differentiates beside fields, such as the flux in ``div(k grad u + f)``, as functions of a term."""

    def _chunk(self, cloud: Cloud) -> dict[Datum, Tensor]:
        products = self._watched(cloud).products
        return {Datum(self.term.name, None, within=k): value for k, value in enumerate(products, start=1)}


class _WatchedFrame(Frame):
    """A frame that notes which coordinates' values are read, and what other than fields is differentiated."""

    def __init__(self, *arguments: Any, **named: Any):
        super().__init__(*arguments, **named)
        self.seen: set[str] = set()
        self.products: list[Tensor] = []
        self.results: list[Tensor] = []
        self.coordinates = {
            name: _Watched(leaf, self, name, self.seen) for name, leaf in zip(self.names, self.leaves, strict=True)
        }

    def total_derivative(self, value: Tensor, axis: int) -> Tensor:
        self.products.append(value.detach())
        return super().total_derivative(value, axis)


class _Watched(Coordinate):
    """A coordinate that notes when its values are read, not when something is differentiated by it."""

    __slots__ = ("seen",)

    def __init__(self, tensor: Tensor, frame: Frame, name: str, seen: set[str]):
        super().__init__(tensor, frame, name)
        self.seen = seen

    @property
    def tensor(self) -> Tensor:
        self.seen.add(self.name)
        return self._tensor


def _chunks(cloud: Cloud) -> list[Cloud]:
    points = cloud.points.split(_CHUNK)
    normals = [None] * len(points) if cloud.normals is None else cloud.normals.split(_CHUNK)
    return [Cloud(p, n) for p, n in zip(points, normals, strict=True)]
