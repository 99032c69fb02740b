"""The charts of scored clients, drawn from their small tables."""

from __future__ import annotations

import math

import altair as alt
import polars as pl

from grc_fast._typing import HeatMapOf
from grc_fast.labels.catalogue import text
from grc_fast.report.charts.distribution import distribution_chart
from grc_fast.report.charts.heat_map import heat_map
from grc_fast.report.charts.lorenz import lorenz_chart
from grc_fast.report.charts.segments import segments_chart
from grc_fast.rfm.chart_tables import ChartTables


def segments_of(tables: ChartTables) -> alt.LayerChart:
    """Draw the segments, the darker the more money a client of theirs brings."""
    each = pl.col("money").cast(pl.Float64) / pl.col("clients")
    # Shades by rank: one segment far ahead would leave the others alike.
    rank = pl.when(pl.col("clients") > 0).then(each).rank("dense").cast(pl.Float64)
    shade = pl.when(rank.max() > 1).then((rank - 1) / (rank.max() - 1)).otherwise(0.5)
    return segments_chart(
        tables.segments.select(
            pl.Series("segment", range(tables.segments.height), dtype=pl.Int64),
            pl.Series("label", tables.labels, dtype=pl.String),
            "clients",
            shade=shade.fill_null(0.5),
        )
    )


def map_of(tables: ChartTables, value: HeatMapOf) -> alt.LayerChart:
    """Draw where the clients, or their money, are between recency and frequency."""
    return heat_map(tables.cells.select("segment", "r", "f", value=value), tables.lang)


def distribution_of(tables: ChartTables, criterion: str) -> alt.LayerChart:
    """Draw the values of a criterion and the thresholds between its bands."""
    caption = text(f"column.{tables.measures[criterion]}", tables.lang)
    bars = tables.bars[criterion].drop("below", "beyond")
    return distribution_chart(bars, thresholds_of(tables, criterion), caption, tables.lang)


def lorenz_of(tables: ChartTables) -> alt.LayerChart:
    """Draw how the money is spread over clients; `tables` must have a curve."""
    assert tables.curve is not None
    return lorenz_chart(tables.curve.with_columns(pl.col("clients", "money").round(5)), tables.lang)


def thresholds_of(tables: ChartTables, criterion: str) -> list[float]:
    """Return where the bands of a criterion part on the axis of its bars."""
    bands = tables.model.bands.filter(pl.col("criterion") == criterion)
    edges = bands["to"].drop_nulls().to_list()
    closed = next(f.closed for f in tables.model.fitted if f.criterion.name == criterion)
    if closed == "right" and tables.scores[criterion].dtype.is_integer():
        # The bar of a whole number begins with it, and an edge belongs to the band below.
        return [math.floor(edge) + 1.0 for edge in edges]
    return edges
