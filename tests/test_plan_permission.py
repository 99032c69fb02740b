"""Who may be contacted: consent, suppression, pressure, control group, one message an address."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import grc_fast as grc
from grc_fast.plan.control import drawn_control
from grc_fast.plan.policy import Policy, is_holiday
from test_plan_policies import TABLES

TUESDAY = dt.date(2026, 12, 1)


def offer(channel="phone", **more):
    return pl.DataFrame(
        {"client_id": [1], "channel": [channel], "gain": [9.0], "cost": [1.0], **more}
    )


def consent(channel="phone", *, status="granted", collected="2026-11-01", **more):
    row = {
        "client_id": 1,
        "channel": channel,
        "status": status,
        "collected_at": collected,
        "proof": "form 7",
        **more,
    }
    return pl.DataFrame([row], schema_overrides={"collected_at": pl.String})


def reason(offers, consents, as_of=TUESDAY, **tables):
    found = grc.plan_contacts(offers, consent=consents, policy="fr", as_of=as_of, **tables)
    assert sum(found.reasons.values()) == offers["client_id"].n_unique()
    return found.clients["reason"].to_list()[0]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, "chosen"),
        ({"collected": "2025-12-02"}, "chosen"),
        ({"collected": "2025-12-01"}, "no_consent"),  # its anniversary
        ({"collected": "2026-12-01"}, "chosen"),  # today
        ({"collected": "2026-12-02"}, "no_consent"),  # to come
        ({"collected": None}, "no_consent"),
        ({"proof": None}, "no_consent"),
        ({"proof": "  "}, "no_consent"),
        ({"status": "denied"}, "no_consent"),
        ({"status": "unknown"}, "no_consent"),
        ({"expires": dt.date(2026, 12, 1)}, "no_consent"),  # today
        ({"expires": dt.date(2026, 12, 2)}, "chosen"),
        ({"basis": "contract", "collected": "2020-01-01"}, "chosen"),
        ({"basis": "existing_client"}, "no_consent"),
        ({"scope": "open"}, "no_consent"),
        ({"channel": "email"}, "no_consent"),
    ],
)
def test_a_consent_to_calls_holds_only_as_the_policy_says(row, expected):
    row = {"channel": "phone", **row}
    assert reason(offer(), consent(row.pop("channel"), **row)) == expected


@pytest.mark.parametrize(
    ("denied", "granted", "expected"),
    [
        ("2026-11-01", "2026-11-02", "chosen"),
        ("2026-11-02", "2026-11-02", "no_consent"),
        ("2026-11-03", "2026-11-02", "no_consent"),
        (None, "2026-11-02", "no_consent"),
        ("2027-05-01", "2026-11-02", "no_consent"),
    ],
)
def test_a_denial_wins_over_every_consent_that_is_not_later(denied, granted, expected):
    rows = pl.concat([consent(collected=granted), consent(status="denied", collected=denied)])
    assert reason(offer(), rows) == expected
    assert reason(offer(), rows.reverse()) == expected


@pytest.mark.parametrize("denied", [None, "2026-11-02", "2027-05-01"])
def test_post_is_sent_unless_the_client_has_said_no(denied):
    nobody = consent(status="unknown").with_columns(client_id=pl.lit(2))
    assert reason(offer("post"), nobody) == "chosen"
    refusal = consent("post", status="denied", collected=denied)
    assert reason(offer("post"), refusal) == "no_consent"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (dt.date(2026, 12, 5), "no_consent"),  # a Saturday
        (dt.date(2026, 12, 25), "no_consent"),  # a Friday, and Christmas
        ("2026-12-01 09:59", "no_consent"),
        ("2026-12-01 10:00", "chosen"),
        ("2026-12-01 13:00", "no_consent"),
        ("2026-12-01 19:59", "chosen"),
        ("2026-12-01 20:00", "no_consent"),
        ("2026-12-01", "chosen"),
    ],
)
def test_calls_are_made_on_the_days_and_in_the_hours_of_the_policy(moment, expected):
    assert reason(offer(), consent(), as_of=moment) == expected


def test_a_consent_of_29_february_lapses_on_the_28th():
    rows = consent(collected="2028-02-29")
    assert reason(offer(), rows, as_of=dt.date(2029, 2, 27)) == "chosen"
    assert reason(offer(), rows, as_of=dt.date(2029, 2, 28)) == "no_consent"


@pytest.mark.parametrize(
    ("past", "expected"),
    [
        (["2026-11-02"] * 4, "under_pressure"),
        (["2026-11-01"] * 4, "chosen"),  # exactly 30 days ago
        (["2026-11-02"] * 3, "chosen"),
        (["2026-11-02"] * 3 + [None], "under_pressure"),
        (["2026-11-02"] * 3 + ["2026-12-08"], "under_pressure"),
    ],
)
def test_four_calls_in_thirty_days_are_enough(past, expected):
    contacts = pl.DataFrame(
        {"client_id": [1] * len(past), "channel": ["phone"] * len(past), "contacted_on": past}
    )
    assert reason(offer(), consent(), contacts=contacts) == expected
    by_post = contacts.with_columns(channel=pl.lit("post"))
    assert reason(offer(), consent(), contacts=by_post) == "chosen"


@pytest.mark.parametrize(
    ("day", "expected"), [("2026-10-02", "no_consent"), ("2026-10-01", "chosen")]
)
def test_who_has_refused_a_call_is_left_alone_for_sixty_whole_days(day, expected):
    contacts = pl.DataFrame(
        {"client_id": [1], "channel": ["phone"], "contacted_on": [day], "refused": [True]}
    )
    assert reason(offer(), consent(), contacts=contacts) == expected


@pytest.mark.parametrize(
    "listed",
    [
        {"client_id": [1]},
        {"phone": ["+33 6 12 34 56 78"]},
        {"client_id": [None], "phone": ["06 12 34 56 78"]},
    ],
)
def test_who_is_on_a_suppression_list_is_never_contacted(listed):
    offers = offer(phone=["06.12.34.56.78"])
    listed = pl.DataFrame(listed, schema_overrides={"client_id": pl.Int64})
    assert reason(offers, consent(), suppress=listed) == "suppressed"


def test_a_list_of_addresses_that_offers_lack_is_refused():
    with pytest.raises(grc.ColumnError, match="'email'"):
        reason(offer(), consent(), suppress=pl.DataFrame({"email": ["a@b.fr"]}))


def test_of_clients_behind_one_address_the_one_with_the_largest_gain_is_contacted():
    offers = pl.DataFrame(
        {
            "client_id": [1, 2, 3, 4],
            "channel": ["post", "email", "email", "email"],
            "gain": [9.0, 5.0, 7.0, 7.0],
            "cost": [0.0] * 4,
            "email": ["a@b.fr", "A@B.fr ", "a@b.fr", "a@b.fr"],
        }
    )
    found = grc.plan_contacts(offers)
    assert found.plan["client_id"].to_list() == [1, 3]
    assert found.reasons["same_address"] == 2


def test_a_telephone_number_is_one_address_for_calls_and_messages():
    offers = pl.DataFrame(
        {
            "client_id": [1, 2],
            "channel": ["sms", "phone"],
            "gain": [5.0, 7.0],
            "cost": [0.0, 1.0],
            "phone": ["0612345678", "+33 6 12 34 56 78"],
        }
    )
    found = grc.plan_contacts(offers)
    assert found.plan["client_id"].to_list() == [2]


def test_the_first_reason_that_holds_is_told():
    offers, held = offer(), pl.DataFrame({"client_id": [1], "control": [True]})
    listed = pl.DataFrame({"client_id": [1]})
    denied = consent(status="denied")
    assert reason(offers, denied, suppress=listed, control=held) == "suppressed"
    assert reason(offers, denied, control=held) == "no_consent"
    assert reason(offers, consent(), control=held) == "control_group"


def test_a_channel_without_a_rule_is_not_used_and_the_run_says_so():
    found = grc.plan_contacts(offer("fax"), policy="fr")
    assert found.reasons["no_consent"] == 1
    assert "no rule for the channel 'fax'" in found.notes[0]


def test_a_channel_that_needs_a_consent_is_not_used_without_a_table():
    found = grc.plan_contacts(offer("email"), policy="fr")
    assert found.reasons["no_consent"] == 1
    assert "email needs a consent" in found.notes[0]
    assert grc.plan_contacts(offer("post"), policy="fr").reasons["chosen"] == 1


def test_consents_that_lapse_soon_are_counted():
    rows = consent(collected="2025-12-10")
    found = grc.plan_contacts(offer(), consent=rows, as_of=TUESDAY)
    assert "1 consents lapse within 30 days" in found.notes


def seen(*days, **more):
    return pl.DataFrame({"client_id": [1] * len(days), "last_seen": days, **more})


@pytest.mark.parametrize(
    ("last", "as_of", "expected"),
    [
        (dt.date(2023, 12, 2), TUESDAY, "chosen"),
        (dt.date(2023, 12, 1), TUESDAY, "no_consent"),  # three years to the day
        (dt.date(2026, 12, 1), TUESDAY, "chosen"),  # today
        (dt.date(2026, 12, 2), TUESDAY, "no_consent"),  # to come
        (None, TUESDAY, "no_consent"),
        (dt.date(2024, 2, 29), dt.date(2027, 2, 27), "chosen"),
        (dt.date(2024, 2, 29), dt.date(2027, 2, 28), "no_consent"),
        (dt.date(2024, 2, 28), dt.date(2027, 2, 28), "no_consent"),
        (dt.date(2025, 2, 28), dt.date(2028, 2, 28), "no_consent"),
        (dt.date(2025, 3, 1), dt.date(2028, 2, 29), "chosen"),
    ],
)
def test_a_client_is_out_three_years_after_the_last_sign_of_life(last, as_of, expected):
    signs = seen(last).with_columns(pl.col("last_seen").cast(pl.Date))
    assert reason(offer("post"), None, as_of=as_of, last_seen=signs) == expected


def test_the_last_of_several_signs_of_life_counts_and_an_open_is_none():
    old, new = dt.date(2020, 1, 1), dt.date(2026, 1, 1)
    kinds = {"purchase": "chosen", "click": "chosen", "open": "no_consent", None: "no_consent"}
    assert reason(offer("post"), None, last_seen=seen(new, old)) == "chosen"
    for kind, expected in kinds.items():
        signs = seen(old, new, kind=["purchase", kind])
        assert reason(offer("post"), None, last_seen=signs) == expected


def test_a_client_without_a_sign_of_life_is_out_and_a_consent_is_one():
    nobody = seen(dt.date(2026, 1, 1)).with_columns(client_id=pl.lit(2))
    assert reason(offer("post"), None, last_seen=nobody) == "no_consent"
    contract = {"basis": "contract"}
    given = consent(collected="2023-12-02", **contract)
    assert reason(offer(), given, last_seen=nobody) == "chosen"
    old = consent(collected="2023-12-01", **contract)
    assert reason(offer(), old, last_seen=nobody) == "no_consent"
    assert reason(offer(), old) == "chosen"


def test_a_run_says_that_signs_of_life_were_not_checked():
    notes = grc.plan_contacts(offer("post"), policy="fr").notes
    assert "give last_seen" in notes[-1]
    checked = grc.plan_contacts(offer("post"), policy="fr", last_seen=seen(TUESDAY), as_of=TUESDAY)
    assert not checked.notes


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"policy": "none", "last_seen": seen(TUESDAY)}, "signs of life are counted by the rules"),
        ({"policy": "fr", "last_seen": seen(TUESDAY)}, "as_of is needed"),
        ({"policy": "fr", "last_seen": seen("x"), "as_of": TUESDAY}, "'last_seen'"),
        ({"policy": "fr", "last_seen": offer(), "as_of": TUESDAY}, "no column 'last_seen'"),
    ],
)
def test_signs_of_life_that_cannot_be_read_are_refused(tables, said):
    with pytest.raises(grc.GrcError, match=said) as found:
        grc.plan_contacts(offer("post"), **tables)
    assert "\n" not in str(found.value)


COSTS = """
name = "our house"

