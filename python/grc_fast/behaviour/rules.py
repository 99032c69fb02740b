"""The rules of behavioural scoring: read from TOML or a dictionary, and validated."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FiniteFloat,
    NonNegativeFloat,
    ValidationError,
    model_validator,
)

from grc_fast import _core
from grc_fast._utils.messages import first_clause, nearest
from grc_fast._utils.validation import (
    Lines,
    PlacedError,
    Section,
    TwoNamesError,
    WrongRulesError,
    is_nested_deeply,
    lines_of,
    sentence,
    toml_of,
)
from grc_fast.errors import OptionError

#: The rule files that ship with the package.
PRESETS: Final = ("course",)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_WEB_KINDS: Final = ("page_view", "search", "click", "download", "form_submit", "purchase")
_BYPASS: Final = ("form_submit", "purchase")
#: The kinds that need a consent to tracking, and the scope of the consent.
OPEN: Final = "email_open"
CLICK: Final = "email_click"
_PLAIN_REPEATS: Final = ("always", "once", "once_per_session", "once_per_page", "once_per_message")
_REPEATS: Final = (
    "once, once_per_session, once_per_page, once_per_message, every 24h, 2 per 7d or always"
)
# More could not be remembered of each minute, and no visitor makes as many.
_MOST_EVENTS: Final = 1_000_000
# As many of as many events as there can be still have a finite sum.
_MOST_POINTS: Final = 1e15
# Groups spelled this nearly as a declared one are taken for slips.
_SLIP: Final = 0.6
Category = Literal["hot", "warm", "eliminatory"]


def micros(duration: str) -> int:
    """Return a duration in microseconds; those whose length varies are refused.

    Examples
    --------
    >>> from grc_fast.behaviour.rules import micros
    >>> micros("30m")
    1800000000
    """
    if re.fullmatch(r"0[smhdw]", duration):
        return 0
    count, unit = _core.parse_duration(duration)
    if unit not in _SECONDS:
        raise OptionError(
            f"the duration {duration!r} is not always equally long: write it in s, m (minutes), "
            "h, d or w"
        )
    return count * _SECONDS[unit] * 1_000_000


def _checked(duration: str) -> str:
    try:
        micros(duration)
    except OptionError as error:
        raise ValueError(str(error)) from None
    return duration


def _above_zero(duration: str) -> str:
    if micros(_checked(duration)) == 0:
        raise ValueError(f"the duration {duration!r} must be above 0")
    return duration


def _page_pattern(pattern: str) -> str:
    try:
        _core.check_page_pattern(pattern)
    except OptionError as error:
        raise ValueError(str(error)) from None
    return pattern


def _repeat(text: str) -> str:
    parse_repeat(text)
    return text


def parse_repeat(text: str) -> tuple[str, int, int]:
    """Return what a limit is, its span in microseconds, and its count.

    Raises
    ------
    ValueError
        If it is none.
    """
    if text in _PLAIN_REPEATS:
        return text, 0, 0
    try:
        if every := re.fullmatch(r"every (\S+)", text):
            return "every", micros(_above_zero(every[1])), 1
        # At most a million: as many instants are remembered.
        if per := re.fullmatch(r"([1-9]\d{0,5}) per (\S+)", text):
            return "per", micros(_above_zero(per[2])), int(per[1])
    except ValueError as error:
        raise ValueError(f"the repeat {text!r} cannot be read: {error}") from None
    raise ValueError(f"the repeat {text!r} is unknown: write {_REPEATS}")


def _events_per_minute(most: object) -> int | Literal[False]:
    """Check a number of events; 0 is none, though it equals false."""
    if most is False:
        return False
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= _MOST_EVENTS:
        raise ValueError(f"{most!r} is neither false nor a whole number from 1 to {_MOST_EVENTS:,}")
    return most


def _kinds(kind: object) -> object:
    """Check one kind of event, or a list of them."""
    kinds = [kind] if isinstance(kind, str) else kind
    if not isinstance(kinds, list) or not kinds:
        raise ValueError(f"{kind!r} is neither a kind of event nor a list of them")
    for one in kinds:
        if not isinstance(one, str) or not one:
            raise ValueError(f"{one!r} is no kind of event: it must be text")
    return kind


def _points(points: float) -> float:
    if abs(points) > _MOST_POINTS:
        raise ValueError(f"{points:g} points are more than can be summed: at most {_MOST_POINTS:g}")
    return points


Duration = Annotated[str, AfterValidator(_checked)]
PositiveDuration = Annotated[str, AfterValidator(_above_zero)]
PagePattern = Annotated[str, AfterValidator(_page_pattern)]
Name = Annotated[str, Field(min_length=1)]
OtherNames = Annotated[list[Name], Field(min_length=1)]


class Session(Section):
    """What a visit is."""

    kinds: list[Name] = Field(default_factory=lambda: list(_WEB_KINDS))
    timeout: PositiveDuration = "30m"
    last_dwell: Duration = "0s"
    max_events_per_minute: Annotated[Any, AfterValidator(_events_per_minute)] = 100


class Density(Section):
    """When a visit earns points."""

    min_dwell: Duration | None = None
    min_clicks: Annotated[int, Field(ge=0)] | None = None
    mode: Literal["all", "any"] = "all"
    bypass: list[Name] = Field(default_factory=lambda: list(_BYPASS))
    theme: list[PagePattern] | None = None


class Pages(Section):
    """How patterns are compared with pages."""

    ignore_case: bool = False


class Tracking(Section):
    """What needs a client's consent to be tracked, beside opens."""

    clicks: bool = False


