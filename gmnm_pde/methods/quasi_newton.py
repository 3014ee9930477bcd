"""Quasi-Newton methods: L-BFGS as PyTorch has it, and self-scaled updates of a whole inverse Hessian."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.interruption import pause
from gmnm_pde.methods.loop import Squares, Trainable, check_counts, check_positive
from gmnm_pde.methods.method import TrainingMethod, threshold

_STRIDE = 10
"""Iterations of PyTorch's L-BFGS between looks: within them it needs no evaluation of its own."""

UPDATES = ("bfgs", "broyden")


@dataclass(frozen=True, repr=False)
class LBFGS(TrainingMethod):
    """L-BFGS with a strong Wolfe line search (torch.optim.LBFGS).

    PyTorch's tolerances, which stop it early on small losses, are switched off: it ends when its steps are done, when
    the time is up, or when a fresh start finds no decrease.

    Args:
        steps: The most iterations.
        history: How many updates are remembered.
        patience: Stop when the held-out residual has not fallen for this many steps, and go back to where it was least.
    """

    steps: int = 1000
    history: int = 100
    patience: int | None = None

    def __post_init__(self) -> None:
        check_counts("LBFGS", steps=self.steps, history=self.history, patience=self.patience)

    def begin(self, system: Trainable, seed: int) -> "_LimitedMemory":
        """Work on a system."""
        return _LimitedMemory(self, system)


class _LimitedMemory:
    """PyTorch's L-BFGS at work on a system."""

    name, pace, whole = "L-BFGS", 1, True

    def __init__(self, method: LBFGS, system: Trainable):
        self._method, self._system = method, system
        self._done, self._fresh, self._before, self._version = 0, False, math.inf, system.version
        self._loss = torch.empty(())
        self._optimizer = self._start()

    def _start(self) -> torch.optim.LBFGS:
        return torch.optim.LBFGS(
            self._system.unknowns(),
            history_size=self._method.history,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            line_search_fn="strong_wolfe",
        )

    def look(self, step: int) -> tuple[Tensor, Squares]:
        """The loss."""
        self._done = step
        with torch.no_grad():
            self._loss, squares = self._system.loss()
        return self._loss, squares

    def advance(self) -> int:
        """Some iterations; from a start without memory where the last ones found no decrease; 0 after two such."""
        loss = self._loss.item()
        if self._version != self._system.version:
            self._optimizer, self._fresh, self._version = self._start(), False, self._system.version
        elif not loss < self._before:
            if self._fresh:
                return 0
            self._optimizer, self._fresh = self._start(), True
        else:
            self._fresh = False
        self._before = loss
        count = min(_STRIDE, self._method.steps - self._done)
        self._iterate(count)
        return count

    def _iterate(self, count: int) -> None:
        group = self._optimizer.param_groups[0]
        group["max_iter"], group["max_eval"] = count, 3 * count + 10
        self._optimizer.step(self._evaluate)

    def _evaluate(self) -> Tensor:
        """The loss, with gradients that PyTorch's L-BFGS can take: it views each as a vector."""
        pause()
        loss, _ = self._system.gradient()
        for parameter in self._system.unknowns():
            if parameter.grad is not None:
                parameter.grad = parameter.grad.contiguous()
        return loss

    def state(self) -> dict[str, Any]:
        """What the next steps depend on."""
        current = self._version == self._system.version
        known = {"fresh": self._fresh, "before": self._before, "current": current}
        return {"optimizer": self._optimizer.state_dict(), **known}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""
        self._optimizer.load_state_dict(state["optimizer"])
        self._fresh, self._before = state["fresh"], state["before"]
        self._version = self._system.version if state["current"] else -1


@dataclass(frozen=True, repr=False)
class SelfScaled(TrainingMethod):
    """Self-scaled quasi-Newton updates of the whole inverse Hessian.

    Broyden's family with the scaling and the member of M. Al-Baali, as J. F. Urban, P. Stefanou and J. A. Pons found it
    to serve physics-informed networks (arXiv 2405.04230). Memory grows with the square of the number of parameters:
    5,301 take 225 MB in double precision.

    Args:
        steps: The most iterations.
        update: ``"broyden"``, whose member of the family is chosen at each step, or ``"bfgs"``.
        patience: Stop when the held-out residual has not fallen for this many steps, and go back to where it was least.
        decrease: The line search takes a step that achieves this part of the decrease that the slope promises,
        curvature: and after which the slope is at most this part of the first (the weak Wolfe conditions).
        trials: The most steps that a line search tries.
    """

    steps: int = 1000
    update: str = "broyden"
    patience: int | None = None
    decrease: float = threshold(1e-4)
    curvature: float = threshold(0.9)
    trials: int = threshold(30)

    def __post_init__(self) -> None:
        check_counts("SelfScaled", steps=self.steps, patience=self.patience, trials=self.trials)
        check_positive("SelfScaled", decrease=self.decrease, curvature=self.curvature)
        if self.update not in UPDATES:
            call = f"SelfScaled(update={self.update!r})"
            remedy = nearest(str(self.update), UPDATES)
            raise refuse(call, expected="an update", got=repr(self.update), remedy=remedy)

    def begin(self, system: Trainable, seed: int) -> "_WholeMatrix":
        """Work on a system."""
        return _WholeMatrix(self, system)


