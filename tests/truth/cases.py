"""Every case of the reports, by name; each of the modules imported here holds a section."""

from truth import silent as silent
from truth.case import CASES as CASES
from truth.case import judge as judge
