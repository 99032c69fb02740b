"""The facts that an RFM specification needs, read from sales."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import polars as pl

from grc_fast.facts.collect import Request, collect_facts
from grc_fast.facts.options import SalesReading
from grc_fast.facts.table import Facts
from grc_fast.rfm.client_table import DATES
from grc_fast.rfm.specification import Specification

# The column of the whole spend where the monetary criterion measures something else.
_MONEY: Final = "total"


def read_facts(
    spec: Specification,
    source: Any,
    reading: SalesReading,
    *,
    as_of: dt.date | None,
    with_money: bool = False,
) -> tuple[Facts, pl.Series | None]:
    """Read sales into the facts of a specification and, if asked, each client's whole spend."""
    requests = criteria_requests(spec)
    money = _money_column(spec) if with_money else None
    if money == _MONEY:
        requests[_MONEY] = ("total", None)
    scored_by = windowed_criterion(spec)
    table, quality = collect_facts(source, reading, requests, as_of=as_of, scored_by=scored_by)
    if scored_by is not None and reading.clients is None:
        # Without a client base only those who are scored have a row.
        table = table.filter(pl.col(scored_by).is_not_null())
    spent = None if money is None else table[money]
    frame = table.drop(_MONEY) if money == _MONEY else table
    return Facts(frame, quality, quality.as_of, _from_pass=True), spent


def criteria_requests(spec: Specification) -> dict[str, Request]:
    """Return what the criteria ask of the pass."""
    requests: dict[str, Request] = {name: (name, None) for name in DATES}
    return requests | {c.name: (c.measure, c.window) for c in spec.criteria}


def windowed_criterion(spec: Specification) -> str | None:
    """Return the column that is null for clients out of the window, None where there is none."""
    windowed = spec.recency is not None and spec.recency.window is not None
    return "recency" if windowed else None


def _money_column(spec: Specification) -> str | None:
    """Return which column of the facts is each client's whole spend, None without money."""
    if spec.monetary is None:
        return None
    whole = spec.monetary.measure == "total" and spec.monetary.window is None
    return "monetary" if whole else _MONEY
