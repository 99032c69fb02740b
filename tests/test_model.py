"""Fitted models: their two forms, their file, and what they say of themselves."""

from __future__ import annotations

import copy
import json
import math
from datetime import timedelta
from decimal import Decimal
from operator import le, lt
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import grc_fast as grc
from strategies import AS_OF

INF = float("inf")
NAN = float("nan")
MONEY = grc.RFM(None, None, grc.Monetary(), groups=2)


def clients(n: int, seed: int = 0) -> pl.DataFrame:
    """Clients in ascending order, with ties in every column."""
    rng = np.random.default_rng(seed)
    recency = pl.Series(rng.integers(0, 800, n), dtype=pl.Int32)
    return pl.DataFrame(
        {
            "client_id": range(n),
            "first_purchase": [AS_OF - timedelta(days=int(d)) for d in recency + 40],
            "last_purchase": [AS_OF - timedelta(days=int(d)) for d in recency],
            "recency": recency,
            "frequency": pl.Series(rng.geometric(0.4, n), dtype=pl.UInt32),
            "monetary": np.round(rng.exponential(80, n), 1),
        }
    )


def spend(values: Any, dtype: Any = None) -> pl.DataFrame:
    """One client a value."""
    series = pl.Series("monetary", values, dtype=dtype)
    return series.to_frame().with_row_index("client_id")


def both_forms(model: grc.RFMModel, frame: pl.DataFrame, **options: Any) -> pl.DataFrame:
    """Score eagerly and lazily, and check that they agree."""
    eager = model.score(frame, **options)
    lazy = model.score(frame.lazy(), **options)
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), eager, check_exact=True)
    assert lazy.collect_schema() == eager.schema
    return eager


# --- Learning and scoring in one call ------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 7, 2_000, 99_999, 100_000])
def test_learning_and_scoring_at_once_is_one_after_the_other(n: int) -> None:
    frame = clients(n).with_columns(
        recency=pl.when(pl.int_range(pl.len()) % 9 != 8).then("recency")
    )
    spec = grc.RFM(recency=grc.Recency(bands=["1q", "200d"]), bins=4, groups=3)

    model, scores = spec.fit_score(frame, as_of=AS_OF, lang="fr", threads=2)

    alone = spec.fit(frame, as_of=AS_OF)
    assert model == alone
    expected = alone.score(frame, as_of=AS_OF, lang="fr")
    assert_frame_equal(scores, expected, check_exact=True)


def test_what_learning_refuses_is_refused_in_one_call_too() -> None:
    with pytest.raises(grc.OptionError, match="as_of"):
        grc.RFM(recency=grc.Recency(bands=["1q"])).fit_score(clients(5))
    with pytest.raises(grc.OptionError, match="threads"):
        MONEY.fit_score(clients(5), threads=0)
    with pytest.raises(grc.OptionError, match="lang"):
        MONEY.fit_score(clients(5), lang="xx")  # type: ignore[arg-type]
    with pytest.raises(grc.DataError):
        MONEY.fit_score(clients(5).clear())


# --- Two forms of one score --------------------------------------------------------------------

RFMS = {
    "default": grc.RFM(),
    "ten bins": grc.RFM(bins=10),
    "linear": grc.RFM(edges="linear"),
    "thresholds": grc.RFM(
        grc.Recency(["3w", "2mo", "1y"]), grc.Frequency(bands=[2, 3.5]), grc.Monetary(bands=[50])
    ),
    "mean gap": grc.RFM(frequency=grc.Frequency("mean_gap")),
    "fractional weights": grc.RFM(grc.Recency(weight=0.1), monetary=grc.Monetary(weight=1.7)),
    "response": grc.RFM(segments="response", groups=7),
    "no frequency": grc.RFM(frequency=None),
    "own bins": grc.RFM(grc.Recency(bins=3), grc.Frequency(bins=2), grc.Monetary(bins=12)),
}


