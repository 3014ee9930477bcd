"""A tensor of any network together with its derivatives: torch functions that a module calls act on all of them.

A module is called with a ``Carried`` in the place of a tensor [n, d]; torch hands its functions over to
``__torch_function__``, and each is carried out on the streams (``networks/streams.py``): linear maps on every stream
alike, functions of each entry and products by their rules (``rules.py``). No tracing is needed, whatever the module's
own code does with shapes. What has no rule raises ``NotCarried``, and the module's derivatives are made otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.models.networks.entrywise import Derivatives, entrywise
from gmnm_pde.models.networks.quadratic import QuadraticForm
from gmnm_pde.models.networks.streams import Recorded, Streams


class NotCarried(Exception):
    """A function that streams cannot be pushed through."""


RULES: dict[str, Callable[..., Any]] = {}
"""By the name of a torch function, how it acts on a ``Carried``; ``rules.py`` fills it."""


@dataclass(eq=False)
class Carried:
    """A tensor [n, ...] with its first derivatives and operators.

    Args:
        data: [1 + slopes, n, ...]; of what is linear in the coordinates the value alone, [1, n, width].
        slopes: How many first derivatives and operators there are.
        squares: Of each operator, which come last, its second-order part.
        tape: Where parameters are recorded, if Jacobians are wanted.
        constant: Derivatives and operators that are the same at all points, [slopes, 1, width].
        bias: [width], still to be added: the function of each entry that comes next adds it as it goes.
    """

    data: Tensor
    slopes: int
    squares: tuple[QuadraticForm, ...]
    tape: list[Recorded] | None = None
    constant: Tensor | None = None
    bias: Tensor | None = None

    @classmethod
    def of_streams(cls, streams: Streams) -> "Carried":
        """The coordinates' streams as the tensor that a module is called with."""
        count = len(streams.firsts) + len(streams.squares)
        return cls(streams.data, count, streams.squares, streams.tape, streams.constant)

    def through(self, function: Callable[[Streams], Streams]) -> "Carried":
        """After a network of this library, which knows streams."""
        known = self if self.bias is None else self.plain
        firsts = tuple(range(self.slopes - len(self.squares)))
        after = function(Streams(known.data, firsts, known.squares, known.tape, known.constant))
        return replace(known, data=after.data, constant=after.constant)

    @classmethod
    def __torch_function__(cls, func: Callable, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        return act(func.__name__, func, args, kwargs or {})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not callable(getattr(Tensor, name, None)):
            raise NotCarried(name)
        return lambda *args, **kwargs: act(name, getattr(Tensor, name), (self, *args), kwargs)

    @property
    def shape(self) -> torch.Size:
        return self.data.shape[1:]

    @property
    def ndim(self) -> int:
        return self.data.ndim - 1

    @property
    def dtype(self) -> torch.dtype:
        return self.data.dtype

    @property
    def device(self) -> torch.device:
        return self.data.device

    @property
    def requires_grad(self) -> bool:
        return self.data.requires_grad

    is_cuda = property(lambda self: self.data.is_cuda)
    is_nested = is_sparse = is_quantized = False

    def dim(self) -> int:
        return self.ndim

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> int:
        return self.shape.numel()

    def is_floating_point(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self.data[0])

    def __iter__(self) -> Any:
        raise NotCarried("a loop over points")

    def __bool__(self) -> bool:
        raise NotCarried("a condition on values")

    def __getitem__(self, index: Any) -> "Carried":
        return act("getitem", None, (self, index), {})

    @property
    def plain(self) -> "Carried":
        """The same with its bias added, and its derivatives at every point."""
        data = self.data if self.bias is None else torch.cat([self.data[:1] + self.bias, self.data[1:]])
        if self.constant is not None:
            data = torch.cat([data, self.constant.expand(-1, *data.shape[1:])])
        return replace(self, data=data, constant=None, bias=None)

    def mapped(self, function: Callable[[Tensor], Tensor]) -> "Carried":
        """After a linear function of tensors [streams, n, ...], which treats all streams alike."""
        plain = self.plain
        return replace(plain, data=function(plain.data))

    def entrywise(self, derivatives: Derivatives) -> "Carried":
        """After a function of each entry."""
        known = self if self.ndim == 2 else self.plain
        data = known.data.flatten(2) if known.ndim > 2 else known.data.reshape(len(known.data), known.shape[0], -1)
        after = entrywise(data, known.constant, known.bias, derivatives, known.squares)
        return replace(known, data=after.reshape(len(after), *known.shape), constant=None, bias=None)

    def times(self, other: "Carried", product: Callable[[Tensor, Tensor], Tensor] = torch.mul) -> "Carried":
        """The product of two, entry by entry or another one that is linear in each, by Leibniz' rule."""
        a, b = self.plain.data, other.plain.data
        slopes = product(a[1:], b[:1]) + product(a[:1], b[1:])
        first = self.slopes - len(self.squares)
        parts = [product(a[:1], b[:1]), slopes[:first]]
        for k, form in enumerate(self.squares, start=first):
            row = slopes[k]
            for i, j, c in form:
                crossed = product(a[1 + i], b[1 + j])
                crossed = 2 * crossed if i == j else crossed + product(a[1 + j], b[1 + i])
                row = (
                    row
                    + (c.reshape(-1, *[1] * (crossed.ndim - 1)) if isinstance(c, Tensor) and c.ndim else c) * crossed
                )
            parts.append(row[None])
        return replace(self, data=torch.cat(parts), constant=None, bias=None)

    def plus(self, other: "Carried") -> "Carried":
        """The sum of two."""
        return replace(self, data=self.plain.data + other.plain.data, constant=None, bias=None)

    def shifted(self, tensor: Any) -> "Carried":
        """The sum with a tensor, or a number, that does not depend on the coordinates."""
        value = torch.as_tensor(tensor, dtype=self.dtype, device=self.device)
        if torch.broadcast_shapes(value.shape, self.shape) != self.shape:
            return self.plus(self.lifted(value))
        if self.ndim == 2 and self.bias is None and value.shape == self.shape[1:]:
            known = self.plain if self.constant is not None and self.recorded(value) else self
            if self.recorded(value):
                self.record(value, known.data, lambda bar: bar[0])
            return replace(known, bias=value)
        known = self.plain
        data = torch.cat([known.data[:1] + value, known.data[1:]])
        if self.recorded(value):
            self.record(value, data, lambda bar: bar[0])
        return replace(known, data=data)

    def lifted(self, value: Tensor) -> "Carried":
        """A tensor that does not depend on the coordinates, at as many points."""
        if value.ndim > self.ndim:
            raise NotCarried("a tensor of more dimensions")
        rest = value.shape[1:] if value.ndim == self.ndim else torch.broadcast_shapes(value.shape, self.shape)[1:]
        made = value.expand(len(self), *rest)
        data = torch.cat([made[None], made.new_zeros(self.slopes, *made.shape)])
        if self.recorded(value):
            self.record(value, data, lambda bar: bar[0])
        return replace(self, data=data, constant=None, bias=None)

    def recorded(self, tensor: Any) -> bool:
        """Whether a tensor's rows are wanted."""
        return self.tape is not None and isinstance(tensor, Tensor) and tensor.requires_grad

    def record(self, parameter: Tensor, output: Tensor, rows: Callable[[Tensor], Tensor]) -> None:
        """Note how the rows of a parameter follow from gradients by ``output``: ``rows`` gives [n, ..., *its shape]."""
        assert self.tape is not None
        self.tape.append(Recorded(parameter, output, lambda bar: summed_to(rows(bar), parameter.shape)))


def streams_of(outputs: Any, streams: Streams) -> Streams:
    """The streams of what a module made of the coordinates' streams."""
    if not isinstance(outputs, Carried):
        raise NotCarried("outputs that do not depend on the coordinates")
    return replace(streams, data=outputs.plain.data, constant=None, kept=None)


def summed_to(rows: Tensor, shape: torch.Size) -> Tensor:
    """Rows [n, ...] summed over what a tensor of a shape was broadcast along: [n, *shape]."""
    extra = rows.ndim - 1 - len(shape)
    rows = rows.sum(dim=tuple(range(1, 1 + extra))) if extra > 0 else rows
    if extra < 0:
        rows = rows.reshape(len(rows), *[1] * -extra, *rows.shape[1:])
    over = tuple(k + 1 for k, size in enumerate(shape) if size == 1 and rows.shape[k + 1] != 1)
    return rows.sum(dim=over, keepdim=True) if over else rows


def act(name: str, function: Callable | None, args: tuple, kwargs: dict[str, Any]) -> Any:
    """What a torch function of that name gives where some of its arguments are carried."""
    rule = RULES.get(name.strip("_"))
    if rule is None:
        raise NotCarried(name)
    return rule(function, *args, **kwargs)


def _operator(name: str) -> Callable[..., Any]:
    return lambda self, *args: act(name, getattr(Tensor, f"__{name}__"), (self, *args), {})


for _name in "add radd sub rsub mul rmul truediv rtruediv pow neg matmul".split():
    setattr(Carried, f"__{_name}__", _operator(_name))
