"""The simulated events of the cases on behaviour, their rules, and which rule wins for what."""

from __future__ import annotations

import fnmatch
import re
from typing import Any, Final

import numpy as np
import polars as pl

__all__ = ["AS_OF", "HITS", "WEB", "rules", "simulate_events", "winners"]

#: The day after the events.
AS_OF: Final = "2025-07-01"
WEB: Final = ("page_view", "search", "click", "download", "form_submit", "purchase")
HITS: Final = ("hot", "warm", "eliminatory")

_DAYS: Final = 180
_SLOTS: Final = 8 * 1_800_000_000
_KINDS: Final = (
    *["page_view"] * 12,
    *("search", "search", "download", "click", "email_open", "email_click"),
)
_NAMED: Final = ("/", "/pricing", "/contact", "/terms", "/jobs", "/features", "/about", "/faq")
#: 200 of them.
_PAGES: Final = (
    *(f"/product/{n}" for n in range(140)),
    *(f"/guides/topic-{n}/read" for n in range(40)),
    *_NAMED,
    *(f"/news/{n}" for n in range(12)),
)


def rules() -> dict[str, Any]:
    """Return 30 rules: exact pages, prefixes, globs, expressions, kinds."""

    def page(pattern: str, points: float, category: str | None = None) -> dict[str, Any]:
        rule: dict[str, Any] = {
            "name": pattern,
            "group": "web",
            "kind": "page_view",
            "page": pattern,
        }
        rule |= {"points": points, "repeat": "once_per_session"}
        return rule | ({"category": category} if category else {})

    found = [
        page("/contact", 15.0, "hot"),
        page("/pricing", 10.0, "hot"),
        page("/terms", 10.0, "hot"),
        page("/features", 5.0, "warm"),
        page("/about", 3.0, "warm"),
        page("/jobs", -10.0, "eliminatory"),
        page("/guides/*", 2.0, "warm"),
        page("/guides/topic-1*", 3.0, "warm"),
        page("/product/*", 0.5),
        page("*/read", 1.0),
        page("re:^/news/[0-9]+$", 0.25),
        *(page(f"/product/{n}", 1.0 + n % 3) for n in range(0, 140, 10)),
        {"name": "guide", "group": "web", "kind": "download", "points": 20.0, "repeat": "once"},
        {"name": "search", "group": "web", "kind": "search", "points": 0.5},
        {"name": "click", "group": "web", "kind": "click", "points": 0.1},
        {"name": "mail click", "group": "email", "kind": "email_click", "points": 3.0},
        {
            "name": "open",
            "group": "email",
            "kind": "email_open",
            "points": 2.0,
            "repeat": "once_per_session",
        },
    ]
    assert len(found) == 30
    return {
        "density": {"min_dwell": "30s", "min_clicks": 2},
        "decay": {"half_life": "30d"},
        "score": {"min": 0, "max": 100},
        "groups": {"web": {"cap": 60}, "email": {"cap": 20}},
        "rule": found,
    }


def simulate_events(rows: int, clients: int) -> pl.DataFrame:
    """Make events that come in bursts, so that visits hold several; all instants differ."""
    rng = np.random.default_rng(17)
    burst = rng.integers(0, _DAYS * 6, rows) * _SLOTS
    instant = burst + rng.integers(0, 600, rows) * 1_000_000 + np.arange(rows) % 1_000_000
    start = np.datetime64("2025-01-01", "us").astype(np.int64)
    return pl.DataFrame(
        {
            "client_id": rng.integers(0, clients, rows),
            "timestamp": pl.Series(start + instant).cast(pl.Datetime("us")),
            "kind": pl.Series(_KINDS).gather(rng.integers(0, len(_KINDS), rows)),
            "page": pl.Series(_PAGES).gather(rng.integers(0, len(_PAGES), rows)),
            "dwell": rng.integers(0, 60, rows).astype(np.float64),
            "clicks": rng.integers(0, 3, rows),
        }
    )


def winners() -> pl.DataFrame:
    """Return the winning rule of each kind and page: a row each, and none where none wins.

    The others are given it, as they would have to look each event up in it.
    """
    rows = []
    every = rules()["rule"]
    for kind in dict.fromkeys(_KINDS):
        for page in _PAGES:
            for group in ("web", "email"):
                about = [
                    (_specificity(rule.get("page")), number)
                    for number, rule in enumerate(every)
                    if rule["group"] == group
                    and rule["kind"] == kind
                    and _matches(rule.get("page"), page)
                ]
                if about:
                    _, number = min(about)
                    rule = every[number]
                    row = {"kind": kind, "page": page, "group": group, "rule": number}
                    row |= {"points": rule["points"], "repeat": rule.get("repeat", "always")}
                    rows.append(row | {"category": rule.get("category")})
    return pl.DataFrame(rows, infer_schema_length=None)


def _matches(pattern: str | None, page: str) -> bool:
    if pattern is None:
        return True
    if pattern.startswith("re:"):
        return re.search(pattern[3:], page) is not None
    return fnmatch.fnmatchcase(page, pattern)


def _specificity(pattern: str | None) -> tuple[int, int]:
    """Order patterns: an exact page, the longest prefix, a glob, an expression, none."""
    if pattern is None:
        return 4, 0
    if pattern.startswith("re:"):
        return 3, 0
    stars = pattern.count("*")
    if not stars:
        return 0, 0
    return (1, -len(pattern)) if stars == 1 and pattern.endswith("*") else (2, 0)
