"""An equation or a condition along the steps of a march, at a few places and as many times as are wanted."""

import math
from collections.abc import Callable
from contextlib import nullcontext
from functools import lru_cache

import torch
from torch import Tensor

from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.steps import Step
from gmnm_pde.evolution.within_steps.arguments import Argument, Listening
from gmnm_pde.evolution.within_steps.means import NotedIntegrals, from_places
from gmnm_pde.evolution.within_steps.spots import Spots
from gmnm_pde.models.modes import radau
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import Linearized, Placed, linearize
from gmnm_pde.sampling import Cloud
from gmnm_pde.statement.terms import Term

_END = torch.ones(1, dtype=torch.float64)


class Watched:
    """A term along steps.

    Args:
        statements: The problem.
        term: An equation, or a condition on a side or where parts meet.
        spots: Where it is looked at.
    """

    def __init__(self, statements: Statements, term: Term, spots: Spots):
        self.term, self.spots = term, spots
        self._statements, self._problem = statements, statements.problem
        self._known: dict[str, tuple[int, int, Tensor]] = {}
        self._listening: Listening | None = None

    def left(self, step: Step, parts: Tensor) -> dict[str, Tensor]:
        """What the term leaves at some parts of a step, by name, [n, places] each."""
        held = self.spots.held(step.basis, step.start + step.length / 2)
        named = self._linearized(step, parts, slopes=False)
        return {name: own.residual.nan_to_num(0, 0, 0).view(len(parts), -1) * held for name, own in named.items()}

    def left_and_heard(self, step: Step, parts: Tensor) -> tuple[dict[str, Tensor], list[Argument]]:
        """The same, and what functions that may be narrow are given there, [n * places] each."""
        places = len(self.spots.points(step.basis))
        more = 1 + step.stages if self.term.trace.over_space else 0  # integrals take the stages, too
        self._listening = Listening((len(parts) + more) * places)
        left = self.left(step, parts)
        heard, self._listening = self._listening.heard, None
        return left, [own._replace(values=own.values[: len(parts) * places]) for own in heard]

    def effect(self, name: str, step: Step) -> tuple[int, Tensor]:
        """Which field a step changes, and by how much for each part of what a residual of the term leaves, [places].

        An equation tells the highest derivative by time of its field. A condition acts on the highest derivative in
        it, and so on the field itself by as much as this amounts to over all of the space.
        """
        count = len(self.spots.points(step.basis))
        if name not in self._known or len(self._known[name][2]) != count:
            self._known[name] = self._rate(name, step)
        field, order, rates = self._known[name]
        later = (self._statements.end - self._statements.start) ** max(0, order - 1)
        whole = step.length * later if order else 1.0
        return field, whole / rates.clamp_min(1e-300)

    def _rate(self, name: str, step: Step) -> tuple[int, int, Tensor]:
        """The field that a residual tells, of which order in time, and how it depends on it, [places]."""
        statements = self._statements
        slopes = self._linearized(step, _END, slopes=True)[name].slopes
        tested = statements.tested.get(name)
        if tested is None:
            return self._rate_of_condition(slopes)
        order = statements.orders[tested]
        own = [
            slope.abs()
            for (k, alpha), slope in slopes.items()
            if k % statements.fields == tested and statements.split(alpha)[1] == order
        ]
        if not order or not own:
            return tested, 1, torch.full((len(self.spots.points(step.basis)),), math.inf, dtype=torch.float64)
        return tested, order, torch.stack(own).sum(dim=0)

    def _rate_of_condition(self, slopes: dict[tuple[int, Alpha], Tensor]) -> tuple[int, int, Tensor]:
        """The same of a condition."""
        statements = self._statements
        length = max(high - low for low, high in statements.bounds)
        (branch, alpha), slope = max(slopes.items(), key=lambda own: (bool(own[1].any()), sum(own[0][1])))
        orders, in_time = statements.split(alpha)
        return branch % statements.fields, in_time, slope.abs() / length ** sum(orders)

    def _linearized(self, step: Step, parts: Tensor, *, slopes: bool) -> dict[str, Linearized]:
        """The term at some parts of a step, residual by residual, [n * places]."""
        if not self.term.trace.over_space:
            return self._at(step, parts, None, slopes=slopes)
        nodes = torch.cat([parts.new_zeros(1), radau(step.stages).nodes])
        noted, basis = NotedIntegrals(step.basis), step.basis
        points, jets = self._jets(step, nodes, basis.points, basis.values)
        linearize(self._problem, Placed(self.term, Cloud(points), integrate=noted), points, jets, (), slopes=False)
        both = torch.cat([parts, nodes])
        found = self._at(step, both, noted.found, slopes=slopes)
        rows = slice(len(parts) * len(self.spots.points(basis)))
        return {name: own.select(torch.arange(rows.stop)) for name, own in found.items()}

    def _at(self, step: Step, parts: Tensor, known: list[Tensor] | None, *, slopes: bool) -> dict[str, Linearized]:
        """The same, with integrals that are known at the stages, which come last among the parts."""
        places = self.spots.points(step.basis)
        points, jets = self._jets(step, parts, places, lambda own, orders: self.spots.values(step.basis, own, orders))
        normals = self.spots.normals
        cloud = Cloud(points, None if normals is None else normals.repeat(len(parts), 1))
        integrate = None
        if known is not None:
            integrate = from_places(known, len(places), self.spots.volume, _in_time(parts, step.stages, 0))
        placed = Placed(self.term, cloud, integrate=integrate)
        with self._listening or nullcontext():
            return linearize(self._problem, placed, points, jets, (), slopes=slopes)

    def _jets(
        self, step: Step, parts: Tensor, places: Tensor, values: Callable[[Tensor, tuple[int, ...]], Tensor]
    ) -> tuple[Tensor, dict[Alpha, Tensor]]:
        """Points [times * places, d] and the derivatives that the term asks for there, [times * places, branches].

        Args:
            step: The step.
            parts: Of it, [times].
            places: Where, [places, space].
            values: Takes expansions and orders of differentiation to values there.
        """
        jets = {}
        for alpha in self.term.trace.alphas:
            along, order = self._statements.split(alpha)
            in_time = _in_time(parts, step.stages, order) / step.length**order
            jets[alpha] = torch.tensordot(in_time, values(step.states, along), 1).movedim(1, -1).flatten(0, 1)
        return self._statements.joined(places, step.start + parts * step.length), jets


@lru_cache(maxsize=16)
def _in_time(parts: Tensor, stages: int, order: int) -> Tensor:
    """The derivatives of the stages' polynomials at some parts of a step, by the part, [n, stages + 1]."""
    return radau(stages).lagrange(parts, order)
