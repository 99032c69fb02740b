"""The page of everything that a folder of outputs holds."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest

import grc_fast as grc
from browser import page_in_browser
from grc_fast.cli import main
from hostile_texts import HOSTILE

EXAMPLES = Path(__file__).resolve().parent.parent / "docs" / "examples"
SECTIONS = {
    "en": [
        "Who moved since the last run",
        "Do expectations come true?",
        "Who answers",
        "Whom to contact",
        "Purchases and interest",
        "Phases of interest",
        "What clients are expected to bring",
        "Where clients live",
    ],
    "fr": [
        "Qui a bougé depuis le dernier passage",
        "Les prévisions se réalisent-elles ?",
        "Qui répond",
        "Qui contacter",
        "Achats et intérêt",
        "Phases d'intérêt",
        "Ce que les clients devraient rapporter",
        "Où habitent les clients",
    ],
}
FIGURES = {
    "segments",
    "rf-money",
    "lorenz",
    "migration",
    "deciles",
    "response",
    "gains",
    "interest",
}


def run(*arguments):
    """Run a command that must succeed."""
    assert main([str(argument) for argument in arguments]) == 0


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return a folder with an output of each command that a page shows."""
    given, made = tmp_path_factory.mktemp("given"), tmp_path_factory.mktemp("made")
    sales = grc.simulate_sales(20_000, 1_500, seed=5).with_columns(
        client_id=pl.format("who-{}-that", "client_id")
    )
    sales.write_parquet(given / "sales.parquet")
    source = (given / "sales.parquet", "--order", "order_id", "--quiet")
    model = ("--model-out", made / "rfm.json", "--quality", made / "account.json")
    run("score", *source, "--as-of", "2026-01-01", "-o", made / "scores.parquet", *model)
    early = ("--as-of", "2025-07-01", "--model-in", made / "rfm.json")
    run("score", *source, *early, "-o", given / "early.parquet")
    both = (given / "early.parquet", made / "scores.parquet")
    run("compare", *both, "-o", made / "moves.csv", "--json", made / "moves.json", "--quiet")
    run("value", *source, "--as-of", "2026-01-01", "-o", made / "value.parquet", "--margin", "0.3")
    holdout = ("--holdout", "6mo", "--margin", "0.3", "-o", given / "v.parquet")
    run("value", *source, "--as-of", "2026-01-01", *holdout, "--report", made / "holdout.json")
    _behave(given, made)
    _answer(given, made)
    offers = pl.DataFrame(
        {
            "client_id": [f"who-{place}-that" for place in range(40)] * 2,
            "channel": ["email"] * 40 + ["phone"] * 40,
            "cost": [0.1] * 40 + [4.0] * 40,
            "gain": [place / 10 for place in range(40)] * 2,
        }
    )
    offers.write_csv(given / "offers.csv")
    plan = ("--budget", "20", "--policy", "none", "--certificate", made / "plan.json", "--quiet")
    run("plan", given / "offers.csv", "-o", made / "plan.parquet", *plan)
    homes = (EXAMPLES / "homes.csv", "--stores", EXAMPLES / "stores.csv")
    places = ("--postcodes", EXAMPLES / "postcodes.csv", "-o", made / "zones.csv")
    run("catchment", *homes, *places)
    return made


def _behave(given, made):
    events = pl.DataFrame(
        {
            "client_id": [f"who-{place % 90}-that" for place in range(400)],
            "timestamp": [
                f"2025-12-{1 + place // 24:02}T{place % 24:02}:00:00" for place in range(400)
            ],
            "kind": ["page_view", "search"] * 200,
            "page": ["/tarifs", "/contact"] * 200,
            "dwell": [60] * 400,
            "clicks": [3] * 400,
        }
    )
    events.write_parquet(given / "events.parquet")
    rules = ("--rules", EXAMPLES / "rules.toml", "--as-of", "2026-01-01")
    run("behaviour", given / "events.parquet", *rules, "-o", made / "behaviour.parquet")
    both = (made / "scores.parquet", made / "behaviour.parquet")
    run("combine", *both, "-o", made / "both.parquet", "--quiet")


