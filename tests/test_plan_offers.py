"""Offers made of scores."""

import polars as pl
import pytest

import grc_fast as grc

SCORES = pl.DataFrame(
    {
        "client_id": [1, 2, 3],
        "probability": [0.5, 0.1, None],
        "kind": ["incremental", "raw, not incremental", None],
        "basket": [20.0, 40.0, 10.0],
    }
)
CHANNELS = """
margin = 10.0

[channels.email]
cost = 0.02

[channels.phone]
cost = 3
margin = "basket"
factor = 4.0
"""


def test_a_gain_is_probability_times_margin_and_says_whether_it_is_added(tmp_path):
    path = tmp_path / "channels.toml"
    path.write_text(CHANNELS, "utf-8")
    rows = grc.offers(SCORES, path).rows()
    assert rows == [
        (1, "email", 5.0, 0.02, "incremental"),
        (1, "phone", 20.0, 3.0, "incremental"),  # a probability of 2 is one of 1
        (2, "email", 1.0, 0.02, "raw, not incremental"),
        (2, "phone", 16.0, 3.0, "raw, not incremental"),
    ]


def test_a_plan_says_that_its_gains_are_not_incremental(tmp_path):
    path = tmp_path / "channels.toml"
    path.write_text(CHANNELS, "utf-8")
    found = grc.plan_contacts(grc.offers(SCORES, path))
    assert any("not incremental" in note for note in found.notes)
    added = grc.plan_contacts(grc.offers(SCORES.head(1), path))
    assert not added.notes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("margin = 1.0", "channels"),
        ("[channels.email]\ncost = 0.1", "no margin"),
        ("margin = 1.0\n[channels.email]\ncost = -1", "not be below 0"),
        ("margin = 1.0\n[channels.email]\ncots = 1", "no key 'cots'"),
        ('margin = "profit"\n[channels.email]\ncost = 1', "no column 'profit'"),
        ("margin = ", "no TOML"),
    ],
)
def test_what_makes_no_offers_is_one_sentence(tmp_path, text, said):
    path = tmp_path / "channels.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(grc.GrcError, match=said) as found:
        grc.offers(SCORES, path)
    assert "\n" not in str(found.value)


def test_a_probability_above_one_is_refused():
    scores = pl.DataFrame({"client_id": [1], "probability": [1.5]})
    with pytest.raises(grc.DataError, match="from 0 to 1"):
        grc.offers(scores, {"margin": 1.0, "channels": {"email": {"cost": 0.1}}})
