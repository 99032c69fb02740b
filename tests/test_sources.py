"""Sources: every kind of table gives the same facts, and every broken one a sentence."""

from __future__ import annotations

import datetime as dt
import decimal
import gzip
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

import grc_fast as grc
from grc_fast.facts.collect import collect_facts
from grc_fast.facts.options import SalesReading
from grc_fast.io.open import open_source

AS_OF = dt.date(2026, 3, 1)
NAMES = ["first_purchase", "last_purchase", "orders", "lines", "total"]


def sales() -> pl.DataFrame:
    """Eight lines of four clients, one without a client and one after `as_of`."""
    return pl.DataFrame(
        {
            "client_id": [1, 1, 2, 3, None, 10, 10, 3],
            "date": [dt.date(2026, 1, day) for day in (1, 5, 7, 9, 9, 20, 20)]
            + [dt.date(2026, 5, 1)],
            "amount": [1.5, 2.25, -3.0, 4.0, 5.0, 0.1, 0.2, 9.0],
            "ticket": ["a", "b", "c", "d", "e", "f", "f", "g"],
        }
    )


def facts(source: object, **options: Any) -> grc.Facts:
    options = {"as_of": AS_OF, "facts": NAMES, "order": "ticket"} | options
    return grc.facts(source, **options)


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def facts_of_csv(tmp_path: Path, text: str | bytes, **options: Any) -> grc.Facts:
    return facts(write(tmp_path / "sales.csv", text), **{"order": None} | options)


class ArrowStream:
    """Some library's table: all that is known of it is the Arrow stream."""

    def __init__(self, table: pa.Table) -> None:
        self._reader = table.to_reader()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._reader.__arrow_c_stream__(requested_schema)


class ArrowBatch:
    """Some library's record batch."""

    def __init__(self, table: pa.Table) -> None:
        self._batch = table.combine_chunks().to_batches()[0]

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return self._batch.__arrow_c_array__(requested_schema)


def csv_file(frame: pl.DataFrame, directory: Path) -> Path:
    frame.write_csv(directory / "sales.csv")
    return directory / "sales.csv"


def tsv_file(frame: pl.DataFrame, directory: Path) -> Path:
    frame.write_csv(directory / "sales.tsv", separator="\t")
    return directory / "sales.tsv"


def semicolon_file(frame: pl.DataFrame, directory: Path) -> Path:
    frame.write_csv(directory / "sales.txt", separator=";", decimal_comma=True)
    return directory / "sales.txt"


def parquet_file(frame: pl.DataFrame, directory: Path) -> str:
    frame.write_parquet(directory / "sales.parquet")
    return str(directory / "sales.parquet")


def ndjson_file(frame: pl.DataFrame, directory: Path) -> Path:
    frame.write_ndjson(directory / "sales.ndjson")
    return directory / "sales.ndjson"


def arrow_file(frame: pl.DataFrame, directory: Path) -> Path:
    frame.write_ipc(directory / "sales.arrow")
    return directory / "sales.arrow"


def arrow_stream_file(frame: pl.DataFrame, directory: Path) -> Path:
    frame.write_ipc_stream(directory / "sales.arrow")
    return directory / "sales.arrow"


def halves(frame: pl.DataFrame, directory: Path) -> list[Path]:
    """Write two files, the second with its columns in another order and one more."""
    first, second = directory / "1.parquet", directory / "2.parquet"
    frame.head(3).write_parquet(first)
    frame.tail(-3).select(pl.lit("x").alias("more"), *reversed(frame.columns)).write_parquet(second)
    return [first, second]


def csv_halves(frame: pl.DataFrame, directory: Path) -> list[Path]:
    """Write two CSV files with other separators, other decimals, other columns."""
    first, second = directory / "1.csv", directory / "2.csv"
    frame.head(3).write_csv(first)
    other = frame.tail(-3).select(pl.lit("x,y").alias("more"), *reversed(frame.columns))
    other.write_csv(second, separator=";", decimal_comma=True)
    return [first, second]


def ndjson_halves(frame: pl.DataFrame, directory: Path) -> list[Path]:
    frame.head(3).write_ndjson(directory / "1.jsonl")
    frame.tail(-3).select(reversed(frame.columns)).write_ndjson(directory / "2.jsonl")
    return [directory / "1.jsonl", directory / "2.jsonl"]


def directory_of_files(frame: pl.DataFrame, directory: Path) -> Path:
    """Write a directory as Spark does: parts in subdirectories, marks and hidden files."""
    below = directory / "sales" / "2026"
    below.mkdir(parents=True)
    halves(frame, below)
    for name in ("_SUCCESS", ".1.parquet.crc", ".hidden.parquet", "_metadata.parquet"):
        (directory / "sales" / name).write_bytes(b"")
    return directory / "sales"


def duckdb_relation(frame: pl.DataFrame, directory: Path) -> Any:
    path = parquet_file(frame, directory)
    return duckdb.connect().sql(f"SELECT * FROM '{path}'")


def duckdb_result(frame: pl.DataFrame, directory: Path) -> Any:
    path = parquet_file(frame, directory)
    return duckdb.connect().execute(f"SELECT * FROM '{path}'")


