"""The residuals of a problem as a function of every parameter of the model, for methods that train."""

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._doors import stacklevel
from gmnm_pde._errors import GmnmError, NumericalWarning
from gmnm_pde.linalg.qr import linear_fit
from gmnm_pde.models import has_readout
from gmnm_pde.residuals.block import Block
from gmnm_pde.residuals.estimated import EstimatedBlock, estimated
from gmnm_pde.residuals.pointwise import Placed
from gmnm_pde.residuals.replay import Replay
from gmnm_pde.residuals.shard import Shard
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import check_finite

_PIECE_BYTES = 2**28
"""Where the Jacobian is too large to be kept its rows are made in pieces of this many bytes, again each time."""

_CHECKED = 500
"""Points that are looked at together before a training: without directions yet, all derivatives are made at each."""


class TrainingSystem:
    """Named residuals, differentiable by all weights of the model and by the unknown scalars.

    Args:
        problem: What is solved.
        model: A torch module on the problem's coordinates.
        placed: The terms with their points.
        weights: By residual name or group, what the mean squares are multiplied by in the loss.
        engine: How derivatives are made.
        shard: This process's part of the points, where several train together.

    Attributes:
        weights: By residual name, what its mean square is multiplied by; may be changed between steps.
        point_weights: By residual name, what the squares at its points are multiplied by, [n], where given.
        latest: The residuals at the last evaluation of the loss of all points, by name, [n].
        version: Counts changes of points and weights.
    """

    def __init__(
        self,
        problem: Problem,
        model: nn.Module,
        placed: Sequence[Placed],
        weights: Mapping[str, float],
        engine: str = "auto",
        shard: Shard | None = None,
    ):
        self.problem, self.model, self.engine = problem, model, engine
        self._like = next(model.parameters())
        self.scalars = [nn.Parameter(torch.full((), guess).to(self._like)) for guess in problem.parameters.values()]
        self.weights: dict[str, Tensor | float] = {
            name: weights.get(name, weights.get(p.term.group, 1.0)) for p in placed for name in p.term.trace.names
        }
        self.version, self.shard = 0, shard
        self.directions: int | None = None
        self._compiled: Callable[[], tuple[Tensor, dict[str, Tensor]]] | None = None
        self._replays = self._like.device.type == "cuda" and shard is None
        self._replayed_gradient = Replay(self._gradient_of_all)
        self._replayed_vector = Replay(self._vector)
        self.latest: dict[str, Tensor] = {}
        self.move_to(placed)

    def move_to(self, placed: Sequence[Placed]) -> None:
        """Take other points for the terms; the weights of single points, which belong to the old ones, are dropped."""
        self.placed = tuple(placed)
        blocks = [Block.of(self.problem, p, self._like, self.scalars, self.engine) for p in placed]
        self._counts: dict[str, int] = {}
        for block in blocks:
            for name in block.names:
                self._counts[name] = self._counts.get(name, 0) + len(block.points)
        self.blocks = (
            blocks if self.shard is None else [block.select(self.shard.rows(block.points)) for block in blocks]
        )
        if self.directions is not None:
            self.blocks = estimated(self.blocks, self.model, self.scalars, self.directions)
        self.point_weights: dict[str, Tensor] = {}
        self.version += 1

    def estimate(self, directions: int | None) -> None:
        """Estimate operators on so many random directions from now on; exactly with None."""
        if directions == self.directions:
            return
        self.directions = directions
        self.move_to(self.placed)

    def reweight(self, weights: Mapping[str, Tensor | float], by_point: Mapping[str, Tensor] | None = None) -> None:
        """Change the weights of terms, and of single points, [n]."""
        self.weights.update(weights)
        self.point_weights.update(by_point or {})
        self.version += 1

    def unknowns(self) -> list[nn.Parameter]:
        """Everything that is trained."""
        return [*(p for p in self.model.parameters() if p.requires_grad), *self.scalars]

    def _tensors(self) -> list[Tensor]:
        """All that the residuals at the present points are made of and that changes in place."""
        return [*self.model.parameters(), *self.model.buffers(), *self.scalars]

    def named(self, blocks: Sequence[Block] | None = None) -> dict[str, Tensor]:
        """The residuals by name, [n], at all of this process's points or those of ``blocks``."""
        by_name: dict[str, list[Tensor]] = {}
        for block in self.blocks if blocks is None else blocks:
            for name, residual in block.residuals(self.model, self.scalars).items():
                by_name.setdefault(name, []).append(residual)
        return {name: parts[0] if len(parts) == 1 else torch.cat(parts) for name, parts in by_name.items()}

    def loss(self, blocks: Sequence[Block] | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum of the mean squares, and the mean squares by name.

        Where several processes share the points these are the parts of this one; ``gradient`` adds them up.
        """
        total, squares = self._loss(blocks)
        if self.shard is not None and not torch.is_grad_enabled():
            self.shard.add_up([total, *squares.values()])
        return total, squares

    def _loss(self, blocks: Sequence[Block] | None) -> tuple[Tensor, dict[str, Tensor]]:
        named = self.named(blocks)
        if blocks is None:
            self.latest = {name: residual.detach() for name, residual in named.items()}
        squares, total = {}, self._like.new_zeros(())
        for name, residual in named.items():
            count = self._counts[name] if blocks is None else len(residual) * (self.shard.count if self.shard else 1)
            square = residual.square()
            squares[name] = square.sum() / count
            weighted = squares[name]
            if name in self.point_weights and blocks is None:
                weighted = (self.point_weights[name] * square).sum() / count
            total = total + self.weights[name] * weighted
        return total, squares

    def mean_squares(self) -> dict[str, Tensor]:
        """The mean squares by name."""
        with torch.no_grad():
            return self.loss()[1]

    def compile(self) -> None:
        """Compile the loss of all points; where torch.compile fails, warn and go on without it."""
        self._compiled = torch.compile(self._loss_of_all, dynamic=False)

    @torch.enable_grad()
    def _gradient_of_all(self) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor], tuple[Tensor | None, ...]]:
        """The loss of all points, its parts, the residuals, and the gradient."""
        loss, squares = self._loss(None)
        unknowns = self.unknowns()
        slopes = torch.autograd.grad(loss, unknowns, allow_unused=True)
        gradient = tuple(  # in memory as the unknowns lie, which fused steps ask for
            None if slope is None else torch.empty_like(unknown).copy_(slope)
            for unknown, slope in zip(unknowns, slopes, strict=True)
        )
        return loss.detach(), {name: square.detach() for name, square in squares.items()}, self.latest, gradient

    def _loss_of_all(self) -> tuple[Tensor, dict[str, Tensor]]:
        return self._loss(None)

    def _backward(self, blocks: Sequence[Block] | None) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.enable_grad():
            if self._compiled is not None and blocks is None:
                try:
                    loss, squares = self._compiled()
                    loss.backward()
                    return loss, squares
                except Exception as error:  # a compiler may fail in any way
                    self._compiled = None
                    first = str(error).strip().splitlines()[:1]
                    warnings.warn(
                        f"torch.compile failed ({type(error).__name__}: {''.join(first)}); training goes on without it",
                        NumericalWarning,
                        stacklevel=stacklevel(),
                    )
            loss, squares = self._loss(blocks)
            loss.backward()
            return loss, squares

    def gradient(self, blocks: Sequence[Block] | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """``loss``, with its gradient left at the unknowns."""
        unknowns = self.unknowns()
        if self._replays and self._compiled is None and blocks is None:
            replayed = self._replayed_gradient(self.version, self._tensors())
            if replayed is not None:
                loss, squares, self.latest, gradient = replayed
                for parameter, slope in zip(unknowns, gradient, strict=True):
                    parameter.grad = slope
                return loss.clone(), {name: square.clone() for name, square in squares.items()}
        for parameter in unknowns:
            parameter.grad = None
        loss, squares = self._backward(blocks)
        loss, squares = loss.detach(), {name: square.detach() for name, square in squares.items()}
        if self.shard is not None:
            self.shard.add_up([loss, *squares.values(), *(p.grad for p in unknowns if p.grad is not None)])
        return loss, squares

    def gradient_norms(self) -> dict[str, float]:
        """The norm of each mean square's own gradient, by name."""
        unknowns = self.unknowns()
        with torch.enable_grad():
            squares = self._loss(None)[1]
        norms = {}
        for name, square in squares.items():
            parts = torch.autograd.grad(square, unknowns, retain_graph=True, materialize_grads=True)
            flat = torch.cat([part.flatten() for part in parts])
            norms[name] = (flat if self.shard is None else self.shard.add_up([flat])[0]).norm().item()
        return norms

    def batch(self, size: int, generator: torch.Generator) -> list[Any]:
        """Blocks of at most ``size`` points each, drawn without repetition, on fresh directions if there are any."""
        chosen = [
            block.select(torch.randperm(len(block.points), generator=generator)[:size].to(block.points.device))
            if len(block.points) > size
            else block
            for block in self.blocks
        ]
        return [block.fresh(generator) if isinstance(block, EstimatedBlock) else block for block in chosen]

    def equation_times(self) -> dict[str, Tensor]:
        """By the names of equations, the time of each of their points, [n]; nothing without time."""
        domain = self.problem.domain
        if not domain.time:
            return {}
        axis, times = domain.coordinates.index(domain.time[0]), {}
        for block in self.blocks:
            if block.placed.term.group == "interior":
                for name in block.names:
                    times.setdefault(name, []).append(block.points[:, axis])
        return {name: torch.cat(parts) for name, parts in times.items()}

    def any(self, flag: bool) -> bool:
        """Whether ``flag`` holds in any of the processes that train together."""
        return flag if self.shard is None else self.shard.any(flag, self._like)

    @torch.no_grad()
    def residual_vector(self) -> Tensor:
        """All residuals, each times the root of its weight over its count, so that their square sum is the loss."""
        if self._replays:
            replayed = self._replayed_vector(self.version, self._tensors())
            if replayed is not None:
                vector, self.latest = replayed
                return vector.clone()
        mine, self.latest = self._vector()
        return mine if self.shard is None else self.shard.gather(mine)

    def _vector(self) -> tuple[Tensor, dict[str, Tensor]]:
        """This process's part of ``residual_vector``, and the residuals by name as they are."""
        parts = [(block, block.residuals(self.model, self.scalars)) for block in self.blocks]
        latest = {name: torch.cat([named[name] for _, named in parts if name in named]) for name in self._counts}
        first = dict.fromkeys(self._counts, 0)
        scaled = []
        for block, named in parts:
            for name, residual in named.items():
                scaled.append(self._factor(name, first[name], len(block.points)) * residual)
                first[name] += len(block.points)
        return torch.cat(scaled), latest

    def jacobian(self) -> Tensor:
        """The derivatives of ``residual_vector`` by all unknowns, [residuals, unknowns]."""
        mine = torch.cat(list(self._rows(sys.maxsize, lambda block: block.rows_of_jacobian(self.model, self.scalars))))
        return mine if self.shard is None else self.shard.gather(mine)

    def jacobian_blocks(self) -> Iterator[Tensor]:
        """The rows of ``jacobian`` in pieces that fit into memory."""
        if self.shard is not None:
            yield self.jacobian()
            return
        most = _PIECE_BYTES // (sum(p.numel() for p in self.unknowns()) * self._like.element_size())
        yield from self._rows(max(1, most), lambda block: block.rows_of_jacobian(self.model, self.scalars))

    @torch.no_grad()
    def _rows(self, most: int, rows_of: Callable[[Block], dict[str, Tensor]]) -> Iterator[Tensor]:
        """Derivatives of the residuals, in the order of ``residual_vector``, from at most ``most`` points at a time."""
        first = dict.fromkeys(self._counts, 0)
        for block in self.blocks:
            pieces = _pieces(block, most)
            rows_of_pieces = [rows_of(piece) for piece in pieces]
            for name in block.names:
                for piece, rows in zip(pieces, rows_of_pieces, strict=True):
                    factor = self._factor(name, first[name], len(piece.points))
                    scale = factor.reshape(-1, *[1] * (rows[name].ndim - 1)) if isinstance(factor, Tensor) else factor
                    yield rows[name].mul_(scale)
                    first[name] += len(piece.points)

    def _factor(self, name: str, first: int, count: int) -> Tensor | float:
        """What residuals of a name are multiplied by, from its point ``first`` on: a number, or [count]."""
        weight = self.weights[name] / self._counts[name]
        if name in self.point_weights:
            weight = weight * self.point_weights[name][first : first + count]
        return weight**0.5

    @torch.no_grad()
    def fit_readout(self) -> None:
        """Solve for the readout by least squares, all else fixed; it is kept only where the residual falls."""
        if not has_readout(self.model):
            return
        model: Any = self.model
        before = self.residual_vector()
        rows = torch.cat(list(self._rows(sys.maxsize, lambda block: block.readout_rows(model, self.scalars))))
        rows = rows if self.shard is None else self.shard.gather(rows)
        if not (torch.isfinite(rows).all() and torch.isfinite(before).all()):
            return
        kept = model.readout.clone()
        step = linear_fit(rows.flatten(1), -before[:, None])[:, 0]
        model.set_readout(kept + step.view_as(kept))
        after = self.residual_vector()
        if not after.norm() < before.norm():
            model.set_readout(kept)

    def readout_columns(self) -> Tensor:
        """Which of the unknowns are the readout's weights, [unknowns]."""
        if not has_readout(self.model):
            return torch.zeros(sum(p.numel() for p in self.unknowns()), dtype=torch.bool, device=self._like.device)
        trained = self.unknowns()
        with torch.enable_grad():
            touched = torch.autograd.grad(self.model.readout.sum(), trained, allow_unused=True)  # type: ignore[union-attr]
        return torch.cat(
            [torch.full((p.numel(),), g is not None, device=p.device) for p, g in zip(trained, touched, strict=True)]
        )

    def broken(self) -> str:
        """Which residual is not finite, and where; nothing if all are."""
        try:
            self.check()
        except GmnmError as error:
            return str(error)
        return ""

    @torch.no_grad()
    def check(self) -> None:
        """Refuse residuals that are not finite, naming the term and the point."""
        for block in self.blocks:
            for piece in _pieces(block, _CHECKED):
                for name, residual in piece.residuals(self.model, self.scalars).items():
                    check_finite(name, residual.detach(), self.problem.domain.coordinates, piece.points)


def _pieces(block: Any, most: int) -> list[Any]:
    """A block in pieces of at most ``most`` points."""
    count = len(block.points)
    return [block] if count <= most else [block.select(rows) for rows in torch.arange(count).split(most)]
