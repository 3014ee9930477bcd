"""Eigenvalue problems: residuals that are linear in fields and vanish with them, A u + lambda B u = 0.

A mixture gives the modes of a rectangular pencil (``linalg/pencil.py``). Their residuals are evaluated on held-out
points, and errors estimated from leading sub-models as in ``estimate.py``; those of values also from every single row,
as in ``shifts.py``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup, systems
from gmnm_pde.fitting.estimate import FRACTIONS, SAFETY, ErrorEstimate, drawn, quickly_falling
from gmnm_pde.fitting.fit import Fit, fields_from
from gmnm_pde.fitting.inspection import NOTHING_LEFT, Left
from gmnm_pde.fitting.shifted_pencil import ShiftedPencil
from gmnm_pde.fitting.widths import Widths
from gmnm_pde.interruption import pause
from gmnm_pde.linalg.nested_dissection import Groups
from gmnm_pde.linalg.pencil import Pieces
from gmnm_pde.linalg.pencil_functionals import functionals
from gmnm_pde.methods.least_squares import Outcome
from gmnm_pde.residuals import PatchworkSystem, ReadoutSystem

_SAME = 1e-4
"""Values that differ by no more than this, relative to the largest, count as one value of several modes."""

_EXACT = 1e-9
"""Residuals that are smaller than this part of their terms count as zero."""

_MOST_STEPS = 4
"""How often a step in the value is chosen anew: with the first ones B may be nothing but rounding of A."""

_TINY = 1e-300
"""What is divided by is no smaller."""


@dataclass(frozen=True)
class ModeSet:
    """Modes of one mixture: values [count], the ``next`` one [1], coefficients [columns, count], and error estimates.

    ``residuals`` are the validation residuals of the modes, relative to their size; ``drifts`` the estimated errors of
    the values, absolute, and ``fields`` those of the modes, relative L2; ``tried`` says of how many it was chosen.
    """

    setup: Setup
    components: int
    widths: Widths
    model: torch.nn.Module
    systems: tuple[ReadoutSystem, ReadoutSystem]
    values: Tensor
    next: Tensor
    vectors: Tensor
    residuals: Tensor
    drifts: Tensor
    fields: Tensor
    tried: int = 1

    @property
    def worst(self) -> float:
        """The largest relative error of a value, by the estimate."""
        return (self.drifts / sizes_of(self.values, self.next)).max().item()

    @property
    def error(self) -> float:
        """What adaptive methods compare."""
        return self.worst

    @property
    def validation_residual(self) -> float:
        """The largest validation residual of a mode."""
        return self.residuals.max().item()

    drift: ClassVar[None] = None
    """The distance of mode sets from one another is not needed."""

    left: ClassVar[Left] = NOTHING_LEFT
    """Modes leave no residual that conditions could contradict."""

    def candidates(self) -> list[Candidate]:
        """Each mode as a fit of the problem; they share one model, in which ``Fit.install`` puts one of them."""
        fitted, held_out = self.systems
        (name,) = self.setup.problem.parameters
        candidates = []
        for k, value in enumerate(self.values):
            theta = torch.cat([value[None], self.vectors[:, k]])
            outcome = Outcome(theta, fitted.residual(theta).norm().item(), 1, True, "inverse iteration")
            fit = Fit(self.components, self.widths, self.model, fitted, held_out, outcome)  # type: ignore[arg-type]
            by_field = dict.fromkeys(self.setup.problem.fields, self.fields[k].item())
            candidates.append(Candidate(fit, ErrorEstimate(by_field, {name: self.drifts[k].item()})))
        return candidates

    def figures(self, evaluator: Any) -> dict[str, float]:
        """A row of the history."""
        names = self.setup.problem.parameters
        values = {f"{name}_{k}": v for name in names for k, v in enumerate(self.values.tolist(), start=1)}
        return {
            "components": self.components,
            "error_estimate": self.worst,
            "residual": self.validation_residual,
            **values,
        }

    def message(self, row: Mapping[str, float]) -> str:
        """The progress message."""
        return f"{self.components} components: relative error of the values {self.worst:.1e}"


class ModeTrial:
    """The modes of one mixture with their validation residuals."""

    def __init__(self, setup: Setup, components: int, widths: Widths, count: int):
        self.setup, self.components, self.widths, self.count = setup, components, widths, count
        self.model = setup.model(components, widths)
        self.systems = systems(setup, self.model, components)
        fitted = self.systems[0]
        self._centers = fitted.groups[1] if isinstance(fitted, PatchworkSystem) else torch.zeros(1, setup.dimension)
        A, B = _matrices(self.systems[0])
        self.pencil, self._held = ShiftedPencil.beside(A, B, self._centers, count), _matrices(self.systems[1])
        (self.values, self.vectors), self.next = self.pencil.modes(count)
        self.residuals = _residuals(self._held, self.values, self.vectors, self.next)

    @property
    def validation_residual(self) -> float:
        """The largest validation residual of a mode."""
        return self.residuals.max().item()

    def estimated(self, points: Tensor) -> ModeSet:
        """The modes with error estimates from the leading sub-models."""
        (guess,) = self.setup.problem.parameters.values()
        whole = _fields(self.systems[0], points, self.vectors)
        drifts, turns, levels = [], [], []
        for fraction in FRACTIONS if self.setup.partition is None else FRACTIONS[1:]:
            leading = len(self.setup.problem.fields) * int(fraction * self.components)
            (values, vectors), further = self.pencil.modes(self.count, (leading,) * self.setup.patches)
            residuals = _residuals(self._held, values, vectors, further).clamp_min(torch.finfo(values.dtype).tiny)
            drifts.append((values - self.values).abs() / residuals)
            levels.append(residuals)
            parts = _fields(self.systems[0], points, vectors)
            turns.append(turned(whole, self.values, parts, self.values) / residuals)
        rounding = 4 * torch.finfo(self.values.dtype).eps
        shifts, bounds = self._shifts()
        observed = torch.maximum(SAFETY * self.residuals * torch.stack(drifts).amax(dim=0), SAFETY * shifts)
        observed = drawn(observed, bounds, _steadily([*levels, self.residuals]))
        least = self.residuals.square() * sizes_of(self.values, self.next)
        return ModeSet(
            setup=self.setup,
            components=self.components,
            widths=self.widths,
            model=self.model,
            systems=self.systems,
            values=guess + self.values,
            next=guess + self.next,
            vectors=self.vectors / whole.abs().amax(dim=0) * _signs(whole),
            residuals=self.residuals,
            drifts=torch.maximum(observed, least) + rounding * self.values.abs().max(),
            fields=SAFETY * self.residuals * torch.stack(turns).amax(dim=0) + rounding,
        )

    def _shifts(self) -> tuple[Tensor, Tensor]:
        """The shifts of the values by residuals of the fitted rows' sizes and random signs, as for parameters.

        And by residuals of these sizes in the worst case.
        """
        A, B = _matrices(self.systems[0])
        left = functionals(A, B, self._centers, self.values, self.vectors, _SAME)
        rows = A @ self.vectors + B @ self.vectors * self.values
        fitted = _residuals((A, B), self.values, self.vectors, self.next)
        between = (self.residuals / fitted.clamp_min(torch.finfo(fitted.dtype).tiny)).clamp_min(1.0)
        alike = fitted * sizes_of(self.values, self.next)  # those of equations that are symmetric
        every = ((left * rows).norm(dim=0), left.norm(dim=0) * rows.norm(dim=0))
        shifts, bounds = (between * torch.where(own.isfinite(), own, alike) for own in every)
        return shifts, bounds


def _steadily(levels: Sequence[Tensor]) -> Tensor:
    """How quickly residuals fall from level to level, [modes], at the slowest step: 0 if not at all, 1 at most."""
    pairs = [zip(a.tolist(), b.tolist(), strict=True) for a, b in pairwise(levels)]
    falls = [[len(FRACTIONS) * quickly_falling(before, after) for before, after in pair] for pair in pairs]
    return levels[0].new_tensor(falls).amin(dim=0).clamp_max(1.0)


def _matrices(system: ReadoutSystem) -> tuple[Pieces, Pieces]:
    """A and B of residual = (A + (value - guess) B) readout; rows scaled as in a solve, the guess as in the problem.

    Raises:
        GmnmError: residuals that do not vanish with the fields, or are not linear in the value.
    """
    ((name, guess),) = system.problem.parameters.items()
    A, step = _assembled(system, guess), 1.0
    B = _combined(_assembled(system, guess + step), A, 1.0)
    for _ in range(_MOST_STEPS):  # a step with which B is as large as A keeps the digits of B
        better = 2.0 ** round(math.log2(max(1.0, _largest(A) / max(_largest(B), _TINY))))
        if better <= step or not _largest(B):
            break
        step, B = better, _combined(_assembled(system, guess + better), A, 1 / better)
    if not _largest(B):
        raise refuse(f"eigenmodes({system.problem.name})", expected=f"'{name}' in an equation", got="none with it")
    nonlinear = _combined(_combined(A, _assembled(system, guess - step), 1 / step), B, 1.0)
    if _largest(nonlinear) > _EXACT * _largest(B):
        raise refuse(
            f"eigenmodes({system.problem.name})",
            expected=f"residuals that are linear in '{name}', A u + {name} B u",
            got="others, by their values for three of it",
            remedy="Take a power of it as the unknown, or write the problem as one of first order with more fields.",
        )
    return A, B


def _largest(pieces: Pieces) -> float:
    return max(matrix.abs().max().item() for _, matrix in pieces.matrices)


def _combined(first: Pieces, second: Pieces, factor: float) -> Pieces:
    """(first - second) factor, piece by piece."""
    pairs = zip(first.matrices, second.matrices, strict=True)
    return Pieces([(groups, (a - b) * factor) for (groups, a), (_, b) in pairs], first.sizes)


def _assembled(system: ReadoutSystem, value: float) -> Pieces:
    """The matrix that multiplies the readout at one value of the unknown parameter, in pieces."""
    theta = system.like.new_zeros(system.columns)
    theta[0] = value
    matrices: list[tuple[Groups, Tensor]] = []
    if isinstance(system, PatchworkSystem):
        sizes, _ = system.groups
        pieces = (piece for piece in system.pieces(theta) if len(piece[0]) > 1)  # rows of the value alone are zero
        rows = ((tuple(g - 1 for g in groups[1:]), A, r) for groups, A, r in pieces)
    else:
        sizes = (1, system.columns - 1)
        rows = (((0,), A, r) for A, r in system.blocks(theta))
    for groups, matrix, residual in rows:
        pause()
        if residual.abs().max() > _EXACT * matrix.abs().max():
            raise refuse(
                f"eigenmodes({system.problem.name})",
                expected="equations and conditions that zero fields satisfy",
                got=f"a residual of {residual.abs().max():.1e}, rows scaled, at zero fields",
                remedy="An eigenvalue problem has no sources and no data other than 0.",
            )
        matrices.append((groups, matrix[:, 1:]))
    return Pieces(matrices, sizes[1:])


def _residuals(held: tuple[Pieces, Pieces], values: Tensor, vectors: Tensor, further: Tensor) -> Tensor:
    """The validation residuals of modes, ||A v + value B v|| relative to ||value B v||."""
    A, B = held
    image = B @ vectors
    return (A @ vectors + image * values).norm(dim=0) / (sizes_of(values, further) * image.norm(dim=0))


def sizes_of(values: Tensor, further: Tensor) -> Tensor:
    """What errors of values are relative to: their size, or for a value of zero the largest, or that of a further one.

    A further one counts where all are zero beside it.
    """
    sizes = values.abs()
    least = _SAME * torch.cat([sizes, further.abs()]).max()
    largest = sizes.max() if sizes.max() > least else further.abs().max()
    return torch.where(sizes > _SAME * largest, sizes, largest)


def _fields(system: ReadoutSystem, points: Tensor, vectors: Tensor) -> Tensor:
    """All fields of modes at points, [points * fields, modes]."""
    columns = []
    with torch.no_grad():
        for vector in vectors.unbind(1):
            system.model.set_readout(system.readout(torch.cat([vector[:1], vector])))
            columns.append(fields_from(system.problem, points, system.model(points)).flatten())
    return torch.stack(columns, dim=1)


def _signs(fields: Tensor) -> Tensor:
    return fields.gather(0, fields.abs().argmax(dim=0)[None])[0].sign()


def turned(whole: Tensor, known: Tensor, parts: Tensor, values: Tensor) -> Tensor:
    """The distances of modes ``parts`` [n, count] from the span of those with the same value, relative to their size.

    ``whole`` [n, k] are modes with values ``known`` [k].
    """
    distances = []
    for k, value in enumerate(values):
        same = (known - value).abs() <= _SAME * values.abs().max()
        basis = torch.linalg.qr(whole[:, same]).Q
        part = parts[:, k] / parts[:, k].norm()
        distances.append((part - basis @ (basis.mT @ part)).norm())
    return torch.stack(distances)
