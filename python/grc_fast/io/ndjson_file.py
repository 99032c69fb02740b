"""NDJSON files: one JSON object a line."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import islice
from pathlib import Path

import polars as pl

from grc_fast._utils.messages import first_line, quoted
from grc_fast.errors import SourceError
from grc_fast.io.paths import read_address
from grc_fast.io.roles import TableRoles
from grc_fast.io.source import INFERENCE_ROWS


class NdjsonFile:
    """One NDJSON file, one JSON object a line, and what its roles need of it.

    Keys that a line lacks are nulls. Ids written as JSON integers stay integers, unless text
    comes later; ids written as JSON strings stay text.
    """

    def __init__(self, path: str, roles: TableRoles) -> None:
        self.path = path
        self._local = "://" not in path
        self._scanned = read_address(path)
        self._columns: dict[str, pl.DataType] = {}
        if self._local and Path(path).stat().st_size == 0:
            raise SourceError(f"{path} is empty: it has no rows")
        try:
            self._schema = pl.scan_ndjson(
                self._scanned, infer_schema_length=INFERENCE_ROWS
            ).collect_schema()
        except pl.exceptions.PolarsError as error:
            raise self.fault(error) from None
        header = self._schema.names()
        self._amounts = roles.amount_columns(header)
        self._ids = frozenset(name for _, name, _ in roles.id_columns())
        self.plain_integer_ids = self._schema.get(roles.client, pl.Null()).is_integer()
        needed = roles.text_columns() | self._amounts | roles.where_columns(header)
        self._columns = {name: self._type(name) for name in header if name in needed}

    @property
    def schema(self) -> pl.Schema:
        """Every key of the file, the needed ones with the types they are read as."""
        return pl.Schema({**self._schema, **self._columns})

    def scan(self) -> pl.LazyFrame:
        """Scan the needed keys of the file."""
        return pl.scan_ndjson(self._scanned, schema=self._columns or dict(self._schema))

    def first_rows(self, count: int) -> pl.DataFrame:
        """Read the first rows with every key."""
        return pl.scan_ndjson(self._scanned, schema=dict(self.schema)).head(count).collect()

    def fault(self, error: pl.exceptions.PolarsError) -> SourceError:
        """Turn a Polars error into a sentence with the line and the value."""
        found = self._find_fault() if self._local else None
        return SourceError(found or f"{self.path} cannot be read as NDJSON: {first_line(error)}.")

    def line_of_row(self, row: int) -> int | None:
        """Find the line of data row `row` (1 for the first)."""
        if not self._local:
            return None
        with Path(self.path).open(encoding="utf-8-sig") as file:
            seen = 0
            for number, line in enumerate(file, start=1):
                seen += bool(line.strip())
                if seen == row:
                    return number
        return None

    def _type(self, name: str) -> pl.DataType:
        inferred = self._schema[name]
        if name in self._ids and inferred.is_integer():
            return pl.String()
        if name in self._amounts and inferred.is_integer():
            return pl.Float64()
        if name in self._amounts and inferred == pl.String and self._begins_with_number(name):
            return pl.Float64()  # one text among numbers is an error of its line
        return inferred

    def _begins_with_number(self, name: str) -> bool:
        """Tell whether the first value of a key is a number."""
        if not self._local:
            return False
        with Path(self.path).open(encoding="utf-8-sig") as file:
            for line in islice(file, INFERENCE_ROWS):
                with suppress(ValueError, RecursionError, AttributeError):  # told when it is read
                    if (value := json.loads(line).get(name)) is not None:
                        return isinstance(value, (int, float))
        return False

    def _find_fault(self) -> str | None:
        try:
            with Path(self.path).open(encoding="utf-8-sig") as file:
                for number, line in enumerate(file, start=1):
                    fault = self._line_fault(line) if line.strip() else None
                    if fault is not None:
                        return f"{self.path}, line {number} {fault}"
        except UnicodeDecodeError:
            return f"{self.path} is not UTF-8 text: save it as UTF-8"
        return None

    def _line_fault(self, line: str) -> str | None:
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            reason = f"{error.msg} at character {error.pos + 1}"
            return f"is not JSON ({reason}): {quoted(line.strip())}"
        except RecursionError:
            return "is nested too deeply to be read"
        if not isinstance(record, dict):
            return f"is not a JSON object: {quoted(line.strip())}"
        for name, dtype in self._columns.items():
            value = record.get(name)
            if dtype.is_numeric() and value is not None and not isinstance(value, (int, float)):
                return f"has {quoted(str(value))} in the column {name!r}, which is not a number"
        return None
