"""Iceberg tables: their newest snapshot as a scan, with the rows that are deleted left out."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

import polars as pl

from grc_fast._utils.extras import import_extra
from grc_fast._utils.messages import first_line
from grc_fast.errors import GrcError, SourceError
from grc_fast.io.lakes.kind import METADATA_FILE, LakeTable, metadata_files
from grc_fast.io.object_store import open_bytes
from grc_fast.io.source import redact
from grc_fast.io.store_faults import is_in_object_store, store_fault

# `v12.metadata.json` and `00012-….metadata.json`.
_NUMBER: Final = re.compile(r"v?(\d+)")
_HINT: Final = "version-hint.text"
# What the reader of the metadata calls what the environment says of the store.
_FROM_ENVIRONMENT: Final = {
    "s3.endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "s3.region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
}


def scan_iceberg(table: LakeTable, place: str) -> pl.LazyFrame:
    """Scan the newest snapshot of a table.

    Raises
    ------
    SourceError
        If it cannot be read, or rows of it are deleted by their values.
    """
    tables = import_extra("pyiceberg.table", "iceberg", "reading an Iceberg table")
    path = table.metadata or _newest(table.root, place)
    if not is_in_object_store(path):
        path = str(Path(path).absolute())
    # Without it, Polars warns that a planner of its own is not installed; the plan is the same.
    os.environ.setdefault("POLARS_ICEBERG_PLANNER", "pyiceberg")
    try:
        found = tables.StaticTable.from_metadata(path, _properties(path))
        _check_deletes(found, place)
        return pl.scan_iceberg(found, storage_options=_properties(path) or None)
    except GrcError:
        raise
    except Exception as error:  # noqa: BLE001 (metadata may be wrong in any way)
        raise SourceError(
            store_fault(place, error)
            or f"{place} cannot be read as an Iceberg table: {redact(first_line(error))}"
        ) from None


def _newest(root: str, place: str) -> str:
    """Find the newest metadata: the file that the hint leads to, or the highest number."""
    files = {file.rpartition("/")[2]: file for file in metadata_files(root)}
    hint = _hint(f"{root}/metadata/{_HINT}")
    if hint.isdecimal():
        # Writers change the hint last: there may be a newer version already.
        while f"v{int(hint) + 1}{METADATA_FILE}" in files:
            hint = str(int(hint) + 1)
        hint = f"v{hint}"
    for name in (hint, f"{hint}{METADATA_FILE}"):
        if name in files:
            return files[name]
    highest = max(map(_number, files))
    newest = [file for name, file in files.items() if _number(name) == highest]
    if len(newest) > 1:
        raise SourceError(
            f"{place} has {len(newest)} newest files of metadata: give the one that the catalog "
            f"names, such as {redact(newest[0])}"
        )
    return newest[0]


def _hint(path: str) -> str:
    try:
        with open_bytes(path) as file:
            return file.read().decode().strip()
    except (OSError, SourceError, UnicodeDecodeError):
        return ""


def _number(name: str) -> int:
    found = _NUMBER.match(name)
    return int(found[1]) if found else -1


def _properties(path: str) -> dict[str, str]:
    if not path.lower().startswith(("s3://", "s3a://")):
        return {}
    found = {
        key: next((os.environ[name] for name in names if os.environ.get(name)), "")
        for key, names in _FROM_ENVIRONMENT.items()
    }
    return {key: value for key, value in found.items() if value}


def _check_deletes(table: Any, place: str) -> None:
    """Refuse a table with equality deletes: those name values, and no rows."""
    from pyiceberg.manifest import DataFileContent, ManifestContent

    snapshot = table.current_snapshot()
    for manifest in snapshot.manifests(table.io) if snapshot is not None else ():
        if manifest.content != ManifestContent.DELETES:
            continue
        for entry in manifest.fetch_manifest_entry(table.io):
            if entry.data_file.content == DataFileContent.EQUALITY_DELETES:
                raise SourceError(
                    f"{place} is an Iceberg table with equality deletes, which cannot be read: "
                    "compact it (rewrite_data_files) so that no delete is left, or export its rows "
                    "to Parquet"
                )
