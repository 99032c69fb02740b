"""The default segments as SQL, for Polars and DuckDB: the first condition that holds decides."""

from typing import Final

__all__ = ["CLASSIC"]

#: Conditions over r, f, m and tenure (days since the first purchase), by label.
CLASSIC: Final = {
    "champions": "r >= 4 AND f >= 4 AND m >= 4",
    "can't lose": "r <= 2 AND f >= 4 AND m >= 4",
    "loyal": "r >= 3 AND f >= 4",
    "new": "tenure <= 90 OR (r >= 4 AND f = 1 AND m <= 2)",
    "potential loyalist": "r >= 4 AND f <= 3 AND f >= 2",
    "promising": "r >= 4 AND f = 1",
    "need attention": "r = 3 AND f >= 2 AND m >= 3",
    "about to sleep": "r = 3",
    "lost": "r = 1 AND f <= 3 AND m <= 2",
    "hibernating": "f <= 3 AND m <= 3",
    "at risk": "true",
}