class _WholeMatrix:
    """Self-scaled updates of the whole inverse Hessian at work on a system."""

    name, pace, whole = "self-scaled quasi-Newton", 1, True

    def __init__(self, method: SelfScaled, system: Trainable):
        self._method, self._system = method, system
        self._inverse: Tensor | None = None
        self._gradient: Tensor | None = None
        self._loss, self._squares, self._version = torch.empty(()), {}, -1

    def look(self, step: int) -> tuple[Tensor, Squares]:
        """The loss, with its gradient; both are kept from the last line search unless the system has changed."""
        if self._version != self._system.version or self._gradient is None:
            self._inverse, self._version = None, self._system.version
            self._loss, self._squares, self._gradient = self._evaluate()
        return self._loss, self._squares

    def _evaluate(self) -> tuple[Tensor, Squares, Tensor]:
        pause()
        loss, squares = self._system.gradient()
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in self._system.unknowns()]
        return loss, squares, torch.cat([part.flatten() for part in parts])

    def advance(self) -> int:
        """One step along -H g, with a line search; from the gradient anew if that is no way down, 0 if nothing is."""
        for inverse in (self._inverse, None) if self._inverse is not None else (None,):
            self._inverse = inverse
            if self._search():
                return 1
        return 0

    @torch.no_grad()
    def _search(self) -> bool:
        g = self._gradient
        assert g is not None
        direction = -g if self._inverse is None else -(self._inverse @ g)
        slope, loss = (direction @ g).item(), self._loss.item()
        if not slope < 0:
            return False
        start = [parameter.detach().clone() for parameter in self._system.unknowns()]
        low, high = 0.0, math.inf
        length = 1.0 if self._inverse is not None else min(1.0, 1 / g.abs().sum().item())
        for _ in range(self._method.trials):  # bisection for the weak Wolfe conditions (A. Lewis, M. Overton 2013)
            self._place(start, direction, length)
            with torch.enable_grad():
                trial, squares, gradient = self._evaluate()
            value = trial.item()
            if not value <= loss + self._method.decrease * length * slope:
                high = length
            elif (gradient @ direction).item() < self._method.curvature * slope:
                low = length
            else:
                self._update(length * direction, gradient - g, length)
                self._loss, self._squares, self._gradient = trial, squares, gradient
                return True
            length = (low + high) / 2 if math.isfinite(high) else 2 * low
        self._place(start, direction, low)
        if low > 0:
            with torch.enable_grad():
                self._loss, self._squares, self._gradient = self._evaluate()
            self._inverse = None
        return low > 0

    def _place(self, start: list[Tensor], direction: Tensor, length: float) -> None:
        first = 0
        for parameter, value in zip(self._system.unknowns(), start, strict=True):
            moved = direction[first : first + value.numel()].view_as(value)
            parameter.copy_(torch.add(value, moved, alpha=length))
            first += value.numel()

    def _update(self, s: Tensor, y: Tensor, length: float) -> None:
        """H <- (H - Hy Hy^T / y.Hy + phi v v^T) / tau + s s^T / y.s."""
        sy = (s @ y).item()
        if not sy > 0:
            return
        if self._inverse is None:
            self._inverse = torch.eye(len(s), dtype=s.dtype, device=s.device) * (sy / (y @ y).item())
            length = math.nan
        Hy = self._inverse @ y
        yHy = (y @ Hy).item()
        assert self._gradient is not None
        bound = (s @ s).item() / sy * (y @ y).item() / sy if math.isnan(length) else 0.0
        b = bound if math.isnan(length) else -length * (s @ self._gradient).item() / sy  # s.H^-1 s / y.s
        tau, phi = _member(b, yHy / sy, len(s), broyden=self._method.update == "broyden")
        v = s / sy - Hy / yHy
        left = torch.stack([-Hy / (yHy * tau), (phi * yHy / tau) * v, s / sy], dim=1)
        torch.addmm(self._inverse, left, torch.stack([Hy, v, s]), beta=1 / tau, out=self._inverse)

    def state(self) -> dict[str, Any]:
        """What the next steps depend on."""
        return {
            "inverse": self._inverse,
            "gradient": self._gradient,
            "loss": self._loss,
            "squares": self._squares,
            "current": self._version == self._system.version,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""
        self._inverse, self._gradient = state["inverse"], state["gradient"]
        self._loss, self._squares = state["loss"], dict(state["squares"])
        self._version = self._system.version if state["current"] else -1


def _member(b: float, h: float, size: int, *, broyden: bool) -> tuple[float, float]:
    """The scaling tau and the member phi of Broyden's family, from b = s.H^-1 s / y.s and h = y.H y / y.s."""
    if not broyden:
        return min(1.0, 1 / b), 1.0
    a = max(h * b - 1, 1e-12)
    c = math.sqrt(a / (a + 1))
    rho_minus = min(1.0, h * (1 - c))
    theta = max((rho_minus - 1) / a, min(1 / rho_minus, (1 - b) / b))
    sigma = 1 + a * theta
    spread = sigma ** (-1 / max(1, size - 1))
    rho_plus = min(1.0, 1 / b)
    tau = min(rho_plus * spread, sigma) if theta <= 0 else rho_plus * min(spread, 1 / theta)
    return tau, (1 - theta) / (1 + a * theta)
