"""A second, slow implementation of facts, bands and RFM scores, to check the package against.

It is written from the published definitions, line by line and client by client, in plain
Python with a little NumPy and pandas. It imports nothing from the package: where the two
disagree, one of them is wrong.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from dateutil.relativedelta import relativedelta

Client = int | str
Row = dict[str, Any]

DROP_REASONS = ("where", "client", "date", "amount", "future", "returns")

MONEY_FACTS = frozenset(
    {
        "total",
        "mean_basket",
        "last_basket",
        "max_basket",
        "first_day_total",
        "returns_total",
    }
)


# --- Durations ---------------------------------------------------------------------------------


def shift_back(day: date, duration: str) -> date:
    """The day that lies `duration` before `day`; months, quarters and years clamp."""
    count = int("".join(c for c in duration if c.isdigit()))
    unit = "".join(c for c in duration if not c.isdigit())
    steps = {
        "d": relativedelta(days=count),
        "w": relativedelta(weeks=count),
        "mo": relativedelta(months=count),
        "q": relativedelta(months=3 * count),
        "y": relativedelta(years=count),
    }
    return day - steps[unit]


def in_window(day: date, as_of: date, window: str | None) -> bool:
    """Whether `as_of - window < day <= as_of`; no window is all of the past."""
    if day > as_of:
        return False
    return window is None or day > shift_back(as_of, window)


# --- Lines -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One row of sales as it stands in the table; None is a missing value."""

    client: Client | None
    instant: Any
    day: date | None
    amount: Any
    order: Hashable = None
    keep: bool = True


def units(amount: Any, scale: int = 4) -> int | None:
    """Money as a whole number of 10^-scale, or None where the amount is no number."""
    if amount is None:
        return None
    if isinstance(amount, Decimal):
        scaled = amount.scaleb(scale)
        assert scaled == scaled.to_integral_value(), "a Decimal keeps its own scale"
        return int(scaled)
    if isinstance(amount, (int, np.integer)):
        return int(amount) * 10**scale
    if not math.isfinite(amount):
        return None
    return int(np.rint(np.float64(amount) * np.float64(10**scale)))


def money(whole: int | None, scale: int = 4) -> float | None:
    """A whole number of 10^-scale as the nearest float (Python divides integers exactly)."""
    return None if whole is None else whole / 10**scale


@dataclass
class Account:
    """What became of every row, in rows and in money (whole numbers of 10^-scale)."""

    rows_read: int = 0
    rows_used: int = 0
    money_read: int = 0
    money_used: int = 0
    dropped: dict[str, list[int]] = field(default_factory=lambda: {r: [0, 0] for r in DROP_REASONS})
    returns: list[int] = field(default_factory=lambda: [0, 0])
    orders_on_two_dates: int = 0
    rows_without_order: int = 0
    clients: int = 0
    clients_returns_only: int = 0
    first_day: date | None = None
    last_day: date | None = None


