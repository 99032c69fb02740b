"""Tables of the package as people read them: captions, words, shares, money and counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import polars as pl

from grc_fast.labels.catalogue import section, text
from grc_fast.labels.filling import written
from grc_fast.labels.table import Table
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
#: Columns that add up to something.
ADDED: Final = ("clients", "share", "money", "money_share")


def written_frame(frame: pl.DataFrame, lang: str, *, name: str = "", total: bool = False) -> Table:
    """Write a frame whose columns are those of the package.

    Parameters
    ----------
    frame
        The rows; the first column names them. A column without any value is left out.
    lang
        The language of captions, words and figures.
    name
        What the table is called.
    total
        Whether clients, money and their shares are summed up below.

    Examples
    --------
    >>> import polars as pl
    >>> sizes = pl.DataFrame({"segment": ["new"], "clients": [1204], "share": [0.25]})
    >>> written_frame(sizes, "fr", total=True).rows
    [['new', '1\u202f204', '25,0\u202f%'], ['total', '1\u202f204', '25,0\u202f%']]
    """
    return written_columns(with_values(frame), lang, name=name, total=total)


def with_values(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out columns without any value: what is not known of anybody is no column to read."""
    return frame.select(n for n in frame.columns if frame.is_empty() or frame[n].count())


def written_columns(
    frame: pl.DataFrame, lang: str, *, name: str = "", total: bool = False
) -> Table:
    """Write a frame as `written_frame` does, with every column."""
    captions = section("table", lang)
    words = {column: section(codes, lang) for column, codes in _CODES.items()}
    last = [_totals(frame, lang)] if total and frame.height else []
    rows = []
    for row in [*frame.iter_rows(named=True), *last]:
        told = {column: words.get(column, {}).get(value, value) for column, value in row.items()}
        rows.append([_cell(value, _WRITERS.get(column), lang) for column, value in told.items()])
    return Table(name, [captions.get(column, column) for column in frame.columns], rows)


def written_matrix(frame: pl.DataFrame, lang: str, *, name: str = "") -> Table:
    """Write a frame whose columns are values of clients, with counts or other figures."""
    rows = [[_cell(value, None, lang) for value in row] for row in frame.iter_rows()]
    return Table(name, frame.columns, rows)


def _totals(frame: pl.DataFrame, lang: str) -> dict[str, Any]:
    first, *others = frame.columns
    sums = {
        name: frame[name].sum() if name in ADDED and frame[name].count() else None
        for name in others
    }
    return {first: text("table.total", lang), **sums}


def _cell(value: Any, writer: _Writer | None, lang: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return text(f"truth.{'yes' if value else 'no'}", lang)
    if writer is not None and not isinstance(value, str):
        return writer(value, lang)
    return written(value, lang, ",.3f" if isinstance(value, float) and value % 1 else "")
