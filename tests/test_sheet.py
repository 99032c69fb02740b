"""The client sheet: what it says of a client is what the other commands say, and true."""

import datetime as dt
import json
import re
from pathlib import Path

import polars as pl
import pytest

import grc_fast as grc
from browser import page_in_browser
from grc_fast.cli import main
from hostile_texts import HOSTILE

DAY = dt.date(2025, 12, 27)  # a Saturday: the hours of contacts play no part in what is allowed
SALES = (
    grc.simulate_sales(6_000, 300, seed=7)
    .sort("client_id", "date")
    .select(
        pl.col("client_id").rank("dense").cast(pl.Int64),
        pl.col("date").dt.date(),
        "amount",
        order=pl.int_range(pl.len()) // 2,
        shop=pl.lit("Lyon"),
    )
)
CLIENT = 42


def sheet(client=CLIENT, sales=SALES, **options):
    return grc.client_sheets(sales, [client], as_of=DAY, **options).sheets[0]


def own_sales(client=CLIENT):
    """The client's sales until the day, as plain Python."""
    rows = SALES.filter(pl.col("client_id") == client, pl.col("date") <= DAY)
    return rows.select("date", "order", "amount").rows()


def consents(*rows):
    names = ("client_id", "channel", "status", "basis", "collected_at", "proof")
    return pl.DataFrame(rows, schema=names, orient="row")


def contact(channel, **tables):
    found = {one.channel: one for one in sheet(**tables).contacts}
    return found[channel]


def test_habits_are_those_of_the_sales_by_hand():
    found = sheet(order="order").habits
    orders = {}
    for day, order, amount in own_sales():
        orders.setdefault((day, order), []).append(amount)
    days = sorted({day for day, _ in orders})
    assert found.active_days == len(days)
    assert (found.first_purchase, found.last_purchase) == (days[0], days[-1])
    assert found.mean_gap == pytest.approx((days[-1] - days[0]).days / (len(days) - 1))
    assert found.total == pytest.approx(sum(map(sum, orders.values())))


def test_the_last_purchases_are_the_last_five_days_or_orders_by_hand():
    by_day = {}
    for day, _, amount in own_sales():
        by_day.setdefault(day, []).append(amount)
    expected = [(day, len(by_day[day]), sum(by_day[day])) for day in sorted(by_day)[-5:][::-1]]
    found = [(p.date, p.lines, p.amount) for p in sheet().last_purchases]
    assert found == [(day, lines, pytest.approx(total)) for day, lines, total in expected]

    by_order = {}
    for day, order, amount in own_sales():
        by_order.setdefault((day, order), []).append(amount)
    expected = [
        (key[0], len(by_order[key]), sum(by_order[key])) for key in sorted(by_order)[-5:][::-1]
    ]
    found = [(p.date, p.lines, p.amount) for p in sheet(order="order").last_purchases]
    assert found == [(day, lines, pytest.approx(total)) for day, lines, total in expected]


def test_the_last_purchases_do_not_depend_on_how_dates_and_ids_are_written():
    plain = sheet().last_purchases
    text = SALES.with_columns(pl.col("date").cast(pl.String), pl.col("client_id").cast(pl.String))
    zoned = SALES.with_columns(
        pl.col("date")
        .cast(pl.Datetime)
        .dt.replace_time_zone("Europe/Paris")
        .dt.convert_time_zone("UTC")
    )
    assert sheet(str(CLIENT), text).last_purchases == plain
    assert sheet(CLIENT, zoned, timezone="Europe/Paris").last_purchases == plain


def test_the_last_purchases_of_files_are_those_of_frames(tmp_path):
    SALES.write_csv(tmp_path / "sales.csv")
    SALES.write_parquet(tmp_path / "sales.parquet")
    for name in ("sales.csv", "sales.parquet"):
        assert sheet(sales=tmp_path / name).last_purchases == sheet().last_purchases != ()


