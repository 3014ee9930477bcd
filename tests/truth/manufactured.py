"""Smooth functions drawn at random, with derivatives of any order in closed form."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch

Columns = Mapping[str, Any]
"""Coordinates by name."""


@dataclass(frozen=True)
class Sine:
    """size sin(waves . x + phase)."""

    size: float
    waves: Mapping[str, float]
    phase: float

    def derivative(self, at: Columns, orders: Mapping[str, int]):
        angle = sum(wave * at[name] for name, wave in self.waves.items()) + self.phase
        factor = math.prod(self.waves[name] ** n for name, n in orders.items())
        sine, cosine = torch.sin, torch.cos
        turned = (sine, cosine, lambda a: -sine(a), lambda a: -cosine(a))[sum(orders.values()) % 4]
        return self.size * factor * turned(angle)


@dataclass(frozen=True)
class Exponential:
    """size exp(rates . x)."""

    size: float
    rates: Mapping[str, float]

    def derivative(self, at: Columns, orders: Mapping[str, int]):
        factor = math.prod(self.rates[name] ** n for name, n in orders.items())
        return self.size * factor * torch.exp(sum(rate * at[name] for name, rate in self.rates.items()))


@dataclass(frozen=True)
class Bump:
    """size exp(-|x - middle|^2 / (2 width^2))."""

    size: float
    middle: Mapping[str, float]
    width: float

    def derivative(self, at: Columns, orders: Mapping[str, int]):
        value = self.size
        for name, middle in self.middle.items():
            z = (at[name] - middle) / self.width
            n = orders.get(name, 0)
            value = value * torch.exp(-(z**2) / 2) * _hermite(z, n) * (-1 / self.width) ** n
        return value


@dataclass(frozen=True)
class Monomial:
    """size times a product of powers."""

    size: float
    powers: Mapping[str, int]

    def derivative(self, at: Columns, orders: Mapping[str, int]):
        value = self.size if set(orders) <= set(self.powers) else 0.0
        for name, power in self.powers.items():
            n = orders.get(name, 0)
            falling = math.prod(range(power - n + 1, power + 1)) if n <= power else 0
            value = value * (falling * at[name] ** max(power - n, 0))
        return value


@dataclass(frozen=True)
class Function:
    """A sum of terms; ``f(x=..., y=...)`` is its value and ``f.d(columns, "x", "x")`` a derivative."""

    terms: Sequence[Any]

    def d(self, at: Columns, *by: str):
        orders = {name: by.count(name) for name in by}
        return sum(term.derivative(at, orders) for term in self.terms)


def draw(rng: Random, bounds: Mapping[str, tuple[float, float]], scale: float = 1.0) -> Function:
    """One to three terms of moderate wave numbers, rates and widths, for a box of any size."""
    terms = []
    for _ in range(rng.randint(1, 3)):
        kind = rng.choice(("sine", "sine", "exponential", "bump", "polynomial"))
        size = scale * rng.uniform(0.4, 1.5) * rng.choice((-1, 1))
        lengths = {name: high - low for name, (low, high) in bounds.items()}
        if kind == "sine":
            waves = {name: rng.uniform(0.5, 6.0) / length for name, length in lengths.items()}
            terms.append(Sine(size, waves, rng.uniform(0, 6.28)))
        elif kind == "exponential":
            rates = {name: rng.uniform(-1.5, 1.5) / length for name, length in lengths.items()}
            terms.append(Exponential(size, rates))
        elif kind == "bump":
            middle = {name: rng.uniform(low, high) for name, (low, high) in bounds.items()}
            terms.append(Bump(size, middle, rng.uniform(0.25, 0.6) * min(lengths.values())))
        else:
            largest = {name: max(abs(low), abs(high)) for name, (low, high) in bounds.items()}
            powers = {name: rng.randint(0, 3) for name in bounds}
            size /= math.prod(largest[name] ** power for name, power in powers.items())
            terms.append(Monomial(size, powers))
    return Function(tuple(terms))


def _hermite(z, n: int):
    """The n-th Hermite polynomial of probabilists."""
    below, here = 0 * z, 1 + 0 * z
    for k in range(n):
        below, here = here, z * here - k * below
    return here
