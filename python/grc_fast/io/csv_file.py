"""CSV files: how they are written, and where they are wrong."""

from __future__ import annotations

import copy
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from grc_fast._utils.messages import first_line, quoted
from grc_fast.errors import ColumnError, SourceError
from grc_fast.io.roles import TableRoles
from grc_fast.io.source import INFERENCE_ROWS

# The separator and the decimal sign are read off this much of a file.
_SAMPLE_BYTES = 1 << 16
_SAMPLE_ROWS = 500
# A separator that no table uses: with it, each line is one field.
_UNIT_SEPARATOR = "\x1f"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+")
_POINT_NUMBER = re.compile(r"[+-]?\d+\.\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
_UNPARSED = re.compile(r"could not parse `(.*?)` as dtype `(\w+)` at column '(.*?)'", re.DOTALL)
DecimalSign = Literal["comma", "point"] | None
csv.field_size_limit(1 << 30)  # an unclosed quote swallows the rest of the file


@dataclass(frozen=True)
class CsvForm:
    """How a CSV file is written: its separator, and its decimal sign as far as it is seen.

    Examples
    --------
    >>> from grc_fast.io.csv_file import CsvForm
    >>> str(CsvForm(";", "comma"))
    'CSV with ";" and decimal comma'
    """

    separator: str = ","
    decimal: DecimalSign = None

    @property
    def reads_comma(self) -> bool:
        """Whether `1,5` is a number: Polars then takes `1.5` for one as well."""
        # Between semicolons or tabs a comma is nothing else, even if the first rows have none.
        return self.decimal == "comma" or (self.decimal is None and self.separator != ",")

    def is_number(self, text: str) -> bool:
        """Tell whether a field is read as a number."""
        if self.reads_comma:
            text = text.replace(",", ".", 1)
        return _NUMBER.fullmatch(text) is not None

    def __str__(self) -> str:
        shown = "tab" if self.separator == "\t" else f'"{self.separator}"'
        return f"CSV with {shown}" + (f" and decimal {self.decimal}" if self.decimal else "")


class CsvFile:
    """One CSV file (or a URL that Polars reads as one) and what its roles need of it.

    Parameters
    ----------
    path
        A local path, or the URL of an object store.
    roles
        The roles to read: they decide which columns stay text and which must be numbers.

    Raises
    ------
    SourceError
        If the file is empty, or is no UTF-8 text.
    """

    # Ids out of a CSV are numbers when every one of them is a plain integer.
    plain_integer_ids = True

    def __init__(self, path: str, roles: TableRoles) -> None:
        self.path = path
        self._local = "://" not in path
        self._lines = self._sample()
        if not self._lines:
            raise SourceError(f"{path} is empty: it has no header and no rows")
        separator = detect_separator(self._lines[0])
        rows = list(csv.reader(self._lines, delimiter=separator))
        self.header = rows[0]
        self._check_roles_are_unique(roles)
        amounts = roles.amount_columns(self.header)
        self._text = roles.text_columns() & frozenset(self.header)
        self._numbers = amounts - self._text
        self._sql_columns = roles.sql_columns(self.header)
        self.form = CsvForm(separator, detect_decimal(rows, amounts, separator=separator))
        self._names = self._distinct_names()
        self._inferred = self._infer_sql_columns()
        self._last = self._names[-1]
        self._blank_left: int | None = None

    def reopened(self) -> CsvFile:
        """Give the same file, to be read from its start once more."""
        again = copy.copy(self)
        again._blank_left = None
        return again

    @property
    def note(self) -> str:
        """How the file is written, for the reader."""
        return str(self.form)

    def scan(self) -> pl.LazyFrame:
        """Scan the file with ids and dates as text and amounts as numbers.

        A column that is both an id and part of an SQL expression is there twice: as text under
        the name in `text_names`, and under its own name with the type its values suggest.
        """
        # An id or a date that is an empty quoted field is as null as one without quotes.
        text = [pl.when(pl.col(name) != "").then(pl.col(name)) for name in sorted(self._text)]
        types = {name: self._type(name) for name in self._names}
        frame = self._read(schema=types).with_columns(text)
        aliases = self.text_names
        copies = [pl.col(name).alias(alias) for name, alias in aliases.items()]
        casts = [pl.col(name).cast(self._inferred[name], strict=False) for name in aliases]
        return frame.with_columns(*copies, *casts) if aliases else frame

    @property
    def text_names(self) -> dict[str, str]:
        """Where the text of a column is found that SQL sees as a number."""
        return {
            name: f"{name}\0text"
            for name in sorted(self._text & self._sql_columns)
            if self._inferred[name].is_numeric()
        }

    def markers(self, columns: tuple[str, ...]) -> list[pl.Expr]:
        """Mark the rows that may come from a short or a blank line."""
        blank = pl.all_horizontal(pl.col(*columns, self._last).is_null())
        return [pl.col(self._last).is_null().alias("_short"), blank.alias("_blank")]

    def mend(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Take out the rows of blank lines; a line with too few fields is an error.

        Polars reads both as rows that end in nulls. A field that is just empty looks the same, so
        the first suspect has the lines of the file checked once.
        """
        if not batch["_short"].any() or not self._local:
            return batch.drop("_short", "_blank")
        if self._blank_left is None:
            self._blank_left = self._check_structure()
        if self._blank_left:
            blank = batch["_blank"]
            take = blank & (blank.cum_sum() <= self._blank_left)
            self._blank_left -= int(take.sum())
            batch = batch.filter(~take)
        return batch.drop("_short", "_blank")

    def fault(self, error: pl.exceptions.PolarsError) -> SourceError:
        """Turn a Polars error into a sentence with the line and the value."""
        if self._local:
            found = self._find_fault(str(error))
            if found is not None:
                return SourceError(found)
        return SourceError(f"{self.path} cannot be read as {self.form}: {first_line(error)}")

    def line_of_row(self, row: int) -> int | None:
        """Find the line on which data row `row` (1 for the first) ends."""
        if not self._local:
            return None
        for position, (line, _) in enumerate(self._records()):
            if position == row:
                return line
        return None

    # -- reading ---------------------------------------------------------------------------

    def _sample(self) -> list[str]:
        if not self._local:
            first = _scan_lines(self.path).head(_SAMPLE_ROWS).collect()["line"]
            return [line or "" for line in first.to_list()]
        with Path(self.path).open("rb") as file:
            data = file.read(_SAMPLE_BYTES)
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise SourceError(f"{self.path} is written in UTF-16: save it as UTF-8")
        if data[:2] == b"PK" or b"\0" in data:
            raise SourceError(
                f"{self.path} is no text file: it has binary content under a text file's name"
            )
        text = data.decode("utf-8-sig", errors="replace")
        lines = io.StringIO(text).readlines()
        if len(data) == _SAMPLE_BYTES and len(lines) > 1:
            lines.pop()  # cut in the middle
        while lines and not lines[0].strip():
            lines.pop(0)
        return lines[: _SAMPLE_ROWS + 1]

    def _check_roles_are_unique(self, roles: TableRoles) -> None:
        needed = roles.text_columns() | roles.amount_columns(self.header)
        for name in sorted(needed | roles.where_columns(self.header)):
            if self.header.count(name) > 1:
                raise ColumnError(
                    f"{self.path} has {self.header.count(name)} columns named {name!r}: "
                    "rename all but one"
                )

    def _read(self, **options: Any) -> pl.LazyFrame:
        return pl.scan_csv(
            self.path,
            separator=self.form.separator,
            decimal_comma=self.form.reads_comma,
            glob=not self._local,
            **options,
        )

    def _distinct_names(self) -> list[str]:
        """Give the names by which Polars knows the columns: it renames the second of a kind."""
        if len(set(self.header)) == len(self.header):
            return self.header
        return self._read(infer_schema_length=0).collect_schema().names()

    def _infer_sql_columns(self) -> dict[str, pl.DataType]:
        """Types of the columns that SQL reads, as Polars infers them from the first rows."""
        if not self._sql_columns:
            return {}
        schema = self._read(infer_schema_length=INFERENCE_ROWS).collect_schema()
        return {name: schema[name] for name in self._sql_columns}

    def _type(self, name: str) -> pl.DataType:
        """Choose the type to read a column as; those that nothing reads stay text."""
        if name in self._text:
            return pl.String()
        inferred = self._inferred.get(name)
        if name in self._numbers and (inferred is None or inferred.is_numeric()):
            return pl.Float64()
        return pl.String() if inferred is None else inferred

    # -- the second, ordered scan ----------------------------------------------------------

    def _check_structure(self) -> int:
        """Raise if a line has too few fields; else count the blank lines."""
        lines = _scan_lines(self.path)
        # Quoted fields hold separators of their own; a quote left over spans several lines.
        bare = pl.col("line").str.replace_all('"[^"]*"', "")
        separators = bare.str.count_matches(self.form.separator, literal=True)
        suspect = (separators < len(self.header) - 1) | bare.str.contains('"', literal=True)
        blank = pl.col("line").is_null() | pl.col("line").is_in(["", "\r"])
        counts = lines.select(suspects=(suspect & ~blank).sum(), blanks=blank.sum()).collect(
            engine="streaming"
        )
        if not counts["suspects"][0]:
            return int(counts["blanks"][0])
        found = self._find_fault("")
        if found is not None:
            raise SourceError(found)
        return self._count_blank_records()

    def _count_blank_records(self) -> int:
        """Count blank lines outside quotes."""
        with self._open() as file:
            reader = csv.reader(file, delimiter=self.form.separator)
            return sum(1 for record in reader if not record)

    def _open(self) -> io.TextIOWrapper:
        return Path(self.path).open(encoding="utf-8-sig", newline="")

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Give each record with the line it ends on; blank lines are none."""
        with self._open() as file:
            reader = csv.reader(file, delimiter=self.form.separator)
            for record in reader:
                if record:
                    yield reader.line_num, record

    def _find_fault(self, message: str) -> str | None:
        """Find the first broken line, or value that is not of its column's type."""
        unparsed = _UNPARSED.search(message)
        value = unparsed.group(1).strip('"') if unparsed else None
        column = unparsed.group(3) if unparsed else None
        checks = (
            {position: name for position, name in enumerate(self.header) if name in self._numbers}
            if column in self._numbers
            else {}
        )
        if column in self.header and not checks:
            checks = {self.header.index(column): column}
        width, start = len(self.header), 1
        try:
            with self._open() as file:
                reader = csv.reader(file, delimiter=self.form.separator, strict=True)
                header_is_behind = False
                for record in reader:
                    if record and len(record) != width:
                        return self._width_fault(start, record)
                    for position, name in checks.items() if record and header_is_behind else ():
                        if self._is_wrong(record[position], name, value):
                            return self._value_fault(start, name, record[position])
                    header_is_behind |= bool(record)
                    start = reader.line_num + 1
        except csv.Error as error:
            return (
                f"{self.path}, line {start}: a quote is opened and never closed, or stands in "
                f"the middle of a field ({error}): mend the line, or double the quotes inside "
                "fields"
            )
        except UnicodeDecodeError:
            return self._encoding_fault()
        return None

    def _is_wrong(self, text: str, name: str, value: str | None) -> bool:
        if name in self._numbers:
            return bool(text) and not self.form.is_number(text)
        return text == value

    def _width_fault(self, line: int, record: list[str]) -> str:
        few = "few" if len(record) < len(self.header) else "many"
        return (
            f"{self.path}, line {line} has too {few} fields: {len(record)} where the header has "
            f"{len(self.header)} (it begins {quoted(self.form.separator.join(record))})"
        )

    def _value_fault(self, line: int, name: str, text: str) -> str:
        if name in self._numbers:
            return (
                f"{self.path}, line {line}: the column {name!r} holds {quoted(text)}, which is not "
                f"a number with a decimal {'comma' if self.form.reads_comma else 'point'}"
            )
        return (
            f"{self.path}, line {line}: the column {name!r} holds {quoted(text)}, which is not "
            "like the values of the first rows; compare it as text in the SQL, or mend the value"
        )

    def _encoding_fault(self) -> str:
        with Path(self.path).open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError as error:
                    near = line[max(0, error.start - 10) : error.start + 10]
                    return (
                        f"{self.path}, line {number} is not UTF-8 text (near "
                        f"{quoted(near.decode('latin-1'))}): save the file as UTF-8"
                    )
        return f"{self.path} is not UTF-8 text: save it as UTF-8"


def detect_separator(header: str) -> str:
    """Choose the separator that cuts the header into the most fields.

    Examples
    --------
    >>> from grc_fast.io.csv_file import detect_separator
    >>> detect_separator('client_id;"date, time";amount')
    ';'
    """
    widths = {
        separator: len(next(csv.reader([header], delimiter=separator), []))
        for separator in (",", ";", "\t")
    }
    return max(widths, key=lambda separator: widths[separator])


def detect_decimal(
    rows: list[list[str]], numbers: frozenset[str], *, separator: str
) -> DecimalSign:
    """Tell how decimals are written, None if there are none to see.

    The amount's columns decide if they hold any decimals, else all columns together. Between
    commas, `1,234` is taken for a thousands separator (and refused as a number later on) rather
    than misread by a factor of a thousand.

    Examples
    --------
    >>> from grc_fast.io.csv_file import detect_decimal
    >>> rows = [["client", "amount"], ["7", "3,5"], ["8", "12"]]
    >>> detect_decimal(rows, frozenset({"amount"}), separator=";")
    'comma'
    """
    header, body = rows[0], rows[1:]
    own = [position for position, name in enumerate(header) if name in numbers]
    for positions in (own, list(range(len(header)))):
        texts = [row[at].strip() for row in body for at in positions if at < len(row)]
        commas = [text for text in texts if _COMMA_NUMBER.fullmatch(text)]
        points = sum(1 for text in texts if _POINT_NUMBER.fullmatch(text))
        if separator == "," and all(_THOUSANDS.fullmatch(text) for text in commas):
            commas = []
        if commas or points:
            return "comma" if len(commas) > points else "point"
    return None


def _scan_lines(path: str) -> pl.LazyFrame:
    """Scan a text file as one column, `line`."""
    return pl.scan_csv(
        path,
        separator=_UNIT_SEPARATOR,
        has_header=False,
        quote_char=None,
        schema={"line": pl.String},
        truncate_ragged_lines=True,
        glob="://" in path,
    )
