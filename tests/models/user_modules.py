"""Modules as users write them, by the engine that makes their derivatives right."""

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

import gmnm_pde as g


def between(*layers):
    return nn.Sequential(nn.Linear(2, 8), *layers, nn.Linear(8, 1))


def zeroed(network):
    nn.init.zeros_(network[-1].weight)
    nn.init.zeros_(network[-1].bias)
    return network


class TwoHeads(nn.Module):
    """Two heads on one trunk, which mixes sums, products and quotients, and has a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.u, self.v = nn.Linear(2, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(8, 1)
        self.scale = nn.Parameter(torch.rand(8))

    def forward(self, x):
        h = torch.tanh(self.a(x))
        h = h + self.scale * torch.sin(self.b(h))
        h = (1 - h) * h**2 / (2 + h.cos())
        return self.u(h), self.v(h)


class Pieces(nn.Module):
    """Columns taken apart and put together, a matrix product, and outputs of shape [n]."""

    def __init__(self):
        super().__init__()
        self.matrix, self.out = nn.Parameter(torch.rand(3, 7)), nn.Linear(7, 1)

    def forward(self, x):
        t = x[:, :1]
        return self.out(torch.tanh(torch.cat([t, torch.cos(3 * x[:, 1:]), t.exp()], 1) @ self.matrix + 0.3)).squeeze(-1)


class Product(nn.Module):
    """Networks of this library within a module, times one another: no readout."""

    def __init__(self):
        super().__init__()
        self.u, self.v = g.MLP([2, 6, 1]), nn.Sequential(g.FourierFeatures(2, 3, trainable=True), g.MLP([6, 1]))

    def forward(self, x):
        return self.u(x) * self.v(x)


class Inner(nn.Module):
    """A network of this library after an embedding."""

    def __init__(self):
        super().__init__()
        self.network = g.MLP([3, 6, 1])

    def forward(self, x):
        return self.network(torch.cat([x[:, :1].cos(), x], 1))


class Attention(nn.Module):
    """Attention between coordinates, with layer normalisation, whose derivatives in torch are wrong."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(1, 8), nn.LayerNorm(8), nn.Linear(8, 1)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        h = self.first(x[:, :, None])
        return self.last(torch.tanh(self.norm(h + self.attention(h, h, h, need_weights=False)[0]).mean(1)))


class Recurrent(nn.Module):
    """Recurrence over coordinates."""

    def __init__(self, kind=nn.GRU, layers=1, **options):
        super().__init__()
        self.cells, self.last = kind(1, 4, layers, batch_first=True, **options), nn.Linear(4, 1)

    def forward(self, x):
        return self.last(self.cells(x[:, :, None])[0][:, -1, :4])


class LastState(Recurrent):
    """The same by what the layer remembers."""

    def forward(self, x):
        return self.last(self.cells(x[:, :, None])[1][-1])


class OwnAttention(nn.Module):
    """Attention between coordinates, by torch's function."""

    def __init__(self):
        super().__init__()
        self.first, self.three, self.last = nn.Linear(1, 6), nn.Linear(6, 18), nn.Linear(6, 1)

    def forward(self, x):
        query, key, value = self.three(torch.tanh(self.first(x[:, :, None]))).chunk(3, -1)
        return self.last(nn.functional.scaled_dot_product_attention(query, key, value).mean(1))


class ByHand(OwnAttention):
    """The same spelled out."""

    def forward(self, x):
        query, key, value = self.three(torch.tanh(self.first(x[:, :, None]))).chunk(3, -1)
        return self.last((torch.softmax(query @ key.transpose(-2, -1), -1) @ value).mean(1))


class OldSine(torch.autograd.Function):
    """A function with a backward pass of its own, in the way of older torch."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.sin(x)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * torch.cos(x)


class NewSine(torch.autograd.Function):
    """The same in the way of newer torch."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return torch.sin(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * torch.cos(x)


class Applied(nn.Module):
    """A layer that applies a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Solved(nn.Module):
    """A linear system whose matrix is trained, between two layers."""

    def __init__(self):
        super().__init__()
        self.first, self.last, self.matrix = nn.Linear(2, 8), nn.Linear(8, 1), nn.Parameter(0.1 * torch.randn(8, 8))

    def forward(self, x):
        matrix = self.matrix + 5 * torch.eye(8, dtype=x.dtype)
        return self.last(torch.linalg.solve(matrix, torch.tanh(self.first(x)).mT).mT)


CARRIED = {
    "tanh": lambda: between(nn.Tanh()),
    "layer norm": lambda: between(nn.Tanh(), nn.LayerNorm(8)),
    "group norm": lambda: between(nn.GroupNorm(2, 8), nn.Tanh()),
    "RMS norm": lambda: between(nn.RMSNorm(8)),
    "batch norm that is not trained": lambda: between(nn.BatchNorm1d(8), nn.Tanh()).eval(),
    "SiLU": lambda: between(nn.SiLU()),
    "Mish": lambda: between(nn.Mish()),
    "GELU": lambda: between(nn.GELU()),
    "ELU": lambda: between(nn.ELU()),
    "Softplus": lambda: between(nn.Softplus(beta=2)),
    "GLU": lambda: between(nn.Linear(8, 16), nn.GLU()),
    "Softmax": lambda: between(nn.Softmax(-1)),
    "dropout that is off": lambda: between(nn.Tanh(), nn.Dropout(0.3)).eval(),
    "weight norm": lambda: nn.Sequential(weight_norm(nn.Linear(2, 8)), nn.Tanh(), nn.Linear(8, 1)),
    "spectral norm": lambda: nn.Sequential(spectral_norm(nn.Linear(2, 8)), nn.Tanh(), nn.Linear(8, 1)).eval(),
    "frozen first layer": lambda: nn.Sequential(nn.Linear(2, 8).requires_grad_(False), nn.Tanh(), nn.Linear(8, 1)),
    "zero last layer": lambda: zeroed(between(nn.Tanh())),
    "pieces": Pieces,
    "GRU": Recurrent,
    "two layers of GRU": lambda: LastState(nn.GRU, 2),
    "LSTM": lambda: Recurrent(nn.LSTM),
    "RNN without bias": lambda: Recurrent(nn.RNN, bias=False),
    "attention": Attention,
    "own attention": OwnAttention,
    "attention by hand": ByHand,
    "Fourier features": lambda: nn.Sequential(g.FourierFeatures(2, 4, trainable=True), nn.Linear(8, 1)),
}
OTHERWISE = {"convolution": lambda: nn.Sequential(
    nn.Linear(2, 8), nn.Unflatten(1, (1, 8)), nn.Conv1d(1, 4, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(32, 1)
)}  # fmt: skip

BY_REVERSE_MODE = {
    "backward of its own": lambda: between(Applied(OldSine.apply)),
    "backward of its own, newer": lambda: between(Applied(NewSine.apply)),
    "linear system": Solved,
}
