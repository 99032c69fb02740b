"""Tables that other libraries hand over in Arrow: no array that lies ends the process."""

from __future__ import annotations

import datetime as dt
import struct
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

import grc_fast as grc

ROWS = 3
SALES = {
    "client_id": pa.array(["ab", "cd", "ef"]),
    "date": pa.array([dt.date(2026, 1, 5)] * ROWS),
    "amount": pa.array([1.0, 2.0, 3.0]),
}


class Stream:
    """Some library's table: all that is known of it is the Arrow stream."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


class Batch:
    """Some library's batch: all that is known of it is the Arrow array."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return self._batch.__arrow_c_array__(requested_schema)


def sales_of(clients: Any) -> pa.Table:
    return pa.table({**SALES, "client_id": clients})


def totals(source: object) -> dict[Any, float]:
    frame = grc.facts(source, as_of="2026-02-01").frame
    return dict(frame.select("client_id", "total").iter_rows())


class Changed:
    """An array whose buffers are changed behind the back of PyArrow, which would not take them."""

    def __init__(self, dtype: Any, buffers: list[bytes | None]) -> None:
        self._memory = [None if data is None else bytearray(data) for data in buffers]
        held = [None if data is None else pa.py_buffer(data) for data in self._memory]
        self.array = pa.Array.from_buffers(dtype, ROWS, held)

    def change(self, buffers: list[bytes | None]) -> None:
        for held, data in zip(self._memory, buffers, strict=True):
            if held is not None and data is not None:
                held[:] = data


def offsets_of(numbers: list[int], form: str) -> bytes:
    return struct.pack(f"<{len(numbers)}{form}", *numbers)


@pytest.mark.parametrize(("dtype", "form"), [(pa.string(), "i"), (pa.large_string(), "q")])
@pytest.mark.parametrize(
    "lie",
    [
        ([0, -5, 4, 6], b"abcdef", "decrease or are below zero"),
        ([-8, 2, 4, 6], b"abcdef", "decrease or are below zero"),
        ([4, 3, 2, 6], b"abcdef", "decrease or are below zero"),
        ([0, 9, 2, 6], b"abcdef", "decrease or are below zero"),
        ([0, 2, 4, -1], b"abcdef", "decrease or are below zero"),
        ([0, 2, 4, 6], b"ab\xff\xfeef", "not UTF-8"),
        ([0, 3, 4, 6], b"ab\xc3\xa9ef", "not UTF-8"),
    ],
)
@pytest.mark.parametrize("wrapped", [Stream, Batch, None])
def test_texts_that_lie_are_refused(
    dtype: Any, form: str, wrapped: Any, lie: tuple[list[int], bytes, str]
) -> None:
    offsets, data, fault = lie
    clients = Changed(dtype, [None, offsets_of([0, 2, 4, 6], form), b"abcdef"])
    table = sales_of(clients.array)
    source = table if wrapped is None else wrapped(table.to_batches()[0])
    clients.change([None, offsets_of(offsets, form), data])
    with pytest.raises(grc.SourceError, match=f"'client_id' is broken, as .*{fault}"):
        totals(source)


def view(length: int, beginning: bytes, buffer: int, start: int) -> bytes:
    return struct.pack("<i4sii", length, beginning, buffer, start)


TEXT = b"abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("lying", "fault"),
    [
        (view(20, b"abcd", 0, 1 << 30), "leads out of its buffers"),
        (view(20, b"abcd", 0, 7), "leads out of its buffers"),
        (view(20, b"abcd", 1, 0), "leads out of its buffers"),
        (view(20, b"abcd", -1, 0), "leads out of its buffers"),
        (view(-1, b"abcd", 0, 0), "leads out of its buffers"),
        (view(20, b"abcx", 0, 0), "begins otherwise"),
        (view(2, b"abcd", 0, 0), "holds more than its text"),
        (view(2, b"\xff\xfe\0\0", 0, 0), "not UTF-8"),
    ],
)
def test_views_that_lie_are_refused(lying: bytes, fault: str) -> None:
    good = view(20, b"abcd", 0, 0)
    clients = Changed(pa.string_view(), [None, good * ROWS, TEXT])
    source = Stream(sales_of(clients.array))
    clients.change([None, good * 2 + lying, TEXT])
    with pytest.raises(grc.SourceError, match=f"'client_id' is broken, as .*{fault}"):
        totals(source)


