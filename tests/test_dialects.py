"""One table in every dialect: its scores are those of its Parquet, or it is refused in words."""

import csv
import gzip
import io
import random
import re
import zipfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import grc_fast as grc
from sizes import full_size, size

AS_OF = "2024-06-30"
FIRST_DAY = datetime.fromisoformat("2024-01-01")
DIALECTS = size("GRC_FAST_DIALECTS", quick=100, full=2000)


@dataclass(frozen=True)
class Written:
    """How a table is written."""

    encoding: str
    separator: str
    decimal: str
    thousands: str | None
    currency: str | None
    currency_first: bool
    order: str
    mark: str
    with_time: bool
    padded: bool
    line_end: str
    quoting: int
    header_lines: int
    packing: str


@dataclass(frozen=True)
class Row:
    """One sale."""

    client: str
    instant: datetime
    cents: int
    note: str


def rows():
    day = st.integers(0, 170).map(lambda days: FIRST_DAY + timedelta(days=days))
    minute = st.integers(0, 1439).map(lambda minutes: timedelta(minutes=minutes))
    row = st.builds(
        lambda client, day, minute, cents, note: Row(client, day + minute, cents, note),
        st.sampled_from(["00417", "00418", "A1", "B 2", "é", "12", "x;y", 'q"t', "NA"]),
        day,
        minute,
        st.one_of(st.integers(-50_000, 5_000_000), st.sampled_from([100, 123_400, 100_000_000])),
        st.sampled_from(["", "thé", "a,b", "c;d", "e\tf", "g|h", "two\nlines", " spaced "]),
    )
    return st.lists(row, min_size=1, max_size=12)


def dialects():
    return st.builds(
        Written,
        encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
        separator=st.sampled_from([",", ";", "\t", "|"]),
        decimal=st.sampled_from([".", ","]),
        thousands=st.sampled_from([None, " ", "\u00a0", "\u202f", "'", ".", ","]),
        currency=st.sampled_from([None, None, "€", "$", "EUR", "£"]),
        currency_first=st.booleans(),
        order=st.sampled_from(["iso", "dmy", "mdy", "ymd"]),
        mark=st.sampled_from(["/", "-", "."]),
        with_time=st.booleans(),
        padded=st.booleans(),
        line_end=st.sampled_from(["\n", "\r\n", "\r"]),
        quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        header_lines=st.sampled_from([0, 0, 2]),
        packing=st.sampled_from(["", ".gz", ".zip"]),
    )


def amount(cents: int, how: Written) -> str:
    whole, part = divmod(abs(cents), 100)
    digits = f"{whole:,}".replace(",", how.thousands or "")
    number = f"{'-' if cents < 0 else ''}{digits}{how.decimal}{part:02}"
    if how.currency is None:
        return number
    if how.currency_first:
        sign, rest = ("-", number[1:]) if cents < 0 else ("", number)
        return f"{sign}{how.currency}{rest}"
    return f"{number} {how.currency}"


def date(instant: datetime, how: Written) -> str:
    two = "02" if how.padded else ""
    day, month = f"{instant.day:{two}}", f"{instant.month:{two}}"
    if how.order == "iso":
        text = f"{instant:%Y-%m-%d}"
    else:
        parts = {"d": day, "m": month, "y": f"{instant.year}"}
        text = how.mark.join(parts[part] for part in how.order)
    return f"{text} {instant.hour:{two}}:{instant.minute:02}" if how.with_time else text


def written(table: list[Row], how: Written) -> bytes:
    text = io.StringIO(newline="")
    text.write("".join(f"title {n}{how.line_end}" for n in range(how.header_lines)))
    writer = csv.writer(
        text, delimiter=how.separator, lineterminator=how.line_end, quoting=how.quoting
    )
    writer.writerow(["client_id", "date", "amount", "note"])
    for row in table:
        writer.writerow([row.client, date(row.instant, how), amount(row.cents, how), row.note])
    return text.getvalue().encode(how.encoding)


def save(directory, table: list[Row], how: Written) -> str:
    path = directory / f"sales.csv{how.packing}"
    data = written(table, how)
    if how.packing == ".gz":
        path.write_bytes(gzip.compress(data))
    elif how.packing == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("sales.csv", data)
    else:
        path.write_bytes(data)
    return str(path)


