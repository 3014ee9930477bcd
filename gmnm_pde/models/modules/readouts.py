"""The linear last layer of a user's module, found by calling it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde.models.networks.layered import Layered
from gmnm_pde.models.protocols import LinearReadout, can

_ROUNDING, _SAME = 64.0, 1e-6
"""Outputs are multiples of layers' to so many roundings, and follow these to this part of their size."""


@dataclass(frozen=True)
class Readout:
    """Linear layers, by name, whose outputs one beside the other are those of a module, and that have one input.

    Or a network of this library, whose outputs they are. The module may multiply each of them by a constant, one of
    ``factors``.

    Without names the module has ``features`` and a ``readout`` of its own.
    """

    names: tuple[str, ...]
    factors: tuple[float, ...] = ()

    def features(self, module: nn.Module, x: Any) -> Any:
        """What the layers are given, with a constant 1 where one has a bias."""
        if not self.names:
            return module.features(x)  # type: ignore[operator]
        with _calls(module) as calls:
            module(x)
        given = next(inputs for layer, inputs, _ in calls if layer is module.get_submodule(self.names[-1]))
        network = self._network(module)
        if network is not None:
            return network.features(given) if isinstance(given, Tensor) else given.through(network.feature_streams)
        if not self._biased(module):
            return given
        return torch.cat([given, torch.ones_like(given[:, :1])], -1)

    def weights(self, module: nn.Module) -> Tensor:
        """The weights of the features, [fields, features]."""
        if not self.names:
            return module.readout  # type: ignore[return-value]
        network = self._network(module)
        if network is not None:
            return self._multiplied(network.readout)
        biased, rows = self._biased(module), []
        for layer in self._layers(module):
            bias = layer.weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias
            rows.append(torch.cat([layer.weight, bias[:, None]], dim=1) if biased else layer.weight)
        return self._multiplied(torch.cat(rows))

    @torch.no_grad()
    def put(self, module: nn.Module, weights: Tensor) -> None:
        """Put other weights, [fields, features], in place."""
        if not self.names:
            module.set_readout(weights)  # type: ignore[operator]
            return
        weights = self._multiplied(weights, -1)
        network = self._network(module)
        if network is not None:
            network.set_readout(weights)
            return
        layers = self._layers(module)
        for layer, own in zip(layers, weights.split([layer.out_features for layer in layers]), strict=True):
            layer.weight.copy_(own[:, : layer.in_features])
            if layer.bias is not None:
                layer.bias.copy_(own[:, -1])

    def _multiplied(self, weights: Tensor, power: int = 1) -> Tensor:
        """Weights [fields, features] by the factors, or divided by them with the power -1."""
        return weights * weights.new_tensor(self.factors)[:, None] ** power if self.factors else weights

    def _network(self, module: nn.Module) -> Layered | None:
        """The network of this library that the module ends in, if it does."""
        last = module.get_submodule(self.names[-1])
        return last if isinstance(last, Layered) else None

    def _layers(self, module: nn.Module) -> list[nn.Linear]:
        return [module.get_submodule(name) for name in self.names]  # type: ignore[misc]

    def _biased(self, module: nn.Module) -> bool:
        return any(layer.bias is not None for layer in self._layers(module))


@torch.no_grad()
def find_readout(module: nn.Module, x: Tensor, joined: Any) -> Readout | None:
    """The linear layers that a module ends in; None where it ends in something else, or where they are frozen.

    Args:
        module: The module, which is called once more with other weights of these layers to see that it is linear.
        x: Points [n, d].
        joined: Makes the module's outputs one tensor.
    """
    if can(module, LinearReadout):
        return Readout(())
    with _calls(module) as calls:
        outputs = joined(module(x))
    for count in range(1, len(calls) + 1):
        last = calls[-count:]
        if sum(out.shape[-1] for _, _, out in last) != outputs.shape[1]:
            continue
        own = torch.cat([out.reshape(len(x), -1) for _, _, out in last], dim=1)
        factors = () if torch.equal(own, outputs) else _factors(own, outputs)
        if factors is None:
            return None
        names = {layer: name for name, layer in module.named_modules()}
        found = Readout(tuple(names[layer] for layer, _, _ in last), factors)
        one_input = all(given is last[0][1] and given.ndim == 2 for _, given, _ in last)
        whole = one_input and all(_trained(layer) for layer, _, _ in last) and _alike([layer for layer, _, _ in last])
        return found if whole and _is_linear(module, found, x, joined) else None
    return None


def _factors(own: Tensor, outputs: Tensor) -> tuple[float, ...] | None:
    """What each column of numbers [n, fields] is multiplied by in others; None where it is no constant, or is zero."""
    squares = own.square().sum(dim=0)
    factors = (own * outputs).sum(dim=0) / squares
    rounding = _ROUNDING * torch.finfo(own.dtype).eps
    same = (outputs - own * factors).abs() <= rounding * outputs.abs().amax(dim=0)
    return tuple(factors.tolist()) if bool((same & (factors != 0) & factors.isfinite()).all()) else None


def _is_linear(module: nn.Module, found: Readout, x: Tensor, joined: Any) -> bool:
    """Whether the features stay as they are, and the outputs follow, when the readout changes: weights may be tied."""
    before, features = found.weights(module), found.features(module, x)
    changed = before + torch.linspace(-1, 1, before.numel()).to(before).view_as(before)
    found.put(module, changed)
    outputs, expected = joined(module(x)), features @ changed.mT
    sizes = expected.abs().amax(dim=0)
    same = bool(((outputs - expected).abs() <= _SAME * (expected.abs() + sizes)).all())
    found.put(module, before)
    return same


def _trained(layer: nn.Linear | Layered) -> bool:
    if isinstance(layer, Layered):
        return all(p.requires_grad for p in layer.parameters())
    parameters = [layer.weight] if layer.bias is None else [layer.weight, layer.bias]
    return all(isinstance(p, nn.Parameter) and p.requires_grad for p in parameters)


def _alike(layers: list[nn.Linear | Layered]) -> bool:
    """Whether it is one network, or all layers have a bias or none: a weight that one lacks could not be put."""
    if any(isinstance(layer, Layered) for layer in layers):
        return len(layers) == 1
    return len({layer.bias is None for layer in layers}) == 1  # type: ignore[union-attr]


@contextmanager
def _calls(module: nn.Module) -> Iterator[list[tuple[Any, Any, Any]]]:
    """The linear layers that are called within a ``with`` block, in order, with what they are given and give."""
    calls: list[tuple[Any, Any, Any]] = []

    def note(layer: nn.Module, inputs: tuple, output: Any) -> None:
        calls.append((layer, inputs[0], output))

    hooks = [one.register_forward_hook(note) for one in module.modules() if isinstance(one, nn.Linear | Layered)]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()
