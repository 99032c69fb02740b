"""CSV as it is written: plain, for programs, or as French Excel opens it."""

from __future__ import annotations

from typing import Any, BinaryIO, Final

import polars as pl

from grc_fast._typing import CsvStyle
from grc_fast.io.spreadsheet_text import harmless_text

_OF_STYLE: Final[dict[CsvStyle, dict[str, Any]]] = {
    "plain": {},
    "excel-fr": {
        "separator": ";",
        "decimal_comma": True,
        "date_format": "%d/%m/%Y",
        "datetime_format": "%d/%m/%Y %H:%M:%S",
        "line_terminator": "\r\n",
    },
}


def write_csv(frame: pl.DataFrame, file: BinaryIO, style: CsvStyle, *, is_first: bool) -> None:
    """Write a frame as CSV, or a part of it: the first has the header."""
    if style == "excel-fr":
        frame = _for_french_excel(frame)
    frame.write_csv(
        file,
        include_header=is_first,
        include_bom=is_first and style == "excel-fr",
        **_OF_STYLE[style],
    )


def _for_french_excel(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose text is no formula, and whose true and false Excel knows."""
    shown = [
        harmless_text(pl.col(name).cast(pl.String)) if _is_text(dtype) else _truth(name)
        for name, dtype in frame.schema.items()
        if _is_text(dtype) or dtype == pl.Boolean
    ]
    names = frame.select(harmless_text(pl.lit(name)).alias(name) for name in frame.columns)
    return frame.with_columns(shown).rename(names.row(0, named=True) if frame.width else {})


def _truth(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).replace({"true": "VRAI", "false": "FAUX"})


def _is_text(dtype: pl.DataType) -> bool:
    return dtype == pl.String or isinstance(dtype, (pl.Enum, pl.Categorical))
