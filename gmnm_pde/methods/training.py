"""The loop that every training method runs in: it looks, stops, keeps the best, and can be gone on with from a file.

A method says how many steps it takes and begins a piece of work on a system. The work is asked in turn to look (the
loss at the unknowns as they are, with all that the next step needs) and to advance; what is common is here alone.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from gmnm_pde._errors import refuse

Squares = dict[str, Tensor]


class Trainable(Protocol):
    """What methods see of a system: unknown tensors, and a loss of them made of named mean squares.

    ``version`` counts changes of its points and weights, after which losses before and after do not compare.
    """

    version: int

    def unknowns(self) -> list[nn.Parameter]: ...
    def loss(self, blocks: Any = None) -> tuple[Tensor, Squares]: ...
    def gradient(self, blocks: Any = None) -> tuple[Tensor, Squares]: ...
    def batch(self, size: int, generator: torch.Generator) -> Any: ...
    def any(self, flag: bool) -> bool: ...
    def broken(self) -> str: ...


class Work(Protocol):
    """A method at work on a system."""

    name: str
    """What steps are steps of, in reports."""
    pace: int
    """The loss is read every so many steps: reading it makes a device wait."""
    whole: bool
    """Whether ``look`` gives the loss of all points."""

    def look(self, step: int) -> tuple[Tensor, Squares]: ...
    def advance(self) -> int: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: Mapping[str, Any]) -> None: ...


class Method(Protocol):
    """A method that trains: a value that describes it, such as ``Adam(steps=5000)``."""

    @property
    def steps(self) -> int: ...
    @property
    def patience(self) -> int | None: ...
    def begin(self, system: Any, seed: int) -> Work: ...


@dataclass(frozen=True)
class Trained:
    """How a method ended: the loss that it leaves, steps, whether it went well, why it stopped."""

    loss: float
    steps: int
    converged: bool
    reason: str


class Hooks:
    """What happens around the steps; each does nothing unless a caller gives it something to do."""

    def before(self, step: int) -> None:
        """Before a look: weights and points may be changed."""

    def watch(self, step: int, loss: float) -> None:
        """After the loss was read."""

    def held_out(self) -> float:
        """The residual at points that are not trained on, for methods with patience."""
        return math.inf

    def save(self, state: Mapping[str, Any]) -> None:
        """The state of the loop, after which it may be restored to the same digits."""


@dataclass
class _Best:
    """The best unknowns seen, to go back to."""

    system: Trainable
    loss: float = math.inf
    version: int = -1
    values: list[Tensor] = field(default_factory=list)

    def see(self, loss: float) -> bool:
        """Keep the unknowns if ``loss`` is the least so far, or the first after a change of points or weights."""
        better = loss < self.loss or self.version != self.system.version
        if better:
            self.loss, self.version = loss, self.system.version
            self.values = [parameter.detach().clone() for parameter in self.system.unknowns()]
        return better

    @torch.no_grad()
    def put_back(self) -> None:
        if not self.values:
            return
        for parameter, value in zip(self.system.unknowns(), self.values, strict=True):
            parameter.copy_(value)


_PATIENCE_PACE = 50
"""Steps between looks at the held-out residual."""

_BATCH_PACE = 100
"""Steps between looks at the loss of all points where steps see batches."""


def run(
    method: Method,
    system: Trainable,
    *,
    deadline: float = math.inf,
    hooks: Hooks | None = None,
    seed: int = 0,
    resume: Mapping[str, Any] | None = None,
) -> Trained:
    """Train until the steps are done, none can be taken, or time.monotonic() passes ``deadline``.

    The best state seen is left in place: by the loss, or by the held-out residual where the method has patience.

    Args:
        method: What is run.
        system: What is trained.
        deadline: On the clock of time.monotonic().
        hooks: What happens around the steps.
        seed: Of batches.
        resume: A state that a run of the same method on the same system saved.
    """
    hooks = hooks or Hooks()
    work, best, step, waited, held = method.begin(system, seed), _Best(system), 0, 0, math.inf
    if resume is not None:
        step, waited, held = resume["step"], resume["waited"], resume["held"]
        best.loss, best.values = resume["best_loss"], resume["best"]
        best.version = system.version if resume["best_current"] else -1
        _put(system, resume["unknowns"])
        work.restore(resume["work"])
    pace = work.pace if work.whole else _BATCH_PACE
    failed, before = False, resume is None
    while True:
        if before:
            hooks.before(step)
        before = True
        loss, squares = work.look(step)
        ended, value, reason = step >= method.steps, math.nan, ""
        if step % pace == 0 or ended:
            if not work.whole:
                with torch.no_grad():
                    loss, squares = system.loss()
            value = loss.item()
            if not math.isfinite(value):
                where = system.broken() or f"{_broken(squares)} is {value}"
                failed, reason = True, f"{work.name} stopped at step {step}: {where}"
                break
            if method.patience is None:
                best.see(value)
            elif step % max(pace, _PATIENCE_PACE // pace * pace) == 0 or ended:
                score = hooks.held_out()
                held, waited = (score, step) if best.see(score) else (held, waited)
            hooks.watch(step, value)
            late = system.any(time.monotonic() > deadline)
            if ended:
                reason = f"{step} steps of {work.name}"
            elif late:
                failed, reason = True, f"stopped by the time limit after {step} steps of {work.name}"
            elif method.patience is not None and step - waited >= method.patience:
                reason = f"{step} steps of {work.name}; the held-out residual fell no more for {method.patience}"
            if reason:
                break
            hooks.save(
                {
                    "step": step,
                    "waited": waited,
                    "held": held,
                    "best_loss": best.loss,
                    "best_current": best.version == system.version,
                    "best": best.values,
                    "unknowns": [parameter.detach() for parameter in system.unknowns()],
                    "work": work.state(),
                }
            )
        moved = work.advance()
        if moved == 0:
            reason = f"{work.name} found no decrease after {step} steps"
            break
        step += moved
    best.put_back()
    return Trained(best.loss, step, not failed, reason)


def _broken(squares: Squares) -> str:
    """The names of residuals that are not finite."""
    return ", ".join(name for name, value in squares.items() if not math.isfinite(value.item())) or "the loss"


@torch.no_grad()
def _put(system: Trainable, values: list[Tensor]) -> None:
    for parameter, value in zip(system.unknowns(), values, strict=True):
        parameter.copy_(value)


def check_counts(name: str, **counts: object) -> None:
    """Refuse counts that are no positive whole numbers; None passes for those that may be left out."""
    for key, count in counts.items():
        optional = key in ("patience", "batch")
        if optional and count is None:
            continue
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise refuse(f"{name}({key}={count!r})", expected=f"a positive number of {key}", got=repr(count))


def check_positive(name: str, **numbers: object) -> None:
    """Refuse numbers that are not positive and finite."""
    for key, number in numbers.items():
        if not (isinstance(number, int | float) and math.isfinite(number) and number > 0):
            raise refuse(f"{name}({key}={number!r})", expected="a positive number", got=repr(number))