SOURCES: dict[str, Callable[[pl.DataFrame, Path], Any]] = {
    "eager": lambda frame, _: frame,
    "lazy": lambda frame, _: frame.lazy(),
    "lazy scan": lambda frame, directory: pl.scan_parquet(parquet_file(frame, directory)),
    "parquet": parquet_file,
    "csv": csv_file,
    "tsv": tsv_file,
    "semicolon csv": semicolon_file,
    "ndjson": ndjson_file,
    "arrow": arrow_file,
    "arrow stream file": arrow_stream_file,
    "list": halves,
    "list of csv": csv_halves,
    "list of ndjson": ndjson_halves,
    "glob": lambda frame, directory: f"{halves(frame, directory)[0].parent}/*.parquet",
    "directory": directory_of_files,
    "pandas": lambda frame, _: frame.to_pandas(),
    "pyarrow table": lambda frame, _: frame.to_arrow(),
    "pyarrow batch": lambda frame, _: frame.to_arrow().combine_chunks().to_batches()[0],
    "pyarrow reader": lambda frame, _: frame.to_arrow().to_reader(max_chunksize=3),
    "file url": lambda frame, directory: csv_file(frame, directory).as_uri(),
    "arrow stream": lambda frame, _: ArrowStream(frame.to_arrow()),
    "arrow batch": lambda frame, _: ArrowBatch(frame.to_arrow()),
    "duckdb relation": duckdb_relation,
    "duckdb result": duckdb_result,
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_same_facts(kind: str, tmp_path: Path) -> None:
    expected = facts(sales())

    found = facts(SOURCES[kind](sales(), tmp_path))

    assert_frame_equal(found.frame, expected.frame)
    assert (found.quality.rows_read, found.quality.rows_used) == (8, 6)
    assert dict(found.quality.dropped) == dict(expected.quality.dropped)
    assert found.quality.money_used == expected.quality.money_used == Decimal("5.05")


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_takes_sql(kind: str, tmp_path: Path) -> None:
    options = {"amount": "amount * 2", "where": "ticket <> 'a'"}
    expected = facts(sales(), **options)

    found = facts(SOURCES[kind](sales(), tmp_path), **options)

    assert_frame_equal(found.frame, expected.frame)
    assert found.quality.dropped["where"] == 1
    assert found.quality.dropped_money["where"] == 3


@pytest.mark.parametrize("day", ["'2026-01-07'", "DATE '2026-01-07'"])
@pytest.mark.parametrize("kind", ["eager", "lazy", "csv", "ndjson", "parquet"])
def test_sql_compares_dates_in_either_form(kind: str, day: str, tmp_path: Path) -> None:
    quality = facts(SOURCES[kind](sales(), tmp_path), where=f"date < {day}").quality

    assert (quality.rows_used, quality.dropped["where"]) == (2, 6)


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_can_be_the_client_base(kind: str, tmp_path: Path) -> None:
    base = pl.DataFrame({"client_id": [1, 2, 3, 4, 10, 4, None]})
    source = SOURCES[kind](base.with_columns(x=pl.lit("x")), tmp_path)
    found = facts(sales(), clients=source, window="50d")

    assert found.frame.select("client_id", "status").rows() == [
        (1, "out_of_window"),
        (2, "returns_only"),
        (3, "out_of_window"),
        (4, "never_bought"),
        (10, "scored"),
    ]
    assert found.quality.clients_never_bought == 1
    assert found.quality.clients_out_of_window == 2


@pytest.mark.parametrize("form", ["eager", "lazy"])
def test_a_batch_boundary_changes_nothing(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = facts(sales())
    monkeypatch.setattr("grc_fast.io.source.BATCH_ROWS", 3)

    found = facts(SOURCES[form](sales(), Path()))

    assert_frame_equal(found.frame, expected.frame)
    assert found.quality == expected.quality


def test_the_frame_is_not_rechunked() -> None:
    frame = pl.concat([sales().head(3), sales().tail(-3)], rechunk=False)

    facts(frame)

    assert frame.n_chunks("all") == [2, 2, 2, 2]


def test_a_stream_is_read_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grc_fast.io.source.BATCH_ROWS", 10)
    batch = pa.record_batch({"client_id": [1, 2], "date": ["2026-01-01"] * 2, "amount": [1.0, 2.0]})
    given = iter(range(5000))
    reader = pa.RecordBatchReader.from_batches(batch.schema, (batch for _ in given))
    left_at_the_first: list[int] = []

    def progress(_rows: int) -> None:
        if not left_at_the_first:
            left_at_the_first.append(5000 - next(given))

    quality = facts(reader, order=None, progress=progress).quality

    assert quality.rows_read == 9998
    assert left_at_the_first[0] > 2500


def test_a_client_or_an_order_may_be_a_category() -> None:
    text = sales().with_columns(client_id=pl.col("client_id").cast(pl.String))
    categories = text.with_columns(pl.col("client_id", "ticket").cast(pl.Categorical))

    assert_frame_equal(facts(categories).frame, facts(text).frame)
    assert facts(categories).frame.schema["client_id"] == pl.String


def test_orders_may_be_told_apart_by_several_columns() -> None:
    frame = sales().with_columns(till=pl.Series([1, 1, 1, 1, 1, 1, 2, 1]))

    found = facts(frame, order=["till", "ticket", "date"])

    assert found.frame.filter(pl.col("client_id") == 10)["orders"].item() == 2


# -- CSV -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "note", "total"),
    [
        ("client_id,date,amount\n7,2026-01-01,3.5\n", 'CSV with "," and decimal point', 3.5),
        ("client_id;date;amount\n7;2026-01-01;3,5\n", 'CSV with ";" and decimal comma', 3.5),
        ("client_id;date;amount\n7;2026-01-01;3.5\n", 'CSV with ";" and decimal point', 3.5),
        ("client_id\tdate\tamount\n7\t2026-01-01\t3,5\n", "CSV with tab and decimal comma", 3.5),
        ('client_id,date,amount\n7,2026-01-01,"3,5"\n', 'CSV with "," and decimal comma', 3.5),
        ("client_id;date;amount\n7;2026-01-01;3\n", 'CSV with ";"', 3),
        ("\ufeffclient_id,date,amount\n7,2026-01-01,3.5\n", 'CSV with "," and decimal point', 3.5),
        (
            "client_id,date,amount\r\n7,2026-01-01,3.5\r\n\r\n",
            'CSV with "," and decimal point',
            3.5,
        ),
        (
            "client_id;version;date;amount\n7;1.2;2026-01-01;3,5\n",
            'CSV with ";" and decimal comma',
            3.5,
        ),
        (
            '"client_id";"note";"date";"amount"\n"7";"a;b";"2026-01-01";"-3,5"\n',
            'CSV with ";" and decimal comma',
            -3.5,
        ),
    ],
)
def test_the_form_of_a_csv_is_detected_and_shown(
    text: str, note: str, total: float, tmp_path: Path
) -> None:
    found = facts_of_csv(tmp_path, text)

    assert found.frame["total"].to_list() == [total]
    blank = ("1 blank line is no row",) if text.endswith("\r\n\r\n") else ()
    assert found.quality.notes == (note, *blank)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["7", "10", "-3"], [-3, 7, 10]),
        (["7", "0010"], ["0010", "7"]),
        (["7", "x"], ["7", "x"]),
        (["7", "0"], [0, 7]),
        (["00123", "0123"], ["00123", "0123"]),
        (["9223372036854775807", "1"], [1, 9223372036854775807]),
    ],
)
def test_csv_ids_are_text_unless_all_are_plain_integers(
    ids: list[str], expected: list[object], tmp_path: Path
) -> None:
    rows = "".join(f"{client},2026-01-01,1\n" for client in ids)

    found = facts_of_csv(tmp_path, "client_id,date,amount\n" + rows)

    assert found.frame["client_id"].to_list() == expected


@pytest.mark.parametrize(("separator", "last"), [(";", "2,5"), (";", "2.5"), (",", "2.5")])
def test_decimals_may_come_late(separator: str, last: str, tmp_path: Path) -> None:
    rows = ["client_id,date,amount", *["7,2026-01-01,1"] * 12_000, "7,2026-01-01,last"]
    text = "\n".join(rows).replace(",", separator).replace("last", last)

    assert facts_of_csv(tmp_path, text).frame["total"].item() == 12_002.5


def test_an_order_of_a_csv_keeps_its_zeros(tmp_path: Path) -> None:
    text = "client_id,date,amount,ticket\n7,2026-01-01,1,01\n7,2026-01-01,1,1\n"

    assert facts_of_csv(tmp_path, text, order="ticket").frame["orders"].item() == 2


def test_a_column_is_text_as_an_id_and_a_number_in_sql(tmp_path: Path) -> None:
    text = "client_id,date,amount\n08,2026-01-01,1\n9,2026-01-01,1\n10,2026-01-01,1\n"

    found = facts_of_csv(tmp_path, text, where="client_id < 9.5")

    assert found.frame["client_id"].to_list() == ["08", "9"]


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    text = "client_id,date,amount,x\n7,2026-01-01,1,\n\n8,2026-01-01,1,x\n,,,\n\n\n"

    quality = facts_of_csv(tmp_path, text).quality

    assert (quality.rows_read, quality.rows_used) == (3, 2)
    assert quality.dropped["client"] == 1


