"""Whether the conditions of a segment can hold at all, for any client that could be.

Comparisons with literals change only where a value passes one of them. So a few values below,
between, at and above the literals stand for all that a column can have, and every combination of
them can be tried.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import pairwise
from operator import mul
from typing import Any, Final

import polars as pl

from grc_fast.errors import OptionError
from grc_fast.io.sql import compared_literals
from grc_fast.rfm.segments.evaluate import Given, rule_holds
from grc_fast.rfm.segments.rule import SegmentRule, parse_sql

# More combinations are not tried: a rule that cannot hold is then told by its size, which is 0.
_MOST: Final = 200_000
_TEXTS: Final = (pl.String, pl.Categorical, pl.Enum)


def refuse_contradictions(
    rules: Sequence[SegmentRule],
    schema: Mapping[str, pl.DataType],
    given: Given,
    scales: Mapping[str, int],
) -> None:
    """Refuse a rule whose conditions exclude one another.

    Parameters
    ----------
    rules
        The rules.
    schema
        The columns of the clients.
    given
        What ranges are of, over those columns.
    scales
        The columns of bands and groups among them, and how many of these there are.

    Raises
    ------
    OptionError
        If a rule can hold for no client. SQL that does more than compare columns is not looked
        into.
    """
    # The tenure is computed from columns, whose values here say nothing of it.
    given = replace(given, tenure=pl.lit(0))
    for rule in rules:
        if not _can_hold(rule, schema, given, scales):
            raise OptionError(
                f"segment {rule.name!r}: its conditions exclude one another, so that no client can "
                "meet them: correct them, or remove it"
            )


def _can_hold(
    rule: SegmentRule,
    schema: Mapping[str, pl.DataType],
    given: Given,
    scales: Mapping[str, int],
) -> bool:
    wheres = [part.where for part in rule.conditions() if part.where is not None]
    known: list[str | float] = []
    for where in wheres:
        literals = compared_literals(where)
        if literals is None:
            return True
        known += literals
    names = sorted({name for where in wheres for name in parse_sql(where).meta.root_names()})
    for part in rule.conditions():
        known += part.points or ()
        ranged = [key for key in (*scales, "points") if getattr(part, key) is not None]
        names = sorted({*names, *ranged})
    if not all(_can_be_listed(schema[name]) for name in names):
        return True
    values = [
        pl.Series(name, [*range(1, scales[name] + 1), None], dtype=schema[name])
        if name in scales
        else _values(name, schema[name], known, len(names))
        for name in names
    ]
    if reduce(mul, map(len, values), 1) > _MOST:
        return True
    tried = pl.DataFrame({"": [0]})
    for column in values:
        tried = tried.join(column.to_frame(), how="cross")
    return bool(tried.select(holds=pl.lit(value=True) & rule_holds(rule, given))["holds"].any())


def _can_be_listed(dtype: pl.DataType) -> bool:
    """Whether values of a type are compared with literals as they are written."""
    moment = isinstance(dtype, pl.Datetime) and dtype.time_zone is None
    return dtype.is_numeric() or moment or dtype in (pl.Date, pl.Boolean, *_TEXTS)


def _values(name: str, dtype: pl.DataType, literals: Sequence[Any], most: int) -> pl.Series:
    """Return values that stand for all that a column can have, a null among them."""
    if isinstance(dtype, pl.Enum):
        found: list[Any] = dtype.categories.to_list()
    elif dtype == pl.Boolean:
        found = [True, False]
    elif dtype.is_numeric():
        numbers = [value for value in literals if not isinstance(value, str)]
        found = _around(sorted({0, *numbers}), most, lambda value, step: value + step)
    elif dtype.is_temporal():
        days = _days(literals)
        found = _around(days, most, lambda value, step: value + dt.timedelta(days=step))
    else:
        texts = sorted(value for value in literals if isinstance(value, str))
        found = ["", *(text + "\0" * more for text in texts for more in range(most + 1))]
    return pl.Series(name, [*found, None], strict=False).cast(dtype, strict=False).unique()


def _around(
    sorted_values: Sequence[Any], most: int, moved: Callable[[Any, float], Any]
) -> list[Any]:
    """Return values, and as many as there are columns between any two, below and above.

    Whole steps are for columns of whole numbers, halves of the gap for the others.
    """
    found = set(sorted_values)
    for value in sorted_values:
        found |= {moved(value, step) for step in range(-most, most + 1)}
    for low, high in pairwise(sorted_values):
        found |= {low + (high - low) * part / (most + 1) for part in range(1, most + 1)}
    return sorted(found)


def _days(literals: Sequence[Any]) -> list[dt.datetime]:
    days = {dt.datetime(2000, 1, 1)}  # noqa: DTZ001 (a value of a column, and no moment)
    for value in literals:
        try:
            days.add(dt.datetime.fromisoformat(str(value)))
        except ValueError:
            continue
    return sorted(days)
