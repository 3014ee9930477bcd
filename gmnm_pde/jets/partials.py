"""Partial derivatives of what is computed point by point."""

from collections.abc import Sequence

import torch
from torch import Tensor


def partials(value: Tensor, inputs: Sequence[Tensor], *, again: bool = False) -> list[Tensor | None]:
    """The derivatives of values [n] by what they were computed from, point by point; None where they do not depend.

    Args:
        value: The values, of which autograd knows how they were made.
        inputs: Tensors [n] each.
        again: Whether the derivatives are to be differentiated themselves.
    """
    found = torch.autograd.grad(value.sum(), list(inputs), retain_graph=True, create_graph=again, allow_unused=True)
    # autograd's own zeros, as of a slope's slope of abs, can be neither changed nor turned into an array
    return [own.clone() if own is not None and own._is_zerotensor() else own for own in found]
