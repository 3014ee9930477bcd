"""Models as modules without control flow that depends on data: what compilers and exporters take.

Where the library's own models look at which points they are given, to save work, these answer for all points with all
of their parts, and choose by masks. ``closed(model)`` makes them, model by model.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gmnm_pde._errors import refuse
from gmnm_pde.exports.closed_marches import ClosedMarch
from gmnm_pde.exports.closed_networks import ClosedKan, ClosedPerceptron
from gmnm_pde.geometry.plain import parts_of
from gmnm_pde.models import GMNM, KAN, MLP, ByPart, Embedded, Evolved, Lifted, Normalized, Patchwork, TimeBlocks
from gmnm_pde.models.composite.windows import _step_polynomial
from gmnm_pde.models.mixtures.kernels import Ridge

_ROUNDING = 1e-6
"""Of times in [-1, 1], as in ``TimeBlocks``."""


def closed(model: nn.Module) -> nn.Module:
    """The model as a module that can be exported; others' modules are left as they are."""
    make = _MAKERS.get(type(model)) or next((m for kind, m in _MAKERS.items() if isinstance(model, kind)), None)
    return model if make is None else make(model)


class ClosedMixture(nn.Module):
    """A mixture whose weights are laid out for one product of matrices."""

    a: Tensor
    b: Tensor
    centers: Tensor
    mixing: Tensor

    def __init__(self, model: GMNM):
        super().__init__()
        self.kernel = None if isinstance(model.kernel, Ridge) else model.kernel
        if isinstance(model.kernel, Ridge):
            a, b = model.kernel.line(model.centers)
            self.register_buffer("a", a.detach().mT.contiguous())
            self.register_buffer("b", b.detach().clone())
        self.register_buffer("centers", model.centers.detach().clone())
        self.register_buffer("mixing", model.weights.detach().mT.contiguous())

    def forward(self, x: Tensor) -> Tensor:
        if self.kernel is not None:
            return self.kernel(x, self.centers) @ self.mixing
        y = x @ self.a + self.b
        return torch.exp(-0.5 * y * y) @ self.mixing


class ClosedScale(nn.Module):
    """A model behind the map from a box to [-1, 1]^d."""

    middle: Tensor
    half_width: Tensor

    def __init__(self, model: Normalized):
        super().__init__()
        self.inner = closed(model.inner)
        self.register_buffer("middle", model.middle.clone())
        self.register_buffer("half_width", model.half_width.clone())

    def forward(self, x: Tensor) -> Tensor:
        return self.inner((x - self.middle.to(x.dtype)) / self.half_width.to(x.dtype))


class ClosedPatches(nn.Module):
    """Every patch at every point, times its window, which is zero where the patch does not reach.

    Windows are divided by the sum of those of their part of the domain; where they make 1 already nothing changes.
    """

    low: Tensor
    high: Tensor
    rise: Tensor
    fall: Tensor
    rises: Tensor
    falls: Tensor
    of_part: Tensor

    def __init__(self, model: Patchwork):
        super().__init__()
        partition, boxes = model.partition, [member.box for member in model.members]
        low, high, supports = partition.low[boxes], partition.high[boxes], partition.supports[boxes]
        self.register_buffer("low", low)
        self.register_buffer("high", high)
        for name, margin in {"rise": low - supports[..., 0], "fall": supports[..., 1] - high}.items():
            self.register_buffer(f"{name}s", margin > 0)
            self.register_buffer(name, torch.where(margin > 0, margin, 1.0))
        parts = torch.tensor([member.part for member in model.members])
        self.parts_count = int(parts.max()) + 1
        self.register_buffer("of_part", nn.functional.one_hot(parts, self.parts_count).double())
        self.polynomial = _step_polynomial(partition.smoothness, 0)
        self.patches = _patches(model)

    def forward(self, x: Tensor) -> Tensor:
        window = torch.ones_like(x[:, :1])
        for k in range(x.shape[1]):
            at = x[:, k : k + 1]
            up = self._step((at - self.low[:, k].to(x)) / self.rise[:, k].to(x))
            down = self._step((at - self.high[:, k].to(x)) / self.fall[:, k].to(x))
            up = torch.where(self.rises[:, k], up, torch.ones_like(up))
            window = window * up * torch.where(self.falls[:, k], 1.0 - down, torch.ones_like(down))
        of_part = self.of_part.to(x)
        total = (window @ of_part).clamp_min(torch.finfo(x.dtype).tiny)
        values = self.patches(x)
        return torch.cat(
            [
                (values * (window * of_part[:, part])[:, :, None]).sum(dim=1) / total[:, part : part + 1]
                for part in range(self.parts_count)
            ],
            dim=1,
        )

    def _step(self, t: Tensor) -> Tensor:
        inside = t.clamp(-1.0, 1.0)
        value = torch.zeros_like(t)
        for c in self.polynomial:
            value = value * inside + c
        return value


def _patches(model: Patchwork) -> nn.Module:
    """All patches at all points, [n, patches, fields]."""
    ridges = all(isinstance(part.inner.kernel, Ridge) for part in model.parts)
    return _Ridges(model) if ridges else _EachPatch(model)


