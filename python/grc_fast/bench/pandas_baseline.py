"""The whole job in plain pandas: sales lines in, one scored row a client out.

A reference to read and to measure against, which gives the same scores client for client. It needs
pandas alone (with PyArrow for Parquet):

    python pandas_baseline.py sales.parquet scores.parquet 2026-01-01

The sales have `client_id`, `date` (datetime64) and `amount` (money with two decimals); each line is
an order, and a negative amount is a return, which lowers the money and is no purchase.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd

__all__ = [
    "client_facts",
    "quintile",
    "read_sales",
    "score",
    "score_clients",
    "score_file",
    "segment",
]

BANDS = 5


def client_facts(sales: pd.DataFrame) -> pd.DataFrame:
    """First and last purchase, orders and money of each client, ascending by client."""
    # The day of a return is missing, so that counts and extremes pass over it.
    bought = sales.assign(day=sales["date"].where(sales["amount"] >= 0))
    return bought.groupby("client_id").agg(
        first_purchase=("day", "min"),
        last_purchase=("day", "max"),
        orders=("day", "count"),
        total=("amount", "sum"),
    )


def quintile(values: pd.Series) -> np.ndarray:
    """Band 1 to 5: one more than the number of edges below a value.

    Edge j is the value of rank ⌈jN/5⌉, so that equal values always share a band.
    """
    ranks = [-(-j * len(values) // BANDS) - 1 for j in range(1, BANDS)]
    edges = np.partition(values.to_numpy(), ranks)[ranks]
    bands: np.ndarray = 1 + np.searchsorted(edges, values.to_numpy(), side="left")
    return bands


def segment(r: np.ndarray, f: np.ndarray, m: np.ndarray, tenure: np.ndarray) -> pd.Categorical:
    """Return the first segment whose condition holds; tenure is in days."""
    conditions = {
        "champions": (r >= 4) & (f >= 4) & (m >= 4),
        "can't lose": (r <= 2) & (f >= 4) & (m >= 4),
        "loyal": (r >= 3) & (f >= 4),
        "new": (tenure <= 90) | ((r >= 4) & (f == 1) & (m <= 2)),
        "potential loyalist": (r >= 4) & (f >= 2) & (f <= 3),
        "promising": (r >= 4) & (f == 1) & (m >= 3),
        "need attention": (r == 3) & (f >= 2) & (f <= 3) & (m >= 3),
        "about to sleep": (r == 3) & (f <= 3),
        "lost": (r == 1) & (f <= 3) & (m <= 2),
        "hibernating": (r <= 2) & (f <= 3) & (m <= 3),
        "at risk": r <= 2,
    }
    codes = np.select(list(conditions.values()), list(range(len(conditions))))
    return pd.Categorical.from_codes(codes, list(conditions))


def group(points: np.ndarray) -> np.ndarray:
    """Fifths of clients by points, 1 for the best; equal points share that of their middle rank."""
    _, of_client, clients = np.unique(-points, return_inverse=True, return_counts=True)
    # Doubled, so that the mean of the first rank and the last is whole.
    middle = 2 * np.cumsum(clients) - clients + 1
    ends = [2 * -(-j * len(points) // BANDS) for j in range(1, BANDS)]
    groups: np.ndarray = 1 + np.searchsorted(ends, middle, side="left")
    return groups[of_client]


def score(sales: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """Score every client who has bought: r, f and m from 1 to 5, points, group and segment."""
    facts = client_facts(sales)
    facts = facts[facts["orders"] > 0]
    first, last = (facts[name].dt.normalize() for name in ("first_purchase", "last_purchase"))
    clients = pd.DataFrame(
        {
            "client_id": facts.index,
            "first_purchase": first,
            "last_purchase": last,
            "recency": (pd.Timestamp(as_of) - last).dt.days.astype("int32"),
            "frequency": facts["orders"].astype("uint32"),
            # Sums of cents in floats are off by the last bits, and equal money must tie.
            "monetary": facts["total"].round(2),
        }
    )
    return score_clients(clients, as_of)


def score_clients(clients: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """Add points, code, group and segment to first purchase, recency, frequency and monetary."""
    r = 6 - quintile(clients["recency"])
    f, m = quintile(clients["frequency"]), quintile(clients["monetary"])
    points = r + f + m
    tenure = (pd.Timestamp(as_of) - clients["first_purchase"]).dt.days
    return clients.assign(
        r=r.astype("uint8"),
        f=f.astype("uint8"),
        m=m.astype("uint8"),
        rfm=(100 * r + 10 * f + m).astype("uint32"),
        points=points.astype("uint32"),
        group=group(points).astype("uint8"),
        segment=segment(r, f, m, tenure.to_numpy()),
    )


def read_sales(path: str) -> pd.DataFrame:
    """Read the columns that count."""
    return pd.read_parquet(path, columns=["client_id", "date", "amount"])


def score_file(sales: str, scores: str, as_of: str) -> Callable[[], None]:
    """Return the whole job: sales in Parquet to scores in Parquet."""

    def job() -> None:
        scored = score(read_sales(sales), as_of)
        scored.to_parquet(scores, index=False, compression="snappy")

    return job


if __name__ == "__main__":
    score_file(*sys.argv[1:4])()
