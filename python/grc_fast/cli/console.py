"""What a command shows: tables on standard output, everything else on standard error."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, Literal, TextIO

import polars as pl
from rich import box
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task
from rich.table import Table
from rich.text import Text

from grc_fast._utils.addresses import masked
from grc_fast._utils.messages import harmless
from grc_fast.io.databases.address import shown_address
from grc_fast.io.write import write_text
from grc_fast.rfm.bands import format_number

# Wide enough that nothing is cut where there is no screen to fit in.
_UNLIMITED: Final = 100_000
# Columns that are read as something else than a plain number.
_SHARES: Final = ("share", "money_share", "share_fit", "share_today")
_MONEY: Final = ("money", "money_before", "money_after", "money_net")
_FORMATS: Final = {**dict.fromkeys(_SHARES, "{:.1%}"), **dict.fromkeys(_MONEY, "{:,.2f}")}


class Messages:
    """Standard error: progress, notes, warnings and tables; nothing when quiet."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def note(self, text: str) -> None:
        """Write one line, or several, without what is secret in addresses or steers a terminal."""
        self._write(harmless(masked(text)))

    def _write(self, text: str) -> None:
        if not self._quiet:
            # A reader of the notes that has gone is no reason to lose the results.
            with suppress(OSError):
                sys.stderr.write(f"{text.rstrip()}\n")

    def written(self, name: str) -> None:
        """Say where something was written."""
        self.note(f"written: {shown_address(name)}")

    def notes(self, texts: Iterable[str]) -> None:
        """Write notes, a line each."""
        for text in texts:
            self.note(f"note: {text}")

    def warn(self, text: str) -> None:
        """Write one line that asks for attention."""
        self.note(f"warning: {text}")

    def table(self, table: Table) -> None:
        """Show a table."""
        if not self._quiet:
            self._write(masked(rendered(table, sys.stderr)))

    @contextmanager
    def progress(self) -> Iterator[Callable[[int], None] | None]:
        """Show the rows read so far while a block runs, if standard error is a terminal.

        Yields
        ------
        Callable or None
            What to call with the number of rows read so far.
        """
        if self._quiet or not sys.stderr.isatty():
            yield None
            return
        with Progress(
            SpinnerColumn(),
            _RowsRead(),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ) as progress:
            task = progress.add_task("rows", total=None)

            def show(rows: int) -> None:
                if rows < progress.tasks[0].completed:
                    # A second pass begins, after the one that looked for the last sale.
                    progress.reset(task)
                progress.update(task, completed=rows)

            yield show


class _RowsRead(ProgressColumn):
    """The rows read so far, and how many a second."""

    def render(self, task: Task) -> Text:
        rate = f", {task.completed / task.elapsed:,.0f} rows/s" if task.elapsed else ""
        return Text(f"{task.completed:,.0f} rows read{rate}")


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


def frame_table(frame: pl.DataFrame, captions: Mapping[str, str]) -> Table:
    """Make a table of a frame, figures to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, dtype in frame.schema.items():
        justify: Literal["left", "right"] = "right" if dtype.is_numeric() else "left"
        # A Text, because brackets in a plain string would be read as markup.
        table.add_column(_cell_text(captions.get(name, name)), justify=justify)
    for row in frame.iter_rows(named=True):
        table.add_row(*(_cell_text(_cell(name, value)) for name, value in row.items()))
    return table


def _cell_text(text: str) -> Text:
    return Text(harmless(text).replace("\n", "\\n"))


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in _FORMATS:
        return _FORMATS[name].format(value)
    return format_number(value) if isinstance(value, (int, float)) else str(value)
