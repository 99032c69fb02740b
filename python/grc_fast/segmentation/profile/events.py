"""The events of clients that a profile counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import polars as pl

from grc_fast.behaviour.events import EventRoles, open_events
from grc_fast.facts.table import CLIENT
from grc_fast.io.text_options import TextOptions
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases
from grc_fast.segmentation.profile.rows import RowCount, with_client_and_instant
from grc_fast.segmentation.profile.settings import Kinds

# So many kinds are shown where none of them counts.
_SHOWN = 5


@dataclass(frozen=True)
class ClientEvents:
    """The events of the kinds that the settings name.

    Attributes
    ----------
    frame
        `client_id`, `instant` (µs), `kind` (String).
    rows
        The account of the rows.
    plain_integer_ids
        Whether text ids become integers where every one is one.
    warnings
        What looks wrong.
    """

    frame: pl.DataFrame
    rows: RowCount
    plain_integer_ids: bool
    warnings: tuple[Wording, ...] = ()


def read_events(
    source: object, roles: EventRoles, kinds: Kinds, text: TextOptions, timezone: str
) -> ClientEvents:
    """Read the events of the kinds that count; of a client's events with one id the first counts.

    Raises
    ------
    SourceError, ColumnError, DataError
        If they cannot be read.
    """
    read, opened = open_events(source, roles, text)
    wanted = [kind for sides in kinds.sides.values() for side in sides for kind in side]
    rows, others, parts = RowCount("events"), Counter[str](), []
    for batch in opened.batches():
        known = with_client_and_instant(batch, "timestamp", opened, timezone).with_columns(
            pl.col("kind").cast(pl.String)
        )
        where = {"where": ~pl.col("keep").fill_null(value=False)} if "keep" in known.columns else {}
        used = rows.drop(
            known,
            where
            | {
                "client": pl.col(CLIENT).is_null(),
                "timestamp": pl.col("instant").is_null(),
                "kind": pl.col("kind").is_null(),
            },
        )
        is_wanted = pl.col("kind").is_in(wanted)
        others.update(dict(used.filter(~is_wanted)["kind"].value_counts().iter_rows()))
        used = used.filter(is_wanted)
        if "event_id" not in used.columns:
            used = used.with_columns(event_id=pl.lit(None, pl.String))
        parts.append(used.select(CLIENT, "instant", "kind", "event_id"))
    read.check_rows(rows.read)
    if others:
        rows.dropped["other_kind"] = others.total()
    events = pl.concat(parts, how="vertical_relaxed").sort(CLIENT, "instant", "kind")
    twice = pl.col("event_id").is_not_null() & ~pl.struct(CLIENT, "event_id").is_first_distinct()
    once = events.filter(~twice)
    if once.height < events.height:
        rows.dropped["twice"] = events.height - once.height
    warnings: list[Wording] = []
    if rows.read and once.is_empty():
        counts = [
            Phrase("events.counted", name=kind, events=count)
            for kind, count in others.most_common(_SHOWN)
        ]
        shown = Phrases(counts) if counts else Phrase("profiles.none_to_use")
        warnings.append(Phrase("profiles.other_kinds", kinds=shown))
    return ClientEvents(once.drop("event_id"), rows, opened.plain_integer_ids, tuple(warnings))