def test_lines_that_sales_leave_out_are_no_purchases():
    lines = pl.DataFrame(
        {
            "client_id": [CLIENT] * 4,
            "date": [DAY, DAY, DAY + dt.timedelta(1), DAY],
            "amount": [float("nan"), None, 99.0, 55.0],
            "order": [10**6] * 4,
            "shop": ["Lyon", "Lyon", "Lyon", "Nice"],
        }
    )
    more = pl.concat([SALES, lines], how="vertical_relaxed")
    found = sheet(sales=more, where="shop = 'Lyon'")
    assert found.last_purchases == sheet().last_purchases


def test_the_score_is_explained_as_explain_does():
    facts = grc.RFM(frequency=grc.Frequency("orders")).facts(SALES, as_of=DAY)
    model = grc.RFM().fit(facts)
    assert sheet().score == model.explain(facts, client_id=CLIENT)
    assert sheet(rfm=model).score == model.explain(facts, client_id=CLIENT)


def test_the_gain_and_its_interval_are_those_of_the_whole_base():
    result = grc.predict_value(SALES, as_of=DAY, horizons=["12mo"], margin=0.2, intervals=0.9)
    row = result.values.row(by_predicate=pl.col("client_id") == CLIENT, named=True)
    found = sheet(margin=0.2).gain
    assert found.expected == pytest.approx(row["gain_12mo"], rel=1e-9)
    assert (found.low, found.high) == (row["gain_12mo_low"], row["gain_12mo_high"])
    assert (found.p_alive, found.basket) == pytest.approx((row["p_alive"], row["basket"]))


def test_a_base_in_which_nobody_came_back_has_no_gain_and_the_sheet_says_why():
    once = SALES.group_by("client_id").agg(pl.col("date").min(), pl.col("amount").first())
    found = sheet(sales=once)
    assert found.gain is None
    assert "cannot be said" in found.notes[0]
    assert found.habits.orders == 1


def test_a_contact_is_allowed_with_the_word_it_rests_on_whatever_the_weekday():
    granted = consents((CLIENT, "phone", "granted", "contract", dt.date(2025, 3, 1), "signed"))
    found = contact("phone", consent=granted)
    assert (found.allowed, found.status, found.basis) == (True, "granted", "contract")
    assert found.collected_at == dt.date(2025, 3, 1)
    assert found.said("en") == (
        "yes; running contract on 2025-03-01; Monday to Friday, 10:00–13:00, 14:00–20:00, "
        "not on public holidays"
    )
    assert found.said("fr").startswith(
        "oui ; contrat en cours le 01/03/2025 ; du lundi au vendredi"
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("denied", None, dt.date(2025, 1, 5), None), "no; refused on 2025-01-05"),
        (("denied", None, None, None), "no; refused"),
        (
            ("granted", "opt_in", dt.date(2024, 1, 5), "signed"),
            "no; what was agreed on 2024-01-05 does not suffice today",
        ),
        (
            ("granted", "opt_in", dt.date(2025, 6, 5), None),
            "no; what was agreed on 2025-06-05 does not suffice today",
        ),
        (("granted", "opt_in", None, "signed"), "no; an agreement without a date does not suffice"),
        (("unknown", None, None, None), "no; no agreement is known"),
    ],
)
def test_a_contact_that_is_not_allowed_says_why(row, said):
    found = contact("phone", consent=consents((CLIENT, "phone", *row)))
    assert not found.allowed
    assert found.said("en") == said


def test_without_consents_only_what_needs_none_is_allowed():
    found = {one.channel: one.allowed for one in sheet().contacts}
    assert found == {"phone": False, "email": False, "sms": False, "post": True}
    assert sheet(policy="none").contacts == ()


