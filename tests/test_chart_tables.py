"""The small tables behind charts, against sums that are worked out client by client."""

from __future__ import annotations

import math
import re
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import grc_fast as grc
from grc_fast.report.charts.chart import svg
from grc_fast.report.charts.segments import segments_chart
from grc_fast.report.choice import ALL
from grc_fast.rfm.chart_tables import ChartTables
from grc_fast.rfm.charts import thresholds_of
from grc_fast.rfm.segment_sums import segment_sums

AMOUNTS = st.one_of(
    st.integers(-5, 30).map(lambda units: units / 4),
    st.integers(0, 10**9).map(lambda cents: cents / 100),
)
CLIENTS = st.lists(st.tuples(st.integers(0, 900), st.integers(1, 40), AMOUNTS), min_size=1)


def tables_of(clients, kind=pl.Float64, **options):
    """Score clients of recency, frequency and money, and return their chart tables."""
    frame = pl.DataFrame(
        {
            "client_id": range(len(clients)),
            "recency": [recency for recency, _, _ in clients],
            "frequency": [frequency for _, frequency, _ in clients],
            "monetary": [money for _, _, money in clients],
        }
    ).with_columns(pl.col("monetary").cast(kind))
    model, scores = grc.RFM(**options).fit_score(frame)
    money = scores["monetary"]
    segments = segment_sums(scores, money, 2)
    return ChartTables(scores, segments, model, money, 2, "en")


def sums_by(rows, key, value):
    """Add up a value of rows by a key."""
    sums = {}
    for row in rows:
        sums[key(row)] = sums.get(key(row), 0) + value(row)
    return sums


@given(CLIENTS)
def test_cells_add_up_the_clients_and_the_money_of_each_pair_of_points(clients):
    tables = tables_of(clients)
    rows = tables.scores.to_dicts()
    places = {label: place for place, label in enumerate(tables.labels)}

    def cell(row):
        return places[row["segment"]], row["r"], row["f"]

    found = {row[:3]: row[3:] for row in tables.cells.iter_rows()}
    counts = sums_by(rows, cell, lambda row: 1)
    cents = sums_by(rows, cell, lambda row: Decimal(str(row["monetary"])))
    assert {key: clients for key, (clients, _) in found.items()} == counts
    assert {key: money for key, (_, money) in found.items()} == {
        key: float(sum_of) for key, sum_of in cents.items()
    }


@given(CLIENTS)
def test_bars_hold_every_client_between_their_ends(clients):
    tables = tables_of(clients)
    for name in tables.measures:
        bars = tables.bars[name]
        assert bars["clients"].sum() == len(clients)
        assert bars["start"].n_unique() <= 42
        closed = (
            bars.filter(~pl.any_horizontal("below", "beyond"))
            .group_by("start", "end")
            .agg(pl.sum("clients"))
        )
        values = tables.scores[name].to_list()
        for start, end, count in closed.iter_rows():
            assert sum(start <= value < end for value in values) == count


@given(CLIENTS)
def test_the_curve_is_that_of_amounts_in_order(clients):
    tables = tables_of(clients)
    amounts = sorted(Decimal(str(money)) for _, _, money in clients)
    whole = sum(amounts)
    if whole <= 0:
        assert tables.curve is None
        return
    curve = tables.curve.filter(pl.col("segment") == ALL)
    assert curve.row(0) == (ALL, 0.0, 0.0)
    assert curve.row(-1) == (ALL, 1.0, 1.0)
    for _, share, money in curve.iter_rows():
        lowest = amounts[: round(share * len(amounts))]
        assert math.isclose(money, float(sum(lowest) / whole), abs_tol=1e-9)


@pytest.mark.parametrize("kind", [pl.Float64, pl.Int64, pl.Decimal(12, 2)])
def test_money_of_every_type_makes_the_same_tables(kind):
    clients = [(3 * place, 1 + place % 7, 10 * place) for place in range(200)]
    tables = tables_of(clients, kind)
    assert tables.cells.equals(tables_of(clients).cells)
    assert tables.curve.equals(tables_of(clients).curve)
    assert tables.bars["monetary"].equals(tables_of(clients).bars["monetary"])


def test_amounts_beyond_what_is_packed_into_one_number_make_the_same_tables():
    few = [(3 * place, 1 + place % 7, place - 20) for place in range(200)]
    many = [(recency, frequency, money << 54) for recency, frequency, money in few]
    tables, large = (tables_of(clients, pl.Int64) for clients in (few, many))
    assert large.curve.equals(tables.curve)
    assert large.bars["monetary"]["clients"].sum() == len(few)
    assert large.bars["recency"].equals(tables.bars["recency"])