@pytest.mark.parametrize("name", RFMS)
# More clients than cells, and fewer: they are graded by cell or by client.
@pytest.mark.parametrize("n", [3, 60, 3000])
def test_the_forms_agree(name: str, n: int) -> None:
    frame = clients(3000)
    model = RFMS[name].fit(frame, as_of=AS_OF)

    whole = both_forms(model, frame, as_of=AS_OF)

    assert_frame_equal(both_forms(model, frame.head(n), as_of=AS_OF), whole.head(n))


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([2**53, 2**53 + 1, 2**53 + 2, 2**53 + 3, -(2**63)], pl.Int64),
        ([2**64 - 1, 2**64 - 2, 2**63, 0, 1], pl.UInt64),
        ([-128, 127, 0, 1, 2], pl.Int8),
        ([0.1, 0.2, 0.3, 1e-45, 3e38], pl.Float32),
        ([-0.0, 0.0, INF, -INF, NAN, None, 5e-324], pl.Float64),
        ([Decimal("0.10"), Decimal("0.11"), Decimal("99999999.99"), None], pl.Decimal(20, 2)),
        ([None, None, 3], pl.UInt16),
    ],
)
@pytest.mark.parametrize("edges", ["inverted_cdf", "linear", "r-rfm"])
def test_the_forms_agree_on_every_number(values: list[Any], dtype: Any, edges: Any) -> None:
    frame = spend(values, dtype)
    model = grc.RFM(None, None, grc.Monetary(), bins=3, groups=2, edges=edges).fit(frame)

    scores = both_forms(model, frame)

    # The fit counted the same bands as it froze.
    assert model.bands["clients"].to_list() == [(scores["m"] == p).sum() for p in (1, 2, 3)]
    known = scores.filter(pl.col("monetary").is_not_null())["m"]
    assert known.to_list() == model_bands(model, frame)
    assert scores.filter(pl.col("monetary").is_null())["m"].to_list() == [1] * (
        scores.height - known.len()
    )


def model_bands(model: grc.RFMModel, frame: pl.DataFrame) -> list[int]:
    """Bands by Python's exact comparisons with the model's edges."""
    values = [float(v) if isinstance(v, Decimal) else v for v in frame["monetary"].drop_nulls()]
    edges, passed = model.fitted[0].edges, (le if model.fitted[0].closed == "left" else lt)
    return [1 + sum(passed(edge, v) for edge in edges) for v in values if not math.isnan(v)]


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30),
    st.lists(st.floats(allow_nan=False), min_size=1, max_size=30),
)
def test_edges_of_one_type_score_values_of_another(whole: list[int], parts: list[float]) -> None:
    for learnt, other in (
        (spend(whole, pl.Int64), spend(parts, pl.Float64)),
        (spend(parts, pl.Float64), spend(whole, pl.Int64)),
        (spend(parts, pl.Float64), spend([v % 200 for v in whole], pl.UInt8)),
    ):
        model = MONEY.fit(learnt)
        scores = both_forms(model, other)
        edges = model.fitted[0].edges
        if other["monetary"].dtype.is_integer():
            expected = [1 + sum(edge < value for edge in edges) for value in other["monetary"]]
        else:
            expected = [1 + sum(float(e) < value for e in edges) for value in other["monetary"]]
        assert scores["m"].to_list() == expected


@given(
    st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=30),
    st.lists(st.floats(-(2.0**40), 2.0**40), min_size=1, max_size=6, unique=True),
)
def test_a_threshold_belongs_to_the_band_above_whatever_its_type(
    values: list[int], bands: list[float]
) -> None:
    bands = sorted(set(bands))
    frame = spend(values, pl.Int64)
    model = grc.RFM(None, None, grc.Monetary(bands=bands), groups=2).fit(frame)

    scores = both_forms(model, frame)

    assert scores["m"].to_list() == [1 + sum(band <= value for band in bands) for value in values]


