"""Models by name, with the options that each takes."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from gmnm_pde.models.mixtures.recipe import Mixture


@dataclass(frozen=True)
class Named:
    """What a name of ``MODELS`` builds from the numbers of coordinates and fields, and from options.

    Attributes:
        kind: The class of the model, or of its recipe.
        make: From the class, the two numbers and all options to a model.
        sizes: Options that are not those of the class itself, with their defaults.
    """

    kind: type
    make: Callable[..., Mixture | nn.Module]
    sizes: dict[str, Any] = field(default_factory=dict)

    def __call__(self, coordinates: int, fields: int, **options: Any) -> Mixture | nn.Module:
        return self.make(self.kind, coordinates, fields, **{**self.sizes, **options})

    @property
    def options(self) -> dict[str, tuple[Any, Any]]:
        """By name, the annotation and the default of each option."""
        own = {
            name: (parameter.annotation, parameter.default)
            for name, parameter in inspect.signature(self.kind).parameters.items()
            if parameter.default is not inspect.Parameter.empty
        }
        return {**{name: (type(default), default) for name, default in self.sizes.items()}, **own}


def recipe(kind: type[Mixture], coordinates: int, fields: int, **options: Any) -> Mixture:
    """A recipe, whose model is drawn later."""
    return kind(**options)


def layered(kind: type, coordinates: int, fields: int, *, hidden: Sequence[int], **options: Any) -> nn.Module:
    """A network with hidden layers of given widths."""
    widths = hidden if isinstance(hidden, Sequence) else (hidden,)
    return kind([coordinates, *widths, fields], **options)


def sized(kind: type, coordinates: int, fields: int, *, components: int, **options: Any) -> nn.Module:
    """A model with a number of components."""
    return kind(coordinates, fields, components, **options)


def plain(kind: type, coordinates: int, fields: int, **options: Any) -> nn.Module:
    """A model of numbers of coordinates and fields, with options of its own."""
    return kind(coordinates, fields, **options)
