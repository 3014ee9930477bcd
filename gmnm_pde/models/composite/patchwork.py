"""Many mixtures, each in a window of its own: u(x) = sum_p w_p(x) u_p(x), with windows that sum to 1.

On a domain with parts, such as several materials, a box that several of them reach holds a mixture for each. What
belongs to one part is a smooth function on all of the box, which has a meaning in its part alone, and the windows of
the boxes that hold a mixture for a part sum to 1 in it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import refuse
from gmnm_pde.models.composite.normalized import Normalized
from gmnm_pde.models.composite.partition import Partition
from gmnm_pde.models.composite.windows import Window, inner_operator
from gmnm_pde.models.mixtures.gmnm import GMNM
from gmnm_pde.multiindex import Alpha, Operator, below

Box = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Member:
    """A mixture of a patchwork.

    Attributes:
        box: The number of the box whose window it is in.
        part: The number of the part of the domain that it belongs to.
        bounds: The box that its inputs are scaled from to [-1, 1]^d.
    """

    box: int
    part: int
    bounds: Box

    @classmethod
    def of_boxes(cls, partition: Partition) -> "tuple[Member, ...]":
        """One mixture in each box, where the domain has no parts."""
        supports = partition.supports.tolist()
        return tuple(cls(k, 0, tuple((a, b) for a, b in support)) for k, support in enumerate(supports))


class Patchwork(nn.Module):
    """A partition of unity over boxes with a GMNM in each.

    A model with a linear readout like any other; its features are those of all patches, patch by patch, each times its
    window, and its derivatives follow by the product rule. What a point sees is the few patches that reach it:
    ``pieces`` gives these alone, which is what keeps large problems sparse.

    Args:
        partition: The boxes, in the coordinates of the model's inputs.
        parts: A model with closed-form derivatives and a linear readout for each member, for inputs in [-1, 1]^d where
            its window is not zero.
        members: What each model is; by default there is one in each box. Outputs are those of the first part of the
            domain, then those of the second, and so on.

    Raises:
        GmnmError: another number of parts than members, or parts of different sizes.
    """

    parts: Any

    def __init__(self, partition: Partition, parts: Sequence[GMNM], members: Sequence[Member] | None = None):
        super().__init__()
        call = f"Patchwork(a partition into {len(partition)} boxes, {len(parts)} parts)"
        self.members = Member.of_boxes(partition) if members is None else tuple(members)
        if len(parts) != len(self.members):
            raise refuse(call, expected="a part for each box", got=f"{len(parts)}")
        if len({tuple(part.readout.shape) for part in parts}) > 1:
            raise refuse(call, expected="parts with the same numbers of outputs and features", got="several shapes")
        self.partition = partition
        pairs = zip(parts, self.members, strict=True)
        self.parts = nn.ModuleList(Normalized(part, member.bounds) for part, member in pairs)
        self.fields, self.components = parts[0].readout.shape
        self.out_features = self.fields * (1 + max(member.part for member in self.members))
        self._of_part: dict[int, dict[int, int]] = {}
        for number, member in enumerate(self.members):
            self._of_part.setdefault(member.part, {})[member.box] = number
        self.form = f"{len(parts)} patches" if len(partition) > 1 else f"{len(parts)} parts"

    def forward(self, x: Tensor) -> Tensor:
        """Outputs at x [..., d]: [..., out_features]."""
        d = self.partition.dimension
        if x.shape[-1:] != (d,):
            raise refuse("Patchwork.forward(x)", expected=f"x of shape [..., {d}]", got=f"shape {list(x.shape)}")
        flat = x.reshape(-1, x.shape[-1])
        zero = (0,) * flat.shape[1]
        return self.output_jet(flat, (zero,))[zero].reshape(*x.shape[:-1], self.out_features)

    @property
    def centers(self) -> Tensor:
        """The middles of the boxes that the members are in, [members, d]."""
        return self.partition.centers[[member.box for member in self.members]]

    def features(self, x: Tensor) -> Tensor:
        """The features of all patches at x [..., d], each times its window: [..., members * components]."""
        flat = x.reshape(-1, x.shape[-1])
        features = self.feature_combination(flat, {(0,) * flat.shape[1]: flat.new_ones(())})
        return features.reshape(*x.shape[:-1], features.shape[1])

    @property
    def readout(self) -> Tensor:
        """The weights of all patches, [fields, members * components]."""
        return torch.cat([part.readout for part in self.parts], dim=1)

    @torch.no_grad()
    def set_readout(self, readout: Tensor) -> None:
        """Put other weights, [fields, members * components], in place."""
        for part, own in zip(self.parts, readout.split(self.components, dim=1), strict=True):
            part.set_readout(own)

    def pieces(self, x: Tensor, operator: Operator, part: int | None = None) -> list[tuple[int, Tensor, Tensor]]:
        """An operator on the windowed features at x [n, d], patch by patch, or of those of one part of the domain.

        Returns:
            For each patch that reaches some of the points its number, the rows it reaches [m] and its features there
            [m, components].
        """
        pieces = []
        parts = None if part is None else (part,)
        for number, rows, points, window, chosen in self._reaching(x, operator, parts):
            inner = inner_operator(chosen, window, points)
            pieces.append((number, rows, self.parts[number].feature_combination(points, inner)))
        return pieces

    def feature_combination(self, x: Tensor, coefficients: Mapping[Alpha, Tensor]) -> Tensor:
        """sum_alpha c_alpha D^alpha of every windowed feature at x [n, d]: [n, members * components]."""
        total = x.new_zeros(len(x), len(self.members), self.components)
        for number, rows, columns in self.pieces(x, coefficients):
            total[rows, number] = columns
        return total.flatten(1)

    def output_combination(self, x: Tensor, coefficients: Operator) -> Tensor:
        """sum_alpha c_alpha D^alpha of every output at x [n, d]: [n, out_features]."""
        total = x.new_zeros(len(x), self.out_features)
        for number, rows, points, window, chosen in self._reaching(x, coefficients):
            inner = inner_operator(chosen, window, points)
            total = self._add(total, number, rows, self.parts[number].output_combination(points, inner))
        return total

    def output_rows(self, x: Tensor, coefficients: Operator, output: int) -> dict[str, Tensor]:
        """The derivatives of one output's ``output_combination`` by every trained parameter, each [n, *its shape]."""
        total = {name: x.new_zeros(len(x), *p.shape) for name, p in self.named_parameters() if p.requires_grad}
        for number, rows, points, window, chosen in self._reaching(x, coefficients):
            inner = inner_operator(chosen, window, points)
            for name, of_parameter in self.parts[number].output_rows(points, inner, output).items():
                total[f"parts.{number}.{name}"][rows] = of_parameter
        return total

    def output_jet(self, x: Tensor, alphas: Sequence[Alpha], parts: Sequence[int] | None = None) -> dict[Alpha, Tensor]:
        """Derivatives of the outputs at x [n, d], or of those of some parts: for each alpha, [n, out_features]."""
        lower = below(alphas)
        total = {alpha: x.new_zeros(len(x), self.out_features) for alpha in alphas}
        for number, rows, points, window, _ in self._reaching(x, dict.fromkeys(lower, 1.0), parts):
            jets = self.parts[number].output_jet(points, lower)
            for alpha in alphas:
                terms = inner_operator({alpha: 1.0}, window, points)
                part = sum(c[..., None] * jets[beta] for beta, c in terms.items())
                total[alpha] = self._add(total[alpha], number, rows, part)  # type: ignore[arg-type]
        return total

    def _add(self, total: Tensor, number: int, rows: Tensor, own: Tensor) -> Tensor:
        """The outputs with those of a member, at some rows, added in their columns."""
        if self.out_features == self.fields:
            return total.index_add(0, rows, own)
        first = self.members[number].part * self.fields
        padded = nn.functional.pad(own, (first, self.out_features - first - self.fields))
        return total.index_add(0, rows, padded)

    def _reaching(
        self, x: Tensor, operator: Operator, parts: Sequence[int] | None = None
    ) -> Iterator[tuple[int, Tensor, Tensor, Window, Operator]]:
        """For each patch that reaches some of x: its number, the rows, the points, its window, and the operator."""
        for part in self._of_part if parts is None else parts:
            of_part = self._of_part[part]
            among = None if len(self._of_part) == 1 else list(of_part)
            for box, rows, window in self.partition.windows(x, operator, among):
                points = x if len(rows) == len(x) else x[rows]
                chosen = {alpha: c[rows] if isinstance(c, Tensor) and c.ndim else c for alpha, c in operator.items()}
                yield of_part[box], rows, points, window, chosen

    def config(self) -> dict[str, Any]:
        """The arguments that build a model of this shape."""
        partition = self.partition
        config = {
            "boxes": partition.boxes,
            "margin": partition.margin,
            "smoothness": partition.smoothness,
            "part": self.parts[0].inner.config(),
        }
        if self.members != Member.of_boxes(partition):
            config["members"] = [[member.box, member.part, member.bounds] for member in self.members]
        return config
