"""Small cells hidden, and with them the fewest others that keep them from being computed back.

A table with its totals is a network: rows and columns are nodes, cells are arcs, and what is added
to one cell without changing a total runs in a circle through others. So how far a hidden cell can
be from its value, whatever a reader does with the totals and the cells shown, is a maximum flow.
The smallest set of hidden cells is found by integer programming, to which each minimum cut that is
too small is added as a constraint until there is none (Fischetti and Salazar, Management Science
47, 2001, "Solving the cell suppression problem on tabular data with linear constraints").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from grc_fast._utils.extras import import_extra
from grc_fast.errors import OptionError

EXTRA: Final = "crosstab"
# Branches of one integer program: a number, and not a time, so that results repeat.
_NODES: Final = 2_000
# The time grows with the square of the cells, and is some seconds for so many.
_MOST_CELLS: Final = 2_500


@dataclass(frozen=True)
class Hidden:
    """Which cells are hidden.

    Attributes
    ----------
    cells
        Row by row as the counts; with the totals.
    is_smallest
        Whether it is proved that no smaller set will do.
    """

    cells: list[list[bool]]
    is_smallest: bool


def hide(counts: Sequence[Sequence[int]], min_cell: int) -> Hidden:
    """Hide cells of fewer than `min_cell` clients and what they could be computed from.

    Parameters
    ----------
    counts
        Clients row by row; the last row and the last column are totals.
    min_cell
        The fewest clients that are shown, and the least range that a hidden cell keeps: between
        the smallest and the largest number that it may have under the totals and the cells shown.

    Returns
    -------
    Hidden
        The smallest set; among those, one with few totals and few clients. Empty cells are shown.

    Raises
    ------
    OptionError
        If the table is too large.
    SourceError
        If the extra `crosstab` is not installed.
    """
    if not any(0 < clients < min_cell for row in counts for clients in row):
        return Hidden([[False] * len(row) for row in counts], is_smallest=True)
    cells = len(counts) * len(counts[0])
    if cells > _MOST_CELLS:
        raise OptionError(
            f"min_cell hides cells in tables of up to {_MOST_CELLS:,} with their totals, and this "
            f"has {cells:,}: take fewer or wider classes"
        )
    return _Program(counts, min_cell).solved()


@dataclass(frozen=True)
class _Program:
    """The integer program of one table.

    Every cell that is not empty has a variable, 1 where it is hidden. Its arc runs from its row to
    its column; that of a total, which is lowered where the cells are raised, the other way round.
    """

    counts: Sequence[Sequence[int]]
    range: int

    @cached_property
    def _cells(self) -> list[tuple[int, int]]:
        return [
            (row, column)
            for row, line in enumerate(self.counts)
            for column, clients in enumerate(line)
            if clients
        ]

    @property
    def _last(self) -> tuple[int, int]:
        return len(self.counts) - 1, len(self.counts[0]) - 1

    def _is_total(self, cell: tuple[int, int]) -> bool:
        return any(place == last for place, last in zip(cell, self._last, strict=True))

    def _falls(self, cell: tuple[int, int]) -> int:
        """Return how far a hidden cell can fall; further than the range does not matter."""
        row, column = cell
        return min(self.counts[row][column], self.range)

    def _arc(self, cell: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return the nodes of a cell, and what can flow from the first to the second and back."""
        row, column = cell
        nodes = row, len(self.counts) + column
        rises, falls = self.range, self._falls(cell)
        ends = sum(place == last for place, last in zip(cell, self._last, strict=True))
        return (*nodes, falls, rises) if ends == 1 else (*nodes, rises, falls)

    @cached_property
    def _arcs(self) -> list[tuple[int, int, int, int]]:
        return [self._arc(cell) for cell in self._cells]

    def solved(self) -> Hidden:
        """Return the smallest set of cells to hide."""
        optimize = import_extra("scipy.optimize", EXTRA, "hiding small cells")
        constraints = self._constraints_of_lines()
        least = [float(self.counts[row][column] < self.range) for row, column in self._cells]
        is_smallest = True
        while True:
            found = optimize.milp(
                self._costs(),
                integrality=[1] * len(self._cells),
                bounds=optimize.Bounds(least, 1.0),
                constraints=optimize.LinearConstraint(self._matrix(constraints), 0.0),
                options={"mip_rel_gap": 0.0, "node_limit": _NODES},
            )
            is_smallest = is_smallest and found.status == 0
            # All of them keep each other hidden.
            values = [1.0] * len(self._cells) if found.x is None else found.x.tolist()
            hidden = [value > 0.5 for value in values]
            violated = self._violated(hidden)
            if not violated:
                return Hidden(self._laid_out(hidden), is_smallest)
            constraints += violated

    def _costs(self) -> list[float]:
        """Return 1 for each cell, and little enough on top to decide between sets of one size."""
        clients = (self.counts[row][column].bit_length() for row, column in self._cells)
        extra = [
            size + 64 * self._is_total(cell)
            for cell, size in zip(self._cells, clients, strict=True)
        ]
        return [1 + more / (2 * sum(extra)) for more in extra]

    def _constraints_of_lines(self) -> list[dict[int, float]]:
        """Return what holds in each row and column: no cell is hidden alone, nor among too few.

        A constraint gives factors of variables, whose sum must not be negative.
        """
        found: list[dict[int, float]] = []
        for side, last in enumerate(self._last):
            lines: dict[int, list[int]] = {}
            for number, cell in enumerate(self._cells):
                lines.setdefault(cell[1 - side], []).append(number)
            for line in lines.values():
                inner = [number for number in line if self._cells[number][side] != last]
                for number in line:
                    found.append(dict.fromkeys(line, 1.0) | {number: -1.0})
                    lacking = self.range - self._falls(self._cells[number])
                    if number in inner and lacking:
                        falls = {other: self._falls(self._cells[other]) for other in line}
                        found.append(
                            {
                                other: float(min(fall if other in inner else lacking, lacking))
                                for other, fall in falls.items()
                            }
                            | {number: -float(lacking)}
                        )
        return found

    def _matrix(self, constraints: Sequence[dict[int, float]]) -> Any:
        sparse = import_extra("scipy.sparse", EXTRA, "hiding small cells")
        rows = [row for row, factors in enumerate(constraints) for _ in factors]
        columns = [column for factors in constraints for column in factors]
        values = [value for factors in constraints for value in factors.values()]
        shape = len(constraints), len(self._cells)
        return sparse.csr_array((values, (rows, columns)), shape=shape)

    def _violated(self, hidden: Sequence[bool]) -> list[dict[int, float]]:
        """Return a constraint for each hidden cell whose range is too small."""
        arcs = [arc for arc, is_hidden in zip(self._arcs, hidden, strict=True) if is_hidden]
        found = []
        for number in (number for number, is_hidden in enumerate(hidden) if is_hidden):
            row, column, forth, back = self._arcs[number]
            others = [arc for arc in arcs if arc[:2] != (row, column)]
            # What is added to the cell flows back through the others, and the other way round.
            ways = [
                (forth, *self._flow(others, column, row)),
                (back, *self._flow(others, row, column)),
            ]
            if sum(min(own, flow) for own, flow, _ in ways) < self.range:
                found.append(self._cut(number, ways))
        return found

    def _cut(self, number: int, ways: Sequence[tuple[int, int, list[bool]]]) -> dict[int, float]:
        """Return the constraint that one cell of those that bound a cell is hidden as well.

        `ways` has, of either way, what can flow through the cell and through the others, and which
        nodes lie before the smallest cut of these.
        """
        factors = dict.fromkeys(range(len(self._cells)), 0)
        for own, flow, near in ways:
            if own <= flow:
                factors[number] += own
                continue
            for other, (first, second, forth, back) in enumerate(self._arcs):
                if other != number:
                    factors[other] += forth * (near[first] and not near[second])
                    factors[other] += back * (near[second] and not near[first])
        lacking = self.range - factors.pop(number)
        cut = {other: float(min(value, lacking)) for other, value in factors.items() if value}
        return cut | {number: -float(lacking)}

    def _flow(
        self, arcs: Sequence[tuple[int, int, int, int]], source: int, sink: int
    ) -> tuple[int, list[bool]]:
        """Return the greatest flow along arcs, and which nodes lie before the smallest cut."""
        sparse = import_extra("scipy.sparse", EXTRA, "hiding small cells")
        graphs = import_extra("scipy.sparse.csgraph", EXTRA, "hiding small cells")
        nodes = sum(self._last) + 2
        rows = [arc[0] for arc in arcs] + [arc[1] for arc in arcs]
        columns = [arc[1] for arc in arcs] + [arc[0] for arc in arcs]
        capacities = [arc[2] for arc in arcs] + [arc[3] for arc in arcs]
        graph = sparse.csr_array((capacities, (rows, columns)), shape=(nodes, nodes), dtype="int32")
        found = graphs.maximum_flow(graph, source, sink)
        residual = graph - found.flow
        residual.eliminate_zeros()
        near = [False] * nodes
        for node in graphs.breadth_first_order(residual, source, return_predecessors=False):
            near[node] = True
        return int(found.flow_value), near

    def _laid_out(self, hidden: Sequence[bool]) -> list[list[bool]]:
        which = {cell for cell, is_hidden in zip(self._cells, hidden, strict=True) if is_hidden}
        return [
            [(row, column) in which for column in range(len(line))]
            for row, line in enumerate(self.counts)
        ]
