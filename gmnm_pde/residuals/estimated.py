"""A term whose derivatives of highest order are estimated on random directions, at its points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import refuse
from gmnm_pde.models.protocols import OutputAlong, can
from gmnm_pde.multiindex import Alpha, axes_of
from gmnm_pde.residuals.block import Block
from gmnm_pde.residuals.directions import along, unchanged
from gmnm_pde.residuals.pointwise import Linearized, linearize, zero_jets

_CALL = "solve(method=...(directions=...))"


@dataclass(frozen=True)
class EstimatedBlock:
    """A term at points, R(x, u, u_i) + sum_a c_a(x) D^a u: the sum is estimated, R is exact.

    Args:
        block: The term at its points.
        fixed: By residual name, with the derivatives of the sum as its slopes.
        lower: The first derivatives that occur in R, by output and multi-index.
        directions: How many.
        seed: Of the directions.
    """

    block: Block
    fixed: Mapping[str, Linearized]
    lower: frozenset[tuple[int, Alpha]]
    directions: int
    seed: int = 0

    @classmethod
    def of(cls, block: Block, scalars: Sequence[Tensor], directions: int) -> "EstimatedBlock":
        """The term of a block.

        Raises:
            GmnmError: what multiplies a derivative of highest order depends on the fields.
        """
        known = _at(block, scalars, None)
        others = [_at(block, scalars, seed) for seed in (1, 2)]
        every = [(name, one.slopes, *(other[name].slopes for other in others)) for name, one in known.items()]
        changing = {key for _, *slopes in every for key in set().union(*slopes) - unchanged(slopes)}
        if any(sum(alpha) > 1 for _, alpha in changing):
            raise refuse(
                _CALL,
                expected="second derivatives whose factors depend on the coordinates alone",
                got=f"'{block.placed.term.name}', where the factor of one depends on the fields",
                remedy="Leave directions out.",
            )
        if any(sum(alpha) > 2 for alpha in block.placed.term.trace.alphas):
            raise refuse(_CALL, expected="equations of second order", got=f"'{block.placed.term.name}'")
        fixed = {
            name: Linearized(
                one.residual, {key: c for key, c in one.slopes.items() if key not in changing and any(key[1])}, {}
            )
            for name, one in known.items()
        }
        return cls(block, fixed, frozenset(key for key in changing if any(key[1])), directions)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its residuals."""
        return self.block.names

    @property
    def points(self) -> Tensor:
        """Its points, [n, d]."""
        return self.block.points

    @property
    def placed(self) -> Any:
        """The term with all its points."""
        return self.block.placed

    def select(self, rows: Tensor) -> "EstimatedBlock":
        """The block of some of the rows, by their indices."""
        fixed = {name: linearized.select(rows) for name, linearized in self.fixed.items()}
        return replace(self, block=self.block.select(rows), fixed=fixed)

    def fresh(self, generator: torch.Generator) -> "EstimatedBlock":
        """The same on other directions."""
        return replace(self, seed=int(torch.randint(0, 2**31, (), generator=generator)))

    def residuals(self, model: nn.Module, scalars: Sequence[Tensor]) -> dict[str, Tensor]:
        """The named residuals, each [n], with their graph."""
        generator, at = torch.Generator().manual_seed(self.seed), self.points
        values, sums = None, {}
        for name, linearized in self.fixed.items():
            sums[name] = at.new_zeros(len(at))
            for output, operator in linearized.operators.items():
                found, derivative = model.output_along(at, along(operator, at, self.directions, generator))  # type: ignore[operator]
                values, sums[name] = found, sums[name] + derivative[:, output]
        jets = self._lower(model, model(at) if values is None else values)
        return {name: rest + sums[name] for name, rest in self.block.evaluated(jets, scalars).items()}

    def _lower(self, model: nn.Module, values: Tensor) -> dict[Alpha, Tensor]:
        """Values, first derivatives where R has them, and zeros for what the sum has."""
        jets = zero_jets(self.placed.term, self.points, values.shape[1])
        zero = (0,) * self.points.shape[1]
        jets[zero] = values
        if self.lower:
            outputs = sorted({output for output, _ in self.lower})
            keep = torch.is_grad_enabled()
            with torch.enable_grad():
                at = self.points.detach().requires_grad_()
                made = model(at)
                slopes = {
                    k: torch.autograd.grad(made[:, k].sum(), at, create_graph=keep, retain_graph=True)[0]
                    for k in outputs
                }
            none = values.new_zeros(len(values))
            for alpha in {alpha for _, alpha in self.lower}:
                (axis,) = axes_of(alpha)
                columns = [slopes[k][:, axis] if (k, alpha) in self.lower else none for k in range(values.shape[1])]
                jets[alpha] = torch.stack(columns, dim=1)
        return jets


def estimated(blocks: Sequence[Block], model: nn.Module, scalars: Sequence[Tensor], directions: int) -> list[Any]:
    """Blocks with those terms estimated that have more second derivatives than there are directions.

    Raises:
        GmnmError: the model does not carry derivatives along directions, or no term has so many.
    """
    made: list[Any] = [
        EstimatedBlock.of(block, scalars, directions) if _seconds(block) > directions else block for block in blocks
    ]
    if not can(model, OutputAlong) or not getattr(model, "carries", True):
        raise refuse(
            _CALL,
            expected="a network whose derivatives are carried along with its values",
            got=type(model).__name__,
            remedy="Leave hard out, or directions; a module may meet conditions by itself.",
        )
    if all(one is block for one, block in zip(made, blocks, strict=True)):
        most = max(map(_seconds, blocks), default=0)
        raise refuse(_CALL, expected=f"fewer directions than second derivatives, {most}", got=directions)
    return made


def _seconds(block: Block) -> int:
    return sum(sum(alpha) >= 2 for alpha in block.placed.term.trace.alphas)


def _at(block: Block, scalars: Sequence[Tensor], seed: int | None) -> dict[str, Linearized]:
    """The linearisation of a term at zero fields, or at random ones."""
    if block.linear is not None:
        return dict(block.linear)
    jets = zero_jets(block.placed.term, block.points, len(block.problem.branches))
    if seed is not None:
        generator = torch.Generator().manual_seed(seed)
        jets = {a: torch.randn(jet.shape, generator=generator, dtype=torch.float64).to(jet) for a, jet in jets.items()}
    return linearize(block.problem, block.placed, block.points, jets, [s.detach() for s in scalars], block.rows)
