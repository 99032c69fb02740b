"""Facts: the one pass over sales, checked by hand and against the oracle."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import grc_fast as grc
import oracle
from grc_fast.facts.collect import collect_facts
from grc_fast.facts.options import Reading, SalesReading
from grc_fast.io.text_options import TextOptions, TextReading
from oracle import Line
from strategies import AS_OF, at, lines_of, messy_sales, sales_frames, slices

ALL_FACTS = [
    "first_purchase",
    "last_purchase",
    "recency",
    "orders",
    "lines",
    "active_days",
    "mean_gap",
    "total",
    "mean_basket",
    "last_basket",
    "max_basket",
    "first_day_total",
    "returns_total",
]


def expected_frame(
    lines: Iterable[Line],
    *,
    as_of: date = AS_OF,
    facts: Sequence[str] = ALL_FACTS,
    window: str | None = None,
    returns: str = "net",
    has_order: bool = False,
    scale: int = 4,
) -> list[dict[str, Any]]:
    """The rows that the oracle expects of `grc.facts`."""
    table, _ = oracle.facts_by_client(
        lines, as_of=as_of, windows=[window], returns=returns, has_order=has_order, scale=scale
    )
    return [
        {"client_id": client}
        | {name: oracle.as_output(name, by_window[window][name], scale) for name in facts}
        for client, by_window in table.items()
    ]


def sales(
    rows: Sequence[tuple[Any, ...]], columns: str = "client_id date amount ticket"
) -> pl.DataFrame:
    """A small table of sales, written as rows."""
    names = columns.split()[: len(rows[0])]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def one_client(frame: pl.DataFrame, fact: str, **options: Any) -> Any:
    """A fact of the only client of a table."""
    return grc.facts(frame, facts=[fact], **options).frame[fact].item()


# --- By hand -----------------------------------------------------------------------------------

# One client: a first day with two orders, a return that comes before the purchase of its
# instant, a line without an order id at that same instant, and a late return of order A.
HAND = sales(
    [
        (1, at("2026-01-10 09:00"), 10.00, "A"),
        (1, at("2026-01-10 09:00"), 5.50, "A"),
        (1, at("2026-01-10 18:00"), 20.00, "B"),
        (1, at("2026-02-09 09:00"), -3.00, "C"),
        (1, at("2026-02-09 09:00"), 30.25, "C"),
        (1, at("2026-02-09 09:00"), 4.00, None),
        (1, at("2026-03-01 12:00"), -5.50, "A"),
    ]
)
HAND_AS_OF = date(2026, 3, 31)
HAND_NET = {
    "client_id": 1,
    "first_purchase": date(2026, 1, 10),
    "last_purchase": date(2026, 2, 9),
    "recency": 50,
    "orders": 4,
    "lines": 5,
    "active_days": 2,
    "mean_gap": 30.0,
    "total": 61.25,
    "mean_basket": 15.3125,
    "last_basket": 27.25,
    "max_basket": 27.25,
    "first_day_total": 35.5,
    "returns_total": -8.5,
}
HAND_DROP = HAND_NET | {
    "total": 69.75,
    "mean_basket": 17.4375,
    "last_basket": 30.25,
    "max_basket": 30.25,
    "returns_total": 0.0,
}
HAND_KEEP = HAND_NET | {
    "last_purchase": date(2026, 3, 1),
    "recency": 30,
    "lines": 7,
    "active_days": 3,
    "mean_gap": 25.0,
    "last_basket": 10.0,
    "returns_total": 0.0,
}
HAND_CASES = {
    ("net", "ticket"): HAND_NET,
    ("net", None): HAND_NET
    | {"orders": 5, "mean_basket": 12.25, "last_basket": 31.25, "max_basket": 30.25},
    ("drop", "ticket"): HAND_DROP,
    ("drop", None): HAND_DROP | {"orders": 5, "mean_basket": 13.95, "last_basket": 34.25},
    ("keep", "ticket"): HAND_KEEP,
    ("keep", None): HAND_KEEP
    | {"orders": 7, "mean_basket": 8.75, "last_basket": -5.5, "max_basket": 30.25},
}


@pytest.mark.parametrize(("returns", "order"), HAND_CASES)
def test_every_fact_of_a_client_worked_by_hand(returns: str, order: str | None) -> None:
    facts = grc.facts(HAND, as_of=HAND_AS_OF, facts=ALL_FACTS, order=order, returns=returns)

    assert facts.frame.to_dicts() == [HAND_CASES[returns, order]]


@pytest.mark.parametrize(("returns", "order"), HAND_CASES)
def test_the_oracle_agrees_with_the_hand(returns: str, order: str | None) -> None:
    rows = expected_frame(
        lines_of(HAND, order=order), as_of=HAND_AS_OF, returns=returns, has_order=order is not None
    )

    assert rows == [HAND_CASES[returns, order]]


def test_columns_come_in_the_order_asked_with_their_types() -> None:
    facts = grc.facts(HAND, as_of=HAND_AS_OF, facts=list(reversed(ALL_FACTS)))

    assert facts.frame.columns == ["client_id", *reversed(ALL_FACTS)]
    assert facts.frame.schema["first_purchase"] == pl.Date
    assert facts.frame.schema["last_purchase"] == pl.Date
    assert facts.frame.schema["recency"] == pl.Int32
    assert facts.frame.schema["orders"] == pl.UInt32
    assert facts.frame.schema["mean_gap"] == pl.Float64
    assert facts.frame.schema["total"] == pl.Float64
    assert facts.as_of == HAND_AS_OF


# --- Against the oracle ------------------------------------------------------------------------

WINDOWS = [None, "1d", "6w", "2mo", "3q", "2y"]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("returns", ["net", "drop", "keep"])
@pytest.mark.parametrize("order", [None, "ticket", ["store", "ticket"]], ids=str)
def test_facts_of_messy_sales_match_the_oracle(
    seed: int, returns: str, order: str | list[str] | None
) -> None:
    frame = messy_sales(seed)

    facts = grc.facts(frame, as_of=AS_OF, facts=ALL_FACTS, order=order, returns=returns)

    expected = expected_frame(
        lines_of(frame, order=order), returns=returns, has_order=order is not None
    )
    assert facts.frame.to_dicts() == expected


@pytest.mark.parametrize("window", WINDOWS[1:])
@pytest.mark.parametrize("order", [None, "ticket"])
def test_facts_in_a_window_match_the_oracle(window: str, order: str | None) -> None:
    frame = messy_sales(3)

    facts = grc.facts(frame, as_of=AS_OF, facts=ALL_FACTS, order=order, window=window)

    expected = expected_frame(
        lines_of(frame, order=order), window=window, has_order=order is not None
    )
    assert facts.frame.to_dicts() == expected


@pytest.mark.parametrize("returns", ["net", "drop", "keep"])
@pytest.mark.parametrize("where", [None, "channel = 'web'", "store < 3 AND channel <> 'phone'"])
def test_the_account_of_messy_sales_matches_the_oracle(returns: str, where: str | None) -> None:
    frame = messy_sales(4)
    keep = None if where is None else pl.sql_expr(where)
    _, expected = oracle.sift(
        lines_of(frame, order="ticket", keep=keep),
        as_of=AS_OF,
        returns=returns,
        has_order=True,
    )

    quality = grc.facts(frame, as_of=AS_OF, order="ticket", returns=returns, where=where).quality

    assert_account(quality, expected)


def assert_account(quality: grc.Quality, expected: oracle.Account, *, scale: int = 4) -> None:
    """The package's account says what the oracle's says."""

    def exact(whole: int) -> Decimal:
        return Decimal(whole).scaleb(-scale)

    assert quality.rows_read == expected.rows_read
    assert quality.rows_used == expected.rows_used
    assert quality.money_read == exact(expected.money_read)
    assert quality.money_used == exact(expected.money_used)
    assert {**quality.dropped} == {r: expected.dropped[r][0] for r in quality.dropped}
    assert {**quality.dropped_money} == {
        r: exact(expected.dropped[r][1]) for r in quality.dropped_money
    }
    assert sum(quality.dropped.values()) == sum(rows for rows, _ in expected.dropped.values())
    assert quality.returns == expected.returns[0]
    assert quality.returns_money == exact(expected.returns[1])
    assert quality.clients == expected.clients
    assert quality.clients_returns_only == expected.clients_returns_only
    assert quality.clients_scored == expected.clients - expected.clients_returns_only
    assert quality.orders_on_two_dates == expected.orders_on_two_dates
    assert quality.rows_without_order == expected.rows_without_order
    assert (quality.first_day, quality.last_day) == (expected.first_day, expected.last_day)


@given(sales_frames(), st.data())
def test_facts_of_any_table_match_the_oracle(frame: pl.DataFrame, data: st.DataObject) -> None:
    window = data.draw(st.sampled_from(WINDOWS), label="window")
    returns = data.draw(st.sampled_from(["net", "drop", "keep"]), label="returns")
    order = data.draw(st.sampled_from([None, "ticket", ["ticket", "till"]]), label="order")
    given_frame = data.draw(st.one_of(st.just(frame), slices(frame)), label="given")

    lines = lines_of(frame, order=order)
    has_order = order is not None
    expected = expected_frame(lines, window=window, returns=returns, has_order=has_order)
    _, account = oracle.sift(lines, as_of=AS_OF, returns=returns, has_order=has_order)

    options = {"as_of": AS_OF, "order": order, "returns": returns, "window": window}
    if is_before_every_sale(account):
        with pytest.raises(grc.DataError, match="before every sale"):
            grc.facts(given_frame, facts=ALL_FACTS, **options)
        return
    facts = grc.facts(given_frame, facts=ALL_FACTS, **options)
    assert facts.frame.to_dicts() == expected
    assert_account(facts.quality, account)


@pytest.mark.parametrize("form", ["lazy", "pandas", "pyarrow", "pyarrow chunks"])
@settings(max_examples=3 * settings.default.max_examples // 8)
@given(frame=sales_frames())
def test_facts_are_the_same_from_every_kind_of_table(form: str, frame: pl.DataFrame) -> None:
    given_table = in_form(frame, form)
    lines = lines_of(frame, order="ticket")

    if is_before_every_sale(oracle.sift(lines, as_of=AS_OF, has_order=True)[1]):
        with pytest.raises(grc.DataError, match="before every sale"):
            grc.facts(given_table, as_of=AS_OF, facts=ALL_FACTS, order="ticket")
        return
    facts = grc.facts(given_table, as_of=AS_OF, facts=ALL_FACTS, order="ticket")
    assert facts.frame.to_dicts() == expected_frame(lines, has_order=True)


def is_before_every_sale(account: oracle.Account) -> bool:
    """Whether no sale can be used, and some only because they are later than `as_of`."""
    return account.rows_used == 0 and account.dropped["future"][0] > 0


def in_form(frame: pl.DataFrame, form: str) -> Any:
    """The table as another library holds it."""
    if form == "lazy":
        return frame.lazy()
    if form == "pandas":
        return frame.to_pandas(use_pyarrow_extension_array=True)
    table = frame.to_arrow()
    if form == "pyarrow chunks":
        import pyarrow as pa

        return pa.Table.from_batches(table.to_batches(max_chunksize=3), schema=table.schema)
    return table


# --- Windows -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "window", "first_day_inside"),
    [
        (date(2026, 5, 31), "3mo", date(2026, 3, 1)),
        (date(2024, 5, 31), "3mo", date(2024, 3, 1)),
        (date(2026, 5, 31), "1q", date(2026, 3, 1)),
        (date(2024, 2, 29), "1y", date(2023, 3, 1)),
        (date(2024, 2, 29), "4y", date(2020, 3, 1)),
        (date(2026, 3, 31), "1mo", date(2026, 3, 1)),
        (date(2026, 3, 30), "1mo", date(2026, 3, 1)),
        (date(2026, 3, 28), "1mo", date(2026, 3, 1)),
        (date(2026, 3, 27), "1mo", date(2026, 2, 28)),
        (date(2026, 1, 31), "24mo", date(2024, 2, 1)),
        (date(2026, 3, 10), "1d", date(2026, 3, 10)),
        (date(2026, 3, 10), "2w", date(2026, 2, 25)),
        (date(2026, 3, 10), "365d", date(2025, 3, 11)),
    ],
)
def test_a_window_begins_the_day_after_as_of_minus_its_length(
    as_of: date, window: str, first_day_inside: date
) -> None:
    frame = sales(
        [
            (1, first_day_inside - timedelta(days=1), 1.0),
            (2, first_day_inside, 1.0),
            (3, as_of, 1.0),
        ]
    )

    facts = grc.facts(frame, as_of=as_of, facts=["orders"], window=window)

    assert facts.frame["orders"].to_list() == [0, 1, 1]
    assert oracle.shift_back(as_of, window) == first_day_inside - timedelta(days=1)


@pytest.mark.parametrize("window", ["1mo", "2mo", "11mo", "13mo", "1q", "5q", "1y", "2y", "9w"])
@pytest.mark.parametrize(
    "as_of", [date(2026, 12, 31), date(2024, 2, 29), date(2025, 3, 1), date(2026, 7, 30)], ids=str
)
def test_windows_match_the_oracle_day_by_day(window: str, as_of: date) -> None:
    days = [as_of - timedelta(days=back) for back in range(-2, 800)]
    frame = pl.DataFrame({"client_id": range(len(days)), "date": days, "amount": 1.0})

    facts = grc.facts(frame, as_of=as_of, facts=["orders"], window=window).frame

    inside = [d for d, n in zip(days[2:], facts["orders"], strict=True) if n == 1]
    assert inside == [d for d in days if oracle.in_window(d, as_of, window)]


def test_a_client_without_a_purchase_in_the_window_has_zeros_and_nulls() -> None:
    frame = sales([(1, date(2025, 1, 1), 5.0), (2, date(2026, 3, 30), 5.0)])

    facts = grc.facts(frame, as_of=date(2026, 3, 31), facts=ALL_FACTS, window="1y")

    row = facts.frame.to_dicts()[0]
    zeros = ["orders", "lines", "active_days", "total", "returns_total"]
    assert [row[name] for name in zeros] == [0, 0, 0, 0.0, 0.0]
    nulls = ["first_purchase", "last_purchase", "recency", "mean_gap"]
    nulls += ["mean_basket", "last_basket", "max_basket"]
    assert [row[name] for name in nulls] == [None] * 7


@pytest.mark.parametrize(
    "window", ["3m", "12h", "30s", "", "mo", "-1mo", "1.5y", "0d", "1 y", "1Y"]
)
def test_a_window_that_is_no_duration_of_days_is_refused(window: str) -> None:
    with pytest.raises(grc.OptionError):
        grc.facts(HAND, as_of=HAND_AS_OF, window=window)


# --- Orders ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tickets", "orders"),
    [
        (["A", "A", "A"], 1),
        (["A", "B", "A"], 2),
        ([None, None, None], 3),
        (["A", None, "A"], 2),
        (["", "", None], 3),
        (["A", "a", "A "], 3),
    ],
)
def test_orders_are_distinct_ids_and_a_null_is_its_own(
    tickets: list[str | None], orders: int
) -> None:
    frame = sales([(1, date(2026, 3, 1), 1.0, t) for t in tickets])

    assert one_client(frame, "orders", as_of=AS_OF, order="ticket") == orders


@pytest.mark.parametrize(
    "dtype",
    [pl.Int8, pl.UInt64, pl.Float64, pl.String, pl.Categorical, pl.Enum(["1", "2", "3"])],
    ids=str,
)
def test_an_order_id_may_be_of_any_type_that_a_client_id_may_be(dtype: Any) -> None:
    ids = pl.Series([1, 2, 1, 3, None])
    ids = ids.cast(pl.String).cast(dtype) if not dtype.is_numeric() else ids.cast(dtype)
    frame = pl.DataFrame(
        {"client_id": [1] * 5, "date": [date(2026, 3, 1)] * 5, "amount": [1.0] * 5, "ticket": ids}
    )

    assert one_client(frame, "orders", as_of=AS_OF, order="ticket") == 4


def test_an_order_of_several_columns_is_their_combination() -> None:
    frame = sales(
        [
            (1, date(2026, 3, 1), 1.0, "1", "11"),
            (1, date(2026, 3, 1), 2.0, "11", "1"),
            (1, date(2026, 3, 1), 4.0, "1", "11"),
            (1, date(2026, 3, 1), 8.0, "", "111"),
            (2, date(2026, 3, 1), 1.0, "1", "11"),
        ],
        "client_id date amount store number",
    )

    facts = grc.facts(frame, as_of=AS_OF, facts=["orders", "max_basket"], order=["store", "number"])

    assert facts.frame.rows() == [(1, 3, 8.0), (2, 1, 1.0)]


def test_the_same_order_id_of_two_clients_is_two_orders() -> None:
    frame = sales([(1, date(2026, 3, 1), 3.0, "A"), (2, date(2026, 3, 1), 4.0, "A")])

    facts = grc.facts(frame, as_of=AS_OF, facts=["orders", "max_basket"], order="ticket")

    assert facts.frame.rows() == [(1, 1, 3.0), (2, 1, 4.0)]


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([(1, date(2026, 3, 1), 1.0, "A"), (1, date(2026, 3, 2), 1.0, "A")], 1),
        ([(1, date(2026, 3, 1), 1.0, "A"), (1, date(2026, 3, 1), 1.0, "A")], 0),
        ([(1, date(2026, 3, 1), 1.0, "A"), (2, date(2026, 3, 2), 1.0, "A")], 0),
        ([(1, date(2026, 3, 1), 1.0, None), (1, date(2026, 3, 2), 1.0, None)], 0),
        ([(1, date(2026, 3, 1), 1.0, "A"), (1, date(2026, 3, 2), -1.0, "A")], 0),
        ([(1, date(2026, 3, d), 1.0, "A") for d in (1, 2, 3)], 1),
    ],
)
def test_an_order_id_on_two_dates_is_counted(rows: list[tuple[Any, ...]], count: int) -> None:
    quality = grc.facts(sales(rows), as_of=AS_OF, facts=["orders"], order="ticket").quality

    assert quality.orders_on_two_dates == count


@pytest.mark.parametrize(
    ("rows", "last_basket"),
    [
        # Two orders at the last instant: the larger basket, whatever the order of rows.
        ([(9, 3.0, "A"), (9, 4.0, "B")], 4.0),
        ([(9, 4.0, "A"), (9, 3.0, "B")], 4.0),
        # A large line without an order id beside an order.
        ([(9, 3.0, "A"), (9, 5.0, None)], 5.0),
        # The order that holds the latest purchase counts whole, with its earlier lines.
        ([(8, 10.0, "A"), (9, 1.0, "A"), (8, 7.0, "B")], 11.0),
        # A later return neither makes its order the last one nor moves the last instant.
        ([(8, 10.0, "A"), (9, 1.0, "B"), (10, -2.0, "A")], 1.0),
        ([(9, 1.0, "B"), (10, -2.0, "B")], -1.0),
        # A return without an order id belongs to no basket.
        ([(9, 1.0, "B"), (9, -2.0, None)], 1.0),
        # An order of returns only is no order, even at the last instant.
        ([(9, 1.0, "B"), (9, -2.0, "C")], 1.0),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_the_last_order_holds_the_latest_purchase(
    rows: list[tuple[int, float, str | None]], last_basket: float, turned: bool
) -> None:
    frame = sales([(1, at(f"2026-03-01 {hour:02}:00"), amount, t) for hour, amount, t in rows])
    frame = frame.reverse() if turned else frame

    assert one_client(frame, "last_basket", as_of=AS_OF, order="ticket") == last_basket


# --- Returns -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fact", ["last_basket", "first_day_total"])
def test_a_return_before_the_purchase_of_its_instant_lowers_the_basket(fact: str) -> None:
    instant = at("2026-03-01 09:00")
    rows = [(1, instant, -3.0), (1, instant, 10.0), (1, instant, -0.5)]

    found = {
        one_client(sales(list(order)), fact, as_of=AS_OF) for order in itertools.permutations(rows)
    }

    assert found == {6.5}


def test_a_return_on_the_day_before_the_first_purchase_is_not_of_the_first_day() -> None:
    frame = sales([(1, date(2026, 3, 1), -3.0), (1, date(2026, 3, 2), 10.0)])

    assert one_client(frame, "first_day_total", as_of=AS_OF) == 10.0
    assert one_client(frame, "first_purchase", as_of=AS_OF) == date(2026, 3, 2)


def test_a_return_after_the_last_purchase_is_not_in_the_last_basket() -> None:
    frame = sales([(1, at("2026-03-01 09:00"), 10.0), (1, at("2026-03-01 10:00"), -3.0)])

    assert one_client(frame, "last_basket", as_of=AS_OF) == 10.0
    assert one_client(frame, "total", as_of=AS_OF) == 7.0


def test_the_last_basket_of_dates_is_the_whole_last_day() -> None:
    frame = sales(
        [
            (1, date(2026, 3, 1), 10.0),
            (1, date(2026, 3, 2), 4.0),
            (1, date(2026, 3, 2), -1.0),
            (1, date(2026, 3, 2), 2.0),
        ]
    )

    assert one_client(frame, "last_basket", as_of=AS_OF) == 5.0


@pytest.mark.parametrize("returns", ["net", "drop", "keep"])
def test_zero_and_minus_zero_are_purchases(returns: str) -> None:
    frame = sales([(1, date(2026, 3, 1), 0.0), (1, date(2026, 3, 2), -0.0)])

    facts = grc.facts(frame, as_of=AS_OF, facts=["lines", "total"], returns=returns)

    assert facts.frame.rows() == [(1, 2, 0.0)]
    assert str(facts.frame["total"].item()) == "0.0"


def test_a_return_that_rounds_to_nothing_is_still_a_return() -> None:
    frame = sales([(1, date(2026, 3, 1), 5.0), (1, date(2026, 3, 2), -0.00001)])

    facts = grc.facts(frame, as_of=AS_OF, facts=["lines", "total", "last_purchase"])

    assert facts.frame.rows() == [(1, 1, 5.0, date(2026, 3, 1))]
    assert facts.quality.returns == 1


def test_a_client_with_returns_only_has_a_row_without_dates_and_is_counted() -> None:
    frame = sales([(1, date(2026, 3, 1), 5.0), (2, date(2026, 3, 1), -5.0)])

    facts = grc.facts(frame, as_of=AS_OF, facts=["last_purchase", "orders"])

    assert facts.frame.rows() == [(1, date(2026, 3, 1), 1), (2, None, 0)]
    assert facts.quality.clients_returns_only == 1


# --- What is dropped, and why ------------------------------------------------------------------

# Every way in which a row can be wrong, in the order in which reasons take precedence.
FAULTS = {
    "where": {"channel": "phone"},
    "client": {"client_id": None},
    "date": {"date": None},
    "amount": {"amount": None},
    "future": {"date": AS_OF + timedelta(days=1)},
}
GOOD_ROW = {"client_id": 1, "date": AS_OF, "amount": 2.5, "channel": "web"}
SCHEMA = {"client_id": pl.Int64, "date": pl.Date, "amount": pl.Float64, "channel": pl.String}


@pytest.mark.parametrize(
    "faults", [pair for n in (1, 2, 5) for pair in itertools.combinations(FAULTS, n)], ids=str
)
def test_a_row_is_counted_under_the_first_reason(faults: tuple[str, ...]) -> None:
    bad = dict(GOOD_ROW)
    for fault in reversed(faults):  # so that a null date wins over a future one
        bad |= FAULTS[fault]
    frame = pl.DataFrame([GOOD_ROW, bad], schema=SCHEMA)

    quality = grc.facts(frame, as_of=AS_OF, where="channel = 'web'").quality

    dropped = {reason: rows for reason, (rows, _) in drops_of(quality).items() if rows}
    assert dropped == {faults[0]: 1}
    assert (quality.rows_read, quality.rows_used) == (2, 1)


def drops_of(quality: grc.Quality) -> dict[str, tuple[int, float]]:
    """Dropped rows and money by reason."""
    money = quality.dropped_money
    return {reason: (rows, float(money[reason])) for reason, rows in quality.dropped.items()}


@pytest.mark.parametrize("amount", [None, float("nan"), float("inf"), float("-inf")])
def test_an_amount_that_is_no_number_is_dropped(amount: float | None) -> None:
    frame = pl.DataFrame([GOOD_ROW, GOOD_ROW | {"amount": amount}], schema=SCHEMA)

    facts = grc.facts(frame, as_of=AS_OF, facts=["total"])

    assert facts.frame["total"].item() == 2.5
    assert drops_of(facts.quality)["amount"] == (1, 0)


def test_a_null_condition_is_a_false_one() -> None:
    frame = pl.DataFrame([GOOD_ROW, GOOD_ROW | {"channel": None}], schema=SCHEMA)

    quality = grc.facts(frame, as_of=AS_OF, where="channel = 'web'").quality

    assert drops_of(quality)["where"] == (1, 2.5)


def test_the_last_instant_of_as_of_is_used_and_the_next_is_not() -> None:
    frame = sales(
        [
            (1, at("2026-08-31 23:59:59.999999"), 1.0),
            (2, at("2026-09-01"), 1.0),
        ]
    )

    facts = grc.facts(frame, as_of=AS_OF, facts=["recency"])

    assert facts.frame.rows() == [(1, 0)]
    assert drops_of(facts.quality)["future"] == (1, 1.0)


# --- The client base ---------------------------------------------------------------------------


def test_every_client_of_the_base_has_a_row_with_its_status() -> None:
    frame = sales(
        [
            (1, date(2026, 3, 1), 5.0),
            (2, date(2026, 3, 1), -5.0),
            (9, date(2026, 3, 1), 7.0),
            (4, AS_OF + timedelta(days=1), 7.0),
        ]
    )
    base = pl.DataFrame({"client_id": [4, 3, 2, 1, 3, None]})

    facts = grc.facts(frame, as_of=AS_OF, facts=["orders", "total"], clients=base)

    assert facts.frame.columns == ["client_id", "status", "orders", "total"]
    assert facts.frame.select("client_id", pl.col("status").cast(pl.String)).rows() == [
        (1, "scored"),
        (2, "returns_only"),
        (3, "never_bought"),
        (4, "never_bought"),
        (9, "scored"),
    ]
    assert facts.frame.row(4)[2:] == (1, 7.0)
    assert facts.quality.rows_used == 3


def test_a_client_of_the_base_may_be_out_of_the_window() -> None:
    frame = sales([(1, date(2026, 8, 1), 5.0), (2, date(2025, 1, 1), 5.0), (3, AS_OF, -1.0)])
    base = pl.DataFrame({"client_id": [1, 2, 3, 4]})

    facts = grc.facts(frame, as_of=AS_OF, facts=["orders"], clients=base, window="1y")

    assert facts.frame.with_columns(pl.col("status").cast(pl.String)).rows() == [
        (1, "scored", 1),
        (2, "out_of_window", 0),
        (3, "returns_only", 0),
        (4, "never_bought", 0),
    ]
    assert facts.quality.clients_out_of_window == 1


def test_a_base_does_not_change_the_facts_of_those_who_bought() -> None:
    frame = messy_sales(5)
    base = pl.DataFrame({"client_id": [-40, 10_000, 2, 9_001]})
    plain = grc.facts(frame, as_of=AS_OF, facts=ALL_FACTS).frame

    based = grc.facts(frame, as_of=AS_OF, facts=ALL_FACTS, clients=base).frame

    assert_frame_equal(
        based.filter(pl.col("status").cast(pl.String) != "never_bought").drop("status"), plain
    )
    assert 10_000 in based["client_id"].to_list()


# --- Money -------------------------------------------------------------------------------------


def test_ten_million_lines_of_ten_cents_are_a_million() -> None:
    n = 10_000_000
    frame = pl.DataFrame(
        {
            "client_id": np.zeros(n, dtype=np.int8),
            "date": pl.repeat(date(2026, 3, 1), n, eager=True),
            "amount": np.full(n, 0.10),
        }
    )

    facts = grc.facts(frame, as_of=AS_OF, facts=["total", "lines"])

    assert facts.frame.rows() == [(0, 1_000_000.0, n)]


def test_a_huge_and_a_tiny_amount_are_summed_exactly_in_any_order() -> None:
    amounts = [1e11, 0.01, -1e11, 0.02, 1e11, 0.03, -1e11]
    totals = {
        one_client(sales([(1, date(2026, 3, 1), a) for a in turned]), "total", as_of=AS_OF)
        for turned in itertools.islice(itertools.permutations(amounts), 0, 5040, 131)
    }

    assert totals == {0.06}


@pytest.mark.parametrize(
    ("amount", "scale", "total"),
    [
        (2.5, 0, 2.0),
        (3.5, 0, 4.0),
        (0.125, 2, 0.12),
        (0.375, 2, 0.38),
        (0.03125, 4, 0.0312),
        (0.09375, 4, 0.0938),
        (-0.09375, 4, -0.0938),
        (1.005, 2, 1.0),
        (0.1234567, 6, 0.123457),
        (1 / 3, 9, 0.333333333),
    ],
)
def test_each_amount_is_rounded_half_to_even(amount: float, scale: int, total: float) -> None:
    frame = sales([(1, date(2026, 3, 1), amount)])
    whole = oracle.units(amount, scale)

    found = one_client(frame, "total", as_of=AS_OF, money_scale=scale)

    assert found == oracle.money(whole, scale) == total


def test_amounts_are_rounded_one_by_one_and_not_as_a_sum() -> None:
    frame = sales([(1, date(2026, 3, 1), 0.00004)] * 10)

    assert one_client(frame, "total", as_of=AS_OF) == 0.0
    assert one_client(frame, "total", as_of=AS_OF, money_scale=5) == 0.0004


@pytest.mark.parametrize("amount", [1e15, 9.3e14, -1e15, 1e300])
def test_an_amount_too_large_for_exact_money_is_an_error(amount: float) -> None:
    with pytest.raises(grc.DataError):
        grc.facts(sales([(1, date(2026, 3, 1), amount)]), as_of=AS_OF)


@pytest.mark.parametrize(
    "dtype", [pl.Int8, pl.UInt8, pl.Int32, pl.UInt32, pl.Int64, pl.UInt64], ids=str
)
def test_integer_amounts_are_summed_as_they_are(dtype: Any) -> None:
    frame = pl.DataFrame(
        {
            "client_id": [1, 1, 1],
            "date": [date(2026, 3, 1)] * 3,
            "amount": pl.Series([100, 27, 0], dtype=dtype),
        }
    )

    facts = grc.facts(frame, as_of=AS_OF, facts=["total", "mean_basket"])

    assert facts.frame.rows() == [(1, 127.0, 127 / 3)]


def test_float32_amounts_are_rounded_from_their_own_value() -> None:
    amounts = np.array([0.1, 9.99, 1234.56], dtype=np.float32)
    frame = pl.DataFrame(
        {
            "client_id": [1, 1, 1],
            "date": [date(2026, 3, 1)] * 3,
            "amount": amounts,
        }
    )
    whole = sum(oracle.units(float(a)) or 0 for a in amounts)

    assert one_client(frame, "total", as_of=AS_OF) == oracle.money(whole)


@pytest.mark.parametrize(("precision", "scale"), [(9, 2), (18, 4), (38, 0), (38, 9)])
def test_decimal_amounts_keep_their_scale(precision: int, scale: int) -> None:
    one = Decimal(1).scaleb(-scale)
    amounts = [Decimal(1234567), one, -one * 3, None, Decimal(2)]
    frame = pl.DataFrame(
        {
            "client_id": [1, 1, 1, 1, 2],
            "date": [date(2026, 3, 1)] * 5,
            "amount": pl.Series(amounts, dtype=pl.Decimal(precision, scale)),
        }
    )

    total = grc.facts(frame, as_of=AS_OF, facts=["total"]).frame["total"]

    assert isinstance(total.dtype, pl.Decimal)
    assert total.dtype.scale == scale
    assert total.to_list() == [Decimal(1234567) - 2 * one, Decimal(2)]


def test_a_negative_integer_or_decimal_is_a_return() -> None:
    columns = [pl.Series([5, -2]), pl.Series([Decimal("5.00"), Decimal("-2.00")])]
    for amount in columns:
        frame = pl.DataFrame(
            {"client_id": [1, 1], "date": [date(2026, 3, 1)] * 2, "amount": amount}
        )
        facts = grc.facts(frame, as_of=AS_OF, facts=["lines", "total", "returns_total"])
        assert [float(x) for x in facts.frame.row(0)] == [1.0, 1.0, 3.0, -2.0]


def test_an_amount_may_be_an_expression_over_columns() -> None:
    frame = sales(
        [(1, date(2026, 3, 1), 3, 2.5), (1, date(2026, 3, 1), -1, 2.5)], "client_id date n price"
    )

    facts = grc.facts(frame, as_of=AS_OF, facts=["total", "lines"], amount="n * price")

    assert facts.frame.rows() == [(1, 5.0, 1)]


# --- The order of rows -------------------------------------------------------------------------


@pytest.mark.parametrize("order", [None, "ticket"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_rows_does_not_matter(order: str | None, seed: int) -> None:
    frame = messy_sales(6)
    expected = grc.facts(frame, as_of=AS_OF, facts=ALL_FACTS, order=order)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)

    facts = grc.facts(shuffled, as_of=AS_OF, facts=ALL_FACTS, order=order)

    assert_frame_equal(facts.frame, expected.frame, check_exact=True)
    # Warnings tell of the rows that come first.
    found, wanted = (dataclasses.replace(each.quality, warnings=()) for each in (facts, expected))
    assert found == wanted


# --- Client ids --------------------------------------------------------------------------------

LIMITS = {
    pl.Int8: [-128, -1, 0, 127],
    pl.Int16: [-32768, -1, 0, 32767],
    pl.Int32: [-(2**31), -1, 0, 2**31 - 1],
    pl.Int64: [-(2**63), -(2**53) - 1, -(2**53), -1, 0, 2**53, 2**53 + 1, 2**63 - 1],
    pl.UInt8: [0, 1, 255],
    pl.UInt16: [0, 1, 65535],
    pl.UInt32: [0, 1, 2**32 - 1],
    pl.UInt64: [0, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1],
}


def clients_out(ids: pl.Series) -> pl.Series:
    """Who comes out where each id bought three times, in an order that is not theirs."""
    thrice = pl.concat([ids.reverse(), ids, ids.reverse()], rechunk=False)
    frame = pl.DataFrame({"client_id": thrice}).with_columns(
        date=pl.lit(date(2026, 3, 1)), amount=pl.lit(1.5)
    )
    facts = grc.facts(frame, as_of=AS_OF, facts=["total"]).frame
    assert facts["total"].to_list() == [4.5] * facts.height
    return facts["client_id"]


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
def test_integer_ids_keep_their_value_over_the_full_range(dtype: Any) -> None:
    ids = pl.Series(LIMITS[dtype], dtype=dtype)

    out = clients_out(ids)

    assert out.to_list() == LIMITS[dtype]
    assert out.dtype.is_integer()


TEXTS = [
    "\0",
    "\0\0",
    "0",
    "00",
    "00123",
    "0123",
    "123",
    "a",
    "a\0",
    "a\0b",
    "abc\0defghijk",
    "abcdefghijk",
    "abcdefghijkl",
    "abcdefghijklm",
    "abcdefghijklmnopqrstuvwxyz0",
    "abcdefghijklmnopqrstuvwxyz1",
    "abcdefghijkl\0",
    "Émile",
    "émile",
    "zoé",
    "ﬀ",
    "客户",
    "客户" * 9,
    "😀",
]


@pytest.mark.parametrize(
    "kind", ["string", "categorical", "enum", "chunks of categoricals", "sliced", "single chunk"]
)
def test_text_ids_come_out_by_their_utf8_bytes(kind: str) -> None:
    ids = text_ids(kind)

    out = clients_out(ids)

    assert out.dtype == pl.String
    assert out.to_list() == sorted(TEXTS, key=str.encode)


def text_ids(kind: str) -> pl.Series:
    """The texts, each once, in one of the ways in which a column may hold them."""
    ids = pl.Series(TEXTS)
    if kind == "categorical":
        return ids.cast(pl.Categorical)
    if kind == "enum":
        return ids.cast(pl.Enum(TEXTS[::-1]))
    if kind == "chunks of categoricals":
        parts = [ids[:7], ids[7:20].reverse(), ids[20:]]
        return pl.concat([part.cast(pl.Categorical) for part in parts], rechunk=False)
    if kind == "sliced":
        return pl.concat([pl.Series(["padding", "more padding than that"]), ids]).slice(2)
    return ids


def test_arrow_dictionaries_may_differ_from_batch_to_batch() -> None:
    import pyarrow as pa

    kinds = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema([("client_id", kinds), ("date", pa.date32()), ("amount", pa.float64())])
    batches = [
        pa.record_batch(
            [
                pa.array(ids).dictionary_encode().cast(kinds),
                pa.array([date(2026, 3, 1)] * len(ids)),
                pa.array([1.0] * len(ids)),
            ],
            schema=schema,
        )
        for ids in (["b", "a", None], ["c", "b"], ["a", "a", "d"])
    ]
    reader = pa.RecordBatchReader.from_batches(schema, batches)

    facts = grc.facts(reader, as_of=AS_OF, facts=["orders"])

    assert facts.frame.rows() == [("a", 3), ("b", 2), ("c", 1), ("d", 1)]


def test_texts_that_look_like_numbers_are_different_clients() -> None:
    out = clients_out(pl.Series(["00123", "0123", "123"]))

    assert out.to_list() == ["00123", "0123", "123"]


@pytest.mark.parametrize("dtype", [pl.Float32, pl.Float64], ids=str)
def test_whole_floats_are_integers(dtype: Any) -> None:
    ids = pl.Series([-7.0, -0.0, 3.0, 16_777_216.0], dtype=dtype)

    out = clients_out(ids)

    assert out.dtype == pl.Int64
    assert out.to_list() == [-7, 0, 3, 16_777_216]


@pytest.mark.parametrize("bound", [2.0**53, -(2.0**53)])
def test_floats_up_to_2_to_the_53_are_taken(bound: float) -> None:
    assert clients_out(pl.Series([bound])).to_list() == [int(bound)]


@pytest.mark.parametrize("bad", [1.5, 2.0**53 + 2, -(2.0**53) - 2, float("inf"), 1e300])
def test_floats_that_are_no_exact_integers_are_refused(bad: float) -> None:
    frame = sales([(1.0, date(2026, 3, 1), 1.0), (bad, date(2026, 3, 1), 1.0)])

    with pytest.raises((grc.DataError, grc.ColumnError), match="client"):
        grc.facts(frame, as_of=AS_OF)


_NUMBER = pl.col("client_id").abs()
_DIGITS = _NUMBER.cast(pl.String)


@pytest.mark.parametrize(
    "ids",
    [
        pl.format("C{}", _DIGITS.str.zfill(9)),
        pl.format("customer-{}", _DIGITS.str.zfill(11)),
        pl.format("FR-{}", _DIGITS.str.zfill(4)),
        pl.format("C{}", _DIGITS),
        _DIGITS.str.zfill(16),
        pl.format("92501234{}", _DIGITS.str.zfill(12)),
        pl.format("fidélité-{}", _DIGITS.str.zfill(20)),
        # "7", "07" and "007" are three clients.
        _DIGITS.str.pad_start(_NUMBER % 4 + 1, "0"),
        # Nearly all end in a number: some do not, are empty or long.
        pl.when(_NUMBER % 53 == 2)
        .then(pl.format("{}-bis", _DIGITS))
        .when(_NUMBER % 53 == 9)
        .then(pl.lit(""))
        .when(_NUMBER % 53 == 16)
        .then(pl.format("the client of town no. {}", _DIGITS.str.zfill(40)))
        .when(_NUMBER % 2 == 0)
        .then(pl.format("FR-{}", _DIGITS))
        .otherwise(pl.format("BE-{}", _DIGITS)),
    ],
)
@pytest.mark.parametrize("threads", [1, 3])
def test_text_ids_that_end_in_numbers_match_the_oracle(ids: pl.Expr, threads: int) -> None:
    frame = messy_sales(23).with_columns(client_id=ids)
    expected = expected_frame(lines_of(frame, order="ticket"), has_order=True)
    cuts = pl.concat([frame[:50], frame[50:51], frame[51:]], rechunk=False)

    for given_frame in (frame, cuts, frame[::-1]):
        found = grc.facts(
            given_frame, as_of=AS_OF, facts=ALL_FACTS, order="ticket", threads=threads
        ).frame
        assert found["client_id"].dtype == pl.String
        assert found.to_dicts() == expected


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("length", [4, 12, 13, 40])
def test_facts_do_not_depend_on_the_kind_of_id(seed: int, length: int) -> None:
    frame = messy_sales(seed)
    as_text = frame.with_columns(pl.col("client_id").cast(pl.String).str.pad_start(length, "x"))

    facts = grc.facts(as_text, as_of=AS_OF, facts=ALL_FACTS, order="ticket")

    assert facts.frame.to_dicts() == expected_frame(
        lines_of(as_text, order="ticket"), has_order=True
    )


@given(st.lists(st.text(max_size=15), min_size=1, max_size=40))
def test_any_text_but_the_empty_one_is_an_id(ids: list[str]) -> None:
    frame = pl.DataFrame({"client_id": ids}).with_columns(
        date=pl.lit(date(2026, 3, 1)), amount=pl.lit(1.0)
    )

    facts = grc.facts(frame, as_of=AS_OF, facts=["lines"]).frame

    counts = {text: ids.count(text) for text in ids if text}
    assert facts.rows() == sorted(counts.items(), key=lambda pair: pair[0].encode())


# --- Dates -------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize(
    "day", [date(1969, 12, 31), date(1970, 1, 1), date(2000, 2, 29), AS_OF], ids=str
)
def test_instants_of_any_unit_fall_on_their_day(unit: Any, day: date) -> None:
    last = at(f"{day} 23:59:59.999")
    frame = pl.DataFrame(
        {
            "client_id": [1, 2],
            "date": pl.Series([at(f"{day} 00:00"), last]).cast(pl.Datetime(unit)),
            "amount": [1.0, 1.0],
        }
    )

    facts = grc.facts(frame, as_of=AS_OF, facts=["last_purchase", "recency"]).frame

    assert facts["last_purchase"].to_list() == [day, day]
    assert facts["recency"].to_list() == [(AS_OF - day).days] * 2


@pytest.mark.parametrize(
    ("timezone", "day"),
    [
        ("UTC", date(2026, 3, 1)),
        ("Europe/Paris", date(2026, 3, 2)),
        ("America/New_York", date(2026, 3, 1)),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_zoned_instants_are_converted_to_the_timezone(zone: str, timezone: str, day: date) -> None:
    instant = pl.Series([at("2026-03-01 23:30")]).dt.replace_time_zone("UTC")
    frame = pl.DataFrame(
        {"client_id": [1], "date": instant.dt.convert_time_zone(zone), "amount": [1.0]}
    )

    assert one_client(frame, "last_purchase", as_of=AS_OF, timezone=timezone) == day


def test_instants_of_the_repeated_hour_keep_their_order() -> None:
    # In Paris clocks went back from 03:00 to 02:00 on 26 October 2025: 02:30, then 02:10, and
    # 02:30 a second time.
    instants = [at("2025-10-26 00:30"), at("2025-10-26 01:10"), at("2025-10-26 01:30")]
    frames = [
        pl.DataFrame(
            {
                "client_id": [1] * count,
                "date": pl.Series(instants[:count]).dt.replace_time_zone("UTC"),
                "amount": [1.0, 2.0, 4.0][:count],
            }
        )
        for count in (2, 3)
    ]

    baskets = [
        one_client(frame, "last_basket", as_of=AS_OF, timezone="Europe/Paris") for frame in frames
    ]

    assert baskets == [2.0, 4.0]


def test_returns_alone_in_a_window_leave_no_money_in_it() -> None:
    frame = sales([(1, at("2025-01-01"), 10.0), (1, at("2026-08-01"), -4.0)])

    inside = one_client(frame, "total", as_of=AS_OF, window="1y")
    ever = one_client(frame, "total", as_of=AS_OF)

    assert (inside, ever) == (0.0, 6.0)


INTEGERS = [pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64]


@pytest.mark.parametrize("sold", INTEGERS)
@pytest.mark.parametrize("based", INTEGERS)
def test_ids_of_the_base_keep_their_values_whatever_the_types(
    sold: type[pl.DataType], based: type[pl.DataType]
) -> None:
    frame = sales([(44, at("2026-01-01"), 10.0)]).with_columns(pl.col("client_id").cast(sold))
    limits = pl.select(most=based().max(), least=based().min()).row(0)
    # What both 64-bit types hold; beyond that they have no type in common.
    wide = sorted({44, 100, *(number for number in limits if 0 <= number < 2**63)})
    if sold is not pl.UInt64:
        wide = sorted({*wide, max(limits[1], -5)})
    base = pl.DataFrame({"client_id": pl.Series(wide, dtype=based)})

    found = grc.facts(frame, as_of=AS_OF, facts=["total"], clients=base).frame

    assert found["client_id"].to_list() == wide
    assert found.filter(status="scored")["client_id"].to_list() == [44]


def test_csv_ids_are_integers_only_if_every_one_is_used_or_not(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("client_id,date,amount\n12,2026-01-01,5\nA7,2026-03-01,3\n")

    types = {
        grc.facts(path, as_of=day, facts=["total"]).frame["client_id"].dtype
        for day in ("2026-02-01", "2026-04-01")
    }

    assert types == {pl.String()}


def test_conditions_and_late_days_come_before_wrong_orders_and_amounts() -> None:
    frame = sales([(1, at("2026-01-01"), 10.0), (1, at("2026-01-02"), 5.0)]).with_columns(
        o=pl.Series([1.5, 2.0]), keep=pl.Series([False, True])
    )
    late = sales([(1, at("2026-01-01"), 10.0), (1, at("2027-01-01"), 1e300)])

    kept = grc.facts(frame, as_of=AS_OF, facts=["orders"], where="keep", order="o")
    early = grc.facts(late, as_of="2026-06-01", facts=["total"])

    assert kept.frame["orders"].to_list() == [1]
    assert early.frame["total"].to_list() == [10.0]
    assert early.quality.dropped["future"] == 1


def test_clients_whom_the_base_does_not_hold_are_scored_and_counted() -> None:
    frame = sales([(1, at("2026-01-01"), 10.0), (2, at("2026-01-01"), 5.0)])
    base = pl.DataFrame({"client_id": [2, 3, 3]})

    found = grc.facts(frame, as_of=AS_OF, facts=["total"], clients=base)

    assert found.frame["client_id"].to_list() == [1, 2, 3]
    assert found.frame["status"].to_list() == ["scored", "scored", "never_bought"]
    assert found.quality.clients_outside_base == 1
    assert "1 outside the client base" in str(found.quality)


def test_local_instants_are_taken_as_they_stand() -> None:
    frame = sales([(1, at("2026-03-01 23:30"), 1.0)])

    found = one_client(frame, "last_purchase", as_of=AS_OF, timezone="Europe/Paris")

    assert found == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("texts", "days"),
    [
        (["2026-03-01", "2024-02-29"], [date(2026, 3, 1), date(2024, 2, 29)]),
        (["2026-03-01 23:59:59", "2026-03-01T00:00:00"], [date(2026, 3, 1)] * 2),
        (["2026-03-01T23:30:00Z", "2026-03-01T23:30:00+02:00"], [date(2026, 3, 1)] * 2),
        (["2026-03-01T23:30:00-05:00"], [date(2026, 3, 2)]),
        (["2026-03-01T09:00:00.123456", None], [date(2026, 3, 1)]),
    ],
)
def test_iso_texts_are_dates(texts: list[str | None], days: list[date]) -> None:
    frame = pl.DataFrame({"client_id": range(len(texts)), "date": texts, "amount": 1.0})

    facts = grc.facts(frame, as_of=AS_OF, facts=["last_purchase"])

    assert facts.frame["last_purchase"].to_list() == days
    assert drops_of(facts.quality)["date"][0] == texts.count(None)


@pytest.mark.parametrize(
    "text", ["01/03/2026", "2026-02-30", "2026-13-01", "1 March 2026", "20260301x", "2026"]
)
def test_a_date_text_that_is_not_iso_is_quoted_with_its_row(text: str) -> None:
    texts = ["2026-03-01"] * 6 + [text, "2026-03-02", text]
    frame = pl.DataFrame({"client_id": range(9), "date": texts, "amount": 1.0})

    with pytest.raises(grc.DataError) as error:
        grc.facts(frame, as_of=AS_OF)

    assert text in str(error.value)
    assert "7" in str(error.value)


# --- as_of -------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_of", [HAND_AS_OF, "2026-03-31", at("2026-03-31")])
def test_as_of_is_a_date_or_its_text(as_of: Any) -> None:
    facts = grc.facts(HAND, as_of=as_of, facts=["recency"])

    assert facts.as_of == HAND_AS_OF
    assert facts.frame["recency"].item() == 50


def test_as_of_before_every_sale_is_an_error() -> None:
    with pytest.raises(grc.DataError, match="2020-01-01"):
        grc.facts(HAND, as_of="2020-01-01")


# --- Days outside the calendar -----------------------------------------------------------------

LAST_OF_ALL = (date.max - date(1970, 1, 1)).days


def sales_on(*days: int) -> pl.DataFrame:
    """A sale of one client on each day, counted from 1970-01-01."""
    dates = pl.Series(days, dtype=pl.Int32).cast(pl.Date)
    return pl.DataFrame({"client_id": [1] * len(days), "date": dates, "amount": [1.0] * len(days)})


@pytest.mark.parametrize("windowed", [False, True])
@pytest.mark.parametrize("last", [LAST_OF_ALL, LAST_OF_ALL + 1, 5_000_000])
def test_the_day_after_the_last_day_of_the_calendar_cannot_be_as_of(
    last: int, windowed: bool
) -> None:
    requests = {"orders": ("orders", "1y" if windowed else None)}

    with pytest.raises(grc.DataError, match=r"lies outside the years 1 to 9999: .* give as_of"):
        collect_facts(sales_on(20_000, last), SalesReading(), requests, as_of=None)


@pytest.mark.parametrize("last", [LAST_OF_ALL, LAST_OF_ALL + 1, 5_000_000])
def test_a_day_beyond_the_calendar_is_later_than_as_of(last: int) -> None:
    found = grc.facts(sales_on(20_000, last), as_of=AS_OF)

    assert found.quality.dropped["future"] == 1
    assert found.quality.last_day == date(1970, 1, 1) + timedelta(days=20_000)


def test_a_first_day_before_the_calendar_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(grc.DataError, match=r"day -800,000 .* outside the years 1 to 9999: mend"):
        grc.facts(sales_on(-800_000, 20_000), as_of=AS_OF)


def test_a_last_sale_on_the_last_day_of_the_calendar_is_used() -> None:
    assert grc.facts(sales_on(LAST_OF_ALL), as_of=date.max).quality.last_day == date.max


def test_the_options_of_reading_have_one_set_of_names() -> None:
    known = {field.name for field in dataclasses.fields(SalesReading)}
    of_text = set(TextReading.__annotations__)
    assert set(Reading.__annotations__) - of_text | {"returns", "text"} == known
    assert of_text == {field.name for field in dataclasses.fields(TextOptions)}


@pytest.mark.parametrize(
    "read",
    [
        lambda sales, **options: grc.facts(sales, as_of=AS_OF, **options),
        lambda sales, **options: grc.score_rfm(sales, as_of=AS_OF, rfm=grc.RFM(), **options),
        lambda sales, **options: grc.RFM().facts(sales, as_of=AS_OF, **options),
        lambda sales, **options: grc.predict_value(sales, as_of=AS_OF, **options),
        lambda sales, **options: grc.holdout_value(sales, as_of=AS_OF, **options),
    ],
    ids=["facts", "score_rfm", "RFM.facts", "predict_value", "holdout_value"],
)
def test_a_misspelt_option_is_refused_with_the_nearest(read: Any) -> None:
    with pytest.raises(grc.OptionError, match=r"ammount.*"):
        read(pl.DataFrame(), ammount="price")
