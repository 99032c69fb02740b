"""A folder of outputs, read: what each file is, and which cannot be shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from grc_fast.errors import ColumnError, DataError, SourceError
from grc_fast.io.small_tables import read_table
from grc_fast.pages.kinds import Kind, document_kind, table_kind
from grc_fast.report.page import Section

_TABLES: Final = (
    ".parquet",
    ".csv",
    ".ndjson",
    ".jsonl",
    ".arrow",
    ".ipc",
    ".feather",
    ".xlsx",
)


class _NotKnownError(Exception):
    """A table is none that a page shows."""


@dataclass(frozen=True)
class Output:
    """A file of a folder that a page shows: a table, or a JSON document."""

    name: str
    kind: Kind
    content: Any


@dataclass(frozen=True)
class Folder:
    """What a folder holds.

    Attributes
    ----------
    outputs
        What a page shows, by the kind.
    others
        Names of the files that it does not show.
    """

    outputs: dict[str, Output]
    others: tuple[str, ...]


def read_folder(path: Path, beside: Path) -> Folder:
    """Read what a folder holds.

    Parameters
    ----------
    path
        The folder; folders in it are left alone.
    beside
        The page that is written, which is not read.

    Raises
    ------
    SourceError
        If it is no folder, cannot be read, or holds nothing to show.
    DataError
        If it holds two files of a kind, or a file is broken.
    """
    found: dict[str, Output] = {}
    others = []
    for file in _files(path):
        if file.resolve() == beside.resolve():
            continue
        output = _output(file)
        if output is None:
            others.append(file.name)
            continue
        known = found.setdefault(output.kind.name, output)
        if known is not output:
            raise DataError(
                f"{str(path)!r} holds two files of {output.kind.name}, {known.name!r} and "
                f"{output.name!r}: a page shows one, so move the other away"
            )
    if not found:
        raise SourceError(
            f"{str(path)!r} holds no output that a page can show: name the folder that grc-fast "
            "wrote its scores to"
        )
    return Folder(found, tuple(others))


def _files(path: Path) -> Sequence[Path]:
    try:
        return sorted(file for file in path.iterdir() if file.is_file() and file.name[0] != ".")
    except OSError as error:
        raise SourceError(f"cannot read the folder {str(path)!r}: {error.strerror}") from None


def _output(file: Path) -> Output | None:
    """Read a file; None if it is none that a page shows."""
    suffix = file.suffix.lower()
    if suffix == ".json":
        document = _document(file)
        of_document = document_kind(document)
        return None if of_document is None else Output(file.name, of_document, document)
    if suffix not in _TABLES:
        return None
    try:
        table = read_table(file, check_columns=_check_columns)
    except (_NotKnownError, ColumnError):
        # A table without clients is none of those, either.
        return None
    of_table = table_kind(table.columns)
    return None if of_table is None else Output(file.name, of_table, table)


def _check_columns(columns: Sequence[str], _place: str) -> None:
    if table_kind(columns) is None:
        raise _NotKnownError


def _document(file: Path) -> object:
    try:
        return json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SourceError(f"cannot read {file.name!r}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise DataError(
            f"{file.name!r} is no JSON: write it again, or move it out of the folder"
        ) from None


def sections_of(outputs: Sequence[Output], lang: str) -> Iterator[Section]:
    """Yield the section of each output that has one of its own.

    Raises
    ------
    DataError
        If a file does not hold what its kind holds.
    """
    for output in outputs:
        if output.kind.section is None:
            continue
        try:
            yield output.kind.section(output.content, lang)
        except (ArithmeticError, LookupError, TypeError, ValueError, pl.exceptions.PolarsError):
            raise broken(output) from None


def broken(output: Output) -> DataError:
    """Return the error of a file that does not hold what its kind holds."""
    return DataError(
        f"{output.name!r} looks like the {output.kind.name} but does not hold one: write it again, "
        "or move it out of the folder"
    )
