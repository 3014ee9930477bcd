"""What a finer mixture than that of a fit shows of its error.

In an ill-posed problem the stability constants grow without end with the mixture: a fit does not see what a finer one
could have added. That is taken up to what a mixture of some hundred components shows; the solution is as smooth as
that, or the estimate fails. At resonance the solution may be simple, and the field that can be added to it is not: few
components show the one and not the other.
"""

from dataclasses import dataclass, field

import torch

from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.fit import Fit, fit
from gmnm_pde.fitting.stability import Stability, stability_of
from gmnm_pde.fitting.uniqueness import Doubt, resonant
from gmnm_pde.fitting.widths import narrowed
from gmnm_pde.residuals import FieldMap
from gmnm_pde.run.run import Run

_LEAST, _WIDTH = ByDimension(line=150, plane=600, space=1200, beyond=1500), 3.0
"""Components of the finer mixture, at least, and their slope then: dense and narrow ones show more of what is hidden.
Of heat backwards with a part of 1e-7 that grows to 0.3, a slope of 1.5 shows a hundredth of it."""

_FACTOR, _MOST = 2.0, 1500
"""It has so many times as many components as the fit, but no more unknowns than this."""


_SHOWING, _EACH = ByDimension(line=40, plane=14, space=7, beyond=3), ByDimension(line=3, plane=1, space=1, beyond=1)
"""So many components along each coordinate, and more of them for each half wave, show free fields."""

_SLOPES = (1.0, 0.15), (2.0, 0.6)
"""With two slopes, of so much and so much more for each half wave: flat components are limited by rounding."""

_AGREE, _UNCLEAR = 3.0, 1e4
"""Constants of both that differ by no more than the factor are those of the problem. If those of flat components are
above the second and still grow in the largest mixture, it may have many answers; else the smaller ones are believed:
steep components hide between points."""

_LARGER, _RATIO = 1.6, 10.0
"""As long as the constants grow with the mixture, it is made so many times larger. Those that end at less than the
factor times the fit's own are seen by that."""


@dataclass(frozen=True)
class Finer:
    """Finer mixtures for the fits of one solve, each made once."""

    setup: Setup
    known: dict[int, tuple[float, ...]] = field(default_factory=dict)
    shown: list[tuple[tuple[float, ...], float, Doubt]] = field(default_factory=list)

    def hidden(self, fitted: Fit, run: Run) -> tuple[tuple[float, ...], Doubt]:
        """The constants of each field, absolute, that a fit does not show; and whether its answer is one of many."""
        posed = self.setup.posed
        if posed.ill_posed:
            return self._constants(fitted, run), Doubt()
        return ((), Doubt()) if posed.half_waves is None else self._resonance(fitted, run)

    def _constants(self, fitted: Fit, run: Run) -> tuple[float, ...]:
        """The constants of each field of a mixture that is finer than that of a fit."""
        assert fitted.components is not None
        setup, fields = self.setup, len(self.setup.problem.fields)
        least = _LEAST.of(setup.dimension)
        components = min(max(least, _FACTOR * fitted.components * fields), _MOST) / fields
        components = max(fitted.components, round(components))
        if components in self.known and setup.problem.linear:
            return self.known[components]
        widths = setup.given_widths or narrowed((_WIDTH,) * setup.dimension, components * fields / least)
        finer = fit(setup, components, widths, initial_guess=fitted, monitor=run)
        self.known[components] = self._stability(finer, FieldMap(finer.system, run.points)).by_field
        return self.known[components]

    def _resonance(self, fitted: Fit, run: Run) -> tuple[tuple[float, ...], Doubt]:
        """The same where fields with some half waves may be free: constants if they are far above the fit's."""
        if not self.shown:
            self.shown.append(self._showing(fitted, run))
        constants, overall, doubt = self.shown[0]
        own = self._stability(fitted, FieldMap(fitted.system, run.points))
        return constants if overall > _RATIO * own.overall else (), doubt

    def _showing(self, fitted: Fit, run: Run) -> tuple[tuple[float, ...], float, Doubt]:
        """The constants of a mixture that shows free fields, of each field and of all, and whether there are some."""
        setup, waves = self.setup, self.setup.posed.half_waves
        assert waves is not None
        d, most = setup.dimension, _MOST / len(setup.problem.fields)
        components = min((_EACH.of(d) * waves + _SHOWING.of(d)) ** d, most)
        while True:
            shown = [
                self._shown(fitted, round(components), (slope + more * waves,) * d, run) for slope, more in _SLOPES
            ]
            (least, _), (stability, doubt) = sorted(shown, key=lambda one: one[0].overall)
            if doubt is None and stability.overall > _AGREE * least.overall:
                doubt = Doubt()
            at_end = _LARGER * components > most
            flat, growing = shown[0]
            if at_end and growing is not None and not growing.words and flat.overall > _UNCLEAR:
                words = "the answer may be one of many: components that are enough for its waves do not exclude it"
                stability, doubt = flat, Doubt(words, True)
            components *= _LARGER
            if doubt is None or doubt.words or at_end:
                told = least if doubt is not None and not doubt.words else stability
                return told.by_field, told.overall, doubt or Doubt()

    def _shown(
        self, fitted: Fit, components: int, widths: tuple[float, ...], run: Run
    ) -> tuple[Stability, Doubt | None]:
        """The constants of a mixture, and what it shows."""
        finer = fit(self.setup, components, widths, initial_guess=fitted, monitor=run)
        at = FieldMap(finer.system, run.points)
        stability = self._stability(finer, at)
        return stability, resonant(finer, stability, at, run.points)

    def _stability(self, fitted: Fit, fields: FieldMap) -> Stability:
        """The constants of a fit, absolute."""
        setup = self.setup
        size = torch.ones(len(setup.problem.fields), dtype=setup.dtype, device=setup.device)
        return stability_of(fitted, fields, size)
