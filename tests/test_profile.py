"""The omnichannel profile, worked by hand and against a plain loop over the definitions."""

import datetime as dt
import json
import math
import random
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import grc_fast as grc
from grc_fast import _core
from grc_fast.cli import main
from grc_fast.segmentation.profile.axes import reliability_of

RAISING = {
    "active": ("search", "download", "form_submit"),
    "relational": ("adviser", "review", "event", "referral", "subscription"),
}
LOWERING = {"active": ("email_click",), "relational": ("price_search", "self_service")}
DAYS = [dt.datetime.fromisoformat("2026-01-01") + dt.timedelta(days=n) for n in range(28)]


# The definitions, in a plain loop


def shrunken(hits, events, mean):
    return (5 * mean + hits) / (5 + events)


def percentiles(values):
    """By client, 100 (rank - 1/2) / n, equal values at the middle of their ranks."""
    found = {}
    for client, value in values.items():
        below = sum(other < value for other in values.values())
        equal = sum(other == value for other in values.values())
        found[client] = 100 * (below + (equal + 1) / 2 - 0.5) / len(values)
    return found


def entropy(labels):
    counts, total = Counter(labels).values(), len(labels)
    return round(-sum(n / total * math.log(n / total) for n in counts), 8) + 0.0


def orders_of(lines):
    """The orders of each client in the order of time: (moment, id, categories, channel, promo)."""
    joined = defaultdict(list)
    for number, line in enumerate(lines):
        key = (line["order_id"],) if line["order_id"] is not None else ("row", number)
        joined[line["client_id"], key].append(line)
    clients = defaultdict(list)
    for (client, key), mine in joined.items():
        categories = sorted({line["category"] for line in mine if line["category"] is not None})
        channels = [line["channel"] for line in mine if line["channel"] is not None]
        clients[client].append(
            (
                min(line["date"] for line in mine),
                (0, key[0]) if len(key) == 1 else (-1, 0),
                categories,
                min(channels, default=None),
                all(line["promo"] for line in mine),
            )
        )
    for mine in clients.values():
        mine.sort(key=lambda o: (o[0], o[1], o[2][:1], o[3] is not None, o[3] or "", o[4]))
    return clients


def halved(values, numbers):
    return [[v for v, n in zip(values, numbers, strict=True) if n % 2 == odd] for odd in (1, 0)]


def reliability(pairs):
    pairs = [(round(a, 9), round(b, 9)) for a, b in pairs if None not in (a, b)]
    if len(pairs) < 3 or any(len(set(half)) < 2 for half in zip(*pairs, strict=True)):
        return None
    xs, ys = zip(*pairs, strict=True)
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    between = sum((a - x) * (b - y) for a, b in pairs)
    within = sum((a - x) ** 2 for a in xs) * sum((b - y) ** 2 for b in ys)
    correlation = max(between / math.sqrt(within), 0)
    return 2 * correlation / (1 + correlation)


def open_by_loop(clients):
    counts, entropies, channels = {}, {}, {}
    for client, orders in clients.items():
        bought, after, places = set(), [], []
        with_category = [order for order in orders if order[2]]
        if not with_category:
            continue
        for place, order in enumerate(with_category, start=1):
            if place > 3:
                after.append(bool(set(order[2]) - bought))
                places.append(place)
            bought |= set(order[2])
        counts[client] = [after, *halved(after, places)]
        labels = [(c, p) for p, o in enumerate(with_category, start=1) for c in o[2]]
        entropies[client] = [
            [c for c, _ in labels],
            *halved([c for c, _ in labels], [p for _, p in labels]),
        ]
        known = [order[3] for order in orders if order[3] is not None]
        channels[client] = [known, *halved(known, range(1, len(known) + 1))]
    events = sum(len(c[0]) for c in counts.values())
    mean = sum(sum(c[0]) for c in counts.values()) / events if events else 0.0
    known = [client for client, c in counts.items() if len(c[0]) >= 5]
    halves = []
    for half in range(3):
        parts = [
            percentiles(
                {c: shrunken(sum(counts[c][half]), len(counts[c][half]), mean) for c in known}
            )
        ]
        parts += [
            percentiles({c: entropy(of[c][half]) for c in known if of[c][half]})
            for of in (entropies, channels)
        ]
        halves.append(
            {
                c: sum(part[c] for part in parts if c in part) / sum(c in part for part in parts)
                for c in known
            }
        )
    whole, odd, even = halves
    return (
        {client: (whole.get(client), len(c[0])) for client, c in counts.items()},
        reliability([(odd[c], even[c]) for c in known]),
    )


