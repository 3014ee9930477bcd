"""Columns of files of comma-separated values."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import nearest, refuse


def read_columns(path: str | Path, names: Sequence[str], call: str) -> dict[str, Tensor]:
    """Columns by their names in the first row, [m] each; commas, semicolons or tabs stand between them.

    Raises:
        GmnmError: there is no such file or column, or a row has no number there.
    """
    if not isinstance(path, str | Path) or not Path(path).is_file():
        raise refuse(call, expected="a file", got="none by that name")
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise refuse(call, expected="a file of text", got=f"{type(error).__name__}: {error}") from None
    head = text.partition("\n")[0]
    mark = max(",;\t", key=head.count)
    rows = csv.reader(text.splitlines(), delimiter=mark)
    titles = [title.strip() for title in next(rows, [])]
    for name in names:
        if name not in titles:
            remedy = nearest(name, titles)
            raise refuse(call, expected="columns of the file", got=repr(name), remedy=remedy)
    places = [titles.index(name) for name in names]
    found: list[list[float]] = []
    for number, row in enumerate(rows, start=2):
        if any(cell.strip() for cell in row):
            found.append([_number(row, place, name, number, call) for place, name in zip(places, names, strict=True)])
    if not found:
        raise refuse(call, expected="rows of numbers", got="none")
    return dict(zip(names, torch.tensor(found, dtype=torch.float64).unbind(1), strict=True))


def _number(row: Sequence[str], place: int, name: str, number: int, call: str) -> float:
    cell: Any = row[place].strip() if place < len(row) else ""
    try:
        return float(cell)
    except ValueError:
        got = f"{cell!r} in line {number}, column '{name}'"
        raise refuse(call, expected="numbers", got=got, remedy="Leave such rows out.") from None
