"""What is counted of each client, over sales and events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from grc_fast import _core
from grc_fast.facts.options import SalesReading
from grc_fast.facts.table import CLIENT
from grc_fast.io.ids import plain_integers, same_ids
from grc_fast.io.source import Opened, Source
from grc_fast.segmentation.profile.events import ClientEvents
from grc_fast.segmentation.profile.roles import LABELS, PROMO
from grc_fast.segmentation.profile.rows import RowCount, with_client_and_instant


@dataclass(frozen=True)
class Counts:
    """What is counted of every client with a purchase or an event that counts.

    Attributes
    ----------
    frame
        One row a client, ascending by `client_id`. By axis `open_events` and `open_hits`, and those
        among them of the odd half, `open_events_odd` and `open_hits_odd` …: of `open` the purchases
        after the third, the hits of which have a category never bought before; of the others the
        events on either side, shared out by days. Then the entropies of categories and of channels
        over all purchases and over those of odd and even places: `categories_whole`,
        `channels_odd` …, null where there is no such purchase.
    roles
        Which of category, channel and promo the sales have.
    rows
        The account of the lines.
    """

    frame: pl.DataFrame
    roles: frozenset[str]
    rows: RowCount


def count_clients(
    source: Source,
    opened: Opened,
    reading: SalesReading,
    events: ClientEvents | None,
    sides: Mapping[str, tuple[list[str], list[str]]],
) -> Counts:
    """Read sales, and count them and events.

    Parameters
    ----------
    source, opened
        The sales, opened for `ProfileRoles`.
    reading
        How they are read; its roles do not matter.
    events
        The events, if any.
    sides
        By axis, the kinds of events that raise it and those that lower it.

    Raises
    ------
    SourceError, ColumnError, DataError, OptionError
        If they cannot be read.
    """
    from_files = opened.plain_integer_ids or (events is not None and events.plain_integer_ids)
    builder = _core.ProfileBuilder(plain_integer_ids=from_files, threads=reading.threads)
    as_text = from_files and events is not None and _is_text(events.frame[CLIENT])
    rows, roles, first = RowCount("sales"), set[str](), None
    for batch in opened.batches():
        roles.update({*LABELS, PROMO} & set(batch.columns))
        used = _used(with_client_and_instant(batch, "date", opened, reading.timezone), rows)
        if as_text:
            used = used.with_columns(pl.col(CLIENT).cast(pl.String))
        if used.height:
            first = used.head(1) if first is None else first
            _push(builder, used)
        if reading.progress is not None:
            reading.progress(rows.read)
    source.check_rows(rows.read)
    if events is not None:
        frame = (
            events.frame if first is None else _meeting(events.frame, first, from_files=from_files)
        )
        active, relational = (_side(*kinds) for kinds in sides.values())
        sided = frame.select(CLIENT, "instant", active=active, relational=relational)
        builder.push_events(
            sided[CLIENT], sided["instant"], active=sided["active"], relational=sided["relational"]
        )
    return Counts(pl.DataFrame(builder.finish()), frozenset(roles), rows)


def _used(batch: pl.DataFrame, rows: RowCount) -> pl.DataFrame:
    """Leave out what is no purchase: rows without a client, a day or an amount, and returns."""
    amount = pl.col("amount")
    no_amount = amount.is_null()
    if batch["amount"].dtype.is_float():
        no_amount |= ~amount.is_finite()
    where = {"where": ~pl.col("keep").fill_null(value=False)} if "keep" in batch.columns else {}
    return rows.drop(
        batch,
        where
        | {
            "client": pl.col(CLIENT).is_null(),
            "date": pl.col("instant").is_null(),
            "amount": no_amount,
            "returns": amount < 0,
        },
    )


def _push(builder: _core.ProfileBuilder, lines: pl.DataFrame) -> None:
    columns = lines.columns
    labels = {label: lines[label].cast(pl.String) for label in LABELS if label in columns}
    builder.push_purchases(
        lines[CLIENT],
        lines["instant"],
        order=[lines[name] for name in columns if name.startswith("order_")],
        promo=lines[PROMO] if PROMO in columns else None,
        **labels,
    )


def _is_text(ids: pl.Series) -> bool:
    """Tell whether ids are text that must stay it."""
    return ids.dtype == pl.String and plain_integers(ids) is None


def _meeting(events: pl.DataFrame, first: pl.DataFrame, *, from_files: bool) -> pl.DataFrame:
    """Make text or numbers of the clients of events, whichever those of `first`, of the sales, are.

    Files do not say whether an id is text or a number.

    Raises
    ------
    ColumnError
        If ids are text in one and numbers in the other, neither of which is a file.
    """
    are_texts = [frame[CLIENT].dtype == pl.String for frame in (first, events)]
    if from_files and are_texts[0] != are_texts[1]:
        wanted = pl.String() if are_texts[0] else pl.Int64()
        return events.with_columns(pl.col(CLIENT).cast(wanted))
    same_ids(CLIENT, {"the sales": first, "the events": events})
    return events


def _side(raising: list[str], lowering: list[str]) -> pl.Expr:
    """Tell on which side of an axis an event is; null where it does not count."""
    kind = pl.col("kind")
    return pl.when(kind.is_in(raising)).then(True).when(kind.is_in(lowering)).then(False)  # noqa: FBT003
