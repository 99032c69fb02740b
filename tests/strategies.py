"""Sales to test with: a seeded generator of messy sales, and Hypothesis strategies.

`lines_of` turns a table into the lines that the oracle reads, `rfm_of` turns an oracle's
spec into the package's, so that a test says once what both sides are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import numpy as np
import polars as pl
from polars.testing.parametric import column, dataframes

import grc_fast as grc
from oracle import Criterion, Line, Spec

# A month end, so that calendar windows have to clamp.
AS_OF = date(2026, 8, 31)

# Prices that make ties, amounts with more decimals than the money's scale, and every oddity.
PRICES = [
    0.0,
    -0.0,
    0.00003,
    0.05,
    4.99,
    5.0,
    5.0,
    9.99,
    9.99,
    10.0,
    20.0,
    49.9,
    1 / 3,
    0.00005,
    1.00015,
]


def messy_sales(seed: int, *, clients: int = 120, orders: int = 420) -> pl.DataFrame:
    """Seeded sales with everything that goes wrong in a real table.

    Heavy-tailed clients, ties in money, several lines and orders a day and at one instant,
    returns, clients with returns only, future rows, and in every column missing values; NaN
    and infinities among the amounts; order ids that two clients share, that lie on two dates,
    or that are missing. Rows come in random order.
    """
    rng = np.random.default_rng(seed)
    buyers = rng.choice(clients, size=orders, p=_heavy_tail(clients))
    days = rng.integers(0, 1100, size=orders)
    hours = rng.choice([0, 9, 9, 18], size=orders)
    tickets = rng.integers(0, orders // 2, size=orders)
    sizes = rng.integers(1, 5, size=orders)
    order_of_line = np.repeat(np.arange(orders), sizes)
    n = len(order_of_line)
    amount = rng.choice(PRICES, size=n) * rng.integers(1, 4, size=n)
    amount = np.where(rng.random(n) < 0.12, -amount, amount)
    late = np.where(rng.random(n) < 0.05, 1, 0)  # a line of the same ticket, a day later
    frame = pl.DataFrame(
        {
            "client_id": buyers[order_of_line] * 7 - 40,
            "day": (days[order_of_line] + late).astype(np.int32),
            "hour": hours[order_of_line],
            "amount": amount,
            "ticket": tickets[order_of_line],
            "store": rng.integers(1, 4, size=n),
            "channel": rng.choice(["web", "shop", "phone"], size=n),
        }
    )
    only_returns = pl.DataFrame(
        {
            "client_id": [9001, 9001, 9002, 9003],
            "day": [10, 400, 1090, 500],
            "hour": [9, 9, 0, 18],
            "amount": [-5.0, -9.99, -20.0, -0.05],
            "ticket": [1, 2, 3, 3],
            "store": [1, 1, 2, 3],
            "channel": ["web", "shop", "web", "phone"],
        }
    )
    frame = pl.concat([frame, only_returns], how="vertical_relaxed")
    n = frame.height
    date_column = pl.lit(AS_OF - timedelta(days=1060)).cast(pl.Datetime("us")) + pl.duration(
        days="day", hours="hour"
    )
    frame = frame.select(
        "client_id",
        date_column.alias("date"),
        "amount",
        ("T" + pl.col("ticket").cast(pl.String)).alias("ticket"),
        "store",
        "channel",
    )
    spoilt = frame.with_columns(
        _null_out(rng, n, 0.02, "client_id"),
        _null_out(rng, n, 0.02, "date"),
        _null_out(rng, n, 0.03, "amount"),
        _null_out(rng, n, 0.06, "ticket"),
        _null_out(rng, n, 0.04, "channel"),
    ).with_columns(
        pl.when(pl.Series(rng.random(n) < 0.03))
        .then(pl.Series(rng.choice([np.nan, np.inf, -np.inf], size=n)))
        .otherwise("amount")
        .alias("amount")
    )
    return spoilt[rng.permutation(n)]


def _heavy_tail(clients: int) -> Any:
    weights = 1 / np.arange(1, clients + 1)
    return weights / weights.sum()


def _null_out(rng: np.random.Generator, n: int, share: float, name: str) -> pl.Expr:
    return pl.when(pl.Series(rng.random(n) >= share)).then(name).alias(name)


def at(text: str) -> datetime:
    """An instant without a zone, as ISO text."""
    return datetime.fromisoformat(text)


def lines_of(
    frame: pl.DataFrame,
    *,
    client: str = "client_id",
    when: str = "date",
    amount: str = "amount",
    order: str | Sequence[str] | None = None,
    keep: pl.Expr | None = None,
) -> list[Line]:
    """The rows as the oracle reads them: empty text is no id, and a null condition a false one."""
    parts = [order] if isinstance(order, str) else list(order or [])
    kept = frame.select((pl.lit(True) if keep is None else keep).alias("keep"))["keep"]
    kept = kept if kept.len() == frame.height else kept.new_from_index(0, frame.height)
    return [
        Line(
            client=None if c == "" else c,
            instant=d,
            day=d.date() if isinstance(d, datetime) else d,
            amount=a,
            order=None if not parts or any(part in (None, "") for part in o) else tuple(o),
            keep=k is True,
        )
        for c, d, a, o, k in zip(
            frame[client].to_list(),
            frame[when].to_list(),
            frame[amount].to_list(),
            frame.select(parts).rows() if parts else [()] * frame.height,
            kept.to_list(),
            strict=True,
        )
    ]


def rfm_of(spec: Spec, **options: Any) -> grc.RFM:
    """The package's RFM for an oracle's spec."""
    r, f, m = spec.recency, spec.frequency, spec.monetary
    return grc.RFM(
        recency=None if r is None else grc.Recency(_list(r.bands), **_settings(r)),
        frequency=None
        if f is None
        else grc.Frequency(f.measure, bands=_list(f.bands), **_settings(f)),
        monetary=None
        if m is None
        else grc.Monetary(m.measure, bands=_list(m.bands), **_settings(m)),
        bins=spec.bins,
        ties=spec.ties,
        edges=spec.edges,
        groups=spec.groups,
        returns=spec.returns,
        **options,
    )


def _list(bands: tuple[Any, ...] | None) -> list[Any] | None:
    return None if bands is None else list(bands)


def _settings(criterion: Criterion) -> dict[str, Any]:
    return {
        "window": criterion.window,
        "bins": criterion.bins,
        "ties": criterion.ties,
        "edges": criterion.edges,
        "weight": criterion.weight,
    }


# --- Hypothesis --------------------------------------------------------------------------------

AMOUNTS = st.one_of(
    st.sampled_from([*PRICES, -5.0, -9.99, -20.0, float("nan"), float("inf"), float("-inf")]),
    st.floats(min_value=-1e6, max_value=1e6, width=32),
)
INSTANTS = st.builds(
    lambda day, hour: at("2026-08-31") - timedelta(days=day, hours=hour),
    st.one_of(st.integers(-3, 40), st.integers(0, 800)),
    st.sampled_from([0, 0, 12]),
)


def sales_frames(*, min_size: int = 1, max_size: int = 40) -> st.SearchStrategy[pl.DataFrame]:
    """Small sales tables: few clients and days, nulls in every column, several chunks."""
    return dataframes(
        [
            column("client_id", dtype=pl.Int64, strategy=st.integers(-2, 6)),
            column("date", dtype=pl.Datetime("us"), strategy=INSTANTS),
            column("amount", dtype=pl.Float64, strategy=AMOUNTS),
            column("ticket", dtype=pl.String, strategy=st.sampled_from(["", "a", "b", "é\0"])),
            column("till", dtype=pl.Int16, strategy=st.sampled_from([-1, 0, 1])),
        ],
        min_size=min_size,
        max_size=max_size,
        allow_null=True,
        allow_chunks=True,
    )


def client_frames(*, max_size: int = 40) -> st.SearchStrategy[pl.DataFrame]:
    """Client-level tables: unique ids, criteria with nulls, NaN and infinities, several chunks."""
    money = st.one_of(
        st.sampled_from([0.0, -0.0, 5.0, 9.99, float("nan"), float("inf"), float("-inf")]),
        st.floats(-1e9, 1e9),
    )
    return dataframes(
        [
            column("client_id", dtype=pl.Int64, unique=True, allow_null=False),
            column("recency", dtype=pl.Int32, strategy=st.integers(0, 800)),
            column("frequency", dtype=pl.UInt32, strategy=st.integers(0, 9)),
            column("monetary", dtype=pl.Float64, strategy=money),
        ],
        min_size=1,
        max_size=max_size,
        allow_null=True,
        allow_chunks=True,
    )


@st.composite
def slices(draw: st.DrawFn, frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows as a slice of a longer table, so that buffers have offsets."""
    before = draw(st.integers(0, 9))
    after = draw(st.integers(0, 3))
    padding = frame[[0] * max(before, after)] if frame.height else frame
    longer = pl.concat([padding.head(before), frame, padding.head(after)], rechunk=True)
    return longer.slice(before if frame.height else 0, frame.height)


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """Any RFM without thresholds in money, small enough to run on a handful of clients."""
    windows = st.sampled_from([None, None, "30d", "1mo", "2q", "1y"])
    bins = st.sampled_from([None, None, 2, 3, 10])
    weights = st.sampled_from([1, 1, 2, 0.5, 0.1])
    kinds = st.sampled_from(
        [
            (None, None),
            ("split", None),
            ("split_descending", None),
            (None, "linear"),
            (None, "r-rfm"),
        ]
    )

    def criterion(measures: Sequence[str], bands: Sequence[tuple[Any, ...]]) -> Criterion:
        ties, edges = draw(kinds)
        return Criterion(
            draw(st.sampled_from(list(measures))),
            window=draw(windows),
            weight=draw(weights),
            **draw(
                st.one_of(
                    st.builds(lambda b: {"bins": b, "ties": ties, "edges": edges}, bins),
                    st.sampled_from([{"bands": b} for b in bands]),
                )
            ),
        )

    made = {
        "recency": criterion(["recency"], [("3w", "2mo", "6mo", "1y"), ("1d",)]),
        "frequency": criterion(["orders", "lines", "active_days", "mean_gap"], [(1, 2, 5), (1.5,)]),
        "monetary": criterion(
            ["total", "mean_basket", "last_basket", "max_basket"], [(0, 10, 50), (-5, 4.99)]
        ),
    }
    left_out = draw(
        st.sampled_from([[], [], ["recency"], ["frequency"], ["frequency", "monetary"]])
    )
    return Spec(
        **{name: None if name in left_out else made[name] for name in made},
        bins=draw(st.integers(2, 7)),
        groups=draw(st.sampled_from([5, 5, 2, 9])),
        returns=draw(st.sampled_from(["net", "drop", "keep"])),
    )
