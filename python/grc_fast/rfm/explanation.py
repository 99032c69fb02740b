"""One client's score taken apart: every value, threshold, point and rule that made it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, cast

import polars as pl

from grc_fast._typing import Day, Lang, Number
from grc_fast._utils.dates import day_number
from grc_fast.errors import ColumnError, DataError
from grc_fast.facts.frames import to_frame
from grc_fast.facts.table import CLIENT, STATUS
from grc_fast.io.ids import id_as_held
from grc_fast.labels.catalogue import group, text
from grc_fast.labels.table import Table, paragraphs
from grc_fast.labels.written import day, in_language
from grc_fast.rfm.bands import FittedBands, apply_bands, format_number
from grc_fast.rfm.client_table import ClientRows, day_of, has_status, read_clients, tenure_expr
from grc_fast.rfm.criteria import LETTERS, unit_of
from grc_fast.rfm.fitted import FittedModel
from grc_fast.rfm.scoring import score_clients

Value = int | float | Decimal


@dataclass(frozen=True)
class CriterionExplanation:
    """How one criterion earned its points.

    Attributes
    ----------
    criterion, measure, window
        What was measured, over which window.
    value, unit
        The client's value (None: it has none, and earns the least) and what it counts.
    low, high
        The thresholds around the value: the ends of its band, None where it is open.
    closed
        Which end belongs to the band: ``"right"`` for quantiles, ``"left"`` for thresholds,
        for quantiles of ``edges="r-rfm"`` and for those of ``ties="split_descending"``.
    band, bands
        The band, from the smallest values up, and how many there are.
    points, weight, contribution
        The points, and what they add to the score.
    """

    criterion: str
    measure: str
    window: str | None
    value: Value | None
    unit: str
    low: Number | None
    high: Number | None
    closed: Literal["left", "right"]
    band: int
    bands: int
    points: int
    weight: Number
    contribution: Number


@dataclass(frozen=True)
class Explanation:
    """A client's score, taken apart.

    Attributes
    ----------
    client_id, as_of, status
        Who, seen from which day, and the status where the facts have one.
    scored, reason
        Whether the client is scored, and why not.
    criteria
        How each criterion earned its points; empty if the client is not scored.
    rfm, points
        The code (None where a criterion has more than 9 bands) and the score.
    group, groups, group_low, group_high
        The group, of how many, and the scores it holds: from `group_low` to below `group_high`.
    segment, rule, tenure
        The segment's label, the rule that won, and the days since the first purchase (None if
        they play no part or are unknown).
    lang
        The language of the labels.

    Examples
    --------
    >>> import grc_fast as grc
    >>> import polars as pl
    >>> clients = pl.DataFrame({"client_id": [1, 2], "recency": [3, 90], "monetary": [80.0, 20.0]})
    >>> model = grc.RFM(frequency=None, bins=2, groups=2).fit(clients)
    >>> print(model.explain(clients, client_id=1))
    client 1
      recency (days): 3; band 1 of 2, up to 3; points 2
      total spend: 80; band 2 of 2, above 20; points 2
      RFM score: 4; RFM code 22
      group: 1, 4 or more; group 1 of 2 (group 1 is expected to answer best)
      segment: potential loyalist; r 4–5, f 2–3
    """

    client_id: int | str
    as_of: dt.date | None
    status: str | None
    scored: bool
    reason: str | None = None
    criteria: tuple[CriterionExplanation, ...] = ()
    rfm: int | None = None
    points: Number | None = None
    group: int | None = None
    groups: int | None = None
    group_low: Number | None = None
    group_high: Number | None = None
    segment: str | None = None
    rule: str | None = None
    tenure: int | None = None
    lang: str = "en"

    def __str__(self) -> str:
        """Write the explanation for a reader, a line a step."""
        return "\n".join([self._title(), *(f"  {line}" for line in self._lines())])

    def _repr_html_(self) -> str:
        if not self.scored:
            return paragraphs(str(self))
        return Table(self._title(), [], [list(step) for step in self.steps]).html()

    @property
    def steps(self) -> list[tuple[str, str]]:
        """What each step is called and how it went; none if the client is not scored."""
        if not self.scored or self.group is None or self.groups is None:
            return []
        score = _number(self.points, self.lang)
        code = [] if self.rfm is None else [f"{text('column.rfm', self.lang)} {self.rfm}"]
        span = _span(self.group_low, self.group_high, "left", self.lang)
        answer = group(self.group, self.groups, self.lang)
        steps = [self._criterion_step(criterion) for criterion in self.criteria]
        steps.append(self._step("points", score, *code))
        steps.append(self._step("group", f"{self.group}, {span}", answer))
        if self.tenure is not None:
            steps.append(self._step("tenure", _number(self.tenure, self.lang)))
        return [*steps, self._step("segment", str(self.segment), str(self.rule))]

    @property
    def frame(self) -> pl.DataFrame:
        """A row a criterion, with the attributes of `CriterionExplanation`."""
        rows = [dataclasses.asdict(criterion) for criterion in self.criteria]
        floats = ("value", "low", "high", "weight", "contribution")
        texts = ("criterion", "measure", "window", "unit", "closed")
        counts = ("band", "bands", "points")
        names = [field.name for field in dataclasses.fields(CriterionExplanation)]
        kinds = {
            **dict.fromkeys(floats, pl.Float64),
            **dict.fromkeys(texts, pl.String),
            **dict.fromkeys(counts, pl.UInt8),
        }
        plain = [{**row, **{key: _as_float(row[key]) for key in floats}} for row in rows]
        return pl.DataFrame(plain, schema={name: kinds[name] for name in names})

    def to_dict(self) -> dict[str, Any]:
        """Return everything in types that JSON knows."""
        plain = dataclasses.asdict(self)
        plain["as_of"] = None if self.as_of is None else self.as_of.isoformat()
        for criterion in plain["criteria"]:
            if isinstance(criterion["value"], Decimal):
                criterion["value"] = float(criterion["value"])
        plain["criteria"] = list(plain["criteria"])
        return plain

    def _title(self) -> str:
        seen = "" if self.as_of is None else f", {day(self.as_of, self.lang)}"
        return f"{text('column.client_id', self.lang)} {self.client_id}{seen}"

    def _lines(self) -> list[str]:
        if not self.scored:
            return [str(self.reason)]
        return [f"{caption}{self._space}: {told}" for caption, told in self.steps]

    def _criterion_step(self, part: CriterionExplanation) -> tuple[str, str]:
        band = text("band.band", self.lang, n=part.band, bands=part.bands)
        if part.value is None:
            value, span = text("band.unknown", self.lang), text("band.worst", self.lang)
        else:
            value = _number(part.value, self.lang)
            span = _span(part.low, part.high, part.closed, self.lang)
        points = f"{text('table.points', self.lang)} {part.points}"
        if part.weight != 1:
            weight, contribution = part.weight, part.contribution
            points += f" × {_number(weight, self.lang)} = {_number(contribution, self.lang)}"
        return self._step(part.measure, value, f"{band}, {span}", points, window=part.window)

    def _step(self, column: str, *parts: str, window: str | None = None) -> tuple[str, str]:
        """Join the parts of a step under a column's caption."""
        caption = text(f"column.{column}", self.lang)
        if window is not None:
            caption += f" ({window})"
        return caption, f"{self._space}; ".join(parts)

    @property
    def _space(self) -> str:
        """What French puts before a colon and a semicolon."""
        return " " if self.lang == "fr" else ""


