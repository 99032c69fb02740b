"""Behaviour scores from events, against the same scores from Polars and pandas.

The rules are those that columns can say: visits, density, the winning rule of each kind and page,
`always`, `once` and `once_per_session`, half-life, caps, hits. Limits such as `every 24h` need a
look at each award before the next, which neither does without a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl

import grc_fast as grc
from grc_fast.bench.events import AS_OF, HITS, WEB, rules, simulate_events, winners
from grc_fast.bench.harness import OURS, SAME, Case, Measure, check_equal, clock
from grc_fast.bench.polars_side import Engine
from grc_fast.bench.setting import Setting, in_words

__all__ = ["cases"]

EVENTS: Final = 20_000_000
#: What pandas is given: it takes some fifteen seconds, and more than in proportion for more.
FEW_EVENTS: Final = 5_000_000
EVENTS_A_CLIENT: Final = 20
#: Bytes an event that the windows of the others take at the least: 500 with 200 k events.
MEMORY_AN_EVENT: Final = 300
PANDAS: Final = "pandas"

Others = Callable[[pl.DataFrame], Mapping[str, Callable[[], Any]]]


def cases(setting: Setting) -> list[Case]:
    """Return two cases: one against Polars, and a smaller one against pandas."""
    many, few = setting.of(EVENTS), setting.of(FEW_EVENTS)
    engines: dict[str, Engine] = {
        "Polars, in memory": "in-memory",
        "Polars, streaming": "streaming",
    }
    table = winners()

    def by_polars(events: pl.DataFrame) -> dict[str, Callable[[], Any]]:
        return {
            name: partial(polars_scores, events, table, engine) for name, engine in engines.items()
        }

    def by_pandas(events: pl.DataFrame) -> dict[str, Callable[[], Any]]:
        frame, pairs = events.to_pandas(), table.to_pandas()
        return {PANDAS: lambda: pandas_scores(frame, pairs)}

    return [
        _case(setting, many, by_polars, {SAME: tuple(engines)}),
        _case(setting, few, by_pandas, {PANDAS: (PANDAS,)}),
    ]


def _case(
    setting: Setting, events: int, others: Others, opponents: Mapping[str, tuple[str, ...]]
) -> Case:
    clients = max(events // EVENTS_A_CLIENT, 1)

    @contextmanager
    def opened() -> Iterator[Mapping[str, Measure]]:
        frame, given = simulate_events(events, clients), rules()

        def ours() -> pl.DataFrame:
            return grc.score_behaviour(frame, given, as_of=AS_OF, threads=setting.threads).scores

        ways: dict[str, Callable[[], Any]] = {OURS: ours, **others(frame)}
        check_equal(((name, pl.DataFrame(way())) for name, way in ways.items()), _are_equal)
        yield {name: clock(way) for name, way in ways.items()}

    name = f"behaviour scores, {in_words(events)} events, {in_words(clients)} clients"
    return Case("behaviour", name, opened, opponents, memory=events * MEMORY_AN_EVENT)


def _are_equal(ours: pl.DataFrame, theirs: pl.DataFrame) -> bool:
    """Compare; sums of points may differ in the last digits, as they are added in another order."""
    expected = ours.select(theirs.columns)
    found = theirs.cast(expected.schema)
    near = np.allclose(expected["score"], found["score"], rtol=1e-9, atol=1e-9)
    return near and found.drop("score").equals(expected.drop("score"))


def polars_scores(events: pl.DataFrame, table: pl.DataFrame, engine: Engine) -> pl.DataFrame:
    """Score by Polars: one sort, windows over clients and visits, one join."""
    as_of = pl.lit(AS_OF).str.to_datetime(time_unit="us")
    web = pl.col("kind").is_in(WEB)
    end = pl.when(web).then(
        pl.col("timestamp").cast(pl.Int64) + (pl.col("dwell") * 1e6).cast(pl.Int64)
    )
    before = end.cum_max().forward_fill().shift(1).over("client_id")
    begins = web & (
        before.is_null() | (pl.col("timestamp").cast(pl.Int64) - before >= 1_800_000_000)
    ).fill_null(value=True)
    visits = (
        events.lazy()
        .sort("client_id", "timestamp")
        .with_columns(web=web, begins=begins)
        .with_columns(visit=pl.when("web").then(pl.col("begins").cum_sum()))
        .with_columns(
            passed=~pl.col("web")
            | (
                (pl.col("dwell").sum().over("visit") >= 30)
                & (pl.col("clicks").sum().over("visit") >= 2)
            )
        )
    )
    joined = visits.join(
        table.lazy(), on=["kind", "page"], how="inner", maintain_order="left"
    ).with_columns(
        recent=(as_of - pl.col("timestamp")).dt.total_microseconds() < 14 * 86_400_000_000,
        day=pl.when(~pl.col("web")).then(pl.col("timestamp").dt.date()),
    )
    hits = (
        joined.filter("recent")
        .group_by("client_id")
        .agg((pl.col("category") == name).sum().cast(pl.UInt32).alias(name) for name in HITS)
    )
    allowed = joined.filter(pl.col("passed") | (pl.col("points") <= 0))
    once = pl.struct("client_id", "rule").is_first_distinct()
    session = pl.struct("client_id", "rule", "visit", "day").is_first_distinct()
    repeat = pl.col("repeat")
    age = (as_of - pl.col("timestamp")).dt.total_days()
    awards = allowed.filter(
        (repeat == "always") | ((repeat == "once") & once) | ((repeat != "once") & session)
    ).select("client_id", "group", given=pl.col("points") * 0.5 ** (age / 30))
    sums = awards.group_by("client_id").agg(
        web=pl.col("given").filter(pl.col("group") == "web").sum().clip(upper_bound=60),
        email=pl.col("given").filter(pl.col("group") == "email").sum().clip(upper_bound=20),
    )
    return (
        visits.group_by("client_id")
        .agg(
            last_event=pl.col("timestamp").last(),
            visits=pl.col("begins").sum().cast(pl.UInt32),
            dense_visits=(pl.col("begins") & pl.col("passed")).sum().cast(pl.UInt32),
        )
        .join(sums, on="client_id", how="left")
        .join(hits, on="client_id", how="left")
        .with_columns(pl.col("web", "email").fill_null(0.0), pl.col(HITS).fill_null(0))
        .select(
            "client_id",
            (pl.col("web") + pl.col("email")).clip(0, 100).alias("score"),
            "last_event",
            "visits",
            "dense_visits",
            *HITS,
        )
        .sort("client_id")
        .collect(engine=engine)
    )


def pandas_scores(events: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Score by pandas, as an analyst writes it: the same steps."""
    as_of = pd.Timestamp(AS_OF)
    rows = events.sort_values(["client_id", "timestamp"], ignore_index=True)
    rows["web"] = rows["kind"].isin(WEB)
    end = rows["timestamp"] + pd.to_timedelta(rows["dwell"], unit="s")
    micros = end.where(rows["web"]).astype("datetime64[us]")
    high = micros.groupby(rows["client_id"]).cummax().groupby(rows["client_id"]).ffill()
    before = high.groupby(rows["client_id"]).shift(1)
    quiet = before.isna() | (rows["timestamp"] - before >= pd.Timedelta("30min"))
    rows["begins"] = rows["web"] & quiet
    rows["visit"] = rows["begins"].cumsum().where(rows["web"])
    sums = rows.groupby("visit")[["dwell", "clicks"]].transform("sum")
    rows["passed"] = ~rows["web"] | ((sums["dwell"] >= 30) & (sums["clicks"] >= 2))
    joined = rows.merge(table, on=["kind", "page"], how="inner")
    joined = joined.sort_values(["client_id", "timestamp"], ignore_index=True)
    joined["day"] = joined["timestamp"].dt.floor("D").where(~joined["web"])
    recent = joined[as_of - joined["timestamp"] < pd.Timedelta("14D")]
    hits = pd.crosstab(recent["client_id"], recent["category"]).reindex(columns=HITS, fill_value=0)
    allowed = joined[joined["passed"] | (joined["points"] <= 0)]
    once = ~allowed.duplicated(["client_id", "rule"])
    session = ~allowed.duplicated(["client_id", "rule", "visit", "day"])
    repeat = allowed["repeat"]
    given = (repeat == "always") | ((repeat == "once") & once) | ((repeat != "once") & session)
    awards = allowed[given]
    age = (as_of - awards["timestamp"]).dt.days
    points = (awards["points"] * 0.5 ** (age / 30)).groupby([awards["client_id"], awards["group"]])
    groups = points.sum().unstack(fill_value=0.0)
    scores = rows.groupby("client_id").agg(
        last_event=("timestamp", "last"), visits=("begins", "sum")
    )
    scores["dense_visits"] = (rows["begins"] & rows["passed"]).groupby(rows["client_id"]).sum()
    total = groups["web"].clip(upper=60).add(groups["email"].clip(upper=20), fill_value=0)
    scores.insert(0, "score", total.reindex(scores.index, fill_value=0.0).clip(0, 100))
    return scores.join(hits).fillna(dict.fromkeys(HITS, 0)).reset_index()