def test_unscored_clients_stay_so_in_both_forms() -> None:
    frame = clients(100).with_columns(
        pl.when(pl.col("client_id") % 3 > 0).then("recency"),
        status=pl.Series(["scored", "returns_only"] * 50).cast(
            pl.Enum(["scored", "returns_only", "never_bought", "out_of_window"])
        ),
    )
    model = grc.RFM(bins=3).fit(frame)

    scores = both_forms(model, frame)

    kept = (frame["client_id"] % 3 > 0) & (frame["client_id"] % 2 == 0)
    assert scores["points"].is_not_null().to_list() == kept.to_list()
    assert model.clients == kept.sum()
    alone = frame.filter(kept)
    assert_frame_equal(scores.filter(kept), grc.RFM(bins=3).fit(alone).score(alone))


def test_a_hundred_bins_of_three_criteria_are_scored() -> None:
    frame = clients(5000)
    model = grc.RFM(bins=100).fit(frame)

    scores = model.score(frame)

    assert "rfm" not in scores.columns
    expected = scores.select(pl.sum_horizontal(pl.col("r", "f", "m").cast(pl.UInt32)))
    assert scores["points"].to_list() == expected.to_series().to_list()


SQL_TABLE = grc.SegmentTable(
    [
        {"name": "Paris", "where": "city = 'Paris' AND points >= 9 AND monetary > 20"},
        {"name": "young", "tenure_max": 100},
        {"name": "others"},
    ],
    name="cities",
)


@pytest.mark.parametrize("n", [40, 3000])
def test_a_segment_table_reads_the_clients_own_columns(n: int) -> None:
    frame = clients(n).with_columns(
        city=pl.Series(["Paris", "Lyon", None] * n).head(n), points=pl.lit(-1)
    )
    model = grc.RFM(segments=SQL_TABLE).fit(frame)

    scores = both_forms(model, frame)

    assert "city" not in scores.columns
    paris = (frame["city"] == "Paris").fill_null(value=False) & (scores["points"] >= 9)
    paris &= scores["monetary"] > 20
    young = (AS_OF - frame["first_purchase"]).dt.total_days() <= 100
    expected = [
        "Paris" if p else "young" if y else "others" for p, y in zip(paris, young, strict=True)
    ]
    assert scores["segment"].to_list() == expected
    assert model.explain(frame, client_id=0).segment == expected[0]


def test_a_segment_table_that_reads_a_missing_column_is_refused() -> None:
    frame = clients(40)

    for form in (frame, frame.lazy()):
        with pytest.raises(grc.OptionError, match="city"):
            grc.RFM(segments=SQL_TABLE).fit(frame).score(form)


@pytest.mark.parametrize("n", [40, 3000])
def test_without_a_first_purchase_no_client_is_young(n: int) -> None:
    frame = clients(n).drop("first_purchase")
    table = grc.SegmentTable([{"name": "young", "tenure_max": 9999}, {"name": "others"}])

    scores = both_forms(grc.RFM(segments=table).fit(frame), frame)

    assert set(scores["segment"]) == {"others"}


def test_calendar_thresholds_of_a_frame_need_as_of() -> None:
    frame = clients(50)
    rfm = grc.RFM(grc.Recency(["2mo"]))

    with pytest.raises(grc.OptionError, match="say which one with as_of"):
        rfm.fit(frame)
    model = rfm.fit(frame, as_of=AS_OF)
    for form in (frame, frame.lazy()):
        with pytest.raises(grc.OptionError, match="say which one with as_of"):
            model.score(form)
    assert grc.RFM(grc.Recency(["8w"])).fit(frame).score(frame).height == 50


def test_a_split_model_compares_ids_of_its_own_kind() -> None:
    frame = clients(50)
    model = grc.RFM(ties="split").fit(frame)

    with pytest.raises(grc.ModelError, match="client ids that are numbers"):
        model.score(frame.with_columns(pl.col("client_id").cast(pl.String)))
    with pytest.raises(grc.ModelError, match="ties='split'"):
        model.score(frame.lazy())


