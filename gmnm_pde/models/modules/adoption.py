"""A look at a user's module before anything is trained: what is no model is refused, and the right engine is found."""

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations_with_replacement, product
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import GmnmError, refuse
from gmnm_pde.jets.capabilities import OutputJet, can
from gmnm_pde.jets.engines import derivatives
from gmnm_pde.models.modules.adopted import ENGINES, ROWS, Adopted, AdoptedWithReadout, joined
from gmnm_pde.models.modules.carried import NotCarried
from gmnm_pde.models.modules.readouts import find_readout
from gmnm_pde.multiindex import Alpha, axes_of
from gmnm_pde.sampling import unit_points

_POINTS = 16
"""Points at which a module is looked at."""

_NOISE = 0.1
"""By so much, of normal distribution, weights are moved for the look: they may begin with zeros."""

_JETS_AGREE, _ROWS_AGREE = 1e-7, 1e-4
"""Relative differences that rounding, and finite differences by weights, leave between two ways to differentiate."""

_STEP = 1e-6
"""The step of these finite differences."""

_STEPS_OF_POINTS = {1: (1e-5, 1e-6), 2: (1e-3, 1e-4, 1e-5)}
"""Steps of finite differences by the points, by the order of derivatives: short ones for modules that vary quickly."""

_POINTS_AGREE, _MOST_APART = 1e-3, 0.25
"""The part of a derivative that they may differ by, and the part of all points at which they may differ by more, as at
kinks."""


def adopted(
    module: nn.Module, dimension: int, fields: int | None = None, alphas: Iterable[Alpha] | None = None
) -> nn.Module:
    """A module as a model; one that makes its own derivatives is returned as it is.

    Derivatives by each engine are compared with reverse mode, and rows of Jacobians with finite differences by the
    weights, at a few points of a copy whose weights are moved a little. The fastest that is right is taken.

    Args:
        module: From points [n, d] in [-1, 1]^d.
        dimension: d.
        fields: How many outputs it is to have, where that is known.
        alphas: The derivatives that are needed of it; by default those up to second order, which may then be zero.

    Raises:
        GmnmError: it has no parameters to train, draws at random, mixes points, has not the outputs or the derivatives
            that are needed; the message says what to do.
    """
    if can(module, OutputJet):
        return module
    _check_parameters(module)
    with torch.random.fork_rng(devices=[]):
        trial = copy.deepcopy(module).double()
        device = next(trial.parameters()).device
        x = (2 * unit_points(_POINTS, dimension, "sobol", seed=1) - 1).double().to(device)
        _check_outputs(module, trial, x, fields)
        last = find_readout(trial, x, joined)
        _move(trial)
        wanted = tuple(dict.fromkeys(_up_to_second(dimension) if alphas is None else alphas))
        engine = _engine(module, trial, x, wanted, needed=alphas is not None)
        engine, rows = _with_rows(module, Adopted(trial, engine), x, wanted)
    if last is None:
        return Adopted(module, engine, rows)
    return AdoptedWithReadout(module, last, engine, rows)


def plain(model: nn.Module) -> nn.Module:
    """The user's own module in a model that was adopted; another model as it is."""
    return model.module if isinstance(model, Adopted) else model


def _refusal(module: nn.Module, expected: str, got: str, remedy: str = "") -> GmnmError:
    return refuse(f"solve(model={type(module).__name__}(...))", expected=expected, got=got, remedy=remedy)


def _check_parameters(module: nn.Module) -> None:
    parameters = list(module.parameters())
    if any(isinstance(p, nn.parameter.UninitializedParameter) for p in parameters):
        raise _refusal(module, "parameters of known shapes", "lazy layers", "Call the module once before.")
    if not any(p.requires_grad for p in parameters):
        got = "none" if not parameters else f"{len(parameters)} of them, all frozen (requires_grad=False)"
        raise _refusal(module, "a module with parameters to train", got)
    if any(p.is_complex() for p in parameters):
        raise _refusal(
            module, "real parameters", "complex ones", "State real and imaginary parts as fields, with real weights."
        )


