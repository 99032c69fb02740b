"""The account of a run: every row read is used, or dropped for a reason that is shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

import polars as pl

from grc_fast._utils.dates import day_of_number
from grc_fast.io.file_listing import Listing
from grc_fast.labels.catalogue import text
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases, indented
from grc_fast.labels.table import Table
from grc_fast.labels.written import percent, whole

# A row that could be dropped for several reasons counts under the first.
REASONS = ("where", "client", "date", "amount", "future", "returns")


@dataclass(frozen=True)
class Quality:
    """What was read, used and dropped, and why.

    ``rows_read == rows_used + sum(dropped.values())``, and the same holds of money.

    Attributes
    ----------
    rows_read, rows_used
        Rows of the source, and those of them that facts are made of.
    money_read, money_used
        The sums of their amounts, exact. Rows without an amount have none.
    dropped, dropped_money
        Rows and money by reason: `where`, `client`, `date`, `amount`, `future`, and `returns`
        where returns are dropped. A row counts under the first reason that holds.
    returns, returns_money
        The lines used with a negative amount, and their sum.
    clients
        Clients with a line that is used.
    clients_scored, clients_returns_only, clients_never_bought, clients_out_of_window
        Clients with a purchase (in the window, where there is one); with returns only; of the
        base without any line; with purchases before the window only.
    clients_outside_base
        Clients with a line whom the client base does not hold, where one was given.
    orders_on_two_dates
        Order ids found on more than one day.
    rows_without_order
        Rows used whose order is null: each is an order of its own.
    base_rows_dropped
        Rows of the client base without a client id.
    first_day, last_day
        Days of the first and of the last row used; None where there is none.
    as_of
        The day from which recency is counted.
    notes
        What else is worth knowing: how files are written, where `as_of` comes from.
    warnings
        What is likely to be wrong, and what to do: lines that count twice, orders that are none.
    files
        Files read, as `files.read`, and what a folder or a glob holds besides, as `files.skipped`.
    """

    rows_read: int
    rows_used: int
    money_read: Decimal
    money_used: Decimal
    dropped: Mapping[str, int]
    dropped_money: Mapping[str, Decimal]
    returns: int
    returns_money: Decimal
    clients: int
    clients_scored: int
    clients_returns_only: int
    clients_never_bought: int
    clients_out_of_window: int
    clients_outside_base: int
    orders_on_two_dates: int
    rows_without_order: int
    base_rows_dropped: int
    first_day: dt.date | None
    last_day: dt.date | None
    as_of: dt.date
    notes: tuple[Wording, ...] = field(default=())
    warnings: tuple[Wording, ...] = field(default=())
    files: Listing = field(default_factory=Listing)

    @classmethod
    def from_account(
        cls,
        account: Mapping[str, Any],
        *,
        returns_dropped: bool = False,
        out_of_window: int = 0,
        notes: tuple[Wording, ...] = (),
        warnings: tuple[Wording, ...] = (),
        files: Listing | None = None,
    ) -> Quality:
        """Make it of the account that the extension keeps.

        Parameters
        ----------
        account
            What `FactsBuilder.finish` returns beside the table: counts (`clients` being those
            who bought), days since 1970-01-01 and money as integers at 10^-`money_scale`.
        returns_dropped
            Whether returns are a reason to drop a row.
        out_of_window
            How many clients with a purchase have none in the window.
        notes, warnings, files
            See the class.

        Examples
        --------
        >>> from grc_fast.facts.quality import Quality
        >>> account = {
        ...     "rows_read": 3, "rows_used": 2, "money_scale": 2, "money_read": 700,
        ...     "money_used": 500, "dropped": {"client": [1, 200]}, "returns": [0, 0],
        ...     "clients": 2, "clients_returns_only": 0, "clients_never_bought": 0,
        ...     "clients_outside_base": 0, "orders_on_two_dates": 0, "rows_without_order": 0,
        ...     "base_rows_dropped": 0,
        ...     "first_day": 18262, "last_day": 18263, "as_of": 18264,
        ... }
        >>> quality = Quality.from_account(account)
        >>> quality.dropped["client"], quality.dropped_money["client"]
        (1, Decimal('2.00'))
        """
        scale = account["money_scale"]
        reasons = REASONS if returns_dropped else REASONS[:-1]
        lost = {reason: account["dropped"].get(reason, [0, 0]) for reason in reasons}
        returns_only = account["clients_returns_only"]
        return cls(
            rows_read=account["rows_read"],
            rows_used=account["rows_used"],
            money_read=_money(account["money_read"], scale),
            money_used=_money(account["money_used"], scale),
            dropped={reason: rows for reason, (rows, _) in lost.items()},
            dropped_money={reason: _money(money, scale) for reason, (_, money) in lost.items()},
            returns=account["returns"][0],
            returns_money=_money(account["returns"][1], scale),
            clients=account["clients"] + returns_only,
            clients_scored=account["clients"] - out_of_window,
            clients_returns_only=returns_only,
            clients_never_bought=account["clients_never_bought"],
            clients_out_of_window=out_of_window,
            clients_outside_base=account["clients_outside_base"],
            orders_on_two_dates=account["orders_on_two_dates"],
            rows_without_order=account["rows_without_order"],
            base_rows_dropped=account["base_rows_dropped"],
            first_day=_day(account["first_day"]),
            last_day=_day(account["last_day"]),
            as_of=day_of_number(account["as_of"]),
            notes=notes,
            warnings=warnings,
            files=files or Listing(),
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Quality:
        """Make it of what `to_dict` gave.

        Examples
        --------
        >>> import grc_fast as grc
        >>> sales = grc.simulate_sales(500, 60, seed=1)
        >>> quality = grc.score_rfm(sales, as_of="2026-01-01").quality
        >>> Quality.from_dict(quality.to_dict()) == quality
        True
        """
        dropped, returns = data["dropped"], data["returns"]
        changed = ("money_read", "money_used", "dropped", "returns", "notes", "warnings", "files")
        days: dict[str, Any] = {
            name: None if data[name] is None else dt.date.fromisoformat(data[name])
            for name in ("first_day", "last_day", "as_of")
        }
        counts = [f.name for f in fields(cls) if f.name in data and f.name not in (*changed, *days)]
        return cls(
            **{name: data[name] for name in counts},
            **days,
            money_read=Decimal(data["money_read"]),
            money_used=Decimal(data["money_used"]),
            dropped={reason: lost["rows"] for reason, lost in dropped.items()},
            dropped_money={reason: Decimal(lost["money"]) for reason, lost in dropped.items()},
            returns=returns["rows"],
            returns_money=Decimal(returns["money"]),
            notes=tuple(data["notes"]),
            warnings=tuple(data["warnings"]),
            files=Listing(tuple(data["files"]), tuple(data["skipped_files"])),
        )

    @property
    def money_scale(self) -> int:
        """The decimals of the money."""
        return max(-int(self.money_used.as_tuple().exponent), 0)

    @property
    def frame(self) -> pl.DataFrame:
        """The account as a table: `reason` (first `used`), `rows`, `share` of all rows, `money`.

        Money is Decimal at the scale of the account, so the column sums exactly.
        """
        rows = {"used": self.rows_used, **self.dropped}
        money = {"used": self.money_used, **self.dropped_money}
        return pl.DataFrame(
            {
                "reason": list(rows),
                "rows": list(rows.values()),
                "share": [
                    count / self.rows_read if self.rows_read else 0.0 for count in rows.values()
                ],
                "money": [money[reason] for reason in rows],
            },
            schema={
                "reason": pl.String,
                "rows": pl.UInt64,
                "share": pl.Float64,
                "money": pl.Decimal(38, self.money_scale),
            },
        )

    def written(self, lang: str) -> Table:
        """Return what became of the rows and the money as it is read, with the total."""
        rows = [
            [
                text(f"reason.{reason}", lang),
                whole(rows, lang),
                percent(share, lang),
                whole(sum_of, lang),
            ]
            for reason, rows, share, sum_of in self.frame.iter_rows()
        ]
        total = [
            text("table.total", lang),
            whole(self.rows_read, lang),
            percent(1, lang),
            whole(self.money_read, lang),
        ]
        header = [
            text("report.reason", lang),
            text("report.rows", lang),
            text("report.share_of_rows", lang),
            text("table.money", lang),
        ]
        return Table(text("report.account", lang), header, [*rows, total])

    def to_dict(self) -> dict[str, Any]:
        """Give the account ready for JSON: money as exact decimal text, days as ISO text."""
        return {
            "rows_read": self.rows_read,
            "rows_used": self.rows_used,
            "money_read": str(self.money_read),
            "money_used": str(self.money_used),
            "dropped": {
                reason: {"rows": rows, "money": str(self.dropped_money[reason])}
                for reason, rows in self.dropped.items()
            },
            "returns": {"rows": self.returns, "money": str(self.returns_money)},
            "clients": self.clients,
            "clients_scored": self.clients_scored,
            "clients_returns_only": self.clients_returns_only,
            "clients_never_bought": self.clients_never_bought,
            "clients_out_of_window": self.clients_out_of_window,
            "clients_outside_base": self.clients_outside_base,
            "orders_on_two_dates": self.orders_on_two_dates,
            "rows_without_order": self.rows_without_order,
            "base_rows_dropped": self.base_rows_dropped,
            "first_day": _iso(self.first_day),
            "last_day": _iso(self.last_day),
            "as_of": self.as_of.isoformat(),
            "notes": list(self.notes),
            "warnings": list(self.warnings),
            "files": list(self.files.read),
            "skipped_files": list(self.files.skipped),
        }

    def __str__(self) -> str:
        return self.said("en")

    def said(self, lang: str) -> str:
        """Return the account for a reader, a line a reason."""
        lines: list[Wording] = [
            Phrase("account.read", rows=self.rows_read, money=self.money_read),
            self._row_line("used", self.rows_used, self.money_used),
        ]
        lines += [
            self._row_line(reason, rows, self.dropped_money[reason])
            for reason, rows in self.dropped.items()
            if rows
        ]
        lines += [self._client_line(), *self._order_lines()]
        lines += [Phrase("message.warning", said=warning) for warning in self.warnings]
        lines += [Phrase("message.note", said=note) for note in (*self.notes, *self.files.phrases)]
        return "\n".join(line.said(lang) for line in lines)

    def _repr_html_(self) -> str:
        return self.written("en").html()

    def _row_line(self, reason: str, rows: int, money: Decimal) -> Wording:
        share = 100 * rows / self.rows_read if self.rows_read else 0.0
        caption = Phrase(f"account.{reason}")
        return indented(
            Phrase("account.rows", caption=caption, rows=rows, share=share, money=money)
        )

    def _client_line(self) -> Wording:
        others = {
            "returns_only": self.clients_returns_only,
            "never_bought": self.clients_never_bought,
            "out_of_window": self.clients_out_of_window,
            "outside_base": self.clients_outside_base,
        }
        told: list[Wording] = [Phrase("account.scored", clients=self.clients_scored)]
        told += [
            Phrase(f"account.{words}", clients=count) for words, count in others.items() if count
        ]
        days: list[Wording] = []
        if self.first_day is not None and self.last_day is not None:
            days.append(Phrase("account.sales", first=self.first_day, last=self.last_day))
        days.append(Phrase("account.as_of", day=self.as_of))
        return Phrases([Phrases(told), *days], "; ")

    def _order_lines(self) -> list[Wording]:
        lines: list[Wording] = []
        if self.returns:
            returns, money = self.returns, self.returns_money
            lines.append(Phrase("account.returned", rows=returns, money=money))
        if self.orders_on_two_dates:
            orders = Phrase("account.orders_on_two_dates", orders=self.orders_on_two_dates)
            lines.append(Phrase("message.warning", said=orders))
        if self.rows_without_order:
            lines.append(Phrase("account.without_order", rows=self.rows_without_order))
        if self.base_rows_dropped:
            lines.append(Phrase("account.base_without_client", rows=self.base_rows_dropped))
        return lines


def _day(days: int | None) -> dt.date | None:
    return None if days is None else day_of_number(days)


def _iso(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()


def _money(units: int, scale: int) -> Decimal:
    """Place the decimal point; read from text, so no context can round it."""
    return Decimal(f"{units}E-{scale}")