def test_blank_lines_stay_out_when_the_file_is_read_twice(tmp_path: Path) -> None:
    path = write(tmp_path / "s.csv", "client_id,date,amount\n7,2026-01-01,1\n\n8,2026-01-02,1\n\n")

    _, quality = collect_facts(path, SalesReading(), {"orders": ("orders", "1w")}, as_of=None)

    assert (quality.rows_read, quality.as_of) == (2, dt.date(2026, 1, 3))


def test_empty_quoted_fields_are_missing(tmp_path: Path) -> None:
    text = 'client_id,date,amount\n"","2026-01-01","1"\n"7","","1"\n"7","2026-01-01",""\n'

    dropped = facts_of_csv(tmp_path, text).quality.dropped

    assert (dropped["client"], dropped["date"], dropped["amount"]) == (1, 1, 1)


def test_quoted_fields_may_hold_lines(tmp_path: Path) -> None:
    text = 'client_id,note,date,amount,x\n7,"a\nb,\n",2026-01-01,1,\n8,"c ""d""",2026-01-01,1,\n'

    assert facts_of_csv(tmp_path, text).quality.rows_used == 2


LONG = "7,2026-01-01,1\n" * 12_000
LONG_LINES = "7,2026-01-01,1,2\n" * 12_000

BROKEN_CSV = {
    "too few fields": (
        "client_id,date,amount\n7,2026-01-01,1\n8,2026-01-02\n",
        r"line 3 has 2 fields, and the header 3",
    ),
    "too few fields, none of them needed": (
        "client_id,date,amount,x\n7,2026-01-01,1,\n\n8,2026-01-02,1\n",
        r"line 4 has 3 fields, and the header 4",
    ),
    "too many fields": (
        "client_id,date,amount\n7,2026-01-01,1\n8,2026-01-02,1,5\n",
        r"line 3 has 4 fields, and the header 3",
    ),
    "too many fields, late": (
        f"client_id,date,amount\n{LONG}8,2026-01-02,1,5\n",
        r"line 12002 has 4 fields, and the header 3",
    ),
    "an unclosed quote": (
        'client_id,date,amount\n7,2026-01-01,1\n"8,2026-01-02,1\n9,2026-01-02,1\n',
        r"the quote that opens on line 3 is never closed",
    ),
    "a text amount": (
        "client_id,date,amount\n7,2026-01-01,1\n8,2026-01-02,abc\n",
        r"line 3: the column 'amount' holds 'abc', which is not a number",
    ),
    "a text amount, late": (
        f"client_id,date,amount\n{LONG}8,2026-01-02,1 €\n",
        r"line 12002: the column 'amount' holds '1 €'",
    ),
    "another decimal sign": (
        "client_id;date;amount\n7;2026-01-01;1,5\n8;2026-01-02;2.5x\n",
        r"line 3: .* holds '2.5x', which is not a number with a decimal comma",
    ),
    "thousands separators": (
        'client_id,date,amount\n7,2026-01-01,"1,234"\n',
        r"line 2: the column 'amount' holds .1,234., .*--thousands ,\)",
    ),
    "in two encodings": (
        "client_id,date,amount\né,2026-01-01,1\n".encode() + "é,2026-01-02,1\n".encode("latin-1"),
        r"line 3 is not written in utf-8: give encoding \(--encoding\)",
    ),
    "a spreadsheet": (b"PK\x03\x04 some spreadsheet", r"is no text file"),
    "no bytes": ("", r"is empty \(0 bytes\)"),
    "only blank lines": ("\n\n", r"is empty: it has no header and no rows"),
    "no rows": ("client_id,date,amount\n", r"is empty: it has no rows"),
}


@pytest.mark.parametrize("case", BROKEN_CSV)
def test_a_broken_csv_names_the_file_and_the_line(case: str, tmp_path: Path) -> None:
    text, message = BROKEN_CSV[case]

    with pytest.raises(grc.SourceError, match=message) as caught:
        facts_of_csv(tmp_path, text)

    assert str(caught.value).startswith(str(tmp_path / "sales.csv"))
    assert "\n" not in str(caught.value)


def test_a_text_among_the_numbers_of_sql_names_the_line(tmp_path: Path) -> None:
    text = f"client_id,date,quantity,price\n{LONG_LINES}7,2026-01-01,2,free\n"

    with pytest.raises(grc.SourceError, match=r"line 12002: the column 'price' holds 'free'"):
        facts_of_csv(tmp_path, text, amount="quantity * price")


def test_decimals_after_many_integers_are_still_numbers(tmp_path: Path) -> None:
    text = f"client_id,date,quantity,price\n{LONG_LINES}7,2026-01-01,2,2.5\n"

    assert facts_of_csv(tmp_path, text, amount="quantity * price").frame["total"].item() == 24_005


def test_a_column_with_one_text_is_text_in_sql(tmp_path: Path) -> None:
    text = f"client_id,date,amount,u\n{LONG_LINES}7,2026-01-01,2,x2\n"

    with pytest.raises(grc.ColumnError, match=r"'u = 2' cannot be computed .*u holds text"):
        facts_of_csv(tmp_path, text, where="u = 2")

    assert facts_of_csv(tmp_path, text, where="u = 'x2'").quality.rows_used == 1


@pytest.mark.parametrize(
    "text",
    ["01/02/2026", "2026-13-01", "yesterday"],
)
def test_a_date_that_cannot_be_read_names_the_row_and_the_line(text: str, tmp_path: Path) -> None:
    rows = f'7,"a\nb",2026-01-01,1\n\n7,,2026-01-01,1\n8,,{text},1\n9,,{text},1\n'

    with pytest.raises(grc.DataError) as caught:
        facts_of_csv(tmp_path, "client_id,note,date,amount\n" + rows)

    assert repr(text)[1:-1] in str(caught.value)
    assert "line 6" in str(caught.value)


@pytest.mark.parametrize("form", ["eager", "lazy"])
def test_a_date_in_a_frame_names_the_row_that_is_kept(form: str) -> None:
    frame = sales().with_columns(date=pl.col("date").cast(pl.String))
    frame[1, "date"] = frame[5, "date"] = "soon"

    with pytest.raises(grc.DataError, match=r"soon.*row 6"):
        facts(SOURCES[form](frame, Path()), where="ticket <> 'b'")


def test_an_id_with_a_fraction_names_the_row() -> None:
    frame = sales().with_columns(client_id=pl.Series([1.0, 2.0, 3.5] + [None] * 5))

    with pytest.raises(grc.DataError, match=r"3\.5.*row 3"):
        facts(frame)


def test_a_column_twice_in_a_csv_is_ambiguous(tmp_path: Path) -> None:
    with pytest.raises(grc.ColumnError, match=r"has 2 columns named 'amount'"):
        facts_of_csv(tmp_path, "client_id,date,amount,amount\n7,2026-01-01,1,2\n")


# -- NDJSON ----------------------------------------------------------------------------------


def json_lines(*records: object) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def line(client: object, amount: object = 1, **more: object) -> dict[str, object]:
    return {"client_id": client, "date": "2026-01-01", "amount": amount, **more}


@pytest.mark.parametrize(
    ("clients", "expected"),
    [([7, 10], [7, 10]), (["7", "10"], ["10", "7"]), ([7, "x"], ["7", "x"]), ([7, None], [7])],
)
def test_ndjson_ids_keep_their_kind(
    clients: list[object], expected: list[object], tmp_path: Path
) -> None:
    text = json_lines(*map(line, clients))

    found = facts(write(tmp_path / "sales.jsonl", text), order=None)

    assert found.frame["client_id"].to_list() == expected


