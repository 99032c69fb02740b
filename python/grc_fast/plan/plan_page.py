"""What a contact plan has to show on a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grc_fast.labels.catalogue import text
from grc_fast.labels.table import Table
from grc_fast.labels.written import money, percent, whole
from grc_fast.plan.reasons import REASONS
from grc_fast.report.page import Part, Section


def plan_section(found: Mapping[str, Any], lang: str) -> Section:
    """Return the section of the certificate of a plan."""
    return Section(
        title=text("section.plan", lang),
        meaning=text(
            "section.plan_meaning",
            lang,
            contacts=whole(sum(found["contacts"].values()), lang),
            cost=whole(found["cost"], lang),
            value=whole(found["value"], lang),
            gap=percent(found["gap"], lang),
        ),
        parts=[_channels(found, lang), _reasons(found, lang)],
    )


def _channels(found: Mapping[str, Any], lang: str) -> Part:
    prices = found["shadow_prices"]
    rows = [
        [channel, whole(contacts, lang), money(prices[channel], lang)]
        for channel, contacts in found["contacts"].items()
    ]
    rows.append([text("section.budget", lang), "", money(prices["budget"], lang)])
    header = [text(f"section.{name}", lang) for name in ("channel", "contacts", "one_more")]
    title = text("section.channels", lang)
    return Part(title, text("section.channels_meaning", lang), Table(title, header, rows))


def _reasons(found: Mapping[str, Any], lang: str) -> Part:
    clients, offers = found["reasons"], found["offers"]
    rows = [
        [text(f"plan.{reason}", lang), whole(clients[reason], lang), whole(offers[reason], lang)]
        for reason in REASONS
        if clients[reason] or offers[reason]
    ]
    header = [text("section.why", lang), text("table.clients", lang), text("section.offers", lang)]
    title = text("section.refusals", lang)
    return Part(title, text("section.refusals_meaning", lang), Table(title, header, rows))