def test_suppression_control_group_and_pressure_are_told_apart():
    day = dt.date(2025, 12, 20)
    granted = consents((CLIENT, "phone", "granted", None, dt.date(2025, 9, 1), "signed"))
    base = pl.DataFrame({"client_id": range(1, 301), "phone": ["06 12 34 56 78"] * 300})
    listed = pl.DataFrame({"phone": ["+33 6 12 34 56 78"]})
    past = pl.DataFrame({"client_id": [CLIENT] * 4, "channel": "phone", "contacted_on": day})
    held = pl.DataFrame({"client_id": [CLIENT], "control": [True]})
    reasons = {
        "suppressed": contact("phone", consent=granted, clients=base, suppress=listed),
        "control_group": contact("phone", consent=granted, control=held),
        "under_pressure": contact("phone", consent=granted, contacts=past),
    }
    assert {name: one.reason for name, one in reasons.items()} == {name: name for name in reasons}


def test_who_has_given_no_sign_of_life_for_years_is_not_contacted():
    granted = consents((CLIENT, "email", "granted", None, dt.date(2021, 9, 1), None))
    seen = pl.DataFrame({"client_id": [CLIENT], "last_seen": [dt.date(2022, 1, 5)]})
    assert contact("email", consent=granted).allowed
    assert not contact("email", consent=granted, last_seen=seen).allowed


def test_a_rule_over_all_channels_leaves_each_of_them_to_choose_from(tmp_path):
    policy = tmp_path / "house.toml"
    policy.write_text(
        'name = "house"\n[channels.post]\nconsent = "opt_out"\nsource = "x"\nread_on = 2026-01-01\n'
        '[channels.email]\nconsent = "opt_out"\nsource = "x"\nread_on = 2026-01-01\n'
        '[[pressure]]\nmost = 1\nwindow = "30d"\n'
    )
    assert all(one.allowed for one in sheet(policy=policy).contacts)


def test_identity_interest_and_profile_are_those_of_their_tables():
    base = pl.DataFrame(
        {"client_id": range(1, 301), "tel": ["06 12 34 56 78"] * 300, "name": "Ada"}
    )
    behaviour = pl.DataFrame(
        {"client_id": ["42"], "score": [12.0], "phase": ["decision"], "score_web": [12.0]}
    )
    profile = pl.DataFrame({"client_id": [CLIENT], "children": [2], "car": [None]})
    found = sheet(
        clients=base,
        columns={"phone": "tel"},
        behaviour=behaviour,
        profile=profile,
        lang="fr",
    )
    assert found.identity == {"name": "Ada", "phone": "06 12 34 56 78"}
    assert (found.interest.phase, dict(found.interest.parts)) == ("decision", {"web": 12.0})
    assert found.profile == {"children": 2}
    assert "phase : décision" in str(found)


def test_a_client_of_the_base_who_never_bought_has_a_sheet():
    base = pl.DataFrame({"client_id": range(1, 400)})
    found = sheet(399, clients=base)
    assert (found.score.scored, found.habits.orders, found.gain) == (False, 0, None)
    assert "segment: never bought" in str(found)


def test_french_sheets_have_french_numbers_and_days():
    found = str(sheet(lang="fr"))
    assert re.search(r"dernier achat : \d\d/\d\d/\d{4}, il y a \d+ jours", found)
    assert re.search(r"panier moyen : \d+,\d\d\n", found)
    assert not re.search(r"\d\.\d", found)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_hostile_client_file_runs_nothing_in_a_browser_and_prints_on_one_page(lang, tmp_path):
    clients = range(1, len(HOSTILE) + 1)
    base = pl.DataFrame({"client_id": clients, "name": HOSTILE.values(), "city": HOSTILE.values()})
    profile = base.rename({"city": HOSTILE["script"], "name": HOSTILE["lines"]})
    sales = SALES.filter(pl.col("client_id").is_in(clients))
    sheets = grc.client_sheets(
        sales, list(clients), as_of=DAY, clients=base, profile=profile, lang=lang
    )
    html = sheets.html()
    assert "\0" not in html
    assert "\u202e" not in html
    with page_in_browser(html, tmp_path) as page:
        assert page.evaluate("document.scripts.length") == 0
        assert page.evaluate("document.querySelectorAll('img, svg, a, link').length") == 0
        assert page.title() == "16 clients"
        assert len(page.requests) == 1
        assert page.locator("article").count() == len(HOSTILE)
        assert page.locator("h1").nth(4).inner_text() == HOSTILE["script"]
        pages = page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n")
    assert pages == len(HOSTILE)