def _check_outputs(module: nn.Module, trial: nn.Module, x: Tensor, fields: int | None) -> None:
    with torch.no_grad():
        try:
            first, again = joined(trial(x)), joined(trial(x))
            fewer = joined(trial(x[: _POINTS // 2]))
        except GmnmError:
            raise
        except Exception as error:  # whatever a user's module raises
            words = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
            raise _refusal(module, f"a module that takes points [n, {x.shape[1]}]", words) from error
    if len(first) != len(x) or fields not in (None, first.shape[1]):
        given = f"{first.shape[1]}" if len(first) == len(x) else f"shape {list(first.shape)} for {len(x)} points"
        raise _refusal(module, f"{'some' if fields is None else fields} output(s), one for each field", given)
    if first.dtype != x.dtype:
        raise _refusal(
            module,
            "outputs of the precision of the points",
            f"{first.dtype} for {x.dtype}",
            "Leave out casts and autocast: solve(dtype=torch.float32) sets one precision for all.",
        )
    if not torch.equal(first, again):
        raise _refusal(
            module,
            "the same outputs whenever it is called",
            "others each time, as active dropout gives, or a spectral norm that is still found",
            "Call model.eval() before, which switches both off, or leave them out.",
        )
    if not torch.allclose(first[: len(fewer)], fewer, rtol=1e-8, atol=1e-8):
        raise _refusal(
            module,
            "outputs that depend on their own point alone",
            "such as change with the other points, as batch normalisation does while it trains",
            "Call model.eval() before, or use LayerNorm.",
        )


@torch.no_grad()
def _move(trial: nn.Module) -> None:
    torch.manual_seed(0)
    for parameter in trial.parameters():
        parameter.add_(_NOISE * torch.randn_like(parameter))


def _up_to_second(dimension: int) -> Iterator[Alpha]:
    unit = [tuple(int(k == axis) for k in range(dimension)) for axis in range(dimension)]
    yield (0,) * dimension
    yield from unit
    yield from (tuple(map(sum, zip(a, b, strict=True))) for a, b in combinations_with_replacement(unit, 2))


def _engine(module: nn.Module, trial: nn.Module, x: Tensor, alphas: tuple[Alpha, ...], *, needed: bool) -> str:
    """The fastest engine whose derivatives are those of reverse mode."""
    try:
        right = derivatives(Adopted(trial, "reverse"), x, alphas)
    except Exception as error:
        words = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
        raise _refusal(module, "a module that torch differentiates as often as the equations do", words) from error
    for alpha, values in right.items():
        if needed and sum(alpha) == max(alpha) > 0 and not values.any():
            raise _refusal(
                module,
                f"a module whose derivatives {alpha} tell something, since the equations use them",
                "one where they are zero everywhere, as the second derivatives of ReLU are",
                "Take a smooth activation: Tanh, SiLU, Softplus or sines.",
            )
    _check_by_points(module, trial, x, right)
    return next((engine for engine in ENGINES[:-1] if _agree(trial, engine, x, right)), ENGINES[-1])


def _check_by_points(module: nn.Module, trial: nn.Module, x: Tensor, right: dict[Alpha, Tensor]) -> None:
    """Refuse a module whose derivatives by its points are not those of finite differences."""
    for alpha, values in right.items():
        steps = _STEPS_OF_POINTS.get(sum(alpha), ())
        if steps and not any(_is_difference(_difference_by_points(trial, x, alpha, step), values) for step in steps):
            raise _refusal(
                module,
                "a module whose derivatives by its points torch makes right",
                f"one whose derivatives {alpha} differ from finite differences",
                "Parts that are detached, or computed outside of torch, do so.",
            )


def _is_difference(found: Tensor, values: Tensor) -> bool:
    """Whether finite differences are derivatives, at most points."""
    far = (found - values).abs() > _POINTS_AGREE * (values.abs() + found.abs().mean())
    return far.any(dim=1).double().mean().item() <= _MOST_APART


@torch.no_grad()
def _difference_by_points(trial: nn.Module, x: Tensor, alpha: Alpha, step: float) -> Tensor:
    """A derivative of first or second order by central differences, [n, fields]."""
    axes = axes_of(alpha)
    found: Tensor | float = 0.0
    for signs in product((1, -1), repeat=len(axes)):
        moved = x.clone()
        for axis, sign in zip(axes, signs, strict=True):
            moved[:, axis] += sign * step
        found = found + math.prod(signs) * joined(trial(moved)) / (2 * step) ** len(axes)
    assert isinstance(found, Tensor)
    return found


def _agree(trial: nn.Module, engine: str, x: Tensor, right: dict[Alpha, Tensor]) -> bool:
    try:
        jets = Adopted(trial, engine).output_jet(x, tuple(right))
    except (NotCarried, NotImplementedError, RuntimeError, TypeError, ValueError, AttributeError, IndexError):
        return False
    return all(_close(jets[alpha], values, _JETS_AGREE) for alpha, values in right.items())


def _with_rows(module: nn.Module, trial: Adopted, x: Tensor, alphas: tuple[Alpha, ...]) -> tuple[str, str]:
    """The engine and the fastest way to rows of the Jacobian that agree with finite differences by the weights.

    Where none does with the engine that was chosen, reverse mode is taken: functions with a backward pass of their own
    know no other, and torch's second derivatives forward through linear solves are wrong by a few per cent.
    """
    generator = torch.Generator().manual_seed(0)
    operator = {alpha: torch.rand(len(x), generator=generator, dtype=x.dtype).to(x) + 0.5 for alpha in alphas}
    trained = [p for p in trial.parameters() if p.requires_grad]
    direction = [torch.randn(p.shape, generator=generator, dtype=p.dtype).to(p) for p in trained]
    right = _differences(trial, x, operator, trained, direction)
    for engine, rows in product(dict.fromkeys((trial.engine, ENGINES[-1])), ROWS):
        trial.engine, trial.rows = engine, rows
        if all(_close(found, value, _ROWS_AGREE) for found, value in _products(trial, x, operator, direction, right)):
            return engine, rows
    raise _refusal(
        module,
        "a module whose derivatives by its weights torch makes right",
        "one where they differ from finite differences",
        "Kinks, detached parts, and layers that torch differentiates wrongly do so.",
    )


@torch.no_grad()
def _differences(
    trial: Adopted, x: Tensor, operator: Any, trained: Sequence[Tensor], direction: list[Tensor]
) -> list[Tensor]:
    """How the operator on each output changes along a direction of the weights, each [n]."""
    values = []
    for step in (_STEP, -2 * _STEP, _STEP):
        for parameter, along in zip(trained, direction, strict=True):
            parameter.add_(along, alpha=step)
        values.append(trial.output_combination(x, operator).detach())
    return list(((values[0] - values[1]) / (2 * _STEP)).unbind(-1))


def _products(
    trial: Adopted, x: Tensor, operator: Any, direction: list[Tensor], right: list[Tensor]
) -> Iterator[tuple[Tensor, Tensor]]:
    """By output, the same from rows of the Jacobian beside it."""
    for output, value in enumerate(right):
        try:
            rows = trial.output_rows(x, operator, output).values()
        except (NotCarried, NotImplementedError, RuntimeError, TypeError, ValueError, AttributeError):
            yield torch.full_like(value, torch.nan), value
            return
        yield sum((r * along).reshape(len(r), -1).sum(1) for r, along in zip(rows, direction, strict=True)), value  # type: ignore[misc]


def _close(found: Tensor, right: Tensor, tolerance: float) -> bool:
    return bool((found - right).norm() <= tolerance * (right.norm() + tolerance))
