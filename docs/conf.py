"""Sphinx settings: sphinx-build -W -b html docs docs/_build/html."""

import re
import sys
from pathlib import Path

from gmnm_pde import __version__

sys.path.insert(0, str(Path(__file__).parent))  # for _gallery

project = "gmnm-pde"
author = "the gmnm-pde authors"
copyright = author
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "gallery/*.md5", "sg_execution_times.rst"]
html_theme = "pydata_sphinx_theme"
html_title = "gmnm-pde"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_context = {"default_mode": "auto"}  # of day and night; without it the theme complains in the console
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"**": ["sidebar-nav-bs"], "index": [], "api": [], "gallery/index": []}  # where it would be empty

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"benchmarks",
    "within_subsection_order": "_gallery.Order",
    "image_scrapers": ("_gallery.figures",),
    "reset_modules": (),
    "reset_argv": "_gallery.arguments",
    "thumbnail_size": (480, 320),
    "remove_config_comments": True,
    "parallel": 2,
    "download_all_examples": False,
    "show_signature": False,
    "show_memory": False,
    "min_reported_time": 1e9,
    "nested_sections": False,
}


def escape_norms(app, what, name, obj, options, lines):
    """Docstrings write |a| for a norm, which reStructuredText would take for a substitution."""
    for k, line in enumerate(lines):
        lines[k] = "".join(part if part.startswith("``") else part.replace("|", r"\|") for part in _LITERAL.split(line))


_LITERAL = re.compile(r"(``.*?``)")


def leave_readmes_alone(app):
    """Folders of scripts with a README.md are no sections of the gallery; those with a GALLERY_HEADER.rst are."""
    app.config.sphinx_gallery_conf["source_suffix"] = [".rst"]


def setup(app):
    app.connect("autodoc-process-docstring", escape_norms)
    app.connect("builder-inited", leave_readmes_alone, priority=100)  # before the gallery is made
