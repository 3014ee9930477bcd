"""The residuals of a problem as a function of the readout of a patchwork: rows that hold a few patches each.

Points come patch by patch (``collocation/patchwise.py``), with a scale for each point, so that small patches weigh like
large ones. The unknowns are ordered as in ``readout.py``, patch by patch: [parameters | patch 1 | patch 2 | ...].
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.geometry import Parted
from gmnm_pde.linalg.qr import linear_fit
from gmnm_pde.residuals.pointwise import Linearized, Placed
from gmnm_pde.residuals.readout import ReadoutSystem

Groups = tuple[int, ...]


@dataclass
class PatchworkSystem(ReadoutSystem):
    """The residuals of a problem for a model that is a Patchwork, with the linearisation in pieces."""

    @property
    def patches(self) -> int:
        """Number of patches."""
        return len(self.model.inner.members)

    @property
    def components(self) -> int:
        """Number of features of each patch."""
        return self.features // self.patches

    @property
    def numbers_per_point(self) -> int:
        return self.components

    @property
    def groups(self) -> tuple[Groups, Tensor]:
        """The number of unknowns in each group, the parameters first if there are any, and where the patches sit."""
        sizes = (self.fields * self.components,) * self.patches
        return ((self.extra,) if self.extra else ()) + sizes, self.model.inner.centers

    def owner(self, points: Tensor) -> Tensor | None:
        """The numbers of the parts of the domain that the points [n, d] lie in; None where it has no parts."""
        domain = self.problem.domain
        return domain.owner(points.cpu().double()).to(points.device) if isinstance(domain, Parted) else None

    @torch.no_grad()
    def readout_for(self, points: Tensor, targets: Tensor) -> Tensor:
        """Patch by patch, from the points that each patch reaches."""
        inner = self.model.unit(points)
        reached = self.model.partition.reached(inner)
        members, owner, readouts = self.model.inner.members, self.owner(points), []
        for member, part in zip(members, self.model.inner.parts, strict=True):
            rows = reached[:, member.box] if owner is None else reached[:, member.box] & (owner == member.part)
            first = member.part * self.fields
            readouts.append(linear_fit(part.features(inner[rows]), targets[rows, first : first + self.fields]))
        return torch.cat(readouts)

    def part(self, fraction: float) -> Groups:
        """How many of each group's unknowns make the leading sub-model of a fraction of the components."""
        sizes, _ = self.groups
        first = 1 if self.extra else 0
        head = self.fields * max(1, int(fraction * self.components))
        return (*sizes[:first], *[head] * self.patches)

    def pieces(self, theta: Tensor) -> Iterator[tuple[Groups, Tensor, Tensor]]:
        """Pieces (groups, A, r) of the linearisation at ``theta``: residual(theta + d) ~ r + A d, rows scaled."""
        for placed, name, rows, points, linearized in self.linearized(theta, slopes=True):
            with torch.no_grad():
                yield from self._pieces(placed, points, linearized, self.scale(placed, name, rows))

    def images(self, theta: Tensor, vectors: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        parts = vectors.split(list(self.groups[0]))
        return ((A @ torch.cat([parts[g] for g in groups]), r) for groups, A, r in self.pieces(theta))

    def _pieces(
        self, placed: Placed, points: Tensor, linearized: Linearized, scale: Tensor
    ) -> Iterator[tuple[Groups, Tensor, Tensor]]:
        """The rows of a chunk, sorted by the set of patches that they hold."""
        columns = self.columns_by_patch(placed, points, linearized)
        first = 1 if self.extra else 0
        reached = torch.stack([columns[p][0] >= 0 for p in columns], dim=1)
        numbers = torch.tensor(list(columns), device=points.device)
        patterns, which = reached.unique(dim=0, return_inverse=True)
        everywhere = self._parameter_columns(points, linearized)
        for k, pattern in enumerate(patterns):
            rows = (which == k).nonzero()[:, 0]
            chosen = numbers[pattern].tolist()
            parts = [columns[p][1][columns[p][0][rows]] for p in chosen]
            weights = scale[rows] if scale.ndim else scale
            matrix = torch.cat([*([everywhere[rows]] if self.extra else []), *parts], dim=1) * weights[..., None]
            yield (*range(first), *(p + first for p in chosen)), matrix, linearized.residual[rows] * weights

    def columns_by_patch(
        self, placed: Placed, points: Tensor, linearized: Linearized
    ) -> dict[int, tuple[Tensor, Tensor]]:
        """For each patch that the points reach: the place of each row in its matrix, or -1, and the matrix."""
        by_patch: dict[int, tuple[Tensor, Tensor]] = {}
        ends = [(points, 1.0)] if placed.term.partner is None else [(points, -1.0), (placed.term.partner(points), 1.0)]
        for output in range(self.outputs):
            operator = {alpha: slope for (k, alpha), slope in linearized.slopes.items() if k == output}
            part, field = divmod(output, self.fields)
            for at, sign in ends if operator else []:
                for number, rows, columns in self.model.pieces(at, operator, part):
                    where, matrix = self._place(by_patch.get(number), rows, points)
                    by_patch[number] = where, matrix
                    body = matrix.view(len(matrix), -1, self.fields)
                    body[where[rows], :, field] += sign * columns
        return by_patch

    def _place(self, known: tuple[Tensor, Tensor] | None, rows: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Room in a patch's matrix for more rows."""
        if known is None:
            known = rows.new_full((len(points),), -1), points.new_zeros(0, self.components * self.fields)
        where, matrix = known
        new = rows[where[rows] < 0]
        if len(new):
            where = where.clone()
            where[new] = torch.arange(len(matrix), len(matrix) + len(new), device=rows.device)
            matrix = torch.cat([matrix, matrix.new_zeros(len(new), matrix.shape[1])])
        return where, matrix

    def _parameter_columns(self, points: Tensor, linearized: Linearized) -> Tensor:
        columns = points.new_zeros(len(points), self.extra)
        for k, slope in linearized.by_parameter.items():
            columns[:, k] = slope
        return columns
