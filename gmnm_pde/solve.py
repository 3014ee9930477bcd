"""The front door: choose, run, report."""

import math
import time
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.collocation import parse_points
from gmnm_pde.estimate import estimate_error
from gmnm_pde.fitting import Setup, fit_model, reference_scales
from gmnm_pde.history import History
from gmnm_pde.jets.engines import choose_engine
from gmnm_pde.judge import Judge
from gmnm_pde.ladder import Climb, Rung, climb
from gmnm_pde.methods import METHODS, LeastSquares, Step
from gmnm_pde.models import MODELS, Mixture, has_readout
from gmnm_pde.problem import Problem
from gmnm_pde.progress import Progress
from gmnm_pde.solution import Solution
from gmnm_pde.terms import GROUPS


def solve(
    problem: Problem,
    model: str | Mixture | nn.Module | None = None,
    method: str | LeastSquares | None = None,
    *,
    tol: float | None = None,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
    device: str | torch.device | None = None,
    points: int | Mapping[str, int] | None = None,
    weights: str | Mapping[str, float] | None = None,
    time_limit: float | None = None,
    progress: Callable[[Progress], None] | None = None,
    engine: str = "auto",
) -> Solution:
    """Solve a problem.

    Main arguments:

    Args:
        problem: The equations, domain and conditions.
        model: ``"gmnm"`` (the default): a mixture whose size and widths are chosen; ``Mixture(components=900)`` to choose
            some of that; or a torch module with features and a linear readout, whose features are kept.
        method: ``"least-squares"`` or ``LeastSquares(...)``.
        tol: The relative L2 error wanted, by the error estimate: components are added until it is met, or the report
            says that it was not. Without it 1e-12 is aimed at, with a bound on size.
        seed: Same seed, same machine: same digits.

    Other arguments, which most users do not need:

    Args:
        dtype: torch.float64, or torch.float32 for about six digits less.
        device: Such as ``"cpu"`` or ``"cuda"``.
        points: The number of interior points, or ``{"interior": n, "boundary": m}``; by default as many as the readout
            needs.
        weights: By term name or by group (interior, boundary, initial, data): what the squared residuals are multiplied
            by, on top of the automatic scaling; ``"auto"`` is that alone.
        time_limit: Seconds after which the best answer so far is returned, marked as not converged.
        progress: Called as the solve goes.
        engine: How derivatives are made: ``"auto"``, ``"closed"``, ``"forward"`` or ``"reverse"``.

    Returns:
        The solution: a function of the coordinates, with a report and a history.

    Raises:
        GmnmError: an argument is impossible, or a function of the problem gave NaN; the message names it.
    """
    started = time.monotonic()
    _check(problem, tol, seed, dtype, time_limit)
    deadline = math.inf if time_limit is None else started + time_limit
    setup = _setup(problem, model, method, seed, dtype, device, points, weights, engine)
    judge = Judge(problem, seed=seed, dtype=dtype, device=setup.device)
    history = History()

    def on_rung(rung: Rung) -> None:
        row = judge.row(rung, step=len(history) + 1, seconds=time.monotonic() - started)
        history.append(row)
        if progress is not None:
            progress(Progress.of_rung(rung, row))

    def on_step(step: Step) -> None:
        if progress is not None:
            progress(Progress.of_step(step, time.monotonic() - started))

    if isinstance(model, nn.Module):
        end = _fit_given(setup, model, judge.points, tol, deadline, on_rung, on_step)
    else:
        end = climb(setup, judge.points, tol=tol, deadline=deadline, on_rung=on_rung, on_step=on_step)
    found = end.best.fit
    found.model.set_readout(found.system.readout(found.theta))
    late = time_limit is not None and time.monotonic() > deadline and not end.converged
    report = judge.report(
        end.best,
        method=_describe(setup),
        seconds=time.monotonic() - started,
        converged=end.converged,
        reason=end.reason + ("; the time limit has passed" if late and "time limit" not in end.reason else ""),
        seed=seed,
    )
    domain = problem.domain
    return Solution(
        found.model, domain.coordinates, domain.time, domain.bounds, problem.fields, report, history, problem
    )


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


def _setup(
    problem: Problem,
    model: Any,
    method: Any,
    seed: int,
    dtype: torch.dtype,
    device: Any,
    points: Any,
    weights: Any,
    engine: str,
) -> Setup:
    mixture = _model(problem, model)
    chosen_method = _method(method)
    chosen_device = _device(device)
    counts = parse_points(points)
    factors = _weights(problem, weights)
    example = model if isinstance(model, nn.Module) else mixture.draw(problem.domain.dimension, 1, 1, [1.0] * problem.domain.dimension, seed=0)
    choose_engine(example, engine, call=f"solve(engine={engine!r})")
    scales = reference_scales(problem, factors, seed)
    return Setup(problem, mixture, chosen_method, counts, scales, seed, dtype, chosen_device, engine)


