"""The Gaussian mixture network module of the paper (section 3)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.models.mixtures.bumps import Diagonal, Full
from gmnm_pde.models.mixtures.kernels import Affine, Kernel, Literal
from gmnm_pde.models.mixtures.periodic import PeriodicRidge
from gmnm_pde.multiindex import Alpha, Operator

KERNELS: dict[str, Callable[[int, int, float], Kernel]] = {
    "affine": Affine,
    "literal": Literal,
    "diagonal": Diagonal,
    "full": Full,
}


class GMNM(nn.Module):
    """A Gaussian mixture network: outputs_o(x) = sum_j pi_oj phi_j(x), with real, unnormalised mixture weights pi.

    A torch module like any other: usable in any network, for inputs [..., in_features]. Its derivatives of any order
    are Hermite polynomials times the components themselves (``output_jet``, ``feature_combination``).

    Args:
        in_features: d, the number of coordinates.
        out_features: The number of outputs; they share the components.
        components: How many Gaussians.
        form: ``affine`` (ridges, 2d + out_features parameters each: ``GMNM(2, 1, 900)`` has the paper's 4,500),
            ``literal`` (the same ridges in the paper's two stages), ``diagonal`` or ``full`` (Mahalanobis bumps).
        trainable_centers: Whether the centres mu are parameters, as in the paper's section 4, or fixed after
            initialisation, as in its section 5.
        scale: The norm of a component's slope at the start: large means narrow. Inputs are expected near [-1, 1].
        periodic: Numbers of coordinates along which the outputs are to have period 2, the length of [-1, 1]; with the
            affine form alone, whose ridges are then wound around a circle.

    Raises:
        GmnmError: an unknown form, a count that is not positive, or a periodic axis that the model does not have.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        components: int,
        *,
        form: str = "affine",
        trainable_centers: bool = True,
        scale: float = 2.0,
        periodic: Sequence[int] = (),
    ):
        super().__init__()
        call = f"{type(self).__name__}({in_features}, {out_features}, {components}, form={form!r})"
        for name, count in (
            ("in_features", in_features),
            ("out_features", out_features),
            ("components", components),
        ):
            if not isinstance(count, int) or count < 1:
                raise refuse(call, expected=f"{name} to be a positive integer", got=repr(count))
        if form not in KERNELS:
            raise refuse(call, expected="a form", got=repr(form), remedy=nearest(form, KERNELS))
        self.in_features, self.out_features, self.components, self.form = in_features, out_features, components, form
        if any(axis not in range(in_features) for axis in periodic) or (periodic and form != "affine"):
            expected = "numbers of coordinates, with form='affine'"
            raise refuse(f"{call}: periodic={periodic}", expected=expected, got=f"{periodic} with form={form!r}")
        self.trainable_centers, self.periodic = trainable_centers, tuple(periodic)
        self.centers: Tensor
        centers = 2 * torch.rand(components, in_features) - 1
        if trainable_centers:
            self.centers = nn.Parameter(centers)
        else:
            self.register_buffer("centers", centers)
        size = (in_features, components, scale)
        self.kernel: Kernel = PeriodicRidge(*size, periodic) if periodic else KERNELS[form](*size)
        self.weights = nn.Parameter(torch.randn(out_features, components) / components**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs at x [..., in_features]: [..., out_features]."""
        return self.features(x) @ self.weights.mT

    def features(self, x: Tensor) -> Tensor:
        """The components at x [..., in_features]: [..., components]."""
        if x.shape[-1] != self.in_features:
            call = f"{type(self).__name__}.forward(x)"
            raise refuse(call, expected=f"x of shape [..., {self.in_features}]", got=f"shape {list(x.shape)}")
        flat = self.kernel(x.reshape(-1, self.in_features), self.centers)
        return flat.reshape(*x.shape[:-1], self.components)

    @property
    def readout(self) -> Tensor:
        """The mixture weights pi, [out_features, components]."""
        return self.weights

    @torch.no_grad()
    def set_readout(self, readout: Tensor) -> None:
        """Put other mixture weights, [out_features, components], in place."""
        self.weights.copy_(readout)

    def output_jet(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives of the outputs at x [n, d] in closed form: for each alpha, [n, out_features]."""
        return self.kernel.contract(x, self.centers, alphas, self.weights)

    def output_combination(self, x: Tensor, coefficients: Operator) -> Tensor:
        """sum_alpha c_alpha D^alpha of every output at x [n, d], for c_alpha of shape [n] or []: [n, out_features].

        A ridge keeps nothing of the size [n, components] for the backward pass.
        """
        return self.kernel.mix(x, self.centers, coefficients, self.weights)

    def output_rows(self, x: Tensor, coefficients: Operator, output: int) -> dict[str, Tensor]:
        """The derivatives of one output's ``output_combination`` by every trained parameter, each [n, *its shape]."""
        rows = {name: x.new_empty(len(x), *p.shape) for name, p in self.named_parameters() if p.requires_grad}
        into = {name.removeprefix("kernel."): of_parameter for name, of_parameter in rows.items()}
        if "weights" in into:
            into["weights"] = into["weights"].zero_()[:, output]
        self.kernel.fill_rows(x, self.centers, coefficients, self.weights[output], into)
        return rows

    def feature_combination(self, x: Tensor, coefficients: Mapping[Alpha, Tensor]) -> Tensor:
        """sum_alpha c_alpha D^alpha phi_j at x [n, d], for c_alpha of shape [n] or []: [n, components]."""
        return self.kernel.combine(x, self.centers, coefficients)

    def config(self) -> dict[str, Any]:
        """The arguments that build a model of this shape."""
        names = ("in_features", "out_features", "components", "form", "trainable_centers")
        arguments = {name: getattr(self, name) for name in names}
        return {**arguments, "periodic": self.periodic} if self.periodic else arguments

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.config().items())
