"""The arguments of ``solve``, read and checked: each impossible one is a clear error before any work is done."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.adaptivity.time_slabs import read_blocks
from gmnm_pde.collocation.moving import MOVINGS
from gmnm_pde.collocation.whole import Counts, parse_points
from gmnm_pde.fitting.fit import Setup, reference_scales, smoothness_for, zero_solves
from gmnm_pde.jets.engines import choose_engine
from gmnm_pde.methods import METHODS, GaussNewton, LeastSquares
from gmnm_pde.methods.weighting import WEIGHTINGS
from gmnm_pde.models import MODELS, Mixture, along_each, has_readout
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import GROUPS
from gmnm_pde.strategies.training import Method, Plan

SMOOTHINGS = ("discrepancy", "cross-validation")

_SAME = 1e-5
"""A given model is periodic if values at both ends differ by no more, which float32 allows for."""

_TRAINED_COMPONENTS, _TRAINED_WIDTH = 200, 2.0
"""A mixture whose components are trained, where its size and widths are not given."""


@dataclass(frozen=True)
class Choice:
    """What a solve does: fit mixtures, fit the readout of a given model, or train one."""

    setup: Setup
    model: nn.Module | None
    methods: tuple[Method, ...]
    plan: Plan | None
    """What is trained, if more than a readout is solved for."""
    blocks: Any = None
    """Blocks in time, as ``solve`` was given them."""


def read_options(
    problem: Problem,
    model: Any,
    method: Any,
    seed: int,
    dtype: torch.dtype,
    device: Any,
    points: Any,
    weights: Any,
    engine: str,
    *,
    compiled: bool = False,
    blocks: Any = None,
    continuation: Any = None,
    nontrivial: bool = False,
) -> Choice:
    """Everything that ``solve`` was given, checked, before any work is done.

    ``nontrivial`` says that zero fields are no answer, as in eigenvalue problems.
    """
    mixture, module = _model(problem, model, seed)
    methods = _methods(method, module, named=isinstance(model, str))
    chosen_device = _device(device)
    moving = points if isinstance(points, MOVINGS) else None
    counts = Counts(moving.interior, moving.boundary) if moving else parse_points(points)
    weighting = weights if isinstance(weights, WEIGHTINGS) else None
    factors = {} if weighting else _weights(problem, weights)
    if module is None and any(not isinstance(one, LeastSquares) for one in methods):
        module = _drawn(problem, mixture, seed)
    if module is not None and not has_readout(module) and any(isinstance(one, LeastSquares) for one in methods):
        raise refuse(
            "solve(model=..., method=LeastSquares())",
            expected="a model with features(x) and a linear readout, as GMNM, MLP and KAN have",
            got=f"a {type(module).__name__} without",
            remedy="Train it: method=[Adam(), LBFGS()] or GaussNewton().",
        )
    choose_engine(module or _drawn(problem, Mixture(components=1), seed), engine, call=f"solve(engine={engine!r})")
    readout_method = next((one for one in methods if isinstance(one, LeastSquares)), LeastSquares())
    scales = reference_scales(problem, factors, seed)
    partition = None if module is not None else mixture.partition(problem.domain.bounds, smoothness_for(problem))
    setup = Setup(
        problem, mixture, readout_method, counts, scales, factors, seed, dtype, chosen_device, engine, partition
    )
    plan = None
    if module is not None and any(not isinstance(one, LeastSquares) for one in methods):
        plan = Plan(module, methods, weighting, moving, compiled)
    elif moving is not None or weighting is not None or compiled:
        what = "points=" if moving is not None else "weights=" if weighting is not None else "compiled="
        raise refuse(
            f"solve({what}...)",
            expected="a method that trains, for what changes in the course of training",
            got="least squares, which has no course",
            remedy="Give a number of points or a dict of weights, or method='gauss-newton'.",
        )
    for name, value in (("blocks", blocks), ("continuation", continuation)):
        if value is not None and value is not False and module is not None:
            raise refuse(
                f"solve({name}={value!r})",
                expected="a mixture, which is solved for anew on the way",
                got=f"the model {type(module).__name__}",
                remedy=f"Leave model or {name} out.",
            )
    if blocks is not None and blocks is not False:
        read_blocks(problem, blocks)
    _check_exact_conditions(problem, module, partition, blocks)
    if any(term.noise is not None for term in problem.terms) and (partition is not None or blocks):
        raise refuse(
            f"solve({problem.name})",
            expected="one mixture, where the noise of data is stated",
            got="patches" if partition is not None else "blocks in time",
            remedy="Leave patches and blocks out.",
        )
    if problem.parameters and not nontrivial and zero_solves(setup):
        name = next(iter(problem.parameters))
        raise refuse(
            f"solve({problem.name})",
            expected=f"a problem that determines '{name}'",
            got="one that zero fields solve whatever it is: an eigenvalue problem",
            remedy="Ask for eigenmodes(problem, count=6), or on the command line for gmnm-pde modes.",
        )
    return Choice(setup, module, methods, plan, blocks)


def _check_exact_conditions(problem: Problem, module: nn.Module | None, partition: Any, blocks: Any) -> None:
    """Refuse what conditions that are met by construction do not go together with."""
    pieces = (
        "patches" if partition is not None else "blocks in time" if blocks is not None and blocks is not False else ""
    )
    begun = any(term.group == "initial" for term in problem.terms)
    if pieces and (problem.periodic or (pieces != "patches" and not begun)):
        raise refuse(
            "solve(hard=...)",
            expected=f"{'initial' if not begun else 'periodic'} conditions by least squares, where there are {pieces}",
            got=f"{', '.join(problem.met)} to be met exactly",
            remedy="Name the others: hard=('boundary',) or the names of conditions.",
        )
    if module is not None:
        for axis in problem.periodic:
            _check_period(module, problem.domain.dimension, axis)


@torch.no_grad()
def _check_period(module: nn.Module, dimension: int, axis: int) -> None:
    generator = torch.Generator().manual_seed(0)
    low = (2 * torch.rand(16, dimension, generator=generator) - 1).to(next(module.parameters()))
    low[:, axis] = -1.0
    high = low.clone()
    high[:, axis] = 1.0
    gap = (module(high) - module(low)).abs().max().item()
    if gap > _SAME:
        raise refuse(
            f"solve(model={type(module).__name__}, hard=...)",
            expected=f"a model of period 2 along axis {axis}, the length of [-1, 1]",
            got=f"one whose values at both ends differ by {gap:.1e}",
            remedy=f"Put FourierFeatures(..., periods={{{axis}: 2.0}}) before it by Embedded, or name other "
            "conditions: hard=('initial',).",
        )


def check_numbers(problem: Any, tol: Any, seed: Any, dtype: Any, time_limit: Any) -> None:
    """Refuse a problem that is none, and numbers out of their range."""
    if not isinstance(problem, Problem):
        raise refuse(
            "solve(problem, ...)",
            expected="a Problem",
            got=repr(problem),
            remedy="Load one by name: gmnm_pde.registry.load('poisson').",
        )
    for name, value in (("tol", tol), ("time_limit", time_limit)):
        if value is not None and not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
            raise refuse(f"solve({name}={value!r})", expected="a positive number", got=repr(value))
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise refuse(f"solve(seed={seed!r})", expected="a whole number from 0", got=repr(seed))
    if dtype not in (torch.float64, torch.float32):
        raise refuse(f"solve(dtype={dtype})", expected="torch.float64 or torch.float32", got=repr(dtype))


def _model(problem: Problem, model: Any, seed: int) -> tuple[Mixture, nn.Module | None]:
    """The recipe of mixtures, and a module where one was given or named."""
    fields, d = len(problem.fields), problem.domain.dimension
    if model is None:
        return Mixture(), None
    if isinstance(model, Mixture):
        if isinstance(model.widths, tuple | list) and len(model.widths) != d:
            raise refuse(
                "solve(model=Mixture(widths=...))",
                got=len(model.widths),
                expected=f"{d} widths, one for each coordinate",
            )
        return model, None
    if isinstance(model, str):
        if model not in MODELS:
            raise refuse(
                f"solve(model={model!r})",
                expected="the name of a model",
                got=repr(model),
                remedy=nearest(model, MODELS),
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = MODELS[model](d, fields)
        return (made, None) if isinstance(made, Mixture) else (Mixture(), made)
    if not isinstance(model, nn.Module):
        raise refuse("solve(model=...)", expected="a name, a Mixture or a torch module", got=repr(model))
    with torch.no_grad():
        example = next(model.parameters()).new_zeros(2, d)
        try:
            width = model(example).shape[-1]
        except (RuntimeError, ValueError) as error:
            raise refuse(
                "solve(model=...)", expected=f"a model for {d} coordinates", got=f"one that failed on [2, {d}]: {error}"
            ) from None
    if width != fields:
        expected = f"{fields} output(s), one for each of {', '.join(problem.fields)}"
        raise refuse("solve(model=...)", expected=expected, got=f"{width}")
    return Mixture(), model


def _drawn(problem: Problem, mixture: Mixture, seed: int) -> nn.Module:
    """A mixture to train: its components drawn, and a small random readout to start from."""
    d = problem.domain.dimension
    each = along_each(mixture.widths or _TRAINED_WIDTH, d)
    size = mixture.components or _TRAINED_COMPONENTS
    made = mixture.draw(d, len(problem.fields), size, each, seed=seed, periodic=problem.periodic)
    generator = torch.Generator().manual_seed(seed)
    made.set_readout(torch.randn(made.readout.shape, generator=generator) / made.components)
    return made


def check_smoothing(smoothing: Any) -> None:
    """Refuse what says nothing of how smooth fields are to be."""
    number = isinstance(smoothing, int | float) and not isinstance(smoothing, bool)
    if smoothing not in (None, *SMOOTHINGS) and not (number and math.isfinite(smoothing) and smoothing > 0):
        expected = f"a positive number, or one of {', '.join(SMOOTHINGS)}"
        raise refuse(f"solve(smoothing={smoothing!r})", expected=expected, got=repr(smoothing))


def _methods(method: Any, module: nn.Module | None, *, named: bool) -> tuple[Method, ...]:
    if method is None:
        if module is None or (has_readout(module) and not named):
            return (LeastSquares(),)
        return (GaussNewton(),)
    listed = method if isinstance(method, list | tuple) else [method]
    if not listed:
        raise refuse("solve(method=[])", expected="at least one method", got="none")
    return tuple(_one_method(one) for one in listed)


def _one_method(method: Any) -> Method:
    if isinstance(method, str):
        if method not in METHODS:
            raise refuse(
                f"solve(method={method!r})",
                expected="the name of a method",
                got=repr(method),
                remedy=nearest(method, METHODS),
            )
        return METHODS[method]()
    if not isinstance(method, tuple(METHODS.values())):
        raise refuse("solve(method=...)", expected="a name or a method such as LeastSquares()", got=repr(method))
    return method


def _device(device: Any) -> torch.device:
    try:
        chosen = torch.device(device or "cpu")
        torch.zeros(1, device=chosen)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise refuse(
            f"solve(device={device!r})",
            expected="a device of this machine",
            got=str(error).splitlines()[0],
            remedy="Leave device out to compute on the CPU.",
        ) from None
    return chosen


def _weights(problem: Problem, weights: Any) -> dict[str, float]:
    if weights is None or weights == "auto":
        return {}
    names = {name for term in problem.terms for name in problem.traced(term).names} | set(GROUPS)
    if not isinstance(weights, Mapping):
        raise refuse("solve(weights=...)", expected="'auto' or a dict by term name or group", got=repr(weights))
    for name, weight in weights.items():
        if name not in names:
            raise refuse(
                f"solve(weights={{{name!r}: ...}})",
                expected="a term or a group",
                got=repr(name),
                remedy=nearest(name, names),
            )
        if not (isinstance(weight, int | float) and math.isfinite(weight) and weight > 0):
            raise refuse(f"solve(weights={{{name!r}: ...}})", expected="a positive number", got=repr(weight))
    return {name: float(weight) for name, weight in weights.items()}