class _EachPatch(nn.Module):
    """One after the other."""

    def __init__(self, model: Patchwork):
        super().__init__()
        self.patches = nn.ModuleList(closed(part) for part in model.parts)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([patch(x) for patch in self.patches], dim=1)


class _Ridges(nn.Module):
    """All at once, which keeps programs of many patches short."""

    a: Tensor
    b: Tensor
    mixing: Tensor
    middle: Tensor
    half_width: Tensor

    def __init__(self, model: Patchwork):
        super().__init__()
        lines = [part.inner.kernel.line(part.inner.centers) for part in model.parts]
        stacks = {
            "a": [a.mT for a, _ in lines],
            "b": [b[None] for _, b in lines],
            "mixing": [part.inner.weights.mT for part in model.parts],
            "middle": [part.middle[None] for part in model.parts],
            "half_width": [part.half_width[None] for part in model.parts],
        }
        for name, values in stacks.items():
            self.register_buffer(name, torch.stack([value.detach() for value in values]).contiguous())

    def forward(self, x: Tensor) -> Tensor:
        y = ((x - self.middle.to(x)) / self.half_width.to(x)) @ self.a + self.b
        return (torch.exp(-0.5 * y * y) @ self.mixing).transpose(0, 1)


class ClosedBlocks(nn.Module):
    """Every block at every point, its time held within the block, and a mask for the block that answers."""

    ends: Tensor

    def __init__(self, model: TimeBlocks):
        super().__init__()
        self.edges, self.axis = model.edges, model.axis
        self.register_buffer("ends", torch.tensor(model.edges, dtype=torch.float64))
        self.blocks = nn.ModuleList(closed(part) for part in model.parts)

    def forward(self, x: Tensor) -> Tensor:
        time, last = x[:, self.axis : self.axis + 1], len(self.blocks) - 1
        total: Tensor | None = None
        for number, block in enumerate(self.blocks):
            low, high = self.ends[number].to(x), self.ends[number + 1].to(x)
            held = torch.where(time > high, high, time)
            if number:
                held = torch.where(held < low, low, held)
            columns = [held if k == self.axis else x[:, k : k + 1] for k in range(x.shape[1])]
            own = block(torch.cat(columns, dim=1))
            mine = torch.ones_like(time, dtype=torch.bool)
            if number:
                mine = mine & (time > low)
            if number < last:
                mine = mine & (time <= high)
            part = torch.where(mine, own, torch.zeros_like(own))
            total = part if total is None else total + part
        assert total is not None
        if self.edges[-1] > 1 - _ROUNDING:
            return total
        return torch.where(time > self.ends[-1].to(x) + _ROUNDING, torch.full_like(total, torch.nan), total)


class ClosedParts(nn.Module):
    """The fields of the part that each point lies in, the deepest, picked out by its number."""

    low: Tensor
    high: Tensor

    def __init__(self, model: ByPart):
        super().__init__()
        if model.shapes is None:
            got = "parts that are made of functions, or of points"
            raise refuse("solution.export(...)", expected="parts of plain shapes", got=got)
        self.inner = closed(model.inner)
        self.domain, self.columns = parts_of(model.shapes)
        box = torch.tensor(model.bounds, dtype=torch.float64)
        self.register_buffer("low", box[:, 0].clone())
        self.register_buffer("high", box[:, 1].clone())

    def forward(self, x: Tensor) -> Tensor:
        points = self.low + (x.double() + 1) / 2 * (self.high - self.low)
        owner = self.domain.depth(points[:, self.columns]).argmax(dim=1)
        each = self.inner(x).unflatten(1, (len(self.domain.parts), -1))
        return each.gather(1, owner[:, None, None].expand(-1, 1, each.shape[2]))[:, 0]


class ClosedLift(nn.Module):
    """offset(x) + factor(x) inner(x)."""

    def __init__(self, model: Lifted):
        super().__init__()
        self.inner, self.functions = closed(model.inner), model.functions

    def forward(self, x: Tensor) -> Tensor:
        factor, offset = self.functions(x)
        return offset + factor * self.inner(x)


class ClosedEmbedding(nn.Module):
    """A network behind Fourier features."""

    def __init__(self, model: Embedded):
        super().__init__()
        self.embedding, self.inner = model.embedding, closed(model.inner)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.embedding(x))


def _closed_parts(model: ByPart) -> nn.Module:
    """Of a march the modes themselves, which each point finds in its own cell; of others the outputs of its part."""
    return ClosedMarch(model.inner) if isinstance(model.inner, Evolved) else ClosedParts(model)


_MAKERS: dict[type, Callable[..., nn.Module]] = {
    ByPart: _closed_parts,
    Embedded: ClosedEmbedding,
    Evolved: ClosedMarch,
    GMNM: ClosedMixture,
    KAN: ClosedKan,
    Lifted: ClosedLift,
    MLP: ClosedPerceptron,
    Normalized: ClosedScale,
    Patchwork: ClosedPatches,
    TimeBlocks: ClosedBlocks,
}
"""What makes a model closed, by its kind."""
