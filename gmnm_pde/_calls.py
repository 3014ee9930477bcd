"""What to say of a call whose arguments do not fit: which one, what is meant perhaps, and an example."""

import difflib
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from gmnm_pde._errors import GmnmError, refuse

takers: dict[str, list[Any]] = {}
"""By argument, the public classes whose constructors take it, and functions."""

_SHOWN = 30
"""Letters of an argument that messages show at most."""

_SURE = 0.9
"""Words that are this alike are taken for misspelt, even where the word is an argument of something else."""

_ELSEWHERE = {
    "boundary": "on",
    "callbacks": "callback",
    "epochs": "steps",
    "exact_solution": "exact",
    "reference": "exact",
    "solution": "exact",
    "k": "count",
    "epsilon": "tol",
    "geometry": "domain",
    "initial_conditions": "conditions",
    "bc": "conditions",
    "bcs": "conditions",
    "boundary_conditions": "conditions",
    "iterations": "steps",
    "learning_rate": "lr",
    "location": "on",
    "max_steps": "steps",
    "maxiter": "steps",
    "n_points": "points",
    "net": "model",
    "network": "model",
    "num_domain": "points",
    "num_points": "points",
    "optimizer": "method",
    "pde": "equations",
    "region": "on",
    "residual": "equations",
    "rtol": "tol",
    "timeout": "time_limit",
    "tolerance": "tol",
    "u0": "initial_guess",
    "where": "on",
    "x0": "initial_guess",
}
"""What arguments of other libraries are called here."""


def misfit(function: Callable[..., Any], name: str, args: tuple, kwargs: Mapping[str, Any]) -> GmnmError | None:
    """The message for arguments that do not fit; None where they do."""
    signature = inspect.signature(function)
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        pass
    else:
        return None
    parameters = [p for p in signature.parameters.values() if p.name != "self"]
    given = args[1:] if "self" in signature.parameters else args
    shown = [*map(_short, given), *(f"{word}={_short(value)}" for word, value in kwargs.items())]
    call = f"{name}({', '.join(shown)})"
    example, shown_there = _example(function, name)
    words = keywords(function)
    unknown = [word for word in kwargs if word not in words]
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in parameters):
        remedy = _meant(unknown[0], kwargs[unknown[0]], words, name)
        every = [f"*{p.name}" for p in parameters if p.kind is p.VAR_POSITIONAL] + words
        expected = "one of its arguments" if remedy else f"its arguments {', '.join(every)}"
        return refuse(call, expected=expected, got=f"'{unknown[0]}'", remedy=remedy or (example if shown_there else ""))
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(given) > len(places) and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        expected = f"at most {len(places)} by position" if places else "arguments by name"
        return refuse(call, expected=expected, got=f"{len(given)}", remedy=example)
    twice = [p.name for p in places[: len(given)] if p.name in kwargs]
    if twice:
        return refuse(call, expected="each argument once", got=f"'{twice[0]}' twice", remedy=example)
    asked = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    missing = [p.name for p in asked if p.name not in kwargs and p not in places[: len(given)]]
    expected = " and ".join(missing) or str(signature)
    return refuse(call, expected=expected, got="none" if missing else "others", remedy=example)


def keywords(function: Callable[..., Any]) -> list[str]:
    """The arguments that a function takes by name."""
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != "self"]


def _meant(word: str, value: Any, words: list[str], name: str) -> str:
    """What an unknown argument may be meant to be."""
    known = _ELSEWHERE.get(word, word)
    if known in words:
        return f"Did you mean '{known}'?"
    kinds = [kind for kind in takers.get(known, ()) if kind.__name__ != name]
    if name in ("solve", "compare", "eigenmodes"):
        kinds = [kind for kind in kinds if _room(kind) in ("models", "methods")]
        kinds.sort(key=lambda kind: kind.__name__ != "Mixture")
        if kinds:
            made = f"{kinds[0].__name__}({known}={_short(value)})"
            return f"It belongs to {made}: solve(problem, {'method=' * (_room(kinds[0]) == 'methods')}{made})."
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    if near and (not kinds or difflib.SequenceMatcher(None, word, near[0]).ratio() > _SURE):
        return f"Did you mean '{near[0]}'?"
    return f"It is an argument of {', '.join(kind.__name__ for kind in kinds[:3])}." if kinds else ""


def _room(kind: Any) -> str:
    return (*kind.__module__.split("."), "", "")[1]


def _example(function: Callable[..., Any], name: str) -> tuple[str, bool]:
    """The call that the documentation shows first, or what is asked for; and whether there is such a call."""
    owner = next((kind for kinds in takers.values() for kind in kinds if kind.__name__ == name), function)
    shown = re.search(rf"``({re.escape(name)}\(.+?\))``", inspect.getdoc(owner) or "", re.DOTALL)
    if shown:
        return f"As in {' '.join(shown[1].split())}.", True
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    asked = [p.name for p in parameters if p.default is p.empty and p.kind in places]
    others = [f"{p.name}=..." for p in parameters if p.name not in asked and p.kind is not p.VAR_KEYWORD]
    return f"It is {name}({', '.join([*asked, *others[:3], *(['...'] if len(others) > 3 else [])])}).", False


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN and "\n" not in text else "..."