def test_ndjson_lines_may_lack_keys_and_have_more(tmp_path: Path) -> None:
    text = json_lines(line(7), {"client_id": 8, "amount": 1}, line(9, 2.5, more=[1])) + "\n"

    quality = facts(write(tmp_path / "sales.ndjson", text), order=None).quality

    assert (quality.rows_used, quality.dropped["date"]) == (2, 1)


BROKEN_NDJSON = {
    "cut off": (json_lines(line(7)) + '{"client_id": 8, "da', r"line 2 is not JSON \("),
    "no object": (json_lines(line(7)) + "[1]\n", r"line 2 is not a JSON object: '\[1\]'"),
    "a text amount": (
        json_lines(line(7), line(8, "abc")),
        r"line 2 has 'abc' in the column 'amount', which is not a number",
    ),
    "a text amount, late": (
        json_lines(*[line(7)] * 12_000, line(8, "abc")),
        r"line 12001 has 'abc' in the column 'amount'",
    ),
    "no bytes": ("", r"is empty \(0 bytes\)"),
}


@pytest.mark.parametrize("case", BROKEN_NDJSON)
def test_a_broken_ndjson_names_the_file_and_the_line(case: str, tmp_path: Path) -> None:
    text, message = BROKEN_NDJSON[case]
    path = write(tmp_path / "sales.ndjson", text)

    with pytest.raises(grc.SourceError, match=message) as caught:
        facts(path, order=None)

    assert str(caught.value).startswith(str(path))


# -- pandas ----------------------------------------------------------------------------------


def pandas_sales(**columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "client_id": [1, 2, 2, 3],
            "date": pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-02", "2026-01-05"]),
            "amount": [1.5, 2.0, 3.0, 4.0],
        }
    )
    return frame.assign(**columns)


MISSING_IDS = {
    "floats": [1.0, np.nan, 2.0, 3.0],
    "nullable integers": pd.Series([1, None, 2, 3], dtype="Int64"),
    "objects": pd.Series([1, None, 2, 3], dtype=object),
}


@pytest.mark.parametrize("kind", MISSING_IDS)
def test_pandas_ids_with_a_gap_are_integers_again(kind: str) -> None:
    found = facts(pandas_sales(client_id=MISSING_IDS[kind]), order=None)

    assert found.frame["client_id"].to_list() == [1, 2, 3]
    assert found.frame.schema["client_id"] == pl.Int64
    assert found.quality.dropped["client"] == 1


@pytest.mark.parametrize("dtype", [object, "str", "string", "category"])
def test_pandas_text_ids_are_text(dtype: Any) -> None:
    ids = pd.Series(["a", None, "b", "a"], dtype=dtype)

    found = facts(pandas_sales(client_id=ids), order=None)

    assert found.frame["client_id"].to_list() == ["a", "b"]
    assert found.quality.dropped["client"] == 1


DATES = {
    "datetime64[ns]": lambda days: days.astype("datetime64[ns]"),
    "datetime64[s]": lambda days: days.astype("datetime64[s]"),
    "with a zone": lambda days: days.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
    "dates": lambda days: days.dt.date.astype(object).where(days.notna(), None),
    "datetimes": lambda days: days.astype(object),
    "text": lambda days: days.dt.strftime("%Y-%m-%d"),
    "objects of text": lambda days: days.dt.strftime("%Y-%m-%d").astype(object),
}


@pytest.mark.parametrize("kind", DATES)
def test_pandas_dates_of_all_kinds_are_read(kind: str) -> None:
    days = pd.Series(pd.to_datetime(["2026-01-01", None, "2026-01-02", "2026-01-05"]))

    found = facts(pandas_sales(date=DATES[kind](days)), order=None)

    assert found.frame["last_purchase"].to_list() == [dt.date(2026, 1, day) for day in (1, 2, 5)]
    assert found.quality.dropped["date"] == 1


AMOUNTS = {
    "float64": np.array([1.0, np.nan, 3.0, 4.0]),
    "float32": np.array([1.0, np.nan, 3.0, 4.0], dtype="float32"),
    "nullable": pd.Series([1, None, 3, 4], dtype="Float64"),
    "decimals": [Decimal(1), None, Decimal("3.00"), decimal.Decimal(4)],
}


@pytest.mark.parametrize("kind", AMOUNTS)
def test_pandas_amounts_of_all_kinds_are_read(kind: str) -> None:
    found = facts(pandas_sales(amount=AMOUNTS[kind]), order=None)

    assert [float(total) for total in found.frame["total"]] == [1, 3, 4]
    assert found.quality.dropped["amount"] == 1


def test_a_pandas_frame_may_be_a_view_with_any_index() -> None:
    frame = pandas_sales()[::-2].set_axis([5, 5])

    assert facts(frame, order=None).frame["client_id"].to_list() == [2, 3]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"client_id": pd.Series([1, "a", 2, 3], dtype=object)}, r"'client_id'.* mixed types"),
        ({"client_id": [[1], [2], [3], [4]]}, r"'client_id'.* mixed types"),
        ({"client_id": [True, False, True, True]}, r"'client_id'.* holds true/false values"),
        ({"date": [1, 2, 3, 4]}, r"date column 'date'.* holds integers"),
        ({"amount": ["a", "b", "c", "d"]}, r"amount column 'amount'.* holds text: cast it"),
    ],
)
def test_a_pandas_column_of_a_wrong_type_is_refused(columns: Any, message: str) -> None:
    with pytest.raises(grc.ColumnError, match=message):
        facts(pandas_sales(**columns), order=None)


# -- what a source is ------------------------------------------------------------------------


def test_a_missing_file_says_which_are_near(tmp_path: Path) -> None:
    parquet_file(sales(), tmp_path)

    with pytest.raises(grc.SourceError, match=r"sale\.parquet.*did you mean 'sales\.parquet'\?"):
        facts(tmp_path / "sale.parquet")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere/sales.csv", r"there is no directory 'nowhere' either"),
        ("nowhere/*.csv", r"no file matches 'nowhere/\*\.csv'"),
        ("pyproject", r"there is no file 'pyproject'"),
        (pl.Series([1]), r"the Series cannot be read as a table in Arrow"),
        ("file:///nowhere/sales.csv", r"there is no file '/nowhere/sales\.csv'"),
        (3, r"cannot be made of an int: give a path"),
        ([], r"the list of sources is empty"),
        ([pl.DataFrame()], r"holds a DataFrame: it must hold paths only"),
        ("shop.duckdb", r"there is no file 'shop.duckdb'"),
        ("mysql://host/shop", r"is a database that is read through its ADBC driver only"),
        ("sales.xlsx", r"there is no file"),
    ],
)
def test_what_is_no_source_is_refused(source: object, message: str) -> None:
    with pytest.raises(grc.SourceError, match=message):
        facts(source)


def test_an_unknown_extension_says_which_are_known(tmp_path: Path) -> None:
    path = write(tmp_path / "sales.docx", "x")

    with pytest.raises(grc.SourceError, match=r"the extension '\.docx': a file must be Parquet"):
        facts(path)


def test_credentials_never_reach_an_error() -> None:
    with pytest.raises(grc.SourceError) as caught:
        facts("postgresql://anna:secret@host/shop")

    assert "secret" not in str(caught.value)
    assert "host/shop" in str(caught.value)


