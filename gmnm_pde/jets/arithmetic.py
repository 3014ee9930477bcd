"""Arithmetic of anything that stands for a tensor: operators in Python, torch functions, numpy functions."""

import operator
from collections.abc import Callable
from typing import Any

import torch

from gmnm_pde._errors import refuse

_NUMPY_NAMES = {"power": "pow", "absolute": "abs"}


class TensorLike:
    """Operators by one method: ``_apply(function, *arguments)``, which calls on plain tensors and wraps the result."""

    __slots__ = ()
    __hash__ = object.__hash__

    def _apply(self, function: Callable[..., Any], *arguments: Any) -> Any:
        raise NotImplementedError

    def __add__(self, other: Any) -> Any:
        return self._apply(operator.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return self._apply(operator.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return self._apply(operator.sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._apply(operator.sub, other, self)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Vector):
            return NotImplemented
        return self._apply(operator.mul, self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._apply(operator.mul, other, self)

    def __matmul__(self, other: Any) -> Any:
        return self._apply(operator.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return self._apply(operator.matmul, other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._apply(operator.truediv, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._apply(operator.truediv, other, self)

    def __pow__(self, other: Any) -> Any:
        return self._apply(operator.pow, self, other)

    def __rpow__(self, other: Any) -> Any:
        return self._apply(operator.pow, other, self)

    def __mod__(self, other: Any) -> Any:
        return self._apply(operator.mod, self, other)

    def __neg__(self) -> Any:
        return self._apply(operator.neg, self)

    def __pos__(self) -> Any:
        return self._apply(operator.pos, self)

    def __abs__(self) -> Any:
        return self._apply(operator.abs, self)

    def __invert__(self) -> Any:
        return self._apply(operator.invert, self)

    def __and__(self, other: Any) -> Any:
        return self._apply(operator.and_, self, other)

    def __or__(self, other: Any) -> Any:
        return self._apply(operator.or_, self, other)

    def __lt__(self, other: Any) -> Any:
        return self._apply(operator.lt, self, other)

    def __le__(self, other: Any) -> Any:
        return self._apply(operator.le, self, other)

    def __gt__(self, other: Any) -> Any:
        return self._apply(operator.gt, self, other)

    def __ge__(self, other: Any) -> Any:
        return self._apply(operator.ge, self, other)

    def __eq__(self, other: object) -> Any:
        return self._apply(operator.eq, self, other)

    def __ne__(self, other: object) -> Any:
        return self._apply(operator.ne, self, other)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """``numpy.sin(u)`` and ``numpy.float64(2) * u`` are done by the torch function of the same name."""
        name = str(ufunc.__name__)
        function = getattr(torch, _NUMPY_NAMES.get(name, name), None)
        if method != "__call__" or function is None or kwargs:
            raise refuse(f"numpy.{ufunc.__name__}(...)", expected="a torch function on a field", got="a numpy one")
        return self._apply(function, *[q if isinstance(q, TensorLike) else torch.as_tensor(q) for q in inputs])

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise refuse(
            "a numpy function of a field or coordinate",
            expected="a torch function",
            got="one that needs an array",
            remedy="For tabulated values use gmnm_pde.table(places, values)(t), or index a tensor of them.",
        )

    def __bool__(self) -> bool:
        raise refuse(
            "if/and/or on a field or coordinate",
            expected="a condition for each point",
            got="one for all of them",
            remedy="Use torch.where(condition, a, b), and & | ~ instead of and, or, not.",
        )

    def __float__(self) -> float:
        raise refuse(
            "float(...) or a math function of a field or coordinate",
            expected="a torch function",
            got="a function of one number",
            remedy="Write torch.sin(x), not math.sin(x).",
        )


class Vector(tuple):
    """The components of a vector field; sums, and products with numbers and fields, go component by component.

    ``grad(u) @ grad(u)`` is the inner product.
    """

    __slots__ = ()
    __array_ufunc__ = None  # numpy's numbers leave the product to the vector
    __hash__ = tuple.__hash__

    def __add__(self, other: Any) -> Any:
        return self._with(other, operator.add)

    def __radd__(self, other: Any) -> Any:
        return self._with(other, operator.add)

    def __sub__(self, other: Any) -> Any:
        return self._with(other, operator.sub)

    def __rsub__(self, other: Any) -> Any:
        return -1.0 * self + other

    def __neg__(self) -> "Vector":
        return -1.0 * self

    def __mul__(self, other: Any) -> "Vector":
        return Vector(part * other for part in self)

    def __rmul__(self, other: Any) -> "Vector":
        return Vector(other * part for part in self)

    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, tuple | list):
            return NotImplemented
        return sum(self._with(other, operator.mul), 0.0)

    def __truediv__(self, other: Any) -> "Vector":
        return Vector(part / other for part in self)

    def _with(self, other: Any, function: Callable[[Any, Any], Any]) -> Any:
        if not isinstance(other, tuple | list) or len(other) != len(self):
            got = f"{len(other)}" if isinstance(other, tuple | list) else f"a {type(other).__name__}"
            raise refuse("a sum of vector fields", expected=f"{len(self)} components", got=got)
        return Vector(function(mine, theirs) for mine, theirs in zip(self, other, strict=True))
