"""Visit rounds: within the shift, nobody twice, nearly the best, and the same at every run."""

import itertools
import math
import random
from xml.etree import ElementTree as ET

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grc_fast as grc
from grc_fast.lists.round_map import round_map
from grc_fast.lists.rounds import ITERATIONS, MOST_STOPS, Travel, _zones, visit_round
from hostile_texts import HOSTILE
from sizes import full_size, size

PARIS = (48.8566, 2.3522)
FEW = 300  # iterations: enough for a handful of stops


def clients(number, seed=1, spread=0.3):
    draw = random.Random(seed)
    return pl.DataFrame(
        {
            "client_id": range(number),
            "latitude": [PARIS[0] + draw.gauss(0, spread) for _ in range(number)],
            "longitude": [PARIS[1] + draw.gauss(0, spread) for _ in range(number)],
            "gain": [draw.lognormvariate(3, 1) for _ in range(number)],
        }
    )


def road(one, other, detour=1.3):
    """Kilometres by the spherical law of cosines, which is another way to the same."""
    (a, b), (c, d) = (tuple(map(math.radians, place)) for place in (one, other))
    cosine = math.sin(a) * math.sin(c) + math.cos(a) * math.cos(c) * math.cos(b - d)
    return 6371.0088 * math.acos(max(-1.0, min(1.0, cosine))) * detour


def check(found, rows, start, minutes, travel):
    """Follow a round along its roads."""
    visited = found.rows["client_id"].to_list()
    assert len(set(visited)) == len(visited)
    assert set(visited) <= set(rows["client_id"].to_list())
    places = [start, *found.rows.select("latitude", "longitude").rows(), start]
    legs = [road(one, other, travel.detour) for one, other in itertools.pairwise(places)]
    hours = sum(legs) / travel.speed + len(visited) * travel.minutes / 60
    assert found.seconds <= minutes * 60
    assert hours * 3600 <= minutes * 60 + 1
    if visited:
        assert found.seconds == pytest.approx(hours * 3600, abs=3 * len(legs))
        assert found.kilometres == pytest.approx(sum(legs), abs=0.01 * len(legs))
        assert (found.rows["ends"] - found.rows["begins"]).unique().to_list() == [
            travel.minutes * 60
        ]
    assert found.rows.height + sum(found.left_out.values()) == rows.height


