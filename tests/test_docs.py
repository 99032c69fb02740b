"""The examples of README.md and of the guide do what the page says.

A page is run from top to bottom in a directory that holds a copy of docs/examples:
``pycon`` blocks as doctests that share their names, ``console`` blocks in a shell, where the output
(if the page shows any) is compared as a doctest compares. A command that needs no shell runs in the
process of the tests, since starting one takes longer than most examples. ``bash`` and ``python``
blocks are read by people only.
"""

import doctest
import html
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
import screenshots
import segments_figure

from grc_fast.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n?)*)", re.MULTILINE)


# What a shell would act on.
SHELL = re.compile(r"[|<>;&$`*?~#]")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [
        Block(match[1], match[2], text.count("\n", 0, match.start()) + 1)
        for match in FENCE.finditer(text)
    ]


def run_python(block: Block, page: Path, names: dict[str, object]) -> None:
    test = doctest.DocTestParser().get_doctest(block.text, names, page.name, str(page), block.line)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append, clear_globs=False)
    names.update(test.globs)
    assert not report, "".join(report)


def run_commands(block: Block, page: Path) -> None:
    for command, expected in COMMAND.findall(block.text):
        is_ours = command.startswith("grc-fast ") and not SHELL.search(command)
        status, said = (run_here if is_ours else run_in_shell)(command)
        where = f"{page.name}, line {block.line}: {command}"
        assert status == 0, f"{where}\n{said}"
        if expected.strip():
            as_shown = doctest.OutputChecker().check_output(expected, said, FLAGS)
            assert as_shown, f"{where}\n{said}"


def run_in_shell(command: str) -> tuple[int, str]:
    done = subprocess.run(
        command,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def run_here(command: str) -> tuple[int, str]:
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    arguments = shlex.split(command.replace("\\\n", " "))[1:]
    with redirect_stdout(said), redirect_stderr(said):
        status = main(arguments)
    said.seek(0)
    return status, said.read()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_hold(page, tmp_path, monkeypatch):
    here = tmp_path / "here"
    shutil.copytree(ROOT / "docs" / "examples", here)
    monkeypatch.chdir(here)
    # Once for all commands: threads of other libraries may look at the environment meanwhile.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.language == "pycon":
            run_python(block, page, names)
        elif block.language == "console":
            run_commands(block, page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_example_of_a_page_goes_unrun(page):
    unrun = [block for block in blocks(page) if block.language not in {"pycon", "console"}]
    assert not [block for block in unrun if re.search(r"^(>>>|\$) ", block.text, re.MULTILINE)]


def test_the_picture_of_readme_is_drawn_from_the_results_of_the_demonstration():
    segments = segments_figure.scored_groceries().segments
    shares = {f" {share:.1%}" for name in ("share", "money_share") for share in segments[name]}
    drawn = set(re.findall(r">([^<]*)</text>", segments_figure.TARGET.read_text("utf-8")))
    assert shares | {html.escape(name, quote=False) for name in segments["segment"]} <= drawn


def test_the_pictures_of_the_gallery_are_the_charts_of_the_demonstration():
    gallery = (ROOT / "docs" / "gallery.md").read_text("utf-8")
    for path, drawing in screenshots.charts():
        assert path.read_text("utf-8") == drawing, "run: make screenshots"
        assert f"images/{path.name}" in gallery
    assert screenshots.PAGE.exists()


def test_the_picture_of_readme_says_in_words_what_it_shows():
    (words,) = re.findall(
        r"^!\[(.*)\]\(docs/images/segments-groceries\.svg\)$",
        (ROOT / "README.md").read_text("utf-8"),
        re.MULTILINE,
    )
    segments = segments_figure.scored_groceries().segments
    for name, clients, money in segments.select("segment", "share", "money_share").rows():
        if name in {"champions", "lost"}:
            assert name in words
            assert f"{clients:.1%}".replace("%", " %") in words
            assert f"{money:.1%}".replace("%", " %") in words