def test_formats_are_not_mixed(tmp_path: Path) -> None:
    csv_file(sales(), tmp_path)
    parquet_file(sales(), tmp_path)

    with pytest.raises(grc.SourceError, match=r"mixes formats, CSV .* Parquet"):
        facts(tmp_path)


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "_SUCCESS", "")

    with pytest.raises(grc.SourceError, match=r"holds no file of Parquet"):
        facts(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda data: b"", r"is empty \(0 bytes\)"),
        (lambda data: data[: len(data) // 2], r"is truncated"),
        (lambda data: b"client_id,date,amount", r"is not a Parquet file"),
        (lambda data: data[:4] + b"\xff" * (len(data) - 8) + data[-4:], r"cannot be read"),
    ],
    ids=["empty", "truncated", "text", "garbled"],
)
def test_a_broken_parquet_is_refused(
    content: Callable[[bytes], bytes], message: str, tmp_path: Path
) -> None:
    path = Path(parquet_file(sales(), tmp_path))
    write(path, content(path.read_bytes()))

    with pytest.raises(grc.SourceError, match=f"^{re.escape(str(path))} {message}"):
        facts(path)


def test_files_without_rows_are_empty_but_one_among_others_is_not(tmp_path: Path) -> None:
    none, some = tmp_path / "none.parquet", tmp_path / "some.parquet"
    sales().clear().write_parquet(none)
    sales().write_parquet(some)

    assert facts([none, some]).quality.rows_read == 8
    with pytest.raises(grc.SourceError, match=r"is empty: it has no rows"):
        facts(none)


@pytest.mark.parametrize("form", ["eager", "lazy", "pandas", "pyarrow table"])
def test_a_frame_without_rows_gives_facts_without_rows(form: str, tmp_path: Path) -> None:
    found = facts(SOURCES[form](sales().clear(), tmp_path))

    assert found.frame.is_empty()
    assert found.frame.columns == ["client_id", *NAMES]
    assert found.frame.schema["client_id"] == pl.Int64
    assert found.quality.rows_read == 0


def test_hive_partitions_are_columns(tmp_path: Path) -> None:
    for year in (2025, 2026):
        (tmp_path / f"year={year}").mkdir()
        sales().write_parquet(tmp_path / f"year={year}" / "part.parquet")

    quality = facts(tmp_path, where="year = 2025").quality

    assert (quality.rows_read, quality.dropped["where"]) == (16, 8)


def in_folders(folders: dict[str, pl.DataFrame], directory: Path) -> Path:
    for name, frame in folders.items():
        (directory / name).mkdir(parents=True)
        frame.write_parquet(directory / name / "part.parquet")
    return directory


@pytest.mark.parametrize(
    ("keys", "ids"),
    [
        (["001", "1"], ["001", "1"]),
        (["12", "7"], [7, 12]),
        (["12", "a%2Fb"], ["12", "a/b"]),
        (["7", "__HIVE_DEFAULT_PARTITION__"], [7]),
    ],
)
def test_ids_in_the_names_of_folders_are_those_of_text_files(
    keys: list[str], ids: list[Any], tmp_path: Path
) -> None:
    lines = sales().select("date", "amount").head(2)
    folders = in_folders({f"client_id={key}": lines for key in keys}, tmp_path)

    assert facts(folders, order=None).frame["client_id"].to_list() == ids


def test_sql_sees_an_id_in_the_name_of_a_folder_as_it_is_written(tmp_path: Path) -> None:
    lines = sales().select("date", "amount").head(2)
    folders = in_folders({"client_id=001": lines, "client_id=A1": lines}, tmp_path)

    found = facts(folders, order=None, client="LOWER(client_id)")

    assert found.frame["client_id"].to_list() == ["001", "a1"]


def test_a_column_of_the_files_is_not_overridden_by_the_names_of_folders(tmp_path: Path) -> None:
    folders = in_folders({"client_id=99": sales(), "client_id=98": sales()}, tmp_path)

    found = facts(folders)

    assert found.frame["client_id"].to_list() == [1, 2, 3, 10]
    assert found.quality.notes == (
        (
            "columns that stand both in files and in the names of their folders are read from the "
            "files"
        ),
    )


def test_a_column_both_in_files_and_beside_a_key_is_an_error(tmp_path: Path) -> None:
    folders = in_folders({"client_id=99/year=2026": sales()}, tmp_path)

    with pytest.raises(grc.SourceError, match=r"has a column 'client_id', which the name of its"):
        facts(folders, where="year = 2026")


EMPTY_IDS = pl.DataFrame(
    {"client_id": ["a", "", None, "b"], "date": [dt.date(2026, 1, 1)] * 4, "amount": [1.0] * 4}
)


IN_MEMORY = ("eager", "lazy", "parquet")
EMPTY_ID_FORMS = [
    *((form, pl.String) for form in SOURCES),
    *((form, pl.Categorical) for form in SOURCES),
    *((form, dtype) for form in IN_MEMORY for dtype in (pl.Enum(["", "a", "b"]), pl.Binary)),
]


@pytest.mark.parametrize(("form", "dtype"), EMPTY_ID_FORMS)
def test_empty_text_is_no_id_in_any_source(form: str, dtype: Any, tmp_path: Path) -> None:
    frame = EMPTY_IDS.with_columns(pl.col("client_id").cast(dtype))

    found = facts(SOURCES[form](frame, tmp_path), order="client_id")

    assert found.frame["client_id"].to_list() == ["a", "b"]
    assert found.quality.dropped["client"] == 2


def test_empty_text_in_the_order_is_an_order_of_its_own() -> None:
    frame = EMPTY_IDS.with_columns(client_id=pl.lit("a"), ticket=pl.lit(""))

    found = facts(frame)

    assert found.frame["orders"].to_list() == [4]
    assert found.quality.rows_without_order == 4


@pytest.mark.parametrize(
    "other",
    [pl.Int32, pl.UInt64, pl.Float64],
    ids=str,
)
def test_files_may_hold_ids_of_other_widths(other: Any, tmp_path: Path) -> None:
    first, second = halves(sales(), tmp_path)
    pl.read_parquet(second).with_columns(pl.col("client_id").cast(other)).write_parquet(second)

    found = facts([first, second])

    assert found.frame["client_id"].to_list() == facts(sales()).frame["client_id"].to_list()


def test_files_with_text_and_with_number_ids_are_refused(tmp_path: Path) -> None:
    first, second = halves(sales(), tmp_path)
    pl.read_parquet(second).with_columns(pl.col("client_id").cast(pl.String)).write_parquet(second)

    with pytest.raises(grc.ColumnError, match=r"integers .*1\.parquet and text in .*2\.parquet"):
        facts([first, second])


@pytest.mark.parametrize("other", [pl.Int64, pl.Float32, pl.Decimal(10, 2)], ids=str)
def test_files_may_hold_amounts_of_other_types(other: Any, tmp_path: Path) -> None:
    frame = sales().with_columns(pl.col("amount").round(0))
    first, second = halves(frame, tmp_path)
    pl.read_parquet(second).with_columns(pl.col("amount").cast(other)).write_parquet(second)

    assert_frame_equal(facts([first, second]).frame, facts(frame).frame)


