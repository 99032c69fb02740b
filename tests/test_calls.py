"""Lists for sellers: calls within minutes and calling hours, agendas that calendars read."""

import datetime as dt
import itertools
import json
from pathlib import Path

import icalendar
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grc_fast as grc
from grc_fast.cli import main
from grc_fast.lists.agenda import Appointment, agenda, check_zone
from grc_fast.lists.calls import OFFICE_HOURS, call_list, calling_hours
from grc_fast.lists.sellers import read_sellers
from grc_fast.plan.policy import Policy
from hostile_texts import HOSTILE

DAY = "2026-12-01"  # a Tuesday
FR = Policy.load("fr")
PARIS = check_zone("Europe/Paris")


@given(
    gains=st.lists(st.none() | st.floats(-5, 500), max_size=120),
    minutes=st.integers(0, 700),
    each=st.integers(1, 90),
    hours=st.sampled_from([(), ("10:00-13:00", "14:00-20:00"), ("14:00-15:00", "09:00-09:10")]),
)
@settings(max_examples=settings.default.max_examples)
def test_calls_are_the_best_within_the_minutes_and_the_hours(gains, minutes, each, hours):
    rows = pl.DataFrame(
        {"client_id": range(len(gains)), "gain": pl.Series(gains, dtype=pl.Float64)}
    )
    found = call_list(rows, minutes, each, hours)
    ranked = sorted(range(len(gains)), key=lambda one: (gains[one] is None, -(gains[one] or 0)))
    assert found.rows["client_id"].to_list() == ranked[: found.rows.height]
    assert found.rows.height * each <= minutes
    assert found.rows.height + sum(found.left_out.values()) == rows.height
    times = found.rows.select("begins", "ends").rows()
    for begins, ends in times:
        assert ends - begins == each
        assert any(
            f"{begins // 60:02}:{begins % 60:02}" >= part[:5]
            and f"{ends // 60:02}:{ends % 60:02}" <= part[6:]
            for part in hours
        )
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(times))
    if found.left_out["minutes"]:
        assert minutes - found.rows.height * each - found.left_out["calling_hours"] * each < each


def test_the_calling_hours_are_those_of_the_policy_on_that_day():
    law = ("10:00-13:00", "14:00-20:00")
    assert calling_hours(FR, dt.date(2026, 12, 1)) == law
    assert calling_hours(FR, dt.datetime(2026, 12, 1, 3, tzinfo=dt.UTC)) == law
    assert calling_hours(FR, dt.date(2026, 12, 6)) == ()  # a Sunday
    assert calling_hours(FR, dt.date(2026, 12, 25)) == ()
    assert calling_hours(None, dt.date(2026, 12, 25)) == OFFICE_HOURS


def appointments(texts):
    return [
        Appointment(
            client=str(number),
            channel="phone",
            title=f"Call {words}",
            told=words,
            place=words,
            begins=36_000 + 360 * number,
            ends=36_360 + 360 * number,
        )
        for number, words in enumerate(texts)
    ]


def unfolded(written):
    """Join folded lines (RFC 5545, 3.1), by a few lines of our own."""
    return written.decode("utf-8").replace("\r\n ", "").split("\r\n")


