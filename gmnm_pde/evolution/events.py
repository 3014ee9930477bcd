"""Events of a problem with space: where they are in a step, and what they make of the fields; and its invariants."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from gmnm_pde.evolution.moments import Moments, Observable, moments_in
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.steps import Step
from gmnm_pde.evolution.within_steps.crossings import Crossing, Watched, crossings
from gmnm_pde.models.modes import Product
from gmnm_pde.statement.events import Happening

_ZERO = 1e-12
"""A function is zero where it is below this part of the fields, and of their squares."""

_LOOKS, _LOOKS_IN_SPACE = 64, 16
"""Places within a step at which means and integrals are looked at, and functions that vary in space."""


class Events:
    """Those of a problem.

    One whose function has different values in space happens where the largest of them rises through zero, or the
    smallest falls.

    Args:
        statements: The problem.
    """

    def __init__(self, statements: Statements):
        self._happenings: Sequence[Happening] = statements.problem.events
        self._seen = [
            (own, Observable(statements, own.function)) for own in self._happenings if own.function is not None
        ]
        fields = statements.problem.fields
        self._changes = {
            own.name: [(fields.index(c.field), c.order, Observable(statements, c.value)) for c in own.changes]
            for own in self._happenings
        }

    def at(self, time: float) -> tuple[Happening, ...]:
        """Those at a known time."""
        return tuple(own for own in self._happenings if time in own.at)

    def within(self, step: Step) -> Iterator[Crossing]:
        """Those in a step, one after another."""
        watched = []
        for happening, observable in self._seen:
            looks = _LOOKS if observable.is_whole else _LOOKS_IN_SPACE
            for direction, extreme in ((1, _largest), (-1, _smallest)):
                if happening.direction != -direction:
                    values = partial(_seen_in, step, observable, extreme)
                    watched.append(Watched(happening, direction, values, looks))
        return crossings(watched)

    def changed(self, happenings: Sequence[Happening], before: Moments, basis: Product) -> list[Tensor]:
        """The fields and their derivatives by time after some events, each [fields, modes], in a basis.

        Args:
            happenings: The events at one time, each of which sees what those before it made.
            before: The fields at that time, [1, fields, modes].
            basis: In which fields are expanded afterwards.
        """
        jets = [before.basis.transfer(jet, basis) for jet in before.jets]
        for happening in happenings:
            now = Moments(before.times, basis, jets)
            jets = [jet.clone() for jet in jets]
            for field, order, value in self._changes[happening.name]:
                jets[order][0, field] = basis.projected(value.on_quadrature(now, basis)[0])
        return [jet[0] for jet in jets]


def drift(observable: Observable, steps: Sequence[Step]) -> float:
    """By how much a function changes at most, at the ends of steps, relative to its largest size.

    A function that is zero but for rounding, as a mean of fields that are not, does not change.
    """
    ends = torch.ones(1, dtype=torch.float64)
    known = [observable.everywhere(moments_in(step, ends, observable.orders)) for step in steps]
    known.append(observable.everywhere(moments_in(steps[0], 0 * ends, observable.orders)))
    same = len({len(own[0]) for own in known}) == 1
    values = torch.cat(known) if same else torch.stack([own.mean()[None] for own in known])
    sizes = steps[0].basis.norms(steps[0].states[0]) / steps[0].basis.weights.sum().sqrt()
    if values.abs().max() <= _ZERO * max(sizes.max(), sizes.max() ** 2):
        return 0.0
    return float((values.amax(dim=0) - values.amin(dim=0)).max() / (values.abs().max() or 1.0))


def _seen_in(step: Step, observable: Observable, extreme: Callable[[Tensor], Tensor], parts: np.ndarray) -> np.ndarray:
    at = torch.from_numpy(parts)
    return extreme(observable.everywhere(moments_in(step, at, observable.orders))).numpy()


def _smallest(values: Tensor) -> Tensor:
    return -_largest(-values)


def _largest(values: Tensor) -> Tensor:
    """The largest of values [n, places, ...], by parabolas between the places: [n]."""
    flat = values.flatten(1)
    top, where = flat.max(dim=1)
    places = torch.unravel_index(where, values.shape[1:])
    total, each = top.clone(), torch.arange(len(values))
    for axis, count in enumerate(values.shape[1:]):
        at, inner = list(places), (places[axis] > 0) & (places[axis] < count - 1)
        sides = []
        for shift in (-1, 1):
            at[axis] = (places[axis] + shift).clamp(0, count - 1)
            sides.append(values[(each, *at)])
        bend = sides[0] + sides[1] - 2 * top
        rise = torch.where(inner & (bend < 0), (sides[1] - sides[0]) ** 2 / (-8 * bend), 0.0)
        total = total + rise
    return total