class Decay(Section):
    """How the weight of an award falls with its age."""

    half_life: PositiveDuration | None = None
    linear: PositiveDuration | None = None
    window: PositiveDuration | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other: keep one of them")
        return self


class ScoreBounds(Section):
    """The bounds of the score."""

    min: FiniteFloat | None = None
    max: FiniteFloat | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min ({self.min:g}) is above max ({self.max:g})")
        return self


class GroupBounds(Section):
    """The bounds of a group's points."""

    floor: FiniteFloat | None = None
    cap: Annotated[NonNegativeFloat, Field(allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.floor is not None and self.cap is not None and self.floor > self.cap:
            raise ValueError(f"floor ({self.floor:g}) is above cap ({self.cap:g})")
        return self


class PhaseWindow(Section):
    """How far back the phase looks."""

    window: PositiveDuration = "14d"


class Rule(Section):
    """One rule."""

    name: Name
    group: Name
    kind: Annotated[str | list[str] | None, BeforeValidator(_kinds)] = None
    page: PagePattern | None = None
    points: Annotated[FiniteFloat, AfterValidator(_points)]
    repeat: Annotated[str, AfterValidator(_repeat)] = "always"
    category: Category | None = None

    @property
    def kinds(self) -> list[str]:
        """The kinds of event that it is about; all of them where there are none."""
        if self.kind is None:
            return []
        return [self.kind] if isinstance(self.kind, str) else list(self.kind)


class BehaviourRules(Section):
    """A whole set of rules, as a rule file holds it.

    Parameters
    ----------
    rule
        The rules: `name`, `group` and `points`; optionally `kind` (one kind of event, or a list),
        `page` (a page, a prefix such as `/guides/*`, a glob, or `re:` and a regular expression;
        compared with the path, and with more of the address where it speaks of more),
        `repeat` and `category`.
    kinds
        What the events call a kind: `purchase = ["achat", "order_placed"]`. They are read as
        events of the kind, everywhere.
    pages
        `ignore_case`: whether patterns match pages that differ by case alone.
    tracking
        `clicks`: whether clicks in e-mails need a consent as opens do, where there is a table of
        consents.
    session
        What a visit is: `kinds`, `timeout`, `last_dwell`, `max_events_per_minute`.
    density
        When a visit earns points: `min_dwell`, `min_clicks`, `mode`, `bypass`, `theme`. Without
        it every visit does.
    decay
        One of `half_life`, `linear` and `window`, or nothing: points then keep their weight.
    score
        `min` and `max` of the score; unbounded where left out.
    groups
        `cap` and `floor` of each group, in the order of their columns; a group that is not here
        has neither, and comes after these.
    phase
        `window`: how far back the phase looks.

    Raises
    ------
    OptionError
        From `load`, `named` and `from_dict`: a key is unknown, a duration, a pattern or a limit
        cannot be read, a cap is negative, two rules have one name, one name is that of two kinds.
        The sentence says where.

    Examples
    --------
    >>> import grc_fast as grc
    >>> rules = grc.BehaviourRules.from_dict({
    ...     "rule": [{"name": "pricing", "group": "web", "kind": "page_view", "page": "/pricing*",
    ...               "points": 10, "repeat": "once_per_session", "category": "hot"}],
    ... })
    >>> rules.group_names
    ['web']
    >>> grc.BehaviourRules.named("course").decay.half_life
    '30d'
    """

    kinds: dict[Name, OtherNames] = Field(default_factory=dict)
    pages: Pages = Field(default_factory=Pages)
    tracking: Tracking = Field(default_factory=Tracking)
    session: Session = Field(default_factory=Session)
    density: Density | None = None
    decay: Decay = Field(default_factory=Decay)
    score: ScoreBounds = Field(default_factory=ScoreBounds)
    groups: dict[Name, GroupBounds] = Field(default_factory=dict)
    phase: PhaseWindow = Field(default_factory=PhaseWindow)
    rule: Annotated[list[Rule], Field(min_length=1)]

    def __init__(self, **sections: Any) -> None:
        try:
            super().__init__(**sections)
        except ValidationError as error:
            raise WrongRulesError(error, sections, type(self)) from None

    @model_validator(mode="after")
    def _names(self) -> Self:
        places: dict[str, int] = {}
        passed: set[str] = set()
        for number, rule in enumerate(self.rule, start=1):
            if rule.name in places:
                raise TwoNamesError(rule.name, places[rule.name], number)
            places[rule.name] = number
            self._check_group(rule, passed)
        return self

    @model_validator(mode="after")
    def _patterns(self) -> Self:
        theme = [] if self.density is None else self.density.theme or []
        pages = [rule.page for rule in self.rule if rule.page is not None]
        try:
            _core.check_page_patterns([*pages, *theme], ignore_case=self.pages.ignore_case)
        except OptionError as error:
            raise ValueError(str(error)) from None
        return self

    @model_validator(mode="after")
    def _other_names(self) -> Self:
        kind_of: dict[str, str] = {}
        for kind, names in self.kinds.items():
            for name in names:
                other = kind_of.setdefault(name, kind)
                if other != kind:
                    raise PlacedError(
                        "kinds",
                        f"{name!r} is another name of both {other!r} and {kind!r}: keep one",
                    )
        for name, place in self._own_kinds():
            if name in kind_of:
                raise PlacedError(
                    "kinds",
                    f"{name!r} is another name of {kind_of[name]!r}, and {place} has it as a kind: "
                    f"write {kind_of[name]!r} there",
                )
        return self

    def _own_kinds(self) -> Iterator[tuple[str, str]]:
        """Give the kinds that are written in the rules, and where."""
        for kind in self.kinds:
            yield kind, "[kinds]"
        for rule in self.rule:
            for kind in rule.kinds:
                yield kind, f"rule {rule.name!r}"
        # Defaults are nobody's words: `click` may be what an export calls the clicks in e-mails.
        if "kinds" in self.session.model_fields_set:
            for kind in self.session.kinds:
                yield kind, "[session]"
        if self.density is not None and "bypass" in self.density.model_fields_set:
            for kind in self.density.bypass:
                yield kind, "[density]"

    def _check_group(self, rule: Rule, passed: set[str]) -> None:
        if rule.group in self.groups or rule.group in passed:
            return
        passed.add(rule.group)
        near = difflib.get_close_matches(rule.group, self.groups, n=1, cutoff=_SLIP)
        if near:
            raise ValueError(
                f"rule {rule.name!r} is of group {rule.group!r}, which [groups] does not declare; "
                f"did you mean {near[0]!r}? (If not, declare [groups.{rule.group}].)"
            )

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a rule file in TOML."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise OptionError(f"the rules {str(path)!r} cannot be read: {reason}") from None
        return cls.from_toml(text, place=str(path))

    @classmethod
    def named(cls, name: str) -> Self:
        """Return a preset: `course`."""
        return cls.from_toml(preset_text(name), place=f"the preset {name}")

    @classmethod
    def from_toml(cls, text: str, *, place: str = "the rules") -> Self:
        """Read rules out of TOML text; `place` is how errors name it."""
        try:
            found = toml_of(text)
        except ValueError as error:
            raise OptionError(f"{place}: this is not TOML: {first_clause(error)}") from None
        except RecursionError:
            raise OptionError(f"{place}: they are nested too deeply to be read") from None
        return cls.from_dict(found, place=place, lines=lines_of(text))

    @classmethod
    def from_dict(
        cls, rules: Mapping[str, Any], *, place: str = "the rules", lines: Lines | None = None
    ) -> Self:
        """Validate rules given as a dictionary of the shape of a rule file.

        Parameters
        ----------
        rules
            The sections by name; `rule` is a list of dictionaries.
        place
            How errors name it.
        lines
            The lines on which sections and rules begin, for errors: by the name of a section,
            and by the number of a rule, from 0.
        """
        if is_nested_deeply(rules):
            raise OptionError(f"{place}: they are nested too deeply to be read")
        if "rule" not in rules and "rules" not in rules:
            raise OptionError(f"{place}: there is no rule: write at least one under [[rule]]")
        try:
            return cls.model_validate(dict(rules))
        except WrongRulesError as wrong:
            raise OptionError(f"{place}: {sentence(wrong.error, rules, lines, cls)}") from None

    @property
    def group_names(self) -> list[str]:
        """The groups in the order of their columns: those declared, then those that rules name."""
        return list(dict.fromkeys([*self.groups, *(rule.group for rule in self.rule)]))

    @property
    def bypass(self) -> list[str]:
        """The kinds of event that make a visit pass, and keep a client from being excluded."""
        return list(_BYPASS if self.density is None else self.density.bypass)

    @property
    def known_kinds(self) -> frozenset[str]:
        """Every kind of event that the rules speak of."""
        named = (kind for rule in self.rule for kind in rule.kinds)
        return frozenset([*self.session.kinds, *self.bypass, *self.kinds, *named])

    def names_of(self, kind: str) -> list[str]:
        """Return what events of a kind are called: the kind, and its other names.

        Examples
        --------
        >>> import grc_fast as grc
        >>> rules = grc.BehaviourRules.from_dict({
        ...     "kinds": {"purchase": ["achat"]},
        ...     "rule": [{"name": "buys", "group": "shop", "kind": "purchase", "points": 5}],
        ... })
        >>> rules.names_of("purchase"), rules.names_of("search")
        (['purchase', 'achat'], ['search'])
        """
        return [kind, *self.kinds.get(kind, ())]

    @property
    def consented_scopes(self) -> dict[str, str]:
        """The kinds of event that need a consent to tracking, and the scope of that consent."""
        return {OPEN: "open"} | ({CLICK: "click"} if self.tracking.clicks else {})

    @property
    def fingerprint(self) -> str:
        """A digest of everything that decides scores: states of other rules are refused by it."""
        compiled = json.dumps(
            [self.compiled(), self.group_names, self.tracking.model_dump()], sort_keys=True
        )
        return hashlib.sha256(compiled.encode()).hexdigest()

    def compiled(self) -> dict[str, Any]:
        """Return the rules as the extension takes them: durations in microseconds."""
        groups = self.group_names
        numbers = {name: number for number, name in enumerate(groups)}
        bounds = [self.groups.get(name, GroupBounds()) for name in groups]
        most = self.session.max_events_per_minute
        return {
            "kind_names": [(kind, names) for kind, names in self.kinds.items()],
            "ignore_page_case": self.pages.ignore_case,
            "web_kinds": self.session.kinds,
            "timeout": micros(self.session.timeout),
            "last_dwell": micros(self.session.last_dwell),
            "bot_events": None if most is False else most,
            "density": None if self.density is None else _density(self.density),
            "bypass_kinds": self.bypass,
            "decay": _decay(self.decay),
            "bounds": (self.score.min, self.score.max),
            "groups": [(group.floor, group.cap) for group in bounds],
            "phase_window": micros(self.phase.window),
            "rules": [
                {
                    "name": rule.name,
                    "group": numbers[rule.group],
                    "kinds": rule.kinds,
                    "page": rule.page,
                    "points": rule.points,
                    "repeat": parse_repeat(rule.repeat),
                    "category": rule.category,
                }
                for rule in self.rule
            ],
        }


def _density(density: Density) -> dict[str, Any]:
    return {
        "min_dwell": None if density.min_dwell is None else micros(density.min_dwell),
        "min_clicks": density.min_clicks,
        "any": density.mode == "any",
        "theme": density.theme,
    }


def _decay(decay: Decay) -> tuple[str, int]:
    for name in type(decay).model_fields:
        span = getattr(decay, name)
        if span is not None:
            return name, micros(span)
    return "none", 0


def read_rules(rules: object) -> BehaviourRules:
    """Return rules given as such, as a dictionary, as the name of a preset, or as a path.

    Raises
    ------
    OptionError
        If they are none of these, or wrong.

    Examples
    --------
    >>> from grc_fast.behaviour.rules import read_rules
    >>> len(read_rules("course").rule) > 5
    True
    """
    if isinstance(rules, BehaviourRules):
        return rules
    if isinstance(rules, Mapping):
        return BehaviourRules.from_dict(rules)
    if isinstance(rules, str) and rules in PRESETS:
        return BehaviourRules.named(rules)
    if isinstance(rules, (str, Path)):
        if not Path(rules).suffix and not Path(rules).exists():
            raise OptionError(f"there is no preset {str(rules)!r}{nearest(rules, PRESETS)}")
        return BehaviourRules.load(rules)
    raise OptionError(
        f"rules must be a path, the name of a preset, a dictionary or BehaviourRules, and "
        f"{type(rules).__name__} is none of them"
    )


def preset_text(name: str) -> str:
    """Return the text of a preset's file, to copy and edit.

    Raises
    ------
    OptionError
        If there is no such preset.
    """
    if name not in PRESETS:
        raise OptionError(f"there is no preset {name!r}{nearest(name, PRESETS)}")
    place = files(__package__).joinpath("presets", f"{name}.toml")
    return place.read_text(encoding="utf-8")
