"""Packages that only some exports and imports need."""

import importlib
from typing import Any

from gmnm_pde._errors import refuse


def extra(package: str, call: str, name: str) -> Any:
    """A package that the extra ``name`` of this library brings along.

    Raises:
        GmnmError: it is not installed; the message says how it is.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        remedy = f'Install it: pip install "gmnm-pde[{name}]"'
        raise refuse(call, expected=f"the package {package.partition('.')[0]}", got="none", remedy=remedy) from None
