"""Contact plans: as good as they say, in whatever order offers come, and within every limit."""

import os

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix

import grc_fast as grc

# The cases of the comparison with HiGHS; the gate takes a few, all of them take minutes.
CASES = int(os.environ.get("GRC_FAST_PLAN_CASES", "6"))
CHANNELS = ["email", "mail", "phone", "push", "sms", "visit"]


def offers_of(seed, clients, channels=6, households=False):
    """Simulate offers: worth differs between clients, cost between channels, some channels lack."""
    draw = np.random.default_rng(seed)
    costs = np.array([0.01, 0.9, 3.5, 0.002, 0.06, 25.0])[:channels]
    pull = np.array([0.6, 1.2, 2.5, 0.4, 0.8, 6.0])[:channels]
    worth = draw.lognormal(0.5, 1.2, clients)
    gain = worth[:, None] * pull * draw.beta(1.2, 3.0, (clients, channels))
    is_there = draw.random((clients, channels)) < 0.8
    rows, columns = np.nonzero(is_there)
    cost = costs[columns] * draw.choice([1.0, 1.0, 1.3], len(rows))
    frame = pl.DataFrame(
        {
            "client_id": rows + 1,
            "channel": np.array(CHANNELS)[columns],
            "gain": gain[rows, columns].round(4),
            "cost": cost.round(4),
        }
    )
    if households:
        frame = frame.with_columns((pl.col("client_id") // 2).alias("household"))
    return frame


def optimum(offers, budget, capacity, minimum, max_contacts):
    """Return the least and the greatest that the best plan can be worth, by HiGHS."""
    n = offers.height
    value = (offers["gain"] - offers["cost"]).to_numpy()
    rows, columns, entries, low, high = [], [], [], [], []

    def limit(members, weights, least, most):
        rows.extend([len(low)] * len(members))
        columns.extend(members)
        entries.extend(weights)
        low.append(least)
        high.append(most)

    numbered = offers.with_row_index("row")
    limit(range(n), offers["cost"], -np.inf, budget)
    for channel in {*capacity, *minimum}:
        members = numbered.filter(pl.col("channel") == channel)["row"].to_list()
        limit(
            members,
            [1] * len(members),
            minimum.get(channel, 0),
            capacity.get(channel, np.inf),
        )
    unit = "household" if "household" in offers.columns else "client_id"
    for members in numbered.group_by(unit).agg("row")["row"].to_list():
        limit(members, [1] * len(members), -np.inf, max_contacts)
    matrix = csr_matrix((entries, (rows, columns)), shape=(len(low), n))
    found = milp(
        -value,
        constraints=LinearConstraint(matrix, low, high),
        integrality=np.ones(n),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 1e-4, "time_limit": 300},
    )
    assert found.x is not None
    chosen = found.x.round().astype(bool)
    return value[chosen].sum(), -found.mip_dual_bound


def is_within(result, budget, capacity, minimum, max_contacts):
    """Tell whether a plan keeps to its limits, from its rows alone."""
    plan = result.plan
    counts = dict(plan["channel"].value_counts().iter_rows())
    unit = "household" if "household" in plan.columns else "client_id"
    most = plan.group_by(unit).len()["len"].max() or 0
    return (
        round(plan["cost"].sum(), 6) <= round(budget, 6)
        and all(counts.get(channel, 0) <= most for channel, most in capacity.items())
        and all(counts.get(channel, 0) >= least for channel, least in minimum.items())
        and most <= max_contacts
        and not plan.select("client_id", "channel").is_duplicated().any()
    )


def limits_of(seed, clients, minimums):
    """Make limits that bind, as many of them as the seed says."""
    draw = np.random.default_rng(seed + 1000)
    budget = round(float(clients * draw.choice([0.05, 0.3, 1.0])), 2)
    capacity = {
        "phone": int(clients * draw.uniform(0.02, 0.1)),
        "email": int(clients * draw.uniform(0.2, 0.6)),
    }
    minimum = {"phone": capacity["phone"] // 4, "mail": clients // 50} if minimums else {}
    if minimums:
        budget += 4.55 * minimum["phone"] + 1.17 * minimum["mail"]
    return budget, capacity, minimum, int(draw.choice([1, 2, 3]))


@pytest.mark.parametrize("case", range(CASES))
def test_plans_are_as_good_as_the_best_of_a_mixed_integer_solver(case):
    clients = [3000, 40, 2000, 500, 2500, 150][case % 6]
    offers = offers_of(case, clients, households=case % 3 == 1)
    limits = limits_of(case, clients, minimums=case % 2 == 1)
    budget, capacity, minimum, most = limits

    result = grc.plan_contacts(
        offers, budget=budget, capacity=capacity, minimum=minimum, max_contacts=most
    )
    value, least_bound = optimum(offers, *limits)

    found = result.certificate
    assert is_within(result, *limits)
    assert found.value <= least_bound + 1e-6
    assert found.bound >= value - 1e-6
    assert found.value <= found.bound
    assert 1 - found.value / value <= (0.0005 if clients >= 2000 else 0.003)


@settings(max_examples=max(5, settings.default.max_examples // 5), deadline=None)
@given(seed=st.integers(0, 2**20), clients=st.integers(1, 300), most=st.integers(1, 3))
def test_a_plan_does_not_depend_on_the_order_of_offers_or_on_threads(seed, clients, most):
    offers = offers_of(seed, clients, households=seed % 2 == 0)
    # Ties by the dozen.
    offers = offers.with_columns(pl.col("gain").round(0), pl.col("cost").round(0))
    if seed % 3 == 0:
        # Alternatives, some of which differ in a column that the plan only carries.
        again = offers.with_columns(pl.col("cost") // 2).sample(fraction=0.5, seed=seed)
        notes = pl.int_range(pl.len()).mod(3).alias("note")
        offers = pl.concat([offers, again, offers.sample(fraction=0.2, seed=seed)])
        offers = offers.with_columns(notes)
    budget, capacity, _, _ = limits_of(seed, clients, minimums=False)
    options = {"budget": budget, "capacity": capacity, "max_contacts": most}

    one = grc.plan_contacts(offers, threads=1, **options)
    other = grc.plan_contacts(
        offers.sample(fraction=1, shuffle=True, seed=seed), threads=3, **options
    )

    assert one.offers.equals(other.offers)
    assert one.to_dict() == other.to_dict()


def test_every_client_and_every_offer_is_counted_under_one_reason():
    offers = offers_of(5, 1000)
    found = grc.plan_contacts(
        offers, budget=100, capacity={"email": 200, "phone": 0}, max_contacts=1
    ).to_dict()

    assert sum(found["reasons"].values()) == offers["client_id"].n_unique()
    assert sum(found["offers"].values()) == offers.height
    assert found["reasons"]["chosen"] == sum(found["contacts"].values())
    assert found["contacts"]["phone"] == 0
    assert found["shadow_prices"]["budget"] > 0


OFFER = {"client_id": [1], "channel": ["email"], "gain": [3.0], "cost": [1.0]}


@pytest.mark.parametrize(
    ("changed", "options", "value"),
    [
        ({name: [] for name in OFFER}, {}, 0.0),
        ({}, {}, 2.0),
        ({}, {"budget": 0}, 0.0),
        ({}, {"budget": 0.99}, 0.0),
        ({}, {"capacity": {"email": 0}}, 0.0),
        ({"cost": [0.0]}, {"budget": 0}, 3.0),
        ({"gain": [-5.0]}, {"budget": 10}, 0.0),
        ({"gain": [-5.0]}, {"minimum": {"email": 1}}, -6.0),
        ({"gain": [1e12]}, {"budget": 1}, 1e12 - 1),
    ],
)
def test_degenerate_offers_have_a_plan_that_is_the_best(changed, options, value):
    offers = pl.DataFrame({**OFFER, **changed}, schema_overrides={"channel": pl.String})
    certificate = grc.plan_contacts(offers, **options).certificate
    assert certificate.value == value
    assert certificate.gap < 1e-6


def test_small_gains_are_not_lost_beside_large_ones():
    offers = pl.DataFrame(
        {
            "client_id": [1, 2, 3],
            "channel": ["a"] * 3,
            "gain": [1e12, 0.03, 0.02],
            "cost": [0.01] * 3,
        }
    )
    result = grc.plan_contacts(offers, budget=0.02)
    assert result.plan["client_id"].to_list() == [1, 2]


def test_equal_gains_go_to_the_smaller_ids():
    offers = pl.DataFrame(
        {"client_id": [4, 3, 2, 1], "channel": ["a"] * 4, "gain": [2.0] * 4, "cost": [1.0] * 4}
    )
    result = grc.plan_contacts(offers, budget=2)
    assert result.plan["client_id"].to_list() == [1, 2]
    assert result.certificate.gap < 1e-6


@pytest.mark.parametrize(
    ("changed", "options", "sentence"),
    [
        ({"gain": [None]}, {}, "without 'gain'"),
        ({"client_id": [None]}, {}, "without 'client_id'"),
        ({"channel": [None]}, {}, "without 'channel'"),
        ({"cost": [float("nan")]}, {}, "no finite number"),
        ({"cost": [-1.0]}, {}, "below 0"),
        ({"gain": [2e12]}, {}, "from -10"),
        ({"gain": ["much"]}, {}, "write numbers"),
        ({"refusal": ["why"]}, {}, "give it another name"),
        ({}, {"budget": -1}, "budget must be"),
        ({}, {"budget": "much"}, "budget must be"),
        ({}, {"capacity": 7}, "capacity must be"),
        ({}, {"capacity": {"email": -1}}, "the capacity of email must be"),
        ({}, {"max_contacts": 0}, "max_contacts must be"),
        ({}, {"minimum": {"email": 2}}, "at most 1"),
        ({}, {"minimum": {"phone": 1}}, "minimum of phone"),
        ({}, {"minimum": {"email": 1}, "budget": 0.5}, "minimum of email"),
        ({}, {"minimum": {"email": 1}, "capacity": {"email": 0}}, "exceeds its capacity"),
    ],
)
def test_what_cannot_be_planned_is_said_in_one_sentence(changed, options, sentence):
    offers = pl.DataFrame({**OFFER, **changed}, strict=False)
    with pytest.raises(grc.GrcError, match=sentence) as found:
        grc.plan_contacts(offers, **options)
    assert "\n" not in str(found.value)


def test_a_client_of_two_households_is_refused():
    offers = pl.DataFrame(
        {
            "client_id": [1, 1],
            "channel": ["a", "b"],
            "gain": [1.0, 1.0],
            "cost": [0.0, 0.0],
            "household": [1, 2],
        }
    )
    with pytest.raises(grc.DataError, match="several households"):
        grc.plan_contacts(offers)


def test_a_household_is_contacted_once_and_clients_without_one_by_themselves():
    offers = pl.DataFrame(
        {
            "client_id": [1, 2, 3, 4],
            "channel": ["a"] * 4,
            "gain": [1.0, 2.0, 3.0, 4.0],
            "cost": [0.0] * 4,
            "household": ["h", "h", None, None],
        }
    )
    result = grc.plan_contacts(offers, max_contacts=1)
    assert result.plan["client_id"].sort().to_list() == [2, 3, 4]
    assert result.reasons["capacity"] == 1


def test_the_cheaper_of_two_offers_of_a_channel_is_taken_where_money_is_short():
    offers = pl.DataFrame(
        {
            "client_id": [1, 1],
            "channel": ["a", "a"],
            "offer": ["large", "small"],
            "gain": [10.0, 6.0],
            "cost": [5.0, 2.0],
        }
    )
    offer = {
        budget: grc.plan_contacts(offers, budget=budget).plan["offer"].to_list()
        for budget in (1, 3, 7)
    }
    assert offer == {1: [], 3: ["small"], 7: ["large"]}


def test_pressure_lowers_the_value_and_is_not_paid_from_the_budget():
    offers = pl.DataFrame({**OFFER, "pressure_cost": [1.5]})
    certificate = grc.plan_contacts(offers, budget=1).certificate
    assert (certificate.value, certificate.cost) == (0.5, 1.0)


def test_the_order_of_clients_is_that_of_their_ids_whatever_their_type():
    ids = ["b", "B", "a", "é", "10", "9", "b"]
    offers = pl.DataFrame(
        {
            "client_id": ids,
            "channel": ["x", "x", "x", "x", "x", "x", "w"],
            "gain": [1.0] * 7,
            "cost": [0.0] * 7,
        }
    )
    expected = sorted(zip(ids, offers["channel"], strict=True))
    for dtype in (pl.String, pl.Categorical):
        found = grc.plan_contacts(offers.with_columns(pl.col("client_id").cast(dtype)))
        assert found.offers.select("client_id", "channel").rows() == expected


def test_households_stand_where_their_first_client_does():
    offers = pl.DataFrame(
        {
            "client_id": [5, 4, 3, 2, 1],
            "channel": ["a"] * 5,
            "gain": [1.0] * 5,
            "cost": [0.0] * 5,
            "household": ["x", None, "y", "x", "y"],
        }
    )
    found = grc.plan_contacts(offers, max_contacts=1)
    assert found.offers["client_id"].to_list() == [1, 3, 2, 5, 4]
    assert found.plan["client_id"].to_list() == [1, 2, 4]


ZONES = pl.DataFrame(
    {
        "client_id": [7, 8, None, None, None],
        "zone": ["north", None, "south", "north", "south"],
        "channel": ["email", "email", "posters", "posters", "radio"],
        "gain": [5.0, 4.0, 60.0, 90.0, 10.0],
        "cost": [1.0, 1.0, 30.0, 30.0, 20.0],
    }
)


def test_a_zone_is_planned_as_one_and_nobody_is_asked():
    found = grc.plan_contacts(ZONES, budget=61.5, policy="fr")
    assert found.offers.select("client_id", "zone", "reason").rows() == [
        (7, "north", "no_consent"),
        (8, None, "no_consent"),
        (None, "north", "chosen"),
        (None, "south", "chosen"),
        (None, "south", "not_worth_it"),
    ]
    assert found.clients.rows() == [
        (7, None, 0, "no_consent"),
        (8, None, 0, "no_consent"),
        (None, "north", 1, "chosen"),
        (None, "south", 1, "chosen"),
    ]
    assert sum(found.reasons.values()) == 4

    both = grc.plan_contacts(ZONES.reverse(), budget=31.5)
    assert both.plan.select("client_id", "zone").rows() == [(7, "north"), (None, "north")]


def test_a_table_of_zones_alone_needs_no_clients():
    zones = ZONES.drop_nulls("zone").drop("client_id")
    assert grc.plan_contacts(zones, budget=35).plan["zone"].to_list() == ["north", "north"]
    with pytest.raises(grc.DataError, match="without 'client_id', the first in row 2"):
        grc.plan_contacts(ZONES.with_columns(client_id=pl.lit(None, pl.Int64)))


def test_zones_are_not_in_control_groups_and_bear_no_pressure():
    contacts = pl.DataFrame(
        {"client_id": [7], "channel": ["posters"], "contacted_on": ["2026-11-30"]}
    )
    held = pl.DataFrame({"client_id": [7, None], "control": [True, True]})
    found = grc.plan_contacts(
        ZONES, policy="fr", contacts=contacts, control=held, as_of="2026-12-01"
    )
    assert found.plan["channel"].to_list() == ["posters", "posters"]
