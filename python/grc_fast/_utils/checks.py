"""Checks of numbers that users give."""

from __future__ import annotations

import math
import operator
from typing import Any, cast

from grc_fast.errors import OptionError

MAX_THREADS = 1024


def check_threads(value: object) -> int | None:
    """Return `value` (a number of threads) as an integer from 1 to 1024, or None: every core."""
    if value is None:
        return None
    try:
        threads = operator.index(cast(Any, value))
    except TypeError:
        threads = 0
    if isinstance(value, bool) or not 1 <= threads <= MAX_THREADS:
        raise OptionError(
            f"threads must be a whole number from 1 to {MAX_THREADS}, or None for every core, "
            f"not {value!r}"
        )
    return threads


def finite(what: str, value: object) -> float:
    """Return `value` as a float that is neither NaN nor infinite.

    Raises
    ------
    OptionError
        If it is none.

    Examples
    --------
    >>> finite("rate", 1)
    1.0
    """
    number = _number(value)
    if number is None:
        raise OptionError(f"{what} must be a finite number, not {value!r}")
    return number


def strictly_positive(what: str, value: object) -> float:
    """Return `value` as a float above 0.

    Raises
    ------
    OptionError
        If it is none.

    Examples
    --------
    >>> strictly_positive("time_scaler", 7)
    7.0
    """
    number = _number(value)
    if number is None or not number > 0:
        raise OptionError(f"{what} must be a number above 0, not {value!r}")
    return number


def rate(what: str, value: object, *, least: float, most: float) -> float:
    """Return `value` as a float from `least` to `most`.

    Raises
    ------
    OptionError
        If it is none.

    Examples
    --------
    >>> rate("discount", 0.1, least=0, most=10)
    0.1
    """
    number = _number(value)
    if number is None or not least <= number <= most:
        raise OptionError(f"{what} must be a number from {least:g} to {most:g}, not {value!r}")
    return number


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(cast(Any, value))
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and not isinstance(value, str) else None