def _check(problem: Any, tol: Any, seed: Any, dtype: Any, time_limit: Any) -> None:
    if not isinstance(problem, Problem):
        raise refuse("solve(problem, ...)", expected="a Problem", got=repr(problem),
                     remedy="Load one by name: gmnm_pde.registry.load('poisson').")
    for name, value in (("tol", tol), ("time_limit", time_limit)):
        if value is not None and not (isinstance(value, Real) and math.isfinite(value) and value > 0):
            raise refuse(f"solve({name}={value!r})", expected="a positive number", got=repr(value))
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise refuse(f"solve(seed={seed!r})", expected="a whole number from 0", got=repr(seed))
    if dtype not in (torch.float64, torch.float32):
        raise refuse(f"solve(dtype={dtype})", expected="torch.float64 or torch.float32", got=repr(dtype))


def _model(problem: Problem, model: Any) -> Mixture:
    if model is None:
        return Mixture()
    if isinstance(model, Mixture):
        if isinstance(model.widths, tuple | list) and len(model.widths) != problem.domain.dimension:
            raise refuse("solve(model=Mixture(widths=...))", got=len(model.widths),
                         expected=f"{problem.domain.dimension} widths, one for each coordinate")
        return model
    if isinstance(model, str):
        if model not in MODELS:
            raise refuse(f"solve(model={model!r})", expected="the name of a model", got=repr(model),
                         remedy=nearest(model, MODELS))
        return MODELS[model]()
    if not isinstance(model, nn.Module):
        raise refuse("solve(model=...)", expected="a name, a Mixture or a torch module", got=repr(model))
    if not has_readout(model):
        raise refuse("solve(model=...)", expected="a model with features(x) and a linear readout, as GMNM has",
                     got=f"a {type(model).__name__} without")
    fields, d = len(problem.fields), problem.domain.dimension
    with torch.no_grad():
        example = next(model.parameters()).new_zeros(2, d)
        try:
            width = model(example).shape[-1]
        except (RuntimeError, ValueError) as error:
            raise refuse("solve(model=...)", expected=f"a model for {d} coordinates", got=f"one that failed on [2, {d}]: {error}") from None
    if width != fields:
        raise refuse("solve(model=...)", expected=f"{fields} output(s), one for each of {', '.join(problem.fields)}",
                     got=f"{width}")
    return Mixture()


def _method(method: Any) -> LeastSquares:
    if method is None:
        return LeastSquares()
    if isinstance(method, str):
        if method not in METHODS:
            raise refuse(f"solve(method={method!r})", expected="the name of a method", got=repr(method),
                         remedy=nearest(method, METHODS))
        return METHODS[method]()
    if not isinstance(method, LeastSquares):
        raise refuse("solve(method=...)", expected="a name or a method such as LeastSquares()", got=repr(method))
    return method


def _device(device: Any) -> torch.device:
    try:
        chosen = torch.device(device or "cpu")
        torch.zeros(1, device=chosen)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise refuse(f"solve(device={device!r})", expected="a device of this machine", got=str(error).splitlines()[0],
                     remedy="Leave device out to compute on the CPU.") from None
    return chosen


def _weights(problem: Problem, weights: Any) -> dict[str, float]:
    if weights is None or weights == "auto":
        return {}
    names = {name for term in problem.terms for name in problem.traced(term).names} | set(GROUPS)
    if not isinstance(weights, Mapping):
        raise refuse("solve(weights=...)", expected="'auto' or a dict by term name or group", got=repr(weights))
    for name, weight in weights.items():
        if name not in names:
            raise refuse(f"solve(weights={{{name!r}: ...}})", expected="a term or a group", got=repr(name),
                         remedy=nearest(name, names))
        if not (isinstance(weight, Real) and math.isfinite(weight) and weight > 0):
            raise refuse(f"solve(weights={{{name!r}: ...}})", expected="a positive number", got=repr(weight))
    return {name: float(weight) for name, weight in weights.items()}


def _describe(setup: Setup) -> str:
    if setup.problem.linear:
        return "least squares, since the problem is linear in its readout"
    return "least squares by Newton steps on the readout, since the problem is nonlinear"
