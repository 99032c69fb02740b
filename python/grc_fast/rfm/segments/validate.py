"""That a table names every client, and which of its segments no client can reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Final

import polars as pl

from grc_fast._utils.messages import first_line, nearest, quoted_sql
from grc_fast.errors import OptionError
from grc_fast.labels.catalogue import LANGUAGES
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases
from grc_fast.rfm.segments.evaluate import Given, code_cells, rule_holds
from grc_fast.rfm.segments.rule import SCALE, SegmentRule, is_clean_text, parse_sql, saying_where

_CODES: Final = SCALE**3


def checked_rules(rules: Iterable[SegmentRule | Mapping[str, Any]]) -> tuple[SegmentRule, ...]:
    """Return rules as such, each with its own name and the labels of one language or more."""
    checked: list[SegmentRule] = []
    for number, rule in enumerate(rules, start=1):
        if isinstance(rule, SegmentRule):
            checked.append(rule)
            continue
        with nullcontext() if _has_name(rule) else saying_where(f"segment number {number}"):
            checked.append(SegmentRule.from_dict(rule))
    if not checked:
        raise OptionError("segments are missing: begin each one with a line [[segment]]")
    _check_unique("name", [rule.name for rule in checked])
    for lang in LANGUAGES:
        _check_language(checked, lang)
    return tuple(checked)


def _has_name(rule: object) -> bool:
    """Say whether messages can call the segment by its name rather than by its place."""
    return isinstance(rule, Mapping) and is_clean_text(rule.get("name"))


def _check_language(rules: Sequence[SegmentRule], lang: str) -> None:
    """Refuse a table that is half in a language; one that is not in it at all is fine."""
    labelled = [rule for rule in rules if lang == "en" or lang in rule.labels]
    if not labelled:
        return
    _check_unique(f"labels.{lang}", [rule.label(lang) for rule in rules])


def _check_unique(key: str, values: Sequence[str]) -> None:
    seen: dict[str, int] = {}
    for number, value in enumerate(values, start=1):
        if value in seen:
            raise OptionError(
                f"{key} = {value!r} is used by segments number {seen[value]} and {number}: change"
                " one, or write one segment with any"
            )
        seen[value] = number


def check_covered(rules: Sequence[SegmentRule]) -> tuple[Wording, ...]:
    """Follow every code through the table, as the evaluation does.

    A code without a segment is an error; of each segment that no client can reach it is said why.
    SQL and points are not known here. Conditions are joined by "and" and "or" only, so
    reading the unknown ones as true gives every cell a rule may take, and as false those it is
    sure to take.
    """
    parts = [part for rule in rules for part in rule.conditions()]
    limits = {part.tenure_max for part in parts if part.tenure_max is not None}
    with_group = any(part.group is not None for part in parts)
    cells = code_cells(with_group=with_group, tenures=[*sorted(limits), None])
    may, sure = (_holds_on(cells, rules, unknown=unknown) for unknown in (True, False))
    taken_by: list[pl.Series] = []
    unreachable: list[Wording] = []
    free = pl.repeat(value=True, n=cells.height, eager=True)
    for number, rule in enumerate(rules):
        if not (may[number] & free).any():
            takers = [
                other.name
                for other, taken in zip(rules, taken_by, strict=False)
                if (taken & may[number]).any()
            ]
            unreachable.append(_unreachable(rule.name, takers))
        taken_by.append(sure[number] & free)
        free = free & ~sure[number]
    if free.any():
        unsure = any(part.where is not None or part.points is not None for part in parts)
        raise OptionError(_uncovered(cells.filter(free), sorted(limits), unsure=unsure))
    return tuple(unreachable)


def _holds_on(
    cells: pl.DataFrame, rules: Sequence[SegmentRule], *, unknown: bool
) -> list[pl.Series]:
    given = Given.of_cells(cells, unknown=unknown)
    holds = [rule_holds(rule, given).alias(str(n)) for n, rule in enumerate(rules)]
    # with_columns, and not select, so that a condition that is a mere literal fills its column.
    return cells.with_columns(holds).select(str(n) for n in range(len(rules))).get_columns()


def _unreachable(name: str, takers: Sequence[str]) -> Wording:
    if not takers:
        return Phrase("rules.contradicting", name=repr(name))
    names = Phrases([repr(taker) for taker in takers])
    return Phrase("rules.taken", name=repr(name), takers=names, count=len(takers))


def _uncovered(cells: pl.DataFrame, limits: Sequence[int], *, unsure: bool) -> str:
    codes = cells.select("r", "f", "m").unique().height
    first = cells.row(0, named=True)
    code = " ".join(f"{key}={first[key]}" for key in ("r", "f", "m", "group") if key in first)
    # Limits are upper ones: what is free at a tenure is free at every greater one too.
    shorter = [limit for limit in limits if first["tenure"] is None or limit < first["tenure"]]
    tenure = f" with a tenure above {shorter[-1]} days or unknown" if shorter else ""
    hint = ", not counting conditions in SQL or on points" if unsure else ""
    return (
        f"{codes} of the {_CODES} codes have no segment{hint}, the first is {code}{tenure}: end"
        " the table with a segment that takes them"
    )


def check_sql(rules: Iterable[SegmentRule], columns: Iterable[str] | Mapping[str, Any]) -> None:
    """Check the SQL conditions against the names of columns, or against a schema: types as well.

    Raises
    ------
    OptionError
        A condition reads a column that does not exist, or does not give true or false.
    """
    names = list(columns)
    for rule in rules:
        conditions = [part.where for part in rule.conditions() if part.where is not None]
        with saying_where(f"segment {rule.name!r}"):
            for sql in conditions:
                _check_sql_columns(sql, names)
                if isinstance(columns, Mapping):
                    _check_sql_type(sql, columns)


def _check_sql_columns(sql: str, names: Sequence[str]) -> None:
    for column in sorted(set(parse_sql(sql).meta.root_names())):
        if column not in names:
            raise OptionError(
                f"where = {quoted_sql(sql)}: no column {column!r}{nearest(column, names)}"
            )


def _check_sql_type(sql: str, schema: Mapping[str, Any]) -> None:
    """Evaluate the condition on a frame of these columns without rows."""
    try:
        # Eager: the schema of a lazy query is silent on a text compared with a number.
        found = pl.DataFrame(schema=dict(schema)).select(parse_sql(sql)).dtypes[0]
    except pl.exceptions.PolarsError as error:
        raise OptionError(
            f"where = {quoted_sql(sql)} cannot be computed ({first_line(error)})"
        ) from None
    if found not in (pl.Boolean, pl.Null):
        raise OptionError(f"where = {quoted_sql(sql)} gives {found}, not true or false: compare it")
