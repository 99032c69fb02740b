"""Bands and groups learnt on a cluster: nothing but counts comes to the driver."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import polars as pl

from grc_fast._typing import Day, Number
from grc_fast._utils.dates import day_number
from grc_fast._utils.panics import panics_as_errors
from grc_fast.errors import OptionError
from grc_fast.rfm.bands import Banding, FittedBands, apply_bands, kernel_values, require_clients
from grc_fast.rfm.client_table import check_columns, keep_where, read_clients
from grc_fast.rfm.criteria import LETTERS
from grc_fast.rfm.fitting import model_of_counts
from grc_fast.rfm.grades import Grades, sizes_of
from grc_fast.rfm.rfm import RFM, RFMModel
from grc_fast.rfm.specification import Specification
from grc_fast.spark.account import ACCOUNT, added
from grc_fast.spark.clients import client_frame, columns_of, names_of, read_table
from grc_fast.spark.edges import (
    Bracket,
    CountValues,
    SummariseValues,
    brackets_of,
    key_of_rank,
    value_of,
)
from grc_fast.spark.facts import SparkFacts
from grc_fast.spark.tables import Table, output_schema
from grc_fast.spark.workers import Job, map_in_workers

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame


# Sums of counts tell the values of ranks alone.
_COUNTABLE: Final = ("quantiles", "inverted_cdf")


@panics_as_errors()
def fit(facts: SparkFacts | DataFrame, spec: RFM, *, as_of: Day | None = None) -> RFMModel:
    """Learn the edges of the bands and of the groups from clients on a cluster.

    The edges are exact: they are those that `RFM.fit` learns from the same clients.

    Parameters
    ----------
    facts
        What `grc_fast.spark.facts` gave, or a DataFrame of Spark with a row a client.
    spec
        The specification; its ties are together, and its edges values of clients or thresholds.
    as_of
        As for `RFM.fit`.

    Returns
    -------
    RFMModel
        The frozen edges.

    Raises
    ------
    ColumnError
        If a column is missing or of a type that is not taken.
    DataError
        If there is no client to learn from.
    OptionError
        If the specification asks for what counts cannot tell: split ties, interpolated edges.

    Notes
    -----
    Three passes over the clients: two for the edges and one for the groups. The driver gets about a
    thousand counts for every half a million clients and criterion, then those of the values near an
    edge.

    Examples
    --------
    >>> import grc_fast as grc
    >>> model = grc.spark.fit(found, grc.RFM())  # doctest: +SKIP
    >>> model.save("rfm.json")  # doctest: +SKIP
    """
    for banding in spec.bandings:
        _check_countable(banding)
    frame, day = client_frame(facts, as_of)
    selected, empty = columns_of(frame, names_of(spec.criteria))
    check_columns(empty.schema, spec.criteria)
    quantiles = [banding for banding in spec.bandings if banding.kind == "quantiles"]
    edges, clients = _edges(selected, spec, quantiles, empty)
    fitted = [
        replace(
            FittedBands(banding.criterion, banding.size, banding.kind),
            edges=edges.get(banding.criterion.name, ()),
        )
        for banding in spec.bandings
    ]
    letters = [LETTERS[bands.criterion.name] for bands in fitted]
    counted = _counts(selected, TallyClients(spec, tuple(fitted), day), letters)
    tally = counted.select(
        *(pl.col(letter).cast(pl.UInt8) for letter in letters), pl.col("clients").cast(pl.UInt64)
    ).sort(letters)
    require_clients(int(tally["clients"].sum()))
    model = model_of_counts(spec, fitted, tally, lambda name, value: clients[name, value], day)
    return RFMModel._of(spec, model)


def _check_countable(banding: Banding) -> None:
    """Refuse bands whose edges are no values of ranks."""
    if banding.kind == "thresholds" or (banding.kind, banding.edges) == _COUNTABLE:
        return
    if banding.ties != "together":
        wrong, instead = f"ties={banding.ties!r}", "ties='together'"
    else:
        wrong, instead = f"edges={banding.edges!r}", "edges='inverted_cdf'"
    raise OptionError(
        f"{banding.criterion.name}: {wrong} cannot be learnt on Spark: take {instead}, or fit on "
        "one machine and score with that model here"
    )


def _edges(
    frame: DataFrame, spec: RFM, bandings: Sequence[Banding], empty: pl.DataFrame
) -> tuple[dict[str, tuple[Number, ...]], dict[tuple[str, Number], int]]:
    """Return the edges of each criterion, and how many clients have the value of each."""
    if not bandings:
        return {}, {}
    names = tuple(banding.criterion.name for banding in bandings)
    summary = _counts(frame, SummariseValues(spec, names), ["criterion", "before", "key"])
    ranks: dict[str, list[int]] = {}
    brackets: dict[str, tuple[Bracket, ...]] = {}
    for banding, name in zip(bandings, names, strict=True):
        own = summary.filter(pl.col("criterion") == name)
        total = int(own["clients"].sum())
        ranks[name] = [-(-j * total // banding.size) for j in range(1, banding.size) if total]
        brackets[name] = tuple(brackets_of(own, ranks[name]))
    distinct = {name: tuple(dict.fromkeys(own)) for name, own in brackets.items()}
    counts = _counts(frame, CountValues(spec, distinct), ["criterion", "bracket", "key"])
    edges: dict[str, tuple[Number, ...]] = {}
    clients: dict[tuple[str, Number], int] = {}
    for name in names:
        is_float = kernel_values(empty[name]).dtype.is_float()
        found: list[Number] = []
        for rank, bracket in zip(ranks[name], brackets[name], strict=True):
            own = counts.filter(
                pl.col("criterion") == name, pl.col("bracket") == distinct[name].index(bracket)
            )
            key, number = key_of_rank(own, rank)
            found.append(value_of(key, is_float=is_float))
            clients[name, found[-1]] = number
        edges[name] = tuple(found)
    return edges, clients


@dataclass(frozen=True)
class TallyClients:
    """Give how many clients are in each cell of points."""

    spec: Specification
    fitted: tuple[FittedBands, ...]
    as_of: dt.date | None

    @property
    def output(self) -> pa.Schema:
        """The points by their letters, and clients."""
        letters = {LETTERS[bands.criterion.name]: pl.UInt8() for bands in self.fitted}
        return output_schema(pl.Schema({**letters, "clients": pl.Int64(), ACCOUNT: pl.String()}))

    def run(self, tables: Iterable[pa.Table]) -> Iterator[Table]:
        """Tally table by table."""
        grades = Grades(self.spec, sizes_of(self.fitted))
        day = day_number(self.as_of)
        for table in tables:
            rows = read_clients(read_table(table), self.spec.criteria, self.as_of)
            points = {}
            for fitted in self.fitted:
                values = rows.scored_only(rows.frame[fitted.criterion.name])
                bands = apply_bands(fitted, values, rows.ids, as_of=day, threads=1)
                letter = LETTERS[fitted.criterion.name]
                points[letter] = keep_where(fitted.points(bands), rows.scored).alias(letter)
            yield grades.tally(points, 1).with_columns(pl.col("clients").cast(pl.Int64))


def _counts(frame: DataFrame, job: Job, keys: Sequence[str]) -> pl.DataFrame:
    """Run a job that counts, and add its counts up by some of its columns."""
    counted = map_in_workers(frame, job).groupBy(*keys, ACCOUNT)
    counts = pl.DataFrame(counted.sum("clients").toArrow()).rename({"sum(clients)": "clients"})
    added({}, counts[ACCOUNT].drop_nulls())
    return counts.drop(ACCOUNT)
