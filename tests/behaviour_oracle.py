"""What behaviour scores have to be: plain loops over dictionaries, written from the definition.

Nothing is shared with the package: durations, patterns, limits and phases are read anew. Instants
are whole microseconds, so that no boundary depends on rounding.
"""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from typing import Any

SECOND = 1_000_000
DAY = 86_400 * SECOND
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
WEB = ["page_view", "search", "click", "download", "form_submit", "purchase"]
BYPASS = ["form_submit", "purchase"]

Event = dict[str, Any]


def span(text: str) -> int:
    return int(text[:-1]) * UNITS[text[-1]] * SECOND


def matches(pattern: str, page: str | None) -> bool:
    if page is None:
        return False
    if pattern.startswith("re:"):
        return re.search(pattern[3:], page) is not None
    if "*" not in pattern:
        return pattern == page
    if pattern.endswith("*") and pattern.count("*") == 1:
        return page.startswith(pattern[:-1])
    # Only globs of the tests have braces: one pair, of which each branch is a glob.
    if braces := re.search(r"\{(.*)\}", pattern):
        branches = braces[1].split(",")
        return any(matches(pattern.replace(braces[0], branch), page) for branch in branches)
    return fnmatch.fnmatchcase(page, pattern)


def specificity(rule: dict[str, Any]) -> tuple[int, int]:
    page = rule.get("page")
    if page is None:
        return (4, 0)
    if page.startswith("re:"):
        return (3, 0)
    if "*" not in page:
        return (0, 0)
    if page.endswith("*") and page.count("*") == 1:
        return (1, -len(page))
    return (2, 0)


def winner(rules: list[dict[str, Any]], group: str, event: Event) -> dict[str, Any] | None:
    """The rule that wins in a group: of equals, min() takes the first."""
    fitting = []
    for rule in rules:
        kinds = rule.get("kind")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if (
            rule["group"] == group
            and (kinds is None or event["kind"] in kinds)
            and (rule.get("page") is None or matches(rule["page"], event["page"]))
        ):
            fitting.append(rule)
    return min(fitting, key=specificity) if fitting else None


def order(event: Event) -> tuple[Any, ...]:
    """Timestamp, event id, then the other columns; what is missing comes first."""

    def first(value: Any) -> tuple[bool, Any]:
        return (value is not None, value if value is not None else 0)

    return (
        event["ts"],
        first(event["event_id"]),
        event["kind"],
        first(event["page"]),
        first(event["dwell"]),
        event["clicks"],
        bool(event["machine_open"]),
    )


def without_duplicates(events: list[Event]) -> list[Event]:
    seen = set()
    kept = []
    for event in events:
        if event["event_id"] is not None:
            if event["event_id"] in seen:
                continue
            seen.add(event["event_id"])
        kept.append(event)
    return kept


def visits_of(events: list[Event], rules: dict[str, Any]) -> list[dict[str, Any]]:
    """Cut web events into visits, and judge each."""
    session = rules.get("session", {})
    timeout = span(session.get("timeout", "30m"))
    visits: list[dict[str, Any]] = []
    for event in events:
        if event["kind"] not in session.get("kinds", WEB) or event["machine_open"]:
            continue
        ends = [
            other["ts"] + (other["dwell"] or 0)
            for other in (visits[-1]["events"] if visits else [])
        ]
        if not visits or event["ts"] - max(ends) >= timeout:
            visits.append({"events": []})
        visits[-1]["events"].append(event)
        event["visit"] = visits[-1]
    for visit in visits:
        judge(visit, rules)
    return visits


def judge(visit: dict[str, Any], rules: dict[str, Any]) -> None:
    session, density = rules.get("session", {}), rules.get("density")
    own = visit["events"]
    theme = (density or {}).get("theme")
    dwell = clicks = 0
    for place, event in enumerate(own):
        time = event["dwell"]
        if time is None:
            time = own[place + 1]["ts"] - event["ts"] if place + 1 < len(own) else None
        if time is None:
            time = span(session.get("last_dwell", "0s"))
        if theme is None or any(matches(pattern, event["page"]) for pattern in theme):
            dwell += time
            clicks += event["clicks"]
    bypass = (density or {}).get("bypass", BYPASS)
    demands = []
    if density and "min_dwell" in density:
        demands.append(dwell >= span(density["min_dwell"]))
    if density and "min_clicks" in density:
        demands.append(clicks >= density["min_clicks"])
    enough = any(demands) if density and density.get("mode") == "any" and demands else all(demands)
    visit["dwell"], visit["clicks"] = dwell, clicks
    visit["passed"] = enough or any(event["kind"] in bypass for event in own)
    most = session.get("max_events_per_minute", 100)
    visit["bot"] = most is not False and any(
        sum(1 for other in own if 0 <= other["ts"] - event["ts"] < 60 * SECOND) > most
        for event in own
    )


def weight(decay: dict[str, str], age: int) -> float:
    if "half_life" in decay:
        return 2.0 ** -(age * DAY / span(decay["half_life"]))
    if "linear" in decay:
        return max(0.0, 1 - age * DAY / span(decay["linear"]))
    if "window" in decay:
        return 1.0 if age * DAY < span(decay["window"]) else 0.0
    return 1.0


