"""The arguments of ``solve`` and the like, each read and checked by itself; ``choice.py`` checks their combinations."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gmnm_pde._errors import nearest, refuse
from gmnm_pde._modes import drawing
from gmnm_pde.adaptivity.continuation import Homotopy, along_constant, along_diffusion
from gmnm_pde.adaptivity.time_slabs import Slabs, time_axis
from gmnm_pde.collocation.whole import Counts
from gmnm_pde.evolution.tolerance import FieldTolerances, Tolerance, read_tolerance
from gmnm_pde.methods import METHODS, LeastSquares, Method, TrainingMethod
from gmnm_pde.models import MODELS, ByPart, Evolved, Lifted, Mixture, Normalized, TimeBlocks, has_readout
from gmnm_pde.models.protocols import OutputJet, can
from gmnm_pde.results.solution import Solution
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import GROUPS
from gmnm_pde.strategies.boxes import Boxes
from gmnm_pde.strategies.evolution import Evolution
from gmnm_pde.strategies.going import Blocks
from gmnm_pde.strategies.strategy import StrategyMethod

STRATEGIES: dict[str, type[StrategyMethod]] = {"boxes": Boxes, "evolution": Evolution}
"""What ``solve(..., method=name)`` builds beside ``METHODS``: what solves in a way of its own."""

SMOOTHINGS = ("discrepancy", "cross-validation")


_SEEDS = 2**62
"""Seeds are below this: torch's generators take no larger ones."""

_DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """The arguments of ``solve`` as they were given; its docstring describes each."""

    problem: Problem
    model: Any = None
    method: Any = None
    tol: Any = None
    seed: int = 0
    dtype: torch.dtype = torch.float64
    device: Any = None
    points: Any = None
    weights: Any = None
    time_limit: float | None = None
    checkpoint: str | Path | None = None
    engine: str = "auto"
    compiled: bool = False
    blocks: Any = None
    continuation: Any = None
    hard: bool | str | Sequence[str] | None = None
    smoothing: Any = None
    initial_guess: Any = None

    def __post_init__(self) -> None:
        for name in ("tol", "time_limit"):
            object.__setattr__(self, name, plain_number(getattr(self, name)))
        object.__setattr__(self, "dtype", _DTYPES.get(str(self.dtype).removeprefix("torch."), self.dtype))
        by_field = isinstance(self.tol, Mapping | Tolerance)
        check_numbers(self.problem, None if by_field else self.tol, self.seed, self.dtype, self.time_limit)
        check_smoothing(self.smoothing)

    @property
    def tolerances(self) -> FieldTolerances | None:
        """Tolerances by field, if such were given."""
        return read_tolerance(self.tol, self.problem.fields)

    @property
    def least_tol(self) -> float | None:
        """The one tolerance, or the smallest."""
        by_field = self.tolerances
        return self.tol if by_field is None else by_field.least

    @property
    def given(self) -> frozenset[str]:
        """The names of the arguments that were given, and neither None, False nor "auto"."""
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        nothing = {name for name, value in values.items() if value is None or value is False}
        return (
            frozenset(values)
            - nothing
            - {name for name, value in values.items() if isinstance(value, str) and value == "auto"}
        )


def plain_number(value: Any) -> Any:
    """A number of any library's as one of Python's; whatever else is given as it is."""
    return value if isinstance(value, bool | int | float) or not isinstance(value, Real) else float(value)


def check_numbers(problem: Any, tol: Any, seed: Any, dtype: Any, time_limit: Any) -> None:
    """Refuse what is not a Problem, and numbers out of their range."""
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
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < _SEEDS:
        raise refuse(f"solve(seed={seed!r})", expected="a whole number from 0 to 2^62", got=repr(seed))
    if dtype not in (torch.float64, torch.float32):
        raise refuse(f"solve(dtype={dtype})", expected="torch.float64 or torch.float32", got=repr(dtype))


def _check_name(call: str, name: Any, known: Collection[str], expected: str) -> None:
    """Refuse what is none of the known names, with the most similar of them."""
    if not isinstance(name, str) or name not in known:
        raise refuse(call, expected=expected, got=repr(name), remedy=nearest(str(name), known))


