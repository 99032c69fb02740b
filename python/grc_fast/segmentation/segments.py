"""Clients put into segments by ordered rules, over the columns of one table or several."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from grc_fast._typing import Day, Lang
from grc_fast._utils.dates import parse_day
from grc_fast._utils.messages import listing, suggestion
from grc_fast._utils.panics import panics_as_errors
from grc_fast.errors import ColumnError, DataError
from grc_fast.facts.exact_money import SCALE
from grc_fast.facts.table import CLIENT
from grc_fast.io.roles import Table
from grc_fast.io.small_tables import frame_of, is_path, meeting
from grc_fast.labels.catalogue import text
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase
from grc_fast.labels.written_frame import written_frame
from grc_fast.report.report_file import ReportFile
from grc_fast.rfm.client_table import tenure_expr, with_plain_ids
from grc_fast.rfm.criteria import check_count
from grc_fast.rfm.segment_sums import segment_sums
from grc_fast.rfm.segments.evaluate import Given, first_match, on_five, rule_holds
from grc_fast.rfm.segments.rule import saying_where
from grc_fast.rfm.segments.validate import check_sql
from grc_fast.segmentation.contradictions import refuse_contradictions
from grc_fast.segmentation.definition import Segmentation
from grc_fast.segmentation.joined import joined
from grc_fast.segmentation.matrix import json_rows
from grc_fast.segmentation.places import check_places

SEGMENT: Final = "segment"
_MONEY: Final = "monetary"
_SHARES: Final = ("share", "money_share")


@dataclass(frozen=True, eq=False)
class SegmentResult(ReportFile):
    """Clients and their segments.

    Attributes
    ----------
    clients
        The columns of the input and `segment` (Enum, in the order of the rules), ascending by
        client.
    sizes
        `segment`, `clients`, `share`, `money`, `money_share`.
    definition
        The rules, and who answers for them.
    notes, warnings
        What a reader should know besides.
    lang
        The language of labels.
    """

    clients: pl.DataFrame
    sizes: pl.DataFrame
    definition: Segmentation
    notes: list[Wording]
    warnings: list[Wording]
    lang: Lang = "en"

    def to_dict(self) -> dict[str, Any]:
        """Return the definition and the sizes in types that JSON knows."""
        return {
            "definition": self.definition.to_dict(),
            "sizes": json_rows(self.sizes),
            "notes": self.notes,
            "warnings": self.warnings,
        }

    def _chart(self, lang: Lang) -> Any:
        from grc_fast.report.charts.shares import shares_chart

        captions = {text(f"table.{name}", lang): self.sizes[name] for name in _SHARES}
        known = {caption: shares for caption, shares in captions.items() if shares.count()}
        return shares_chart(self.sizes["segment"], known)

    def _repr_html_(self) -> str:
        return written_frame(self.sizes, self.lang, total=True).html()


@panics_as_errors()
def segment(
    *clients: Any,
    rules: Any,
    bins: int = 5,
    groups: int = 5,
    as_of: Day | None = None,
    money: str | None = None,
    lang: Lang = "en",
) -> SegmentResult:
    """Put every client into the first segment whose conditions hold.

    Parameters
    ----------
    *clients
        Tables of one row a client, or the paths of their files. Several with the same columns are
        parts of one table; others are joined by client id.
    rules
        A `Segmentation`, the path of a TOML file, or a list of rules. A condition is a range of
        `r`, `f`, `m`, `group` (on the scale of five) or `points`, a longest `tenure_max`, or SQL
        over any column of the tables (`where`).
    bins, groups
        How many bands and groups the scores have.
    as_of
        The day from which the tenure is counted, where the tables do not tell.
    money
        A column or SQL, summed by segment; `monetary` by default, where there is one.
    lang
        The language of labels, `en` or `fr`.

    Returns
    -------
    SegmentResult
        The clients with their segments, and the size and money of each segment.

    Raises
    ------
    OptionError
        If a rule is wrong, reads a column that there is not, or can never hold.
    ColumnError, DataError
        If a table is not of one row a client, or a client meets no rule and there is no `default`.

    Notes
    -----
    Time is linear in clients and in rules.

    Examples
    --------
    >>> import grc_fast as grc
    >>> import polars as pl
    >>> scores = pl.DataFrame({"client_id": [1, 2, 3], "m": [5, 2, 1], "monetary": [90, 9, 2]})
    >>> towns = pl.DataFrame({"client_id": [1, 2, 3], "town": ["Lille", "Lille", "Nice"]})
    >>> rules = [{"name": "vip", "m": [4, 5]}, {"name": "north", "where": "town = 'Lille'"}]
    >>> found = grc.segment(scores, towns, rules=grc.Segmentation(rules, default="others"))
    >>> found.clients["segment"].to_list()
    ['vip', 'north', 'others']
    >>> found.sizes.select("segment", "clients", "money").rows()
    [('vip', 1, 90), ('north', 1, 9), ('others', 1, 2)]
    """
    definition = Segmentation.resolve(rules)
    bins, groups = check_count("bins", bins), check_count("groups", groups)
    labels = [rule.label(lang) for rule in definition.rules]
    frame, notes = joined(_tables(clients))
    scales = _scales(frame, definition, bins, groups)
    given = _given(frame, definition, scales, None if as_of is None else parse_day(as_of))
    with saying_where(f"segments {definition.name!r}"):
        check_sql(definition.rules, frame.schema)
        refuse_contradictions(definition.rules, frame.schema, given, scales)
    match = first_match(definition.rules, given, labels, default=definition.default)
    # Beside a column, so that a rule without conditions is repeated for each client.
    matched = frame.select(CLIENT, match.alias("matched"))["matched"].alias(SEGMENT)
    _refuse_uncovered(frame, matched)
    if SEGMENT in frame.columns:
        notes.append(Phrase("note.segment_replaced"))
    placed = frame.drop(SEGMENT, strict=False).with_columns(matched)
    name = _MONEY if money is None and _MONEY in frame.columns else money
    spent = None
    if name is not None:
        spent = frame.select(Table(frame.schema, "the clients", {}).amount(name, "money"))
    sizes = segment_sums(placed, None if spent is None else spent.to_series(), SCALE)
    warnings = _warnings(frame, definition, given, sizes)
    return SegmentResult(placed, sizes, definition, notes, warnings, lang)


def _tables(clients: Sequence[Any]) -> dict[str, pl.DataFrame]:
    """Read the tables, by the names that errors give them."""
    if not clients:
        raise DataError("there are no clients: give a table of them, or several")
    found: dict[str, pl.DataFrame] = {}
    for number, table in enumerate(clients, start=1):
        name = os.fspath(table) if is_path(table) else "the clients"
        if name in found or (len(clients) > 1 and not is_path(table)):
            name = f"table {number}"
        found[name] = with_plain_ids(frame_of(table, name, [CLIENT]))
    return meeting(found, from_files=any(map(is_path, clients)))


def _scales(
    frame: pl.DataFrame, definition: Segmentation, bins: int, groups: int
) -> dict[str, int]:
    """Return how many bands or groups the columns have that ranges speak of, and check both."""
    sizes = {**dict.fromkeys(("r", "f", "m"), bins), "group": groups}
    used = [
        key
        for key in (*sizes, "points")
        if any(getattr(part, key) is not None for part in definition.conditions())
    ]
    for key in used:
        if key not in frame.columns:
            raise ColumnError(
                f"the rules speak of {key!r}, and the clients have no such column"
                f"{suggestion(key, frame.columns)}{listing(frame.columns)}"
            )
        if key in sizes:
            option = "groups" if key == "group" else "bins"
            check_places(frame[key], "the clients", sizes[key], option)
    return {key: sizes[key] for key in used if key in sizes}


def _given(
    frame: pl.DataFrame, definition: Segmentation, scales: Mapping[str, int], day: dt.date | None
) -> Given:
    """Return what ranges are of, on the scale of five."""
    tenure = tenure_expr(frame.schema, day)
    if tenure is None and any(part.tenure_max is not None for part in definition.conditions()):
        raise ColumnError(
            "the rules speak of the tenure, and the clients do not tell it: give first_purchase, "
            "and last_purchase with recency or the day they are seen from (as_of, --as-of)"
        )
    on_scale = {key: on_five(pl.col(key), size) for key, size in scales.items()}
    r, f, m = (on_scale.get(key, pl.lit(None, pl.UInt8)) for key in ("r", "f", "m"))
    return Given(
        r,
        f,
        m,
        group=on_scale.get("group"),
        tenure=tenure,
        points=pl.col("points") if "points" in frame.columns else None,
    )


def _refuse_uncovered(frame: pl.DataFrame, matched: pl.Series) -> None:
    left = matched.null_count()
    if left:
        first = frame[CLIENT].filter(matched.is_null())[0]
        raise DataError(
            f"{left:,} of {frame.height:,} clients meet no rule, the first is {first!r}: end the "
            'rules with a segment that takes them, or write default = "others"'
        )


def _warnings(
    frame: pl.DataFrame, definition: Segmentation, given: Given, sizes: pl.DataFrame
) -> list[Wording]:
    """Say of each segment without clients whether nobody meets its conditions."""
    warnings: list[Wording] = []
    for rule, clients in zip(definition.rules, sizes["clients"], strict=False):
        if clients == 0:
            meeting_it = frame.select(CLIENT, holds=rule_holds(rule, given))["holds"].sum()
            key = "rules.empty_taken" if meeting_it else "rules.empty"
            warnings.append(Phrase(key, name=repr(rule.name), clients=meeting_it))
    return warnings
