"""What users hit without noticing: orders that are none, money counted twice, ids that differ."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl

from grc_fast._utils.messages import quoted
from grc_fast.facts.table import CLIENT
from grc_fast.io.ids import not_empty
from grc_fast.io.source import Opened
from grc_fast.io.text_options import said
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase

#: So many of the first rows are looked at.
FIRST_ROWS: Final = 1_000
# So many ids show how ids are written.
_LOOKED_AT: Final = 10_000
# Below so many clients any of them has a large share of all lines.
_MANY_CLIENTS: Final = 1_000
_LARGE_SHARE: Final = 0.01
# A base of whose clients fewer than one in so many bought, while others did, is of another kind.
_HARDLY_ANY: Final = 100
_STANDS_FOR_NOBODY: Final = ("0", "NA", "N/A", "n/a", "-", "?", "unknown", "guest")


def warnings_of_rows(opened: Opened) -> Iterator[Wording]:
    """Warn of what the first rows show."""
    part, projection = opened.parts[0]
    rows = part.first_rows(FIRST_ROWS) if opened.replayable else None
    if rows is None:
        return
    lines = rows.select(projection.expressions)
    orders = [name for name in lines.columns if name.startswith("order_")]
    texts = [name for name in ("client", *orders) if lines[name].dtype == pl.String]
    lines = lines.with_columns(not_empty(pl.col(name)) for name in texts) if texts else lines
    if "keep" in lines.columns:
        keep = lines["keep"].fill_null(value=False)
        rows, lines = rows.filter(keep), lines.filter(keep)
    if orders and _may_be_twice(lines, orders):
        yield from _one_amount_an_order(lines, orders)
    # Rows that are alike are of one client at one instant, and it is sooner told that none are.
    if _may_be_twice(lines, ["client", "date"]):
        if not orders:
            yield from _lines_at_one_instant(lines)
        yield from _lines_twice(rows)


def _may_be_twice(lines: pl.DataFrame, columns: Sequence[str]) -> bool:
    # Rows that are alike have one hash, which is sooner told than which they are.
    return lines[columns].hash_rows().n_unique() < lines.height


def _lines_at_one_instant(lines: pl.DataFrame) -> Iterator[Wording]:
    used = pl.all_horizontal(pl.col("client", "date").is_not_null(), pl.col("amount") > 0)
    several = lines.filter(used).select("client", "date").is_duplicated()
    if several.any():
        yield Phrase(
            "plausibility.one_instant",
            rows=int(several.sum()),
            first=lines.height,
            option=said("order"),
        )


def _one_amount_an_order(lines: pl.DataFrame, orders: Sequence[str]) -> Iterator[Wording]:
    of_orders = (
        lines.drop_nulls([*orders, "amount"])
        .group_by(orders)
        .agg(lines=pl.len(), amounts=pl.col("amount").n_unique(), amount=pl.col("amount").first())
        .filter(pl.col("lines") > 1)
    )
    if of_orders.is_empty() or (of_orders["amounts"] > 1).any():
        return
    if of_orders.height > 1 and of_orders["amount"].n_unique() == 1:
        return  # one price for all
    yield Phrase("plausibility.one_amount", orders=of_orders.height, first=lines.height)


def _lines_twice(rows: pl.DataFrame) -> Iterator[Wording]:
    twice = rows.is_duplicated()
    if twice.any():
        yield Phrase("plausibility.rows_twice", rows=int(twice.sum()), first=rows.height)


def notes_of_ids(clients: pl.DataFrame) -> Iterator[Wording]:
    """Note ids that are likely to stand for nobody, or for one client in several ways.

    Parameters
    ----------
    clients
        The facts, one row a client.
    """
    ids = clients[CLIENT]
    of_nobody = _STANDS_FOR_NOBODY if ids.dtype == pl.String else (0,)
    for name in of_nobody:
        if _holds(ids, name):
            yield Phrase("plausibility.nobody", id=quoted(str(name)))
    if ids.dtype != pl.String or not _is_mail(_some(ids)).any():
        return
    mails = ids.filter(_is_mail(ids))
    alike = mails.str.strip_chars().str.to_lowercase()
    if (twice := alike.filter(alike.is_duplicated())).len():
        yield Phrase(
            "plausibility.addresses_alike",
            clients=len(twice),
            address=quoted(str(twice[0])),
            option=said("client"),
        )


def _holds(ids: pl.Series, wanted: str | int) -> bool:
    """Tell whether ids, which ascend, hold one."""
    place = bisect_left(ids, wanted)
    return place < len(ids) and bool(ids[place] == wanted)


def _some(ids: pl.Series) -> pl.Series:
    """Take ids at even distances, so few that a look at them costs nothing beside the facts."""
    return ids.gather_every(len(ids) // _LOOKED_AT + 1)


def _is_pointed(ids: pl.Series) -> pl.Series:
    return ids.str.ends_with(".0")


def _is_mail(ids: pl.Series) -> pl.Series:
    return ids.str.contains("@", literal=True)


def warning_of_ids(clients: pl.DataFrame) -> Iterator[Wording]:
    """Warn of ids that are written as whole numbers and with a point: `501` beside `501.0`."""
    ids = clients[CLIENT]
    if ids.dtype != pl.String:
        return
    if not _is_pointed(_some(ids)).any():
        return
    pointed = ids.filter(_is_pointed(ids))
    stems = pointed.str.head(-2)
    twice = stems.filter(stems.is_in(ids.implode()))
    if len(twice):
        yield Phrase(
            "plausibility.ids_with_point",
            clients=len(twice),
            id=str(twice[0]),
            option=said("client"),
        )


def notes_of_shares(clients: pl.DataFrame, counts: Sequence[str]) -> Iterator[Wording]:
    """Note a client who has a large share of all orders or lines."""
    if clients.height < _MANY_CLIENTS:
        return
    for name in counts:
        values = clients[name].cast(pl.Int64)
        row = values.arg_max() or 0
        share = (values[row] or 0) / max(values.sum(), 1)
        if share > _LARGE_SHARE:
            client = clients[CLIENT][row]
            yield Phrase(
                "plausibility.large_share",
                client=str(client),
                share=100 * share,
                what=Phrase(f"column.{name}"),
            )
            return


def warning_of_base(status: pl.Series, ids: pl.Series, outside: int) -> Iterator[Wording]:
    """Warn of a client base of whom hardly any client matches one of the sales."""
    never = status == "never_bought"
    matched = len(status) - int(never.sum()) - outside
    if not never.any() or not outside or matched * _HARDLY_ANY > int(never.sum()) + matched:
        return
    bought = ids.filter(~never)
    matching = "plausibility.none_matches" if matched == 0 else "plausibility.few_match"
    yield Phrase(
        "plausibility.other_base",
        matching=Phrase(matching, clients=matched),
        outside=outside,
        base_id=str(ids.filter(never)[0]),
        sales_id=str(bought[0]),
    )
