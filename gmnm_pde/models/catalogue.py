"""Models by name, and rebuilding a saved one."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import nn

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.models.composite.boxwise import Boxwise
from gmnm_pde.models.composite.by_part import ByPart
from gmnm_pde.models.composite.evolved import Evolved
from gmnm_pde.models.composite.partition import Partition
from gmnm_pde.models.composite.patchwork import Member, Patchwork
from gmnm_pde.models.composite.time_blocks import TimeBlocks
from gmnm_pde.models.mixtures.gmnm import GMNM
from gmnm_pde.models.mixtures.rbf import RBF
from gmnm_pde.models.mixtures.recipe import Mixture
from gmnm_pde.models.named import Named, layered, plain, recipe, sized
from gmnm_pde.models.networks.fourier import Embedded, FourierFeatures
from gmnm_pde.models.networks.gabor import Gabor
from gmnm_pde.models.networks.kan import KAN
from gmnm_pde.models.networks.mlp import MLP
from gmnm_pde.models.networks.modified_mlp import ModifiedMLP
from gmnm_pde.models.networks.periodic_embedding import PeriodicEmbedding
from gmnm_pde.models.networks.piratenet import PirateNet
from gmnm_pde.models.networks.separable import Separable
from gmnm_pde.models.networks.siren import SIREN

MODELS: dict[str, Named] = {
    "gmnm": Named(Mixture, recipe),
    "kan": Named(KAN, layered, {"hidden": (10, 10)}),
    "mlp": Named(MLP, layered, {"hidden": (30, 30)}),
    "rbf": Named(RBF, sized, {"components": 200}),
    "gabor": Named(Gabor, layered, {"hidden": (30, 30)}),
    "modified-mlp": Named(ModifiedMLP, layered, {"hidden": (25, 25)}),
    "piratenet": Named(PirateNet, plain, {"width": 20, "blocks": 1}),
    "separable": Named(Separable, plain),
    "siren": Named(SIREN, layered, {"hidden": (30, 30)}),
}
"""What ``solve(..., model=name)`` builds, from the numbers of coordinates and fields."""


def _embedded(embedding: Mapping[str, Any], inner: Mapping[str, Any]) -> nn.Module:
    return Embedded(rebuild(**embedding), rebuild(**inner))  # type: ignore[arg-type]


def _patchwork(boxes: Any, margin: float, smoothness: int, part: Mapping[str, Any], members: Any = None) -> nn.Module:
    partition = Partition(boxes, margin, smoothness)
    known = Member.of_boxes(partition) if members is None else tuple(Member(*member) for member in members)
    return Patchwork(partition, [GMNM(**part) for _ in known], known)


def _by_part(inner: Mapping[str, Any], bounds: Any, shapes: Any) -> nn.Module:
    return ByPart.from_plain(rebuild(**inner), bounds, shapes)


def _blocks(edges: Any, parts: Any, axis: int, dimension: int) -> nn.Module:
    return TimeBlocks(edges, [rebuild(**part) for part in parts], axis, dimension)


_SAVED: dict[str, Callable[..., nn.Module]] = {
    "Boxwise": Boxwise,
    "ByPart": _by_part,
    "Embedded": _embedded,
    "Evolved": Evolved,
    "FourierFeatures": FourierFeatures,
    "GMNM": GMNM,
    "Gabor": Gabor,
    "KAN": KAN,
    "MLP": MLP,
    "ModifiedMLP": ModifiedMLP,
    "Patchwork": _patchwork,
    "PeriodicEmbedding": PeriodicEmbedding,
    "PirateNet": PirateNet,
    "RBF": RBF,
    "SIREN": SIREN,
    "Separable": Separable,
    "TimeBlocks": _blocks,
}


def rebuild(kind: str, config: Mapping[str, Any]) -> nn.Module:
    """A model of a saved kind and shape, its weights still to be loaded."""
    if kind not in _SAVED:
        raise refuse(
            f"loading a {kind}",
            expected="a model of this library",
            got=f"'{kind}'",
            remedy=nearest(kind, _SAVED) + " For a module of your own pass it: load_solution(path, model=...).",
        )
    return _SAVED[kind](**config)


def is_rebuilt(model: nn.Module) -> bool:
    """Whether ``rebuild`` makes models of this one's kind."""
    return type(model).__name__ in _SAVED and type(model).__module__.startswith("gmnm_pde.")


def numbers(kind: str, config: Mapping[str, Any]) -> int:
    """How many numbers a model of a saved kind and shape holds, about; at least a third of what its making takes.

    Raises:
        TypeError: what are to be counts are none.
    """
    return _NUMBERS[kind](**config) if kind in _NUMBERS else 0


def _of_mixture(in_features: int, out_features: int, components: int, *, form: str = "affine", **_: Any) -> int:
    matrices = form in ("full", "literal")
    return _times(components, in_features, in_features if matrices else 1) + _times(components, out_features)


def _of_boxes(boxes: Sequence[Any], degree: int, fields: int = 1, parts: Sequence[int] = ()) -> int:
    d = len(boxes[0])
    return _times(len(boxes), fields, math.comb(degree + d, d))


def _of_layers(widths: Sequence[int], *, grid: int = 1, order: int = 1, **_: Any) -> int:
    return sum(_times(before, after, grid + order if grid > 1 else 1) for before, after in pairwise(widths))


def _times(*counts: int) -> int:
    if not all(isinstance(count, int) and count > 0 for count in counts):
        raise TypeError(f"expected positive counts, got {counts}")
    return math.prod(counts)


def _of_evolved(stretches: Sequence[Mapping[str, Any]], fields: int, **_: Any) -> int:
    return sum(_times(own["steps"], own["stages"], fields, *map(_of_line, own["lines"])) for own in stretches)


def _of_line(config: Mapping[str, Any]) -> int:
    return config["highest"] if config["kind"] == "Waves" else _times(len(config["edges"]) - 1, config["size"])


_NUMBERS: dict[str, Callable[..., int]] = {
    "Boxwise": _of_boxes,
    "ByPart": lambda inner, **_: numbers(**inner),
    "Embedded": lambda embedding, inner: numbers(**embedding) + numbers(**inner),
    "Evolved": _of_evolved,
    "FourierFeatures": lambda in_features, frequencies, **_: _times(in_features, frequencies),
    "GMNM": _of_mixture,
    "Gabor": _of_layers,
    "KAN": _of_layers,
    "MLP": _of_layers,
    "ModifiedMLP": _of_layers,
    "Patchwork": lambda boxes, part, members=None, **_: len(members or boxes) * numbers("GMNM", part),
    "PirateNet": lambda width, blocks, **_: _times(blocks, 3, width, width),
    "RBF": _of_mixture,
    "SIREN": _of_layers,
    "Separable": lambda in_features, rank, hidden, **_: in_features * _of_layers([1, *hidden, rank]),
    "TimeBlocks": lambda parts, dimension, **_: _times(dimension) + sum(numbers(**part) for part in parts),
}
"""The same by kind, from the arguments that build a model."""
