"""The same rows give the same bytes, whichever source holds them."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pytest

from lake_tables import iceberg_table, root_of
from same_rows import FLOATS, messy_sales, scored_bytes, to_duckdb, to_postgresql, to_sqlite


def rows() -> pl.DataFrame:
    """Messy sales in letters that French files have."""
    return messy_sales().with_columns(pl.col("client_id").replace("日本", "Œuvre"))


def french_csv(frame: pl.DataFrame) -> bytes:
    text = frame.write_csv(
        separator=";", date_format="%d/%m/%Y", decimal_comma=True, quote_style="non_numeric"
    )
    return text.replace("\n", "\r\n").encode("cp1252")


def parquet(frame: pl.DataFrame) -> bytes:
    data = BytesIO()
    frame.write_parquet(data)
    return data.getvalue()


def delta_folder(frame: pl.DataFrame, folder: Path) -> Path:
    """Write a table in two parts, after rows that it has no more."""
    for mode, part in (
        ("error", frame.head(9)),
        ("overwrite", frame.head(150)),
        ("append", frame.tail(-150)),
    ):
        deltalake.write_deltalake(folder / "delta", part.to_arrow(), mode=mode)
    return folder / "delta"


def workbook(frame: pl.DataFrame) -> bytes:
    data = BytesIO()
    frame.write_excel(data)
    return data.getvalue()


def file(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def iceberg_folder(frame: pl.DataFrame, folder: Path) -> Path:
    return root_of(iceberg_table(folder, [frame.head(150), frame.tail(-150)]))


# What each makes of the rows and a folder, and of a server where it has one.
SOURCES: dict[str, Callable[..., Any]] = {
    "Parquet": lambda frame, folder: file(folder, "sales.parquet", parquet(frame)),
    "French CSV": lambda frame, folder: file(folder, "ventes.csv", french_csv(frame)),
    "workbook": lambda frame, folder: file(folder, "sales.xlsx", workbook(frame)),
    "DuckDB": lambda frame, folder: to_duckdb(folder / "base.duckdb", "sales", frame),
    "SQLite": lambda frame, folder: to_sqlite(folder / "base.sqlite", "sales", frame),
    "PostgreSQL": lambda frame, _, server: to_postgresql(server, "sales", frame, FLOATS),
    "Delta": delta_folder,
    "Iceberg": iceberg_folder,
    "Parquet in S3": lambda frame, _, store: store.put("sales.parquet", parquet(frame)),
    "French CSV in S3": lambda frame, _, store: store.put("ventes.csv", french_csv(frame)),
    "Delta in S3": lambda frame, folder, store: store.put_folder(
        delta_folder(frame, folder), "lake/sales"
    ),
}
# In these an empty field has no value, and is no empty text.
WITHOUT_EMPTY_TEXT = ("French CSV", "workbook", "French CSV in S3")


@pytest.fixture
def source(request, tmp_path):
    """The rows in one kind of source."""
    kind = request.param
    servers = {"PostgreSQL": "server"} | {name: "store" for name in SOURCES if "S3" in name}
    server = [request.getfixturevalue(servers[kind])] if kind in servers else []
    return SOURCES[kind](rows(), tmp_path, *server)


@pytest.mark.parametrize("source", SOURCES, indirect=True)
def test_every_source_gives_the_same_bytes(source):
    assert scored_bytes(source) == scored_bytes(rows())


@pytest.mark.parametrize(
    "source", [kind for kind in SOURCES if kind not in WITHOUT_EMPTY_TEXT], indirect=True
)
def test_every_source_gives_the_same_bytes_of_some_rows(source):
    assert scored_bytes(source, where="note <> 'a'") == scored_bytes(rows(), where="note <> 'a'")
