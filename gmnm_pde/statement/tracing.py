"""A term is run once on random numbers, to learn which derivatives it needs and whether it is linear."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.geometry import Domain
from gmnm_pde.jets import Alpha, Field, Frame, GivenSource, ProbeSource
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.statement.terms import Term, Trace

_POINTS = 8
"""Points of a term's region on which it is run once."""


@torch.enable_grad()
def traced(term: Term, domain: Domain, fields: Sequence[str], parameters: Mapping[str, float]) -> Term:
    """The term with its trace, which is read off while it is evaluated at a few of its points with random fields.

    Raises:
        GmnmError: its residual is no residual: wrong shape, no unknown in it, or not pointwise.
    """
    cloud = _head(sample(term.region, _POINTS, "sobol", seed=1), _POINTS)
    first, second = (_Probe(term, domain, fields, parameters, cloud, seed) for seed in (1, 2))
    if not first.source.asked and not first.depends_on_parameters:
        raise GmnmError(
            f"the residual '{term.name}' does not depend on any unknown: expected an expression in "
            f"{', '.join((*fields, *parameters))}, got one without. Check what the function returns."
        )
    first.refuse_nonlocal()
    trace = Trace(tuple(first.residuals), tuple(first.source.asked), first.same_slopes(second))
    return replace(term, trace=trace)


class _Probe:
    """One evaluation of a term on random numbers."""

    def __init__(
        self,
        term: Term,
        domain: Domain,
        fields: Sequence[str],
        parameters: Mapping[str, float],
        cloud: Cloud,
        seed: int,
    ):
        self.term, self.domain, self.fields, self.cloud = term, domain, fields, cloud
        self.source = ProbeSource(len(cloud), seed=seed)
        generator = torch.Generator().manual_seed(seed)
        self.parameters = {
            name: (
                guess + 0.05 * (abs(guess) or 1.0) * torch.rand(len(cloud), generator=generator, dtype=torch.float64)
            ).requires_grad_()
            for name, guess in parameters.items()
        }
        self.residuals = self._evaluate(self.source, cloud, self.parameters)
        self.slopes = {name: self._slopes(residual) for name, residual in self.residuals.items()}

    def _evaluate(self, source, cloud: Cloud, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        d = self.domain
        frame = Frame(d.coordinates, cloud.points, time=d.time, normals=cloud.normals, rows=slice(0, len(cloud)))
        values = {name: Field(frame, source, k, name=name) for k, name in enumerate(self.fields)}
        return self.term.evaluate(frame, {**values, **parameters})

    def _slopes(self, residual: Tensor) -> dict[object, Tensor]:
        inputs = {**self.source.asked, **self.parameters}
        if not residual.requires_grad or not inputs:
            return {}
        partials = torch.autograd.grad(residual.sum(), list(inputs.values()), retain_graph=True, allow_unused=True)
        return {key: slope for key, slope in zip(inputs, partials, strict=True) if slope is not None}

    @property
    def depends_on_parameters(self) -> bool:
        return any(name in slopes for slopes in self.slopes.values() for name in self.parameters)

    def same_slopes(self, other: "_Probe") -> bool:
        """Whether the partial derivatives do not depend on the unknowns: then the term is affine in them."""
        for name, slopes in self.slopes.items():
            others = other.slopes[name]
            if slopes.keys() != others.keys():
                return False
            for key, slope in slopes.items():
                if not torch.allclose(slope, others[key], rtol=1e-9, atol=1e-12, equal_nan=True):
                    return False
        return True

    def refuse_nonlocal(self) -> None:
        """Rows must not depend on one another: the solver linearises point by point."""
        half = max(1, len(self.cloud) // 2)
        jets: dict[Alpha, Tensor] = {}
        for (output, alpha), value in self.source.asked.items():
            jet = jets.setdefault(alpha, torch.zeros(half, len(self.fields), dtype=value.dtype))
            jet[:, output] = value[:half].detach()
        parameters = {name: value[:half].detach() for name, value in self.parameters.items()}
        again = self._evaluate(GivenSource(jets), _head(self.cloud, half), parameters)
        for name, residual in self.residuals.items():
            if not torch.allclose(residual[:half], again[name], rtol=1e-9, atol=1e-9, equal_nan=True):
                raise GmnmError(
                    f"the residual '{name}' at one point depends on other points: expected a pointwise expression, got "
                    "one with a sum, mean or maximum over points. Take the reduction out of the function."
                )


def _head(cloud: Cloud, n: int) -> Cloud:
    """The first ``n`` points."""
    return Cloud(cloud.points[:n], None if cloud.normals is None else cloud.normals[:n])
