"""Workbooks of spreadsheets: the sheet that has the columns, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import polars as pl

from grc_fast._utils.extras import import_extra
from grc_fast._utils.messages import first_line
from grc_fast.errors import SourceError
from grc_fast.io.roles import TableRoles
from grc_fast.io.source import FramePart, needed_columns
from grc_fast.io.text_columns import IdColumn, NumberColumn, TextColumn, UnreadError
from grc_fast.io.text_options import TextOptions
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase


@dataclass
class SheetPart(FramePart):
    """A sheet of a workbook: cells that are text are read as those of a CSV file are."""

    first_row: int = 2
    sheet_notes: list[Wording] = field(default_factory=list)

    dates_are_written = True

    @property
    def notes(self) -> list[Wording]:
        """Which sheet it is."""
        return self.sheet_notes

    def line_of_row(self, row: int) -> int:
        """Give the row of the sheet that holds data row `row`."""
        return self.first_row + row - 1


def sheet_part(path: str, place: str, roles: TableRoles, options: TextOptions) -> SheetPart:
    """Read the sheet of a workbook that has the columns of the roles.

    Parameters
    ----------
    path
        The file.
    place
        How errors name it.
    roles
        The columns wanted.
    options
        `sheet` names the sheet; `skip_rows` says how many rows stand before the header.

    Raises
    ------
    SourceError
        If it is no workbook, has no such sheet, or text stands where a number must.
    """
    fastexcel: Any = import_extra("fastexcel", "xlsx", "reading a workbook")
    try:
        workbook = fastexcel.read_excel(path)
        sheets = {
            name: _frame(workbook, name, options, rows=0) for name in _wanted(workbook, options)
        }
        if not sheets:
            names = workbook.sheet_names
            raise SourceError(f"{place} has no sheet {options.sheet!r}; its sheets are {names}")
        name = max(sheets, key=lambda name: len(needed_columns(roles, sheets[name].columns)))
        frame = _frame(workbook, name, options)
    except fastexcel.FastExcelError as error:
        raise SourceError(f"{place} cannot be read as a workbook: {first_line(error)}") from None
    shown = f"{place}, sheet {name!r}"
    first_row = options.skip_rows + 2
    frame = _read_texts(frame, shown, roles, options, first_row)
    return SheetPart(
        shown,
        frame.schema,
        frame=frame,
        first_row=first_row,
        sheet_notes=[Phrase("note.sheet", name=repr(name))],
    )


def _wanted(workbook: Any, options: TextOptions) -> list[str]:
    return [name for name in workbook.sheet_names if options.sheet in (None, name)]


def _frame(workbook: Any, name: str, options: TextOptions, rows: int | None = None) -> pl.DataFrame:
    # Every row decides the type of a column: a text far down must not become nothing.
    sheet = workbook.load_sheet(
        name, header_row=options.skip_rows, n_rows=rows, schema_sample_rows=None
    )
    return pl.DataFrame(sheet)


def _read_texts(
    frame: pl.DataFrame, place: str, roles: TableRoles, options: TextOptions, first_row: int
) -> pl.DataFrame:
    """Read the ids and the numbers that are text."""
    amounts = roles.amount_columns(frame.columns)
    ids = roles.text_columns() - roles.date_columns()
    for name in frame.columns:
        texts = frame[name]
        if texts.dtype != pl.String or name not in amounts | ids:
            continue
        values = partial(_once, texts)
        given = (name, f"{place}: the column {name!r}", options, values)
        column: TextColumn = IdColumn(*given)
        if name in amounts:
            column = NumberColumn(*given)
        try:
            if isinstance(column, NumberColumn):
                column.decide(texts)
            frame = frame.with_columns(column.read(texts).alias(name))
        except UnreadError as error:
            row = first_row - 1 + error.row_of_all(0)
            raise error.told(f"{place}, row {row:,}", name) from None
    return frame


def _once(values: pl.Series) -> Iterator[pl.Series]:
    yield values
