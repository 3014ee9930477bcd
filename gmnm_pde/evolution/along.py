"""What the equations do along a step in space and time, between its stages: states that are passed in a short time.

As in time alone (``ordinary/between.py``): at a few places the equations are evaluated at many times on the polynomials
of a step. What they leave there is as smooth in time as these are, but for what is narrow in the state.
"""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor

from gmnm_pde.evolution.degree import degree
from gmnm_pde.evolution.reading import Statements
from gmnm_pde.evolution.recording import NOT_RECORDED, record
from gmnm_pde.evolution.steps import Step
from gmnm_pde.models.modes import Product, radau
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import Placed, linearize, residuals
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.statement.terms import Term

_EACH = 32
"""Times in a window of a step, spread unevenly."""

_WINDOWS = 256
"""Windows in all the time; a step has its part of them, and one at least."""

_PLACES = {1: 9, 2: 4, 3: 2}
"""Places along each coordinate, by how many coordinates there are."""

_PLAIN = 4
"""Polynomials of the fields up to this degree are seen as a whole at the stages of a step."""

_MISSED = 0.3
"""What stages do not see counts with this factor."""

_OF_ACCOUNT, _SHORTER = 0.1, 0.125
"""A step is to end before the first window in which so large a part of the most in any window is not seen; it is
shortened to no less than a part."""


_END = torch.ones(1, dtype=torch.float64)


@dataclass(frozen=True)
class Missed:
    """What a step does not see.

    Attributes:
        errors: What that may do to each field, as its norm, [fields].
        parts: To which part the step is to be shortened for each, [fields].
        narrow: The most that it did in any step so far, [fields]: how large a field will be that is zero before.
    """

    errors: Tensor
    parts: Tensor
    narrow: Tensor


