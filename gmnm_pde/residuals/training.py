"""The residuals of a problem as a function of every parameter of the model, for methods that train.

What does not change from step to step is done once: a linear term is evaluated at zero fields when the system is made,
and a step only adds up its slopes times the derivatives of the model.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde.jets import Alpha, forward_jet
from gmnm_pde.residuals.pointwise import Linearized, Placed, jets_of, linearize, residuals, zero_jets
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import check_finite

_VMAP_CHUNK = 1024
"""Points whose rows of the Jacobian are made at once; bounds the memory of one chunk."""


class _JetCall(nn.Module):
    """A model whose call is its closed-form jet, which is what functional_call can reach."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        return self.model.output_jet(x, alphas)  # type: ignore[operator]


class TrainingSystem:
    """Named residuals, differentiable by all weights of the model and by the unknown scalars.

    Args:
        problem: What is solved.
        model: A torch module on the problem's coordinates.
        placed: The terms with their points.
        weights: By residual name or group, what the mean squares are multiplied by in the loss.
        engine: How derivatives are made.
    """

    def __init__(
        self,
        problem: Problem,
        model: nn.Module,
        placed: Sequence[Placed],
        weights: Mapping[str, float],
        engine: str = "auto",
    ):
        self.problem, self.model, self.placed, self.engine = problem, model, placed, engine
        like = next(model.parameters())
        self.scalars = [nn.Parameter(torch.full((), guess).to(like)) for guess in problem.parameters.values()]
        self._points = [p.cloud.points.to(like) for p in placed]
        self._linear: list[dict[str, Linearized] | None] = [
            self._prepared(p, points) for p, points in zip(placed, self._points, strict=True)
        ]
        self.weights = {
            name: weights.get(name, weights.get(p.term.group, 1.0))
            for p in placed
            for name in problem.traced(p.term).names
        }

    def unknowns(self) -> list[nn.Parameter]:
        """Everything that is trained."""
        return [*(p for p in self.model.parameters() if p.requires_grad), *self.scalars]

    def named(self) -> dict[str, list[Tensor]]:
        """The residuals by name, [n] for each term of that name."""
        found: dict[str, list[Tensor]] = {}
        for placed, points, prepared in zip(self.placed, self._points, self._linear, strict=True):
            jets = jets_of(self.model, self.problem, placed.term, points, self.engine)
            for name, residual in self._residuals(placed, points, prepared, jets).items():
                found.setdefault(name, []).append(residual)
        return found

    def mean_squares(self) -> dict[str, Tensor]:
        """The mean square of every named residual."""
        return {name: torch.cat(parts).square().mean() for name, parts in self.named().items()}

    def loss(self) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum of the mean squares, and these."""
        squares = self.mean_squares()
        return torch.stack([self.weights[name] * value for name, value in squares.items()]).sum(), squares

    @torch.no_grad()
    def residual_vector(self) -> Tensor:
        """All residuals, each times the root of its weight over its count, so that their square sum is the loss."""
        return torch.cat([self._factor(name, parts) * torch.cat(parts) for name, parts in self.named().items()])

    def jacobian(self) -> Tensor:
        """The derivatives of ``residual_vector`` by all unknowns, [residuals, unknowns].

        The slopes of each residual by the fields' derivatives are taken first; what is left is the derivative of a
        weighted sum of these at each point by the weights of the model, one point at a time under vmap.
        """
        blocks: dict[str, list[Tensor]] = {}
        counts: dict[str, list[Tensor]] = {}
        for placed, points, prepared in zip(self.placed, self._points, self._linear, strict=True):
            found = prepared
            if found is None:
                with torch.no_grad():
                    jets = jets_of(self.model, self.problem, placed.term, points, self.engine)
                found = linearize(self.problem, placed, points, jets, self.scalars)
            for name, one in found.items():
                blocks.setdefault(name, []).append(self._rows(placed, points, one))
                counts.setdefault(name, []).append(one.residual)
        return torch.cat([self._factor(name, counts[name]) * torch.cat(parts) for name, parts in blocks.items()])

    def _factor(self, name: str, parts: Sequence[Tensor]) -> float:
        return (self.weights[name] / sum(len(part) for part in parts)) ** 0.5

    def _rows(self, placed: Placed, points: Tensor, one: Linearized) -> Tensor:
        """The derivatives of one named residual by all unknowns, [n, unknowns]."""
        trained = {name: p.detach() for name, p in self.model.named_parameters() if p.requires_grad}
        keys = list(one.slopes)
        alphas = tuple(dict.fromkeys(alpha for _, alpha in keys))
        slopes = torch.stack([one.slopes[key] for key in keys], dim=1) if keys else points.new_zeros(len(points), 0)

        def combined(weights: dict[str, Tensor], x: Tensor, c: Tensor) -> Tensor:
            jets = self._functional_jet(weights, x[None], alphas)
            return torch.stack([c[k] * jets[alpha][0, output] for k, (output, alpha) in enumerate(keys)]).sum()

        def rows_at(x: Tensor) -> Tensor:
            per_point = torch.func.vmap(torch.func.grad(combined), in_dims=(None, 0, 0), chunk_size=_VMAP_CHUNK)
            return torch.cat([part.reshape(len(x), -1) for part in per_point(trained, x, slopes).values()], dim=1)

        rows = rows_at(points)
        if placed.term.partner is not None:
            rows = rows_at(placed.term.partner(points)) - rows
        zero = points.new_zeros(len(points))
        scalars = [one.by_parameter.get(k, zero)[:, None] for k in range(len(self.scalars))]
        return torch.cat([rows, *scalars], dim=1)

    def _functional_jet(self, weights: dict[str, Tensor], x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        if self.engine == "forward" or not callable(getattr(self.model, "output_jet", None)) or not self._closed:
            return forward_jet(lambda at: torch.func.functional_call(self.model, weights, (at,)), x, alphas)
        return torch.func.functional_call(
            _JetCall(self.model), {f"model.{k}": v for k, v in weights.items()}, (x, alphas)
        )

    @property
    def _closed(self) -> bool:
        return getattr(self.model, "has_closed_form", True)

    def check(self) -> None:
        """Refuse residuals that are not finite, naming the term and the point."""
        with torch.no_grad():
            for placed, points, prepared in zip(self.placed, self._points, self._linear, strict=True):
                jets = jets_of(self.model, self.problem, placed.term, points, self.engine)
                for name, residual in self._residuals(placed, points, prepared, jets).items():
                    check_finite(name, residual.detach(), self.problem.domain.coordinates, points)

    def _residuals(
        self, placed: Placed, points: Tensor, prepared: Any, jets: Mapping[Alpha, Tensor]
    ) -> dict[str, Tensor]:
        if prepared is not None:
            return {name: one.at(jets, self.scalars) for name, one in prepared.items()}
        with torch.enable_grad():
            named, _ = residuals(self.problem, placed, points, jets, [s.expand(len(points)) for s in self.scalars])
        return named

    def _prepared(self, placed: Placed, points: Tensor) -> dict[str, Linearized] | None:
        if not self.problem.traced(placed.term).linear:
            return None
        zeros = [torch.zeros_like(scalar) for scalar in self.scalars]
        return linearize(self.problem, placed, points, zero_jets(self.problem, placed.term, points), zeros)
