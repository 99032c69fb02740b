"""Workbooks: a sheet with the rows, and one that sums them up; no text in them is a formula."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import BinaryIO, Final

import polars as pl

from grc_fast._typing import Lang
from grc_fast.errors import OutputError
from grc_fast.io.sheet_rows import (
    NUMBER_FORMATS,
    SheetColumn,
    column_letters,
    rows_xml,
    sheet_columns,
)
from grc_fast.io.sheet_summary import write_summary

# Rows of a sheet (Microsoft, "Excel specifications and limits").
_XLSX_ROWS: Final = 1_048_576
_WIDEST: Final = 60
# A fifth larger than at the usual 6, in a third of the time.
_COMPRESSION: Final = 1
# The clock would make two runs on the same rows differ.
_TIMELESS: Final = (1980, 1, 1, 0, 0, 0)
_DATA: Final = "xl/worksheets/sheet1.xml"
_EXTENT: Final = re.compile(r'(<dimension ref=")[^"]*')
_STYLE: Final = re.compile(r'<col min="(\d+)"[^>]* style="(\d+)"')


def write_xlsx(frame: pl.DataFrame, file: BinaryIO, lang: Lang = "en") -> None:
    """Write a frame as a workbook: the sheet `data` has its rows, and a second one sums them up.

    XlsxWriter makes everything but the rows, which it would write cell by cell; they are streamed
    into the place that it has left for them, so that memory does not grow with their number.
    """
    require_xlsxwriter()
    if frame.height >= _XLSX_ROWS:
        raise OutputError(
            f"an XLSX sheet holds {_XLSX_ROWS:,} rows with its header and there are "
            f"{frame.height:,} to write: use .parquet or .csv"
        )
    columns = sheet_columns(frame)
    with (
        zipfile.ZipFile(_without_rows(columns, frame.height, lang)) as made,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as archive,
    ):
        for name in made.namelist():
            content = made.read(name).decode()
            part = zipfile.ZipInfo(name, _TIMELESS)
            part.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(part, "w", force_zip64=True) as written:
                is_data = name == _DATA
                for piece in _with_rows(content, columns, frame.height) if is_data else [content]:
                    written.write(piece.encode())


def _without_rows(columns: list[SheetColumn], height: int, lang: Lang) -> io.BytesIO:
    """Make a workbook of the header, the summary, and the style of every column."""
    import xlsxwriter

    archive = io.BytesIO()
    # In memory, and not in files that an interruption would leave behind.
    with xlsxwriter.Workbook(archive, {"in_memory": True}) as workbook:
        workbook.set_properties({"created": datetime(1980, 1, 1, tzinfo=UTC)})
        header = workbook.add_format({"bold": True, "bottom": 1})
        sheet = workbook.add_worksheet("data")
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(columns):
            style = workbook.add_format({"num_format": NUMBER_FORMATS[column.kind]})
            sheet.set_column(place, place, min(column.width, _WIDEST) + 2, style)
            sheet.write_string(0, place, column.name, header)
        if columns:
            sheet.autofilter(0, 0, height, len(columns) - 1)
            # On paper: every column on the page, and the header on each.
            sheet.set_landscape()
            sheet.fit_to_pages(1, 0)
            sheet.repeat_rows(0)
            sheet.ignore_errors({"number_stored_as_text": _extent(columns, height)})
        write_summary(workbook, columns, height, lang)
    return archive


def _extent(columns: list[SheetColumn], height: int) -> str:
    return f"A1:{column_letters(max(len(columns), 1) - 1)}{height + 1}"


def _with_rows(sheet: str, columns: list[SheetColumn], height: int) -> Iterator[str]:
    """Put the rows behind the header, in the styles that their columns have."""
    sheet = _EXTENT.sub(rf"\g<1>{_extent(columns, height)}", sheet)
    styles = dict(_STYLE.findall(sheet))
    head, end, tail = sheet.partition("</sheetData>")
    yield head
    if height:
        numbers = [styles.get(str(number), "0") for number in range(1, len(columns) + 1)]
        yield from rows_xml(columns, numbers)
    yield end + tail


def require_xlsxwriter() -> None:
    """Check that workbooks can be written."""
    if find_spec("xlsxwriter") is None:
        raise OutputError(
            'an .xlsx file needs the extra "xlsx": run pip install "grc-fast[xlsx]", '
            "or choose another format"
        )
