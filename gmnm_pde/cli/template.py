"""The file that ``gmnm-pde new`` writes."""

TEMPLATE = '''\
"""A problem of my own. Solve it with: gmnm-pde solve {name} --tol 1e-6

Change the four parts below one by one; "gmnm-pde show {name}" tells how each was understood.
"""

import torch

from gmnm_pde import Dirichlet, Neumann, Problem, Rectangle, laplacian


def problem(k: float = 1.0) -> Problem:
    """Heat in a plate with a warm spot. The arguments are parameters: gmnm-pde solve {name} --set k=2

    Args:
        k: How well the plate conducts.
    """
    # 1. Where. Others: Interval(x=(0, 1)), Disk((0, 0), 1), Polygon([...]), unions | and differences -;
    #    times Time(t=(0, 1)) for what changes in time.
    plate = Rectangle(x=(0, 2), y=(0, 1))

    # 2. The equation, written so that it is zero: k (u_xx + u_yy) + f = 0. Fields and coordinates are found by their
    #    names; diff(u, "x") is a derivative. Write functions with torch.
    def equation(u, x, y):
        warm_spot = torch.exp(-20 * ((x - 0.5) ** 2 + (y - 0.5) ** 2))
        return k * laplacian(u) + warm_spot

    # 3. What holds on the boundary: u = 0 at the left, no flux through the other sides. In time: Initial(u=...).
    conditions = [
        Dirichlet(u=0, on=plate.face(x=0)),
        Neumann(u=0, on=plate.boundary.where(lambda x: x > 0)),
    ]

    # 4. Put together. With a known solution, exact=lambda x, y: ..., the report has true errors.
    return Problem(plate, equation, conditions, name="{stem}")


if __name__ == "__main__":  # python {name} does in Python what the command does
    from gmnm_pde import solve

    solution = solve(problem(), tol=1e-6)
    print(solution)
    print("u(1, 0.5) =", solution(1.0, 0.5))
'''
"""With ``name`` and ``stem`` of the file to be filled in."""
