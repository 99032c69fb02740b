"""What moved between two scored dates: matrix, flows, best clients lost, stability."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import grc_fast as grc
from grc_fast.cli import main
from grc_fast.io.small_tables import read_table
from grc_fast.rfm.drift import stability_index

Runner = Callable[..., tuple[int, str, str]]
SEGMENTS = ["best", "middling", "poor"]
# Thousandths of cents, which no two orders of floats sum to the same bits.
MONEY = st.none() | st.integers(0, 10**9).map(lambda units: units / 10_000)
SIDE = st.dictionaries(
    st.integers(0, 30), st.tuples(st.none() | st.sampled_from(SEGMENTS), MONEY), max_size=25
)


def scored(side: dict[int, tuple[str | None, float | None]]) -> pl.DataFrame:
    segments, money = zip(*side.values(), strict=True) if side else ((), ())
    return pl.DataFrame(
        {"client_id": list(side), "segment": segments, "monetary": money},
        schema={"client_id": pl.Int64, "segment": pl.Enum(SEGMENTS), "monetary": pl.Float64},
    )


def units(money: float | None) -> int:
    return round((money or 0) * 10_000)


@given(SIDE, SIDE)
def test_the_matrix_is_that_of_a_plain_loop(before: Any, after: Any) -> None:
    clients: Counter[Any] = Counter()
    spent: dict[str, Counter[Any]] = {"money_before": Counter(), "money_after": Counter()}
    for client in before.keys() | after.keys():
        (origin, first), (end, last) = (side.get(client, (None, None)) for side in (before, after))
        if origin or end:
            clients[origin, end] += 1
            spent["money_before"][origin, end] += units(first) if origin else 0
            spent["money_after"][origin, end] += units(last) if end else 0

    moves = grc.compare(scored(before), scored(after)).moves

    assert moves.columns == ["from", "to", "clients", "money_before", "money_after"]
    pairs = moves.select("from", "to").rows()
    assert dict(zip(pairs, moves["clients"], strict=True)) == clients
    for side, (name, sums) in enumerate(spent.items()):
        found = dict(zip(pairs, moves[name], strict=True))
        assert {
            pair: None if pair[side] is None else sums[pair] / 10_000 for pair in pairs
        } == found


@given(SIDE, SIDE, st.randoms(use_true_random=False))
def test_nothing_depends_on_the_order_of_rows(before: Any, after: Any, random: Any) -> None:
    frames = [scored(before), scored(after)]
    shuffled = [
        frame.sample(fraction=1, shuffle=True, seed=random.randrange(99)) for frame in frames
    ]

    one, other = grc.compare(*frames), grc.compare(*shuffled)

    assert one.moves.equals(other.moves)
    assert one.flows.equals(other.flows)
    assert one.index == other.index


@given(SIDE, SIDE)
def test_rows_sum_to_the_base_before_and_columns_to_the_base_after(before: Any, after: Any) -> None:
    found = grc.compare(scored(before), scored(after))

    for place, side, base in (("from", "before", before), ("to", "after", after)):
        sizes = Counter(segment for segment, _ in base.values() if segment)
        summed = found.moves.drop_nulls(place).group_by(place).agg(pl.col("clients").sum())
        assert dict(summed.rows()) == sizes
        assert dict(found.flows.filter(pl.col(side) > 0).select("segment", side).rows()) == sizes
    flows = found.flows
    assert (flows["before"] - flows["exits"] - flows["departures"]).equals(
        flows["after"] - flows["entries"] - flows["arrivals"], check_names=False
    )
    assert flows["arrivals"].sum() == flows["departures"].sum()
    assert found.index == stability_index(flows["before"].to_list(), flows["after"].to_list())


def test_the_matrix_is_pandas_pivot() -> None:
    import pandas as pd

    before = scored({1: ("best", 9.0), 2: ("best", 8.0), 3: ("poor", 1.0), 4: ("middling", 4.0)})
    after = scored({1: ("best", 7.0), 2: ("poor", 2.0), 3: ("poor", 1.5), 5: ("middling", 4.5)})
    both = before.to_pandas().merge(
        after.to_pandas(), on="client_id", how="outer", suffixes=("_from", "_to")
    )
    origins, ends = (
        both[f"segment_{side}"].astype(object).fillna(word)
        for side, word in (("from", "entered"), ("to", "left"))
    )
    expected = pd.crosstab(origins, ends)

    table = grc.compare(before, after).table()

    assert table.columns == ["segment", "best", "middling", "poor", "left"]
    assert table["segment"].to_list() == ["best", "middling", "poor", "entered"]
    for row in table.fill_null(0).to_dicts():
        origin = row.pop("segment")
        assert {end: int(count) for end, count in expected.loc[origin].items()} == row


def test_who_left_the_two_best_groups_is_named() -> None:
    before = pl.DataFrame({"client_id": [1, 2, 3, 4, 5], "group": [1, 2, 2, 3, 1]})
    after = pl.DataFrame({"client_id": [1, 2, 4, 5], "group": [2, 3, 1, None]})

    found = grc.compare(before, after, by="group")

    assert found.left_best is not None
    assert found.left_best.select("client_id", "from", "to").rows() == [
        (2, 2, 3),
        (3, 2, None),
        (5, 1, None),
    ]
    assert found.left_best["money_before"].null_count() == 3
    assert found.notes == ["there is no money: a table has no column 'monetary', and none is named"]


def test_money_may_be_sql_decimal_or_whole() -> None:
    before = pl.DataFrame({"client_id": [1], "rfm": [555], "a": [3], "b": [2]})
    found = grc.compare(before, before, by="rfm", money="a * b").moves
    assert found.rows() == [(555, 555, 1, 6, 6)]
    cents = before.with_columns(pl.col("a").cast(pl.Decimal(10, 2)))
    assert str(grc.compare(cents, cents, by="rfm", money="a").moves["money_after"][0]) == "3.00"
    mixed = grc.compare(before, cents, by="rfm", money="a").moves
    assert mixed.rows() == [(555, 555, 1, 3.0, 3.0)]


def test_the_result_shows_itself() -> None:
    side = scored({1: ("best", 1.0), 2: ("poor", 2.0)})
    found = grc.compare(side, side, lang="fr")
    assert "sortis" not in found.table().columns
    assert "<table" in found._repr_html_()
    assert json.loads(json.dumps(found.to_dict()))["stability_index"] == 0
    assert "indice de stabilité 0,000" in str(found)
    assert found.plot.to_dict()["title"] == "clients"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Runner:
    """Run the command line in a directory with two tables of scores."""
    monkeypatch.chdir(tmp_path)
    columns = ("client_id", "segment", "group", "monetary")
    for name, rows in (
        ("before", [("01", "best", 1, 9.5), ("02", "best", 2, 8.0), ("03", "poor", 5, 1.0)]),
        ("after", [("01", "best", 1, 9.0), ("02", "poor", 4, 1.0), ("04", "poor", 5, 2.0)]),
    ):
        pl.DataFrame(rows, schema=columns, orient="row").write_csv(f"{name}.csv")

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(["compare", *arguments])
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return run


def test_the_command_writes_moves_flows_and_who_was_lost(run: Runner) -> None:
    files = ("-o", "moves.csv", "--left-best", "left.csv", "--json", "moves.json")
    code, out, err = run("before.csv", "after.csv", *files)

    assert code == 0, err
    assert Path("moves.csv").read_text() == (
        "from,to,clients,money_before,money_after\n"
        "best,best,1,9.5,9.0\n"
        "best,poor,1,8.0,1.0\n"
        "poor,,1,1.0,\n"
        ",poor,1,,2.0\n"
    )
    assert Path("left.csv").read_text() == (
        "client_id,from,to,money_before,money_after\n02,2,4,8.0,1.0\n"
    )
    assert json.loads(Path("moves.json").read_text())["left_best"] == 1
    assert "1 stayed, 1 moved, 1 entered, 1 left" in err
    assert "1 left the two best groups, 0 of them left the base" in err
    assert "segment: population stability index" in err
    assert [line.split()[:4] for line in out.splitlines()[1:]] == [
        ["best", "2", "1", "-1"],
        ["poor", "1", "2", "1"],
    ]


def test_standard_output_takes_the_moves(run: Runner) -> None:
    code, out, err = run("before.csv", "after.csv", "-o", "-", "--by", "group", "-q")
    assert (code, err) == (0, "")
    assert out.splitlines()[1] == "1,1,1,9.5,9.0"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["before.csv", "after.csv", "--by", "rfm"], "before has no column 'rfm'"),
        (["before.csv", "none.csv"], "none.csv"),
        (["before.csv", "after.csv", "--money", "monetry"], "(did you mean 'monetary'?)"),
        (["before.csv", "after.csv", "--money", "segment"], "holds text"),
        (["before.csv", "after.csv", "--client", "clent_id"], "(did you mean 'client_id'?)"),
        (["before.csv", "twice.csv"], "client '1' has several rows in after"),
        (["before.csv", "numbers.parquet"], "'segment' holds numbers in one table and text"),
        (["before.csv", "half.parquet", "--by", "group"], "after has floats (Float64) in 'group'"),
        (["before.csv", "alone.csv", "--left-best", "x.csv"], "a table has no column 'group'"),
        (["before.csv", "after.csv", "--left-best", "-"], "give --left-best a file name"),
    ],
)
def test_what_is_wrong_is_one_sentence(run: Runner, arguments: list[str], said: str) -> None:
    Path("twice.csv").write_text("client_id,segment\n1,best\n1,poor\n")
    pl.DataFrame({"client_id": ["01"], "segment": [7]}).write_parquet("numbers.parquet")
    Path("alone.csv").write_text("client_id,segment\n1,best\n2,poor\n")
    pl.DataFrame({"client_id": ["01"], "group": [1.5]}).write_parquet("half.parquet")
    before = sorted(Path().iterdir())

    code, out, err = run(*arguments, "-o", "moves.csv")

    assert (code, out) == (1, "")
    assert said in err
    assert len([line for line in err.splitlines() if line.startswith("error: ")]) == 1
    assert "Traceback" not in err
    assert sorted(Path().iterdir()) == before


def test_ids_of_files_meet_however_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("client_id,group\n7,1\n")
    (tmp_path / "two.csv").write_text("client_id,group\n007,2\n7,2\n")
    found = grc.compare(tmp_path / "one.csv", tmp_path / "two.csv", by="group")
    assert found.moves.select("from", "to", "clients").rows() == [(1, 2, 1), (None, 2, 1)]


def test_of_a_wide_table_only_what_is_needed_is_read(tmp_path: Path) -> None:
    table = pl.DataFrame({"client_id": [1], "group": [2], "a": [3], "b": [4], "far": [5]})
    table.write_parquet(tmp_path / "wide.parquet")
    read = read_table(str(tmp_path / "wide.parquet"), only=["group", "a * b"])
    assert read.columns == ["client_id", "group", "a", "b"]
    missing = read_table(str(tmp_path / "wide.parquet"), only=["group", "aa * b"])
    assert missing.columns == table.columns
