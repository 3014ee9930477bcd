"""Pictures as coefficients of equations."""

from pathlib import Path
from typing import Any

import numpy as np

from gmnm_pde._errors import refuse
from gmnm_pde.statement.grid_tables import GridTable, grid_table

_GREY = np.array([0.299, 0.587, 0.114])
"""What red, green and blue count for brightness."""


def image(
    source: Any,
    *,
    x: tuple[float, float] = (0.0, 1.0),
    y: tuple[float, float] = (0.0, 1.0),
    low: float = 0.0,
    high: float = 1.0,
    kind: str = "smooth",
) -> GridTable:
    """The brightness of a picture as a function of two coordinates.

    ``k = image("rock.png", low=1, high=100)`` is used as ``k(x, y)``. By default it is smoothed by cubic splines over
    two pixels, so that it never leaves the range from ``low`` to ``high`` and has two continuous derivatives, as
    ``div(k(x, y) * grad(u))`` wants; ``kind="cubic"`` goes through the middle of every pixel and may overshoot at
    edges.
    Materials with sharp edges are better stated as parts of a domain.

    Args:
        source: A file, or an array [rows, columns] or [rows, columns, channels], the first row at the top.
        x: The interval that its columns fill.
        y: The interval that its rows fill, from the bottom to the top.
        low: The value of black, or of 0 in an array.
        high: The value of white, or of 1 (of 255 in an array of bytes).
        kind: ``"smooth"``, ``"cubic"`` or ``"linear"``.

    Raises:
        GmnmError: the file is no picture, or the array has another shape.
    """
    call = f"image({str(source)!r})" if isinstance(source, str | Path) else "image(...)"
    array = _read(source, call) if isinstance(source, str | Path) else np.asarray(source)
    if array.dtype == np.uint8:
        array = array / 255.0
    if array.ndim == 3 and array.shape[2] in (3, 4):
        array = array[..., :3] @ _GREY
    if array.ndim == 3 and array.shape[2] <= 2:
        array = array[..., 0]
    if array.ndim != 2 or min(array.shape) < 2 or array.dtype.kind not in "fiub":
        raise refuse(call, expected="a picture of at least 2 x 2 pixels", got=f"shape {array.shape}")
    if not (x[0] < x[1] and y[0] < y[1]):
        raise refuse(call, expected="intervals (low, high)", got=f"x={x}, y={y}")
    if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
        got = f"numbers from {array.min():.4g} to {array.max():.4g}"
        remedy = "Divide them by the largest one, or give bytes; table() takes measured values as they are."
        raise refuse(call, expected="brightness from 0 to 1", got=got, remedy=remedy)
    values = low + (high - low) * array[::-1].T.astype(float)
    middles = [a + (b - a) * (np.arange(n) + 0.5) / n for (a, b), n in zip((x, y), values.shape, strict=True)]
    return grid_table(middles, values, kind)


def _read(source: str | Path, call: str) -> np.ndarray:
    from matplotlib.image import imread  # here: matplotlib takes long to import

    if not Path(source).is_file():
        raise refuse(call, expected="a file", got="a path at which there is none")
    try:
        return np.asarray(imread(source))
    except Exception as error:  # whatever a reader of one of many formats comes upon
        raise refuse(call, expected="a picture", got=f"{type(error).__name__}: {error}") from error
