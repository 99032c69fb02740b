"""Two facts crossed: cells, totals, residuals, money, bands, what is hidden, what is refused."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, contingency

import grc_fast as grc
from grc_fast.cli import main

CONTRACT = [
    *("row", "column", "clients", "share", "index", "expected", "residual", "total", "mean"),
    "hidden",
]
CLIENTS = st.lists(
    st.tuples(
        st.none() | st.sampled_from(["a", "b", ""]),
        st.none() | st.integers(0, 3),
        st.none() | st.integers(-(10**6), 10**9).map(lambda units: units / 10_000),
    ),
    min_size=1,
    max_size=40,
)
Rows = list[tuple[str | None, int | None, float | None]]
Runner = Callable[..., tuple[int, str, str]]


def frame(rows: Rows) -> pl.DataFrame:
    schema = {"town": pl.String, "visits": pl.Int64, "basket": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_row_index("client_id")


def crossed(rows: Rows, **options: Any) -> grc.Grid:
    return grc.grid(frame(rows), rows="town", columns="visits", values="basket", **options)


def key(value: object) -> str:
    return "(missing)" if value in (None, "") else str(value)


@given(CLIENTS)
def test_cells_and_totals_are_those_of_a_plain_loop(rows: Rows) -> None:
    clients: Counter[Any] = Counter()
    units: Counter[Any] = Counter()
    valued: Counter[Any] = Counter()
    for town, visits, basket in rows:
        for row in (key(town), None):
            for column in (key(visits), None):
                clients[row, column] += 1
                units[row, column] += round((basket or 0) * 10_000)
                valued[row, column] += basket is not None

    cells = crossed(rows).cells

    assert cells.columns == CONTRACT
    pairs = cells.select("row", "column").rows()
    assert len(set(pairs)) == len(pairs)
    assert set(clients) <= set(pairs)
    assert cells["clients"].to_list() == [clients[pair] for pair in pairs]
    shares = [clients[pair] / len(rows) for pair in pairs]
    assert cells["share"].to_list() == pytest.approx(shares, rel=1e-15)
    assert cells["total"].to_list() == [units[pair] / 10_000 for pair in pairs]
    for pair, mean in zip(pairs, cells["mean"], strict=True):
        expected = units[pair] / (valued[pair] * 10_000) if valued[pair] else None
        assert mean == expected


@given(CLIENTS, st.integers(0, 99))
def test_nothing_depends_on_the_order_of_rows(rows: Rows, seed: int) -> None:
    one, table = crossed(rows), frame(rows)
    shuffled = table.sample(fraction=1, shuffle=True, seed=seed)
    other = grc.grid(shuffled, rows="town", columns="visits", values="basket")
    assert one.cells.equals(other.cells)
    assert one.independence == other.independence


@given(CLIENTS)
def test_totals_are_the_sums_of_their_cells(rows: Rows) -> None:
    cells = crossed(rows).cells
    inner = cells.drop_nulls(["row", "column"])
    for side, other in (("row", "column"), ("column", "row")):
        totals = cells.filter(pl.col(other).is_null()).drop_nulls(side)
        sums = inner.group_by(side).agg(pl.col("clients").sum())
        assert dict(sums.rows()) == dict(totals.select(side, "clients").rows())
        assert totals["clients"].sum() == len(rows)


@given(st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=2, max_size=4))
def test_residuals_and_the_test_are_those_of_scipy(body: list[list[int]]) -> None:
    counts = np.array(body)
    counts[:, 0] += 1  # Every row and column holds someone.
    counts[0] += 1
    rows: Rows = [
        (f"t{row}", column, None)
        for (row, column), many in np.ndenumerate(counts)
        for _ in range(many)
    ]
    found = crossed(rows)
    expected = contingency.expected_freq(counts)
    everyone = counts.sum()
    margins = [1 - margin / everyone for margin in contingency.margins(counts)]
    adjusted = (counts - expected) / np.sqrt(expected * margins[0] * margins[1])
    test = chi2_contingency(counts, correction=False)

    inner = found.cells.drop_nulls(["row", "column"])
    assert inner["expected"].to_numpy() == pytest.approx(expected.ravel())
    assert inner["residual"].to_numpy() == pytest.approx(adjusted.ravel())
    assert inner["index"].to_numpy() == pytest.approx((100 * counts / expected).ravel())
    assert found.independence is not None
    assert found.independence.chi_square == pytest.approx(test.statistic, abs=1e-9)
    assert found.independence.degrees_of_freedom == test.dof
    assert found.independence.p_value == pytest.approx(test.pvalue, abs=1e-12)
    cramer = contingency.association(counts, method="cramer")
    assert found.independence.cramers_v == pytest.approx(cramer, abs=1e-9)


def test_a_residual_by_hand() -> None:
    # 40 clients: 20 in each town, 10 come twice, 9 of them in a. Expected 20 x 10 / 40 = 5;
    # (9 - 5) / sqrt(5 x (1 - 20/40) x (1 - 10/40)) = 4 / sqrt(1.875).
    rows: Rows = (
        [("a", 2, None)] * 9 + [("a", 1, None)] * 11 + [("b", 2, None)] + [("b", 1, None)] * 19
    )
    cell = crossed(rows).cells.row(
        by_predicate=(pl.col("row") == "a") & (pl.col("column") == "2"), named=True
    )
    assert (cell["expected"], cell["index"]) == (5, 180)
    assert cell["residual"] == pytest.approx(4 / 1.875**0.5)


def test_cells_that_expect_too_few_are_said() -> None:
    rows: Rows = [(town, visits, None) for town in "ab" for visits in (1, 2)]
    (note,) = crossed(rows).notes
    assert note == (
        "4 of 4 cells expect fewer than 5 clients, so chi-square and residuals are rough: take "
        "fewer or wider classes"
    )
    assert crossed(rows * 5).notes == []


def test_a_single_column_has_neither_residuals_nor_strength() -> None:
    found = crossed([("a", 1, 2.0), ("b", 1, 3.0)])
    assert found.cells["residual"].null_count() == found.cells.height
    assert found.independence == grc.Independence(0.0, 0, None)
    assert found.independence.p_value is None
    assert "Cramér's V none" in str(found)


def test_bands_make_classes_of_numbers_in_either_language() -> None:
    rows: Rows = [("a", visits, None) for visits in (0, 1, 2, 3)] + [("a", None, None)]
    labels = [
        crossed(rows, column_bands=[1, 3], lang=lang).table().columns for lang in ("en", "fr")
    ]
    assert labels == [
        ["town", "less than 1", "1 to less than 3", "3 or more", "(missing)", "total"],
        ["town", "moins de 1", "de 1 à moins de 3", "3 ou plus", "(non renseigné)", "total"],
    ]
    cells = crossed(rows, column_bands=[1, 3]).cells
    assert cells["clients"].to_list()[:5] == [1, 2, 1, 1, 5]


def test_sql_dates_enums_booleans_and_nan_are_classes_in_their_order() -> None:
    table = pl.DataFrame(
        {
            "card": [True, False, None],
            "size": pl.Series(["small", "large", "small"], dtype=pl.Enum(["small", "large"])),
            "spent": [float("nan"), -0.0, 0.0],
            "day": ["2026-01-02", "2025-12-31", None],
        }
    ).with_columns(pl.col("day").str.to_date())

    def keys(rows: str) -> list[str | None]:
        cells = grc.grid(table, rows=rows, columns="size").cells
        return cells["row"].unique(maintain_order=True).to_list()

    assert keys("card") == ["false", "true", "(missing)", None]
    assert keys("spent") == ["0.0", "(missing)", None]
    assert keys("day") == ["2025-12-31", "2026-01-02", "(missing)", None]
    assert keys("UPPER(CAST(size AS TEXT))") == ["LARGE", "SMALL", None]
    assert keys("size") == ["small", "large", None]


def test_money_keeps_its_type() -> None:
    table = pl.DataFrame({"town": ["a", "a"], "visits": [1, 1], "basket": [Decimal("0.10")] * 2})
    cells = grc.grid(table, rows="town", columns="visits", values="basket").cells
    assert cells["total"].to_list() == [Decimal("0.20")] * 4
    assert cells["mean"].to_list() == [0.1] * 4
    whole = grc.grid(table, rows="town", columns="visits", values="visits * 2").cells
    assert whole["total"].to_list() == [4] * 4


def test_what_is_hidden_or_would_tell_it_is_null() -> None:
    rows: Rows = (
        [("a", 1, 1.0)] * 3 + [("a", 2, 1.0)] * 50 + [("b", 1, 1.0)] * 60 + [("b", 2, 1.0)] * 70
    )
    found = crossed(rows, min_cell=10)
    assert found.independence is None
    assert found.to_dict()["chi_square"] is None
    assert "4 cells are hidden" in str(found)
    for cell in found.cells.rows(named=True):
        inner = cell["row"] is not None and cell["column"] is not None
        assert cell["hidden"] == inner
        for measure in ("clients", "share", "index", "residual", "total", "mean"):
            assert (cell[measure] is None) == (inner or measure in ("index", "residual"))
        # Totals are shown, and so what follows from them.
        assert (cell["expected"] is None) == (not inner)


def test_what_follows_from_hidden_totals_is_null() -> None:
    found = crossed([("a", 1, 1.0)] * 3 + [("a", 2, 1.0)] * 4, min_cell=10)
    assert found.cells["hidden"].all()
    measures = found.cells.select("clients", "share", "index", "expected", "residual", "total")
    assert measures.null_count().row(0) == (found.cells.height,) * 6


@given(st.lists(st.lists(st.integers(0, 40), min_size=2, max_size=3), min_size=2, max_size=3))
def test_nothing_shown_is_computed_from_what_is_hidden(body: list[list[int]]) -> None:
    width = min(map(len, body))
    rows: Rows = [
        (f"t{row}", column, 1.0)
        for row, line in enumerate(body)
        for column, many in enumerate(line[:width])
        for _ in range(many)
    ]
    cells = crossed(rows or [("a", 1, 1.0)], min_cell=10).cells
    hidden = {
        (row, column): is_hidden
        for row, column, is_hidden in cells.select("row", "column", "hidden").rows()
    }
    for cell in cells.rows(named=True):
        row, column = cell["row"], cell["column"]
        margins = hidden[row, None] or hidden[None, column] or hidden[None, None]
        assert cell["hidden"] == (cell["clients"] is None)
        assert cell["expected"] is None or not margins
        for measure in ("index", "residual"):
            assert cell[measure] is None or not (margins or cell["hidden"])
        assert cell["share"] is None or not (cell["hidden"] or hidden[None, None])


def test_the_result_shows_itself() -> None:
    found = crossed([("a", 1, 2.0), ("b", 2, 3.0), ("b", 1, 4.0)])
    assert json.loads(json.dumps(found.to_dict()))["cells"][0]["clients"] == 1
    assert found.table("total").row(2) == ("total", 6.0, 3.0, 9.0)
    assert "<table" in found._repr_html_()
    assert found.plot.to_dict()["title"] == "index"
    sizes = found.departures()["residual"].abs().to_list()
    assert sizes == pytest.approx(sorted(sizes, reverse=True))


def test_a_key_that_is_the_word_for_totals_stays_apart() -> None:
    found = crossed([("total", 1, 2.0), ("b", 1, 3.0)])
    assert found.table()["town"].to_list() == ["b", "total", "(total)"]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"rows": "twon"}, grc.ColumnError, "(did you mean 'town'?)"),
        ({"columns": "visits +"}, grc.ColumnError, "no column 'visits +'"),
        ({"rows": "COUNT(visits)"}, grc.OptionError, "several rows at once"),
        ({"rows": "list"}, grc.ColumnError, "the rows 'list' are lists"),
        ({"row_bands": [3]}, grc.ColumnError, "the rows 'town' are text on the table, and bands"),
        ({"column_bands": [3, 3]}, grc.OptionError, "must be numbers that go up"),
        ({"column_bands": []}, grc.OptionError, "must be numbers that go up"),
        ({"values": "town"}, grc.ColumnError, "holds text"),
        ({"values": "hole"}, grc.DataError, "no finite number"),
        ({"rows": "many"}, grc.OptionError, "1,200 different values, and 1,000 are the most"),
        ({"rows": "odd"}, grc.ColumnError, "have the value '(missing)'"),
        ({"min_cell": -1}, grc.OptionError, "min_cell must be a whole number"),
        ({"lang": "de"}, grc.OptionError, "lang"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    options: dict[str, Any], error: type[Exception], said: str
) -> None:
    table = pl.DataFrame({"visits": range(1_200)}).with_columns(
        town=pl.lit("a"),
        list=pl.concat_list("visits"),
        hole=pl.lit(float("inf")),
        many=pl.col("visits"),
        odd=pl.lit("(missing)"),
        visits=pl.lit(1),
    )
    with pytest.raises(error) as caught:
        grc.grid(table, **({"rows": "town", "columns": "visits"} | options))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("scipy.optimize", "scipy.special"):
        monkeypatch.setitem(sys.modules, module, None)
    rows: Rows = [("a", 1, None)] * 20 + [("b", 2, None)] * 20
    needs = r'needs the extra "crosstab": run pip install "grc-fast\[crosstab\]"'
    with pytest.raises(grc.SourceError, match=f"the p-value of a cross-tab {needs}"):
        crossed(rows).to_dict()
    with pytest.raises(grc.SourceError, match=f"hiding small cells {needs}"):
        crossed([*rows, ("a", 2, None)], min_cell=10)


def test_a_search_that_is_cut_short_hides_enough_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cut_short = SimpleNamespace(status=1, x=None)
    monkeypatch.setattr("scipy.optimize.milp", lambda *_, **__: cut_short)
    found = crossed([("a", 1, None)] * 3 + [("b", 2, None)] * 50, min_cell=10)
    shown = found.cells.filter(~pl.col("hidden"))
    assert shown["clients"].to_list() == [0, 0]
    assert (
        "a smaller set of cells to hide may exist: the search for it was cut short" in found.notes
    )


def test_nobody_cannot_be_crossed() -> None:
    with pytest.raises(grc.DataError, match="has no row"):
        crossed([])


def test_clients_of_several_rows_are_said_and_never_hidden_by_rows() -> None:
    table = pl.concat([frame([("a", 1, 1.0)])] * 2)
    assert grc.grid(table, rows="town", columns="visits").notes[0] == (
        "the table has 2 rows of 1 clients: each row counts"
    )
    with pytest.raises(grc.DataError, match="give one row a client, or hide nothing"):
        grc.grid(table, rows="town", columns="visits", min_cell=5)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Runner:
    """Run the command line in a directory with a table of clients."""
    monkeypatch.chdir(tmp_path)
    rows: Rows = [("a", 1, 1.5)] * 30 + [("b", 1, 2.5)] * 20 + [("b", 5, None)] * 40
    frame(rows).write_csv("clients.csv")

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(["crosstab", *arguments])
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return run


CROSS = ("clients.csv", "--rows", "town", "--columns", "visits")


def test_the_command_writes_cells_and_json_and_shows_what_departs(run: Runner) -> None:
    more = ("--column-bands", "2", "--values", "basket", "--json", "cells.json")
    code, out, err = run(*CROSS, *more, "-o", "cells.csv")
    assert code == 0, err
    cells = pl.read_csv("cells.csv")
    assert cells.columns == CONTRACT
    assert cells["clients"].to_list() == [30, 0, 30, 20, 40, 60, 50, 40, 90]
    assert cells["total"].to_list() == [45, 0, 45, 50, 0, 50, 95, 0, 95]
    saved = json.loads(Path("cells.json").read_text())
    test = chi2_contingency([[30, 0], [20, 40]], correction=False)
    assert saved["chi_square"] == pytest.approx(test.statistic)
    assert saved["p_value"] == pytest.approx(test.pvalue)
    assert (saved["degrees_of_freedom"], saved["hidden"]) == (1, 0)
    assert "chi-square 36.0 with 1 degree of freedom, Cramér's V 0.632" in err
    assert "less than 2" in out.splitlines()[0]
    assert any(line.split()[0] == "row" for line in out.splitlines())


def test_standard_output_takes_the_cells(run: Runner) -> None:
    code, out, err = run(*CROSS, "-o", "-", "-q", "--lang", "fr")
    assert (code, err) == (0, "")
    assert out.startswith("row,column,clients,share,")


def test_small_cells_are_hidden_by_default_and_shown_on_demand(run: Runner) -> None:
    frame([("a", 1, None)] * 3 + [("b", 1, None)] * 30 + [("c", 2, None)] * 20).write_csv("few.csv")
    few = ("few.csv", "--rows", "town", "--columns", "visits", "-o", "-", "-q")
    assert ",true" in run(*few)[1]
    assert ",true" not in run(*few, "--min-cell", "0")[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([*CROSS[:3], "--columns", "visit"], "(did you mean 'visits'?)"),
        (["none.csv", *CROSS[1:]], "none.csv"),
        ([*CROSS, "--client", "card"], "no column 'card'"),
        ([*CROSS, "--values", "town"], "holds text"),
    ],
)
def test_the_command_says_what_is_wrong_in_a_sentence(
    run: Runner, arguments: list[str], said: str
) -> None:
    code, out, err = run(*arguments, "-o", "cells.csv")
    assert (code, out) == (1, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not Path("cells.csv").exists()