def test_lazy_float_ids_are_refused() -> None:
    frame = clients(5).with_columns(pl.col("client_id").cast(pl.Float64))
    model = grc.RFM().fit(frame)

    with pytest.raises(grc.ColumnError, match="cast it to pl"):
        model.score(frame.lazy())


# --- What it says of itself --------------------------------------------------------------------


def test_bands_say_their_edges_and_sizes() -> None:
    frame = pl.DataFrame(
        {"client_id": range(10), "recency": range(10, 110, 10), "monetary": [1.5] * 4 + [9.0] * 6}
    )
    rfm = grc.RFM(grc.Recency(["30d", "60d"]), None, grc.Monetary(bins=2))

    bands = rfm.fit(frame).bands

    assert bands.columns == ["criterion", "band", "points", "from", "to", "clients", "share"]
    assert bands.rows() == [
        ("recency", 1, 3, None, 30.0, 2, 0.2),
        ("recency", 2, 2, 30.0, 60.0, 3, 0.3),
        ("recency", 3, 1, 60.0, None, 5, 0.5),
        ("monetary", 1, 1, None, 9.0, 10, 1.0),
        ("monetary", 2, 2, 9.0, None, 0, 0.0),
    ]


def test_merged_bands_are_warned_of_with_their_value_and_points() -> None:
    frequency = [1] * 61 + list(range(2, 41))
    frame = pl.DataFrame({"client_id": range(100), "recency": range(100), "frequency": frequency})

    model = grc.RFM(monetary=None).fit(frame)

    assert model.warnings[0].startswith(
        "frequency: 61.0 % of clients have the value 1, so bands 1 to 3 of 5 are merged into "
        "band 1: nobody has 2 or 3 points;"
    )


def test_bands_merged_at_the_top_are_warned_of_in_points_of_their_own() -> None:
    frame = pl.DataFrame({"client_id": range(10), "recency": [1, 2, 3] + [90] * 7})

    warning, _ = grc.RFM(grc.Recency(), None, None).fit(frame).warnings

    assert "70.0 % of clients have the value 90, so bands 2 to 5 of 5 are merged" in warning
    assert "nobody has 1 to 3 points" in warning


def test_fewer_clients_than_bands_are_warned_of() -> None:
    (warning,) = MONEY.fit(spend([1.0, 2.0])).warnings

    assert "2 clients are fewer than 5 bands" in warning


def test_fewer_clients_than_groups_are_warned_of() -> None:
    (warning,) = grc.RFM(None, None, grc.Monetary(), bins=2).fit(spend([1.0, 2.0])).warnings

    assert warning.startswith("group: 2 clients are fewer than 5 groups: nobody is in group 2")


def bought_long_ago(share: float, n: int = 100) -> pl.DataFrame:
    """Clients of whom a share bought long ago, and the others of late."""
    late = n - round(share * n)
    return pl.DataFrame({"client_id": range(n), "recency": [20] * late + [900] * (n - late)})


@pytest.mark.parametrize(
    ("share", "groups", "of_the_others", "of_those_long_ago"),
    [(0.77, 5, 1, 4), (0.61, 5, 1, 4), (0.6, 5, 2, 4), (0.2, 5, 3, 5), (0.77, 10, 2, 7)],
)
def test_clients_who_share_their_points_are_in_the_group_of_their_middle_rank(
    share: float, groups: int, of_the_others: int, of_those_long_ago: int
) -> None:
    frame = bought_long_ago(share)
    model = grc.RFM(grc.Recency(["52w"]), None, None, groups=groups).fit(frame)

    scores = both_forms(model, frame)

    assert dict(scores.select("points", "group").unique().rows()) == {
        1: of_those_long_ago,
        2: of_the_others,
    }
    sizes = [0] * groups
    sizes[of_the_others - 1], sizes[of_those_long_ago - 1] = round(100 - share * 100), share * 100
    assert list(model.group_sizes) == sizes
    told = model.explain(frame, client_id=99)
    assert told.group == of_those_long_ago
    assert told.group_high == 2


