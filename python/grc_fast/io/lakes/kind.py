"""Which folders are tables of a lake, and of which kind."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grc_fast.errors import SourceError
from grc_fast.io.object_store import StoredListing, files_below, has_glob, is_stored_file
from grc_fast.io.source import redact
from grc_fast.io.store_faults import is_in_object_store
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase

DELTA: Final = "Delta"
ICEBERG: Final = "Iceberg"
HUDI: Final = "Hudi"
_LOGS: Final = {"_delta_log": DELTA, ".hoodie": HUDI}
_METADATA: Final = "metadata"
METADATA_FILE: Final = ".metadata.json"


@dataclass(frozen=True)
class LakeTable:
    """A folder that is a table.

    Attributes
    ----------
    kind
        `DELTA`, `ICEBERG` or `HUDI`.
    root
        Its path or URL.
    metadata
        The file of its metadata that was given, of an Iceberg table.
    """

    kind: str
    root: str
    metadata: str | None = None

    def __str__(self) -> str:
        """Name it in a sentence."""
        article = "an" if self.kind == ICEBERG else "a"
        return f"{article} {self.kind} table"


def table_of(path: str) -> LakeTable | None:
    """Find the table that a path or URL is: its folder, or a file of Iceberg metadata."""
    if path.endswith(METADATA_FILE):
        file = path if is_in_object_store(path) else str(Path(path).absolute())
        root, _, folder = file.rpartition("/")[0].rpartition("/")
        return LakeTable(ICEBERG, root, path) if folder == _METADATA else None
    if is_in_object_store(path):
        is_other = has_glob(path) or is_stored_file(path)
        return None if is_other else _table_at(path.rstrip("/"))
    return _table_at(path) if Path(path).is_dir() else None


def refuse_files_of_tables(given: str, files: Iterable[str]) -> None:
    """Refuse files of this machine that stand in a table: rows that it has no more may be in them.

    Raises
    ------
    SourceError
        If one of them stands in a table; with the table.
    """
    seen: set[str] = set()
    for folder in dict.fromkeys(map(_parent, files)):
        table = _table_around(folder, seen)
        if table is not None:
            raise _files_of(table, given)


def refuse_listed_tables(given: str, listing: StoredListing) -> None:
    """Refuse what a store lists for a URL if there are files of a table among it.

    Raises
    ------
    SourceError
        If there are; with the table.
    """
    for url in listing.seen:
        folder, _, name = url.rpartition("/")
        above, _, last = folder.rpartition("/")
        if last == _METADATA and name.endswith(METADATA_FILE):
            raise _files_of(LakeTable(ICEBERG, above), given)
        for log, kind in _LOGS.items():
            if f"/{log}/" in url:
                raise _files_of(LakeTable(kind, url.partition(f"/{log}/")[0]), given)
    table = None
    with suppress(SourceError):  # the folders above may be closed to us
        table = _table_around(listing.folder, set()) if listing.folder else None
    if table is not None:
        raise _files_of(table, given)


def note_of_file(file: str) -> list[Wording]:
    """Say that a file that was given by its name stands in a table."""
    table = None if is_in_object_store(file) else _table_around(_parent(file), set())
    if table is None:
        return []
    return [Phrase("note.file_of_table", file=file, kind=table.kind, root=table.root)]


def metadata_files(root: str) -> list[str]:
    """List the files of metadata of an Iceberg table."""
    if is_in_object_store(root):
        found: Iterable[str] = files_below(root, _METADATA)
    else:
        folder = Path(root, _METADATA)
        found = map(str, folder.iterdir()) if folder.is_dir() else ()
    return sorted(file for file in found if file.endswith(METADATA_FILE))


def _files_of(table: LakeTable, given: str) -> SourceError:
    return SourceError(
        f"{redact(given)} takes in files of {table}, and rows that the table has no more may be in "
        f"them: give the table itself, {redact(table.root)}"
    )


def _parent(file: str) -> str:
    return str(Path(os.path.realpath(file)).parent)


def _table_around(folder: str, seen: set[str]) -> LakeTable | None:
    """Find the table that a folder is or stands in; `seen` are folders known to be none."""
    while folder not in seen and not folder.endswith(":/"):
        found = _table_at(folder)
        if found is not None:
            return found
        seen.add(folder)
        above = folder.rpartition("/")[0]
        folder = above if is_in_object_store(folder) else str(Path(folder).parent)
    return None


def _table_at(folder: str) -> LakeTable | None:
    """Tell whether a folder is a table, by what stands right in it."""
    remote = is_in_object_store(folder)
    for name, kind in _LOGS.items():
        if any(files_below(folder, name)) if remote else Path(folder, name).is_dir():
            return LakeTable(kind, folder)
    return LakeTable(ICEBERG, folder) if metadata_files(folder) else None