def test_ids_that_are_all_null_in_one_file_have_no_kind(tmp_path: Path) -> None:
    first, second = halves(sales(), tmp_path)
    pl.read_parquet(second).with_columns(client_id=None).write_parquet(second)

    found = facts([second, first])

    assert found.frame["client_id"].to_list() == [1, 2]
    assert found.quality.dropped["client"] == 5


def test_a_file_given_twice_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "sales.parquet"
    sales().write_parquet(path)
    link = tmp_path / "link.parquet"
    link.symlink_to(path)
    other = tmp_path / ".." / tmp_path.name / "sales.parquet"

    quality = facts([path, path, link, other]).quality

    assert quality.rows_read == 8
    assert quality.notes == (
        f"{path} is given more than once, and is read once",
        f"{link} is the file {path}, which is read once",
        f"{other} is the file {path}, which is read once",
    )
    assert quality.files.read == (str(path),)


def test_an_empty_name_is_no_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet_file(sales(), tmp_path)
    monkeypatch.chdir(tmp_path)

    for source in ("", ["sales.parquet", ""]):
        with pytest.raises(grc.SourceError, match=r"a source is empty text, as of a variable not"):
            facts(source)


def test_a_stream_that_was_used_up_is_an_error() -> None:
    reader = sales().to_arrow().to_reader()
    facts(reader)

    with pytest.raises(grc.SourceError, match=r"the RecordBatchReader gave no rows: a stream can"):
        facts(reader)


@pytest.mark.parametrize("suffix", ["ndjson", "json", "csv", "parquet", "arrow", "stream.arrow"])
def test_a_file_with_signs_of_a_glob_in_its_name_is_that_file(suffix: str, tmp_path: Path) -> None:
    writer = {
        "ndjson": pl.DataFrame.write_ndjson,
        "json": pl.DataFrame.write_json,
        "csv": pl.DataFrame.write_csv,
        "parquet": pl.DataFrame.write_parquet,
        "arrow": pl.DataFrame.write_ipc,
        "stream.arrow": pl.DataFrame.write_ipc_stream,
    }[suffix]
    for name, rows in (("[n]", 2), ("n", 1)):
        lines = sales().select("client_id", "date", "amount").head(rows)
        writer(lines, tmp_path / f"{name}.{suffix}")

    found = facts(tmp_path / f"[n].{suffix}", order=None)

    assert found.quality.rows_read == 2


def folder_of_files(folder: Path) -> None:
    """Make a folder with three files of four lines, and things that are none of its files."""
    (folder / "deeper").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    lines = sales().select("client_id", "date", "amount").head(4)
    lines.write_csv(folder / "1.csv")
    with gzip.open(folder / "2.csv.gz", "wb") as file:
        lines.write_csv(file)
    lines.write_csv(folder / "deeper" / "3.csv")
    for name in ("part-00000", "_SUCCESS", "about.md"):
        write(folder / name, "x")


def test_the_account_names_the_files_read_and_those_skipped(tmp_path: Path) -> None:
    folder = tmp_path / "sales"
    folder_of_files(folder)

    quality = facts(folder, order=None).quality

    read = [f"{folder}/{name}" for name in ("1.csv", "2.csv.gz", "deeper/3.csv")]
    skipped = [f"{folder}/{name}" for name in (".hidden/", "_SUCCESS", "about.md", "part-00000")]
    assert quality.rows_read == 12
    assert quality.to_dict()["files"] == read
    assert quality.to_dict()["skipped_files"] == skipped
    assert f"note: read from 3 files: {', '.join(read)}\n" in f"{quality}\n"
    assert f"note: skipped: {', '.join(skipped)}\n" in f"{quality}\n"


def test_a_glob_names_what_it_passes_over(tmp_path: Path) -> None:
    folder_of_files(tmp_path)
    (tmp_path / "4.csv").mkdir()

    quality = facts(f"{tmp_path}/*.csv", order=None).quality

    assert quality.files.read == (f"{tmp_path}/1.csv",)
    assert quality.files.skipped == (f"{tmp_path}/2.csv.gz", f"{tmp_path}/4.csv/")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("**/*.csv", ["1.csv", "deeper/3.csv"]),
        ("*/3.csv", ["deeper/3.csv"]),
        ("d?eper/[3].csv", ["deeper/3.csv"]),
        ("**/3.csv", ["deeper/3.csv"]),
    ],
)
def test_globs_match_as_those_of_a_shell(pattern: str, names: list[str], tmp_path: Path) -> None:
    folder_of_files(tmp_path)

    read = facts(f"{tmp_path}/{pattern}", order=None).quality.files.read

    assert read == tuple(f"{tmp_path}/{name}" for name in names)