def test_the_profile_says_the_means_of_each_segment():
    clients = [(3 * place, 1 + place % 7, 10.0 * place) for place in range(200)]
    tables = tables_of(clients)
    for row in tables.profile.filter(pl.col("clients") > 0).iter_rows(named=True):
        scores = tables.scores.filter(pl.col("segment") == row["segment"])
        assert row["recency"] == pytest.approx(scores["recency"].mean())
        assert row["frequency"] == pytest.approx(scores["frequency"].mean())
        orders = scores["frequency"].sum()
        assert row["basket"] == pytest.approx(scores["monetary"].sum() / orders)


def test_an_endless_value_is_counted_in_the_last_bar():
    clients = pl.DataFrame({"client_id": [1, 2, 3], "monetary": [1.0, 2.0, math.inf]})
    spec = grc.RFM(None, None, grc.Monetary(), bins=2, groups=2)
    model, scores = spec.fit_score(clients)
    segments = segment_sums(scores, None, 0)
    bars = ChartTables(scores, segments, model, None, 0, "en").bars["monetary"]
    assert bars["clients"].sum() == 3
    assert bars.filter("beyond")["end"].unique().to_list() == [3.0]


@pytest.mark.parametrize(("frequency", "drawn"), [(None, [2.0]), (grc.Frequency(bands=[2]), [2.0])])
def test_a_threshold_is_drawn_between_the_bars_that_it_parts(frequency, drawn):
    clients = [(10, 1, 1.0)] * 5 + [(10, 2, 1.0), (10, 3, 1.0), (10, 4, 1.0)]
    tables = tables_of(clients, frequency=frequency or grc.Frequency(), bins=2)
    bands = tables.model.bands.filter(criterion="frequency")
    assert bands["clients"].to_list() == [5, 3]
    assert thresholds_of(tables, "frequency") == drawn


def test_points_of_many_bands_are_shown_by_fifths():
    clients = [(3 * place, 1 + place, 10.0 * place) for place in range(200)]
    cells = tables_of(clients, bins=50).cells
    assert sorted(set(cells["r"])) == [1, 2, 3, 4, 5]
    assert cells["clients"].sum() == 200


def test_rectangles_are_as_large_as_their_clients_and_fill_the_chart():
    segments = pl.DataFrame(
        {
            "segment": [0, 1, 2, 3],
            "label": ["a", "b", "c", "d"],
            "clients": [10, 500, 0, 90],
            "shade": [0.0, 1.0, 0.5, 0.5],
        }
    )
    places = segments_chart(segments).to_dict()["data"]["values"]
    areas = {
        row["segment"]: (row["right"] - row["left"]) * (row["bottom"] - row["top"])
        for row in places
    }
    whole = sum(areas.values())
    assert {place: round(600 * area / whole, 1) for place, area in areas.items()} == {
        1: 500.0,
        3: 90.0,
        0: 10.0,
    }


def test_plots_are_charts_that_vega_draws_in_the_language_of_the_scores():
    sales = grc.simulate_sales(3_000, 300, seed=2)
    plot = grc.score_rfm(sales, as_of="2026-01-01", lang="fr").plot
    charts = [
        plot.segments(),
        plot.heatmap(),
        plot.heatmap("money"),
        *(plot.distribution(name) for name in ("recency", "frequency", "monetary")),
        plot.lorenz(),
    ]
    drawings = [svg(chart.to_dict()) for chart in charts]
    assert all(drawing.startswith("<svg") for drawing in drawings)
    assert len(set(drawings)) == len(charts)
    assert "note de récence" in drawings[1]
    assert re.search(r">\d+,\d\u202f%<", drawings[1])


@pytest.mark.parametrize(
    ("draw", "reason"),
    [
        (lambda plot: plot.distribution("recensy"), "did you mean 'recency'"),
        (lambda plot: plot.distribution("monetary"), "valid names are recency, frequency|did you"),
        (lambda plot: plot.heatmap("mony"), "did you mean 'money'"),
        (lambda plot: plot.heatmap("money"), "no money"),
        (lambda plot: plot.lorenz(), "no money"),
    ],
)
def test_a_plot_of_what_the_run_does_not_have_says_so(draw, reason):
    sales = grc.simulate_sales(300, 30, seed=2)
    plot = grc.score_rfm(sales, as_of="2026-01-01", monetary=None).plot
    with pytest.raises(grc.OptionError, match=reason):
        draw(plot)
