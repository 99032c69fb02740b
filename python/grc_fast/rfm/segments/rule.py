"""One segment: its name, its labels and its conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, TypeGuard

import polars as pl

from grc_fast._utils.messages import first_clause, first_line, nearest, quoted_sql
from grc_fast._utils.validation import toml_of
from grc_fast.errors import OptionError
from grc_fast.io.sql import sql_expression
from grc_fast.labels.catalogue import LANGUAGES, check_lang

SCALE: Final = 5
"""Tables speak of quintiles, whatever the number of bands of the model."""


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
            parse_sql(self.where)

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
        if not is_clean_text(self.name):
            raise OptionError(
                f"name = {self.name!r} is not a segment's name: write some text, on one line and"
                " without spaces around it"
            )
        with saying_where(f"segment {self.name!r}"):
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
        with saying_where(f"segment {data['name']!r}"):
            check_keys(data, _RULE_KEYS)
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


@contextmanager
def saying_where(place: str) -> Iterator[None]:
    """Begin the message of an error with the place it is about."""
    try:
        yield
    except OptionError as error:
        raise OptionError(f"{place}: {error}") from None


def read_rules(path: str) -> dict[str, Any]:
    """Read a TOML file of rules.

    Raises
    ------
    OptionError
        If it cannot be read, or is no TOML.
    """
    try:
        # utf-8-sig: Windows editors put a byte order mark first, which TOML does not know.
        return toml_of(Path(path).read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise OptionError(f"cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError as error:
        raise OptionError(f"byte {error.start} is not UTF-8, save the file as UTF-8") from None
    except ValueError as error:
        raise OptionError(f"not valid TOML, {first_clause(error)}") from None
    except RecursionError:
        raise OptionError("it is nested too deeply to be read") from None


def check_keys(data: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse keys that a rule does not have."""
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
            f" {SCALE}, such as {key} = [4, 5]"
        )
    low, high = value
    _check_order(key, low, high)
    if low < 1 or high > SCALE:
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
        if not is_clean_text(label):
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
    with saying_where(f"alternative {number} of any"):
        if type(part) is not SegmentCondition:
            if not isinstance(part, Mapping):
                raise OptionError(f"{_written(part)} is not a condition: write {{ r = [4, 5] }}")
            check_keys(part, _CONDITION_KEYS)
            part = SegmentCondition(**part)
        if not part.to_dict():
            raise OptionError("it has no condition and holds for everyone: write one or remove it")
    return part


def parse_sql(sql: object) -> pl.Expr:
    """Parse a SQL condition."""
    if not isinstance(sql, str):
        raise OptionError(f"where = {_written(sql)} is not text: write a SQL condition in quotes")
    try:
        parsed = sql_expression(sql)
    except pl.exceptions.PolarsError as error:
        reason = first_line(error)
        raise OptionError(f"where = {quoted_sql(sql)} is not a SQL condition ({reason})") from None
    if parsed.meta.has_multiple_outputs():
        raise OptionError(f"where = {quoted_sql(sql)} has several values: write one condition")
    return parsed


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_pair(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple) and len(value) == 2


def is_clean_text(value: object) -> bool:
    """Whether a value is text that a reader sees as it is."""
    return isinstance(value, str) and bool(value) and value == value.strip() and value.isprintable()


def _written(value: object) -> str:
    """Show a value as TOML would: a tuple is written as a list."""
    return repr(list(value)) if isinstance(value, tuple) else repr(value)
