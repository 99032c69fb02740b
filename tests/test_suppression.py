"""Hidden cells cannot be computed back, and no more are hidden than must be."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import linprog

import grc_fast as grc
from grc_fast.segmentation.suppression import hide
from sizes import full_size, size

LEAST = 10
Cells = list[list[bool]]


def with_totals(body: list[list[int]]) -> list[list[int]]:
    rows = [[*line, sum(line)] for line in body]
    return [*rows, [sum(column) for column in zip(*rows, strict=True)]]


def drawn(rng: random.Random, rows: int, columns: int) -> list[list[int]]:
    """Draw a table with empty, small, middling and large cells."""
    return [
        [rng.choice([0, rng.randrange(1, 10), rng.randrange(60), rng.randrange(900)])
         for _ in range(columns)]
        for _ in range(rows)
    ]  # fmt: skip


def sums(height: int, width: int) -> np.ndarray:
    """Return the equations that say what totals are."""
    equations = []
    for line in np.arange(height * width).reshape(height, width):
        equations.append(line)
    for line in np.arange(height * width).reshape(height, width).T:
        equations.append(line)
    matrix = np.zeros((len(equations), height * width))
    for number, line in enumerate(equations):
        matrix[number, line[:-1]], matrix[number, line[-1]] = 1, -1
    return matrix


def narrowest_range(counts: list[list[int]], hidden: Cells) -> float:
    """Return the least range to which a reader can bound a hidden cell."""
    shape = len(counts), len(counts[0])
    equations = sums(*shape)
    known = np.array(counts, dtype=float).ravel()
    concealed = np.array(hidden).ravel()
    bounds = [
        (0, None) if is_hidden else (value, value)
        for value, is_hidden in zip(known, concealed, strict=True)
    ]
    narrowest = np.inf
    for cell in np.flatnonzero(concealed):
        aim = np.zeros(known.size)
        aim[cell] = 1
        ends = []
        for sign in (1, -1):
            found = linprog(
                sign * aim, A_eq=equations, b_eq=np.zeros(len(equations)), bounds=bounds
            )
            assert found.status in (0, 3), found.message
            ends.append(sign * found.fun if found.status == 0 else sign * -np.inf)
        narrowest = min(narrowest, ends[1] - ends[0])
    return narrowest


def fewest(counts: list[list[int]], below: int) -> int:
    """Try every set of fewer cells than `below` that hides the small ones."""
    cells = [(row, column) for row, line in enumerate(counts) for column, n in enumerate(line) if n]
    small = [cell for cell in cells if counts[cell[0]][cell[1]] < LEAST]
    others = [cell for cell in cells if cell not in small]
    for more in range(below - len(small)):
        for added in combinations(others, more):
            hidden = {*small, *added}
            if is_plainly_told(hidden):
                continue
            laid_out = [
                [(row, column) in hidden for column in range(len(line))]
                for row, line in enumerate(counts)
            ]
            if narrowest_range(counts, laid_out) >= LEAST - 1e-6:
                return len(hidden)
    return below


def is_plainly_told(hidden: set[tuple[int, int]]) -> bool:
    """Whether some cell is the only hidden one of a line, so that the others tell it."""
    for side in (0, 1):
        lines = [cell[side] for cell in hidden]
        if any(lines.count(line) == 1 for line in lines):
            return True
    return False


@full_size
def test_no_reader_can_bound_a_hidden_cell_more_narrowly_than_the_rule() -> None:
    rng = random.Random(20261130)
    hid = 0
    for _ in range(size("CROSSTABS", quick=12, full=500)):
        counts = with_totals(drawn(rng, rng.randint(1, 6), rng.randint(1, 6)))
        found = hide(counts, LEAST)
        for line, shown in zip(counts, found.cells, strict=True):
            for clients, is_hidden in zip(line, shown, strict=True):
                assert is_hidden or not 0 < clients < LEAST
                assert clients or not is_hidden
        assert narrowest_range(counts, found.cells) >= LEAST - 1e-6, counts
        hid += any(map(any, found.cells))
    assert hid


@full_size
def test_no_more_cells_are_hidden_than_the_smallest_set_has() -> None:
    rng = random.Random(7)
    for _ in range(size("SMALL_CROSSTABS", quick=5, full=60)):
        counts = with_totals(drawn(rng, rng.randint(1, 3), rng.randint(2, 3)))
        found = hide(counts, LEAST)
        count = sum(map(sum, found.cells))
        assert found.is_smallest
        assert fewest(counts, count) == count, counts


@pytest.mark.parametrize(
    ("body", "hidden"),
    [
        # A small cell alone: a rectangle of the smallest others.
        ([[3, 50, 90], [60, 70, 99], [80, 95, 97]], {(0, 0), (0, 1), (1, 0), (1, 1)}),
        # A single row, of which the totals of columns are the cells once more.
        ([[4, 20]], {(0, 0), (0, 1), (1, 0), (1, 1)}),
        # Everyone is fewer than the rule.
        ([[2, 3], [0, 1]], {(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)}),
        ([[20, 0], [0, 30]], set()),
    ],
)
def test_what_is_hidden_by_hand(body: list[list[int]], hidden: set[tuple[int, int]]) -> None:
    found = hide(with_totals(body), LEAST).cells
    where = {(row, column) for row, line in enumerate(found) for column, h in enumerate(line) if h}
    assert where == hidden


def test_a_table_too_large_to_hide_in_is_refused() -> None:
    counts = with_totals([[1] * 60] * 60)
    with pytest.raises(grc.OptionError, match=r"up to 2,500 with their totals, and this has 3,721"):
        hide(counts, LEAST)
