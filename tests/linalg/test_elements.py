"""Sums of dense elements against the whole matrix."""

import pytest
import torch

from gmnm_pde.linalg.elements import Dense, Singular, solved

SIZES = (3, 2, 4, 1, 3)
HELD = [(0, 1), (1, 2), (2, 0), (3, 2), (4, 3), (4, 0, 1)]


def elements(seed=0):
    random = torch.Generator().manual_seed(seed)
    found = []
    for groups in HELD:
        size = sum(SIZES[group] for group in groups)
        found.append(Dense(groups, torch.randn(size, size, generator=random, dtype=torch.float64)))
    return found


def whole(found):
    places = torch.arange(sum(SIZES)).split(SIZES)
    matrix = torch.zeros(sum(SIZES), sum(SIZES), dtype=torch.float64)
    for element in found:
        rows = torch.cat([places[group] for group in element.groups])
        matrix[rows[:, None], rows] += element.matrix
    return matrix


@pytest.mark.parametrize("order", [[(0, 1, 2, 3, 4)], [(0,), (3,), (1, 4), (2,)], [(4,), (3, 2), (1, 0)]])
def test_the_solution_is_that_of_the_whole_matrix(order):
    right = torch.linspace(-1, 2, sum(SIZES), dtype=torch.float64)
    kept = right.clone()
    found = solved(elements(), right, SIZES, order)
    assert torch.allclose(whole(elements()) @ found, right, atol=1e-10)
    assert torch.equal(right, kept)


def test_a_block_without_pivots_is_told():
    found = [element for element in elements() if 3 not in element.groups]
    found.append(Dense((3,), torch.zeros(1, 1, dtype=torch.float64)))
    with pytest.raises(Singular):
        solved(found, torch.ones(sum(SIZES), dtype=torch.float64), SIZES, [(0, 1), (3,), (2, 4)])
