"""Small recurrent networks for forecasting, and many copies of one trained at once."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from .heads import Head


class LSTM(nn.Module):
    """The layer that ``nn.LSTM`` computes, with its parameters.

    ``fused`` is whether PyTorch computes it in one piece, which is faster; ``vmap`` can batch it only step by step.
    """

    fused = True

    def __init__(self, inputs: int, units: int):
        super().__init__()
        own = dict(nn.LSTM(inputs, units).named_parameters())
        self.by_input, self.by_state = own["weight_ih_l0"], own["weight_hh_l0"]
        self.input_bias, self.state_bias = own["bias_ih_l0"], own["bias_hh_l0"]

    @torch.no_grad()
    def restart(self) -> None:
        """The start that Keras gives an LSTM: Glorot, orthogonal, and gates that keep their cell."""
        units = self.by_state.shape[1]
        nn.init.xavier_uniform_(self.by_input)
        nn.init.orthogonal_(self.by_state)
        self.input_bias.zero_()
        self.state_bias.zero_()
        self.input_bias[units : 2 * units] = 1.0

    def forward(self, x: Tensor) -> Tensor:
        """The states after every step of x [n, steps, inputs]: [n, steps, units]."""
        if self.fused:
            weights: list[Tensor] = [self.by_input, self.by_state, self.input_bias, self.state_bias]
            start = x.new_zeros(1, len(x), self.by_state.shape[1])
            return torch.lstm(x, (start, start), weights, True, 1, 0.0, self.training, False, True)[0]
        given = x @ self.by_input.mT + (self.input_bias + self.state_bias)
        by_state = self.by_state.mT
        state = cell = torch.zeros_like(given[:, 0, : self.by_state.shape[-1]])
        states = []
        for step in given.unbind(1):
            gates = torch.addmm(step, state, by_state)
            into, keep, new, out = gates.chunk(4, dim=-1)
            cell = keep.sigmoid() * cell + into.sigmoid() * new.tanh()
            state = out.sigmoid() * cell.tanh()
            states.append(state)
        return torch.stack(states, dim=1)


class Forecaster(nn.Module):
    """An LSTM, then a head on its last state, or on the states after all steps; their entries lie in [-1, 1]."""

    def __init__(self, units: int, head: Head, *, all_states: bool = False, inputs: int = 4, steps: int = 10):
        super().__init__()
        self.lstm = LSTM(inputs, units)
        self.all_states = all_states
        self.head = head.build(units * steps if all_states else units, 1)

    def forward(self, windows: Tensor) -> Tensor:
        """Values [n, 1] from windows [n, steps, inputs]."""
        return self.head(self.states(windows))

    def states(self, windows: Tensor) -> Tensor:
        """What the head sees of windows [n, steps, inputs]: [n, units], or [n, steps * units]."""
        states = self.lstm(windows)
        return states.flatten(1) if self.all_states else states[:, -1]


class Copies(nn.Module):
    """Networks of one shape, one beside the other: parameters, inputs and outputs have a first axis [copies].

    They are independent; a sum of their losses trains each as it would be alone, in one pass for all.

    Args:
        build: Makes one network.
        seeds: One for each; the network is made right after ``torch.manual_seed(seed)``.
    """

    def __init__(self, build: Callable[[], nn.Module], seeds: Sequence[int]):
        super().__init__()
        made = []
        for seed in seeds:
            torch.manual_seed(seed)
            made.append(build())
        parameters, buffers = stack_module_state(made)
        self.names = list(parameters)
        self.values = nn.ParameterList(nn.Parameter(value.detach()) for value in parameters.values())
        self.fixed_names = list(buffers)
        for number, value in enumerate(buffers.values()):
            self.register_buffer(f"fixed{number}", value)
        for module in made[0].modules():
            if isinstance(module, LSTM):
                module.fused = len(made) == 1
        self._shape = [made[0]]  # in a list, so that its parameters are not this module's

    @property
    def parameters_each(self) -> int:
        """The parameters of one copy."""
        return sum(value[0].numel() for value in self.values)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs [copies, ...] for inputs [copies, ...]."""
        values = dict(zip(self.names, self.values, strict=True))
        fixed = {name: getattr(self, f"fixed{number}") for number, name in enumerate(self.fixed_names)}
        if len(x) == 1:
            values, fixed = ({name: value[0] for name, value in group.items()} for group in (values, fixed))
            return self._one(values, fixed, x[0])[None]
        return vmap(self._one)(values, fixed, x)

    @torch.no_grad()
    def alone(self, number: int) -> Any:
        """One of the networks, with the values that it has now."""
        network = copy.deepcopy(self._shape[0])
        for name, values in zip(self.names, self.values, strict=True):
            network.get_parameter(name).copy_(values[number])
        for k, name in enumerate(self.fixed_names):
            network.get_buffer(name).copy_(getattr(self, f"fixed{k}")[number])
        return network

    def _one(self, parameters: dict[str, Any], fixed: dict[str, Any], x: Tensor) -> Tensor:
        return functional_call(self._shape[0], (parameters, fixed), (x,))


def named(variant: str, start: str = "pytorch") -> Forecaster:
    """One of the paper's variants, or the LSTM with another head.

    ``lstm3``; ``lstm3_gmnm`` with 100 Gaussians of the last state; ``lstm32``; ``lstm3_mlp``, ``lstm3_kan`` as large as
    the GMNM; and with ``_states`` behind, as in ``lstm3_gmnm_states``, the head on the states after all ten steps.
    The LSTM starts as ``pytorch`` or ``keras`` would have it.
    """
    units, _, head = variant.removesuffix("_states").removeprefix("lstm").partition("_")
    made = Forecaster(int(units), Head(head or "linear", components=100), all_states=variant.endswith("_states"))
    if start == "keras":
        made.lstm.restart()
    return made


VARIANTS = ("lstm3", "lstm3_gmnm", "lstm32")
HEADED = (*VARIANTS, "lstm3_mlp", "lstm3_kan", "lstm3_states", "lstm3_gmnm_states")
