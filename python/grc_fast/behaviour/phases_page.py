"""What behaviour scores have to show on a page."""

from __future__ import annotations

import polars as pl

from grc_fast.labels.catalogue import section, text
from grc_fast.labels.table import Table
from grc_fast.labels.written import in_language, percent, whole
from grc_fast.report.page import Part, Section


def phases_section(scores: pl.DataFrame, lang: str) -> Section:
    """Return the section of a table of behaviour scores."""
    words = section("phase", lang)
    sizes = {
        phase: (clients, score)
        for phase, clients, score in scores.group_by(pl.col("phase").cast(pl.String))
        .agg(pl.len(), pl.col("score").cast(pl.Float64).sort().mean())
        .iter_rows()
    }
    rows = []
    for phase, word in words.items():
        clients, score = sizes.get(phase, (0, None))
        mean = "" if score is None else in_language(f"{score:,.1f}", lang)
        rows.append([word, whole(clients, lang), percent(clients / scores.height, lang), mean])
    title = text("section.phases", lang)
    header = [
        text("column.phase", lang),
        *(text(f"table.{name}", lang) for name in ("clients", "share")),
        text("section.mean_score", lang),
    ]
    part = Part(title, text("section.phases_part", lang), Table(title, header, rows))
    return Section(title, text("section.phases_meaning", lang), parts=[part])
