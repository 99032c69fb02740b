"""Files as users have them: each is read to the right figures, or refused in a sentence."""

import gzip
import re
import shlex
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from unittest import mock

import polars as pl
import pytest

import grc_fast as grc
from grc_fast.cli import main

FILES = Path(__file__).parent / "files_of_users"
TILL = "--client Client --date Date --amount Montant"
TICKET = f"{TILL} --order Magasin --order Caisse --order Jour --order Ticket"
SHOPIFY = (
    'score shopify-orders.csv --date "Created at" --amount Total --order Name '
    "--as-of 2023-05-01 --timezone Europe/Paris"
)
DOTTED_IDS = (
    "score ids-with-dot-zero.csv --client CustomerID --date InvoiceDate "
    '--amount "Quantity * UnitPrice" --order InvoiceNo '
    "--clients ids-with-dot-zero-clients.csv --as-of 2024-03-01"
)


@pytest.fixture(autouse=True)
def _in_the_folder(monkeypatch):
    monkeypatch.chdir(FILES)


@dataclass
class Done:
    """A finished command."""

    exit_code: int
    stdout: str
    stderr: str


def run(command, stdin=None):
    """Run a command of one line in the folder of the files; scores go to standard output."""
    with ExitStack() as stack:
        given = sys.stdin if stdin is None else stack.enter_context(Path(stdin).open())
        stack.enter_context(mock.patch("sys.stdin", given))
        out = stack.enter_context(redirect_stdout(TextIOWrapper(BytesIO(), "utf-8")))
        err = stack.enter_context(redirect_stderr(StringIO()))
        code = main([*shlex.split(command), "-o", "-"])
        out.flush()
    return Done(code, out.buffer.getvalue().decode(), err.getvalue())


def scores(done):
    assert done.exit_code == 0, done.stderr
    return pl.read_csv(done.stdout.encode(), schema_overrides={"client_id": pl.String})


def triples(done):
    """Give last purchase, orders and money by client, of those who are scored."""
    frame = scores(done).filter(pl.col("r").is_not_null())
    columns = frame.select("client_id", "last_purchase", "frequency", "monetary")
    return {client: (day, orders, money) for client, day, orders, money in columns.iter_rows()}


def money(done):
    return {client: money for client, (_, _, money) in triples(done).items()}


def last_purchases(done):
    return {client: day for client, (day, _, _) in triples(done).items()}


REFUSED = [
    ("score extra-field-dropped.csv", r"line 2 has 5 fields, .*header.* 4"),
    ("score extra-field-shipping.csv", r"line 2 has 7 fields, .*header.* 5"),
    ("score missing-field.csv", r"line 3 has 3 fields, .*header.* 4"),
    ("behaviour event-page-cut.csv --rules pages.toml", r"line 2 has 6 fields, .*header.* 5"),
    ("score quote-inside-quotes-merges-lines.csv", r"line 2"),
    ("score quote-not-closed.csv", r"line 3"),
    ("score amounts-dot-thousands-semicolon.csv", r"line 2: .*1\.234.*--thousands"),
    ("score two-currencies.csv", r"3 in €, 2 in \$"),
    ("score dates-either-order.csv", r"01/02/2024.*1 February.*2 January.*|2 January.*1 February"),
    ("score dates-mixed-order.csv", r"line 4: .*01/25/2024.*--date-format"),
    ("score dates-excel-serial.csv", r"45017.*--date-format excel"),
    ("behaviour events-epoch-ms.ndjson --rules pages.toml", r"--date-format epoch-ms"),
    ("score zoned-and-plain-dates.csv", r"line 3"),
    ("score title-rows.csv", r"header .*line 3.*--skip-rows 2"),
    ("score header-with-spaces.csv", r"'client_id '"),
    ("score null-words-own.csv", r"n\.c\..*--null-values"),
    ("score where-types.csv --where \"postcode = '01000'\"", r"postcode holds integers"),
    ("score where-types.csv --where \"status = 'Paid'\"", r"paid, .*refunded, .*PAID"),
]


