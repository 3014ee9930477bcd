"""How rows of parts with different coefficients, such as several materials, weigh against one another.

Where a part of large conductivity takes up what others let through, a unit of flux has to weigh alike in all parts;
where its own field is large, a little of its flux would spoil the fields of the others, and a unit of the fields has
to. Which of the two a problem needs is told by small trials and their error estimates.
"""

from dataclasses import dataclass, field, replace

from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.fitting.discretization import Setup, systems
from gmnm_pde.fitting.estimate import estimate_error
from gmnm_pde.fitting.fit import fit
from gmnm_pde.residuals import PatchworkSystem, strengths_of
from gmnm_pde.run.run import Run


@dataclass(frozen=True)
class Weighing:
    """The numbers of the trials."""

    powers: tuple[float, ...] = (1.0, 0.0)
    """The powers of the size of a part's coefficients that are tried."""
    components: ByDimension = field(default=ByDimension(line=30, plane=150, space=250, beyond=300))
    """Components of each part's mixture in a trial, of two parts; with more of them fewer, by the root."""
    least: int = 8
    """Components of mixtures that only show how large coefficients are."""
    alike: float = 1.5
    """Parts whose coefficients differ by no more than this factor weigh alike in any case."""
    width: float = 1.5
    """The slope of the trials' components."""


def choose_contrast(setup: Setup, run: Run, numbers: Weighing | None = None) -> Setup:
    """The setup with the power by which a part's coefficients weigh, chosen by trials where the domain has parts."""
    if not setup.problem.domain.parts:
        return setup
    numbers, width = numbers or Weighing(), setup.widths_or((numbers or Weighing()).width)
    system, _ = systems(setup, setup.model(numbers.least, width), numbers.least)
    assert isinstance(system, PatchworkSystem)
    if max(strengths_of(system).values()) < numbers.alike:
        return setup
    each = round(numbers.components.of(setup.dimension) / (len(setup.problem.domain.parts) / 2) ** 0.5)
    components = min(setup.mixture.components or each, each)
    errors = []
    for power in numbers.powers:
        trial = replace(setup, partition=None, by_flux=power)
        fitted = fit(trial, components, width, monitor=run)
        errors.append(estimate_error(fitted, run.points).overall)
    best = min(range(len(errors)), key=errors.__getitem__)
    return replace(setup, by_flux=numbers.powers[best])
