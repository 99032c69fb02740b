"""Commands of every kind of output, for tests that break them while they run."""

from __future__ import annotations

from pathlib import Path

import polars as pl

import grc_fast as grc

#: Arguments, but for `--as-of`; all outputs go to the folder `out`.
COMMANDS = {
    "parquet": ["score", "sales.parquet", "-o", "out/scores.parquet"],
    "csv": ["score", "sales.parquet", "-o", "out/scores.csv"],
    "xlsx": ["score", "sales.parquet", "-o", "out/scores.xlsx"],
    "model": ["score", "sales.parquet", "-o", "out/scores.csv", "--model-out", "out/model.json"],
    "state": [
        "behaviour", "events.parquet", "--rules", "course", "-o", "out/interest.csv",
        "--state-out", "out/state.parquet",
    ],
    "spill": [
        "behaviour", "events.parquet", "--rules", "course", "-o", "out/interest.parquet",
        "--memory", "1MB",
    ],
}  # fmt: skip


def make_inputs(folder: Path) -> None:
    """Write what the commands read, and make the folder of their outputs."""
    grc.simulate_sales(30_000, 6_000).write_parquet(folder / "sales.parquet")
    _events(60_000).write_parquet(folder / "events.parquet")
    (folder / "out").mkdir()


def _events(count: int) -> pl.DataFrame:
    """Visits and e-mails, of a thousand clients."""
    row = pl.int_range(count)
    return pl.select(
        client_id=row % 1000,
        timestamp=pl.datetime(2026, 9, 1) + pl.duration(minutes=row % 86_400),
        kind=pl.when(row % 3 == 0).then(pl.lit("open")).otherwise(pl.lit("page")),
        page=pl.when(row % 3 != 0).then(pl.lit("/panier")),
    )
