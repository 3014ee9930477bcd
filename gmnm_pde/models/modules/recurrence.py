"""How recurrent layers act on a tensor that carries its derivatives: by the rules for their parts.

Points come first, so that ``batch_first=True`` is what recurrent layers need.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from gmnm_pde.models.modules.carried import Carried, NotCarried
from gmnm_pde.models.modules.rules import rule

State = tuple[Any, ...]
"""What a cell remembers; first what it gives."""

Cell = Callable[[Any, Any, State], State]
"""From what inputs and the last outputs add to gates, [n, gates], and the state: the next state."""


@rule("gru")
def _gru(_: Any, x: Carried, start: Tensor, weights: Sequence[Tensor], *options: Any) -> Any:
    def cell(given: Any, remembered: Any, state: State) -> State:
        (reset, update, new), (of_reset, of_update, of_new) = _gates(given, 3), _gates(remembered, 3)
        reset, update = torch.sigmoid(reset + of_reset), torch.sigmoid(update + of_update)
        candidate = torch.tanh(new + reset * of_new)
        return (candidate + update * (state[0] - candidate),)

    return _unrolled(cell, x, [start], weights, *options)


@rule("lstm")
def _lstm(_: Any, x: Carried, start: Sequence[Tensor], weights: Sequence[Tensor], *options: Any) -> Any:
    def cell(given: Any, remembered: Any, state: State) -> State:
        taken, kept, new, out = _gates(given + remembered, 4)
        memory = torch.sigmoid(kept) * state[1] + torch.sigmoid(taken) * torch.tanh(new)
        return torch.sigmoid(out) * torch.tanh(memory), memory

    return _unrolled(cell, x, start, weights, *options)


@rule("rnn_tanh")
def _rnn(_: Any, x: Carried, start: Tensor, weights: Sequence[Tensor], *options: Any) -> Any:
    return _unrolled(lambda given, remembered, _: (torch.tanh(given + remembered),), x, [start], weights, *options)


def _unrolled(
    cell: Cell,
    x: Carried,
    starts: Sequence[Tensor],
    weights: Sequence[Tensor],
    biased: bool,
    layers: int,
    dropout: float,
    training: bool,
    both_ways: bool,
    batch_first: bool,
) -> Any:
    """Outputs at all times, [n, times, width], and the last states by layer, as torch's own layers return them."""
    each = 4 if biased else 2
    if not isinstance(x, Carried) or any(isinstance(start, Carried) for start in starts) or not batch_first:
        raise NotCarried("a state that depends on the coordinates, or points that do not come first")
    if both_ways or (dropout and training) or len(weights) != each * layers:
        raise NotCarried("a recurrent layer that goes both ways, drops out or projects")
    ends = []
    for layer in range(layers):
        into, across, *biases = weights[each * layer : each * (layer + 1)]
        bias_into, bias_across = biases or (None, None)
        given: Any = linear(x, into, bias_into)  # type: ignore[arg-type]
        state = tuple(given[:, 0].lifted(start[layer]) for start in starts)
        outputs = []
        for time in range(x.shape[1]):
            state = cell(given[:, time], linear(state[0], across, bias_across), state)
            outputs.append(state[0])
        x = torch.stack(outputs, 1)  # type: ignore[assignment]
        ends.append(state)
    return x, *(list(of_layers) for of_layers in zip(*ends, strict=True))


def _gates(x: Any, count: int) -> list[Any]:
    width = x.shape[-1] // count
    return [x[..., k * width : (k + 1) * width] for k in range(count)]
