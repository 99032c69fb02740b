"""The nearest store, zones and penetration, against brute force and the definitions."""

import math
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import grc_fast as grc
from grc_fast.cli import main

RADIUS = 6371.0088
PARIS = {"latitude": 48.85, "longitude": 2.35}


def haversine(a, b):
    """The great-circle distance in km of two (latitude, longitude), from the textbook."""
    (p, q), (r, s) = (tuple(map(math.radians, place)) for place in (a, b))
    h = math.sin((r - p) / 2) ** 2 + math.cos(p) * math.cos(r) * math.sin((s - q) / 2) ** 2
    return 2 * RADIUS * math.asin(math.sqrt(min(h, 1.0)))


def brute_force(clients, stores, shares):
    """Store, distance and zone of each client by their definitions: rows of (id, place, money)."""
    ordered = sorted((store for store in stores if store[1]), key=lambda store: store[0])
    nearest = {}
    for client, place, _ in clients:
        if place is None:
            nearest[client] = (None, None)
        else:
            found = [(round(haversine(place, where) * 1e6), store) for store, where in ordered]
            distance, store = min(found)
            nearest[client] = (store, distance)
    result = {}
    for client, place, _ in clients:
        store, distance = nearest[client]
        mine = [(nearest[c][1], m) for c, _, m in clients if place and nearest[c][0] == store]
        total, zone = sum(m for _, m in mine), None
        for number, share in reversed(list(enumerate(shares, start=1))):
            reaching = [
                d
                for d in {d for d, _ in mine}
                if sum(m for e, m in mine if e <= d) >= Fraction(share, 100) * total
            ]
            if total > 0 and reaching and distance <= min(reaching):
                zone = number
        result[client] = (store, None if distance is None else distance / 1e6, zone)
    return result


def table_of(rows):
    return pl.DataFrame(
        {
            "client_id": [row[0] for row in rows],
            "latitude": [row[1] and row[1][0] for row in rows],
            "longitude": [row[1] and row[1][1] for row in rows],
            "money": [row[2] / 10_000 for row in rows],
        },
        schema={
            "client_id": pl.Int64,
            "latitude": pl.Float64,
            "longitude": pl.Float64,
            "money": pl.Float64,
        },
    )


def stores_of(rows):
    return pl.DataFrame(
        {
            "store_id": [store for store, _ in rows],
            "latitude": [place and place[0] for _, place in rows],
            "longitude": [place and place[1] for _, place in rows],
        },
        schema={"store_id": pl.Int64, "latitude": pl.Float64, "longitude": pl.Float64},
    )


def found_of(result):
    return {row[0]: row[1:] for row in result.clients.rows()}


# Few distinct degrees, so that places are shared and distances tie.
degrees = st.tuples(
    st.one_of(st.integers(-90, 90), st.floats(-90, 90, width=16)),
    st.one_of(st.integers(-180, 180), st.floats(-180, 180, width=16)),
)
grid = st.tuples(st.integers(-2, 2).map(lambda n: n / 2), st.integers(-2, 2))
places = st.one_of(grid, degrees)
amounts = st.integers(-100_000, 10_000_000)
bases = st.lists(st.tuples(st.one_of(st.none(), places), amounts), min_size=1, max_size=30)
shops = st.lists(st.one_of(st.none(), places), min_size=1, max_size=8).filter(any)
cuts = st.lists(st.integers(1, 100), min_size=1, max_size=3, unique=True).map(sorted)


@given(bases, shops, cuts)
def test_stores_distances_and_zones_are_those_of_brute_force(base, shop, shares):
    clients = [(number, place, money) for number, (place, money) in enumerate(base)]
    stores = list(enumerate(shop))

    found = grc.catchment(table_of(clients), stores_of(stores), money="money", zones=shares)

    expected = brute_force(clients, stores, shares)
    for client, (store, distance, zone) in found_of(found).items():
        assert store == expected[client][0]
        assert distance == expected[client][1] or distance == pytest.approx(
            expected[client][1], abs=2e-6
        )
        assert zone == expected[client][2]


