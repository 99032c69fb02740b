"""One CSV file: how it is written, and its rows as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
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
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases


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
        """Where the ids of a column are found: there, or apart where SQL sees numbers or dates."""
        ids = {name: name for name, column in self._columns.items() if isinstance(column, IdColumn)}
        return ids | {name: f"{name}\0text" for name in self._ids_in_sql}

    @property
    def notes(self) -> list[Wording]:
        """How the file is written, and what is worth knowing of it, as far as it is read."""
        encoding = self._bytes.encoding
        encoding = "" if encoding in ("auto", "utf-8", "ascii") else encoding
        forms = [part for column in self._columns.values() for part in column.form]
        parts: list[Wording] = [self._dialect.wording]
        if encoding:
            parts.append(Phrase("form.encoding", encoding=encoding))
        notes: list[Wording] = [Phrases(list(dict.fromkeys([*parts, *forms])), last="list.and")]
        words = sum((column.null_words for column in self._columns.values()), Counter[str]())
        if words:
            shown = [
                Phrase("note.null_word", word=word, count=count)
                for word, count in words.most_common()
            ]
            notes.append(Phrase("note.null_words", words=Phrases(shown)))
        if self._blank_lines:
            notes.append(Phrase("note.blank_lines", lines=self._blank_lines))
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
        aliases = {
            name: alias for alias, name in original.items() if name in names and alias != name
        }
        for column in self._columns.values():
            column.null_words.clear()  # of an earlier reading
        # What is needed as text too is read from it.
        columns = {name: self._columns[name] for name in names if name in self._columns}
        read_at_once = {name: columns[name] for name in columns if name not in aliases}
        before = 0
        for batch, read in self._batches(list(names), read_at_once):
            values = [
                self._read(columns[name], batch[name], before)
                if name in columns and name not in read
                else batch[name]
                for name in names
            ]
            values += [
                self._read(self._ids_in_sql[name], batch[name], before).alias(alias)
                for name, alias in aliases.items()
            ]
            before += batch.height
            yield pl.DataFrame(values)

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

    def _batches(
        self, names: list[str], columns: Mapping[str, TextColumn]
    ) -> Iterator[tuple[pl.DataFrame, frozenset[str]]]:
        """Give some columns, batch by batch, and which of them have been read; the rest is text.

        Those in `columns` are read as the reader goes through the file, where it can.
        """
        positions = [self._names.index(name) for name in names]
        reader, seen = self._reader(), 0
        while True:
            forms = [columns[name].field_form if name in columns else None for name in names]
            try:
                batch = reader.read(list(zip(positions, forms, strict=True)))
            except SourceError as error:
                if not self._bytes.turns_out_to_be_cp1252(error):
                    raise self._fault(error) from None
                # What was read so far is the same in both encodings.
                reader = self._reader()
                batch = _after(reader, positions, seen)
            if batch is None:
                break
            table, are_texts, null_words = batch
            frame = pl.DataFrame(table)
            frame.columns = names
            seen += frame.height
            read = []
            for name, form, counts in zip(names, forms, null_words, strict=True):
                if form is not None and not are_texts:
                    columns[name].count_null_words(counts)
                    read.append(name)
            yield frame, frozenset(read)
        self._blank_lines = reader.blank_lines

    def _values(self, name: str) -> Iterator[pl.Series]:
        for frame, _ in self._batches([name], {}):
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


def _after(
    reader: _core.CsvReader, positions: list[int], rows: int
) -> tuple[pl.DataFrame, bool, list[list[int]]] | None:
    """Give the next rows of a reader that begins again, after those read before, all as texts."""
    columns = [(position, None) for position in positions]
    while (batch := reader.read(columns)) is not None:
        frame = pl.DataFrame(batch[0])
        before = reader.rows - frame.height
        if reader.rows > rows:
            return frame.slice(max(rows - before, 0)), True, [[] for _ in positions]
    return None


def _distinct(header: list[str]) -> list[str]:
    """Give the names by which columns are told apart: the second of a name has a number."""
    seen: Counter[str] = Counter()
    names = []
    for name in header:
        names.append(f"{name}_duplicated_{seen[name] - 1}" if seen[name] else name)
        seen[name] += 1
    return names
