"""Segment tables: ordered rules that name the clients, the first match wins.

A table is written in TOML (``SegmentTable.load``), in Python (``SegmentTable(rules)``) or
comes with the package (``SegmentTable.named``). It is checked when it is made: a table that
exists names every client, and says which of its segments no client can reach.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import polars as pl

from grc_fast._utils.messages import nearest
from grc_fast._utils.panics import panics_as_errors
from grc_fast._utils.processes import check_process
from grc_fast._utils.validation import is_nested_deeply
from grc_fast.errors import OptionError
from grc_fast.labels.catalogue import check_lang
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase
from grc_fast.rfm.segments.describe import describe_rule
from grc_fast.rfm.segments.evaluate import Given, code_cells, first_match
from grc_fast.rfm.segments.rule import (
    SegmentCondition,
    SegmentRule,
    check_keys,
    is_clean_text,
    parse_sql,
    read_rules,
    saying_where,
)
from grc_fast.rfm.segments.validate import check_covered, check_sql, checked_rules


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
        A key, a condition or a label is wrong, a name or label is used twice, or a code of the
        125 has no segment.

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

    __slots__ = ("_name", "_rules", "_source", "_unreachable")

    def __init__(
        self,
        rules: Iterable[SegmentRule | Mapping[str, Any]],
        *,
        name: str = "custom",
        source: str | None = None,
    ) -> None:
        check_process()
        self._name = name
        self._source = source
        with self._saying_which():
            if not is_clean_text(name):
                raise OptionError(f"name = {name!r} is not a table's name: write some text")
            self._rules = checked_rules(rules)
            self._unreachable = check_covered(self._rules)

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
        with saying_where(f"segment table {source}"):
            data = read_rules(source)
        return cls.from_dict(data, name=Path(source).stem, source=source)

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
        with saying_where(f"segment table {source or repr(name)}"):
            if not isinstance(data, Mapping):
                raise OptionError(f"{data!r} is not a table of segments")
            if is_nested_deeply(data):
                raise OptionError("it is nested too deeply to be read")
            check_keys(data, ("name", "segment"))
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
        parsed = (parse_sql(part.where) for part in self._conditions() if part.where is not None)
        return sorted({column for sql in parsed for column in sql.meta.root_names()})

    @property
    def warnings(self) -> list[Wording]:
        """One sentence for each segment that no client can reach.

        Examples
        --------
        >>> table = SegmentTable([{"name": "all"}, {"name": "vip", "r": 5}], name="two")
        >>> table.warnings[0].partition(": 'all'")[0]
        "segment table 'two': segment 'vip' can never be reached"
        """
        return [
            Phrase("rules.of_table", table=self._source or repr(self._name), said=said)
            for said in self._unreachable
        ]

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
        return describe_rule(self.rule(name), check_lang(lang))

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
        given = Given(r5, f5, m5, group=group, tenure=tenure, points=points)
        return self._first_match(given, self.labels(lang))

    @panics_as_errors()
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
        given = Given(
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
        cells = code_cells(with_group=self.uses_group, tenures=[None])
        given = Given.of_cells(cells, unknown=False)
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
        with self._saying_which():
            check_sql(self._rules, columns)

    # --------------------------------------------------------------------------- private

    def _conditions(self) -> Iterator[SegmentCondition]:
        for rule in self._rules:
            yield from rule.conditions()

    def _first_match(self, given: Given, categories: Sequence[str]) -> pl.Expr:
        with self._saying_which():
            if self.uses_group and given.group is None:
                raise OptionError("group is missing: the table has conditions on it")
            if self.uses_points and given.points is None and given.unknown is None:
                raise OptionError("points are missing: the table has conditions on them")
        chain = first_match(self._rules, given, categories)
        scored = given.r.is_not_null() & given.f.is_not_null() & given.m.is_not_null()
        return pl.when(scored).then(chain).alias("segment")

    @property
    def _which(self) -> str:
        return f"segment table {self._source or repr(self._name)}"

    def _saying_which(self) -> AbstractContextManager[None]:
        return saying_where(self._which)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SegmentTable):
            return NotImplemented
        return self._name == other._name and self._rules == other._rules

    def __hash__(self) -> int:
        return hash((self._name, self._rules))

    def __repr__(self) -> str:
        return f"SegmentTable({self._name!r}: {', '.join(self.names)})"


def _looks_like_path(name: str) -> bool:
    return name.lower().endswith(".toml") or "/" in name or os.sep in name


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
