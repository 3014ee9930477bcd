"""The size of functions on a layout, from the coefficients of their polynomials."""

import torch
from torch import Tensor

from gmnm_pde.boxes.cut_layout import CutLayout
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.linalg.qr import triangular


class Sizes:
    """Coefficients [boxes, fields, count] as numbers whose mean square over the domain is that of the functions.

    Polynomials are orthonormal on a box; of one that is cut a triangular factor gives the size on the part inside.
    """

    def __init__(self, layout: Layout, degrees: Degrees):
        self._roots = layout.shares.sqrt()[:, None, None]
        self._triangles: dict[int, Tensor] = {}
        if isinstance(layout, CutLayout) and layout.cut:
            zero = (0,) * layout.dimension
            parts = layout.samples(degrees.inside)
            for k, (points, weights) in zip(layout.cut, parts, strict=True):
                unit = (points - layout.middles[k]) / layout.halves[k]
                table = degrees.basis.jet(unit, (zero,))[zero]
                found = triangular(table * (weights / weights.sum()).sqrt()[:, None])
                self._triangles[k] = torch.nn.functional.pad(found, (0, 0, 0, len(degrees.basis) - len(found)))

    def times(self, coefficients: Tensor) -> Tensor:
        """From coefficients to numbers."""
        found = self._roots * coefficients
        for k, triangle in self._triangles.items():
            found[k] = found[k] @ triangle.mT
        return found

    def transposed(self, numbers: Tensor) -> Tensor:
        """The transposed map."""
        found = self._roots * numbers
        for k, triangle in self._triangles.items():
            found[k] = found[k] @ triangle
        return found

    def of(self, coefficients: Tensor) -> Tensor:
        """By field, the root mean square of functions, [fields]."""
        return torch.stack([own.norm() for own in self.times(coefficients).unbind(1)])

    def means(self, coefficients: Tensor) -> Tensor:
        """By field, the mean of functions, [fields]."""
        constant, numbers = self.times(self._one(coefficients)), self.times(coefficients)
        return (constant * numbers).sum(dim=(0, 2))

    def about_mean(self, coefficients: Tensor) -> Tensor:
        """By field, the root mean square of how functions differ from their means, [fields]."""
        constant, numbers = self.times(self._one(coefficients)), self.times(coefficients)
        means = (constant * numbers).sum(dim=(0, 2), keepdim=True)
        return torch.stack([own.norm() for own in (numbers - means * constant).unbind(1)])

    @staticmethod
    def _one(coefficients: Tensor) -> Tensor:
        """The coefficients of the constant 1, as many as of one field."""
        constant = torch.zeros_like(coefficients[:, :1])
        constant[:, :, 0] = 1.0
        return constant
