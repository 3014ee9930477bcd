"""A recipe for mixtures whose components are drawn at random and whose readout is solved for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.models.gmnm import GMNM
from gmnm_pde.sampling import unit_points

DRAWN_FORMS = ("affine", "diagonal", "full")

_REACH = 1.5
"""Ridges are placed up to this many half-diagonals from the middle, so that some pass outside the domain: their tails
serve the corners. From trials on the Poisson problem; 1.2 to 2 do nearly as well."""


@dataclass(frozen=True)
class Mixture:
    """A GMNM with drawn components; ``solve`` chooses their number and widths where they are not given.

    Args:
        components: How many; by default chosen by ``solve``, and as many as ``tol`` needs.
        form: ``affine``, ``diagonal`` or ``full``.
        widths: The slope |a| on the domain scaled to [-1, 1]^d: one number, or one for each coordinate. Large means
            narrow. By default chosen by the residual on held-out points.
    """

    components: int | None = None
    form: str = "affine"
    widths: float | tuple[float, ...] | None = None

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
    ) -> GMNM:
        """A GMNM for inputs in [-1, 1]^d with zero readout, its components drawn evenly by a Sobol sequence.

        The first k components of a draw are the draw of k, up to the sequence's own evenness, so that leading
        sub-models are models in their own right.
        """
        with torch.random.fork_rng(devices=[]):
            model = GMNM(in_features, out_features, components, form=self.form).to(torch.float64)
        with torch.no_grad():
            model.weights.zero_()
            slopes, centers = self._place(components, torch.tensor(list(widths), dtype=torch.float64), seed)
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
        slopes = _directions(unit[:, :-1], d) * scales
        offsets = _REACH * math.sqrt(d) * (2 * unit[:, -1:] - 1)
        return slopes, offsets * slopes / slopes.norm(dim=1, keepdim=True)


def _directions(unit: Tensor, d: int) -> Tensor:
    """Directions on the sphere in d dimensions from points of the unit cube."""
    if d == 1:
        return torch.ones(len(unit), 1, dtype=unit.dtype)
    if d == 2:
        angle = math.pi * unit[:, 0]
        return torch.stack([angle.cos(), angle.sin()], dim=1)
    normal = torch.special.ndtri(unit.clamp(1e-9, 1 - 1e-9))
    return normal / normal.norm(dim=1, keepdim=True)
