"""Every case of the reports, by name; each of the modules imported here holds a section."""

from truth import (
    campaign,
    cousins,
    cousins_found,
    cousins_hidden,
    cousins_others,
    exceptions,
    hidden,
    honest,
    silent,
    users,
)
from truth.case import CASES, judge

__all__ = [
    "CASES",
    "judge",
    "campaign",
    "cousins",
    "cousins_found",
    "cousins_hidden",
    "cousins_others",
    "exceptions",
    "hidden",
    "honest",
    "silent",
    "users",
]
