"""The paper's series (its equation 5): a sum of products of delayed sines, and what a network sees of them."""

from dataclasses import dataclass

import torch
from torch import Tensor

START, END = 0.5, 100.0


@dataclass(frozen=True)
class Signals:
    """Windows of four signals x_i(t) = a_i sin t + b_i with the value to forecast.

    Attributes:
        amplitudes: a [4].
        offsets: b [4].
        windows: The last steps of the signals, up to t itself, [samples, steps, 4].
        values: y(t), [samples, 1].
    """

    amplitudes: Tensor
    offsets: Tensor
    windows: Tensor
    values: Tensor

    def __str__(self) -> str:
        pairs = zip(self.amplitudes.tolist(), self.offsets.tolist(), strict=True)
        terms = (f"x{k + 1} = {a:.4f} sin t {b:+.4f}" for k, (a, b) in enumerate(pairs))
        told = f"variance of y {self.values.var():.3g}, of which {self.hidden():.3g} is not in the signals at one time"
        return f"{', '.join(terms)}; {told}"

    def hidden(self) -> float:
        """The mean squared error of the best function of the signals at the same time.

        They are all functions of sin t, and y is quadratic in sin t and cos t: the rest shows in their change alone.
        """
        now = self.windows[:, -1, :1]
        powers = torch.cat([torch.ones_like(now), now, now.square()], dim=1)
        weights = torch.linalg.lstsq(powers, self.values).solution
        return float((self.values - powers @ weights).square().mean())


def draw(samples: int = 10_000, steps: int = 10, *, scale: float = 1.0, seed: int = 0) -> Signals:
    """The series at evenly spaced times in [0.5, 100], with a_i and b_i drawn uniformly from [-scale, scale].

    y(t) = x3(t) x4(t - 0.1) - x3(t - 0.5) x1(t - 0.1) + x4(t) x3(t) - x2(t - 0.5) x1(t - 0.2), from the signals as
    functions of t, since the delays are no multiples of the step. Computed in double precision.
    """
    generator = torch.Generator().manual_seed(seed)
    a, b = scale * (2 * torch.rand(2, 4, generator=generator, dtype=torch.float64) - 1)
    t = torch.linspace(START, END, samples, dtype=torch.float64)

    def x(number: int, delay: float = 0.0) -> Tensor:
        return a[number - 1] * torch.sin(t - delay) + b[number - 1]

    y = x(3) * x(4, 0.1) - x(3, 0.5) * x(1, 0.1) + x(4) * x(3) - x(2, 0.5) * x(1, 0.2)
    delays = (t[1] - t[0]) * torch.arange(steps - 1, -1, -1)
    windows = a * torch.sin(t[:, None, None] - delays[:, None]) + b
    return Signals(a, b, windows, y[:, None])