def test_groups_that_nobody_is_in_are_said_with_the_share_of_the_largest() -> None:
    model = grc.RFM(grc.Recency(["52w"]), None, None).fit(bought_long_ago(0.77))

    (warning,) = model.warnings
    assert warning == (
        "group: nobody is in group 2, 3 or 5 of 5: clients with equal points stay together, and "
        "77.0 % of clients are in group 4; more criteria or more bands tell them apart"
    )


@pytest.mark.parametrize("weight", [1, 0.1])
def test_a_better_score_than_any_of_the_fit_is_in_the_first_group(weight: float) -> None:
    spec = grc.RFM(None, None, grc.Monetary(bands=[10, 20, 30], weight=weight))
    model = spec.fit(spend([15.0] * 6 + [5.0] * 4))

    scores = both_forms(model, spend([5.0, 15.0, 25.0, 35.0]))

    # Ranks 1 to 6 have the middle 3.5 and ranks 7 to 10 the middle 8.5, of fifths of 2.
    assert scores["group"].to_list() == [5, 2, 1, 1]
    assert model.explain(spend([15.0]), client_id=0).group_high == 3 * weight
    assert grc.RFMModel.from_dict(model.to_dict()) == model


def test_a_group_that_no_score_can_reach_has_no_floor() -> None:
    model = grc.RFM(None, None, grc.Monetary(bands=[10])).fit(spend([15.0] * 6 + [5.0] * 4))

    assert model.group_floors == (None, 2, 2, 2)
    assert both_forms(model, spend([5.0, 15.0]))["group"].to_list() == [5, 2]
    assert "group: 2, 2 or more" in str(model.explain(spend([15.0]), client_id=0))
    assert grc.RFMModel.from_dict(json.loads(json.dumps(model.to_dict()))) == model


# --- Files of version 1 --------------------------------------------------------------------------


def as_version_1(model: grc.RFMModel) -> dict[str, Any]:
    """A model as grc_fast wrote it before groups were counted."""
    data = json.loads(json.dumps(model.to_dict()))
    data["version"] = 1
    data["fit"]["grc_fast"] = "0.1.0"
    del data["fit"]["group_sizes"]
    return data


