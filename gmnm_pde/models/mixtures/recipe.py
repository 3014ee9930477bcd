"""A recipe for mixtures whose components are drawn at random and whose readout is solved for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde._errors import nearest, refuse
from gmnm_pde._modes import drawing
from gmnm_pde.models.composite.partition import Partition
from gmnm_pde.models.mixtures.gmnm import GMNM
from gmnm_pde.models.mixtures.periodic import PeriodicRidge
from gmnm_pde.sampling import unit_points

DRAWN_FORMS = ("affine", "diagonal", "full")

_REACH = 1.5
"""Ridges are placed up to this many half-diagonals from the middle, so that some pass outside the domain: their tails
serve the corners. From trials on the Poisson problem; 1.2 to 2 do nearly as well."""


def along_each(widths: float | Sequence[float], dimension: int) -> tuple[float, ...]:
    """Widths for each coordinate, from one number for all of them or from one for each."""
    return tuple(widths) if isinstance(widths, Sequence) else (float(widths),) * dimension


@dataclass(frozen=True)
class Mixture:
    """A GMNM with drawn components; ``solve`` chooses their number and widths where they are not given.

    Args:
        components: How many, in each patch if there are several; by default chosen by ``solve``, and as many as ``tol``
            needs.
        form: ``affine``, ``diagonal`` or ``full``.
        widths: The slope |a| on the domain scaled to [-1, 1]^d: one number, or one for each coordinate. Large means
            narrow. By default chosen by the residual on held-out points.
        patches: A mixture in each of several boxes: their number along each coordinate (one number for all), or a
            ``Partition`` in the problem's coordinates. 1 is one mixture in any case; by default patches are used where
            one mixture leaves a poor error estimate.
        active: Of ridges, on how many coordinates each depends; 1 makes sums of functions of one coordinate. Or the
            sets of coordinates, by their numbers, on which ridges depend in turn: ``((0, 1), (1, 2))``. By default on
            all of them, or in more than three dimensions on 1, 2, all, or the pairs that are found to act together, as
            the held-out residual decides.
    """

    components: int | None = None
    form: str = "affine"
    widths: float | tuple[float, ...] | None = None
    patches: int | tuple[int, ...] | Partition | None = None
    active: int | tuple[tuple[int, ...], ...] | None = None

    def __post_init__(self) -> None:
        call = f"Mixture(components={self.components}, form={self.form!r}, widths={self.widths})"
        if self.components is not None and (not isinstance(self.components, int) or self.components < 1):
            raise refuse(call, expected="a positive number of components", got=repr(self.components))
        if self.form not in DRAWN_FORMS:
            raise refuse(call, expected="a form", got=repr(self.form), remedy=nearest(self.form, DRAWN_FORMS))
        given = self.widths if isinstance(self.widths, tuple | list) else (self.widths,)
        if self.widths is not None and not all(
            isinstance(w, int | float) and math.isfinite(w) and w > 0 for w in given
        ):
            raise refuse(call, expected="positive widths", got=repr(self.widths))

        if self.active is not None and not (_names_coordinates(self.active) and self.form == "affine"):
            expected = "a positive number of coordinates, or sets of their numbers, with form='affine'"
            got = f"{self.active!r} with form={self.form!r}"
            raise refuse(f"Mixture(active={self.active!r})", expected=expected, got=got)
        counts = self.patches if isinstance(self.patches, tuple | list) else (self.patches,)
        if not isinstance(self.patches, Partition | None) and not all(
            isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in counts
        ):
            expected = "positive numbers of patches along each coordinate, or a Partition"
            raise refuse(f"Mixture(patches={self.patches!r})", expected=expected, got=repr(self.patches))

    def coordinates_each(self, d: int) -> int:
        """On how many of d coordinates a component depends at most."""
        largest = max(map(len, self.active)) if isinstance(self.active, tuple) else self.active
        return min(largest or d, d)

    def partition(self, bounds: Sequence[Sequence[float]], smoothness: int) -> Partition | None:
        """The patches in the box ``bounds`` scaled to [-1, 1]^d; None for a single one.

        Raises:
            GmnmError: counts for another number of coordinates, or a partition of another box.
        """
        d, unit = len(bounds), [(-1.0, 1.0)] * len(bounds)
        if self.patches is None or self.patches == 1:
            return None
        if isinstance(self.patches, Partition):
            given = self.patches.bounds
            rounding = 1e-9 * max(high - low for low, high in bounds)
            flat, wanted = (torch.tensor(box, dtype=torch.float64).flatten() for box in (given, bounds))
            if len(flat) != len(wanted) or bool((flat - wanted).abs().max() > rounding):
                raise refuse("Mixture(patches=Partition(...))", expected=f"boxes that fill {bounds}", got=f"{given}")
            return replace(self.patches.mapped(bounds, unit), smoothness=smoothness)
        counts = (self.patches,) * d if isinstance(self.patches, int) else tuple(self.patches)
        if len(counts) != d:
            raise refuse("Mixture(patches=...)", expected=f"{d} counts, one for each coordinate", got=len(counts))
        return Partition.even(counts, smoothness=smoothness)

    def draw(
        self,
        in_features: int,
        out_features: int,
        components: int,
        widths: Sequence[float],
        *,
        seed: int,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
        periodic: Sequence[int] = (),
    ) -> GMNM:
        """A GMNM for inputs in [-1, 1]^d with zero readout, its components drawn evenly by a Sobol sequence.

        The first k components of a draw are the draw of k, up to the sequence's own evenness, so that leading
        sub-models are models in their own right.
        """
        with drawing():
            model = GMNM(in_features, out_features, components, form=self.form, periodic=periodic).to(torch.float64)
        scales = torch.tensor(list(widths), dtype=torch.float64)
        with torch.no_grad():
            model.weights.zero_()
            if isinstance(model.kernel, PeriodicRidge):
                unit = unit_points(components, in_features + len(periodic) + 1, "sobol", seed=seed)
                model.centers.copy_(model.kernel.place(scales, unit))
            else:
                slopes, centers = self._place(components, scales, seed)
                model.kernel.set_slopes(slopes)
                model.centers.copy_(centers)
        return model.to(dtype=dtype, device=device)

    def _place(self, components: int, scales: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """Slopes and centres, each [components, d]."""
        d = len(scales)
        if self.form != "affine":
            unit = unit_points(components, d, "sobol", seed=seed)
            return scales.expand(components, d), 1.2 * (2 * unit - 1)
        unit = unit_points(components, d + (d > 1), "sobol", seed=seed)
        if isinstance(self.active, tuple):
            directions = _grouped_directions(components, d, self.active, seed)
        elif (active := self.coordinates_each(d)) < d:
            directions = _sparse_directions(components, d, active, seed)
        else:
            directions = _directions(unit[:, :-1], d)
        slopes, each = directions * scales, (directions != 0).sum(dim=1, keepdim=True)
        reach = torch.tensor([_REACH * math.sqrt(k) for k in range(d + 1)], dtype=torch.float64)
        offsets = reach[each] * (2 * unit[:, -1:] - 1)
        return slopes, offsets * slopes / slopes.norm(dim=1, keepdim=True)


def _names_coordinates(active: object) -> bool:
    """Whether it is a positive number of coordinates, or sets of coordinates' numbers, none of them empty."""
    if isinstance(active, tuple):
        sets = all(isinstance(group, tuple) and group and len(set(group)) == len(group) for group in active)
        return bool(active) and sets and all(_is_whole(k) and k >= 0 for group in active for k in group)
    return _is_whole(active) and active > 0  # type: ignore[operator]


