"""The files of MNIST and CIFAR, read with numpy, without running anything that stands in them."""

import gzip
import pickle
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gmnm_pde import GmnmError

_UNSIGNED_BYTES = 0x08


def read_idx(path: Path) -> np.ndarray:
    """A gzipped IDX file of unsigned bytes: uint8, of the shape in its header."""
    try:
        raw = gzip.decompress(_bytes(path))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise damaged(path, f"no whole gzip file ({error})") from None
    if len(raw) < 4 or raw[:3] != bytes([0, 0, _UNSIGNED_BYTES]):
        raise damaged(path, "no IDX file of unsigned bytes")
    start = 4 + 4 * raw[3]
    shape = tuple(int(n) for n in np.frombuffer(raw[4:start], ">u4"))
    if len(raw) - start != np.prod(shape, dtype=np.int64):
        raise damaged(path, f"a header of shape {list(shape)} and {len(raw) - start:,} bytes after it")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def read_batch(path: Path, labels: str) -> tuple[np.ndarray, np.ndarray]:
    """A file of CIFAR's Python version: images uint8 [n, 3, 32, 32] and labels int64 [n].

    Args:
        path: The file.
        labels: The key of the labels: ``labels`` or ``fine_labels``.
    """
    with _open(path) as file:
        try:
            found = _Reader(file, encoding="bytes").load()
        except Exception as error:  # a damaged pickle raises nearly anything
            raise damaged(path, f"no pickle of arrays ({error})") from None
    keys = {_text(key): value for key, value in found.items()} if isinstance(found, dict) else {}
    if not {"data", labels} <= set(keys):
        raise damaged(path, f"a pickle without 'data' and '{labels}'")
    pixels, numbers = getattr(keys["data"], "array", None), keys[labels]
    if pixels is None or pixels.ndim != 2 or pixels.shape[1] != 3072:
        raise damaged(path, "'data' that is no array of bytes [n, 3072]")
    if not isinstance(numbers, list) or len(numbers) != len(pixels) or not all(type(n) is int for n in numbers):
        raise damaged(path, f"{len(pixels):,} images without as many whole numbers in '{labels}'")
    return pixels.reshape(-1, 3, 32, 32), np.array(numbers, dtype=np.int64)


def damaged(path: Path, got: str) -> GmnmError:
    """The error for a file that holds something else than it should."""
    return GmnmError(f"{path}: expected a whole file of the data set, got {got}. Download it again.")


def _bytes(path: Path) -> bytes:
    with _open(path) as file:
        return file.read()


def _open(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as error:
        raise GmnmError(
            f"{path}: expected a file of the data set, got {error.strerror}. --data names the folder that "
            f"torchvision.datasets downloads to; see examples/vision_and_sequence/README.md for what lies in it."
        ) from None


def _text(key: Any) -> str:
    return key.decode("latin1") if isinstance(key, bytes) else str(key)


class _Array:
    """Stands in for numpy.ndarray: takes a shape and bytes, and nothing else."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, by_columns, raw = state
        if not isinstance(kind, _Kind) or not isinstance(raw, bytes):
            raise pickle.UnpicklingError("an array of something else than bytes")
        self.array = np.frombuffer(raw, np.uint8).reshape(shape, order="F" if by_columns else "C")


class _Kind:
    """Stands in for numpy.dtype: unsigned bytes alone."""

    def __init__(self, name: Any, *_: Any):
        if _text(name) != "u1":
            raise pickle.UnpicklingError(f"an array of {_text(name)}")

    def __setstate__(self, state: Any) -> None:
        """Unsigned bytes have no order and no fields."""


_STAND_INS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Kind,
    ("numpy.core.multiarray", "_reconstruct"): lambda *_: _Array(),
    ("numpy._core.multiarray", "_reconstruct"): lambda *_: _Array(),
    ("_codecs", "encode"): lambda text, coding="latin1": text.encode("latin1"),
}


class _Reader(pickle.Unpickler):
    """Builds lists, numbers, text and arrays of bytes; refuses every other name, so that a file cannot run code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(f"the name {module}.{name}, which no data set needs")
        return _STAND_INS[module, name]
