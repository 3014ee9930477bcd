"""The memory that a march takes is bounded, and what does not fit is said."""

import pytest
import torch

from gmnm_pde import Initial, Periodic, Problem, Rectangle, Time, diff, laplacian
from gmnm_pde.evolution.keeping import Kept
from gmnm_pde.evolution.marched import Marched
from gmnm_pde.evolution.marching import March
from gmnm_pde.evolution.reading import read
from gmnm_pde.evolution.space.control import SpaceControl
from gmnm_pde.evolution.steps import Accuracy, Ended


def march():
    stated = Problem(
        domain=Rectangle(x=(0, 1), y=(0, 1)) * Time(t=(0, 1)),
        equations=lambda u, t: diff(u, t) - 0.01 * laplacian(u) + u**3,
        conditions=[Periodic("x"), Periodic("y"), Initial(u=lambda x, y: torch.sin(2 * torch.pi * (x + y)))],
    )
    statements = read(stated)
    return March(statements, Accuracy(1e-4, 1e-4, 3), SpaceControl(statements, 1e-4))


def test_a_march_ends_where_its_steps_fill_the_memory():
    marching = march()
    marching.kept = Kept(available=2.0**20)
    with pytest.raises(Ended, match=r"its steps take .* GiB of memory"):
        while True:  # the same again and again, as over a long time
            marching.run()
            marching.time, marching.breaks = 0.0, [1.0]


def test_a_step_that_does_not_fit_is_not_tried():
    marching = march()
    marching.kept = Kept(available=1000.0)
    with pytest.raises(Ended, match="unknowns take"):
        marching.run()
    assert not marching.steps


def test_the_model_of_a_march_holds_its_numbers_once():
    marching = march()
    steps = marching.run()
    marched = Marched(marching.statements, steps, 0, reached=True, counts={})
    held = marched.model.inner.states[0] if hasattr(marched.model, "inner") else marched.model.states[0]
    assert held.data_ptr() == marched.steps[0].states.data_ptr()
    torch.testing.assert_close(marched.steps[0].states, steps[0].states)
