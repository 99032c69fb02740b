"""Lists that leave the house: who is on them, who is not and why, and what the files hold."""

from __future__ import annotations

import datetime as dt
import errno
import json
import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import grc_fast as grc
from grc_fast.cli import main
from grc_fast.errors import ColumnError, DataError, GrcError, OutputError
from grc_fast.lists.channel_lists import without_small_counts
from grc_fast.lists.client_file import ClientColumns, read_clients
from grc_fast.lists.keyed_hashes import campaign_codes, pseudonyms
from grc_fast.lists.listed_offers import ListedOffers, listed_offers
from grc_fast.plan.permission import Tables

Runner = Callable[..., tuple[int, str, str]]
RUN = ("lists", "plan.csv", "--clients", "clients.csv", "--out", "out")
TOP = ("--top", "2", "--by", "gain", "--channel", "email")

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


# --- lists ----------------------------------------------------------------------------------------


CONSENTS = pl.DataFrame(
    {
        "client_id": [1, 1, 2],
        "channel": ["email", "email", "email"],
        "status": ["granted", "granted", "granted"],
        "basis": ["opt_in", "existing_client", None],
        "collected_at": [dt.date(2026, 3, 1), dt.date(2026, 9, 1), dt.date(2026, 10, 1)],
    }
)
PAST = pl.DataFrame(
    {
        "client_id": [1, 1, 1, 2],
        "channel": ["phone", "phone", "email", "phone"],
        "contacted_on": [dt.date(2026, 11, 20), dt.date(2026, 1, 1)] + [dt.date(2026, 11, 20)] * 2,
    }
)


def test_a_row_says_on_which_consent_it_rests_and_what_has_gone_before(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        'name = "ours"\n[channels.email]\nconsent = "opt_in"\n'
        'bases = ["opt_in", "existing_client"]\nsource = "us"\nread_on = 2026-11-30\n'
        '[[pressure]]\nmost = 9\nwindow = "30d"\n[[pressure]]\nchannel = "email"\nmost = 9\n'
        'window = "1y"\n'
    )

    lists = grc.channel_lists(
        OFFERS, CLIENTS, consent=CONSENTS, contacts=PAST, policy=policy, as_of="2026-12-01"
    )

    explained = lists.tables["email"].select(
        "client_id", "basis", "consent_collected_at", "pressure"
    )
    assert explained.rows() == [
        (2, "opt_in", dt.date(2026, 10, 1), 1),
        (1, "existing_client", dt.date(2026, 9, 1), 2),
    ]


def test_a_list_has_the_columns_of_the_contract_and_those_of_the_client_file() -> None:
    lists = grc.channel_lists(OFFERS, CLIENTS)

    assert lists.tables["email"].columns == [
        "client_id", "name", "email", "address", "offer", "basis", "consent_collected_at",
        "pressure", "gain", "code",
    ]  # fmt: skip


def test_what_a_plan_knows_of_consents_is_kept_where_no_table_is_given() -> None:
    offers = OFFERS.with_columns(basis=pl.lit("contract"), pressure=pl.lit(3))

    row = grc.channel_lists(offers, CLIENTS).tables["post"].row(0, named=True)

    assert (row["basis"], row["pressure"], row["consent_collected_at"]) == ("contract", 3, None)


def test_the_best_by_a_score_are_those_of_a_sort_by_hand() -> None:
    points = [random.Random(7).randrange(9) for _ in range(500)]
    scores = pl.DataFrame({"client_id": range(500), "points": points}).sample(fraction=1, seed=1)
    clients = pl.DataFrame({"client_id": range(500), "email": [f"{i}@ex.org" for i in range(500)]})
    no = pl.DataFrame({"client_id": range(0, 500, 3)})

    lists = grc.channel_lists(
        scores, clients, top=60, by="points", channel="email", suppress=no, campaign="spring"
    )

    by_hand = sorted((-points[i], i) for i in range(500) if i % 3)[:60]
    assert lists.tables["email"]["client_id"].to_list() == [i for _, i in by_hand]
    assert lists.tables["email"]["points"].to_list() == [-p for p, _ in by_hand]
    assert lists.manifest["refused"]["suppressed"] == len(range(0, 500, 3))
    assert lists.manifest["refused"]["capacity"] == 500 - len(range(0, 500, 3)) - 60