def explain_client(
    model: FittedModel, clients: Any, *, client_id: int | str, as_of: Day | None, lang: Lang
) -> Explanation:
    """Score one client's row with the model and say how it went."""
    day = day_of(clients, as_of)
    row = _row_of(to_frame(clients), client_id)
    rows = read_clients(row, model.rfm.criteria, day)
    scores = cast(pl.DataFrame, score_clients(model, row, as_of=day, lang=lang, threads=None)).row(
        0, named=True
    )
    status = str(rows.frame[STATUS][0]) if has_status(rows.frame.schema) else None
    shared: dict[str, Any] = {
        "client_id": scores[CLIENT],
        "as_of": day,
        "status": status,
        "lang": lang,
    }
    if scores["points"] is None:
        return Explanation(scored=False, reason=_reason(status, lang), **shared)
    group = int(scores["group"])
    low, high = _group_ends(model, group)
    segment = scores["segment"]
    name = model.rfm.table.names[model.rfm.table.labels(lang).index(segment)]
    return Explanation(
        scored=True,
        criteria=tuple(_criterion(fitted, rows, scores) for fitted in model.fitted),
        rfm=scores.get("rfm"),
        points=scores["points"],
        group=group,
        groups=model.rfm.groups,
        group_low=low,
        group_high=high,
        segment=segment,
        rule=model.rfm.table.describe(name, lang),
        tenure=_tenure(model, rows),
        **shared,
    )


