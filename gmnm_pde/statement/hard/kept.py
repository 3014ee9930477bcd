"""Derivatives of factors and offsets, which are asked for one by one at the same points."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.jets import Alpha, derivatives, leibniz, partials
from gmnm_pde.multiindex import axes_of

_POINT_SETS_KEPT = 64
"""Sets of points for which derivatives are kept."""


class KeptJets:
    """Derivatives of a function by autograd, kept for the sets of points that it was last asked at.

    Args:
        function: From points [n, d] to [n, outputs].
    """

    def __init__(self, function: Callable[[Tensor], Tensor]):
        self._function = function
        self._kept: OrderedDict[Any, tuple[Tensor, dict[Alpha, Tensor]]] = OrderedDict()
        self._graph: _Graph | None = None

    def at(self, points: Tensor) -> Callable[[Alpha], Tensor]:
        """The derivatives at points, each [n, outputs]."""
        key = (points.data_ptr(), points.shape, points.stride(), points.dtype, points.device)
        known = self._kept.get(key)
        if known is None or not torch.equal(known[0], points):  # other points may stand there by now
            known = self._kept[key] = points.clone(), {}
            while len(self._kept) > _POINT_SETS_KEPT:
                self._kept.popitem(last=False)
        return partial(self._derivative, *known)

    def _derivative(self, at: Tensor, jets: dict[Alpha, Tensor], alpha: Alpha) -> Tensor:
        if alpha not in jets:
            if sum(alpha) <= _Graph.order:
                jets[alpha] = self._graph_at(at).derivative(alpha)
            else:
                lower = [beta for beta, _, _ in leibniz(alpha) if beta not in jets]
                jets.update({beta: jet.detach() for beta, jet in derivatives(self._function, at, lower).items()})
        return jets[alpha]

    def _graph_at(self, points: Tensor) -> "_Graph":
        """The graph at the points that were asked for last; one is held at a time."""
        if self._graph is None or self._graph.points is not points:
            self._graph = _Graph(self._function, points)
        return self._graph


class _Graph:
    """A function's values and gradients with their graph, from which a second derivative takes one pass."""

    order = 2

    @torch.enable_grad()
    def __init__(self, function: Callable[[Tensor], Tensor], points: Tensor):
        self.points = points
        self._leaves = [column.detach().clone().requires_grad_() for column in points.unbind(-1)]
        self._outputs = function(torch.stack(self._leaves, -1)).unbind(-1)
        self._gradients = [self._partials(output, self._leaves, create_graph=True) for output in self._outputs]

    def derivative(self, alpha: Alpha) -> Tensor:
        """The derivative of every output, [n, outputs]."""
        first, *second = axes_of(alpha) or (None,)
        if first is None:
            return torch.stack(self._outputs, -1).detach()
        columns = [gradient[first] for gradient in self._gradients]
        if second:
            leaf = self._leaves[second[0]]
            columns = [self._partials(column, [leaf])[0] for column in columns]
        return torch.stack(columns, -1).detach()

    @staticmethod
    def _partials(values: Tensor, leaves: list[Tensor], *, create_graph: bool = False) -> list[Tensor]:
        """The derivatives of values [n], each by its own point alone."""
        if not values.requires_grad:
            return [torch.zeros_like(values) for _ in leaves]
        found = partials(values, leaves, again=create_graph)
        return [torch.zeros_like(values) if partial is None else partial for partial in found]
