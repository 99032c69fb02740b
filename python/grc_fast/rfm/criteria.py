"""The three criteria of RFM: what each measures, over which window, in which bands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import pairwise
from typing import ClassVar, Final, Literal, TypeAlias, get_args

from grc_fast import _core
from grc_fast._typing import Edges, Number, Ties
from grc_fast._utils.checks import finite, one_of, whole
from grc_fast.errors import OptionError

FrequencyMeasure = Literal["orders", "lines", "active_days", "mean_gap"]
MonetaryMeasure = Literal["total", "mean_basket", "last_basket", "max_basket"]
MIN_BINS = 2
MAX_BINS = 100
# Units of a duration that count days, and how many; and calendar units, in months.
_DAYS = {"d": 1, "w": 7}
_MONTHS = {"mo": 1, "q": 3, "y": 12}
# n months last 30.436875 n days on average (Gregorian cycle of 400 years: 146,097 days, 4,800
# months) and never stray from that by more than 3 days.
_MEAN_MONTH = 146_097 / 4_800
_MONTH_SLACK = 3


@dataclass(frozen=True)
class Recency:
    """Days from the last purchase to `as_of`; fewer is better.

    Parameters
    ----------
    bands
        Thresholds, as durations of days, weeks, months, quarters or years in ascending order
        (``["3w", "2mo", "6mo", "1y"]`` makes five bands). A threshold belongs to the band above
        it. Months, quarters and years count back from `as_of`. None: quantile bands.
    window
        Only purchases in the `window` before `as_of` count; a client without one is not scored.
    bins
        How many quantile bands, 2 to 100. None: as the `RFM` says.
    ties
        ``"together"``, ``"split"`` or ``"split_descending"``. None: as the `RFM` says.
    edges
        ``"inverted_cdf"``, ``"linear"`` or ``"r-rfm"``. None: as the `RFM` says.
    weight
        What the points are multiplied by in the score.

    Raises
    ------
    OptionError
        If an option is wrong; the message names the criterion and the value.

    Examples
    --------
    >>> import grc_fast as grc
    >>> grc.Recency(["3w", "2mo", "6mo", "1y"]).bands
    ('3w', '2mo', '6mo', '1y')
    >>> grc.Recency(["2mo", "3w"])
    Traceback (most recent call last):
    ...
    grc_fast.OptionError: recency: bands must rise, but '3w' is not after '2mo'
    """

    name: ClassVar[Literal["recency"]] = "recency"
    measures: ClassVar[tuple[str, ...]] = ("recency",)
    measure: ClassVar[Literal["recency"]] = "recency"

    bands: Sequence[str] | None = None
    _: KW_ONLY
    window: str | None = None
    bins: int | None = None
    ties: Ties | None = None
    edges: Edges | None = None
    weight: Number = 1

    def __post_init__(self) -> None:
        """Check every option, and keep the bands as a tuple."""
        if self.bands is not None:
            object.__setattr__(self, "bands", _durations(self.name, self.bands))
        _check_shared(self)


@dataclass(frozen=True)
class _Counted:
    """What the criteria of numbers share: several measures, and rising numbers as bands."""

    name: ClassVar[Literal["frequency", "monetary"]]
    measures: ClassVar[tuple[str, ...]]

    measure: str
    _: KW_ONLY
    window: str | None = None
    bands: Sequence[Number] | None = None
    bins: int | None = None
    ties: Ties | None = None
    edges: Edges | None = None
    weight: Number = 1

    def __post_init__(self) -> None:
        """Check every option, and keep the bands as a tuple."""
        one_of(f"{self.name}: measure", self.measure, self.measures)
        if self.bands is not None:
            object.__setattr__(self, "bands", _numbers(self.name, self.bands))
        _check_shared(self)


@dataclass(frozen=True)
class Frequency(_Counted):
    """How often a client bought.

    Parameters
    ----------
    measure
        ``"orders"`` (distinct orders), ``"lines"``, ``"active_days"`` (distinct days with a
        purchase) or ``"mean_gap"`` (mean days between active days: fewer is better, and a client
        with a single active day has none and falls in the worst band).
    window
        Only purchases in the `window` before `as_of` count. None: all of them.
    bands
        Thresholds, as rising numbers; a threshold belongs to the band above it. None: quantile
        bands.
    bins, ties, edges, weight
        As for `Recency`.

    Raises
    ------
    OptionError
        If an option is wrong; the message names the criterion and the value.

    Examples
    --------
    >>> import grc_fast as grc
    >>> grc.Frequency("orders", window="24mo").window
    '24mo'
    >>> grc.Frequency("order")
    Traceback (most recent call last):
    ...
    grc_fast.OptionError: frequency: measure cannot be 'order'; did you mean 'orders'?
    """

    name: ClassVar[Literal["frequency"]] = "frequency"
    measures: ClassVar[tuple[str, ...]] = get_args(FrequencyMeasure)

    measure: FrequencyMeasure = "orders"


@dataclass(frozen=True)
class Monetary(_Counted):
    """How much a client spent.

    Parameters
    ----------
    measure
        ``"total"``, ``"mean_basket"`` (total over orders), ``"last_basket"`` or
        ``"max_basket"``.
    window
        Only purchases in the `window` before `as_of` count. None: all of them. A client without
        one has a total of 0, no basket, and falls in the worst band.
    bands
        Thresholds, as rising numbers; a threshold belongs to the band above it. None: quantile
        bands.
    bins, ties, edges, weight
        As for `Recency`.

    Raises
    ------
    OptionError
        If an option is wrong; the message names the criterion and the value.

    Examples
    --------
    >>> import grc_fast as grc
    >>> grc.Monetary("mean_basket", bands=[20, 50, 100], weight=2).bands
    (20, 50, 100)
    """

    name: ClassVar[Literal["monetary"]] = "monetary"
    measures: ClassVar[tuple[str, ...]] = get_args(MonetaryMeasure)

    measure: MonetaryMeasure = "total"


Criterion: TypeAlias = Recency | Frequency | Monetary


def small_is_best(criterion: Criterion) -> bool:
    """Whether the smallest values earn the most points (days since, days between)."""
    return criterion.measure in ("recency", "mean_gap")


def unit_of(criterion: Criterion) -> str:
    """Return what a value of the criterion counts, for a reader."""
    units = {"recency": "days", "mean_gap": "days", "active_days": "days"}
    return units.get(
        criterion.measure, criterion.measure if criterion.name != "monetary" else "money"
    )


def whole_weights(criteria: Iterable[Criterion]) -> bool:
    """Whether every weight is whole, so that the score is."""
    return all(float(criterion.weight).is_integer() for criterion in criteria)


def check_ties_and_edges(what: str, ties: object, edges: object) -> None:
    """Refuse unknown ways of tying and interpolating, and split ties with interpolated edges."""
    one_of(f"{what}: ties", ties, get_args(Ties))
    one_of(f"{what}: edges", edges, get_args(Edges))
    if ties != "together" and edges != "inverted_cdf":
        raise OptionError(
            f"{what}: ties={ties!r} has no edges to interpolate, so edges={edges!r} cannot go with "
            "it: leave one of them out"
        )


def is_calendar(duration: str) -> bool:
    """Whether the duration is in months, quarters or years: its days depend on `as_of`."""
    return _core.parse_duration(duration)[1] in _MONTHS


def threshold_days(bands: Sequence[str], as_of: int | None) -> tuple[int, ...]:
    """Return recency thresholds in days, counted back from day `as_of`.

    Raises
    ------
    OptionError
        If a threshold is in calendar units and there is no `as_of`, or if two thresholds fall on
        the same day or change places at this `as_of` (30d and 1mo in February).
    """
    days = tuple(_days_before(duration, as_of) for duration in bands)
    for (before, after), (low, high) in zip(pairwise(bands), pairwise(days), strict=True):
        if low >= high:
            raise OptionError(
                f"recency: bands must rise, but counted back from as_of {before!r} is {low} days "
                f"and {after!r} is {high} days: change one of them"
            )
    return days


def _days_before(duration: str, as_of: int | None) -> int:
    count, unit = _core.parse_duration(duration)
    if unit in _DAYS:
        return count * _DAYS[unit]
    if as_of is None:
        raise OptionError(
            f"recency: the band {duration!r} counts back from a day: say which one with as_of="
        )
    return as_of - _core.window_start(as_of, duration)


def _check_shared(criterion: Recency | _Counted) -> None:
    """Check the options that the three criteria share."""
    what = criterion.name
    if criterion.window is not None:
        _duration(what, "window", criterion.window)
    if criterion.bins is not None:
        object.__setattr__(criterion, "bins", check_count(f"{what}: bins", criterion.bins))
    check_ties_and_edges(what, criterion.ties or "together", criterion.edges or "inverted_cdf")
    must_be = "a number from 1e-12 to 1e+12"
    weight = finite(f"{what}: weight", criterion.weight, must_be, least=1e-12, most=1e12)
    object.__setattr__(criterion, "weight", weight)
    if criterion.bands is None:
        return
    for option in ("bins", "ties", "edges"):
        if getattr(criterion, option) is not None:
            raise OptionError(
                f"{what}: bands sets the thresholds, so {option}={getattr(criterion, option)!r} "
                "has nothing to do: leave one of them out"
            )


def check_count(what: str, value: object) -> int:
    """Return a number of bands or groups, from 2 to 100."""
    return whole(what, value, least=MIN_BINS, most=MAX_BINS)


def _sequence(what: str, bands: object) -> list[object]:
    if isinstance(bands, str | bytes) or not isinstance(bands, Iterable):
        raise OptionError(f"{what}: bands must be a list of thresholds, not {bands!r}")
    listed = list(bands)
    if not 1 <= len(listed) <= MAX_BINS - 1:
        raise OptionError(
            f"{what}: bands must hold 1 to {MAX_BINS - 1} thresholds, not {len(listed)}"
        )
    return listed


def _numbers(what: str, bands: object) -> tuple[Number, ...]:
    numbers: list[Number] = []
    for value in _sequence(what, bands):
        number = finite(f"{what}: a threshold", value)
        if numbers and number <= numbers[-1]:
            raise OptionError(
                f"{what}: bands must rise, but {number!r} is not after {numbers[-1]!r}"
            )
        numbers.append(number)
    return tuple(numbers)


def _durations(what: str, bands: object) -> tuple[str, ...]:
    durations = [_duration(what, "bands", value) for value in _sequence(what, bands)]
    for before, after in pairwise(durations):
        if _surely_not_rising(before, after):
            raise OptionError(f"{what}: bands must rise, but {after!r} is not after {before!r}")
    return tuple(durations)


def _duration(what: str, option: str, value: object) -> str:
    """Return a duration of at least a day, in days, weeks or calendar units."""
    if not isinstance(value, str):
        raise OptionError(f"{what}: {option} takes durations such as '90d' or '6mo', not {value!r}")
    try:
        count, unit = _core.parse_duration(value)
    except OptionError as error:
        raise OptionError(f"{what}: {option}: {error}") from None
    if unit not in _DAYS and unit not in _MONTHS:
        months = f" (for months write {count}mo)" if unit == "m" else ""
        raise OptionError(
            f"{what}: {option} is counted in days, and {value!r} is finer than a day: use d, w, "
            f"mo, q or y{months}"
        )
    return value


def _surely_not_rising(before: str, after: str) -> bool:
    """Whether `after` cannot come after `before`, whatever the day they are counted from.

    Weeks and months compare only roughly without a day; what stays open here is checked again
    by `threshold_days`.
    """
    if is_calendar(before) and is_calendar(after):
        return _months(after) <= _months(before)
    return _day_range(after)[1] <= _day_range(before)[0]


def _months(duration: str) -> int:
    count, unit = _core.parse_duration(duration)
    return count * _MONTHS[unit]


def _day_range(duration: str) -> tuple[float, float]:
    """Return the fewest and the most days that a duration can last (a little generous)."""
    count, unit = _core.parse_duration(duration)
    if unit in _DAYS:
        return count * _DAYS[unit], count * _DAYS[unit]
    mean = _months(duration) * _MEAN_MONTH
    return mean - _MONTH_SLACK, mean + _MONTH_SLACK


LETTERS: Final = {"recency": "r", "frequency": "f", "monetary": "m"}
