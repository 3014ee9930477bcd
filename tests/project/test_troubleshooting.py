"""Every status and every warning of the library is explained in docs/troubleshooting.md."""

import ast
import re
from pathlib import Path

import pytest

from gmnm_pde.run.result import Status

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
TELLING = 18
"""So many letters of a warning in a row tell it from others."""


def is_warning(node):
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("warnings.warn", "_warn")


def pieces_of(node):
    return [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def warnings_of_the_library():
    """For each place that warns the pieces of text that its message is made of."""
    for path in sorted((ROOT / "gmnm_pde").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef) or function.name == "_warn":
                continue
            for call in filter(is_warning, ast.walk(function)):
                message = call.args[0]
                named = {part.id for part in ast.walk(message) if isinstance(part, ast.Name)}
                made = [
                    node.value
                    for node in ast.walk(function)
                    if isinstance(node, ast.Assign) and {ast.unparse(target) for target in node.targets} & named
                ]
                pieces = [piece for node in (message, *made) for piece in pieces_of(node)]
                yield pytest.param(pieces, id=f"{path.relative_to(ROOT)}:{call.lineno}")


@pytest.mark.parametrize("pieces", list(warnings_of_the_library()))
def test_every_warning_is_explained(pieces):
    page = " ".join(PAGE.split())
    starts = [
        piece[k : k + TELLING] for piece in pieces for k in range(max(0, len(piece) - TELLING + 1)) if piece.strip()
    ]
    assert any(start in page for start in starts), pieces


def test_there_are_warnings():
    assert len(list(warnings_of_the_library())) > 7


@pytest.mark.parametrize("status", Status)
def test_every_status_is_explained(status):
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \|", PAGE, re.MULTILINE)
    assert any(f"`{status.name.lower()}`" in row for row in rows)
