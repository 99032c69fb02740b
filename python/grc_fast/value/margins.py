"""Which share of a client's money is gain: one rate for all, or each client's own."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Final

import polars as pl

from grc_fast._utils.checks import rate
from grc_fast._utils.messages import cut, nearest, quoted_sql
from grc_fast.errors import ColumnError, DataError, OptionError
from grc_fast.facts.collect import collect_facts, over_all_time
from grc_fast.facts.options import SalesReading
from grc_fast.facts.quality import Quality
from grc_fast.io.open import open_source
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase
from grc_fast.value.histories import Histories

_SHARE: Final = "share"


@dataclass(frozen=True, eq=False)
class Margins:
    """Shares of the clients who bought, and what is worth saying about them.

    Attributes
    ----------
    shares
        Float64, 0 to 1, one a client who bought.
    said
        What the gain is at.
    notes
        How many clients and rows were treated otherwise.
    """

    shares: pl.Series
    said: Wording = field(default_factory=lambda: Phrase("value.margin_by_client"))
    notes: tuple[Wording, ...] = ()


def check_margin(margin: object) -> float | str:
    """Return a margin as a rate, or the column or SQL that it is.

    Raises
    ------
    OptionError
        If it is none, or a number written as text: as SQL, each line would earn that much money.
    """
    if not isinstance(margin, str):
        return rate("margin", margin, least=0, most=1)
    number = margin.strip().replace(",", ".", 1)
    try:
        float(number)
    except ValueError:
        return margin
    raise OptionError(
        f"margin is the text {margin!r}: write the number {number} for a rate, or the name of a "
        "column"
    )


def margins_of_column(known: Histories, name: str) -> Margins:
    """Take each client's share from a column of the facts.

    Raises
    ------
    ColumnError
        If there is no such column, or a client who bought has no rate from 0 to 1 in it.
    """
    if name not in known.frame.columns:
        raise ColumnError(
            f"margin: the facts have no column {name!r}{nearest(name, known.frame.columns)}"
        )
    column = known.frame.filter(known.bought)[name]
    if not column.dtype.is_numeric():
        raise ColumnError(f"margin: the column {name!r} is {column.dtype}, and rates are numbers")
    shares = column.cast(pl.Float64)
    if shares.null_count():
        raise ColumnError(f"margin: the column {name!r} has nulls: give every client a rate")
    wrong = shares.filter(~shares.is_between(0, 1) | shares.is_nan())
    if len(wrong):
        raise ColumnError(
            f"margin: the column {name!r} has {wrong[0]:g}, and a share is a number from 0 to 1 "
            "(0.3 for 30 %)"
        )
    return Margins(shares)


def margins_of_lines(
    known: Histories,
    source: Any,
    reading: SalesReading,
    margin: str,
    account: Quality,
) -> Margins:
    """Compute each client's share from the margins of their lines, in a second pass.

    Parameters
    ----------
    account
        That of the first pass, which made `known` of the amounts.

    Raises
    ------
    DataError
        If the margins of all come to less than nothing, or to more than the money, or if they look
        like rates.
    """
    # What is wrong with the margin itself is said of it alone.
    alone = replace(reading.roles, amount=margin, order=None, amount_role="margin")
    open_source(source, reading.text).open(alone)
    # A margin below 0 is no return: it is as much part of the sum as any.
    again = replace(
        reading,
        amount=_margin_of_used_lines(source, reading, margin),
        order=None,
        clients=None,
        returns="keep",
    )
    table, quality = collect_facts(
        source, again, over_all_time(("total", "lines")), as_of=account.as_of
    )
    # As text: lines without a margin may hold the only ids that are no numbers.
    client, gain = pl.col("client_id").cast(pl.String), pl.col("total").cast(pl.Float64)
    both = (
        known.frame.filter(known.bought)
        .select(client, money=gain, days="active_days")
        .join(
            table.select(client, "lines", margin=gain),
            on="client_id",
            how="left",
            maintain_order="left",
        )
        .with_columns(pl.col("margin", "lines").fill_null(0))
    )
    missing = account.rows_used + account.dropped.get("returns", 0) - quality.rows_used
    said = [Phrase("value.lines_without_margin", lines=missing)] if missing else []
    return _shares(both, margin, [*said, *_seem_rates(both, margin)])


def _margin_of_used_lines(source: Any, reading: SalesReading, margin: str) -> str:
    """Write the margin of the lines whose amount is used as SQL: null for others, 0 for dropped."""
    parts = open_source(source, reading.text).open(reading.roles).parts
    columns = {name for part, _ in parts for name in part.schema}
    amount, gain = (
        '"' + text.replace('"', '""') + '"' if text in columns else f"({text})"
        for text in (reading.amount, margin)
    )
    if reading.returns == "drop":
        gain = f"CASE WHEN {amount} < 0 THEN 0 ELSE {gain} END"
    # Nothing but a finite number leaves 0 when it is taken from itself.
    return f"CASE WHEN {amount} - {amount} = 0 THEN {gain} END"


def _seem_rates(both: pl.DataFrame, margin: str) -> list[Wording]:
    """Refuse a rate of each line: 30 cents of whatever was paid, where 30 % of it are meant.

    Rates are within 0 and 1, though lines cost more, and differ by client less than their share of
    the money does; margins in money go with the money. Where it may be either, that is noted.
    """
    paying = both.filter((pl.col("money") > 0) & (pl.col("lines") > 0))
    lines, money, gain = (
        math.fsum(paying[name].cast(pl.Float64)) for name in ("lines", "money", "margin")
    )
    per_line, per_money = (
        paying.select(pl.col("margin") / pl.col(name)).to_series() for name in ("lines", "money")
    )
    if not (per_line.is_between(0, 1).all() and 0 < lines < money):
        return []
    of_lines, of_money = _spread(per_line), _spread(per_money)
    # A spread of next to nothing tells nothing: all amounts are alike.
    if max(1.1 * of_lines, 0.01) < of_money:
        raise DataError(
            f"margin: {quoted_sql(margin)} looks like a rate, {gain / lines:.4g} a line in the "
            "mean whatever its amount, where money is read: multiply it by the amount, such as "
            f"'amount * {cut(margin, 60)}'"
        )
    return [Phrase("value.margins_as_money", mean=gain / lines)]


def _spread(shares: pl.Series) -> float:
    """Return how far the middle half of clients is apart, as a part of the median."""
    low, median, high = (float(shares.quantile(part) or 0.0) for part in (0.25, 0.5, 0.75))
    return (high - low) / median if median > 0 else 0.0


def _shares(both: pl.DataFrame, margin: str, said: list[Wording]) -> Margins:
    paying = both.filter(pl.col("money") > 0)
    money, gain = (float(paying[name].sum()) for name in ("money", "margin"))
    overall = gain / money if money else 0.0
    if not 0 <= overall <= 1:
        raise DataError(
            f"margin: {quoted_sql(margin)} comes to {gain:,.2f} on sales of {money:,.2f}, a share "
            f"of {overall:.4g} where 0 to 1 is one: give the margin of each line in the money of "
            "its amount"
        )
    day = money / float(paying["days"].sum()) if paying.height else 1.0
    own = (pl.col("margin") + day * overall) / (pl.col("money") + day)
    shares = both.select(
        pl.when(pl.col("money") > 0).then(own).otherwise(overall).alias(_SHARE)
    ).to_series()
    beyond = int((~shares.is_between(0, 1)).sum())
    if beyond:
        said.append(Phrase("value.margins_beyond", clients=beyond))
    moneyless = both.height - paying.height
    if moneyless:
        said.append(Phrase("value.moneyless", share=overall, clients=moneyless))
    title = Phrase("value.margin_over_all", share=overall)
    return Margins(shares.clip(0, 1), title, tuple(said))