@given(bases, shops, st.randoms(use_true_random=False))
def test_nothing_depends_on_the_order_of_rows(base, shop, chance):
    clients = table_of([(number, *row) for number, row in enumerate(base)])
    stores = stores_of(list(enumerate(shop)))
    mixed = [frame[chance.sample(range(frame.height), frame.height)] for frame in (clients, stores)]

    one = grc.catchment(clients, stores, money="money")
    other = grc.catchment(*mixed, money="money", threads=1)

    assert one.clients.equals(other.clients)
    assert one.by_zone.equals(other.by_zone)
    assert (one.notes, one.warnings) == (other.notes, other.warnings)


@given(bases, shops)
def test_the_sums_by_zone_are_those_of_the_clients(base, shop):
    clients = table_of([(number, *row) for number, row in enumerate(base)])

    found = grc.catchment(clients, stores_of(list(enumerate(shop))), money="money")

    assert found.by_zone["clients"].sum() == clients.height
    assert found.by_zone["money"].sum() == pytest.approx(clients["money"].sum(), abs=1e-6)
    each = (
        found.clients.join(clients, on="client_id")
        .group_by("store_id", "zone")
        .agg(clients=pl.len(), money=pl.col("money").sum())
    )
    for store, zone, number, money in each.rows():
        row = found.by_zone.filter(
            pl.col("store_id").eq_missing(store) & pl.col("zone").eq_missing(zone)
        )
        assert row["clients"].to_list() == [number]
        assert row["money"][0] == pytest.approx(money, abs=1e-6)


# Zones, by hand


def line_of(money):
    """Clients at 0, 0.1, 0.2 … degrees north of a store."""
    return table_of([(n, (n / 10, 0.0), amount * 10_000) for n, amount in enumerate(money)])


STORE = stores_of([(7, (0.0, 0.0))])


def zones_of(money, **options):
    return grc.catchment(line_of(money), STORE, money="money", **options).clients["zone"].to_list()


def test_a_zone_is_the_smallest_disc_that_reaches_its_share():
    assert zones_of([60, 20, 15, 5]) == [1, 2, 3, None]
    assert zones_of([59, 20, 15, 6]) == [1, 1, 2, 3]
    assert zones_of([100, 0, 0]) == [1, None, None]
    assert zones_of([50, 50], zones=[50]) == [1, None]


def test_clients_at_the_same_distance_are_in_the_same_zone():
    clients = table_of([(1, (0.1, 0.0), 10**6), (2, (-0.1, 0.0), 10**6), (3, (0.2, 0.0), 10**5)])
    found = grc.catchment(clients, STORE, money="money", zones=[40])
    assert found.clients["zone"].to_list() == [1, 1, None]


def test_without_money_zones_are_shares_of_clients():
    found = grc.catchment(line_of([1, 1, 1, 1, 100]), STORE)
    assert found.clients["zone"].to_list() == [1, 1, 1, 2, 3]
    assert found.by_zone["share"].to_list() == [0.6, 0.2, 0.2, 0.0]
    assert found.by_zone["money"].null_count() == 4


def test_a_store_whose_clients_bring_nothing_has_no_zones():
    assert zones_of([-5, 3]) == [None, None]


def test_money_is_summed_exactly_whatever_its_type():
    ten_cents = [0.1] * 10 + [9.0]
    clients = line_of([0] * 11).with_columns(money=pl.Series(ten_cents))
    found = grc.catchment(clients, STORE, money="money", zones=[10])
    assert found.clients["zone"].to_list() == [1] * 10 + [None]
    exact = clients.with_columns(pl.col("money").cast(pl.Decimal(12, 2)))
    found = grc.catchment(exact, STORE, money="money", zones=[10])
    assert found.clients["zone"].to_list() == [1] * 10 + [None]
    assert str(found.by_zone["money"][0]) == "1.00"


