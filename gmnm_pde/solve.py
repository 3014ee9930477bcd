"""The front door: choose, run, report."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gmnm_pde._doors import front_door
from gmnm_pde._modes import in_ordinary_mode
from gmnm_pde.collocation.moving import Moving
from gmnm_pde.evolution.tolerance import Tolerance
from gmnm_pde.methods import Method
from gmnm_pde.methods.weighting import Weighting
from gmnm_pde.models import Mixture
from gmnm_pde.options.arguments import Arguments
from gmnm_pde.options.choice import choose
from gmnm_pde.processes import together
from gmnm_pde.results.solution import Solution
from gmnm_pde.run.audit import audited
from gmnm_pde.run.resolved import last_looks
from gmnm_pde.run.run import Run
from gmnm_pde.run.watching import Callback, check_callbacks, watching
from gmnm_pde.statement.fingerprint import difference, fingerprint
from gmnm_pde.statement.problem import Problem


@front_door
@in_ordinary_mode
def solve(
    problem: Problem,
    model: str | Mixture | nn.Module | None = None,
    method: str | Method | Sequence[str | Method] | None = None,
    *,
    tol: float | Mapping[str, float] | Tolerance | None = None,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
    device: str | torch.device | None = None,
    points: int | Mapping[str, int] | Moving | None = None,
    weights: str | Mapping[str, float] | Weighting | None = None,
    time_limit: float | None = None,
    checkpoint: str | Path | None = None,
    progress: bool | None = None,
    callback: Callback | Sequence[Callback] | None = None,
    engine: str = "auto",
    compiled: bool = False,
    blocks: bool | int | Sequence[float] | None = None,
    continuation: bool | Mapping[str, Sequence[float]] | None = None,
    hard: bool | str | Sequence[str] | None = None,
    smoothing: str | float | None = None,
    initial_guess: Any = None,
) -> Solution:
    """Solve a problem.

    Main arguments:

    Args:
        problem: The equations, domain and conditions.
        model: ``"gmnm"`` (the default): a mixture whose size and widths are chosen; ``Mixture(components=900)`` to
            choose some of that; ``"mlp"`` or ``"kan"``; or a torch module, of which a copy is trained, on the domain
            scaled to [-1, 1]^d: ``solution.model`` is the copy with that scaling, ``solution.approximator`` without.
        method: ``LeastSquares()`` solves for the readout and keeps the features; ``ProximalGaussNewton()``,
            ``GaussNewton()``, ``SelfScaled()``, ``LBFGS(steps)``, ``SOAP(steps)`` and ``Adam(steps, lr)`` train every
            parameter; a list runs in order. By name too: ``"gauss-newton"``. Without it mixtures get least squares, and
            networks Gauss-Newton, proximal up to 10,000 parameters, after which their readout is solved for where it
            is linear.
        tol: The relative L2 error wanted, by the error estimate: components are added until it is met, or the report
            says that it was not. Without it 1e-12 is aimed at, with a bound on size. A training is judged by it at its
            end, and noisy data by what they leave uncertain. Problems in time alone take it by field too,
            ``{"w": 1e-8}`` or ``Tolerance(1e-6, absolute={"w": 1e-12})``.
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
        time_limit: Seconds after which the best answer so far is returned, to within a tenth and a second more. It is
            converged if its error estimate is as small as was asked for; the reason says what the limit ended. Blocks
            in time that do not reach the end are returned with NaN beyond.
        checkpoint: A file that is written as the solve goes, and gone on from if it is there, to the same digits as a
            solve left alone. For mixtures, patches, blocks in time, marches through space and time, and models that are
            trained; problems in time alone are solved by least squares with it, as marching takes them no time. The
            file of another problem, or of other arguments, is refused.
        progress: Whether a bar shows what is being done, the best error estimate so far and the time left under a
            limit; by default in a terminal and in a notebook, for work of more than two seconds.
        callback: A function, or several, called as the solve goes with a ``Progress``: what is done, step, t, estimate,
            loss, seconds. One that returns True ends the solve as Ctrl-C does: the best answer so far is returned, not
            converged, with the status ``interrupted``. A second Ctrl-C raises KeyboardInterrupt, and so does the first
            one where there is no answer yet.
        engine: How derivatives are made: ``"auto"``, ``"closed"``, ``"forward"`` or ``"reverse"``. Patches have
            theirs in closed form, so that the last two keep to one mixture.
        compiled: Whether to try torch.compile on the loss of a model that is trained; where that fails a warning says
            so, and training goes on without.
        blocks: Blocks in time, each solved on patches and begun with what the last one ends with: how many, or the
            times at which they begin and end, or True to choose their lengths as the solve goes. By default blocks are
            used where one mixture leaves a poor error estimate; False leaves it at one mixture.
        continuation: Easier problems on the way to a nonlinear one: the values that a constant of the problem takes
            before its own, ``{"viscosity": (1, 0.1)}``, or True to begin with stronger highest derivatives. By default
            that is tried where Newton's method does not converge; False never does.
        hard: Conditions to be met exactly, by construction, in place of by least squares: True for every Dirichlet,
            Initial and Periodic condition on whole faces, or names of conditions, or ``"boundary"``, ``"initial"``,
            ``"periodic"``. By default none but a constant all over the edge of a ball of more than three dimensions,
            for a mixture; False is none at all.
        smoothing: Of fields that noisy data do not show: ``"discrepancy"`` (the default), ``"cross-validation"``, or
            how much their second derivatives count beside the equations.
        initial_guess: Of a nonlinear problem: another solution, a function of the coordinates, or a dict of these by
            field, from which Newton's method begins; of several solutions it finds one that is near.

    Returns:
        The solution, a function of the coordinates with a report and a history.

    Raises:
        GmnmError: an argument is impossible, or a function of the problem gave NaN; the message names it.
    """
    started = time.monotonic()
    arguments = Arguments(
        problem=problem,
        model=model,
        method=method,
        tol=tol,
        seed=seed,
        dtype=dtype,
        device=device,
        points=points,
        weights=weights,
        time_limit=time_limit,
        checkpoint=checkpoint,
        engine=engine,
        compiled=compiled,
        blocks=blocks,
        continuation=continuation,
        hard=hard,
        smoothing=smoothing,
        initial_guess=initial_guess,
    )
    check_callbacks("solve", progress, callback)
    stated = partial(_stated, problem, tol=repr(tol), seed=seed)
    with together(stated, _difference), watching(progress, callback, time_limit) as watch:
        choice = choose(arguments)
        run = Run.begin(choice.setup, started, arguments.least_tol, time_limit, watch, choice.checkpoint)
        result = last_looks(audited(choice.strategy.run(run), run), choice.setup, run)
        if choice.note:
            result = replace(result, details=f"{result.details}; {choice.note}")
        return run.solution(result, choice.stated, result.method or choice.strategy.description)


def _stated(problem: Problem, **options: Any) -> dict[str, Any]:
    """What is to be the same in all processes that solve together."""
    return {"options": options, "problem": fingerprint(problem)}


def _difference(first: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What differs between two processes, in words."""
    if first["options"] != other["options"]:
        return f"{first['options']} and {other['options']}"
    return difference(first["problem"], other["problem"])