def test_the_best_may_be_those_of_the_latest_day_and_clients_without_one_are_counted() -> None:
    days = [dt.date(2026, 1, 2), None, dt.date(2026, 5, 1)]
    scores = pl.DataFrame({"client_id": [1, 2, 3], "last": days, "gain": [5.0, 6.0, 7.0]})
    clients = CLIENTS.with_columns(email=pl.Series(["a@ex.org", "b@ex.org", "c@ex.org"]))

    lists = grc.channel_lists(scores, clients, top=5, by="last", channel="email")

    assert lists.tables["email"].select("client_id", "gain").rows() == [(3, 7.0), (1, 5.0)]
    assert lists.manifest["refused"]["no_score"] == 1


def test_codes_are_eight_letters_the_same_at_every_run_and_no_two_alike() -> None:
    ids = pl.Series(range(20_000))

    codes = campaign_codes(ids, "spring")

    assert codes.str.contains("^[A-Z]{8}$").all()
    assert codes.n_unique() == len(ids)
    assert codes.equals(campaign_codes(ids.cast(pl.String), "spring"))
    assert not (codes == campaign_codes(ids, "autumn")).any()
    assert not (codes == campaign_codes(ids, "spring", b"0123456789abcdef")).any()


def test_clients_whose_codes_would_be_alike_get_others(monkeypatch: pytest.MonkeyPatch) -> None:
    # Codes of two letters: most of six hundred clients find theirs taken.
    monkeypatch.setattr("grc_fast.lists.keyed_hashes._PAIRS_OF_A_CODE", 1)
    ids = pl.Series(range(600))

    codes = campaign_codes(ids, "spring")

    assert codes.n_unique() == 600
    assert campaign_codes(pl.concat([ids, ids]), "spring")[600:].equals(codes)
    assert codes.reverse().equals(campaign_codes(ids.reverse(), "spring"))


