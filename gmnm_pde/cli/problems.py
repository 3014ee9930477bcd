"""Problems as commands take them: by a name of the registry, or from a file of the user's own."""

import ast
import inspect
import json
import linecache
import re
import sys
import tokenize
import traceback
import types
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gmnm_pde import registry
from gmnm_pde._errors import GmnmError, nearest, refuse
from gmnm_pde.statement.problem import Problem

_FILE = re.compile(r"(?P<path>.+\.py)(?::(?P<name>\w+))?")
"""A file and perhaps a name in it, with a colon before that; drives of Windows have one too."""

_LIBRARY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Source:
    """Where a problem comes from.

    Attributes:
        text: As it was asked for.
        made: A problem, or a function that makes one.
        file: The user's file, if it is from one.
    """

    text: str
    made: Problem | Callable[..., Problem]
    file: Path | None = None

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """What may be set; of a problem that is there already its constants."""
        if isinstance(self.made, Problem):
            keyword = inspect.Parameter.KEYWORD_ONLY
            return {
                name: inspect.Parameter(name, keyword, default=value) for name, value in self.made.constants.items()
            }
        return dict(inspect.signature(self.made).parameters)

    @property
    def about(self) -> str:
        """What its author says of it: the paragraphs of the docstring before the arguments."""
        text = inspect.getdoc(self.made) if not isinstance(self.made, Problem) else None
        return re.split(r"\n\n?Args:\n", text)[0].strip() if text else ""

    def problem(self, values: Mapping[str, Any]) -> Problem:
        """The problem with some of its parameters set.

        Raises:
            GmnmError: it takes no such parameter, one is missing, or the function makes no problem.
        """
        if isinstance(self.made, Problem):
            self._check_names(values)
            return self.made.with_constants(**values) if values else self.made
        if self.file is None:
            return registry.load(self.text, **values)
        self._check_names(values)
        missing = [
            name
            for name, parameter in self.parameters.items()
            if parameter.default is parameter.empty and name not in values and parameter.kind not in _REST
        ]
        if missing:
            raise refuse(
                self.text, expected=f"a value for {missing[0]}", got="none", remedy=f"Add --set {missing[0]}=..."
            )
        with redirect_stdout(sys.stderr):  # what the user's file prints is no answer of a command
            made = self.made(**values)
        if not isinstance(made, Problem):
            raise refuse(self.text, expected="a function that returns a Problem", got=f"one that returns {made!r}")
        return made

    def _check_names(self, values: Mapping[str, Any]) -> None:
        known = self.parameters
        takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in known.values())
        for name in values:
            if name not in known and not takes_any:
                what = "a constant of the problem" if isinstance(self.made, Problem) else "a parameter"
                expected = f"{what}: {', '.join(known) or 'it has none'}"
                remedy = nearest(name, known) if known else "A function that returns the problem can take parameters."
                raise refuse(f"{self.text} --set {name}=...", expected=expected, got=f"'{name}'", remedy=remedy)


_REST = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def find(text: str) -> Source:
    """The problem of a name, or in a file: ``my_problem.py``, ``my_problem.py:function``.

    Raises:
        GmnmError: there is none; the message says what there is.
    """
    file = users_file(text)
    if file is None:
        if re.search(r"[/\\]", text) or Path(text).is_file():
            raise refuse(text, expected="a file that ends with .py, or a name that 'gmnm-pde list' shows", got=text)
        return Source(text, registry.factory(text))
    match = _FILE.fullmatch(text)
    assert match is not None
    return Source(text, _chosen(_executed(file), match["name"], file), file)


def users_file(text: str) -> Path | None:
    """The file that a problem is asked for from; None for a name."""
    match = _FILE.fullmatch(text)
    return Path(match["path"]) if match else None


def parameter(text: str) -> tuple[str, Any]:
    """The name and the value in NAME=VALUE: a value of Python or JSON where it is one, else a word."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise GmnmError(f"--set {text}: expected NAME=VALUE, as in --set wave_number=2.")
    for read in (json.loads, ast.literal_eval):
        try:
            return name, read(value)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return name, value


def users_line(error: BaseException, file: Path) -> str | None:
    """The line of the user's own code in which an error arose: 'my_problem.py, line 3: ...'; None if in none."""
    for one in _causes(error):
        if isinstance(one, SyntaxError) and one.filename and _is_users(one.filename, file):
            return _told(one.filename, one.lineno or 1)
        frames = [frame for frame in traceback.extract_tb(one.__traceback__) if _is_users(frame.filename, file)]
        if frames:
            return _told(frames[-1].filename, frames[-1].lineno or 1)
    return None


def _causes(error: BaseException) -> list[BaseException]:
    """The error's first cause, what followed from it, and the error itself."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in chain:
        chain.append(one)
        one = one.__cause__
    return chain[::-1]


def _is_users(name: str, file: Path) -> bool:
    """Whether code is of the user's file, or of one beside it or below."""
    path = Path(name).resolve() if Path(name).exists() else None
    if path is None or "site-packages" in path.parts or path.is_relative_to(_LIBRARY):
        return False
    return path.is_relative_to(file.resolve().parent)


def _told(name: str, number: int) -> str:
    path, line = Path(name).resolve(), linecache.getline(name, number).strip()
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"{shown}, line {number}: {line}"


def _executed(file: Path) -> types.ModuleType:
    """The module in a user's file; what stands beside it can be imported, and no bytecode is left there."""
    try:
        with tokenize.open(file) as opened:
            text = opened.read()
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        reason = "a folder" if file.is_dir() else getattr(error, "strerror", None) or str(error)
        remedy = "" if file.exists() else f"'gmnm-pde new {file}' writes one."
        raise refuse(str(file), expected="a file of Python", got=reason, remedy=remedy) from None
    module = types.ModuleType(f"problem_in_{file.stem}")
    module.__file__ = str(file.resolve())
    sys.modules[module.__name__] = module  # dataclasses look themselves up there
    sys.path.insert(0, str(file.resolve().parent))
    try:
        with redirect_stdout(sys.stderr):
            exec(compile(text, str(file.resolve()), "exec"), vars(module))
    except SystemExit as error:
        raise refuse(str(file), expected="a file that defines a problem", got="one that ends the process") from error
    finally:
        sys.path.remove(str(file.resolve().parent))
    return module


def _chosen(module: types.ModuleType, name: str | None, file: Path) -> Problem | Callable[..., Problem]:
    """What is asked for by name; else ``problem``, the function called as the file, or the only one that there is."""
    problems = {key: value for key, value in vars(module).items() if isinstance(value, Problem)}
    functions = {
        key: value
        for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not key.startswith("_")
    }
    known = {**functions, **problems}
    if name is not None:
        if name not in known:
            remedy = nearest(name, known)
            raise refuse(
                f"{file}:{name}", expected="a problem, or a function that returns one", got="none", remedy=remedy
            )
        return known[name]
    for likely in ("problem", file.stem):
        if likely in known:
            return known[likely]
    only = list((problems or functions).values())
    if len(only) == 1:
        return only[0]
    got = ", ".join(known) or "nothing of the kind"
    remedy = f"Name the one: {file}:{next(iter(known))}." if known else ""
    raise refuse(
        str(file), expected="a Problem, or a function that returns one, called 'problem'", got=got, remedy=remedy
    )