def drop_reason(line: Line, as_of: date, returns: str, scale: int) -> str | None:
    """The first reason for which a line is left out, or None if it is used."""
    whole = units(line.amount, scale)
    reasons = {
        "where": not line.keep,
        "client": line.client is None,
        "date": line.day is None,
        "amount": whole is None,
        "future": line.day is not None and line.day > as_of,
        "returns": returns == "drop" and whole is not None and line.amount < 0,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


@dataclass(frozen=True)
class Used:
    """A line that is used, with its money as a whole number."""

    client: Client
    instant: Any
    day: date
    money: int
    order: Hashable
    is_return: bool


def sift(
    lines: Iterable[Line],
    *,
    as_of: date,
    returns: str = "net",
    has_order: bool = False,
    scale: int = 4,
) -> tuple[list[Used], Account]:
    """The lines that are used, and the account of all of them."""
    account = Account()
    used: list[Used] = []
    for line in lines:
        whole = units(line.amount, scale)
        account.rows_read += 1
        account.money_read += whole or 0
        reason = drop_reason(line, as_of, returns, scale)
        if reason is not None:
            account.dropped[reason][0] += 1
            account.dropped[reason][1] += whole or 0
            continue
        assert line.client is not None
        assert line.day is not None
        assert whole is not None
        # By the amount as it stands: -0.00001 is a return, though it rounds to 0.
        is_return = returns == "net" and line.amount < 0
        account.rows_used += 1
        account.money_used += whole
        account.returns[0] += is_return
        account.returns[1] += whole if is_return else 0
        account.rows_without_order += has_order and line.order is None and not is_return
        used.append(Used(line.client, line.instant, line.day, whole, line.order, is_return))
    purchases = [line for line in used if not line.is_return]
    buyers = {line.client for line in purchases}
    account.clients = len({line.client for line in used})
    account.clients_returns_only = account.clients - len(buyers)
    account.first_day = min((line.day for line in used), default=None)
    account.last_day = max((line.day for line in used), default=None)
    days_of_order = defaultdict(set)
    for line in purchases:
        if line.order is not None:
            days_of_order[line.client, line.order].add(line.day)
    account.orders_on_two_dates = sum(len(days) > 1 for days in days_of_order.values())
    return used, account


# --- Facts -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Basket:
    """An order: the instant of its latest purchase line and its money, returns included."""

    last_instant: Any
    money: int


def baskets(lines: Sequence[Used]) -> list[Basket]:
    """The client's orders; a line without an order id is an order of its own."""
    by_order: dict[Hashable, list[Used]] = defaultdict(list)
    for number, line in enumerate(lines):
        key = ("row", number) if line.order is None else ("order", line.order)
        by_order[key].append(line)
    found = []
    for members in by_order.values():
        instants = [line.instant for line in members if not line.is_return]
        if instants:
            found.append(Basket(max(instants), sum(line.money for line in members)))
    return found


def client_facts(lines: Sequence[Used], *, as_of: date, has_order: bool) -> dict[str, Any]:
    """Every fact of one client over the given lines (already limited to the window).

    Money is a whole number; `mean_basket` and `mean_gap` are fractions.
    """
    purchases = [line for line in lines if not line.is_return]
    days = sorted({line.day for line in purchases})
    total = sum(line.money for line in lines)
    facts: dict[str, Any] = {
        "first_purchase": None,
        "last_purchase": None,
        "recency": None,
        "orders": 0,
        "lines": len(purchases),
        "active_days": len(days),
        "mean_gap": None,
        "total": total,
        "mean_basket": None,
        "last_basket": None,
        "max_basket": None,
        "first_day_total": 0,
        "returns_total": sum(line.money for line in lines if line.is_return),
    }
    if not purchases:
        return facts
    orders = baskets(lines) if has_order else [Basket(p.instant, p.money) for p in purchases]
    latest = max(line.instant for line in purchases)
    if has_order:
        last_basket = max(order.money for order in orders if order.last_instant == latest)
    else:
        last_basket = sum(line.money for line in lines if line.instant == latest)
    facts |= {
        "first_purchase": days[0],
        "last_purchase": days[-1],
        "recency": (as_of - days[-1]).days,
        "orders": len(orders),
        "mean_gap": Fraction((days[-1] - days[0]).days, len(days) - 1) if len(days) > 1 else None,
        "mean_basket": Fraction(total, len(orders)),
        "last_basket": last_basket,
        "max_basket": max(order.money for order in orders),
        "first_day_total": sum(line.money for line in lines if line.day == days[0]),
    }
    return facts


def facts_by_client(
    lines: Iterable[Line],
    *,
    as_of: date,
    windows: Sequence[str | None] = (None,),
    returns: str = "net",
    has_order: bool = False,
    scale: int = 4,
) -> tuple[dict[Client, dict[str | None, dict[str, Any]]], Account]:
    """Facts of every client that has a used line, one set of facts a window."""
    used, account = sift(lines, as_of=as_of, returns=returns, has_order=has_order, scale=scale)
    by_client: dict[Client, list[Used]] = defaultdict(list)
    for line in used:
        by_client[line.client].append(line)
    table = {}
    for client in sorted(by_client, key=client_order):
        own = by_client[client]
        table[client] = {
            window: client_facts(
                [line for line in own if in_window(line.day, as_of, window)],
                as_of=as_of,
                has_order=has_order,
            )
            for window in windows
        }
        for window, found in table[client].items():
            if window is not None and found["lines"] == 0:
                # "A client with no purchase in a window has frequency 0, money 0 and null means."
                found["total"] = 0
    return table, account


def client_order(client: Client) -> tuple[int, bytes]:
    """Numbers by value, text by UTF-8 bytes."""
    return (0, client.encode()) if isinstance(client, str) else (client, b"")


def as_output(name: str, value: Any, scale: int = 4) -> Any:
    """A fact as it stands in a table: money and ratios as the nearest float."""
    if value is None:
        return None
    if name in MONEY_FACTS:
        return float(Fraction(value) / 10**scale)
    return float(value) if name == "mean_gap" else value


# --- Bands -------------------------------------------------------------------------------------


def quantile_edges(values: Iterable[Any], bins: int) -> list[Any]:
    """Order statistics of rank ceil(j N / k), j = 1 .. k - 1."""
    ordered = sorted(values)
    n = len(ordered)
    return [ordered[-(-j * n // bins) - 1] for j in range(1, bins)] if n else []


def linear_edges(values: Iterable[Any], bins: int) -> list[float]:
    """Inner edges as pandas.qcut interpolates them.

    pandas rounds a quantile j / k up where k times it is not j again.
    """
    quantiles = np.linspace(0, 1, bins + 1)
    inexact = bins * quantiles != np.arange(bins + 1)
    quantiles[inexact] = np.nextafter(quantiles[inexact], 1)
    return list(pd.Series(list(values)).quantile(quantiles).to_numpy()[1:-1])


def r_rfm_edges(values: Iterable[Any], bins: int) -> list[float]:
    """Inner edges as R's package rfm takes them: quantiles of definition 7, plus 1."""
    quantiles = np.linspace(0, 1, bins + 1)[1:-1]
    return list(np.quantile(np.array(list(values)), quantiles, method="linear") + 1)


def band_above(edges: Iterable[Any], value: Any) -> int:
    """1 + number of edges strictly below the value: bands are closed on the right."""
    return 1 + sum(edge < value for edge in edges)


def threshold_band(thresholds: Iterable[float], value: float) -> int:
    """1 + number of thresholds at or below the value: a threshold opens the band above."""
    return 1 + sum(threshold <= value for threshold in thresholds)


def ntile(values: Sequence[Any], bins: int) -> list[int]:
    """SQL's NTILE over (value, position): the first N mod k bands hold one more."""
    order = sorted(range(len(values)), key=lambda i: (values[i], i))
    size, larger = divmod(len(values), bins)
    bands = [0] * len(values)
    for rank, i in enumerate(order):
        wide = larger * (size + 1)
        bands[i] = (
            1 + rank // (size + 1) if rank < wide else 1 + larger + (rank - wide) // max(size, 1)
        )
    return bands


def is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def quantile_scores(
    values: Sequence[Any],
    bins: int,
    *,
    best: str = "high",
    ties: str = "together",
    edges: str = "inverted_cdf",
) -> list[int | None]:
    """Points of each value, bins = best; a missing value has none and does not count."""
    present = [v for v in values if not is_missing(v)]
    if ties == "split":
        bands = iter(ntile(present, bins))
        band_of: Callable[[Any], int] = lambda _value: next(bands)  # noqa: E731
    elif ties == "split_descending":
        tiles = iter(ntile([-v for v in present], bins))
        band_of = lambda _value: bins + 1 - next(tiles)  # noqa: E731
    elif edges == "r-rfm":
        opening = r_rfm_edges(present, bins) if present else []
        band_of = lambda value: threshold_band(opening, value)  # noqa: E731
    else:
        cut = linear_edges(present, bins) if edges == "linear" else quantile_edges(present, bins)
        known = {v: band_above(cut, v) for v in set(present)}
        band_of = known.__getitem__
    scores: list[int | None] = []
    for value in values:
        if is_missing(value):
            scores.append(None)
        else:
            band = band_of(value)
            scores.append(band if best == "high" else bins + 1 - band)
    return scores


# --- RFM ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Criterion:
    """One criterion: what it measures, where, and how it is cut."""

    measure: str
    window: str | None = None
    bands: tuple[Any, ...] | None = None
    bins: int | None = None
    ties: str | None = None
    edges: str | None = None
    weight: float = 1


@dataclass(frozen=True)
class Spec:
    """A whole RFM: its criteria and its settings."""

    recency: Criterion | None = Criterion("recency")
    frequency: Criterion | None = Criterion("orders")
    monetary: Criterion | None = Criterion("total")
    bins: int = 5
    ties: str = "together"
    edges: str = "inverted_cdf"
    groups: int = 5
    returns: str = "net"

    def criteria(self) -> list[tuple[str, Criterion]]:
        named = [("r", self.recency), ("f", self.frequency), ("m", self.monetary)]
        return [(letter, criterion) for letter, criterion in named if criterion is not None]

    def size(self, criterion: Criterion) -> int:
        """The number of bands of a criterion."""
        return len(criterion.bands) + 1 if criterion.bands else criterion.bins or self.bins


COLUMNS = {"r": "recency", "f": "frequency", "m": "monetary"}


def smaller_is_better(criterion: Criterion) -> bool:
    return criterion.measure in ("recency", "mean_gap")


@dataclass(frozen=True)
class Cut:
    """A learnt cut of one criterion."""

    kind: str
    size: int
    edges: tuple[Any, ...]


def learn(criterion: Criterion, spec: Spec, pairs: Sequence[tuple[Any, Client]]) -> Cut:
    """Edges from (value, client) pairs of the scored clients; missing values take no part."""
    size = spec.size(criterion)
    present = [(v, c) for v, c in pairs if not is_missing(v)]
    if criterion.bands:
        return Cut("thresholds", size, criterion.bands)
    ties = criterion.ties or spec.ties
    if ties != "together":
        sign = -1 if ties == "split_descending" else 1
        ordered = sorted(present, key=lambda pair: (sign * pair[0], client_order(pair[1])))
        bands = ntile([rank for rank, _ in enumerate(ordered)], size)
        last_of_band = {band: ordered[i] for i, band in enumerate(bands)}
        return Cut(ties, size, tuple(last_of_band[b] for b in range(1, size) if b in last_of_band))
    values = [v for v, _ in present]
    if (criterion.edges or spec.edges) == "r-rfm":
        return Cut("r-rfm", size, tuple(r_rfm_edges(values, size)) if values else ())
    if (criterion.edges or spec.edges) == "linear":
        return Cut("quantiles", size, tuple(linear_edges(values, size)) if values else ())
    return Cut("quantiles", size, tuple(quantile_edges(values, size)))


def band(cut: Cut, criterion: Criterion, value: Any, client: Client, as_of: date | None) -> int:
    """The band of one client under a cut."""
    if cut.kind == "thresholds" and criterion.measure == "recency":
        assert as_of is not None
        last = as_of - timedelta(days=value)
        return 1 + sum(last <= shift_back(as_of, duration) for duration in cut.edges)
    if cut.kind in ("thresholds", "r-rfm"):
        return threshold_band(cut.edges, value)
    if cut.kind == "split":
        key = (value, client_order(client))
        return 1 + sum((v, client_order(c)) < key for v, c in cut.edges)
    if cut.kind == "split_descending":
        key = (-value, client_order(client))
        return cut.size - sum((-v, client_order(c)) < key for v, c in cut.edges)
    return band_above(cut.edges, value)


def points(cut: Cut, criterion: Criterion, value: Any, client: Client, as_of: date | None) -> int:
    """k for the best band down to 1; a missing value is in the worst band."""
    if is_missing(value):
        return 1
    number = band(cut, criterion, value, client, as_of)
    return cut.size + 1 - number if smaller_is_better(criterion) else number


def classic(r: int, f: int, m: int, tenure: int | None) -> str:
    """The classic segment table, each criterion out of 5, first match."""
    young = tenure is not None and tenure <= 90
    rules = [
        ("champions", r >= 4 and f >= 4 and m >= 4),
        ("can't lose", r <= 2 and f >= 4 and m >= 4),
        ("loyal", r >= 3 and f >= 4),
        ("new", young or (r >= 4 and f == 1 and m <= 2)),
        ("potential loyalist", r >= 4 and f in (2, 3)),
        ("promising", r >= 4 and f == 1 and m >= 3),
        ("need attention", r == 3 and f in (2, 3) and m >= 3),
        ("about to sleep", r == 3 and f <= 3),
        ("lost", r == 1 and f <= 3 and m <= 2),
        ("hibernating", r <= 2 and f <= 3 and m <= 3),
        ("at risk", r <= 2),
    ]
    return next(segment for segment, holds in rules if holds)


def out_of_five(own: int, size: int) -> int:
    """Points out of `size` as points out of 5, by the middle of the band."""
    return math.ceil(5 * (own - Fraction(1, 2)) / size)


def groups_of(totals: Sequence[float], groups: int) -> dict[float, int]:
    """The group of each total, 1 for the best: the group of the middle rank of those who share it.

    Group j of k ends at rank ceil(jN / k) from the best.
    """
    ends = [-(-j * len(totals) // groups) for j in range(1, groups)]
    ranks = defaultdict(list)
    for rank, total in enumerate(sorted(totals, reverse=True), start=1):
        ranks[total].append(rank)
    middles = {total: Fraction(sum(own), len(own)) for total, own in ranks.items()}
    return {total: 1 + sum(end < middle for end in ends) for total, middle in middles.items()}


@dataclass(frozen=True)
class Model:
    """What `fit` learns: a cut for each criterion and the group of each total."""

    spec: Spec
    cuts: Mapping[str, Cut]
    group_of_total: Mapping[float, int]

    def group(self, total: float) -> int:
        """The group of the total, or of the next lower one that the fit knows."""
        lower = [known for known in self.group_of_total if known <= total]
        if total > max(self.group_of_total):
            return 1
        return self.group_of_total[max(lower)] if lower else self.spec.groups


def total_points(spec: Spec, own: Mapping[str, int]) -> float:
    score: float = 0
    for letter, criterion in spec.criteria():
        score = score + criterion.weight * own[letter]
    return score


def own_points(
    model_cuts: Mapping[str, Cut], spec: Spec, row: Row, as_of: date | None
) -> dict[str, int]:
    return {
        letter: points(model_cuts[letter], criterion, row[COLUMNS[letter]], row["client_id"], as_of)
        for letter, criterion in spec.criteria()
    }


def is_scored(spec: Spec, row: Row) -> bool:
    """A client without a last purchase in the recency window has no score."""
    return spec.recency is None or not is_missing(row["recency"])


def fit(spec: Spec, rows: Sequence[Row], as_of: date | None = None) -> Model:
    """Learn the cuts from the scored clients."""
    scored = [row for row in rows if is_scored(spec, row)]
    cuts = {
        letter: learn(criterion, spec, [(row[COLUMNS[letter]], row["client_id"]) for row in scored])
        for letter, criterion in spec.criteria()
    }
    sums = [total_points(spec, own_points(cuts, spec, row, as_of)) for row in scored]
    return Model(spec, cuts, groups_of(sums, spec.groups))


def score(model: Model, rows: Sequence[Row], as_of: date | None = None) -> list[Row]:
    """Points, total, group and classic segment of every row; None where it is not scored."""
    spec = model.spec
    scores = []
    for row in rows:
        if not is_scored(spec, row):
            empty = dict.fromkeys(["points", "group", "segment"])
            empty |= dict.fromkeys([letter for letter, _ in spec.criteria()])
            scores.append({"client_id": row["client_id"], **empty})
            continue
        own = own_points(model.cuts, spec, row, as_of)
        total = total_points(spec, own)
        fifths = {letter: out_of_five(own[letter], model.cuts[letter].size) for letter in own}
        scores.append(
            {
                "client_id": row["client_id"],
                **own,
                "points": total,
                "group": model.group(total),
                "segment": classic(
                    fifths.get("r", 3), fifths.get("f", 3), fifths.get("m", 3), tenure(row, as_of)
                ),
            }
        )
    return scores


def tenure(row: Row, as_of: date | None) -> int | None:
    """Days since the first purchase, or None where they are unknown.

    Without `as_of` the day is the last purchase and the recency together.
    """
    first, last, recency = (row.get(c) for c in ("first_purchase", "last_purchase", "recency"))
    if as_of is None and last is not None and recency is not None:
        as_of = last + timedelta(days=recency)
    return None if first is None or as_of is None else (as_of - first).days


def rfm_rows(
    lines: Iterable[Line], spec: Spec, *, as_of: date, has_order: bool = False, scale: int = 4
) -> list[Row]:
    """The frame of `spec.facts`: one row a client that bought something, ascending by client."""
    windows = list({None, *(criterion.window for _, criterion in spec.criteria())})
    table, _ = facts_by_client(
        lines,
        as_of=as_of,
        windows=windows,
        returns=spec.returns,
        has_order=has_order,
        scale=scale,
    )
    rows = []
    for client, by_window in table.items():
        ever = by_window[None]
        if ever["last_purchase"] is None:
            continue
        row: Row = {
            "client_id": client,
            "first_purchase": ever["first_purchase"],
            "last_purchase": ever["last_purchase"],
        }
        for letter, criterion in spec.criteria():
            value = by_window[criterion.window][criterion.measure]
            row[COLUMNS[letter]] = as_output(criterion.measure, value, scale)
        rows.append(row)
    return [row for row in rows if is_scored(spec, row)]
