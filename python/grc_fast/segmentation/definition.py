"""The definition of segments: ordered rules, and who answers for them."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from grc_fast._utils.dates import parse_day
from grc_fast._utils.processes import check_process
from grc_fast._utils.validation import is_nested_deeply
from grc_fast.errors import OptionError
from grc_fast.labels.catalogue import text
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases
from grc_fast.rfm.segments.rule import (
    SegmentCondition,
    SegmentRule,
    check_keys,
    is_clean_text,
    read_rules,
    saying_where,
)
from grc_fast.rfm.segments.validate import checked_rules


@dataclass(frozen=True)
class Segmentation:
    """Ordered rules over the columns of clients: the first whose conditions hold wins.

    Parameters
    ----------
    rules
        `SegmentRule` objects, or dictionaries with the keys of a ``[[segment]]``.
    name, description, owner
        What the segments are called, what they are for, and who answers for them.
    date
        The day of the definition.
    version
        Its version, text or a whole number.
    default
        The segment of clients whom no rule takes; without it, such clients are an error.

    Raises
    ------
    OptionError
        A key, a condition or a label is wrong, or a name is used twice.

    Examples
    --------
    >>> import grc_fast as grc
    >>> definition = grc.Segmentation(
    ...     [{"name": "vip", "m": [5, 5]}, {"name": "big basket", "where": "mean_basket > 80"}],
    ...     name="autumn", owner="CRM", version=2, default="others",
    ... )
    >>> print(definition)
    segments 'autumn', version 2, by CRM
    """

    rules: tuple[SegmentRule, ...]
    name: str = field(default="segments", kw_only=True)
    description: str | None = field(default=None, kw_only=True)
    owner: str | None = field(default=None, kw_only=True)
    date: dt.date | None = field(default=None, kw_only=True)
    version: str | int | None = field(default=None, kw_only=True)
    default: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_process()
        for key in ("name", "description", "owner", "default"):
            value = getattr(self, key)
            if value is not None and not is_clean_text(value):
                raise OptionError(
                    f"{key} = {value!r} is no text: write some, on one line and without spaces "
                    "around it"
                )
        if self.date is not None:
            object.__setattr__(self, "date", parse_day(self.date))
        version = self.version
        if isinstance(version, bool) or not (
            version is None or isinstance(version, int) or is_clean_text(version)
        ):
            raise OptionError(f"version = {version!r} is no version: write a number, or text")
        object.__setattr__(self, "rules", checked_rules(self.rules))
        names = {text for rule in self.rules for text in (rule.name, *rule.labels.values())}
        if self.default in names:
            raise OptionError(f"default = {self.default!r} is a segment's name as well: change one")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Segmentation:
        """Read a definition from a TOML file.

        Raises
        ------
        OptionError
            The file cannot be read, is not TOML or defines no segments.
        """
        source = os.fspath(path)
        with saying_where(f"rules {source}"):
            return cls.from_dict({"name": Path(source).stem} | read_rules(source))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Segmentation:
        """Make a definition of what `to_dict` returns or a TOML file holds.

        Parameters
        ----------
        data
            ``{"name": ..., "owner": ..., "default": ..., "segment": [{...}, ...]}``.
        """
        if not isinstance(data, Mapping):
            raise OptionError(f"{data!r} is not a definition of segments")
        if is_nested_deeply(data):
            raise OptionError("it is nested too deeply to be read")
        known = [part.name for part in fields(cls) if part.name != "rules"]
        check_keys(data, (*known, "segment"))
        rules = data.get("segment")
        if not isinstance(rules, Sequence) or isinstance(rules, str):
            raise OptionError("segments are missing: begin each one with a line [[segment]]")
        return cls(tuple(rules), **{key: data[key] for key in known if key in data})

    @classmethod
    def resolve(cls, rules: Any) -> Segmentation:
        """Return the definition that an option ``rules=`` means.

        Parameters
        ----------
        rules
            A `Segmentation`, the path of a TOML file, what `from_dict` takes, or a list of rules.
        """
        if isinstance(rules, Segmentation):
            return rules
        if isinstance(rules, str | os.PathLike):
            return cls.load(rules)
        if isinstance(rules, Mapping):
            return cls.from_dict(rules)
        if isinstance(rules, Iterable):
            return cls(tuple(rules))
        raise OptionError(
            f"rules = {rules!r} defines no segments: give the path of a .toml file, a Segmentation "
            "or a list of rules"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the whole definition in types that JSON and TOML know."""
        known = {part.name: getattr(self, part.name) for part in fields(self)}
        known["date"] = None if self.date is None else self.date.isoformat()
        del known["rules"]
        written = {key: value for key, value in known.items() if value is not None}
        return written | {"segment": [rule.to_dict() for rule in self.rules]}

    def conditions(self) -> Iterator[SegmentCondition]:
        """Yield every condition of every rule."""
        for rule in self.rules:
            yield from rule.conditions()

    def __str__(self) -> str:
        return self.said("en")

    def said(self, lang: str) -> str:
        """Return what it is called, and who answers for it."""
        parts: list[Wording] = [Phrase("rules.name", name=repr(self.name))]
        known = {"version": self.version, "date": self.date, "owner": self.owner}
        parts += [
            Phrase(f"rules.{word}", value=value)
            for word, value in known.items()
            if value is not None
        ]
        told = Phrases(parts).said(lang)
        if self.description is None:
            return told
        return text("rules.described", lang, rules=told, description=self.description)
