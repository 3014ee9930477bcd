"""The front door to eigenvalue problems."""

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from gmnm_pde._doors import front_door
from gmnm_pde._errors import refuse
from gmnm_pde._modes import in_ordinary_mode
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.methods import LeastSquares
from gmnm_pde.models import Mixture
from gmnm_pde.options.arguments import Arguments
from gmnm_pde.options.choice import setup_for
from gmnm_pde.results.solution import Solution
from gmnm_pde.results.spectrum import Spectrum
from gmnm_pde.run.modes import Modes
from gmnm_pde.run.resolved import with_what_is_missed
from gmnm_pde.run.result import Result
from gmnm_pde.run.run import Run
from gmnm_pde.run.watching import Callback, check_callbacks, watching
from gmnm_pde.scrutiny import divided
from gmnm_pde.statement.hard import meet_exactly
from gmnm_pde.statement.problem import Problem
from gmnm_pde.strategies.modes import modes


@front_door
@in_ordinary_mode
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
    progress: bool | None = None,
    callback: Callback | Sequence[Callback] | None = None,
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
        time_limit: Seconds after which the best modes so far are returned, to within a tenth and a second more.
        hard: Conditions to be met exactly, as for ``solve``.
        progress: As for ``solve``.
        callback: As for ``solve``; ``figures`` of the news after each size of mixture are a row of the history.

    Raises:
        GmnmError: the problem is no eigenvalue problem, or an argument is impossible.
    """
    started = time.monotonic()
    arguments = Arguments(
        problem=problem,
        model=model,
        tol=tol,
        seed=seed,
        dtype=dtype,
        device=device,
        points=points,
        weights=weights,
        time_limit=time_limit,
        hard=hard,
    )
    _check(arguments, count)
    check_callbacks("eigenmodes", progress, callback)
    solved = meet_exactly(problem, hard) if hard is not False else problem
    mixture = model if isinstance(model, Mixture) else Mixture()
    setup = setup_for(arguments, solved, mixture, None, LeastSquares())
    division = divided(solved, setup.features) if points is None and weights is None and hard is False else None
    if division is not None:
        setup = setup_for(arguments, division[0], mixture, None, LeastSquares())
    with watching(progress, callback, time_limit) as watch:
        run = Run.begin(setup, started, arguments.tol, arguments.time_limit, watch)
        return _spectrum(modes(setup, count, run), setup, run, problem, "" if division is None else division[1])


def _check(arguments: Arguments, count: int) -> None:
    """Refuse what is no eigenvalue problem, and no mixture."""
    problem, model = arguments.problem, arguments.model
    call = f"eigenmodes({problem.name}, count={count!r})"
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise refuse(call, expected="a positive number of modes", got=repr(count))
    if len(problem.parameters) != 1:
        expected = "a problem with one unknown parameter, the eigenvalue: parameters={'k': 0.0}"
        raise refuse(call, expected=expected, got=", ".join(problem.parameters) or "none")
    if model is not None and model != "gmnm" and not isinstance(model, Mixture):
        raise refuse(call, expected="a Mixture", got=repr(model), remedy="Leave model out.")


def _spectrum(ended: Modes, setup: Setup, run: Run, stated: Problem, note: str) -> Spectrum:
    values, modes = ended.best.values.tolist(), _solutions(ended, setup, run, stated, note)
    report = min((mode.report for mode in modes), key=lambda report: report.converged)
    return Spectrum(
        problem=run.problem.name,
        parameter=next(iter(run.problem.parameters)),
        values=tuple(values),
        estimates=tuple(ended.best.drifts.tolist()),
        modes=modes,
        errors=_errors(stated, values),
        converged=report.converged,
        reason=report.reason,
        status=report.status,
        seconds=run.log.seconds,
        history=run.log.history,
    )


def _solutions(ended: Modes, setup: Setup, run: Run, stated: Problem, note: str) -> tuple[Solution, ...]:
    """Each mode as a solution with a model of its own; not converged where it leaves what is sharp in the data."""
    details = f"{ended.details}; {note}" if note else ended.details
    solutions = []
    for candidate in ended.best.candidates():
        fit = candidate.fit.install()
        own = replace(candidate, fit=replace(fit, model=copy.deepcopy(fit.model)))
        result = with_what_is_missed(Result(own, ended.status, details), setup)
        solutions.append(run.solution(result, stated, ended.method))
    return tuple(solutions)


def _errors(problem: Problem, values: Sequence[float]) -> tuple[float, ...] | None:
    if problem.spectrum is None:
        return None
    exact = problem.spectrum(len(values))
    if exact is None:
        return None
    return tuple(abs(value - truth) / (abs(truth) or 1.0) for value, truth in zip(values, exact, strict=True))
