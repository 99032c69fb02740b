"""The value of clients from sales and facts: columns, gains, models as JSON, the command line."""

from __future__ import annotations

import datetime as dt
import itertools
import json

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import grc_fast as grc
from grc_fast.cli import main

AS_OF = "2025-12-31"
FACTS = ["first_purchase", "last_purchase", "active_days", "total", "first_day_total"]
HORIZONS = ("3mo", "12mo", "36mo")


@pytest.fixture(scope="module")
def sales() -> pl.DataFrame:
    return grc.simulate_sales(40_000, 3_000, seed=3)


@pytest.fixture(scope="module")
def valued(sales) -> grc.ValueResult:
    return grc.predict_value(sales, as_of=AS_OF, margin=0.25)


@pytest.fixture(scope="module")
def sales_file(sales, tmp_path_factory):
    path = tmp_path_factory.mktemp("value") / "sales.parquet"
    sales.write_parquet(path)
    return path


# What comes out


def test_columns_are_those_of_the_contract(valued):
    assert valued.values.columns == [
        "client_id",
        "p_alive",
        *(f"purchases_{h}" for h in HORIZONS),
        "basket",
        *(f"gain_{h}" for h in HORIZONS),
    ]
    assert all(dtype == pl.Float64 for dtype in valued.values.dtypes[1:])
    assert valued.values["client_id"].is_sorted()


def test_gain_is_margin_times_basket_times_purchases(valued):
    for h in HORIZONS:
        expected = 0.25 * valued.values["basket"] * valued.values[f"purchases_{h}"]
        assert valued.values[f"gain_{h}"].to_list() == pytest.approx(expected.to_list(), rel=1e-12)


def test_facts_and_sales_give_the_same_values(sales, valued):
    facts = grc.facts(sales, as_of=AS_OF, facts=FACTS)
    again = grc.predict_value(facts, margin=0.25)
    # Facts have a row for clients with returns only as well, who cannot be valued.
    assert_frame_equal(again.values.drop_nulls(), valued.values)
    assert again.model.purchases.parameters == valued.model.purchases.parameters


def test_steps_give_what_one_call_gives(sales, valued):
    facts = grc.facts(sales, as_of=AS_OF, facts=FACTS)
    model = grc.MBGNBD().fit(facts)
    alive = model.p_alive().drop_nulls()
    assert alive.equals(valued.values.select("client_id", "p_alive"))
    bought = model.predict("12mo").drop_nulls()
    assert bought.equals(valued.values.select("client_id", "purchases_12mo"))
    basket = grc.GammaGamma("all").fit(facts).expected_spend().drop_nulls()
    assert basket.equals(valued.values.select("client_id", "basket"))


def test_gains_are_positive_and_longer_horizons_bring_no_less(sales):
    for discount in (0.0, 0.1, 2.0):
        horizons = ["1d", "1w", "1mo", "6w", "3mo", "100d", "1y", "3y"]
        result = grc.predict_value(sales, as_of=AS_OF, horizons=horizons, discount=discount)
        gains = [result.values[f"gain_{h}"] for h in horizons]
        assert (gains[0] >= 0).all()
        for short, long in itertools.pairwise(gains):
            assert (long >= short).all()


def test_a_discount_is_integrated_by_the_month(sales):
    """Against the sum over months of separate predictions."""
    rate = 0.12
    result = grc.predict_value(sales, as_of=AS_OF, horizons=["6mo"], margin=1, discount=rate)
    months = [f"{month}mo" for month in range(1, 7)]
    plain = grc.predict_value(sales, as_of=AS_OF, horizons=months, margin=1)
    start = dt.date.fromisoformat(AS_OF)
    days = {1: 31, 2: 28, 3: 31, 4: 30, 5: 31, 6: 30}
    ends = [dt.date(2026, month, last) for month, last in days.items()]
    before, day, expected = 0.0, 0, 0.0
    for month, end in zip(months, ends, strict=True):
        until, last = plain.values[f"purchases_{month}"], (end - start).days
        expected = expected + (until - before) * (1 + rate) ** (-(day + last) / 2 / 365.25)
        before, day = until, last
    gain = (expected * plain.values["basket"]).to_list()
    assert result.values["gain_6mo"].to_list() == pytest.approx(gain, rel=1e-12)
    # Purchases are those to be made, whatever they are worth.
    assert result.values["purchases_6mo"].equals(plain.values["purchases_6mo"])


