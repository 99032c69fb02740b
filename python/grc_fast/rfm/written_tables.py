"""The segments and the bands of scored clients as they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from grc_fast._utils.messages import cut
from grc_fast.labels.catalogue import text
from grc_fast.labels.table import Table
from grc_fast.labels.written import in_language, money, percent, whole
from grc_fast.labels.written_frame import ADDED, written_columns
from grc_fast.rfm.bands import format_number
from grc_fast.rfm.chart_tables import ChartTables
from grc_fast.rfm.drift import Drift
from grc_fast.rfm.fitted import FittedModel

# What a label has room for.
_LONGEST_LABEL: Final = 60


def labels_of(tables: ChartTables) -> list[str]:
    """Return what the segments are called, cut to what there is room for."""
    return [cut(label, _LONGEST_LABEL) for label in tables.labels]


def segments_table(tables: ChartTables) -> Table:
    """Return the segments with their clients, their money, and the means of both, and the total."""
    lang = tables.lang
    columns: dict[str, tuple[str, Callable[[Any, str], str]]] = {
        "clients": (text("table.clients", lang), whole),
        "share": (text("table.share", lang), percent),
        "money": (text("table.money", lang), whole),
        "money_share": (text("table.money_share", lang), percent),
        "recency": (text("report.mean_recency", lang), _one_decimal),
        "frequency": (text("report.mean_frequency", lang), _one_decimal),
        "basket": (text("report.basket", lang), money),
    }
    profile = tables.profile
    hidden = set() if tables.has_money else {"money", "money_share"}
    names = [name for name in columns if name in profile.columns and name not in hidden]
    rows = [
        [
            label,
            *("" if row[name] is None else columns[name][1](row[name], lang) for name in names),
        ]
        for label, row in zip(labels_of(tables), profile.iter_rows(named=True), strict=True)
    ]
    totals = [
        columns[name][1](profile[name].sum(), lang) if name in ADDED else "" for name in names
    ]
    header = [text("table.segment", lang), *(columns[name][0] for name in names)]
    return Table(
        text("chart.segments", lang), header, [*rows, [text("table.total", lang), *totals]]
    )


def bands_table(model: FittedModel, lang: str) -> Table:
    """Return the bands of each criterion with their ends and their clients."""
    return written_columns(model.bands, lang, name=text("report.bands", lang))


def drift_table(drift: Drift, lang: str) -> Table:
    """Return the clients of each band at the fit beside those of today."""
    names = ["criterion", "band", "clients_fit", "share_fit", "clients_today", "share_today"]
    return written_columns(drift.bands.select(names), lang, name=text("report.drift", lang))


def number(value: float, lang: str) -> str:
    """Write a value of a criterion."""
    return in_language(format_number(value), lang)


def _one_decimal(value: float, lang: str) -> str:
    return in_language(f"{value:z,.1f}", lang)
