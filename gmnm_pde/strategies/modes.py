"""Eigenvalue problems: residuals that are linear in fields and vanish with them, A u + lambda B u = 0.

Mixtures of growing size give the modes of a rectangular pencil (``linalg/pencil.py``); modes are judged on points held
out, and errors estimated from leading sub-models as in ``estimate.py``.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.adaptivity.p_refinement import AIM, Rung
from gmnm_pde.adaptivity.partitions import first_partition, within
from gmnm_pde.fitting.estimate import FRACTIONS, SAFETY, ErrorEstimate
from gmnm_pde.fitting.fit import Fit, Setup, systems
from gmnm_pde.fitting.widths import Widths, search_widths
from gmnm_pde.linalg.nested_dissection import Groups
from gmnm_pde.linalg.pencil import Modes, Pencil, Pieces
from gmnm_pde.methods.least_squares import Outcome
from gmnm_pde.models import along_each
from gmnm_pde.residuals import PatchworkSystem, ReadoutSystem

_FIRST = {1: 40, 2: 200, 3: 500}
_GROWTH, _MOST = 1.6, 2000
_FIRST_WIDTH, _SEARCHED = 1.5, 500
_PATIENCE = 2

_AIM_OF_PATCHES = 1e-5
_IN_A_PATCH = (60, 100, 140)
_MANY_DIGITS = 3e-5
"""With a smaller tolerance the first size is passed over."""
_NEAR = 1e-4
"""Values this near, relative to the largest, count as one of several modes."""

_EXACT = 1e-9


@dataclass(frozen=True)
class ModeSet:
    """Modes of one mixture: values [count], coefficients [columns, count], and errors as estimated.

    ``scores`` are the held-out residuals relative to the modes; ``drifts`` absolute errors of the values, ``fields``
    relative L2 errors of the modes.
    """

    setup: Setup
    components: int
    widths: Widths
    model: torch.nn.Module
    systems: tuple[ReadoutSystem, ReadoutSystem]
    values: Tensor
    vectors: Tensor
    scores: Tensor
    drifts: Tensor
    fields: Tensor

    @property
    def worst(self) -> float:
        """The largest relative error of a value, by the estimate."""
        return (self.drifts / _sizes(self.values)).max().item()

    def rungs(self) -> list[Rung]:
        """Each mode as a fit of the problem."""
        fitted, held_out = self.systems
        (name,) = self.setup.problem.parameters
        found = []
        for k, value in enumerate(self.values):
            theta = torch.cat([value[None], self.vectors[:, k]])
            outcome = Outcome(theta, fitted.residual(theta).norm().item(), 1, True, "inverse iteration")
            fit = Fit(self.components, self.widths, self.model, fitted, held_out, outcome)  # type: ignore[arg-type]
            by_field = dict.fromkeys(self.setup.problem.fields, self.fields[k].item())
            found.append(Rung(fit, ErrorEstimate(by_field, {name: self.drifts[k].item()})))
        return found


def climb_spectrum(
    setup: Setup,
    count: int,
    judged_on: Tensor,
    *,
    tol: float | None,
    deadline: float,
    on_set: Callable[[ModeSet], None],
) -> tuple[ModeSet, bool, str]:
    """Mode sets of growing size until the estimate is good; the best one, whether it is, and why it ended."""
    setup = _with_patches(setup, tol)
    aim = AIM if tol is None and setup.partition is None else tol or _AIM_OF_PATCHES
    best: ModeSet | None = None
    since, spent, last = 0, 0.0, None
    for components in _components(setup, count, tol):
        if last is not None and time.monotonic() + spent * (components / last.components) ** 3 > deadline:
            break
        started = time.monotonic()
        last = _widths_searched(setup, components, count, judged_on, last, deadline)
        spent = time.monotonic() - started
        on_set(last)
        if best is None or last.worst < 0.5 * best.worst:
            since = 0
        else:
            since += 1
        best = last if best is None or last.worst < best.worst else best
        if best.worst <= aim or since >= _PATIENCE:
            break
    assert best is not None
    met = best.worst <= (1e-2 if tol is None else tol)
    verdict = "" if tol is None else f" {'meets' if met else 'does not meet'} tol={tol:g}"
    return best, met, f"the relative error of the values is estimated at {best.worst:.1e} at most{verdict}"


def _with_patches(setup: Setup, tol: float | None) -> Setup:
    """Patches graded towards re-entrant corners, where modes are singular; as asked for otherwise."""
    domain, partition = setup.problem.domain, setup.partition
    if partition is None and setup.mixture.patches is None and len(domain.reentrant_corners()):
        partition = first_partition(setup.problem, tol or _AIM_OF_PATCHES, setup.seed)
    return setup if partition is None else replace(setup, partition=within(domain, partition))


def _components(setup: Setup, count: int, tol: float | None) -> Sequence[int]:
    if setup.mixture.components:
        return (setup.mixture.components,)
    fields = len(setup.problem.fields)
    if setup.partition is not None:
        sizes = _IN_A_PATCH[1:] if (tol or _AIM_OF_PATCHES) < _MANY_DIGITS else _IN_A_PATCH
        return [round(size / fields**0.5) for size in sizes]
    size, found = max(_FIRST.get(setup.dimension, 800), 4 * count) / fields**0.5, []
    while size < _MOST / fields**0.5:
        found.append(round(size))
        size *= _GROWTH
    return found


def _widths_searched(
    setup: Setup, components: int, count: int, judged_on: Tensor, below: ModeSet | None, deadline: float
) -> ModeSet:
    trials: dict[Widths, _Trial] = {}

    def score(widths: Widths) -> float:
        if trials and time.monotonic() > deadline:
            return math.inf
        trials[widths] = _Trial(setup, components, widths, count)
        return trials[widths].scores.max().item()

    chosen = (_FIRST_WIDTH,) * setup.dimension
    if setup.mixture.widths is not None:
        chosen = along_each(setup.mixture.widths, setup.dimension)
    elif below is not None:
        chosen = tuple(w * (components / below.components) ** (1 / setup.dimension) for w in below.widths)
    if setup.mixture.widths is None and setup.partition is None and components <= _SEARCHED:
        chosen = search_widths(score, chosen, octaves=(1.0, 0.5), by_axis=True)
    else:
        score(chosen)
    return trials[chosen].estimated(judged_on)


class _Trial:
    """The modes of one mixture, and their residuals held out."""

    def __init__(self, setup: Setup, components: int, widths: Widths, count: int):
        self.setup, self.components, self.widths, self.count = setup, components, widths, count
        self.model = setup.model(components, widths)
        self.systems = systems(setup, self.model, components)
        partition = setup.partition
        centers = torch.zeros(1, setup.dimension) if partition is None else partition.centers
        self.pencil, self._held = Pencil(*_matrices(self.systems[0]), centers), _matrices(self.systems[1])
        self.values, self.vectors = _real(self.pencil.modes(count))
        self.scores = _scores(self._held, self.values, self.vectors)

    def estimated(self, judged_on: Tensor) -> ModeSet:
        """With errors as the leading sub-models tell them."""
        (near,) = self.setup.problem.parameters.values()
        whole = _fields(self.systems[0], judged_on, self.vectors)
        drifts, turns = [], []
        for fraction in FRACTIONS if self.setup.partition is None else FRACTIONS[1:2]:
            leading = len(self.setup.problem.fields) * int(fraction * self.components)
            values, vectors = _real(self.pencil.modes(self.count, (leading,) * self.setup.patches))
            scores = _scores(self._held, values, vectors).clamp_min(torch.finfo(values.dtype).tiny)
            drifts.append((values - self.values).abs() / scores)
            turns.append(_turned(whole, _fields(self.systems[0], judged_on, vectors), self.values) / scores)
        rounding = 4 * torch.finfo(self.values.dtype).eps
        return ModeSet(
            setup=self.setup,
            components=self.components,
            widths=self.widths,
            model=self.model,
            systems=self.systems,
            values=near + self.values,
            vectors=self.vectors / whole.abs().amax(dim=0) * _signs(whole),
            scores=self.scores,
            drifts=SAFETY * self.scores * torch.stack(drifts).amax(dim=0) + rounding * self.values.abs().max(),
            fields=SAFETY * self.scores * torch.stack(turns).amax(dim=0) + rounding,
        )


def _matrices(system: ReadoutSystem) -> tuple[Pieces, Pieces]:
    """A and B of residual = (A + (value - near) B) readout; rows scaled as in a solve.

    Raises:
        GmnmError: residuals that do not vanish with the fields, or are not linear in the value.
    """
    ((name, near),) = system.problem.parameters.items()
    at, one = _assembled(system, near), _assembled(system, near + 1.0)
    ratio = _largest(at) / max(_largest(_combined(one, at, 1.0)), 1e-300)
    step = 2.0 ** round(math.log2(min(max(ratio, 1.0), 2.0**30)))
    B = _combined(_assembled(system, near + step), at, 1 / step)  # a step of this size keeps the digits of B
    if not _largest(B):
        raise refuse(f"eigenmodes({system.problem.name})", expected=f"'{name}' in an equation", got="none with it")
    wrong = _combined(_combined(at, _assembled(system, near - step), 1 / step), B, 1.0)
    if _largest(wrong) > _EXACT * _largest(B):
        raise refuse(
            f"eigenmodes({system.problem.name})",
            expected=f"residuals that are linear in '{name}', A u + {name} B u",
            got="others, by their values for three of it",
            remedy="Take a power of it as the unknown, or write the problem as one of first order with more fields.",
        )
    return at, B


def _largest(pieces: Pieces) -> float:
    return max(matrix.abs().max().item() for _, matrix in pieces.matrices)


def _combined(first: Pieces, second: Pieces, factor: float) -> Pieces:
    """(first - second) factor, piece by piece."""
    pairs = zip(first.matrices, second.matrices, strict=True)
    return Pieces([(groups, (a - b) * factor) for (groups, a), (_, b) in pairs], first.sizes)


def _assembled(system: ReadoutSystem, value: float) -> Pieces:
    theta = system.like.new_zeros(system.columns)
    theta[0] = value
    matrices: list[tuple[Groups, Tensor]] = []
    if isinstance(system, PatchworkSystem):
        sizes, _ = system.groups
        rows = ((tuple(g - 1 for g in groups[1:]), A, r) for groups, A, r in system.pieces(theta))
    else:
        sizes = (1, system.columns - 1)
        rows = (((0,), A, r) for A, r in system.blocks(theta))
    for groups, matrix, residual in rows:
        if residual.abs().max() > _EXACT * matrix.abs().max():
            raise refuse(
                f"eigenmodes({system.problem.name})",
                expected="equations and conditions that zero fields satisfy",
                got=f"a residual of {residual.abs().max():.1e}, rows scaled, at zero fields",
                remedy="An eigenvalue problem has no sources and no data other than 0.",
            )
        matrices.append((groups, matrix[:, 1:]))
    return Pieces(matrices, sizes[1:])


def _real(modes: Modes) -> tuple[Tensor, Tensor]:
    """Values, ascending, and vectors as real numbers; of a complex pair the real and the imaginary part."""
    order = sorted(range(len(modes.values)), key=lambda k: (modes.values[k].real.item(), modes.values[k].imag.item()))
    values, vectors = modes.values[order], modes.vectors[:, order]
    largest = vectors.gather(0, vectors.abs().argmax(dim=0)[None])
    turned = vectors * (largest.conj() / largest.abs())
    real = torch.where(values.imag < 0, vectors.imag, torch.where(values.imag > 0, vectors.real, turned.real))
    return values.real, real


def _scores(held: tuple[Pieces, Pieces], values: Tensor, vectors: Tensor) -> Tensor:
    """The held-out residuals of modes, relative to what the values multiply."""
    A, B = held
    image = B @ vectors
    return (A @ vectors + image * values).norm(dim=0) / (_sizes(values) * image.norm(dim=0))


def _sizes(values: Tensor) -> Tensor:
    """What errors of values are relative to; a value of zero has the size of the others."""
    return torch.where(values.abs() > _NEAR * values.abs().max(), values.abs(), values.abs().max())


def _fields(system: ReadoutSystem, points: Tensor, vectors: Tensor) -> Tensor:
    """All fields of modes at points, [points * fields, modes]."""
    lift, found = system.problem.lift, []
    with torch.no_grad():
        for vector in vectors.unbind(1):
            system.model.set_readout(system.readout(torch.cat([vector[:1], vector])))
            values = system.model(points)
            found.append((values if lift is None else lift(points, values)).flatten())
    return torch.stack(found, dim=1)


def _signs(fields: Tensor) -> Tensor:
    return fields.gather(0, fields.abs().argmax(dim=0)[None])[0].sign()


def _turned(whole: Tensor, parts: Tensor, values: Tensor) -> Tensor:
    """How far modes are from the space of those that have the same value, relative to their size."""
    found = []
    for k, value in enumerate(values):
        same = (values - value).abs() <= _NEAR * values.abs().max()
        basis = torch.linalg.qr(whole[:, same]).Q
        part = parts[:, k] / parts[:, k].norm()
        found.append((part - basis @ (basis.mT @ part)).norm())
    return torch.stack(found)
