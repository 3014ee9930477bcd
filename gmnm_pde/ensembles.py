"""Many initial values or constants of one problem in time alone, solved together."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gmnm_pde._doors import front_door
from gmnm_pde._errors import refuse
from gmnm_pde._modes import in_ordinary_mode
from gmnm_pde.evolution.ordinary.data import look_at_members
from gmnm_pde.evolution.ordinary.index import lowered
from gmnm_pde.evolution.ordinary.initial import initial_state
from gmnm_pde.evolution.ordinary.members import EnsembleMarch, Members, starts_of
from gmnm_pde.evolution.ordinary.scales import Aim
from gmnm_pde.evolution.ordinary.system import System
from gmnm_pde.evolution.reading import Statements, read
from gmnm_pde.evolution.reading.faces import Unsuited
from gmnm_pde.evolution.reading.initial import missing_values
from gmnm_pde.evolution.steps import Ended, Step
from gmnm_pde.interruption import Allowance, OutOfTime, limited
from gmnm_pde.models import Evolved, Stretch
from gmnm_pde.options.arguments import check_numbers
from gmnm_pde.run.interrupts import require_time
from gmnm_pde.run.progress import Progress
from gmnm_pde.run.result import Status
from gmnm_pde.run.watching import Callback, Watch, check_callbacks, watching
from gmnm_pde.sampling import sample
from gmnm_pde.statement.problem import Problem

_TENTH, _FINEST = 0.1, 1e-13
"""As of single marches: by how much the allowed errors fall from one to the next, and how far they fall."""

_TOLD = 10
"""It tells of every so many steps."""

_POINTS = 1000
"""Times at which errors are estimated."""


@dataclass(frozen=True, repr=False)
class Ensemble:
    """The solutions of all members, functions of time with the members first: ``many(t)`` is [members, ...].

    Attributes:
        fields: Their names.
        estimates: The estimated relative L2 error of each field of each member, [members, fields].
        converged: Whether all meet the tolerance.
        reason: Why it ended, in words.
        seconds: How long it took.
        status: Why it ended, in a word for programs: ``met``, ``missed``, ``not_converged`` or ``interrupted``.
    """

    fields: tuple[str, ...]
    estimates: Tensor
    converged: bool
    reason: str
    seconds: float
    status: str
    _model: Evolved

    def __len__(self) -> int:
        return len(self.estimates)

    def __call__(self, t: Any) -> Any:
        """The fields at times: [members, ...] for one field, a dict of such for several; nan where steps ended."""
        times = torch.as_tensor(t, dtype=torch.float64)
        with torch.no_grad():
            values = self._model(times.reshape(-1, 1)).unflatten(1, (len(self), len(self.fields)))
        by_field = {name: values[:, :, k].mT.reshape(len(self), *times.shape) for k, name in enumerate(self.fields)}
        return by_field if len(self.fields) > 1 else by_field[next(iter(self.fields))]

    def __repr__(self) -> str:
        return f"{len(self)} members: {'converged' if self.converged else 'NOT CONVERGED'} ({self.reason})"


@front_door
@in_ordinary_mode
def solve_many(
    problem: Problem,
    *,
    initial: Mapping[str, Any] | None = None,
    constants: Mapping[str, Any] | None = None,
    tol: float = 1e-6,
    progress: bool | None = None,
    callback: Callback | Sequence[Callback] | None = None,
) -> Ensemble:
    """Solve a problem in time alone for many initial values, or values of its constants, with the same steps.

    Args:
        problem: With initial values, and constants, of which those that are given here are replaced.
        initial: By field the values of the members, [members], of a vector of k fields [members, k]. The slope of h in
            an equation of second order is ``h_t``.
        constants: By name the values of the members, [members].
        tol: The relative L2 error wanted of each field of each member.
        progress: As for ``solve``.
        callback: As for ``solve``; one that returns True, or Ctrl-C, ends it with the best march so far, or with the
            steps of the first one.

    Raises:
        GmnmError: the problem is none in time alone, or the numbers of values differ.
    """
    began = time.monotonic()
    check_numbers(problem, tol, 0, torch.float64, None)
    check_callbacks("solve_many", progress, callback)
    try:
        march = _Many(problem, initial or {}, constants or {})
    except Unsuited as why:
        expected = "a problem in time alone, with initial values, without events and constraints"
        raise refuse("solve_many(problem)", expected=expected, got=f"one that is not: {why}") from None
    with watching(progress, callback) as watch:
        return march.solved(tol, began, watch)


class _Many:
    def __init__(self, problem: Problem, initial: Mapping[str, Any], constants: Mapping[str, Any]):
        values = {name: _numbers(f"constants={{'{name}': ...}}", own) for name, own in constants.items()}
        self.fields = problem.fields
        own = problem.with_constants(**{name: float(column[0, 0]) for name, column in values.items()})
        statements = read(own)
        self._check(statements)
        system = System(statements, tuple(values))
        starts = self._starts(problem, system, values, _by_unknown(problem, statements, initial))
        columns = np.concatenate([*values.values(), np.zeros((len(starts), 0))], axis=1)
        self.members = Members(system, columns)
        zero = np.zeros(self.members.count)
        start = starts_of(self.members, statements.start, starts.ravel(), zero)
        if start is None:
            raise Unsuited("derivatives at the beginning do not follow from the equations")
        self.start = start
        self.data = look_at_members(system, starts, columns)
        self.breaks = sorted({*problem.breaks, *(() if self.data is None else self.data.breaks)})

    @staticmethod
    def _check(statements: Statements) -> None:
        if statements.space:
            raise Unsuited("it has space")
        if statements.problem.events:
            raise Unsuited("it has events")
        if lowered(statements).constraints is not None:
            raise Unsuited("its index is above one")
        missing = missing_values(statements)
        if missing:
            raise Unsuited(f"no initial value of '{statements.problem.fields[missing[0][0]]}' is given")

    @staticmethod
    def _starts(
        problem: Problem,
        system: System,
        constants: Mapping[str, np.ndarray],
        given: Mapping[tuple[int, int], np.ndarray],
    ) -> np.ndarray:
        """The initial values of all members, [members, unknowns]."""
        counts = {len(own) for own in (*constants.values(), *given.values())}
        if len(counts) != 1:
            got = " and ".join(map(str, sorted(counts))) or "none"
            raise refuse("solve_many(...)", expected="as many values of each, [members]", got=got)
        (members,) = counts
        known = []
        for number in range(members if constants else 1):
            own = problem.with_constants(**{name: float(column[number, 0]) for name, column in constants.items()})
            stated = initial_state(read(own)).values
            known.append([stated.get(unknown, 0.0) for unknown in system.unknowns])
        starts = np.broadcast_to(np.array(known), (members, len(system.unknowns))).copy()
        for unknown, column in given.items():
            starts[:, system.unknowns.index(unknown)] = column[:, 0]
        return starts

    def solved(self, tol: float, began: float, watch: Watch) -> Ensemble:
        """March until two marches differ by no more than is allowed."""
        domain = self.members.statements.problem.domain
        points, count = sample(domain.interior, _POINTS, "sobol", seed=0).points, self.members.members
        estimates = torch.full((count, len(self.fields)), torch.nan, dtype=torch.float64)
        before, allowed, model, best = None, tol, None, np.inf
        while True:
            every = np.full(self.members.count, allowed)
            aim = Aim(every, np.zeros_like(every), 5 if allowed >= 1e-4 else 7)
            told = self._told(watch, began, best if np.isfinite(best) else np.nan)
            known = {"data": self.data, "before": None if before is None else before[0]}
            march = EnsembleMarch(self.members, aim, self.start, self.breaks, told, **known)
            why = _run(march, watch)
            if why and watch.request.by and model is not None:  # the march before this one is whole
                break
            if not march.steps:
                require_time(watch.request)
                raise refuse("solve_many(problem)", expected="a first step", got=f"none: {why}")
            model = _model(march, whole=not why)
            if why:
                break
            with torch.no_grad():
                fields = model(points)
                if before is not None:
                    apart, size = (fields - before[1]).norm(dim=0), fields.norm(dim=0)
                    apart = (apart - torch.from_numpy(march.scales.noise[self.members.fields])).clamp_min(0.0)
                    estimates = (apart / size.clamp_min(1e-300)).view(count, -1)
            worst = estimates.max().item()
            if before is not None and (worst <= tol or worst >= best or allowed <= _FINEST):
                break
            best = min(best, worst) if before is not None else best
            before, allowed = (march, fields), allowed * _TENTH
        worst, by = estimates.max().item(), watch.request.by
        status = Status.NOT_CONVERGED if why else Status.MET if worst <= tol else Status.MISSED
        status = Status.INTERRUPTED if by else status
        beside = f"{'meets' if worst <= tol else 'does not meet'} tol={tol:g}"
        words = why or f"the largest error estimate {worst:.1e} {beside}"
        words = words if by in words else f"interrupted by {by}; {words}"
        reason = f"{words}; {march.counts['steps']} steps"
        seconds = time.monotonic() - began
        return Ensemble(self.fields, estimates, status.converged, reason, seconds, status.name.lower(), model)

    def _told(self, watch: Watch, began: float, estimate: float) -> Callable[[Step], None]:
        """News of steps."""
        domain = self.members.statements.problem.domain
        (name,), (span,) = domain.time, domain.bounds
        number = 0

        def tell(step: Step) -> None:
            nonlocal number
            number += 1
            if number % _TOLD == 0 and watch.listens:
                seconds, reached = time.monotonic() - began, step.start + step.length
                watch.tell(Progress.of_time(name, reached, span, number, seconds, estimate))

        return tell


def _run(march: EnsembleMarch, watch: Watch) -> str:
    """March; why it did not reach the end, in words, if it did not."""
    try:
        with limited(Allowance(request=watch.request, tick=watch.tick)):
            march.run()
    except Ended as ended:
        return f"steps end at {ended.time:.6g}: {ended.why}"
    except OutOfTime:
        return f"stopped by {watch.request.by} at {march.time:.6g}"
    return ""


def _model(march: EnsembleMarch, *, whole: bool) -> Evolved:
    starts, lengths = torch.from_numpy(march.lengths)
    states = torch.stack([step.states for step in march.steps])
    return Evolved.of([Stretch((), starts, lengths, states)], 0, whole=whole)


def _by_unknown(
    problem: Problem, statements: Statements, initial: Mapping[str, Any]
) -> dict[tuple[int, int], np.ndarray]:
    """Initial values by (field, order)."""
    (symbol,), names = problem.domain.time, problem.fields
    known = {name: (k, 0) for k, name in enumerate(names)}
    for k, name in enumerate(names):
        known |= {f"{name}_{symbol * order}": (k, order) for order in range(1, statements.orders[k])}
    found = {}
    for key, values in initial.items():
        columns = _numbers(f"initial={{'{key}': ...}}", values)
        parts = problem.vectors.get(key, (key,))
        if any(part not in known for part in parts) or columns.shape[1] != len(parts):
            expected = f"[members] for one of {', '.join(known)}, or [members, k] for a vector"
            raise refuse("solve_many(initial=...)", expected=expected, got=f"{key!r} with {list(columns.shape)}")
        found |= {known[part]: columns[:, k : k + 1] for k, part in enumerate(parts)}
    return found


def _numbers(call: str, values: Any) -> np.ndarray:
    """Finite numbers as columns, [members, k]."""
    try:
        own = torch.as_tensor(values, dtype=torch.float64).detach().cpu().numpy()
    except (TypeError, ValueError, RuntimeError):
        raise refuse(f"solve_many({call})", expected="numbers, [members]", got=repr(values)) from None
    if own.ndim not in (1, 2) or not len(own) or not np.isfinite(own).all():
        raise refuse(f"solve_many({call})", expected="finite numbers, [members]", got=f"shape {own.shape}")
    return own.reshape(len(own), -1)