def test_a_linked_folder_is_read_and_a_circle_of_links_is_not_walked_twice(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "sales", tmp_path / "elsewhere"
    folder.mkdir()
    folder_of_files(elsewhere)
    (folder / "linked").symlink_to(elsewhere)
    (elsewhere / "deeper" / "back").symlink_to(folder)

    quality = facts(folder, order=None).quality

    assert quality.rows_read == 12
    assert f"{folder}/linked/deeper/back/ (a link to a folder that is read)" in (
        quality.files.skipped
    )


@pytest.mark.parametrize("pattern", ["", "*.csv"])
def test_a_link_that_leads_nowhere_is_an_error(pattern: str, tmp_path: Path) -> None:
    folder_of_files(tmp_path)
    (tmp_path / "9.csv").symlink_to(tmp_path / "gone.csv")

    with pytest.raises(
        grc.SourceError, match=r"9\.csv is a link to '.*gone\.csv', which leads to no"
    ):
        facts(f"{tmp_path}/{pattern}", order=None)


@pytest.mark.parametrize("pattern", ["", "*/*.csv", "**/*.csv"])
def test_a_folder_that_cannot_be_read_is_an_error(
    pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of_files(tmp_path)
    list_folder = Path.iterdir

    def refuse(folder: Path) -> Any:
        if folder.name == "deeper":
            raise PermissionError(13, "Permission denied")
        return list_folder(folder)

    monkeypatch.setattr(Path, "iterdir", refuse)  # whoever is root may read them all

    with pytest.raises(grc.SourceError, match=r"deeper' cannot be read: Permission denied"):
        facts(f"{tmp_path}/{pattern}", order=None)


def test_a_file_without_a_column_is_named(tmp_path: Path) -> None:
    first, second = halves(sales(), tmp_path)
    pl.read_parquet(second).drop("amount").write_parquet(second)

    with pytest.raises(grc.ColumnError, match=r"2\.parquet has no column 'amount'"):
        facts([first, second])


# -- roles -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["eager", "lazy"])
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"client": "Client"},
            grc.ColumnError,
            r"no column 'Client' for the role client \(did you mean 'client_id'\?\); its columns",
        ),
        ({"date": "when"}, grc.ColumnError, r"no column 'when' for the role date; its columns"),
        ({"amount": "amuont"}, grc.ColumnError, r"no column 'amuont'.*did you mean 'amount'"),
        ({"amount": "amount *"}, grc.OptionError, r"'amount \*' is neither a column nor SQL"),
        ({"amount": "amount * qty"}, grc.ColumnError, r"no column 'qty'.*\(in 'amount \* qty'\)"),
        ({"amount": "ticket"}, grc.ColumnError, r'SQL amount CAST\("ticket" AS DOUBLE\)'),
        ({"amount": "ticket * 2"}, grc.ColumnError, r"cannot be computed.*ticket holds text"),
        ({"amount": "amount > 2"}, grc.ColumnError, r"gives true/false values .* give a number"),
        ({"amount": "SUM(amount)"}, grc.OptionError, r"looks at several rows at once"),
        ({"amount": "date"}, grc.ColumnError, r"holds dates: it must hold numbers"),
        ({"order": ["ticket", "till"]}, grc.ColumnError, r"no column 'till' for the role order"),
        ({"order": []}, grc.OptionError, r"order is an empty list"),
        ({"where": "amount"}, grc.OptionError, r"gives floats .* must be true or false"),
        ({"where": "amount >"}, grc.OptionError, r"'amount >' is not SQL that can be read"),
        ({"where": "shop = 1"}, grc.ColumnError, r"no column 'shop' for the role where"),
        ({"client": 3}, grc.OptionError, r"client must be a column name, and 3 is not one"),
        ({"date": "amount"}, grc.ColumnError, r"date column 'amount' .* holds floats"),
        ({"client": "lists"}, grc.ColumnError, r"client column 'lists' .* holds lists"),
        ({"order": "flags"}, grc.ColumnError, r"order column 'flags' .* true/false values"),
    ],
)
def test_a_wrong_role_is_one_sentence(
    form: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    frame = sales()
    wrong = {"lists": pl.List(pl.Int64), "flags": pl.Boolean, "bytes": pl.Binary}
    for name, dtype in wrong.items():
        if name in options.values():
            frame = frame.with_columns(pl.lit(None, dtype=dtype).alias(name))

    with pytest.raises(error, match=message) as caught:
        facts(SOURCES[form](frame, Path()), **options)

    assert "\n" not in str(caught.value)


def test_a_column_named_like_an_expression_is_the_column() -> None:
    frame = sales().rename({"amount": "price * 2"}).with_columns(price=pl.lit(1.0))

    assert facts(frame, amount="price * 2").quality.money_used == Decimal("5.05")


@pytest.mark.parametrize("form", ["eager", "lazy"])
def test_a_value_that_sql_cannot_cast_is_quoted(form: str) -> None:
    with pytest.raises(grc.DataError, match=r"conversion from .* failed in column 'ticket'"):
        facts(SOURCES[form](sales(), Path()), amount="CAST(ticket AS DOUBLE)")


def test_a_failing_stream_is_an_error_of_the_source() -> None:
    def batches() -> Any:
        yield sales().to_arrow().to_batches()[0]
        raise ValueError("the connection is gone")

    reader = pa.RecordBatchReader.from_batches(sales().to_arrow().schema, batches())

    with pytest.raises(grc.SourceError, match=r"RecordBatchReader cannot be read: .*is gone"):
        facts(reader)


# -- options ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "as_of",
    [
        dt.date(2026, 3, 1),
        dt.datetime(2026, 3, 1, 23, 59, tzinfo=dt.UTC),
        "2026-03-01",
        "2026-03-01T10:00:00Z",
    ],
)
def test_as_of_is_a_day_however_it_is_written(as_of: Any) -> None:
    assert facts(sales(), as_of=as_of).as_of == AS_OF


@pytest.mark.parametrize("as_of", ["01/03/2026", "", 20260301, None])
def test_an_as_of_that_is_no_day_is_refused(as_of: Any) -> None:
    with pytest.raises(grc.OptionError, match=r"as_of must be a date such as 2026-11-01"):
        facts(sales(), as_of=as_of)


def test_an_as_of_before_every_sale_names_the_first() -> None:
    with pytest.raises(grc.DataError, match=r"2025-12-31 is before every sale .* on 2026-01-01"):
        facts(sales(), as_of="2025-12-31")


