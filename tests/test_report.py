"""The page of scored clients, opened in a browser."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import polars as pl
import pytest

import grc_fast as grc
from browser import page_in_browser
from grc_fast.cli import main
from grc_fast.labels.table import Table
from grc_fast.report.charts import chart_file
from hostile_texts import HOSTILE
from sizes import full_size, size

FIGURES = [
    "segments",
    "rf-clients",
    "rf-money",
    "distribution-recency",
    "distribution-frequency",
    "distribution-monetary",
    "lorenz",
]
LIMIT = 1_500_000
ROOT = Path(__file__).resolve().parent.parent


@cache
def demo(lang):
    reading = {
        "client": "household_id",
        "date": "transaction_timestamp",
        "amount": "sales_value",
        "order": "basket_id",
    }
    return grc.score_rfm(grc.demo_sales(), as_of="2018-01-01", lang=lang, **reading)


@pytest.fixture
def html_of(tmp_path):
    """Return the page of a result as text."""

    def html_of(result, **options):
        path = tmp_path / "report.html"
        result.report(path, **options)
        return path.read_text("utf-8")

    return html_of


def drawn(page):
    """Wait until the script has drawn every chart anew, and return which there are."""
    page.wait_for_selector("html[data-shown]", timeout=60_000)
    return page.locator("figure[data-chart]").evaluate_all(
        "figures => figures.filter(f => 'live' in f.dataset).map(f => f.dataset.chart)"
    )


def shares(page, chart):
    """Return the shares in the cells of a heat map."""
    texts = page.locator(f"figure[data-chart={chart}] svg .role-mark text").all_text_contents()
    return [float(text.removesuffix("%")) for text in texts if text]


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize(("width", "scheme"), [(380, "dark"), (1400, "light")])
def test_every_chart_is_drawn_without_a_complaint_a_request_or_a_barrier(
    lang, width, scheme, html_of, tmp_path
):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    viewport = {"width": width, "height": 900}
    html = html_of(demo(lang))
    with page_in_browser(html, tmp_path, viewport=viewport, color_scheme=scheme) as page:
        assert drawn(page) == FIGURES
        assert page.complaints == []
        assert len(page.requests) == 1
        assert page.locator("html").get_attribute("lang") == lang
        assert page.evaluate("document.documentElement.scrollWidth") == width
        for name in FIGURES:
            box = page.locator(f"figure[data-chart={name}] svg").bounding_box()
            assert box["width"] > 250
            assert box["height"] > 150
        assert axe.run(page).response["violations"] == []
    assert len(html.encode()) < LIMIT


def test_a_click_on_a_segment_filters_the_other_charts_and_another_click_lifts_it(
    html_of, tmp_path
):
    result = demo("en")
    best = result.scores.filter(pl.col("segment") == "champions")
    largest = best.group_by("r", "f").len()["len"].max() / best.height
    with page_in_browser(html_of(result), tmp_path) as page:
        drawn(page)
        everyone = shares(page, "rf-clients")
        treemap = page.locator("figure[data-chart=segments] svg .role-mark.mark-rect path")
        curve = page.locator("figure[data-chart=lorenz] svg .mark-line path").last
        before = curve.get_attribute("d")
        treemap.first.click(position={"x": 60, "y": 60})
        page.wait_for_selector("html[data-shown='0']")
        assert page.locator("#shown").inner_text() == "The charts show: champions"
        assert page.locator("input:checked").get_attribute("value") == "0"
        assert len(shares(page, "rf-clients")) == best.select("r", "f").n_unique() < len(everyone)
        assert max(shares(page, "rf-clients")) == pytest.approx(100 * largest, abs=0.05)
        assert curve.get_attribute("d") != before
        treemap.first.click(position={"x": 60, "y": 60})
        page.wait_for_selector("html[data-shown='-1']")
        assert shares(page, "rf-clients") == everyone
        assert curve.get_attribute("d") == before
        assert page.complaints == []


def test_the_keyboard_alone_filters(html_of, tmp_path):
    with page_in_browser(html_of(demo("en")), tmp_path) as page:
        drawn(page)
        everyone = shares(page, "rf-money")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.name") == "segment"
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("html[data-shown='0']")
        assert shares(page, "rf-money") != everyone
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector("html[data-shown='-1']")
        assert shares(page, "rf-money") == everyone


def test_without_scripts_every_chart_and_table_is_there(html_of, tmp_path):
    result = demo("en")
    with page_in_browser(html_of(result), tmp_path, java_script_enabled=False) as page:
        assert page.locator("figure[data-chart] svg").count() == len(FIGURES)
        assert not page.locator("#filter").is_visible()
        for summary in page.locator("summary").all():
            summary.click()
        tables = page.locator("figure table")
        assert tables.count() == len(FIGURES)
        assert all(table.is_visible() for table in tables.all())
        rows = [row.all_inner_texts() for row in _rows(tables.first)]
        assert page.complaints == []
    sizes = result.segments
    assert [row[0] for row in rows] == [*sizes["segment"].to_list(), "total"]
    assert [row[1] for row in rows] == [
        f"{count:,}" for count in [*sizes["clients"], sizes["clients"].sum()]
    ]
    assert rows[-1][3] == f"{sizes['money'].sum():,.0f}"


def _rows(table):
    return [row.locator("th, td") for row in table.locator("tbody tr").all()]


def test_the_page_forbids_code_that_is_made_at_run_time(html_of, tmp_path):
    html = html_of(demo("en"))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.startswith("default-src 'none';")
    assert "unsafe-eval" not in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2]
    with page_in_browser(html, tmp_path) as page:
        drawn(page)
        page.evaluate(
            "const s = document.createElement('script'); s.textContent = 'document.title = 1';"
            "document.body.append(s)"
        )
        assert page.title() != "1"


def test_on_paper_nothing_is_cut_and_tables_are_open(html_of, tmp_path):
    # The width of A4 without its margins, in pixels.
    viewport = {"width": 703, "height": 1000}
    with page_in_browser(html_of(demo("fr")), tmp_path, viewport=viewport) as page:
        drawn(page)
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        cut = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className)"
        assert page.locator(".wide, figure, .drawing").evaluate_all(cut) == []
        seen = page.locator("figure table").evaluate_all(
            "all => all.map(table => table.checkVisibility())"
        )
        assert seen == [True] * len(FIGURES)
        assert not page.locator("#filter").is_visible()
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_the_libraries_in_a_page_are_those_of_vl_convert_and_their_licences_stand_beside_them(
    html_of,
):
    folder = ROOT / "python" / "grc_fast" / "report" / "vega"
    made = subprocess.run([sys.executable, ROOT / ".ci" / "vega"], capture_output=True, check=True)
    assert (folder / "vega.js").read_bytes() == made.stdout, "run: make vega"
    licences = (folder / "LICENSES.md").read_text("utf-8")
    assert "University of Washington Interactive Data Lab" in licences
    assert licences in html_of(demo("en"))


def test_hostile_names_of_segments_do_nothing(html_of, tmp_path):
    # No label holds controls, or has spaces around it.
    names = [name.strip() for name in HOSTILE.values() if name.isprintable()]
    rules = [
        {"name": f"s{place}", "labels": {"en": name}, "where": f"recency % {len(names)} = {place}"}
        for place, name in enumerate(names)
    ]
    rules.append({"name": "others", "labels": {"en": "others"}})
    sales = grc.simulate_sales(4_000, 400, seed=3)
    result = grc.score_rfm(sales, as_of="2026-01-01", segments=grc.SegmentTable(rules))
    html = html_of(result)
    assert len(html.encode()) < LIMIT
    with page_in_browser(html, tmp_path) as page:
        drawn(page)
        assert page.title() == "Recency, frequency, money: your clients"
        assert page.locator("img, a, link, [onload], [onerror], [onmouseover]").count() == 0
        assert page.evaluate("document.scripts.length") == 2
        assert page.complaints == []
        assert len(page.requests) == 1


def test_many_bands_and_segments_fit_on_a_page(html_of):
    rules = [
        {"name": f"s{place}", "labels": {"en": f"segment {place}"}, "points": [3, 30 + place]}
        for place in range(100)
    ]
    rules.append({"name": "others", "labels": {"en": "others"}})
    sales = grc.simulate_sales(40_000, 5_000, seed=3)
    table = grc.SegmentTable(rules)
    html = html_of(grc.score_rfm(sales, as_of="2026-01-01", segments=table, bins=100))
    assert len(html.encode()) < LIMIT


def test_the_same_sales_give_the_same_bytes_in_any_order_on_any_threads(html_of):
    sales = grc.simulate_sales(5_000, 500, seed=1)
    pages = {
        html_of(grc.score_rfm(rows, as_of="2026-01-01", threads=threads))
        for rows, threads in ((sales, 1), (sales.sample(fraction=1, shuffle=True, seed=5), 2))
    }
    assert len(pages) == 1


@full_size
def test_the_page_of_a_large_base_is_drawn_and_stays_small(html_of, tmp_path):
    clients = size("GRC_FAST_PAGE_CLIENTS", quick=20_000, full=1_300_000)
    sales = grc.simulate_sales(3 * clients, clients, seed=7)
    result = grc.score_rfm(sales, as_of="2026-01-01", order="order_id")
    html = html_of(result)
    assert len(html.encode()) < LIMIT
    with page_in_browser(html, tmp_path) as page:
        assert drawn(page) == FIGURES
        count = page.locator("figure[data-chart=segments] tbody tr").last.locator("td").first
        assert count.text_content() == f"{result.scores.height:,}"
        assert page.complaints == []
        assert len(page.requests) == 1


def test_no_client_is_named(html_of):
    sales = grc.simulate_sales(5_000, 500, seed=1).with_columns(
        client_id=pl.format("who-{}-that", "client_id")
    )
    html = html_of(grc.score_rfm(sales, as_of="2026-01-01"))
    assert "500" in html
    assert re.search("who-.*-that", html) is None


@pytest.mark.parametrize(
    ("criteria", "figures"),
    [
        ({"monetary": None}, {"segments", "rf-clients"}),
        ({"frequency": None}, {"distribution-monetary", "lorenz"}),
        ({"recency": None, "frequency": None}, {"segments", "lorenz"}),
        ({"frequency": grc.Frequency("mean_gap")}, {"rf-clients", "distribution-frequency"}),
    ],
)
def test_criteria_left_out_have_no_charts(criteria, figures, html_of):
    sales = grc.simulate_sales(5_000, 500, seed=1)
    html = html_of(grc.score_rfm(sales, as_of="2026-01-01", **criteria))
    names = re.findall('<figure data-chart="([^"]*)"', html)
    assert figures <= set(names) <= set(FIGURES)
    left_out = {name for name, given in criteria.items() if given is None}
    assert not {f"distribution-{name}" for name in left_out} & set(names)
    assert ("rf-clients" in names) == (not left_out & {"recency", "frequency"})


def test_a_single_bar_that_values_lie_beyond_says_so(html_of):
    orders = [1] * 299 + [50]
    sales = pl.DataFrame(
        {
            "client_id": [client for client, count in enumerate(orders) for _ in range(count)],
            "date": ["2025-12-01"] * sum(orders),
            "amount": [5.0] * sum(orders),
        }
    ).with_columns(pl.col("date").str.to_date())
    spec = grc.RFM(frequency=grc.Frequency("lines"))
    html = html_of(spec.score(sales, as_of="2026-01-01"))
    assert '<th scope="row">1 or more</th><td>300</td>' in html


def test_notebooks_show_results_models_and_accounts_as_tables():
    result = demo("fr")
    shown = result._repr_html_()
    assert shown.count("<tr>") == 1 + len(result.segments) + 1
    assert f"<td>{result.segments['clients'].sum():,}</td>".replace(",", "\u202f") in shown
    assert result.model._repr_html_().count("<tr>") == 1 + len(result.model.bands)
    account = result.quality._repr_html_()
    assert f"<th>total</th><td>{result.quality.rows_read:,}</td>" in account


def test_a_table_of_a_notebook_escapes_what_it_holds():
    rows = [[text, text] for text in HOSTILE.values()]
    html = Table("<i>", ["<b>", "x"], rows).html()
    own = {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert set(re.findall(r"</?(\w+)", html)) == own
    assert "\u202e" not in html


def test_a_criterion_that_nobody_has_a_value_of_has_no_chart(html_of, tmp_path):
    sales = pl.DataFrame({"client_id": [1, 2, 3], "amount": [5.0, 6.0, 7.5]}).with_columns(
        date=pl.lit("2025-12-01").str.to_date()
    )
    spec = grc.RFM(frequency=grc.Frequency("mean_gap"), bins=2, groups=2)
    result = spec.score(sales, as_of="2026-01-01")
    html = html_of(result)
    assert 'data-chart="distribution-monetary"' in html
    assert "distribution-frequency" not in html
    with page_in_browser(html, tmp_path) as page:
        assert "distribution-monetary" in drawn(page)
        assert page.complaints == []
    with pytest.raises(grc.OptionError, match="nobody has a frequency"):
        result.plot.distribution("frequency")


@pytest.fixture
def clients(tmp_path, monkeypatch):
    """Go to a directory that has a table of clients."""
    monkeypatch.chdir(tmp_path)
    table = {"client_id": [1, 2, 3], "recency": [3, 30, 300], "frequency": [4, 1, 2]}
    pl.DataFrame({**table, "monetary": [20.0, 5.5, -4.0]}).write_csv("clients.csv")
    return tmp_path


def test_score_writes_the_page_in_the_language_asked_for(clients, capfd):
    arguments = ["score", "clients.csv", "--client-level", "-o", "scores.csv", "--lang", "fr"]
    assert main([*arguments, "--report", "page.html", "--bins", "3", "--groups", "3"]) == 0
    assert "écrit : page.html" in capfd.readouterr().err
    html = (clients / "page.html").read_text("utf-8")
    assert '<html lang="fr"' in html
    assert "clients notés" in html
    assert 'data-chart="rf-clients"' in html
    assert 'data-chart="rf-money"' not in html


def test_frozen_thresholds_show_the_drift_since_the_fit(html_of):
    sales = grc.simulate_sales(20_000, 2_000, seed=1)
    first = grc.score_rfm(sales.filter(pl.col("date") < pl.date(2025, 1, 1)), as_of="2025-01-01")
    later = first.model.rfm.facts(sales, as_of="2026-01-01")
    scores = first.model.score(later)
    drift = first.model.drift(scores)
    result = dataclasses.replace(
        grc.score_rfm(sales, as_of="2026-01-01"), scores=scores, model=first.model
    )
    heading = "Since the thresholds were set"
    html = html_of(result)
    assert heading in html
    for sentence in drift.sentences():
        assert sentence in html
    today = drift.bands.filter(criterion="recency")["clients_today"]
    shown = html.partition(heading)[2].partition("</table>")[0]
    for clients in today:
        assert f"<td>{clients:,}</td>" in shown
    assert heading not in html_of(first)


def test_a_page_of_another_name_is_refused_before_any_work(clients, capfd):
    arguments = ["score", "clients.csv", "--client-level", "-o", "scores.csv"]
    assert main([*arguments, "--report", "page.pdf"]) == 1
    assert capfd.readouterr().err == "error: the report 'page.pdf' must be named .html\n"
    assert not (clients / "scores.csv").exists()


def test_without_the_extra_a_page_says_what_to_install(monkeypatch):
    monkeypatch.setattr(chart_file, "find_spec", lambda name: None)
    with pytest.raises(grc.OutputError, match=r'pip install "grc-fast\[report\]"'):
        demo("en").report("page.html")
