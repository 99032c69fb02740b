"""What the law and the house permit: a policy in TOML, which its user owns."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import AfterValidator, Field, ValidationError, model_validator

from grc_fast._core import parse_duration, window_start
from grc_fast._utils.extras import import_extra
from grc_fast._utils.messages import first_clause, nearest
from grc_fast._utils.validation import Section, lines_of, sentence, toml_of
from grc_fast.errors import GrcError, OptionError

#: Policies that are shipped.
SHIPPED: Final = ("fr",)
_EPOCH: Final = dt.date(1970, 1, 1)
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)")


def _duration(text: str) -> str:
    """Refuse what is no duration of whole days."""
    try:
        _, unit = parse_duration(text)
    except GrcError as error:
        raise ValueError(str(error)) from None
    if unit in {"s", "m", "h"}:
        raise ValueError(f"{text!r} must be in days or longer, such as 30d")
    return text


def _interval(text: str) -> str:
    """Refuse what is no part of a day."""
    found = _HOURS.fullmatch(text)
    if found is None or text[:5] >= text[6:] or text[6:] > "24:00":
        raise ValueError(f"{text!r} must be hours of a day, such as 10:00-13:00")
    return text


_Duration = Annotated[str, AfterValidator(_duration)]
_Interval = Annotated[str, AfterValidator(_interval)]


class ChannelRule(Section):
    """When a channel may be used.

    Attributes
    ----------
    consent
        `opt_in`: only with a consent; `opt_out`: unless the client has said no.
    bases
        What counts as a consent: `opt_in`, `contract`, `existing_client`.
    proof
        Whether a consent needs a proof.
    lapses
        How long a consent holds that was collected; a running contract does not lapse by it.
    weekdays, hours, holidays
        The days and hours of contacts, and the country whose public holidays are left out.
    silence_after_refusal
        How long a client is left alone who has refused in a contact.
    source, read_on
        Where the rule comes from, and when that was read.
    """

    consent: Literal["opt_in", "opt_out"]
    bases: list[Literal["opt_in", "contract", "existing_client"]] = Field(default=["opt_in"])
    proof: bool = False
    lapses: _Duration | None = None
    weekdays: list[Weekday] = Field(default=list(get_args(Weekday)), min_length=1)
    hours: list[_Interval] = Field(default=[])
    holidays: str | None = None
    silence_after_refusal: _Duration | None = None
    source: str
    read_on: dt.date

    def permits(self, moment: dt.date | None) -> bool:
        """Whether a contact may be made on a day, or at a time where one is given.

        Without a day, whether it may be made on any.
        """
        if moment is None:
            any_day = set(self.weekdays) == set(get_args(Weekday))
            return any_day and self.holidays is None and not self.hours
        if get_args(Weekday)[moment.weekday()] not in self.weekdays:
            return False
        if self.holidays is not None and is_holiday(self.holidays, moment):
            return False
        if not self.hours or not isinstance(moment, dt.datetime):
            return True
        clock = f"{moment:%H:%M}"
        return any(hours[:5] <= clock < hours[6:] for hours in self.hours)


class PressureRule(Section):
    """What contacts in a sliding window, of one channel or of all, mean for the next.

    Attributes
    ----------
    most
        With so many contacts a client is left alone.
    cost_each
        What each of them makes the next contact cost in patience.
    """

    most: int | None = Field(default=None, ge=0)
    cost_each: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    window: _Duration
    channel: str | None = None
    source: str = ""
    read_on: dt.date | None = None

    @model_validator(mode="after")
    def _has_an_effect(self) -> Self:
        if self.most is None and not self.cost_each:
            raise ValueError("a rule of pressure needs most, cost_each, or both")
        return self


class Retention(Section):
    """For how long a client may be contacted who gives no sign of life.

    Attributes
    ----------
    silence
        So long after the last sign of life a client is out.
    signs
        The kinds of events that are signs of life.
    """

    silence: _Duration
    signs: list[str] = Field(min_length=1)
    source: str
    read_on: dt.date


class _PolicyFile(Section):
    name: str
    channels: dict[str, ChannelRule] = Field(default={})
    pressure: list[PressureRule] = Field(default=[])
    retention: Retention | None = None


@dataclass(frozen=True)
class Policy:
    """The rules of contacts.

    Attributes
    ----------
    name
        What the policy is called.
    channels
        The rule of each channel. A channel without one is not used.
    pressure
        What contacts in sliding windows mean for the next.
    retention
        For how long silent clients may be contacted; for ever if there is none.
    """

    name: str
    channels: Mapping[str, ChannelRule]
    pressure: tuple[PressureRule, ...]
    retention: Retention | None = None

    @classmethod
    def load(cls, policy: str | Path) -> Self:
        """Read a policy: `fr`, or a TOML file.

        Raises
        ------
        OptionError
            If there is no such policy, or it is not written as one: the sentence says where.
        """
        if str(policy) in SHIPPED:
            return cls.from_toml(policy_text(str(policy)), place=f"the policy {str(policy)!r}")
        try:
            text = Path(policy).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise OptionError(
                f"the policy {str(policy)!r} cannot be read ({first_clause(error)}): give fr, "
                f"none, or a TOML file{nearest(str(policy), SHIPPED)}"
            ) from None
        return cls.from_toml(text, place=str(policy))

    @classmethod
    def from_toml(cls, text: str, *, place: str = "the policy") -> Self:
        """Read a policy out of TOML text; `place` is how errors name it."""
        try:
            found = toml_of(text)
            file = _PolicyFile.model_validate(found)
        except ValidationError as error:
            told = sentence(error, found, lines_of(text), _PolicyFile)
            raise OptionError(f"{place}: {told}") from None
        except (ValueError, RecursionError) as error:
            raise OptionError(f"{place}: this is not TOML: {first_clause(error)}") from None
        for rule in file.channels.values():
            if rule.holidays is not None:
                _holidays(rule.holidays, 2026)
        for limit in file.pressure:
            if limit.channel is not None and limit.channel not in file.channels:
                raise OptionError(
                    f"{place}: a rule of pressure is for the channel {limit.channel!r}, which has "
                    f"no rule of its own{nearest(limit.channel, file.channels)}"
                )
        return cls(file.name, file.channels, tuple(file.pressure), file.retention)


def window_begin(day: dt.date, window: str) -> dt.date:
    """Return the day that lies a duration before another, with calendar months and years.

    Examples
    --------
    >>> import datetime as dt
    >>> window_begin(dt.date(2027, 2, 28), "1y")
    datetime.date(2026, 2, 28)
    """
    return _EPOCH + dt.timedelta(days=window_start((day - _EPOCH).days, window))


def policy_text(name: str) -> str:
    """Return the text of a shipped policy, to copy and edit."""
    return files(__package__).joinpath("policies", f"{name}.toml").read_text("utf-8")


def is_holiday(country: str, day: dt.date) -> bool:
    """Whether a day is a public holiday of a country, by its code of two letters."""
    plain = day.date() if isinstance(day, dt.datetime) else day
    return plain in _holidays(country, plain.year)


def _holidays(country: str, year: int) -> Any:
    holidays = import_extra("holidays", "plan", "a policy with public holidays")
    try:
        return holidays.country_holidays(country, years=year)
    except NotImplementedError:
        raise OptionError(
            f"the policy has the holidays of {country!r}, and no country has that code: write one "
            "such as FR"
        ) from None
