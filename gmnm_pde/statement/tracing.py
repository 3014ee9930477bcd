"""A term is run on made-up numbers, to learn which derivatives it needs and whether it is linear."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde._modes import in_ordinary_mode
from gmnm_pde.geometry import Domain
from gmnm_pde.jets import Field, Frame, GivenSource
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.statement.probes import MAGNITUDES, MODERATE, Drawn, Place, Probe, Ranges, all_magnitudes
from gmnm_pde.statement.terms import Term, Trace

_POINTS = 8
"""Points of a term's region on which it is run first."""

_MORE, _ROWS = 32, 1024
"""Points on which it is run with numbers of all magnitudes, and how many rows these are used for, each many times."""


@in_ordinary_mode
def traced(term: Term, domain: Domain, fields: Sequence[str], parameters: Mapping[str, float]) -> Term:
    """The term with its trace, which is read off while it is evaluated at a few of its points with random fields.

    Raises:
        GmnmError: its residual is no residual: wrong shape, no unknown in it, not pointwise, not the same twice, or a
            part of it hidden from differentiation.
    """
    place = Place.first(sample(term.region, _POINTS, "sobol", seed=1), _POINTS)
    generator = torch.Generator().manual_seed(1)
    source = Drawn(lambda output, alpha: torch.randn(len(place), generator=generator, dtype=torch.float64))
    drawn = torch.Generator().manual_seed(1)
    guesses = {
        name: guess + 0.05 * (abs(guess) or 1.0) * torch.rand(len(place), generator=drawn, dtype=torch.float64)
        for name, guess in parameters.items()
    }
    first = Probe(term, domain, fields, place, source, guesses)
    for name in first.residuals:
        if not first.slopes(name):
            raise GmnmError(
                f"the residual '{name}' does not depend on any unknown: expected an expression in "
                f"{', '.join((*fields, *parameters))}, got one without. Check what the function returns."
            )
    first.refuse_random()
    first.refuse_nonlocal()
    scan = _scan(term, domain, fields, parameters)
    scan.refuse_nonlocal()
    linear = scan.affine() and not first.curved()
    if not linear:
        first.refuse_missing_slopes()
        _scan(term, domain, fields, parameters, MODERATE).refuse_missing_slopes()
    breaks = sorted(set().union(*(first.frame.breaks.get(name, ()) for name in domain.time)))
    over_space = bool(first.frame.integrals)
    trace = Trace(tuple(first.residuals), tuple(source.asked), linear, tuple(breaks), over_space)
    return replace(term, trace=trace)


@in_ordinary_mode
def with_ranges(
    terms: Sequence[Term], domain: Domain, fields: Sequence[str], parameters: Mapping[str, float]
) -> tuple[Term, ...]:
    """The terms; those that only seemed linear, since what they do at values that conditions prescribe was not seen."""
    ranges = prescribed_ranges(terms, domain, fields, parameters)
    if not ranges:
        return tuple(terms)
    checked = []
    for term in terms:
        if term.trace.linear and term.data is None:
            scan = _scan(term, domain, fields, parameters, MODERATE, ranges)
            if not scan.affine():
                scan.refuse_missing_slopes()
                term = replace(term, trace=replace(term.trace, linear=False))
        checked.append(term)
    return tuple(checked)


def prescribed_ranges(
    terms: Sequence[Term], domain: Domain, fields: Sequence[str], parameters: Mapping[str, float]
) -> dict[int, tuple[float, float]]:
    """The least and the largest of the values that conditions and data prescribe, of the fields that have any."""
    found: dict[int, list[Tensor]] = {}
    for term in terms:
        if term.data is not None and term.data.order == 0:
            values = prescribed(term, domain, fields, parameters, sample(term.region, _MORE, "sobol", seed=1))
            found.setdefault(fields.index(term.data.field), []).append(values[values.isfinite()])
    known = {k: torch.cat(values) for k, values in found.items()}
    return {k: (values.min().item(), values.max().item()) for k, values in known.items() if len(values)}


def prescribed(
    term: Term, domain: Domain, fields: Sequence[str], parameters: Mapping[str, float], cloud: Cloud
) -> Tensor:
    """The values that a term prescribes at its points, [n]: its residual at zero fields with the sign turned."""
    n, d = cloud.points.shape
    frame = Frame(domain.coordinates, cloud.points, time=domain.time, normals=cloud.normals)
    zero = GivenSource({(0,) * d: cloud.points.new_zeros(n, len(fields))})
    values = {name: Field(frame, zero, k, name=name) for k, name in enumerate(fields)}
    guesses = {name: cloud.points.new_full((n,), guess) for name, guess in parameters.items()}
    (residual,) = term.evaluate(frame, {**values, **guesses}).values()
    return 0.0 - residual.detach()  # and not -0.0, which messages would show


def _scan(
    term: Term,
    domain: Domain,
    fields: Sequence[str],
    parameters: Mapping[str, float],
    span: tuple[float, float] = MAGNITUDES,
    ranges: Ranges | None = None,
) -> Probe:
    """The term on numbers of all magnitudes in a span."""
    cloud = sample(term.region, _MORE, "sobol", seed=1)
    place = Place.first(cloud, _MORE, math.ceil(_ROWS / min(_MORE, len(cloud))))
    draw = all_magnitudes(place, 2, span, ranges)
    return Probe(term, domain, fields, place, Drawn(draw), {name: draw() for name in parameters})
