"""Workbooks: one sheet, whose text no spreadsheet runs as a formula."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from importlib.util import find_spec
from typing import BinaryIO, Final

import polars as pl

from grc_fast.errors import OutputError

# Limits of an Excel sheet (Microsoft, "Excel specifications and limits").
_XLSX_ROWS: Final = 1_048_576
_XLSX_TEXT: Final = 32_767
# Beyond 2^53 a spreadsheet's number (a double) no longer holds every integer.
_XLSX_INTEGER: Final = 2**53
# Days before 1900-03-01 have no agreed serial number in spreadsheets (1900 is a leap year there).
_XLSX_EPOCH: Final = date(1900, 3, 1)
# What makes a spreadsheet read a text as a formula (OWASP, "CSV Injection").
_FORMULA: Final = r"^[=+\-@\t\r]"


def write_xlsx(frame: pl.DataFrame, file: BinaryIO) -> None:
    """Write a frame as a workbook of one sheet."""
    require_xlsxwriter()
    import xlsxwriter

    options = {
        # In memory, and not in files that a full disk or an interruption would leave behind.
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": True,
        "use_zip64": True,
    }
    archive = io.BytesIO()
    with xlsxwriter.Workbook(archive, options) as workbook:
        # The clock would make two runs on the same rows differ.
        workbook.set_properties({"created": datetime(1980, 1, 1, tzinfo=UTC)})
        _for_spreadsheet(frame).write_excel(workbook, worksheet="data", autofilter=False)
    file.write(archive.getbuffer())


def _for_spreadsheet(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame as a sheet can hold it without loss, or say that it cannot."""
    if frame.height >= _XLSX_ROWS:
        raise OutputError(
            f"an XLSX sheet holds {_XLSX_ROWS:,} rows with its header and there are "
            f"{frame.height:,} to write: use .parquet or .csv"
        )
    frame = frame.with_columns(
        [_spreadsheet_column(frame[name]).alias(name) for name in frame.columns]
    )
    frame.columns = _harmless(pl.Series(frame.columns, dtype=pl.String)).to_list()
    for column in frame.select(pl.col(pl.String)):
        length = column.str.len_chars().max()
        if isinstance(length, int) and length > _XLSX_TEXT:
            raise OutputError(
                f"column {column.name!r} has a text of {length:,} characters and an XLSX cell "
                f"holds {_XLSX_TEXT:,}: use .parquet or .csv"
            )
    return frame


def _spreadsheet_column(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if dtype == pl.String or isinstance(dtype, (pl.Enum, pl.Categorical)):
        return _harmless(column.cast(pl.String))
    if dtype.is_integer() and _beyond(column, _XLSX_INTEGER):
        return column.cast(pl.String)
    if isinstance(dtype, (pl.Date, pl.Datetime)) and _before(column, _XLSX_EPOCH):
        return column.cast(pl.String)
    return column


def _harmless(texts: pl.Series) -> pl.Series:
    """Put an apostrophe before a text that a spreadsheet would run as a formula."""
    runs = texts.str.contains(_FORMULA).fill_null(value=False)
    return texts.zip_with(~runs, "'" + texts)


def _beyond(column: pl.Series, limit: int) -> bool:
    low, high = column.min(), column.max()
    return isinstance(low, int) and isinstance(high, int) and (low < -limit or high > limit)


def _before(column: pl.Series, day: date) -> bool:
    return bool((column.cast(pl.Date) < day).any())


def require_xlsxwriter() -> None:
    """Check that workbooks can be written."""
    if find_spec("xlsxwriter") is None:
        raise OutputError(
            'an .xlsx file needs the extra "xlsx": run pip install "grc-fast[xlsx]", '
            "or choose another format"
        )