def parse_model(problem: Problem, model: Any, seed: int) -> tuple[Mixture, nn.Module | None]:
    """The recipe for mixtures, and a module, if one was given or named."""
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
        _check_name(f"solve(model={model!r})", model, MODELS, "the name of a model")
        with drawing(seed):
            made = MODELS[model](d, fields)
        return (made, None) if isinstance(made, Mixture) else (Mixture(), made)
    if not isinstance(model, nn.Module):
        expected = "a name, a Mixture or a torch module"
        if isinstance(model, Solution):
            remedy = "Go on with its model, solve(problem, solution.model), or begin from it: initial_guess=solution."
            raise refuse("solve(model=...)", expected=expected, got="a Solution", remedy=remedy)
        raise refuse("solve(model=...)", expected=expected, got=repr(model))
    if any(parameter.is_meta for parameter in (*model.parameters(), *model.buffers())):
        remedy = "Create it outside of torch.device('meta')."
        got = "parameters on the device 'meta', which have none"
        raise refuse("solve(model=...)", expected="a module whose parameters have values", got=got, remedy=remedy)
    model = _unscaled(model, problem)
    if not (can(model, OutputJet) or has_readout(model)):
        return Mixture(), model  # it is looked at when it is adopted
    with torch.no_grad():
        example = next(model.parameters()).new_zeros(2, d)
        try:
            width = model(example).shape[-1]
        except Exception as error:
            raise refuse(
                "solve(model=...)", expected=f"a model for {d} coordinates", got=f"one that failed on [2, {d}]: {error}"
            ) from None
    if width != fields:
        expected = f"{fields} output(s), one for each of {', '.join(problem.fields)}"
        raise refuse("solve(model=...)", expected=expected, got=f"{width}")
    return Mixture(), model


def _unscaled(model: nn.Module, problem: Problem) -> nn.Module:
    """The model on the unit scale within that of a solution, ``solution.model``; any other model as it is."""
    model = model.inner if isinstance(model, Lifted) else model
    if not isinstance(model, Normalized):
        return model
    bounds = tuple((float(low), float(high)) for low, high in problem.domain.bounds)
    if model.bounds != bounds:
        raise refuse(
            "solve(model=solution.model)",
            expected=f"the model of a solution in the same bounds, {bounds}",
            got=f"one in {model.bounds}",
            remedy="solution.approximator is the model alone; initial_guess=solution begins from its values.",
        )
    if isinstance(model.inner, ByPart | Evolved | TimeBlocks):
        kind = "a march in time" if isinstance(model.inner, Evolved) else "parts of a domain or blocks in time"
        remedy = "Leave the model out; initial_guess=solution begins from its values."
        expected = "the model of one solution, with a readout"
        raise refuse("solve(model=solution.model)", expected=expected, got=f"one of {kind}", remedy=remedy)
    return model.inner


def check_smoothing(smoothing: Any) -> None:
    """Refuse what is neither a positive number nor the name of a way to choose one."""
    number = isinstance(smoothing, int | float) and not isinstance(smoothing, bool)
    if smoothing not in (None, *SMOOTHINGS) and not (number and math.isfinite(smoothing) and smoothing > 0):
        expected = f"a positive number, or one of {', '.join(SMOOTHINGS)}"
        raise refuse(f"solve(smoothing={smoothing!r})", expected=expected, got=repr(smoothing))


def with_strategy(arguments: "Arguments") -> "Arguments":
    """The arguments with a strategy in the place of its name."""
    method = arguments.method
    if isinstance(method, list | tuple) and len(method) == 1:
        (method,) = method
    named = STRATEGIES.get(method) if isinstance(method, str) else None
    return arguments if named is None else replace(arguments, method=named())


def parse_methods(method: Any) -> tuple[Method, ...] | None:
    """The methods in their order; None where they are left open."""
    if method is None:
        return None
    listed = method if isinstance(method, list | tuple) else [method]
    if not listed:
        raise refuse("solve(method=[])", expected="at least one method", got="none")
    return tuple(_method(entry) for entry in listed)


def _method(method: Any) -> Method:
    """A method, given as such or by its name."""
    if isinstance(method, str):
        _check_name(f"solve(method={method!r})", method, (*METHODS, *STRATEGIES), "the name of a method")
        if method in STRATEGIES:
            raise refuse(
                "solve(method=[...])",
                expected=f"'{method}' by itself, which solves from the beginning to the end",
                got="it among others",
                remedy=f"Say method='{method}'.",
            )
        return METHODS[method]()
    if not isinstance(method, LeastSquares | TrainingMethod):
        raise refuse("solve(method=...)", expected="a name or a method such as LeastSquares()", got=repr(method))
    return method


def parse_points(points: Any) -> Counts | None:
    """``solve``'s argument ``points``: None, a number, or {"interior": n, "boundary": m}."""
    if points is None:
        return None
    call = f"solve(points={points!r})"
    if isinstance(points, Mapping):
        for key in points:
            _check_name(call, key, ("interior", "boundary"), "the keys 'interior' and 'boundary'")
        if "interior" not in points:
            raise refuse(call, expected="the number of interior points", got="none")
        counts = Counts(points["interior"], points.get("boundary"))
    else:
        counts = Counts(points)
    for count, needed in ((counts.interior, True), (counts.boundary, False)):
        if (count is not None or needed) and (not isinstance(count, Integral) or isinstance(count, bool) or count < 1):
            raise refuse(call, expected="positive whole numbers", got=repr(count))
    return counts


