"""Conditions that are met by construction: u = offset + factor v meets them whatever v is, and v is solved for."""

from gmnm_pde.statement.hard.conditions import is_constant_on_a_sphere as is_constant_on_a_sphere
from gmnm_pde.statement.hard.conditions import is_hard_to_meet as is_hard_to_meet
from gmnm_pde.statement.hard.conditions import meet_exactly as meet_exactly
from gmnm_pde.statement.hard.lift import Lift as Lift