def test_pseudonyms_are_those_of_the_key_in_every_list(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("0123456789abcdef\n")

    lists = grc.channel_lists(OFFERS, CLIENTS, pseudonym_key=key)

    email, post = lists.tables["email"], lists.tables["post"]
    assert email.columns[:2] == ["client_id", "offer"]
    assert email["client_id"].str.contains("^[0-9a-f]{32}$").all()
    # Client 1 is the second of the e-mails, and the only letter.
    assert post["client_id"][0] == email["client_id"][1]
    assert post["client_id"][0] == pseudonyms(pl.Series(["1"]), b"0123456789abcdef")[0]
    assert lists.manifest == {"offers": 5, "rows": {"email": 2, "post": 1}, "refused": {"other": 2}}


def test_small_counts_of_a_pseudonymised_run_cannot_be_told_apart() -> None:
    counts = {"budget": 200, "capacity": 12, "no_consent": 40, "suppressed": 3, "no_score": 0}

    assert without_small_counts(counts) == {"budget": 200, "no_consent": 40, "other": 15}
    assert without_small_counts({"budget": 10, "no_score": 0}) == {"budget": 10, "no_score": 0}


# --- files ----------------------------------------------------------------------------------------


def files_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_a_folder_has_a_file_a_channel_and_a_manifest_that_adds_up(
    tmp_path: Path, form: str
) -> None:
    lists = grc.channel_lists(OFFERS, CLIENTS)

    written = lists.write(tmp_path / "out" / "lists", format=form)

    assert [path.name for path in written] == [f"email.{form}", f"post.{form}", "manifest.json"]
    manifest = json.loads(written[-1].read_text("utf-8"))
    assert manifest == lists.manifest
    assert sum(manifest["rows"].values()) + sum(manifest["refused"].values()) == manifest["offers"]


def test_parquet_is_data_and_spreadsheets_get_what_people_read(tmp_path: Path) -> None:
    clients = CLIENTS.with_columns(name=pl.lit("=1+1\n\u202ex"), phone=pl.lit("+33612345678"))
    lists = grc.channel_lists(OFFERS, clients)
    lists.write(tmp_path, format="parquet")
    lists.write(tmp_path)

    data = pl.read_parquet(tmp_path / "email.parquet").row(0, named=True)
    shown = pl.read_csv(tmp_path / "email.csv").row(0, named=True)

    assert (data["name"], data["phone"]) == ("=1+1\n\u202ex", "+33612345678")
    assert (shown["name"], shown["phone"]) == ("'=1+1 x", "06 12 34 56 78")


def test_an_old_manifest_goes_before_any_list_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = grc.channel_lists(OFFERS, CLIENTS)
    lists.write(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in files_of(tmp_path)}
    seen = []
    rename = Path.replace

    def watched(path: Path, target: Path) -> Path:
        seen.append((target.name, (tmp_path / "manifest.json").exists()))
        if target.name == "post.csv" and len(seen) == 2:
            raise OSError(errno.EIO, "input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", watched)
    with pytest.raises(OutputError, match=r"post\.csv"):
        grc.channel_lists(OFFERS.with_columns(gain=pl.lit(7.0)), CLIENTS).write(tmp_path)
    monkeypatch.undo()

    assert seen[:2] == [("email.csv", False), ("post.csv", False)]
    assert {name: (tmp_path / name).read_bytes() for name in files_of(tmp_path)} == before


def test_files_of_another_run_are_left_and_named(tmp_path: Path, command: Runner) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "phone.csv").write_text("old")

    code, _, err = command(*RUN)

    assert code == 0, err
    assert "not of this run, and left in 'out': phone.csv" in err


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Runner:
    """Run the command line in a folder with a plan, scores and a client file."""
    monkeypatch.chdir(tmp_path)
    OFFERS.write_csv("plan.csv")
    OFFERS.head(4).select("client_id", "gain").write_csv("scores.csv")
    CLIENTS.rename({"client_id": "id", "email": "mail"}).write_csv("base.csv")
    CLIENTS.write_csv("clients.csv")
    CONSENTS.write_csv("consent.csv")
    Path("key").write_text("0123456789abcdef")
    Path("short").write_text("1234")

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(arguments)
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return run


def test_lists_of_files_are_those_of_frames(command: Runner) -> None:
    code, out, err = command(*RUN)

    assert code == 0, err
    assert out.split() == ["channel", "rows", "email", "2", "post", "1"]
    assert "no address for the channel        1" in err
    assert files_of(Path("out")) == ["email.csv", "manifest.json", "post.csv"]
    expected = grc.channel_lists(OFFERS, CLIENTS)
    assert pl.read_csv("out/email.csv")["code"].equals(expected.tables["email"]["code"])
    assert json.loads(Path("out/manifest.json").read_text("utf-8")) == expected.manifest


def test_columns_of_the_client_file_may_have_other_names(command: Runner) -> None:
    run = ("lists", "plan.csv", "--clients", "base.csv", "--out", "out")
    code, _, err = command(*run, "--client", "id", "--email", "mail", "--csv-style", "excel-fr")

    assert code == 0, err
    assert Path("out/email.csv").read_bytes().startswith("\ufeffclient_id;name;email;".encode())


def test_the_file_of_all_offers_gives_the_reasons_of_the_plan(command: Runner) -> None:
    plan = ("plan", "plan.csv", "-o", "chosen.csv", "--policy", "none", "--capacity", "email=1")
    assert command(*plan, "--offers-out", "all.csv")[0] == 0
    code, _, err = command("lists", "all.csv", *RUN[2:])

    assert code == 0, err
    manifest = json.loads(Path("out/manifest.json").read_text("utf-8"))
    assert manifest["offers"] == OFFERS.height
    assert manifest["refused"]["capacity"] == 3
    assert manifest["rows"] == {"email": 0, "post": 1}


