"""What workers do with sales: states of some lines, and facts of some clients."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from grc_fast import _core
from grc_fast.facts.collect import Request, facts_frame, new_builder, push_batches
from grc_fast.facts.facts import OF_WINDOW
from grc_fast.facts.options import SalesReading
from grc_fast.io.ids import id_expression
from grc_fast.io.open import open_source
from grc_fast.io.source import Opened
from grc_fast.spark.account import ACCOUNT, of_clients, of_lines
from grc_fast.spark.tables import Table
from grc_fast.spark.workers import account_row

if TYPE_CHECKING:
    import pyarrow as pa

#: The column that is true beside the ids of the client base, and null beside sales and states.
IN_BASE: Final = "grc_fast_in_base"
#: How errors name the client base.
BASE: Final = "clients"
# A column that only states have, and those that no state has.
_IS_STATE: Final = "lines_0"
_BESIDE: Final = [ACCOUNT, IN_BASE]
# States are given on once there are so many clients: below 200 MB with what finds and writes them.
_CLIENTS_A_FLUSH: Final = 1_000_000


@dataclass(frozen=True)
class Question:
    """What is asked of sales, the same for every worker.

    Attributes
    ----------
    reading
        How they are read.
    requests
        The facts and their windows.
    as_of
        The day.
    sales
        The columns of the sales.
    based
        Whether there is a client base.
    scored_by, returns_only
        As for `collect_facts`.
    scored_alone
        Whether clients out of the window have no row.
    """

    reading: SalesReading
    requests: Mapping[str, Request]
    as_of: dt.date
    sales: pa.Schema
    based: bool
    scored_by: str | None
    returns_only: bool
    scored_alone: bool

    def opened(self, table: pa.Table) -> Opened:
        """Open sales as a stream, of which no error names a row: here they have no numbers."""
        return open_source(table.to_reader(), self.reading.text).open(self.reading.roles)

    def begin(self) -> _core.FactsBuilder:
        """Begin a pass that knows the types of the columns."""
        opened = self.opened(self.sales.empty_table())
        builder = new_builder(self.reading, self.requests, opened, as_of=self.as_of)
        push_batches(builder, opened, self.reading)
        return builder

    def push(self, builder: _core.FactsBuilder, table: pa.Table) -> None:
        """Take lines in."""
        push_batches(builder, self.opened(table), self.reading)

    def finish(self, builder: _core.FactsBuilder) -> tuple[pl.DataFrame, _core._Account, int]:
        """End a pass with the facts, the account and how many are out of the window."""
        frame, account, out_of_window = facts_frame(
            builder,
            self.requests,
            based=self.based,
            scored_by=self.scored_by,
            returns_only=self.returns_only,
        )
        if self.scored_alone and self.scored_by is not None:
            frame = frame.filter(pl.col(self.scored_by).is_not_null())
        return frame.drop(OF_WINDOW, strict=False), account, out_of_window


@dataclass(frozen=True)
class WriteStates:
    """Give the states of the clients of any lines, and the account of these."""

    question: Question
    output: pa.Schema

    def run(self, tables: Iterable[pa.Table]) -> Iterator[Table]:
        """Take lines in; states are given on whenever there are many."""
        builder = self.question.begin()
        for table in tables:
            self.question.push(builder, table)
            if builder.clients >= _CLIENTS_A_FLUSH:
                yield from _states(builder)
                builder = self.question.begin()
        yield from _states(builder)


def _states(builder: _core.FactsBuilder) -> Iterator[Table]:
    import pyarrow as pa

    states, account = builder.finish_states()
    yield pa.table(states)
    yield account_row(of_lines(account))


@dataclass(frozen=True)
class MergeStates:
    """Give the facts of clients all of whose states are here."""

    question: Question
    output: pa.Schema
    client: str

    def run(self, tables: Iterable[pa.Table]) -> Iterator[Table]:
        """Take states in, with accounts and the client base among them."""
        builder = self.question.begin()
        for table in tables:
            yield table.select([ACCOUNT]).filter(table[ACCOUNT].is_valid())
            states = table.filter(table[_IS_STATE].is_valid())
            builder.add_states(states.drop_columns(_BESIDE))
            _enter_base(builder, table, self.client)
        frame, account, out_of_window = self.question.finish(builder)
        yield frame
        yield account_row(of_clients(account, out_of_window))


@dataclass(frozen=True)
class ReadLines:
    """Give the facts of clients all of whose lines are here."""

    question: Question
    output: pa.Schema
    client: str

    def run(self, tables: Iterable[pa.Table]) -> Iterator[Table]:
        """Take lines in, with the client base among them."""
        builder = self.question.begin()
        for table in tables:
            lines = table.filter(table[IN_BASE].is_null())
            self.question.push(builder, lines.drop_columns([IN_BASE]))
            _enter_base(builder, table, self.client)
        frame, account, out_of_window = self.question.finish(builder)
        yield frame
        yield account_row(of_lines(account) | of_clients(account, out_of_window))


def _enter_base(builder: _core.FactsBuilder, table: pa.Table, client: str) -> None:
    """Enter the clients of the base that are among the rows of a table."""
    base = table.select([client]).filter(table[IN_BASE].is_valid())
    if base.num_rows:
        ids = pl.DataFrame(base)
        builder.add_clients(
            ids.select(
                id_expression(pl.col(client), client, "client", ids[client].dtype, BASE)
            ).to_series()
        )