@pytest.mark.parametrize("bins", [5, 10, 15])
def test_a_file_of_version_1_scores_as_it_did(bins: int) -> None:
    frame = clients(300)
    data = as_version_1(grc.RFM(bins=bins).fit(frame, as_of=AS_OF))
    data["group_floors"] = [12, 9, 9, 4]

    scores = both_forms(grc.RFMModel.from_dict(data), frame)

    groups = [1 + sum(points < floor for floor in (12, 9, 9, 4)) for points in scores["points"]]
    assert scores["group"].to_list() == groups
    fives = {p: -(-5 * p // bins) for p in range(1, bins + 1)}
    table = grc.SegmentTable.named("classic")
    tenure = pl.col("tenure")
    codes = scores.select(*(pl.col(letter).replace(fives) for letter in "rfm")).with_columns(
        tenure=(pl.lit(AS_OF) - scores["first_purchase"]).dt.total_days()
    )
    expected = codes.select(table.expr(pl.col("r"), pl.col("f"), pl.col("m"), tenure=tenure))
    assert scores["segment"].to_list() == expected["segment"].to_list()
    assert grc.RFMModel.from_dict(data).group_sizes == ()


@pytest.mark.parametrize(
    ("rfm", "what"),
    [
        (grc.RFM(bins=3), "the 3 bands of recency"),
        (grc.RFM(monetary=grc.Monetary(bands=[5])), "the 2 bands of monetary"),
        (grc.RFM(groups=4, segments="response"), "the 4 bands of group"),
    ],
)
def test_a_file_of_version_1_whose_segments_would_change_is_refused(
    rfm: grc.RFM, what: str
) -> None:
    data = as_version_1(rfm.fit(clients(300)))

    with pytest.raises(grc.ModelError) as caught:
        grc.RFMModel.from_dict(data)

    assert str(caught.value) == (
        f"the model was fitted by grc_fast 0.1.0, which put {what} on the scale of segments in "
        "another way: fit the model again"
    )


def test_even_bands_need_no_warning() -> None:
    frame = clients(400)

    assert grc.RFM(ties="split").fit(frame).warnings == []
    assert grc.RFM(frequency=grc.Frequency(bands=[1000]), bins=3).fit(frame).warnings == []


def test_an_explanation_reads_in_both_languages() -> None:
    frame = clients(300)
    model = grc.RFM(grc.Recency(["3w", "6mo"], weight=2)).fit(frame, as_of=AS_OF)

    english, french = (
        str(model.explain(frame, client_id=17, as_of=AS_OF, lang=lang)) for lang in ("en", "fr")
    )

    assert english.startswith("client 17, 2026-08-31\n  recency (days): ")
    assert "points " in english
    assert " × 2 = " in english
    assert "récence (jours) : " in french
    assert len(english.splitlines()) == len(french.splitlines())


def test_an_id_may_be_explained_as_text() -> None:
    frame = clients(30)
    model = grc.RFM().fit(frame)

    assert model.explain(frame, client_id="7") == model.explain(frame, client_id=7)
    for unknown in ("seven", 1000, "1000"):
        with pytest.raises(grc.DataError, match="there is no client"):
            model.explain(frame, client_id=unknown)


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt8, pl.Float64, pl.String], ids=str)
def test_an_id_that_is_no_client_is_unknown(dtype: Any) -> None:
    frame = clients(30).with_columns(pl.col("client_id").cast(pl.Int64).cast(dtype))
    model = grc.RFM().fit(frame)

    seventh = model.explain(frame, client_id="7")
    assert model.explain(frame, client_id=np.int64(7)) == seventh
    assert model.explain(frame, client_id=7.0) == seventh
    for unknown in (1.7, "1.7", None, INF, NAN, True, 10**30, -(10**30), [7], Decimal("1.5")):
        with pytest.raises(grc.DataError, match="there is no client"):
            model.explain(frame, client_id=unknown)


def test_the_greatest_id_may_be_explained() -> None:
    ids = pl.Series([2**64 - 1, 2**63, 1], dtype=pl.UInt64)
    frame = clients(3).with_columns(client_id=ids)

    told = grc.RFM().fit(frame).explain(frame, client_id=str(2**64 - 1))

    assert told.client_id == 2**64 - 1


@pytest.mark.parametrize("threads", [0, 1025, True, 1.5])
def test_threads_out_of_range_are_refused(threads: Any) -> None:
    frame = clients(30)
    model = grc.RFM().fit(frame, threads=2)

    for call, data in ((grc.RFM().fit, frame), (model.score, frame), (model.score, frame.lazy())):
        with pytest.raises(grc.OptionError, match=f"1 to 1024, .* not {threads!r}"):
            call(data, threads=threads)


def test_a_client_without_recency_is_explained_as_unscored() -> None:
    frame = clients(30).with_columns(pl.when(pl.col("client_id") != 4).then("recency"))

    told = grc.RFM().fit(frame).explain(frame, client_id=4)

    assert not told.scored
    assert told.reason == "recency: unknown"
    assert told.frame.height == 0
    assert json.loads(json.dumps(told.to_dict()))["criteria"] == []


NEWER = (
    "was written by a newer grc_fast (format version 3; this one reads up to 2): upgrade with "
    "pip install -U grc-fast"
)

# --- The file ----------------------------------------------------------------------------------


