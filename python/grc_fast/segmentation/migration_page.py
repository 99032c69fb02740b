"""What a comparison of two dates has to show on a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from grc_fast.labels.catalogue import text
from grc_fast.labels.table import Table
from grc_fast.labels.written import whole
from grc_fast.report.charts.matrix import matrix_chart
from grc_fast.report.page import Figure, Part, Section
from grc_fast.rfm.drift import stability_phrase
from grc_fast.segmentation.matrix import shaded_counts

_FLOWS: Final = ("before", "after", "net", "entries", "exits", "money_before", "money_after")


def migration_section(found: Mapping[str, Any], lang: str) -> Section:
    """Return the section of what `compare` wrote as JSON."""
    ends = text("migration.entered", lang), text("migration.left", lang)
    moves = pl.DataFrame(found["moves"], infer_schema_length=None).select(
        row=pl.col("from").cast(pl.String).fill_null(ends[0]),
        column=pl.col("to").cast(pl.String).fill_null(ends[1]),
        clients=pl.col("clients").cast(pl.Int64),
    )
    order = [str(flow[found["by"]]) for flow in found["flows"]]
    title = text("section.migration", lang)
    figures = []
    if moves.height:
        meaning = text("section.migration_figure", lang)
        shown = shaded_counts(_in_order(moves, order), lang)
        chart = matrix_chart(
            shown.select("row", "column", "written", "shade"),
            text("table.before", lang),
            text("table.after", lang),
        )
        table = _matrix(shown, lang)
        figures.append(Figure.of("migration", chart, meaning, table, lang))
    return Section(
        title=title,
        meaning=text("section.migration_meaning", lang),
        figures=figures,
        parts=[_flows(found, lang)],
    )


def _in_order(moves: pl.DataFrame, order: list[str]) -> pl.DataFrame:
    """Sort moves as the flows are, those who entered last, and those who left."""
    places = {name: place for place, name in enumerate(order)}
    keys = [
        pl.col(side).replace_strict(places, default=len(order), return_dtype=pl.Int64)
        for side in ("row", "column")
    ]
    return moves.sort(keys, maintain_order=True)


def _matrix(moves: pl.DataFrame, lang: str) -> Table:
    columns = moves.sort("row")["column"].unique(maintain_order=True).to_list()
    cells = {(row, column): written for row, column, _, written, _ in moves.iter_rows()}
    rows = [
        [row, *(cells.get((row, column), "") for column in columns)]
        for row in moves["row"].unique(maintain_order=True).to_list()
    ]
    header = [f"{text('table.before', lang)} / {text('table.after', lang)}", *columns]
    return Table(text("section.migration", lang), header, rows)


def _flows(found: Mapping[str, Any], lang: str) -> Part:
    by = found["by"]
    rows = [
        [
            str(flow[by]),
            *("" if flow[name] is None else whole(flow[name], lang) for name in _FLOWS),
        ]
        for flow in found["flows"]
    ]
    header = [text(f"column.{by}", lang), *(text(f"table.{name}", lang) for name in _FLOWS)]
    title = text("section.flows", lang)
    index = found["stability_index"]
    notes = [] if index is None else [stability_phrase(index).said(lang)]
    return Part(title, text("section.flows_meaning", lang), Table(title, header, rows), notes)
