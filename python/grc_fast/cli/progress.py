"""How far a run is, on standard error: a bar on a terminal, lines in a log, or JSON for programs.

A step has a name of the catalogue, such as `step.read`, and counts rows where it reads some.
"""

from __future__ import annotations

import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task
from rich.text import Text

from grc_fast.io.expected_rows import expected_rows
from grc_fast.labels.catalogue import text

#: What is called with the number of rows read so far.
Count = Callable[[int], None]
# A log gets no line in the first so many seconds of a step, and then one in as many.
_BETWEEN_LINES: Final = 10.0
_BETWEEN_JSON: Final = 1.0


@dataclass
class Step:
    """A step of a run, and how far it is.

    Attributes
    ----------
    name
        `read`, `compute` or `write`.
    sources
        What is read.
    """

    name: str
    sources: Sequence[str] = ()
    rows: int = 0
    began: float = field(default_factory=time.monotonic)

    def count(self, rows: int) -> None:
        """Take the number of rows read so far; fewer than before are those of another pass."""
        if rows < self.rows:
            self.began = time.monotonic()
        self.rows = rows

    @cached_property
    def expected(self) -> int | None:
        """The rows that are to be read, where that is known or can be told from sizes."""
        return expected_rows(self.sources) if self.sources else None

    @property
    def seconds(self) -> float:
        """How long it has taken, or its last pass over the rows."""
        return time.monotonic() - self.began

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds if self.seconds else 0.0

    @property
    def left(self) -> float | None:
        """The seconds that are left, as far as the rows tell."""
        if self.expected is None or not self.rows:
            return None
        return max(self.expected - self.rows, 0) / self.rate

    def said(self, lang: str) -> str:
        """Return how far it is, for a reader."""
        told = text(f"step.{self.name}", lang)
        if self.rows:
            told = text("step.rows", lang, step=told, rows=self.rows, rate=self.rate)
        if self.left is None:
            return told
        return text("step.left", lang, step=told, seconds=round(self.left))


class Reporter(ABC):
    """Shows the steps of a run."""

    @abstractmethod
    def showing(self, step: Step) -> AbstractContextManager[Callable[[], None]]:
        """Show a step while a block runs; gives what to call when the step has moved on."""


class Nothing(Reporter):
    """Shows nothing."""

    @contextmanager
    def showing(self, step: Step) -> Iterator[Callable[[], None]]:  # noqa: ARG002
        """Show nothing."""
        yield lambda: None


class Bars(Reporter):
    """A bar on a terminal, which is gone when the step is over."""

    def __init__(self, lang: str) -> None:
        self._lang = lang

    @contextmanager
    def showing(self, step: Step) -> Iterator[Callable[[], None]]:
        """Draw a bar, as long as the rows that are read are of those that are to be read."""
        with Progress(
            SpinnerColumn(),
            BarColumn(bar_width=20),
            _Said(step, self._lang),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ) as progress:
            task = progress.add_task(step.name, total=step.expected)
            yield lambda: progress.update(task, completed=step.rows)


class _Said(ProgressColumn):
    """How far a step is, in words."""

    def __init__(self, step: Step, lang: str) -> None:
        super().__init__()
        self._step, self._lang = step, lang

    def render(self, task: Task) -> Text:  # noqa: ARG002 (the step knows more)
        return Text(self._step.said(self._lang))


class Lines(Reporter):
    """A plain line now and then, and one in the end, for a log: none of what is soon over."""

    def __init__(self, lang: str) -> None:
        self._lang = lang

    @contextmanager
    def showing(self, step: Step) -> Iterator[Callable[[], None]]:
        """Write a line each time that some seconds have passed, and at the end of a long step."""
        began = time.monotonic()
        yield _now_and_then(_BETWEEN_LINES, lambda: _write(step.said(self._lang)))
        seconds = time.monotonic() - began
        if seconds >= _BETWEEN_LINES:
            said = text(f"step.{step.name}", self._lang)
            _write(text("step.done", self._lang, step=said, seconds=round(seconds)))


class JsonLines(Reporter):
    """JSON for programs: a line as a step begins, one a second at most, and one as it ends."""

    @contextmanager
    def showing(self, step: Step) -> Iterator[Callable[[], None]]:
        """Write where the step is; the line of its end is missing if it fails."""
        self._tell(step, "begun")
        yield _now_and_then(_BETWEEN_JSON, lambda: self._tell(step, "running"))
        self._tell(step, "done")

    def _tell(self, step: Step, state: str) -> None:
        told = {
            "step": step.name,
            "state": state,
            "rows": step.rows,
            "expected_rows": step.expected,
            "rows_per_second": round(step.rate),
            "seconds": round(step.seconds, 3),
            "seconds_left": None if step.left is None else round(step.left, 1),
        }
        _write(json.dumps(told))


def reporter(*, quiet: bool, json_lines: bool, lang: str) -> Reporter:
    """Return what shows the steps of a run where standard error goes."""
    if json_lines:
        return JsonLines()
    if quiet:
        return Nothing()
    return Bars(lang) if sys.stderr.isatty() else Lines(lang)


def _now_and_then(seconds: float, tell: Callable[[], None]) -> Callable[[], None]:
    """Return a function that tells, if it has not done so for some seconds."""
    last = time.monotonic()

    def moved() -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= seconds:
            last = now
            tell()

    return moved


def _write(line: str) -> None:
    # A reader of the progress that has gone is no reason to lose the results.
    with suppress(OSError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
