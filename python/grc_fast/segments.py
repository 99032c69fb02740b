"""Segment tables: ordered rules that name the clients, the first match wins.

A table is written in TOML (``SegmentTable.load``), in Python (``SegmentTable(rules)``) or
comes with the package (``SegmentTable.named``). It is checked when it is made: a table that
exists names every client, and each of its segments can be reached.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, fields
from functools import cache, reduce
from importlib.resources import files
from importlib.resources.abc import Traversable
from operator import and_, or_
from pathlib import Path
from typing import Any, Final, TypeGuard

import polars as pl

from grc_fast.errors import OptionError
from grc_fast.labels import LANGUAGES, check_lang, nearest, text

__all__ = ["SegmentCondition", "SegmentRule", "SegmentTable", "on_five"]

_SCALE: Final = 5
"""Tables speak of quintiles, whatever the number of bands of the model."""

_CODES: Final = _SCALE**3


# ---------------------------------------------------------------------------- conditions


@dataclass(frozen=True, kw_only=True)
class SegmentCondition:
    """Conditions that must all hold. One that is left out holds for every client.

    Parameters
    ----------
    r, f, m
        First and last points taken, both included, on the scale of five (5 is best). A single
        number ``4`` stands for ``(4, 4)``, here and in `group`.
    group
        First and last group taken, on the scale of five (1 answers best).
    points
        Least and greatest weighted sum of points taken, as the model computes it.
    tenure_max
        The first purchase is at most this many days before ``as_of``. A client whose first
        purchase is unknown does not meet it.
    where
        A SQL condition over the columns of the client's row. Null counts as false.

    Raises
    ------
    OptionError
        A range is reversed, outside its scale or not made of numbers, or the SQL does not
        parse.

    Examples
    --------
    >>> SegmentCondition(r=(4, 5), tenure_max=90).r
    (4, 5)
    """

    r: tuple[int, int] | None = None
    f: tuple[int, int] | None = None
    m: tuple[int, int] | None = None
    group: tuple[int, int] | None = None
    points: tuple[float, float] | None = None
    tenure_max: int | None = None
    where: str | None = None

    def __post_init__(self) -> None:
        for key in ("r", "f", "m", "group"):
            object.__setattr__(self, key, _range_of_five(key, getattr(self, key)))
        object.__setattr__(self, "points", _range_of_points(self.points))
        _check_tenure(self.tenure_max)
        if self.where is not None:
            _parse_sql(self.where)

    def to_dict(self) -> dict[str, Any]:
        """Return the conditions that are set, in types that JSON and TOML know."""
        written = {key: getattr(self, key) for key in _CONDITION_KEYS}
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in written.items()
            if value is not None
        }


_CONDITION_KEYS: Final = tuple(key.name for key in fields(SegmentCondition))


@dataclass(frozen=True)
class SegmentRule(SegmentCondition):
    """One segment: its name, its labels and the conditions that lead to it.

    The conditions are those of `SegmentCondition`; a rule without any takes every client that
    the rules above it have left.

    Parameters
    ----------
    name
        The key of the segment, unique in its table.
    labels
        What readers see, by language: ``{"en": ..., "fr": ...}``. The English label is the
        name where it is left out.
    any
        Alternatives, of which one at least must hold besides the rule's other conditions.

    Raises
    ------
    OptionError
        A condition, a label or an alternative is wrong; the message names it.

    Examples
    --------
    >>> rule = SegmentRule("vip", labels={"fr": "privilégiés"}, r=(4, 5), m=(5, 5))
    >>> rule.label("en"), rule.label("fr")
    ('vip', 'privilégiés')
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict, kw_only=True, hash=False)
    any: tuple[SegmentCondition, ...] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not _is_clean_text(self.name):
            raise OptionError(
                f"name = {self.name!r} is not a segment's name: write some text, on one line and"
                " without spaces around it"
            )
        with _saying_where(f"segment {self.name!r}"):
            super().__post_init__()
            object.__setattr__(self, "labels", _checked_labels(self.labels))
            object.__setattr__(self, "any", _checked_alternatives(self.any))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SegmentRule:
        """Make a rule from the keys of a ``[[segment]]`` of a TOML file.

        Examples
        --------
        >>> SegmentRule.from_dict({"name": "vip", "r": [4, 5]}).r
        (4, 5)
        """
        if not isinstance(data, Mapping):
            raise OptionError(f"{data!r} is not a segment: write its name and conditions")
        if "name" not in data:
            raise OptionError("name is missing: give the segment a name")
        with _saying_where(f"segment {data['name']!r}"):
            _check_keys(data, _RULE_KEYS)
        return cls(**data)

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as ``from_dict`` takes it, in types that JSON and TOML know."""
        written: dict[str, Any] = {"name": self.name}
        if self.labels:
            written["labels"] = dict(self.labels)
        written |= super().to_dict()
        if self.any is not None:
            written["any"] = [alternative.to_dict() for alternative in self.any]
        return written

    def label(self, lang: str = "en") -> str:
        """Return the rule's label in a language; the English one defaults to the name.

        Raises
        ------
        OptionError
            The language is unknown or the rule has no label in it.
        """
        check_lang(lang)
        label = self.labels.get(lang, self.name if lang == "en" else None)
        if label is None:
            raise OptionError(f"segment {self.name!r}: labels.{lang} is missing, add it")
        return label

    def conditions(self) -> Iterator[SegmentCondition]:
        """Yield the rule's own conditions and then each of its alternatives."""
        yield self
        yield from self.any or ()


