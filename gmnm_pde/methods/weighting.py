"""Weights that adapt while a model trains: of terms against each other, or of points within a term.

Each is a value that describes it, as methods are, and begins to work on a system: before each look it may read the
residuals of the last one and put other weights in place.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.methods.loop import check_counts, check_positive
from gmnm_pde.sampling import stream_of_step


class Weighted(Protocol):
    """What weightings see of a system."""

    weights: dict[str, Tensor | float]
    point_weights: dict[str, Tensor]
    latest: dict[str, Tensor]

    def reweight(self, weights: Mapping[str, Tensor | float], by_point: Mapping[str, Tensor] | None = None) -> None: ...
    def gradient_norms(self) -> dict[str, float]: ...
    def mean_squares(self) -> dict[str, Tensor]: ...
    def equation_times(self) -> dict[str, Tensor]: ...


class Balance(Protocol):
    """A weighting at work."""

    def before(self, step: int) -> None: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class GradientNorm:
    """Weights that make the gradients of all terms equally long (S. Wang, Y. Teng, P. Perdikaris, arXiv 2001.04536).

    Args:
        every: Steps between updates; each costs a backward pass for every term.
        memory: How much of the old weights stays, from 0 to below 1.
    """

    every: int = 100
    memory: float = 0.9

    def __post_init__(self) -> None:
        check_counts("GradientNorm", every=self.every)
        _check_fraction("GradientNorm", memory=self.memory)

    def begin(self, system: Weighted, seed: int) -> Balance:
        """Work on a system."""
        return _GradientNorm(self, system)


class _Plain:
    """A weighting whose only state are the weights in place."""

    def __init__(self, system: Weighted):
        self._system = system

    def state(self) -> dict[str, Any]:
        return {"weights": dict(self._system.weights), "by_point": dict(self._system.point_weights)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._system.reweight(state["weights"], state["by_point"])


class _GradientNorm(_Plain):
    def __init__(self, method: GradientNorm, system: Weighted):
        super().__init__(system)
        self._method = method

    def before(self, step: int) -> None:
        if step % self._method.every:
            return
        norms = self._system.gradient_norms()
        total, memory = sum(norms.values()), self._method.memory if step else 0.0
        wanted = {name: total / norm for name, norm in norms.items() if norm > 0}
        old = self._system.weights
        self._system.reweight({name: memory * old[name] + (1 - memory) * new for name, new in wanted.items()})


@dataclass(frozen=True)
class ReLoBRaLo:
    """Weights from how fast each term's loss falls, with random looks back (R. Bischof, M. Kraus, arXiv 2110.09813).

    Args:
        every: Steps between updates.
        temperature: Large makes the weights more alike.
        memory: How much of the old weights stays.
        look_back: How likely an update compares with the last losses instead of the first.
    """

    every: int = 1
    temperature: float = 0.1
    memory: float = 0.99
    look_back: float = 0.99

    def __post_init__(self) -> None:
        check_counts("ReLoBRaLo", every=self.every)
        check_positive("ReLoBRaLo", temperature=self.temperature)
        _check_fraction("ReLoBRaLo", memory=self.memory, look_back=self.look_back)

    def begin(self, system: Weighted, seed: int) -> Balance:
        """Work on a system."""
        return _ReLoBRaLo(self, system, seed)


class _ReLoBRaLo(_Plain):
    def __init__(self, method: ReLoBRaLo, system: Weighted, seed: int):
        super().__init__(system)
        self._method, self._seed = method, seed
        self._first: dict[str, float] = {}
        self._last: dict[str, float] = {}

    def before(self, step: int) -> None:
        if step % self._method.every:
            return
        now = {name: value.item() for name, value in self._system.mean_squares().items()}
        if not self._first:
            self._first = self._last = now
            return
        method, old = self._method, self._system.weights
        recent, initial = self._balanced(now, self._last), self._balanced(now, self._first)
        back = float(random.Random(stream_of_step(self._seed, step)).random() < method.look_back)
        self._system.reweight(
            {
                name: method.memory * (back * old[name] + (1 - back) * initial[name])
                + (1 - method.memory) * recent[name]
                for name in now
            }
        )
        self._last = now

    def _balanced(self, now: dict[str, float], then: dict[str, float]) -> dict[str, float]:
        ratios = [now[name] / (self._method.temperature * max(then[name], 1e-300)) for name in now]
        most = max(ratios)
        powers = [math.exp(ratio - most) for ratio in ratios]
        return {name: len(now) * power / sum(powers) for name, power in zip(now, powers, strict=True)}

    def state(self) -> dict[str, Any]:
        return {**super().state(), "first": self._first, "last": self._last}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self._first, self._last = dict(state["first"]), dict(state["last"])


@dataclass(frozen=True)
class SelfAdaptive:
    """A weight for every point, trained to make the loss larger (L. McClenny, U. Braga-Neto, arXiv 2009.04544).

    The weights' squares multiply the squared residuals; they climb by Adam.

    Args:
        lr: The weights' learning rate.
    """

    lr: float = 5e-3

    def __post_init__(self) -> None:
        check_positive("SelfAdaptive", lr=self.lr)

    def begin(self, system: Weighted, seed: int) -> Balance:
        """Work on a system."""
        return _SelfAdaptive(self, system)


class _SelfAdaptive:
    def __init__(self, method: SelfAdaptive, system: Weighted):
        self._system, self._lr = system, method.lr
        self._roots: dict[str, Tensor] = {}
        self._optimizer: torch.optim.Optimizer | None = None

    def before(self, step: int) -> None:
        latest = self._system.latest
        if not latest:
            return
        if {name: len(root) for name, root in self._roots.items()} != {name: len(r) for name, r in latest.items()}:
            self._begin({name: torch.ones_like(residual) for name, residual in latest.items()})
        assert self._optimizer is not None
        for name, root in self._roots.items():
            root.grad = 2 * self._system.weights[name] * root * latest[name].square() / len(root)
        self._optimizer.step()
        self._system.reweight({}, {name: root.square() for name, root in self._roots.items()})

    def _begin(self, roots: dict[str, Tensor]) -> None:
        self._roots = roots
        self._optimizer = torch.optim.Adam(list(roots.values()), lr=self._lr, maximize=True)

    def state(self) -> dict[str, Any]:
        return {"roots": self._roots, "optimizer": self._optimizer and self._optimizer.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        if state["optimizer"] is not None:
            self._begin(dict(state["roots"]))
            assert self._optimizer is not None
            self._optimizer.load_state_dict(state["optimizer"])
            self._system.reweight({}, {name: root.square() for name, root in self._roots.items()})


@dataclass(frozen=True)
class Causal:
    """Equations weighted so that what comes later waits for what comes before (S. Wang et al., arXiv 2203.07404).

    Time is cut into slabs; an equation's points in slab k have the weight exp(-epsilon sum_{i<k} L_i), with L_i the
    mean square of its residual in slab i, relative to that at the start.

    Args:
        epsilon: How strictly; large waits until the slabs before are solved.
        slabs: How many.
    """

    epsilon: float = 1.0
    slabs: int = 16

    def __post_init__(self) -> None:
        check_counts("Causal", slabs=self.slabs)
        check_positive("Causal", epsilon=self.epsilon)

    def begin(self, system: Weighted, seed: int) -> Balance:
        """Work on a system."""
        if not system.equation_times():
            raise refuse("solve(weights=Causal(...))", expected="a problem with time", got="one without")
        return _Causal(self, system)


class _Causal(_Plain):
    def __init__(self, method: Causal, system: Weighted):
        super().__init__(system)
        self._method = method
        self._first: dict[str, float] = {}

    def before(self, step: int) -> None:
        latest, weights = self._system.latest, {}
        for name, times in self._system.equation_times().items():
            if name not in latest:
                return
            square, count = latest[name].square(), self._method.slabs
            slab = ((times - times.min()) / (times.max() - times.min()) * count).long().clamp(0, count - 1)
            sums = square.new_zeros(count).index_add(0, slab, square)
            means = sums / torch.bincount(slab, minlength=count).clamp_min(1)
            scale = self._first.setdefault(name, max(square.mean().item(), 1e-300))
            before = means.cumsum(0) - means
            weights[name] = torch.exp(-self._method.epsilon * before / scale)[slab]
        self._system.reweight({}, weights)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "first": self._first}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self._first = dict(state["first"])


WEIGHTINGS = (GradientNorm, ReLoBRaLo, SelfAdaptive, Causal)
Weighting = GradientNorm | ReLoBRaLo | SelfAdaptive | Causal


def _check_fraction(name: str, **numbers: object) -> None:
    for key, number in numbers.items():
        if not (isinstance(number, int | float) and 0 <= number < 1):
            raise refuse(f"{name}({key}={number!r})", expected="a number from 0 to below 1", got=repr(number))
