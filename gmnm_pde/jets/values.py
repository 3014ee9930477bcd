"""Tensors with the points they belong to, and fields with their derivatives there.

A user's equation is evaluated on a ``Frame``: points with named coordinates. It sees every coordinate and field as a
``Quantity``, which acts like a tensor [n] in arithmetic and torch functions. A ``Field`` is a Quantity that stands for
one derivative of one unknown; its numbers are computed by its source only when they are used.

Anything computed from them can be differentiated again. If w = F(x, u, u_x, ...) pointwise, then

    dw/dx = F_x + F_u u_x + F_{u_x} u_xx + ...

where the partial derivatives of F come from autograd and the further derivatives of u from its source.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError, nearest, refuse
from gmnm_pde.jets.arithmetic import TensorLike
from gmnm_pde.jets.partials import partials
from gmnm_pde.multiindex import Alpha, raised


class Source(Protocol):
    """Where the numbers of fields come from."""

    follows_coordinates: bool
    """Whether the numbers are functions of the frame's coordinate leaves in autograd's graph."""

    def derivative(self, output: int, alpha: Alpha) -> Tensor:
        """The derivative ``alpha`` of one output at the frame's points, [n]."""
        ...


class Frame:
    """Points, [n, d], with named coordinates, on which equations are evaluated.

    ``rows`` says which rows of a larger set of points these are, for data that is given point by point. A ``record``
    that is no longer None has every differentiation on the frame added to it; while ``cut`` is set, derivatives of
    what is computed are cut off from what they were made of. ``breaks`` are, by coordinate, the places at which tables
    that were looked up are not smooth. ``integrate``, where there is one, takes values [n] to their integrals over
    space at the time of each point, [n]; ``integrals`` are those that were asked for. What it returns is to be a leaf
    of autograd's graph wherever its slopes are not, point by point, those by the values. On a ``readable`` frame, that
    of a jet outside of equations, quantities turn into arrays. ``sizes`` that are no longer None are those of known
    fields that were evaluated on the frame.
    """

    def __init__(
        self,
        names: Sequence[str],
        points: Tensor,
        *,
        time: Sequence[str] = (),
        normals: Tensor | None = None,
        rows: Tensor | slice | None = None,
    ):
        self.rows = slice(None) if rows is None else rows
        self.names = tuple(names)
        self.time = tuple(time)
        self.points = points.detach()
        self.leaves = tuple(column.clone().requires_grad_() for column in self.points.unbind(-1))
        self.coordinates = {
            name: Coordinate(leaf, self, name) for name, leaf in zip(self.names, self.leaves, strict=True)
        }
        self.normals = normals
        self._entries: dict[tuple[int, int, Alpha], tuple[Source, Tensor]] = {}
        self._within: set[tuple[int, int]] = set()
        self.record: list[Differentiation] | None = None
        self.cut = False
        self.breaks: dict[str, set[float]] = {}
        self.integrate: Callable[[Tensor], Tensor] | None = None
        self.integrals: list[Integral] = []
        self.readable = False
        self.sizes: list[float] | None = None

    def __len__(self) -> int:
        return len(self.points)

    @property
    def space(self) -> tuple[str, ...]:
        """Names of the spatial coordinates."""
        return tuple(name for name in self.names if name not in self.time)

    def entry(self, source: Source, output: int, alpha: Alpha) -> Tensor:
        """One derivative of one unknown, [n], always the same tensor, so that autograd can find it."""
        key = (id(source), output, alpha)
        if key not in self._entries:
            value = source.derivative(output, alpha)
            if not value.requires_grad:
                value = value.detach().requires_grad_()
            self._entries[key] = (source, value)
        return self._entries[key][1]

    def entries(self) -> dict[tuple[int, Alpha], Tensor]:
        """The derivatives used so far, by output and multi-index."""
        return {(output, alpha): tensor for (_, output, alpha), (_, tensor) in self._entries.items()}

    def noted(self, argument: "Quantity", axis: int, result: "Quantity") -> "Quantity":
        """The result of a differentiation, which is added to the record, if there is one."""
        if self.record is None:
            return result
        if self.cut and not isinstance(result, Field):
            result = Quantity(result.tensor.detach().requires_grad_(), self)
        self.record.append(Differentiation(argument, axis, result))
        return result

    def hide(self, source: Source, output: int) -> None:
        """Leave an output out of total derivatives: another source is made from it, and accounts for it."""
        self._within.add((id(source), output))

    def total_derivative(self, value: Tensor, axis: int) -> Tensor:
        """The derivative of ``value``, [n], a pointwise function of the coordinates and the entries used so far."""
        if self.names[axis] in self.time:
            self._refuse_integrals(value)
        entries = [(key, entry) for key, entry in self._entries.items() if key[:2] not in self._within]
        inputs = [self.leaves[axis], *(tensor for _, (_, tensor) in entries)]
        if not value.requires_grad:
            return torch.zeros_like(value)
        by_coordinate, *by_entry = partials(value, inputs, again=True)
        total = torch.zeros_like(value) if by_coordinate is None else by_coordinate
        for ((_, output, alpha), (source, _)), partial in zip(entries, by_entry, strict=True):
            if partial is not None and not source.follows_coordinates:
                total = total + partial * self.entry(source, output, raised(alpha, axis))
        return total

    def _refuse_integrals(self, value: Tensor) -> None:
        """Refuse the time derivative of an integral, which is that of its integrand integrated."""
        values = [integral.value for integral in self.integrals if integral.value.requires_grad]
        if values and value.requires_grad:
            slopes = partials(value, values)
            if any(slope is not None for slope in slopes):
                raise refuse(
                    "diff(...)",
                    expected="an integral or mean of a time derivative, mean(diff(u, t))",
                    got="the time derivative of one",
                )