def test_returns_that_are_dropped_are_no_sales_before_as_of() -> None:
    table = pl.DataFrame(
        {"client_id": [1, 1], "date": ["2026-01-01", "2026-01-03"], "amount": [-5, 5]}
    )
    options = {"as_of": "2026-01-02", "facts": ["total"]}
    with pytest.raises(grc.DataError, match=r"2026-01-02 is before every sale .* on 2026-01-03"):
        grc.facts(table, returns="drop", **options)
    assert grc.facts(table, returns="net", **options).quality.rows_used == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"facts": ["order"]}, r"no fact 'order' \(did you mean 'orders'\?\)"),
        ({"facts": []}, r"facts is empty"),
        ({"facts": ["orders", "orders"]}, r"'orders' is asked for twice"),
        ({"returns": "ignore"}, r"returns must be one of net, drop, keep"),
        ({"window": 12}, r"window must be a duration"),
        ({"window": "12 parsecs"}, r"12 parsecs"),
        ({"money_scale": -1}, r"money_scale must be a whole number from 0 to 18"),
        ({"money_scale": True}, r"money_scale must be a whole number from 0 to 18, not True"),
        ({"threads": 0}, r"threads must be a whole number from 1 to 1024, .* not 0"),
        ({"threads": 1025}, r"not 1025"),
        ({"threads": True}, r"not True"),
        ({"threads": 2.0}, r"not 2.0"),
        ({"facts": None}, r"facts must be a list"),
        ({"facts": 3}, r"facts must be a list .* 3"),
        ({"order": 3}, r"order must be a column name or a list of them, and 3"),
        ({"timezone": None}, r"timezone must be a zone such as Europe/Paris, not None"),
        ({"timezone": "Europe/Nowhere"}, r"Europe/Nowhere"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(grc.OptionError, match=message):
        facts(sales(), **options)


@pytest.mark.parametrize("kind", ["eager", "parquet", "csv", "pyarrow reader"])
def test_without_as_of_it_is_the_day_after_the_last_sale(kind: str, tmp_path: Path) -> None:
    source = SOURCES[kind](sales(), tmp_path)

    table, quality = collect_facts(source, SalesReading(), {"lines": ("lines", "111d")}, as_of=None)

    assert quality.as_of == dt.date(2026, 5, 2)
    assert quality.notes[-1] == "as_of is 2026-05-02, the day after the last sale"
    assert table["lines"].to_list() == [0, 1, 2]


def test_without_as_of_and_sales_there_is_no_day() -> None:
    with pytest.raises(grc.DataError, match=r"no row of the frame can be used"):
        collect_facts(sales().clear(), SalesReading(), {"lines": ("lines", None)}, as_of=None)


def test_progress_is_told_after_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grc_fast.io.source.BATCH_ROWS", 3)
    told: list[int] = []

    facts(sales(), progress=told.append)

    assert told == [3, 6, 8]


@pytest.mark.parametrize("kind", ["eager", "lazy", "csv", "pyarrow reader"])
def test_an_interrupt_passes_through(kind: str, tmp_path: Path) -> None:
    def interrupt(_rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        facts(SOURCES[kind](sales(), tmp_path), progress=interrupt)


@pytest.mark.parametrize(
    ("base", "column"),
    [
        (pl.DataFrame({"client_id": [4], "x": [0]}), "client_id"),
        (pl.DataFrame({"whatever": [4]}), "client_id"),
        (pl.DataFrame({"card": [4], "client_id": [5]}), "card"),
        (pl.DataFrame({"client_id": [4], "x": [0]}), "card"),
    ],
)
def test_the_base_names_its_clients_as_the_sales_do(base: pl.DataFrame, column: str) -> None:
    frame = sales().rename({"client_id": column})

    found = facts(frame, client=column, clients=base)

    never = found.frame.filter(pl.col("status") == "never_bought")
    assert never["client_id"].to_list() == [4]


def test_a_base_without_a_client_column_is_refused() -> None:
    with pytest.raises(grc.ColumnError, match=r"no column 'client_id' for the role client"):
        facts(sales(), clients=pl.DataFrame({"a": [1], "b": [1]}))


def test_a_base_in_a_csv_meets_sales_of_either_kind(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain.csv", "client_id\n4\n10\n")
    zeros = write(tmp_path / "zeros.csv", "client_id\n004\n10\n")
    text = sales().with_columns(pl.col("client_id").cast(pl.String))

    found = facts(sales(), clients=plain).frame
    assert found["client_id"].to_list() == [1, 2, 3, 4, 10]
    found = facts(text, clients=zeros).frame
    assert found["client_id"].to_list() == ["004", "1", "10", "2", "3"]
    with pytest.raises(grc.ColumnError, match=r"'004' of clients is text"):
        facts(sales(), clients=zeros)
    with pytest.raises(grc.ColumnError, match=r"numbers in clients and text in the sales"):
        facts(text, clients=pl.DataFrame({"client_id": [4]}))


# -- the account -----------------------------------------------------------------------------


def messy() -> pl.DataFrame:
    rows = [
        (1, "2026-01-01", 2.5, "web"),
        (None, "2026-01-01", 1.0, "web"),
        (1, None, 1.0, "web"),
        (1, "2026-01-01", None, "web"),
        (1, "2026-01-01", float("nan"), "web"),
        (2, "2026-09-01", 4.0, "web"),
        (2, "2026-01-01", -0.5, "web"),
        (None, None, 9.0, "shop"),
    ]
    schema = {"client_id": pl.Int64, "date": pl.String, "amount": pl.Float64, "channel": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_every_row_is_used_or_dropped_for_one_reason() -> None:
    quality = facts(messy(), order=None, where="channel = 'web'").quality

    assert dict(quality.dropped) == {"where": 1, "client": 1, "date": 1, "amount": 2, "future": 1}
    assert quality.rows_read == quality.rows_used + sum(quality.dropped.values())
    assert quality.money_read == quality.money_used + sum(quality.dropped_money.values())
    assert quality.dropped_money["where"] == 9
    assert (quality.returns, quality.returns_money) == (1, Decimal("-0.5"))
    assert (quality.clients, quality.clients_scored, quality.clients_returns_only) == (2, 1, 1)


def test_dropped_returns_are_a_reason() -> None:
    quality = facts(messy(), order=None, returns="drop").quality

    assert (quality.dropped["returns"], quality.dropped_money["returns"]) == (1, Decimal("-0.5"))
    assert quality.rows_read == quality.rows_used + sum(quality.dropped.values())


def test_the_account_is_a_table_that_sums() -> None:
    quality = facts(messy(), order=None).quality

    frame = quality.frame

    assert frame.columns == ["reason", "rows", "share", "money"]
    assert frame["reason"].to_list() == ["used", "where", "client", "date", "amount", "future"]
    assert frame["rows"].sum() == quality.rows_read == 8
    assert frame["money"].sum() == quality.money_read
    assert frame["share"].sum() == pytest.approx(1)


def test_the_account_goes_through_json() -> None:
    quality = facts(messy(), order=None).quality

    account = json.loads(json.dumps(quality.to_dict()))

    assert account["rows_read"] == 8
    assert Decimal(account["money_used"]) == quality.money_used
    assert account["dropped"]["future"] == {"rows": 1, "money": "4.0000"}
    assert account["as_of"] == "2026-03-01"


def test_the_account_reads_well() -> None:
    many = pl.concat([messy()] * 1000)

    text = str(facts(many, order=None).quality)

    assert "8,000 rows read, money 17,000.00" in text
    assert "  without an amount: 2,000 (25.0 %), money 0.00" in text
    assert "1 client scored, 1 with returns only" in text


def test_a_source_says_what_it_is() -> None:
    assert open_source(sales()).name == "the frame"
    assert not open_source(sales().to_arrow().to_reader()).replayable
    assert open_source(sales().to_arrow()).replayable


def test_sql_that_types_do_not_allow_is_refused_with_values(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("client_id,date,amount,note\n1,2026-01-01,5,12x\n2,2026-01-02,6,b\n")
    with pytest.raises(
        grc.ColumnError, match=r"\(note holds text\); among the first are note: 12x, b$"
    ):
        grc.facts(str(path), facts=["total"], as_of="2026-02-01", where="note > 5")


def test_days_that_are_whole_numbers_are_read_by_their_pattern() -> None:
    table = pl.DataFrame({"client_id": [1], "date": [20260105], "amount": [5.0]})
    with pytest.raises(grc.ColumnError, match=r"where they are written like 20261101, say %Y%m%d"):
        facts(table)
    options = {"facts": ["last_purchase"], "as_of": "2026-02-01"}
    found = grc.facts(table, date_format="%Y%m%d", **options)
    assert found.frame["last_purchase"].to_list() == [dt.date(2026, 1, 5)]


def stream_with_a_bad_key(rows: int) -> pa.RecordBatchReader:
    """Give an Arrow stream whose last of three batches has a key that its dictionary lacks."""

    def batch(*, is_bad: bool) -> pa.RecordBatch:
        keys = np.zeros(rows, np.int32)
        keys[-1] = 1_000_000 if is_bad else 0
        clients = pa.DictionaryArray.from_buffers(
            pa.dictionary(pa.int32(), pa.string()),
            rows,
            [None, pa.py_buffer(keys)],
            pa.array(["a"]),
        )
        days = pa.array(np.full(rows, 20_000, np.int32)).cast(pa.date32())
        columns = {"client_id": clients, "date": days, "amount": pa.array(np.ones(rows))}
        return pa.record_batch(columns)

    batches = [batch(is_bad=False), batch(is_bad=False), batch(is_bad=True)]
    return pa.RecordBatchReader.from_batches(batches[0].schema, batches)


def test_a_stream_that_breaks_off_inside_the_engine_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("grc_fast.io.source.BATCH_ROWS", 1000)
    query = pl.scan_arrow_c_stream(stream_with_a_bad_key(1000))
    with pytest.raises(grc.SourceError, match=r"cannot be read: the rows break off after 2,000"):
        facts(query, order=None)


def test_rows_received_are_those_that_the_footer_announces(tmp_path: Path) -> None:
    """Flip each bit of a footer: every row is read, or the run ends with a sentence."""
    path = tmp_path / "sales.parquet"
    rows = 4000
    pl.DataFrame(
        {"client_id": range(rows), "date": [dt.date(2026, 1, 1)] * rows, "amount": [1.0] * rows}
    ).write_parquet(path, row_group_size=1000, statistics=False, use_pyarrow=False)
    whole = path.read_bytes()
    length = int.from_bytes(whole[-8:-4], "little")
    broken = 0
    for position in range(len(whole) - 8 - length, len(whole) - 8):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << (position % 8)
        path.write_bytes(damaged)
        try:
            read = facts(path, order=None, facts=["lines"]).quality.rows_read
        except grc.GrcError:
            broken += 1
            continue
        assert read == rows, position
    assert broken > 100