[channels.email]
consent = "opt_out"
source = "the house"
read_on = 2026-11-30

[channels.post]
consent = "opt_out"
source = "the house"
read_on = 2026-11-30

[[pressure]]
cost_each = 0.5
window = "30d"

[[pressure]]
channel = "email"
cost_each = 2
most = 3
window = "10d"
"""


def test_a_contact_costs_more_patience_the_more_contacts_there_were(tmp_path):
    policy = tmp_path / "house.toml"
    policy.write_text(COSTS, "utf-8")
    rows = [(n, channel, 9.0, 1.0) for n in (1, 2, 3, 4) for channel in ("email", "post")]
    offers = pl.DataFrame(rows, ["client_id", "channel", "gain", "cost"], orient="row")
    past = [
        (2, "post", "2026-11-02"),
        (3, "post", "2026-11-01"),  # exactly 30 days ago
        (3, "email", "2026-11-22"),
        (4, "email", "2026-11-30"),
        (4, "email", "2026-11-29"),
        (4, "email", None),
    ]
    contacts = pl.DataFrame(past, ["client_id", "channel", "contacted_on"], orient="row")

    found = grc.plan_contacts(offers, policy=policy, contacts=contacts, as_of=TUESDAY)

    told = found.offers.select("client_id", "channel", "pressure_cost", "reason").rows()
    assert told == [
        (1, "email", 0.0, "chosen"),
        (1, "post", 0.0, "chosen"),
        (2, "email", 0.5, "chosen"),
        (2, "post", 0.5, "chosen"),
        (3, "email", 2.5, "chosen"),
        (3, "post", 0.5, "chosen"),
        (4, "email", 7.5, "under_pressure"),
        (4, "post", 1.5, "chosen"),
    ]
    assert found.certificate.value == 7 * 8 - 0.5 - 0.5 - 2.5 - 0.5 - 1.5
    assert found.certificate.cost == 7

    dear = offers.with_columns(pressure_cost=pl.lit(5.6))
    found = grc.plan_contacts(dear, policy=policy, contacts=contacts, as_of=TUESDAY)
    assert found.offers.row(4)[4] == 8.1  # that of the offer, and that of the policy
    assert found.offers.row(4)[-1] == "not_worth_it"


def test_a_limit_over_all_channels_leaves_the_best_of_them(tmp_path):
    policy = tmp_path / "house.toml"
    limit = '[[pressure]]\nmost = 2\nwindow = "30d"\n'
    policy.write_text(COSTS.replace("most = 3\n", "") + limit, "utf-8")
    rows = [
        (n, channel, gain, 1.0)
        for n in (1, 2, 3)
        for channel, gain in (("email", 9.0), ("post", 8.0))
    ]
    offers = pl.DataFrame(rows, ["client_id", "channel", "gain", "cost"], orient="row")
    past = [(2, "email", "2026-11-29"), (3, "post", "2026-11-29"), (3, "post", "2026-11-28")]
    contacts = pl.DataFrame(past, ["client_id", "channel", "contacted_on"], orient="row")

    found = grc.plan_contacts(offers, policy=policy, contacts=contacts, as_of=TUESDAY)

    # The second client's e-mail would earn more, and costs more patience.
    assert found.plan.select("client_id", "channel", "pressure_cost").rows() == [
        (1, "email", 0.0),
        (1, "post", 0.0),
        (2, "post", 0.5),
    ]
    assert found.to_dict()["offers"]["under_pressure"] == 3
    unknown = grc.plan_contacts(offers, policy=policy, as_of=TUESDAY)
    assert unknown.plan.height == 6


RULE = 'name = "x"\n[channels.fax]\nconsent = "opt_in"\nsource = "s"\nread_on = 2026-01-01\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "x"\n[channels.fax]\nconsent = "maybe"', "opt_in, opt_out"),
        ('name = "x"\n[[pressure]]\nmost = -1\nwindow = "30d"', "not be below 0"),
        ('name = "x"\n[[pressure]]\nmost = 1\nwindow = "30h"', "in days"),
        ('name = "x"\n[[pressure]]\nwindow = "30d"', "needs most, cost_each, or both"),
        (RULE + '[[pressure]]\nmost = 1\nwindow = "30d"\nchannel = "fex"', "did you mean 'fax'"),
        ('name = "x"\n[retention]\nsilence = "3y"\nsigns = []', "must not be empty"),
        ("name = ", "not TOML"),
        ('nam = "x"', "no key 'nam'"),
        (RULE + 'hours = ["13:00-10:00"]', "hours of a day"),
        (RULE + 'holidays = "ZZ"', "no country"),
    ],
)
def test_what_is_no_policy_is_said_in_one_sentence(text, said):
    with pytest.raises(grc.OptionError, match=said) as found:
        Policy.from_toml(text)
    assert "\n" not in str(found.value)


def test_every_shipped_rule_says_where_it_comes_from_and_when_that_was_read():
    policy = Policy.load("fr")
    rules = [*policy.channels.values(), *policy.pressure]
    assert all(rule.source and rule.read_on for rule in rules)


def test_public_holidays_are_those_of_the_country():
    assert is_holiday("FR", dt.date(2026, 7, 14))
    assert not is_holiday("FR", dt.date(2026, 7, 15))


def test_members_of_a_control_group_stay_and_newcomers_are_drawn():
    clients = pl.DataFrame(
        {"client_id": range(1000), "group": ["a" if n < 800 else "b" for n in range(1000)]}
    )
    first = drawn_control(clients.head(900), 0.1, "spring")
    assert first.filter("control")["group"].value_counts(sort=True).rows() == [("a", 80), ("b", 10)]
    assert drawn_control(clients.head(900).sample(fraction=1, shuffle=True), 0.1, "spring").equals(
        first
    )
    later = drawn_control(clients, 0.1, "spring", first)
    assert later.filter(pl.col("client_id") < 900).equals(first)
    assert later["control"].sum() == 100
    assert not drawn_control(clients.head(900), 0.1, "autumn").equals(first)


DAYS = st.one_of(
    st.none(),
    st.dates(dt.date(2025, 11, 25), dt.date(2026, 12, 10)),
    st.sampled_from([dt.date(2024, 2, 29), dt.date(2025, 12, 1), dt.date(2026, 12, 1)]),
)
CHANNELS = st.sampled_from(["phone", "email", "post", "fax"])


@given(
    consents=st.lists(
        st.tuples(
            st.integers(1, 4),
            CHANNELS,
            st.sampled_from(["granted", "granted", "denied", "unknown", None]),
            DAYS,
            st.sampled_from(["opt_in", "contract", "existing_client", None]),
            st.sampled_from(["form", None]),
            DAYS,
        ),
        max_size=25,
    ),
    contacts=st.lists(st.tuples(st.integers(1, 4), CHANNELS, DAYS, st.booleans()), max_size=25),
    listed=st.lists(st.integers(1, 9), max_size=2),
    held=st.lists(st.integers(1, 9), max_size=2),
    as_of=st.dates(dt.date(2026, 11, 27), dt.date(2026, 12, 2)),
)
def test_nobody_is_contacted_who_may_not_be(consents, contacts, listed, held, as_of):
    rows = [(n, c, 9.0, 1.0) for n in range(1, 6) for c in ("phone", "email", "post", "fax")]
    offers = pl.DataFrame(rows, ["client_id", "channel", "gain", "cost"], orient="row")
    found = grc.plan_contacts(
        offers,
        policy="fr",
        consent=pl.DataFrame(consents, TABLES["consent"], orient="row"),
        contacts=pl.DataFrame(contacts, TABLES["contacts"], orient="row"),
        suppress=pl.DataFrame({"client_id": listed}, schema={"client_id": pl.Int64}),
        control=pl.DataFrame(
            {"client_id": held, "control": [True] * len(held)},
            schema={"client_id": pl.Int64, "control": pl.Boolean},
        ),
        as_of=as_of,
    )

    expected = {
        (client, channel)
        for client, channel, _, _ in rows
        if client not in {*listed, *held} and may(client, channel, consents, contacts, as_of)
    }
    assert set(found.plan.select("client_id", "channel").rows()) == expected
    assert sum(found.to_dict()["offers"].values()) == len(rows)


def may(client, channel, consents, contacts, today):
    """Say by the words of the policy whether a client may be contacted."""
    if channel == "fax":
        return False
    mine = [row[2:] for row in consents if row[:2] == (client, channel)]
    denials = [day for status, day, *_ in mine if status == "denied"]
    grants = [
        day
        for status, day, basis, proof, expires in mine
        if status == "granted"
        and day is not None
        and day <= today
        and (expires is None or expires > today)
        and (basis or "opt_in")
        in {
            "phone": {"opt_in", "contract"},
            "email": {"opt_in", "existing_client"},
            "post": {"opt_in"},
        }[channel]
        and (channel != "phone" or proof is not None)
        and (channel != "phone" or basis == "contract" or a_year_after(day) > today)
    ]
    is_denied = any(
        day is None or day > today or not grants or day >= max(grants) for day in denials
    )
    if channel == "post":
        return not is_denied
    if not grants or is_denied:
        return False
    if channel == "email":
        return True
    calls = [(day, no) for who, by, day, no in contacts if (who, by) == (client, "phone")]
    recent = [day for day, _ in calls if day is None or (today - day).days < 30]
    refusals = [day for day, no in calls if no and (day is None or (today - day).days <= 60)]
    return today.weekday() < 5 and len(recent) < 4 and not refusals


def a_year_after(day):
    return day.replace(year=day.year + 1, day=28 if (day.month, day.day) == (2, 29) else day.day)