@given(
    rows=st.builds(
        clients,
        st.integers(0, 12),
        st.integers(0, 2**32),
        st.sampled_from([0.0, 0.05, 0.5, 3.0]),
    ),
    minutes=st.integers(0, 600),
    travel=st.builds(Travel, minutes=st.integers(1, 90), speed=st.sampled_from([5.0, 40.0, 90.0])),
    gains=st.lists(st.none() | st.floats(-10, 1e6), min_size=12, max_size=12),
)
@settings(max_examples=max(settings.default.max_examples // 2, 1))
def test_a_round_is_never_longer_than_the_shift_and_visits_nobody_twice(
    rows, minutes, travel, gains
):
    rows = rows.with_columns(pl.Series("gain", gains[: rows.height], dtype=pl.Float64))
    check(visit_round(rows, PARIS, minutes, travel, FEW), rows, PARIS, minutes, travel)


def test_a_small_round_earns_what_the_best_of_all_rounds_does():
    rows, travel = clients(7, seed=5, spread=0.2), Travel(minutes=30)
    places = rows.select("latitude", "longitude").rows()
    gains = rows["gain"].to_list()
    best = 0.0
    for count in range(8):
        for order in itertools.permutations(range(7), count):
            stops = [PARIS, *(places[one] for one in order), PARIS]
            legs = [road(one, other) for one, other in itertools.pairwise(stops)]
            if sum(legs) / travel.speed + count * 0.5 <= 3.99:
                best = max(best, sum(gains[one] for one in order))
    found = visit_round(rows, PARIS, 240, travel)
    assert found.rows["gain"].sum() == pytest.approx(best)
    assert 1 < found.rows.height < 7


@full_size
def test_ten_times_the_iterations_gain_three_percent_at_most():
    stops = size("GRC_FAST_STOPS", quick=30, full=MOST_STOPS)
    iterations = ITERATIONS if stops == MOST_STOPS else 2_000
    travel = Travel(minutes=20)
    for seed in range(1, 1 + size("GRC_FAST_ROUNDS", quick=2, full=5)):
        rows = clients(stops, seed)
        usual = visit_round(rows, PARIS, 480, travel, iterations)
        check(usual, rows, PARIS, 480, travel)
        long = visit_round(rows, PARIS, 480, travel, 10 * iterations)
        gains = [found.rows["gain"].sum() for found in (usual, long)]
        assert gains[0] >= 0.97 * gains[1], (seed, gains)


def test_a_round_is_the_same_at_every_run_and_in_any_order_of_rows():
    rows = clients(60)
    first = visit_round(rows, PARIS, 300, Travel(), FEW)
    again = visit_round(rows.sample(fraction=1, shuffle=True, seed=3), PARIS, 300, Travel(), FEW)
    assert first.rows.write_csv() == again.rows.write_csv()
    assert round_map(first, "Ada", "en") == round_map(again, "Ada", "en")


def test_more_clients_than_a_run_takes_are_cut_into_zones_and_one_is_visited():
    rows = clients(2 * MOST_STOPS + 1, spread=0.05)
    zones = list(_zones(rows))
    assert sorted(client for zone in zones for client in zone["client_id"]) == list(
        rows["client_id"]
    )
    assert max(zone.height for zone in zones) <= MOST_STOPS
    found = visit_round(rows, PARIS, 240, Travel(), FEW)
    check(found, rows, PARIS, 240, Travel())
    assert found.left_out["too_far"] == 0
    visited = set(found.rows["client_id"])
    assert any(visited <= set(zone["client_id"]) for zone in zones)


def test_clients_without_a_place_and_too_far_are_counted():
    rows = pl.DataFrame(
        {
            "client_id": [1, 2, 3, 4],
            "latitude": [48.86, None, 43.3, 48.86],
            "longitude": [2.35, 2.35, 5.4, 2.36],
            "gain": [1.0, 9.0, 9.0, 0.0],
        }
    )
    found = visit_round(rows, PARIS, 120, Travel(), FEW)
    assert found.rows["client_id"].to_list() == [1]
    assert found.left_out == {"no_place": 1, "too_far": 1, "other_zone": 0, "shift": 1}


def test_without_a_start_a_round_begins_in_the_middle_of_the_clients():
    rows = clients(9)
    found = visit_round(rows, None, 300, Travel(), FEW)
    assert found.start == (rows["latitude"].median(), rows["longitude"].median())


def test_a_map_shows_every_stop_and_runs_nothing_of_a_hostile_name():
    rows = clients(len(HOSTILE), spread=0.02).with_columns(name=pl.Series(HOSTILE.values()))
    found = visit_round(rows, PARIS, 24 * 60, Travel(), FEW)
    for name in HOSTILE.values():
        drawing = ET.fromstring(round_map(found, name, "fr"))
        tags = [element.tag.rpartition("}")[2] for element in drawing.iter()]
        assert tags.count("circle") == found.rows.height == len(HOSTILE)
        assert set(tags) == {"svg", "title", "style", "path", "rect", "g", "circle", "text"}
        for element in drawing.iter():
            assert not any(key.startswith("on") for key in element.attrib)
        across = [float(one.get("cx")) for one in drawing.iter() if one.tag.endswith("}circle")]
        assert 0 < min(across) < max(across) < 800


def test_a_map_of_one_place_is_a_map():
    rows = pl.DataFrame({"client_id": [1], "latitude": [0.0], "longitude": [0.0], "gain": [1.0]})
    drawing = round_map(visit_round(rows, None, 60, Travel(), FEW), "Ada", "en")
    assert '<circle cx="400.0" cy="300.0" r="11"/>' in drawing
    assert "Round of Ada: 0 km, visits: 1" in drawing


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"minutes": 0}, "visit_minutes must be a whole number from 1 to 1440, not 0"),
        ({"speed": 0}, "speed must be a number above 0, not 0"),
        ({"detour": 0.5}, "detour must be a number from 1 to 10, not 0.5"),
    ],
)
def test_travel_that_is_none_is_said_in_a_sentence(options, said):
    with pytest.raises(grc.OptionError, match=said):
        Travel(**options)