_RULE_KEYS: Final = ("name", "labels", *_CONDITION_KEYS, "any")


# --------------------------------------------------------------------------------- table


class SegmentTable:
    """An ordered list of segments; a client belongs to the first whose conditions hold.

    Parameters
    ----------
    rules
        `SegmentRule` objects, or dictionaries with the keys of a ``[[segment]]``.
    name
        What messages and saved models call the table.
    source
        The file the table was read from, for messages.

    Raises
    ------
    OptionError
        A key, a condition or a label is wrong, a name or label is used twice, a segment can
        never be reached or a code of the 125 has no segment.

    Examples
    --------
    >>> table = SegmentTable(
    ...     [
    ...         {"name": "active", "labels": {"fr": "actifs"}, "r": [4, 5]},
    ...         {"name": "others", "labels": {"fr": "autres"}},
    ...     ],
    ...     name="two",
    ... )
    >>> table.labels("fr")
    ['actifs', 'autres']
    >>> table.codes_won()
    {'active': 50, 'others': 75}
    """

    __slots__ = ("_name", "_rules", "_source")

    def __init__(
        self,
        rules: Iterable[SegmentRule | Mapping[str, Any]],
        *,
        name: str = "custom",
        source: str | None = None,
    ) -> None:
        self._name = name
        self._source = source
        with self._saying_which():
            if not _is_clean_text(name):
                raise OptionError(f"name = {name!r} is not a table's name: write some text")
            self._rules = _checked_rules(rules)
            _check_reachable_and_covered(self._rules)

    # ------------------------------------------------------------------ where it is from

    @classmethod
    def named(cls, name: str) -> SegmentTable:
        """Return a table of the package: ``"classic"`` or ``"response"``.

        Examples
        --------
        >>> SegmentTable.named("classic").codes_won()["loyal"]
        22
        """
        return _named(name)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SegmentTable:
        """Read a table from a TOML file.

        Raises
        ------
        OptionError
            The file cannot be read, is not TOML or is not a segment table.
        """
        source = os.fspath(path)
        try:
            written = Path(source).read_bytes()
        except OSError as error:
            reason = error.strerror or str(error)
            raise OptionError(f"segment table {source}: cannot be read ({reason})") from None
        return cls.from_dict(_parse_toml(written, source), name=Path(source).stem, source=source)

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], *, name: str = "custom", source: str | None = None
    ) -> SegmentTable:
        """Make a table from what `to_dict` returns or a TOML file holds.

        Parameters
        ----------
        data
            ``{"name": ..., "segment": [{...}, ...]}``.
        name
            The table's name where `data` has none.
        source
            The file the data come from, for messages.

        Examples
        --------
        >>> table = SegmentTable.named("response")
        >>> SegmentTable.from_dict(table.to_dict()) == table
        True
        """
        with _saying_where(f"segment table {source or repr(name)}"):
            if not isinstance(data, Mapping):
                raise OptionError(f"{data!r} is not a table of segments")
            _check_keys(data, ("name", "segment"))
            rules = data.get("segment")
            if not isinstance(rules, Sequence) or isinstance(rules, str):
                raise OptionError("segments are missing: begin each one with a line [[segment]]")
        return cls(rules, name=data.get("name", name), source=source)

    @classmethod
    def resolve(cls, table: str | os.PathLike[str] | SegmentTable) -> SegmentTable:
        """Return the table that an option ``segments=`` means.

        Parameters
        ----------
        table
            A `SegmentTable`, the name of a table of the package, or the path of a TOML file.

        Examples
        --------
        >>> SegmentTable.resolve("response").name
        'response'
        """
        if isinstance(table, SegmentTable):
            return table
        if isinstance(table, str) and not _looks_like_path(table):
            return cls.named(table)
        if isinstance(table, str | os.PathLike):
            return cls.load(table)
        raise OptionError(
            f"segments = {table!r} is not a segment table: give a name, the path of a .toml file"
            " or a SegmentTable"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the whole table in types that JSON and TOML know."""
        return {"name": self._name, "segment": [rule.to_dict() for rule in self._rules]}

    # ---------------------------------------------------------------------- what it says

    @property
    def name(self) -> str:
        """What messages and saved models call the table."""
        return self._name

    @property
    def source(self) -> str | None:
        """The file the table was read from, if it was."""
        return self._source

    @property
    def rules(self) -> tuple[SegmentRule, ...]:
        """The rules, first match wins."""
        return self._rules

    @property
    def names(self) -> list[str]:
        """The names of the segments in table order."""
        return [rule.name for rule in self._rules]

    @property
    def tenure_limits(self) -> tuple[int, ...]:
        """The distinct ``tenure_max`` of the table, ascending.

        With limits ``(30, 90)`` all clients of a code with a tenure in 0..30, in 31..90, or
        greater or unknown get the same segment; 30, 90 and null stand for the three.
        """
        limits = (part.tenure_max for part in self._conditions())
        return tuple(sorted({limit for limit in limits if limit is not None}))

    @property
    def uses_group(self) -> bool:
        """Whether a condition speaks of the group."""
        return any(part.group is not None for part in self._conditions())

    @property
    def uses_points(self) -> bool:
        """Whether a condition speaks of the weighted sum of points."""
        return any(part.points is not None for part in self._conditions())

    @property
    def uses_columns(self) -> bool:
        """Whether a condition is SQL over the client's columns."""
        return any(part.where is not None for part in self._conditions())

    @property
    def columns(self) -> list[str]:
        """The columns that the SQL conditions read, sorted."""
        parsed = (_parse_sql(part.where) for part in self._conditions() if part.where is not None)
        return sorted({column for sql in parsed for column in sql.meta.root_names()})

    def labels(self, lang: str = "en") -> list[str]:
        """Return the labels in table order.

        Raises
        ------
        OptionError
            The language is unknown, or the table was written without labels in it.
        """
        with self._saying_which():
            return [rule.label(lang) for rule in self._rules]

    def dtype(self, lang: str = "en") -> pl.Enum:
        """Return the type of a segment column: the labels, in table order."""
        return pl.Enum(self.labels(lang))

    def rule(self, name: str) -> SegmentRule:
        """Return the rule of a segment by its name.

        Raises
        ------
        OptionError
            No segment has that name.
        """
        for rule in self._rules:
            if rule.name == name:
                return rule
        with self._saying_which():
            raise OptionError(f"no segment is called {name!r}{nearest(name, self.names)}")

    def describe(self, name: str, lang: str = "en") -> str:
        """Return the conditions of a segment as a reader would say them.

        Examples
        --------
        >>> SegmentTable.named("response").describe("neither")
        'group 3'
        """
        return _describe_rule(self.rule(name), check_lang(lang))

    # ------------------------------------------------------------------------ evaluation

    def expr(
        self,
        r5: pl.Expr,
        f5: pl.Expr,
        m5: pl.Expr,
        *,
        group: pl.Expr | None = None,
        tenure: pl.Expr | None = None,
        points: pl.Expr | None = None,
        lang: str = "en",
    ) -> pl.Expr:
        """Return the segment as one expression, named ``segment``.

        Parameters
        ----------
        r5, f5, m5
            Points on the scale of five (see `on_five`); ``pl.lit(3)`` for a criterion that is
            left out. Where one is null the client is not scored and the segment is null.
        group
            The group on the scale of five; needed if `uses_group`.
        tenure
            Whole days since the first purchase; null or left out where unknown, and then no
            condition on the tenure holds.
        points
            The weighted sum of points; needed if `uses_points`.
        lang
            The language of the labels.

        Returns
        -------
        pl.Expr
            Of type ``self.dtype(lang)``. Conditions in SQL read the columns of the frame that
            the expression is evaluated on.

        Raises
        ------
        OptionError
            The table speaks of the group or the points and they are not given.

        Examples
        --------
        >>> frame = pl.DataFrame({"r": [5, 1, None], "f": [5, 1, 1], "m": [5, 4, 1]})
        >>> table = SegmentTable.named("classic")
        >>> frame.select(table.expr(pl.col("r"), pl.col("f"), pl.col("m"), lang="fr"))[
        ...     "segment"
        ... ].to_list()
        ['champions', 'à risque', None]
        """
        given = _Given(r5, f5, m5, group=group, tenure=tenure, points=points)
        return self._first_match(given, self.labels(lang))

    def rule_of(
        self,
        r5: int,
        f5: int,
        m5: int,
        *,
        group: int | None = None,
        tenure: int | None = None,
        points: float | None = None,
        row: pl.DataFrame | None = None,
    ) -> str:
        """Return the name of the segment that one client belongs to.

        Parameters
        ----------
        r5, f5, m5, group, tenure, points
            As in `expr`, for one client.
        row
            The client's row, a frame of one row; needed if `uses_columns`.

        Raises
        ------
        OptionError
            Something that the table speaks of is not given.

        Examples
        --------
        >>> table = SegmentTable.named("classic")
        >>> table.rule_of(1, 2, 2, tenure=90), table.rule_of(1, 2, 2, tenure=91)
        ('new', 'lost')
        """
        frame = pl.DataFrame({"client": [0]}) if row is None else row
        with self._saying_which():
            if row is None and self.uses_columns:
                raise OptionError("row is missing: the table has SQL conditions on columns")
            if frame.height != 1:
                raise OptionError(f"row has {frame.height} rows: give the row of one client")
        given = _Given(
            pl.lit(r5),
            pl.lit(f5),
            pl.lit(m5),
            group=None if group is None else pl.lit(group),
            tenure=None if tenure is None else pl.lit(tenure),
            points=None if points is None else pl.lit(points),
        )
        return str(frame.select(self._first_match(given, self.names)).item())

    def codes(self) -> pl.DataFrame:
        """Return the segment of each code, for clients of unknown tenure.

        Conditions in SQL and on `points` count as false here.

        Returns
        -------
        pl.DataFrame
            ``r``, ``f``, ``m`` (UInt8), then ``group`` (UInt8) if the table speaks of groups,
            and ``segment`` (Enum of the names): 125 rows, or 625 with groups.

        Examples
        --------
        >>> SegmentTable.named("classic").codes().row(124)
        (5, 5, 5, 'champions')
        """
        cells = _cells(with_group=self.uses_group, tenures=[None])
        given = _Given.of_cells(cells, unknown=False)
        return cells.with_columns(self._first_match(given, self.names)).drop("tenure")

    def codes_won(self) -> dict[str, int]:
        """Return how many of the rows of `codes` each segment gets, in table order."""
        counts = self.codes().get_column("segment").value_counts()
        won = dict(counts.cast({"segment": pl.String}).iter_rows())
        return {name: won.get(name, 0) for name in self.names}

    def check_columns(self, columns: Iterable[str] | Mapping[str, Any]) -> None:
        """Check the SQL conditions against the columns they will meet.

        Parameters
        ----------
        columns
            The names of the columns, or a schema; with a schema the types are checked too.

        Raises
        ------
        OptionError
            A condition reads a column that does not exist, or does not give true or false.
        """
        names = list(columns)
        for rule in self._rules:
            conditions = [part.where for part in rule.conditions() if part.where is not None]
            with self._saying_which(), _saying_where(f"segment {rule.name!r}"):
                for sql in conditions:
                    _check_sql_columns(sql, names)
                    if isinstance(columns, Mapping):
                        _check_sql_type(sql, columns)

    # --------------------------------------------------------------------------- private

    def _conditions(self) -> Iterator[SegmentCondition]:
        for rule in self._rules:
            yield from rule.conditions()

    def _first_match(self, given: _Given, categories: Sequence[str]) -> pl.Expr:
        with self._saying_which():
            if self.uses_group and given.group is None:
                raise OptionError("group is missing: the table has conditions on it")
            if self.uses_points and given.points is None and given.unknown is None:
                raise OptionError("points are missing: the table has conditions on them")
        dtype = pl.Enum(categories)
        chain = pl.lit(None, dtype=dtype)
        for rule, category in zip(reversed(self._rules), reversed(categories), strict=True):
            matches = _rule_holds(rule, given)
            chain = pl.when(matches).then(pl.lit(category, dtype=dtype)).otherwise(chain)
        scored = given.r.is_not_null() & given.f.is_not_null() & given.m.is_not_null()
        return pl.when(scored).then(chain).alias("segment")

    def _saying_which(self) -> AbstractContextManager[None]:
        return _saying_where(f"segment table {self._source or repr(self._name)}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SegmentTable):
            return NotImplemented
        return self._name == other._name and self._rules == other._rules

    def __hash__(self) -> int:
        return hash((self._name, self._rules))

    def __repr__(self) -> str:
        return f"SegmentTable({self._name!r}: {', '.join(self.names)})"


def on_five(points: pl.Expr, bins: int) -> pl.Expr:
    """Rescale points out of `bins` (or a group out of `bins`) to the scale of five.

    Returns
    -------
    pl.Expr
        ``ceil(5 * points / bins)``, UInt8; null stays null.

    Examples
    --------
    >>> pl.select(on_five(pl.Series([1, 3, 10]), 10)).to_series().to_list()
    [1, 2, 5]
    """
    # UInt32, because 5 x 52 no longer fits the UInt8 that points come in.
    wide = points.cast(pl.UInt32)
    return ((wide * _SCALE + (bins - 1)) // bins).cast(pl.UInt8)


# ---------------------------------------------------------------------------- evaluation


@dataclass(frozen=True)
class _Given:
    """What a table is evaluated on. `unknown` stands for SQL and points where it is set."""

    r: pl.Expr
    f: pl.Expr
    m: pl.Expr
    group: pl.Expr | None = None
    tenure: pl.Expr | None = None
    points: pl.Expr | None = None
    unknown: bool | None = None

    @classmethod
    def of_cells(cls, cells: pl.DataFrame, *, unknown: bool) -> _Given:
        group = pl.col("group") if "group" in cells.columns else None
        r, f, m, tenure = (pl.col(key) for key in ("r", "f", "m", "tenure"))
        return cls(r, f, m, group=group, tenure=tenure, unknown=unknown)


def _rule_holds(rule: SegmentRule, given: _Given) -> pl.Expr:
    own = _condition_holds(rule, given)
    if rule.any is None:
        return own
    return own & reduce(or_, (_condition_holds(part, given) for part in rule.any))


def _condition_holds(part: SegmentCondition, given: _Given) -> pl.Expr:
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
        tests.append(None if part.where is None else _parse_sql(part.where))
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


def _cells(*, with_group: bool, tenures: Sequence[int | None]) -> pl.DataFrame:
    """Return every (r, f, m[, group], tenure) in ascending order, the tenures as given."""
    scale = pl.Series(range(1, _SCALE + 1), dtype=pl.UInt8)
    cells = pl.DataFrame({"r": scale})
    for key in ("f", "m", "group") if with_group else ("f", "m"):
        cells = cells.join(pl.DataFrame({key: scale}), how="cross", maintain_order="left_right")
    last = pl.DataFrame({"tenure": pl.Series(tenures, dtype=pl.Int64)})
    return cells.join(last, how="cross", maintain_order="left_right")


# ----------------------------------------------------------------- checks of a whole table


def _checked_rules(rules: Iterable[SegmentRule | Mapping[str, Any]]) -> tuple[SegmentRule, ...]:
    checked: list[SegmentRule] = []
    for number, rule in enumerate(rules, start=1):
        if isinstance(rule, SegmentRule):
            checked.append(rule)
            continue
        with nullcontext() if _has_name(rule) else _saying_where(f"segment number {number}"):
            checked.append(SegmentRule.from_dict(rule))
    if not checked:
        raise OptionError("segments are missing: begin each one with a line [[segment]]")
    _check_unique("name", [rule.name for rule in checked])
    for lang in LANGUAGES:
        _check_language(checked, lang)
    return tuple(checked)


def _has_name(rule: object) -> bool:
    """Say whether messages can call the segment by its name rather than by its place."""
    return isinstance(rule, Mapping) and _is_clean_text(rule.get("name"))


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


def _check_reachable_and_covered(rules: Sequence[SegmentRule]) -> None:
    """Follow every code through the table, as the evaluation does.

    SQL and points are not known here. Conditions are joined by "and" and "or" only, so
    reading the unknown ones as true gives every cell a rule may take, and as false those it is
    sure to take.
    """
    parts = [part for rule in rules for part in rule.conditions()]
    limits = {part.tenure_max for part in parts if part.tenure_max is not None}
    with_group = any(part.group is not None for part in parts)
    cells = _cells(with_group=with_group, tenures=[*sorted(limits), None])
    may, sure = (_holds_on(cells, rules, unknown=unknown) for unknown in (True, False))
    taken_by: list[pl.Series] = []
    free = pl.repeat(value=True, n=cells.height, eager=True)
    for number, rule in enumerate(rules):
        if not (may[number] & free).any():
            takers = [
                other.name
                for other, taken in zip(rules, taken_by, strict=False)
                if (taken & may[number]).any()
            ]
            raise OptionError(f"segment {rule.name!r} can never be reached: {_why(takers)}")
        taken_by.append(sure[number] & free)
        free = free & ~sure[number]
    if free.any():
        unsure = any(part.where is not None or part.points is not None for part in parts)
        raise OptionError(_uncovered(cells.filter(free), sorted(limits), unsure=unsure))


def _holds_on(
    cells: pl.DataFrame, rules: Sequence[SegmentRule], *, unknown: bool
) -> list[pl.Series]:
    given = _Given.of_cells(cells, unknown=unknown)
    holds = [_rule_holds(rule, given).alias(str(n)) for n, rule in enumerate(rules)]
    # with_columns, and not select, so that a condition that is a mere literal fills its column.
    return cells.with_columns(holds).select(str(n) for n in range(len(rules))).get_columns()


def _why(takers: Sequence[str]) -> str:
    if not takers:
        return "its own conditions exclude one another"
    names = ", ".join(repr(name) for name in takers)
    return f"{names} above it take all its codes, so move it up or remove it"


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


# -------------------------------------------------------------- checks of one rule's keys


@contextmanager
def _saying_where(place: str) -> Iterator[None]:
    """Begin the message of an error with the place it is about."""
    try:
        yield
    except OptionError as error:
        raise OptionError(f"{place}: {error}") from None


def _check_keys(data: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in data:
        if key not in known:
            raise OptionError(f"unknown key {key!r}{nearest(key, known)}")


def _range_of_five(key: str, value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    if _is_whole(value):
        value = (value, value)
    if not _is_pair(value) or not all(_is_whole(end) for end in value):
        raise OptionError(
            f"{key} = {_written(value)} is not a range: write two whole numbers from 1 to"
            f" {_SCALE}, such as {key} = [4, 5]"
        )
    low, high = value
    _check_order(key, low, high)
    if low < 1 or high > _SCALE:
        raise OptionError(f"{key} = [{low}, {high}] is outside the scale: it runs from 1 to 5")
    return (low, high)


def _range_of_points(value: object) -> tuple[float, float] | None:
    if value is None:
        return None
    if not _is_pair(value) or not all(
        isinstance(end, int | float) and not isinstance(end, bool) for end in value
    ):
        raise OptionError(
            f"points = {_written(value)} is not a range: write two numbers, such as"
            " points = [12, 15]"
        )
    low, high = value
    _check_order("points", low, high)
    return (low, high)


def _check_order(key: str, low: float, high: float) -> None:
    # `not <=` rather than `>`, so that a NaN is refused too.
    if not low <= high:
        raise OptionError(f"{key} = [{low}, {high}] is reversed: write {key} = [{high}, {low}]")


def _check_tenure(value: object) -> None:
    if value is None:
        return
    if not _is_whole(value) or value < 0:
        raise OptionError(
            f"tenure_max = {_written(value)} is not a number of days: write a whole number, such"
            " as tenure_max = 90"
        )


def _checked_labels(labels: object) -> dict[str, str]:
    if not isinstance(labels, Mapping):
        raise OptionError(
            f"labels = {_written(labels)} is not a label a language: write labels ="
            ' { en = "...", fr = "..." }'
        )
    for lang, label in labels.items():
        if lang not in LANGUAGES:
            raise OptionError(f"labels: unknown language {lang!r}{nearest(lang, LANGUAGES)}")
        if not _is_clean_text(label):
            raise OptionError(
                f"labels.{lang} = {_written(label)} is not a label: write some text, on one line"
                " and without spaces around it"
            )
    return dict(labels)


def _checked_alternatives(value: object) -> tuple[SegmentCondition, ...] | None:
    if value is None:
        return None
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence) or not value:
        raise OptionError(
            f"any = {_written(value)} is not a list of alternatives: write any ="
            " [{ r = [4, 5] }, { tenure_max = 90 }]"
        )
    return tuple(_checked_alternative(n, part) for n, part in enumerate(value, start=1))


def _checked_alternative(number: int, part: object) -> SegmentCondition:
    with _saying_where(f"alternative {number} of any"):
        if type(part) is not SegmentCondition:
            if not isinstance(part, Mapping):
                raise OptionError(f"{_written(part)} is not a condition: write {{ r = [4, 5] }}")
            _check_keys(part, _CONDITION_KEYS)
            part = SegmentCondition(**part)
        if not part.to_dict():
            raise OptionError("it has no condition and holds for everyone: write one or remove it")
    return part


def _parse_sql(sql: object) -> pl.Expr:
    if not isinstance(sql, str):
        raise OptionError(f"where = {_written(sql)} is not text: write a SQL condition in quotes")
    try:
        parsed = pl.sql_expr(sql)
    except pl.exceptions.PolarsError as error:
        reason = _first_line(error)
        raise OptionError(f"where = {sql!r} is not a SQL condition ({reason})") from None
    if parsed.meta.has_multiple_outputs():
        raise OptionError(f"where = {sql!r} has several values: write one condition")
    return parsed


def _check_sql_columns(sql: str, names: Sequence[str]) -> None:
    for column in sorted(set(_parse_sql(sql).meta.root_names())):
        if column not in names:
            raise OptionError(f"where = {sql!r}: no column {column!r}{nearest(column, names)}")


def _check_sql_type(sql: str, schema: Mapping[str, Any]) -> None:
    """Evaluate the condition on a frame of these columns without rows."""
    try:
        # Eager: the schema of a lazy query is silent on a text compared with a number.
        found = pl.DataFrame(schema=dict(schema)).select(_parse_sql(sql)).dtypes[0]
    except pl.exceptions.PolarsError as error:
        raise OptionError(f"where = {sql!r} cannot be computed ({_first_line(error)})") from None
    if found not in (pl.Boolean, pl.Null):
        raise OptionError(f"where = {sql!r} gives {found}, not true or false: compare it")


def _first_line(error: Exception) -> str:
    """Leave out the query plan that Polars appends to its messages."""
    return str(error).strip().partition("\n")[0]


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_pair(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple) and len(value) == 2


def _is_clean_text(value: object) -> bool:
    return isinstance(value, str) and bool(value) and value == value.strip() and value.isprintable()


def _written(value: object) -> str:
    """Show a value as TOML would: a tuple is written as a list."""
    return repr(list(value)) if isinstance(value, tuple) else repr(value)


# -------------------------------------------------------------------------- text and files


def _describe_rule(rule: SegmentRule, lang: str) -> str:
    own = _describe_condition(rule, lang)
    if rule.any is None:
        return own or text("condition.everyone", lang)
    either = reduce(
        lambda left, right: text("condition.or", lang, left=left, right=right),
        (_describe_condition(part, lang) for part in rule.any),
    )
    return text("condition.and", lang, left=own, right=either) if own else either


def _describe_condition(part: SegmentCondition, lang: str) -> str:
    said: list[str] = []
    if part.tenure_max is not None:
        said.append(text("condition.tenure", lang, days=part.tenure_max))
    for key in ("r", "f", "m", "group", "points"):
        span: tuple[float, float] | None = getattr(part, key)
        if span is not None:
            said.append(_describe_range(text(f"condition.{key}", lang), span, lang))
    if part.where is not None:
        said.append(text("condition.where", lang, sql=part.where))
    return ", ".join(said)


def _describe_range(what: str, span: tuple[float, float], lang: str) -> str:
    low, high = span
    if low == high:
        return text("condition.exact", lang, what=what, value=low)
    return text("condition.range", lang, what=what, low=low, high=high)


def _looks_like_path(name: str) -> bool:
    return name.lower().endswith(".toml") or "/" in name or os.sep in name


def _parse_toml(written: bytes, source: str) -> dict[str, Any]:
    try:
        # utf-8-sig: Windows editors put a byte order mark first, which TOML does not know.
        return tomllib.loads(written.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise OptionError(
            f"segment table {source}: byte {error.start} is not UTF-8, save the file as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"segment table {source}: not valid TOML, {error}") from None


def _shipped() -> dict[str, Traversable]:
    """Return the tables of the package, so that a new file needs no new code."""
    folder = files(__package__).joinpath("tables")
    found = {file.name.removesuffix(".toml"): file for file in folder.iterdir()}
    return dict(sorted(found.items()))


@cache
def _named(name: str) -> SegmentTable:
    shipped = _shipped()
    if name not in shipped:
        raise OptionError(
            f"segments = {name!r} is not a segment table{nearest(name, shipped)}; a table of your"
            " own is given as the path of a .toml file"
        )
    data = tomllib.loads(shipped[name].read_text(encoding="utf-8"))
    return SegmentTable.from_dict(data, name=name)
