"""Sales with everything that a table may hold, and the same rows in each kind of database."""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
from contextlib import closing
from io import BytesIO
from pathlib import Path

import duckdb
import polars as pl
from adbc_driver_postgresql import dbapi

import grc_fast as grc
from postgres_server import Server

AS_OF = "2026-07-01"


def messy_sales(rows: int = 400, seed: int = 3) -> pl.DataFrame:
    """Sales with everything that a table may hold: no ids, no dates, returns, odd letters."""
    draw = random.Random(seed)
    clients = ["007", "7", "A-1", "é", "O'Neil", 'q"t', "x;y", " 12", None, "日本"]
    day = dt.date(2025, 1, 1)
    return pl.DataFrame(
        {
            "client_id": [draw.choice(clients) for _ in range(rows)],
            "date": [
                None if draw.random() < 0.02 else day + dt.timedelta(draw.randrange(540))
                for _ in range(rows)
            ],
            "amount": [
                None if draw.random() < 0.02 else draw.randrange(-5_000, 50_000) / 100
                for _ in range(rows)
            ],
            "ticket": [draw.randrange(rows // 2) for _ in range(rows)],
            "note": [draw.choice(["", "a", None, "b,c"]) for _ in range(rows)],
        },
        schema_overrides={"ticket": pl.Int64},
    )


def scored_bytes(source, **reading) -> bytes:
    result = grc.score_rfm(source, as_of=AS_OF, order="ticket", **reading)
    written = BytesIO()
    result.scores.write_parquet(written)
    account = result.quality.to_dict()
    for of_the_source in ("notes", "warnings", "files", "skipped_files"):
        account.pop(of_the_source, None)
    return written.getvalue() + repr(account).encode()


def to_postgresql(server: Server, table: str, frame: pl.DataFrame, types: str) -> str:
    server.run(f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} ({types})")
    with dbapi.connect(server.address()) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest(table, frame, mode="append")
        connection.commit()
    return f"{server.address()}#{table}"


def to_duckdb(path: Path, table: str, frame: pl.DataFrame) -> str:
    with duckdb.connect(str(path)) as base:
        base.register("given", frame.to_arrow())
        base.execute(f"CREATE OR REPLACE TABLE {table} AS FROM given")
    return f"{path}#{table}"


def to_sqlite(path: Path, table: str, frame: pl.DataFrame) -> str:
    with closing(sqlite3.connect(path)) as base, base:
        base.execute(f"DROP TABLE IF EXISTS {table}")
        base.execute(f"CREATE TABLE {table} ({', '.join(frame.columns)})")
        marks = ", ".join("?" for _ in frame.columns)
        shown = frame.with_columns(pl.col(pl.Date).dt.to_string())
        base.executemany(f"INSERT INTO {table} VALUES ({marks})", shown.rows())
    return f"{path}#{table}"


FLOATS = "client_id text, date date, amount double precision, ticket bigint, note text"
