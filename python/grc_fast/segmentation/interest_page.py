"""What purchases and interest side by side have to show on a page."""

from __future__ import annotations

import polars as pl

from grc_fast.labels.catalogue import section, text
from grc_fast.labels.table import Table
from grc_fast.labels.written import percent, whole
from grc_fast.report.charts.matrix import matrix_chart
from grc_fast.report.page import Figure, Part, Section
from grc_fast.segmentation.matrix import shaded_counts


def interest_section(combined: pl.DataFrame, lang: str) -> Section:
    """Return the section of a table that `combine` gave."""
    phases = section("phase", lang)
    unseen, never = text("section.no_event", lang), text("section.no_group", lang)
    cells = (
        combined.select(pl.col("group").cast(pl.Int64), pl.col("phase").cast(pl.String))
        .group_by("group", "phase")
        .agg(clients=pl.len())
        .sort(
            "group",
            pl.col("phase").replace_strict(
                {name: place for place, name in enumerate(phases)},
                default=len(phases),
                return_dtype=pl.Int64,
            ),
            nulls_last=True,
        )
        .select(
            row=pl.col("group").cast(pl.String).fill_null(never),
            column=pl.col("phase").replace(phases).fill_null(unseen),
            clients="clients",
        )
    )
    title = text("section.interest", lang)
    shown = shaded_counts(cells, lang)
    group = text("column.group", lang)
    chart = matrix_chart(shown.drop("clients"), group, text("column.phase", lang))
    rows = [list(row) for row in shown.select("row", "column", "written").iter_rows()]
    header = [group, text("column.phase", lang), text("table.clients", lang)]
    meaning, table = text("section.interest_figure", lang), Table(title, header, rows)
    figure = Figure.of("interest", chart, meaning, table, lang)
    return Section(
        title, text("section.interest_meaning", lang), [figure], [_actions(combined, lang)]
    )


def _actions(combined: pl.DataFrame, lang: str) -> Part:
    counts = (
        combined.group_by(pl.col("action").cast(pl.String))
        .agg(clients=pl.len())
        .sort("clients", "action", descending=[True, False])
    )
    rows = [
        [action or "", whole(clients, lang), percent(clients / combined.height, lang)]
        for action, clients in counts.iter_rows()
    ]
    title = text("section.actions", lang)
    header = [text("table.action", lang), text("table.clients", lang), text("table.share", lang)]
    return Part(title, text("section.actions_meaning", lang), Table(title, header, rows))
