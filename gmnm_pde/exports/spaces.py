"""The space of a domain without its time, and with other coordinates held fixed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.geometry import Box, Domain, Parted, Product
from gmnm_pde.geometry.composed import is_box


class Slice:
    """What is left of a domain's coordinates where some are fixed.

    Args:
        domain: That of a solution.
        fixed: Values of coordinates by name.
        call: For messages.

    Raises:
        GmnmError: a name is no coordinate, or a shape is cut by what is fixed.
    """

    def __init__(self, domain: Domain, fixed: Mapping[str, float], call: str):
        for name in fixed:
            if name not in domain.coordinates:
                remedy = nearest(name, domain.coordinates)
                raise refuse(f"{call}: {name}={fixed[name]!r}", expected="a coordinate", got=repr(name), remedy=remedy)
        self.coordinates = domain.coordinates
        self.fixed = {name: float(value) for name, value in fixed.items()}
        self.names = tuple(name for name in domain.coordinates if name not in fixed)
        found = _without(domain, set(fixed), call)
        self.domain = _as_box(found) if found is not None else None

    def points(self, places: np.ndarray, **more: float) -> Tensor:
        """Points [n, d] of all coordinates, from places [n, left] in those that are left and values of the others."""
        columns = dict(zip([name for name in self.names if name not in more], places.T, strict=True))
        values = {**self.fixed, **more}
        ordered = [columns[n] if n in columns else np.full(len(places), values[n]) for n in self.coordinates]
        return torch.as_tensor(np.stack(ordered, axis=1), dtype=torch.float64)


def times_of(solution: Any, times: int | Sequence[float] | None, call: str, count: int) -> list[float]:
    """Times at which a solution is shown: those given, or so many over all of its time."""
    low, high = solution.bounds[solution.coordinates.index(solution.time[0])]
    if times is None or isinstance(times, int):
        number = count if times is None else times
        if number < 1:
            raise refuse(f"{call}: times={times!r}", expected="a positive number of times, or a list", got=repr(times))
        return np.linspace(low, high, number).tolist() if number > 1 else [high]
    found = [float(time) for time in np.atleast_1d(np.asarray(times, dtype=float))]
    room = 1e-9 * (high - low)
    outside = [time for time in found if not low - room <= time <= high + room]
    if outside or not found:
        got = f"{outside[0]:g}" if outside else "none"
        raise refuse(f"{call}: times", expected=f"times from {low:g} to {high:g}", got=got)
    return found


def _without(domain: Domain, names: set[str], call: str) -> Domain | None:
    """The domain without some coordinates; None where nothing is left."""
    if isinstance(domain, Parted):
        domain = domain.whole
    if not names & set(domain.coordinates):
        return domain
    if isinstance(domain, Product):
        first, second = (_without(part, names, call) for part in (domain.first, domain.second))
        if first is None or second is None:
            return first if second is None else second
        return Product(first, second)
    if isinstance(domain, Box):
        kept = {n: ends for n, ends in zip(domain.coordinates, domain.bounds, strict=True) if n not in names}
        return Box(**kept) if kept else None
    if set(domain.coordinates) <= names:
        return None
    held = ", ".join(sorted(names & set(domain.coordinates)))
    raise refuse(call, expected=f"all coordinates of {domain} or none to be held fixed", got=f"{held} alone")


def _as_box(domain: Domain) -> Domain:
    """A product of boxes as one box."""
    return Box(**dict(zip(domain.coordinates, domain.bounds, strict=True))) if is_box(domain) else domain
