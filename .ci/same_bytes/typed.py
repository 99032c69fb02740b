"""The inputs that text cannot hold, made by the Polars of the environment at hand."""

from pathlib import Path

import polars as pl

MONEY = pl.col("amount").cast(pl.String).cast(pl.Decimal(12, 3))


def write_typed_inputs() -> None:
    """Write Parquet and Arrow files of the CSV files in the working directory."""
    sales = pl.read_csv("sales.csv", try_parse_dates=True)
    sales.write_parquet("sales.parquet", row_group_size=500)
    sales.write_ipc("sales.arrow")
    sales.write_ipc_stream("stream.ipc")
    sales.with_columns(MONEY, pl.col("client_id").cast(pl.UInt64)).write_parquet("decimal.parquet")
    sales.with_columns(pl.col("amount").cast(pl.Int64)).write_parquet("whole.parquet")
    ids = pl.format("c{}", pl.col("client_id").cast(pl.String).str.zfill(4))
    named = sales.with_columns(
        ids.cast(pl.Categorical).alias("client_id"), pl.col("store").cast(pl.Categorical)
    )
    named.write_parquet("categories.parquet")
    zeros = [-0.0, 0.0, 0.00005, -0.00005, 1e-9, 5.0, float("nan"), float("inf"), None]
    days = pl.date_range(pl.date(2026, 1, 1), pl.date(2026, 1, 9), eager=True)
    pl.DataFrame(
        {"client_id": [1, 2, 3, 4, 5, 6, 7, 8, 9], "date": days, "amount": zeros}
    ).write_parquet("zeros.parquet")
    for store in "AB":
        Path("hive", f"store={store}").mkdir(parents=True)
        sales.filter(store=store).drop("store").write_parquet(f"hive/store={store}/0.parquet")
    for name, column, into in (
        ("zoned", "date", "zoned"),
        ("zoned_events", "timestamp", "zoned_events"),
    ):
        pl.read_csv(f"{name}.csv").with_columns(
            pl.col(column).str.to_datetime(time_zone="UTC").dt.convert_time_zone("Europe/Paris")
        ).write_parquet(f"{into}.parquet")
    pl.read_csv("events.csv", try_parse_dates=True).with_columns(
        pl.duration(milliseconds=pl.col("dwell") * 1000).alias("dwell"),
        pl.col("machine_open") == "true",
    ).write_parquet("events.parquet")
    pl.read_csv("campaigns.csv", try_parse_dates=True).write_parquet("campaigns.parquet")
    small = pl.read_csv("small.csv", try_parse_dates=True)
    wrong = {
        "text_amounts": pl.Series("amount", ["ten", "2", "3"]),
        "fractions": pl.Series("client_id", [1.0, 2.5, 3.0]),
        "lists": pl.Series("client_id", [[1], [2], [3]]),
    }
    for name, column in wrong.items():
        small.with_columns(column).write_parquet(f"{name}.parquet")


if __name__ == "__main__":
    write_typed_inputs()
