"""What behaviour scores have to be: plain loops over dictionaries, written from the definition.

Nothing is shared with the package: durations, patterns, limits and phases are read anew. Instants
are whole microseconds, so that no boundary depends on rounding.
"""

from __future__ import annotations

import fnmatch
import re
from collections import Counter, defaultdict
from typing import Any
from urllib.parse import urlsplit

SECOND = 1_000_000
DAY = 86_400 * SECOND
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
WEB = ["page_view", "search", "click", "download", "form_submit", "purchase"]
BYPASS = ["form_submit", "purchase"]

Event = dict[str, Any]


def span(text: str) -> int:
    return int(text[:-1]) * UNITS[text[-1]] * SECOND


def part_of(pattern: str, page: str) -> str:
    """The part of a page's address that a pattern speaks of, by the standard library."""
    if "://" in pattern:
        return page
    has_host = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://|//", page) is not None
    # A host of our own before what has none keeps `mailto:x` and `//a` from being read as more.
    parts = urlsplit(page if has_host else "//host/" + page)
    path = parts.path if has_host else parts.path.removeprefix("/")
    text = path.removesuffix("/") or "/"
    query, fragment = (page.partition("#")[0].partition("?"), page.partition("#"))
    if "?" in pattern:
        text += query[1] + query[2]
    if "#" in pattern:
        text += fragment[1] + fragment[2]
    return text


def without_slash_before_query(pattern: str) -> str:
    """A path that ends before a query or a fragment, without its last slash."""
    found = re.match(r"([^?#]*)([?#].*)", pattern, re.DOTALL)
    return (found[1].removesuffix("/") or "/") + found[2] if found else pattern


def matches(pattern: str, page: str | None, ignore_case: bool = False) -> bool:
    if page is None:
        return False
    if pattern.startswith("re:"):
        return re.search(pattern[3:], page, re.IGNORECASE if ignore_case else 0) is not None
    text, whole = part_of(pattern, page), "://" in pattern
    if ignore_case:
        # Of the letters of the tests, lower case is what folding makes of them.
        text, pattern = text.lower(), pattern.lower()
    if "*" not in pattern:
        return part_of(pattern, pattern) == text
    if pattern.endswith("*") and pattern.count("*") == 1:
        start = pattern[:-1]
        return text.startswith(start if whole else without_slash_before_query(start))
    return glob_matches(pattern if whole else pattern.removesuffix("/"), text)


def glob_matches(pattern: str, text: str) -> bool:
    # Only globs of the tests have braces: one pair, of which each branch is a glob.
    if braces := re.search(r"\{(.*)\}", pattern):
        branches = braces[1].split(",")
        return any(glob_matches(pattern.replace(braces[0], branch), text) for branch in branches)
    return fnmatch.fnmatchcase(text, pattern)


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


def winner(
    rules: list[dict[str, Any]], group: str, event: Event, ignore_case: bool
) -> dict[str, Any] | None:
    """The rule that wins in a group: of equals, min() takes the first."""
    fitting = []
    for rule in rules:
        kinds = rule.get("kind")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if (
            rule["group"] == group
            and (kinds is None or event["kind"] in kinds)
            and (rule.get("page") is None or matches(rule["page"], event["page"], ignore_case))
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
        first(event["message"]),
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
    ignore_case = rules.get("pages", {}).get("ignore_case", False)
    dwell = clicks = 0
    for place, event in enumerate(own):
        time = event["dwell"]
        if time is None:
            time = own[place + 1]["ts"] - event["ts"] if place + 1 < len(own) else None
        if time is None:
            time = span(session.get("last_dwell", "0s"))
        if theme is None or any(matches(pattern, event["page"], ignore_case) for pattern in theme):
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
    stands_in_the_way = {
        "once": lambda _: True,
        "once_per_page": lambda other: other["page"] == event["page"],
        "once_per_message": lambda other: (
            event["message"] is not None and other["message"] == event["message"]
        ),
    }.get(repeat)
    if stands_in_the_way is not None:
        return not any(map(stands_in_the_way, awards))
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
    ignore_case = rules.get("pages", {}).get("ignore_case", False)
    won: Counter[str] = Counter()
    unwon: list[Event] = []
    for event in events:
        visit = event.get("visit")
        if event["machine_open"] or (visit is not None and visit["bot"]):
            continue
        last = event["ts"]
        passed = visit is None or visit["passed"]
        hits, is_won = [], False
        for group in groups:
            rule = winner(rules["rule"], group, event, ignore_case)
            if rule is None:
                continue
            won[rule["name"]] += 1
            is_won = True
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
        if not is_won:
            unwon.append(event)
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
        "won": won,
        "awarded": {name: len(own) for name, own in awards.items()},
        "unwon": unwon,
    }


def renamed(events: list[Event], rules: dict[str, Any]) -> list[Event]:
    """Events with the kinds' own names."""
    own = {name: kind for kind, names in rules.get("kinds", {}).items() for name in names}
    return [event | {"kind": own.get(event["kind"], event["kind"])} for event in events]


def score(events: list[Event], rules: dict[str, Any], as_of: int) -> dict[Any, dict[str, Any]]:
    """Score every client: events have client_id, ts, kind, page, dwell, clicks, message, event_id
    and machine_open; instants and dwell are in microseconds."""
    by_client = defaultdict(list)
    for event in renamed(events, rules):
        if None not in (event["client_id"], event["ts"], event["kind"]) and event["ts"] <= as_of:
            by_client[event["client_id"]].append(event)
    return {client: score_client(own, rules, as_of) for client, own in sorted(by_client.items())}


def consented(
    events: list[Event], rules: dict[str, Any], consents: list[dict[str, Any]]
) -> list[Event]:
    """Events without the opens (and clicks) of clients whose last word is no consent."""
    scopes = {"email_open": "open"}
    if rules.get("tracking", {}).get("clicks"):
        scopes["email_click"] = "click"

    def agrees(client: Any, scope: str) -> bool:
        own = [row for row in consents if (row["client_id"], row["scope"]) == (client, scope)]
        last = max((row["date"] for row in own), default=None)
        return bool(own) and all(row["status"] == "granted" for row in own if row["date"] == last)

    kept = []
    for event, named in zip(events, renamed(events, rules), strict=True):
        scope = scopes.get(named["kind"]) or scopes.get(event["kind"])
        if scope is None or agrees(event["client_id"], scope):
            kept.append(event)
    return kept


def most_frequent(values: list[Any]) -> dict[Any, int]:
    """The five that occur most, of equals the first by name."""
    counts = Counter(value for value in values if value is not None)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:5])
