"""Clients scored on a cluster with a model that was learnt before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grc_fast._typing import Day, Lang
from grc_fast._utils.panics import panics_as_errors
from grc_fast.rfm.rfm import RFMModel
from grc_fast.spark.clients import client_frame, columns_of, names_of, read_table
from grc_fast.spark.facts import SparkFacts
from grc_fast.spark.tables import Table, output_schema
from grc_fast.spark.workers import map_in_workers

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame


@panics_as_errors()
def score(
    facts: SparkFacts | DataFrame,
    model: RFMModel,
    *,
    as_of: Day | None = None,
    lang: Lang | None = None,
) -> Any:
    """Score clients on a cluster with frozen edges.

    Parameters
    ----------
    facts
        What `grc_fast.spark.facts` gave, or a DataFrame of Spark with a row a client.
    model
        The model, which goes to the workers whole.
    as_of, lang
        As for `RFMModel.score`.

    Returns
    -------
    DataFrame of Spark
        A row a client, in no order, with the columns of `RFMModel.score`: unsigned integers in the
        next larger type of Spark (`r`, `f`, `m` and `group` as `smallint`, `frequency`, `rfm` and
        `points` as `bigint`), segment and status as text. It is computed when it is used.

    Raises
    ------
    ColumnError
        If a column is missing or of a type that is not taken.
    OptionError
        If thresholds need an `as_of` and there is none.

    Notes
    -----
    Time is linear in clients. Whether a client has two rows is not looked into.

    Examples
    --------
    >>> import grc_fast as grc
    >>> model = grc.RFMModel.load("rfm.json")  # doctest: +SKIP
    >>> scores = grc.spark.score(spark.table("facts"), model)  # doctest: +SKIP
    >>> scores.write.saveAsTable("scores")  # doctest: +SKIP
    """
    frame, day = client_frame(facts, as_of)
    selected, empty = columns_of(frame, [*names_of(model.rfm.criteria), *model.rfm.table.columns])
    columns = model.score(empty, as_of=day, lang=lang).schema
    job = ScoreClients(model.to_dict(), day, lang, output_schema(columns))
    return map_in_workers(selected, job)


@dataclass(frozen=True)
class ScoreClients:
    """Give the scores of clients."""

    model: dict[str, Any]
    as_of: dt.date | None
    lang: Lang | None
    output: pa.Schema

    def run(self, tables: Iterable[pa.Table]) -> Iterator[Table]:
        """Score them table by table."""
        model = RFMModel.from_dict(self.model)
        for table in tables:
            yield model.score(read_table(table), as_of=self.as_of, lang=self.lang, threads=1)
