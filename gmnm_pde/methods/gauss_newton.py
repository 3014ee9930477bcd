"""Gauss-Newton with Levenberg's damping, on every parameter of a model.

Each step solves min |J d + r|^2 + mu s^2 |d|^2, with r the residuals, each divided by the root of its count, J their
derivatives by all unknowns, and s the root mean square norm of J's columns. This is the natural gradient of the
residual's own metric (J. Mueller, M. Zeinhofer, arXiv 2302.13163). Damping falls as steps keep their promise
(H. B. Nielsen, Damping parameter in Marquardt's method, 1999).

To the step d the method adds half its geodesic acceleration a, which follows the curvature of the residuals along d,

    min |J a + r''(d, d)|^2 + mu s^2 |a|^2,    r''(d, d) ~ 2/h ((r(x + h d) - r(x))/h - J d),

at the price of one more evaluation of the residuals (M. Transtrum, J. Sethna, arXiv 1201.5885). Where it is no longer
short against the step, the step is refused. On the Poisson problem it turns 940 steps to 7e-7 into 750 to 4e-9.

The step is found in the smaller of two spaces, that of the unknowns, (J^T J + mu) d = -J^T r, or that of the residuals,
d = -J^T (J J^T + mu)^-1 r, and in neither, by conjugate gradients, where J would not fit into memory. That normal
equations square the condition number costs no digit here: they only turn the gradient, which is exact, into a step.

Marquardt's scaling, each unknown by its own column, was tried and is worse here: it lets a unit with a small column run
off to a kink between the points (four of four starts of a 1-D Poisson problem stuck, against one of four).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from gmnm_pde.interruption import pause, unbroken
from gmnm_pde.methods.loop import Squares, check_counts, check_positive, put
from gmnm_pde.methods.method import TrainingMethod, threshold


class Linearizable(Protocol):
    """Residuals of unknown tensors, with their Jacobian."""

    version: int

    def unknowns(self) -> list[nn.Parameter]: ...
    def mean_squares(self) -> Squares: ...
    def residual_vector(self) -> Tensor: ...
    def jacobian(self) -> Tensor: ...
    def jacobian_blocks(self) -> Iterator[Tensor]: ...
    def readout_columns(self) -> Tensor: ...
    def fit_readout(self) -> None: ...


@dataclass(frozen=True, repr=False)
class GaussNewton(TrainingMethod):
    """Gauss-Newton steps with Levenberg's damping on all parameters.

    Args:
        steps: The most steps.
        damping: mu at the start, relative to the mean squared norm of the Jacobian's columns.
        eliminate: Whether the readout is eliminated (variable projection, G. Golub and V. Pereyra 1973, in Kaufman's
            form): steps do not damp it, and it is solved for by least squares after each.
        accelerate: Whether steps follow the curvature of the residuals (geodesic acceleration).
        patience: Stop when the held-out residual has not fallen for this many steps, and go back to where it was least.
        least_damping: Damping falls no lower.
        most_damping: The method stops where no step goes down with less damping than this.
        readout_stretch: With the readout eliminated its columns count this many times more, so that damping hardly
            holds them.
        look_ahead: At this part of the step the residuals are evaluated for their curvature.
        longest_acceleration: The length of twice the acceleration, relative to the step's, above which damping grows.
        memory: Bytes above which the Jacobian is not kept: steps are then found by conjugate gradients, and the rows
            are made again, block by block, for every product.
        inner_steps: The most steps of conjugate gradients.
        inner_tolerance: Conjugate gradients stop when their residual has fallen to this part of the first.
    """

    compilable: ClassVar[bool] = False

    steps: int = 300
    damping: float = 1e-2
    eliminate: bool = False
    accelerate: bool = True
    patience: int | None = None
    least_damping: float = threshold(1e-15)
    most_damping: float = threshold(1e12)
    readout_stretch: float = threshold(30.0)
    look_ahead: float = threshold(0.1)
    longest_acceleration: float = threshold(0.75)
    memory: float = threshold(3 * 2**30)
    inner_steps: int = threshold(60)
    inner_tolerance: float = threshold(1e-4)

    def __post_init__(self) -> None:
        check_counts("GaussNewton", steps=self.steps, patience=self.patience, inner_steps=self.inner_steps)
        check_positive(
            "GaussNewton",
            damping=self.damping,
            least_damping=self.least_damping,
            most_damping=self.most_damping,
            readout_stretch=self.readout_stretch,
            look_ahead=self.look_ahead,
            longest_acceleration=self.longest_acceleration,
            memory=self.memory,
            inner_tolerance=self.inner_tolerance,
        )

    def points(self, dimension: int) -> int:
        """Fewer than for gradients: a step costs the square of their number."""
        return 450 * dimension

    def begin(self, system: Linearizable, seed: int) -> "_Work":
        """Work on a system."""
        return _Work(self, system)


class _Work:
    """Gauss-Newton at work on a system: its damping, and the residuals at the unknowns as they are."""

    name, pace, whole = "Gauss-Newton", 1, True

    def __init__(self, method: GaussNewton, system: Linearizable):
        self._method, self._system, self._eliminate = method, system, method.eliminate
        self._mu, self._growth = method.damping, 2.0
        self._version = -1
        self._residual = torch.empty(0)

    def look(self, step: int) -> tuple[Tensor, Squares]:
        """The loss; residuals are kept from the last step unless points or weights have changed."""
        if self._version != self._system.version:
            if self._eliminate:
                self._system.fit_readout()
            self._residual, self._version = self._system.residual_vector(), self._system.version
        loss = self._residual.square().sum()
        return loss, {} if torch.isfinite(loss) else self._system.mean_squares()

    def advance(self) -> int:
        """One step, with as much damping as it takes to go down; 0 if none does."""
        free = self._system.readout_columns() if self._eliminate else None
        steps = _linearize(self._system, self._residual, free, self._method)
        before, loss = self._residual, self._residual.square().sum().item()
        unknowns = self._system.unknowns()
        kept = [parameter.detach().clone() for parameter in unknowns]
        while self._mu < self._method.most_damping:
            pause()
            step = self._direction(steps, kept)
            if step is None:
                self._mu, self._growth = self._mu * self._growth, 2 * self._growth
                continue
            direction, promise = step
            _move(unknowns, direction)
            if self._eliminate:
                self._system.fit_readout()
            trial = self._system.residual_vector()
            trial_loss = trial.square().sum().item()
            gain = (loss - trial_loss) / max(promise, 1e-300) if math.isfinite(trial_loss) else -1.0
            if gain > 0:
                self._residual = trial
                self._mu = max(self._method.least_damping, self._mu * max(1 / 3, 1 - (2 * min(gain, 1.0) - 1) ** 3))
                self._growth = 2.0
                return 1
            put(unknowns, kept)
            self._mu, self._growth = self._mu * self._growth, 2 * self._growth
        self._residual = before
        return 0

    def _direction(self, steps: "_DampedSolver", kept: list[Tensor]) -> tuple[Tensor, float] | None:
        """A step and by how much the linear model says that the loss falls; None if damping must grow first."""
        if not steps.factor(self._mu):
            return None
        direction, image = steps.solve(self._residual)
        promise = -(image @ (2 * self._residual + image)).item()
        if not self._method.accelerate:
            return direction, promise
        unknowns, h = self._system.unknowns(), self._method.look_ahead
        _move(unknowns, h * direction)
        ahead = self._system.residual_vector()
        put(unknowns, kept)
        curvature = 2 / h * ((ahead - self._residual) / h - image)
        acceleration, _ = steps.solve(curvature)
        if not 2 * steps.size(acceleration) <= self._method.longest_acceleration * steps.size(direction):
            return None
        return direction + acceleration / 2, promise

    def state(self) -> dict[str, Any]:
        """What the next steps depend on."""
        fresh = self._version == self._system.version
        return {"mu": self._mu, "growth": self._growth, "residual": self._residual if fresh else None}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""
        self._mu, self._growth = state["mu"], state["growth"]
        if state["residual"] is not None:
            self._residual, self._version = state["residual"], self._system.version


class _DampedSolver(Protocol):
    """Damped steps of one linearisation."""

    def factor(self, mu: float) -> bool:
        """Make ready for a damping; False if rounding does not let it."""
        ...

    def solve(self, residual: Tensor) -> tuple[Tensor, Tensor]:
        """The damped step d for a residual, and J d."""
        ...

    def size(self, direction: Tensor) -> float:
        """The norm that the damping is in."""
        ...


def _linearize(system: Linearizable, residual: Tensor, free: Tensor | None, method: GaussNewton) -> _DampedSolver:
    """The solver for damped steps; ``free`` says which unknowns are the readout's weights, if it is eliminated."""
    columns = sum(parameter.numel() for parameter in system.unknowns())
    if len(residual) * columns * residual.element_size() > method.memory:
        return _ConjugateGradients(system, method.inner_steps, method.inner_tolerance)
    jacobian = system.jacobian()
    scale = torch.ones_like(jacobian[0]) / jacobian.norm(dim=0).square().mean().sqrt()
    if free is not None:
        scale[free] *= method.readout_stretch
    return _NormalEquations(jacobian.mul_(scale), scale)


