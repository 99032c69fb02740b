"""The sheet of a workbook that sums up the rows of the other."""

from __future__ import annotations

from typing import Any, Final

from grc_fast._typing import Lang
from grc_fast.io.sheet_rows import NUMBER_FORMATS, SheetColumn
from grc_fast.labels.catalogue import section

_STATISTICS: Final = ("least", "most", "sum", "mean")
# What adds up to something.
_SUMMED: Final = ("whole", "number", "money")


def write_summary(workbook: Any, columns: list[SheetColumn], rows: int, lang: Lang) -> None:
    """Add a sheet with the number of rows, and what the columns come to."""
    words = section("summary", lang)
    bold = workbook.add_format({"bold": True, "bottom": 1})
    sheet = workbook.add_worksheet(words["sheet"])
    sheet.freeze_panes(3, 0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_column(0, 0, max((min(len(c.name), 40) for c in columns), default=0) + 4)
    sheet.set_column(1, 1 + len(_STATISTICS), 16)
    sheet.write_row(0, 0, [words["rows"], rows])
    sheet.write_row(2, 0, [words[name] for name in ("column", "filled", *_STATISTICS)], bold)
    for line, column in enumerate(columns, start=3):
        style = workbook.add_format({"num_format": NUMBER_FORMATS[column.kind]})
        sheet.write_string(line, 0, column.name)
        sheet.write_number(line, 1, rows - column.values.null_count())
        for place, value in enumerate(_statistics(column), start=2):
            if value is not None:
                sheet.write_number(line, place, value, style)


def _statistics(column: SheetColumn) -> list[float | None]:
    """Return the least, the most, the sum and the mean, as far as they mean something."""
    if column.kind in {"text", "truth"}:
        return []
    values: Any = column.values.filter(column.values.is_finite())
    if values.is_empty():
        return []
    found = [values.min(), values.max()]
    if column.kind in _SUMMED:
        found += [values.sum(), values.mean()]
    return found