def test_one_time_buyers_are_valued_at_the_mean_of_all_where_repeats_alone_tell(sales):
    valued = grc.predict_value(sales, as_of=AS_OF, margin=0.25, basket="repeat")
    facts = grc.facts(sales, as_of=AS_OF, facts=FACTS).frame
    once = facts.filter(pl.col("active_days") == 1)["client_id"]
    baskets = valued.values.filter(pl.col("client_id").is_in(once.implode()))["basket"]
    assert len(once) > 10
    assert baskets.unique().to_list() == [valued.model.spend.population_mean]
    assert valued.clients_at_mean["without_repeat"] == len(once)
    assert any(f"basket of {len(once):,} clients" in note for note in valued.notes)


def test_one_time_buyers_have_a_basket_of_their_own_by_default(sales, valued):
    """Against the formula of the model, with all purchase days of a client."""
    facts = grc.facts(sales, as_of=AS_OF, facts=FACTS).frame.filter(pl.col("total") > 0)
    spend = valued.model.spend
    days, total = facts["active_days"], facts["total"]
    expected = spend.p * (spend.v + total) / (spend.p * days + spend.q - 1)
    found = facts.select("client_id").join(valued.values, on="client_id", how="left")["basket"]
    assert found.to_list() == pytest.approx(expected.to_list(), rel=1e-12)
    assert spend.basket == "all"
    assert valued.clients_at_mean["without_repeat"] == 0
    assert "baskets learn from all purchase days" in " ".join(valued.notes)


def test_a_model_of_all_days_is_the_published_one_on_one_more_purchase():
    """Days after a first one that cost nothing are days of all: one likelihood, one optimum."""
    clients = grc.simulate_clients(800, as_of=AS_OF, seed=4)
    every = grc.GammaGamma("all").fit(clients, as_of=AS_OF)
    shifted = clients.with_columns(
        active_days=pl.col("active_days") + 1,
        first_day_total=pl.lit(0.0),
        last_purchase=pl.lit(dt.date.fromisoformat(AS_OF)),
    )
    repeats = grc.GammaGamma("repeat").fit(shifted, as_of=AS_OF)
    assert every.parameters == repeats.parameters
    assert every.expected_spend().equals(repeats.expected_spend())


@pytest.mark.parametrize("basket", ["none", 3])
def test_a_basket_is_all_or_repeat(sales, basket):
    with pytest.raises(
        grc.OptionError, match=r"basket cannot be .*; the valid names are all, repeat"
    ):
        grc.predict_value(sales, as_of=AS_OF, basket=basket)


def test_money_that_is_not_positive_gets_the_mean_and_is_counted():
    clients = grc.simulate_clients(500, as_of=AS_OF, seed=2)
    first = pl.col("first_day_total")
    spoiled = pl.col("client_id") % 7 == 0
    clients = clients.with_columns(
        total=pl.when(spoiled).then(first - 5).otherwise("total"),
    )
    model = grc.GammaGamma().fit(clients, as_of=AS_OF)
    repeats = clients.filter(spoiled & (pl.col("active_days") > 1))["client_id"]
    baskets = model.expected_spend().filter(pl.col("client_id").is_in(repeats.implode()))["basket"]
    assert baskets.unique().to_list() == [model.population_mean]
    assert model.clients == clients.filter(~spoiled & (pl.col("active_days") > 1)).height


def test_a_repeat_purchase_for_nothing_is_no_tiny_spend():
    """0.1 + 0.2 − 0.3 is not 0 in floats, and a mean of 1e-17 would wreck the fit."""
    clients = grc.simulate_clients(500, as_of=AS_OF, seed=2).with_columns(
        total=pl.when(pl.col("client_id") == 1).then(0.1 + 0.2).otherwise("total"),
        first_day_total=pl.when(pl.col("client_id") == 1).then(0.3).otherwise("first_day_total"),
        active_days=pl.when(pl.col("client_id") == 1).then(2).otherwise("active_days"),
        last_purchase=pl.when(pl.col("client_id") == 1)
        .then(pl.col("first_purchase") + pl.duration(days=9))
        .otherwise("last_purchase"),
    )
    model = grc.GammaGamma().fit(clients, as_of=AS_OF)
    assert model.expected_spend()["basket"][0] == model.population_mean


def test_a_client_base_has_a_row_for_everybody(sales, valued):
    base = pl.DataFrame({"client_id": [*valued.values["client_id"].head(50), -5]})
    result = grc.predict_value(sales, as_of=AS_OF, clients=base, margin=0.25)
    never = result.values.filter(pl.col("client_id") == -5)
    assert never["status"].cast(pl.String).to_list() == ["never_bought"]
    assert all(value is None for value in never.row(0)[2:])
    rest = result.values.drop("status").drop_nulls()
    assert_frame_equal(rest, valued.values)


