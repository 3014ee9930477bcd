"""What the programs of the side-by-side comparison share: their arguments, their clock, and what they write.

``python deepxde_solve.py --problem burgers --recipe best --points points.npy --out folder --budgets 1,3,10`` solves a
problem in DeepXDE and writes its values at the points into the folder, after about as many seconds: ``9.874.npy`` are
those after 9.874 seconds. Seconds are those of the processor, as other work may share the core. The clock starts when
importing is done, and stands still while values are computed and written. The problems, whose coordinates are the
columns of the points:

poisson     u_xx + u_yy = -2 pi^2 sin(pi x) sin(pi y) on [-1, 1]^2, u = 0 on its boundary
wave        u_tt = 4 u_xx for x, t in [0, 1], u = 0 at both ends, at first u = sin(pi x) + sin(4 pi x) / 2 and u_t = 0
burgers     u_t + u u_x = 0.01 / pi u_xx for x in [-1, 1], t in [0, 1], u = 0 at both ends, at first u = -sin(pi x)
four_holes  u_xx + u_yy = 0 on [-0.5, 0.5]^2 without discs of radius 0.1 at (+-0.3, +-0.3), u = 1 outside, 0 on discs
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CENTERS = [(0.3, 0.3), (-0.3, 0.3), (0.3, -0.3), (-0.3, -0.3)]
RADIUS = 0.1
VISCOSITY = 0.01 / np.pi


class Run:
    """A run of one program: what it is asked for, its clock, and its results."""

    def __init__(self):
        parser = argparse.ArgumentParser()
        parser.add_argument("--problem", choices=("poisson", "wave", "burgers", "four_holes"), required=True)
        parser.add_argument("--recipe", choices=("default", "best"), required=True)
        parser.add_argument("--points", type=Path, required=True)
        parser.add_argument("--out", type=Path, required=True)
        parser.add_argument("--budgets", type=lambda text: [float(part) for part in text.split(",")], required=True)
        options = parser.parse_args()
        self.problem: str = options.problem
        self.best: bool = options.recipe == "best"
        self.points: np.ndarray = np.load(options.points)
        self.budgets: list[float] = options.budgets
        self.left: list[float] = list(options.budgets)
        self.folder: Path = options.out
        self.restart()

    def restart(self) -> None:
        """Set the clock to nought."""
        self.start, self.lost = time.process_time(), 0.0
        self.latest = 0.0

    @property
    def seconds(self) -> float:
        """Seconds since the start, without those of writing."""
        return time.process_time() - self.start - self.lost

    @property
    def limit(self) -> float:
        """The largest budget."""
        return self.budgets[-1]

    def step(self, values: Callable[[], Any]) -> bool:
        """To be called after every step: writes the values if another such step would pass a budget.

        Returns:
            Whether the time is up.
        """
        now = self.seconds
        ends = now + (now - self.latest)
        self.latest = now
        if self.left and ends > self.left[0]:
            self.record(values)
            self.left = [budget for budget in self.left if budget >= ends]
        return not self.left

    def record(self, values: Callable[[], Any], seconds: float | None = None) -> None:
        """Write values, after ``seconds`` or those of the clock."""
        seconds, began = self.seconds if seconds is None else seconds, time.process_time()
        found = np.asarray(values(), dtype=np.float64).reshape(-1)
        np.save(self.folder / f"{seconds:.3f}.npy", found)
        self.lost += time.process_time() - began

    def finish(self, version: str, recipe: str) -> None:
        """Print the line that is read: the package's version, and in words what was done."""
        print("\n" + json.dumps({"version": version, "recipe_words": recipe, "seconds": self.seconds}))
