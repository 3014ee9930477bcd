"""Models, with a header of plain values, to and from files."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import GmnmError
from gmnm_pde.io import checks
from gmnm_pde.io.places import called, damaged, writable
from gmnm_pde.io.tensors import Stored, encoded, read_tensors, write_tensors
from gmnm_pde.models import Normalized, adopted, numbers, plain, rebuild
from gmnm_pde.models.protocols import Configurable, can

_FORMAT = "gmnm_pde solution 2"
"""What files of solutions say that they are."""

_MOST = 64
"""The most that small numbers in the description of a model, such as the order of splines, may be."""

_SMALL = ("order", "smoothness")
"""The names of these small numbers."""

_SHAPE = checks.record(kind=checks.name, config=checks.keyed(checks.anything), bounds=checks.listed(checks.span))
"""What a header says of a model."""

_DAMAGE = (KeyError, TypeError, ValueError, RuntimeError, AttributeError, IndexError, ArithmeticError, MemoryError)
"""What may be raised where a header and tensors do not fit together."""


def write_model(path: Any, model: Normalized, header: Mapping[str, Any], call: str) -> None:
    """Write ``model`` and ``header``, plain values, to ``path``.

    Raises:
        GmnmError: there can be no file; one that was there before stays.
    """
    target = writable(path, call)
    tensors, described = _described(model, header)
    write_tensors(target, _FORMAT, tensors, described, call)


def stored_model(model: Normalized, header: Mapping[str, Any]) -> Stored:
    """What ``write_model`` writes, in memory; ``read_model`` reads it."""
    return Stored(encoded(_FORMAT, *_described(model, header)))


def _described(model: Normalized, header: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a model, and the header with what else is to be known of it."""
    inner: Any = plain(model.inner)  # type: ignore[arg-type]
    tensors = model.state_dict()
    if inner is not model.inner:
        tensors = {name.replace("inner.module.", "inner.", 1): tensor for name, tensor in tensors.items()}
    config = inner.config() if can(inner, Configurable) else {}
    shape = {"kind": type(inner).__name__, "config": config, "bounds": model.bounds}
    dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
    return tensors, {"model": shape, "dtype": dtype, **header}


def read_model(
    path: str | Path | Stored, parts: Mapping[str, checks.Check], model: nn.Module | None = None
) -> tuple[Normalized, dict[str, Any]]:
    """The model and header in ``path``.

    Args:
        path: The file, or what it would hold.
        parts: What the header has beside the model, and a check for each.
        model: The empty module where it is not one of this library's.

    Raises:
        GmnmError: there is no such file, or it is not whole, or holds something else.
    """
    call = called("load_solution(...)", path)
    tensors, header = read_tensors(path, _FORMAT, call)
    try:
        checks.record(model=_SHAPE, dtype=checks.one_of("float64", "float32"), **parts)(header, "header")
        shape, dtype = header["model"], getattr(torch, header["dtype"])
        _check_tensors(tensors, dtype, own=model is None)
        inner = model if model is not None else _rebuild(shape, tensors)
        normalized = Normalized(inner, shape["bounds"]).to(dtype)
        box = [normalized.middle.clone(), normalized.half_width.clone()]
        normalized.load_state_dict(tensors)
        if not all(torch.equal(*pair) for pair in zip(box, (normalized.middle, normalized.half_width), strict=True)):
            raise checks.Unfit("header.model.bounds", "the box in the file's tensors", shape["bounds"])
    except GmnmError:
        raise
    except _DAMAGE as error:
        raise damaged(call, error) from None
    if model is not None:
        normalized.inner = adopted(normalized.inner, len(normalized.bounds))
    return normalized, header


@torch.no_grad()
def check_outputs(path: str | Path | Stored, model: Normalized, count: int) -> None:
    """Refuse a model that does not give so many numbers at a point.

    Raises:
        GmnmError: it gives others, or none.
    """
    points = (model.middle + 0.1 * model.half_width * torch.tensor([[-1.0], [1.0]]).to(model.middle)).to(model.middle)
    try:
        with torch.random.fork_rng(devices=[]):
            width = list(copy.deepcopy(model)(points).shape)  # a module of the user's may change as it is called
    except (GmnmError, *_DAMAGE) as error:
        raise damaged(called("load_solution(...)", path), error) from None
    if width != [2, count]:
        raise damaged(called("load_solution(...)", path), f"{count} field(s), and a model that gives {width[1:]}")


def _check_tensors(tensors: Mapping[str, Tensor], dtype: torch.dtype, *, own: bool) -> None:
    """Refuse tensors of another precision, and such as hold no numbers; others' modules may hold infinity."""
    for name, tensor in tensors.items():
        if tensor.is_complex() or (tensor.is_floating_point() and tensor.dtype != dtype):
            raise checks.Unfit(name, str(dtype), str(tensor.dtype))
        if tensor.isnan().any() or (own and tensor.isinf().any()):
            raise checks.Unfit(name, "finite numbers", "NaN or infinity among them")


def _rebuild(shape: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> nn.Module:
    """The model that is described, if it is as large as the tensors are: only then there is memory for it."""
    held = sum(tensor.numel() for tensor in tensors.values())
    _check_counts(shape["config"], max(_MOST, held), "header.model.config")
    described = numbers(shape["kind"], shape["config"])
    if described > held:
        raise checks.Unfit("header.model", f"a model of {held} numbers, as many as the file has", described)
    with torch.random.fork_rng(devices=[]):
        return rebuild(shape["kind"], shape["config"])


def _check_counts(value: Any, most: int, where: str) -> None:
    """Refuse numbers that are larger than anything in the file."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_counts(item, _MOST if key in _SMALL else most, f"{where}.{key}")
    elif isinstance(value, list):
        for item in value:
            _check_counts(item, most, where)
    elif isinstance(value, int) and abs(value) > most:
        raise checks.Unfit(where, f"a number up to {most}", value)
    elif isinstance(value, float):
        checks.finite(value, where)
