"""The arguments of ``solve``, read and checked: each impossible one is a clear error before any work is done."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.fitting.collocation import parse_points
from gmnm_pde.fitting.fit import Setup, reference_scales
from gmnm_pde.jets.engines import choose_engine
from gmnm_pde.methods import METHODS, LeastSquares
from gmnm_pde.models import MODELS, Mixture, has_readout
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import GROUPS


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
) -> Setup:
    """Everything that ``solve`` was given, checked, as the setup of its fits."""
    mixture = _model(problem, model)
    chosen_method = _method(method)
    chosen_device = _device(device)
    counts = parse_points(points)
    factors = _weights(problem, weights)
    example = (
        model
        if isinstance(model, nn.Module)
        else mixture.draw(problem.domain.dimension, 1, 1, [1.0] * problem.domain.dimension, seed=0)
    )
    choose_engine(example, engine, call=f"solve(engine={engine!r})")
    scales = reference_scales(problem, factors, seed)
    return Setup(problem, mixture, chosen_method, counts, scales, seed, dtype, chosen_device, engine)


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


def _model(problem: Problem, model: Any) -> Mixture:
    if model is None:
        return Mixture()
    if isinstance(model, Mixture):
        if isinstance(model.widths, tuple | list) and len(model.widths) != problem.domain.dimension:
            raise refuse(
                "solve(model=Mixture(widths=...))",
                got=len(model.widths),
                expected=f"{problem.domain.dimension} widths, one for each coordinate",
            )
        return model
    if isinstance(model, str):
        if model not in MODELS:
            raise refuse(
                f"solve(model={model!r})",
                expected="the name of a model",
                got=repr(model),
                remedy=nearest(model, MODELS),
            )
        return MODELS[model]()
    if not isinstance(model, nn.Module):
        raise refuse("solve(model=...)", expected="a name, a Mixture or a torch module", got=repr(model))
    if not has_readout(model):
        raise refuse(
            "solve(model=...)",
            expected="a model with features(x) and a linear readout, as GMNM has",
            got=f"a {type(model).__name__} without",
        )
    fields, d = len(problem.fields), problem.domain.dimension
    with torch.no_grad():
        example = next(model.parameters()).new_zeros(2, d)
        try:
            width = model(example).shape[-1]
        except (RuntimeError, ValueError) as error:
            raise refuse(
                "solve(model=...)", expected=f"a model for {d} coordinates", got=f"one that failed on [2, {d}]: {error}"
            ) from None
    if width != fields:
        raise refuse(
            "solve(model=...)",
            expected=f"{fields} output(s), one for each of {', '.join(problem.fields)}",
            got=f"{width}",
        )
    return Mixture()


def _method(method: Any) -> LeastSquares:
    if method is None:
        return LeastSquares()
    if isinstance(method, str):
        if method not in METHODS:
            raise refuse(
                f"solve(method={method!r})",
                expected="the name of a method",
                got=repr(method),
                remedy=nearest(method, METHODS),
            )
        return METHODS[method]()
    if not isinstance(method, LeastSquares):
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