def shares_by_loop(sided):
    """The axis of a share, of (moment, hit) by client."""
    counts = {}
    for client, mine in sided.items():
        days = sorted({moment.date() for moment, _ in mine})
        hits = [hit for _, hit in mine]
        numbers = [days.index(moment.date()) + 1 for moment, _ in mine]
        counts[client] = [hits, *halved(hits, numbers)]
    events = sum(len(c[0]) for c in counts.values())
    total = sum(sum(c[0]) for c in counts.values())
    if not 0 < total < events:
        return {client: (None, len(c[0])) for client, c in counts.items()}, None
    known = [client for client, c in counts.items() if len(c[0]) >= 5]
    values = [
        {c: shrunken(sum(counts[c][h]), len(counts[c][h]), total / events) for c in known}
        for h in range(3)
    ]
    whole = percentiles(values[0])
    return (
        {client: (whole.get(client), len(c[0])) for client, c in counts.items()},
        reliability([(values[1][c], values[2][c]) for c in known]),
    )


def by_loop(lines, events):
    clients = orders_of([line for line in lines if line["amount"] >= 0])
    axes = {"open": open_by_loop(clients)}
    for axis in ("active", "relational"):
        sided = defaultdict(list)
        for client, orders in clients.items():
            for moment, _, _, _, promo in orders:
                if axis == "active" or promo:
                    sided[client].append((moment, axis == "active"))
        for client, moment, kind in events:
            if kind in RAISING[axis] + LOWERING[axis]:
                sided[client].append((moment, kind in RAISING[axis]))
        axes[axis] = shares_by_loop(sided)
    return axes


def profile_of(values):
    labels = []
    for axis, low, high in (
        ("open", "conservative", "open"),
        ("active", "passive", "active"),
        ("relational", "instrumental", "relational"),
    ):
        if values[axis] is not None and abs(values[axis] - 50) > 10:
            labels.append(low if values[axis] < 50 else high)
    if all(value is None for value in values.values()):
        return None
    return ", ".join(labels) or "balanced"


def random_line(chance):
    return {
        "client_id": chance.randint(1, 4),
        "date": chance.choice(DAYS[:9]),
        "amount": chance.choice([10.0, 10.0, 10.0, 0.0, -5.0]),
        "order_id": chance.choice([None, chance.randint(1, 30), chance.randint(1, 30)]),
        "category": chance.choice([None, *"ABCDE"]),
        "channel": chance.choice([None, "store", "web"]),
        "promo": chance.random() < 0.7,
    }


def random_event(chance):
    kinds = ["search", "email_click", "adviser", "price_search", "page_view"]
    return (chance.randint(1, 5), chance.choice(DAYS[:9]), chance.choice(kinds))


