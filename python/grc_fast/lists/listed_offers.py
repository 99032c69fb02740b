"""The offers of a plan that are listed, joined with the client file, and why the others are not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from grc_fast._utils.messages import quoted
from grc_fast.errors import ColumnError, DataError
from grc_fast.io.ids import same_ids, with_common_ids
from grc_fast.io.small_tables import flag
from grc_fast.labels.filling import Wording
from grc_fast.lists.client_file import CLIENTS
from grc_fast.plan.addresses import ADDRESSES
from grc_fast.plan.offers import OFFERS
from grc_fast.plan.permission import Tables, explained_offers, permitted_offers
from grc_fast.plan.reasons import REASONS

#: What a client must have to be reached through a channel.
REACHED_BY: Final[Mapping[str, str]] = {**ADDRESSES, "post": "address"}
#: Why an offer is not listed: the reasons of the plan, and those of the lists.
REFUSALS: Final = (
    *(reason for reason in REASONS if reason != "chosen"),
    "not_in_client_file",
    "no_address",
    "no_score",
)


@dataclass(frozen=True)
class ListedOffers:
    """Offers that are listed, and how many are not.

    Attributes
    ----------
    rows
        The offers that are listed: `client_id`, `channel`, the columns of the client file by role,
        `offer`, `basis`, `consent_collected_at`, `pressure`, `gain`, and further columns of the
        plan; the largest gain first, ties by client.
    channels
        The channels of all offers, ascending.
    refused
        The number of offers that are not listed, by reason.
    notes
        What to know of it.
    """

    rows: pl.DataFrame
    channels: tuple[str, ...]
    refused: Mapping[str, int]
    notes: tuple[Wording, ...] = ()

    def best(self, most: int) -> ListedOffers:
        """Keep the first rows; the others are refused, as the channel has no capacity for them."""
        others = self.rows.slice(most).select("client_id", "channel")
        return self.without(others, "capacity")

    def of_channel(self, channel: str) -> pl.DataFrame:
        """Return the rows of a channel."""
        return self.rows.filter(pl.col("channel") == channel)

    def without(self, rows: pl.DataFrame, reason: str) -> ListedOffers:
        """Refuse rows, named by `client_id` and `channel`, for a reason."""
        kept = self.rows.join(rows, on=["client_id", "channel"], how="anti", maintain_order="left")
        count = self.rows.height - kept.height
        refused = {**self.refused, reason: self.refused.get(reason, 0) + count}
        return replace(self, rows=kept, refused=refused)

    @property
    def manifest(self) -> dict[str, Any]:
        """Every offer: in the rows of a channel, or refused for a reason."""
        found = dict(self.rows["channel"].value_counts().iter_rows())
        rows = {channel: found.get(channel, 0) for channel in self.channels}
        refused = {name: self.refused.get(name, 0) for name in (*REFUSALS, *self.refused)}
        return {
            "offers": self.rows.height + sum(refused.values()),
            "rows": rows,
            "refused": refused,
        }


def listed_offers(
    offers: pl.DataFrame,
    clients: pl.DataFrame,
    tables: Tables,
    policy: str | Path | None = None,
    as_of: dt.date | str | None = None,
) -> ListedOffers:
    """Join the chosen offers of a plan with the client file, and refuse those that may not leave.

    Parameters
    ----------
    offers
        The rows of a plan, or all of its offers with `chosen` and `reason`, checked.
    clients
        The client file as `read_clients` gives it.
    tables
        What is known of clients on the day on which the lists leave.
    policy, as_of
        As `plan_contacts` takes them.

    Raises
    ------
    GrcError
        If a table holds what it may not, or an offer is chosen twice.
    """
    chosen, refused = _chosen(offers)
    _check_once(chosen)
    if policy is None:
        policy = "none" if tables.consent is None else "fr"
    found, notes = permitted_offers(_with_clients(chosen, clients), tables, policy, as_of)
    told = pl.col("refusal").cast(pl.String) if "refusal" in found.columns else pl.lit(None)
    found = found.with_columns(pl.coalesce(told, *_unreachable(found)).alias("refusal"))
    for reason, count in found["refusal"].drop_nulls().value_counts().iter_rows():
        refused[reason] = refused.get(reason, 0) + count
    rows = found.filter(pl.col("refusal").is_null()).drop("refusal", "known")
    rows = explained_offers(rows, tables, policy, as_of)
    if "offer" not in rows.columns:
        rows = rows.with_columns(pl.lit(None, pl.String).alias("offer"))
    order = {"gain": True, "client_id": False, "channel": False}
    return ListedOffers(
        rows.sort(list(order), descending=list(order.values()), nulls_last=True),
        tuple(offers["channel"].unique().sort().to_list()),
        refused,
        notes,
    )


def _chosen(offers: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the offers that a plan chose, and count the others by reason."""
    if "chosen" not in offers.columns:
        return offers, {}
    if "reason" not in offers.columns:
        raise ColumnError(
            f"{OFFERS} has a column 'chosen' and no 'reason': take the file of --offers-out, or "
            "that of the plan"
        )
    offers = offers.with_columns(flag(offers, "chosen", OFFERS).fill_null(value=False))
    others = offers.filter(~pl.col("chosen"))["reason"].cast(pl.String)
    if nulls := others.null_count():
        raise DataError(
            f"{OFFERS} has {nulls:,} offers that are not chosen without a reason: take the file as "
            "--offers-out has written it"
        )
    return (
        offers.filter("chosen").drop("chosen", "reason"),
        dict(others.value_counts().iter_rows()),
    )


def _check_once(chosen: pl.DataFrame) -> None:
    """Refuse a plan that contacts a client, or a zone, twice in a channel."""
    key = [name for name in ("channel", "client_id", "zone") if name in chosen.columns]
    if chosen.select(key).n_unique() < chosen.height:
        twice = chosen.filter(pl.struct(key).is_duplicated()).row(0, named=True)
        raise DataError(
            f"the plan has client {quoted(str(twice['client_id']))} twice in the channel "
            f"{twice['channel']!r}: a plan contacts a client once in a channel"
        )


def _with_clients(chosen: pl.DataFrame, clients: pl.DataFrame) -> pl.DataFrame:
    """Join offers with the client file, whose columns win over those of the plan."""
    chosen, clients = with_common_ids(chosen, clients)
    met = same_ids("client_id", {OFFERS: chosen, CLIENTS: clients})
    own = [name for name in clients.columns if name != "client_id"]
    return (
        met[OFFERS]
        .drop(own, strict=False)
        .join(
            met[CLIENTS].with_columns(pl.lit(value=True).alias("known")),
            on="client_id",
            how="left",
            maintain_order="left",
        )
    )


def _unreachable(found: pl.DataFrame) -> list[pl.Expr]:
    """Say of which offers the client cannot be reached; a zone is no client."""
    unknown = pl.col("known").is_null() & pl.col("client_id").is_not_null()
    reasons: list[pl.Expr] = [pl.when(unknown).then(pl.lit("not_in_client_file"))]
    for channel, column in REACHED_BY.items():
        if column in found.columns:
            missing = (pl.col("channel") == channel) & pl.col(column).is_null()
            reasons.append(pl.when(missing).then(pl.lit("no_address")))
    return reasons
