"""Visit rounds: which clients a seller visits on a day, and in which order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import polars as pl

from grc_fast._utils.checks import strictly_positive, whole
from grc_fast._utils.extras import import_extra
from grc_fast.lists.client_file import PLACE

#: The channel of visits.
VISIT: Final = "visit"
#: The most clients that one run of the solver chooses from.
MOST_STOPS: Final = 300
#: How long the solver looks, always the same: never by the clock.
ITERATIONS: Final = 10_000
_SEED: Final = 1
# Mean radius of the earth (IUGG), kilometres.
_EARTH: Final = 6371.0088
# What the largest gain counts, in metres driven: a visit is worth a detour of its share of 300 km.
_LARGEST_PRIZE: Final = 300_000
# A round has a dozen stops out of hundreds: small steps, all clients as neighbours, and a return to
# the best where nothing better comes (tried on clients drawn at random, 300 to a run).
_STEPS: Final = 10
_PENALTY_UPDATES: Final = 50
_PATIENCE: Final = 1_000
_HISTORY: Final = 50


@dataclass(frozen=True, kw_only=True)
class Travel:
    """How a seller gets around.

    Attributes
    ----------
    minutes
        How long a visit takes.
    speed
        Kilometres an hour on the road.
    detour
        How much longer the road is than the great circle.
    """

    minutes: int = 30
    speed: float = 40.0
    detour: float = 1.3

    def __post_init__(self) -> None:
        """Check every number."""
        whole("visit_minutes", self.minutes, least=1, most=24 * 60)
        strictly_positive("speed", self.speed, least=1, most=1_000)
        strictly_positive("detour", self.detour, least=1, most=10)

    def metres(self, places: list[tuple[float, float]]) -> list[list[int]]:
        """Return the length of the road between any two places, in metres."""
        points = [(math.radians(north), math.radians(east)) for north, east in places]
        return [[round(self.detour * _great_circle(a, b)) for b in points] for a in points]

    def seconds(self, metres: int) -> int:
        """Return how long a road takes, in whole seconds that are not too few."""
        return math.ceil(metres * 3.6 / self.speed)


def _great_circle(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the distance of two places in metres (haversine)."""
    north, east = other[0] - one[0], other[1] - one[1]
    half = math.sin(north / 2) ** 2 + math.cos(one[0]) * math.cos(other[0]) * (
        math.sin(east / 2) ** 2
    )
    return 2_000 * _EARTH * math.asin(min(1.0, math.sqrt(half)))


@dataclass(frozen=True)
class VisitRound:
    """The visits of a seller on a day.

    Attributes
    ----------
    rows
        The visits in their order, with `kilometres` from the place before, `begins` and `ends`
        (seconds since the round began).
    start
        Latitude and longitude of where the round begins and ends.
    seconds, kilometres
        How long the round is, with the way back.
    left_out
        How many are not visited: `no_place` is known, `too_far` to come back within the shift,
        `other_zone` than that of the day, or the `shift` is full.
    """

    rows: pl.DataFrame
    start: tuple[float, float]
    seconds: int
    kilometres: float
    left_out: Mapping[str, int]


def visit_round(
    rows: pl.DataFrame,
    start: tuple[float, float] | None,
    minutes: int,
    travel: Travel,
    iterations: int = ITERATIONS,
) -> VisitRound:
    """Choose the visits that earn most within a shift, and put them in order.

    Parameters
    ----------
    rows
        The clients to visit: `client_id`, `latitude`, `longitude`, `gain`, and whatever else the
        list shows.
    start
        Where the round begins and ends; None for the middle of the clients.
    minutes
        The length of the shift, visits and roads together.
    travel
        How the seller gets around.
    iterations
        How long the solver looks.

    Raises
    ------
    SourceError
        If the extra `rounds` is not installed.
    """
    placed = rows.drop_nulls(PLACE).sort("client_id")
    where = start or _middle(placed)
    shift = minutes * 60
    near = placed.filter(pl.Series(_alone(placed, where, travel), dtype=pl.Int64) <= shift)
    zone = max(_zones(near), key=lambda zone: _promise(zone, where, shift, travel))
    stops = [where, *_places(zone)]
    metres = travel.metres(stops)
    order = _best_order(zone["gain"], metres, shift, travel, iterations)
    legs = [
        metres[here][there] for here, there in itertools.pairwise([0, *(o + 1 for o in order), 0])
    ]
    visits, seconds = _timed(zone[order], legs, travel)
    left_out = {
        "no_place": rows.height - placed.height,
        "too_far": placed.height - near.height,
        "other_zone": near.height - zone.height,
        "shift": zone.height - visits.height,
    }
    return VisitRound(visits, where, seconds, sum(legs) / 1_000, left_out)


