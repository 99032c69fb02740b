"""Delta tables: their newest version as a scan, with the rows that are deleted left out."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote

import polars as pl

from grc_fast._utils.extras import import_extra
from grc_fast._utils.messages import first_line
from grc_fast.errors import SourceError
from grc_fast.io.lakes.kind import LakeTable
from grc_fast.io.object_store import log_options
from grc_fast.io.source import redact
from grc_fast.io.store_faults import is_in_object_store, store_fault

# What a table may ask of its readers.
_READ: Final = frozenset({"deletionVectors", "timestampNtz", "variantType", "variantType-preview"})
_NEWEST: Final = 3
_NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"
# Types whose values are written in one way only in the name of a folder.
_COMPARED: Final = (pl.String, pl.Boolean, pl.Date)


def scan_delta(table: LakeTable, place: str) -> pl.LazyFrame:
    """Scan the newest version of a table.

    Raises
    ------
    SourceError
        If it cannot be read, or not to the full: with the features that are in the way.
    """
    delta = import_extra("deltalake", "delta", "reading a Delta table")
    remote = is_in_object_store(table.root)
    try:
        found = delta.DeltaTable(
            table.root, storage_options=log_options(table.root) if remote else None
        )
        _check_features(found, place)
        _check_partitions(found, place)
    except (delta.exceptions.DeltaError, OSError, ValueError) as error:
        raise SourceError(
            store_fault(place, error)
            or f"{place} cannot be read as a Delta table: {redact(first_line(error))}"
        ) from None
    return pl.scan_delta(found)


def _check_features(table: Any, place: str) -> None:
    """Refuse a table that asks more of its readers than is known here."""
    protocol = table.protocol()
    version = protocol.min_reader_version
    asked = set(protocol.reader_features or ()) - _READ
    if table.metadata().configuration.get("delta.columnMapping.mode", "none") != "none":
        asked.add("columnMapping")
    if version > _NEWEST or (version == 2 and not asked):
        asked.add(f"reader version {version}")
    if asked:
        raise SourceError(
            f"{place} is a Delta table with {', '.join(sorted(asked))}, which cannot be read: "
            "write its rows to a table without, or export them to Parquet"
        )


def _check_partitions(table: Any, place: str) -> None:
    """Refuse a table whose folders do not say the values of its partitions: they are read there."""
    columns = table.metadata().partition_columns
    if not columns:
        return
    files = pl.DataFrame(table.get_add_actions(flatten=True))
    paths = files["path"].map_elements(unquote, pl.String)
    for name in columns:
        folder = rf"(?:^|/){re.escape(name)}=([^/]*)/"
        texts = paths.str.extract(folder).map_elements(unquote, pl.String)
        values = files[f"partition.{name}"]
        said = texts.is_not_null()
        if values.dtype in _COMPARED or values.dtype.is_integer():
            shown = values.cast(pl.String).fill_null(_NO_VALUE)
            said &= texts == shown
        if not said.all():
            raise SourceError(
                f"{place} keeps the values of {name!r} in its log and not in the names of its "
                "folders, where they are read: write its rows to a new table, or export them to "
                "Parquet"
            )
