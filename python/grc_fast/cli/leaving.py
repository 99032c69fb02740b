"""The end of a command that a signal asks for: soon, whatever the command is at work on."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import Final

#: A process that a signal ends has this and the signal's number as its exit code.
SIGNAL: Final = 128
# Python runs the handlers of signals between two calls: one of another library that lasts longer
# than so many seconds is not waited for.
_PATIENCE: Final = 1.5
_LINE_WITH_CURSOR: Final = "\r\x1b[2K\x1b[?25h"
_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def leaving_when_told(*, process_is_ours: bool) -> Iterator[None]:
    """Turn a request to end into an exception, so that temporary files are removed.

    Parameters
    ----------
    process_is_ours
        Whether to end the process where its main thread does not come to see the signal. What it
        was writing then stays as after a kill: no output is touched, and the next run removes the
        rest and says so.
    """
    seen = threading.Event()

    def leave(number: int, _frame: FrameType | None) -> None:
        seen.set()
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(SIGNAL + number)

    usual = {signal.SIG_DFL, signal.default_int_handler}
    with ExitStack() as cleanup:
        for number in _numbers():
            # What is ignored stays ignored (nohup). Signals are of the main thread only.
            with suppress(ValueError):
                before = signal.getsignal(number)
                if before in usual:
                    signal.signal(number, leave)
                    cleanup.callback(signal.signal, number, before)
        if process_is_ours and sys.platform != "win32":
            cleanup.enter_context(_ending_unless(seen))
        yield


@contextmanager
def _ending_unless(seen: threading.Event) -> Iterator[None]:
    """End the process a moment after a signal that the main thread has not seen."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def watch() -> None:
        # The interpreter writes the number of a signal at once, whatever the main thread does.
        while message := os.read(reader, 1):
            number = message[0]
            if number in _numbers() and not seen.wait(_PATIENCE):
                _say(number)
                os._exit(SIGNAL + number)

    watcher = threading.Thread(target=watch, name="grc-fast-signals", daemon=True)
    with ExitStack() as cleanup:
        cleanup.callback(os.close, reader)
        cleanup.callback(watcher.join)
        cleanup.callback(os.close, writer)
        cleanup.callback(seen.set)
        cleanup.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(writer))
        watcher.start()
        yield


def _numbers() -> list[int]:
    return [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]


def _say(number: int) -> None:
    sentence = (
        f"{signal.Signals(number).name} ended this run in the middle of a step: its outputs are as "
        "they were, and the next run removes what it was writing\n"
    )
    with suppress(OSError):
        # A bar hides the cursor, and the thread that draws it cannot give it back any more.
        shown = f"{_LINE_WITH_CURSOR}{sentence}" if os.isatty(2) else sentence
        os.write(2, shown.encode())
