"""Functions fitted to samples: mixtures whose size, widths and penalty have the least error at samples left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde.fitting.widths import Widths, narrowed, search_widths
from gmnm_pde.models import Mixture
from gmnm_pde.models.mixtures.gmnm import GMNM

_SIZES = (16, 32, 64, 128, 256, 512)
"""Numbers of components that are tried one after the other, where none is given."""

_WIDTH = 1.0
"""Slopes of the first components, for inputs in [-1, 1]^d."""

_GAIN, _LITTLE = 0.9, 0.5
"""More components are tried while they lower the error left out to this part of what it was, or while such a part of
the targets is left: what oscillates shows nothing to few."""

_NARROWER = (4.0, 16.0)
"""As long as that is so slopes are searched from those that are so many times as large, too."""

_PENALTIES = torch.logspace(-30, 4, 69, dtype=torch.float64)
"""Penalties of the squares of coefficients, in parts of the largest eigenvalue."""

_NEAR, _RIVALS = 1.5, 4
"""Fits whose error left out is at most so many times the least are almost as good, and so many of them are kept."""

_BATCH = 8192


@dataclass(frozen=True)
class Ridge:
    """The coefficients of features for some targets.

    Attributes:
        coefficients: [features, targets].
        spread: A root of their covariance over the variance of the noise, [features, features].
        left_out: The root mean squared error at samples that are left out, each of them once, [targets].
        variance: Of the noise, [targets].
    """

    coefficients: Tensor
    spread: Tensor
    left_out: Tensor
    variance: Tensor

    @classmethod
    def of(cls, features: Tensor, targets: Tensor) -> "Ridge":
        """The fit with the penalty of least error left out, by one decomposition of the features [n, m]."""
        u, s, vt = torch.linalg.svd(features, full_matrices=False)
        inner = u.mT @ targets
        outside = targets - u @ inner
        free = (1 - u.square().sum(dim=1)).clamp_min(0)
        best: tuple[Tensor, Tensor, Tensor, Tensor] | None = None
        for penalty in _PENALTIES * s[0] ** 2:
            part = penalty / (s.square() + penalty)
            left = free + u.square() @ part
            errors = (outside + u @ (part[:, None] * inner)) / left.clamp_min(1e-300)[:, None]
            rounding = torch.finfo(s.dtype).eps * s[0] * ((s / (s.square() + penalty))[:, None] * inner).norm(dim=0)
            total = errors.square().mean() + rounding.square().mean()
            if best is None or total < best[0]:
                best = total, penalty, errors, left
        assert best is not None
        _, penalty, errors, left = best
        coefficients = vt.mT @ ((s / (s.square() + penalty))[:, None] * inner)
        return cls(
            coefficients,
            vt.mT / (s.square() + penalty).sqrt(),
            errors.square().mean(dim=0).sqrt(),
            (errors.square() * left[:, None]).mean(dim=0),
        )


@dataclass(frozen=True)
class Regression:
    """A mixture with the coefficients of its features, of a constant and of the inputs themselves.

    Attributes:
        model: The mixture.
        widths: Its slopes.
        ridge: The coefficients.
        rivals: Fits that are almost as good, whose differences are a part of the error.
    """

    model: GMNM
    widths: Widths
    ridge: Ridge
    rivals: "tuple[Regression, ...]" = ()

    @property
    def left_out(self) -> float:
        """The error at samples left out, over all targets."""
        return self.ridge.left_out.norm().item()

    def predict(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """The targets at inputs [n, d], and the variances of their errors, noise included, [n, targets] each.

        Beyond [-1, 1]^d, where there were no samples, deviations grow by that of the targets, 1, in each unit.
        """
        parts = [self._of(batch) for batch in inputs.split(_BATCH)]
        values, variances = (torch.cat(part) for part in zip(*parts, strict=True))
        if self.rivals:
            others = torch.stack([rival.predict(inputs)[0] for rival in self.rivals])
            variances = variances + (others - values).square().mean(dim=0)
        return values, variances

    def _of(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        features = design(self.model, inputs)
        reach = (features @ self.ridge.spread).square().sum(dim=1)
        beyond = (inputs.abs() - 1).clamp_min(0).square().sum(dim=1)
        return features @ self.ridge.coefficients, (1 + reach)[:, None] * self.ridge.variance + beyond[:, None]


@torch.no_grad()
def design(model: GMNM, inputs: Tensor) -> Tensor:
    """A constant, the inputs and the features of a model at inputs [n, d]: [n, 1 + d + components]."""
    return torch.cat([torch.ones_like(inputs[:, :1]), inputs, model.features(inputs)], dim=1)


def regress(
    inputs: Tensor,
    targets: Tensor,
    *,
    components: int | None = None,
    widths: Sequence[float] | None = None,
    seed: int = 0,
) -> Regression:
    """Fit targets [n, k] at inputs [n, d] in [-1, 1]^d.

    Args:
        inputs: Where.
        targets: What.
        components: How many; by default as many as lower the error left out, fewer than samples.
        widths: The slopes of the components, one for each input; by default those of least error left out.
        seed: Of the components.
    """
    d = inputs.shape[1]
    most = max(1, len(inputs) - d - 1)
    sizes = (components,) if components else sorted({min(size, most) for size in _SIZES})
    little = _LITTLE * targets.norm().item() / len(targets) ** 0.5
    best: Regression | None = None
    every: list[Regression] = []
    for size in sizes:
        fits: dict[Widths, Regression] = {}

        def error(tried: Widths, size: int = size, fits: dict[Widths, Regression] = fits) -> float:
            model = Mixture().draw(d, 1, size, tried, seed=seed)
            fits[tried] = Regression(model, tried, Ridge.of(design(model, inputs), targets))
            return fits[tried].left_out

        if widths is not None:
            found = tuple(float(width) for width in widths)
            error(found)
        else:
            first = (_WIDTH,) * d if best is None else narrowed(best.widths, size / best.model.components)
            plain = narrowed((_WIDTH,) * d, size / sizes[0])
            poor = best is not None and best.left_out > little
            starts = [first, *(tuple(factor * own for own in plain) for factor in _NARROWER if poor)]
            start = min(starts, key=error) if poor else first
            found = search_widths(error, start, octaves=(1.0, 0.5) if best is None else (0.5,), by_axis=d <= 4)
        every += fits.values()
        gains = best is None or fits[found].left_out < _GAIN * best.left_out
        best = fits[found] if best is None else min(best, fits[found], key=lambda one: one.left_out)
        if not gains and best.left_out <= little:
            break
    assert best is not None
    near = sorted((one for one in every if one is not best), key=lambda one: one.left_out)
    rivals = [one for one in near if one.left_out <= _NEAR * best.left_out]
    return replace(best, rivals=tuple(rivals[:_RIVALS]))