def parse_blocks(problem: Problem, blocks: Any) -> Blocks | None:
    """The time slabs that are asked for; None and False ask for none.

    Raises:
        GmnmError: it is neither a positive number nor edges that ascend from the beginning to the end of the time.
    """
    if blocks is None or blocks is False:
        return None
    _, (low, high) = time_axis(problem)
    call = f"solve(blocks={blocks!r})"
    if problem.parameters:
        raise refuse(call, expected="a problem without unknown parameters, which bind all times", got="one with them")
    if blocks is True:
        return Blocks(None, Slabs().first)
    if isinstance(blocks, int) and blocks > 0:
        return Blocks((*(low + (high - low) * k / blocks for k in range(blocks)), high), blocks)
    listed: Any = blocks
    listed = listed.tolist() if hasattr(listed, "tolist") else listed
    listed = listed if isinstance(listed, list | tuple) else ()
    edges = tuple(float(edge) if isinstance(edge, int | float) else math.nan for edge in listed)
    if len(edges) < 2 or edges[0] != low or edges[-1] != high or not all(a < b for a, b in pairwise(edges)):
        raise refuse(
            call,
            expected=f"a number of blocks, or ascending edges from {low:g} to {high:g}",
            got=repr(blocks),
            remedy="Blocks begin and end within the time of the problem.",
        )
    return Blocks(edges, len(edges) - 1)


def parse_continuation(problem: Problem, continuation: Any) -> Homotopy | None:
    """The continuation that is asked for; None and False ask for none.

    Raises:
        GmnmError: it is no mapping from one constant of the problem to values.
    """
    if continuation is None or continuation is False:
        return None
    call = f"solve(continuation={continuation!r})"
    if problem.linear:
        raise refuse(
            call, expected="a nonlinear problem", got="a linear one, solved in one step", remedy="Leave it out."
        )
    if continuation is True or continuation == "diffusion":
        return along_diffusion(problem)
    if not isinstance(continuation, Mapping) or len(continuation) != 1:
        raise refuse(
            call,
            expected="one constant with its values on the way, as in {'viscosity': (1, 0.1)}",
            got=repr(continuation),
        )
    ((name, values),) = continuation.items()
    listed = list(values) if isinstance(values, list | tuple) else [values]
    if not listed or not all(isinstance(value, Real) and math.isfinite(value) for value in listed):
        raise refuse(call, expected="finite numbers", got=repr(values))
    return along_constant(problem, name, [float(value) for value in listed])


def parse_device(device: Any) -> torch.device:
    """The torch device, after a test that this machine has it."""
    try:
        chosen = torch.device(device or "cpu")
        if chosen.type == "meta":
            raise TypeError("'meta', which has no numbers")
        torch.zeros(1, device=chosen)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise refuse(
            f"solve(device={device!r})",
            expected="a device of this machine",
            got=str(error).splitlines()[0],
            remedy="Leave device out to compute on the CPU.",
        ) from None
    return chosen


def parse_weights(problem: Problem, weights: Any) -> dict[str, float]:
    """The factors of squared residuals, by the name of a term or of a group of terms."""
    if weights is None or weights == "auto":
        return {}
    every = {(name, term.suffix) for term in problem.terms for name in term.trace.names}
    names = {name for name, _ in every} | {name.removesuffix(end) for name, end in every} | set(GROUPS)
    groups = {term.group for term in problem.terms}
    if not isinstance(weights, Mapping):
        raise refuse("solve(weights=...)", expected="'auto' or a dict by term name or group", got=repr(weights))
    for name, weight in weights.items():
        _check_name(f"solve(weights={{{name!r}: ...}})", name, names, "a term or a group")
        if name in GROUPS and name not in groups:
            raise refuse(
                f"solve(weights={{{name!r}: ...}})",
                expected=f"a group that has terms: {', '.join(sorted(groups))}",
                got=f"'{name}', which has none{' left: they are met exactly' if problem.met else ''}",
                remedy="Leave it out.",
            )
        if not (isinstance(weight, int | float) and math.isfinite(weight) and weight > 0):
            raise refuse(f"solve(weights={{{name!r}: ...}})", expected="a positive number", got=repr(weight))
    return {name: float(weight) for name, weight in weights.items()}
