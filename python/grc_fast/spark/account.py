"""Accounts of many workers as one: rows beside the data, added up on the driver.

A task that is run again gives its rows again in place of the first ones, whereas accumulators would
count them twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from grc_fast import errors
from grc_fast.errors import GrcError

#: The column that is null beside data, and in a row of its own holds an account as JSON.
ACCOUNT: Final = "grc_fast_account"
# What is counted where lines are read, and where all that is known of a client meets.
_OF_LINES: Final = (
    "rows_read",
    "rows_used",
    "dropped",
    "money_used",
    "money_read",
    "returns",
    "rows_without_order",
    "first_day",
    "last_day",
    "first_day_read",
)
_OF_CLIENTS: Final = (
    "clients",
    "clients_returns_only",
    "clients_never_bought",
    "clients_outside_base",
    "orders_on_two_dates",
    "base_rows_dropped",
)
_FIRSTS: Final = ("first_day", "first_day_read")
_LASTS: Final = ("last_day",)
_FAULT: Final = "fault"


def of_lines(account: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an account says of lines."""
    return {name: account[name] for name in _OF_LINES}


def of_clients(account: Mapping[str, Any], out_of_window: int) -> dict[str, Any]:
    """Return what an account says of clients, and how many are out of the window."""
    return {name: account[name] for name in _OF_CLIENTS} | {"out_of_window": out_of_window}


def fault(error: GrcError) -> dict[str, Any]:
    """Return an error as it travels to the driver."""
    return {_FAULT: [type(error).__name__, str(error)]}


def added(empty: Mapping[str, Any], rows: Iterable[str]) -> dict[str, Any]:
    """Add the accounts of workers to that of no line.

    Raises
    ------
    GrcError
        If a worker met an error; of several the first by its text, whichever came first.
    """
    accounts = [json.loads(row) for row in rows]
    faults = sorted((told, kind) for kind, told in (a[_FAULT] for a in accounts if _FAULT in a))
    if faults:
        told, kind = faults[0]
        raise getattr(errors, kind, GrcError)(told)
    total = dict(empty)
    for account in accounts:
        for name, value in account.items():
            total[name] = _together(name, total.get(name), value)
    return total


def _together(name: str, sum_so_far: Any, value: Any) -> Any:
    if value is None or sum_so_far is None:
        return sum_so_far if value is None else value
    if name in _FIRSTS:
        return min(sum_so_far, value)
    if name in _LASTS:
        return max(sum_so_far, value)
    if isinstance(value, dict):
        return {key: _together(key, sum_so_far.get(key), part) for key, part in value.items()}
    if isinstance(value, list):
        return [a + b for a, b in zip(sum_so_far, value, strict=True)]
    return sum_so_far + value
