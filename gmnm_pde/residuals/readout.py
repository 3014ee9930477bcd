"""The residuals of a problem as a function of the readout, and their linearisation in it.

The unknowns are the parameters of the problem followed by the readout, component by component:
theta = [parameters | W_11 .. W_F1 | W_12 .. W_F2 | ...] for F fields, so that the leading unknowns always make a
smaller model of the same kind. A theta of the parameters alone leaves the readout as it stands.

The columns of the system are sum_a R_a(x) D^a phi_j(x), with R_a the slopes of a term's residual and D^a phi_j made by
the model.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.interruption import pause
from gmnm_pde.jets import feature_combination
from gmnm_pde.linalg.qr import linear_fit
from gmnm_pde.models import GMNM, Normalized, has_readout
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import (
    Linearized,
    Placed,
    jets_of,
    jumps_of,
    linearize,
    reference_fields,
    reference_jets,
    zero_jets,
)
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term, check_finite

_MOST_OF_THE_WAY = 0.9
"""A step of a bounded parameter covers at most this part of the way to a bound."""

_CHUNK_BYTES = 8 * 2**20
"""Rows are assembled in chunks whose feature matrix has about this size, which keeps temporaries in cache."""

_MANY = 16
"""A network carries all derivatives of a term along: one of more, as in many dimensions, is taken in smaller chunks."""


@dataclass
class ReadoutSystem:
    """The residuals of a problem as a function of the readout and the unknown parameters.

    Args:
        problem: What is solved.
        model: Features and a linear readout.
        placed: The terms with their points.
        scales: By residual name, what its rows are multiplied by.
        engine: How derivatives are made.
    """

    problem: Problem
    model: Any
    placed: Sequence[Placed]
    scales: Mapping[str, float] = field(default_factory=dict)
    engine: str = "auto"

    @property
    def fields(self) -> int:
        """Number of fields."""
        return len(self.problem.fields)

    @property
    def outputs(self) -> int:
        """Number of outputs of the model: of fields, those in several parts of the domain counted in each."""
        return len(self.problem.branches)

    @property
    def extra(self) -> int:
        """Number of unknown parameters, which come first among the unknowns."""
        return len(self.problem.parameters)

    @property
    def features(self) -> int:
        """Number of features of the model."""
        return self.model.readout.shape[1]

    @property
    def numbers_per_point(self) -> int:
        """Roughly how many numbers are held for each point while its rows are assembled."""
        return self.features if has_readout(self.model) else 256

    @property
    def columns(self) -> int:
        """Number of unknowns."""
        return self.extra + self.fields * self.features

    @property
    def rows(self) -> int:
        """Number of residuals, over all terms and points."""
        return sum(len(p.cloud) * len(p.term.trace.names) for p in self.placed)

    @property
    def linear(self) -> bool:
        """Whether the residual is affine in the unknowns."""
        return self.problem.linear

    def part(self, fraction: float) -> Any:
        """How many of the unknowns make the leading sub-model of a fraction of the features."""
        return self.extra + self.fields * max(1, int(fraction * self.features))

    @property
    def like(self) -> Tensor:
        """A tensor of the system's dtype and device."""
        return next(self.model.parameters())

    def guesses(self) -> Tensor:
        """The initial guesses of the unknown parameters."""
        return torch.tensor(list(self.problem.parameters.values()), dtype=self.like.dtype, device=self.like.device)

    def limited(self, theta: Tensor, trial: Tensor) -> Tensor:
        """The unknowns of a trial, of which parameters go no farther than most of the way to their bounds."""
        if not self.problem.limits:
            return trial
        trial = trial.clone()
        for k, name in enumerate(self.problem.parameters):
            if name in self.problem.limits:
                low, high = self.problem.limits[name]
                now = theta[k].item()
                nearest_low = now - _MOST_OF_THE_WAY * (now - low)
                nearest_high = now + _MOST_OF_THE_WAY * (high - now)
                trial[k] = trial[k].clamp(nearest_low, nearest_high)
        return trial

    def start(self) -> Tensor:
        """The unknowns at the parameters' guesses and at the fields of reference, which are zero as a rule."""
        theta = self.like.new_zeros(self.columns)
        theta[: self.extra] = self.guesses()
        some = any((*self.problem.reference, *self.problem.tilt))
        return self.imitating(partial(reference_fields, self.problem), theta) if some else theta

    def imitating(self, fields: Callable[[Tensor], Tensor], theta: Tensor) -> Tensor:
        """The unknowns of fields that are given as a function of points; the parameters are those of ``theta``."""
        points = torch.cat([placed.cloud.points for placed in self.placed]).to(self.like)
        return torch.cat([theta[: self.extra], self.readout_for(points, fields(points)).reshape(-1)])

    @torch.no_grad()
    def readout_for(self, points: Tensor, targets: Tensor) -> Tensor:
        """The readout whose outputs at points [n, d] are nearest to targets [n, fields]: [features, fields]."""
        return linear_fit(self.model.features(points), targets)

    def readout(self, theta: Tensor) -> Tensor:
        """The readout [fields, features] in the unknowns."""
        return theta[self.extra :].reshape(-1, self.fields).mT

    def residual(self, theta: Tensor | None) -> Tensor:
        """All residuals at ``theta``, or of the fields of reference, scaled, [rows]; NaN where a function gives it."""
        chunks = self.linearized(theta, slopes=False, check=False)
        return torch.cat(
            [linearized.residual * self.scale(placed, name, rows) for placed, name, rows, _, linearized in chunks]
        )

    def named_residuals(self, theta: Tensor) -> dict[str, Tensor]:
        """The unscaled residuals by name; those of terms with the same name are put together."""
        by_name: dict[str, list[Tensor]] = {}
        for _, name, _, _, linearized in self.linearized(theta, slopes=False):
            by_name.setdefault(name, []).append(linearized.residual)
        return {name: torch.cat(parts) for name, parts in by_name.items()}

    def blocks(self, theta: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Pieces (A, r) of the linearisation at ``theta``: residual(theta + d) ~ r + A d, rows scaled."""
        for placed, name, rows, points, linearized in self.linearized(theta, slopes=True):
            scale = self.scale(placed, name, rows)
            yield self.matrix(placed, points, linearized) * scale[..., None], linearized.residual * scale

    def images(self, theta: Tensor, vectors: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Pieces (A @ vectors, r) of the linearisation at ``theta``, for columns of unknowns [columns, m]."""
        return ((A @ vectors, r) for A, r in self.blocks(theta))

    def scale(self, placed: Placed, name: str, rows: slice) -> Tensor:
        """What the rows of a residual are multiplied by: one number, [], or one for each, [m]."""
        scale = self.like.new_full((), self.scales.get(name, 1.0))
        if placed.scales is not None and name in placed.scales:
            scale = scale * placed.scales[name][rows].to(self.like)
        return scale

    def linearized(
        self, theta: Tensor | None, *, slopes: bool, check: bool = True
    ) -> Iterator[tuple[Placed, str, slice, Tensor, Linearized]]:
        """Every term, linearised at ``theta`` in chunks of rows; None stands for the fields of reference."""
        start = self.guesses() if theta is None else theta[: self.extra]
        zero = theta is not None and len(theta) > self.extra and not theta[self.extra :].any()
        if theta is not None and len(theta) > self.extra:
            self.model.set_readout(self.readout(theta))
        for placed in self.placed:
            chunk = self._chunk(placed.term)
            for first in range(0, len(placed.cloud), chunk):
                pause()
                rows = slice(first, min(first + chunk, len(placed.cloud)))
                points = placed.cloud.points[rows].to(self.like)
                with torch.no_grad():
                    if theta is None:
                        jets = reference_jets(placed.term, points, self.problem)
                    elif zero:
                        jets = self.jets_at_zero(placed.term, points)
                    else:
                        jets = self.jets(placed.term, points)
                by_name = linearize(self.problem, placed, points, jets, start.unbind(), rows, slopes=slopes)
                for name, linearized in by_name.items():
                    if check:
                        check_finite(name, linearized.residual, placed.term.region.coordinates, points)
                        for slope in linearized.slopes.values():
                            check_finite(name, slope, placed.term.region.coordinates, points, slopes=True)
                    yield placed, name, rows, points, linearized

    def _chunk(self, term: Term) -> int:
        """How many points' rows are assembled at a time."""
        inner = self.model.inner if isinstance(self.model, Normalized) else self.model
        carried = 1 if isinstance(inner, GMNM) else max(1, len(term.trace.alphas) // _MANY)
        numbers = self.numbers_per_point * carried
        return max(64, _CHUNK_BYTES // (numbers * self.like.element_size()))

    def jets(self, term: Term, points: Tensor) -> dict[Alpha, Tensor]:
        """The derivatives that a term needs of the model's outputs at points [n, d], or of their jumps.

        Where the domain has parts, those of the term's own parts, others being zero.
        """
        if not term.parts:
            return jets_of(self.model, term, points, self.engine)
        names = list(self.problem.domain.parts)
        parts = [names.index(part) for part in term.parts]
        return jumps_of(term, points, lambda at: self.model.output_jet(at, term.trace.alphas, parts))

    def jets_at_zero(self, term: Term, points: Tensor) -> dict[Alpha, Tensor]:
        """The same where the readout is zero."""
        return zero_jets(term, points, self.outputs)

    @torch.no_grad()
    def matrix(self, placed: Placed, points: Tensor, linearized: Linearized) -> Tensor:
        """The rows of the linearisation, [m, columns]."""
        block = points.new_zeros(len(points), self.columns)
        for k, slope in linearized.by_parameter.items():
            block[:, k] = slope
        body = block[:, self.extra :].view(len(points), self.features, self.fields)
        for k in range(self.fields):
            slopes = {alpha: _compact(slope) for (output, alpha), slope in linearized.slopes.items() if output == k}
            if not slopes:
                continue
            columns = feature_combination(self.model, points, slopes, self.engine)
            if placed.term.partner is not None:
                columns = feature_combination(self.model, placed.term.partner(points), slopes, self.engine) - columns
            body[:, :, k] = columns
        return block


def _compact(slope: Tensor) -> Tensor:
    """A slope as a single number if it is the same at every point, which saves the model work."""
    return slope[0] if bool((slope == slope[0]).all()) else slope