def _answer(given, made):
    clients = pl.read_parquet(given / "early.parquet")["client_id"]
    campaigns = pl.DataFrame(
        {
            "client_id": clients,
            "campaign": "spring",
            "contacted_on": dt.date(2025, 8, 1),
            "responded": [place % 5 == 0 for place in range(len(clients))],
        }
    )
    campaigns.write_parquet(given / "campaigns.parquet")
    money = ("--cost", "1", "--margin", "20", "--report", made / "response.json")
    tables = (given / "early.parquet", given / "campaigns.parquet")
    run("response", *tables, "-o", made / "rates.parquet", *money, "--quiet")


@pytest.fixture
def folder(written, tmp_path):
    """Return a copy of the folder that a test may change."""
    return shutil.copytree(written, tmp_path / "outputs")


def page_of(folder, *options):
    path = folder.parent / "page.html"
    run("report", folder, "-o", path, *options)
    return path.read_text("utf-8")


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize(("width", "scheme"), [(380, "dark"), (1400, "light")])
def test_every_output_has_its_section_without_a_complaint_or_a_barrier(
    lang, width, scheme, folder, tmp_path
):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    html = page_of(folder, "--lang", lang)
    viewport = {"width": width, "height": 900}
    with page_in_browser(html, tmp_path, viewport=viewport, color_scheme=scheme) as page:
        page.wait_for_selector("html[data-shown]", timeout=60_000)
        headings = page.locator("h2").all_inner_texts()
        assert [one for one in headings if one in SECTIONS[lang]] == SECTIONS[lang]
        live = page.locator("figure[data-live]").evaluate_all(
            "all => all.map(f => f.dataset.chart)"
        )
        assert set(live) >= FIGURES
        assert len(live) == page.locator("figure").count()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.complaints == []
        assert len(page.requests) == 1
        assert axe.run(page).response["violations"] == []
    assert len(html.encode()) < 1_500_000


def test_a_choice_of_segment_leaves_the_charts_of_other_analyses_alone(folder, tmp_path):
    with page_in_browser(page_of(folder), tmp_path) as page:
        page.wait_for_selector("html[data-shown]", timeout=60_000)
        page.locator("input[name=segment]").nth(1).check()
        page.wait_for_selector("html:not([data-shown='-1'])")
        assert page.locator("figure[data-chart=migration] svg .role-mark text").count() > 4
        assert page.complaints == []


def test_on_paper_and_without_scripts_nothing_is_cut_or_missing(folder, tmp_path):
    # The width of A4 without its margins, in pixels.
    viewport = {"width": 703, "height": 1000}
    html = page_of(folder, "--lang", "fr")
    with page_in_browser(html, tmp_path, viewport=viewport, java_script_enabled=False) as page:
        drawings, tables = page.locator("figure svg"), page.locator("figure table")
        page.emulate_media(media="print")
        assert drawings.count() == tables.count() == page.locator("figure").count()
        assert all(drawing.is_visible() for drawing in drawings.all())
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    with page_in_browser(html, tmp_path, viewport=viewport) as page:
        page.wait_for_selector("html[data-shown]", timeout=60_000)
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        cut = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className)"
        assert page.locator(".wide, figure, .drawing").evaluate_all(cut) == []
        seen = "all => all.every(table => table.checkVisibility())"
        assert page.locator("figure table").evaluate_all(seen)


def test_the_same_folder_gives_the_same_bytes_and_names_no_client(folder):
    html = page_of(folder)
    assert page_of(folder) == html
    assert re.search("who-.*-that", html) is None


def test_figures_are_those_of_the_files(folder):
    html = page_of(folder)
    plan = json.loads((folder / "plan.json").read_text("utf-8"))
    contacts = sum(plan["contacts"].values())
    assert f"{contacts} contacts for {plan['cost']:,.0f} are worth {plan['value']:,.0f}" in html
    moves = json.loads((folder / "moves.json").read_text("utf-8"))
    assert f"population stability index {moves['stability_index']:.3f}" in html
    values = pl.read_parquet(folder / "value.parquet")
    gain = values["gain_12mo"].sum()
    assert f'<th scope="row">12mo</th><td>{values.height:,}</td>' in html
    assert f"<td>{gain:,.0f}</td>" in html