@st.composite
def tables(draw):
    """Sales and events of few clients, in which much falls on one day."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    sold = [random_line(chance) for _ in range(draw(st.integers(1, 120)))]
    return sold, [random_event(chance) for _ in range(draw(st.integers(1, 40)))]


SALES = {
    "client_id": pl.Int64,
    "date": pl.Datetime("us"),
    "amount": pl.Float64,
    "order_id": pl.Int64,
    "category": pl.String,
    "channel": pl.String,
    "promo": pl.Boolean,
}
EVENTS = {"client_id": pl.Int64, "timestamp": pl.Datetime("us"), "kind": pl.String}


@given(tables())
def test_axes_are_those_of_a_plain_loop(found):
    sold, done = found
    # An order of two clients is two orders, as elsewhere.
    sales, table = pl.DataFrame(sold, schema=SALES), pl.DataFrame(done, EVENTS, orient="row")

    found = grc.profile(sales, table, order="order_id")

    expected = by_loop(sold, done)
    for axis, (values, rely) in expected.items():
        reliable = found.reliability[axis]
        assert reliable.value == (None if rely is None else pytest.approx(rely, abs=2e-6)), axis
        for client, value, count in found.scores.select("client_id", axis, f"{axis}_events").rows():
            wanted, number = values.get(client, (None, 0))
            assert count == number, axis
            assert value == (None if wanted is None else pytest.approx(wanted, abs=1e-9)), axis
    for row in found.scores.rows(named=True):
        assert row["profile"] == profile_of({axis: row[axis] for axis in expected})


@given(tables(), st.randoms(use_true_random=False))
def test_nothing_depends_on_the_order_of_rows(found, chance):
    sold, done = found
    sales, table = pl.DataFrame(sold, schema=SALES), pl.DataFrame(done, EVENTS, orient="row")
    mixed = [f[chance.sample(range(f.height), f.height)] for f in (sales, table)]

    one, other = (grc.profile(*pair, order="order_id") for pair in ((sales, table), mixed))

    assert one.scores.equals(other.scores)
    assert one.reliability == other.reliability


def test_batches_that_part_orders_do_not_matter(monkeypatch):
    sold = [
        {"client_id": n % 3, "date": DAYS[n % 27], "amount": 1.0, "order_id": n // 7}
        | {"category": "ABCDEFG"[n % 7], "channel": "web" if n % 5 else None, "promo": n % 2 == 0}
        for n in range(200)
    ]
    sales = pl.DataFrame(sold, schema=SALES)
    whole = grc.profile(sales, order="order_id")
    monkeypatch.setattr("grc_fast.io.source.BATCH_ROWS", 9)
    parted = grc.profile(sales, order="order_id")
    assert whole.scores.equals(parted.scores)
    assert whole.reliability == parted.reliability


@given(tables())
def test_an_order_of_several_columns_is_that_of_one(found):
    sold, done = found
    sales, table = pl.DataFrame(sold, schema=SALES), pl.DataFrame(done, EVENTS, orient="row")
    ticket = pl.col("order_id")
    sales = sales.with_columns(
        till=ticket // 10, text=ticket.cast(pl.String).str.zfill(3), number=ticket % 10
    )

    one, several, text = (
        grc.profile(sales, table, order=order) for order in ("order_id", ["till", "number"], "text")
    )

    for other in (several, text):
        assert one.scores.equals(other.scores)
        assert one.reliability == other.reliability


@given(tables())
def test_nothing_depends_on_the_number_of_threads(found):
    sold, done = found
    sales, table = pl.DataFrame(sold, schema=SALES), pl.DataFrame(done, EVENTS, orient="row")
    one, other = (grc.profile(sales, table, order="order_id", threads=n) for n in (1, 3))
    assert one.scores.equals(other.scores)
    assert one.reliability == other.reliability


# Each axis, by hand


def purchases(client, categories, **columns):
    """A purchase a day, of one category each."""
    frame = pl.DataFrame(
        {
            "client_id": [client] * len(categories),
            "date": DAYS[: len(categories)],
            "amount": [10.0] * len(categories),
            "category": list(categories),
        }
    )
    return frame.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def test_open_is_the_mean_of_three_percentiles():
    sales = pl.concat(
        [
            purchases(1, "ABCDEFGH", channel=["store", "web"] * 4),  # 5 of 5 new, all different
            purchases(2, "AAAAABAA", channel=["store"] * 8),  # 1 of 5 new
            purchases(3, "ABABABAB", channel=["store", "web"] * 4),  # none new after the third
        ]
    )
    found = grc.profile(sales).scores
    # Share: 3rd, 2nd, 1st of three: 250/3, 50, 50/3. Categories: 3rd, 1st, 2nd. Channels: clients 1
    # and 3 tie for 2nd and 3rd, at 200/3; client 2 is 1st.
    high, middle, low = 250 / 3, 50, 50 / 3
    assert found["open"].to_list() == pytest.approx(
        [(high + high + 200 / 3) / 3, (middle + low + low) / 3, (low + middle + 200 / 3) / 3]
    )
    assert found["open_events"].to_list() == [5, 5, 5]
    assert found["profile"].to_list() == ["open", "conservative", "balanced"]


def test_active_is_the_share_that_the_client_began():
    sales = pl.concat([purchases(1, "AAAA"), purchases(2, "AAAA"), purchases(3, "AAAA")])
    events = pl.DataFrame(
        [
            (1, DAYS[9], "email_click"),
            (1, DAYS[10], "email_click"),
            (2, DAYS[9], "email_click"),
            (3, DAYS[9], "search"),
        ],
        EVENTS,
        orient="row",
    )
    found = grc.profile(sales, events).scores
    # 4 of 6, 4 of 5, 5 of 5, drawn to 13 of 16.
    shares = [(5 * 13 / 16 + hits) / (5 + n) for hits, n in ((4, 6), (4, 5), (5, 5))]
    assert all(one < other for one, other in pairwise(shares))
    assert found["active"].to_list() == pytest.approx([50 / 3, 50, 250 / 3])
    assert found["active_events"].to_list() == [6, 5, 5]
    assert found["profile"].to_list() == ["passive", "balanced", "active"]


def test_relational_is_the_share_that_looks_for_people():
    sales = pl.concat([purchases(client, "AAAA", promo=[True] * 4) for client in (1, 2)])
    events = pl.DataFrame(
        [
            (1, DAYS[9], "self_service"),
            (2, DAYS[9], "adviser"),
            (3, DAYS[9], "review"),
        ],
        EVENTS,
        orient="row",
    )
    found = grc.profile(sales, events).scores
    assert found["relational"].to_list() == [25.0, 75.0, None]
    assert found["relational_events"].to_list() == [5, 5, 1]
    assert found["profile"].to_list() == ["instrumental", "relational", None]


def test_a_basket_is_of_promotions_alone_if_every_line_is():
    sales = purchases(
        1, "AABBCC", promo=[True, True, True, False, True, True], ticket=[1, 1, 2, 2, 3, 3]
    )
    found = grc.profile(sales, order="ticket")
    assert found.scores["relational_events"].to_list() == [2]


def test_a_line_without_an_order_id_is_an_order_of_its_own():
    tickets = pl.Series([1, 1, *[None] * 7], dtype=pl.Int64)
    sales = purchases(1, "ABCDEFGHI").with_columns(ticket=tickets)
    found = grc.profile(sales, order="ticket").scores
    assert found.select("open_events", "active_events").rows() == [(5, 8)]


def test_an_axis_with_fewer_than_five_events_is_null():
    sales = pl.concat([purchases(1, "ABCDEFG"), purchases(2, "ABCDEFGH")])
    found = grc.profile(sales).scores
    assert found["open_events"].to_list() == [4, 5]
    assert found["open"].to_list() == [None, 50.0]


def test_an_axis_on_which_all_are_on_one_side_is_null_and_said_to_be():
    found = grc.profile(purchases(1, "ABCDEFGH"))
    assert found.scores["active"].to_list() == [None]
    assert any(note.startswith("active is null for all clients") for note in found.notes)
    assert found.reliability["active"] == grc.Reliability(None, 0)


def test_a_half_in_which_all_are_alike_has_no_reliability():
    # In each of the parts another client is first, second and third: all means are 50, but for
    # the last digits.
    halves = pl.DataFrame({"odd": [50.0, 50.0, 49.99999999999999], "even": [33.0, 55.0, 61.0]})
    assert reliability_of(halves) == grc.Reliability(None, 3)


def test_sales_without_a_category_leave_open_null():
    found = grc.profile(purchases(1, "AAAAAAAA").drop("category"))
    assert found.scores["open"].to_list() == [None]
    assert "open is null for all clients: the sales have no category" in found.notes


def test_returns_and_rows_without_a_client_are_left_out_and_counted():
    sales = purchases(1, "AAAAAAAA").with_columns(
        client_id=pl.Series([None, 1, 1, 1, 1, 1, 1, 1], dtype=pl.Int64),
        amount=pl.Series([1.0, -1.0, float("nan"), 1, 1, 1, 1, 1]),
    )
    (rows,) = grc.profile(sales).rows
    assert (rows.read, rows.used) == (8, 5)
    assert dict(rows.dropped) == {"client": 1, "returns": 1, "amount": 1}


def test_an_event_with_the_id_of_another_counts_once():
    events = pl.DataFrame([(1, DAYS[0], "search")] * 3, EVENTS, orient="row").with_columns(
        event_id=pl.Series(["a", "a", None])
    )
    found = grc.profile(purchases(1, "A"), events)
    assert found.scores["active_events"].to_list() == [3]
    assert found.rows[1].dropped == {"twice": 1}


def test_what_is_done_in_one_go_does_not_pass_for_a_habit():
    # Each client answers many times, all on one day: halves by events would agree in full.
    sales = pl.concat([purchases(client, "A" * 20) for client in range(40)])
    events = pl.DataFrame(
        [(client, DAYS[client % 20], "email_click") for client in range(20) for _ in range(20)],
        EVENTS,
        orient="row",
    )
    value = grc.profile(sales, events).reliability["active"].value
    assert value is not None
    assert value < 0.5


def test_a_habit_is_reliable():
    sales = pl.concat([purchases(client, "A" * 24) for client in range(40)])
    events = pl.DataFrame(
        [(client, day, "email_click") for client in range(40) for day in DAYS[: client // 2]],
        EVENTS,
        orient="row",
    )
    assert grc.profile(sales, events).reliability["active"].value > 0.9


# Columns and settings


def test_columns_may_be_sql_and_clients_text():
    sales = purchases("x", "AAAABBBB", discount=[0.0, 1.0] * 4).rename({"category": "shelf"})
    found = grc.profile(sales, category="LOWER(shelf)", promo="discount > 0")
    assert found.scores.select("client_id", "open_events", "relational_events").rows() == [
        ("x", 5, 4)
    ]


def test_own_kinds_are_mapped_in_the_settings(tmp_path):
    settings = tmp_path / "profile.toml"
    settings.write_text(
        """
        [kinds]
        initiated = ["recherche"]
        answered = ["clic"]
        relational = []
        instrumental = []
        [channels]
        active = ["web"]
        """,
        "utf-8",
    )
    events = pl.DataFrame(
        [(1, DAYS[0], "recherche"), (1, DAYS[1], "clic"), (1, DAYS[1], "page")],
        EVENTS,
        orient="row",
    )
    found = grc.profile(purchases(1, "AAA"), events, settings=settings)
    assert found.scores["active_events"].to_list() == [5]


def test_channels_are_those_that_most_labels_name():
    channels = grc.ProfileSettings.load(None).channels
    assert channels.suiting(["conservative", "active"])[0] == "store"
    assert channels.suiting(["balanced"]) == channels.balanced


NO_KINDS = "[kinds]\ninitiated = []\nanswered = []\nrelational = []\ninstrumental = []\n"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[kinds]\ninitiated = 3", "initiated"),
        ("[kinds", "this is not TOML"),
        (f"{NO_KINDS}[channels]\nopn = ['web']", "opn"),
        (
            NO_KINDS.replace("[]", "['a']") + "[channels]",
            "'a' is on both sides of an axis",
        ),
    ],
)
def test_settings_that_are_wrong_are_one_sentence(tmp_path, written, said):
    settings = tmp_path / "profile.toml"
    settings.write_text(written, "utf-8")
    with pytest.raises(grc.OptionError, match=said) as error:
        grc.profile(purchases(1, "A"), settings=settings)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"category": "categry"}, "did you mean 'category'"),
        ({"promo": "category"}, "the promo column 'category' .* must hold true or false"),
        ({"client": "client"}, "did you mean 'client_id'"),
        ({"settings": "missing.toml"}, "cannot be read"),
        ({"chanel": "x"}, "did you mean 'channel'|no option of reading sales"),
        ({"lang": "de"}, "is not a language"),
        ({"clients": "base.csv"}, "clients is no option of profile"),
        ({"kind": "type"}, "'type'"),
    ],
)
def test_a_wrong_option_is_one_sentence(options, said):
    events = pl.DataFrame([(1, DAYS[0], "search")], EVENTS, orient="row")
    with pytest.raises(grc.GrcError, match=said) as error:
        grc.profile(purchases(1, "A"), events, **options)
    assert "\n" not in str(error.value)


def test_events_of_none_of_the_kinds_are_a_warning():
    events = pl.DataFrame([(1, DAYS[0], "recherche")] * 2, EVENTS, orient="row")
    (warning,) = grc.profile(purchases(1, "A"), events).warnings
    assert "no event is of a kind that the settings name: there are recherche (2)" in warning


def test_a_date_that_is_none_is_said_with_its_row():
    sales = purchases(1, "AA").with_columns(date=pl.Series(["2026-01-01", "soon"]))
    with pytest.raises(grc.DataError, match="soon"):
        grc.profile(sales)


def test_sales_on_days_and_events_with_a_zone_meet_on_the_clocks_of_the_zone():
    # At 23:30 in UTC it is the next day in Paris: with the second purchase, the click is on the
    # second day there.
    events = pl.DataFrame(
        {"client_id": [1], "timestamp": ["2026-01-01T23:30Z"], "kind": ["email_click"]}
    )
    sales = purchases(1, "AA").with_columns(pl.col("date").cast(pl.Date))
    found = grc.profile(sales, events, timezone="Europe/Paris")
    assert found.scores["active_events"].to_list() == [3]
    with pytest.raises(grc.OptionError, match="timezone cannot be 'Europe/Pariss'"):
        grc.profile(sales, events, timezone="Europe/Pariss")


@pytest.mark.parametrize(
    ("sold", "done", "expected"),
    [
        (["7", "8"], [7], [7, 8]),
        (["7", "008"], [7], ["008", "7"]),
        ([7, 8], ["007"], ["007", "7", "8"]),
        ([7, 8], ["7"], [7, 8]),
        (["x"], ["7"], ["7", "x"]),
    ],
)
@pytest.mark.parametrize("file", ["sales", "events"])
def test_clients_of_files_meet_whether_text_or_numbers(tmp_path, file, sold, done, expected):
    sales = pl.concat([purchases(1, "A").with_columns(client_id=pl.lit(one)) for one in sold])
    events = pl.DataFrame({"client_id": done, "timestamp": DAYS[0], "kind": "email_click"})
    path = tmp_path / "table.csv"
    (sales if file == "sales" else events).write_csv(path)
    found = grc.profile(*((path, events) if file == "sales" else (sales, path))).scores
    assert found["client_id"].to_list() == expected
    counts = dict(found.select("client_id", "active_events").iter_rows())
    met = set(map(str, sold)) & set(map(str, done))
    assert all(counts[client] == 1 + (str(client) in met) for client in expected)


@pytest.mark.parametrize(("client", "other"), [("7", 7), (7, "7")])
def test_clients_that_are_text_in_one_table_and_numbers_in_another_are_refused(client, other):
    sales = purchases(client, "A")
    events = pl.DataFrame({"client_id": [other], "timestamp": DAYS[:1], "kind": ["search"]})
    with pytest.raises(grc.ColumnError, match=r"the sales and .* in the events: .* cast one"):
        grc.profile(sales, events)
    # Where no purchase is left there is nothing to meet.
    returns = sales.with_columns(amount=pl.lit(-1.0))
    assert grc.profile(returns, events).scores["client_id"].to_list() == [other]


@pytest.mark.parametrize("dtype", [pl.Int16, pl.UInt32, pl.Int64, pl.UInt64, pl.String])
def test_clients_keep_their_type(dtype):
    sales = purchases(1, "AB").with_columns(pl.col("client_id").cast(dtype))
    assert grc.profile(sales).scores.schema["client_id"] == dtype


@pytest.mark.parametrize("dtype", [pl.UInt8, pl.Int16, pl.UInt64])
def test_clients_of_a_narrow_type_meet_any_number_of_a_file(tmp_path, dtype):
    sales = purchases(7, "A").with_columns(pl.col("client_id").cast(dtype))
    events = pl.DataFrame({"client_id": [7, 70_000], "timestamp": DAYS[0], "kind": "search"})
    events.write_csv(tmp_path / "events.csv")
    found = grc.profile(sales, tmp_path / "events.csv").scores
    assert found.select("client_id", "active_events").rows() == [(7, 2), (70_000, 1)]


@pytest.mark.parametrize("kind", ["polars", "lazy", "pandas", "pyarrow"])
def test_tables_of_any_library_are_read(kind):
    sales = purchases(1, "ABCDEFGH")
    given = {
        "polars": lambda: sales,
        "lazy": sales.lazy,
        "pandas": sales.to_pandas,
        "pyarrow": sales.to_arrow,
    }[kind]()
    assert grc.profile(given).scores["open"].to_list() == [50.0]


def test_sales_of_which_no_row_can_be_used_give_no_profile():
    found = grc.profile(purchases(1, "A").with_columns(amount=pl.lit(-1.0)))
    assert found.scores.height == 0
    assert found.profiles.height == 0


# The command line


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Run the command line in a directory with sales and events."""
    monkeypatch.chdir(tmp_path)
    pl.concat([purchases(1, "ABCDEFGH"), purchases(2, "AAAAAAAA")]).write_csv("sales.csv")
    pl.DataFrame([(1, DAYS[3], "email_click")], EVENTS, orient="row").write_csv("events.csv")

    def run(*arguments):
        capfd.readouterr()
        code = main(["profile", *arguments])
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return run


