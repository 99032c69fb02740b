"""The simulated sales of the cases, in Parquet files that live as long as a case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, TypeAlias

import polars as pl

from grc_fast.bench.setting import Setting
from grc_fast.bench.worker import Worker
from grc_fast.datasets.sales import simulate_sales

__all__ = ["DISK_A_LINE", "IDS", "MEMORY_A_LINE", "Ids", "sales_file"]

#: Bytes a line that a case with sales takes at the least: making them held 116, where ids are of 20
#: bytes, and the file has 17.
MEMORY_A_LINE: Final = 80
DISK_A_LINE: Final = 12

#: What client ids are: whole numbers handed out one after the other, text of 12 bytes (as long as
#: Arrow's views hold inline) or of 20 bytes that ends in such numbers; or without a pattern: whole
#: numbers all over 64 bits, or letters.
Ids: TypeAlias = Literal["integers", "12 bytes", "20 bytes", "scattered integers", "16 letters"]
_NUMBER: Final = pl.col("client_id").cast(pl.String)
IDS: Final[dict[Ids, pl.Expr]] = {
    "integers": pl.col("client_id"),
    "12 bytes": pl.format("C{}", _NUMBER.str.zfill(11)).alias("client_id"),
    "20 bytes": pl.format("CUSTOMER{}", _NUMBER.str.zfill(12)).alias("client_id"),
    "scattered integers": pl.col("client_id").hash(seed=7),
    "16 letters": _NUMBER.str.zfill(12).str.encode("base64"),
}


@contextmanager
def sales_file(setting: Setting, lines: int, clients: int, ids: Ids = "integers") -> Iterator[Path]:
    """Give a Parquet file of simulated sales, and remove it in the end.

    It is made in a process of its own, so that the memory it takes is gone when something is
    measured.
    """
    path = setting.directory / f"sales-{lines}-{clients}-{ids.replace(' ', '-')}.parquet"
    try:
        arguments = {"path": str(path), "lines": lines, "clients": clients, "ids": ids}
        with Worker(write_sales, arguments, threads=setting.threads) as worker:
            worker.seconds()
        yield path
    finally:
        path.unlink(missing_ok=True)


def write_sales(path: str, lines: int, clients: int, ids: Ids) -> Callable[[], None]:
    """Return what writes the sales: `client_id`, `date` (µs), `amount` (cents), `order_id`."""

    def write() -> None:
        sales = simulate_sales(lines, clients)
        sales.lazy().with_columns(IDS[ids]).sink_parquet(path)

    return write