def allowed(rule: dict[str, Any], event: Event, awards: list[Event]) -> bool:
    """Whether the limit of a rule lets one more award through."""
    repeat = rule.get("repeat", "always")
    if repeat == "always":
        return True
    if repeat == "once":
        return not awards
    if repeat == "once_per_session":
        if event.get("visit") is not None:
            return not any(other.get("visit") is event["visit"] for other in awards)
        day = event["ts"] // DAY
        return not any(other.get("visit") is None and other["ts"] // DAY == day for other in awards)
    if repeat.startswith("every "):
        return not awards or event["ts"] - awards[-1]["ts"] >= span(repeat[6:])
    count, within = re.fullmatch(r"(\d+) per (\w+)", repeat).groups()
    return sum(1 for other in awards if event["ts"] - other["ts"] < span(within)) < int(count)


def clamp(value: float, low: float | None, high: float | None) -> float:
    if low is not None:
        value = max(value, low)
    return value if high is None else min(value, high)


def groups_of(rules: dict[str, Any]) -> list[str]:
    return list(
        dict.fromkeys([*rules.get("groups", {}), *(rule["group"] for rule in rules["rule"])])
    )


def phase_of(signs: list[tuple[Event, list[tuple[str, bool]]]], bypass: list[str]) -> str:
    """The phase: events of the window, each with its hits and whether they count."""
    hits = [hit for _, own in signs for hit in own]
    eliminatory = sum(1 for category, _ in hits if category == "eliminatory")
    if (
        eliminatory >= 2
        and eliminatory >= len(hits) / 2
        and not any(event["kind"] in bypass for event, _ in signs)
    ):
        return "excluded"
    for place, (event, _) in enumerate(signs):
        if event["kind"] == "purchase" and not any(
            ("hot", True) in own for _, own in signs[place + 1 :]
        ):
            return "won"
    if ("hot", True) in hits:
        return "decision"
    if ("warm", True) in hits:
        return "consideration"
    return "discovery" if signs else "inactive"


def score_client(events: list[Event], rules: dict[str, Any], as_of: int) -> dict[str, Any]:
    events = without_duplicates(sorted((dict(event) for event in events), key=order))
    visits = visits_of(events, rules)
    groups = groups_of(rules)
    window = span(rules.get("phase", {}).get("window", "14d"))
    sums = dict.fromkeys(groups, 0.0)
    awards: dict[str, list[Event]] = defaultdict(list)
    signs, ledger, last = [], [], None
    for event in events:
        visit = event.get("visit")
        if event["machine_open"] or (visit is not None and visit["bot"]):
            continue
        last = event["ts"]
        passed = visit is None or visit["passed"]
        hits = []
        for group in groups:
            rule = winner(rules["rule"], group, event)
            if rule is None:
                continue
            category = rule.get("category")
            if category is not None:
                hits.append((category, passed))
            if not passed and rule["points"] > 0 and category != "eliminatory":
                ledger.append((event["ts"], rule["name"], "density", 0.0))
            elif not allowed(rule, event, awards[rule["name"]]):
                ledger.append((event["ts"], rule["name"], "repeat", 0.0))
            else:
                awards[rule["name"]].append(event)
                given = rule["points"] * weight(
                    rules.get("decay", {}), (as_of - event["ts"]) // DAY
                )
                sums[group] += given
                ledger.append((event["ts"], rule["name"], "awarded", given))
        if as_of - event["ts"] < window:
            signs.append((event, hits))
    bounds, limits = rules.get("score", {}), rules.get("groups", {})
    kept = {
        group: clamp(
            sums[group], limits.get(group, {}).get("floor"), limits.get(group, {}).get("cap")
        )
        for group in groups
    }
    real = [visit for visit in visits if not visit["bot"]]
    counted = [category for _, own in signs for category, _ in own]
    return {
        "score": clamp(sum(kept.values()), bounds.get("min"), bounds.get("max")),
        **{f"score_{group}": kept[group] for group in groups},
        "phase": phase_of(signs, (rules.get("density") or {}).get("bypass", BYPASS)),
        "last_event": last,
        "visits": len(real),
        "dense_visits": sum(visit["passed"] for visit in real),
        "hot": counted.count("hot"),
        "warm": counted.count("warm"),
        "eliminatory": counted.count("eliminatory"),
        "ledger": ledger,
    }


def score(events: list[Event], rules: dict[str, Any], as_of: int) -> dict[Any, dict[str, Any]]:
    """Score every client: events have client_id, ts, kind, page, dwell, clicks, event_id and
    machine_open; instants and dwell are in microseconds."""
    by_client = defaultdict(list)
    for event in events:
        if None not in (event["client_id"], event["ts"], event["kind"]) and event["ts"] <= as_of:
            by_client[event["client_id"]].append(event)
    return {client: score_client(own, rules, as_of) for client, own in sorted(by_client.items())}