def saved(tmp_path: Path, change: Any = None) -> Path:
    """A model's file, changed in place by `change`."""
    rfm = grc.RFM(ties="split", monetary=grc.Monetary(ties="together"), groups=3)
    data = rfm.fit(clients(60)).to_dict()
    data = json.loads(json.dumps(data))
    if change is not None:
        change(data)
    path = tmp_path / "rfm.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_the_file_is_plain_json_with_its_format_and_counts(tmp_path: Path) -> None:
    path = tmp_path / "rfm.json"
    grc.RFM().fit(clients(60), as_of=AS_OF).save(path)

    data = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)

    assert (data["format"], data["version"]) == ("grc_fast.rfm", 2)
    assert data["fit"]["clients"] == 60
    assert data["fit"]["as_of"] == "2026-08-31"
    assert data["fit"]["grc_fast"] == grc.__version__
    assert sum(data["fit"]["band_sizes"]["monetary"]) == 60
    assert all(isinstance(edge, int) for edge in data["bands"]["recency"]["edges"])
    assert data["segments"]["name"] == "classic"


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=40), st.sampled_from([2, 5, 40]))
def test_floats_come_back_to_the_bit(values: list[float], bins: int) -> None:
    rfm = grc.RFM(None, None, grc.Monetary(weight=0.1), bins=bins, groups=2)
    model = rfm.fit(spend(values, pl.Float64))

    loaded = grc.RFMModel.from_dict(json.loads(json.dumps(model.to_dict(), allow_nan=False)))

    assert loaded == model
    assert loaded.warnings == model.warnings
    assert_frame_equal(loaded.bands, model.bands)


