"""Columns of the client base that are carried through to scores."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

import grc_fast as grc
from grc_fast.cli import main
from grc_fast.errors import GrcError

SALES = pl.DataFrame(
    {
        "card": ["7", "7", "12", "40"],
        "date": [dt.date(2026, 10, day) for day in (1, 2, 3, 4)],
        "amount": [5.0, 6.0, 7.0, 8.0],
    }
)
BASE = pl.DataFrame(
    {"card": ["12", "7", "99"], "name": ["Bea", "Ada", "Zoe"], "phone": ["0612", "0698", None]}
)
RUN = ("score", "sales.csv", "-o", "scores.csv", "--client", "card", "--as-of", "2026-11-01", "-q")


def scores(base: object = BASE, keep: object = ("name",)) -> pl.DataFrame:
    return grc.score_rfm(SALES, as_of="2026-11-01", client="card", clients=base, keep=keep).scores


def test_scores_have_the_columns_of_the_base_and_null_for_who_is_not_in_it() -> None:
    found = scores(BASE, ["name", "phone"])

    assert found.columns[-2:] == ["name", "phone"]
    assert dict(found.select("client_id", "name").iter_rows()) == {
        "7": "Ada", "12": "Bea", "40": None, "99": "Zoe",
    }  # fmt: skip


def test_files_keep_the_zeros_of_telephone_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    SALES.write_csv("sales.csv")
    BASE.write_csv("base.csv")

    assert main([*RUN, "--clients", "base.csv", "--keep", "name,phone"]) == 0

    lines = Path("scores.csv").read_text("utf-8").splitlines()
    assert lines[0].endswith(",name,phone")
    assert [line.split(",")[-2:] for line in lines[1:]] == [
        ["Ada", "0698"], ["Bea", "0612"], ["", ""], ["Zoe", ""],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("base", "keep", "said"),
    [
        (BASE, ["nmae"], r"no column 'nmae' to keep \(did you mean 'name'\?\)"),
        (BASE.rename({"name": "rfm"}), ["rfm"], "'rfm' cannot be kept"),
        (pl.concat([BASE, BASE.with_columns(name=pl.lit("Eve"))]), ["name"], "in several rows"),
        (None, ["name"], "give clients as well"),
    ],
)
def test_what_cannot_be_kept_is_one_sentence(base: object, keep: list[str], said: str) -> None:
    with pytest.raises(GrcError, match=said):
        scores(base, keep)


def test_a_row_that_stands_twice_is_one() -> None:
    assert scores(pl.concat([BASE, BASE])).height == 4


def test_keep_goes_with_sales_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    SALES.write_csv("sales.csv")

    assert main([*RUN, "--client-level", "--keep", "name"]) == 2
