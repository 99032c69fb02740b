"""Rules over the columns of clients: the first whose conditions hold wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

import polars as pl

from grc_fast.rfm.segments.rule import SCALE, SegmentCondition, SegmentRule, parse_sql


def on_five(points: pl.Expr, bins: int) -> pl.Expr:
    """Rescale points out of `bins` (or a group out of `bins`) to the scale of five.

    Returns
    -------
    pl.Expr
        ``ceil(5 * (points - 0.5) / bins)``, UInt8: the fifth of the scale that the middle of the
        band lies in, so that the scale is kept to both ends alike. Null stays null.

    Examples
    --------
    >>> pl.select(on_five(pl.Series([1, 2, 3]), 3)).to_series().to_list()
    [1, 3, 5]
    >>> pl.select(on_five(pl.Series([1, 3, 10]), 10)).to_series().to_list()
    [1, 2, 5]
    """
    # Doubled, so that halves are whole; UInt32, because 5 x 52 does not fit the UInt8 of points.
    doubled = points.cast(pl.UInt32) * 2 - 1
    return ((doubled * SCALE + (2 * bins - 1)) // (2 * bins)).cast(pl.UInt8)


@dataclass(frozen=True)
class Given:
    """What a table is evaluated on. `unknown` stands for SQL and points where it is set."""

    r: pl.Expr
    f: pl.Expr
    m: pl.Expr
    group: pl.Expr | None = None
    tenure: pl.Expr | None = None
    points: pl.Expr | None = None
    unknown: bool | None = None

    @classmethod
    def of_cells(cls, cells: pl.DataFrame, *, unknown: bool) -> Given:
        """Read what rules ask for from the columns of cells."""
        group = pl.col("group") if "group" in cells.columns else None
        r, f, m, tenure = (pl.col(key) for key in ("r", "f", "m", "tenure"))
        return cls(r, f, m, group=group, tenure=tenure, unknown=unknown)


def first_match(
    rules: Sequence[SegmentRule],
    given: Given,
    categories: Sequence[str],
    *,
    default: str | None = None,
) -> pl.Expr:
    """Return the category of the first rule that holds, as an Enum.

    Where none does: null, or the category `default` that follows those of the rules.
    """
    dtype = pl.Enum([*categories, *([] if default is None else [default])])
    chain = pl.lit(default, dtype=dtype)
    for rule, category in zip(reversed(rules), reversed(categories), strict=True):
        holds = rule_holds(rule, given)
        chain = pl.when(holds).then(pl.lit(category, dtype=dtype)).otherwise(chain)
    return chain


def rule_holds(rule: SegmentRule, given: Given) -> pl.Expr:
    """Return whether a rule holds, over the columns of clients."""
    own = _condition_holds(rule, given)
    if rule.any is None:
        return own
    return own & reduce(or_, (_condition_holds(part, given) for part in rule.any))


def _condition_holds(part: SegmentCondition, given: Given) -> pl.Expr:
    """Return an expression that is true or false, never null."""
    tests = [
        _is_within(given.r, part.r),
        _is_within(given.f, part.f),
        _is_within(given.m, part.m),
        _is_within(given.group, part.group),
        _is_at_most(given.tenure, part.tenure_max),
    ]
    if given.unknown is None:
        tests.append(_is_within(given.points, part.points))
        tests.append(None if part.where is None else parse_sql(part.where))
    elif part.points is not None or part.where is not None:
        tests.append(pl.lit(given.unknown))
    needed = (test.fill_null(value=False) for test in tests if test is not None)
    return reduce(and_, needed, pl.lit(value=True))


def _is_within(value: pl.Expr | None, span: tuple[float, float] | None) -> pl.Expr | None:
    if span is None:
        return None
    return pl.lit(value=False) if value is None else value.is_between(*span)


def _is_at_most(value: pl.Expr | None, limit: int | None) -> pl.Expr | None:
    if limit is None:
        return None
    return pl.lit(value=False) if value is None else value <= limit


def code_cells(*, with_group: bool, tenures: Sequence[int | None]) -> pl.DataFrame:
    """Return every (r, f, m[, group], tenure) in ascending order, the tenures as given."""
    scale = pl.Series(range(1, SCALE + 1), dtype=pl.UInt8)
    cells = pl.DataFrame({"r": scale})
    for key in ("f", "m", "group") if with_group else ("f", "m"):
        cells = cells.join(pl.DataFrame({key: scale}), how="cross", maintain_order="left_right")
    last = pl.DataFrame({"tenure": pl.Series(tenures, dtype=pl.Int64)})
    return cells.join(last, how="cross", maintain_order="left_right")
