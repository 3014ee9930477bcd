"""The loop that every training method runs in: it looks, stops, keeps the best, and can be gone on with from a file.

A method says how many steps it takes and begins a piece of work on a system. The work is asked in turn to look (the
loss at the unknowns as they are, with all that the next step needs) and to advance; what is common is here alone.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from gmnm_pde._errors import refuse
from gmnm_pde.interruption import LIMIT, OutOfTime
from gmnm_pde.methods.method import TrainingMethod

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
    """The number of steps after which the loss is read: reading it makes a device wait."""
    whole: bool
    """Whether ``look`` gives the loss of all points."""

    def look(self, step: int) -> tuple[Tensor, Squares]: ...
    def advance(self) -> int: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class Trained:
    """How a method ended: the loss that it leaves, steps, whether it went well, why it stopped."""

    loss: float
    steps: int
    converged: bool
    reason: str
    late: bool = False
    """Whether a time limit or a request stopped it: it may be gone on with."""


class Hooks:
    """What happens around the steps; each does nothing unless a caller gives it something to do."""

    def before(self, step: int) -> None:
        """Before a look: weights and points may be changed."""

    def watch(self, step: int, loss: float) -> None:
        """After the loss was read."""

    def held_out(self) -> float:
        """The residual at points that are not trained on, for methods with patience."""
        return math.inf

    @property
    def late(self) -> bool:
        """Whether the time is up."""
        return False

    @property
    def left(self) -> float:
        """The seconds that are left until a time limit; infinite without one."""
        return math.inf

    @property
    def interrupted(self) -> bool:
        """Whether somebody asked for the end, and the step under way is the last; where processes step alike, never."""
        return False

    @property
    def ended_by(self) -> str:
        """Who ends it before it is done, in words."""
        return LIMIT

    def save(self, state: Mapping[str, Any], *, now: bool) -> None:
        """The state of the loop, from which it may be restored to the same digits; ``now``: it is about to end."""


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

_SPARE = 1.2
"""A step is taken under a time limit if this many times what the last one took is left."""

_BATCH_PACE = 100
"""Steps between looks at the loss of all points where steps see batches."""


def run(
    method: TrainingMethod,
    system: Trainable,
    *,
    hooks: Hooks | None = None,
    seed: int = 0,
    resume: Mapping[str, Any] | None = None,
) -> Trained:
    """Train until the steps are done, none can be taken, or the hooks say that it is late.

    The best state seen is left in place: by the loss, or by the held-out residual where the method has patience.

    Args:
        method: What is run.
        system: What is trained.
        hooks: What happens around the steps.
        seed: Of batches.
        resume: A state that a run of the same method on the same system saved.
    """
    loop = _Loop(method, system, hooks or Hooks(), seed)
    if resume is not None:
        loop.restore(resume)
    return loop.go()


class _Loop:
    """A run: where it is, the best so far, and why it ends."""

    def __init__(self, method: TrainingMethod, system: Trainable, hooks: Hooks, seed: int):
        self._method, self._system, self._hooks = method, system, hooks
        self._work, self._best = method.begin(system, seed), _Best(system)
        self._pace = self._work.pace if self._work.whole else _BATCH_PACE
        self._step, self._fell = 0, 0
        self._failed, self._late, self._resumed = False, False, False
        self._took = 0.0

    def go(self) -> Trained:
        """Step until there is a reason to end."""
        reason = ""
        while not reason:
            try:
                reason = self._once()
            except OutOfTime:  # in the middle of a step, from which nothing can go on; the best unknowns are kept
                reason = self._out_of_time()
        self._best.put_back()
        return Trained(self._best.loss, self._step, not self._failed, reason, self._late)

    def _once(self) -> str:
        """Look, and take a step; why the run ends, or nothing if it goes on."""
        reason, before = "", self._hooks.left
        if not self._resumed:  # what was restored had changed already
            self._hooks.before(self._step)
        self._resumed = False
        loss, squares = self._work.look(self._step)
        # near the end of a time limit, the clock is looked at before each step
        near = math.isfinite(before) and self._system.any(self._hooks.left < _SPARE * self._took)
        interrupted = self._hooks.interrupted
        if interrupted:  # before the loss is read, so that what goes on from there reads it when it would have
            self._hooks.save(self._state(), now=True)
        near = near or interrupted
        if self._step % self._pace == 0 or self._step >= self._method.steps or near:
            reason = self._read(loss, squares, late=near)
            if (not reason or self._late) and not interrupted:
                self._hooks.save(self._state(), now=self._late)
        if not reason:
            moved = self._work.advance()
            self._step += moved
            reason = "" if moved else self._none_taken()
        if math.isfinite(before):
            self._took = before - self._hooks.left
        return reason

    def _none_taken(self) -> str:
        why = getattr(self._work, "ended", "") or f"{self._work.name} found no decrease"
        return f"{why} after {self._step} steps"

    def _out_of_time(self) -> str:
        self._failed = self._late = True
        return f"stopped by {self._hooks.ended_by} after {self._step} steps of {self._work.name}"

    def _read(self, loss: Tensor, squares: Squares, *, late: bool) -> str:
        """Read the loss; why the run ends, or nothing if it goes on."""
        step, name, patience = self._step, self._work.name, self._method.patience
        if not self._work.whole:
            with torch.no_grad():
                loss, squares = self._system.loss()
        value = loss.item()
        if not math.isfinite(value):
            self._failed = True
            where = self._system.broken() or f"{_broken(squares)} is {value}"
            return f"{name} stopped at step {step}: {where}"
        if patience is None:
            self._best.see(value)
            with self._averaged() as averaged:
                if averaged:
                    self._best.see(self._system.loss()[0].item())
        elif step % max(self._pace, _PATIENCE_PACE // self._pace * self._pace) == 0 or step >= self._method.steps:
            better = self._best.see(self._hooks.held_out())
            with self._averaged() as averaged:
                better = (averaged and self._best.see(self._hooks.held_out())) or better
            self._fell = step if better else self._fell
        self._hooks.watch(step, value)
        late = self._system.any(self._hooks.late) or late
        if step >= self._method.steps:
            return f"{step} steps of {name}"
        if late:
            return self._out_of_time()
        if patience is not None and step - self._fell >= patience:
            return f"{step} steps of {name}; the held-out residual fell no more for {patience}"
        return ""

    @contextmanager
    def _averaged(self) -> Iterator[bool]:
        """Moving averages of the unknowns in their place within a ``with`` block; whether the method has some."""
        averages = getattr(self._work, "averages", None)
        if averages is None:
            yield False
            return
        now = [parameter.detach().clone() for parameter in self._system.unknowns()]
        put(self._system.unknowns(), averages)
        try:
            with torch.no_grad():
                yield True
        finally:
            put(self._system.unknowns(), now)

    def _state(self) -> dict[str, Any]:
        best, system = self._best, self._system
        return {
            "step": self._step,
            "fell": self._fell,
            "best_loss": best.loss,
            "best_current": best.version == system.version,
            "best": best.values,
            "unknowns": [parameter.detach() for parameter in system.unknowns()],
            "work": self._work.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``_state`` gave."""
        self._step, self._fell, self._resumed = state["step"], state["fell"], True
        self._best.loss, self._best.values = state["best_loss"], state["best"]
        self._best.version = self._system.version if state["best_current"] else -1
        put(self._system.unknowns(), state["unknowns"])
        self._work.restore(state["work"])


def _broken(squares: Squares) -> str:
    """The names of residuals that are not finite."""
    return ", ".join(name for name, value in squares.items() if not math.isfinite(value.item())) or "the loss"


@torch.no_grad()
def put(unknowns: Sequence[nn.Parameter], values: Sequence[Tensor]) -> None:
    """Put values in the place of unknowns."""
    for parameter, value in zip(unknowns, values, strict=True):
        parameter.copy_(value)


def check_counts(name: str, **counts: object) -> None:
    """Refuse counts that are no positive whole numbers; None passes for those that may be left out."""
    for key, count in counts.items():
        optional = key in ("patience", "batch", "directions")
        if optional and count is None:
            continue
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise refuse(f"{name}({key}={count!r})", expected=f"a positive number of {key}", got=repr(count))


def check_positive(name: str, **numbers: object) -> None:
    """Refuse numbers that are not positive and finite."""
    for key, number in numbers.items():
        if not (isinstance(number, int | float) and math.isfinite(number) and number > 0):
            raise refuse(f"{name}({key}={number!r})", expected="a positive number", got=repr(number))
