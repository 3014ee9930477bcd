"""Options that are made of the fields of methods and models, so that the command line has what Python has."""

import argparse
import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gmnm_pde._errors import GmnmError, nearest
from gmnm_pde.methods import METHODS
from gmnm_pde.models import MODELS
from gmnm_pde.options.arguments import STRATEGIES

_WAYS = {**METHODS, **STRATEGIES}
"""All methods by name."""


@dataclasses.dataclass(frozen=True)
class Option:
    """An option of one or several methods, or models.

    Attributes:
        name: As in Python, ``max_steps``.
        kind: The type that it is annotated with.
        takers: The names of the methods or models that have it, with their defaults.
        rare: Whether it is seldom changed.
        help: What it is, in words.
    """

    name: str
    kind: Any
    takers: dict[str, Any]
    rare: bool
    help: str

    @property
    def word(self) -> str:
        """As on the command line, ``--max-steps``."""
        return "--" + self.name.replace("_", "-")


def of_methods(only: Collection[str] = _WAYS) -> dict[str, Option]:
    """The options of all methods, by name, or of some."""
    found: dict[str, Option] = {}
    for taker, kind in _WAYS.items():
        if taker not in only:
            continue
        types_by_name = typing.get_type_hints(kind)
        for part in dataclasses.fields(kind):
            default, rare = part.default, not part.repr
            _add(found, part.name, types_by_name[part.name], taker, default, rare, kind)
    return found


def of_models(only: Collection[str] = MODELS) -> dict[str, Option]:
    """The options of all models, by name, or of some."""
    found: dict[str, Option] = {}
    for taker, named in MODELS.items():
        if taker not in only:
            continue
        for name, (kind, default) in named.options.items():
            _add(found, name, kind, taker, default, False, named.kind)
    return found


def add_methods(parser: argparse.ArgumentParser, only: Collection[str] = _WAYS) -> None:
    """An option for each number of a method; ``--adam-steps`` is for one of several methods, and not in the help."""
    options = of_methods(only).values()
    usual = parser.add_argument_group("options of methods", "each for those methods of --method that take it")
    rare = parser.add_argument_group("numbers of methods that are seldom changed")
    for option in options:
        _add_argument(rare if option.rare else usual, option, "of_method")
        for taker in option.takers:
            own = dataclasses.replace(option, name=f"{taker}_{option.name}", help=argparse.SUPPRESS)
            _add_argument(usual, own, "of_method")


def add_models(parser: argparse.ArgumentParser, only: Collection[str] = MODELS) -> None:
    """An option for each number of a model."""
    group = parser.add_argument_group("options of models")
    for option in of_models(only).values():
        _add_argument(group, option, "of_model")


def given_to_methods(options: argparse.Namespace, names: Sequence[str]) -> list[dict[str, Any]]:
    """For each of some methods by name the values that were given for it.

    Raises:
        GmnmError: a value is of another kind, or none of the methods takes an option.
    """
    known, taken = of_methods(), [{} for _ in names]
    for name, text in _given(options, "of_method").items():
        owner, option = _owner(name, known)
        takers = [k for k, method in enumerate(names) if method in option.takers and owner in (None, method)]
        if owner is None and name == "steps":  # least squares takes its steps by another name
            takers += [k for k, method in enumerate(names) if method == "least-squares"]
        if not takers:
            raise _not_taken(f"--{name.replace('_', '-')}", option, "--method", names)
        for k in takers:
            key = option.name if names[k] in option.takers else f"max_{option.name}"
            if owner is not None or f"{names[k]}_{name}" not in _given(options, "of_method"):
                taken[k][key] = _value(option, text)
    return taken


def given_to_model(options: argparse.Namespace, name: str | None) -> dict[str, Any]:
    """The values that were given for the model; without a name the mixture is meant.

    Raises:
        GmnmError: a value is of another kind, or the model does not take an option.
    """
    known, taken = of_models(), {}
    for option_name, text in _given(options, "of_model").items():
        option = known[option_name]
        if (name or "gmnm") not in option.takers:
            raise _not_taken(option.word, option, "--model", [name] if name else [])
        taken[option_name] = _value(option, text)
    return taken


def _add(found: dict[str, Option], name: str, kind: Any, taker: str, default: Any, rare: bool, described: type) -> None:
    before = found.get(name)
    takers = {**(before.takers if before else {}), taker: default}
    told = before.help if before else _described(described).get(name, "")
    found[name] = Option(name, before.kind if before else kind, takers, rare if before is None else before.rare, told)


