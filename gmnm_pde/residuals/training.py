"""The residuals of a problem as a function of every parameter of the model, for methods that train."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from gmnm_pde.residuals.block import Block
from gmnm_pde.residuals.pointwise import Placed
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import check_finite


class TrainingSystem:
    """Named residuals, differentiable by all weights of the model and by the unknown scalars.

    Args:
        problem: What is solved.
        model: A torch module on the problem's coordinates.
        placed: The terms with their points.
        weights: By residual name or group, what the mean squares are multiplied by in the loss.
        engine: How derivatives are made.

    Attributes:
        weights: By residual name, what its mean square is multiplied by; may be changed between steps.
        point_weights: By residual name, what the squares at its points are multiplied by, [n], where given.
        version: Counts changes of points and weights.
    """

    def __init__(
        self,
        problem: Problem,
        model: nn.Module,
        placed: Sequence[Placed],
        weights: Mapping[str, float],
        engine: str = "auto",
    ):
        self.problem, self.model, self.engine = problem, model, engine
        self._like = next(model.parameters())
        self.scalars = [nn.Parameter(torch.full((), guess).to(self._like)) for guess in problem.parameters.values()]
        self.weights: dict[str, Tensor | float] = {
            name: weights.get(name, weights.get(p.term.group, 1.0))
            for p in placed
            for name in problem.traced(p.term).names
        }
        self.version = 0
        self.move_to(placed)

    def move_to(self, placed: Sequence[Placed]) -> None:
        """Take other points for the terms; weights of single points are forgotten."""
        self.placed = tuple(placed)
        self.blocks = [Block.of(self.problem, p, self._like, self.scalars, self.engine) for p in placed]
        self.point_weights: dict[str, Tensor] = {}
        self.version += 1

    def unknowns(self) -> list[nn.Parameter]:
        """Everything that is trained."""
        return [*(p for p in self.model.parameters() if p.requires_grad), *self.scalars]

    def named(self, blocks: Sequence[Block] | None = None) -> dict[str, Tensor]:
        """The residuals by name, [n], at all points or those of ``blocks``."""
        found: dict[str, list[Tensor]] = {}
        for block in self.blocks if blocks is None else blocks:
            for name, residual in block.residuals(self.model, self.scalars).items():
                found.setdefault(name, []).append(residual)
        return {name: parts[0] if len(parts) == 1 else torch.cat(parts) for name, parts in found.items()}

    def loss(self, blocks: Sequence[Block] | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum of the mean squares, and the mean squares by name."""
        squares, total = {}, self._like.new_zeros(())
        for name, residual in self.named(blocks).items():
            square = residual.square()
            squares[name] = square.mean()
            weighted = squares[name]
            if name in self.point_weights and blocks is None:
                weighted = (self.point_weights[name] * square).mean()
            total = total + self.weights[name] * weighted
        return total, squares

    def gradient(self, blocks: Sequence[Block] | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """``loss``, with its gradient left at the unknowns."""
        for parameter in self.unknowns():
            parameter.grad = None
        loss, squares = self.loss(blocks)
        loss.backward()
        return loss.detach(), {name: square.detach() for name, square in squares.items()}

    def batch(self, size: int, generator: torch.Generator) -> list[Block]:
        """Blocks of at most ``size`` points each, drawn without repetition."""
        return [
            block.select(torch.randperm(len(block.points), generator=generator)[:size].to(block.points.device))
            if len(block.points) > size
            else block
            for block in self.blocks
        ]

    @torch.no_grad()
    def residual_vector(self) -> Tensor:
        """All residuals, each times the root of its weight over its count, so that their square sum is the loss."""
        named = self.named()
        return torch.cat([self._factor(name, len(residual)) * residual for name, residual in named.items()])

    @torch.no_grad()
    def jacobian(self) -> Tensor:
        """The derivatives of ``residual_vector`` by all unknowns, [residuals, unknowns]."""
        found: dict[str, list[Tensor]] = {}
        for block in self.blocks:
            for name, rows in block.rows_of_jacobian(self.model, self.scalars).items():
                found.setdefault(name, []).append(rows)
        scaled = []
        for name, parts in found.items():
            factor = self._factor(name, sum(len(part) for part in parts))
            rows = parts[0] if len(parts) == 1 else torch.cat(parts)
            scaled.append(rows.mul_(factor[:, None] if isinstance(factor, Tensor) and factor.ndim else factor))
        return torch.cat(scaled)

    def _factor(self, name: str, count: int) -> Tensor | float:
        weight = self.weights[name] / count
        if name in self.point_weights:
            weight = weight * self.point_weights[name]
        return weight**0.5

    @torch.no_grad()
    def check(self) -> None:
        """Refuse residuals that are not finite, naming the term and the point."""
        for block in self.blocks:
            for name, residual in block.residuals(self.model, self.scalars).items():
                check_finite(name, residual.detach(), self.problem.domain.coordinates, block.points)
