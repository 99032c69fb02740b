"""What the cases read: files made by the standard library alone, the same at each run.

They are small, and hold what results can turn on: ties, returns, zeros of both signs, nulls,
several orders a day and several days an order, rows after the day of the score, ids as numbers and
as text with leading zeros. `typed.py` makes Parquet and Arrow files of them.
"""

import csv
import datetime as dt
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

FIRST, LAST = dt.date(2024, 9, 1), dt.date(2026, 11, 12)
CLIENTS = 180
PAGES = ["/tarifs", "/contact", "/guides/a", "/guides/b", "/recrutement", "/search?q=x", "", None]
KINDS = ["page_view"] * 6 + ["search", "download", "email_open", "email_open", "purchase", "unwrap"]

SEGMENTS = """
name = "mine"
[[segment]]
name = "vip"
labels = { en = "VIP", fr = "privilégiés" }
r = [4, 5]
m = 5
[[segment]]
name = "welcome"
labels = { en = "welcome", fr = "bienvenue" }
any = [{ tenure_max = 60 }, { r = [5, 5], f = [1, 1] }]
[[segment]]
name = "big_baskets"
labels = { en = "big baskets", fr = "gros paniers" }
where = "monetary > 300 AND frequency >= 2"
[[segment]]
name = "others"
labels = { en = "others", fr = "autres" }
"""
RULE = '[[rule]]\nname = "{}"\ngroup = "{}"\nkind = {}\npoints = {}\n{}\n'
RULES = "".join(
    RULE.format(*row)
    for row in [
        ("prices", "web", '"page_view"', 10, 'page = "/tarifs"\nrepeat = "2 per 7d"\n'),
        ("contact", "web", '"page_view"', 15, 'page = "/contact"\ncategory = "hot"\n'),
        ("guides", "web", '"page_view"', 1.5, 'page = "/guides/*"\ncategory = "warm"\n'),
        ("searches", "web", '["search", "click"]', 3, 'page = "*/search[?]q=*"\n'),
        ("paper", "web", '"download"', 20, 'repeat = "once"\n'),
        ("jobs", "web", '"page_view"', -10, 'page = "re:rec.*t$"\ncategory = "eliminatory"\n'),
        ("open", "email", '"email_open"', 2, 'repeat = "every 24h"\n'),
        ("visit", "interest", '"page_view"', 1, 'repeat = "once_per_session"\n'),
    ]
)
BOUNDS = (
    "[score]\nmin = -5\nmax = 60\n[groups.web]\ncap = 40\nfloor = -20\n[phase]\nwindow = '10d'\n"
)
DENSITY = '[density]\nmin_dwell = "20s"\nmin_clicks = 2\nmode = "any"\ntheme = ["/guides/*"]\n'
SESSION = '[session]\ntimeout = "20m"\nlast_dwell = "5s"\nmax_events_per_minute = 4\n'
TEXTS = {
    "segments.toml": SEGMENTS,
    "rules.toml": f'{SESSION}{DENSITY}[decay]\nhalf_life = "30d"\n{BOUNDS}{RULES}',
    "linear.toml": f'[decay]\nlinear = "60d"\n{RULES}',
    "window.toml": f'{DENSITY}[decay]\nwindow = "45d"\n{RULES}',
    "plain.toml": RULES,
    "zoned.csv": "client_id,date,amount\n1,2026-03-01T23:30:00-05:00,10\n2,2026-03-02T00:30:00Z,5\n"
    "1,2026-04-01T00:10:00+02:00,7.125\n3,2026-04-01T22:30:00Z,0.00005\n",
    "zoned_events.csv": "client_id,timestamp,kind\n1,2026-03-01T23:30:00Z,email_open\n"
    "1,2026-03-02T00:30:00+01:00,email_open\n2,2026-03-02T23:59:00Z,purchase\n",
    "commas.csv": 'client_id;date;amount\n7;2026-01-05;"1,5"\n8;2026-01-06;-0,0\n'
    ";2026-01-06;2,25\n",
    "formulas.csv": 'client_id,date,amount\n=1+1,2026-01-05,1\n"a ""b"", c",2026-01-06,2\n'
    "é,2026-01-07,3\n@x,2026-01-07,3\n9007199254740993,2026-01-08,4\n",
    "large_ids.csv": "client_id,date,amount\n9223372036854775807,2026-01-05,1\n"
    "-9007199254740993,2026-01-06,2\n0,2026-01-07,-0.0\n",
    "plain_events.csv": "client_id,timestamp,kind\n1,2026-03-01T23:30:00,purchase\n",
    "text_events.csv": "client_id,timestamp,kind,event_id\n1,2026-03-01T23:30:00,purchase,x1\n",
    "blank.csv": "\nclient_id,date,amount\n\n7,2026-01-05,1\n\n\n8,2026-01-06,2\n",
    "late.ndjson": '{"client_id": 7, "date": "2026-01-05", "amount": 1}\n' * 1_200
    + '{"client_id": 8, "date": "2026-01-06", "amount": "ten"}\n',
    "words.ndjson": '{"client_id": "a", "date": "2026-01-05", "amount": 1}\n'
    '{"client_id": 8, "date": "2026-01-06", "amount": 2.5}\n',
    "lines.ndjson": '{"client_id": 7, "date": "2026-01-05", "amount": 1.5}\n'
    '{"client_id": 8, "date": "2026-01-06", "amount": null, "more": [1]}\n{"client_id": 9}\n',
}
SALES = "client_id,date,amount\n1,2026-01-05,10.5\n2,2026-02-01,3.0\n1,2026-03-01,7.25\n"
EVENTS = "client_id,timestamp,kind,page,dwell,clicks\n1,2026-03-01T10:00:00,page_view,/a,5,1\n"
TABLE = '[[segment]]\nname = "{}"\nr = {}\n'
# What is wrong, each in a file of its own: the message is the result.
WRONG: Mapping[str, str | bytes] = {
    "empty.csv": "",
    "header.csv": "client_id,date,amount\n",
    "short.csv": f"{SALES}3,2026-03-02\n",
    "long.csv": f"{SALES}3,2026-03-02,5,6\n",
    "quote.csv": f'{SALES}"3,2026-03-02,5\n',
    "amount.csv": f"{SALES}3,2026-03-02,ten\n",
    "thousands.csv": f'{SALES}3,2026-03-02,"1,234"\n',
    "huge.csv": f"{SALES}3,2026-03-02,9999999999999999\n",
    "date.csv": f"{SALES}3,11/12/2010,5\n",
    "someday.csv": f"{SALES}3,someday,5\n",
    "twice.csv": "client_id,date,amount,amount\n1,2026-01-05,1,1\n",
    "latin.csv": f"{SALES}é,2026-03-02,5\n".encode("latin-1"),
    "wide.csv": SALES.encode("utf-16"),
    "sheet.csv": b"PK\x03\x04 some spreadsheet",
    "lines.csv": "\n\n",
    "old.csv": f"{SALES}3,1880-03-02,5\n",
    "date.ndjson": '{"client_id": 7, "date": "11/12/10", "amount": 1}\n',
    "latin.ndjson": '{"client_id": "é", "date": "2026-01-05", "amount": 1}\n'.encode("latin-1"),
    "cut.ndjson": '{"client_id": 7, "date": "2026-01-05", "amount": 1}\n{"client_id": 8, "da',
    "list.ndjson": '{"client_id": 7, "date": "2026-01-05", "amount": 1}\n[1]\n',
    "none.parquet": b"hello" * 9,
    "notes.doc": "notes",
    "dwell.csv": f"{EVENTS}1,2026-03-01T11:00:00,page_view,/a,-4,1\n",
    "instant.csv": f"{EVENTS}1,tomorrow,page_view,/a,4,1\n",
    "unreachable.toml": TABLE.format("all", [1, 5]) + TABLE.format("best", [5, 5]),
    "uncovered.toml": TABLE.format("best", [4, 5]),
    "reversed.toml": TABLE.format("best", [5, 4]),
    "near_key.toml": '[[segment]]\nname = "a"\ntenure = 3\n',
    "half_french.toml": SEGMENTS.replace(', fr = "autres"', ""),
    "no_toml.toml": "[[segment]\nname =",
    "rule_key.toml": RULES.replace("points = 20", "ponits = 20"),
    "rule_value.toml": RULES.replace('"2 per 7d"', '"2 a week"'),
    "rule_kind.toml": f'[decay]\nhalf_life = "3mo"\n{RULES}',
    "no_rules.toml": "[score]\nmin = 0\n",
    "none.json": '{"format": 1}',
    "broken.json": '{"format": ',
    "newer.json": '{"format": "grc_fast.rfm", "version": 99}',
    "newer_value.json": '{"format": "grc_fast.value", "version": 99}',
    "nulls.csv": "client_id,campaign,contacted_on,responded\n1,a,2026-01-05,true\n2,,2026-01-05,\n",
    "both_arms.csv": "client_id,campaign,contacted_on,responded,control\n1,a,2026-01-05,true,true\n"
    "1,a,2026-01-06,false,false\n",
}