def _add_argument(group: Any, option: Option, space: str) -> None:
    defaults = "; ".join(f"{taker} {_written(default)}" for taker, default in option.takers.items())
    told = option.help if option.help == argparse.SUPPRESS else f"{option.help} [{defaults}]".replace("%", "%%")
    where: dict[str, Any] = {"dest": f"{space} {option.name}", "default": argparse.SUPPRESS, "help": told}
    if option.kind is bool:
        group.add_argument(option.word, action=argparse.BooleanOptionalAction, **where)
    else:
        group.add_argument(option.word, metavar=option.name.rsplit("_", 1)[-1].upper(), **where)


def _given(options: argparse.Namespace, space: str) -> dict[str, Any]:
    """What was given of one kind, by the name of the option."""
    return {key.split(" ", 1)[1]: value for key, value in vars(options).items() if key.startswith(space + " ")}


def _owner(name: str, known: Mapping[str, Option]) -> tuple[str | None, Option]:
    """The method that an option is for alone, if it begins with that, and the option."""
    if name in known:
        return None, known[name]
    owner = next(taker for taker in _WAYS if name.startswith(f"{taker}_"))
    return owner, known[name.removeprefix(f"{owner}_")]


def _not_taken(word: str, option: Option, of: str, names: Sequence[str]) -> GmnmError:
    takers = " or ".join(option.takers)
    got = f"{of} {','.join(names)}" if names else f"no {of}"
    return GmnmError(f"{word}: expected {of} {takers}, which take it, got {got}.")


def _value(option: Option, text: Any) -> Any:
    """What the text says, of the kind that the option is annotated with."""
    kinds = _kinds(option.kind)
    if isinstance(text, bool) or str in kinds:
        return text
    words = text.split(",")
    several = bool(kinds & {tuple, list, Sequence, typing.get_origin(Sequence[int])})
    numbers = [_number(word, whole=float not in kinds) for word in words]
    if None in numbers or (len(words) > 1 and not several):
        one = "a number" if float in kinds else "a whole number"
        raise GmnmError(f"{option.word} {text}: expected {one}{', or several with commas' * several}, got '{text}'.")
    return numbers[0] if len(numbers) == 1 and kinds & {int, float} else tuple(numbers)


def _number(word: str, *, whole: bool) -> int | float | None:
    """A number, whole where it looks so or has to be."""
    try:
        value = float(word)
    except ValueError:
        return None
    plain = re.fullmatch(r"\s*[+-]?\d+\s*", word) is not None
    if plain or (whole and value.is_integer()):
        return int(value)
    return None if whole else value


def _kinds(kind: Any) -> set[Any]:
    """The types of a union, and what sequences are of."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return set().union(*(_kinds(part) for part in typing.get_args(kind)))
    origin = typing.get_origin(kind)
    if origin is None:
        return {kind}
    inner = {part for part in typing.get_args(kind) if part is float}
    return {origin} | inner


def _described(kind: type) -> dict[str, str]:
    """What the docstring of a class says of its arguments, in a sentence each."""
    text = inspect.getdoc(kind) or ""
    section = re.search(r"^Args:\n((?:    .*\n?|\n)+)", text, re.MULTILINE)
    entries = re.findall(r"^    (\w+): (.*(?:\n      +.*)*)", section.group(1) if section else "", re.MULTILINE)
    plain = {name: " ".join(words.replace("``", "").split()) for name, words in entries}
    return {name: re.split(r"(?<=[^.]\.) |; ", words)[0].rstrip(".") for name, words in plain.items()}


def _written(default: Any) -> str:
    if default is None:
        return "left open"
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return f"{default:g}" if isinstance(default, float) else str(default)


def refuse_unknown(words: Sequence[str], known: Sequence[str], command: str) -> None:
    """Refuse options that do not exist, with the nearest that do."""
    if words:
        word = next((one for one in words if one.startswith("--")), words[0])
        name = word.split("=", 1)[0]
        if not name.startswith("-"):
            raise GmnmError(f"{command}: expected no more words, got '{name}'.")
        near = nearest(name, known)
        remedy = near if near.startswith("Did") else f"'gmnm-pde {command} --help' lists them."
        raise GmnmError(f"{command}: there is no option '{name}'. {remedy}")
