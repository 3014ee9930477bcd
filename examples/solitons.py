r"""
Two solitons
============

Waves in shallow water can travel without changing their shape, the higher ones faster. The equation is that of Korteweg
and de Vries,

.. math:: u_t + 6 u u_x + u_{xxx} = 0 .

One soliton overtakes another; both come out as they were, and neither is where it would have been alone.
"""

# %%
# A problem with initial values is marched: modes in space that follow the solution, steps in time with a known error.
# ``gmnm-pde show kdv`` prints the statement.
import numpy as np

from gmnm_pde import registry, solve
from gmnm_pde.plots.style import INK, ONE_SIGNED, label, panels, styled

problem = registry.load("kdv")
solution = solve(problem, tol=1e-3)
print(solution)

# %%
# What is conserved: water, and a second integral. No equation says so.
water = [solution.integral(t=t) for t in (0.0, 3.0, 6.0)]
print("water:", water, f"largest relative change {np.ptp(water) / water[0]:.1e}")


# %%
# The waves from above, and at three times.
@styled
def picture():
    figure, ((above, side),) = panels(1, 2, width=4.2, height=3.0)
    x, t = np.linspace(-15, 15, 401), np.linspace(0, 6, 201)
    drawn = above.pcolormesh(x, t, solution(x, t[:, None]), cmap=ONE_SIGNED, shading="gouraud", rasterized=True)
    figure.colorbar(drawn, ax=above, pad=0.02)
    label(above, ("x", "t"), "u")
    for ink, time in zip(INK, (0.0, 3.0, 6.0), strict=False):
        side.plot(x, solution(x, time), color=ink, lw=1.4, label=f"t = {time:g}")
    side.legend(loc="upper left")
    label(side, ("x", "u"), "the higher one overtakes")
    return figure


figure = picture()

# sphinx_gallery_thumbnail_path = "images/gallery/solitons.jpg"
