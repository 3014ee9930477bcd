"""Rows of the Jacobian by a module's parameters, where no closed form of them is known: point by point, under vmap."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gmnm_pde.multiindex import Alpha, Operator

Jets = Callable[[dict[str, Tensor], Tensor, tuple[Alpha, ...]], dict[Alpha, Tensor]]
"""From the values of parameters, points [n, d] and derivatives to these, [n, outputs] each."""

_CHUNK = 1024
"""Points whose rows torch makes at once, which bounds the memory."""


def parameter_rows(model: nn.Module, jets: Jets, x: Tensor, operator: Operator, output: int) -> dict[str, Tensor]:
    """The derivatives of an operator on one output at x [n, d] by every trained parameter, each [n, *its shape]."""
    trained = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    alphas = tuple(operator)
    spread = [torch.as_tensor(c, dtype=x.dtype, device=x.device).expand(len(x)) for c in operator.values()]
    coefficients = torch.stack(spread, dim=1)

    def combined(weights: dict[str, Tensor], at: Tensor, c: Tensor) -> Tensor:
        found = jets(weights, at[None], alphas)
        return torch.stack([c[k] * found[alpha][0, output] for k, alpha in enumerate(alphas)]).sum()

    per_point = torch.func.vmap(torch.func.grad(combined), in_dims=(None, 0, 0), chunk_size=_CHUNK)
    return per_point(trained, x, coefficients)


def parameter_rows_in_turn(
    model: nn.Module, jets: Jets, x: Tensor, operator: Operator, output: int
) -> dict[str, Tensor]:
    """The same by one backward pass a point, for modules that vmap does not take: slow."""
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    with torch.enable_grad():
        found = jets(dict(trained), x, tuple(operator))
        spread = [torch.as_tensor(c, dtype=x.dtype, device=x.device).expand(len(x)) for c in operator.values()]
        combined = sum(c * found[alpha][:, output] for c, alpha in zip(spread, operator, strict=True))
        rows = {name: p.new_empty(len(x), *p.shape) for name, p in trained.items()}
        for k, value in enumerate(combined):  # type: ignore[arg-type]
            parts = torch.autograd.grad(value, list(trained.values()), retain_graph=True, materialize_grads=True)
            for name, part in zip(trained, parts, strict=True):
                rows[name][k] = part
    return rows
