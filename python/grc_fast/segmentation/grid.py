"""Two facts crossed: clients, money, and how far each cell is from what chance would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from grc_fast._typing import Lang, Number
from grc_fast._utils.checks import one_of, whole
from grc_fast._utils.panics import panics_as_errors
from grc_fast.errors import DataError
from grc_fast.facts.exact_money import SCALE, exact_units, money_of
from grc_fast.facts.table import CLIENT
from grc_fast.io.roles import Table
from grc_fast.io.small_tables import frame_of
from grc_fast.labels.catalogue import check_lang, text
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase
from grc_fast.labels.table import paragraphs
from grc_fast.labels.written_frame import written_matrix
from grc_fast.report.report_file import ReportFile
from grc_fast.segmentation.independence import Independence, with_expectations
from grc_fast.segmentation.keys import Keys
from grc_fast.segmentation.matrix import cells_of, json_rows, matrix, shaded_around
from grc_fast.segmentation.suppression import hide

_PLACE: Final = "the table"
_MOST_MIN_CELL: Final = 1_000_000
# The index that independence would give.
_AVERAGE: Final = 100.0
# Cochran's rule (Biometrics 10, 1954): up to a fifth of the cells may expect fewer than 5.
_THIN: Final = 5
_THIN_SHARE: Final = 0.2
_MEASURES: Final = ("clients", "share", "index", "expected", "residual", "total", "mean")


@dataclass(frozen=True, eq=False)
class Grid(ReportFile):
    """Clients crossed by two facts.

    Attributes
    ----------
    rows, columns, values
        The columns or the SQL that were crossed, and the money.
    cells
        One row a cell, the totals with a null key: `row`, `column` (text; `(missing)` where there
        is no value), `clients`, `share` (of all clients), `index` (100 is what independence would
        give), `expected` (clients under independence), `residual` (adjusted: in standard
        deviations), `total` and `mean` of the money, `hidden`. Empty cells are rows with 0. What
        is hidden, or would tell it, is null.
    independence
        Chi-square, its degrees of freedom and p-value, and Cramér's V; None where a cell is
        hidden, which they would help to compute.
    min_cell
        The fewest clients that a cell shows.
    notes
        What a reader should know besides.
    lang
        The language of labels.
    """

    rows: str
    columns: str
    values: str | None
    cells: pl.DataFrame
    independence: Independence | None
    min_cell: int
    notes: list[Wording]
    lang: Lang = field(default="en")

    def table(self, measure: str = "clients") -> pl.DataFrame:
        """Return one measure as a matrix, totals last.

        Parameters
        ----------
        measure
            `clients`, `share`, `index`, `expected`, `residual`, `total` or `mean`.

        Examples
        --------
        >>> import grc_fast as grc
        >>> import polars as pl
        >>> towns = ["Lille", "Lille", "Nice"]
        >>> clients = pl.DataFrame({"town": towns, "card": ["no", "yes", "no"]})
        >>> grc.grid(clients, rows="town", columns="card").table().rows()
        [('Lille', 1, 1, 2), ('Nice', 1, 0, 1), ('total', 2, 1, 3)]
        """
        one_of("measure", measure, _MEASURES)
        total = text("table.total", self.lang)
        return matrix(
            self.cells.select("row", "column", measure), corner=self.rows, last=(total, total)
        )

    def departures(self, most: int = 10) -> pl.DataFrame:
        """Return the cells that depart most from independence, by the size of their residual."""
        inner = self.cells.drop_nulls(["row", "column", "residual"])
        size = pl.col("residual").abs().round(9)
        return inner.sort(size, descending=True, maintain_order=True).head(most).drop("hidden")

    def to_dict(self) -> dict[str, Any]:
        """Return the cross-tab in types that JSON knows; the p-value needs the extra `crosstab`."""
        test = self.independence
        return {
            "rows": self.rows,
            "columns": self.columns,
            "values": self.values,
            "min_cell": self.min_cell,
            "hidden": int(self.cells["hidden"].sum()),
            "chi_square": None if test is None else test.chi_square,
            "degrees_of_freedom": None if test is None else test.degrees_of_freedom,
            "p_value": None if test is None else test.p_value,
            "cramers_v": None if test is None else test.cramers_v,
            "notes": self.notes,
            "cells": json_rows(self.cells),
        }

    def _chart(self, lang: Lang) -> Any:
        from grc_fast.report.charts.matrix import matrix_chart

        inner = self.cells.drop_nulls(["row", "column"]).select("row", "column", "index")
        table = matrix(inner, corner=self.rows, last=("", ""))
        cells = shaded_around(cells_of(table), _AVERAGE, lang)
        chart = matrix_chart(cells, self.rows, self.columns, around_centre=True)
        return chart.properties(title=text("table.index", lang))

    def _repr_html_(self) -> str:
        table = written_matrix(self.table(), self.lang, name=text("table.clients", self.lang))
        return table.html() + paragraphs(str(self))

    def __str__(self) -> str:
        return self.said(self.lang)

    def said(self, lang: str) -> str:
        """Return the test of independence, or why there is none."""
        test = self.independence
        if test is None:
            hidden = int(self.cells["hidden"].sum())
            return text("grid.hidden", lang, cells=hidden, least=self.min_cell)
        strength = Phrase("grid.no_strength")
        if test.cramers_v is not None:
            strength = Phrase("grid.strength", strength=test.cramers_v)
        return text(
            "grid.independence",
            lang,
            chi_square=test.chi_square,
            degrees=test.degrees_of_freedom,
            strength=strength,
        )


@panics_as_errors()
def grid(
    frame: Any,
    *,
    rows: str,
    columns: str,
    values: str | None = None,
    row_bands: Sequence[Number] | None = None,
    column_bands: Sequence[Number] | None = None,
    min_cell: int = 0,
    lang: Lang = "en",
) -> Grid:
    """Cross two facts of clients: any columns, SQL over them, or bands of a number.

    Parameters
    ----------
    frame
        A table of one row a client, or the path of its file.
    rows, columns
        A column or SQL over the columns of a row. Missing values (null, NaN, empty text) are a
        class of their own, `(missing)`.
    values
        Money: a column or SQL. Clients without it count as such, and not in the mean.
    row_bands, column_bands
        Thresholds that make classes of numbers, each from one up to below the next.
    min_cell
        Cells of fewer clients are hidden, totals too, and with them the fewest others, so that
        each hidden cell keeps a range of at least as many clients under the totals and the cells
        shown (extra `crosstab`). 0 hides nothing.
    lang
        The language of labels, `en` or `fr`.

    Returns
    -------
    Grid
        Each cell with clients, share, money, mean and index; totals; the test of independence.

    Raises
    ------
    ColumnError, DataError
        If a column is missing or of a type that is not taken, the table is empty, or cells are to
        be hidden and a client has several rows.
    OptionError
        If an option is wrong, or there are too many classes.

    Notes
    -----
    Adjusted residuals are those of Haberman (Biometrics 29, 1973): standard normal under
    independence. Time is linear in clients; nothing depends on their order.

    Examples
    --------
    >>> import grc_fast as grc
    >>> import polars as pl
    >>> clients = pl.DataFrame({"age": [20, 30, 60, 70], "card": ["no", "no", "yes", "yes"],
    ...                         "basket": [10.0, 20.0, 40.0, 60.0]})
    >>> found = grc.grid(clients, rows="age", row_bands=[50], columns="card", values="basket")
    >>> for row in found.cells.select("row", "column", "clients", "index", "mean").rows()[:3]:
    ...     print(row)
    ('less than 50', 'no', 2, 200.0, 15.0)
    ('less than 50', 'yes', 0, 0.0, None)
    ('less than 50', None, 2, None, 15.0)
    >>> found.independence.cramers_v
    1.0
    """
    min_cell = whole("min_cell", min_cell, least=0, most=_MOST_MIN_CELL)
    check_lang(lang)
    data = frame_of(frame, _PLACE, [])
    if not data.height:
        raise DataError(f"{_PLACE} has no row, so there is nothing to cross")
    table = Table(data.schema, _PLACE, {})
    keys = (
        Keys.of(table, "rows", rows, row_bands),
        Keys.of(table, "columns", columns, column_bands),
    )
    notes = _notes_of_clients(data, min_cell)
    money = None if values is None else data.select(table.amount(values, "values")).to_series()
    counted = _counted(data, keys, money)
    cells = _with_totals(_every_cell(counted, keys, lang))
    hidden = hide(_counts(cells), min_cell)
    if not hidden.is_smallest:
        notes.append(Phrase("grid.cut_short"))
    inner = cells.filter(pl.col("row").is_not_null() & pl.col("column").is_not_null())
    sizes = inner["row"].n_unique(), inner["column"].n_unique()
    thin = int((inner["expected"] < _THIN).sum())
    if thin > inner.height * _THIN_SHARE:
        notes.append(Phrase("grid.thin", thin=thin, cells=inner.height, least=_THIN))
    shown = _shown(cells, pl.Series([cell for line in hidden.cells for cell in line]))
    return Grid(
        rows=rows,
        columns=columns,
        values=values,
        cells=_measured(shown, None if money is None else money.dtype),
        independence=None if shown["hidden"].any() else Independence.of(inner, *sizes),
        min_cell=min_cell,
        notes=notes,
        lang=lang,
    )


def _notes_of_clients(data: pl.DataFrame, min_cell: int) -> list[Wording]:
    """Say whether clients have several rows; refuse to hide cells then."""
    if CLIENT not in data.columns:
        return []
    clients = data[CLIENT].n_unique()
    if clients == data.height:
        return []
    if min_cell:
        raise DataError(
            f"{_PLACE} has {data.height:,} rows of {clients:,} clients, and cells are hidden by "
            "their clients: give one row a client, or hide nothing with min_cell = 0 "
            "(--min-cell 0)"
        )
    return [Phrase("grid.rows_count", rows=data.height, clients=clients)]


def _counted(data: pl.DataFrame, keys: tuple[Keys, Keys], money: pl.Series | None) -> pl.DataFrame:
    """Count the clients and sum the units of money of every pair of values that occurs."""
    units = pl.lit(None, pl.Int128) if money is None else exact_units(money, "the values")
    selected = data.lazy().select(row=keys[0].values, column=keys[1].values, units=units)
    return (
        selected.group_by("row", "column")
        .agg(
            clients=pl.len().cast(pl.UInt64),
            valued=pl.col("units").count().cast(pl.UInt64),
            units=pl.col("units").sum(),
        )
        .collect()
    )


def _every_cell(counted: pl.DataFrame, keys: tuple[Keys, Keys], lang: Lang) -> pl.DataFrame:
    """Return every pair of labels in reading order, with zeros where nobody is."""
    rows, columns = (
        key.labels(counted[name], lang).rename({"value": name, "label": f"{name}_label"})
        for key, name in zip(keys, ("row", "column"), strict=True)
    )
    return (
        rows.with_row_index("row_place")
        .join(columns.with_row_index("column_place"), how="cross", maintain_order="left_right")
        .join(counted, on=["row", "column"], how="left", nulls_equal=True, maintain_order="left")
        .with_columns(pl.col("clients", "valued", "units").fill_null(0))
        .drop("row", "column")
        .rename({"row_label": "row", "column_label": "column"})
    )


def _with_totals(cells: pl.DataFrame) -> pl.DataFrame:
    """Add the totals, whose keys are null, and what independence would give."""
    sums = [pl.col(name).sum() for name in ("clients", "valued", "units")]
    everyone = cells["clients"].sum()
    cells = with_expectations(
        cells.with_columns(
            pl.col("clients").sum().over("row_place").alias("row_clients"),
            pl.col("clients").sum().over("column_place").alias("column_clients"),
            pl.lit(everyone).alias("all"),
        )
    )
    by_row = cells.group_by("row_place", "row").agg(sums)
    by_column = cells.group_by("column_place", "column").agg(sums)
    parts = [cells, by_row, by_column, cells.select(sums)]
    return (
        pl.concat(parts, how="diagonal")
        .sort("row_place", "column_place", nulls_last=True)
        .with_columns(share=pl.col("clients") / everyone)
    )


def _counts(cells: pl.DataFrame) -> list[list[int]]:
    """Return the clients row by row, totals last."""
    clients = cells["clients"].to_list()
    width = cells["column_place"].n_unique()
    return [clients[start : start + width] for start in range(0, len(clients), width)]


def _shown(cells: pl.DataFrame, hidden: pl.Series) -> pl.DataFrame:
    """Leave out what is hidden, and what is computed from totals that are."""
    cells = cells.with_columns(hidden=hidden)
    is_total = pl.col("row").is_null(), pl.col("column").is_null()
    # Of a row, of a column, and of all, its total is the only row of these.
    row_hidden, column_hidden = (
        (pl.col("hidden") & total).any().over(place)
        for total, place in zip(reversed(is_total), ("row_place", "column_place"), strict=True)
    )
    all_hidden = (pl.col("hidden") & is_total[0] & is_total[1]).any()
    untold = row_hidden | column_hidden | all_hidden
    own = pl.col("hidden")
    return cells.with_columns(
        pl.when(~own).then(pl.col("clients", "valued", "units")),
        pl.when(~untold).then("expected"),
        pl.when(~own & ~untold).then(pl.col("index", "residual")),
        pl.when(~own & ~all_hidden).then("share"),
    )


def _measured(cells: pl.DataFrame, money: pl.DataType | None) -> pl.DataFrame:
    """Return the columns of the contract."""
    nothing = pl.lit(None, pl.Float64)
    total, mean = nothing, nothing
    if money is not None:
        total = money_of(pl.col("units"), money)
        units = pl.col("units").cast(pl.Float64)
        parts = pl.col("valued").cast(pl.Float64) * (10.0**SCALE if money.is_float() else 1.0)
        mean = pl.when(parts > 0).then(units / parts)
    return cells.select(
        "row",
        "column",
        "clients",
        "share",
        "index",
        "expected",
        "residual",
        total.alias("total"),
        mean.alias("mean"),
        "hidden",
    )
