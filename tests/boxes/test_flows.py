"""Flows on boxes of several sizes: past corners, where pressures have no bound, and out of channels."""

import runpy
from pathlib import Path

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.adaptivity.boundary_layers import layers_of_flow
from gmnm_pde.adaptivity.boxes.first_cells import first_cells, inside
from gmnm_pde.boxes.reading import read
from gmnm_pde.boxes.units import units_of, weights_of_fields
from gmnm_pde.geometry.unit import unit_points

STEP = g.Polygon([(0, 0), (4, 0), (4, 2), (2, 2), (2, 1), (0, 1)])
BOTTOM, OUTLET, TOP, WALL, LEDGE, INLET = (STEP.edge(k) for k in range(6))


def stokes(u, v, p, x, y):
    return {
        "along": g.diff(p, x) - g.laplacian(u),
        "across": g.diff(p, y) - g.laplacian(v),
        "mass": g.diff(u, x) + g.diff(v, y),
    }


def past_a_corner():
    return g.Problem(
        STEP,
        stokes,
        [
            g.Dirichlet(u=lambda y: 4 * y * (1 - y), v=0, on=INLET),
            g.Dirichlet(p=0, v=0, on=OUTLET),
            g.Dirichlet(u=0, v=0, on=BOTTOM | TOP | WALL | LEDGE),
        ],
    )


def laid_out(problem, tol):
    layout = inside(problem.domain, first_cells(problem, tol, 0))[0]
    return layout, 2 * unit_points(9, 2, "sobol", seed=0) - 1


@pytest.mark.slow
def test_momentum_holds_however_small_the_boxes_at_the_corner_are():
    """Units that the smallest boxes decided left a tenth of it elsewhere."""
    solution = g.solve(past_a_corner(), method=g.Boxes(degree=8), tol=0.2)
    y = torch.linspace(0.05, 0.95, 40, dtype=torch.float64)
    x = torch.full_like(y, 0.5)
    slope, bend = (torch.as_tensor(solution.diff(*by, field=k)(x, y)) for by, k in ((("x",), "p"), (("y", "y"), "u")))
    assert slope.mean() == pytest.approx(-8.0, rel=1e-3) and (slope - bend).abs().max() < 0.05


def test_units_do_not_depend_on_how_often_boxes_are_halved_towards_a_corner():
    problem = past_a_corner()
    statements = read(problem)
    few, many = (units_of(problem, statements.equations, *laid_out(problem, tol)) for tol in (1e-2, 1e-6))
    assert few[2] / few[0] == pytest.approx(many[2] / many[0], rel=0.2)


def test_jumps_of_a_pressure_count_less_where_boxes_are_small():
    problem = past_a_corner()
    statements = read(problem)
    layout, unit = laid_out(problem, 1e-4)
    units = units_of(problem, statements.equations, layout, unit)
    weights = weights_of_fields(problem, statements.equations, layout, unit, units)
    largest, smallest = layout.shares.argmax(), layout.shares.argmin()
    ratio = (layout.halves[smallest] / layout.halves[largest]).prod().sqrt()
    assert (weights[:, :2] - 1).abs().max() < 1e-2
    assert weights[smallest, 2] / weights[largest, 2] == pytest.approx(ratio.item(), rel=1.0)


def test_layers_of_flows_are_where_values_are_prescribed_downstream():
    step = g.registry.load("backward_step")
    layers = layers_of_flow(step, 0)
    assert layers.low == (0.0, 0.0) and 0 < layers.high[0] < 0.02 and layers.high[1] == 0.0


def test_what_flows_out_freely_has_no_layer():
    def equations(u, v, p, x, y):
        return {
            "along": u * g.diff(u, x) + v * g.diff(u, y) + g.diff(p, x) - 1e-3 * g.laplacian(u),
            "across": u * g.diff(v, x) + v * g.diff(v, y) + g.diff(p, y) - 1e-3 * g.laplacian(v),
            "mass": g.diff(u, x) + g.diff(v, y),
        }

    channel = g.Rectangle(x=(0, 2), y=(0, 1))
    problem = g.Problem(
        channel,
        equations,
        [
            g.Dirichlet(u=lambda y: 4 * y * (1 - y), v=0, on=channel.face(x=0)),
            g.Dirichlet(u=0, v=0, on=channel.face(y=0) | channel.face(y=1)),
            g.Condition(
                lambda u, v, p, x: {"along": 1e-3 * g.diff(u, x) - p, "across": g.diff(v, x)}, on=channel.face(x=2)
            ),
        ],
    )
    assert layers_of_flow(problem, 0).high == (0.0, 0.0)


@pytest.mark.slow
def test_the_flow_past_a_cylinder_has_its_drag_and_lift():
    """DFG benchmark 2D-1: M. Schaefer and S. Turek (1996), to more digits by G. Nabh: 5.57953523384, 0.010618948146."""
    flows = runpy.run_path(str(Path(__file__).resolve().parents[2] / "examples" / "benchmarks" / "flows.py"))
    cylinder, drag_and_lift = flows["cylinder"], flows["drag_and_lift"]
    solution = g.solve(cylinder(), tol=1e-3)
    drag, lift = drag_and_lift(solution)
    assert solution.report.converged
    assert drag == pytest.approx(5.57953523384, rel=1e-4) and lift == pytest.approx(0.010618948146, rel=2e-3)
