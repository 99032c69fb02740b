"""The client base: a row for each of its clients, with a status."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from grc_fast.facts.table import CLIENT, STATUS, STATUSES
from grc_fast.io.ids import as_integers, mixed_kinds
from grc_fast.io.open import open_source
from grc_fast.io.roles import Roles
from grc_fast.io.source import Opened
from grc_fast.io.text_options import TextOptions


def base_batches(
    clients: object, text: TextOptions, roles: Roles, sales: Opened
) -> Iterator[pl.Series]:
    """Give the ids of the client base, batch by batch, as text or numbers as the sales' are."""
    base = open_source(clients, text).open_ids(tuple(dict.fromkeys((roles.client, CLIENT))))
    if base.text_ids == sales.text_ids:
        return (batch["client"] for batch in base.batches())
    if base.text_ids and base.plain_integer_ids:
        return (as_integers(batch["client"]) for batch in base.batches())
    if sales.text_ids and sales.plain_integer_ids:
        return (batch["client"].cast(pl.String) for batch in base.batches())
    kind = pl.String() if base.text_ids else pl.Int64()
    raise mixed_kinds(kind, "clients", "the sales")


def with_status(
    table: pl.DataFrame, *, based: bool, scored_by: str | None, returns_only: int
) -> tuple[pl.DataFrame, int]:
    """Name the statuses, and count the clients who bought before the window only.

    `returns_only` says how many rows of the table are clients with returns only, whose windows
    are empty too.
    """
    if scored_by is None and not based:
        return table, 0
    outside = pl.Series(STATUS, [False]).new_from_index(0, table.height)
    if scored_by is not None:
        outside = table[scored_by].is_null()
    if not based:
        return table, max(int(outside.sum()) - returns_only, 0)
    codes = table[STATUS]
    outside &= codes == 0
    codes = codes.zip_with(~outside, pl.Series([3], dtype=codes.dtype))
    names = pl.Series(STATUS, STATUSES.categories, dtype=STATUSES)
    return table.with_columns(names.gather(codes)), int(outside.sum())
