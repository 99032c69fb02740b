"""What expected gains have to show on a page."""

from __future__ import annotations

import math

import polars as pl

from grc_fast.labels.catalogue import text
from grc_fast.labels.table import Table
from grc_fast.labels.written import money, whole
from grc_fast.report.page import Part, Section

_GAIN = "gain_"
# Endings of the columns of intervals.
_ENDS = ("_low", "_high")


def value_section(values: pl.DataFrame, lang: str) -> Section:
    """Return the section of a table of expected gains."""
    valued = values.filter(pl.col("p_alive").is_not_null())
    horizons = [
        name.removeprefix(_GAIN)
        for name in values.columns
        if name.startswith(_GAIN) and not name.endswith(_ENDS)
    ]
    rows = []
    for horizon in horizons:
        # Exact, whatever the order of the clients.
        purchases, gain = (
            math.fsum(valued[f"{what}_{horizon}"].drop_nulls()) for what in ("purchases", "gain")
        )
        each = money(gain / valued.height, lang) if valued.height else ""
        rows.append([horizon, *(whole(n, lang) for n in (valued.height, purchases, gain)), each])
    title = text("section.value", lang)
    header = [
        text("section.horizon", lang),
        text("table.clients", lang),
        *(text(f"section.{name}", lang) for name in ("purchases", "gain", "gain_each")),
    ]
    part = Part(title, text("section.value_part", lang), Table(title, header, rows))
    definition = text("section.gain", lang), text("section.gain_definition", lang)
    return Section(
        title, text("section.value_meaning", lang), parts=[part], definitions=[definition]
    )
