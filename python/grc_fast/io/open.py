"""Anything that can be read, opened as a source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl

from grc_fast._utils.processes import check_process
from grc_fast.io.databases.address import Database, is_database
from grc_fast.io.databases.source import database_source
from grc_fast.io.files import list_source, path_source
from grc_fast.io.lakes.kind import table_of
from grc_fast.io.lakes.source import lake_source
from grc_fast.io.pandas_frames import is_pandas_frame
from grc_fast.io.paths import local_path
from grc_fast.io.roles import TableRoles
from grc_fast.io.source import Found, Source
from grc_fast.io.tables import arrow_source, lazy_source, pandas_source, table
from grc_fast.io.text_options import DETECTED, TextOptions
from grc_fast.io.widened_part import with_all_columns
from grc_fast.io.written_dates import with_written_dates


def open_source(source: object, text: TextOptions = DETECTED) -> Source:
    """Find out what a source is.

    Parameters
    ----------
    source
        A path, a list of paths, a glob, a directory (read recursively; files of one format), the
        URL of an object store, a Delta or Iceberg table, a `Database` or its address with
        `#table`, a Polars DataFrame or LazyFrame, a pandas or PyArrow table, or anything with
        `__arrow_c_stream__`. A stream is read once, batch by batch.
    text
        How text files are written, as far as the user says so.

    Returns
    -------
    Source
        The source, none of its rows read.

    Raises
    ------
    SourceError
        If there is no such file, its format is not known, or the object is no table.

    Examples
    --------
    >>> import polars as pl
    >>> from grc_fast.io.open import open_source
    >>> open_source(pl.DataFrame({"client_id": [1]})).name
    'the frame'
    """
    check_process()
    found = _find(source, text)
    return replace(found, _parts=partial(_with_written_dates, found._parts, text))


def _with_written_dates(
    parts: Callable[[TableRoles], Found], text: TextOptions, roles: TableRoles
) -> Found:
    found, notes, plain_integer_ids = parts(roles)
    columns = {name for part in found for name in part.schema}
    found = with_all_columns(found, roles.where_columns(columns))
    dated = [
        with_written_dates(part, roles, text)
        if part.dates_are_written or text.date_format is not None
        else part
        for part in found
    ]
    return dated, notes, plain_integer_ids


def _find(source: object, text: TextOptions) -> Source:
    if isinstance(source, (str, Path)):
        return _named(str(source), text)
    if isinstance(source, Database):
        return database_source(source)
    if isinstance(source, (list, tuple)):
        return list_source(source, text)
    return _table(source)


def _named(name: str, text: TextOptions) -> Source:
    if is_database(name):
        return database_source(Database(name))
    lake = table_of(local_path(name))
    return path_source([name], text) if lake is None else lake_source(lake)


def _table(source: object) -> Source:
    if isinstance(source, pl.DataFrame):
        return table("the frame", source)
    if isinstance(source, pl.LazyFrame):
        return lazy_source(source)
    return pandas_source(source) if is_pandas_frame(source) else arrow_source(source)
