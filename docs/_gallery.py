"""Pictures for the gallery: figures that an example holds in its variables.

The library makes figures without pyplot, so that no global state is touched; sphinx-gallery's own scraper looks for
pyplot figures only.
"""

from typing import Any
from weakref import WeakSet

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

_saved: WeakSet[Figure] = WeakSet()


def figures(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save each figure that the last block made, and return the reStructuredText that shows it."""
    paths = []
    for value in list(block_vars["example_globals"].values()):
        if isinstance(value, Figure) and value not in _saved:
            _saved.add(value)
            path = next(block_vars["image_path_iterator"])
            value.savefig(path, dpi=150)
            paths.append(path)
    return figure_rst(paths, gallery_conf["src_dir"]) if paths else ""


ORDER = (
    "poisson_in_ten_lines",
    "shapes",
    "navier_stokes_system",
    "shock",
    "solitons",
    "wave_in_space_time",
    "eigenmodes",
    "three_dimensions",
    "inverse_conductivity",
    "tolerance_and_error_estimate",
    "mahalanobis_components",
    "train_a_network",
)
"""The examples as they are shown; others come last."""


class Order:
    """The key by which sphinx-gallery sorts the files of a folder."""

    def __init__(self, folder: str):
        self.folder = folder

    def __call__(self, filename: str) -> tuple[int, str]:
        """The place of a file."""
        stem = filename.removesuffix(".py")
        return ORDER.index(stem) if stem in ORDER else len(ORDER), stem


def arguments(gallery_conf: dict[str, Any], script_vars: dict[str, Any]) -> list[str]:
    """What the scripts are run with, for those that take arguments."""
    return ["--quick"]
