"""What notebooks show of problems and results: text and tables, and small figures beside them."""

import base64
import html
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from gmnm_pde._errors import GmnmError

_CELL = "padding:0 1em 0 0;text-align:left;vertical-align:top"

_FAILURES = (GmnmError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)
"""What may go wrong in a figure; a notebook then shows the text alone."""


def page_of(text: str, figure: Callable[[], Any] | None = None, *, width: str = "60em") -> str:
    """A text in lines of fixed width, and a figure below it, where it can be made."""
    shown = f'<pre style="line-height:1.35;white-space:pre-wrap">{html.escape(text)}</pre>'
    return shown + (picture_of(figure, width) if figure is not None else "")


def picture_of(figure: Callable[[], Any], width: str) -> str:
    """A figure as it stands in a page; empty where it cannot be made."""
    with suppress(*_FAILURES):
        content = base64.b64encode(figure().png()).decode()
        return f'<img style="max-width:min(100%,{width});height:auto" src="data:image/png;base64,{content}">'
    return ""


def table_of(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table with a title."""
    top = "".join(f'<th style="{_CELL}">{html.escape(str(cell))}</th>' for cell in head)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{html.escape(str(cell))}</td>' for cell in row) + "</tr>" for row in rows
    )
    return f"<b>{html.escape(title)}</b><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