def dictionary(keys: list[int], dtype: Any, form: str) -> Any:
    good = pa.array([0, 1, 0], dtype)
    memory = bytearray(good.buffers()[1].to_pybytes()[: ROWS * good.type.byte_width])
    held = pa.Array.from_buffers(dtype, ROWS, [None, pa.py_buffer(memory)])
    array = pa.DictionaryArray.from_arrays(held, pa.array(["ab", "cd"]))
    memory[:] = struct.pack(f"<3{form}", *keys)
    return array


@pytest.mark.parametrize(
    ("dtype", "form", "keys"),
    [
        (pa.int32(), "i", [0, 2, 0]),
        (pa.int32(), "i", [0, -1, 0]),
        (pa.int8(), "b", [0, -1, 0]),
        (pa.uint8(), "B", [0, 255, 0]),
        (pa.int64(), "q", [0, 1 << 40, 0]),
    ],
)
def test_keys_that_lead_out_of_their_dictionary_are_refused(
    dtype: Any, form: str, keys: list[int]
) -> None:
    lying = Stream(sales_of(dictionary(keys, dtype, form)))
    with pytest.raises(grc.SourceError, match="'client_id' is broken, as a key leads out"):
        totals(lying)


def test_what_stands_where_no_value_is_need_be_nothing() -> None:
    text = b"ab\xff\xfeef"
    holes = pa.py_buffer(b"\x05")
    offsets = pa.py_buffer(offsets_of([0, 2, 4, 6], "i"))
    clients = pa.Array.from_buffers(pa.string(), ROWS, [holes, offsets, pa.py_buffer(text)])
    assert totals(Stream(sales_of(clients))) == {"ab": 1.0, "ef": 3.0}
    keys = pa.Array.from_buffers(
        pa.int8(), ROWS, [holes, pa.py_buffer(struct.pack("<3b", 0, -1, 1))]
    )
    clients = pa.DictionaryArray.from_arrays(keys, pa.array(["x", "y"]), safe=False)
    assert totals(Stream(sales_of(clients))) == {"x": 1.0, "y": 3.0}


HONEST: dict[str, Any] = {
    "texts": pa.array(["ab", "é", "a text that is longer than twelve bytes"]),
    "large texts": pa.array(["ab", "日本", ""], pa.large_string()),
    "views": pa.array(["ab", "é", "a text that is longer than twelve bytes, é"], pa.string_view()),
    "texts with a null": pa.array(["ab", None, "ef"]),
    "views with a null": pa.array(["ab", None, "a text of more than twelve"], pa.string_view()),
    "a slice": pa.array(["no", "ab", "é", "ef", "no"]).slice(1, 3),
    "a slice of views": pa.array(["no", "ab", "é", "ef"], pa.string_view()).slice(1, 3),
    "a dictionary": pa.array(["ab", "cd", "ab"]).dictionary_encode(),
    "a slice of a dictionary": pa.array(["no", "cd", "cd", "x"]).dictionary_encode().slice(1, 3),
    "a dictionary of numbers": pa.array([7, 8, 7]).dictionary_encode(),
    "an empty dictionary": pa.DictionaryArray.from_arrays(
        pa.array([None] * ROWS, pa.int8()), pa.array([], pa.string())
    ),
    "numbers with a null": pa.array([7, None, 8]),
    "bytes": pa.array([b"ab", b"\xff", b"cd"]),
    "narrow decimals": pa.array([Decimal(1), Decimal(2), Decimal(3)], pa.decimal32(9, 0)),
}


@pytest.mark.parametrize("wrapped", [Stream, Batch, None])
@pytest.mark.parametrize("clients", HONEST)
def test_honest_arrays_are_read_as_they_are(clients: str, wrapped: Any) -> None:
    table = sales_of(HONEST[clients])
    values = [value for value in HONEST[clients].to_pylist() if value not in (None, "")]
    if clients == "bytes":
        values = ["ab", "ff", "cd"]
    source = table if wrapped is None else wrapped(table.combine_chunks().to_batches()[0])
    found = totals(source)
    assert set(found) == set(values)
    known = [v not in (None, "") for v in HONEST[clients].to_pylist()]
    used = [a for a, is_known in zip([1.0, 2.0, 3.0], known, strict=True) if is_known]
    assert sum(found.values()) == sum(used)


