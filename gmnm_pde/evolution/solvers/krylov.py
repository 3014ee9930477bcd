"""Newton steps without matrices: GMRES, preconditioned by what is linear with constant coefficients.

The slopes are taken at every stage of a step, at its first guess, and kept for the step. As A^-1 decouples the stages
where slopes are constant, the preconditioner is a division for each frequency. Residuals are of double precision,
products with slopes of single precision as long as Newton's steps do not feel it.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from gmnm_pde.evolution.solvers.protocol import Stages
from gmnm_pde.evolution.solvers.saddle import Saddle
from gmnm_pde.evolution.solvers.separable import Separable
from gmnm_pde.evolution.solvers.symbols import Symbols
from gmnm_pde.evolution.space.galerkin import Galerkin
from gmnm_pde.evolution.space.sides import SeparableGalerkin
from gmnm_pde.evolution.space.splitting import Entry, Split, Varying
from gmnm_pde.linalg.gmres import gmres

_MOST = 40
"""Products in one Newton step."""

_LEFT = (1e-5, 0.3)
"""The least and the most of the residual that one Newton step may leave."""

_ENOUGH = 0.02
"""No more is asked than this part of the error that a step may make."""

_GAINED = 1e-2
"""A Newton step in single precision that gains less than this is followed by some in double precision."""

_ALIKE = 1e-4
"""Changes of a field below this part of its own do not matter, whatever is allowed."""

_ZERO = 1e-20
"""What fields may be off by is no less than this part of the largest of it: one that is zero tells nothing."""

_USELESS = 0.7
"""A Newton step that leaves more than this is none."""

_FILTERED = 0.1
"""What may be left in the error estimate."""

_STALE = 0.1
"""Means of slopes that change by no more than this part of the slopes' size are kept, and what follows from them."""

_SMALL = 0.03
"""Means of slopes below this part of the slopes' size are left to GMRES."""


