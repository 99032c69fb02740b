"""The strict reader of separated text, as Python sees it."""

import io
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from grc_fast import _core
from grc_fast._core import CsvReader, FieldForm, OptionError, SourceError

LONG = "a text that no view holds in itself"


def reader(source: Any, **options: Any) -> CsvReader:
    defaults: dict[str, Any] = {
        "separator": ",",
        "newline": "lf",
        "encoding": "utf-8",
        "skip_lines": 0,
        "threads": 2,
    }
    return CsvReader(source, **defaults | options)


def texts(source: CsvReader, columns: list[int]) -> pl.DataFrame | None:
    block = source.read([(column, None) for column in columns])
    if block is None:
        return None
    table, are_texts, null_words = block
    assert (are_texts, null_words) == (False, [[] for _ in columns])
    return pl.DataFrame(table)


def frames(source: CsvReader, columns: list[int]) -> list[pl.DataFrame]:
    found = []
    while (frame := texts(source, columns)) is not None:
        found.append(frame)
    return found


@pytest.mark.parametrize("block_bytes", [1, 7, None])
@pytest.mark.parametrize("as_path", [True, False])
def test_blocks_hold_the_columns_asked_for(
    tmp_path: Path, *, block_bytes: int | None, as_path: bool
) -> None:
    text = f'id,note,amount\n1,{LONG},2\n\n2,"{LONG} ""é""",\n3,,4'
    path = tmp_path / "sales.csv"
    path.write_text(text, encoding="utf-8")
    source: Any = str(path) if as_path else io.BytesIO(text.encode())

    csv = reader(source, block_bytes=block_bytes)
    frame = pl.concat(frames(csv, [2, 1]))

    assert csv.header == ["id", "note", "amount"]
    assert frame.to_dict(as_series=False) == {
        "2": ["2", None, "4"],
        "1": [LONG, f'{LONG} "é"', None],
    }
    assert (csv.rows, csv.blank_lines) == (3, 1)
    assert texts(csv, [0]) is None


def test_arrays_outlive_the_reader() -> None:
    csv = reader(io.BytesIO(f"a\n{LONG}\n".encode()))
    (frame,) = frames(csv, [0])
    del csv
    assert frame["0"].to_list() == [LONG]


def test_columns_are_read_by_their_forms_or_all_are_text() -> None:
    words = ["NULL", "-"]
    columns = [
        (0, FieldForm.text(words)),
        (1, FieldForm.numbers(decimal=",", thousands=None, currency="€", null_words=words)),
        (2, FieldForm.dates(form="dmy", zoned=False, null_words=words)),
        (3, None),
    ]
    rows = "1;12,50 €;25/12/2025;-\n-;NULL;;\n007; - ;1/2/2026 9:05;x\n"
    later = "8;x;01/02/2026;9\n"
    # The second block begins after the rows.
    first = f"id;paid;day;note\n{rows}".encode()
    csv = reader(io.BytesIO(first + later.encode()), separator=";", block_bytes=len(first))

    read, refused = csv.read(columns), csv.read(columns)

    assert read is not None
    assert refused is not None
    assert pl.DataFrame(read[0]).cast({"2": pl.String}).rows() == [
        ("1", 12.5, "2025-12-25 00:00:00.000000", "-"),
        (None, None, None, None),
        ("007", None, "2026-02-01 09:05:00.000000", "x"),
    ]
    assert read[1:] == (False, [[0, 1], [1, 1], [0, 0], []])
    assert pl.DataFrame(refused[0]).rows() == [("8", "x", "01/02/2026", "9")]
    assert refused[1]


def test_rows_are_counted_without_columns() -> None:
    csv = reader(io.BytesIO(b"a,b\n1,2\n3,4\n"))
    assert texts(csv, []) is not None
    assert csv.rows == 2


@pytest.mark.parametrize(
    ("text", "kind", "line", "sentence"),
    [
        (b"a,b\n1,2,3\n", "fields", 2, "line 2 has 3 fields, and the header 2"),
        (
            b'a\n"1',
            "quote-not-closed",
            2,
            "the quote that opens on line 2 is never closed",
        ),
        (b"a\n\xff\n", "encoding", 2, "line 2 is no UTF-8: it holds the byte FF"),
        (b"", "no-header", 0, "there is no header: no line holds anything"),
    ],
)
def test_a_fault_says_its_kind_and_its_line(
    text: bytes, kind: str, line: int, sentence: str
) -> None:
    with pytest.raises(SourceError) as raised:
        texts(reader(io.BytesIO(text)), [0])
    error: Any = raised.value
    assert (error.kind, error.line, str(error)) == (kind, line, sentence)


def test_what_a_source_raises_is_raised_as_it_is() -> None:
    class Broken:
        def __init__(self) -> None:
            self.reads = 0

        def read(self, size: int) -> bytes:
            self.reads += 1
            if self.reads > 1:
                raise InterruptedError("the line is down")
            return b"a\n1\n2"[:size]

    csv = reader(Broken(), block_bytes=4)
    frame = texts(csv, [0])
    assert frame is not None
    assert frame["0"].to_list() == ["1"]
    with pytest.raises(InterruptedError, match="the line is down"):
        texts(csv, [0])


@pytest.mark.parametrize("answer", ["text", b"x" * 100_000_000])
def test_a_source_gives_as_many_bytes_as_asked_for(answer: Any) -> None:
    class Wrong:
        def read(self, size: int) -> Any:
            return answer

    with pytest.raises(TypeError):
        reader(Wrong())


def test_a_missing_file_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        reader(str(tmp_path / "none.csv"))


@pytest.mark.parametrize(
    "options",
    [{"separator": '"'}, {"separator": "é"}, {"newline": "crlf"}, {"encoding": "latin-1"}],
)
def test_options_without_a_meaning_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(OptionError):
        reader(io.BytesIO(b"a\n"), **options)


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(OptionError, match="there is no column 1"):
        texts(reader(io.BytesIO(b"a\n1\n")), [1])


def test_the_line_of_a_row_is_found(tmp_path: Path) -> None:
    text = b'skipped\n\na\n1\n\n"2\n2"\n3'
    path = tmp_path / "sales.csv"
    path.write_bytes(text)
    csv = reader(str(path), skip_lines=1)
    texts(csv, [0])
    assert [csv.line_of_row(row) for row in (1, 2, 3, 4)] == [4, 6, 8, None]
    assert reader(io.BytesIO(text), skip_lines=1).line_of_row(3) == 8

    csv = reader(io.BytesIO(text), skip_lines=1)
    texts(csv, [0])
    with pytest.raises(_core.OptionError, match="take a new reader"):
        csv.line_of_row(1)


def test_other_ways_to_write_a_file_are_read() -> None:
    csv = reader(
        io.BytesIO(b"a;b\r\x80;\xe9t\xe9\r"), separator=";", newline="cr", encoding="cp1252"
    )
    (frame,) = frames(csv, [0, 1])
    assert frame.rows() == [("€", "été")]
