"""`grc-fast response` on files: ids as they are written, scores made of sales, probabilities."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

import grc_fast as grc
from grc_fast.cli import main

DAY = dt.date(2025, 3, 1)


def run(capsys, *arguments) -> tuple[int, str, str]:
    code = main(["response", *(str(argument) for argument in arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def mailing(clients: list) -> pl.DataFrame:
    """One campaign of which every other client answered."""
    return pl.DataFrame(
        {
            "client_id": clients,
            "campaign": "spring",
            "contacted_on": DAY,
            "responded": [i % 2 == 0 for i in range(len(clients))],
        }
    )


@pytest.fixture
def files(tmp_path):
    """Write tables, and return their paths."""

    def write(name: str, frame: pl.DataFrame, separator: str = ","):
        path = tmp_path / name
        if name.endswith(".csv"):
            frame.write_csv(path, separator=separator)
        else:
            frame.write_parquet(path)
        return path

    return write


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_ids_with_leading_zeros_are_clients_of_their_own(files, tmp_path, capsys, separator):
    scores = pl.DataFrame({"client_id": ["007", "0007"], "group": [1, 2]})
    out = tmp_path / "rates.parquet"
    code, _, err = run(
        capsys, files("scores.csv", scores, separator),
        files("campaigns.csv", mailing(["007", "0007"]), separator), "-o", out,
    )  # fmt: skip
    assert (code, "2 contacts, 1 responses" in err) == (0, True)
    assert pl.read_parquet(out)["rate"].to_list() == [1.0, 0.0]


def test_text_ids_of_scores_meet_those_of_a_csv(files, tmp_path, capsys):
    """The scores of sales with an id 00123 hold text; a mailing without such ids meets them."""
    scores = pl.DataFrame({"client_id": ["00123", "124", "125"], "group": [1, 2, 3]})
    for clients, answered in ((["00123", "124"], 1), ([124, 125], 1)):
        out = tmp_path / "rates.parquet"
        code, _, err = run(
            capsys, files("scores.parquet", scores), files("campaigns.csv", mailing(clients)),
            "-o", out,
        )  # fmt: skip
        assert code == 0, err
        assert pl.read_parquet(out)["contacts"].sum() == 2
        assert pl.read_parquet(out)["responses"].sum() == answered


def test_an_id_that_is_no_number_may_come_late(files, tmp_path, capsys):
    ids = [*map(str, range(20_000)), "X1"]
    scores = pl.DataFrame({"client_id": ids, "group": [1] * len(ids)})
    out = tmp_path / "rates.parquet"
    campaigns = files("campaigns.csv", mailing(["5", "X1"]))
    code, _, err = run(capsys, files("scores.csv", scores), campaigns, "-o", out)
    assert code == 0, err
    assert pl.read_parquet(out)["contacts"].to_list() == [2]


def test_a_broken_line_is_named(files, tmp_path, capsys):
    scores = files("scores.csv", pl.DataFrame({"client_id": [1, 2], "group": [1, 2]}))
    campaigns = tmp_path / "campaigns.csv"
    campaigns.write_text("client_id,campaign,contacted_on,responded\n1,a,2026-03-01,true\n2,a\n")
    code, _, err = run(capsys, scores, campaigns, "-o", tmp_path / "rates.csv")
    assert code == 1
    assert "line 3 has 2 fields, and the header 4" in err
    assert not (tmp_path / "rates.csv").exists()


def test_responses_are_counted_by_what_became_of_them(files, tmp_path, capsys):
    scores = files("scores.csv", pl.DataFrame({"client_id": [1, 2], "group": [1, 2]}))
    campaigns = files("campaigns.csv", mailing([1, 2]).drop("responded"))
    days = [DAY, DAY + dt.timedelta(days=40), DAY]
    answers = files("answers.csv", pl.DataFrame({"client_id": [1, 2, 9], "date": days}))
    arguments = (scores, campaigns, "-o", tmp_path / "rates.csv", "--responses", answers)
    code, _, err = run(capsys, *arguments, "--window", "30d")
    assert code == 0
    assert (
        "answers read: 3: 1 attributed, 0 of control groups, 1 outside every window, 1 of clients "
        "who were not contacted, 0 without" in err
    )


@pytest.fixture(scope="module")
def sales() -> pl.DataFrame:
    return grc.simulate_sales(8_000, 400, seed=2)


def contacts(sales: pl.DataFrame) -> pl.DataFrame:
    clients = sales["client_id"].unique().sort().head(200).to_list()
    later = DAY + dt.timedelta(days=100)
    summer = mailing(clients[:100]).with_columns(
        campaign=pl.lit("summer"), contacted_on=pl.lit(later)
    )
    return pl.concat([mailing(clients), summer])


def test_sales_are_scored_as_of_the_day_before_each_campaign(sales, files, tmp_path, capsys):
    mailings = contacts(sales)
    renamed = sales.rename({"client_id": "card", "amount": "paid"})
    out = tmp_path / "rates.parquet"
    code, _, err = run(
        capsys, files("sales.parquet", renamed), files("campaigns.csv", mailings), "-o", out,
        "--from-sales", "--client", "card", "--amount", "paid", "--order", "order_id",
    )  # fmt: skip
    assert code == 0, err
    assert "as of the day before each of 2 campaigns" in err
    before = grc.score_before_campaigns(sales, mailings, order="order_id")
    assert pl.read_parquet(out).equals(grc.response(before, mailings).table)


def test_campaigns_before_the_first_sale_are_counted(sales, files, tmp_path, capsys):
    mailings = contacts(sales)
    early = mailings.filter(pl.col("campaign") == "summer").with_columns(
        campaign=pl.lit("early"), contacted_on=pl.lit(dt.date(2001, 1, 1))
    )
    code, _, err = run(
        capsys, files("sales.parquet", sales), files("campaigns.csv", pl.concat([mailings, early])),
        "-o", tmp_path / "rates.csv", "--from-sales",
    )  # fmt: skip
    assert code == 0, err
    assert "each of 2 campaigns (1 more began before the first sale)" in err


def test_a_file_of_a_header_alone_has_no_contact(files, tmp_path, capsys):
    scores = files("scores.csv", pl.DataFrame({"client_id": [1, 2], "group": [1, 2]}))
    empty = files("campaigns.csv", mailing([1]).head(0))
    code, _, err = run(capsys, scores, empty, "-o", tmp_path / "rates.csv")
    assert (code, "has no contact" in err) == (1, True)


def test_ids_that_lost_their_zeros_in_one_file_are_shown(files, tmp_path, capsys):
    scores = files("scores.csv", pl.DataFrame({"client_id": ["00124"], "group": [1]}))
    campaigns = files("campaigns.csv", mailing(["124"]))
    code, _, err = run(capsys, scores, campaigns, "-o", tmp_path / "rates.csv")
    assert code == 1
    assert "the first contact is with '124', the first score of '00124'" in " ".join(err.split())


def test_probabilities_of_the_next_campaign_are_written(sales, files, tmp_path, capsys):
    mailings = contacts(sales)
    scores = grc.score_rfm(sales, as_of="2025-12-31", order="order_id").scores
    known = files("scores.parquet", scores.head(300))
    out = tmp_path / "chances.parquet"
    code, _, err = run(
        capsys, known, files("campaigns.csv", mailings), "-o", out, "--calibrate",
        files("all.parquet", scores), "--by", "group",
    )  # fmt: skip
    assert code == 0, err
    report = grc.response(scores.head(300), mailings)
    assert pl.read_parquet(out).equals(report.calibrate(scores, by="group"))
    assert f"{scores.height:,} clients have that of their group" in err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--by", "group"], "--by goes with --calibrate"),
        (["--unreached", "null"], "--unreached goes with --calibrate"),
        (["--answered", "day"], "--answered goes with --responses"),
        (["--order", "ticket"], "--order goes with --from-sales"),
    ],
)
def test_options_without_effect_are_refused(files, tmp_path, capsys, options, why):
    scores = files("scores.csv", pl.DataFrame({"client_id": [1, 2], "group": [1, 2]}))
    campaigns = files("campaigns.csv", mailing([1, 2]))
    code, _, err = run(capsys, scores, campaigns, "-o", tmp_path / "rates.csv", *options)
    assert code == 2
    assert why in err


def test_python_reads_the_same_files_to_the_same_report(files, tmp_path, capsys):
    scores = pl.DataFrame({"client_id": ["7", "8", "9"], "group": [1, 1, 2]})
    paths = files("scores.csv", scores), files("campaigns.csv", mailing(["7", "8", "9"]))
    out = tmp_path / "rates.parquet"
    code, _, _ = run(capsys, *paths, "-o", out)

    report = grc.response(*paths)

    assert code == 0
    assert report.table.equals(pl.read_parquet(out))
    # Written as plain integers, which meet those of a frame.
    assert grc.response(scores.cast({"client_id": pl.Int64}), paths[1]).table.equals(report.table)
    assert report.calibrate(paths[0], by="group")["client_id"].to_list() == [7, 8, 9]


def test_files_whose_ids_are_text_meet_as_text(files):
    scores = files("scores.csv", pl.DataFrame({"client_id": ["007", "8"], "group": [1, 2]}))
    report = grc.response(scores, files("campaigns.csv", mailing(["007", "8"])))
    assert report.groups["rate"].to_list() == [1.0, 0.0]
