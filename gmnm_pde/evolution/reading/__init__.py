"""What a problem in time states, as marching needs it: its equations, where conditions hold, and its initial values."""

from gmnm_pde.evolution.reading.statements import Statements as Statements
from gmnm_pde.evolution.reading.statements import read as read