def parquet(directory, table: list[Row], *, with_time: bool) -> str:
    path = directory / "sales.parquet"
    pl.DataFrame(
        {
            "client_id": [row.client for row in table],
            "date": [
                row.instant if with_time else row.instant.replace(hour=0, minute=0) for row in table
            ],
            "amount": [float(Decimal(row.cents) / 100) for row in table],
        },
        schema={"client_id": pl.String, "date": pl.Datetime("us"), "amount": pl.Float64},
    ).write_parquet(path)
    return str(path)


def facts(path: str, **options) -> pl.DataFrame:
    found = grc.facts(path, facts=["last_purchase", "lines", "total"], as_of=AS_OF, **options)
    return found.frame.cast({"client_id": pl.String}).sort("client_id")


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("dialects")


@settings(max_examples=DIALECTS, suppress_health_check=list(HealthCheck))
@given(table=rows(), how=dialects())
def test_a_table_is_read_alike_in_every_dialect_or_refused(directory, table, how):
    assume(how.thousands != how.decimal)
    try:
        "".join(row.note + row.client + (how.thousands or "") for row in table).encode(how.encoding)
    except UnicodeEncodeError:
        assume(False)
    # A carriage return or a line feed inside a field is of another kind than a line end.
    assume(how.line_end != "\r" or all("\n" not in row.note for row in table))
    path = save(directory, table, how)
    expected = facts(parquet(directory, table, with_time=how.with_time))
    options = {"skip_rows": how.header_lines} if how.header_lines else {}
    decisive = {
        "date_format": how.order,
        "decimal": how.decimal,
        "thousands": " " if how.thousands in ("\u00a0", "\u202f") else how.thousands,
        "separator": how.separator,
    }

    found, refusal = read_or_refused(facts, path, **options)

    if refusal is not None:
        asked = {option.replace("-", "_") for option in re.findall(r"--([a-z-]+)", refusal)}
        assert asked & decisive.keys(), refusal
        found = facts(path, **options, **decisive)
    assert_frame_equal(found, expected)


def read_or_refused(read, *arguments, **options):
    """Return what is read, or the sentence that refuses it."""
    try:
        return read(*arguments, **options), None
    except grc.GrcError as error:
        return None, str(error)


def sales_text(lines: int, seed: int) -> bytes:
    """Write sales, every other file with quotes."""
    chance = random.Random(seed)
    notes = ["", "a", "é", '"b, c"' if seed % 2 else "d"]
    texts = ["client_id,date,amount,note"]
    for _ in range(lines):
        day = f"2024-0{chance.randint(1, 5)}-{chance.randint(10, 28)}"
        money = f"{chance.randint(1, 9999) / 100:.2f}"
        texts.append(f"K{chance.randint(1, lines // 4)},{day},{money},{chance.choice(notes)}")
    return "\n".join([*texts, ""]).encode()


def faults(data: bytes, places, seed: int):
    """Drop, double and change bytes, one at a time."""
    chance = random.Random(seed)
    for place in places:
        before, byte, after = data[:place], data[place : place + 1], data[place + 1 :]
        yield before + after
        yield before + byte + byte + after
        yield before + bytes([chance.choice(b'0,;"\n\r. -Kx\xe9')]) + after


def check_fault(path, whole: pl.DataFrame, rows: int) -> bool:
    """Check that a faulty file is refused, or loses nothing but what the fault spells."""
    found, refusal = read_or_refused(grc.facts, str(path), facts=["lines", "total"], as_of=AS_OF)
    if found is None:
        assert "\n" not in refusal
        return False
    assert found.quality.rows_read == rows
    assert found.quality.rows_used + sum(found.quality.dropped.values()) == rows
    frame = found.frame.cast({"client_id": pl.String})
    changed = pl.concat([frame, whole]).filter(pl.concat([frame, whole]).is_duplicated().not_())
    assert changed["client_id"].n_unique() <= 2, changed
    return True


@full_size
@pytest.mark.parametrize("seed", [0, 1])
def test_no_single_fault_takes_a_line_or_a_field(tmp_path, seed):
    lines = size("GRC_FAST_FAULT_LINES", quick=4, full=12)
    data, path = sales_text(lines, seed), tmp_path / "sales.csv"
    path.write_bytes(data)
    whole = grc.facts(str(path), facts=["lines", "total"], as_of=AS_OF).frame
    header = data.index(b"\n")

    read = 0
    for faulty in faults(data, range(header, len(data)), seed):
        path.write_bytes(faulty)
        read += check_fault(path, whole, lines)

    assert read > 0