class Krylov:
    """Newton-GMRES for one system on a torus or in a box."""

    @property
    def exact(self) -> bool:
        """Whether nothing is left to GMRES."""
        return not self._varying.slopes

    def __init__(self, system: Galerkin):
        self.system = system
        self.split = Split(system.statements, system.basis)
        self.symbols: Symbols | Separable | None = None
        self._stages: Stages | None = None
        self._varying = Varying()
        self._length = 0.0
        self._size: float | None = None
        self._single = True

    def residual(self, stages: Stages, increments: Tensor) -> Tensor:
        jets = self.system.shaped(stages.jets(increments))
        if stages is self._stages:
            return self.system.completed(self.split.residual(stages.times, jets).flatten(1), stages.times, jets)
        residual, varying = self.split.linearized(stages.times, jets)
        self._stages, self._size, self._single = stages, None, True
        self._renew(varying, stages.length)
        return self.system.completed(residual.flatten(1), stages.times, jets)

    def _renew(self, varying: Varying, length: float) -> None:
        """The constant parts: means over all points and stages, unless those at hand are near them."""
        means: dict[Entry, float] = dict(self.split.constants)
        near = self.symbols is not None
        for entry, slope in varying.slopes.items():
            mean, size = slope.mean().item(), slope.square().mean().sqrt().item()
            means[entry] = mean if abs(mean) > _SMALL * size else 0.0
            if self.symbols is not None:
                near &= abs(self.symbols.numbers.get(entry, 0.0) - mean) <= _STALE * size
        if self.symbols is None or not near:
            self.symbols = _constant_part(self.system, means)
        elif length != self._length:
            self.symbols.forget()
        self._length = length
        known = self.symbols.numbers
        left = {entry: own for entry, own in self.split.constants.items() if own and entry not in known}
        rest = {entry: torch.full((1, 1), own, dtype=torch.float64) for entry, own in left.items()}
        rest |= {entry: slope - known.get(entry, 0.0) for entry, slope in varying.slopes.items()}
        self._varying = Varying(rest)

    def change(self, stages: Stages, residual: Tensor) -> Tensor | None:
        right = self._preconditioned(stages, residual)
        if not bool(right.isfinite().all()):
            return None
        weights = self._weights(stages, right)
        size = (right * weights).norm().item()
        if not self._varying.slopes or size < _ENOUGH:
            return right
        self._single = self._single and (self._size is None or size < _GAINED * self._size)
        self._size = size
        dtype = torch.float32 if self._single else torch.float64
        scaled = (right * weights).to(dtype).flatten()
        tolerance = min(_LEFT[1], max(_LEFT[0], _ENOUGH / size))
        solved = gmres(self._product(stages, weights, dtype), scaled, tolerance=tolerance, most=_MOST)
        return solved.solution.view_as(right) / weights if solved.left < _USELESS else None

    def _product(self, stages: Stages, weights: Tensor, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
        """The product of the preconditioned matrix and a direction, scaled."""
        varying = self._varying.to(dtype)
        weights = weights.to(dtype)

        def multiplied(flat: Tensor) -> Tensor:
            own = flat.view(stages.method.stages, -1) / weights
            jets = self.system.shaped(self._rises(stages, own))
            return ((own + self._preconditioned(stages, self._varied(varying, jets))) * weights).flatten()

        return multiplied

    def _preconditioned(self, stages: Stages, right: Tensor) -> Tensor:
        symbols = self.symbols
        assert symbols is not None
        return stages.turned(right, lambda k, own: symbols.solved(stages.rate(k), own))

    def _rises(self, stages: Stages, increments: Tensor) -> list[Tensor]:
        """The derivatives by time of increments without a state, each [stages, M]."""
        jets = [increments]
        for _ in stages.state:
            jets.append(stages.method.inverse.to(increments) @ jets[-1] / stages.length)
        return jets

    def _weights(self, stages: Stages, right: Tensor) -> Tensor:
        """By field, so that errors that matter as much count as much, [M]."""
        sizes = self.system.shaped([right])[0].square().sum(dim=(0, 2)).sqrt()
        allowed = stages.allowed.to(right) + _ALIKE * sizes
        least = max(1e-300, _ZERO * allowed.max().item())
        return (1 / allowed.clamp_min(least)).repeat_interleave(self.system.basis.count)

    def _varied(self, varying: Varying, jets: list[Tensor]) -> Tensor:
        """The product of the slopes that vary and a direction; means of free fields are zero whatever varies."""
        product = self.split.varying(varying, jets)
        return self.system.unheld(product.flatten(1))

    def _first(self) -> Varying:
        """The slopes that vary at the first stage."""
        return Varying({entry: slope[:1] for entry, slope in self._varying.slopes.items()})

    def multiplied(self, order: int, vector: Tensor) -> Tensor:
        symbols = self.symbols
        assert symbols is not None
        zero = torch.zeros_like(vector)[None]
        jets = [vector[None] if k == order else zero for k in range(self.system.statements.order + 1)]
        return symbols.multiplied(order, vector) + self._varied(self._first(), self.system.shaped(jets))[0]

    def filtered(self, stages: Stages, right: Tensor) -> Tensor:
        symbols, first = self.symbols, self._first()
        assert symbols is not None
        rate = stages.rate(0).real
        solved = symbols.solved(rate, right)
        if not first.slopes or not bool(solved.isfinite().all()):
            return solved

        def multiplied(vector: Tensor) -> Tensor:
            jets = self.system.shaped([rate**j * vector[None] for j in range(len(stages.state) + 1)])
            return vector + symbols.solved(rate, self._varied(first, jets)[0])

        return gmres(multiplied, solved, tolerance=_FILTERED, most=_MOST).solution


def _constant_part(system: Galerkin, means: Mapping[Entry, float]) -> Symbols | Separable:
    if not isinstance(system, SeparableGalerkin):
        return Symbols(system, means)
    return Saddle(system, means) if system.statements.free else Separable(system, means)
