"""The error estimate of a solution on boxes: that of mixtures, with fewer traces in place of fewer components.

Solutions with traces of lower degree cost a back-substitution each and are worse. From each of them to the full one the
solution and the held-out residual change; the quotient is how much error a unit of residual makes. The stability
constant, by power iteration with the factors, bounds it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.boxes.bent import Bent
from gmnm_pde.boxes.cut_layout import CutLayout
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.foresight import decay_of
from gmnm_pde.boxes.held_out import HeldOut
from gmnm_pde.boxes.materials.system import JoinedHeldOut
from gmnm_pde.boxes.sizes import Sizes
from gmnm_pde.boxes.space.balance import Balance
from gmnm_pde.boxes.space.coupled import Coupled
from gmnm_pde.boxes.space.levels import at_pins
from gmnm_pde.boxes.system import BoxSystem
from gmnm_pde.boxes.worse import with_lower_cut, worse, worst
from gmnm_pde.fitting.estimate import quickly_falling
from gmnm_pde.fitting.uniqueness import LOST, SUSPECT
from gmnm_pde.linalg.extremes import largest_gain

_FREE = 3e6
"""A larger stability constant is of a problem at resonance, however small the residual is."""

_ROUNDING = 1e-14
"""No estimate is below this, and what the stability constant makes of the rounding of rows."""

SAFETY = 3.0
"""The estimate is this times the observed constant."""

_TELLING = 0.05
"""A worse solution tells something if its residual differs by this part of the solution's at least. The best that does
tells the constant: errors fall faster than residuals, so that worse ones may show too large a one and count by half."""

_HELD_DOWN = 1e-12
"""Rows of about this size hold down the polynomials of boxes that are cut, whatever leaves them free."""

_UNSEEN = 100.0
"""Where no stability constant is measured the bound is so many times what is observed."""

_DEGREES = 4
"""A solution converges quickly if its parts fall tenfold over so many degrees; where it is not smooth they do not, and
worse solutions share what is wrong with it."""

_BEGUN, _UNSOLVED = 1e-2, 0.3
"""Relative to that of zero, a residual below the first is of a solution that shows what it is; one above the second
tells nothing but the bound by the stability constant."""


_FINE, _ROUGH = 1e-4, 1e-2
"""Nonlinear equations on boxes that do not show their solution may have a least residual anywhere within the bound.
Errors between these, as linear equations say, are drawn towards it, larger ones all the way."""


@dataclass(frozen=True)
class Judged:
    """What is known of the error of a solution on boxes.

    Attributes:
        errors: Its estimates by field, relative L2.
        residual: The held-out residual, rows scaled.
        relative: The same relative to that of the zero solution.
        stability: The largest solution that rows of size 1 leave.
        parts: The solution in polynomials by rising degree that are orthonormal in each box, relative to the size of
            each field, [boxes, fields, count].
        unseen: A smaller residual than this shows nothing.
        faint: The numbers of the fields that are next to nothing, judged beside the others.
        moved: By field, how far the solution is from one on fewer boxes before, relative L2; empty without one.
        as_linear: The estimates if nonlinear equations were as good as linear within them; empty of linear ones.
        squares: Of the held-out residuals of each box, their sum, [boxes]; None of boxes between lines.
    """

    errors: tuple[float, ...]
    residual: float
    relative: float
    stability: float
    parts: Tensor
    unseen: float = 0.0
    faint: tuple[int, ...] = ()
    moved: tuple[float, ...] = ()
    as_linear: tuple[float, ...] = ()
    squares: Tensor | None = None

    @property
    def to_lower(self) -> float:
        """The error that smaller boxes or higher degrees are to lower."""
        return max(self.as_linear or self.errors)

    @property
    def doubt(self) -> str:
        """In words, why the answer may be one of many; empty if it is the one."""
        lost = max(self.residual, self.unseen) * self.stability > LOST
        many = self.stability > _FREE or (self.stability > SUSPECT and lost)
        return "the answer is one of many: rows are no larger for some other field than for zero" if many else ""


@torch.no_grad()
def judged(
    system: BoxSystem | Balance | Coupled,
    reference: HeldOut | JoinedHeldOut,
    held_out: HeldOut | JoinedHeldOut,
    coefficients: Tensor,
    left_to_go: Tensor | None,
    lower: Callable[[Degrees], Tensor],
    measured: Callable[[Tensor, Tensor, Tensor], Tensor | None],
    bent: Bent | None = None,
) -> Judged:
    """The estimate for the solution of a system.

    Args:
        system: Factored; that of Newton's last step.
        reference: Held-out residuals linearised at the fields of reference.
        held_out: The same at the solution.
        coefficients: The solution, [boxes, fields, count].
        left_to_go: How far it is from that of the system, if it is.
        lower: Solves the problem with other degrees.
        measured: What errors are relative to, from sizes, differences from means and errors; None if to the sizes.
        bent: The residuals of a nonlinear system.
    """
    layout, degree, sizes = system.layout, system.degrees.inside, Sizes(system.layout, system.degrees)
    tiny, boxes = torch.finfo(coefficients.dtype).tiny, len(layout) ** 0.5
    size = sizes.of(coefficients).clamp_min(tiny)
    squares = None if layout.between_lines else held_out.by_box(coefficients, degree)
    hot = None if squares is None else worst(squares)
    lower_cut = list(with_lower_cut(system))
    others = list(worse(system, lower, None if hot is None else {f for box in hot for f in layout.around[box]}))
    zero = torch.zeros_like(coefficients)
    left, *rest, at_zero = held_out.residuals(torch.stack([coefficients, *others, *lower_cut, zero]), degree).unbind(1)
    at_zero = at_zero if reference is held_out else reference.residuals(zero[None], degree)
    residual = left.norm().item() / boxes
    differing = zip([*others, *lower_cut], rest, strict=True)
    changes = [((other - left).norm().item() / boxes, sizes.of(fewer - coefficients)) for fewer, other in differing]
    telling = _telling(changes, len(others), _TELLING * residual)
    stability, worst_of_all = _stability(system, sizes) if isinstance(system, BoxSystem) else (math.nan, None)
    seen = _Seen(
        system=system,
        sizes=sizes,
        coefficients=coefficients,
        left_to_go=None if left_to_go is None else sizes.of(left_to_go),
        others=others,
        hot=hot,
        residual=residual,
        relative=boxes * residual / max(at_zero.norm().item(), tiny),
        per_unit=_together(system, telling) if telling else None,
        stability=stability,
    )
    errors, parts = seen.errors(size)
    larger = measured(size, sizes.about_mean(coefficients), errors * size)
    if larger is not None:
        errors, parts = seen.errors(larger)
    as_linear = () if bent is None else tuple(errors.tolist())
    if bent is not None and worst_of_all is not None:
        errors = seen.bent_errors(bent, worst_of_all, size if larger is None else larger, errors)
    unseen = _HELD_DOWN if isinstance(layout, CutLayout) and layout.cut else 0.0
    numbers = () if larger is None else tuple((larger > size).nonzero()[:, 0].tolist())
    known = (tuple(errors.tolist()), residual, seen.relative, stability, parts, unseen, numbers)
    return Judged(*known, as_linear=as_linear, squares=squares)


def _telling(changes: Sequence[tuple[float, Tensor]], first: int, least: float) -> list[Tensor]:
    """How much worse solutions are for a unit of residual, those of the ``first`` kind and those of the other.

    Each of ``changes`` is of the residual, which tells nothing below the least, and by field of the solution.
    """
    per_unit: list[list[Tensor]] = [[], []]
    for number, (residual, solution) in enumerate(changes):
        if residual >= least:
            per_unit[number >= first].append(solution / residual)
    return [(own[0] * torch.stack(own).amax(dim=0)).sqrt() for own in per_unit if own]


@dataclass(frozen=True)
class _Seen:
    """What worse solutions and held-out points show of a solution.

    Attributes:
        system: That was solved.
        sizes: Of functions on its boxes.
        coefficients: The solution, [boxes, fields, count].
        left_to_go: By field, how far it is from that of the system, if it is.
        others: Worse solutions with traces of lower degree.
        hot: The boxes that hold most of the residual, where boxes have several sizes.
        residual: The held-out residual, rows scaled.
        relative: The same relative to that of the zero solution.
        per_unit: By field, how much worse a solution is for a unit of residual; None where that is not known.
        stability: The largest solution that rows of size 1 leave; NaN where that is not known.
    """

    system: BoxSystem | Balance | Coupled
    sizes: Sizes
    coefficients: Tensor
    left_to_go: Tensor | None
    others: Sequence[Tensor]
    hot: Sequence[int] | None
    residual: float
    relative: float
    per_unit: Tensor | None
    stability: float

    def bent_errors(self, bent: Bent, worst_of_all: Tensor, scale: Tensor, errors: Tensor) -> Tensor:
        """The errors of a nonlinear system, by how far it is from linear within them."""
        assert isinstance(self.system, BoxSystem)
        own = worst_of_all[: self.system.own].view_as(self.coefficients)
        errors = self.errors(scale, _roughness(errors))[0]
        unit = self.stability / len(self.system.layout) ** 0.5
        return errors * bent.factor(worst_of_all, self.sizes.of(own), errors * scale, unit)

    def errors(self, size: Tensor, least: float = 0.0) -> tuple[Tensor, Tensor]:
        """The errors and the parts of the solution relative to sizes of the fields, [fields].

        Errors are drawn by the part ``least`` of the way to their bound at least.
        """
        tiny = torch.finfo(size.dtype).tiny
        unknown = torch.full_like(size, math.inf)
        observed = unknown if self.per_unit is None else SAFETY * self.residual * self.per_unit
        known = not math.isnan(self.stability)
        bound = torch.full_like(size, self.residual * self.stability) if known else _UNSEEN * observed
        observed = torch.minimum(observed, bound if known or self.per_unit is not None else size)
        parts = self.sizes.times(self.coefficients) / (size[:, None] if len(size) > 1 else 1.0)
        errors = observed * (bound / observed.clamp_min(tiny)).clamp_min(1.0) ** max(least, self._drawn(size, parts))
        if self.left_to_go is not None:
            errors = torch.maximum(errors, self.left_to_go)
        if self.per_unit is not None and isinstance(self.system, BoxSystem | Coupled) and self.system.pins:
            higher = at_pins(self.system, self.sizes, [fewer - self.coefficients for fewer in self.others])
            errors = torch.maximum(errors, observed / SAFETY * higher)  # what bounds errors needs no safety
        eps = torch.finfo(size.dtype).eps
        rounding = _ROUNDING + (eps * self.stability / size if known else torch.zeros_like(size))
        return errors / size + rounding, parts

    def _drawn(self, size: Tensor, parts: Tensor) -> float:
        """How far errors are drawn from what is observed towards their bound: less where the solution converges
        quickly, and more where hardly anything is solved.
        """  # noqa: D205
        basis = self.system.degrees.basis
        if self.hot is None:
            decay = decay_of(_relative(self.coefficients, size), basis)
        else:
            decay = max(decay_of(parts[box], basis) for box in self.hot)
        drawn = 0.5 * (1 - quickly_falling(decay**-_DEGREES, 1.0))
        if self.hot is not None:
            return drawn
        relative = max(self.relative, torch.finfo(size.dtype).tiny)
        unsolved = math.log(relative / _BEGUN) / math.log(_UNSOLVED / _BEGUN)
        return max(drawn, min(1.0, max(0.0, unsolved)))


def _roughness(errors: Tensor) -> float:
    """How far the errors of nonlinear equations are drawn towards their bound."""
    largest = max(errors.max().item(), _FINE)
    return min(1.0, math.log(largest / _FINE) / math.log(_ROUGH / _FINE)) if math.isfinite(largest) else 1.0


def _together(system: BoxSystem | Balance | Coupled, telling: Sequence[Tensor]) -> Tensor:
    """What both kinds of worse solutions tell: errors add.

    Both were seen to tell all of what is wrong of flows in space, which lies between them then.
    """
    each = torch.stack(list(telling))
    flows = isinstance(system, Coupled) and system.level is not None
    return each.log().mean(dim=0).exp() if flows else each.sum(dim=0)


def _relative(coefficients: Tensor, size: Tensor) -> Tensor:
    """The coefficients of all boxes and fields, [n, count]; several fields relative to the size of each."""
    return (coefficients / size[:, None] if len(size) > 1 else coefficients).flatten(0, 1)


def _stability(system: BoxSystem, sizes: Sizes) -> tuple[float, Tensor]:
    """The largest root mean square of a solution whose rows have a root mean square of 1 over the boxes, and that."""
    count, basis = len(system.layout), len(system.degrees.basis)

    def by_box(columns: Tensor) -> Tensor:
        """Columns [own, m] with their fields and columns before the coefficients, [boxes, fields * m, count]."""
        return columns.view(count, -1, basis, columns.shape[1]).transpose(2, 3).flatten(1, 2)

    def flat(found: Tensor, m: int) -> Tensor:
        return found.unflatten(1, (-1, m)).transpose(2, 3).reshape(-1, m)

    def forth(unknowns: Tensor) -> Tensor:
        return flat(sizes.times(by_box(unknowns[: system.own])), unknowns.shape[1])

    def back(values: Tensor) -> Tensor:
        own = flat(sizes.transposed(by_box(values)), values.shape[1])
        return torch.cat([own, own.new_zeros(system.columns - system.own, own.shape[1])])

    like = torch.zeros(system.columns, dtype=torch.float64)
    gain, unknowns = largest_gain(system, forth, back, like)
    return gain * count**0.5, unknowns
