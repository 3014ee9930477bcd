"""The pieces of a page, as text of HTML; what comes from outside is escaped here."""

import html
import math
import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gmnm_pde.io.places import called, replace_whole, writable
from gmnm_pde.pages.look import STYLE

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""A page asks for nothing from anywhere."""


def page(title: str, kicker: str, parts: Iterable[str]) -> str:
    """A whole page."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{escaped(title)}</title>\n<style>{STYLE}</style>\n</head>\n'
        f'<body>\n<main>\n<header>\n<p class="kicker">{escaped(kicker)}</p>\n<h1>{escaped(title)}</h1>\n'
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def escaped(text: Any) -> str:
    """Text that is shown as it is."""
    return html.escape(str(text))


def verdict(good: bool, words: str, reason: str) -> str:
    """The first thing that is read: whether the answer is as good as was asked for, and why."""
    return (
        f'<p class="verdict {"good" if good else "poor"}"><b>{escaped(words)}.</b> <span>{escaped(reason)}</span></p>'
    )


def tiles(facts: Mapping[str, str]) -> str:
    """A few figures in large type; the end of the page's head."""
    cells = "".join(f"<div><dt>{escaped(name)}</dt><dd>{escaped(value)}</dd></div>" for name, value in facts.items())
    return f'<dl class="tiles">{cells}</dl>\n</header>'


def section(title: str, *parts: str) -> str:
    """A section; nothing where it would be empty."""
    body = "\n".join(part for part in parts if part)
    return f"<section>\n<h2>{escaped(title)}</h2>\n{body}\n</section>" if body else ""


def paragraph(text: str) -> str:
    """Words, if there are any."""
    return f"<p>{escaped(text)}</p>" if text else ""


def beside(left: str, right: str) -> str:
    """Two things side by side, or on narrow screens one below the other."""
    if not right:
        return left
    return f'<div class="beside"><div>{left}</div><div>{right}</div></div>'


def heading(text: str) -> str:
    """A small heading within a section."""
    return f"<h3>{escaped(text)}</h3>"


def code(text: str) -> str:
    """Code, as it is written."""
    return f"<pre><code>{escaped(text)}</code></pre>"


def listed(items: Sequence[str]) -> str:
    """Sentences, one below the other."""
    return "<ul>" + "".join(f"<li>{escaped(item)}</li>" for item in items) + "</ul>" if items else ""


def table(rows: Iterable[Sequence[str]], head: Sequence[str] = (), *, kind: str = "words") -> str:
    """A table that scrolls in itself where the screen is narrow; of ``numbers`` or of ``words``."""
    lines = [
        f'<tr><th scope="row">{escaped(first)}</th>{"".join(f"<td>{escaped(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    ]
    if not lines:
        return ""
    names = "".join(f'<th scope="col">{escaped(name)}</th>' for name in head)
    top = f"<thead><tr>{names}</tr></thead>" if head else ""
    return f'<div class="scroll" tabindex="0"><table class="{kind}">{top}<tbody>{"".join(lines)}</tbody></table></div>'


def folded(summary: str, body: str) -> str:
    """What is shown when it is asked for."""
    return f"<details><summary>{escaped(summary)}</summary>\n{body}\n</details>" if body else ""


def number(value: float | None, digits: int = 2) -> str:
    """A number in short; a dash where there is none."""
    if value is None or math.isnan(value):
        return "\N{EN DASH}"
    if float(value).is_integer() and abs(value) < 1e7:
        return f"{int(value):,}"
    return f"{value:.{digits}g}"


def once_more(command: str | None, seed: int, dtype: str, device: str) -> str:
    """What it takes to get the same digits again."""
    versions = {
        name: getattr(sys.modules.get(module), "__version__", "not known") for name, module in _PACKAGES.items()
    }
    rows = [
        ("seed", str(seed)),
        ("computed on", f"{device}, {dtype}"),
        *versions.items(),
        ("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
    ]
    told = "The same command on the same machine gives the same digits."
    return section("Once more", code(command) + paragraph(told) if command else "", table(rows))


_PACKAGES = {"gmnm_pde": "gmnm_pde", "PyTorch": "torch", "NumPy": "numpy", "SciPy": "scipy"}
"""What digits depend on, by name, and the modules that know their versions."""


def write(path: str | Path, page: Callable[[], str], call: str) -> None:
    """Write a page to a file, which is tried before the page is made."""
    call = called(call, path)
    target = writable(path, call)
    replace_whole(target, page().encode(), call)
