"""The main job of the installed package, run from outside the source tree.

Makes sales, scores them by the command line and by the library, and checks that both say the same
and that every row is accounted for.
"""

import csv
import datetime as dt
import random
import subprocess
from pathlib import Path

import polars as pl

import grc_fast as grc

ROWS = 20_000
CLIENTS = 1_500
AS_OF = dt.date(2026, 11, 1)


def write_sales(path: Path) -> None:
    """Write `ROWS` sales of at most `CLIENTS` clients, some of them returns or without a client."""
    chance = random.Random(2026)
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["client_id", "date", "amount", "ticket_id"])
        for ticket in range(ROWS):
            client = int(CLIENTS * chance.random() ** 2) + 1
            day = AS_OF - dt.timedelta(days=chance.randrange(1, 700))
            cents = chance.randrange(100, 20_000) * chance.choice((1, 1, 1, 1, 1, 1, 1, 1, 1, -1))
            out.writerow([client if ticket % 97 else "", day, f"{cents / 100:.2f}", ticket // 2])


def main() -> None:
    """Score the same sales three ways and compare."""
    sales, scores = Path("sales.csv"), Path("scores.parquet")
    write_sales(sales)
    command = ["grc-fast", "score", str(sales), "-o", str(scores), "--order", "ticket_id"]
    subprocess.run([*command, "--as-of", str(AS_OF), "--model-out", "rfm.json"], check=True)

    result = grc.score_rfm(str(sales), as_of=AS_OF, order="ticket_id")
    written = pl.read_parquet(scores)
    # Files carry the categories of an Enum in their own way; its texts are what must agree.
    segment = pl.col("segment").cast(pl.String)
    assert written.with_columns(segment).equals(result.scores.with_columns(segment))
    assert result.scores.height > CLIENTS // 2
    assert result.segments["clients"].sum() == result.scores.height
    assert result.quality.rows_read == ROWS
    dropped = sum(result.quality.dropped.values())
    assert result.quality.rows_used + dropped == ROWS
    assert dropped == len(range(0, ROWS, 97))

    facts = grc.RFM().facts(str(sales), as_of=AS_OF, order="ticket_id")
    again = grc.RFMModel.load("rfm.json").score(facts)
    assert again.equals(result.scores)
    print(f"{again.height} clients: command line, library and saved model say the same")


if __name__ == "__main__":
    main()
