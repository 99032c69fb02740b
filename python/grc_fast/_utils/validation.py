"""What files hold, validated by pydantic: every error is one sentence that says where and what."""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, TypeVar, cast, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from grc_fast._utils.messages import nearest
from grc_fast.errors import OptionError

#: The lines of a rule file on which sections (by name) and rules (by number, from 0) begin.
Lines = Mapping[str | int, int]


# Deeper than anything that these files hold, and far from what the interpreter cannot follow.
_DEEPEST: Final = 60


# A key of so many parts, which the parser takes a time for that grows with their square.
_LONG_KEY: Final = re.compile(r"(?<![\w.-])(?:[\w-]++[ \t]*+\.[ \t]*+){60}")


def toml_of(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises
    ------
    ValueError
        If it is none.
    RecursionError
        If it is nested more deeply than can be read.
    """
    if _LONG_KEY.search(text):
        raise RecursionError
    return tomllib.loads(text)


def is_nested_deeply(data: object) -> bool:
    """Whether lists and dictionaries stand in each other more often than can be looked at.

    Examples
    --------
    >>> is_nested_deeply({"a": [1, {"b": 2}]})
    False
    """
    level: list[Any] = [data]
    for _ in range(_DEEPEST):
        level = [
            part
            for holder in level
            for part in (holder.values() if isinstance(holder, Mapping) else holder)
            if isinstance(part, Mapping | list | tuple)
        ]
        if not level:
            return False
    return True


class TwoNamesError(ValueError):
    """Two rules have one name: where they stand, from 1."""

    def __init__(self, name: str, first: int, second: int) -> None:
        super().__init__(self._text(name, f"the {_nth(first)} and the {_nth(second)}"))
        self.name, self.places = name, (first - 1, second - 1)

    def with_lines(self, lines: Lines) -> str:
        """Say the same with the lines of a file."""
        first, second = (lines.get(place) for place in self.places)
        if first is None or second is None:
            return str(self)
        return self._text(self.name, f"on lines {first} and {second}")

    @staticmethod
    def _text(name: str, where: str) -> str:
        return f"two rules are named {name!r} ({where}): ledgers tell rules apart by their names"


class PlacedError(ValueError):
    """A fault of several sections together: the one where it is told."""

    def __init__(self, section: str, text: str) -> None:
        super().__init__(f"[{section}]: {text}")
        self.section, self.text = section, text

    def with_lines(self, lines: Lines) -> str:
        """Say the same with the line of a file."""
        return f"[{self.section}]{_on_line(lines, self.section)}: {self.text}"


class Section(BaseModel):
    """What all parts of files share: no key but those that are known, no value of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class WrongRulesError(OptionError):
    """What validation found, before the place is known."""

    def __init__(
        self, error: ValidationError, rules: Mapping[str, Any], model: type[BaseModel]
    ) -> None:
        super().__init__(f"the rules: {sentence(error, rules, None, model)}")
        self.error = error


def lines_of(text: str) -> Lines:
    """Find the lines on which sections and rules begin, and keys outside them stand."""
    lines: dict[str | int, int] = {}
    rules, inside = 0, False
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(r"\s*+\[\[\s*+rule\s*+\]\]", line):
            lines[rules] = number
            rules, inside = rules + 1, True
        elif found := re.match(r"\s*+\[([^\[\]]++)\]", line):
            lines.setdefault(found[1].strip().replace('"', "").replace(" ", ""), number)
            inside = True
        elif not inside and (found := re.match(r"\s*+\"?([\w-]++)\"?[^=]*+=", line)):
            lines.setdefault(found[1], number)
    return lines


def sentence(
    error: ValidationError,
    rules: Mapping[str, Any],
    lines: Lines | None,
    model: type[BaseModel],
) -> str:
    """Say what is wrong first: where, what, and what would be right."""
    first, location = _first_fault(error)
    where = _where(location, rules, lines)
    kind, given = first["type"], first["input"]
    key = str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        return f"{where[0]}there is no key {key!r}{nearest(key, _keys_beside(location, model))}"
    if kind == "missing":
        return f"{where[0]}the key {key!r} is missing"
    if kind == "literal_error":
        expected = first["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        return f"{where[1]}{given!r} is none of {expected}{nearest(given, expected.split(', '))}"
    if kind == "value_error":
        told = first["ctx"]["error"]
        if isinstance(told, TwoNamesError | PlacedError) and lines is not None:
            told = told.with_lines(lines)
        return f"{where[1]}{told}"
    return f"{where[1]}{given!r} {_MESSAGES.get(kind, first['msg'].removeprefix('Input '))}"


def _first_fault(error: ValidationError) -> tuple[Any, list[Any]]:
    """Return the fault to tell, and the keys and numbers at which it stands."""
    # A misspelt key is also one that is missing: the slip says more.
    first = min(
        error.errors(include_url=False), key=lambda fault: fault["type"] != "extra_forbidden"
    )
    return first, [part for part in first["loc"] if not _is_branch(part)]


def _is_branch(part: object) -> bool:
    """Whether a part of a location is no key, but the name of a branch of a union."""
    return isinstance(part, str) and bool(re.search(r"[\[\]()]|^(str|int|bool|float)$", part))


# How faults of types and shapes are told, by the names that they have in pydantic.
_MESSAGES: Final[Mapping[str, str]] = {
    "string_type": "must be text",
    "string_too_short": "must be text that is not empty",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "list_type": "must be a list",
    "too_short": "must not be empty",
    "dict_type": "must be a section of keys and values",
    "model_type": "must be a section of keys and values",
    "greater_than_equal": "must not be below 0",
}


def _where(location: list[Any], rules: Mapping[str, Any], lines: Lines | None) -> tuple[str, str]:
    """Name the place of a fault: the section, and the key in it."""
    if not location:
        return "", ""
    section, *rest = location
    if section == "rule" and rest and isinstance(rest[0], int):
        number = rest[0]
        given = rules.get("rule", [])[number]
        name = given.get("name") if isinstance(given, Mapping) else None
        place = f"rule {name!r}" if name else f"the {_nth(number + 1)} rule"
        place += _on_line(lines, number)
        rest = rest[1:]
    elif rest and section == "groups":
        name, *rest = rest
        place = f"[groups.{name}]" + _on_line(lines, f"groups.{name}", "groups")
    elif rest:
        place = f"[{section}]" + _on_line(lines, str(section))
    else:
        line = _on_line(lines, str(section))
        place = line.strip(" ()")
        rest = [section]
    before = f"{place}: " if place else ""
    keys = [str(part) for part in rest if isinstance(part, str)]
    return before, f"{before}{'.'.join(keys)}: " if keys else before


def _on_line(lines: Lines | None, *names: str | int) -> str:
    """Say on which line the first of some names stands that is known."""
    found = next((lines[name] for name in names if name in lines), None) if lines else None
    return "" if found is None else f" (line {found})"


def _keys_beside(location: list[Any], model: type[BaseModel]) -> Iterable[str]:
    """Return the keys that there are where one is wrong."""
    for part in location[:-1]:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        model = model if field is None else (_section_in(field.annotation) or model)
    return model.model_fields


def _section_in(annotation: object) -> type[BaseModel] | None:
    """Return the section that a field holds: itself, in a list or a dictionary, or none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_section_in, get_args(annotation))), None)


def _nth(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


_Part = TypeVar("_Part", bound=BaseModel)


def part_of(model: type[_Part], data: object, title: str = "") -> _Part:
    """Validate a part of a JSON file; a ValueError says which of its values must be what."""
    try:
        return model.model_validate(dict(data) if isinstance(data, Mapping) else data)
    except ValidationError as error:
        first, location = _first_fault(error)
    *parents, key = [title, *location]
    parent, place = _dotted(parents), _dotted([*parents, key])
    match first["type"]:
        case "extra_forbidden" | "invalid_key":
            near = nearest(key, _keys_beside(location, model))
            raise ValueError(f"{parent} has an unknown key {key!r}{near}")
        case "missing":
            raise ValueError(f"{parent} has no key {key!r}")
        case "value_error":
            raise ValueError(f"{place} {first['ctx']['error']}")
        case "model_type" | "dict_type":
            raise ValueError(f"{place} must be an object, not {shown(first['input'])}")
        case kind:
            raise ValueError(f"{place} {_MESSAGES[kind]}, not {shown(first['input'])}")


def _dotted(parts: Iterable[object]) -> str:
    return ".".join(part for part in parts if isinstance(part, str) and part) or "the file"


def saying(wrong: str) -> WrapValidator:
    """Say of a value of another type what is wrong; `{given}` is what the file holds."""

    def check(value: object, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise ValueError(wrong.format(given=shown(value))) from None

    return WrapValidator(check)


def shown(value: object) -> str:
    """Show a value of a JSON file, cut if it is long."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:37]}…"


def _day(value: object) -> dt.date:
    try:
        return dt.date.fromisoformat(cast(str, value))
    except (TypeError, ValueError):
        raise ValueError(f"must be a day as 2026-11-01, not {shown(value)}") from None


Day = Annotated[dt.date, BeforeValidator(_day)]
Count = Annotated[int, Field(ge=0), saying("must be a whole number from 0, not {given}")]
