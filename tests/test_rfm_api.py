"""What RFM takes and refuses, and the shape of what it gives back."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

import grc_fast as grc
from strategies import AS_OF, messy_sales

INF = float("inf")
NAN = float("nan")


def clients(n: int = 400, seed: int = 0) -> pl.DataFrame:
    """Clients in ascending order, with ties in every column."""
    rng = np.random.default_rng(seed)
    recency = pl.Series(rng.integers(0, 800, n), dtype=pl.Int32)
    return pl.DataFrame(
        {
            "client_id": range(n),
            "first_purchase": [AS_OF - timedelta(days=int(d)) for d in recency + 200],
            "last_purchase": [AS_OF - timedelta(days=int(d)) for d in recency],
            "recency": recency,
            "frequency": pl.Series(rng.geometric(0.4, n), dtype=pl.UInt32),
            "monetary": np.round(rng.exponential(80, n), 1),
        }
    )


# --- Options -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: grc.Recency(bins=1), "recency: bins must be a whole number from 2 to 100, not 1"),
        (lambda: grc.Recency(bins=101), "not 101"),
        (lambda: grc.Recency(bins=5.0), "not 5.0"),
        (lambda: grc.Recency(bins=True), "not True"),
        (lambda: grc.Recency(ties="apart"), "recency: ties cannot be 'apart'"),
        (lambda: grc.Recency(edges="linaer"), "did you mean 'linear'"),
        (lambda: grc.Recency(ties="split", edges="linear"), "recency: ties='split'"),
        (lambda: grc.Recency("3w"), "recency: bands must be a list"),
        (lambda: grc.Recency([]), "1 to 99 thresholds, not 0"),
        (lambda: grc.Recency([21]), "recency: bands takes durations such as '90d'"),
        (lambda: grc.Recency(["3m"]), "write 3mo"),
        (lambda: grc.Recency(["72h"]), "finer than a day"),
        (lambda: grc.Recency(["0d"]), "a whole number above 0"),
        (lambda: grc.Recency(["three weeks"]), "three weeks"),
        (lambda: grc.Recency(["2w", "14d"]), "'14d' is not after '2w'"),
        (lambda: grc.Recency(["1y", "12mo"]), "'12mo' is not after '1y'"),
        (lambda: grc.Recency(["6mo", "3w"]), "'3w' is not after '6mo'"),
        (lambda: grc.Recency(["3w"], bins=2), "bins=2 has nothing to do"),
        (lambda: grc.Recency(["3w"], ties="split"), "ties='split' has nothing to do"),
        (lambda: grc.Recency(["3w"], edges="linear"), "edges='linear' has nothing to do"),
        (lambda: grc.Recency(window="3m"), "recency: window"),
        (lambda: grc.Recency(window=90), "recency: window takes durations"),
        (lambda: grc.Recency(weight=0), "recency: weight must be a number from 1e-12 to 1e+12"),
        (lambda: grc.Recency(weight=NAN), "not nan"),
        (lambda: grc.Recency(weight=INF), "not inf"),
        (lambda: grc.Recency(weight=True), "not True"),
        (lambda: grc.Recency(weight="2"), "not '2'"),
        (lambda: grc.Recency(weight=10**400), "must be a number from 1e-12 to 1e+12, not 1000"),
        (lambda: grc.Frequency("order"), "did you mean 'orders'"),
        (lambda: grc.Frequency("total"), "frequency: measure cannot be 'total'"),
        (lambda: grc.Frequency(bands=[1, 1]), "frequency: bands must rise, but 1 is not after 1"),
        (lambda: grc.Frequency(bands=[2, 1]), "1 is not after 2"),
        (lambda: grc.Frequency(bands=[1, INF]), "must be a finite number, not inf"),
        (lambda: grc.Frequency(bands=["1"]), "must be a finite number, not '1'"),
        (lambda: grc.Frequency(bands=list(range(100))), "not 100"),
        (lambda: grc.Monetary("basket"), "did you mean"),
        (lambda: grc.Monetary(bands=[NAN]), "monetary: a threshold must be a finite number"),
        (lambda: grc.RFM(None, None, None), "keep at least one"),
        (lambda: grc.RFM(recency=["3w"]), "recency must be a Recency"),
        (lambda: grc.RFM(frequency=grc.Monetary()), "frequency must be a Frequency"),
        (lambda: grc.RFM(bins=0), "RFM: bins"),
        (lambda: grc.RFM(groups=1), "RFM: groups"),
        (lambda: grc.RFM(ties="split", edges="linear"), "RFM: ties='split'"),
        (lambda: grc.RFM(grc.Recency(edges="linear"), ties="split"), "recency: ties='split'"),
        (lambda: grc.RFM(returns="nett"), "did you mean 'net'"),
        (lambda: grc.RFM(lang="de"), "de"),
        (lambda: grc.RFM(segments="clasic"), "did you mean 'classic'"),
        (lambda: grc.RFM(segments="no/such/table.toml"), "no/such/table.toml"),
        (lambda: grc.RFM(grc.Recency(weight=10**9)), "make the weights smaller"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_refused_by_name_and_value(make: Any, words: str) -> None:
    with pytest.raises(grc.OptionError) as caught:
        make()

    assert words in str(caught.value)


def test_criteria_take_numpy_and_decimal_numbers() -> None:
    monetary = grc.Monetary(bands=[np.float64(2.5), Decimal(10), np.int64(20)], weight=np.int8(2))

    assert monetary.bands == (2.5, 10, 20)
    assert [type(value) for value in (*monetary.bands, monetary.weight)] == [float, float, int, int]


def test_specifications_are_values() -> None:
    made = [grc.RFM(grc.Recency(["3w", "2mo"]), bins=4) for _ in range(2)]

    assert made[0] == made[1]
    assert len(set(made)) == 1
    with pytest.raises(AttributeError):
        made[0].bins = 7  # type: ignore[misc]


def test_thresholds_that_change_places_at_as_of_are_refused_then() -> None:
    # In March a month back is 28 days, in August 31.
    rfm = grc.RFM(grc.Recency(["1mo", "30d"]), None, None)
    frame = clients()

    with pytest.raises(grc.OptionError, match="'1mo' is 31 days and '30d' is 30 days"):
        rfm.fit(frame, as_of="2026-08-31")
    assert rfm.fit(frame, as_of="2026-03-28").score(frame, as_of="2026-03-28").height == 400


def test_score_rfm_takes_a_specification_or_its_options() -> None:
    sales = messy_sales(1)
    rfm = grc.RFM(bins=3, lang="fr")

    by_rfm = grc.score_rfm(sales, as_of=AS_OF, rfm=rfm)
    by_options = grc.score_rfm(sales, as_of=str(AS_OF), bins=3, lang="fr")

    assert_frame_equal(by_rfm.scores, by_options.scores)
    with pytest.raises(grc.OptionError, match="bins"):
        grc.score_rfm(sales, as_of=AS_OF, rfm=rfm, bins=3)


# --- What comes out ----------------------------------------------------------------------------


def test_the_columns_of_scores_have_their_order_and_types() -> None:
    scores = grc.score_rfm(messy_sales(2), as_of=AS_OF, order="ticket").scores

    assert scores.schema == {
        "client_id": pl.Int64,
        "first_purchase": pl.Date,
        "last_purchase": pl.Date,
        "recency": pl.Int32,
        "frequency": pl.UInt32,
        "monetary": pl.Float64,
        "r": pl.UInt8,
        "f": pl.UInt8,
        "m": pl.UInt8,
        "rfm": pl.UInt32,
        "points": pl.UInt32,
        "group": pl.UInt8,
        "segment": grc.SegmentTable.named("classic").dtype(),
    }
    assert scores["client_id"].is_sorted()
    assert scores.select(pl.all().is_null().any()).row(0) == (False,) * 13


def test_other_measures_and_weights_change_the_types() -> None:
    rfm = grc.RFM(None, grc.Frequency("mean_gap", weight=0.5), grc.Monetary(bins=10))
    sales = messy_sales(3).with_columns(pl.col("amount").cast(pl.Decimal(12, 4), strict=False))

    scores = grc.score_rfm(sales, as_of=AS_OF, rfm=rfm).scores

    assert scores.schema["frequency"] == pl.Float64
    assert isinstance(scores.schema["monetary"], pl.Decimal)
    assert scores.schema["points"] == pl.Float64
    assert "rfm" not in scores.columns
    assert not {"recency", "r"} & set(scores.columns)


def test_facts_hold_what_the_criteria_need() -> None:
    rfm = grc.RFM(grc.Recency(), None, grc.Monetary("mean_basket", window="1y"))

    facts = rfm.facts(messy_sales(4), as_of=AS_OF)

    assert facts.frame.columns == [
        "client_id", "first_purchase", "last_purchase", "recency", "monetary",
    ]  # fmt: skip
    assert facts.as_of == AS_OF
    days = pl.lit(AS_OF) - pl.col("last_purchase")
    assert facts.frame.select((days.dt.total_days() == pl.col("recency")).all()).item()


def test_with_the_client_base_the_unscored_have_a_status_and_nulls() -> None:
    sales = pl.DataFrame(
        {
            "client_id": [1, 2, 3, 3, 4],
            "date": [date(2026, 8, 1), date(2026, 8, 2), date(2024, 1, 1), date(2024, 2, 1), AS_OF],
            "amount": [10.0, -5.0, 7.0, 8.0, 20.0],
        }
    )
    rfm = grc.RFM(grc.Recency(window="1y"), bins=2, groups=2)
    base = pl.DataFrame({"client_id": [1, 2, 3, 5]})

    result = rfm.score(sales, as_of=AS_OF, clients=base)

    scores = result.scores.with_columns(pl.col("status", "segment").cast(pl.String))
    assert result.scores.columns[:2] == ["client_id", "status"]
    assert scores.select("client_id", "status", "recency", "r", "points", "group").rows() == [
        (1, "scored", 30, 1, 3, 2),
        (2, "returns_only", None, None, None, None),
        (3, "out_of_window", None, None, None, None),
        (4, "scored", 0, 2, 5, 1),
        (5, "never_bought", None, None, None, None),
    ]
    unscored = scores.filter(pl.col("points").is_null())
    assert (
        unscored.select(pl.col("r", "f", "m", "rfm", "group", "segment").is_null().all()).row(0)
        == (True,) * 6
    )
    assert rfm.score(sales, as_of=AS_OF).scores["client_id"].to_list() == [1, 4]
    assert result.segments["clients"].sum() == 2


def test_without_recency_the_status_alone_says_who_is_scored() -> None:
    sales = pl.DataFrame({"client_id": [1, 2], "date": [AS_OF, AS_OF], "amount": [10.0, -5.0]})
    rfm = grc.RFM(recency=None, bins=2, groups=2)

    result = rfm.score(sales, as_of=AS_OF, clients=pl.DataFrame({"client_id": [1, 2, 3]}))

    assert result.scores["points"].is_null().to_list() == [False, True, True]
    assert result.model.clients == 1


def test_segments_sum_clients_and_whole_spend() -> None:
    sales = messy_sales(5)
    totals = grc.score_rfm(sales, as_of=AS_OF)
    rfm = grc.RFM(monetary=grc.Monetary("max_basket", window="1y"))

    result = rfm.score(sales, as_of=AS_OF)

    assert result.scores.columns == totals.scores.columns
    table = result.segments
    assert table.columns == ["segment", "clients", "share", "money", "money_share"]
    assert table["segment"].to_list() == grc.SegmentTable.named("classic").labels()
    assert table["clients"].sum() == result.scores.height
    spend = totals.scores.select("client_id", spend="monetary")
    joined = result.scores.join(spend, on="client_id").group_by("segment").agg(pl.sum("spend"))
    expected = dict(joined.with_columns(pl.col("segment").cast(pl.String)).rows())
    for segment, _, _, money, _ in table.iter_rows():
        assert money == pytest.approx(expected.get(segment, 0.0))
    assert table["share"].sum() == pytest.approx(1)
    assert table["money_share"].sum() == pytest.approx(1)


def test_segments_without_money_have_none() -> None:
    sales = messy_sales(6)

    table = grc.score_rfm(sales, as_of=AS_OF, monetary=None).segments

    assert table["clients"].sum() > 0
    assert table["money"].null_count() == table["money_share"].null_count() == table.height


def test_decimal_money_stays_exact_in_segments() -> None:
    sales = messy_sales(7).with_columns(
        pl.col("amount").fill_nan(None).clip(-1e6, 1e6).cast(pl.Decimal(20, 2))
    )

    result = grc.score_rfm(sales, as_of=AS_OF)

    assert isinstance(result.segments.schema["money"], pl.Decimal)
    assert sum(result.segments["money"], Decimal(0)) == sum(result.scores["monetary"], Decimal(0))


def test_labels_come_in_french() -> None:
    result = grc.score_rfm(messy_sales(8), as_of=AS_OF, lang="fr")

    assert result.scores["segment"].dtype == grc.SegmentTable.named("classic").dtype("fr")
    again = result.model.score(grc.RFM().facts(messy_sales(8), as_of=AS_OF), lang="en")
    assert again["segment"].dtype == grc.SegmentTable.named("classic").dtype("en")


# --- Client-level input ------------------------------------------------------------------------


def test_pandas_and_pyarrow_clients_score_as_polars_ones() -> None:
    frame = clients()
    expected = grc.RFM().fit(frame).score(frame)

    for other in (frame.to_pandas(), frame.to_arrow(), frame.lazy()):
        scores = grc.RFM().fit(other).score(other)
        scores = scores.collect() if isinstance(scores, pl.LazyFrame) else scores
        assert_frame_equal(scores, expected)


def test_clients_in_any_order_come_out_ascending() -> None:
    frame = clients()
    shuffled = frame.sample(fraction=1, shuffle=True, seed=3)

    model = grc.RFM(ties="split").fit(shuffled)

    assert model == grc.RFM(ties="split").fit(frame)
    assert_frame_equal(model.score(shuffled), model.score(frame))


@pytest.mark.parametrize(
    ("ids", "dtype"),
    [
        (["b", "a", "é", "Z"], pl.String),
        (pl.Series(["b", "a", "é", "Z"], dtype=pl.Categorical), pl.String),
        (pl.Series([2**64 - 1, 0, 7, 1], dtype=pl.UInt64), pl.UInt64),
        ([3.0, -1.0, 2.0, 0.0], pl.Int64),
    ],
)
def test_ids_of_every_kind_are_taken(ids: Any, dtype: Any) -> None:
    frame = clients(4).with_columns(client_id=pl.Series(ids))

    scores = grc.RFM(bins=2).fit(frame).score(frame)

    assert scores.schema["client_id"] == dtype
    assert scores["client_id"].is_sorted()


def test_only_the_columns_of_the_criteria_are_needed() -> None:
    frame = clients().select("client_id", "monetary")

    scores = grc.RFM(None, None, grc.Monetary()).fit(frame).score(frame)

    assert scores.columns == ["client_id", "monetary", "m", "rfm", "points", "group", "segment"]


def test_nan_is_missing_and_infinities_are_values() -> None:
    frame = pl.DataFrame(
        {
            "client_id": range(6),
            "recency": [1.0, NAN, 3.0, None, 5.0, INF],
            "monetary": [NAN, 1.0, -INF, 2.0, INF, 5.0],
        }
    )

    scores = grc.RFM(frequency=None, bins=2, groups=2).fit(frame).score(frame)

    assert scores["recency"].to_list() == [1.0, None, 3.0, None, 5.0, INF]
    assert scores["r"].to_list() == [2, None, 2, None, 1, 1]
    assert scores["monetary"].to_list() == [None, 1.0, -INF, 2.0, INF, 5.0]
    assert scores["m"].to_list() == [1, None, 1, None, 2, 1]


def test_a_status_column_of_ones_own_is_left_aside() -> None:
    frame = clients().with_columns(status=pl.lit("gold"))

    assert "status" not in grc.RFM().fit(frame).score(frame).columns


def test_dates_and_times_come_out_as_dates() -> None:
    frame = clients(10).with_columns(
        pl.col("first_purchase").cast(pl.Datetime("us")),
        last_purchase=pl.lit(AS_OF).cast(pl.Datetime("ms")) + pl.duration(hours=12),
    )

    scores = grc.RFM(bins=2).fit(frame).score(frame)

    assert scores.schema["first_purchase"] == scores.schema["last_purchase"] == pl.Date


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda f: f.drop("client_id"), grc.ColumnError, "no column 'client_id'"),
        (lambda f: f.rename({"recency": "recncy"}), grc.ColumnError, "did you mean 'recncy'"),
        (lambda f: f.with_columns(pl.col("monetary").cast(pl.String)), grc.ColumnError, "text"),
        (lambda f: f.with_columns(recency=pl.duration(days=3)), grc.ColumnError, "durations"),
        (lambda f: f.with_columns(frequency=pl.lit(value=True)), grc.ColumnError, "true/false"),
        (lambda f: f.with_columns(first_purchase=pl.lit("x")), grc.ColumnError, "dates"),
        (lambda f: f.with_columns(client_id=pl.lit(value=True)), grc.ColumnError, "client_id"),
        (lambda f: pl.concat([f, f.slice(7, 1)]), grc.DataError, "client 7 has several rows"),
        (
            lambda f: f.with_columns(pl.col("client_id").replace(3, None)),
            grc.DataError,
            "null in 1",
        ),
        (lambda f: f.with_columns(pl.col("client_id") + 0.5), grc.DataError, "0.5"),
        (lambda f: f.clear(), grc.DataError, "no client"),
        (lambda f: f.with_columns(recency=None), grc.DataError, "no client"),
    ],
)
def test_wrong_clients_are_refused(change: Any, error: Any, words: str) -> None:
    with pytest.raises(error) as caught:
        grc.RFM().fit(change(clients(20)))

    assert words in str(caught.value)


def test_a_negative_frequency_is_refused_by_client_and_value() -> None:
    frame = clients(20).with_columns(frequency=pl.col("client_id") - 3)

    with pytest.raises(grc.DataError, match="the value -3 of client 0 is out of the range"):
        grc.RFM().fit(frame).score(frame)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(grc.GrcError, match="int"):
        grc.RFM().fit(7)


def test_facts_of_another_day_are_refused() -> None:
    facts = grc.RFM().facts(messy_sales(9), as_of=AS_OF)

    with pytest.raises(grc.OptionError, match="counted from 2026-08-31"):
        grc.RFM().fit(facts, as_of="2026-09-01")
    assert grc.RFM().fit(facts, as_of=AS_OF).as_of == AS_OF


def test_the_public_names_are_all_there() -> None:
    assert sorted(grc.__all__) == sorted(name for name in grc.__all__ if hasattr(grc, name))
    assert grc.__version__.split(".")[0].isdigit()


def test_arrow_tables_need_no_conversion() -> None:
    table = pa.table({"client_id": ["a", "b"], "monetary": [1, 2]})

    scores = grc.RFM(None, None, grc.Monetary(), bins=2).fit(table).score(table)

    assert scores["m"].to_list() == [1, 2]
    assert scores.schema["monetary"] == pl.Float64


def test_pandas_gaps_are_missing_values() -> None:
    frame = pd.DataFrame({"client_id": [1, 2, 3], "recency": [5.0, None, 9.0]})

    scores = grc.RFM(grc.Recency(), None, None, bins=2).fit(frame).score(frame)

    assert scores["r"].to_list() == [2, None, 1]
