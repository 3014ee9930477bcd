"""The front door: choose, run, report."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from gmnm_pde._errors import refuse
from gmnm_pde.adaptivity.p_refinement import Ascent, Climb, Rung, with_active
from gmnm_pde.adaptivity.time_slabs import Leg
from gmnm_pde.collocation.moving import Moving
from gmnm_pde.fitting.estimate import estimate_error
from gmnm_pde.fitting.fit import Setup, fit_model
from gmnm_pde.methods import Step
from gmnm_pde.methods.weighting import Weighting
from gmnm_pde.models import Lifted, Mixture
from gmnm_pde.options.arguments import Choice, check_numbers, check_smoothing, read_options
from gmnm_pde.residuals.shard import speaks
from gmnm_pde.results.history import History
from gmnm_pde.results.posterior import Posterior
from gmnm_pde.results.solution import Solution
from gmnm_pde.run.checkpoint import TrainingFile, load, save, save_legs
from gmnm_pde.run.evaluation import Judge
from gmnm_pde.run.progress import Progress
from gmnm_pde.statement.hard import meet_exactly
from gmnm_pde.statement.problem import Problem
from gmnm_pde.strategies.automatic import Listener, run_course
from gmnm_pde.strategies.noisy_data import fit_noisy, is_noisy
from gmnm_pde.strategies.training import Method, State, train


def solve(
    problem: Problem,
    model: str | Mixture | nn.Module | None = None,
    method: str | Method | Sequence[str | Method] | None = None,
    *,
    tol: float | None = None,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
    device: str | torch.device | None = None,
    points: int | Mapping[str, int] | Moving | None = None,
    weights: str | Mapping[str, float] | Weighting | None = None,
    time_limit: float | None = None,
    checkpoint: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    engine: str = "auto",
    compiled: bool = False,
    blocks: bool | int | Sequence[float] | None = None,
    continuation: bool | Mapping[str, Sequence[float]] | None = None,
    hard: bool | str | Sequence[str] = False,
    smoothing: str | float | None = None,
) -> Solution:
    """Solve a problem.

    Main arguments:

    Args:
        problem: The equations, domain and conditions.
        model: ``"gmnm"`` (the default): a mixture whose size and widths are chosen; ``Mixture(components=900)`` to
            choose some of that; ``"mlp"`` or ``"kan"``; or a torch module.
        method: ``LeastSquares()`` solves for the readout and keeps the features; ``GaussNewton()``, ``SelfScaled()``,
            ``LBFGS(steps)``, ``SOAP(steps)`` and ``Adam(steps, lr)`` train every parameter; a list runs in order. By
            name too: ``"gauss-newton"``. Without it mixtures and models with a linear readout get least squares,
            others Gauss-Newton.
        tol: The relative L2 error wanted, by the error estimate: components are added until it is met, or the report
            says that it was not. Without it 1e-12 is aimed at, with a bound on size.
        seed: Same seed, same machine: same digits.

    Other arguments, which most users do not need:

    Args:
        dtype: torch.float64, or torch.float32 for about six digits less.
        device: Such as ``"cpu"`` or ``"cuda"``.
        points: The number of interior points, or ``{"interior": n, "boundary": m}``; by default as many as the readout
            needs. ``Resampling(...)`` or ``ResidualAdaptive(...)`` move them while a model trains.
        weights: By term name or by group (interior, boundary, initial, data): what the squared residuals are multiplied
            by, on top of the automatic scaling; ``"auto"`` is that alone. ``GradientNorm()``, ``ReLoBRaLo()``,
            ``SelfAdaptive()`` or ``Causal()`` adapt them while a model trains.
        time_limit: Seconds after which the best answer so far is returned, marked as not converged.
        checkpoint: A file that is written as the solve goes, and gone on from if it is there, to the same digits as a
            solve left alone. For mixtures, and for models that are trained.
        progress: Called as the solve goes.
        engine: How derivatives are made: ``"auto"``, ``"closed"``, ``"forward"`` or ``"reverse"``.
        compiled: Whether to try torch.compile on the loss of a model that is trained; where that fails a warning says
            so, and training goes on without.
        blocks: Blocks in time, each solved on patches and begun with what the last one ends with: how many, or the
            times at which they begin and end, or True to choose their lengths as the solve goes. By default blocks are
            used where one mixture leaves a poor error estimate; False is none.
        continuation: Easier problems on the way to a nonlinear one: the values that a constant of the problem takes
            before its own, ``{"viscosity": (1, 0.1)}``, or True to begin with stronger highest derivatives. By default
            that is tried where Newton's method does not arrive; False is none.
        hard: Conditions to be met exactly, by construction, in place of by least squares: True for every Dirichlet,
            Initial and Periodic condition on whole faces, or names of conditions, or ``"boundary"``, ``"initial"``,
            ``"periodic"``.
        smoothing: Of fields that noisy data do not show: ``"discrepancy"`` (the default), ``"cross-validation"``, or
            how much their second derivatives count beside the equations.

    Returns:
        The solution, a function of the coordinates with a report and a history.

    Raises:
        GmnmError: an argument is impossible, or a function of the problem gave NaN; the message names it.
    """
    started = time.monotonic()
    check_numbers(problem, tol, seed, dtype, time_limit)
    check_smoothing(smoothing)
    deadline = math.inf if time_limit is None else started + time_limit
    stated, problem = problem, meet_exactly(problem, hard) if hard is not False else problem
    choice = read_options(
        problem,
        model,
        method,
        seed,
        dtype,
        device,
        points,
        weights,
        engine,
        compiled=compiled,
        blocks=blocks,
        continuation=continuation,
    )
    mixed = choice.model is None and not is_noisy(problem)
    setup = with_active(choice.setup, deadline) if mixed else choice.setup
    judge = Judge(problem, seed=seed, dtype=dtype, device=setup.device)
    latest, history = judge, History()

    path = None if checkpoint is None else Path(checkpoint)
    plan = choice.plan
    file = TrainingFile(path, setup, plan, tol) if path is not None and plan is not None else None
    if path is not None and choice.model is not None and plan is None:
        raise refuse(
            "solve(checkpoint=...)",
            expected="a mixture, or a model that is trained, which are written as they go",
            got="one solve for the readout of a given model",
            remedy="Leave checkpoint out.",
        )
    resume: Ascent | None = None
    legs: list[Leg] = []
    note = ""
    trained: State | None = None
    if file is not None:
        trained, history.rows = file.load(setup.device) or (None, [])
    elif path is not None and path.exists():
        resume, legs, note, history.rows = load(path, setup, tol)
    if history.rows:
        started -= history.rows[-1]["seconds"]

    def record(rung: Rung, of: Problem = problem, ascent: Ascent | None = None, step: int | None = None) -> None:
        nonlocal latest
        if latest.problem is not of:  # one judge for all fits of a block or a stage
            latest = judge if of is problem else Judge(of, seed=seed, dtype=dtype, device=setup.device)
        row = latest.row(rung, step=len(history) + 1 if step is None else step, seconds=time.monotonic() - started)
        history.append(row)
        if path is not None and ascent is not None:
            save(path, setup, tol, ascent, history.rows)
        if progress is not None:
            progress(Progress.of_rung(rung, row, of.domain if of.domain is not problem.domain else None))

    def on_legs(done: Sequence[Leg], why: str) -> None:
        if path is not None:
            save_legs(path, setup, tol, done, why, history.rows)

    def on_step(step: Step) -> None:
        if progress is not None:
            progress(Progress.of_step(step, time.monotonic() - started))

    posterior: Posterior | None = None
    if plan is not None:
        end = train(
            setup,
            plan,
            judge.points,
            tol=tol,
            deadline=deadline,
            on_rung=lambda rung, step: record(rung, step=step),
            resume=trained,
            save=None if file is None or not speaks() else lambda state, now: file.save(state, history.rows, now=now),
        )
    elif is_noisy(problem) and choice.model is None:
        end, posterior = fit_noisy(
            setup,
            judge.points,
            smoothing=smoothing,
            deadline=deadline,
            on_rung=record,
            on_step=on_step,
        )
    elif choice.model is not None:
        end = _fit_given(setup, choice.model, judge.points, tol, deadline, record, on_step)
    else:
        end = run_course(
            setup,
            judge.points,
            blocks=choice.blocks,
            tol=tol,
            deadline=deadline,
            listener=Listener(record, on_legs, on_step),
            resume=resume,
            legs=legs,
            note=note,
            continuation=continuation,
        )
    found = end.best.fit
    found.outputs(judge.points[:1])  # puts the best readout in place
    late = time_limit is not None and time.monotonic() > deadline and not end.converged
    report = judge.report(
        end.best,
        method=_describe(choice),
        seconds=time.monotonic() - started,
        converged=end.converged,
        reason=end.reason + ("; the time limit has passed" if late and "time limit" not in end.reason else ""),
        seed=seed,
    )
    domain = problem.domain
    model = found.model if problem.lift is None else Lifted(found.model, problem.lift.functions)
    place = (domain.coordinates, domain.time, domain.bounds, problem.fields)
    return Solution(model, *place, report, history, stated, posterior)


def _fit_given(
    setup: Setup,
    model: nn.Module,
    judged_on: Tensor,
    tol: float | None,
    deadline: float,
    on_rung: Callable[[Rung], None],
    on_step: Callable[[Step], None],
) -> Climb:
    """One fit of the readout of a model that the user made."""
    found = fit_model(setup, model, deadline=deadline, watch=on_step)
    rung = Rung(found, estimate_error(found, judged_on))
    on_rung(rung)
    estimate = rung.estimate.overall
    converged = found.outcome.converged and estimate <= (1e-2 if tol is None else tol)
    reason = f"{found.outcome.reason}; error estimate {estimate:.1e}"
    if tol is not None and not converged:
        reason += f" does not meet tol={tol:g}: the model's features are kept as given; model='gmnm' adds components"
    return Climb(rung, converged, reason)


def _describe(choice: Choice) -> str:
    if choice.plan is not None:
        return ", then ".join(repr(method) for method in choice.methods)
    if choice.setup.problem.linear:
        return "least squares, since the problem is linear in its readout"
    return "least squares by Newton steps on the readout, since the problem is nonlinear"
