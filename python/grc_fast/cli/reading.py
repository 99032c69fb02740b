"""From the options of a command to what is read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields
from typing import cast

import polars as pl
import typer

from grc_fast._typing import Returns
from grc_fast._utils.dates import parse_day
from grc_fast.behaviour.run import EventReading
from grc_fast.cli.options import (
    EventColumns,
    SalesColumns,
    SalesOptions,
    SourceOptions,
    TextFileOptions,
    comma_list,
)
from grc_fast.errors import ColumnError
from grc_fast.facts.options import Reading, SalesReading
from grc_fast.facts.table import CLIENT
from grc_fast.io.databases.address import Database
from grc_fast.io.ids import with_common_ids
from grc_fast.io.small_tables import read_table
from grc_fast.io.text_options import TextOptions, TextReading


def source_of(options: SourceOptions) -> str | list[str] | Database:
    """Return the source that the arguments name."""
    paths, table, query = options.source, options.table, options.query
    if table is None and query is None:
        return paths[0] if len(paths) == 1 else paths
    if len(paths) > 1:
        raise typer.BadParameter("--table and --query go with one database, and no other source")
    return Database(paths[0], table=table, query=query)


def text_reading(options: TextFileOptions) -> TextReading:
    """Return how text files are read."""
    found = {field.name: getattr(options, field.name) for field in fields(TextFileOptions)}
    if options.separator in ("tab", "\\t"):
        found["separator"] = "\t"
    return cast(TextReading, found)


def _orders(given: list[str]) -> list[str]:
    """List the columns of the order's id; commas of SQL part nothing."""
    return [name for one in given for name in ([one] if "(" in one else comma_list(one))]


def sales_columns(options: SalesColumns) -> Reading:
    """Return how the columns of sales are read."""
    columns = Reading(
        client=options.client,
        date=options.date,
        amount=options.amount,
        order=_orders(options.order) if options.order else None,
        where=options.where,
        timezone=options.timezone,
        money_scale=options.money_scale,
    )
    return cast(Reading, {**columns, **text_reading(options)})


def sales_reading(
    options: SalesOptions,
    returns: Returns,
    threads: int | None,
    progress: Callable[[int], None] | None,
) -> SalesReading:
    """Return how sales are read."""
    reading = sales_columns(options) | Reading(
        clients=options.clients, threads=threads, progress=progress
    )
    return SalesReading.of(reading, returns=returns)


def day_of(options: SalesOptions) -> dt.date | None:
    """Return the day that recency is counted from; None for the day after the last sale."""
    return None if options.as_of is None else parse_day(options.as_of)


def event_columns(options: EventColumns) -> EventReading:
    """Return how the columns of events are read."""
    columns = {field.name: getattr(options, field.name) for field in fields(EventColumns)}
    return cast(EventReading, columns | text_reading(options))


def client_tables(
    paths: Sequence[str],
    options: TextFileOptions,
    client: str,
    only: Collection[str] | None = None,
) -> list[pl.DataFrame]:
    """Read tables of one row a client, whose ids meet under the name `client_id`.

    `only` names the columns, or the SQL over them, that are needed.

    Raises
    ------
    ColumnError
        If a table has no such column of clients, or another that is called `client_id`.
    """
    text = TextOptions(**text_reading(options))
    tables = []
    for path in paths:
        table = read_table(path, text, client, only=only)
        if client != CLIENT and CLIENT in table.columns:
            raise ColumnError(
                f"{path} has the columns {client!r} and {CLIENT!r}, and the result would have two "
                "of one name: rename one"
            )
        tables.append(table.rename({client: CLIENT}))
    return with_common_ids(*tables)
