"""Values and derivatives up to second order, carried through the layers of a network in one forward pass.

A stream is a derivative of a layer's output z: its value, z_i for each coordinate needed, and L z for each operator

    L = sum_ij c_ij D_i D_j + sum_i b_i D_i

wanted. A whole operator of second order is one stream, whatever the number of its terms: this is the forward Laplacian
(R. Li et al., arXiv 2307.08214), or collapsed Taylor mode, for any such L. A linear map acts on every stream alike, as
one matrix product over all of them. A function s applied to each entry gives

    s(z),    s'(z) z_i,    s''(z) sum_ij c_ij z_i z_j + s'(z) L z.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde.models.networks.entrywise import Derivatives, entrywise
from gmnm_pde.models.networks.quadratic import QuadraticForm
from gmnm_pde.multiindex import Operator, axes_of


@dataclass(frozen=True)
class Recorded:
    """How the rows of a parameter's Jacobian follow from the gradient by an output of the layer it belongs to."""

    parameter: Tensor
    output: Tensor
    rows: Callable[[Tensor], Tensor]

    def rows_by_leaf(self, bar: Tensor, trained: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows with their parameters: the layer's own, or those that its weights are computed from."""
        rows = self.rows(bar)
        if self.parameter.is_leaf:
            yield self.parameter, rows
            return
        parts = torch.autograd.grad(
            self.parameter, trained, rows, is_grads_batched=True, allow_unused=True, retain_graph=True
        )
        yield from ((leaf, part) for leaf, part in zip(trained, parts, strict=True) if part is not None)


@dataclass(frozen=True)
class Streams:
    """The streams of one layer.

    Args:
        data: [1 + firsts + operators, n, width]: the value, first derivatives, operators; of the first layer, whose
            derivatives are the same everywhere, the value alone, [1, n, width].
        firsts: The coordinates of the first derivatives, in order.
        squares: Of each operator its second-order part: (i, j, c_ij), with i and j counted among ``firsts`` and c_ij a
            number or a tensor [n, 1].
        tape: Where layers record their parameters, if Jacobians are wanted.
        constant: Of the first layer, the derivatives and operators, [firsts + operators, 1, width].
        wanted: Which streams the outputs are asked for, by default all; the last hidden layer keeps only these.
        kept: Which streams ``data`` holds, by default all.
    """

    data: Tensor
    firsts: tuple[int, ...]
    squares: tuple[QuadraticForm, ...]
    tape: list[Recorded] | None = None
    constant: Tensor | None = None
    wanted: tuple[int, ...] | None = None
    kept: tuple[int, ...] | None = None

    @classmethod
    def of_inputs(
        cls,
        x: Tensor,
        operators: Sequence[Operator],
        firsts: Iterable[int] = (),
        tape: list[Recorded] | None = None,
        *,
        only_operators: bool = False,
    ) -> "Streams":
        """The streams of the coordinates x [n, d] themselves.

        Args:
            x: Where.
            operators: Of order one or two, each carried as one stream.
            firsts: Coordinates whose first derivatives are wanted too.
            tape: Where layers record their parameters.
            only_operators: Whether the outputs' values and first derivatives are not wanted.
        """
        axes = {axis for operator in operators for alpha in operator for axis in axes_of(alpha)}
        order = tuple(sorted(axes.union(firsts)))
        units = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
        squares, drifts = [], []
        for operator in operators:
            parts = {axes_of(alpha): column(c) for alpha, c in operator.items()}
            squares.append(tuple((order.index(a[0]), order.index(a[1]), c) for a, c in parts.items() if len(a) == 2))
            drifts.append(sum((c * units[a[0]] for a, c in parts.items() if len(a) == 1), x.new_zeros(1, x.shape[1])))
        wanted = tuple(range(1 + len(order), 1 + len(order) + len(operators))) if only_operators else None
        slopes = [*(units[axis] for axis in order), *drifts]
        if all(slope.numel() == x.shape[1] for slope in slopes) and slopes and tape is None:
            constant = torch.stack([slope.reshape(1, -1) for slope in slopes])
            return cls(x[None], order, tuple(squares), tape, constant, wanted)
        data = torch.stack([x, *(slope.expand_as(x) for slope in slopes)])
        return cls(data, order, tuple(squares), tape, wanted=wanted)

    @classmethod
    def along(cls, x: Tensor, slopes: Tensor, form: QuadraticForm, drift: Tensor) -> "Streams":
        """The streams of the coordinates x [n, d] along directions, with one operator; firsts are numbers of slopes.

        Args:
            x: Where.
            slopes: The directions, [k, 1 or n, d].
            form: The operator's second-order part, by these.
            drift: The direction of its first-order part, [1 or n, d].
        """
        firsts = tuple(range(len(slopes)))
        wanted = (0, 1 + len(slopes))
        if slopes.shape[1] == len(drift) == 1:
            return cls(x[None], firsts, (form,), None, torch.cat([slopes, drift[None]]), wanted)
        data = torch.cat([x[None], slopes.expand(-1, *x.shape), drift.expand_as(x)[None]])
        return cls(data, firsts, (form,), wanted=wanted)

    def dense(self) -> "Streams":
        """The same with all derivatives in ``data``."""
        if self.constant is None:
            return self
        spread = self.constant.expand(-1, *self.data.shape[1:])
        return replace(self, data=torch.cat([self.data, spread]), constant=None)

    def linear(self, weight: Tensor) -> "Streams":
        """After the map z -> weight z."""
        data = self.data @ weight.mT
        if self.tape is not None:
            self.tape.append(Recorded(weight, data, lambda bar: torch.einsum("sno,sni->noi", bar, self.data)))
        return replace(self, data=data, constant=None if self.constant is None else self.constant @ weight.mT)

    def shifted(self, bias: Tensor) -> "Streams":
        """After adding a constant, [width], which only the value sees."""
        if self.kept is not None and 0 not in self.kept:
            return self
        if self.tape is not None:
            self.tape.append(Recorded(bias, self.data, lambda bar: bar[0]))
        return replace(self, data=torch.cat([self.data[:1] + bias, self.data[1:]]))

    def entrywise(self, derivatives: Derivatives, bias: Tensor | None = None, *, last: bool = False) -> "Streams":
        """After a function of each entry plus ``bias``; ``derivatives(z, k)`` gives it with its first k derivatives.

        The ``last`` one computes only what the outputs are asked for.
        """
        if self.tape is not None and bias is not None:
            self.tape.append(Recorded(bias, self.data, lambda bar: bar[0]))
        kept = self.wanted if last else None
        data = entrywise(self.data, self.constant, bias, derivatives, self.squares, kept)
        return replace(self, data=data, constant=None, kept=kept)

    @property
    def value(self) -> Tensor:
        """The value, [n, width]."""
        return self._stream(0)

    def first(self, axis: int) -> Tensor:
        """The first derivative by a coordinate, [n, width]."""
        return self._stream(1 + self.firsts.index(axis))

    def operator(self, number: int) -> Tensor:
        """The stream of an operator, [n, width]."""
        return self._stream(1 + len(self.firsts) + number)

    def _stream(self, number: int) -> Tensor:
        if number and self.constant is not None:
            return self.constant[number - 1].expand_as(self.data[0])
        return self.data[number if self.kept is None else self.kept.index(number)]


def column(coefficient: Tensor | float) -> Tensor | float:
    """A coefficient [n] as a column [n, 1]; a number as it is."""
    return coefficient[:, None] if isinstance(coefficient, Tensor) and coefficient.ndim else coefficient
