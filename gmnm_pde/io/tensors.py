"""Tensors with a header of plain values in one file: safetensors, no pickle, safe to open from strangers.

A file carries a checksum of all that it holds, so that one that was changed, by whatever hand, is not taken for whole.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from gmnm_pde._errors import GmnmError, refuse
from gmnm_pde.io.places import damaged, place, replace_whole


@dataclass(frozen=True)
class Stored:
    """What a file holds, in memory, in the place of its path."""

    content: bytes = field(repr=False)


_DEEPEST = 200
"""How deeply lists and dicts in a header may be nested."""


def write_tensors(target: Path, kind: str, tensors: Mapping[str, Tensor], header: Mapping[str, Any], call: str) -> None:
    """Write ``tensors`` and ``header``, plain values, to a place that was tried, as a file of the given kind.

    Raises:
        GmnmError: it cannot be written; a file that was there before stays.
    """
    replace_whole(target, encoded(kind, tensors, header), call)


def encoded(kind: str, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> bytes:
    """What a file of the given kind holds."""
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    text = json.dumps(header)
    return save(plain, metadata={"format": kind, "header": text, "sha256": checksum(kind, text, plain)})


def read_tensors(path: Any, kind: str, call: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the header in ``path``, or in what is stored.

    Raises:
        GmnmError: there is no such file, or it is not whole, or of another kind.
    """
    if isinstance(path, Stored):
        return _read(path.content, kind, call)
    source = place(path, call)
    if not source.exists():
        raise refuse(call, expected="a file", got="none by that name")
    try:
        with safe_open(str(source), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {} if metadata.get("format") != kind else {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise damaged(call, error) from None
    return _checked(metadata, tensors, kind, call)


def _read(content: bytes, kind: str, call: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the header in the bytes of a file."""
    try:
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
        tensors = load(content)
    except (SafetensorError, RecursionError, AttributeError, ValueError) as error:
        raise damaged(call, error) from None
    return _checked(metadata, tensors, kind, call)


def _checked(
    metadata: Mapping[str, str], tensors: dict[str, Tensor], kind: str, call: str
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the header, if they are whole and of the kind."""
    if metadata.get("format") != kind:
        remedy = "It holds something else, or is of another version of this library: write it anew."
        raise refuse(call, expected=f"a file of the format '{kind}'", got=repr(metadata.get("format")), remedy=remedy)
    try:
        text = metadata["header"]
        if metadata["sha256"] != checksum(kind, text, tensors):
            raise damaged(call, "its checksum is not that of what it holds")
        header = json.loads(text)
    except GmnmError:
        raise
    except (KeyError, RecursionError, TypeError, AttributeError, ValueError) as error:
        raise damaged(call, error) from None
    if not isinstance(header, dict) or _is_deep(header):
        raise damaged(call, "its header is no dict, or is nested too deeply")
    return tensors, header


def checksum(kind: str, text: str, tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 of a file's kind, the text of its header, and the names, types, shapes and bytes of its tensors."""
    found = hashlib.sha256()
    for part in (kind, text):
        _count(found, part.encode(errors="surrogatepass"))
    for name in sorted(tensors):
        tensor = tensors[name].detach().contiguous()
        _count(found, f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        _count(found, tensor.reshape(-1).view(torch.uint8).numpy() if tensor.numel() else b"")
    return found.hexdigest()


def _count(found: Any, content: Any) -> None:
    """Add a part with its length, so that no two parts read like one."""
    found.update(len(content).to_bytes(8, "little"))
    found.update(content)


def _is_deep(value: Any) -> bool:
    """Whether lists and dicts are nested more deeply than they may be."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            item
            for outer in level
            if isinstance(outer, dict | list)
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True
