"""How far unknown parameters may be off, by what the fit leaves of every single row.

To first order the error of a parameter is a sum over the rows, g . r, with r their residuals and g a row of the
pseudo-inverse of the linearised system. |g| |r| bounds it, far too cautiously, for residuals oscillate; and where the
parameter of a few sub-models comes out right by luck, they say too little. Residuals of the same sizes and random signs
shift a parameter by (sum of g_i^2 r_i^2)^(1/2) in the root mean square.
"""

import torch
from torch import Tensor

from gmnm_pde._errors import NotFiniteError
from gmnm_pde.fitting.fit import Fit


@torch.no_grad()
def shifts_of(fit: Fit, held_out: float) -> Tensor:
    """The shifts of a fit's parameters, absolute, [parameters]; ``held_out`` is its held-out residual.

    Where Newton's method stopped short, the shift that the rows as they are still ask for counts too. Infinite where
    the slopes of an equation are not finite at the solution.
    """
    system, solver = fit.system, fit.outcome.solver
    assert solver is not None
    if not system.extra:
        return system.like.new_zeros(0)
    chosen = torch.eye(system.columns, system.extra, dtype=system.like.dtype, device=system.like.device)
    functionals = solver.inverse(solver.inverse_transposed(chosen))
    squares, sums = chosen.new_zeros(system.extra), chosen.new_zeros(system.extra)
    fitted = chosen.new_zeros(())
    try:
        for image, residual in system.images(fit.theta, functionals):
            each = image * residual[:, None]
            squares, sums = squares + each.square().sum(dim=0), sums + each.sum(dim=0)
            fitted += residual.square().sum()
    except NotFiniteError:
        return torch.full_like(sums, torch.inf)
    tiny = torch.finfo(fitted.dtype).tiny
    between = (held_out / (fitted / system.rows).sqrt().clamp_min(tiny)).clamp_min(1.0)
    return torch.maximum(squares.sqrt() * between, sums.abs())