@dataclass(frozen=True)
class Integral:
    """An integral over space that was asked for on a frame, and what was integrated, [n] each."""

    integrand: Tensor
    value: Tensor


class Quantity(TensorLike):
    """A tensor of one number per point, [n], or of several, that remembers its frame."""

    __slots__ = ("_tensor", "frame")
    several = False
    """Whether these are several quantities as one (``stack.py``)."""

    def __init__(self, tensor: Tensor, frame: Frame):
        self._tensor = tensor
        self.frame = frame

    @property
    def tensor(self) -> Tensor:
        """The plain tensor."""
        return self._tensor

    def derivative(self, axis: int) -> "Quantity":
        """The total derivative by the coordinate number ``axis``."""
        if self.tensor.shape != (len(self.frame),):
            raise refuse(
                "diff(...)",
                expected=f"one number per point, shape ({len(self.frame)},)",
                got=f"shape {tuple(self.tensor.shape)}",
                remedy="Differentiate the components one by one.",
            )
        total = Quantity(self.frame.total_derivative(self.tensor, axis), self.frame)
        return self.frame.noted(self, axis, total)

    def _apply(self, function: Callable[..., Any], *arguments: Any) -> Any:
        kinds = (type(one) for one in arguments if isinstance(one, Quantity) and one.several)
        plain = tuple(torch.as_tensor(one) if isinstance(one, np.ndarray) else one for one in arguments)
        return next(kinds, Quantity).__torch_function__(function, (), plain)

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        first, *others = _quantities((args, kwargs))
        if any(other.frame is not first.frame for other in others):
            raise GmnmError(
                f"{getattr(function, '__name__', 'a function')} of two fields or coordinates that live on different "
                "point sets: combine those of one call only; a jet of other points cannot be mixed in."
            )
        if function is torch.stack and len(args) == 1 and not kwargs:
            from gmnm_pde.jets.stack import Stack  # here: a stack is a quantity itself

            if all(isinstance(one, Quantity) and not one.several for one in args[0]):
                return Stack(args[0], first.frame)
        plain = _plain(args)
        if function is torch.where:  # a number would be of torch's default precision
            like = first.frame.points
            plain = tuple(like.new_tensor(a) if isinstance(a, float) else a for a in plain)
        return _wrap(function(*plain, **_plain(kwargs)), first.frame)

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        if not self.frame.readable:
            return super().__array__(*arguments, **options)
        return np.asarray(self.tensor.detach().cpu().numpy(), *arguments, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        attribute = getattr(self.tensor, name)
        if not callable(attribute):
            return attribute
        return lambda *args, **kwargs: _wrap(attribute(*_plain(args), **_plain(kwargs)), self.frame)

    def __getitem__(self, index: Any) -> Tensor:
        return self.tensor[_plain(index)]

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.tensor!r})"


class Coordinate(Quantity):
    """A coordinate of the frame, which other quantities can be differentiated by."""

    __slots__ = ("name",)

    def __init__(self, tensor: Tensor, frame: Frame, name: str):
        super().__init__(tensor, frame)
        self.name = name


class Field(Quantity):
    """The derivative ``alpha`` of one output of a source; the undifferentiated field has alpha = (0, ..., 0)."""

    __slots__ = ("alpha", "name", "output", "source")

    def __init__(self, frame: Frame, source: Source, output: int, *, name: str = "u", alpha: Alpha | None = None):
        self.frame = frame
        self.source = source
        self.output = output
        self.name = name
        self.alpha = alpha or (0,) * len(frame.names)

    @property
    def tensor(self) -> Tensor:
        return self.frame.entry(self.source, self.output, self.alpha)

    def derivative(self, axis: int) -> "Quantity":
        raised_field = Field(self.frame, self.source, self.output, name=self.name, alpha=raised(self.alpha, axis))
        return self.frame.noted(self, axis, raised_field)


@dataclass(frozen=True)
class Differentiation:
    """One differentiation on a frame: of what, by the coordinate of which number, and its result."""

    argument: Quantity
    axis: int
    result: Quantity


def axis_of(frame: Frame, coordinate: Any, *, call: str) -> int:
    """The number of a coordinate, given as the equation's argument or by its name."""
    name = coordinate.name if isinstance(coordinate, Coordinate) and coordinate.frame is frame else coordinate
    if isinstance(name, str) and name in frame.names:
        return frame.names.index(name)
    got = repr(name) if isinstance(name, str) else f"a {type(coordinate).__name__}"
    if isinstance(coordinate, Field):
        got = f"the field '{coordinate.name}'"
    remedy = nearest(name, frame.names) if isinstance(name, str) else "Differentiate by the argument itself."
    raise refuse(call, expected=f"a coordinate, one of {', '.join(frame.names)}", got=got, remedy=remedy)


def _plain(tree: Any) -> Any:
    if isinstance(tree, Quantity):
        return tree.tensor
    if isinstance(tree, tuple | list):
        return type(tree)(_plain(item) for item in tree)
    if isinstance(tree, dict):
        return {key: _plain(item) for key, item in tree.items()}
    return tree


def _quantities(tree: Any) -> list[Quantity]:
    if isinstance(tree, Quantity):
        return [tree]
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    if isinstance(tree, tuple | list):
        return [quantity for item in tree for quantity in _quantities(item)]
    return []


def _wrap(result: Any, frame: Frame) -> Any:
    """A result on its frame; whole numbers are plain, so that tables can be indexed by them."""
    if isinstance(result, Tensor):
        fractional = result.is_floating_point() or result.is_complex() or result.dtype == torch.bool
        return Quantity(result, frame) if fractional else result
    if isinstance(result, tuple | list) and any(isinstance(item, Tensor) for item in result):
        return tuple(_wrap(item, frame) for item in result)
    return result
