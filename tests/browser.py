"""Chromium without a screen, for tests of pages."""

from __future__ import annotations

import shutil
from contextlib import contextmanager

import pytest


@contextmanager
def page_in_browser(html, tmp_path, **context):
    """Open a page from a file.

    Every request for anything else is kept in `page.requests`, and what the browser complains of
    in `page.complaints`. `context` sets up the browser: `viewport`, `java_script_enabled`, ….
    """
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api")
    path = tmp_path / "page.html"
    path.write_text(html, encoding="utf-8")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_context(**{"color_scheme": "light", **context}).new_page()
        page.requests, page.complaints = [], []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(path.as_uri())
        yield page
        browser.close()
