"""The edges of quantile bands from counts that add up, whatever rows each worker counts.

An edge is the value of a rank among all clients. A first pass gives some values of each worker's,
and how many clients are not above them: they tell between which two values the rank must lie. There
a second pass counts the clients of each value. Values travel as whole numbers in the same order.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import polars as pl

from grc_fast._typing import Number
from grc_fast.rfm.bands import kernel_values
from grc_fast.rfm.client_table import read_clients
from grc_fast.rfm.specification import Specification
from grc_fast.spark.account import ACCOUNT
from grc_fast.spark.clients import read_table
from grc_fast.spark.tables import Table, output_schema

if TYPE_CHECKING:
    import pyarrow as pa

#: Keys above the first, which may be missing, and up to the second.
Bracket: TypeAlias = tuple[int | None, int]
# The points of a worker's values at which they are counted first.
_POINTS: Final = 1_000
# What turns the bits of a negative double into a number that rises with it.
_FLIP: Final = 2**63 - 1
_SUMMARY: Final = pl.Schema(
    {"criterion": pl.String, "before": pl.Int64, "key": pl.Int64, "clients": pl.Int64}
)
_COUNTS: Final = pl.Schema(
    {"criterion": pl.String, "bracket": pl.Int32, "key": pl.Int64, "clients": pl.Int64}
)


def keys_of(values: pl.Series) -> pl.Series:
    """Return values, ascending, as whole numbers that compare as they do; without nulls and NaN."""
    values = kernel_values(values).drop_nulls()
    if not values.dtype.is_float():
        return values.cast(pl.Int64).sort()
    numbers = values.drop_nans().cast(pl.Float64)
    # Both zeros are one number.
    numbers = numbers.set(numbers == 0, 0.0)
    bits = pl.Series(numbers.to_arrow().view("int64"))
    return pl.select(pl.when(bits < 0).then(bits ^ _FLIP).otherwise(bits)).to_series().sort()


def value_of(key: int, *, is_float: bool) -> Number:
    """Return the value that a key is that of."""
    if not is_float:
        return key
    bits = key ^ _FLIP if key < 0 else key
    return float(struct.unpack("<d", struct.pack("<q", bits))[0])


@dataclass(frozen=True)
class _Counting:
    """What both passes know of the clients."""

    spec: Specification

    def _keys(
        self, tables: Iterable[pa.Table], names: Iterable[str]
    ) -> Iterator[tuple[str, pl.Series]]:
        wanted = list(names)
        for table in tables:
            rows = read_clients(read_table(table), self.spec.criteria)
            for name in wanted:
                yield name, keys_of(rows.scored_only(rows.frame[name]))


@dataclass(frozen=True)
class SummariseValues(_Counting):
    """Give some of the values of each criterion, and how many clients come after the one before."""

    names: tuple[str, ...]

    @property
    def output(self) -> pa.Schema:
        """The columns of a summary."""
        return output_schema(pl.Schema({**_SUMMARY, ACCOUNT: pl.String()}))

    def run(self, tables: Iterable[pa.Table]) -> Iterator[Table]:
        """Summarise table by table."""
        for name, keys in self._keys(tables, self.names):
            if len(keys) == 0:
                continue
            step = -(-len(keys) // _POINTS)
            points = keys.gather_every(step, step - 1).append(keys.tail(1)).unique().sort()
            up_to = keys.search_sorted(points, side="right").cast(pl.Int64)
            yield pl.DataFrame(
                {
                    "before": points.shift(1),
                    "key": points,
                    "clients": up_to - up_to.shift(1, fill_value=0),
                }
            ).select(pl.lit(name).alias("criterion"), pl.all())


@dataclass(frozen=True)
class CountValues(_Counting):
    """Give how many clients are below each bracket, and how many at each value within."""

    brackets: Mapping[str, tuple[Bracket, ...]]

    @property
    def output(self) -> pa.Schema:
        """The columns of counts; the row without a key is that of the clients below."""
        return output_schema(pl.Schema({**_COUNTS, ACCOUNT: pl.String()}))

    def run(self, tables: Iterable[pa.Table]) -> Iterator[Table]:
        """Count table by table."""
        for name, keys in self._keys(tables, self.brackets):
            for number, (low, high) in enumerate(self.brackets[name]):
                start = 0 if low is None else keys.search_sorted(low, side="right")
                end = keys.search_sorted(high, side="right")
                within = keys[start:end].alias("key").value_counts(name="clients")
                below = pl.DataFrame({"key": [None], "clients": [start]}, schema=within.schema)
                yield pl.concat([below, within]).select(
                    pl.lit(name).alias("criterion"),
                    pl.lit(number, dtype=pl.Int32).alias("bracket"),
                    "key",
                    pl.col("clients").cast(pl.Int64),
                )


def brackets_of(summary: pl.DataFrame, ranks: Iterable[int]) -> list[Bracket]:
    """Return keys that the values of ranks must lie between, given the summaries of all workers."""
    at_least = (
        summary.group_by("key")
        .agg(pl.col("clients").sum())
        .sort("key")
        .with_columns(pl.col("clients").cum_sum())
    )
    at_most = (
        summary.group_by("before")
        .agg(pl.col("clients").sum())
        .sort("before", nulls_last=False)
        .with_columns(pl.col("clients").cum_sum())
    )
    found: list[Bracket] = []
    for rank in ranks:
        high = at_least["key"][int(at_least["clients"].search_sorted(rank, side="left"))]
        # Of values whose clients up to them are surely too few, the largest.
        few = int(at_most["clients"].search_sorted(rank, side="left"))
        found.append((at_most["before"][few - 1] if few else None, high))
    return found


def key_of_rank(counts: pl.DataFrame, rank: int) -> tuple[int, int]:
    """Return the key of a rank, and how many clients have it, from the counts of its bracket."""
    below = int(counts.filter(pl.col("key").is_null())["clients"].sum())
    within = counts.drop_nulls("key").sort("key")
    place = int(within["clients"].cum_sum().search_sorted(rank - below, side="left"))
    return within["key"][place], within["clients"][place]
