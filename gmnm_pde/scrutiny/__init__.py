"""Data are looked at closely: sources, coefficients, given values and shapes, before and after a solve."""

from gmnm_pde.scrutiny.along_solution import narrow_left as narrow_left
from gmnm_pde.scrutiny.at_solution import flux_that_jumps as flux_that_jumps
from gmnm_pde.scrutiny.at_solution import free_at_solution as free_at_solution
from gmnm_pde.scrutiny.division import divided as divided
from gmnm_pde.scrutiny.looks.feature import Feature as Feature
from gmnm_pde.scrutiny.looks.look import look as look
from gmnm_pde.scrutiny.posed.posedness import Posedness as Posedness
from gmnm_pde.scrutiny.posed.posedness import posedness as posedness
from gmnm_pde.scrutiny.unresolved import unresolved as unresolved
