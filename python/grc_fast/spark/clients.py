"""Tables of one row a client, on a cluster: facts, or any table with the criteria's columns."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from grc_fast._typing import Day
from grc_fast._utils.dates import parse_day
from grc_fast.errors import OptionError
from grc_fast.facts.table import STATUS, STATUSES
from grc_fast.rfm.client_table import DATES
from grc_fast.rfm.criteria import Criterion
from grc_fast.spark.facts import SparkFacts
from grc_fast.spark.tables import arrow_schema, check_frame, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame

#: How errors name the table.
PLACE: Final = "the facts"


def client_frame(facts: SparkFacts | DataFrame, as_of: Day | None) -> tuple[Any, dt.date | None]:
    """Return the table of clients and the day that they are seen from.

    Raises
    ------
    SourceError
        If it is no table of Spark.
    OptionError
        If `as_of` is not a day, or not that of the facts.
    """
    given = None if as_of is None else parse_day(as_of)
    if not isinstance(facts, SparkFacts):
        check_frame(facts, PLACE)
        return facts, given
    if given is not None and given != facts.as_of:
        raise OptionError(
            f"as_of is {given}, but these facts are counted from {facts.as_of}: leave as_of out, "
            "or collect the facts again"
        )
    return facts.frame, facts.as_of


def columns_of(frame: DataFrame, names: Sequence[str]) -> tuple[DataFrame, pl.DataFrame]:
    """Return some columns of a table, as far as it has them, and how workers see them."""
    kept = [name for name in frame.columns if name in names]
    schema = arrow_schema(frame, kept, PLACE)
    selected = frame.select([frame[quoted(name)] for name in kept])
    return selected, read_table(schema.empty_table().select(kept))


def read_table(table: pa.Table) -> pl.DataFrame:
    """Return a table of clients as the package has it: Spark keeps a status as text."""
    frame = pl.DataFrame(table)
    if frame.schema.get(STATUS) == pl.String:
        frame = frame.with_columns(pl.col(STATUS).cast(STATUSES))
    return frame


def names_of(criteria: Sequence[Criterion]) -> list[str]:
    """Return the columns of a table of clients that criteria read."""
    return ["client_id", STATUS, *DATES, *(criterion.name for criterion in criteria)]
