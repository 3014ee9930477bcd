"""Models, with a header of plain values, to and from files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gmnm_pde._errors import GmnmError
from gmnm_pde.io.tensors import damaged, read_tensors, write_tensors
from gmnm_pde.models import Normalized, rebuild
from gmnm_pde.models.protocols import Configurable, can

_FORMAT = "gmnm_pde solution 1"
"""What files of solutions say that they are."""


def write_model(path: str | Path, model: Normalized, header: Mapping[str, Any]) -> None:
    """Write ``model`` and ``header``, plain values, to ``path``."""
    inner = model.inner
    config = inner.config() if can(inner, Configurable) else {}
    shape = {"kind": type(inner).__name__, "config": config, "bounds": model.bounds}
    dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
    write_tensors(path, _FORMAT, model.state_dict(), {"model": shape, "dtype": dtype, **header})


def read_model(path: str | Path, model: nn.Module | None = None) -> tuple[Normalized, dict[str, Any]]:
    """The model and header in ``path``; ``model`` is the empty module where it is not one of this library's.

    Raises:
        GmnmError: there is no such file, or it is not whole, or holds something else.
    """
    call = f"load_solution({str(path)!r})"
    tensors, header = read_tensors(path, _FORMAT, call)
    try:
        shape = header["model"]
        inner = model if model is not None else _rebuild(shape)
        normalized = Normalized(inner, shape["bounds"]).to(getattr(torch, header["dtype"]))
        normalized.load_state_dict(tensors)
    except GmnmError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise damaged(call, error) from None
    return normalized, header


def _rebuild(shape: Mapping[str, Any]) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        return rebuild(shape["kind"], shape["config"])