def test_a_page_is_light_or_dark_and_every_value_has_its_name(tmp_path):
    with page_in_browser(sheet().html(), tmp_path) as page:
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.emulate_media(color_scheme="dark")
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert light != dark
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.locator("td").count() == page.locator("th[scope=row]").count() > 20
        assert page.locator("main h1").count() == 1


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Run the command line in a directory with sales."""
    monkeypatch.chdir(tmp_path)
    SALES.write_parquet("sales.parquet")

    def sheet_of(*arguments):
        capfd.readouterr()
        code = main(("sheet", "sales.parquet", "--as-of", str(DAY), *arguments))
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return sheet_of


def test_the_command_prints_a_sheet_or_writes_it(run):
    code, out, err = run("--id", "42")
    assert code == 0, err
    assert out == f"{sheet()}\n"
    assert err == "margin 30% is assumed: give your own with --margin\n"
    assert run("--id", "42", "-o", "x.json", "--margin", "0.3", "-q")[0] == 0
    assert json.loads(Path("x.json").read_text("utf-8")) == sheet().to_dict()
    assert run("--id", "42", "-o", "x.html", "--lang", "fr")[0] == 0
    assert Path("x.html").read_text("utf-8") == sheet(lang="fr").html()


def test_several_clients_have_a_sheet_each_and_each_once(run):
    Path("ids.csv").write_text("client_id\n7\n42\n9\n")
    code, _, err = run("--id", "42", "--ids", "ids.csv", "-o", "x.json")
    assert code == 0, err
    found = json.loads(Path("x.json").read_text("utf-8"))["sheets"]
    assert [one["client_id"] for one in found] == [42, 7, 9]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "a sheet is of a client: name one with --id, or several with --ids FILE"),
        (("--id", "x"), "there is no client 'x' among the 300 clients"),
        (("--id", "4", "-o", "x.pdf"), "the sheet 'x.pdf' must be named .json or .html"),
        (("--id", "4", "-o", "sales.parquet"), "must be named .json or .html"),
        (("--id", "4", "--margin", "3"), "--margin must be a number from 0 to 1, not 3"),
        (("--id", "4", "--profile", "none.csv"), "there is no file 'none.csv'"),
        (("--id", "4", "--profile", "twice.csv"), "the profile file has several rows of client 4"),
        (("--id", "4", "--behaviour", "twice.csv"), "has no column 'phase'"),
        (
            ("--id", "4", "--policy", "de"),
            "the policy 'de' cannot be read",
        ),
        (("--id", "4", "--clients", "twice.csv"), "the client file has 1 clients in several rows"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(run, arguments, said):
    Path("twice.csv").write_text("client_id,shop\n4,Lyon\n4,Nice\n")
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert said in err.splitlines()[-1]
    assert not Path("x.pdf").exists()


def test_a_stream_is_refused_as_sales_are_read_twice():
    stream = pl.DataFrame(SALES).to_arrow().to_reader()
    with pytest.raises(grc.SourceError, match="a stream can be read but once"):
        grc.client_sheets(stream, [CLIENT], as_of=DAY)


def test_clients_must_be_a_list_and_a_language_known():
    with pytest.raises(grc.OptionError, match="a list of one client or more"):
        grc.client_sheets(SALES, "42", as_of=DAY)
    with pytest.raises(grc.OptionError, match="not a language"):
        grc.client_sheets(SALES, [42], as_of=DAY, lang="de")