def _row_of(frame: pl.DataFrame, client_id: int | str) -> pl.DataFrame:
    """Return the one row of a client; an id may be given as text where ids are numbers."""
    if CLIENT not in frame.columns:
        raise ColumnError(f"the frame of clients has no column {CLIENT!r}")
    ids = frame[CLIENT]
    wanted = id_as_held(client_id, ids.dtype)
    if wanted is None:
        raise _unknown(client_id, frame)
    if isinstance(wanted, int):
        # A cast would cut the fraction of a float, and find another client.
        numbers = ids if ids.dtype.is_float() else ids.cast(pl.Int128, strict=False)
        found = numbers == wanted
    else:
        found = ids.cast(pl.String) == wanted
    row = frame.filter(found)
    if row.is_empty():
        raise _unknown(client_id, frame)
    return row


def _unknown(client_id: object, frame: pl.DataFrame) -> DataError:
    return DataError(
        f"there is no client {client_id!r} among the {frame.height:,} clients: check the id, and "
        "that the client bought before as_of"
    )


def _criterion(
    fitted: FittedBands, rows: ClientRows, scores: dict[str, Any]
) -> CriterionExplanation:
    criterion = fitted.criterion
    day = day_number(rows.as_of)
    points = int(scores[LETTERS[criterion.name]])
    value = scores[criterion.name]
    band = fitted.worst_band
    if value is not None:
        band = int(apply_bands(fitted, rows.frame[criterion.name], rows.ids, as_of=day)[0])
    # Band j lies between edges j-1 and j; the outer bands are open.
    ends = [None, *fitted.edges_at(day)]
    ends += [None] * (fitted.size + 1 - len(ends))
    return CriterionExplanation(
        criterion=criterion.name,
        measure=criterion.measure,
        window=criterion.window,
        value=value,
        unit=unit_of(criterion),
        low=ends[band - 1],
        high=ends[band],
        closed=fitted.closed,
        band=band,
        bands=fitted.size,
        points=points,
        weight=criterion.weight,
        contribution=points * criterion.weight,
    )


def _group_ends(model: FittedModel, group: int) -> tuple[Number | None, Number | None]:
    """Return the least score of a group, and that of the group above it."""
    floors = [None, *model.group_floors, None]
    return floors[group], floors[group - 1]


def _tenure(model: FittedModel, rows: ClientRows) -> int | None:
    if not model.rfm.table.tenure_limits:
        return None
    days = tenure_expr(rows.frame.schema, rows.as_of)
    return None if days is None else rows.frame.select(tenure=days)["tenure"][0]


def _reason(status: str | None, lang: str) -> str:
    """Say why a client is not scored."""
    if status in (None, "scored"):
        return f"{text('criterion.recency', lang)}: {text('band.unknown', lang)}"
    return text(f"status.{status}", lang)


def _span(
    low: Number | None, high: Number | None, closed: Literal["left", "right"], lang: str
) -> str:
    """Write the range of a band."""
    ends = {
        key: _number(value, lang)
        for key, value in (("low", low), ("high", high))
        if value is not None
    }
    words = {
        ("left", "high"): "below",
        ("left", "low"): "from",
        ("left", "low high"): "between",
        ("right", "high"): "up_to",
        ("right", "low"): "above",
        ("right", "low high"): "above_to",
    }
    return text(f"band.{words.get((closed, ' '.join(ends)), 'all')}", lang, **ends)


def _number(value: Value | None, lang: str) -> str:
    """Write a number as the readers of a language do."""
    if value is None:
        return ""
    return in_language(f"{value:,f}" if isinstance(value, Decimal) else format_number(value), lang)


def _as_float(value: Any) -> float | None:
    return None if value is None else float(value)