class _NormalEquations:
    """Cholesky's factorisation of J^T J + mu or J J^T + mu, whichever is smaller."""

    def __init__(self, jacobian: Tensor, scale: Tensor):
        self._jacobian, self._scale = jacobian, scale
        rows, columns = jacobian.shape
        self._tall = columns <= rows
        with unbroken(2.0 * rows * columns * min(rows, columns)):
            self._gram = jacobian.mT @ jacobian if self._tall else jacobian @ jacobian.mT
        self._factor = self._gram

    def factor(self, mu: float) -> bool:
        damped = self._gram.clone()
        damped.diagonal().add_(mu)
        self._factor, broke = torch.linalg.cholesky_ex(damped)
        return not broke

    def solve(self, residual: Tensor) -> tuple[Tensor, Tensor]:
        right = self._jacobian.mT @ residual if self._tall else residual
        solved = -torch.cholesky_solve(right[:, None], self._factor)[:, 0]
        if self._tall:
            return solved * self._scale, self._jacobian @ solved
        return (self._jacobian.mT @ solved) * self._scale, self._gram @ solved

    def size(self, direction: Tensor) -> float:
        return (direction / self._scale).norm().item()


class _ConjugateGradients:
    """Conjugate gradients on the normal equations, with rows of the Jacobian made again for every product."""

    def __init__(self, system: Linearizable, iterations: int, tolerance: float):
        self._system, self._iterations, self._tolerance = system, iterations, tolerance
        squares = torch.stack([block.square().sum(dim=0) for block in system.jacobian_blocks()])
        self._squares, self._ridge = squares.sum(dim=0), 0.0

    def factor(self, mu: float) -> bool:
        self._ridge = mu * self._squares.mean().item()
        return True

    def size(self, direction: Tensor) -> float:
        return direction.norm().item()

    def solve(self, residual: Tensor) -> tuple[Tensor, Tensor]:
        inverse = 1 / (self._squares + self._ridge)
        r = -self._pull(residual)
        d, first = torch.zeros_like(r), r.norm()
        z = inverse * r
        p, rz = z.clone(), r @ z
        for _ in range(self._iterations):
            pause()
            product = self._pull(self._push(p)) + self._ridge * p
            alpha = rz / (p @ product)
            d += alpha * p
            r -= alpha * product
            if r.norm() < self._tolerance * first:
                break
            z = inverse * r
            rz, before = r @ z, rz
            p = z + (rz / before) * p
        return d, self._push(d)

    def _push(self, direction: Tensor) -> Tensor:
        return torch.cat([block @ direction for block in self._system.jacobian_blocks()])

    def _pull(self, residual: Tensor) -> Tensor:
        total, first = 0.0, 0
        for block in self._system.jacobian_blocks():
            total = total + block.mT @ residual[first : first + len(block)]
            first += len(block)
        return total  # type: ignore[return-value]


@torch.no_grad()
def _move(unknowns: list[nn.Parameter], direction: Tensor) -> None:
    start = 0
    for parameter in unknowns:
        parameter.add_(direction[start : start + parameter.numel()].view_as(parameter))
        start += parameter.numel()