def test_the_best_need_a_consent_like_those_of_a_plan(command: Runner) -> None:
    scores = ("lists", "scores.csv", *RUN[2:], *TOP)
    assert command(*scores)[0] == 0
    assert pl.read_csv("out/email.csv").is_empty()
    code, _, err = command(*scores, "--consent", "consent.csv", "--as-of", "2026-12-01")

    assert code == 0, err
    assert pl.read_csv("out/email.csv")["client_id"].to_list() == [2, 1]
    assert command(*scores, "--policy", "none", "--pseudonyms", "key")[0] == 0
    assert pl.read_csv("out/email.csv")["client_id"].str.len_chars().to_list() == [32, 32]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*RUN, "--top", "5"), "top, by and channel go together"),
        ((*RUN[:1], "scores.csv", *RUN[2:], *TOP, "--by", "gian"), "did you mean 'gain'?"),
        ((*RUN[:1], "clients.csv", *RUN[2:], *TOP, "--by", "name"), "has text in 'name'"),
        ((*RUN[:1], "plan.csv", *RUN[2:], *TOP), "client '1' in several rows"),
        ((*RUN[:1], "scores.csv", *RUN[2:]), "no column 'channel'"),
        ((*RUN, "--email", "mial"), "no column 'mial' for the role 'email'"),
        ((*RUN[:2], "--clients", "plan.csv", "--out", "out"), "clients in several rows"),
        ((*RUN, "--pseudonyms", "short"), "has 4 characters, which can be guessed"),
        ((*RUN, "--pseudonyms", "absent"), "'absent' cannot be read"),
        ((*RUN[:4], "--out", "plan.csv"), "'plan.csv' is a file, and lists go into a folder"),
        ((*RUN, "--consent", "consent.csv"), "as_of is needed"),
    ],
)
def test_what_cannot_be_listed_is_one_sentence_and_nothing_is_written(
    command: Runner, arguments: tuple[str, ...], said: str
) -> None:
    before = files_of(Path())

    code, _, err = command(*arguments)

    assert code == 1
    assert said in err
    assert err.count("error:") == 1
    assert files_of(Path()) == before


@pytest.mark.parametrize("channel", ["a/b", "..", "con", "e\0", "", "x" * 99, "post "])
def test_a_channel_that_no_file_can_be_named_for_is_refused(tmp_path: Path, channel: str) -> None:
    lists = grc.channel_lists(OFFERS.head(1).with_columns(channel=pl.lit(channel)), CLIENTS)

    with pytest.raises(DataError, match="cannot be the name of a file"):
        lists.write(tmp_path / "out")
    assert files_of(tmp_path) == []


def test_a_plan_without_an_offer_is_a_manifest_alone(tmp_path: Path) -> None:
    (manifest,) = grc.channel_lists(OFFERS.clear(), CLIENTS).write(tmp_path / "out")

    assert json.loads(manifest.read_text("utf-8"))["offers"] == 0


def test_clients_behind_one_address_get_one_newsletter() -> None:
    clients = CLIENTS.with_columns(email=pl.lit("ada@example.com"))
    offers = OFFERS.head(3).with_columns(channel=pl.lit("newsletter"))

    lists = grc.channel_lists(offers, clients)

    assert lists.tables["newsletter"]["client_id"].to_list() == [2]
    assert lists.manifest["refused"]["same_address"] == 2


def test_channels_that_differ_in_capitals_alone_are_refused(tmp_path: Path) -> None:
    offers = OFFERS.head(2).with_columns(channel=pl.Series(["Email", "email"]))

    with pytest.raises(DataError, match="'Email' and 'email' differ in capitals alone"):
        grc.channel_lists(offers, CLIENTS).write(tmp_path / "out")
