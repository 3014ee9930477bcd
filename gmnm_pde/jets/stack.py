"""Several quantities as one, [k, n]: a vector of fields, on which torch and numpy functions act entry by entry."""

from collections.abc import Callable, Iterator, Sequence
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.binding import vectors_of
from gmnm_pde.jets.arithmetic import Vector
from gmnm_pde.jets.values import Frame, Quantity

_REDUCTIONS = frozenset(
    "sum mean prod amax amin max min norm linalg_norm linalg_vector_norm logsumexp std var softmax cumsum".split()
)
"""Functions that go over the components where nothing else is said, never over the points."""

_OVER = {"max": torch.amax, "min": torch.amin}
"""The same functions for one dimension alone."""

_PRODUCTS = frozenset("matmul __matmul__ __rmatmul__ mv mm dot inner".split())

_NOT_ENTRYWISE = frozenset(
    "stack cat concat concatenate einsum tensordot index_select gather take_along_dim outer searchsorted roll".split()
)
"""Functions whose plain vectors are no factors of the components."""


class Stack(Quantity):
    """Quantities of one frame as the components of a vector, [k, n].

    ``y[0]`` is a component and ``y[1:]`` a shorter vector; ``A @ y`` is the product with a matrix [m, k], ``w @ y`` and
    ``y @ y`` are sums over the components, as are ``y.sum()`` and ``torch.linalg.norm(y)``; a plain vector [k] goes
    component by component. The numbers of components that are never used are never computed.
    """

    __slots__ = ("_parts",)
    several = True

    def __init__(self, parts: Sequence[Quantity] | Tensor, frame: Frame):
        self.frame = frame
        self._parts: tuple[Quantity, ...] | None = None if isinstance(parts, Tensor) else tuple(parts)
        self._tensor: Tensor | None = parts if isinstance(parts, Tensor) else None  # type: ignore[assignment]

    @property
    def tensor(self) -> Tensor:
        if self._tensor is None:
            self._tensor = torch.stack([part.tensor for part in self.parts])
        return self._tensor

    @property
    def parts(self) -> tuple[Quantity, ...]:
        """The components."""
        if self._parts is None:
            self._parts = tuple(Quantity(row, self.frame) for row in self.tensor.unbind(0))
        return self._parts

    def derivative(self, axis: int) -> "Stack":
        return Stack([part.derivative(axis) for part in self.parts], self.frame)

    def __len__(self) -> int:
        return len(self.tensor) if self._parts is None else len(self._parts)

    def __iter__(self) -> Iterator[Quantity]:
        return iter(self.parts)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, tuple) and index and all(one is Ellipsis or one == slice(None) for one in index[1:]):
            index = index[0]
        if isinstance(index, slice):
            return Stack(self.parts[index], self.frame)
        if isinstance(index, Integral):
            return self.parts[int(index)]
        if isinstance(index, tuple) or index is None or index is Ellipsis:
            return Quantity(super().__getitem__(index), self.frame)
        chosen = torch.arange(len(self))[torch.as_tensor(index).cpu()].tolist()
        return Stack([self.parts[k] for k in chosen], self.frame) if isinstance(chosen, list) else self.parts[chosen]

    def __setitem__(self, index: Any, value: Any) -> None:
        """``dy[0] = -y[1]``, as one fills a vector of zeros."""
        changed = self.tensor.clone()
        changed[index] = value.tensor if isinstance(value, Quantity) else value
        self._tensor, self._parts = changed, None

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(function, "__name__", "")
        if name in _PRODUCTS:
            return _product(*args)
        elif name in _REDUCTIONS:
            if len(args) == 1 and not {"dim", "axis"} & kwargs.keys():
                function, kwargs["dim"] = _OVER.get(name, function), 0
        elif name not in _NOT_ENTRYWISE:
            count = next((len(one) for one in args if isinstance(one, Stack)), None)
            args = tuple(one[:, None] if _is_factor(one, count) else one for one in args)
        return _stacked(Quantity.__torch_function__(function, types, args, kwargs))

    def __getattr__(self, name: str) -> Any:
        method = None if name.startswith("__") else getattr(Tensor, name, None)
        if not callable(method):
            return super().__getattr__(name)
        return lambda *args, **kwargs: type(self).__torch_function__(method, (), (self, *args), kwargs)


def columns_by_name(names: Sequence[str], columns: Sequence[Tensor]) -> dict[str, Any]:
    """Coordinate columns, [n] each, as functions of users get them: quantities where names are those of vectors."""
    if not vectors_of(names):
        return dict(zip(names, columns, strict=True))
    frame = Frame(names, torch.stack([column.detach() for column in columns], dim=-1))
    return {name: Quantity(column, frame) for name, column in zip(names, columns, strict=True)}


def _stacked(result: Any) -> Any:
    """The result of a function of stacks: whatever has rows of numbers at the points is a stack again."""
    if isinstance(result, tuple):
        return tuple(_stacked(item) for item in result)
    if isinstance(result, Quantity) and result.tensor.ndim == 2 and result.tensor.shape[1] == len(result.frame):
        return Stack(result.tensor, result.frame)
    return result


def _is_factor(value: Any, count: int | None) -> bool:
    """Whether a value is a plain vector with one number for each component."""
    return isinstance(value, Tensor) and value.shape == (count,)


def _product(first: Any, second: Any) -> Quantity:
    """A matrix product over the components: of two vectors, or of a vector with a plain matrix or vector."""
    if isinstance(first, tuple) or isinstance(second, tuple):  # such as gradients
        vector, other = (first, second) if isinstance(first, Stack) else (second, first)
        return Vector(vector) @ Vector(other)
    if isinstance(first, Stack) and isinstance(second, Stack):
        return torch.sum(first * second, dim=0)  # type: ignore[return-value]
    vector, matrix = (first, second) if isinstance(first, Stack) else (second, first)
    if vector is first and matrix.ndim > 1:
        matrix = matrix.mT
    plain = matrix.tensor if isinstance(matrix, Quantity) else matrix.to(vector.tensor)
    return _stacked(Quantity(torch.matmul(plain, vector.tensor), vector.frame))