def test_clients_none_of_whom_has_bought_are_valued_at_nothing_known(valued):
    nobody = pl.DataFrame(
        {"client_id": [1, 2], "first_purchase": None, "last_purchase": None},
        schema_overrides=dict.fromkeys(("first_purchase", "last_purchase"), pl.Date),
    ).with_columns(active_days=0, total=0.0, first_day_total=0.0)
    result = grc.predict_value(nobody, as_of=AS_OF, model=valued.model, intervals=0.9)
    assert result.values["client_id"].to_list() == [1, 2]
    assert result.values["gain_12mo"].to_list() == [None, None]


def test_margins_of_lines_are_shares_of_each_client(sales):
    """By hand: what a client paid counts beside one mean purchase day of all."""
    lines = sales.with_columns(margin=pl.col("amount") * (pl.col("client_id") % 3 + 1) / 10)
    result = grc.predict_value(lines, as_of=AS_OF, margin="margin", horizons=["1y"])
    facts = grc.facts(sales, as_of=AS_OF, facts=["first_purchase", "total", "active_days"]).frame
    sums = lines.group_by("client_id").agg(pl.col("margin").round(4).sum()).sort("client_id")
    both = facts.join(sums, on="client_id").drop_nulls("first_purchase")
    paid = both.filter(pl.col("total") > 0)
    overall = paid["margin"].sum() / paid["total"].sum()
    day = paid["total"].sum() / paid["active_days"].sum()
    share = (both["margin"] + day * overall) / (both["total"] + day)
    share = pl.select(pl.when(both["total"] > 0).then(share.clip(0, 1)).otherwise(overall))
    expected = share.to_series() * result.values["basket"] * result.values["purchases_1y"]
    assert result.values["gain_1y"].to_list() == pytest.approx(expected.to_list(), rel=1e-9)


@pytest.mark.parametrize("returns", ["net", "drop", "keep"])
def test_one_rate_on_every_line_is_that_of_every_client(sales, returns):
    """The margin follows the amount: dropped returns take theirs with them."""
    lines = sales.with_columns(
        margin=pl.col("amount") * 0.3,
        amount=pl.when(pl.int_range(pl.len()) % 50 == 0).then(None).otherwise("amount"),
    )
    result = grc.predict_value(
        lines, as_of=AS_OF, margin="margin", returns=returns, horizons=["1y"]
    )
    plain = grc.predict_value(lines, as_of=AS_OF, margin=0.3, returns=returns, horizons=["1y"])
    gains = plain.values["gain_1y"].to_list()
    assert result.values["gain_1y"].to_list() == pytest.approx(gains, rel=1e-3)
    assert "30.00% over all" in result.notes[0]


def test_margins_may_be_sql_beside_an_amount_that_is(sales):
    lines = sales.select("client_id", "date", price=pl.col("amount") / 2, pieces=pl.lit(2))
    found = grc.predict_value(
        lines, as_of=AS_OF, amount="pieces * price", where="price > -100", returns="drop",
        margin="pieces * price * 0.2", horizons=["1y"],
    )  # fmt: skip
    plain = grc.predict_value(sales, as_of=AS_OF, margin=0.2, returns="drop", horizons=["1y"])
    gains = plain.values["gain_1y"].to_list()
    assert found.values["gain_1y"].to_list() == pytest.approx(gains, rel=1e-3)


@pytest.mark.parametrize("form", [",", ";"])
def test_margins_of_a_csv_are_read_as_its_amounts_are(sales, tmp_path, form):
    """Whole amounts for ten thousand lines, then cents, and an id that only has no margin."""
    whole = pl.int_range(pl.len()) < 12_000
    lines = sales.with_columns(
        amount=pl.when(whole).then(pl.col("amount").round()).otherwise("amount")
    ).with_columns(margin=pl.col("amount") * 0.3)
    odd = lines.head(1).select(pl.col("client_id").cast(pl.String), pl.exclude("client_id"))
    odd = odd.with_columns(client_id=pl.lit("X1"), margin=pl.lit(None, pl.Float64))
    lines = pl.concat([lines.with_columns(pl.col("client_id").cast(pl.String)), odd])
    texts = [
        pl.when(pl.col(name) == pl.col(name).round())
        .then(pl.col(name).cast(pl.Int64).cast(pl.String))
        .otherwise(pl.col(name).cast(pl.String))
        .str.replace(".", "," if form == ";" else ".", literal=True)
        for name in ("amount", "margin")
    ]
    path = tmp_path / "sales.csv"
    lines.with_columns(texts).write_csv(path, separator=form)
    result = grc.predict_value(str(path), as_of=AS_OF, margin="margin", horizons=["1y"])
    known = grc.predict_value(lines, as_of=AS_OF, margin="margin", horizons=["1y"])
    assert_frame_equal(result.values, known.values)
    assert "lines without a margin, which count as 0: 1" in result.notes


