"""Tables as a terminal shows them: captions, shares, money and counts in a language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import polars as pl
from rich import box
from rich.table import Table
from rich.text import Text

from grc_fast._utils.messages import harmless
from grc_fast.labels.catalogue import section, text
from grc_fast.labels.filling import written
from grc_fast.labels.written import money, percent

_Writer = Callable[[Any, str], str]


def _formed(form: str) -> _Writer:
    return lambda value, lang: written(value, lang, form)


# How the figures of a column are written, by its name; other fractions have three decimals.
_WRITERS: Final[Mapping[str, _Writer]] = {
    **dict.fromkeys(("share", "money_share", "share_fit", "share_today"), percent),
    **dict.fromkeys(("rate", "shrunk", "low", "high", "control_rate"), _formed(".2%")),
    **dict.fromkeys(("top_10", "top_20", "top_40"), percent),
    **dict.fromkeys(
        ("difference", "incremental", "incremental_low", "incremental_high"), _formed("+.2%")
    ),
    **dict.fromkeys(
        ("incremental_spend", "incremental_spend_low", "incremental_spend_high"), _formed("+,.2f")
    ),
    **dict.fromkeys(("money", "money_before", "money_after", "money_net", "spend"), money),
    **dict.fromkeys(("total", "mean", "gain", "cost", "gain_per_client", "value"), money),
    **dict.fromkeys(("expected_money", "one_more_earns", "budget", "marginal_return"), money),
    **dict.fromkeys(
        ("purchases", "expected_purchases", "expected", "penetration"), _formed(",.1f")
    ),
    **dict.fromkeys(("lift", "score", "residual", "reliability", "open", "active"), _formed(".2f")),
    "index": _formed(",.0f"),
    **dict.fromkeys(("contribution", "weight"), _formed(".4f")),
    # Thresholds are what they are: rounded, they would put clients into another band.
    **dict.fromkeys(("from", "to"), _formed(",.10g")),
}
# Columns of codes, and the sections that say them in words.
_CODES: Final = {
    "criterion": "criterion",
    "outcome": "outcome",
    "phase": "phase",
    "reason": "refusal",
}
# Columns that add up to something.
_ADDED: Final = ("clients", "share", "money", "money_share")


def frame_table(frame: pl.DataFrame, lang: str, *, total: bool = False) -> Table:
    """Make a table of a frame whose columns are those of the package.

    Parameters
    ----------
    frame
        The rows; the first column names them. A column without any value is left out.
    lang
        The language of captions, words and figures.
    total
        Whether clients, money and their shares are summed up below.
    """
    # What is not known of anybody is no column to read.
    known = [name for name in frame.columns if frame.is_empty() or frame[name].count()]
    frame = frame.select(known)
    words = {name: section(codes, lang) for name, codes in _CODES.items()}
    table = _headed(frame, section("table", lang))
    last = [_totals(frame, lang)] if total and frame.height else []
    for row in [*frame.iter_rows(named=True), *last]:
        told = {name: words.get(name, {}).get(value, value) for name, value in row.items()}
        cells = (_cell(value, _WRITERS.get(name), lang) for name, value in told.items())
        table.add_row(*map(_cell_text, cells))
    return table


def matrix_table(frame: pl.DataFrame, lang: str) -> Table:
    """Make a table of a frame whose columns are values of clients, with counts."""
    table = _headed(frame, {})
    for row in frame.iter_rows():
        table.add_row(*(_cell_text(_cell(value, None, lang)) for value in row))
    return table


def _headed(frame: pl.DataFrame, captions: Mapping[str, str]) -> Table:
    """Make a table without rows, figures to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, dtype in frame.schema.items():
        justify: Literal["left", "right"] = "right" if dtype.is_numeric() else "left"
        # A Text, because brackets in a plain string would be read as markup.
        table.add_column(_cell_text(captions.get(name, name)), justify=justify)
    return table


def _totals(frame: pl.DataFrame, lang: str) -> dict[str, Any]:
    first, *others = frame.columns
    sums = {
        name: frame[name].sum() if name in _ADDED and frame[name].count() else None
        for name in others
    }
    return {first: text("table.total", lang), **sums}


def _cell_text(cell: str) -> Text:
    return Text(harmless(cell).replace("\n", "\\n"))


def _cell(value: Any, writer: _Writer | None, lang: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return text(f"truth.{'yes' if value else 'no'}", lang)
    if writer is not None and not isinstance(value, str):
        return writer(value, lang)
    return written(value, lang, ",.3f" if isinstance(value, float) and value % 1 else "")
