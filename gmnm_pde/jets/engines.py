"""How derivatives of a model are made: in closed form where it offers one, else in forward mode.

A model with a closed form has the methods of ``OutputJet`` and, for its features, ``FeatureCombination``; those of this
library do. Any other torch module is pushed through nested Jacobian-vector products, one for each differentiation.
Reverse mode (autograd through the graph, ``FunctionSource``) is the oracle that tests hold both against.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.jets.capabilities import FeatureCombination, OutputJet, can
from gmnm_pde.jets.partials import partials
from gmnm_pde.multiindex import Alpha, axes_of, raised

ENGINES = ("auto", "closed", "forward", "reverse")


def choose_engine(model: Any, engine: str, *, call: str, capability: type = OutputJet) -> str:
    """The engine that ``auto`` stands for, after checking that the model can do what was asked."""
    if engine not in ENGINES:
        raise refuse(call, expected="an engine", got=repr(engine), remedy=nearest(engine, ENGINES))
    closed = can(model, capability)
    if engine == "closed" and not closed:
        raise refuse(
            call,
            expected="a model with closed-form derivatives (it has output_jet and feature_combination)",
            got=type(model).__name__,
            remedy="Use engine='forward'.",
        )
    return ("closed" if closed else "forward") if engine == "auto" else engine


def output_jet(model: Any, x: Tensor, alphas: Iterable[Alpha], engine: str = "auto") -> dict[Alpha, Tensor]:
    """Derivatives of the model's outputs at x [n, d]: for each alpha, [n, outputs]."""
    engine = choose_engine(model, engine, call="output_jet(...)")
    if engine == "closed":
        return model.output_jet(x, tuple(alphas))
    if engine == "reverse":
        return derivatives(model, x, alphas)
    return forward_jet(model, x, alphas)


def feature_combination(model: Any, x: Tensor, coefficients: Mapping[Alpha, Tensor], engine: str = "auto") -> Tensor:
    """A linear differential operator on every feature: sum over alpha of c_alpha(x) D^alpha phi_j(x), [n, features].

    Each coefficient has shape [n] or [] (the same at every point).
    """
    engine = choose_engine(model, engine, call="feature_combination(...)", capability=FeatureCombination)
    if engine == "closed":
        return model.feature_combination(x, coefficients)
    make = forward_jet if engine == "forward" else derivatives
    jets = make(model.features, x, coefficients)
    return sum(c[..., None] * jets[alpha] for alpha, c in coefficients.items())  # type: ignore[return-value]


def forward_jet(function: Callable[[Tensor], Tensor], x: Tensor, alphas: Iterable[Alpha]) -> dict[Alpha, Tensor]:
    """Derivatives of ``function`` at x [n, d] by nested forward mode; one nesting gives all its lower orders too."""
    wanted = set(alphas)
    jets: dict[Alpha, Tensor] = {}
    for alpha in sorted(wanted, key=sum, reverse=True):
        if alpha not in jets:
            _collect(_tower(function, x, alpha), (0,) * len(alpha), axes_of(alpha), jets)
    return {alpha: jets[alpha] for alpha in wanted}


def _tower(function: Callable, x: Tensor, alpha: Alpha) -> object:
    """Nested pairs (value, derivative), one level for each differentiation."""
    for axis in axes_of(alpha):
        function = _with_derivative(function, axis)
    return function(x)


def _with_derivative(function: Callable, axis: int) -> Callable:
    def pair(x: Tensor) -> object:
        tangent = torch.zeros_like(x)
        tangent[:, axis] = 1.0
        return torch.func.jvp(function, (x,), (tangent,))

    return pair


def _collect(nested: object, alpha: Alpha, axes: tuple[int, ...], jets: dict[Alpha, Tensor]) -> None:
    if isinstance(nested, Tensor):
        jets.setdefault(alpha, nested)
        return
    value, derivative = nested  # type: ignore[misc]
    _collect(value, alpha, axes[:-1], jets)
    axis = axes[-1]
    _collect(derivative, raised(alpha, axis), axes[:-1], jets)


def derivatives(function: Callable[[Tensor], Tensor], x: Tensor, alphas: Iterable[Alpha]) -> dict[Alpha, Tensor]:
    """Derivatives of ``function`` at x [n, d] by autograd, output by output: slow, and simple enough to be trusted."""
    with torch.enable_grad():
        leaves = [column.detach().clone().requires_grad_() for column in x.unbind(-1)]
        outputs = function(torch.stack(leaves, -1))
        return {
            alpha: torch.stack([differentiate(column, leaves, alpha) for column in outputs.unbind(-1)], -1)
            for alpha in alphas
        }


def reverse_jet(function: Callable[[Tensor], Tensor], x: Tensor, alphas: Iterable[Alpha]) -> dict[Alpha, Tensor]:
    """The same by nested reverse mode of torch.func, which other transforms may be put around."""
    with torch.enable_grad():
        count = function(x).shape[-1]
        jets = {}
        for alpha in alphas:
            columns = []
            for k in range(count):
                nested = lambda at, k=k: function(at)[:, k]  # noqa: E731
                for axis in axes_of(alpha):
                    nested = _partial(nested, axis)
                columns.append(nested(x))
            jets[alpha] = torch.stack(columns, dim=-1)
    return jets


def _partial(function: Callable[[Tensor], Tensor], axis: int) -> Callable[[Tensor], Tensor]:
    """The derivative by a coordinate of a function from points [n, d] to [n], each by its own point alone."""
    gradient = torch.func.grad(lambda x: function(x).sum())
    return lambda x: gradient(x)[:, axis]


def differentiate(value: Tensor, leaves: list[Tensor] | tuple[Tensor, ...], alpha: Alpha) -> Tensor:
    """The derivative ``alpha`` of a pointwise ``value`` [n] by its coordinate leaves, in reverse mode."""
    for axis in axes_of(alpha):
        if not value.requires_grad:
            return torch.zeros_like(value)
        (partial,) = partials(value, [leaves[axis]], again=True)
        value = torch.zeros_like(value) if partial is None else partial
    return value