def test_no_client_has_a_share_of_margin_beyond_0_and_1(sales):
    """Returns that leave next to no money would make next to any share of the margin kept."""
    totals = sales.group_by("client_id").agg(pl.col("amount").sum()).sort("amount", "client_id")
    client = totals["client_id"][len(totals) // 2]
    own = sales.filter(pl.col("client_id") == client)
    back = own.head(1).with_columns(
        date=own["date"].max(), amount=0.01 - own["amount"].sum(), margin=-5.0
    )
    lines = pl.concat([sales.with_columns(margin=pl.col("amount") * 0.3), back])
    result = grc.predict_value(lines, as_of=AS_OF, margin="margin", horizons=["1y"])
    row = result.values.row(by_predicate=pl.col("client_id") == client, named=True)
    assert 0 < row["gain_1y"] <= row["basket"] * row["purchases_1y"]
    assert (result.values["gain_1y"] >= 0).all()
    assert any("brought back to 0 or 1: 1" in note for note in result.notes)


def test_lines_without_a_margin_are_counted(sales):
    lines = sales.with_columns(
        margin=pl.when(pl.int_range(pl.len()) < 17).then(None).otherwise(pl.col("amount") * 0.3)
    )
    for returns in ("net", "drop", "keep"):
        lost = lines.head(17).filter(pl.lit(returns != "drop") | (pl.col("amount") >= 0)).height
        result = grc.predict_value(lines, as_of=AS_OF, margin="margin", returns=returns)
        assert f"lines without a margin, which count as 0: {lost}" in result.notes


def test_a_shop_of_one_price_has_it_as_the_basket_of_all(sales):
    priced = sales.with_columns(amount=pl.lit(10.0))
    result = grc.predict_value(priced, as_of=AS_OF)
    bought = result.values.drop_nulls("basket")
    # Hardly any client bought more than one thing on a day.
    assert result.model.spend.one_price
    price = result.model.spend.population_mean
    assert bought["basket"].to_list() == pytest.approx([price] * bought.height, rel=1e-4)
    assert (bought["gain_12mo"] > 0).all()


def test_a_margin_that_is_no_column_is_named_as_it_was_given(sales):
    with pytest.raises(grc.ColumnError, match="has no column 'profit'") as caught:
        grc.predict_value(sales, as_of=AS_OF, margin="profit")
    assert "CASE" not in str(caught.value)


@pytest.mark.parametrize(
    "rates",
    [pl.lit(0.3), 0.2 + pl.col("client_id") % 3 / 10, 0.1 + pl.col("order_id") % 5 / 10],
)
def test_rates_of_lines_are_not_taken_for_money(sales, rates):
    lines = sales.with_columns(margin=rates)
    with pytest.raises(grc.DataError, match=r"looks like a rate, .* such as 'amount \* margin'"):
        grc.predict_value(lines, as_of=AS_OF, margin="margin")
    given = grc.predict_value(lines, as_of=AS_OF, margin="amount * margin")
    assert given.notes[0].startswith("gain at a margin by client")


@pytest.mark.parametrize("scale", [1, 0.1, 0.01])
@pytest.mark.parametrize("share", [pl.lit(0.3), pl.lit(0.01), pl.col("client_id") % 7 / 10])
def test_margins_in_money_are_taken_however_small(sales, scale, share):
    """Cents of margin on a few units of money are within 0 and 1 as rates are."""
    small = sales.with_columns(pl.col("amount") * scale)
    lines = small.with_columns(margin=pl.col("amount") * share)
    result = grc.predict_value(lines, as_of=AS_OF, margin="margin", horizons=["1y"])
    assert "over all" in result.notes[0]
    noted = any("read as money" in note for note in result.notes)
    within = lines.group_by("client_id").agg(
        pl.col("margin").sum() / pl.len(), pl.col("amount").sum()
    ).filter(pl.col("amount") > 0)["margin"].max() <= 1  # fmt: skip
    assert noted == (within and lines["amount"].mean() > 1)


@pytest.mark.parametrize("margin", ["0,3", " 0.3"])
def test_a_rate_as_text_is_told_how_it_is_written(sales, margin):
    with pytest.raises(grc.OptionError, match=r"margin is the text .* write the number 0\.3 for"):
        grc.predict_value(sales, as_of=AS_OF, margin=margin)


def test_what_is_wrong_with_a_margin_is_said_of_the_margin(sales):
    for margin, why in (
        ("profit", "no column 'profit' for the role margin"),
        ("profit * 2", "no column 'profit' for the role margin"),
        ("'a'", "the margin .* gives text"),
        ("amount +", "the margin 'amount \\+' is neither a column nor SQL"),
        ("tag", "the margin column 'tag' of the frame holds text"),
    ):
        with pytest.raises(grc.GrcError, match=why):
            grc.predict_value(sales.with_columns(tag=pl.lit("a")), as_of=AS_OF, margin=margin)


def test_margins_that_are_no_part_of_the_money_are_refused(sales):
    for factor, share in ((100, "100"), (-0.1, "-0.1")):
        lines = sales.with_columns(margin=pl.col("amount") * factor)
        with pytest.raises(grc.DataError, match=f"a share of {share} where 0 to 1 is one"):
            grc.predict_value(lines, as_of=AS_OF, margin="margin")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (30.0, "has 30, and a share is a number from 0 to 1"),
        (-0.5, "has -0.5, and a share"),
        (float("nan"), "has nan, and a share"),
        (None, "has nulls"),
        ("x", "rates are numbers"),
    ],
)
def test_shares_of_facts_are_checked(sales, wrong, why):
    facts = grc.facts(sales, as_of=AS_OF, facts=FACTS)
    frame = facts.frame.with_columns(rate=pl.lit(wrong))
    if wrong is None:
        frame = frame.with_columns(pl.col("rate").cast(pl.Float64))
    with pytest.raises(grc.ColumnError, match=why):
        grc.predict_value(grc.Facts(frame, facts.quality, facts.as_of), margin="rate")


