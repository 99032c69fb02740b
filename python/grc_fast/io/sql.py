"""SQL in options: which columns it reads, and that it gives one value a row."""

from __future__ import annotations

import re

import polars as pl

# SQL that computes over several rows: aggregates, window functions and subqueries.
SEVERAL_ROWS = re.compile(
    r"\b(over|select)\b|\b(sum|avg|min|max|count|first|last|median|std\w*|var\w*|quantile\w*"
    r"|corr|covar\w*|(array|string|bool|bit)_\w+)\s*\(",
    re.IGNORECASE,
)
DAY_LITERAL = re.compile(r"(?:\bDATE\s*)?'(\d{4}-\d{2}-\d{2})'", re.IGNORECASE)
QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")


def roots_or_nothing(sql: str) -> frozenset[str]:
    """Return the columns that an expression reads; none if it cannot be parsed."""
    try:
        return frozenset(pl.sql_expr(sql).meta.root_names())
    except pl.exceptions.PolarsError:
        return frozenset()
