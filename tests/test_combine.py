"""Purchases and interest in one table."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

import grc_fast as grc
from test_behaviour import AS_OF, EXAMPLE, RULES

RFM = pl.DataFrame({"client_id": [1, 2], "points": [15, 9], "group": [1, 3]})
INTEREST = pl.DataFrame({"client_id": [1, 2], "score": [3.0, 4.0], "phase": ["won", "decision"]})


def test_combine_keeps_the_clients_of_both() -> None:
    rfm = pl.DataFrame({"client_id": [1, 2, 3], "points": [15, 9, 3], "group": [1, 3, 5]})
    interest = pl.DataFrame(
        {"client_id": [2, 4], "score": [30.0, 2.0], "phase": ["decision", "discovery"]}
    )
    joined = grc.combine(rfm, interest)
    assert joined["client_id"].to_list() == [1, 2, 3, 4]
    assert joined["phase"].to_list() == [None, "decision", None, "discovery"]
    assert joined["points"].to_list() == [15, 9, 3, None]
    assert joined["action"].to_list() == ["cultivate", "call now", "cultivate", "welcome"]
    assert grc.combine(rfm, interest, lang="fr")["action"][1] == "appeler sans attendre"


def test_combine_takes_results() -> None:
    sales = pl.DataFrame({"client_id": [7, 9], "date": ["2025-03-01"] * 2, "amount": [5.0, 9.0]})
    rfm = grc.score_rfm(sales, as_of=AS_OF)
    joined = grc.combine(rfm, grc.score_behaviour(EXAMPLE, RULES, as_of=AS_OF))
    assert joined["client_id"].to_list() == [7, 9]
    assert joined["phase"].to_list() == ["decision", None]
    with pytest.raises(grc.ColumnError, match="no column 'phase'"):
        grc.combine(rfm, sales)
    with pytest.raises(grc.ColumnError, match="numbers in rfm and text in behaviour"):
        grc.combine(rfm, pl.DataFrame({"client_id": ["7"], "phase": ["won"]}))


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("never_bought", "win a first purchase"),
        ("out_of_window", "call now"),
        ("returns_only", "call now"),
    ],
)
def test_only_who_never_bought_is_to_be_won(status: str, action: str) -> None:
    sales = pl.DataFrame(
        {
            "client_id": [1, 2, 3],
            "date": ["2025-03-01", "2020-03-01", "2025-03-01"],
            "amount": [5.0, 9.0, -3.0],
        }
    )
    rfm = grc.score_rfm(
        sales,
        as_of=AS_OF,
        recency=grc.Recency(window="1y"),
        clients=pl.DataFrame({"client_id": [1, 2, 3, 4]}),
    )
    assert set(rfm.scores["status"].cast(pl.String)) >= {status}
    client = rfm.scores.filter(pl.col("status") == status)["client_id"][0]
    interest = pl.DataFrame({"client_id": [client], "phase": ["decision"]})

    joined = grc.combine(rfm, interest)

    assert joined.filter(pl.col("client_id") == client)["action"].to_list() == [action]


@pytest.mark.parametrize(
    ("table", "column", "values", "said"),
    [
        ("interest", "phase", ["won", "desision"], "the phase 'desision' of behaviour is none of"),
        ("interest", "phase", [1, 2], "the column 'phase' of behaviour holds"),
        ("rfm", "group", ["1", "2"], "the column 'group' of rfm holds"),
        ("rfm", "group", [1, 9], "the group 9 of rfm is none of 1 to 5"),
        ("rfm", "group", [0, 1], "the group 0 of rfm is none of 1 to 5"),
        ("rfm", "group", [1.5, 2.0], "the column 'group' of rfm holds"),
        ("rfm", "group", [dt.date(2025, 1, 1)] * 2, "the column 'group' of rfm holds"),
    ],
)
def test_what_the_grid_does_not_know_is_refused(
    table: str, column: str, values: list[Any], said: str
) -> None:
    changed = {"rfm": RFM, "interest": INTEREST}
    changed[table] = changed[table].with_columns(pl.Series(column, values))
    with pytest.raises(grc.ColumnError, match=said):
        grc.combine(changed["rfm"], changed["interest"])


def test_nulls_are_no_fault() -> None:
    nothing = pl.lit(None)
    joined = grc.combine(RFM.with_columns(group=nothing), INTEREST.with_columns(phase=nothing))
    assert joined["action"].to_list() == ["welcome"] * 2


def test_no_data_is_not_silence() -> None:
    rfm = pl.DataFrame({"client_id": [1, 2, 3, 4], "group": [1, 4, None, 1]})
    # Of client 4 nothing but an open by a machine was seen.
    events = pl.DataFrame(
        {
            "client_id": [4],
            "timestamp": ["2025-03-30"],
            "kind": ["email_open"],
            "machine_open": [True],
        }
    )
    silent = pl.DataFrame({"client_id": [1, 2, 3], "phase": ["inactive"] * 3})

    unknown = grc.combine(rfm, grc.score_behaviour(events, RULES, as_of=AS_OF))
    quiet = grc.combine(rfm, silent)

    assert unknown["phase"].to_list() == [None] * 4
    assert unknown["action"].to_list() == ["cultivate", "cultivate", "welcome", "cultivate"]
    assert quiet["action"].to_list() == ["wake up", "leave in peace", "leave in peace", "cultivate"]


def test_a_plain_table_may_say_how_many_groups_it_has() -> None:
    rfm = pl.DataFrame({"client_id": [1, 2], "group": [4, 5]})
    silent = pl.DataFrame({"client_id": [1, 2], "phase": ["inactive"] * 2})
    assert grc.combine(rfm, silent, groups=10)["action"].to_list() == ["wake up", "leave in peace"]
    with pytest.raises(grc.OptionError, match="groups must be a whole number"):
        grc.combine(rfm, silent, groups=0)
