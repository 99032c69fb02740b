"""The same work by DuckDB, in SQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa

from grc_fast.bench.classic import CLASSIC
from grc_fast.bench.setting import AS_OF, CODEC, Orders

__all__ = [
    "band",
    "connect",
    "read_facts",
    "score",
    "score_file",
    "shortest_file",
    "shortest_query",
]


def connect(threads: int, directory: Path) -> duckdb.DuckDBPyConnection:
    """Open a database in memory, with as many threads as the other side."""
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    connection.execute(f"SET temp_directory = {_text(directory)}")
    return connection


def read_facts(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    *,
    orders: Orders = "lines",
) -> pa.Table:
    """First and last purchase, orders, and the sum of money of each client.

    Distinct orders are counted as such, or by grouping twice, first by order.
    """
    if orders == "twice":
        query = f"""
            SELECT client_id, min(first_purchase) AS first_purchase,
                   max(last_purchase) AS last_purchase, count(first_purchase) AS orders,
                   sum(total) AS total
            FROM (SELECT client_id, order_id, min(date) FILTER (amount >= 0) AS first_purchase,
                         max(date) FILTER (amount >= 0) AS last_purchase, sum(amount) AS total
                  FROM {table} GROUP BY client_id, order_id)
            GROUP BY client_id
        """
    else:
        what = "*" if orders == "lines" else "DISTINCT order_id"
        query = f"""
            SELECT client_id, min(date) FILTER (amount >= 0) AS first_purchase,
                   max(date) FILTER (amount >= 0) AS last_purchase,
                   count({what}) FILTER (amount >= 0) AS orders, sum(amount) AS total
            FROM {table} GROUP BY client_id
        """
    return connection.sql(query).to_arrow_table()


def shortest_query(connection: duckdb.DuckDBPyConnection, table: str) -> duckdb.DuckDBPyRelation:
    """Last purchase, count and sum of each client."""
    return connection.sql(_shortest(table))


def shortest_file(sales: str, scores: str, threads: int) -> Callable[[], object]:
    """Return the shortest query from Parquet to Parquet."""
    connection = connect(threads, Path(scores).parent)
    query = _copy(_shortest(f"read_parquet({_text(sales)})"), scores)
    return lambda: connection.execute(query)


def _shortest(table: str) -> str:
    return f"""
        SELECT client_id, max(date) AS last_purchase, count(*) AS orders, sum(amount) AS total
        FROM {table} GROUP BY client_id
    """


def band(connection: duckdb.DuckDBPyConnection, table: str) -> pa.Table:
    """Band 1 to 5 of the column `value`, row by row: four order statistics, and comparisons."""
    return connection.sql(
        f"""
        WITH edges AS (SELECT quantile_disc(value, {_FIFTHS}) AS edges FROM {table})
        SELECT CAST({_quintile("value", "edges")} AS UTINYINT) AS band FROM {table}, edges
        """
    ).to_arrow_table()


def score(connection: duckdb.DuckDBPyConnection, table: str) -> pa.Table:
    """Add points, code, group and segment to facts, ascending by client."""
    return connection.sql(_score(f"SELECT * FROM {table}")).to_arrow_table()


def score_file(sales: str, scores: str, threads: int) -> Callable[[], object]:
    """Return the whole job: sales in Parquet to scores in Parquet."""
    connection = connect(threads, Path(scores).parent)
    clients = f"""
        SELECT *, DATE '{AS_OF}' - last_purchase AS recency
        FROM (
            SELECT client_id,
                   CAST(min(date) FILTER (amount >= 0) AS DATE) AS first_purchase,
                   CAST(max(date) FILTER (amount >= 0) AS DATE) AS last_purchase,
                   count(*) FILTER (amount >= 0) AS frequency,
                   -- sums of cents in floats are off by the last bits: equal money must tie
                   round(sum(amount), 2) AS monetary
            FROM read_parquet({_text(sales)}) GROUP BY client_id
            HAVING first_purchase IS NOT NULL
        )
    """
    query = _copy(_score(clients), scores)
    return lambda: connection.execute(query)


def _copy(query: str, file: str) -> str:
    return f"COPY ({query}) TO {_text(file)} (FORMAT parquet, COMPRESSION {CODEC})"


def _score(clients: str) -> str:
    """Return the query of the scores of the clients that another gives."""
    return f"""
        WITH clients AS MATERIALIZED (
            SELECT *, DATE '{AS_OF}' - first_purchase AS tenure FROM ({clients})
        ), edges AS (
            SELECT quantile_disc(recency, {_FIFTHS}) AS r,
                   quantile_disc(frequency, {_FIFTHS}) AS f,
                   quantile_disc(monetary, {_FIFTHS}) AS m
            FROM clients
        ), graded AS MATERIALIZED (
            SELECT clients.*, 6 - {_quintile("recency", "edges.r")} AS r,
                   {_quintile("frequency", "edges.f")} AS f,
                   {_quintile("monetary", "edges.m")} AS m
            FROM clients, edges
        ), scores AS (
            SELECT r + f + m AS points, count(*) AS clients FROM graded GROUP BY points
        ), ranked AS (
            SELECT points, sum(clients) OVER () AS total,
                   -- twice the mean of the first and the last rank of equal points
                   2 * sum(clients) OVER (ORDER BY points DESC) - clients + 1 AS middle
            FROM scores
        ), grouped AS (
            SELECT points, 1 + {_GROUPS_BEFORE} AS "group" FROM ranked
        )
        SELECT client_id, first_purchase, last_purchase, CAST(recency AS INTEGER) AS recency,
               CAST(frequency AS UINTEGER) AS frequency, monetary,
               CAST(r AS UTINYINT) AS r, CAST(f AS UTINYINT) AS f, CAST(m AS UTINYINT) AS m,
               CAST(100 * r + 10 * f + m AS UINTEGER) AS rfm,
               CAST(points AS UINTEGER) AS points,
               CAST("group" AS UTINYINT) AS "group",
               CASE {_SEGMENT} END AS segment
        FROM graded JOIN grouped ON points = r + f + m
        ORDER BY client_id
    """


_FIFTHS = "[0.2, 0.4, 0.6, 0.8]"
_GROUPS_BEFORE = " + ".join(
    f"CAST(middle > 2 * ceil({j} * total / 5) AS INTEGER)" for j in range(1, 5)
)


def _quintile(value: str, edges: str) -> str:
    return f"(1 + {' + '.join(f'CAST({value} > {edges}[{j}] AS INTEGER)' for j in range(1, 5))})"


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


_SEGMENT = " ".join(f"WHEN {holds} THEN {_text(label)}" for label, holds in CLASSIC.items())