def _is_whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def _directions(unit: Tensor, d: int) -> Tensor:
    """Unit vectors in d dimensions from points of the unit cube."""
    if d == 1:
        return torch.ones(len(unit), 1, dtype=unit.dtype)
    if d == 2:
        angle = math.pi * unit[:, 0]
        return torch.stack([angle.cos(), angle.sin()], dim=1)
    normal = torch.special.ndtri(unit.clamp(1e-9, 1 - 1e-9))
    return normal / normal.norm(dim=1, keepdim=True)


def _sparse_directions(count: int, d: int, active: int, seed: int) -> Tensor:
    """Unit vectors with ``active`` coordinates that are not zero; all coordinates take turns, in random order."""
    generator = torch.Generator().manual_seed(seed)
    each = d // active  # ridges that share out one order of all coordinates
    turns = [torch.randperm(d, generator=generator)[: each * active] for _ in range(-(-count // each))]
    chosen = torch.cat(turns).view(-1, active)[:count]
    normal = torch.randn(count, active, generator=generator, dtype=torch.float64)
    if active == 1:
        normal = torch.ones_like(normal)
    directions = torch.zeros(count, d, dtype=torch.float64)
    return directions.scatter_add_(1, chosen, normal / normal.norm(dim=1, keepdim=True))


def _grouped_directions(count: int, d: int, groups: Sequence[Sequence[int]], seed: int) -> Tensor:
    """Unit vectors whose coordinates that are not zero are those of the groups, which take turns."""
    largest = max(map(len, groups))
    normal = torch.randn(count, largest, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    sizes = torch.tensor([len(group) for group in groups])
    normal = normal.where(torch.arange(largest) < sizes.repeat(-(-count // len(groups)))[:count, None], 0.0)
    numbers = torch.tensor([(*group, *[group[0]] * (largest - len(group))) for group in groups])
    chosen = numbers.repeat(-(-count // len(groups)), 1)[:count]
    directions = torch.zeros(count, d, dtype=torch.float64)
    return directions.scatter_add_(1, chosen, normal / normal.norm(dim=1, keepdim=True))