def write_inputs(directory: Path) -> None:
    """Write every input into a directory."""
    for name, text in {"small.csv": SALES, **TEXTS, **WRONG}.items():
        (directory / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    sales = _sales()
    _csv(directory / "sales.csv", sales)
    _csv(directory / "sales.tsv", sales[:400], delimiter="\t")
    _json_lines(directory / "sales.ndjson", sales[:400])
    _csv(directory / "cards.csv", [_card(row) for row in sales], delimiter=";")
    for part in range(3):
        _csv(directory / "parts" / f"{part}.csv", sales[part::4])
    _csv(directory / "parts" / "deep" / "3.csv", sales[3::4])
    _csv(directory / "base.csv", [{"client_id": c} for c in [*range(1, 221, 2), "", 5]])
    _csv(directory / "card_base.csv", [{"card": f"{c:05}"} for c in range(1, 221, 2)])
    events = _events()
    _csv(directory / "events.csv", events)
    _csv(directory / "first_events.csv", [row for row in events if row["timestamp"] < "2026-03-10"])
    _json_lines(directory / "events.ndjson", events[:300])
    names = ["user", "at", "what", "url", "seconds", "hits", "medium", "key", "robot"]
    _csv(
        directory / "named_events.csv", [dict(zip(names, r.values(), strict=True)) for r in events]
    )
    contacts, answers = _campaigns()
    _csv(directory / "campaigns.csv", contacts)
    _csv(directory / "mailings.csv", contacts, without=["responded", "spend", "control"])
    _csv(directory / "uncontrolled.csv", contacts, without=["control", "spend"])
    _csv(
        directory / "card_campaigns.csv",
        [c | {"client_id": f"{c['client_id']:05}"} for c in contacts],
    )
    _csv(directory / "answers.csv", answers)
    _csv(directory / "named_answers.csv", answers, without=["spend"])
    _csv(directory / "unnamed_answers.csv", answers, without=["campaign"])


def _sales() -> list[dict[str, Any]]:
    chance = random.Random(2026)
    rows = []
    for client in range(1, CLIENTS + 1):
        day = FIRST + dt.timedelta(days=chance.randrange(0, 780))
        gap = chance.choice([9, 30, 30, 75, 400])
        level = chance.choice([1, 1, 2, 8])
        for _ in range(60):
            ticket = chance.randrange(1, 2_500)
            for _ in range(chance.choice([1, 1, 2, 3])):
                quantity = chance.choice([1, 1, 1, 2, 5])
                price = level * chance.choice([2.5, 5.0, 9.99, 9.99, 12.345])
                if chance.random() < 0.05:
                    quantity = -quantity
                amount = chance.choice([f"{quantity * price:.2f}"] * 40 + ["0", "-0.00", ""])
                rows.append(
                    {
                        "client_id": client if chance.random() > 0.01 else "",
                        "date": day.isoformat() if chance.random() > 0.01 else "",
                        "amount": amount,
                        "ticket": ticket if chance.random() > 0.02 else "",
                        "store": chance.choice("AB"),
                        "quantity": quantity,
                        "price": price,
                        "margin": f"{quantity * price * 0.35:.3f}" if chance.random() > 0.1 else "",
                    }
                )
            day += dt.timedelta(days=int(chance.expovariate(1 / gap)))
            if day > LAST or chance.random() < 0.06:
                break
    chance.shuffle(rows)
    return rows


def _card(row: Mapping[str, Any]) -> dict[str, Any]:
    """Write the same sale with other names, a decimal comma and an id with leading zeros."""
    return {
        "card": f"{row['client_id']:05}" if row["client_id"] else "",
        "day": row["date"],
        "net": row["amount"].replace(".", ","),
        "slip": f"{row['store']}-{row['ticket']}",
        "till": row["quantity"],
    }


def _events() -> list[dict[str, Any]]:
    chance = random.Random(7)
    start = dt.datetime(2026, 1, 1, 8)  # noqa: DTZ001 (the files hold wall times)
    rows: list[dict[str, Any]] = []
    for client in range(1, 61):
        at = start + dt.timedelta(hours=chance.randrange(0, 2_000))
        for _ in range(chance.choice([1, 3, 12, 30])):
            rows.append(
                {
                    "client_id": client if chance.random() > 0.01 else "",
                    "timestamp": at.isoformat() if chance.random() > 0.01 else "",
                    "kind": chance.choice(KINDS),
                    "page": chance.choice(PAGES),
                    "dwell": chance.choice([None, 0, 5, 12.5, 40]),
                    "clicks": chance.choice([None, 0, 1, 1, 3]),
                    "channel": chance.choice(["web", "mail", ""]),
                    "event_id": chance.choice([None, *range(900)]),
                    "machine_open": chance.choice(["true", "false", "false", ""]),
                }
            )
            at += dt.timedelta(seconds=chance.choice([0, 1, 20, 90, 900, 1_800, 86_400, 400_000]))
    chance.shuffle(rows)
    return rows


def _campaigns() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    chance = random.Random(11)
    contacts, answers = [], []
    for campaign, month in [("spring", 3), ("summer", 6), ("autumn", 9)]:
        for client in range(1, CLIENTS + 11):
            day = dt.date(2026, month, 1 + chance.randrange(3))
            control = campaign != "summer" and client % 6 == 0
            answered = chance.random() < (0.1 if control else 0.35 - client / 900)
            spend = chance.choice([10, 19.9, 50])
            contacts.append(
                {
                    "client_id": client,
                    "campaign": campaign,
                    "contacted_on": day.isoformat(),
                    "responded": str(answered).lower(),
                    "control": str(control).lower(),
                    "spend": spend if answered else "",
                }
            )
            if answered:
                after = day + dt.timedelta(days=chance.choice([0, 5, 30, 31, 100]))
                answers.append(
                    {
                        "client_id": client if chance.random() > 0.03 else "",
                        "date": after.isoformat(),
                        "spend": spend,
                        "campaign": campaign,
                    }
                )
    answers.append({"client_id": 999, "date": "2026-03-03", "spend": 5, "campaign": "spring"})
    return contacts, answers


def _csv(
    path: Path,
    rows: Iterable[Mapping[str, Any]],
    *,
    delimiter: str = ",",
    without: Sequence[str] = (),
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = [{name: row[name] for name in row if name not in without} for row in rows]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(kept[0]), delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)


def _json_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write objects, with numbers and flags as such and what is missing as null."""
    kinds = {"amount": float, "margin": float, "machine_open": "true".__eq__}
    lines = (
        {
            name: kinds.get(name, lambda x: x)(value) if value != "" else None
            for name, value in row.items()
        }
        for row in rows
    )
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
