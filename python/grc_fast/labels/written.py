"""Numbers, money and days as the readers of a language write them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final

# French groups thousands by narrow spaces that do not break, and puts one before per cent.
_FRENCH: Final = str.maketrans({",": "\u202f", ".": ",", "%": "\u202f%"})


def in_language(number: str, lang: str) -> str:
    """Return a number that is written in English, such as `1,234.5` or `5%`, as a language does.

    Examples
    --------
    >>> in_language("1,234.5", "fr")
    '1\u202f234,5'
    """
    return number.translate(_FRENCH) if lang == "fr" else number


def money(amount: float | Decimal, lang: str) -> str:
    """Write an amount of money, with two decimals.

    Examples
    --------
    >>> money(1234.5, "en"), money(-0.001, "fr")
    ('1,234.50', '0,00')
    """
    # Zero has no sign, even where it is what is left of less than half a cent.
    return in_language(f"{amount:z,.2f}", lang)


def whole(number: float | Decimal, lang: str) -> str:
    """Write a count, or an amount in whole units.

    Examples
    --------
    >>> whole(1234.5, "en"), whole(-0.2, "fr")
    ('1,234', '0')
    """
    return in_language(f"{number:z,.0f}", lang)


def percent(share: float, lang: str) -> str:
    """Write a share as per cent.

    Examples
    --------
    >>> percent(0.1234, "en"), percent(0.1234, "fr")
    ('12.3%', '12,3\u202f%')
    """
    return in_language(f"{100 * share:z,.1f}%", lang)


def day(date: dt.date, lang: str) -> str:
    """Write a day.

    Examples
    --------
    >>> import datetime as dt
    >>> day(dt.date(2026, 11, 3), "en"), day(dt.date(2026, 11, 3), "fr")
    ('2026-11-03', '03/11/2026')
    """
    return f"{date:%d/%m/%Y}" if lang == "fr" else date.isoformat()


def moment(instant: dt.datetime, lang: str) -> str:
    """Write an instant, to the second.

    Examples
    --------
    >>> import datetime as dt
    >>> moment(dt.datetime(2026, 11, 3, 18), "fr")
    '03/11/2026 18:00:00'
    """
    clock = instant.isoformat(sep=" ", timespec="seconds").partition(" ")[2]
    return f"{day(instant.date(), lang)} {clock}"
