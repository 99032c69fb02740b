"""The words that people read, in English and French, from `labels.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from grc_fast._utils.messages import nearest
from grc_fast.errors import OptionError
from grc_fast.labels.filling import filled

LANGUAGES: Final[tuple[str, ...]] = ("en", "fr")
"""The languages of every label; the first is the default."""
_NAMED_GROUPS: Final = 5


def text(key: str, lang: str = "en", /, **values: object) -> str:
    """Return one word or phrase of the catalogue.

    Parameters
    ----------
    key
        Section and word joined by a dot, such as ``"column.recency"``.
    lang
        ``"en"`` or ``"fr"``.
    **values
        What to put in the phrase's ``{braces}``; numbers and days are written as the language does.

    Raises
    ------
    OptionError
        The language or the key is unknown, or a value for the braces is missing.

    Examples
    --------
    >>> text("status.never_bought", "fr")
    'jamais acheté'
    >>> text("band.between", "en", low="3 weeks", high="2 months")
    '3 weeks to less than 2 months'
    """
    check_lang(lang)
    words = _catalogue()
    if key not in words:
        raise OptionError(f"no label is called {key!r}{nearest(key, words)}")
    try:
        return filled(words[key][lang], lang, values)
    except KeyError as missing:
        raise OptionError(f"the label {key!r} needs a value for {missing}") from None


def section(name: str, lang: str = "en") -> dict[str, str]:
    """Return the words of one section as they are written, braces unfilled.

    Handy for renaming columns: ``frame.rename(section("column", "fr"), strict=False)``.

    Raises
    ------
    OptionError
        The language or the section is unknown.

    Examples
    --------
    >>> section("criterion", "fr")
    {'recency': 'récence', 'frequency': 'fréquence', 'monetary': 'montant'}
    """
    check_lang(lang)
    prefix = f"{name}."
    found = {
        key.removeprefix(prefix): words[lang]
        for key, words in _catalogue().items()
        if key.startswith(prefix)
    }
    if not found:
        sections = dict.fromkeys(key.partition(".")[0] for key in _catalogue())
        raise OptionError(f"no section of labels is called {name!r}{nearest(name, sections)}")
    return found


def group(n: int, groups: int = 5, lang: str = "en") -> str:
    """Return the label of group `n` of `groups`, 1 being the one that answers best.

    With five groups these are the words of direct-marketing scoring. With more, group `n` bears
    the words of the fifth ``ceil(5 (n - 0.5) / groups)``, as segment tables count. With fewer, five
    words cannot be shared out evenly, so the label only says where the group stands.

    Raises
    ------
    OptionError
        `n` is not a group from 1 to `groups`, or the language is unknown.

    Examples
    --------
    >>> group(1)
    'expected to answer very favourably'
    >>> group(3, 10, "fr")
    'groupe 3 sur 10, réponse attendue : plutôt favorable'
    >>> group(2, 3)
    'group 2 of 3 (group 1 is expected to answer best)'
    """
    if not 1 <= n <= groups:
        raise OptionError(f"group {n} does not exist: the groups run from 1 to {groups}")
    if groups < _NAMED_GROUPS:
        return text("group.few", lang, n=n, groups=groups)
    label = text(f"group.{-(-_NAMED_GROUPS * (2 * n - 1) // (2 * groups))}", lang)
    if groups == _NAMED_GROUPS:
        return label
    return text("group.numbered", lang, n=n, groups=groups, label=label)


def check_lang(lang: str) -> str:
    """Return `lang` if labels exist in it.

    Raises
    ------
    OptionError
        There are no labels in that language.

    Examples
    --------
    >>> check_lang("fr")
    'fr'
    """
    if lang not in LANGUAGES:
        raise OptionError(f"lang = {lang!r} is not a language of the labels: write 'en' or 'fr'")
    return lang


@cache
def _catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return ``{"section.word": {"en": ..., "fr": ...}}`` in the order of the file."""
    written = files(__package__).joinpath("labels.toml").read_text(encoding="utf-8")
    return {
        f"{name}.{word}": dict(languages)
        for name, words in tomllib.loads(written).items()
        for word, languages in words.items()
    }