def test_facts_come_back_from_pandas(sales, valued):
    facts = grc.facts(sales, as_of=AS_OF, facts=FACTS)
    pandas = facts.frame.to_pandas()
    for model in (grc.MBGNBD(), grc.GammaGamma()):
        expected = model.fit(facts).parameters
        assert model.fit(pandas, as_of=AS_OF).parameters == expected
    noon = facts.frame.with_columns(pl.col("last_purchase").dt.combine(dt.time(12)))
    with pytest.raises(grc.ColumnError, match="where dates are needed"):
        grc.MBGNBD().fit(noon, as_of=AS_OF)
    halves = facts.frame.with_columns(pl.col("active_days") + 0.5)
    with pytest.raises(grc.ColumnError, match="where integers are needed"):
        grc.MBGNBD().fit(halves, as_of=AS_OF)


def test_a_frame_of_facts_is_valued_as_facts_are(sales, valued):
    facts = grc.facts(sales, as_of=AS_OF, facts=FACTS)
    again = grc.predict_value(facts.frame, as_of=AS_OF, margin=0.25)
    assert_frame_equal(again.values.drop_nulls(), valued.values)
    assert again.quality is None
    with pytest.raises(grc.OptionError, match="a frame does not know its day"):
        grc.predict_value(facts.frame)


@pytest.mark.parametrize(
    "kind", [pl.DataFrame.lazy, pl.DataFrame.to_pandas, pl.DataFrame.to_arrow, pl.DataFrame.clone]
)
def test_facts_are_told_from_sales_in_any_table(sales, kind):
    facts = grc.facts(sales, as_of=AS_OF, facts=FACTS)
    found = grc.predict_value(kind(facts.frame), as_of=AS_OF)
    assert found.values.equals(grc.predict_value(facts).values)
    assert found.quality is None


@pytest.mark.parametrize(
    "option",
    [
        {"client": "card"},
        {"returns": "zzz"},
        {"where": "1 = 1"},
        {"clients": "c.csv"},
        {"order": "o"},
    ],
)
def test_facts_take_no_options_of_reading(sales, option):
    facts = grc.facts(sales, as_of=AS_OF, facts=FACTS)
    name = next(iter(option))
    with pytest.raises(grc.OptionError, match=f"{name} cannot be given with facts"):
        grc.predict_value(facts, **option)


@pytest.mark.parametrize("parameters", [(1, 1, 2), (1, 0.5, 2), (0, 2, 1), (1, 2, float("nan"))])
def test_spend_models_without_a_mean_are_refused(parameters):
    with pytest.raises(grc.OptionError, match="must be"):
        grc.SpendModel(*parameters)