def _places(rows: pl.DataFrame) -> list[tuple[float, float]]:
    return rows.select(PLACE).rows()


def _middle(placed: pl.DataFrame) -> tuple[float, float]:
    """Return the median place, which no client far away moves."""
    north, east = (placed[name].median() for name in PLACE)
    return float(cast(float, north or 0.0)), float(cast(float, east or 0.0))


def _alone(placed: pl.DataFrame, start: tuple[float, float], travel: Travel) -> list[int]:
    """Return the seconds of a round to each client alone."""
    roads = (travel.metres([start, place])[0][1] for place in _places(placed))
    return [2 * travel.seconds(road) + travel.minutes * 60 for road in roads]


def _zones(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Cut the clients into areas of no more than a run of the solver takes, halves of halves."""
    if rows.height <= MOST_STOPS:
        yield rows
        return
    north, east = (rows[name] for name in PLACE)
    middle = math.cos(math.radians(cast(float, north.mean())))
    heights, widths = (cast(float, ends.max()) - cast(float, ends.min()) for ends in (north, east))
    wider = PLACE[0] if heights >= widths * middle else PLACE[1]
    ranked = rows.sort(wider, "client_id")
    half = rows.height // 2
    yield from _zones(ranked.head(half))
    yield from _zones(ranked.tail(rows.height - half))


def _promise(zone: pl.DataFrame, start: tuple[float, float], shift: int, travel: Travel) -> float:
    """Say how much a round in a zone could earn: the best visits that fit in beside the way."""
    way = travel.seconds(travel.metres([start, _middle(zone)])[0][1])
    visits = max(shift - 2 * way, 0) // (travel.minutes * 60)
    return float(zone["gain"].fill_null(0.0).clip(0.0).top_k(min(visits, zone.height)).sum())


def _best_order(
    gains: pl.Series, metres: list[list[int]], shift: int, travel: Travel, iterations: int
) -> list[int]:
    """Choose clients and their order: the largest gain, and of equal gains the shortest way."""
    prizes = _prizes(gains)
    if not any(prizes):
        return []
    pyvrp: Any = import_extra("pyvrp", "rounds", "visit rounds")
    search: Any = import_extra("pyvrp.search", "rounds", "visit rounds")
    stop: Any = import_extra("pyvrp.stop", "rounds", "visit rounds")
    numpy: Any = import_extra("numpy", "rounds", "visit rounds")
    data = pyvrp.ProblemData(
        # Roads are given: what is drawn where plays no part.
        [pyvrp.Location(place, 0) for place in range(len(metres))],
        [
            pyvrp.Client(
                location=place,
                service_duration=travel.minutes * 60,
                prize=prize,
                required=False,
            )
            for place, prize in enumerate(prizes, 1)
        ],
        [pyvrp.Depot(location=0)],
        [pyvrp.VehicleType(shift_duration=shift)],
        [numpy.array(metres)],
        [numpy.array([[travel.seconds(road) for road in row] for row in metres])],
    )
    params = pyvrp.SolveParams(
        penalty=pyvrp.PenaltyParams(solutions_between_updates=_PENALTY_UPDATES),
        perturbation=search.PerturbationParams(1, _STEPS),
        neighbourhood=search.NeighbourhoodParams(num_neighbours=MOST_STOPS),
        ils=pyvrp.IteratedLocalSearchParams(
            num_iters_no_improvement=_PATIENCE, history_length=_HISTORY
        ),
    )
    found = pyvrp.solve(
        data, stop.MaxIterations(iterations), seed=_SEED, collect_stats=False, params=params
    ).best
    # Nobody is visited where the solver has found no round within the shift.
    routes = found.routes() if found.is_feasible() else []
    return [stop.idx for route in routes for stop in route.schedule() if stop.is_client()]


def _prizes(gains: pl.Series) -> list[int]:
    """Return gains as whole numbers that go with metres."""
    known = gains.fill_null(0.0).clip(0.0)
    largest = cast(float, known.max() or 0.0)
    return [round(gain / largest * _LARGEST_PRIZE) if largest else 0 for gain in known]


def _timed(visits: pl.DataFrame, legs: list[int], travel: Travel) -> tuple[pl.DataFrame, int]:
    """Give visits their times, and return how long the round is with the way back."""
    service = travel.minutes * 60
    roads = [travel.seconds(leg) for leg in legs]
    arrivals = [
        arrival + service * visit for visit, arrival in enumerate(itertools.accumulate(roads))
    ]
    begins = pl.Series("begins", arrivals[:-1], dtype=pl.Int64)
    timed = visits.with_columns(
        pl.Series("kilometres", [leg / 1_000 for leg in legs[:-1]], dtype=pl.Float64),
        begins,
        (begins + service).alias("ends"),
    )
    return timed, arrivals[-1] if visits.height else 0