def test_files_that_are_not_shown_are_named(folder, capsys):
    (folder / "notes.txt").write_text("mine")
    (folder / "other.json").write_text("[1, 2]")
    page_of(folder)
    said = capsys.readouterr().err
    assert "not shown: moves.csv, notes.txt, other.json, plan.parquet, rates.parquet" in said


def test_a_page_in_the_folder_is_written_over_and_not_read(folder, capsys):
    for _ in range(2):
        run("report", folder, "-o", folder / "page.html")
    assert "page.html" not in capsys.readouterr().err.partition("written")[0]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "moves.json",
            '{"by": "segment", "flows": 3, "moves": []}',
            "the comparison of scores but",
        ),
        (
            "plan.json",
            '{"bound": 1, "shadow_prices": {}, "reasons": {}}',
            "the certificate of a plan",
        ),
        ("plan.json", '{"bound": 1', "'plan.json' is no JSON"),
        (
            "account.json",
            '{"rows_read": 1, "rows_used": 1, "money_read": 1, "dropped": 2}',
            "the account of sales but",
        ),
        ("holdout.json", '{"deciles": [], "rankings": [], "totals": {}}', "with a holdout but"),
        ("response.json", '{"raw_rate": 1, "table": [{}], "depth": []}', "the response report but"),
        ("rfm.json", '{"format": "grc_fast.rfm", "version": 2}', "RFM model"),
        ("scores.parquet", "no parquet", "scores.parquet"),
    ],
)
def test_a_broken_file_is_one_sentence_and_no_page(name, content, said, folder, capsys):
    (folder / name).write_text(content)
    assert main(["report", str(folder), "-o", str(folder / "page.html")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert said in error
    assert not (folder / "page.html").exists()


def test_a_folder_that_no_page_can_be_made_of_says_why(folder, tmp_path, capsys):
    empty = tmp_path / "empty"
    empty.mkdir()
    page = str(tmp_path / "page.html")
    for path, said in [(empty, "holds no output"), (tmp_path / "none", "cannot read the folder")]:
        assert main(["report", str(path), "-o", page]) == 1
        assert said in capsys.readouterr().err
    shutil.copy(folder / "scores.parquet", folder / "later.parquet")
    assert main(["report", str(folder), "-o", page]) == 1
    assert "two files of scores, 'later.parquet' and 'scores.parquet'" in capsys.readouterr().err
    (folder / "later.parquet").unlink()
    (folder / "rfm.json").unlink()
    assert main(["report", str(folder), "-o", page]) == 1
    assert "has no model beside it" in capsys.readouterr().err


def test_scores_of_a_csv_file_in_french_make_the_charts_of_the_run(written, tmp_path):
    scores = pl.read_parquet(written / "scores.parquet")
    english, french = (tmp_path / lang for lang in ("en", "fr"))
    words = dict(
        zip(
            *(grc.RFMModel.load(written / "rfm.json").rfm.table.labels(x) for x in ("en", "fr")),
            strict=True,
        )
    )
    for folder in (english, french):
        folder.mkdir()
        shutil.copy(written / "rfm.json", folder)
    scores.write_parquet(english / "scores.parquet")
    scores.with_columns(pl.col("segment").cast(pl.String).replace(words)).write_csv(
        french / "scores.csv"
    )
    assert page_of(english) == page_of(french)


def test_hostile_texts_in_outputs_do_nothing(folder, tmp_path):
    texts = list(HOSTILE.values())
    moves = json.loads((folder / "moves.json").read_text("utf-8"))
    for flow, text in zip(moves["flows"], texts, strict=False):
        for move in moves["moves"]:
            for side in ("from", "to"):
                move[side] = text if move[side] == flow["segment"] else move[side]
        flow["segment"] = text
    (folder / "moves.json").write_text(json.dumps(moves), "utf-8")
    plan = json.loads((folder / "plan.json").read_text("utf-8"))
    for name in ("contacts", "shadow_prices"):
        plan[name] |= dict.fromkeys(texts, 1)
    (folder / "plan.json").write_text(json.dumps(plan), "utf-8")
    with page_in_browser(page_of(folder), tmp_path) as page:
        page.wait_for_selector("html[data-shown]", timeout=60_000)
        assert page.locator("img, a, link, [onload], [onerror], [onmouseover]").count() == 0
        assert page.evaluate("document.scripts.length") == 2
        assert page.complaints == []
        assert len(page.requests) == 1
