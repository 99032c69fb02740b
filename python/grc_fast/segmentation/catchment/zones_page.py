"""What the zones of stores have to show on a page."""

from __future__ import annotations

import polars as pl

from grc_fast.labels.catalogue import section, text
from grc_fast.labels.table import Table
from grc_fast.labels.written import in_language, percent, whole
from grc_fast.report.page import Part, Section


def zones_section(clients: pl.DataFrame, lang: str) -> Section:
    """Return the section of a table of clients with their store and zone."""
    words = section("zone", lang)
    sums = (
        clients.group_by(pl.col("zone").cast(pl.Int64))
        .agg(pl.len(), pl.col("distance_km").cast(pl.Float64).median())
        .sort("zone", nulls_last=True)
    )
    rows = [
        [
            words["outside"] if zone is None else words.get(str(zone), str(zone)),
            whole(count, lang),
            percent(count / clients.height, lang),
            "" if distance is None else in_language(f"{distance:,.1f}", lang),
        ]
        for zone, count, distance in sums.iter_rows()
    ]
    title = text("section.zones", lang)
    header = [
        text("table.zone", lang),
        text("table.clients", lang),
        text("table.share", lang),
        text("section.distance", lang),
    ]
    part = Part(title, text("section.zones_part", lang), Table(title, header, rows))
    return Section(title, text("section.zones_meaning", lang), parts=[part])
