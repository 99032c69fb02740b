"""Lists that leave the house: who is on them, who is not and why, and what the files hold."""

from __future__ import annotations

import polars as pl
import pytest

from grc_fast.errors import ColumnError, DataError, GrcError
from grc_fast.lists.client_file import ClientColumns, read_clients
from grc_fast.lists.listed_offers import ListedOffers, listed_offers
from grc_fast.plan.permission import Tables

OFFERS = pl.DataFrame(
    {
        "client_id": [1, 2, 3, 4, 1],
        "channel": ["email", "email", "email", "email", "post"],
        "gain": [1.0, 4.0, 2.0, 9.0, 3.0],
        "cost": [0.1] * 5,
    }
)
CLIENTS = pl.DataFrame(
    {
        "client_id": [1, 2, 3],
        "name": ["Ada", "Bea", "Cleo"],
        "email": ["ada@example.com", "bea@example.com", " "],
        "address": ["1 rue Haute"] * 3,
    }
)


def listed(offers: pl.DataFrame = OFFERS, **tables: object) -> ListedOffers:
    return listed_offers(offers, read_clients(CLIENTS), Tables(**tables))


def test_the_chosen_offers_have_the_columns_of_the_client_file_the_best_first() -> None:
    found = listed()

    assert found.of_channel("email")["name"].to_list() == ["Bea", "Ada"]
    assert found.of_channel("post")["address"].to_list() == ["1 rue Haute"]


def test_rows_and_refusals_add_up_to_the_offers() -> None:
    manifest = listed(suppress=pl.DataFrame({"email": ["BEA@example.com"]})).manifest

    assert manifest["offers"] == 5
    assert manifest["rows"] == {"email": 1, "post": 1}
    assert {reason: n for reason, n in manifest["refused"].items() if n} == {
        "suppressed": 1,
        "not_in_client_file": 1,
        "no_address": 1,
    }


def test_the_offers_that_a_plan_has_not_chosen_are_counted_under_its_reasons() -> None:
    reasons = ["chosen", "budget", "no_consent", "chosen", "budget"]
    offers = OFFERS.with_columns(
        pl.Series("reason", reasons), (pl.Series(reasons) == "chosen").alias("chosen")
    )

    manifest = listed(offers).manifest

    assert (manifest["offers"], manifest["rows"]) == (5, {"email": 1, "post": 0})
    assert manifest["refused"]["budget"] == 2
    assert manifest["refused"]["no_consent"] == 1


@pytest.mark.parametrize(
    ("clients", "columns", "said"),
    [
        (CLIENTS, {"email": "mail"}, "no column 'mail' for the role 'email'"),
        (CLIENTS, {"email": "emial"}, r"did you mean 'email'\?"),
        (CLIENTS.drop("client_id"), {}, "no column 'client_id' for the role 'client'"),
        (CLIENTS.with_columns(name=pl.concat_list("name")), {}, "has lists .* in 'name'"),
        (CLIENTS.with_columns(client_id=pl.lit(0.5)), {}, "whole numbers are needed"),
        ("not a table", {}, "not a table"),
    ],
)
def test_a_client_file_that_cannot_be_used_is_one_sentence(
    clients: object, columns: dict[str, str], said: str
) -> None:
    with pytest.raises(GrcError, match=said):
        read_clients(clients, ClientColumns(**columns))


def test_a_client_in_several_rows_is_refused_because_neither_can_be_trusted() -> None:
    with pytest.raises(DataError, match="1 clients in several rows, such as client '2'"):
        read_clients(pl.concat([CLIENTS, CLIENTS.slice(1, 1)]))


def test_an_offer_that_is_chosen_twice_is_refused() -> None:
    with pytest.raises(DataError, match="client '1' twice in the channel 'email'"):
        listed(pl.concat([OFFERS, OFFERS.head(1)]))


def test_offers_with_a_choice_and_no_reason_are_refused() -> None:
    with pytest.raises(ColumnError, match="no 'reason'"):
        listed(OFFERS.with_columns(chosen=pl.lit(value=True)))
