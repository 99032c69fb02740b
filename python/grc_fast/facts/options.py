"""The options of reading sales: one set of names, types, defaults and checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, get_args

from grc_fast._typing import Progress, Returns
from grc_fast._utils.checks import check_threads, known_options, text, whole
from grc_fast.errors import OptionError
from grc_fast.io.roles import Roles
from grc_fast.io.text_options import DETECTED, TextOptions, TextReading

# As many as an integer of 64 bits holds.
_MOST_DECIMALS: Final = 18


class Reading(TextReading, total=False):
    """The options that every function that reads sales takes; `grc_fast.facts` describes them."""

    client: str
    date: str
    amount: str
    order: str | Sequence[str] | None
    where: str | None
    clients: Any
    timezone: str
    money_scale: int | None
    threads: int | None
    progress: Progress | None


@dataclass(frozen=True, kw_only=True)
class SalesReading:
    """How sales are read: every option of `Reading`, checked, and what a negative amount is."""

    client: str = "client_id"
    date: str = "date"
    amount: str = "amount"
    order: str | Sequence[str] | None = None
    where: str | None = None
    clients: Any = None
    returns: Returns = "net"
    timezone: str = "UTC"
    money_scale: int | None = None
    threads: int | None = None
    progress: Progress | None = None
    text: TextOptions = DETECTED

    def __post_init__(self) -> None:
        """Check every option."""
        known = get_args(Returns)
        if self.returns not in known:
            raise OptionError(
                f"returns must be one of {', '.join(known)}, and not {self.returns!r}"
            )
        text("timezone", self.timezone, "a zone such as Europe/Paris")
        if self.money_scale is not None:
            whole("money_scale", self.money_scale, least=0, most=_MOST_DECIMALS)
        check_threads(self.threads)
        _ = self.roles

    @classmethod
    def of(cls, reading: Reading, *, returns: Returns = "net") -> SalesReading:
        """Check the options that a caller gave.

        Raises
        ------
        OptionError
            If one is unknown, or its value is wrong.
        """
        known_options(reading, Reading.__annotations__, "reading sales")
        given: dict[str, Any] = dict(reading)
        return cls(text=TextOptions.taken_from(given), **given, returns=returns)

    @cached_property
    def roles(self) -> Roles:
        """The columns that play the parts of a sale."""
        return Roles(
            client=self.client,
            date=self.date,
            amount=self.amount,
            order=self.order,
            where=self.where,
        )
