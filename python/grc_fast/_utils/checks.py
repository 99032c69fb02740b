"""Checks of what callers give as options: each returns the value, or says what it must be."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Collection, Iterable
from decimal import Decimal
from numbers import Real
from typing import Any, cast

from grc_fast._typing import Number
from grc_fast._utils.messages import cut, nearest
from grc_fast._utils.processes import check_process
from grc_fast.errors import OptionError

MAX_THREADS = 1024
_MOST = sys.float_info.max
# Products and quotients of several numbers within these stay numbers.
_SMALL, _LARGE = 1e-12, 1e12


def whole(what: str, value: object, *, least: int, most: int, otherwise: str = "") -> int:
    """Return an integer of any library as one from `least` to `most`.

    Examples
    --------
    >>> whole("bins", 5, least=2, most=100)
    5
    """
    try:
        number = operator.index(cast(Any, value))
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or not least <= number <= most:
        # As is usual, no comma in four digits.
        end = f"{most:,}" if most >= 10_000 else most
        raise OptionError(
            f"{what} must be a whole number from {least} to {end}{otherwise}, not {_shown(value)}"
        )
    return number


def check_threads(value: object) -> int | None:
    """Return a number of threads from 1 to 1024, or None: every core.

    Raises
    ------
    OptionError
        If it is no such number.
    GrcError
        If threads cannot work together in this process (see `check_process`).
    """
    check_process()
    if value is None:
        return None
    return whole("threads", value, least=1, most=MAX_THREADS, otherwise=", or None for every core")


def finite(
    what: str,
    value: object,
    must_be: str = "a finite number",
    *,
    least: float = -_MOST,
    most: float = _MOST,
    above: float = -math.inf,
) -> Number:
    """Return a real number of any library, whole ones as int, that is neither NaN nor infinite.

    Examples
    --------
    >>> finite("weight", 2)
    2
    """
    number = _number(value)
    if not (least <= number <= most and number > above):
        raise OptionError(f"{what} must be {must_be}, not {_shown(value)}")
    return number


def strictly_positive(
    what: str, value: object, *, least: float = _SMALL, most: float = _LARGE
) -> float:
    """Return a number above 0 of a size with which one can compute.

    Examples
    --------
    >>> strictly_positive("time_scaler", 7)
    7.0
    >>> strictly_positive("weight", 1e-320)
    Traceback (most recent call last):
    ...
    grc_fast.OptionError: weight must be a number from 1e-12 to 1e+12, not 1e-320
    """
    number = finite(what, value, "a number above 0", above=0)
    return rate(what, number, least=least, most=most)


def rate(what: str, value: object, *, least: float, most: float) -> float:
    """Return a number from `least` to `most`.

    Examples
    --------
    >>> rate("discount", 0.1, least=0, most=10)
    0.1
    """
    return float(
        finite(what, value, f"a number from {least:g} to {most:g}", least=least, most=most)
    )


def one_of(what: str, value: object, known: Collection[str]) -> None:
    """Refuse a value that is none of the names that there are, and say the nearest.

    Examples
    --------
    >>> one_of("overlap", "last", ["last", "first"])
    """
    if value not in known:
        raise OptionError(f"{what} cannot be {value!r}{nearest(value, known)}")


def text(what: str, value: object, must_be: str) -> None:
    """Refuse anything but text.

    Examples
    --------
    >>> text("timezone", "UTC", "a zone such as Europe/Paris")
    """
    if not isinstance(value, str):
        raise OptionError(f"{what} must be {must_be}, not {value!r}")


def known_options(given: Iterable[str], known: Collection[str], taker: str) -> None:
    """Refuse an option that what takes them does not know.

    Examples
    --------
    >>> known_options(["clint"], ["client", "date"], "reading sales")
    Traceback (most recent call last):
    ...
    grc_fast.OptionError: 'clint' is no option of reading sales; did you mean 'client'?
    """
    for name in given:
        if name not in known:
            raise OptionError(f"{name!r} is no option of {taker}{nearest(name, known)}")


def column(role: str, value: object) -> None:
    """Refuse what names no column, or is no SQL in the place of one.

    Examples
    --------
    >>> column("client", "card")
    """
    if not isinstance(value, str) or not value:
        must_be = "a SQL condition" if role == "where" else "a column name"
        raise OptionError(f"{role} must be {must_be}, and {value!r} is not one")


def _shown(value: object) -> str:
    try:
        return cut(repr(value), 80)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a number of thousands of digits"


def _number(value: object) -> Number:
    """Return any real number but a Boolean as Python's own, and NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        return math.nan
    try:
        return operator.index(cast(Any, value))
    except TypeError:
        return float(value)
