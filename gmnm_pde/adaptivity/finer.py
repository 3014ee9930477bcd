"""How much error a residual may hide in an ill-posed problem, by the stability constants of a finer mixture.

There the constants grow without end with the mixture: a fit does not see what a finer one could have added. That is
taken up to what a mixture of some hundred components shows; the solution is as smooth as that, or the estimate fails.
"""

from dataclasses import dataclass, field

import torch

from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.fit import Fit, fit
from gmnm_pde.fitting.stability import stability_of
from gmnm_pde.fitting.widths import narrowed
from gmnm_pde.residuals import FieldMap
from gmnm_pde.run.run import Run

_LEAST, _WIDTH = ByDimension(line=150, plane=600, space=1200, beyond=1500), 3.0
"""Components of the finer mixture, at least, and their slope then: dense and narrow ones show more of what is hidden.
Of heat backwards with a part of 1e-7 that grows to 0.3, a slope of 1.5 shows a hundredth of it."""

_FACTOR, _MOST = 2.0, 1500
"""It has so many times as many components as the fit, but no more unknowns than this."""


@dataclass(frozen=True)
class Finer:
    """Finer mixtures for the fits of one solve, each made once."""

    setup: Setup
    known: dict[int, tuple[float, ...]] = field(default_factory=dict)

    def constants(self, fitted: Fit, run: Run) -> tuple[float, ...]:
        """The constants of each field, absolute, of a mixture that is finer than that of a fit."""
        assert fitted.components is not None
        setup, fields = self.setup, len(self.setup.problem.fields)
        least = _LEAST.of(setup.dimension)
        components = min(max(least, _FACTOR * fitted.components * fields), _MOST) / fields
        components = max(fitted.components, round(components))
        if components in self.known and setup.problem.linear:
            return self.known[components]
        widths = setup.given_widths or narrowed((_WIDTH,) * setup.dimension, components * fields / least)
        finer = fit(setup, components, widths, initial_guess=fitted, monitor=run)
        size = torch.ones(fields, dtype=setup.dtype, device=setup.device)
        self.known[components] = stability_of(finer, FieldMap(finer.system, run.points), size).by_field
        return self.known[components]
