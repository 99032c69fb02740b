"""Facts of each client from sales on a cluster."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Unpack

import polars as pl

from grc_fast._typing import Day, Returns
from grc_fast._utils.checks import whole
from grc_fast._utils.dates import parse_day
from grc_fast._utils.panics import panics_as_errors
from grc_fast.errors import ColumnError, OptionError
from grc_fast.facts.client_base import base_batches
from grc_fast.facts.collect import Request, check_condition, checked_day
from grc_fast.facts.facts import OF_WINDOW, named_requests
from grc_fast.facts.options import Reading, SalesReading
from grc_fast.facts.quality import Quality
from grc_fast.facts.table import CLIENT
from grc_fast.io.open import open_source
from grc_fast.io.source import Opened, needed_columns
from grc_fast.io.sql import roots_or_nothing
from grc_fast.rfm.rfm import RFM
from grc_fast.rfm.sales_facts import criteria_requests, windowed_criterion
from grc_fast.spark.account import ACCOUNT, added, of_clients, of_lines
from grc_fast.spark.sales import BASE, IN_BASE, MergeStates, Question, ReadLines, WriteStates
from grc_fast.spark.tables import arrow_schema, check_frame, output_schema, quoted
from grc_fast.spark.workers import map_in_workers

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

# How errors name the table.
_SALES: Final = "the sales"
_INTEGERS: Final = ("tinyint", "smallint", "int", "bigint")
_FLOATS: Final = ("float", "double")
_MOST_PARTITIONS: Final = 1_000_000
_COALESCE: Final = "spark.sql.optimizer.canChangeCachedPlanOutputPartitioning"
# Expressions rather than functions, of which classic sessions and Connect have each their own.
_IN_BASE: Final = f"true as {IN_BASE}"
_NOT_IN_BASE: Final = f"cast(null as boolean) as {IN_BASE}"
_KEYS: Final = ("grc_fast_key", "grc_fast_spread")


@dataclass(frozen=True, eq=False)
class SparkFacts:
    """What is known of each client, on a cluster.

    Attributes
    ----------
    frame
        A DataFrame of Spark with a row a client, in no order: the columns are those of
        `grc_fast.facts`, or of `RFM.facts`. It is kept where Spark keeps what is persisted.
    quality
        The account of the rows read.
    as_of
        The day from which recency is counted.
    """

    frame: DataFrame
    quality: Quality
    as_of: dt.date
    _kept: DataFrame

    def unpersist(self) -> None:
        """Let go of what is kept, once scores are written."""
        self._kept.unpersist()


@panics_as_errors()
def facts(
    sales: Any,
    spec: RFM | Sequence[str],
    *,
    as_of: Day,
    window: str | None = None,
    returns: Returns | None = None,
    partitions: int | None = None,
    **reading: Unpack[Reading],
) -> SparkFacts:
    """Compute facts of each client from a table of sales on a cluster.

    The core runs in the workers and gives the bits that it gives on one machine. Where facts have
    states that can be merged (no order role; none of `active_days`, `mean_gap`, `log_gaps`,
    `last_basket`, `first_day_total`), each task sends on one state a client, else the lines
    themselves go to the task of their client.

    Parameters
    ----------
    sales
        A DataFrame of Spark, classic or Connect.
    spec
        A specification, or the names of facts, as for `grc_fast.facts`.
    as_of
        The day from which recency is counted.
    window, returns
        As for `grc_fast.facts`, with names of facts; a specification has its own.
    partitions
        How many tasks clients are spread over; as Spark decides by default.
    client
        The column of the client's id.
    date, amount, order, where, timezone, money_scale
        As for `grc_fast.facts`: columns, or SQL over columns as Polars reads it.
    clients
        The whole client base, a DataFrame of Spark.

    Returns
    -------
    SparkFacts
        The facts, computed and kept, the account of the rows, and the day.

    Raises
    ------
    SourceError
        If an executor lacks the package, or `sales` is no DataFrame of Spark.
    ColumnError, DataError, OptionError
        As `grc_fast.facts` does; a wrong value is quoted without its row.

    Notes
    -----
    Time is linear in the rows, most of it for handing them from the JVM to Python. No more than the
    accounts of the tasks is collected. A worker's memory grows with the clients of its share.

    Examples
    --------
    >>> import grc_fast as grc
    >>> sales = spark.table("sales")  # doctest: +SKIP
    >>> found = grc.spark.facts(sales, grc.RFM(), as_of="2026-11-01")  # doctest: +SKIP
    >>> print(found.quality)  # doctest: +SKIP
    """
    check_frame(sales, _SALES)
    asked = _asked(spec, window, returns, reading)
    base = asked.reading.clients
    if base is not None:
        check_frame(base, BASE)
    if partitions is not None:
        whole("partitions", partitions, least=1, most=_MOST_PARTITIONS)
    question, empty, opened = _prepared(sales, base, asked, parse_day(as_of))
    frame, account, out_of_window = empty
    columns = output_schema(pl.Schema({**frame.schema, ACCOUNT: pl.String()}))
    rows = sales.select([sales[quoted(name)] for name in question.sales.names])
    ids = None
    if base is not None:
        question, rows, ids = _with_ids_of_one_type(question, rows, base)
    spread = _from_states if question.begin().is_mergeable else _from_lines
    found = _kept(spread(question, rows, ids, columns, partitions))
    try:
        none = account | of_lines(account) | of_clients(account, out_of_window)
        quality = _quality(found, question.reading, opened, none)
    except BaseException:
        found.unpersist()
        raise
    own = found.where(found[ACCOUNT].isNull()).drop(ACCOUNT)
    return SparkFacts(own, quality, quality.as_of, found)


def _quality(
    found: DataFrame, reading: SalesReading, opened: Opened, none: dict[str, Any]
) -> Quality:
    """Compute a table, and return its account, which is added to that of no line."""
    rows = found.where(found[ACCOUNT].isNotNull()).select(ACCOUNT).collect()
    total: Any = added(none, (row[0] for row in rows))
    # There are no first rows to show: they are on the cluster.
    check_condition(replace(opened, replayable=False), reading, total)
    checked_day(open_source(pl.DataFrame()), total)
    return Quality.from_account(
        total,
        returns_dropped=reading.returns == "drop",
        out_of_window=total["out_of_window"],
        notes=opened.notes,
    )


@dataclass(frozen=True)
class _Asked:
    reading: SalesReading
    requests: dict[str, Request]
    scored_by: str | None
    returns_only: bool


def _asked(
    spec: RFM | Sequence[str], window: str | None, returns: Returns | None, reading: Reading
) -> _Asked:
    """Check what is asked for and how sales are read."""
    if not isinstance(spec, RFM):
        how = SalesReading.of(reading, returns="net" if returns is None else returns)
        requests = named_requests(spec, window, based=how.clients is not None)
        scored_by = OF_WINDOW if OF_WINDOW in requests else None
        return _Asked(how, requests, scored_by, returns_only=True)
    for name, value in (("window", window), ("returns", returns)):
        if value is not None:
            raise OptionError(
                f"{name} cannot go with an RFM, which has its own: give it there, or names of "
                "facts in place of the RFM"
            )
    how = SalesReading.of(reading, returns=spec.returns)
    return _Asked(how, criteria_requests(spec), windowed_criterion(spec), returns_only=False)


def _prepared(
    sales: DataFrame, base: DataFrame | None, asked: _Asked, as_of: dt.date
) -> tuple[Question, tuple[pl.DataFrame, Any, int], Opened]:
    """Check roles and types on tables without rows; gives the facts of those, too.

    What is wrong with a column or an option is said here, before anything runs on the cluster.
    """
    roles = asked.reading.roles
    schema = arrow_schema(sales, needed_columns(roles, sales.columns), _SALES)
    _check_client(sales, roles.client)
    opened = open_source(schema.empty_table()).open(roles)
    question = Question(
        # One task has one core, and needs the base not as a table of Spark.
        reading=replace(asked.reading, clients=None, progress=None, threads=1),
        requests=asked.requests,
        as_of=as_of,
        sales=_only(schema, needed_columns(roles, sales.columns)),
        based=base is not None,
        scored_by=asked.scored_by,
        returns_only=asked.returns_only,
        scored_alone=not asked.returns_only and base is None,
    )
    builder = question.begin()
    if base is not None:
        ids = arrow_schema(base, base.columns, BASE).empty_table()
        for batch in base_batches(ids, asked.reading.text, roles, opened):
            builder.add_clients(batch)
    return question, question.finish(builder), opened


def _only(schema: pa.Schema, names: Collection[str]) -> pa.Schema:
    """Return the fields of some columns."""
    import pyarrow as pa

    return pa.schema([field for field in schema if field.name in names])


def _check_client(sales: DataFrame, client: str) -> None:
    """Refuse ids that Spark does not tell apart as the core does."""
    if client not in sales.columns:
        roots = roots_or_nothing(client)
        if not roots <= set(sales.columns):
            return  # the name of a column that is missing, which is said with those that are there
        raise OptionError(
            f"client is the expression {client!r}: Spark brings clients together by a column, so "
            "add one with withColumn and name that"
        )
    dtype = sales.schema[client].dataType.simpleString()
    if dtype == "binary":
        raise ColumnError(
            f"the client column {client!r} of {_SALES} is binary: cast it to string first"
        )


def _with_ids_of_one_type(
    question: Question, rows: DataFrame, base: DataFrame
) -> tuple[Question, DataFrame, DataFrame]:
    """Return sales and the ids of the base under one name and of one type, by which they meet."""
    import pyarrow as pa

    client = question.reading.client
    known = [name for name in (client, CLIENT, *base.columns) if name in base.columns]
    ids = base.select(base[quoted(known[0])].alias(client))
    here, there = (frame.schema[client].dataType.simpleString() for frame in (rows, ids))
    if here == there and here not in _FLOATS:
        return question, rows, ids
    if not {here, there} <= set(_INTEGERS):
        raise ColumnError(
            f"the ids of {BASE} are of the type {there} and those of {_SALES} of the type {here}: "
            "cast both to bigint or string"
        )
    sales = question.sales
    place = sales.get_field_index(client)
    question = replace(question, sales=sales.set(place, pa.field(client, pa.int64())))
    return question, *(
        frame.withColumn(client, frame[quoted(client)].cast("bigint")) for frame in (rows, ids)
    )


def _from_states(
    question: Question,
    rows: DataFrame,
    ids: DataFrame | None,
    columns: pa.Schema,
    partitions: int | None,
) -> DataFrame:
    """Let each task send on the states of the clients of its lines."""
    import pyarrow as pa

    states = pa.table(question.begin().finish_states()[0]).schema
    writing = WriteStates(question, states.append(pa.field(ACCOUNT, pa.string())))
    written = map_in_workers(rows, writing).selectExpr("*", _NOT_IN_BASE)
    if ids is not None:
        dtype = written.schema[CLIENT].dataType
        base = ids.select(ids[quoted(question.reading.client)].cast(dtype).alias(CLIENT))
        written = written.unionByName(base.selectExpr("*", _IN_BASE), allowMissingColumns=True)
    merging = MergeStates(question, columns, CLIENT)
    return map_in_workers(_spread(written, [CLIENT], partitions), merging)


def _from_lines(
    question: Question,
    rows: DataFrame,
    ids: DataFrame | None,
    columns: pa.Schema,
    partitions: int | None,
) -> DataFrame:
    """Let all lines of a client go to one task."""
    client = question.reading.client
    lines = rows.selectExpr("*", _NOT_IN_BASE)
    if ids is not None:
        lines = lines.unionByName(ids.selectExpr("*", _IN_BASE), allowMissingColumns=True)
    own = quoted(client)
    # Two floats may be one number.
    is_float = rows.schema[client].dataType.simpleString() in _FLOATS
    key = f"cast({own} as bigint)" if is_float else own
    # Lines without a client are only counted: they need not all go to one task.
    others = ", ".join(quoted(name) for name in question.sales.names if name != client)
    lines = lines.selectExpr(
        "*", f"{key} as {_KEYS[0]}", f"if({own} is null, xxhash64({others}), 0) as {_KEYS[1]}"
    )
    spread = _spread(lines, _KEYS, partitions).drop(*_KEYS)
    return map_in_workers(spread, ReadLines(question, columns, client))


def _kept(frame: DataFrame) -> DataFrame:
    """Let Spark keep a table once it is computed, in as few partitions as suit its size.

    Without the setting every partition of a table that is kept stays a task, however small.
    """
    settings = frame.sparkSession.conf
    before = settings.get(_COALESCE, None)
    settings.set(_COALESCE, "true")
    try:
        return frame.persist()
    finally:
        if before is None:
            settings.unset(_COALESCE)
        else:
            settings.set(_COALESCE, before)


def _spread(frame: DataFrame, keys: Sequence[str], partitions: int | None) -> DataFrame:
    """Bring equal keys together."""
    return frame.repartition(*keys) if partitions is None else frame.repartition(partitions, *keys)
