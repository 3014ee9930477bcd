"""Tables on grids, pictures and files of measured values in the statement of problems."""

import numpy as np
import pytest
import torch

import gmnm_pde as g


def test_a_cubic_table_on_a_grid_is_exact_for_cubics_with_their_derivatives():
    x, y = np.linspace(0, 1, 6) ** 1.3, np.linspace(-1, 1, 7)
    f = lambda x, y: x**3 * y - 2 * y**3 * x**2 + 1  # noqa: E731
    k = g.table((x, y), f(x[:, None], y), kind="cubic")
    at = torch.rand(2, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    value = k(at[0], 2 * at[1] - 1)
    torch.testing.assert_close(value, f(at[0], 2 * at[1] - 1), rtol=0, atol=1e-12)
    (slope,) = torch.autograd.grad(value.sum(), at, create_graph=True)
    (curve,) = torch.autograd.grad(slope[0].sum(), at)
    torch.testing.assert_close(curve[0], 6 * at[0] * (2 * at[1] - 1) - 4 * (2 * at[1] - 1) ** 3, rtol=0, atol=1e-9)
    assert k(0.5, 0.25) == pytest.approx(f(0.5, 0.25)) and k(np.zeros(3), 0.1).shape == (3,)
    assert k(7.0, 0.0) == pytest.approx(k(1.0, 0.0))  # outside it stays
    assert "cubic splines" in repr(k)


def test_a_smooth_table_stays_in_the_range_of_its_values_and_linear_ones_stay_linear():
    values = (np.random.default_rng(0).random((8, 9)) > 0.5).astype(float)
    line = np.linspace(0, 1, 8), np.linspace(0, 1, 9)
    at = np.random.default_rng(1).random((2, 500))
    smooth = g.table(line, values, kind="smooth")(*at)
    assert smooth.min() >= 0 and smooth.max() <= 1 and np.ptp(smooth) > 0.3
    cubic = g.table(line, values, kind="cubic")(*at)
    assert cubic.min() < 0  # which is why pictures are smoothed
    np.testing.assert_allclose(g.table(line, line[0][:, None] + 2 * line[1])(*at), at[0] + 2 * at[1], atol=1e-14)


def test_three_coordinates():
    line = (np.linspace(0, 1, 5),) * 3
    x, y, z = np.meshgrid(*line, indexing="ij")
    assert g.table(line, x * y - z**2, kind="cubic")(0.3, 0.4, 0.7) == pytest.approx(0.12 - 0.49)


def test_a_table_is_a_coefficient_with_derivatives():
    line = np.linspace(0, 1, 9), np.linspace(0, 1, 9)
    k = g.table(line, 1 + line[0][:, None] * line[1], kind="cubic")
    problem = g.Problem(
        g.Rectangle(x=(0, 1), y=(0, 1)),
        lambda u, x, y: g.diff(k(x, y) * g.diff(u, x), x) + g.diff(k(x, y) * g.diff(u, y), y) - x - y,
        [g.Dirichlet(u=lambda x, y: x + y)],
        exact=lambda x, y: x + y,
    )
    assert g.solve(problem, g.Mixture(components=150, widths=1.0)).report.relative_l2 < 1e-6


def test_a_picture_has_its_top_row_on_top(tmp_path):
    from matplotlib.image import imsave

    pixels = np.zeros((20, 30))
    pixels[:10, 15:] = 1.0  # above on the right
    imsave(tmp_path / "rock.png", pixels, cmap="gray", vmin=0, vmax=1)
    for source in (tmp_path / "rock.png", pixels, (255 * pixels).astype(np.uint8)):
        k = g.image(source, x=(0, 3), y=(0, 2), low=1, high=100)
        assert k(2.5, 1.8) == pytest.approx(100) and k(2.5, 0.2) == pytest.approx(1) == k(0.2, 1.8)
        assert 1 < k(1.5, 1.8) < 100
    assert "smoothed" in repr(k)


def test_observations_from_a_file(tmp_path):
    rows = ["time [s]; x;T; note"] + [f"{t};{x};{x * t};" for t in (0.5, 1.0) for x in (0.0, 0.25, 0.5)]
    (tmp_path / "data.csv").write_text("\n".join(rows) + "\n\n", encoding="utf-8-sig")
    data = g.Observations.from_csv(tmp_path / "data.csv", ("x", "time [s]"), u="T", noise=0.1)
    assert data.noise == 0.1 and tuple(data.on.shape) == (6, 2)
    assert torch.equal(data.values["u"], data.on[:, 0] * data.on[:, 1])


BAD = {
    "no column": (lambda p: g.Observations.from_csv(p, ("x", "t"), u="T"), "columns of the file.*'t'"),
    "no number": (lambda p: g.Observations.from_csv(p, ("x",), u="T"), "line 3, column 'T'"),
    "no file": (lambda p: g.Observations.from_csv(p.with_name("none.csv"), ("x",), u="T"), "none by that name"),
    "no names": (lambda p: g.Observations.from_csv(p, "x", u="T"), "names of columns"),
    "no picture": (lambda p: g.image(p), "a picture"),
    "one row": (lambda p: g.image(np.ones(5)), "2 x 2"),
    "another shape": (lambda p: g.table(([0, 1], [0, 1, 2]), np.ones((3, 2))), "shape of the grid"),
    "another kind": (lambda p: g.table(([0, 1], [0, 1]), np.ones((2, 2)), kind="previous"), "a kind of grid"),
    "uneven steps": (lambda p: g.table(([0, 1, 3], [0, 1]), np.ones((3, 2)), kind="smooth"), "even steps"),
    "too few places": (lambda p: g.table(([0, 1], [0, 1]), np.ones((2, 2)))(0.5), "2 coordinates"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(case, tmp_path):
    (tmp_path / "data.csv").write_text("x,T\n0,1\n1,cold\n")
    make, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message):
        make(tmp_path / "data.csv")


def test_an_array_that_is_no_brightness_is_refused():
    with pytest.raises(g.GmnmError, match="brightness from 0 to 1"):
        g.image(np.full((4, 4), 234.0), low=1, high=3)
