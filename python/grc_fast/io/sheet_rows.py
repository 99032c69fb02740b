"""Rows of a frame as those of a sheet: what cells hold, how they are shown, and their XML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import polars as pl

from grc_fast._utils.messages import describe
from grc_fast.errors import OutputError
from grc_fast.io.spreadsheet_text import harmless_text

# A cell holds so many characters (Microsoft, "Excel specifications and limits").
_LONGEST_TEXT: Final = 32_767
# Beyond 2^53 a spreadsheet's number (a double) no longer holds every integer.
_LARGEST_INTEGER: Final = 2**53
# Days before 1900-03-01 have no agreed serial number in spreadsheets (1900 is a leap year there).
_FIRST_DAY: Final = date(1900, 3, 1)
_DAY_ZERO: Final = datetime(1899, 12, 30)  # noqa: DTZ001 (days of a sheet have no zone)
_MICROSECONDS_OF_A_DAY: Final = 86_400_000_000
# Rows turned into XML at a time: a few megabytes.
_ROWS: Final = 16_384
#: How cells of a kind are shown. Text stays text, also where somebody edits it.
NUMBER_FORMATS: Final = {
    "text": "@",
    "whole": "0",
    "number": "General",
    "money": "#,##0.00",
    "share": "0.0%",
    "day": "yyyy-mm-dd",
    "moment": "yyyy-mm-dd hh:mm:ss",
    "span": "[h]:mm:ss",
    "truth": "General",
}
_WIDTHS: Final = {"day": 10, "moment": 19, "span": 10, "truth": 5}
# Floats that are money, by the beginning of their name; what follows is a horizon or a bound.
_MONEY: Final = (
    r"^(monetary|money|spend|total|(mean_|last_|max_)?basket|first_day_total|returns_total"
    r"|gain|margin|cost|pressure_cost|budget|value|bound|marginal_return|one_more_earns)(_|$)"
)
_SHARE: Final = r"^(money_)?share$"
# Nobody adds up ids, telephone numbers and postcodes, and a zero in front of them counts.
_NAMES: Final = r"(^|_)(id|phone|postcode)$"
# What XML cannot hold as it is; controls have a form of their own in workbooks (ECMA-376,
# ST_Xstring).
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {
    chr(code): f"_x{code:04X}_" for code in (*range(9), 11, 12, *range(13, 32), 0xFFFE, 0xFFFF)
}
_LIKE_AN_ESCAPE: Final = r"_(x[0-9A-Fa-f]{4}_)"


@dataclass(frozen=True)
class SheetColumn:
    """A column of a sheet.

    Attributes
    ----------
    name
        The header.
    kind
        A key of `NUMBER_FORMATS`.
    values
        Text, numbers, or days and parts of days as numbers; null where cells are empty.
    """

    name: str
    kind: str
    values: pl.Series

    @property
    def width(self) -> int:
        """How many characters the widest cell shows, the header among them."""
        if self.kind in _WIDTHS:
            return max(len(self.name), _WIDTHS[self.kind])
        shown = self.values
        if self.kind != "text":
            ends: list[Any] = [shown.min(), shown.max()]
            shown = pl.Series([f"{end:,.2f}" for end in ends if end is not None], dtype=pl.String)
        longest: Any = shown.str.len_chars().max()
        return max(len(self.name), longest or 0)


def sheet_columns(frame: pl.DataFrame) -> list[SheetColumn]:
    """Return the columns of a frame as a sheet holds them without loss.

    Raises
    ------
    OutputError
        If a sheet cannot hold one.
    """
    return [SheetColumn(_harmless(pl.Series([c.name])).item(), *_cells(c)) for c in frame]


def _cells(column: pl.Series) -> tuple[str, pl.Series]:
    """Return what kind of cells a column has, and what they hold."""
    dtype = column.dtype
    name = pl.Series([column.name])
    if dtype in (pl.String, pl.Enum, pl.Categorical, pl.Null):
        return "text", _text(column)
    if dtype == pl.Boolean:
        return "truth", column
    if dtype.is_integer():
        is_text = name.str.contains(_NAMES).item() or _beyond(column, _LARGEST_INTEGER)
        return ("text", _text(column)) if is_text else ("whole", column)
    if dtype.is_float() or dtype.is_decimal():
        kinds = [
            kind
            for kind, names in (("money", _MONEY), ("share", _SHARE))
            if name.str.contains(names).item()
        ]
        return [*kinds, "number"][0], column.cast(pl.Float64)
    if dtype in (pl.Date, pl.Datetime):
        return _dated(column)
    if dtype in (pl.Time, pl.Duration):
        return "span", _days(column.cast(pl.Duration("us")))
    raise OutputError(
        f"column {column.name!r} holds {describe(dtype)}, which no cell of a sheet does: use "
        ".parquet"
    )


def _text(column: pl.Series) -> pl.Series:
    """Return texts that fit into cells, none of which is a formula."""
    texts = column.cast(pl.String)
    if not column.dtype.is_integer():
        texts = _harmless(texts)
    length = texts.str.len_chars().max()
    if isinstance(length, int) and length > _LONGEST_TEXT:
        raise OutputError(
            f"column {column.name!r} has a text of {length:,} characters and an XLSX cell holds "
            f"{_LONGEST_TEXT:,}: use .parquet or .csv"
        )
    return texts


def _harmless(texts: pl.Series) -> pl.Series:
    return pl.select(harmless_text(pl.lit(texts))).to_series()


def _beyond(column: pl.Series, limit: int) -> bool:
    low, high = column.min(), column.max()
    return isinstance(low, int) and isinstance(high, int) and (low < -limit or high > limit)


def _dated(column: pl.Series) -> tuple[str, pl.Series]:
    """Return days, and moments by the clock of their zone, as the numbers that sheets count."""
    if (column.cast(pl.Date) < _FIRST_DAY).any():
        return "text", _text(column)
    if column.dtype == pl.Date:
        return "day", _days(column.cast(pl.Datetime("us")) - _DAY_ZERO).cast(pl.Int64)
    return "moment", _days(column.dt.replace_time_zone(None) - _DAY_ZERO)


def _days(spans: pl.Series) -> pl.Series:
    return spans.dt.total_microseconds() / _MICROSECONDS_OF_A_DAY


def rows_xml(columns: list[SheetColumn], styles: list[str]) -> Iterator[str]:
    """Give the XML of the rows below the header, some rows at a time.

    Parameters
    ----------
    columns
        The columns of the sheet.
    styles
        The number that each column's style has in the workbook.
    """
    places = [column_letters(place) for place in range(len(columns))]
    frame = pl.DataFrame(
        [column.values.alias(place) for column, place in zip(columns, places, strict=True)]
    )
    cells = [
        _cell(column.kind, place, style)
        for column, place, style in zip(columns, places, styles, strict=True)
    ]
    row = pl.concat_str(pl.lit('<row r="'), "row", pl.lit('">'), *cells, pl.lit("</row>"))
    for start in range(0, frame.height, _ROWS):
        number = pl.int_range(start + 2, pl.len() + start + 2).cast(pl.String).alias("row")
        part = frame.slice(start, _ROWS).with_columns(number)
        yield part.select(row.str.join("")).item()


def _cell(kind: str, place: str, style: str) -> pl.Expr:
    """Return the XML of a cell, of none where it is empty."""
    values = pl.col(place)
    if kind == "text":
        texts = values.str.replace_all(_LIKE_AN_ESCAPE, "_x005F_$1").str.replace_many(_ESCAPES)
        content = pl.format(' t="inlineStr"><is><t xml:space="preserve">{}</t></is>', texts)
    elif kind == "truth":
        content = pl.format(' t="b"><v>{}</v>', values.cast(pl.Int8))
    else:
        # What is no finite number is an error, as sheets write those.
        number = pl.when(values.is_finite()).then(pl.format("><v>{}</v>", values))
        content = number.when(values.is_not_null()).then(pl.lit(' t="e"><v>#NUM!</v>'))
    cell = pl.format(f'<c r="{place}{{}}" s="{style}"{{}}</c>', "row", content)
    return cell.fill_null("")


def column_letters(place: int) -> str:
    """Return the name that sheets give to a column, counted from 0.

    Examples
    --------
    >>> column_letters(0), column_letters(27)
    ('A', 'AB')
    """
    first, last = divmod(place, 26)
    return (column_letters(first - 1) if first else "") + chr(ord("A") + last)
