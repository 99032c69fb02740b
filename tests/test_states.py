"""States of clients: what a pass hands to another, as a table of Arrow."""

from __future__ import annotations

import io

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal
from pyarrow import ipc

from grc_fast import _core
from grc_fast.errors import ColumnError, DataError, OptionError

DAY = 20_000
FACTS = [("lines", None), ("last_purchase", "7d"), ("total", None), ("total", "7d")]
RARE = [("max_basket", None), ("returns_total", "7d")]


def builder(facts: list[tuple[str, str | None]] = FACTS) -> _core.FactsBuilder:
    return _core.FactsBuilder(facts=facts, as_of=DAY, threads=1)


def pushed(sales: pl.DataFrame, facts: list[tuple[str, str | None]] = FACTS) -> _core.FactsBuilder:
    made = builder(facts)
    made.push(sales["client"], sales["date"], sales["amount"])
    return made


def states_of(sales: pl.DataFrame, facts: list[tuple[str, str | None]] = FACTS) -> pa.Table:
    return pa.table(pushed(sales, facts).finish_states()[0])


def sales(*ids: object, amount: float = 2.5, dtype: pl.DataType | None = None) -> pl.DataFrame:
    days = pl.Series("date", [DAY - 3 * i for i in range(len(ids))], dtype=pl.Int32).cast(pl.Date)
    return pl.DataFrame(
        {
            "client": pl.Series(ids, dtype=dtype),
            "date": days,
            "amount": pl.Series([amount] * len(ids), dtype=pl.Float64),
        }
    )


def through_a_file(table: pa.Table) -> pa.Table:
    file = io.BytesIO()
    with ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    return ipc.open_stream(file.getvalue()).read_all()


def test_columns_are_of_types_that_every_reader_has():
    states = states_of(sales("a", "a client with a long name"), FACTS + RARE)
    types = {str(field.type) for field in states.schema}
    assert types == {"string", "int64", "int32", "date32[day]"}
    assert states.schema.metadata == {b"grc_fast.states": b"1"}


@pytest.mark.parametrize(
    "ids",
    [
        pl.Series([3, -1, 3, 2**31 - 1], dtype=pl.Int32),
        pl.Series([3, -(2**63), 3, 7], dtype=pl.Int64),
        pl.Series([3, 200, 3, 7], dtype=pl.UInt8),
        pl.Series([3.0, -5.0, 3.0, 7.0]),
        pl.Series(["b", "a client with a long name", "b", "é"]),
        pl.Series(["c-1", "c-2", "c-1", "c-30"]),
    ],
)
def test_states_of_two_halves_are_those_of_the_whole(ids: pl.Series):
    whole = sales(*ids, dtype=ids.dtype)
    expected = pl.DataFrame(pushed(whole, FACTS + RARE).finish(returns_only=True, base=False)[0])
    merged = pushed(whole.clear(), FACTS + RARE)
    for half in (whole[2:], whole[:2]):
        merged.add_states(through_a_file(states_of(half, FACTS + RARE)))
    found = pl.DataFrame(merged.finish(returns_only=True, base=False)[0])
    assert_frame_equal(found, expected)


def test_sums_beyond_64_bits_are_exact():
    most = sales(1, 1, 1, amount=9e14)
    merged = pushed(most.clear())
    for _ in range(3):
        merged.add_states(states_of(most))
    frame, account = merged.finish(returns_only=False, base=False)
    assert account["money_used"] == 9 * 9 * 10**14 * 10**4 > 2**63
    assert pl.DataFrame(frame)["2"].item() == 81e14


def test_a_table_without_rows_is_one_of_states():
    assert states_of(sales(dtype=pl.Int64())).num_rows == 0
    merged = pushed(sales("a"))
    merged.add_states(states_of(sales(dtype=pl.String())))
    assert merged.finish(returns_only=False, base=False)[1]["clients"] == 1


def test_states_of_another_version_are_refused():
    states = states_of(sales(1)).replace_schema_metadata({"grc_fast.states": "2"})
    with pytest.raises(DataError, match="of version 2, and this version of grc_fast reads 1"):
        pushed(sales(1)).add_states(states)


@pytest.mark.parametrize("column", ["client_id", "first_0", "total_1_carry"])
def test_a_missing_column_is_named(column: str):
    with pytest.raises(ColumnError, match=f'has no column "{column}"'):
        pushed(sales(1)).add_states(states_of(sales(1)).drop_columns([column]))


def test_a_column_of_another_type_is_named():
    states = states_of(sales(1))
    place = states.column_names.index("lines_0")
    states = states.set_column(place, "lines_0", states["lines_0"].cast(pa.int32()))
    with pytest.raises(ColumnError, match='"lines_0" of a table of states is of type Int32'):
        pushed(sales(1)).add_states(states)


def test_a_state_without_a_client_is_refused():
    states = states_of(sales(1))
    states = states.set_column(0, "client_id", pa.nulls(1, pa.int64()))
    with pytest.raises(DataError, match="that of no client"):
        pushed(sales(1)).add_states(states)


def test_states_before_any_batch_are_refused():
    with pytest.raises(DataError, match="states come after the first batch"):
        builder().add_states(states_of(sales(1)))


def test_unsigned_ids_of_64_bits_have_no_states():
    with pytest.raises(ColumnError, match="cast them to signed integers or text"):
        states_of(sales(1, dtype=pl.UInt64()))


def test_facts_that_compare_lines_are_not_mergeable():
    assert builder().is_mergeable
    made = pushed(sales(1), [("active_days", None)])
    assert not made.is_mergeable
    with pytest.raises(OptionError, match="no states that can be merged"):
        made.finish_states()