def test_margins_of_facts_are_a_column_of_rates(sales, valued):
    facts = grc.facts(sales, as_of=AS_OF, facts=FACTS)
    frame = facts.frame.with_columns(rate=pl.lit(0.25))
    again = grc.predict_value(grc.Facts(frame, facts.quality, facts.as_of), margin="rate")
    assert_frame_equal(again.values.drop_nulls(), valued.values)


def test_spend_that_goes_with_frequency_is_warned_of():
    clients = grc.simulate_clients(3_000, as_of=AS_OF, seed=2)
    repeats = pl.col("active_days") - 1
    tied = clients.with_columns(
        total=pl.col("first_day_total")
        + (pl.col("total") - pl.col("first_day_total")) * (1 + repeats.cast(pl.Float64))
    )
    assert grc.GammaGamma().fit(clients, as_of=AS_OF).warnings == []
    model = grc.GammaGamma().fit(tied, as_of=AS_OF)
    assert model.correlation > 0.3
    assert "underestimated" in model.warnings[0]


def test_parameters_that_the_data_hardly_tell_are_warned_of():
    vague = grc.PurchaseModel("mbgnbd", 0.5, 6.0, 0.01, 2.0, standard_errors={"a": 0.1, "b": 0.1})
    assert "hardly tell a of" in vague.warnings[0]
    assert grc.PurchaseModel("mbgnbd", 0.5, 6.0, 0.9, 1.6).warnings == []


# Models as JSON


def test_a_model_comes_back_as_it_was_saved(valued, sales, tmp_path):
    path = tmp_path / "value.json"
    valued.model.save(path)
    written = json.loads(path.read_text())
    assert written["mbgnbd"].keys() >= {"r", "alpha", "a", "b", "log_likelihood"}
    assert written["gamma_gamma"].keys() >= {"p", "q", "v", "log_likelihood"}
    assert grc.ValueModel.load(path) == valued.model
    assert grc.PurchaseModel.load(path) == valued.model.purchases
    assert grc.SpendModel.load(path) == valued.model.spend
    again = grc.predict_value(sales, as_of=AS_OF, margin=0.25, model=grc.ValueModel.load(path))
    assert again.values.equals(valued.values)


def test_a_model_of_an_earlier_version_is_read_as_what_it_was(valued, tmp_path):
    data = valued.model.to_dict()
    del data["mbgnbd"]["regularity"], data["gamma_gamma"]["basket"]
    model = grc.ValueModel.from_dict(data)
    assert (model.purchases.regularity, model.spend.basket) == (1, "repeat")


def test_parts_of_a_model_are_saved_alone(valued, tmp_path):
    path = tmp_path / "part.json"
    valued.model.spend.save(path)
    assert grc.SpendModel.load(path) == valued.model.spend
    with pytest.raises(grc.ModelError, match="holds no purchase model"):
        grc.ValueModel.load(path)
    valued.model.purchases.save(path)
    assert grc.PurchaseModel.load(path) == valued.model.purchases
    with pytest.raises(grc.ModelError, match="holds no Gamma-Gamma model"):
        grc.SpendModel.load(path)


def test_a_loaded_model_knows_no_clients(valued, tmp_path):
    path = tmp_path / "value.json"
    valued.model.save(path)
    with pytest.raises(grc.ModelError, match="give it facts"):
        grc.PurchaseModel.load(path).predict("1y")
    with pytest.raises(grc.ModelError, match="give it facts"):
        grc.SpendModel.load(path).expected_spend()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda d: d.pop("format"), "not a value model"),
        (lambda d: d.update(version=2), "version"),
        (lambda d: d.update(extra=1), "it holds"),
        (lambda d: d.update(bgnbd=d["mbgnbd"]), "it holds"),
        (
            lambda d: d["mbgnbd"].update(r=0),
            r"mbgnbd.r must be a number from 1e-12 to 1e\+15, not 0",
        ),
        (lambda d: d["mbgnbd"].pop("alpha"), r"mbgnbd.alpha must be a number"),
        (lambda d: d["mbgnbd"].update(a="1"), r"mbgnbd.a must be a number"),
        (
            lambda d: d["mbgnbd"].update(time_scalar=1),
            r"mbgnbd has an unknown key 'time_scalar'; did you mean 'time_scaler'\?",
        ),
        (lambda d: d["mbgnbd"].update(as_of="soon"), r"mbgnbd.as_of must be a day"),
        (lambda d: d["mbgnbd"].update(regularity=0), r"mbgnbd.regularity must be a whole number"),
        (lambda d: d["gamma_gamma"].update(basket="x"), r"gamma_gamma.basket must be all or rep"),
        (lambda d: d["mbgnbd"].update(clients=-1), r"clients must be a whole number"),
        (lambda d: d["mbgnbd"].update(standard_errors=[1]), r"standard_errors must be an object"),
        (lambda d: d.update(mbgnbd=3), r"mbgnbd must be an object"),
        (lambda d: d["gamma_gamma"].update(q=1), r"gamma_gamma.q must be above 1"),
        (lambda d: d["gamma_gamma"].update(correlation="x"), r"correlation must be a number"),
    ],
)
def test_a_damaged_model_says_where_and_why(valued, tmp_path, change, why):
    data = valued.model.to_dict()
    change(data)
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps(data))
    with pytest.raises(grc.ModelError, match=why) as caught:
        grc.ValueModel.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("written", [b"", b"{", b"\xff", b"[1]"])