@pytest.mark.parametrize("shares", [(), (60, 60), (80, 60), (10, 20, 30, 40), (0,), (101,), "60"])
def test_shares_that_are_no_zones_are_refused(shares):
    with pytest.raises(grc.OptionError, match="zone"):
        grc.catchment(line_of([1]), STORE, zones=shares)


# Stores


def test_of_two_stores_at_the_same_distance_the_smaller_id_has_the_client():
    stores = stores_of([(9, (0.0, 1.0)), (3, (0.0, -1.0)), (4, (1.0, 0.0))])
    found = grc.catchment(table_of([(1, (0.0, 0.0), 1)]), stores)
    assert found.clients["store_id"].to_list() == [3]


def test_two_stores_at_one_place_are_a_warning():
    stores = stores_of([(9, (0.0, 0.0)), (3, (0.0, 0.0)), (4, (5.0, 0.0))])
    found = grc.catchment(line_of([1, 1]), stores)
    assert found.clients["store_id"].to_list() == [3, 3]
    assert found.warnings == ("stores at one place, of which the first gets all clients: 3, 9",)


def test_stores_without_coordinates_are_a_warning():
    stores = stores_of([(9, None), (3, (0.0, 0.0))])
    found = grc.catchment(line_of([1]), stores)
    assert found.warnings == ("stores without coordinates, which get no clients: 9",)


def test_no_store_with_coordinates_is_an_error():
    with pytest.raises(grc.DataError, match="none of 1 stores has coordinates"):
        grc.catchment(line_of([1]), stores_of([(9, None)]))


def test_a_store_or_a_client_that_occurs_twice_is_an_error():
    with pytest.raises(grc.DataError, match="stores has store_id 7 twice"):
        grc.catchment(line_of([1]), pl.concat([STORE, STORE]))
    with pytest.raises(grc.DataError, match="clients has client_id 0 twice"):
        grc.catchment(pl.concat([line_of([1])] * 2), STORE)


# Places


def test_clients_without_coordinates_are_null_and_counted():
    clients = table_of([(1, None, 5), (2, (0.0, 0.0), 5)])
    found = grc.catchment(clients, STORE, money="money")
    assert found.clients.rows()[0] == (1, None, None, None)
    assert "1 of 2 clients have no place: no store and no zone" in found.notes
    assert found.by_zone.rows()[-1] == (None, None, 1, 0.0005, None)


def test_what_is_measured_is_said():
    found = grc.catchment(line_of([1]), STORE)
    assert any("as the crow flies" in note for note in found.notes)


def test_swapped_coordinates_are_a_warning():
    clients = pl.DataFrame({"client_id": [1], "latitude": [2.3], "longitude": [48.8]})
    stores = pl.DataFrame({"store_id": [1], **{name: [at] for name, at in PARIS.items()}})
    found = grc.catchment(clients, stores)
    assert len(found.warnings) == 1
    assert "latitude and longitude changed places" in found.warnings[0]
    right = clients.rename({"latitude": "longitude", "longitude": "latitude"})
    assert grc.catchment(right, stores).warnings == ()


def test_clients_far_from_every_store_are_not_said_to_be_swapped():
    overseas = pl.DataFrame({"client_id": [1], "latitude": [-21.1], "longitude": [55.5]})
    stores = pl.DataFrame({"store_id": [1], **{name: [at] for name, at in PARIS.items()}})
    assert grc.catchment(overseas, stores).warnings == ()


def test_a_latitude_beyond_the_poles_is_an_error():
    clients = pl.DataFrame({"client_id": [1], "latitude": [139.7], "longitude": [35.7]})
    with pytest.raises(
        grc.DataError,
        match=r"clients has the latitude 139.7, and latitudes lie from -90 to 90 degrees: latitude "
        "and longitude seem to have changed places",
    ):
        grc.catchment(clients, STORE)


POSTCODES = pl.DataFrame(
    {
        "postcode": ["01000", "75001", "75002"],
        "latitude": [46.20, 48.86, 48.87],
        "longitude": [5.22, 2.34, 2.34],
        "households": [20_000.0, 9_000.0, 11_000.0],
    }
)


