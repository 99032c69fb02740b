"""Draw the pictures of the guide's gallery and of README: the page of the demonstration.

python docs/screenshots.py

Charts need nothing but the extra `report`, and are the same bytes everywhere; the picture of the
whole page needs Chromium, whose fonts are those of the machine.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from segments_figure import scored_groceries

from grc_fast.report.charts.chart import svg
from grc_fast.rfm.chart_tables import ChartTables
from grc_fast.rfm.report_page import page_of

IMAGES = Path(__file__).parent / "images"
PAGE = IMAGES / "report-groceries.png"
_SIZE = {"width": 1200, "height": 1500}


def charts() -> Iterator[tuple[Path, str]]:
    """Yield the file and the drawing of each chart of the page."""
    result = scored_groceries()
    scale = result.quality.money_scale
    tables = ChartTables(
        result.scores, result.segments, result.model, result.money, scale, result.model.rfm.lang
    )
    for figure in page_of(tables, result.quality, result.as_of).figures:
        drawn = figure.specification
        # On a page, lines and letters take the colour of its text.
        drawn["config"]["background"] = "white"
        yield IMAGES / f"report-{figure.name}.svg", svg(drawn).replace("currentColor", "black")


def photograph(target: Path) -> None:
    """Write what a reader sees first of the page."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder, "report.html")
        scored_groceries().report(path)
        program = shutil.which("chromium")
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport=_SIZE, color_scheme="light")
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-shown]")
        page.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    for file, drawing in charts():
        file.write_text(drawing, encoding="utf-8")
    photograph(PAGE)
