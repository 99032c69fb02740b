"""A way in a process of its own: its thread pools, its memory, its interpreter.

The process gets the name of a function of this package and its arguments, calls it to prepare, and
then does the work once for each line on its standard input, answering with what it took. A function
may prepare several works, which then share a process; the line says which.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeAlias

from grc_fast.bench.machine import peak_memory
from grc_fast.errors import DataError

__all__ = ["Work", "Worker"]

#: Does a piece of work once.
Work: TypeAlias = Callable[[], object]


class Worker:
    """A process that does one piece of work whenever it is asked.

    Parameters
    ----------
    job
        A function of a module: called in the process with `arguments`, it prepares the work and
        returns the function that does it once, or several such functions.
    arguments
        Of the function, by name: anything that JSON can say.
    threads
        Of the pool of Polars, which reads it from its environment when it is imported.
    """

    def __init__(
        self,
        job: Callable[..., Work | tuple[Work, ...]],
        arguments: Mapping[str, Any],
        *,
        threads: int,
    ) -> None:
        self._name = f"{job.__module__}:{job.__qualname__}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, self._name, json.dumps(dict(arguments))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"POLARS_MAX_THREADS": str(threads)},
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # An error here need not wait for work that nobody will look at.
        if error is not None:
            self._process.kill()
        self._process.communicate()

    def seconds(self, place: int = 0) -> float:
        """Do the work once, or that of this place, and return how long it took."""
        return float(self._ask(place)["seconds"])

    def peak_bytes(self) -> float:
        """Do the work once and return the most memory that the process has held so far.

        Raises
        ------
        DataError
            If the system does not say it.
        """
        peak = self._ask()["peak_bytes"]
        if peak is None:
            raise DataError("this system does not say how much memory a process has held")
        return float(peak)

    def _ask(self, place: int = 0) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(f"{place}\n")
            stdin.flush()
        except BrokenPipeError:
            pass  # the answer says it
        answer = stdout.readline()
        if not answer:
            code = self._process.wait()
            raise DataError(
                f"the process of {self._name} ended with {code} instead of an answer: where it "
                "says nothing above, the system has probably ended it for want of memory"
            )
        found: dict[str, Any] = json.loads(answer)
        return found


def _main(job: str, arguments: str) -> None:
    module, _, name = job.partition(":")
    prepared = getattr(importlib.import_module(module), name)(**json.loads(arguments))
    works = prepared if isinstance(prepared, tuple) else (prepared,)
    for place in sys.stdin:
        work = works[int(place)]
        gc.collect()
        start = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - start
        del result
        answer = {"seconds": seconds, "peak_bytes": peak_memory()}
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main(*sys.argv[1:])