def test_postcodes_say_where_clients_and_stores_are():
    clients = pl.DataFrame(
        {
            "client_id": [1, 2, 3],
            "postcode": ["01000", " 75001", "01000"],
            "latitude": [None, None, 48.86],
            "longitude": [None, None, 2.34],
        }
    )
    stores = pl.DataFrame({"store_id": ["bourg", "paris"], "postcode": ["01000", "75001"]})
    found = grc.catchment(clients, stores, postcodes=POSTCODES)
    assert found.clients["store_id"].to_list() == ["bourg", "paris", "paris"]
    assert found.clients["distance_km"].to_list() == [0.0, 0.0, 0.0]


def test_penetration_is_of_households_with_and_without_clients():
    clients = pl.DataFrame({"client_id": [1, 2, 3], "postcode": ["75001"] * 3})
    stores = pl.DataFrame({"store_id": ["paris"], "postcode": ["75001"]})
    found = grc.catchment(clients, stores, postcodes=POSTCODES, zones=[50])
    assert found.by_zone.select("zone", "clients", "households", "penetration").rows() == [
        (1, 3, 9_000.0, 3 / 9_000),
        (None, 0, 31_000.0, 0.0),
    ]


def test_postcodes_that_lost_their_zero_are_a_warning():
    clients = pl.DataFrame({"client_id": [1, 2, 3], "postcode": [1000, 75001, 99999]})
    stores = pl.DataFrame({"store_id": ["paris"], "postcode": ["75001"]})
    found = grc.catchment(clients, stores, postcodes=POSTCODES)
    assert found.clients["store_id"].to_list() == [None, "paris", None]
    (warning,) = found.warnings
    assert warning == (
        "postcodes of clients that the table of postcodes has with another number of zeros: 1 "
        "(1000 there is 01000); they have lost their zero in clients, as in spreadsheets, and are "
        "not found: write them as text"
    )


def test_a_table_of_postcodes_that_lost_their_zeros_is_a_warning():
    clients = pl.DataFrame({"client_id": [1, 2], "postcode": ["01000", "75001"]})
    stores = pl.DataFrame({"store_id": ["paris"], "postcode": ["75001"]})
    lost = POSTCODES.with_columns(pl.col("postcode").cast(pl.Int64))
    found = grc.catchment(clients, stores, postcodes=lost)
    assert "(01000 there is 1000); they have lost their zero in the table" in found.warnings[0]


def test_a_postcode_that_occurs_twice_is_an_error():
    with pytest.raises(grc.DataError, match="postcodes has postcode '01000' twice: write one row"):
        grc.catchment(line_of([1]), STORE, postcodes=pl.concat([POSTCODES, POSTCODES]))


def test_postcodes_without_their_table_are_an_error():
    clients = pl.DataFrame({"client_id": [1], "postcode": ["75001"]})
    with pytest.raises(grc.OptionError, match=r"clients .* has postcodes and no coordinates: give"):
        grc.catchment(clients, STORE)


