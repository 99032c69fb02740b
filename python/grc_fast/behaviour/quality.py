"""The account of a run over events: every row is used, or counted under a reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from grc_fast._utils.dates import shown_instant
from grc_fast.io.file_listing import Listing
from grc_fast.labels.catalogue import text
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases, first_of, indented
from grc_fast.labels.table import paragraphs

#: Why an event is not used; one that could be dropped for several reasons counts under the first.
EVENT_REASONS: Final = (
    "where",
    "client",
    "timestamp",
    "kind",
    "future",
    "before_state",
    "tracking",
    "duplicate",
    "machine_open",
    "bot",
)
# How many kinds an account lists before it only counts them.
_LISTED: Final = 20


def reason_caption(reason: str) -> Wording:
    """Return a reason in words: `without a client`."""
    return Phrase(f"events.{reason}")


@dataclass(frozen=True)
class RuleCount:
    """What one rule did in a run.

    Attributes
    ----------
    won
        Events that it won in its group, awarded or not; those set aside and those of earlier runs
        are not counted.
    awarded
        Events that it gave its points for.
    """

    won: int
    awarded: int

    def __str__(self) -> str:
        """Write both for a reader."""
        return text("events.rule_count", won=self.won, awarded=self.awarded)


@dataclass(frozen=True)
class BehaviourQuality:
    """What was read, used and dropped, and why.

    ``rows_read == rows_used + sum(dropped.values())``.

    Attributes
    ----------
    rows_read, rows_used
        Rows of the source, and those of them that scores are made of.
    dropped
        Rows by reason: `where`, `client`, `timestamp`, `kind`, `future`, `before_state`,
        `tracking`, `duplicate`, `machine_open`, `bot`. A row counts under the first reason that
        holds.
    clients
        Clients with a row in the scores.
    bot_visits
        Visits that were set aside because a program made them.
    kinds
        Events of each kind, those set aside included.
    unknown_kinds
        The kinds that no rule and no section of the rules names, with their events; a rule without
        a kind is about them all the same.
    rules
        What each rule did, by its name: a `RuleCount`.
    unwon_pages, unwon_kinds
        The pages and kinds of most events that no rule won, at most five of each, with these
        events; the most frequent first.
    pages
        Distinct pages.
    first_event, last_event
        The first and last instant read that is not later than `as_of`; None where there is none.
    as_of
        The instant that ages are counted from.
    spilled
        Bytes that went to a temporary file for lack of memory.
    notes
        What else is worth knowing: how files are written, where `as_of` comes from.
    warnings
        What is likely to be wrong: rules that won no event.
    files
        Files read, as `files.read`, and what a folder or a glob holds besides, as `files.skipped`.
    """

    rows_read: int
    rows_used: int
    dropped: Mapping[str, int]
    clients: int
    bot_visits: int
    kinds: Mapping[str, int]
    unknown_kinds: Mapping[str, int]
    rules: Mapping[str, RuleCount]
    unwon_pages: Mapping[str, int]
    unwon_kinds: Mapping[str, int]
    pages: int
    first_event: dt.datetime | None
    last_event: dt.datetime | None
    as_of: dt.datetime
    spilled: int = 0
    notes: tuple[Wording, ...] = field(default=())
    warnings: tuple[Wording, ...] = field(default=())
    files: Listing = field(default_factory=Listing)

    @classmethod
    def from_account(
        cls,
        account: Mapping[str, Any],
        *,
        known_kinds: frozenset[str],
        rule_names: Sequence[str],
        timezone: str,
        notes: tuple[Wording, ...] = (),
        warnings: tuple[Wording, ...] = (),
        files: Listing | None = None,
    ) -> BehaviourQuality:
        """Make it of the account that the extension keeps: instants in microseconds."""
        zone = timezone if account["zoned"] else None
        kinds = dict(account["kinds"])
        as_of = shown_instant(account["as_of"], zone)
        assert as_of is not None
        counts = [RuleCount(*count) for count in account["rules"]]
        rules = dict(zip(rule_names, counts, strict=True))
        unwon_pages, unwon_kinds = dict(account["unwon_pages"]), dict(account["unwon_kinds"])
        idle = [name for name, count in rules.items() if not count.won]
        if idle and account["rows_used"]:
            warnings += (_idle(idle, unwon_pages, unwon_kinds),)
        return cls(
            rows_read=account["rows_read"],
            rows_used=account["rows_used"],
            dropped=dict(account["dropped"]),
            clients=account["clients"],
            bot_visits=account["bot_visits"],
            kinds=kinds,
            unknown_kinds={kind: n for kind, n in kinds.items() if kind not in known_kinds},
            rules=rules,
            unwon_pages=unwon_pages,
            unwon_kinds=unwon_kinds,
            pages=account["pages"],
            first_event=shown_instant(account["first_event"], zone),
            last_event=shown_instant(account["last_event"], zone),
            as_of=as_of,
            spilled=account["spilled"],
            notes=notes,
            warnings=warnings,
            files=files or Listing(),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything in types that JSON knows."""
        return {
            "rows_read": self.rows_read,
            "rows_used": self.rows_used,
            "dropped": dict(self.dropped),
            "clients": self.clients,
            "bot_visits": self.bot_visits,
            "kinds": dict(self.kinds),
            "unknown_kinds": dict(self.unknown_kinds),
            "rules": {name: asdict(count) for name, count in self.rules.items()},
            "unwon_pages": dict(self.unwon_pages),
            "unwon_kinds": dict(self.unwon_kinds),
            "pages": self.pages,
            "first_event": None if self.first_event is None else self.first_event.isoformat(),
            "last_event": None if self.last_event is None else self.last_event.isoformat(),
            "as_of": self.as_of.isoformat(),
            "spilled": self.spilled,
            "notes": list(self.notes),
            "warnings": list(self.warnings),
            "files": list(self.files.read),
            "skipped_files": list(self.files.skipped),
        }

    def __str__(self) -> str:
        """Write the account for a reader, a line a reason."""
        return self.said("en")

    def said(self, lang: str) -> str:
        """Return the account for a reader, a line a reason."""
        lines: list[Wording] = [
            Phrase("events.read", events=self.rows_read),
            self._line("used", self.rows_used),
        ]
        lines += [
            self._line(reason, self.dropped[reason])
            for reason in EVENT_REASONS
            if self.dropped[reason]
        ]
        lines.append(self._client_line())
        if self.bot_visits:
            lines.append(Phrase("events.bot_visits", visits=self.bot_visits))
        lines += [
            Phrase(
                "events.rule", name=repr(name), count=Phrase("events.rule_count", **asdict(count))
            )
            for name, count in self.rules.items()
        ]
        if self.unknown_kinds:
            lines.append(Phrase("events.unknown_kinds", kinds=_listed(self.unknown_kinds)))
        if self.spilled:
            lines.append(Phrase("events.spilled", size=_size(self.spilled)))
        lines += [Phrase("message.note", said=note) for note in (*self.notes, *self.files.phrases)]
        lines += [Phrase("message.warning", said=warning) for warning in self.warnings]
        return "\n".join(line.said(lang) for line in lines)

    def _repr_html_(self) -> str:
        return paragraphs(str(self))

    def _line(self, reason: str, rows: int) -> Wording:
        share = 100 * rows / self.rows_read if self.rows_read else 0.0
        caption = reason_caption(reason)
        return indented(Phrase("events.rows", caption=caption, rows=rows, share=share))

    def _client_line(self) -> Wording:
        told: list[Wording] = [Phrase("account.scored", clients=self.clients)]
        if self.first_event is not None and self.last_event is not None:
            told.append(Phrase("events.span", first=self.first_event, last=self.last_event))
        return Phrases([*told, Phrase("account.as_of", day=self.as_of)], "; ")


def _idle(rules: list[str], pages: Mapping[str, int], kinds: Mapping[str, int]) -> Wording:
    """Say that rules won no event, and what may be meant by them instead."""
    named = first_of([repr(name) for name in rules], _LISTED)
    if not kinds:
        return Phrase("events.idle", rules=named, count=len(rules))
    shown = [Phrase("events.kinds", kinds=_listed(kinds))]
    if pages:
        shown.insert(0, Phrase("events.pages", pages=_listed(pages)))
    unwon = Phrases(shown, last="list.and")
    return Phrase("events.idle_beside", rules=named, count=len(rules), unwon=unwon)


def _listed(kinds: Mapping[str, int]) -> Wording:
    counts = [Phrase("events.counted", name=kind, events=events) for kind, events in kinds.items()]
    return first_of(counts, _LISTED)


def _size(size: int) -> Wording:
    """Write a number of bytes: `128 bytes`, `1.5 KB`, `23 MB`."""
    if size < 2**10:
        return Phrase("size.bytes", size=size)
    unit, scale = ("kilobytes", 2**10) if size < 2**20 else ("megabytes", 2**20)
    number = size / scale
    return Phrase(f"size.{unit}", size=round(number, 1) if number < 10 else round(number))
