"""The map of a round: where a seller goes and in which order, as SVG."""

from __future__ import annotations

import math
from html import escape
from typing import Final

from grc_fast._utils.messages import cut, harmless
from grc_fast.labels.catalogue import text
from grc_fast.labels.written import in_language
from grc_fast.lists.client_file import PLACE
from grc_fast.lists.rounds import VisitRound

_WIDTH: Final = 800
_HEIGHT: Final = 600
_EDGE: Final = 40
_LONGEST: Final = 60
_STYLE: Final = (
    "svg{background:#fff;color:#1b1b1f;font:12px system-ui,sans-serif}"
    "path{fill:none;stroke:#3b6ea8;stroke-width:2}"
    "circle{fill:#fff;stroke:#3b6ea8;stroke-width:2}rect{fill:#c4552d}text{fill:currentColor}"
    ".number{text-anchor:middle;dominant-baseline:central}"
    "@media (prefers-color-scheme:dark){svg{background:#17171b;color:#ececf1}"
    "circle{fill:#17171b;stroke:#8ab4e8}path{stroke:#8ab4e8}}"
)


def round_map(found: VisitRound, seller: str, lang: str) -> str:
    """Draw a round: the start as a square, visits as numbered circles, north up.

    Parameters
    ----------
    found
        The round.
    seller
        Whose it is.
    lang
        The language of the title.

    Returns
    -------
    str
        SVG that stands alone. Every text in it is escaped.
    """
    places = [found.start, *found.rows.select(PLACE).rows()]
    points = _on_paper(places)
    title = text(
        "round.title",
        lang,
        seller=cut(seller, _LONGEST),
        visits=found.rows.height,
        kilometres=in_language(f"{found.kilometres:,.0f}", lang),
    )
    names = found.rows["name"] if "name" in found.rows.columns else found.rows["client_id"]
    way = " L".join(f"{x:.1f} {y:.1f}" for x, y in [*points, points[0]])
    x, y = points[0]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"',
            f'role="img" aria-labelledby="title" lang="{lang}">',
            f'<title id="title">{_shown(title)}</title>',
            f"<style>{_STYLE}</style>",
            f'<path d="M{way}"/>',
            f'<rect x="{x - 8:.1f}" y="{y - 8:.1f}" width="16" height="16"/>',
            *(
                _stop(number, point, str(name))
                for number, (point, name) in enumerate(zip(points[1:], names, strict=True), 1)
            ),
            f'<text x="{_EDGE}" y="{_EDGE / 2:g}">{_shown(title)}</text>',
            "</svg>\n",
        ]
    )


def _stop(number: int, point: tuple[float, float], name: str) -> str:
    x, y = point
    return (
        f"<g><title>{_shown(f'{number}: {name}')}</title>"
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="11"/>'
        f'<text class="number" x="{x:.1f}" y="{y:.1f}">{number}</text></g>'
    )


def _on_paper(places: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return where places lie on the drawing: a degree east is shorter the further north."""
    north = [latitude for latitude, _ in places]
    shrink = math.cos(math.radians((min(north) + max(north)) / 2))
    flat = [(longitude * shrink, -latitude) for latitude, longitude in places]
    left, top = (min(axis) for axis in zip(*flat, strict=True))
    wide, high = (max(axis) - min(axis) for axis in zip(*flat, strict=True))
    # Places that are all one are drawn in its middle.
    scale = min(
        (_WIDTH - 2 * _EDGE) / wide if wide else math.inf,
        (_HEIGHT - 2 * _EDGE) / high if high else math.inf,
    )
    scale = scale if math.isfinite(scale) else 0.0
    across, down = (_WIDTH - wide * scale) / 2, (_HEIGHT - high * scale) / 2
    return [(across + (x - left) * scale, down + (y - top) * scale) for x, y in flat]


def _shown(words: str) -> str:
    return escape(harmless(cut(words, 2 * _LONGEST)))
