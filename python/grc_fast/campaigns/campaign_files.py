"""The tables of past campaigns, in files or frames, whatever their columns are called."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from grc_fast._utils.checks import column, known_options
from grc_fast.campaigns.tables import CAMPAIGNS, RESPONSES, SCORES
from grc_fast.errors import ColumnError
from grc_fast.io.small_tables import (
    ColumnKinds,
    as_frame,
    days,
    flag,
    frame_of,
    is_path,
    read_table,
)
from grc_fast.io.text_options import DETECTED, TextOptions, TextReading
from grc_fast.rfm.rfm import RFMResult

# By role: what the tables of this package call the column.
_NAMES: Final = {
    "client": "client_id",
    "campaign": "campaign",
    "contacted": "contacted_on",
    "responded": "responded",
    "control": "control",
    "spend": "spend",
    "answered": "date",
}


class CampaignReading(TextReading, total=False):
    """The columns of campaign files, and the options of text files; `response` describes them."""

    client: str
    campaign: str
    contacted: str
    responded: str
    control: str
    spend: str
    answered: str


@dataclass(frozen=True)
class CampaignColumns:
    """Which column plays which part.

    Attributes
    ----------
    names
        Those that are called otherwise than here, by role.
    text
        How text files, and text, are written.
    strict
        Whether the client of campaigns must have the name that is given, which is that of sales
        where scores are made of them.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    text: TextOptions = DETECTED
    strict: bool = True

    @classmethod
    def of(cls, reading: CampaignReading) -> CampaignColumns:
        """Check the options that a caller gave.

        Raises
        ------
        OptionError
            If one is unknown, or its value is wrong.
        """
        known_options(reading, CampaignReading.__annotations__, "response")
        given: dict[str, Any] = dict(reading)
        text = TextOptions.taken_from(given)
        for role, name in given.items():
            column(role, name)
        return cls({role: name for role, name in given.items() if name != _NAMES[role]}, text)

    def named(self, role: str) -> str:
        """Return the column of a role."""
        return self.names.get(role, _NAMES[role])

    @property
    def kinds(self) -> ColumnKinds:
        """What the columns hold."""
        return ColumnKinds(
            dates=frozenset((self.named("contacted"), self.named("answered"))),
            numbers=frozenset((self.named("spend"),)),
            texts=frozenset((self.named("client"), self.named("campaign"), "client_id", "segment")),
        )


#: Every column has the name that the tables of this package give it.
PLAIN: Final = CampaignColumns()


def scores_table(scores: Any, columns: CampaignColumns = PLAIN) -> pl.DataFrame:
    """Take scores, of a result, a frame or a file, under the names of this package.

    Raises
    ------
    SourceError, ColumnError
        If a file cannot be read, or there is no client.
    """
    if isinstance(scores, RFMResult):
        return scores.scores
    frame = _frame(scores, SCORES, columns)
    return _renamed(frame, SCORES, columns, needed=(_client(frame, columns),), known=("campaign",))


def campaigns_table(campaigns: Any, columns: CampaignColumns = PLAIN) -> pl.DataFrame:
    """Take contacts under the names of this package: days as such, yes and no as true and false.

    Raises
    ------
    SourceError, ColumnError, DataError
        If a file cannot be read, or a column is missing or of a wrong type.
    """
    frame = _frame(campaigns, CAMPAIGNS, columns)
    client = columns.named("client") if columns.strict else _client(frame, columns)
    needed = [client, columns.named("campaign"), columns.named("contacted")]
    needed += [columns.names[role] for role in ("responded", "control") if role in columns.names]
    known = ("responded", "control", "spend")
    found = _renamed(frame, CAMPAIGNS, columns, needed=needed, known=known)
    flags = [name for name in ("responded", "control") if name in found.columns and found.height]
    return found.with_columns(
        days(found, "contacted_on", CAMPAIGNS, columns.text),
        *(flag(found, name, CAMPAIGNS) for name in flags),
    )


def responses_table(responses: Any, columns: CampaignColumns = PLAIN) -> pl.DataFrame:
    """Take answers under the names of this package, days as such.

    Raises
    ------
    SourceError, ColumnError, DataError
        If a file cannot be read, or a column is missing or of a wrong type.
    """
    frame = _frame(responses, RESPONSES, columns)
    needed = (_client(frame, columns), columns.named("answered"))
    found = _renamed(frame, RESPONSES, columns, needed=needed, known=("campaign", "spend"))
    return found.with_columns(days(found, "date", RESPONSES, columns.text))


def _client(frame: pl.DataFrame, columns: CampaignColumns) -> str:
    """Return the column of the client, which may have this package's name for it all the same."""
    named = columns.named("client")
    return named if named in frame.columns else _NAMES["client"]


def _renamed(
    frame: pl.DataFrame,
    what: str,
    columns: CampaignColumns,
    *,
    needed: Sequence[str],
    known: Sequence[str],
) -> pl.DataFrame:
    """Give the columns of roles their names; what bears such a name without the role goes.

    Parameters
    ----------
    needed
        Columns that there must be.
    known
        Roles that there may be.
    """
    frame_of(frame, what, needed)
    given = {columns.named(role): name for role, name in _NAMES.items()} | {
        "client_id": "client_id"
    }
    optional = [columns.named(role) for role in known]
    names = {name: given[name] for name in (*needed, *optional) if name in frame.columns}
    taken = frozenset(names.values())
    kept = [name for name in frame.columns if name in names or name not in taken]
    return frame.select(kept).rename(names)


def _frame(table: Any, what: str, columns: CampaignColumns) -> pl.DataFrame:
    """Take a table of any library, or read it."""
    if is_path(table):
        return _read(os.fspath(table), columns)
    frame = as_frame(table, what)
    if frame is None:
        raise ColumnError(f"{what} must be a table, and {type(table).__name__} is not")
    return frame


def _read(path: str, columns: CampaignColumns) -> pl.DataFrame:
    faults = []
    for client in dict.fromkeys((columns.named("client"), _NAMES["client"])):
        try:
            return read_table(path, columns.text, client, columns.kinds)
        except ColumnError as fault:
            faults.append(fault)
    raise faults[0]
