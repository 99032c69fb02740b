"""Long tables of two keys laid out as a matrix, for readers and for charts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import polars as pl
import polars.selectors as cs

from grc_fast.labels.written import whole


def matrix(cells: pl.DataFrame, *, corner: str, last: tuple[str, str]) -> pl.DataFrame:
    """Lay cells out: a row for each first key, a column for each second.

    Parameters
    ----------
    cells
        Three columns: the keys of rows, the keys of columns, and what fills the matrix; every pair
        once, in the order in which rows and columns are to stand.
    corner
        What the first column, that of the rows' keys, is called.
    last
        What stands for a null among the keys of rows, and among those of columns.

    Returns
    -------
    polars.DataFrame
        The keys of rows as text, then a column for each key of columns.
    """
    rows, columns = (_labels(cells.to_series(side), word) for side, word in enumerate(last))
    corner = _unique(corner, set(columns))
    return (
        pl.DataFrame({"row": rows, "column": columns, "value": cells.to_series(2)})
        .pivot("column", index="row", values="value", maintain_order=True)
        .select(pl.col("row").alias(corner), pl.exclude("row"))
    )


def cells_of(table: pl.DataFrame) -> pl.DataFrame:
    """Return the cells of a matrix as `row`, `column` and `value`, nulls among them."""
    corner, *columns = table.columns
    cells = table.unpivot(columns, index=corner, variable_name="column")
    return cells.select(pl.col(corner).alias("row"), "column", "value")


def shaded_counts(cells: pl.DataFrame, lang: str) -> pl.DataFrame:
    """Add what a chart shows of counts of `clients`: `written` and `shade` (see `matrix_chart`)."""
    clients = pl.col("clients")
    return cells.with_columns(
        written=_written(cells["clients"], lang),
        # Most clients stay where they are: by square roots the others are seen, too.
        shade=(clients / clients.max()).sqrt(),
    )


def shaded_around(cells: pl.DataFrame, centre: float, lang: str) -> pl.DataFrame:
    """Add what a chart shows of a `value` that lies around a centre, as `shaded_counts` does."""
    departure = pl.col("value").cast(pl.Float64) - centre
    reach = departure.abs().max()
    return cells.with_columns(
        written=_written(cells["value"], lang),
        shade=pl.when(reach > 0).then(departure / reach).otherwise(departure),
    )


def _written(values: pl.Series, lang: str) -> pl.Series:
    written = [None if value is None else whole(value, lang) for value in values]
    return pl.Series(written, dtype=pl.String)


def json_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame in types that JSON knows."""
    return frame.with_columns(cs.decimal().cast(pl.Float64)).to_dicts()


def _labels(keys: pl.Series, null: str) -> pl.Series:
    texts = keys.cast(pl.String)
    return texts.fill_null(_unique(null, set(texts)))


def _unique(label: str, taken: Collection[str | None]) -> str:
    while label in taken:
        label = f"({label})"
    return label
