"""The functions that solutions are marched in: orthonormal, smooth, and differentiated exactly."""

import math

import pytest
import torch

from gmnm_pde.evolution.resuming import basis_from, saved_basis
from gmnm_pde.models.modes import Cells, LocalCells, Piecewise, Polynomials, Product, Waves, radau

EDGES = (0.0, 0.1, 0.3, 0.5, 1.0)


def smooth(x):
    return torch.sin(5 * x)


@pytest.mark.parametrize("smoothness", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", [Cells, LocalCells])
def test_derivatives_of_expansions_converge(kind, smoothness):
    x = torch.linspace(0.01, 0.99, 40, dtype=torch.float64)
    errors = []
    for size in (10, 14):
        line = kind(EDGES, size + smoothness, smoothness)
        basis = Piecewise(line) if kind is LocalCells else Product([line])
        expansion = basis.projected(smooth(basis.points[:, 0]))
        for order in range(smoothness + 1):
            truth = 5**order * torch.sin(5 * x + order * math.pi / 2)
            errors.append(((basis.rows(x[:, None], (order,)) @ expansion - truth).norm() / truth.norm()).item())
    half = len(errors) // 2
    for order, (coarse, fine) in enumerate(zip(errors[:half], errors[half:], strict=True)):
        assert fine < 1e-3 * coarse or fine < 1e-12 * 30**order


@pytest.mark.parametrize("line", [Cells(EDGES, 9, 2), Waves((-1, 2), 6)])
def test_functions_are_orthonormal(line):
    rows = line.rows(line.points, 0)
    gram = rows.mT @ (line.weights[:, None] * rows)
    assert torch.allclose(gram, torch.eye(line.count, dtype=torch.float64), atol=1e-13)


@pytest.mark.parametrize("smoothness", [1, 2, 4])
def test_local_functions_span_the_same(smoothness):
    whole, local = Cells(EDGES, 11, smoothness).turn, LocalCells(EDGES, 11, smoothness).turn
    assert whole.shape == local.shape
    assert (local - whole @ (whole.mT @ local)).abs().max() < 1e-12
    assert torch.linalg.cond(local) < 5


def test_cells_and_sums_over_cells_are_transposes():
    line, generator = LocalCells(EDGES, 8, 3), torch.Generator().manual_seed(0)
    own = torch.randn(line.count, generator=generator, dtype=torch.float64)
    other = torch.randn(line.number, line.size, generator=generator, dtype=torch.float64)
    assert torch.isclose((line.by_cell(own) * other).sum(), (own * line.gathered(other)).sum())
    assert torch.allclose(line.raw(own).flatten(), line.turn @ own)


@pytest.mark.parametrize("kind", [Cells, LocalCells])
def test_finer_cells_hold_the_same_function(kind):
    line = kind(EDGES, 8, 2)
    basis = Piecewise(line) if kind is LocalCells else Product([line])
    finer = line.finer(torch.tensor([False, True, False, False]))
    other = Piecewise(finer) if kind is LocalCells else Product([finer])
    own = torch.randn(line.count, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x = torch.linspace(0, 1, 33, dtype=torch.float64)[:, None]
    moved = basis.transfer(own, other)
    assert torch.allclose(basis.rows(x, (1,)) @ own, other.rows(x, (1,)) @ moved, atol=1e-8)


def test_cells_that_were_one_are_merged_again():
    line = Cells((0.0, 0.5, 1.0), 8, 2)
    finer = line.finer(torch.tensor([True, False]))
    assert finer.edges == (0.0, 0.25, 0.5, 1.0)
    merged = finer.coarser(torch.tensor([True, True, False]))
    assert merged is not None and merged.edges == line.edges


def test_matrices_of_operators_agree_with_derivatives_of_values():
    line = LocalCells(EDGES, 9, 2)
    basis = Piecewise(line)
    own = torch.randn(line.count, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    factor = torch.cos(basis.points[:, 0])
    blocks = basis.blocks({(2,): factor, (0,): 3.0})
    by_cell = torch.einsum("cij,cj->ci", blocks, line.by_cell(own))
    values = factor * basis.values(own, (2,)) + 3.0 * basis.values(own, (0,))
    assert torch.allclose(line.gathered(by_cell), basis.tested(values), atol=1e-9)


@pytest.mark.parametrize("stages", [1, 3, 5, 7])
def test_collocation_is_exact_for_polynomials(stages):
    method = radau(stages)
    rise = method.nodes**stages
    assert torch.allclose(method.inverse @ rise, stages * method.nodes ** (stages - 1), atol=1e-10)
    parts = torch.tensor([0.1, 0.7], dtype=torch.float64)
    known = torch.cat([torch.zeros(1, dtype=torch.float64), rise])
    assert torch.allclose(method.lagrange(parts) @ known, parts**stages, atol=1e-12)
    assert torch.allclose(method.lagrange(parts, 1) @ known, stages * parts ** (stages - 1), atol=1e-10)


@pytest.mark.parametrize("stages", [3, 5, 7])
def test_steps_have_the_order_of_radau_methods(stages):
    method, rate = radau(stages), -1.0 + 0.5j

    def after(count):
        value = torch.tensor(1.0 + 0j, dtype=torch.complex128)
        for _ in range(count):
            matrix = method.inverse * (count / 3.0) - rate * torch.eye(stages, dtype=torch.complex128)
            value = value + torch.linalg.solve(matrix, rate * value.expand(stages))[-1]
        return abs(value - torch.exp(torch.tensor(3.0 * rate, dtype=torch.complex128))).item()

    assert math.log2(after(1) / after(2)) > 2 * stages - 2.5


def test_polynomials_of_a_higher_degree_contain_those_of_a_lower_one():
    coarse = Polynomials((0.0, 2.0), 9)
    fine = coarse.finer(torch.ones(1, dtype=torch.bool))
    assert fine.size > coarse.size and fine.coarser(torch.ones(1, dtype=torch.bool)).size <= coarse.size + 1
    own = torch.randn(1, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    there = Product([coarse]).transfer(own, Product([fine]))
    x = torch.linspace(0, 2, 7, dtype=torch.float64)
    assert torch.allclose(there @ fine.rows(x, 0).mT, own @ coarse.rows(x, 0).mT, atol=1e-12)
    assert torch.equal(coarse.tails_below(own)[0], own[0, 5:7].norm()[None])
    (again,) = basis_from(saved_basis(Product([fine]))).lines
    assert type(again) is Polynomials and again.size == fine.size