def check_calendar(written, number):
    """Check what RFC 5545 asks for, and Outlook and Thunderbird insist on."""
    assert written.endswith(b"END:VCALENDAR\r\n")
    assert b"\n" not in written.replace(b"\r\n", b"")
    assert b"\r" not in written.replace(b"\r\n", b"")
    assert max(map(len, written.split(b"\r\n"))) <= 75
    text = written.decode("utf-8")
    assert not [c for c in text if ord(c) < 32 and c not in "\r\n"]
    lines = unfolded(written)
    assert lines[0] == "BEGIN:VCALENDAR"
    assert {"VERSION:2.0", "METHOD:PUBLISH"} <= set(lines)
    names = [line.partition(":")[0].partition(";")[0] for line in lines if line]
    assert names.count("PRODID") == 1
    assert not [name for name in names if name.startswith("X-")]
    for name in ("UID", "DTSTAMP", "SUMMARY"):
        assert names.count(name) == number
    calendar = icalendar.Calendar.from_ical(written)
    zones = {str(zone["TZID"]): zone for zone in calendar.walk("VTIMEZONE")}
    events = calendar.walk("VEVENT")
    assert len(events) == number == len({str(event["UID"]) for event in events})
    for event in events:
        assert event["DTSTART"].params["TZID"] in zones
        assert event["DTSTART"].dt < event["DTEND"].dt
        assert not event.errors
    for zone in zones.values():
        offsets = {part.name: part["TZOFFSETTO"].td for part in zone.subcomponents}
        assert set(offsets) == {"STANDARD", "DAYLIGHT"}
    return events


def test_an_agenda_of_hostile_names_is_a_calendar_that_reads_back():
    texts = list(HOSTILE.values())
    written = agenda(HOSTILE["lines"], dt.date(2026, 12, 1), PARIS, appointments(texts))
    events = check_calendar(written, len(texts))
    quotes = list(HOSTILE).index("quotes")
    assert str(events[quotes]["SUMMARY"]) == f"Call {HOSTILE['quotes']}"
    assert str(events[quotes]["DESCRIPTION"]) == HOSTILE["quotes"]
    assert events[0]["DTSTART"].dt == dt.datetime(2026, 12, 1, 10, tzinfo=PARIS)
    assert events[0]["DTSTAMP"].dt == dt.datetime(2026, 12, 1, tzinfo=dt.UTC)


def test_an_appointment_has_the_same_name_at_every_run_and_another_on_another_day():
    first, again = (
        agenda("Ada", dt.date(2026, 12, 1), PARIS, appointments(["Zoë"])) for _ in range(2)
    )
    assert first == again
    other = agenda("Ada", dt.date(2026, 12, 2), PARIS, appointments(["Zoë"]))
    uids = [line for written in (first, other) for line in unfolded(written) if line[:4] == "UID:"]
    assert len(set(uids)) == 2


