"""Adam and L-BFGS, as PyTorch has them, on every parameter of a model."""

import math
from dataclasses import dataclass

import torch

from gmnm_pde._errors import refuse
from gmnm_pde.methods.training import Best, Trainable, Trained, Watch, broken, late

_LOOK = 10
"""The loss is read every so many steps: reading it makes the device wait."""


@dataclass(frozen=True)
class Adam:
    """Adam (D. Kingma, J. Ba, arXiv 1412.6980) with a learning rate that may fall as a cosine.

    Args:
        steps: How many.
        lr: The learning rate, at the start.
        schedule: ``"constant"`` or ``"cosine"``, which falls to zero at the last step.
    """

    steps: int = 5000
    lr: float = 1e-3
    schedule: str = "constant"

    def __post_init__(self) -> None:
        _check_steps("Adam", self.steps)
        if not (isinstance(self.lr, int | float) and math.isfinite(self.lr) and self.lr > 0):
            raise refuse("Adam(lr=...)", expected="a positive number", got=repr(self.lr))
        if self.schedule not in ("constant", "cosine"):
            raise refuse("Adam(schedule=...)", expected="'constant' or 'cosine'", got=repr(self.schedule))

    def run(self, system: Trainable, *, deadline: float = math.inf, watch: Watch | None = None) -> Trained:
        """Train until done or time.monotonic() passes ``deadline``; the best state seen is left in place."""
        optimizer = torch.optim.Adam(system.unknowns(), lr=self.lr)
        schedule = (
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps) if self.schedule == "cosine" else None
        )
        best, reason, step = Best(system), f"{self.steps} steps of Adam", 0
        for step in range(self.steps + 1):
            optimizer.zero_grad()
            loss, squares = system.loss()
            loss.backward()
            if step % _LOOK == 0 or step == self.steps:
                value = loss.item()
                if not math.isfinite(value):
                    best.put_back()
                    return Trained(best.loss, step, False, f"Adam stopped: {broken(squares)} is {value} at step {step}")
                best.see(value)
                if watch is not None:
                    watch(step, value)
                if late(deadline):
                    reason = f"stopped by the time limit after {step} steps of Adam"
                    break
            if step < self.steps:
                optimizer.step()
                if schedule is not None:
                    schedule.step()
        best.put_back()
        return Trained(best.loss, step, "time limit" not in reason, reason)


@dataclass(frozen=True)
class LBFGS:
    """L-BFGS with a strong Wolfe line search.

    PyTorch's tolerances, which stop it early on small losses, are switched off: it ends when its steps are done, when
    the time is up, or when a fresh start finds no decrease.

    Args:
        steps: The most iterations.
        history: How many updates are remembered.
    """

    steps: int = 1000
    history: int = 100

    def __post_init__(self) -> None:
        _check_steps("LBFGS", self.steps)
        _check_steps("LBFGS", self.history)

    def run(self, system: Trainable, *, deadline: float = math.inf, watch: Watch | None = None) -> Trained:
        """Train until done or time.monotonic() passes ``deadline``; the best state seen is left in place."""
        best, done, fresh = Best(system), 0, True
        optimizer = self._optimizer(system)
        before = math.inf
        while True:
            loss, squares = system.loss()
            value = loss.item()
            if not math.isfinite(value):
                best.put_back()
                return Trained(best.loss, done, False, f"L-BFGS stopped: {broken(squares)} is {value} at step {done}")
            best.see(value)
            if watch is not None:
                watch(done, value)
            if done >= self.steps:
                reason = f"{done} steps of L-BFGS"
            elif late(deadline):
                reason = f"stopped by the time limit after {done} steps of L-BFGS"
            elif done and value >= before and fresh:
                reason = f"L-BFGS found no decrease after {done} steps"
            else:
                reason = ""
            if reason:
                best.put_back()
                return Trained(best.loss, done, "time limit" not in reason, reason)
            if done and value >= before:
                optimizer, fresh = self._optimizer(system), True
            else:
                fresh = done == 0
            before = value
            count = min(_LOOK, self.steps - done)
            optimizer.param_groups[0]["max_iter"] = count
            optimizer.param_groups[0]["max_eval"] = 3 * count + 10
            optimizer.step(lambda: self._closure(system, optimizer))  # noqa: B023 (called within the step)
            done += count

    def _optimizer(self, system: Trainable) -> torch.optim.LBFGS:
        return torch.optim.LBFGS(
            system.unknowns(),
            history_size=self.history,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            line_search_fn="strong_wolfe",
        )

    @staticmethod
    def _closure(system: Trainable, optimizer: torch.optim.Optimizer) -> torch.Tensor:
        optimizer.zero_grad()
        loss, _ = system.loss()
        loss.backward()
        return loss


def _check_steps(name: str, steps: object) -> None:
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
        raise refuse(f"{name}(...)", expected="a positive number of steps", got=repr(steps))
