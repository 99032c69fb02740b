"""The conditions of a segment as a reader would say them."""

from __future__ import annotations

from functools import reduce

from grc_fast.labels.catalogue import text
from grc_fast.rfm.segments.rule import SegmentCondition, SegmentRule


def describe_rule(rule: SegmentRule, lang: str) -> str:
    """Return the conditions of a segment as a reader would say them."""
    own = _describe_condition(rule, lang)
    if rule.any is None:
        return own or text("condition.everyone", lang)
    either = reduce(
        lambda left, right: text("condition.or", lang, left=left, right=right),
        (_describe_condition(part, lang) for part in rule.any),
    )
    return text("condition.and", lang, left=own, right=either) if own else either


def _describe_condition(part: SegmentCondition, lang: str) -> str:
    said: list[str] = []
    if part.tenure_max is not None:
        said.append(text("condition.tenure", lang, days=part.tenure_max))
    for key in ("r", "f", "m", "group", "points"):
        span: tuple[float, float] | None = getattr(part, key)
        if span is not None:
            said.append(_describe_range(text(f"condition.{key}", lang), span, lang))
    if part.where is not None:
        said.append(text("condition.where", lang, sql=part.where))
    return ", ".join(said)


def _describe_range(what: str, span: tuple[float, float], lang: str) -> str:
    low, high = span
    if low == high:
        return text("condition.exact", lang, what=what, value=low)
    return text("condition.range", lang, what=what, low=low, high=high)
