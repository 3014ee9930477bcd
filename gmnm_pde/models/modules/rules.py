"""How torch functions act on a tensor that carries its derivatives."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.models.modules.carried import RULES, Carried, NotCarried
from gmnm_pde.models.modules.elementwise import ENTRYWISE, derivatives_of, inverse_root, reciprocal, square
from gmnm_pde.models.modules.sequences import SequenceFirst


def rule(*names: str) -> Callable[[Callable], Callable]:
    """Enter a function as the rule for torch functions of these names."""

    def enter(function: Callable) -> Callable:
        RULES.update(dict.fromkeys(names, function))
        return function

    return enter


# Linear maps


@rule("linear")
def _linear(_: Any, x: Any, weight: Tensor, bias: Tensor | None = None) -> Carried:
    x = _carried(x)
    if x.bias is not None:
        x = x.plain
    if x.constant is not None and x.recorded(weight):
        x = x.plain
    data = x.data @ weight.mT
    if x.recorded(weight):
        inputs = x.data.flatten(2, -2) if x.ndim > 2 else x.data[:, :, None]

        def rows(bar: Tensor) -> Tensor:
            return torch.einsum("snmo,snmi->noi", bar.reshape(*inputs.shape[:3], -1), inputs)

        x.record(weight, data, rows)
    if x.recorded(bias):
        x.record(bias, data, lambda bar: bar[0])  # type: ignore[arg-type]
    constant = None if x.constant is None else x.constant @ weight.mT
    made = replace(x, data=data, constant=constant, bias=bias)
    return made if made.ndim == 2 else made.plain


@rule("matmul", "mm", "rmatmul", "bmm")
def _matmul(_: Any, x: Any, weight: Any) -> Carried:
    if isinstance(x, Carried) and isinstance(weight, Carried) and min(x.ndim, weight.ndim) > 2:
        return x.times(weight, torch.matmul)
    if isinstance(weight, Carried) or not isinstance(weight, Tensor) or weight.ndim != 2:
        raise NotCarried("a product of matrices of which the second depends on the coordinates")
    return _linear(None, x, weight.mT)


@rule("addmm")
def _addmm(_: Any, bias: Any, x: Any, weight: Any) -> Carried:
    return _add(None, _matmul(None, x, weight), bias)


@rule("neg", "negative")
def _neg(_: Any, x: Carried) -> Carried:
    return x.mapped(torch.neg)


def _shifted(dims: Any) -> Any:
    """Dimensions as counted with the streams before them."""
    if isinstance(dims, Sequence):
        return [_shifted(dim) for dim in dims]
    if dims == 0:
        raise NotCarried("a function that goes over points")
    return dims + 1 if dims > 0 else dims


def _sizes(shape: tuple) -> tuple:
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], Sequence) else shape


@rule("getitem")
def _getitem(_: Any, x: Carried, index: Any) -> Carried:
    index = index if isinstance(index, tuple) else (index,)
    return x.mapped(lambda data: data[(slice(None), *index)])


@rule("reshape", "view")
def _reshape(_: Any, x: Carried, *shape: Any) -> Carried:
    return x.mapped(lambda data: data.reshape(len(data), *_sizes(shape)))


@rule("flatten")
def _flatten(_: Any, x: Carried, start_dim: int = 0, end_dim: int = -1) -> Carried:
    start = start_dim + 1 if start_dim >= 0 else start_dim
    return x.mapped(lambda data: data.flatten(start, end_dim + 1 if end_dim >= 0 else end_dim))


@rule("unflatten")
def _unflatten(_: Any, x: Carried, dim: int, sizes: Any) -> Carried:
    return x.mapped(lambda data: data.unflatten(_shifted(dim), sizes))


@rule("squeeze")
def _squeeze(_: Any, x: Carried, dim: int) -> Carried:
    return x.mapped(lambda data: data.squeeze(_shifted(dim)))


@rule("unsqueeze")
def _unsqueeze(_: Any, x: Carried, dim: int) -> Carried:
    return x.mapped(lambda data: data.unsqueeze(_shifted(dim)))


@rule("transpose", "swapaxes")
def _transpose(_: Any, x: Carried, first: int, second: int) -> Any:
    if {first, second} == {0, 1} and x.ndim == 3:
        return SequenceFirst(x)
    return x.mapped(lambda data: data.transpose(_shifted(first), _shifted(second)))


@rule("expand")
def _expand(_: Any, x: Carried, *shape: Any) -> Carried:
    return x.mapped(lambda data: data.expand(-1, *_sizes(shape)))


@rule("sum")
def _sum(_: Any, x: Carried, dim: Any, keepdim: bool = False) -> Carried:
    return x.mapped(lambda data: data.sum(_shifted(dim), keepdim=keepdim))


@rule("mean")
def _mean(_: Any, x: Carried, dim: Any, keepdim: bool = False) -> Carried:
    return x.mapped(lambda data: data.mean(_shifted(dim), keepdim=keepdim))


@rule("chunk", "split", "tensor_split", "unbind")
def _parts(function: Callable, x: Carried, *args: Any, dim: int = 0, **kwargs: Any) -> tuple[Carried, ...]:
    name = function.__name__
    if len(args) == (1 if name == "unbind" else 2):
        args, dim = args[:-1], args[-1]
    parts = getattr(torch, name)(x.plain.data, *args, dim=_shifted(dim), **kwargs)
    return tuple(replace(x.plain, data=part) for part in parts)


@rule("cat", "concat", "concatenate", "hstack", "stack")
def _cat(function: Callable, tensors: Sequence[Any], dim: int | None = None) -> Carried:
    like = next(tensor for tensor in tensors if isinstance(tensor, Carried))
    dim = (-1 if function.__name__ == "hstack" else 0) if dim is None else dim
    parts = [
        (one if isinstance(one, Carried) else like.lifted(torch.as_tensor(one).to(like.data))).plain.data
        for one in tensors
    ]
    together = torch.stack if function.__name__ == "stack" else torch.cat
    return replace(like.plain, data=together(parts, _shifted(dim)))


@rule("clone", "contiguous", "identity")
def _same(_: Any, x: Carried, **kwargs: Any) -> Carried:
    return x


@rule("to", "double", "float")
def _to(function: Callable, x: Carried, *args: Any, **kwargs: Any) -> Carried:
    if function(x.data, *args, **kwargs) is not x.data:
        raise NotCarried("a change of precision or device")
    return x


@rule("zeros_like", "ones_like", "new_zeros", "new_ones")
def _filled(function: Callable, x: Carried, *args: Any, **kwargs: Any) -> Tensor:
    return function(x.data[0], *args, **kwargs)


# Sums and products


@rule("add", "radd")
def _add(_: Any, x: Any, y: Any, *, alpha: float = 1) -> Carried:
    if alpha != 1:
        y = y * alpha
    if isinstance(x, Carried) and isinstance(y, Carried):
        return x.plus(y)
    return x.shifted(y) if isinstance(x, Carried) else y.shifted(x)


@rule("sub", "subtract")
def _sub(_: Any, x: Any, y: Any, *, alpha: float = 1) -> Carried:
    return _add(None, x, _mul(None, y, -alpha) if isinstance(y, Carried) else -alpha * y)


@rule("rsub")
def _rsub(_: Any, x: Any, y: Any) -> Carried:
    return _sub(None, y, x)


@rule("mul", "rmul", "multiply")
def _mul(_: Any, x: Any, y: Any) -> Carried:
    if isinstance(x, Carried) and isinstance(y, Carried):
        return x.times(y)
    x, y = (x, y) if isinstance(x, Carried) else (y, x)
    if not isinstance(y, Tensor):
        return x.mapped(lambda data: data * y)
    if y.ndim > x.ndim:
        raise NotCarried("a tensor of more dimensions")
    plain = x.plain
    factor = y if y.ndim < x.ndim else y[None]
    data = plain.data * factor
    if x.recorded(y):
        x.record(y, data, lambda bar: (bar * plain.data).sum(0))
    return replace(plain, data=data)


@rule("div", "truediv", "divide", "true_divide")
def _div(_: Any, x: Any, y: Any) -> Carried:
    return _mul(None, x, y.entrywise(reciprocal) if isinstance(y, Carried) else 1 / y)


@rule("rdiv", "rtruediv")
def _rdiv(_: Any, x: Any, y: Any) -> Carried:
    return _div(None, y, x)


@rule("pow")
def _pow(function: Callable, x: Any, exponent: Any) -> Carried:
    if isinstance(exponent, Carried) or isinstance(exponent, Tensor):
        raise NotCarried("a power of changing exponent")
    return x.entrywise(square) if exponent == 2 else _of_each_entry("pow")(function, x, exponent)


# Layers


@rule("layer_norm")
def _layer_norm(
    _: Any, x: Carried, shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Carried:
    return _affine(_standardised(x, len(shape), eps), weight, bias)


@rule("rms_norm")
def _rms_norm(_: Any, x: Carried, shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Carried:
    dims = tuple(range(-len(shape), 0))
    spread = _mean(None, x.entrywise(square), dims, keepdim=True)
    small = torch.finfo(x.dtype).eps if eps is None else eps
    return _affine(x.times(_add(None, spread, small).entrywise(inverse_root)), weight, None)


@rule("group_norm")
def _group_norm(
    _: Any, x: Carried, groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Carried:
    if x.ndim != 2:
        raise NotCarried("groups of more than one dimension")
    grouped = x.mapped(lambda data: data.unflatten(2, (groups, -1)))
    return _affine(_standardised(grouped, 1, eps).mapped(lambda data: data.flatten(2)), weight, bias)


@rule("batch_norm")
def _batch_norm(
    _: Any,
    x: Carried,
    mean: Tensor | None,
    variance: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Carried:
    if training or mean is None or variance is None or x.ndim != 2:
        raise NotCarried("statistics of a batch")
    return _affine(_mul(None, _sub(None, x, mean), (variance + eps).rsqrt()), weight, bias)


@rule("dropout", "feature_dropout", "alpha_dropout")
def _dropout(_: Any, x: Carried, p: float = 0.5, training: bool = True, inplace: bool = False) -> Carried:
    if training and p > 0:
        raise NotCarried("random numbers")
    return x


@rule("softmax")
def _softmax(_: Any, x: Carried, dim: int, **kwargs: Any) -> Carried:
    largest = x.plain.data[0].detach().amax(dim, keepdim=True)
    grown = _sub(None, x, largest).entrywise(_derivatives("exp"))
    return grown.times(_sum(None, grown, dim, keepdim=True).entrywise(reciprocal))


@rule("glu")
def _glu(_: Any, x: Carried, dim: int = -1) -> Carried:
    values, gates = _parts(torch.chunk, x, 2, dim=dim)
    return values.times(gates.entrywise(_derivatives("sigmoid")))


@rule("prelu")
def _prelu(_: Any, x: Carried, weight: Tensor) -> Carried:
    relu = _derivatives("relu")
    return x.entrywise(relu).plus(_neg(None, _mul(None, _neg(None, x).entrywise(relu), weight)))


def _standardised(x: Carried, dimensions: int, eps: float) -> Carried:
    dims = tuple(range(-dimensions, 0))
    centred = x.plus(_neg(None, _mean(None, x, dims, keepdim=True)))
    spread = _mean(None, centred.entrywise(square), dims, keepdim=True)
    return centred.times(_add(None, spread, eps).entrywise(inverse_root))


def _affine(x: Carried, weight: Tensor | None, bias: Tensor | None) -> Carried:
    x = x if weight is None else _mul(None, x, weight)
    return x if bias is None else _add(None, x, bias)


# Functions of each entry


def _derivatives(name: str) -> Any:
    return derivatives_of(name, (), {}, torch.tanh)


def _of_each_entry(name: str) -> Callable:
    def act(function: Callable, x: Carried, *args: Any, **kwargs: Any) -> Carried:
        derivatives = derivatives_of(name, args, kwargs, function)
        if derivatives is None or not isinstance(x, Carried):
            raise NotCarried(name)
        return x.entrywise(derivatives)

    return act


def _carried(x: Any) -> Carried:
    if not isinstance(x, Carried):
        raise NotCarried("a layer whose weights depend on the coordinates")
    return x


for _name in ENTRYWISE:
    RULES[_name] = _of_each_entry(_name)
