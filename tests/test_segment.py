"""Clients put into segments by rules of their own: reading, joining, first match, refusals."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import grc_fast as grc
from grc_fast.cli import main
from grc_fast.io.sql import compared_literals

RULES = """\
name = "autumn"
description = "who gets the catalogue"
owner = "CRM team"
date = 2026-11-01
version = 3
default = "others"

[[segment]]
name = "vip"
r = [4, 5]
m = 5

[[segment]]
name = "north"
where = "town = 'Lille' AND basket >= 20"

[[segment]]
name = "either"
any = [{ f = [5, 5] }, { where = "basket > 90" }]
"""
CLIENTS = pl.DataFrame(
    {
        "client_id": [4, 1, 3, 2, 5],
        "r": [5, 4, 1, 1, 1],
        "f": [1, 1, 1, 5, 1],
        "m": [1, 5, 2, 3, 1],
        "town": ["Lille", "Lille", "Nice", None, None],
        "basket": [20.0, 50.0, 95.0, 5.0, None],
        "monetary": [0.1, 0.2, 0.3, 0.4, 0.5],
    }
)
Runner = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("rules.toml").write_text(RULES, "utf-8")
    return tmp_path


def test_the_first_rule_that_holds_takes_the_client(folder: Path) -> None:
    found = grc.segment(CLIENTS, rules="rules.toml")

    assert found.clients.columns == [*CLIENTS.columns, "segment"]
    assert dict(found.clients.select("client_id", "segment").rows()) == {
        1: "vip",
        2: "either",
        3: "either",
        4: "north",
        5: "others",
    }
    assert found.clients["client_id"].is_sorted()
    assert found.sizes.select("segment", "clients", "money").rows() == [
        ("vip", 1, 0.2),
        ("north", 1, 0.1),
        ("either", 2, 0.7),
        ("others", 1, 0.5),
    ]
    assert "<table" in found._repr_html_()
    saved = json.loads(json.dumps(found.to_dict()))
    assert saved["definition"]["owner"] == "CRM team"
    assert saved["sizes"][0] == {
        "segment": "vip",
        "clients": 1,
        "share": 0.2,
        "money": 0.2,
        "money_share": pytest.approx(0.2 / 1.5),
    }
    panels = found.plot.to_dict()["hconcat"]
    titles = [panel["layer"][0]["encoding"]["x"]["axis"]["title"] for panel in panels]
    assert titles == ["share of clients", "share of money"]


def test_ids_of_files_meet_however_they_are_written(folder: Path) -> None:
    Path("one.csv").write_text("client_id,spent\n7,3\n")
    Path("two.csv").write_text("client_id,town\n007,Lille\n7,Nice\n")
    rules = [{"name": "all"}]
    found = grc.segment("one.csv", "two.csv", rules=rules).clients
    assert found.select("client_id", "spent", "town").rows() == [
        ("007", None, "Lille"),
        ("7", 3, "Nice"),
    ]


def test_the_definition_lives_with_its_rules(folder: Path) -> None:
    definition = grc.Segmentation.load("rules.toml")
    assert str(definition) == (
        "segments 'autumn', version 3, of 2026-11-01, by CRM team: who gets the catalogue"
    )
    assert definition.date == dt.date(2026, 11, 1)
    assert grc.Segmentation.from_dict(definition.to_dict()) == definition


def plain_segment(row: dict[str, Any]) -> str:
    if row["r"] >= 4 and row["m"] == 5:
        return "vip"
    if row["town"] == "Lille" and row["basket"] is not None and row["basket"] >= 20:
        return "north"
    if row["f"] == 5 or (row["basket"] is not None and row["basket"] > 90):
        return "either"
    return "others"


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                **dict.fromkeys(("r", "f", "m"), st.integers(1, 5)),
                "town": st.none() | st.sampled_from(["Lille", "Nice"]),
                "basket": st.none() | st.sampled_from([5.0, 20.0, 91.0]),
            }
        ),
        min_size=1,
    ),
    st.integers(0, 99),
)
def test_segments_are_those_of_a_plain_loop_in_any_order(rows: list[Any], seed: int) -> None:
    schema = {"r": pl.UInt8, "f": pl.UInt8, "m": pl.UInt8, "town": pl.String, "basket": pl.Float64}
    table = pl.DataFrame(rows, schema=schema).with_row_index("client_id")
    rules = grc.Segmentation.from_dict(_toml())
    found = grc.segment(table, rules=rules)
    assert found.clients["segment"].to_list() == [plain_segment(row) for row in rows]
    shuffled = table.sample(fraction=1, shuffle=True, seed=seed)
    assert grc.segment(shuffled, rules=rules).clients.equals(found.clients)


def _toml() -> dict[str, Any]:
    import tomllib

    return tomllib.loads(RULES)


def test_tables_of_other_columns_are_joined_by_client() -> None:
    towns = pl.DataFrame({"client_id": ["2", "3"], "town": ["Lille", "Nice"]})
    spent = pl.DataFrame({"client_id": ["1", "2"], "spent": [5, 50], "town": [None, "Lille"]})
    rules = grc.Segmentation(
        [{"name": "big", "where": "spent > 9 AND town = 'Lille'"}], default="o"
    )
    found = grc.segment(towns, spent, rules=rules)
    assert found.clients.rows() == [
        ("1", None, 5, "o"),
        ("2", "Lille", 50, "big"),
        ("3", "Nice", None, "o"),
    ]
    assert found.notes == ["2 tables are joined by client: 3 clients of 2, 2"]


def test_tables_of_the_same_columns_are_parts_of_one() -> None:
    rules = grc.Segmentation([{"name": "big", "where": "spent > 9"}], default="o")
    parts = [pl.DataFrame({"client_id": [n], "spent": [n]}) for n in (20, 3)]
    found = grc.segment(parts[0], parts[1].select("spent", "client_id"), rules=rules)
    assert found.clients.rows() == [(3, 3, "o"), (20, 20, "big")]
    assert found.notes == ["2 tables with the same columns are parts of one"]


def test_other_numbers_of_bands_are_put_on_the_scale_of_five() -> None:
    table = pl.DataFrame({"client_id": [1, 2, 3], "m": [10, 8, 1]})
    rules = [{"name": "top", "m": 5}, {"name": "rest"}]
    found = grc.segment(table, rules=rules, bins=10).clients["segment"]
    assert found.to_list() == ["top", "rest", "rest"]
    with pytest.raises(grc.ColumnError, match="the m 10 of the clients is none of 1 to 5"):
        grc.segment(table, rules=rules)


def test_the_tenure_is_counted_from_the_first_purchase() -> None:
    days = [dt.date(2026, 1, 1), dt.date(2026, 3, 1), None]
    table = pl.DataFrame({"client_id": [1, 2, 3], "first_purchase": days})
    rules = [{"name": "new", "tenure_max": 31}, {"name": "old"}]
    found = grc.segment(table, rules=rules, as_of="2026-04-01").clients["segment"]
    assert found.to_list() == ["old", "new", "old"]
    with pytest.raises(grc.ColumnError, match="speak of the tenure"):
        grc.segment(table, rules=rules)


@pytest.mark.parametrize(
    "ids",
    [
        pl.Series(["b", "a"], dtype=pl.Categorical),
        pl.Series(["b", "a"], dtype=pl.Enum(["b", "a"])),
        pl.Series([2.0, 1.0]),
    ],
)
def test_ids_of_any_type_are_plain_and_ascend(ids: pl.Series) -> None:
    table = pl.DataFrame({"client_id": ids, "spent": [3, 5]})
    found = grc.segment(table, rules=[{"name": "all"}]).clients
    assert found["spent"].to_list() == [5, 3]
    assert found["client_id"].dtype in (pl.String, pl.Int64)


def test_an_old_segment_is_replaced_and_may_be_asked_for() -> None:
    table = pl.DataFrame({"client_id": [1, 2], "segment": ["champions", "lost"]})
    rules = grc.Segmentation([{"name": "best", "where": "segment = 'champions'"}], default="rest")
    found = grc.segment(table, rules=rules)
    assert found.clients.rows() == [(1, "best"), (2, "rest")]
    assert found.notes == ["the column 'segment' of the clients is replaced"]


def test_labels_are_in_the_language_asked_for() -> None:
    rules = [
        {"name": "a", "labels": {"fr": "les bons"}, "m": 5},
        {"name": "b", "labels": {"fr": "les autres"}},
    ]
    found = grc.segment(CLIENTS, rules=rules, lang="fr").sizes["segment"]
    assert found.to_list() == ["les bons", "les autres"]


def test_an_empty_segment_is_said_with_its_reason() -> None:
    rules = [
        {"name": "all"},
        {"name": "later"},
        {"name": "late", "m": [1, 5]},
        {"name": "none", "where": "basket > 99"},
    ]
    assert grc.segment(CLIENTS, rules=rules).warnings == [
        "segment 'later' is empty: rules above it take all 5 clients who meet its conditions",
        "segment 'late' is empty: rules above it take all 5 clients who meet its conditions",
        "segment 'none' is empty: no client meets its conditions",
    ]


@pytest.mark.parametrize(
    "conditions",
    [
        {"where": "basket > 9 AND basket < 9"},
        {"where": "basket > 9 AND NOT (basket >= 9)"},
        {"where": "town = 'Lille' AND town = 'Nice'"},
        {"where": "town IN ('a', 'b') AND town > 'c'"},
        {"where": "visits > 3 AND visits < 4"},
        {"where": "day < DATE '2026-01-01' AND day > DATE '2026-01-01'"},
        {"where": "basket < visits AND visits < basket"},
        {"where": "card AND NOT card"},
        {"where": "kind = 'none'"},
        {"r": [4, 5], "any": [{"r": [1, 2]}]},
        {"r": [4, 5], "where": "r < 4"},
        {"where": "basket IS NULL AND basket > -5"},
    ],
)
def test_a_rule_that_cannot_hold_is_refused(conditions: dict[str, Any]) -> None:
    with pytest.raises(grc.OptionError) as caught:
        grc.segment(OF_ALL_TYPES, rules=[{"name": "x", **conditions}, {"name": "rest"}])
    assert str(caught.value) == (
        "segments 'segments': segment 'x': its conditions exclude one another, so that no client "
        "can meet them: correct them, or remove it"
    )


OF_ALL_TYPES = pl.DataFrame(
    {
        "client_id": [1],
        "basket": [5.0],
        "town": ["Lille"],
        "visits": [3],
        "day": [dt.date(2026, 1, 1)],
        "card": [True],
        "kind": pl.Series(["a"], dtype=pl.Enum(["a", "b"])),
        "r": [3],
        "points": [7],
        "first_purchase": [dt.date(2020, 1, 1)],
    }
)


@pytest.mark.parametrize(
    "conditions",
    [
        {"where": "basket > 9 AND basket < 9.0001"},
        {"where": "visits > 3 AND visits < 5"},
        {"where": "town > 'a' AND town < 'b'"},
        {"where": "NOT (town = 'Lille' OR town IS NULL)"},
        {"where": "day > DATE '2026-01-01' AND day < DATE '2026-01-03'"},
        {"where": "basket < visits AND visits < points AND points < basket + 99"},
        {"where": "basket < visits AND visits < points"},
        {"where": "basket * 2 > 9 AND basket < 4"},
        {"where": "kind = 'b' AND card IS NULL"},
        {"r": [5, 5], "points": [3, 4], "tenure_max": 1, "where": "points > 3"},
    ],
)
def test_a_rule_that_can_hold_is_taken(conditions: dict[str, Any]) -> None:
    rules = [{"name": "x", **conditions}, {"name": "rest"}]
    assert grc.segment(OF_ALL_TYPES, rules=rules, as_of="2026-06-01").sizes["clients"].sum() == 1


@pytest.mark.parametrize(
    ("sql", "literals"),
    [
        ("a = 'it''s' AND b BETWEEN 1 AND 2", ["it's", 1.0, 2.0]),
        ("a IN (-1, 2) OR NOT b IS NULL", [-1.0, 2.0]),
        ("\"the town\" = 'x'", ["x"]),
        ("a + 1 > 2", None),
        ("ABS(a) > 2", None),
        ("a LIKE 'x%'", None),
        ("a - 1 > 2", None),
    ],
)
def test_what_a_condition_compares_with(sql: str, literals: list[Any] | None) -> None:
    assert compared_literals(sql) == literals


@pytest.fixture
def run(folder: Path, capfd: Any) -> Runner:
    CLIENTS.write_csv("clients.csv")

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(["segment", *arguments])
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return run


def test_the_command_says_sizes_and_money(run: Runner) -> None:
    code, out, err = run("clients.csv", "--rules", "rules.toml", "-o", "placed.csv")
    assert (code, out) == (0, "")
    assert pl.read_csv("placed.csv")["segment"].to_list() == [
        *("vip", "either", "either", "north", "others")
    ]
    assert "segments 'autumn', version 3, of 2026-11-01, by CRM team" in err
    sizes = [line.split() for line in err.splitlines() if line.startswith("either")]
    assert sizes == [["either", "2", "40.0%", "0.70", "46.7%"]]
    assert "written: placed.csv" in err


def test_the_command_joins_tables(run: Runner) -> None:
    pl.DataFrame({"client_id": [1, 2], "visits": [3, 4]}).write_parquet("visits.parquet")
    Path("more.toml").write_text(
        'default = "no"\n[[segment]]\nname = "yes"\nwhere = "visits > 3 AND basket > 1"\n'
    )
    tables = ("clients.csv", "visits.parquet")
    code, out, err = run(*tables, "--rules", "more.toml", "-o", "-", "-q")
    assert (code, err) == (0, "")
    assert [line.rsplit(",", 1)[1] for line in out.splitlines()[1:]] == ["no", "yes", *["no"] * 3]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (
            '[[segment]]\nname = "x"\nwhere = "baskt > 3"',
            "'baskt'; did you mean 'basket'?",
        ),
        ('[[segment]]\nname = "x"\ngroup = 3', "the rules speak of 'group'"),
        ('[[segment]]\nname = "x"\nr = [5, 4]', "is reversed"),
        ('[[segment]]\nname = "x"\nwhere = "town > 3"', "cannot be computed"),
        ('[[segment]]\nname = "x"\nwhere = "basket"', "not true or false"),
        ('[[segment]]\nname = "x"\nm = 5', "4 of 5 clients meet no rule, the first is 2"),
        ('[[segment]]\nname = "x"\nm = 5\nr = 1\nwhere = "r > 1"', "exclude one another"),
        ('ownr = "me"\n[[segment]]\nname = "x"', "unknown key 'ownr'; did you mean 'owner'?"),
        ('date = "soon"\n[[segment]]\nname = "x"', "soon"),
        ('version = true\n[[segment]]\nname = "x"', "version = True is no version"),
        ('owner = ""\n[[segment]]\nname = "x"', "owner = '' is no text"),
        ('default = "x"\n[[segment]]\nname = "x"', "default = 'x' is a segment's name as well"),
        ('name = "x"', "begin each one with a line [[segment]]"),
        ("[[segment]", "not valid TOML"),
        ('[[segment]]\nname = "x"\n[[segment]]\nname = "x"', "is used by segments number 1 and 2"),
    ],
)
def test_rules_that_are_wrong_are_one_sentence(run: Runner, rules: str, said: str) -> None:
    Path("wrong.toml").write_text(rules, "utf-8")
    refused(run("clients.csv", "--rules", "wrong.toml", "-o", "placed.csv"), said)


def refused(done: tuple[int, str, str], said: str) -> None:
    code, out, err = done
    assert (code, out) == (1, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not Path("placed.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.csv"], "none.csv"),
        (["clients.csv", "--money", "monetry"], "(did you mean 'monetary'?)"),
        (["clients.csv", "twice.csv"], "client 1 has several rows in table 2"),
        (["clients.csv", "other.csv"], "have a column 'town', and it is not the same for client 3"),
        (["clients.csv", "--client", "card"], "no column 'card'"),
        (["clients.csv", "--client", "town"], "has the columns 'town' and 'client_id'"),
        (["clients.csv", "--rules", "none.toml"], "none.toml: cannot be read"),
    ],
)
def test_tables_that_are_wrong_are_one_sentence(
    run: Runner, arguments: list[str], said: str
) -> None:
    Path("twice.csv").write_text("client_id,visits\n1,2\n1,3\n")
    Path("other.csv").write_text("client_id,town\n1,Lille\n3,Paris\n")
    rules = [] if "--rules" in arguments else ["--rules", "rules.toml"]
    refused(run(*arguments, *rules, "-o", "placed.csv"), said)
