"""Workbooks and CSV for spreadsheets: what Excel and LibreOffice make of what is written."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
import typer

import grc_fast as grc
from grc_fast.cli import app, main
from grc_fast.errors import OutputError
from grc_fast.io.output_style import OutputStyle
from grc_fast.io.write import write_frame
from libreoffice import needs_libreoffice, opened

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("xlsxwriter")

# Sheets know no zones.
AT = dt.datetime(2026, 11, 30, 14, 5)  # noqa: DTZ001
DAY = dt.datetime(2026, 11, 30)  # noqa: DTZ001
FRAME = pl.DataFrame(
    {
        "client_id": [7, 12],
        "name": ["Éloïse & <Ada>", None],
        "last_purchase": [dt.date(2026, 11, 30), None],
        "at": [AT, None],
        "gain": [1234.5, -0.25],
        "share": [0.125, None],
        "p_alive": [0.5, float("nan")],
        "orders": [3, 4],
        "known": [True, False],
        "pressure": pl.Series([None, None], dtype=pl.UInt32),
    }
)
FRENCH = OutputStyle(csv="excel-fr", lang="fr")


@pytest.fixture
def workbook(tmp_path: Path) -> openpyxl.Workbook:
    write_frame(FRAME, tmp_path / "list.xlsx")
    return openpyxl.load_workbook(tmp_path / "list.xlsx")


def test_every_cell_holds_the_value_of_its_row(workbook: openpyxl.Workbook) -> None:
    header, first, second = workbook["data"].values

    assert list(header) == FRAME.columns
    assert first == (
        "7", "Éloïse & <Ada>", DAY, AT,
        1234.5, 0.125, 0.5, 3, True, None,
    )  # fmt: skip
    assert second == ("12", None, None, None, -0.25, None, "#NUM!", 4, False, None)


def test_money_days_and_shares_are_shown_as_such_and_ids_are_text(
    workbook: openpyxl.Workbook,
) -> None:
    formats = {
        header.value: cell.number_format
        for header, cell in zip(*workbook["data"].iter_rows(max_row=2), strict=True)
        if cell.value is not None
    }

    assert formats == {
        "client_id": "@",
        "name": "@",
        "last_purchase": "yyyy-mm-dd",
        "at": "yyyy-mm-dd hh:mm:ss",
        "gain": "#,##0.00",
        "share": "0.0%",
        "p_alive": "General",
        "orders": "0",
        "known": "General",
    }


def test_the_header_is_frozen_and_columns_are_as_wide_as_what_they_show(
    workbook: openpyxl.Workbook,
) -> None:
    sheet = workbook["data"]

    assert sheet.freeze_panes == "A2"
    assert sheet.dimensions == "A1:J3"
    assert sheet.auto_filter.ref == "A1:J3"
    widest = {"B": "Éloïse & <Ada>", "C": "2026-11-30", "D": "0" * 19, "E": "1,234.50"}
    for column, shown in widest.items():
        assert len(shown) < sheet.column_dimensions[column].width < len(shown) + 6


def test_a_long_text_makes_no_column_wider_than_a_screen(tmp_path: Path) -> None:
    write_frame(pl.DataFrame({"a": ["x" * 10_000]}), tmp_path / "list.xlsx")

    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx")["data"]
    assert sheet.column_dimensions["A"].width < 70
    assert sheet["A2"].value == "x" * 10_000


@pytest.mark.parametrize(
    ("lang", "name", "rows"), [("en", "summary", "rows"), ("fr", "résumé", "lignes")]
)
def test_the_summary_counts_the_rows_and_what_the_columns_come_to(
    tmp_path: Path, lang: str, name: str, rows: str
) -> None:
    write_frame(FRAME, tmp_path / "list.xlsx", OutputStyle(lang=lang))

    first, _, _, *columns = openpyxl.load_workbook(tmp_path / "list.xlsx")[name].values
    found = {row[0]: row[1:] for row in columns}

    assert first[:2] == (rows, 2)
    assert found["gain"] == (2, -0.25, 1234.5, 1234.25, 617.125)
    assert found["share"] == (1, 0.125, 0.125, None, None)
    assert found["p_alive"] == (2, 0.5, 0.5, 0.5, 0.5)
    assert found["pressure"] == (0, None, None, None, None)
    assert found["name"] == (1, None, None, None, None)
    assert found["last_purchase"][1] == DAY


def test_rows_that_are_written_in_parts_are_all_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grc_fast.io.sheet_rows._ROWS", 3)
    for count in (0, 1, 3, 7):
        write_frame(pl.select(n=pl.int_range(count)), tmp_path / "list.xlsx")

        sheet = openpyxl.load_workbook(tmp_path / "list.xlsx")["data"]
        assert [row[0] for row in sheet.values] == ["n", *range(count)]


def test_more_columns_than_the_alphabet_has_letters_are_in_their_order(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(800)]
    write_frame(pl.DataFrame({name: [name] for name in names}), tmp_path / "wide.xlsx")

    assert [list(row) for row in openpyxl.load_workbook(tmp_path / "wide.xlsx")["data"].values] == [
        names,
        names,
    ]


def test_a_column_that_no_cell_holds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"column 'a' holds lists .* use \.parquet"):
        write_frame(pl.DataFrame({"a": [[1]]}), tmp_path / "list.xlsx")


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    write_frame(FRAME, tmp_path / "a.xlsx")
    write_frame(FRAME, tmp_path / "b.xlsx")

    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_french_excel_gets_semicolons_commas_its_dates_and_no_formula(tmp_path: Path) -> None:
    frame = FRAME.drop("p_alive", "pressure").with_columns(name=pl.Series(["=1+1", "a;b"]))

    write_frame(frame, tmp_path / "list.csv", FRENCH)

    assert (tmp_path / "list.csv").read_bytes() == (
        "\ufeffclient_id;name;last_purchase;at;gain;share;orders;known\r\n"
        "7;'=1+1;30/11/2026;30/11/2026 14:05:00;1234,5;0,125;3;VRAI\r\n"
        '12;"a;b";;;-0,25;;4;FAUX\r\n'
    ).encode()


def test_what_french_excel_opens_can_be_read_again(tmp_path: Path) -> None:
    sales = grc.simulate_sales(500, 50)
    write_frame(sales, tmp_path / "sales.csv", FRENCH)

    day = sales["date"].max() + dt.timedelta(days=1)
    read = grc.facts(tmp_path / "sales.csv", as_of=day)
    assert read.frame.equals(grc.facts(sales, as_of=day).frame)


def test_commands_write_csv_for_french_excel(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    grc.simulate_sales(500, 50).write_parquet(tmp_path / "sales.parquet")
    run = ["score", str(tmp_path / "sales.parquet"), "-q", "--csv-style", "excel-fr"]

    assert main([*run, "-o", str(tmp_path / "scores.csv")]) == 0
    capfdbinary.readouterr()
    assert main([*run, "-o", "-"]) == 0

    written = (tmp_path / "scores.csv").read_bytes()
    assert written.startswith("\ufeffclient_id;".encode())
    assert capfdbinary.readouterr().out == written


def test_every_command_that_writes_csv_takes_the_style() -> None:
    commands = typer.main.get_command(app).commands
    options = {name: {one.name for one in command.params} for name, command in commands.items()}

    writing = {name for name, names in options.items() if "output" in names} - {"report", "sheet"}
    assert {"score", "plan"} <= writing
    assert {name for name in writing if "csv_style" not in options[name]} == set()


@needs_libreoffice
def test_libreoffice_shows_a_workbook_as_it_is_meant(tmp_path: Path) -> None:
    write_frame(FRAME, tmp_path / "list.xlsx")

    assert opened(tmp_path / "list.xlsx")[1:] == [
        ["7", "Éloïse & <Ada>", "2026-11-30", "2026-11-30 14:05:00", "1,234.50", "12.5%", "0.5",
         "3", "TRUE", ""],
        ["12", "", "", "", "-0.25", "", "#NUM!", "4", "FALSE", ""],
    ]  # fmt: skip
