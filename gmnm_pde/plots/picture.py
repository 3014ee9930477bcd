"""Figures that show themselves: at the end of a notebook's cell, and in a window of a script."""

import io
import warnings
from typing import Any

from matplotlib.figure import Figure

from gmnm_pde._errors import NumericalWarning


class Picture(Figure):
    """A figure of matplotlib without pyplot's global state, which notebooks show and ``show()`` opens in a window."""

    def _repr_png_(self) -> bytes:
        return self.png()

    def png(self) -> bytes:
        """The figure as a PNG file."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=self.dpi)
        return file.getvalue()

    def show(self, warn: bool = True) -> None:
        """Show the figure: below the cell in a notebook, else in a window until that is closed.

        Where there is no screen it warns; ``figure.savefig(path)`` writes a file anywhere.
        """
        if _shown_in_notebook(self):
            return
        import matplotlib.pyplot as plt  # here: it chooses a backend for the whole process, which figures do not need

        backend: Any = plt._get_backend_mod()  # type: ignore[attr-defined]
        if getattr(backend.FigureCanvas, "required_interactive_framework", None) is None:
            if warn:
                message = (
                    f"There is no window to show figures in ({plt.get_backend()}); figure.savefig(path) writes one."
                )
                warnings.warn(message, NumericalWarning, stacklevel=2)
            return
        manager = backend.new_figure_manager_given_figure(1, self)
        manager.show()
        backend.FigureManager.start_main_loop()


def _shown_in_notebook(figure: Picture) -> bool:
    try:
        from IPython import get_ipython  # type: ignore[attr-defined]  # here: most have no notebook
        from IPython.display import display  # type: ignore[import-not-found]
    except ImportError:
        return False
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return False
    display(figure)
    return True
