"""Heat through layers of different materials, solved by Chebyshev collocation in each layer and exactly in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from truth.references import barycentric, chebyshev

NODES = 100
"""Chebyshev nodes of a layer, less one."""


@dataclass(frozen=True)
class Layer:
    """A layer: its thickness, conductivity, and capacity of heat per volume."""

    thickness: float
    conductivity: float
    capacity: float


def edges(layers: Sequence[Layer]) -> list[float]:
    """Where layers begin and end."""
    return [0.0, *np.cumsum([layer.thickness for layer in layers]).tolist()]


def by_layer(x: Tensor, layers: Sequence[Layer], name: str) -> Tensor:
    """A property of the layer that a point lies in."""
    value = getattr(layers[0], name) + 0 * x
    for layer, low in zip(layers[1:], edges(layers)[1:], strict=False):
        value = torch.where(x < low, value, getattr(layer, name))
    return value


def steady(x: Tensor, layers: Sequence[Layer], hot: float, cold: float) -> Tensor:
    """Straight in each layer, with one flux."""
    flux = (cold - hot) / sum(layer.thickness / layer.conductivity for layer in layers)
    value = hot + 0 * x
    for layer, low in zip(layers, edges(layers), strict=False):
        value = value + flux / layer.conductivity * torch.clamp(x - low, 0, layer.thickness)
    return value


def wall_start(layers: Sequence[Layer], hot: float, cold: float, bump: float):
    """The steady profile with a smooth bump in each layer that vanishes at its ends with five derivatives."""

    def start(x):
        value = steady(x, layers, hot, cold)
        for layer, low in zip(layers, edges(layers), strict=False):
            s = torch.clamp((x - low) / layer.thickness, 0, 1)
            value = value + bump * (4 * s * (1 - s)) ** 6
        return value

    return start


def wall_exact(layers: Sequence[Layer], hot: float, cold: float, bump: float):
    """The temperature, a function of x and t."""

    @lru_cache(maxsize=1)
    def modes():
        return _modes(tuple(layers))

    def exact(x, t):
        values, vectors, inverse, nodes, fill = modes()
        start = wall_start(layers, hot, cold, bump)
        inside = np.concatenate([one[1:-1] for one in nodes])
        at = torch.as_tensor(inside)
        off = (start(at) - steady(at, layers, hot, cold)).numpy()
        weights = inverse @ off
        decays = np.exp(np.outer(t.numpy(), values)) * weights  # [points, modes]
        whole = (decays @ vectors.T).real @ fill.T  # temperatures at all nodes of all layers, by point
        found = steady(x, layers, hot, cold).numpy().copy()
        for k, (low, layer) in enumerate(zip(edges(layers), layers, strict=False)):
            here = (x.numpy() >= low) & (x.numpy() <= low + layer.thickness * (1 + 1e-15))
            here &= (x.numpy() > low) | (k == 0)
            columns = whole[here, k * (NODES + 1) : (k + 1) * (NODES + 1)]
            found[here] += (barycentric(nodes[k], x.numpy()[here]) * columns).sum(1)
        return torch.as_tensor(found)

    return exact


def _modes(layers: tuple[Layer, ...]):
    """Decay rates and modes of the inner nodes, and how the temperatures of all nodes follow from those."""
    count, n = len(layers), NODES
    nodes, slopes = [], []
    for low, layer in zip(edges(layers), layers, strict=False):
        unit, D = chebyshev(n)
        nodes.append(low + layer.thickness * (unit + 1) / 2)
        slopes.append(2 / layer.thickness * D)
    inner = count * (n - 1)
    # Unknown: temperatures at the count - 1 interfaces, from equal fluxes, in terms of the inner nodes.
    A, B = np.zeros((count - 1, count - 1)), np.zeros((count - 1, inner))
    for j in range(count - 1):
        for k, row, sign in ((j, -1, 1.0), (j + 1, 0, -1.0)):
            flux = sign * layers[k].conductivity * slopes[k][row]
            B[j, k * (n - 1) : (k + 1) * (n - 1)] += flux[1:-1]
            if k > 0:
                A[j, k - 1] += flux[0]
            if k < count - 1:
                A[j, k] += flux[-1]
    faces = -np.linalg.solve(A, B) if count > 1 else B
    fill = np.zeros((count * (n + 1), inner))
    for k in range(count):
        fill[k * (n + 1) + 1 : (k + 1) * (n + 1) - 1, k * (n - 1) : (k + 1) * (n - 1)] = np.eye(n - 1)
        if k > 0:
            fill[k * (n + 1)] = faces[k - 1]
        if k < count - 1:
            fill[(k + 1) * (n + 1) - 1] = faces[k]
    rates = []
    for k, layer in enumerate(layers):
        second = layer.conductivity / layer.capacity * slopes[k] @ slopes[k]
        rates.append(second[1:-1] @ fill[k * (n + 1) : (k + 1) * (n + 1)])
    values, vectors = np.linalg.eig(np.concatenate(rates))
    return values, vectors, np.linalg.inv(vectors), nodes, fill