def test_profiles_are_written_with_the_reliability_in_the_metadata(run):
    code, out, err = run(
        "sales.csv", "--events", "events.csv", "-o", "p.parquet", "--quality", "q.json"
    )
    assert code == 0, err
    scores = pl.read_parquet("p.parquet")
    assert scores.columns == [
        *("client_id", "open", "open_events", "active", "active_events"),
        *("relational", "relational_events", "profile"),
    ]
    assert scores["client_id"].to_list() == [1, 2]
    kept = json.loads(pl.read_parquet_metadata("p.parquet")["grc_fast.reliability"])
    assert kept["open"] == {"value": None, "clients": 2}
    assert json.loads(Path("q.json").read_text("utf-8"))["reliability"] == kept
    assert "sales: 16 rows read, 16 used" in err
    assert "channels that suit" in out
    assert "app, web, social" in out


def test_threads_are_as_many_as_asked(run, monkeypatch):
    builder, asked = _core.ProfileBuilder, []

    def build(**options):
        asked.append(options["threads"])
        return builder(**options)

    monkeypatch.setattr(_core, "ProfileBuilder", build)
    for threads in ("1", "3"):
        assert run("sales.csv", "-o", f"{threads}.csv", "--threads", threads)[0] == 0
    assert asked == [1, 3]
    assert Path("1.csv").read_bytes() == Path("3.csv").read_bytes()


def test_labels_are_in_french_on_request(run):
    code, out, _ = run("sales.csv", "-o", "p.csv", "--lang", "fr")
    assert code == 0
    assert "ouvert" in out
    assert "conservateur" in Path("p.csv").read_text("utf-8")


def test_the_settings_are_printed_to_be_copied(run):
    code, out, _ = run("--print-settings")
    assert code == 0
    Path("own.toml").write_text(out, "utf-8")
    assert run("sales.csv", "-o", "p.csv", "--settings", "own.toml")[0] == 0


def test_a_wrong_column_writes_nothing(run):
    code, out, err = run("sales.csv", "-o", "p.csv", "--category", "categry")
    assert (code, out) == (1, "")
    assert "did you mean 'category'?" in err
    assert not Path("p.csv").exists()


def test_a_result_is_shown_and_turned_into_json():
    found = grc.profile(pl.concat([purchases(1, "ABCDEFGH"), purchases(2, "AAAAAAAA")]))
    assert found.to_dict()["profiles"][0]["clients"] == 1
    assert "<table" in found._repr_html_()
