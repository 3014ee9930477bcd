"""Choosing the widths of drawn components: a pattern search on a logarithmic scale, by a score on held-out points."""

from collections.abc import Callable, Sequence

Widths = tuple[float, ...]

_GAIN = 0.8
"""A move must lower the score at least to this part of it, so that noise does not lead the search about."""

_GAIN_ALONE = 0.5
"""The same for a move that makes coordinates differ, which takes a clearer gain."""


def search_widths(
    score: Callable[[Widths], float], start: Sequence[float], *, octaves: Sequence[float], by_axis: bool
) -> Widths:
    """The widths of least score that moves of the given sizes reach from ``start``.

    The score falls and rises once along each direction (too wide: nothing fine can be drawn; too narrow: the components
    do not overlap), so a local search finds the valley. All coordinates move together first, then each alone.

    Args:
        score: Lower is better; called once for each widths.
        start: Where to begin.
        octaves: Sizes of moves as powers of two, tried in order: 1 doubles and halves.
        by_axis: Whether coordinates also move alone.
    """
    known: dict[Widths, float] = {}

    def value(widths: Widths) -> float:
        if widths not in known:
            known[widths] = score(widths)
        return known[widths]

    best = tuple(float(width) for width in start)
    together = [tuple(range(len(best)))]
    alone = [(axis,) for axis in range(len(best))] if by_axis and len(best) > 1 else []
    for octave in octaves:
        for axes in (*together, *alone):
            gain = _GAIN if len(axes) == len(best) else _GAIN_ALONE
            for factor in (2.0**octave, 2.0**-octave):
                moved = _moved(best, axes, factor)
                stepped = False
                while value(moved) < gain * value(best):
                    best, stepped = moved, True
                    moved = _moved(best, axes, factor)
                if stepped:
                    break
    return best


def _moved(widths: Widths, axes: Sequence[int], factor: float) -> Widths:
    return tuple(round(w * factor, 9) if k in axes else w for k, w in enumerate(widths))