@pytest.mark.parametrize(("command", "sentence"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_may_be_wrong_is_refused_in_a_sentence(command, sentence):
    done = run(f"{command} --as-of 2024-03-01 -q")

    assert done.exit_code == 1
    assert done.stdout == ""
    assert re.search(sentence, done.stderr)
    assert "Traceback" not in done.stderr


MONEY = [
    ("inch-mark-in-unquoted-field.csv", {"A": 10, "B": 5, "C": 3}),
    ("amounts-euro-narrow-space.csv", {"A1": 1_334.46, "A2": 12}),
    ("amounts-us-thousands.csv", {"A1": 1_334.46, "A2": 12}),
    ("amounts-parentheses.csv", {"001": 9.5}),
    ("amounts-dot-thousands-semicolon.csv --thousands .", {"A1": 1_234, "A2": 2_500}),
    ("latin-1.csv --encoding latin-1", {"A1": 10, "A2": 12}),
    ("pipe.csv", {"001": 12.5}),
    ("caret.csv --separator ^", {"A": 12.5, "B": 3}),
    ("sep-line.csv", {"001": 12.5}),
    ("classic-mac-line-ends.csv", {"001": 12.5}),
    ("title-rows.csv --skip-rows 2", {"001": 12.5}),
    ("null-words-own.csv --null-values n.c.", {"1": 10}),
    ("sales.csv.gz", {"A": 12.5, "B": 5}),
    ("sales.zip", {"A": 12.5, "B": 5}),
    ("sales-array.json", {"A": 12.5, "B": 5}),
    ("decimal256-unread-column.parquet", {"A": 15.5, "B": 20}),
    ("decimal-38-0-ids.parquet", {"13001": 15.5, "13002": 20}),
    ("decimal-38-18.parquet --money-scale 4", {"A": 15.5, "B": 20}),
    (
        'decimal-38-18.parquet --amount "CAST(amount AS DECIMAL(18,4))"',
        {"A": 15.5, "B": 20},
    ),
    ("new-column-in-second-file --where \"channel = 'web'\"", {"A": 15.5, "B": 20}),
]


@pytest.mark.parametrize(("files", "expected"), MONEY, ids=[case[0] for case in MONEY])
def test_money_is_read_as_it_is_written(files, expected):
    assert money(run(f"score {files} --as-of 2024-03-01 -q")) == pytest.approx(expected, abs=0)


DATES = [
    ("dates-dd-mm-yyyy.csv", {"1": "2023-12-01", "2": "2024-01-13"}),
    ("dates-dd-mm-yyyy.csv --date-format dmy", {"1": "2023-12-01", "2": "2024-01-13"}),
    ("dates-ymd-slashes.csv", {"A": "2024-01-05", "B": "2024-12-25"}),
    ("dates-either-order.csv --date-format mdy", {"A": "2024-01-02", "B": "2024-03-04"}),
    ('dates-month-names.csv --date-format "%d %b %Y"', {"A": "2024-01-05", "B": "2024-02-17"}),
    ("dates-excel-serial.csv --date-format excel", {"A1": "2023-04-01", "A2": "2023-04-04"}),
]


@pytest.mark.parametrize(("files", "expected"), DATES, ids=[case[0] for case in DATES])
def test_dates_are_read_as_they_are_written(files, expected):
    assert last_purchases(run(f"score {files} --as-of 2024-12-31 -q")) == expected


def test_standard_input_is_read():
    done = run("score - --as-of 2024-03-01 -q", stdin="guests-as-client-0.csv")

    assert money(done) == {"0": 50, "12": 5}


def test_whole_numbers_with_a_point_are_the_integers():
    done = run(DOTTED_IDS)

    assert money(done) == {"501": 0, "502": 28, "503": 0}
    status = dict(scores(done).select("client_id", "status").iter_rows())
    assert status["504"] == "returns_only"
    assert status["509"] == "never_bought"
    assert "501.0" in done.stderr


def test_a_base_that_matches_nobody_is_warned_of():
    done = run("score sales-zero-ids.csv --clients clients-lost-zeros.csv --as-of 2024-03-01")

    assert money(done) == {"00123": 35.5, "00045": 9, "00678": 30}
    status = dict(scores(done).select("client_id", "status").iter_rows())
    assert {status[client] for client in ("123", "45", "678")} == {"never_bought"}
    assert re.search(r"warning: no client of .*such as (123|45|678)\b.* such as 00\d+", done.stderr)


def test_e_mails_that_differ_by_case_alone_are_noted():
    done = run("score e-mail-ids.csv --as-of 2024-03-01")

    assert sorted(money(done).values()) == [10, 20, 20]
    assert re.search(r"e-mail.*case", done.stderr)


def test_ids_may_be_computed():
    done = run('score e-mail-ids.csv --client "LOWER(TRIM(client_id))" --as-of 2024-03-01 -q')

    assert triples(done) == {"lea@example.com": ("2024-01-07", 3, 50)}


def test_a_guest_id_is_noted():
    done = run("score guests-as-client-0.csv --as-of 2024-03-01")

    assert triples(done) == {"0": ("2024-01-09", 3, 50), "12": ("2024-01-06", 1, 5)}
    assert re.search(r"note: .*\b0\b.*guest", done.stderr)


def test_days_are_those_of_the_zone():
    done = run(f"{SHOPIFY} --client Email -q")

    assert triples(done) == {
        "lea@example.com": ("2023-04-05", 1, 58.8),
        "Lea@Example.com ": ("2023-03-02", 1, 20),
        "tom@example.com": ("2023-02-01", 1, 10),
    }
    assert re.search(r"without a date: 1 ", run(f"{SHOPIFY} --client Email").stderr)


def test_ids_of_a_shop_may_be_computed():
    done = run(f'{SHOPIFY} --client "LOWER(TRIM(Email))" -q')

    assert triples(done) == {
        "lea@example.com": ("2023-04-05", 2, 78.8),
        "tom@example.com": ("2023-02-01", 1, 10),
    }


def test_cp1252_is_said():
    done = run("score latin-1.csv --as-of 2024-03-01")

    assert money(done) == {"A1": 10, "A2": 12}
    assert "cp1252" in done.stderr


def test_words_for_nothing_are_counted_and_named():
    done = run("score null-words.csv --as-of 2024-03-01")

    assert money(done) == {"1": 10}
    assert re.search(r"without a date: 1 ", done.stderr)
    assert re.search(r"without an amount: 2 ", done.stderr)
    for word in ("\\N", "NULL", "NA"):
        assert f'"{word}"' in done.stderr


def test_a_total_on_each_line_is_warned_of():
    command = "score order-total-on-each-line.csv --amount order_total --order order_id"
    done = run(f"{command} --as-of 2024-03-01")

    assert money(done) == {"A": 300, "B": 150}
    assert re.search(r"warning: .*repeat one amount", done.stderr)


def test_lines_that_occur_twice_are_warned_of():
    done = run("score lines-loaded-twice.csv --order order_id --as-of 2024-03-01")

    assert {client: found[1:] for client, found in triples(done).items()} == {
        "A": (1, 20),
        "B": (1, 5),
    }
    assert re.search(r"warning: .*twice", done.stderr)


def test_a_time_beyond_nanoseconds_is_read_or_refused():
    done = run("score int96-year-9999.parquet --as-of 9999-12-31 -q")

    if done.exit_code == 1:
        assert "9999" in done.stderr
        return
    assert triples(done) == {
        "A": ("2024-02-20", 2, 15.5),
        "B": ("2024-02-06", 1, 20),
        "C": ("9999-12-31", 1, 7),
    }


@pytest.mark.parametrize("file", ["ventes-caisses.csv", "ventes-caisses.xlsx"])
def test_the_export_of_a_till_is_read(file):
    done = run(f"score {file} {TICKET} --as-of 2024-03-01 -q")

    assert triples(done) == {
        "00417": ("2024-01-25", 3, 1_260),
        "00418": ("2024-02-02", 2, 1_050),
        "01200": ("2024-02-13", 2, 34),
    }


def test_a_condition_on_a_column_of_another_encoding_holds():
    where = "Magasin = 'Orléans'"
    done = run(f'score ventes-caisses.csv {TICKET} --where "{where}" --as-of 2024-03-01 -q')

    assert triples(done) == {"00417": ("2024-01-25", 1, 5.1), "01200": ("2024-02-13", 2, 34)}


def test_order_ids_on_several_dates_are_warned_of():
    done = run(f"score ventes-caisses.csv {TILL} --order Ticket --as-of 2024-03-01")

    assert [found[1] for found in triples(done).values()] == [1, 2, 1]
    assert re.search(r"warning: .*several dates.*add the day", done.stderr)


def test_no_order_role_is_warned_of():
    done = run(f"score ventes-caisses.csv {TILL} --as-of 2024-03-01")

    assert [found[1] for found in triples(done).values()] == [4, 2, 3]
    assert re.search(r"warning: .*order", done.stderr)


def events(done):
    """Give last event and score by client."""
    frame = scores(done)
    return {
        client: (instant, score)
        for client, instant, score in frame.select("client_id", "last_event", "score").iter_rows()
    }


EVENTS = [
    (
        "events-epoch-ms.ndjson --rules pages.toml --as-of 2023-05-01 --date-format epoch-ms",
        {"u1": ("2023-04-05T10:33:10", 10)},
    ),
    (
        (
            "events-epoch-us.csv --rules pages.toml --client user --timestamp event_timestamp "
            "--kind event_name --as-of 2023-05-01 --date-format epoch-us"
        ),
        {"u1": ("2023-04-05T10:33:10", 10), "u2": ("2023-04-05T22:30:00.5", 1)},
    ),
]


@pytest.mark.parametrize(("files", "expected"), EVENTS, ids=[case[0] for case in EVENTS])
def test_instants_that_are_numbers_are_read(files, expected):
    found = events(run(f"behaviour {files} -q"))

    assert found.keys() == expected.keys()
    for client, (instant, score) in expected.items():
        assert found[client][0].rstrip("0").startswith(instant.rstrip("0"))
        assert found[client][1] == score


def test_instants_with_a_zone_behind_a_blank_are_read():
    done = run(
        "behaviour event-time-utc-suffix.csv --rules pages.toml --client user_id "
        "--timestamp event_time --kind event_type -q"
    )

    found = {client: instant[:19] for client, (instant, _) in events(done).items()}
    assert found == {"501": "2023-10-01T00:00:00", "502": "2023-10-01T00:00:01"}


def test_pages_are_known_by_their_path():
    done = run("behaviour visites.csv --rules parcours.toml --as-of 2024-01-08 -q")

    found = {client: score for client, (_, score) in events(done).items()}
    assert found == {"ana": 12, "bea": 14, "cyr": 5, "dan": 0}


def test_each_mail_counts_once():
    done = run("behaviour opens-of-two-mails.csv --rules mails.toml --as-of 2024-02-01 -q")

    assert {client: score for client, (_, score) in events(done).items()} == {"m1": 4}


def test_ids_written_in_two_ways_are_warned_of(tmp_path):
    sales = tmp_path / "sales.csv"
    sales.write_text(
        "client_id,date,amount\n501,2024-01-05,1\n501.0,2024-01-06,2\nA,2024-01-07,3\n"
    )
    done = run(f"score {sales} --as-of 2024-03-01")

    assert money(done) == {"501": 1, "501.0": 2, "A": 3}
    assert re.search(r"warning: 1 clients? occur.* 501 and as 501\.0", done.stderr)


def test_a_table_of_clients_is_scored(tmp_path):
    clients = tmp_path / "clients.csv"
    clients.write_text("card;recency;frequency;monetary\n007;3;9;1 234,50\n008;40;2;12,00\n")
    done = run(f"score {clients} --client-level --client card --bins 2 -q")

    frame = scores(done).select("client_id", "monetary", "rfm")
    assert frame.rows() == [("007", 1_234.5, 222), ("008", 12, 111)]


def test_thresholds_of_frequency_and_money_may_be_given(tmp_path):
    sales = tmp_path / "sales.csv"
    sales.write_text("client_id,date,amount\nA,2024-01-05,1\nA,2024-01-06,2\nB,2024-01-07,300\n")
    done = run(f"score {sales} --as-of 2024-03-01 --frequency-bands 2 --monetary-bands 50,200 -q")

    frame = scores(done).select("client_id", "f", "m")
    assert frame.rows() == [("A", 2, 1), ("B", 1, 3)]


def clients_of(tmp_path, *texts, name="sales.csv", **options):
    paths = []
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}-{name}"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        paths.append(str(path))
    found = grc.facts(
        paths, facts=["orders", "total", "last_purchase"], as_of="2024-12-31", **options
    )
    return {row[0]: row[1:] for row in found.frame.iter_rows()}


def test_columns_of_computed_ids_stay_text(tmp_path):
    text = "card,email,date,amount\n00123,,2024-01-01,1\n0123,,2024-01-01,2\n501.0,,2024-01-01,3\n"

    found = clients_of(tmp_path, text, client="COALESCE(card, email)")

    assert found.keys() == {"00123", "0123", "501.0"}


def test_a_number_that_begins_with_zero_has_decimals(tmp_path):
    text = "client_id;date;amount\nA;2024-01-01;12.50\nA;2024-01-02;0,125\n"

    with pytest.raises(grc.SourceError, match=r"line 3: .*'0,125', which is not a number"):
        clients_of(tmp_path, text)


def test_a_long_file_in_utf_16_is_not_taken_for_its_first_lines(tmp_path):
    lines = [f"K,2024-01-01,1,{7 if row < 900 else 'A7'},{'x' * 60}" for row in range(1_000)]
    text = "\n".join(["client_id,date,amount,shop,note", *lines]).encode("utf-16")

    assert clients_of(tmp_path, text, where="shop <> '8'")["K"][0] == 1_000


def test_ids_with_a_point_may_come_late(tmp_path):
    late = ["client_id,date,amount", *[",2024-01-01,1"] * 600, "501.0,2024-01-01,1"]

    found = clients_of(tmp_path, "\n".join(late), "client_id,date,amount\n501,2024-01-01,2\n")

    assert found.keys() == {501}


def test_dates_that_come_late_keep_their_zone(tmp_path):
    late = ["client_id,date,amount", *["A,,1"] * 600, "A,2024-01-05T23:30:00-05:00,1"]

    found = clients_of(tmp_path, "\n".join(late), date_format="iso", timezone="America/New_York")

    assert str(found["A"][2]) == "2024-01-05"


def test_files_with_zones_and_without_do_not_mix(tmp_path):
    zoned = "client_id,date,amount\nA,2024-01-05T23:30:00-05:00,1\n"
    plain = "client_id,date,amount\nA,2024-01-05T23:30:00,1\n"

    with pytest.raises(grc.ColumnError, match=r"have a zone in .* and none in "):
        clients_of(tmp_path, zoned, plain)


def test_packed_lines_of_json_are_read(tmp_path):
    row = b'{"client_id": "A", "date": "25/12/2023", "amount": 5}\n'

    assert clients_of(tmp_path, gzip.compress(row), name="sales.ndjson.gz")["A"][1] == 5


@pytest.mark.parametrize("encoding", ["latin-1", "cp1251", "utf-16"])
def test_texts_that_grow_in_utf_8_are_read(tmp_path, encoding):
    letter = "я" if encoding == "cp1251" else "é"
    text = "client_id,date,amount\n" + f"{letter}{letter}{letter},2024-01-01,1\n" * 3_000

    found = clients_of(tmp_path, text.encode(encoding), encoding=encoding)

    assert found == {letter * 3: (3_000, 3_000.0, date(2024, 1, 1))}


def test_dates_as_text_are_not_compared_in_a_condition(tmp_path):
    rows = '{"client_id": "A", "date": "25/12/2023", "amount": 5}\n'

    with pytest.raises(grc.ColumnError, match="where condition reads 'date'"):
        clients_of(tmp_path, rows, name="sales.ndjson", where="date >= '2025-01-01'")


def test_words_for_nothing_are_counted_once_where_a_file_is_read_twice(tmp_path):
    sales = tmp_path / "sales.csv"
    sales.write_text("client_id,date,amount\nA,2024-01-05,1\nA,2024-01-06,NA\nB,2024-01-07,3\n")
    done = run(f"score {sales} --frequency-window 12mo")  # the day of the last sale takes a pass

    assert '"NA" 1 times' in done.stderr


# --- Expected gain, where the likelihood is highest in a limit ------------------------------------


def gains(command):
    done = run(f"value {command} --as-of 2024-01-01")
    return scores(done), done.stderr


@pytest.mark.parametrize(("basket", "expected"), [("repeat", 1_088.630e6), ("all", 1_085.850e6)])
def test_gains_do_not_depend_on_the_currency(basket, expected):
    rial, said = gains(f"amounts-in-rial.csv --quiet --basket {basket}")
    millions, _ = gains(
        f'amounts-in-rial.csv --amount "amount / 1000000.0" --quiet --basket {basket}'
    )

    assert "error" not in said
    assert rial["gain_12mo"].sum() == pytest.approx(expected, rel=1e-6)
    for name in ("basket", "gain_3mo", "gain_12mo", "gain_36mo"):
        assert rial[name].to_list() == pytest.approx((1e6 * millions[name]).to_list(), rel=1e-10)


def test_clients_who_all_leave_with_one_chance():
    found, said = gains("equal-drop-out.csv")

    assert found["purchases_12mo"].sum() == pytest.approx(60.8004, rel=2e-6)
    assert "all leave with one chance, 0.29519 after a purchase" in said


def test_a_subscription_of_one_price():
    found, said = gains("one-price-subscription.csv")

    assert found.height == 80
    assert found["basket"].to_list() == pytest.approx([29.9] * 80, rel=1e-12)
    assert found["purchases_12mo"].sum() == pytest.approx(205.685, rel=2e-6)
    assert found["gain_12mo"].sum() == pytest.approx(1_844.99, rel=2e-6)
    assert "all buy at one rate, 0.21833 in 7 days" in said
    assert "all leave with one chance, 0.09163 after a purchase" in said
    assert "there is one price: a purchase of each client costs 29.90" in said
