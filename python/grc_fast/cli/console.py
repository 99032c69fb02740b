"""What a command shows: tables on standard output, everything else on standard error."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Final, TextIO

from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from grc_fast._utils.addresses import masked
from grc_fast._utils.messages import harmless
from grc_fast.cli.options import RunOptions
from grc_fast.cli.progress import Count, Step, reporter
from grc_fast.io.databases.address import shown_address
from grc_fast.io.write import STDOUT, write_text
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase

# Wide enough that nothing is cut where there is no screen to fit in.
_UNLIMITED: Final = 100_000


class Messages:
    """Standard error: progress, notes, warnings and tables; nothing when quiet."""

    def __init__(self, *, quiet: bool, lang: str = "en", json_progress: bool = False) -> None:
        self._quiet = quiet
        self._lang = lang
        self._reporter = reporter(quiet=quiet, json_lines=json_progress, lang=lang)

    @classmethod
    def of(cls, options: RunOptions, lang: str) -> Messages:
        """Return what says what a command has to say, as its options ask for."""
        return cls(quiet=options.quiet, lang=lang, json_progress=options.json_progress)

    def note(self, text: Wording) -> None:
        """Write one line, or several, without what is secret in addresses or steers a terminal."""
        self.account(text.said(self._lang))

    def account(self, text: str) -> None:
        """Write what is in the language already, such as an account of several lines."""
        self._write(harmless(masked(text)))

    def _write(self, text: str) -> None:
        if not self._quiet:
            # A reader of the notes that has gone is no reason to lose the results.
            with suppress(OSError):
                sys.stderr.write(f"{text.rstrip()}\n")

    def written(self, name: str) -> None:
        """Say where something was written."""
        self.note(Phrase("message.written", name=shown_address(name)))

    def notes(self, texts: Iterable[Wording]) -> None:
        """Write notes, a line each."""
        for text in texts:
            self.note(Phrase("message.note", said=text))

    def warnings(self, texts: Iterable[Wording]) -> None:
        """Write what asks for attention, a line each."""
        for text in texts:
            self.note(Phrase("message.warning", said=text))

    def table(self, table: Table) -> None:
        """Show a table."""
        if not self._quiet:
            self._write(masked(rendered(table, sys.stderr)))

    @contextmanager
    def step(self, name: str, sources: Iterable[str] = ()) -> Iterator[Count]:
        """Show a step of the run, such as `read`, while a block runs.

        Parameters
        ----------
        name
            A word of the section `step`.
        sources
            What is read: of files it is known, or can be told, how many rows they have.

        Yields
        ------
        Callable
            What to call with the number of rows read so far.
        """
        step = Step(name, list(sources))
        with self._reporter.showing(step) as moved:

            def count(rows: int) -> None:
                step.count(rows)
                moved()

            yield count

    def writing(self, output: str) -> AbstractContextManager[object]:
        """Show that a result is being written, unless it goes where the bar would be in its way."""
        return nullcontext() if output == STDOUT else self.step("write")


def rendered(what: RenderableType, stream: TextIO) -> str:
    """Return a table as text: for the screen of a terminal, plain otherwise."""
    on_screen = stream.isatty()
    if isinstance(what, Table) and not on_screen:
        what.box = None
    buffer = io.StringIO()
    Console(
        file=buffer,
        force_terminal=on_screen,
        width=None if on_screen else _UNLIMITED,
        highlight=False,
        markup=False,
        emoji=False,
    ).print(what)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def show_table(table: Table) -> None:
    """Write a table on standard output, as a result."""
    write_text(rendered(table, sys.stdout))


def show_lines(text: str) -> None:
    """Write lines on standard output, as they are but for what steers a terminal."""
    write_text(harmless(text))


def show_text(text: str) -> None:
    """Write a text of several lines on standard output: in a frame if it is a terminal."""
    text = harmless(text)
    title, _, body = text.partition("\n")
    if sys.stdout.isatty() and body:
        panel = Panel(Text(body), title=Text(title), title_align="left", expand=False)
        write_text(rendered(panel, sys.stdout))
    else:
        write_text(f"{text}\n")