def test_a_file_that_is_no_model_is_refused(tmp_path, written):
    path = tmp_path / "other.json"
    path.write_bytes(written)
    with pytest.raises(grc.ModelError, match="not a value model"):
        grc.ValueModel.load(path)
    with pytest.raises(grc.ModelError, match="cannot be read"):
        grc.ValueModel.load(tmp_path / "absent.json")


# Options and inputs that are wrong


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"horizons": []}, "horizons must be durations"),
        ({"horizons": ["3"]}, "not a duration"),
        ({"horizons": ["36h"]}, "finer than a day"),
        ({"horizons": ["99999999999y"]}, "is too long"),
        ({"horizons": ["1y", "1y"]}, "asked for twice"),
        ({"horizons": ["200y"]}, "beyond a hundred years"),
        ({"horizons": [3]}, "3 is not one"),
        ({"margin": -0.1}, "margin must be a number from 0 to 1"),
        ({"margin": float("nan")}, "margin must be a number"),
        ({"margin": "0.3"}, "margin is the text '0.3': write the number 0.3"),
        ({"discount": -0.1}, "discount must be a number from 0"),
        ({"discount": True}, "discount must be a number from 0"),
        ({"time_scaler": 0}, "time_scaler must be a number above 0"),
        ({"model": "pareto"}, "model must be mbgnbd, bgnbd"),
        ({"regularity": 21}, "regularity must be a whole number from 1 to 20, or auto, not 21"),
        ({"regularity": 2, "model": "bgnbd"}, "regularity goes with the model mbgnbd"),
        ({"threads": 0}, "threads must be"),
        ({"as_of": None}, "as_of is needed"),
    ],
)
def test_wrong_options_are_one_sentence(sales, options, why):
    with pytest.raises(grc.OptionError, match=why) as caught:
        grc.predict_value(sales, **{"as_of": AS_OF} | options)
    assert "\n" not in str(caught.value)


def test_a_model_without_spend_has_no_gain(sales, valued):
    model = grc.ValueModel(valued.model.purchases, None)
    with pytest.raises(grc.OptionError, match="GammaGamma"):
        grc.predict_value(sales, as_of=AS_OF, model=model)


def test_frames_that_are_no_facts_are_refused():
    clients = grc.simulate_clients(100, as_of=AS_OF)
    with pytest.raises(grc.ColumnError, match="has no column 'active_days'"):
        grc.MBGNBD().fit(clients.drop("active_days"), as_of=AS_OF)
    with pytest.raises(grc.ColumnError, match="'active_days', where integers are needed"):
        grc.MBGNBD().fit(clients.with_columns(active_days=pl.lit("3")), as_of=AS_OF)
    with pytest.raises(grc.ColumnError, match="where dates are needed"):
        grc.MBGNBD().fit(clients.with_columns(pl.col("last_purchase").cast(pl.String)), as_of=AS_OF)
    with pytest.raises(grc.OptionError, match="give as_of"):
        grc.MBGNBD().fit(clients)
    with pytest.raises(grc.DataError, match="before a first purchase"):
        grc.MBGNBD().fit(clients, as_of="2001-01-01")
    with pytest.raises(grc.ColumnError, match="int is not"):
        grc.MBGNBD().fit(3, as_of=AS_OF)
    with pytest.raises(grc.DataError, match="no active_days"):
        grc.MBGNBD().fit(clients.with_columns(active_days=pl.lit(0)), as_of=AS_OF)
    with pytest.raises(grc.DataError, match="a repeat purchase is on a later day"):
        grc.MBGNBD().fit(
            clients.with_columns(last_purchase="first_purchase", active_days=pl.lit(3)), as_of=AS_OF
        )
    pandas = clients.to_pandas().assign(
        first_purchase=clients["first_purchase"].to_list(),
        last_purchase=clients["last_purchase"].to_list(),
    )
    fitted = grc.MBGNBD().fit(pandas, as_of=AS_OF)
    assert fitted.parameters == grc.MBGNBD().fit(clients, as_of=AS_OF).parameters