def test_an_empty_batch_and_a_table_without_batches_are_read() -> None:
    table = sales_of(SALES["client_id"])
    batches = [*table.slice(0, 0).to_batches(), table.schema.empty_table().to_batches()]
    assert totals(pa.Table.from_batches([b for b in batches if b], table.schema)) == {}
    several = pa.concat_tables([table, table.slice(0, 0), table])
    assert totals(Stream(several)) == {"ab": 2.0, "cd": 4.0, "ef": 6.0}


def test_a_stream_is_read_once() -> None:
    reader = sales_of(SALES["client_id"]).to_reader()
    assert totals(reader) == {"ab": 1.0, "cd": 2.0, "ef": 3.0}
    with pytest.raises(grc.SourceError, match="RecordBatchReader"):
        totals(reader)


def test_one_column_is_no_table() -> None:
    with pytest.raises(grc.SourceError, match="it is one column, and no table"):
        totals(Batch(pa.array([1, 2])))


class Rude:
    """An object whose method raises what is no error of ours."""

    def __init__(self, raised: Callable[[], BaseException]) -> None:
        self._raised = raised

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        raise self._raised()


@pytest.mark.parametrize(
    "raised", [lambda: RuntimeError("gone"), lambda: pl.exceptions.PanicException("gone")]
)
def test_what_an_object_raises_becomes_a_sentence(raised: Any) -> None:
    with pytest.raises(grc.SourceError, match="the Rude cannot be read as a table in Arrow: gone"):
        totals(Rude(raised))


# Lies about lengths that only the C interface can tell: a batch shorter than it says, a column that
# is missing, a count of nulls without a bitmap. In a process of its own, as they may end it.
OF_C = """
import ctypes, datetime as dt, sys
import pyarrow as pa
import grc_fast as grc

class Array(ctypes.Structure):
    pass

Array._fields_ = [
    *((name, ctypes.c_int64) for name in ("length", "null_count", "offset")),
    *((name, ctypes.c_int64) for name in ("n_buffers", "n_children")),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(Array))),
    ("dictionary", ctypes.POINTER(Array)),
    ("release", ctypes.c_void_p),
    ("private", ctypes.c_void_p),
]
pointer = ctypes.pythonapi.PyCapsule_GetPointer
pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]

class Liar:
    def __arrow_c_array__(self, requested_schema=None):
        batch = pa.record_batch({
            "client_id": pa.array(["ab", "cd", "ef"]),
            "date": pa.array([dt.date(2026, 1, 5)] * 3),
            "amount": pa.array([1.0, 2.0, 3.0]),
        })
        schema, array = batch.__arrow_c_array__()
        root = Array.from_address(pointer(array, b"arrow_array"))
        client = root.children[0].contents
        exec(sys.argv[1])
        return schema, array

try:
    print(grc.facts(Liar(), as_of="2026-02-01").frame["total"].to_list())
except grc.GrcError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ("root.length = 1 << 40", "leads out of what it holds"),
        ("root.length = -1", "no count of rows"),
        ("root.n_children = 2", "other columns than its type"),
        ("client.length = 2", "leads out of what it holds"),
        ("client.length = -1", "leads out of what it holds"),
        ("client.offset = -1", "no count of rows"),
        ("client.offset = (1 << 63) - 1", "no count of rows"),
        ("client.null_count = 2", "has nulls and does not say where"),
        ("client.n_buffers = 1", "lacks a buffer"),
        ("client.buffers[1] = None", "lacks a buffer"),
        ("client.buffers[2] = None", "lacks a buffer"),
        ("client.null_count = -1", "[1.0, 2.0, 3.0]"),
        ("root.length = client.length = 0; client.offset = 1 << 50", "[]"),
        ("pass", "[1.0, 2.0, 3.0]"),
    ],
)
def test_lies_about_lengths_are_refused(lie: str, said: str) -> None:
    command = [sys.executable, "-c", OF_C, lie]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    assert said in run.stdout
    assert "panicked" not in run.stderr
