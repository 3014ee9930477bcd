"""Gauss-Newton to the last digits: boldest proximal steps, several on one Jacobian, through its singular values.

Why other steps stop near 1e-8. The Jacobian's singular values fall over sixteen decades, and what is left of the
residual lies along the smallest: steps must be long, and the bend of the residuals bounds them. That bend lies along
large singular values, where it is cheap to undo. So a step is the minimum of

    |r(theta + d)|^2 + m |d|^2

itself, found by chords, which keep J and its factors and take the residual anew:

    d <- d - (J^T J + m)^-1 (J^T r(theta + d) + m d).

On one Jacobian m falls by 4, and by 4 again, each minimum begun from the last, until chords no longer converge. A step
is at most half as long as the unknowns are: a leap of all weights saturates a network.

The Gram matrix J^T J is rounding below m = 1e-13 of J's mean squared column, and so is J^T r along small singular
values; with J = U S V^T, S (U^T r) is not. While m is large, Cholesky's factors of the smaller Gram matrix do as well
in a third of the time. A network 2, 30, 30, 1 comes to 1e-9 on the paper's Poisson problem in some 45 Jacobians.

Steps by the boldest radius at which actual reduction is still a small part of the promised one are those of DSGNAR
(arXiv 2607.02194). Chords on kept factors are those of modified Newton methods (C. T. Kelley 1995, section 5.4).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.interruption import pause
from gmnm_pde.methods.damped_factors import DampedFactors, Gram, exact_factors
from gmnm_pde.methods.gauss_newton import Linearizable
from gmnm_pde.methods.loop import Squares, check_counts, check_positive, put
from gmnm_pde.methods.method import TrainingMethod, threshold


@dataclass(frozen=True, repr=False)
class ProximalGaussNewton(TrainingMethod):
    """Gauss-Newton steps that minimise the damped residual itself: for networks of up to some thousand parameters.

    Args:
        steps: The most Jacobians.
        damping: m at the start, relative to the mean squared norm of the Jacobian's columns.
        patience: Stop when the held-out residual has not fallen for this many steps, and go back to where it was least.
        cut: By this factor m falls from one minimum to the next.
        chords: The most chords for one minimum.
        promise: A minimum is found where the residual has fallen by this part of what the linear model promised.
        longest: The longest step, in parts of the norm of the unknowns.
        exact_below: Singular values take the place of the Gram matrix below this damping, times the precision's eps.
        most_damping: The method stops where no step goes down with less damping than this.
        memory: The most bytes of a Jacobian.
    """

    compilable: ClassVar[bool] = False

    steps: int = 300
    damping: float = 1e-2
    patience: int | None = None
    cut: float = threshold(0.25)
    chords: int = threshold(40)
    promise: float = threshold(0.9)
    longest: float = threshold(0.5)
    exact_below: float = threshold(5e6)
    most_damping: float = threshold(1e8)
    memory: float = threshold(3 * 2**30)

    def __post_init__(self) -> None:
        check_counts("ProximalGaussNewton", steps=self.steps, patience=self.patience, chords=self.chords)
        numbers = ("damping", "cut", "promise", "longest", "exact_below", "most_damping", "memory")
        check_positive("ProximalGaussNewton", **{name: getattr(self, name) for name in numbers})
        for name in ("cut", "promise"):
            if getattr(self, name) >= 1:
                call = f"ProximalGaussNewton({name}={getattr(self, name)!r})"
                raise refuse(call, expected="a number below 1", got=repr(getattr(self, name)))

    def points(self, dimension: int) -> int:
        """About half as many as a small network has parameters: steps cost the square of their number."""
        return 250 * dimension

    def begin(self, system: Linearizable, seed: int) -> "_Work":
        """Work on a system."""
        return _Work(self, system)


@dataclass
class _Minimum:
    """A step in coordinates z of the factors, and the residual after it; ``found`` tells it from a mere start."""

    z: Tensor
    residual: Tensor
    norm: float
    direction: Tensor | None = None


class _Work:
    """The method at work on a system: its damping, and the residuals at the unknowns as they are."""

    name, pace, whole = "proximal Gauss-Newton", 1, True

    def __init__(self, method: ProximalGaussNewton, system: Linearizable):
        self._method, self._system = method, system
        self._mu, self._version = method.damping, -1
        self._residual, self._norms, self.ended = torch.empty(0), [], ""

    def look(self, step: int) -> tuple[Tensor, Squares]:
        """The loss; residuals are kept from the last step unless points or weights have changed."""
        if self._version != self._system.version:
            self._residual, self._version = self._system.residual_vector(), self._system.version
            self._norms = []
        loss = self._residual.square().sum()
        return loss, {} if torch.isfinite(loss) else self._system.mean_squares()

    def advance(self) -> int:
        """One Jacobian and the step of the least damping whose minimum chords find; 0 if none goes down."""
        method, unknowns = self._method, self._system.unknowns()
        self._check_memory(sum(p.numel() for p in unknowns))
        kept = torch.cat([p.detach().reshape(-1) for p in unknowns])
        eps = torch.finfo(kept.dtype).eps
        if self._settled(eps):
            return 0
        jacobian = self._system.jacobian()
        mean = jacobian.square().sum().item() / jacobian.shape[1]
        if not math.isfinite(mean):
            return 0
        factors = exact_factors(jacobian) if self._mu < method.exact_below * eps else Gram(jacobian)
        best, start = None, _Minimum(factors.zero, self._residual, self._residual.norm().item())
        taken = self._mu
        while self._mu < method.most_damping:
            found = self._minimum(jacobian, factors, self._mu * mean, best or start, kept)
            if found is not None and (best is None or found.norm < best.norm):
                best, taken = found, self._mu
                if self._mu * method.cut > eps ** (5 / 3):
                    self._mu *= method.cut
                    continue
            if best is not None:
                break
            self._mu /= method.cut
        self._mu = taken
        if best is None or best.direction is None:
            self._put(kept)
            return 0
        self._put(kept + best.direction)
        self._residual = best.residual
        return 1

    def _minimum(
        self, jacobian: Tensor, factors: DampedFactors, damping: float, start: _Minimum, kept: Tensor
    ) -> _Minimum | None:
        """The least residual on the chords' way to the minimum for a damping; None where it does not fall."""
        method, before = self._method, self._residual.norm().item()
        if not factors.damp(damping):
            return None
        first = factors.direction(factors.solve(self._residual, factors.zero))
        promised = before**2 - (self._residual - jacobian @ first).norm().item() ** 2
        longest = method.longest * max(kept.norm().item(), 1.0)
        z, residual, last, rises, best = start.z, start.residual, math.inf, 0, None
        for chord in range(method.chords):
            pause()
            z = z - factors.solve(residual, z)
            direction = factors.direction(z)
            if not direction.norm().item() <= longest:
                break
            self._put(kept + direction)
            residual = self._system.residual_vector()
            norm = residual.norm().item()
            if not norm < 1e6 * before:
                break
            if norm < before and (best is None or norm < best.norm):
                best = _Minimum(z, residual, norm, direction)
            rises += norm > last
            fallen = norm < before and before**2 - norm**2 >= method.promise * promised
            if fallen or rises > _RISES or (chord > _FIRST and _SETTLED * last < norm < last):
                break
            last = norm
        return best

    def _settled(self, eps: float) -> bool:
        """Whether residuals are down to rounding, and the last steps brought little."""
        self._norms = [*self._norms[-_LOOK_BACK:], self._residual.norm().item()]
        small = self._mu < self._method.exact_below * eps and len(self._norms) > _LOOK_BACK
        if small and self._norms[-1] > _LITTLE * self._norms[0]:
            self.ended = f"{self.name} settled: its last {_LOOK_BACK} steps brought little"
        return bool(self.ended)

    def _check_memory(self, columns: int) -> None:
        size = len(self._residual) * columns * self._residual.element_size()
        if size > self._method.memory:
            raise refuse(
                "solve(method=ProximalGaussNewton(...))",
                expected=f"a Jacobian of at most {self._method.memory / 2**30:.1f} GiB (memory=)",
                got=f"{len(self._residual)} residuals and {columns} unknowns, {size / 2**30:.1f} GiB",
                remedy="Give fewer points or a smaller network, or take GaussNewton(), which needs no whole Jacobian.",
            )

    def _put(self, values: Tensor) -> None:
        """Put all unknowns' values, one after another in [n], in their place."""
        unknowns = self._system.unknowns()
        parts = values.split([p.numel() for p in unknowns])
        put(unknowns, [part.view_as(p) for p, part in zip(unknowns, parts, strict=True)])

    def state(self) -> dict[str, Any]:
        """What the next steps depend on."""
        fresh = self._version == self._system.version
        return {"mu": self._mu, "norms": self._norms, "residual": self._residual if fresh else None}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""
        self._mu, self._norms = state["mu"], list(state["norms"])
        if state["residual"] is not None:
            self._residual, self._version = state["residual"], self._system.version


_LOOK_BACK, _LITTLE = 40, 0.8
"""With little damping, residuals that keep this part of their norm over so many steps are down to rounding."""

_RISES = 5
"""Chords whose residual has risen this often go astray."""

_FIRST, _SETTLED = 4, 0.995
"""After so many chords a residual that falls by less than this has settled."""
