"""From points to the score, the code, the group and the segment.

All four depend only on a client's points (and, where a segment table asks for it, on the class of
its tenure), so they are worked out once a combination of points, a *cell*, and then handed to the
clients. The expressions here are the one definition: the LazyFrame form evaluates the same ones
on the clients themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Final, cast

import polars as pl

from grc_fast import _core
from grc_fast._typing import Number
from grc_fast.rfm.bands import FittedBands
from grc_fast.rfm.criteria import LETTERS, whole_weights
from grc_fast.rfm.segments.evaluate import on_five
from grc_fast.rfm.specification import Specification

# Digits side by side say nothing once a band has two of them.
_MOST_DIGITS: Final = 9
# A criterion left out counts as the middle of five.
_MIDDLE: Final = 3
# The dimension of cells beside the criteria.
_CLASS: Final = "tenure class"


@dataclass(frozen=True)
class Grades:
    """What points are worth under a specification.

    Attributes
    ----------
    spec
        Weights, groups and segment table.
    sizes
        Bands of each criterion by its letter, in the order r, f, m.
    group_floors
        The least points of each group but the last, from group 1 down; None where no points reach
        a group.
    """

    spec: Specification
    sizes: Mapping[str, int]
    group_floors: tuple[Number | None, ...] = ()

    @property
    def has_code(self) -> bool:
        """Whether the points of every criterion are one digit."""
        return max(self.sizes.values()) <= _MOST_DIGITS

    def points(self) -> pl.Expr:
        """Return the weighted sum of points over the columns r, f, m."""
        whole = whole_weights(self.spec.criteria)
        dtype = pl.UInt32() if whole else pl.Float64()
        weights = (int(c.weight) if whole else c.weight for c in self.spec.criteria)
        # In the order r, f, m: a sum of floats depends on its order.
        terms = (
            pl.col(letter).cast(dtype) * pl.lit(weight, dtype=dtype)
            for letter, weight in zip(self.sizes, weights, strict=True)
        )
        return reduce(add, terms).alias("points")

    def code(self) -> pl.Expr:
        """Return the points of the criteria side by side, as a number."""
        digits = [pl.col(letter).cast(pl.UInt32) for letter in self.sizes]
        tens = (10 ** (len(digits) - 1 - place) for place in range(len(digits)))
        terms = (
            digit * pl.lit(ten, dtype=pl.UInt32) for digit, ten in zip(digits, tens, strict=True)
        )
        return reduce(add, terms).alias("rfm")

    def group(self) -> pl.Expr:
        """Return the group over the column points: 1 + the floors that the points are below."""
        points = pl.col("points")
        dtype = pl.UInt32() if whole_weights(self.spec.criteria) else pl.Float64()
        first = pl.when(points.is_not_null()).then(pl.lit(1, dtype=pl.UInt8))
        below = [
            pl.lit(value=True) if floor is None else points < pl.lit(floor, dtype=dtype)
            for floor in self.group_floors
        ]
        passed = pl.sum_horizontal(under.cast(pl.UInt8) for under in below)
        return (first + passed.cast(pl.UInt8)).alias("group")

    def segment(self, tenure: pl.Expr | None, lang: str) -> pl.Expr:
        """Return the segment over the columns r, f, m, group and points."""
        # Any null makes a client unscored: the middle stands in for a criterion that is left out.
        fives = (
            on_five(pl.col(letter), self.sizes[letter])
            if letter in self.sizes
            else pl.lit(_MIDDLE, dtype=pl.UInt8)
            for letter in LETTERS.values()
        )
        return self.spec.table.expr(
            *fives,
            group=on_five(pl.col("group"), self.spec.groups),
            tenure=tenure,
            points=pl.col("points"),
            lang=lang,
        )

    def tally(self, points: Mapping[str, pl.Series], threads: int | None) -> pl.DataFrame:
        """Return the cells (columns r, f, m) that have clients, and how many: column clients."""
        # Points are null where a client is not scored, in every criterion alike.
        scored = [of_clients.drop_nulls() for of_clients in points.values()]
        counts = _core.cell_counts(scored, list(self.sizes.values()), threads=threads)
        clients = pl.Series("clients", counts, dtype=pl.UInt64)
        return cells(self.sizes).lazy().with_columns(clients).filter(clients > 0).collect()

    def with_groups(self, tally: pl.DataFrame) -> Grades:
        """Return these grades with the group floors of the clients of a tally.

        From the best client down, group `j` of `k` ends at rank ⌈jN/k⌉. Clients with equal points
        are together in the group of their middle rank, a half counting as beyond the rank before.
        """
        scores = (
            tally.lazy()
            .group_by(self.points())
            .agg(pl.col("clients").sum())
            .sort("points", descending=True)
            .with_columns(last=pl.col("clients").cum_sum())
            .collect()
        )
        # Doubled, so that halves are whole: the first rank and the last, whose mean is the middle.
        middles = 2 * scores["last"] - scores["clients"] + 1
        total, groups = int(scores["last"][-1]), self.spec.groups
        ends = [2 * -(-j * total // groups) for j in range(1, groups)]
        reached = middles.search_sorted(pl.Series(ends, dtype=pl.UInt64), side="right")
        points = scores["points"]
        floors = [points[found - 1] if found else self._above(points[0]) for found in reached]
        return replace(self, group_floors=tuple(floors))

    def group_sizes(self, tally: pl.DataFrame) -> tuple[int, ...]:
        """Return how many of the clients of a tally are in each group."""
        graded = tally.lazy().with_columns(self.points()).with_columns(self.group())
        sizes = dict(graded.group_by("group").agg(pl.col("clients").sum()).collect().iter_rows())
        return tuple(sizes.get(group, 0) for group in range(1, self.spec.groups + 1))

    def _above(self, points: Number) -> Number | None:
        """Return the least score above another that a client can have, None if there is none."""
        higher = cells(self.sizes).lazy().select(self.points()).filter(pl.col("points") > points)
        return cast(Number | None, higher.min().collect().item())

    @property
    def names(self) -> list[str]:
        """The columns from the criteria's points on, in their contractual order."""
        code = ["rfm"] if self.has_code else []
        return [*self.sizes, *code, "points", "group", "segment"]

    def cells(self, *, with_tenure: bool) -> int:
        """Return how many cells there are."""
        classes = len(self.spec.table.tenure_limits) + 1 if with_tenure else 1
        return math.prod(self.sizes.values()) * classes

    def scored(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add the code, the score and the group to a frame with the points r, f, m."""
        code = [self.code()] if self.has_code else []
        return frame.with_columns([*code, self.points()]).with_columns(self.group())

    def graded(self, frame: pl.LazyFrame, tenure: pl.Expr | None, lang: str) -> pl.LazyFrame:
        """Add the code, the score, the group and the segment to a frame with the points r, f, m."""
        return self.scored(frame).with_columns(self.segment(tenure, lang))

    def look_up(
        self,
        points: Mapping[str, pl.Series],
        tenure: pl.Series | None,
        *,
        lang: str,
        threads: int | None,
    ) -> list[pl.Series]:
        """Return what `graded` adds, worked out once a cell, for clients who are all scored."""
        sizes, keys, known = dict(self.sizes), list(points.values()), None
        if tenure is not None:
            limits = self.spec.table.tenure_limits
            sizes[_CLASS] = len(limits) + 1
            keys.append(_tenure_class(tenure, limits, threads))
            known = _tenure_of_class(limits)
        grid = self.graded(cells(sizes).lazy(), known, lang).drop(list(sizes)).collect()
        segment = grid["segment"]
        label = segment.to_physical()
        small = label.dtype == pl.UInt8
        tables = [*grid.drop("segment"), label if small else label.cast(pl.UInt32)]
        found = _core.cell_lookup(keys, list(sizes.values()), tables, threads=threads)
        columns = [
            pl.Series(column).alias(name) for name, column in zip(grid.columns, found, strict=True)
        ]
        return [*columns[:-1], columns[-1].cast(label.dtype).cat.to(segment.dtype)]


def sizes_of(fitted: Sequence[FittedBands]) -> dict[str, int]:
    """Return the number of bands of each criterion by its letter."""
    return {LETTERS[bands.criterion.name]: bands.size for bands in fitted}


def cells(sizes: Mapping[str, int]) -> pl.DataFrame:
    """Return every combination of 1..size, the last name running fastest."""
    index, below = pl.int_range(math.prod(sizes.values()), dtype=pl.UInt32), 1
    columns: list[pl.Expr] = []
    for name, size in reversed(list(sizes.items())):
        columns.append((index // below % size + 1).cast(pl.UInt8).alias(name))
        below *= size
    return pl.select(reversed(columns))


def _tenure_class(tenure: pl.Series, limits: Sequence[int], threads: int | None) -> pl.Series:
    """Return which of the ranges between the limits a tenure is in, unknown as the longest."""
    classes = pl.Series(_core.bands(tenure, list(limits), closed="right", threads=threads))
    return classes.fill_null(len(limits) + 1) if classes.null_count() else classes


def _tenure_of_class(limits: Sequence[int]) -> pl.Expr:
    """Return a tenure that stands for each class: its limit, and null for the longest."""
    known = pl.Series([*limits, None], dtype=pl.Int64)
    return pl.lit(known).gather(pl.col(_CLASS).cast(pl.UInt32) - 1)