class Along:
    """The equations along the steps of a march.

    Args:
        statements: The problem.
    """

    def __init__(self, statements: Statements):
        self._statements, self._problem = statements, statements.stated
        interior = [term for term in self._problem.terms if term.group == "interior" and not term.trace.over_space]
        whole = statements.space and statements.parts == 1
        self._terms = [term for term in interior if not _is_plain(statements, term)] if whole else []
        self._basis: Product | None = None
        self._known: dict[tuple[int, ...], list[Tensor]] = {}
        self._rates: dict[str, Tensor] = {}
        self._narrow = torch.zeros(statements.fields, dtype=torch.float64)

    @property
    def looks(self) -> bool:
        """Whether there may be anything narrow in the state."""
        return bool(self._terms)

    def missed(self, step: Step) -> Missed:
        """What there is between the stages of a step."""
        windows = self._windows(step.length)
        parts, smooth, inverse = _times(windows, 2 * step.stages)
        found = torch.zeros(windows, self._statements.fields, dtype=torch.float64)
        for term in self._terms:
            for name, left in self._left(term, step, parts).items():
                apart = (left - smooth @ (inverse @ (smooth.mT @ left))).abs().unflatten(0, (windows, _EACH))
                effect = apart.mean(dim=1) * self._effect(term, name, step)
                found[:, self._statements.tested[name]] += effect.square().mean(dim=1).sqrt()
        volume = math.prod(high - low for low, high in self._statements.bounds)
        found = _MISSED * volume**0.5 * found
        first = (found >= _OF_ACCOUNT * found.amax(dim=0)).double().argmax(dim=0)
        self._narrow = torch.maximum(self._narrow, found.mean(dim=0))
        return Missed(found.mean(dim=0), (first / windows).clamp_min(_SHORTER), self._narrow)

    def _windows(self, length: float) -> int:
        """How many windows a step has: a power of two."""
        part = _WINDOWS * length / (self._statements.end - self._statements.start)
        return 1 if part <= 1 else 1 << round(math.log2(part))

    def _left(self, term: Term, step: Step, parts: Tensor) -> dict[str, Tensor]:
        """What a term leaves at some parts of a step, by name, [n, places] each."""
        points, jets = self._jets(term, step, parts)
        named = linearize(self._problem, Placed(term, Cloud(points)), points, jets, (), slopes=False)
        return {name: own.residual.nan_to_num(0, 0, 0).view(len(parts), -1) for name, own in named.items()}

    def _effect(self, term: Term, name: str, step: Step) -> Tensor:
        """What a step changes of the field of an equation for each part of what that leaves, [places]."""
        statements, order = self._statements, self._statements.orders[self._statements.tested[name]]
        if name not in self._rates:
            self._rates[name] = self._rate(term, name, step)
        later = (statements.end - statements.start) ** max(0, order - 1)
        return step.length * later / self._rates[name].clamp_min(1e-300)

    def _rate(self, term: Term, name: str, step: Step) -> Tensor:
        """How an equation depends on the highest derivative by time of its field, [places]; infinite without one."""
        statements, field = self._statements, self._statements.tested[name]
        points, jets = self._jets(term, step, _END)
        slopes = linearize(self._problem, Placed(term, Cloud(points)), points, jets, ())[name].slopes
        order = statements.orders[field]
        rates = [own.abs() for (k, alpha), own in slopes.items() if k == field and statements.split(alpha)[1] == order]
        if not order or not rates:
            return torch.full((len(points),), math.inf, dtype=torch.float64)
        return torch.stack(rates).sum(dim=0)

    def _jets(self, term: Term, step: Step, parts: Tensor) -> tuple[Tensor, dict[Alpha, Tensor]]:
        """Points [times * places, d] and the derivatives that a term asks for there, [times * places, fields]."""
        statements, orders = self._statements, {alpha: self._statements.split(alpha) for alpha in term.trace.alphas}
        jets = {}
        for alpha, (along, order) in orders.items():
            at_places = step.basis.along_axes(self._rows(step.basis, along), step.states)
            in_time = _in_time(parts, step.stages, order) / step.length**order
            jets[alpha] = torch.tensordot(in_time, at_places, 1).movedim(1, -1).flatten(0, 1)
        return statements.joined(self._places, step.start + parts * step.length), jets

    def _rows(self, basis: Product, orders: tuple[int, ...]) -> list[Tensor]:
        """The modes, differentiated so often, at the places along each coordinate."""
        if self._basis is not basis:
            self._basis, self._known = basis, {}
        if orders not in self._known:
            each = zip(basis.lines, self._lines, orders, strict=True)
            self._known[orders] = [line.rows(places, order) for line, places, order in each]
        return self._known[orders]

    @cached_property
    def _lines(self) -> list[Tensor]:
        """Places along each coordinate, spread unevenly."""
        bounds, generator = self._statements.bounds, torch.Generator().manual_seed(3)
        count = _PLACES.get(len(bounds), 2)
        draws = [torch.rand(count, generator=generator, dtype=torch.float64) for _ in bounds]
        parts = [(torch.arange(count) + own) / count for own in draws]
        return [low + (high - low) * own for (low, high), own in zip(bounds, parts, strict=True)]

    @cached_property
    def _places(self) -> Tensor:
        """All the places, [n, space]."""
        return torch.stack([grid.flatten() for grid in torch.meshgrid(*self._lines, indexing="ij")], dim=1)


def _is_plain(statements: Statements, term: Term) -> bool:
    """Whether an equation is a polynomial of low degree of the fields, with data as coefficients."""
    problem, cloud = statements.stated, sample(term.region, 1, "sobol", seed=1)
    shape = (len(cloud), len(problem.branches))
    jets = {alpha: torch.full(shape, 0.7, dtype=torch.float64) for alpha in term.trace.alphas}

    def named() -> list[Tensor]:
        return list(residuals(problem, Placed(term, cloud), cloud.points, jets, ())[0].values())

    try:
        with torch.enable_grad():
            graph = record(named, [cloud.points, *jets.values()])
    except NOT_RECORDED:
        return False
    return degree(graph, [0, *[1] * len(jets)]) <= _PLAIN


@lru_cache(maxsize=16)
def _in_time(parts: Tensor, stages: int, order: int) -> Tensor:
    """The derivatives of the stages' polynomials at some parts of a step, by the part, [n, stages + 1]."""
    return radau(stages).lagrange(parts, order)


@lru_cache(maxsize=4)
def _times(windows: int, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Parts of a step of some windows, ascending, so many polynomials there, and the inverse of their products."""
    number = windows * _EACH
    draws = np.random.default_rng(11).random(number)
    parts = (np.arange(number) + draws) / number
    smooth = np.polynomial.legendre.legvander(2 * parts - 1, count - 1)
    return torch.from_numpy(parts), torch.from_numpy(smooth), torch.from_numpy(np.linalg.inv(smooth.T @ smooth))
