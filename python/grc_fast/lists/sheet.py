"""The client sheet: what is known of one client, for who stands before them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from grc_fast._typing import Lang
from grc_fast._utils.messages import cut
from grc_fast.labels.catalogue import section, text
from grc_fast.labels.written import day, in_language, money
from grc_fast.lists.allowed_contacts import AllowedContact
from grc_fast.lists.sheet_page import page_of_sheets
from grc_fast.rfm.explanation import Explanation

# Longer values are cut where they are shown: a sheet is one page.
_LONGEST: Final = 200


@dataclass(frozen=True)
class Habits:
    """How a client buys.

    Attributes
    ----------
    orders, active_days
        How many orders, and on how many days.
    first_purchase, last_purchase
        When; None for who never bought, like all that follows.
    mean_gap
        Days between two days of purchase, in the mean.
    total, mean_basket, last_basket
        Money: all of it, that of an order in the mean, and that of the last.
    """

    orders: int
    active_days: int
    first_purchase: dt.date | None
    last_purchase: dt.date | None
    mean_gap: float | None
    total: float
    mean_basket: float | None
    last_basket: float | None


@dataclass(frozen=True)
class Purchase:
    """A purchase: an order, or a day where the sales have no orders."""

    date: dt.date
    amount: float
    lines: int


@dataclass(frozen=True)
class Gain:
    """What a client is expected to bring.

    Attributes
    ----------
    months, margin
        Over how many months, at what share of the money spent.
    expected, low, high, level
        The gain, and the interval within which it falls with the probability `level`.
    p_alive, purchases, basket
        What it is made of: the probability that the client still buys, the purchases to come, and
        what one is worth.
    """

    months: int
    margin: float
    expected: float
    low: float
    high: float
    level: float
    p_alive: float
    purchases: float
    basket: float


@dataclass(frozen=True)
class Interest:
    """What visits and e-mails tell of a client.

    Attributes
    ----------
    phase, score
        The phase and the score of behaviour.
    parts
        What the score is made of, by the names of the rules' groups.
    """

    phase: str | None
    score: float | None
    parts: Mapping[str, float]


@dataclass(frozen=True)
class SheetPart:
    """A part of a sheet as it is shown: a title, and what stands under it, named."""

    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ClientSheet:
    """What is known of one client, and why.

    Attributes
    ----------
    client_id, as_of
        Who, seen from which day.
    identity
        Name and addresses, as far as the client file has them.
    contacts
        Whether each channel of the policy may be used; none where consent is handled elsewhere.
    habits, last_purchases
        How the client buys, and the last purchases, the latest first.
    score
        The score and the segment, taken apart.
    interest
        What visits and e-mails tell; None where no behaviour scores were given.
    gain
        What the client is expected to bring; None where that cannot be said.
    profile
        Whatever else is known, by the names of the profile file.
    notes
        What was assumed.
    lang
        The language of the sheet.

    Examples
    --------
    >>> import grc_fast as grc
    >>> sales = grc.simulate_sales(20_000, 1_000, seed=7)
    >>> sheet = grc.client_sheets(sales, [421], as_of="2025-12-31").sheets[0]
    >>> sheet.habits.orders
    14
    >>> sheet.score.segment
    'potential loyalist'
    """

    client_id: int | str
    as_of: dt.date
    habits: Habits
    last_purchases: tuple[Purchase, ...]
    score: Explanation
    identity: Mapping[str, str] = field(default_factory=dict)
    contacts: tuple[AllowedContact, ...] = ()
    interest: Interest | None = None
    gain: Gain | None = None
    profile: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    lang: Lang = "en"

    def __str__(self) -> str:
        """Write the sheet for a reader, a line a value."""
        lines = [f"{self.title}, {self.subtitle}"]
        space = " " if self.lang == "fr" else ""
        for part in self.parts:
            lines += ["", part.title]
            lines += [
                f"  {name}{space}: {said}" if name else f"  {said}" for name, said in part.rows
            ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Show the sheet in a notebook."""
        return self.html()

    def html(self) -> str:
        """Return the sheet as one HTML page, without scripts and without anything from a network.

        Raises
        ------
        SourceError
            If the extra `lists` is not installed.
        """
        return page_of_sheets([self], self.lang)

    def to_dict(self) -> dict[str, Any]:
        """Return everything in types that JSON knows."""
        plain = dataclasses.asdict(self)
        plain["score"] = self.score.to_dict()
        return {key: _plain(value) for key, value in plain.items()}

    @property
    def title(self) -> str:
        """Who the sheet is about."""
        shown = self.identity.get("name") or text("sheet.title", self.lang, client=self.client_id)
        return cut(shown, _LONGEST)

    @property
    def subtitle(self) -> str:
        """The client's number, where the title is a name, and the day."""
        when = text("sheet.as_of", self.lang, day=day(self.as_of, self.lang))
        if not self.identity.get("name"):
            return when
        return f"{cut(text('sheet.title', self.lang, client=self.client_id), _LONGEST)}, {when}"

    @property
    def parts(self) -> tuple[SheetPart, ...]:
        """The sheet as it is shown, part by part; without the parts of which nothing is known."""
        words = section("sheet", self.lang)
        captions = section("column", self.lang)
        found = {
            "identity": self._identity_rows(captions),
            "contacts": self._contact_rows(),
            "standing": self._standing_rows(words, captions),
            "gain": self._gain_rows(words),
            "habits": self._habit_rows(words, captions),
            "recent": self._purchase_rows(),
            "profile": [(name, self._shown(value)) for name, value in self.profile.items()],
            "why": self.score.steps,
            "why_phase": self._interest_rows(words),
            "note": [("", note) for note in self.notes],
        }
        return tuple(SheetPart(words[name], tuple(rows)) for name, rows in found.items() if rows)

    def _identity_rows(self, captions: Mapping[str, str]) -> list[tuple[str, str]]:
        return [
            (captions[role], self._shown(value))
            for role, value in self.identity.items()
            if role != "name"
        ]

    def _contact_rows(self) -> list[tuple[str, str]]:
        names = section("channel", self.lang)
        return [(names.get(c.channel, c.channel), c.said(self.lang)) for c in self.contacts]

    def _standing_rows(
        self, words: Mapping[str, str], captions: Mapping[str, str]
    ) -> list[tuple[str, str]]:
        segment = self.score.segment if self.score.scored else self.score.reason
        rows = [(captions["segment"], str(segment))]
        if self.interest is not None and self.interest.phase is not None:
            phases = section("phase", self.lang)
            rows.append((words["phase"], phases.get(self.interest.phase, self.interest.phase)))
        return rows

    def _gain_rows(self, words: Mapping[str, str]) -> list[tuple[str, str]]:
        gain = self.gain
        if gain is None:
            return []
        likely = words["likely_gain"].format(
            gain=money(gain.expected, self.lang),
            low=money(gain.low, self.lang),
            high=money(gain.high, self.lang),
            level=self._share(gain.level),
        )
        return [
            (words["expected_gain"].format(months=gain.months), likely),
            (words["p_alive"], self._share(gain.p_alive)),
            (words["purchases"], in_language(f"{gain.purchases:.1f}", self.lang)),
            (words["basket"], money(gain.basket, self.lang)),
            (words["margin"], self._share(gain.margin)),
        ]

    def _habit_rows(
        self, words: Mapping[str, str], captions: Mapping[str, str]
    ) -> list[tuple[str, str]]:
        habits = self.habits
        if habits.last_purchase is None or habits.first_purchase is None:
            return []
        ago = words["days_ago"].format(
            day=day(habits.last_purchase, self.lang),
            days=(self.as_of - habits.last_purchase).days,
        )
        rows = [
            ("orders", in_language(f"{habits.orders:,}", self.lang)),
            ("last_purchase", ago),
            ("first_purchase", day(habits.first_purchase, self.lang)),
            ("total", money(habits.total, self.lang)),
        ]
        if habits.mean_gap is not None:
            rows.insert(1, ("mean_gap", in_language(f"{habits.mean_gap:,.0f}", self.lang)))
        baskets = {"mean_basket": habits.mean_basket, "last_basket": habits.last_basket}
        rows += [
            (name, money(basket, self.lang))
            for name, basket in baskets.items()
            if basket is not None
        ]
        return [(captions[name], said) for name, said in rows]

    def _purchase_rows(self) -> list[tuple[str, str]]:
        return [
            (
                day(purchase.date, self.lang),
                text(
                    "sheet.purchase",
                    self.lang,
                    amount=money(purchase.amount, self.lang),
                    lines=in_language(f"{purchase.lines:,}", self.lang),
                ),
            )
            for purchase in self.last_purchases
        ]

    def _interest_rows(self, words: Mapping[str, str]) -> list[tuple[str, str]]:
        if self.interest is None:
            return []
        scores = {words["interest"]: self.interest.score, **self.interest.parts}
        return [
            (name, in_language(f"{score:,.1f}", self.lang))
            for name, score in scores.items()
            if score is not None
        ]

    def _share(self, share: float) -> str:
        return f"{share:.0%}".replace("%", "\u00a0%" if self.lang == "fr" else "%")

    def _shown(self, value: Any) -> str:
        """Write a value of a file."""
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            return day(value, self.lang)
        if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
            return in_language(f"{value:,}", self.lang)
        return cut(str(value), _LONGEST)


@dataclass(frozen=True)
class ClientSheets:
    """The sheets of several clients.

    Attributes
    ----------
    sheets
        A sheet a client, in the order in which they were asked for.
    lang
        Their language.
    """

    sheets: tuple[ClientSheet, ...]
    lang: Lang = "en"

    def __str__(self) -> str:
        """Write the sheets for a reader, one after the other."""
        return "\n\n".join(str(sheet) for sheet in self.sheets)

    def _repr_html_(self) -> str:
        """Show the sheets in a notebook."""
        return self.html()

    def html(self) -> str:
        """Return all sheets as one HTML page; in print each begins a page of its own."""
        return page_of_sheets(self.sheets, self.lang)

    def to_dict(self) -> dict[str, Any]:
        """Return everything in types that JSON knows, the sheets under `sheets`."""
        return {"sheets": [sheet.to_dict() for sheet in self.sheets]}


def _plain(value: Any) -> Any:
    """Return a value in types that JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, Decimal):
        return float(value)
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else str(value)
