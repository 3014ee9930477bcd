"""Tensors with a header of plain values in one file: safetensors, no pickle, safe to open from strangers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from gmnm_pde._errors import GmnmError, refuse


def write_tensors(path: str | Path, kind: str, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write ``tensors`` and ``header``, plain values, to ``path`` as a file of the given kind."""
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    save_file(plain, str(path), metadata={"format": kind, "header": json.dumps(header)})


def read_tensors(path: str | Path, kind: str, call: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the header in ``path``.

    Raises:
        GmnmError: there is no such file, or it is not whole, or of another kind.
    """
    if not Path(path).is_file():
        raise refuse(call, expected="a file", got="none by that name")
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        header = json.loads(metadata["header"]) if metadata.get("format") == kind else {}
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise damaged(call, error) from None
    if metadata.get("format") != kind:
        raise refuse(call, expected=f"a file of the format '{kind}'", got=f"'{metadata.get('format')}'")
    return tensors, header


def format_of(path: str | Path) -> str | None:
    """What kind of file ``path`` is; None where it is not whole."""
    try:
        with safe_open(str(path), framework="pt") as file:
            return (file.metadata() or {}).get("format")
    except (SafetensorError, OSError, ValueError):
        return None


def damaged(call: str, error: Exception) -> GmnmError:
    """The error for a file that is not whole."""
    got = f"a damaged one ({type(error).__name__}: {error})"
    return refuse(call, expected="a whole file", got=got, remedy="Write it again.")