def test_facts_of_another_day_are_refused(sales):
    facts = grc.facts(sales, as_of=AS_OF, facts=FACTS)
    with pytest.raises(grc.OptionError, match="leave it out"):
        grc.predict_value(facts, as_of="2025-01-01")


# The command line


def run(capsys, *arguments) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_writes_what_the_library_gives(sales_file, valued, tmp_path, capsys):
    out, model = tmp_path / "value.parquet", tmp_path / "value.json"
    code, table, notes = run(
        capsys, "value", sales_file, "-o", out, "--as-of", AS_OF, "--margin", "0.25",
        "--model-out", model, "--horizons", "3mo,12mo,36mo",
    )  # fmt: skip
    assert code == 0
    assert pl.read_parquet(out).equals(valued.values)
    assert grc.ValueModel.load(model) == valued.model
    assert "3mo" in table
    assert "gain at a margin 25.00%" in notes
    assert "is assumed" not in notes


def test_the_command_says_which_margin_it_assumes(sales_file, tmp_path, capsys):
    code, _, notes = run(
        capsys, "value", sales_file, "-o", tmp_path / "v.csv", "--as-of", AS_OF, "--discount", "0.1"
    )
    assert code == 0
    assert "margin 30% is assumed" in notes


def test_the_command_values_with_a_saved_model(sales_file, valued, tmp_path, capsys):
    model, out = tmp_path / "value.json", tmp_path / "value.parquet"
    valued.model.save(model)
    code, _, _ = run(
        capsys, "value", sales_file, "-o", out, "--as-of", AS_OF, "--margin", "0.25",
        "--model-in", model,
    )  # fmt: skip
    assert code == 0
    assert pl.read_parquet(out).equals(valued.values)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_values_are_the_same_bytes_whatever_the_order_and_threads(
    sales, valued, tmp_path, capsys, threads
):
    shuffled, out = tmp_path / "sales.parquet", tmp_path / "value.csv"
    sales.sample(fraction=1, shuffle=True, seed=threads).write_parquet(shuffled)
    code, text, _ = run(
        capsys, "value", shuffled, "-o", "-", "--as-of", AS_OF, "--margin", "0.25",
        "--threads", threads,
    )  # fmt: skip
    assert code == 0
    assert text == valued.values.write_csv()
    assert not out.exists()


WRONG = pytest.mark.parametrize(
    ("options", "code", "why"),
    [
        (["--horizons", "soon"], 1, "not a duration"),
        (["--margin", "1.5"], 1, "--margin must be a number from 0 to 1"),
        (["--margin", "profit"], 1, "profit"),
        (["--margin", "0,3"], 1, "write the number 0.3 for a rate"),
        (["--model", "pareto"], 2, "pareto"),
        (["--model-in", "absent.json"], 1, "cannot be read"),
        (["--model-in", "a.json", "--model-out", "b.json"], 2, "--model-out cannot go"),
        (["--model-in", "a.json", "--model", "bgnbd"], 2, "--model cannot go with --model-in"),
        (["--model-in", "a.json", "--time-scaler", "1"], 2, "--time-scaler cannot go"),
        (["--model-in", "a.json", "--basket", "all"], 2, "--basket cannot go with --model-in"),
        (["--model-in", "a.json", "--regularity", "2"], 2, "--regularity cannot go"),
        (["--basket", "first"], 2, "first"),
        (["--regularity", "0"], 1, "regularity must be a whole number from 1 to 20, or auto"),
        (["--regularity", "2.5"], 1, "regularity must be a whole number"),
        (["--model", "bgnbd", "--regularity", "2"], 1, "regularity goes with the model mbgnbd"),
        (["--report", "r.json"], 2, "--report goes with --holdout"),
        (["--time-scaler", "0"], 1, "time_scaler must be"),
    ],
)


@WRONG
def test_what_is_wrong_is_one_sentence(sales_file, tmp_path, capsys, options, code, why):  # noqa: PLR0917
    output = tmp_path / "value.csv"
    found, out, err = run(capsys, "value", sales_file, "-o", output, "--as-of", AS_OF, *options)
    assert found == code
    assert why in err
    assert out == ""
    assert not list(tmp_path.iterdir())
