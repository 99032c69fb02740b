"""One CSV file: how it is written, and its rows as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import polars as pl

from grc_fast import _core
from grc_fast.errors import ColumnError, SourceError
from grc_fast.io.dialect import detect_dialect, header_further_down
from grc_fast.io.roles import Projection, TableRoles
from grc_fast.io.text_bytes import sample_text
from grc_fast.io.text_columns import (
    DateColumn,
    IdColumn,
    NumberColumn,
    TextColumn,
    UnreadError,
    sql_column,
)
from grc_fast.io.text_options import TextOptions, said


class CsvFile:
    """One CSV file and what its roles need of it.

    Parameters
    ----------
    path
        A local path.
    roles
        The roles to read: they decide what columns are read as.
    options
        What the user says of text files; the rest is detected.

    Raises
    ------
    SourceError
        If the file is empty, or is no text.
    DataError
        If values may be read in two ways and none of the file proves which.
    """

    # Ids out of a CSV are numbers when every one of them is a plain integer.
    plain_integer_ids = True

    def __init__(self, path: str, roles: TableRoles, options: TextOptions) -> None:
        self.path = path
        self._options = options
        self._bytes = sample_text(path, options)
        sample = self._bytes.sample
        self._dialect = detect_dialect(path, sample, options, is_whole=self._bytes.is_whole)
        self.header = self._reader().header
        self._names = _distinct(self.header)
        self._check_header(roles)
        self._columns = self._decide_columns(roles)
        self._blank_lines = 0

    @property
    def schema(self) -> pl.Schema:
        """Every column, those that roles read in the types that they are read as."""
        types: dict[str, pl.DataType] = {name: pl.String() for name in self._names}
        types |= {name: column.dtype for name, column in self._columns.items()}
        return pl.Schema(types | {alias: pl.String() for alias in self.text_names.values()})

    @property
    def text_names(self) -> dict[str, str]:
        """Where the ids of a column are found that SQL sees as numbers or dates."""
        return {name: f"{name}\0text" for name in self._ids_in_sql}

    @property
    def notes(self) -> list[str]:
        """How the file is written, and what is worth knowing of it, as far as it is read."""
        encoding = self._bytes.encoding
        encoding = "" if encoding in ("auto", "utf-8", "ascii") else encoding
        forms = [part for column in self._columns.values() for part in column.form]
        parts = [str(self._dialect), f"encoding {encoding}" if encoding else "", *forms]
        notes = [_joined(list(dict.fromkeys(part for part in parts if part)))]
        words = sum((column.null_words for column in self._columns.values()), Counter[str]())
        if words:
            shown = ", ".join(f'"{word}" {count:,} times' for word, count in words.most_common())
            notes.append(f"read as no value: {shown}")
        if self._blank_lines:
            many = self._blank_lines > 1
            notes.append(
                f"{self._blank_lines:,} blank {'lines are no rows' if many else 'line is no row'}"
            )
        return notes

    def tables(self, projection: Projection) -> Iterator[pl.DataFrame]:
        """Give the columns of a projection, batch by batch.

        Raises
        ------
        SourceError
            If a line is broken, or a value is not what its column holds; with the line.
        """
        original = {alias: name for name, alias in self.text_names.items()}
        names = dict.fromkeys(original.get(name, name) for name in projection.columns)
        aliases = {name: alias for alias, name in original.items() if name in names}
        for column in self._columns.values():
            column.null_words.clear()  # of an earlier reading
        before = 0
        for texts in self._texts(list(names)):
            columns = [
                self._read(self._columns[name], texts[name], before)
                if name in self._columns
                else texts[name]
                for name in names
            ]
            columns += [
                self._read(self._ids_in_sql[name], texts[name], before).alias(alias)
                for name, alias in aliases.items()
            ]
            before += texts.height
            yield pl.DataFrame(columns)

    def line_of_row(self, row: int) -> int | None:
        """Find the line on which data row `row` (1 for the first) begins."""
        found: int | None = self._reader().line_of_row(row)
        return found

    # -- the rows as text --------------------------------------------------------------------

    def _reader(self) -> _core.CsvReader:
        try:
            return _core.CsvReader(
                self._bytes.open(),
                separator=self._dialect.separator,
                newline=self._dialect.newline,
                encoding=self._bytes.reader_encoding,
                skip_lines=self._dialect.skip_lines,
                threads=None,
            )
        except SourceError as error:
            raise self._fault(error) from None

    def _texts(self, names: list[str]) -> Iterator[pl.DataFrame]:
        """Give some columns as text, batch by batch."""
        positions = [self._names.index(name) for name in names]
        reader, seen = self._reader(), 0
        while True:
            try:
                batch = reader.read(positions)
            except SourceError as error:
                if not self._bytes.turns_out_to_be_cp1252(error):
                    raise self._fault(error) from None
                # What was read so far is the same in both encodings.
                reader = self._reader()
                batch = _after(reader, positions, seen)
            if batch is None:
                break
            frame = pl.DataFrame(batch)
            frame.columns = names
            seen += frame.height
            yield frame
        self._blank_lines = reader.blank_lines

    def _values(self, name: str) -> Iterator[pl.Series]:
        for frame in self._texts([name]):
            yield frame[name]

    def _read(self, column: TextColumn, texts: pl.Series, before: int) -> pl.Series:
        with self._lines_of_values(column.name, before):
            return column.read(texts).alias(column.name)

    @contextmanager
    def _lines_of_values(self, name: str, before: int = 0) -> Iterator[None]:
        """Say of a value that cannot be read on which line it stands."""
        try:
            yield
        except UnreadError as error:
            line = self.line_of_row(error.row_of_all(before))
            where = "" if line is None else f", line {line}"
            raise error.told(f"{self.path}{where}", name) from None

    def _fault(self, error: SourceError) -> SourceError:
        """Put the file before what is wrong with a line, unless it is there."""
        sentence = str(error)
        return error if sentence.startswith(self.path) else SourceError(f"{self.path}, {sentence}")

    # -- what columns are read as -------------------------------------------------------------

    def _check_header(self, roles: TableRoles) -> None:
        """Check that roles find one column each, and whether the header stands further down."""
        header = self.header
        needed = roles.text_columns() | roles.amount_columns(header)
        for name in sorted(needed | roles.sql_columns(header)):
            if header.count(name) > 1:
                raise ColumnError(
                    f"{self.path} has {header.count(name)} columns named {name!r}: "
                    "rename all but one"
                )
        wanted = roles.text_columns()
        if wanted & frozenset(header):
            return
        line = header_further_down(self._dialect, self._bytes.sample, wanted)
        if line is not None:
            raise SourceError(
                f"{self.path} has its header on line {line}, it seems, and not on line "
                f"{self._dialect.skip_lines + 1}: give {said('skip_rows', str(line - 1))}"
            )

    def _decide_columns(self, roles: TableRoles) -> dict[str, TextColumn]:
        dates = roles.date_columns()
        in_sql = roles.sql_text_columns(self.header)
        ids = (roles.text_columns() - dates) | in_sql
        amounts, sql = roles.amount_columns(self.header), roles.sql_columns(self.header)
        columns: dict[str, TextColumn] = {}
        self._ids_in_sql: dict[str, TextColumn] = {}
        for position, name in enumerate(self._names):
            first = pl.Series(
                name, [text or None for text in self._dialect.column(position)], pl.String
            )
            given = (
                name,
                f"{self.path}: the column {name!r}",
                self._options,
                partial(self._values, name),
            )
            if name in ids:
                columns[name] = ids_of_name = IdColumn(*given)
                ids_of_name.decide(first)
                if name in sql and name not in in_sql:
                    typed = sql_column(*given, first, is_whole=self._dialect.is_whole)
                    if typed.dtype != pl.String:
                        self._ids_in_sql[name] = columns[name]
                        columns[name] = typed
            elif name in dates:
                columns[name] = date = DateColumn(*given)
                with self._lines_of_values(name):
                    date.decide(first)
            elif name in amounts:
                columns[name] = number = NumberColumn(*given)
                with self._lines_of_values(name):
                    number.decide(first)
            elif name in sql:
                columns[name] = sql_column(*given, first, is_whole=self._dialect.is_whole)
        return columns


def _joined(parts: list[str]) -> str:
    """Join parts by commas, and the last by a word."""
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last


def _after(reader: _core.CsvReader, positions: list[int], rows: int) -> pl.DataFrame | None:
    """Give the next rows of a reader that begins again, after those that were read before."""
    while (batch := reader.read(positions)) is not None:
        frame = pl.DataFrame(batch)
        before = reader.rows - frame.height
        if reader.rows > rows:
            return frame.slice(max(rows - before, 0))
    return None


def _distinct(header: list[str]) -> list[str]:
    """Give the names by which columns are told apart: the second of a name has a number."""
    seen: Counter[str] = Counter()
    names = []
    for name in header:
        names.append(f"{name}_duplicated_{seen[name] - 1}" if seen[name] else name)
        seen[name] += 1
    return names
