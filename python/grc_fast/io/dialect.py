"""How the lines of a CSV file are written: separator, line ends, and where the header stands."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from grc_fast.errors import SourceError
from grc_fast.io.text_options import TextOptions, said
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase

_SEPARATORS: Final = (",", ";", "\t", "|")
_SAMPLE_ROWS: Final = 500
csv.field_size_limit(1 << 30)  # an unclosed quote swallows the rest of the sample


@dataclass(frozen=True)
class Dialect:
    """How the lines of a file are written, and its first rows.

    Attributes
    ----------
    separator
        What stands between fields.
    newline
        What ends a line: `lf` (with or without a carriage return before it) or `cr`.
    skip_lines
        Lines before the header: those that the user skips, and an instruction `sep=;`.
    rows
        The first rows that have as many fields as the header.
    is_whole
        Whether those are all the rows of the file.
    """

    separator: str
    newline: Literal["lf", "cr"]
    skip_lines: int
    rows: list[list[str]]
    is_whole: bool

    def column(self, position: int) -> list[str]:
        """Give the first values of a column."""
        return [row[position] for row in self.rows]

    @property
    def wording(self) -> Wording:
        """How the file is written, for a reader."""
        tab = self.separator == "\t"
        return Phrase("form.csv", separator=Phrase("form.tab") if tab else f'"{self.separator}"')


def detect_dialect(path: str, sample: str, options: TextOptions, *, is_whole: bool) -> Dialect:
    """Tell how the lines of a file are written.

    Parameters
    ----------
    path
        The file, for errors.
    sample
        Its first characters.
    options
        What the user says.
    is_whole
        Whether the sample is the whole file.

    Raises
    ------
    SourceError
        If there is no header.
    """
    newline: Literal["lf", "cr"] = "lf" if "\n" in sample or "\r" not in sample else "cr"
    lines = io.StringIO(sample, newline="\n" if newline == "lf" else "\r").readlines()
    if not is_whole and len(lines) > 1:
        lines.pop()  # cut in the middle
    skipped = options.skip_rows
    lines = lines[skipped:]
    separator = options.separator
    if lines and (instruction := lines[0].strip().strip('"')).lower().startswith("sep="):
        separator = separator or instruction[4:5] or "\t"
        lines, skipped = lines[1:], skipped + 1
    while lines and not lines[0].strip():
        lines.pop(0)
    if not lines:
        raise SourceError(
            f"{path} has no header after {said('skip_rows', str(skipped))}"
            if skipped
            else f"{path} is empty: it has no header and no rows"
        )
    separator = separator or detect_separator(lines)
    records = list(islice(_records(lines, separator), _SAMPLE_ROWS + 1))
    header, *rows = records or [[]]
    return Dialect(
        separator,
        newline,
        skipped,
        [row for row in rows if len(row) == len(header)],
        is_whole and len(records) <= _SAMPLE_ROWS,
    )


def detect_separator(lines: list[str]) -> str:
    """Choose the separator that cuts most lines into as many fields as the header.

    Of several that do, it is the one that cuts into the most fields.

    Examples
    --------
    >>> from grc_fast.io.dialect import detect_separator
    >>> detect_separator(['client_id;"date, time";amount', "7;2024-01-05, 9:05;12,50"])
    ';'
    """

    def fit(separator: str) -> tuple[bool, float, int]:
        records = list(islice(_records(lines, separator), 50))
        width = len(records[0]) if records else 0
        alike = sum(len(record) == width for record in records) / max(len(records), 1)
        return width > 1, alike, width

    return max(_SEPARATORS, key=fit)


def header_further_down(dialect: Dialect, sample: str, wanted: frozenset[str]) -> int | None:
    """Find the line that holds the columns that a header lacks, counted from 1."""
    lines = io.StringIO(sample, newline=None).readlines()
    for number, line in enumerate(lines[:100]):
        for separator in dict.fromkeys((dialect.separator, *_SEPARATORS)):
            names = set(next(csv.reader([line], delimiter=separator), []))
            if wanted and wanted <= names and number > dialect.skip_lines:
                return number + 1
    return None


def _records(lines: list[str], separator: str) -> Iterator[list[str]]:
    """Give the records of some lines, up to one that is broken: those who read it say how."""
    with suppress(csv.Error):
        for record in csv.reader(lines, delimiter=separator):
            if record:
                yield record