@pytest.mark.parametrize("ids", [[2**64 - 1, 5, 9, 1], ["é", "a", "b", '"']])
def test_the_ids_of_split_edges_come_back(ids: list[Any], tmp_path: Path) -> None:
    dtype = pl.UInt64 if isinstance(ids[0], int) else pl.String
    frame = spend([7.0] * 4).with_columns(client_id=pl.Series(ids, dtype=dtype))
    model = grc.RFM(None, None, grc.Monetary(), bins=2, ties="split", groups=2).fit(frame)
    model.save(tmp_path / "m.json")

    loaded = grc.RFMModel.load(tmp_path / "m.json")

    assert loaded == model
    assert loaded.score(frame)["m"].to_list() == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(version=3), NEWER),
        (lambda d: d.update(version="1"), '"version" is "1"'),
        (lambda d: d.update(format="other"), '"format" is not "grc_fast.rfm"'),
        (lambda d: d.pop("format"), '"format" is not'),
        (lambda d: d.pop("spec"), "no key 'spec'"),
        (lambda d: d.update(extra=1), "unknown key 'extra'"),
        (lambda d: d["spec"].pop("bins"), "spec has no key 'bins'"),
        (lambda d: d["spec"].update(bins=1000), "bins"),
        (lambda d: d["spec"]["recency"].update(windw="1y"), "unknown key 'windw'; did you"),
        (lambda d: d["spec"]["recency"].update(window="1m"), "window"),
        (lambda d: d["spec"].update(recency=None), "unknown key 'recency'"),
        (lambda d: d["bands"].pop("recency"), "bands has no key 'recency'"),
        (lambda d: d["bands"]["monetary"].update(kind="split"), "does not go with spec"),
        (lambda d: d["bands"]["monetary"]["edges"].reverse(), "must be ascending"),
        (lambda d: d["bands"]["monetary"]["edges"].pop(), "3 edges for 5 bands"),
        (lambda d: d["bands"]["monetary"]["edges"].__setitem__(0, "x"), "must be a number"),
        (lambda d: d["bands"]["monetary"]["edges"].__setitem__(0, None), "must be a number"),
        (lambda d: d["bands"]["recency"]["pairs"].reverse(), "must be ascending"),
        (lambda d: d["bands"]["recency"]["pairs"].append([9e9, 1]), "5 edges for 5 bands"),
        (lambda d: d["bands"]["recency"]["pairs"].__setitem__(0, [1, 1.5]), "client id"),
        (lambda d: d["bands"]["recency"]["pairs"][0].__setitem__(1, "a"), "mixes"),
        (lambda d: d["group_floors"].pop(), "1 scores for 3 groups"),
        (lambda d: d["group_floors"].reverse(), "must go down"),
        (lambda d: d["group_floors"].__setitem__(1, None), "a null comes after a score"),
        (lambda d: d["fit"]["group_sizes"].pop(), "2 sizes for 3 groups"),
        (lambda d: d["fit"].update(group_sizes=[60, 0, 1]), "group_sizes add up to 61 clients"),
        (lambda d: d["fit"].pop("group_sizes"), "fit has no key 'group_sizes'"),
        (lambda d: d.update(segments={"segment": []}), "segments"),
        (lambda d: d.update(segments=None), "segments"),
        (lambda d: d["fit"].update(clients=-1), "fit.clients"),
        (lambda d: d["fit"].update(clients=0), "fit.clients must be a whole number from 1, not 0"),
        (lambda d: d["fit"].update(clients=61), "add up to 60 clients, and fit.clients is 61"),
        (lambda d: d["fit"]["band_sizes"]["monetary"].__setitem__(0, 99), "of monetary add up to"),
        (lambda d: d["group_floors"].__setitem__(0, 9e9), "must be whole scores from 0"),
        (lambda d: d["group_floors"].__setitem__(0, 14.5), "not 14.5"),
        (lambda d: d["group_floors"].__setitem__(0, "inf"), 'not "inf"'),
        (lambda d: d["group_floors"].__setitem__(1, -1), "not -1"),
        (lambda d: d["fit"].update(as_of="soon"), "fit.as_of"),
        (lambda d: d["fit"]["band_sizes"]["recency"].pop(), "4 sizes for 5 bands"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused(change: Any, words: str, tmp_path: Path) -> None:
    path = saved(tmp_path, change)

    with pytest.raises(grc.ModelError) as caught:
        grc.RFMModel.load(path)

    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_group_floors_that_differ_are_needed_to_tell_their_order(tmp_path: Path) -> None:
    data = json.loads(saved(tmp_path).read_text(encoding="utf-8"))

    # Otherwise the test above could not see them reversed.
    assert data["group_floors"] != data["group_floors"][::-1]


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"x"', "\ufeff{}", "[" * 100_000])
def test_what_is_no_model_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "rfm.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(grc.ModelError, match="not an RFM model"):
        grc.RFMModel.load(path)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")

    for name in ("missing.json", "binary.json", "."):
        with pytest.raises(grc.ModelError):
            grc.RFMModel.load(tmp_path / name)


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: Any) -> None:
    path = saved(tmp_path)
    before = path.read_bytes()
    model = grc.RFMModel.load(path)
    monkeypatch.setattr(Path, "write_text", broken)

    with pytest.raises(grc.OutputError, match="disk"):
        model.save(path)

    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["rfm.json"]


def broken(*_: Any, **__: Any) -> None:
    raise OSError("the disk is full")


def test_a_model_of_a_table_from_a_file_needs_the_file_no_more(tmp_path: Path) -> None:
    table = tmp_path / "own.toml"
    table.write_text('[[segment]]\nname = "all"\n', encoding="utf-8")
    frame = clients(30)
    model = grc.RFM(segments=table).fit(frame)
    model.save(tmp_path / "m.json")
    table.unlink()

    scores = grc.RFMModel.load(tmp_path / "m.json").score(frame)

    assert set(scores["segment"]) == {"all"}


def test_a_dictionary_is_not_changed_by_reading_it() -> None:
    data = grc.RFM().fit(clients(30)).to_dict()
    before = copy.deepcopy(data)

    grc.RFMModel.from_dict(MappingProxyType(data))

    assert data == before
