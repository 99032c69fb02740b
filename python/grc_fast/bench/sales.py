"""The simulated sales of the cases, in Parquet files that live as long as a case."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, TypeAlias

import polars as pl

from grc_fast.bench.setting import Setting
from grc_fast.bench.worker import Worker
from grc_fast.datasets.sales import simulate_sales

__all__ = ["DISK_A_LINE", "IDS", "MEMORY_A_LINE", "Ids", "sales_file", "write_sales"]

#: Bytes a line that a case with sales takes at the least: making them held 116, where ids are of 20
#: bytes, and the file has 17.
MEMORY_A_LINE: Final = 80
DISK_A_LINE: Final = 12

#: What client ids are: whole numbers handed out one after the other, one in three of which has a
#: client; text of 12 bytes (as long as Arrow's views hold inline) or of 20 bytes that ends in such
#: numbers; whole numbers of which all have a client, or one in seven, or one in a hundred; whole
#: numbers all over 64 bits; letters; UUIDs as text.
Ids: TypeAlias = Literal[
    "integers",
    "12 bytes",
    "20 bytes",
    "integers, 1 in 1",
    "integers, 1 in 7",
    "integers, 1 in 100",
    "scattered integers",
    "16 letters",
    "UUID text",
]


def _one_in(number: int) -> pl.Expr:
    """Return whole numbers of which, in every run of so many, one has a client."""
    last_of_run = pl.col("client_id").rank("dense").cast(pl.Int64) * number
    return (last_of_run - _SCATTERED % number).cast(pl.Int64).alias("client_id")


def _uuids(ids: pl.Series) -> pl.Series:
    """Return a UUID for each id."""
    chance = random.Random(7)
    clients = ids.unique(maintain_order=True)
    uuids = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(len(clients))]
    return ids.replace_strict(clients, pl.Series(uuids))


_NUMBER: Final = pl.col("client_id").cast(pl.String)
_SCATTERED: Final = pl.col("client_id").hash(seed=7)
IDS: Final[dict[Ids, pl.Expr]] = {
    "integers": pl.col("client_id"),
    "12 bytes": pl.format("C{}", _NUMBER.str.zfill(11)).alias("client_id"),
    "20 bytes": pl.format("CUSTOMER{}", _NUMBER.str.zfill(12)).alias("client_id"),
    "integers, 1 in 1": _one_in(1),
    "integers, 1 in 7": _one_in(7),
    "integers, 1 in 100": _one_in(100),
    "scattered integers": _SCATTERED,
    "16 letters": _NUMBER.str.zfill(12).str.encode("base64"),
    "UUID text": pl.col("client_id").map_batches(_uuids, return_dtype=pl.String),
}


@contextmanager
def sales_file(
    setting: Setting,
    lines: int,
    clients: int,
    ids: Ids = "integers",
    *,
    sorted_by: str | None = None,
) -> Iterator[Path]:
    """Give a Parquet file of simulated sales, and remove it in the end.

    Lines are in no particular order, unless they are sorted by a column.

    It is made in a process of its own, so that the memory it takes is gone when something is
    measured.
    """
    path = setting.directory / f"sales-{lines}-{clients}-{ids.replace(' ', '-')}.parquet"
    try:
        arguments = {"path": str(path), "lines": lines, "clients": clients, "ids": ids}
        arguments |= {"sorted_by": sorted_by}
        with Worker(write_sales, arguments, threads=setting.threads) as worker:
            worker.seconds()
        yield path
    finally:
        path.unlink(missing_ok=True)


def write_sales(
    path: str, lines: int, clients: int, ids: Ids, sorted_by: str | None
) -> Callable[[], None]:
    """Return what writes the sales: `client_id`, `date` (µs), `amount` (cents), `order_id`."""

    def write() -> None:
        sales = simulate_sales(lines, clients).lazy().with_columns(IDS[ids])
        (sales if sorted_by is None else sales.sort(sorted_by)).sink_parquet(path)

    return write
