"""Models with a header of plain values in one file: safetensors, no pickle, safe to open from strangers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from gmnm_pde._errors import GmnmError, refuse
from gmnm_pde.models import Normalized, rebuild

FORMAT = "gmnm_pde solution 1"


def write_model(path: str | Path, model: Normalized, header: Mapping[str, Any]) -> None:
    """Write ``model`` and ``header``, plain values, to ``path``."""
    inner = model.inner
    config = inner.config() if callable(getattr(inner, "config", None)) else {}
    shape = {"kind": type(inner).__name__, "config": config, "bounds": model.bounds}
    dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
    text = json.dumps({"model": shape, "dtype": dtype, **header})
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, str(path), metadata={"format": FORMAT, "header": text})


def read_model(path: str | Path, model: nn.Module | None = None) -> tuple[Normalized, dict[str, Any]]:
    """The model and header in ``path``; ``model`` is the empty module where it is not one of this library's.

    Raises:
        GmnmError: there is no such file, or it is not whole, or holds something else.
    """
    call = f"load_solution({str(path)!r})"
    if not Path(path).is_file():
        raise refuse(call, expected="a file", got="none by that name")
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, ValueError) as error:
        raise refuse(
            call, expected="a whole solution file", got=f"a damaged one ({error})", remedy="Save the solution again."
        ) from None
    if metadata.get("format") != FORMAT:
        raise refuse(
            call,
            expected=f"the format '{FORMAT}'",
            got=repr(metadata.get("format")),
            remedy="Open files that solution.save(path) has written.",
        )
    try:
        header = json.loads(metadata["header"])
        shape = header["model"]
        inner = model if model is not None else _rebuild(shape)
        normalized = Normalized(inner, shape["bounds"]).to(getattr(torch, header["dtype"]))
        normalized.load_state_dict(tensors)
    except GmnmError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise refuse(
            call,
            expected="a whole solution file",
            got=f"a damaged one ({type(error).__name__}: {error})",
            remedy="Save the solution again.",
        ) from None
    return normalized, header


def _rebuild(shape: Mapping[str, Any]) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        return rebuild(shape["kind"], shape["config"])
