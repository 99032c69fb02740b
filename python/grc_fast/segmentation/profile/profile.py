"""The omnichannel profile of clients, in one call."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final, Unpack

import polars as pl

from grc_fast._typing import Lang
from grc_fast._utils.panics import panics_as_errors
from grc_fast._utils.processes import check_process
from grc_fast.behaviour.events import EventRoles
from grc_fast.errors import OptionError
from grc_fast.facts.options import Reading, SalesReading
from grc_fast.facts.table import CLIENT
from grc_fast.io.open import open_source
from grc_fast.labels.catalogue import check_lang, section, text
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase
from grc_fast.labels.written_frame import written_frame
from grc_fast.report.report_file import Drawn
from grc_fast.segmentation.profile.axes import Axis, Reliability, axis_of_shares
from grc_fast.segmentation.profile.counts import count_clients
from grc_fast.segmentation.profile.events import read_events
from grc_fast.segmentation.profile.openness import openness
from grc_fast.segmentation.profile.roles import ProfileRoles
from grc_fast.segmentation.profile.rows import RowCount
from grc_fast.segmentation.profile.settings import BALANCED, POLES, ProfileSettings

#: Where Parquet files keep the reliability of the axes, as JSON.
RELIABILITY_KEY: Final = "grc_fast.reliability"
_CENTRE: Final = 50
# So far off the centre an axis has a label.
_OFF_CENTRE: Final = 10
# Below this an axis says more of chance than of a client: less than half of its variance is theirs.
_RELIABLE: Final = 0.5


@dataclass(frozen=True, eq=False)
class ProfileResult(Drawn):
    """How open, active and relational each client is.

    Attributes
    ----------
    scores
        One row a client with a purchase or an event that counts, ascending by `client_id`: `open`,
        `active`, `relational` (Float64, 0 to 100, null below five events), each followed by the
        events behind it (`open_events` …, UInt32), and `profile` (Enum): the labels of the axes
        that are off the centre by more than 10, or `balanced`; null where no axis is known.
    reliability
        By axis, how far it would come out the same on other events of the same clients.
    settings
        The kinds of events, and the channels that suit each label.
    rows
        The account of the rows of sales, and of events.
    notes
        What is left out, and why.
    warnings
        What looks wrong in the data.
    """

    scores: pl.DataFrame
    reliability: Mapping[str, Reliability]
    settings: ProfileSettings
    rows: tuple[RowCount, ...]
    notes: tuple[Wording, ...]
    warnings: tuple[Wording, ...]

    @property
    def profiles(self) -> pl.DataFrame:
        """The size of every profile that occurs, and the channels that suit it.

        Columns: `profile`, `clients`, `share`, `channels` (by commas, the best first; null where no
        axis is known), the largest first.
        """
        check_process()
        dtype = self.scores.schema["profile"]
        assert isinstance(dtype, pl.Enum)
        suiting = {
            name: ", ".join(self.settings.channels.suiting(list(labels)))
            for name, labels in zip(dtype.categories, _combinations(), strict=True)
        }
        name = pl.col("profile").cast(pl.String)
        return (
            self.scores.group_by("profile")
            .agg(clients=pl.len().cast(pl.UInt32))
            .sort("clients", "profile", descending=[True, False], nulls_last=True)
            .with_columns(
                share=pl.col("clients") / max(self.scores.height, 1),
                channels=name.replace_strict(suiting, default=None, return_dtype=pl.String),
            )
        )

    def reliability_json(self) -> str:
        """Return the reliability of the axes as the metadata of Parquet files have it."""
        return json.dumps({axis: asdict(found) for axis, found in self.reliability.items()})

    @property
    def metadata(self) -> dict[str, str]:
        """What a Parquet file of the scores says of itself."""
        return {RELIABILITY_KEY: self.reliability_json()}

    def to_dict(self) -> dict[str, Any]:
        """Return profiles and reliability in types that JSON knows."""
        return {
            "profiles": self.profiles.to_dicts(),
            "reliability": json.loads(self.reliability_json()),
            "rows": {count.name: count.to_dict() for count in self.rows},
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }

    def named_profiles(self, lang: Lang = "en") -> pl.DataFrame:
        """Return the profiles with a name for those of whom too little is known."""
        unknown = text("profile.unknown", lang)
        return self.profiles.with_columns(pl.col("profile").cast(pl.String).fill_null(unknown))

    def _chart(self, lang: Lang) -> Any:
        from grc_fast.report.charts.shares import shares_chart

        profiles = self.named_profiles(lang)
        return shares_chart(profiles["profile"], {text("table.share", lang): profiles["share"]})

    def _repr_html_(self) -> str:
        return written_frame(self.named_profiles(), self.lang).html()


@panics_as_errors()
def profile(
    sales: object,
    events: object = None,
    *,
    category: str | None = None,
    channel: str | None = None,
    promo: str | None = None,
    timestamp: str = "timestamp",
    kind: str = "kind",
    settings: str | Path | ProfileSettings | None = None,
    lang: Lang = "en",
    **reading: Unpack[Reading],
) -> ProfileResult:
    """Say how open, how active and how relational each client is.

    Parameters
    ----------
    sales
        Sales: any source that `facts` takes.
    events
        Events, any source that `score_behaviour` takes, with the clients in the column that the
        sales have them in. Without events, or without any on one side of it, an axis is null.
    category, channel
        Columns of the sales, or SQL: what was bought, and where. By default the columns of these
        names, where there are.
    promo
        Column of true and false, or SQL: whether a line was on promotion. By default likewise.
    timestamp, kind
        Columns of the events: when, and what.
    settings
        A TOML file, or `ProfileSettings`: which kinds of events count on which side of an axis, and
        the channels that suit each label. By default those that
        ``grc-fast profile --print-settings`` prints.
    lang
        The language of the labels: `en` or `fr`.
    timezone
        The zone whose clocks and days count for instants with a zone.
    client, date, amount, order, where, encoding, separator, decimal, thousands, date_format
        As for `facts`, and so are `null_values`, `skip_rows`, `sheet`, `threads` and `progress`.

    Returns
    -------
    ProfileResult
        The axes and labels of each client, and the reliability of each axis.

    Raises
    ------
    SourceError, ColumnError, DataError, OptionError
        As for `facts` and `score_behaviour`.

    Notes
    -----
    Purchases are orders, or lines without `order`; returns are none.

    open: the mean of three percentiles, each among the clients with at least five purchases after
    the third: the share of those purchases in a category never bought before, the entropy of the
    categories over purchases, and that of the channels. `open_events` are those purchases.

    active: the share of what the client began, which are orders and kinds such as `search`, among
    that and answers to contacts (`email_click`).

    relational: the share of what looks for people (`adviser`, `review`, `event`, `referral`,
    `subscription`) among that, baskets of promotions alone, `price_search` and `self_service`.

    A share of n events is drawn to μ, that of all events of all clients: (5μ + hits) / (5 + n).
    Shares are put on percentiles among the clients whose axis is not null: 100 (rank - 1/2) / N,
    with equal values at the middle of their ranks.

    Time grows with the lines, and so does memory: all of them are kept until the last is read, 24
    bytes each, or 32 with an order id, as the place of an order among those of its client depends
    on every other.

    Examples
    --------
    >>> import polars as pl
    >>> import grc_fast as grc
    >>> sales = pl.DataFrame({
    ...     "client_id": [1] * 8 + [2] * 8,
    ...     "date": [f"2026-01-{day:02}" for day in range(1, 9)] * 2,
    ...     "amount": [10.0] * 16,
    ...     "category": list("ABCDEFGH") + list("AAAAAAAA"),
    ... })
    >>> result = grc.profile(sales)
    >>> result.scores.select("client_id", "open", "open_events", "profile").rows()
    [(1, 75.0, 5, 'open'), (2, 25.0, 5, 'conservative')]
    """
    check_lang(lang)
    read = SalesReading.of(reading)
    if read.clients is not None:
        raise OptionError("clients is no option of profile: join the base to the scores instead")
    if not isinstance(settings, ProfileSettings):
        settings = ProfileSettings.load(settings)
    roles = ProfileRoles(
        client=read.client,
        date=read.date,
        amount=read.amount,
        order=read.order,
        where=read.where,
        category=category,
        channel=channel,
        promo=promo,
    )
    event_roles = EventRoles(client=read.client, timestamp=timestamp, kind=kind)
    source = open_source(sales, read.text)
    opened = source.open(roles)
    done = (
        None
        if events is None
        else read_events(events, event_roles, settings.kinds, read.text, read.timezone)
    )
    counts = count_clients(source, opened, read, done, settings.kinds.sides)
    axes = {
        "open": openness(counts.frame),
        "active": axis_of_shares(counts.frame, "active"),
        "relational": axis_of_shares(counts.frame, "relational"),
    }
    return ProfileResult(
        _scores(counts.frame[CLIENT], axes, section("profile", lang)),
        {axis: found.reliability for axis, found in axes.items()},
        settings,
        (counts.rows,) if done is None else (counts.rows, done.rows),
        tuple(_notes(axes, counts.roles)),
        () if done is None else done.warnings,
    )


def _scores(clients: pl.Series, axes: Mapping[str, Axis], words: Mapping[str, str]) -> pl.DataFrame:
    """Put the axes side by side, and name what is off the centre."""
    columns: dict[str, pl.Series] = {CLIENT: clients}
    for name, axis in axes.items():
        columns |= {name: axis.value, f"{name}_events": axis.events}
    table = pl.DataFrame(columns)
    # The position of the combination of labels in the list of all.
    code = pl.lit(0)
    for name in POLES:
        off = pl.col(name) - _CENTRE
        side = pl.when(off < -_OFF_CENTRE).then(1).when(off > _OFF_CENTRE).then(2).otherwise(0)
        code = code * 3 + side
    names = [", ".join(words[label] for label in labels) for labels in _combinations()]
    known = pl.any_horizontal(pl.col(list(POLES)).is_not_null())
    labels = pl.lit(pl.Series(names, dtype=pl.Enum(names))).gather(code)
    return table.with_columns(profile=pl.when(known).then(labels))


def _combinations() -> Iterator[tuple[str, ...]]:
    """Give the labels of every profile there is, the balanced first."""
    for sides in product(*((None, *poles) for poles in POLES.values())):
        yield tuple(label for label in sides if label is not None) or (BALANCED,)


def _notes(axes: Mapping[str, Axis], roles: frozenset[str]) -> Iterator[Wording]:
    """Say which axes are not known, and which are known too little to act on."""
    for name, axis in axes.items():
        if name == "open" and "category" not in roles:
            yield Phrase("profiles.no_category")
        elif axis.is_unknown and name == "open":
            yield Phrase("profiles.few_purchases")
        elif axis.is_unknown:
            low, high = (Phrase(f"profile.{pole}") for pole in POLES[name])
            yield Phrase("profiles.unknown_axis", axis=name, low=low, high=high)
        else:
            value = axis.reliability.value
            if value is None:
                yield Phrase("profiles.unknown_reliability", axis=name)
            elif value < _RELIABLE:
                yield Phrase("profiles.unreliable", axis=name, reliability=value)
