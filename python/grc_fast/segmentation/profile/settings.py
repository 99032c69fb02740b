"""What a profile is made of: the kinds of events, and the channels that suit each label."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final, Self

from pydantic import Field, ValidationError, model_validator

from grc_fast._utils.messages import first_clause
from grc_fast._utils.validation import Section, lines_of, sentence, toml_of
from grc_fast.errors import OptionError

#: The label of each axis below its centre, and above.
POLES: Final[Mapping[str, tuple[str, str]]] = {
    "open": ("conservative", "open"),
    "active": ("passive", "active"),
    "relational": ("instrumental", "relational"),
}
#: The label of clients who are near the centre of every axis that is known.
BALANCED: Final = "balanced"


class Kinds(Section):
    """Which kinds of events count on which side of an axis.

    Attributes
    ----------
    initiated, answered
        What clients begin, and what answers a contact.
    relational, instrumental
        What looks for people, and what does without.
    """

    initiated: list[str]
    answered: list[str]
    relational: list[str]
    instrumental: list[str]

    @model_validator(mode="after")
    def _one_side_each(self) -> Self:
        for one, other in self.sides.values():
            both = sorted(set(one) & set(other))
            if both:
                raise ValueError(f"{both[0]!r} is on both sides of an axis: leave it on one")
        return self

    @property
    def sides(self) -> Mapping[str, tuple[list[str], list[str]]]:
        """By axis, the kinds that raise it and those that lower it."""
        return {
            "active": (self.initiated, self.answered),
            "relational": (self.relational, self.instrumental),
        }


class Channels(Section):
    """The channels that suit clients of each label, the best first."""

    conservative: list[str] = Field(default=[])
    open: list[str] = Field(default=[])
    passive: list[str] = Field(default=[])
    active: list[str] = Field(default=[])
    instrumental: list[str] = Field(default=[])
    relational: list[str] = Field(default=[])
    balanced: list[str] = Field(default=[])

    def suiting(self, labels: list[str]) -> list[str]:
        """Return the channels of clients with some labels, those that most of them name first.

        Examples
        --------
        >>> Channels(open=["app", "web"], active=["web"]).suiting(["open", "active"])
        ['web', 'app']
        """
        named = [channel for label in labels for channel in getattr(self, label)]
        return sorted(dict.fromkeys(named), key=lambda channel: -named.count(channel))


class ProfileSettings(Section):
    """What a profile is made of.

    Attributes
    ----------
    kinds
        Kinds of events, by what they tell.
    channels
        Channels that suit each label.
    """

    kinds: Kinds
    channels: Channels

    @classmethod
    def load(cls, path: str | Path | None) -> Self:
        """Read settings from a TOML file, or take those that are shipped.

        Raises
        ------
        OptionError
            If the file cannot be read, or is not written as settings: the sentence says where.
        """
        if path is None:
            return cls._of(settings_text(), "the settings")
        try:
            text = Path(path).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise OptionError(
                f"the settings {str(path)!r} cannot be read ({first_clause(error)}): give a TOML "
                "file, such as grc-fast profile --print-settings prints"
            ) from None
        return cls._of(text, str(path))

    @classmethod
    def _of(cls, text: str, place: str) -> Self:
        try:
            found = toml_of(text)
            return cls.model_validate(found)
        except ValidationError as error:
            raise OptionError(f"{place}: {sentence(error, found, lines_of(text), cls)}") from None
        except (ValueError, RecursionError) as error:
            raise OptionError(f"{place}: this is not TOML: {first_clause(error)}") from None


def settings_text() -> str:
    """Return the text of the shipped settings, to copy and edit."""
    return files(__package__).joinpath("default.toml").read_text("utf-8")
