"""Campaign files as companies keep them: their own column names, words, dates and amounts."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

import grc_fast as grc
from grc_fast.cli import main

DAY = dt.date(2026, 3, 1)
SCORES = pl.DataFrame({"client_id": ["a1", "a2", "a3", "a4"], "group": [1, 1, 2, 2]})
FRENCH = "\n".join(
    [
        "Carte;Opération;Envoyé le;A répondu;Témoin;Montant",
        "a1;printemps;25/03/2026;Oui;non;12,50 €",
        "a2;printemps;25/03/2026;NON;oui;",
        "a3;printemps;26/03/2026;o;n;1 234,50 €",
        "a4;printemps;02/04/2026;non;Oui;",
    ]
)
ROLES = {
    "client": "Carte",
    "campaign": "Opération",
    "contacted": "Envoyé le",
    "responded": "A répondu",
    "control": "Témoin",
    "spend": "Montant",
}


@pytest.fixture
def french(tmp_path):
    path = tmp_path / "opérations.csv"
    path.write_text(FRENCH, encoding="cp1252")
    return path


def test_a_french_file_is_read_as_it_is(french):
    report = grc.response(SCORES, french, **ROLES)
    assert (report.contacts, report.responses, report.control_contacts) == (2, 2, 2)
    assert report.groups["spend"].to_list() == [12.5, 1234.5]
    assert report.campaigns["campaign"].to_list() == ["printemps"]


def test_the_command_takes_the_same_columns(french, tmp_path, capsys):
    SCORES.write_csv(tmp_path / "scores.csv")
    out = tmp_path / "rates.parquet"
    options = [text for role, name in ROLES.items() for text in (f"--{role}", name)]
    arguments = ["response", str(tmp_path / "scores.csv"), str(french), "-o", str(out), *options]
    assert main(arguments) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert pl.read_parquet(out).equals(grc.response(SCORES, french, **ROLES).table)
    assert "100.00%" in said
    assert "printemps" in said
    assert "0.0000" not in said


def test_frames_take_the_same_words_and_dates():
    frame = pl.DataFrame(
        {
            "client_id": ["a1", "a2", "a3", "a4"],
            "mailing": ["spring"] * 4,
            "sent": ["13/03/2026", "13/03/2026", "01/03/2026", "01/03/2026"],
            "answer": ["yes", "No ", "TRUE", "0"],
            "held": pl.Series(["y", "n", "y", "n"], dtype=pl.Categorical),
        }
    )
    reading = {"campaign": "mailing", "contacted": "sent", "responded": "answer", "control": "held"}
    report = grc.response(SCORES, frame, **reading)
    assert (report.contacts, report.responses, report.control_contacts) == (2, 0, 2)
    plain = frame.select(
        "client_id",
        campaign="mailing",
        contacted_on=pl.Series([dt.date(2026, 3, 13)] * 2 + [DAY] * 2),
        responded=pl.Series([1.0, 0.0, 1.0, 0.0]),
        control=pl.Series([True, False, True, False]),
    )
    assert grc.response(SCORES, plain).to_dict() == report.to_dict()


def test_dates_that_may_be_two_days_ask_which_of_them():
    frame = pl.DataFrame(
        {"client_id": ["a1"], "campaign": "x", "contacted_on": "01/02/2026", "responded": True}
    )
    with pytest.raises(grc.DataError, match=r'"01/02/2026".* give date_format=.dmy'):
        grc.response(SCORES, frame)
    assert grc.response(SCORES, frame, date_format="dmy").contacts == 1
    mixed = pl.concat([frame, frame.with_columns(contacted_on=pl.lit("31.31.2026"))])
    with pytest.raises(grc.GrcError, match="contacted_on"):
        grc.response(SCORES, mixed, date_format="dmy")


def test_responses_have_names_of_their_own(tmp_path):
    contacts = pl.DataFrame({"card": ["a1", "a2", "a3"], "op": ["x"] * 3, "sent": [DAY] * 3})
    path = tmp_path / "answers.csv"
    path.write_text("card;bought on;paid\na1;13/03/2026;12,50\na9;01/04/2026;3,00\n")
    reading = {"client": "card", "campaign": "op", "contacted": "sent", "answered": "bought on"}
    report = grc.response(SCORES, contacts, responses=path, window="30d", spend="paid", **reading)
    assert (report.contacts, report.responses) == (3, 1)
    assert report.groups["spend"].to_list() == [6.25, 0.0]


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"campaign": "mailing"}, grc.ColumnError, "no column 'mailing'"),
        ({"client": "card"}, grc.ColumnError, "no column 'card'"),
        ({"responded": "answer"}, grc.ColumnError, "no column 'answer'"),
        ({"control": "held"}, grc.ColumnError, "no column 'held'"),
        ({"contact": "x"}, grc.OptionError, "no option of response; did you mean 'contacted'"),
        ({"campaign": 3}, grc.OptionError, "campaign"),
    ],
)
def test_columns_that_are_not_there_are_named(options, error, why):
    frame = pl.DataFrame(
        {"client_id": ["a1"], "campaign": "x", "contacted_on": DAY, "responded": True}
    )
    with pytest.raises(error, match=why):
        grc.response(SCORES, frame, **options)


def test_words_that_say_neither_yes_nor_no_are_quoted():
    frame = pl.DataFrame(
        {"client_id": ["a1"], "campaign": "x", "contacted_on": DAY, "responded": "peut-être"}
    )
    with pytest.raises(
        grc.ColumnError, match=r"peut-être.* write true or false, 1 or 0, yes or no"
    ):
        grc.response(SCORES, frame)


def test_a_result_of_scoring_is_scores(tmp_path, capsys):
    sales = grc.simulate_sales(4_000, 300, seed=2)
    result = grc.score_rfm(sales, as_of="2025-12-31", order="order_id")
    contacts = result.scores.select(
        "client_id",
        campaign=pl.lit("x"),
        contacted_on=pl.lit(DAY),
        responded=pl.col("client_id") % 5 == 0,
    )
    report = grc.response(result, contacts)
    assert report.to_dict() == grc.response(result.scores, contacts).to_dict()
    assert grc.calibrate(report, result).equals(grc.calibrate(report, result.scores))


def test_the_client_of_sales_and_of_campaigns_may_have_two_names(tmp_path, capsys):
    sales = grc.simulate_sales(4_000, 300, seed=2).rename({"client_id": "card"})
    sales.write_parquet(tmp_path / "sales.parquet")
    clients = sales["card"].unique().sort().head(100)
    contacts = pl.DataFrame({"client_id": clients}).with_columns(
        mailing=pl.lit("x"), sent=pl.lit(DAY), answer=pl.col("client_id") % 5 == 0
    )
    out = tmp_path / "rates.parquet"
    for name in ("client_id", "card"):
        contacts.rename({"client_id": name}).write_parquet(tmp_path / "contacts.parquet")
        code = main(
            ["response", str(tmp_path / "sales.parquet"), str(tmp_path / "contacts.parquet"),
             "--from-sales", "--client", "card", "--order", "order_id", "--campaign", "mailing",
             "--contacted", "sent", "--responded", "answer", "-o", str(out)]
        )  # fmt: skip
        assert code == 0, capsys.readouterr().err
    before = grc.score_before_campaigns(
        sales, contacts, client="card", order="order_id", campaign="mailing", contacted="sent"
    )
    expected = grc.response(
        before, contacts, campaign="mailing", contacted="sent", responded="answer"
    )
    assert pl.read_parquet(out).equals(expected.table)