@pytest.mark.parametrize(
    ("clients", "stores", "options", "said"),
    [
        (line_of([1]).rename({"longitude": "longtitude"}), STORE, {}, "clients .* 'longitude'"),
        (line_of([1]).drop("client_id"), STORE, {}, "clients .* no column 'client_id'"),
        (line_of([1]), STORE.rename({"store_id": "store"}), {}, "stores .* 'store_id'.*'store'"),
        (line_of([1]), STORE, {"money": "monney"}, "role money .did you mean 'money'"),
        (line_of([1]), STORE, {"postcodes": POSTCODES.drop("latitude")}, "postcodes .*'latitude'"),
        (line_of([1]).with_columns(latitude=pl.lit("N")), STORE, {}, "has text in 'latitude'"),
        (line_of([1]).with_columns(money=math.inf), STORE, {"money": "money"}, "finite"),
        (line_of([1]).with_columns(money=-1e300), STORE, {"money": "money"}, "'money' of clients"),
        (line_of([1]).with_columns(money=1e20), STORE, {"money": "money"}, "too large"),
        (
            line_of([1]).with_columns(money=pl.lit(2**62).cast(pl.Decimal(38, 2))),
            STORE,
            {"money": "money"},
            "too large",
        ),
        (
            line_of([1]),
            STORE,
            {"postcodes": POSTCODES.with_columns(households=-1)},
            "postcodes has households below 0",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(clients, stores, options, said):
    with pytest.raises(grc.GrcError, match=said) as error:
        grc.catchment(clients, stores, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["lazy", "pandas", "pyarrow"])
def test_tables_of_any_library_are_read(kind):
    clients = pl.DataFrame({"client_id": [2, 1], "postcode": [75001, None], "money": [1, 2]})
    stores = pl.DataFrame({"store_id": ["paris"], "postcode": ["75001"]})
    clients, stores = (
        {"lazy": f.lazy, "pandas": f.to_pandas, "pyarrow": f.to_arrow}[kind]()
        for f in (clients, stores)
    )
    found = grc.catchment(clients, stores, postcodes=POSTCODES, money="money")
    assert found.clients.rows() == [(1, None, None, None), (2, "paris", 0.0, 1)]


def test_tables_without_rows_give_empty_results():
    found = grc.catchment(line_of([]), STORE, money="money")
    assert found.clients.height == 0
    assert found.by_zone["clients"].sum() == 0


# The command line


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Run the command line in a directory with clients, stores and postcodes."""
    monkeypatch.chdir(tmp_path)
    Path("clients.csv").write_text(
        "client_id;postcode;total\n10;01000;1200,50\n9;75001;300,00\n8;;20,00\n", "utf-8"
    )
    Path("stores.csv").write_text("store_id,postcode\n10,75001\n9,01000\n", "utf-8")
    POSTCODES.write_csv("postcodes.csv")

    def run(*arguments):
        capfd.readouterr()
        code = main(["catchment", *arguments])
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return run


FILES = ("clients.csv", "--stores", "stores.csv", "--postcodes", "postcodes.csv")


def test_files_are_read_as_they_are_written(run):
    code, out, err = run(
        *FILES, "--money", "total", "-o", "c.parquet", "--by-zone", "z.csv", "--zones", "60,95"
    )
    assert code == 0, err
    clients = pl.read_parquet("c.parquet")
    assert clients.rows() == [(8, None, None, None), (9, 10, 0.0, 1), (10, 9, 0.0, 1)]
    zones = pl.read_csv("z.csv")
    assert zones.columns == [
        *("store_id", "zone", "clients", "money", "share", "households", "penetration")
    ]
    assert zones["money"].to_list() == [1200.5, 0.0, 0.0, 300.0, 0.0, 0.0, 20.0]
    assert out.split()[:2] == ["zone", "clients"]
    assert "as the crow flies" in err
    assert "written: z.csv" in err


def test_zones_have_french_names(run):
    code, out, _ = run(*FILES, "-o", "c.csv", "--lang", "fr")
    assert code == 0
    assert "primaire" in out
    assert "hors zone" in out


def test_clients_go_to_standard_output(run):
    code, out, err = run(*FILES, "-o", "-")
    assert code == 0
    assert out.startswith("client_id,store_id,distance_km,zone\n8,,,\n9,10,0.0,1\n")
    assert "primary" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--zones", "60%"), "--zones has '60%': write whole numbers"),
        (("--money", "totl"), "(did you mean 'total'?)"),
        (("--by-zone", "-"), "give --by-zone a name"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_writes_nothing(run, options, said):
    code, out, err = run(*FILES, "-o", "c.csv", *options)
    assert (code, out) == (1, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert not Path("c.csv").exists()


def test_a_result_is_shown_and_turned_into_json():
    found = grc.catchment(line_of([60, 40]), STORE, money="money")
    assert found.to_dict()["by_zone"][0] == {
        "store_id": 7,
        "zone": 1,
        "clients": 1,
        "money": 60.0,
        "share": 0.6,
    }
    assert "<table" in found._repr_html_()
