"""One list a channel, with what its team needs and what explains each row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from grc_fast._typing import AnyPath, CsvStyle, Lang
from grc_fast._utils.checks import one_of, text, whole
from grc_fast._utils.panics import panics_as_errors
from grc_fast.errors import OptionError
from grc_fast.io.output_style import OutputStyle
from grc_fast.labels.filling import Wording
from grc_fast.labels.written_frame import written_frame
from grc_fast.lists.client_file import CONTACT_COLUMNS, IDENTIFYING, ClientColumns, read_clients
from grc_fast.lists.folder import (
    FORMATS,
    ListFormat,
    check_folder,
    list_writers,
    write_folder,
)
from grc_fast.lists.keyed_hashes import campaign_codes, pseudonyms, read_key
from grc_fast.lists.listed_offers import ListedOffers, listed_offers
from grc_fast.lists.top_scores import offers_of_scores, with_gain_of_scores
from grc_fast.plan.offers import checked_offers
from grc_fast.plan.permission import Tables

_EXPLANATION: Final = ("offer", "basis", "consent_collected_at", "pressure", "gain")
_MOST_ROWS: Final = 2**32 - 1
# Fewer clients than that are not told apart where clients have pseudonyms.
_SMALL: Final = 10
_OTHER: Final = "other"


@dataclass(frozen=True)
class TopClients:
    """The best clients of a table of scores, instead of a plan.

    Attributes
    ----------
    most
        How many.
    by
        The column by which they are the best.
    channel
        The channel of the list.
    """

    most: int
    by: str
    channel: str

    @classmethod
    def of(cls, top: Any, by: Any, channel: Any) -> TopClients | None:
        """Return what the options say; None where there is a plan.

        Raises
        ------
        OptionError
            If some are missing, or have no meaning.
        """
        if top is None and by is None and channel is None:
            return None
        if top is None or by is None or channel is None:
            raise OptionError(
                "top, by and channel go together: how many of the best clients of a table of "
                "scores, the column that says who is best, and the channel of the list"
            )
        most = whole("top", top, least=1, most=_MOST_ROWS)
        text("by", by, "the name of a column")
        text("channel", channel, "the name of a channel, such as email")
        return cls(most, by, channel)


@dataclass(frozen=True)
class ChannelLists:
    """Lists of a plan, before they are written.

    Attributes
    ----------
    tables
        A list a channel, the largest gain first, ties by client.
    manifest
        `offers`; `rows` by channel and `refused` by reason, which add up to them.
    notes
        What to know of them.
    rows
        The rows of all lists with every column of the client file, for sellers; None where clients
        have pseudonyms.
    """

    tables: Mapping[str, pl.DataFrame]
    manifest: Mapping[str, Any]
    notes: tuple[Wording, ...] = ()
    rows: pl.DataFrame | None = field(default=None, repr=False)

    def _repr_html_(self) -> str:
        counts = (
            ("channel", "rows", self.manifest["rows"]),
            ("reason", "refused", {name: n for name, n in self.manifest["refused"].items() if n}),
        )
        frames = (
            pl.DataFrame({key: list(found), what: list(found.values())})
            for key, what, found in counts
            if found
        )
        return "".join(written_frame(frame, "en").html() for frame in frames)

    def write(
        self,
        directory: AnyPath,
        *,
        format: ListFormat = "csv",  # noqa: A002 (as the command's option is called)
        csv_style: CsvStyle = "plain",
        lang: Lang = "en",
    ) -> tuple[Path, ...]:
        """Write one file a channel and `manifest.json` into a folder.

        Parameters
        ----------
        directory
            The folder; it is made if it is not there.
        format
            `csv`, `xlsx` or `parquet`. In CSV and XLSX, texts are on one line, none is run as a
            formula, and telephone numbers are as people dial them; Parquet is data.
        csv_style
            `plain`, or `excel-fr`: what French Excel opens.
        lang
            The language of a workbook's summary.

        Returns
        -------
        tuple of Path
            The files, the manifest last: it is there only where all of them are.

        Raises
        ------
        OptionError
            If the format or the style is not known.
        OutputError, DataError
            If a file cannot be written: all are then as they were.
        """
        one_of("format", format, FORMATS)
        one_of("csv_style", csv_style, ("plain", "excel-fr"))
        check_folder(directory, format, ())
        files = list_writers(self.tables, format, OutputStyle(csv=csv_style, lang=lang))
        return write_folder(directory, files, self.manifest)[0]


@panics_as_errors()
def channel_lists(
    plan: Any,
    clients: Any,
    *,
    columns: Mapping[str, str] | None = None,
    top: int | None = None,
    by: str | None = None,
    channel: str | None = None,
    campaign: str = "",
    pseudonym_key: AnyPath | None = None,
    policy: str | Path | None = None,
    consent: Any = None,
    suppress: Any = None,
    contacts: Any = None,
    control: Any = None,
    last_seen: Any = None,
    as_of: dt.date | str | None = None,
) -> ChannelLists:
    """Make the lists of a plan, or of the best clients by a score: one a channel.

    Parameters
    ----------
    plan
        A plan (`PlanResult.plan`), all of its offers with what became of them
        (`PlanResult.offers`), or with `top` a table of scores; or the path of its file.
    clients
        The client file, or its path: `client_id`, and where there are, `name`, `email`, `phone`,
        `address`, `postcode`, `city`.
    columns
        What those columns are called, where it is something else: `{"email": "mail"}`.
    top, by, channel
        Instead of a plan: list so many clients, those with the largest values in a column of the
        scores, ties by client, for a channel.
    campaign
        Text from which codes are made, with the clients.
    pseudonym_key
        The file of a key: clients are listed by pseudonyms, without name, e-mail address, telephone
        number and address, and reasons of fewer than ten refusals are counted together.
    policy, consent, suppress, contacts, control, last_seen, as_of
        As `plan_contacts` takes them: what has changed since the plan was made is heeded, and rows
        say on which consent they rest.

    Returns
    -------
    ChannelLists
        The lists, and the account of every offer.

    Raises
    ------
    OptionError
        If an option has no meaning.
    GrcError
        If a table cannot be read, or a column or a value is wrong.

    Notes
    -----
    A list has `client_id`, the columns of the client file, and `offer`, `basis` and
    `consent_collected_at` (of the consent on which the contact rests), `pressure` (the past
    contacts that the policy counts), `gain`, with `top` the column of `by`, and `code`: eight
    letters, a hash of campaign and client under the key, by which an answer names its client.

    Examples
    --------
    >>> import grc_fast as grc
    >>> import polars as pl
    >>> plan = pl.DataFrame(
    ...     {"client_id": [1, 2, 3], "channel": ["email"] * 3, "gain": [2.0, 3.0, 1.0], "cost": 0.0}
    ... )
    >>> clients = pl.DataFrame({"client_id": [1, 2], "email": ["ada@example.com", None]})
    >>> lists = grc.channel_lists(plan, clients)
    >>> lists.tables["email"].select("client_id", "email", "gain").rows()
    [(1, 'ada@example.com', 2.0)]
    >>> {reason: n for reason, n in lists.manifest["refused"].items() if n}
    {'not_in_client_file': 1, 'no_address': 1}
    """
    best = TopClients.of(top, by, channel)
    text("campaign", campaign, "text, such as spring-2026")
    key = None if pseudonym_key is None else read_key(pseudonym_key)
    base = read_clients(clients, ClientColumns.of(columns))
    offers = checked_plan(plan, best)
    tables = Tables(consent, suppress, contacts, control, last_seen)
    found = listed_offers(offers, base, tables, policy, as_of)
    return as_lists(found, best, campaign, key)


def checked_plan(plan: Any, best: TopClients | None) -> pl.DataFrame:
    """Return the offers of a plan, or those of the best clients, checked."""
    if best is None:
        return checked_offers(plan)
    return checked_offers(offers_of_scores(plan, best.by, best.channel))


def as_lists(
    found: ListedOffers, best: TopClients | None, campaign: str, key: bytes | None
) -> ChannelLists:
    """Make lists of the offers that are listed.

    Parameters
    ----------
    found
        The offers.
    best
        What was asked for instead of a plan.
    campaign
        What codes are made of beside the clients.
    key
        What pseudonyms are made with; None for the ids themselves.
    """
    if best is not None:
        found = found.best(best.most)
    rows = found.rows if best is None else with_gain_of_scores(found.rows)
    rows = rows.with_columns(campaign_codes(rows["client_id"], campaign, key or b""))
    if key is not None:
        rows = rows.drop(IDENTIFYING, strict=False)
        # Sorted anew: the order among equals is not to tell that of the ids.
        rows = rows.with_columns(pseudonyms(rows["client_id"], key)).sort(
            "gain" if best is None else best.by, "client_id", descending=[True, False]
        )
    kept = _kept(rows, [] if best is None else [best.by])
    tables = {
        channel: rows.filter(pl.col("channel") == channel).select(kept)
        for channel in found.channels
    }
    manifest = found.manifest
    if key is not None:
        manifest = {**manifest, "refused": without_small_counts(manifest["refused"])}
    return ChannelLists(tables, manifest, found.notes, None if key is not None else rows)


def _kept(rows: pl.DataFrame, further: Iterable[str]) -> list[str]:
    """List the columns of a list, in their order."""
    wanted = ("client_id", "zone", *CONTACT_COLUMNS, *_EXPLANATION, *further, "code")
    return [name for name in dict.fromkeys(wanted) if name in rows.columns]


def without_small_counts(refused: Mapping[str, int]) -> dict[str, int]:
    """Count reasons of few refusals together, and the next larger one if they are few still.

    Examples
    --------
    >>> without_small_counts({"budget": 200, "capacity": 40, "suppressed": 3, "no_score": 0})
    {'budget': 200, 'other': 43}
    """
    small, together = set(), 0
    for reason, count in sorted(refused.items(), key=lambda item: item[1]):
        if count >= _SMALL and (together == 0 or together >= _SMALL):
            break
        small.add(reason)
        together += count
    if together == 0:
        return dict(refused)
    kept = {reason: count for reason, count in refused.items() if reason not in small}
    return {**kept, _OTHER: together}
