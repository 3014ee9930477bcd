"""The front door to eigenvalue problems."""

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from gmnm_pde._errors import refuse
from gmnm_pde.models import Lifted, Mixture
from gmnm_pde.options.arguments import check_numbers, read_options
from gmnm_pde.results.history import History
from gmnm_pde.results.solution import Solution
from gmnm_pde.results.spectrum import Spectrum
from gmnm_pde.run.evaluation import Judge
from gmnm_pde.statement.hard import meet_exactly
from gmnm_pde.statement.problem import Problem
from gmnm_pde.strategies.modes import ModeSet, climb_spectrum


def eigenmodes(
    problem: Problem,
    count: int = 6,
    model: str | Mixture | None = None,
    *,
    tol: float | None = None,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
    device: str | torch.device | None = None,
    points: int | Mapping[str, int] | None = None,
    weights: str | Mapping[str, float] | None = None,
    time_limit: float | None = None,
    hard: bool | str | Sequence[str] = False,
    progress: Callable[[dict[str, Any]], None] | None = None,
) -> Spectrum:
    """The eigenvalues of a problem nearest to the guess of its one unknown parameter, with their modes.

    ``Problem(square, lambda u, k: laplacian(u) + k * u, [Dirichlet(u=0)], parameters={"k": 0.0})`` asks for the lowest
    vibrations of a membrane.

    Args:
        problem: Linear and homogeneous in its fields and linear in its parameter, whose guess is where to look.
        count: How many modes; of values that belong to several modes each counts.
        model: A ``Mixture``, whose size and widths are chosen where they are not given; on domains with re-entrant
            corners its patches are too.
        tol: The relative error of the values wanted, by the error estimate; without it 1e-12 is aimed at.
        seed: Same seed, same machine: same digits.
        dtype: torch.float64 or torch.float32.
        device: Such as ``"cpu"`` or ``"cuda"``.
        points: As for ``solve``.
        weights: As for ``solve``.
        time_limit: Seconds after which no larger mixture is begun.
        hard: Conditions to be met exactly, as for ``solve``.
        progress: Called with a row of the history after each size of mixture.

    Raises:
        GmnmError: the problem is no eigenvalue problem, or an argument is impossible.
    """
    started = time.monotonic()
    check_numbers(problem, tol, seed, dtype, time_limit)
    call = f"eigenmodes({problem.name}, count={count!r})"
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise refuse(call, expected="a positive number of modes", got=repr(count))
    if len(problem.parameters) != 1:
        expected = "a problem with one unknown parameter, the eigenvalue: parameters={'k': 0.0}"
        raise refuse(call, expected=expected, got=", ".join(problem.parameters) or "none")
    if model is not None and model != "gmnm" and not isinstance(model, Mixture):
        raise refuse(call, expected="a Mixture", got=repr(model), remedy="Leave model out.")
    stated, problem = problem, meet_exactly(problem, hard) if hard is not False else problem
    setup = read_options(problem, model, None, seed, dtype, device, points, weights, "auto", nontrivial=True).setup
    judge = Judge(problem, seed=seed, dtype=dtype, device=setup.device)
    history = History()

    def record(found: ModeSet) -> None:
        row = {
            "step": len(history) + 1,
            "seconds": time.monotonic() - started,
            "components": found.components,
            "error_estimate": found.worst,
            "residual": found.scores.max().item(),
            **{f"{name}_{k}": v for name in problem.parameters for k, v in enumerate(found.values.tolist(), start=1)},
        }
        history.append(row)
        if progress is not None:
            progress(row)

    deadline = math.inf if time_limit is None else started + time_limit
    found, met, reason = climb_spectrum(setup, count, judge.points, tol=tol, deadline=deadline, on_set=record)
    seconds = time.monotonic() - started
    return Spectrum(
        problem=problem.name,
        parameter=next(iter(problem.parameters)),
        values=tuple(found.values.tolist()),
        estimates=tuple(found.drifts.tolist()),
        modes=_solutions(stated, found, judge, seconds, history, converged=met, reason=reason),
        errors=_errors(stated, found.values.tolist()),
        converged=met,
        reason=reason,
        seconds=seconds,
        history=history,
    )


def _solutions(
    problem: Problem, found: ModeSet, judge: Judge, seconds: float, history: History, *, converged: bool, reason: str
) -> tuple[Solution, ...]:
    domain, lift, solutions = problem.domain, found.setup.problem.lift, []
    for rung in found.rungs():
        rung.fit.outputs(judge.points[:1])  # puts the mode's readout in place
        inner = copy.deepcopy(rung.fit.model)
        model: nn.Module = inner if lift is None else Lifted(inner, lift.functions)
        report = judge.report(
            rung,
            method="inverse iteration by least squares",
            seconds=seconds,
            converged=converged,
            reason=reason,
            seed=found.setup.seed,
        )
        place = (domain.coordinates, domain.time, domain.bounds, problem.fields)
        solutions.append(Solution(model, *place, report, history, problem))  # type: ignore[arg-type]
    return tuple(solutions)


def _errors(problem: Problem, values: Sequence[float]) -> tuple[float, ...] | None:
    if problem.spectrum is None:
        return None
    exact = problem.spectrum(len(values))
    if exact is None:
        return None
    return tuple(abs(value - one) / (abs(one) or 1.0) for value, one in zip(values, exact, strict=True))
