"""A client file of the worst kind: no list that is made of it harms who opens it."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pytest

import grc_fast as grc
from hostile_texts import HOSTILE
from libreoffice import needs_libreoffice, opened

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("xlsxwriter")

PHONES = {
    "+33612345678": "0612345678",
    "+33 (0)6 12 34 56 78": "0612345678",
    "0033 1.40.00.00.00": "0140000000",
    "06-12-34-56-78": "0612345678",
    "+49 30 1234567": "0049301234567",
    "+352 691 123": "00352691123",
    "+1 (212) 555-0100": "0012125550100",
    "0044 20 7946 0000": "00442079460000",
    "+262692123456": "00262692123456",
    "3631": "3631",
    "0800123456": "0800123456",
    "12345678901234567890": "12345678901234567890",
}
TEXTS = [*HOSTILE.values(), "＝1+1", " =1+1", "\u200f=1+1", "+33", "-1+1|x", "@x", "\ufeff=1"]  # noqa: RUF001
# What a spreadsheet takes for the beginning of a formula.
BEGINNINGS = tuple("=+-@\t\r＝＋－＠")  # noqa: RUF001


@pytest.fixture
def lists() -> grc.ChannelLists:
    texts = (TEXTS * len(PHONES))[: max(len(TEXTS), len(PHONES))]
    count = len(texts)
    ids = [f"={i}+1" for i in range(count)]
    phones = (list(PHONES) * 9)[:count]
    clients = pl.DataFrame(
        {
            "client_id": ids,
            "name": texts,
            "email": [f"{i}@example.org" for i in range(count)],
            "phone": phones,
            "address": texts[::-1],
            "city": texts,
        }
    )
    offers = pl.DataFrame(
        {
            "client_id": ids,
            "channel": ["post"] * count,
            "offer": texts,
            "gain": [float(count - i) for i in range(count)],
            "cost": [0.0] * count,
        }
    )
    return grc.channel_lists(offers, clients)


def is_harmless(cell: object) -> bool:
    # Families of emoji are held together by joiners.
    text = str(cell if cell is not None else "").replace("\u200d", "")
    return not text.lstrip().startswith(BEGINNINGS) and text.isprintable()


def digits(cell: str) -> str:
    return "".join(filter(str.isdigit, cell))


@pytest.mark.parametrize("style", ["plain", "excel-fr"])
def test_no_cell_of_a_csv_file_is_run_and_every_client_has_one_line(
    lists: grc.ChannelLists, tmp_path: Path, style: str
) -> None:
    lists.write(tmp_path, csv_style=style)

    content = (tmp_path / "post.csv").read_text("utf-8-sig")
    rows = list(csv.reader(content.splitlines(), delimiter=";" if style == "excel-fr" else ","))

    assert len(rows) == 1 + lists.tables["post"].height
    assert all(is_harmless(cell) for row in rows for cell in row)


def test_no_cell_of_a_workbook_is_run_and_numbers_are_all_there(
    lists: grc.ChannelLists, tmp_path: Path
) -> None:
    lists.write(tmp_path, format="xlsx")

    sheet = openpyxl.load_workbook(tmp_path / "post.xlsx")["data"]
    rows = list(sheet.iter_rows(values_only=True))

    assert all(is_harmless(cell) for row in rows for cell in row)
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "inlineStr", "n"}
    phones = [row[rows[0].index("phone")] for row in rows[1:]]
    assert [digits(phone) for phone in phones[: len(PHONES)]] == list(PHONES.values())
    assert max(len(str(row[1])) for row in rows) > 9_000


def test_what_is_harmless_is_left_as_it_is(lists: grc.ChannelLists, tmp_path: Path) -> None:
    lists.write(tmp_path)
    shown = pl.read_csv(tmp_path / "post.csv")["name"].to_list()

    for name in ("emoji", "quotes", "script"):
        assert HOSTILE[name] in shown
    assert "Anna gnp.exe" in shown
    assert "Anna BEGIN:VEVENT X-HARM:1 Durand" in shown


@needs_libreoffice
@pytest.mark.parametrize(("form", "style"), [("xlsx", "plain"), ("csv", "plain")])
def test_libreoffice_runs_nothing_and_shows_telephone_numbers_to_the_digit(
    lists: grc.ChannelLists, tmp_path: Path, form: str, style: str
) -> None:
    lists.write(tmp_path, format=form, csv_style=style)
    # As after a double click: commas, UTF-8, and numbers wherever a text looks like one.
    cells = opened(tmp_path / f"post.{form}", "44,34,76,1,,0,false,true" if form == "csv" else "")

    header, *rows = cells
    by_name = [dict(zip(header, row, strict=True)) for row in rows]
    assert len(by_name) == lists.tables["post"].height
    assert all(is_harmless(cell) for row in rows for cell in row)
    found = [digits(row["phone"]) for row in by_name[: len(PHONES)]]
    assert found == list(PHONES.values())