@given(st.lists(st.text(max_size=300), min_size=1, max_size=4))
@settings(max_examples=max(settings.default.max_examples // 4, 1))
def test_any_text_makes_a_calendar(texts):
    check_calendar(agenda("Ada", dt.date(2026, 7, 1), PARIS, appointments(texts)), len(texts))


CLIENTS = 60
PLAN = pl.DataFrame(
    {
        "client_id": [*range(CLIENTS), *range(20)],
        "channel": ["phone"] * CLIENTS + ["visit"] * 20,
        "gain": [float(7 * one % CLIENTS) for one in range(CLIENTS)]
        + [50.0 + one for one in range(20)],
        "cost": 1.0,
    }
)
BASE = pl.DataFrame(
    {
        "client_id": range(CLIENTS),
        "name": [f"Client {one}" for one in range(CLIENTS)],
        "phone": [f"+336123456{one:02}" for one in range(CLIENTS)],
        "address": "1 rue de la Paix",
        "vendeur": [("Ada", "Zoë", "Nobody")[one % 3] for one in range(CLIENTS)],
        "latitude": [48.85 + one / 1_000 for one in range(CLIENTS)],
        "longitude": [2.35 - one / 2_000 for one in range(CLIENTS)],
    }
)  # fmt: skip
RUN = ("--clients", "base.csv", "--out", "out", "--seller", "vendeur")
DONE = (*RUN, "--policy", "none", "--as-of", DAY, "--sellers", "sellers.csv")


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Run the command line in a directory with a plan, a client file and sellers."""
    monkeypatch.chdir(tmp_path)
    PLAN.write_csv("plan.csv")
    BASE.write_csv("base.csv")
    Path("sellers.csv").write_text(
        "seller,minutes,latitude,longitude\nAda,210,48.86,2.34\nZoë,60,,\n"
    )

    def lists_of(*arguments):
        capfd.readouterr()
        code = main(("lists", "plan.csv", *arguments))
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return lists_of


def test_sellers_get_calls_rounds_and_agendas_and_the_manifest_adds_up(run):
    code, _, err = run(*DONE)
    assert code == 0, err
    manifest = json.loads(Path("out/manifest.json").read_text("utf-8"))
    assert manifest["calls"] == {
        "rows": {"Ada": 20, "Zoë": 10},
        "left_out": {"no_seller": 20, "minutes": 10, "calling_hours": 0},
    }
    rounds = manifest["rounds"]
    assert sum(rounds["rows"].values()) + sum(rounds["left_out"].values()) == 20
    assert rounds["rows"]["Ada"] >= 1
    assert "Zoë" not in rounds["rows"]  # the calls take all of the minutes
    names = sorted(path.name for path in Path("out").iterdir())
    of_ada = ("agenda-Ada.ics", "calls-Ada.csv", "rounds-Ada.csv", "rounds-Ada.svg")
    of_zoe = ("agenda-Zoë.ics", "calls-Zoë.csv")
    assert names == sorted([*of_ada, *of_zoe, "manifest.json", "phone.csv", "visit.csv"])
    calls = pl.read_csv("out/calls-Zoë.csv", infer_schema=False)
    assert calls["begins"][0] == "09:00"
    assert calls["phone"][0].startswith("06 12 34 56 ")
    gains = calls["gain"].cast(pl.Float64)
    assert gains.to_list() == sorted(gains.to_list(), reverse=True)
    assert (calls["gain_per_minute"].cast(pl.Float64) * 6).to_list() == pytest.approx(
        gains.to_list()
    )
    visits = pl.read_csv("out/rounds-Ada.csv")
    ended = pl.read_csv("out/calls-Ada.csv")["ends"].to_list()[-1]
    assert visits["begins"][0] >= ended
    for seller, rows in (("Ada", 20 + visits.height), ("Zoë", 10)):
        check_calendar(Path(f"out/agenda-{seller}.ics").read_bytes(), rows)


def test_lists_of_sellers_are_the_same_bytes_at_every_run(run):
    assert run(*DONE)[0] == 0
    first = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    PLAN.sample(fraction=1, shuffle=True, seed=2).write_csv("plan.csv")
    assert run(*DONE)[0] == 0
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == first


def test_sellers_are_told_what_to_say(run):
    sales = pl.DataFrame(
        {
            "client_id": [18, 18, 18, 3],
            "date": ["2026-11-03", "2026-11-03", "2025-10-01", "2026-12-24"],
            "amount": [10.0, 5.5, 7.0, 1.0],
        }
    )
    sales.write_parquet("sales.parquet")
    scores = grc.score_rfm(sales.filter(pl.col("client_id") == 18), as_of=DAY).scores
    scores.write_parquet("scores.parquet")
    Path("interest.csv").write_text("client_id,phase\n18,decision\n")
    told = ("--sales", "sales.parquet", "--scores", "scores.parquet", "--scores", "interest.csv")
    code, _, err = run(*DONE, *told, "--lang", "fr")
    assert code == 0, err
    row = pl.read_csv("out/rounds-Ada.csv", infer_schema=False).filter(pl.col("client_id") == "18")
    assert row["last_purchases"][0] == "03/11/2026 : 15,50; 01/10/2025 : 7,00"
    assert row["phase"][0] == "décision"
    assert row["segment"][0] == scores["segment"][0]
    assert "récence (jours) : 28" in row["why"][0]
    events = icalendar.Calendar.from_ical(Path("out/agenda-Ada.ics").read_bytes()).walk("VEVENT")
    said = [str(event["DESCRIPTION"]) for event in events if "DESCRIPTION" in event]
    assert any("derniers achats : 03/11/2026 : 15,50" in one for one in said)
    assert "Rendre visite à Client 18" in {str(event["SUMMARY"]) for event in events}


def test_the_shipped_policy_says_when_calls_are_made(run):
    assert run(*RUN, "--as-of", DAY, "--sellers", "sellers.csv")[0] == 0
    assert pl.read_csv("out/calls-Ada.csv", infer_schema=False)["begins"][0] == "10:00"
    assert run(*RUN, "--as-of", "2026-12-06", "--sellers", "sellers.csv")[0] == 0
    manifest = json.loads(Path("out/manifest.json").read_text("utf-8"))
    assert manifest["calls"]["rows"] == {}
    assert manifest["calls"]["left_out"]["calling_hours"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*RUN, "--sellers", "sellers.csv"), "--sellers needs --as-of"),
        ((*RUN, "--minutes", "5"), "--minutes goes with --sellers, the table of sellers"),
        ((*RUN, "--sales", "plan.csv"), "--sales goes with --sellers"),
        ((*DONE, "--pseudonyms", "key"), "--sellers cannot go with --pseudonyms"),
        ((*DONE, "--minutes", "0"), "minutes must be a whole number from 1 to 1440, not 0"),
        ((*DONE, "--speed", "0"), "speed must be a number above 0, not 0"),
        ((*DONE, "--agenda-zone", "Paris"), "the zone of agendas cannot be 'Paris'"),
        ((*DONE, "--agenda-zone", "../etc/passwd"), "the zone of agendas cannot be"),
        ((*DONE, "--seller", "shop"), "the client file has no column 'shop' for the role 'seller'"),
        (
            ("--clients", "base.csv", "--out", "out", "--as-of", DAY, "--sellers", "sellers.csv"),
            "the client file has no column 'seller'",
        ),
        ((*DONE, "--latitude", "longitude_of_mars"), "no column 'longitude_of_mars'"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_and_nothing_is_written(run, arguments, said):
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert said in err.splitlines()[-1]
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("seller\nAda\n", "the table of sellers has no column 'minutes'"),
        ("seller,minutes\nAda,\n", "has none minutes for 'Ada'"),
        (
            "seller,minutes\nAda,-5\n",
            "has -5 minutes for 'Ada': write how many of a day, 0 to 1440",
        ),
        ("seller,minutes\nAda,5\nAda,6\n", "the table of sellers has several rows of 'Ada': keep"),
        ("seller,minutes,latitude,longitude\nAda,5,48.8,\n", "has half a place for 'Ada'"),
        ("seller,minutes,latitude,longitude\nAda,5,148.8,2\n", "has the latitude 148.8: write"),
        ("seller,minutes\n../Ada,500\n", "the seller '../Ada' cannot be the name of a file"),
        ("seller,minutes\nZoë,500\nZOË,500\n", "differ in capitals alone"),
    ],
)
def test_a_table_of_sellers_that_is_none_is_said_in_a_sentence(run, rows, said):
    names = {"../Ada": "Ada", "ZOË": "Nobody"}
    for name, old in names.items():
        if name in rows:
            BASE.with_columns(pl.col("vendeur").replace(old, name)).write_csv("base.csv")
    Path("sellers.csv").write_text(rows)
    code, _, err = run(*DONE)
    assert code == 1
    assert said in err.splitlines()[-1]


def test_a_client_beyond_the_poles_is_said_in_a_sentence(run):
    BASE.with_columns(latitude=95.0).write_csv("base.csv")
    assert "the client file has the latitude 95: write degrees" in run(*DONE)[2]


def test_sellers_may_be_a_frame():
    found = read_sellers(pl.DataFrame({"seller": ["Zoë", None, "Ada"], "minutes": [5.0, 6.0, 7.0]}))
    assert found.rows() == [("Ada", 7, None, None), ("Zoë", 5, None, None)]
