"""The command line of grc_fast: `grc-fast COMMAND …`.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 the data
or the options are wrong, 2 usage, 130 interrupted.
"""

import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from grc_fast._utils.addresses import masked
from grc_fast._utils.messages import harmless
from grc_fast._utils.panics import panics_as_errors
from grc_fast._utils.version import __version__
from grc_fast.cli import (
    behaviour,
    bench,
    catchment,
    combine,
    compare,
    crosstab,
    demo,
    explain,
    lists,
    plan,
    profile,
    report,
    response,
    score,
    segment,
    sheet,
    value,
)
from grc_fast.cli.leaving import SIGNAL, leaving_when_told
from grc_fast.errors import GrcError
from grc_fast.io.write import ClosedOutput, forget_standard_output

DEBUG_VARIABLE = "GRC_FAST_DEBUG"
app = typer.Typer(
    name="grc-fast",
    help="Score a whole customer base on one machine, in seconds.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("score")(score.score)
app.command("behaviour")(behaviour.behaviour)
app.command("explain")(explain.explain)
app.command("value")(value.value)
app.command("response")(response.response)
app.command("combine")(combine.combine)
app.command("segment")(segment.segment)
app.command("crosstab")(crosstab.crosstab)
app.command("compare")(compare.compare)
app.command("catchment")(catchment.catchment)
app.command("profile")(profile.profile)
app.command("plan")(plan.plan)
app.command("lists")(lists.lists)
app.command("sheet")(sheet.sheet)
app.command("report")(report.report)
app.command("demo")(demo.demo)
app.command("bench")(bench.bench)


def _show_version(asked: bool) -> None:  # noqa: FBT001 (the signature is Typer's)
    if asked:
        typer.echo(f"grc-fast {__version__}")
        raise typer.Exit


@app.callback()
def _application(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Score a whole customer base on one machine, in seconds."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments
        What follows `grc-fast`; those of the process by default.

    Returns
    -------
    int
        0 done, 1 the data or the options are wrong (one sentence on standard error), 2 usage,
        130 interrupted, 143 terminated.
    """
    _open_what_is_closed()
    _show_every_character()
    _warn_of_limited_addresses()
    is_process = arguments is None
    try:
        with leaving_when_told(process_is_ours=is_process):
            code = _run(arguments)
    except KeyboardInterrupt:
        code = SIGNAL + signal.SIGINT
    _flush()
    if is_process and code > SIGNAL:
        # At once: the interpreter's own end can take the best part of a second.
        os._exit(code)
    return code


def _warn_of_limited_addresses() -> None:
    """Say beforehand what cannot be said when it happens: an allocation that fails is an abort."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        sys.stderr.write(
            f"warning: this process may have {limit / 2**30:.1f} GiB of addresses (ulimit -v), and "
            "a run that needs more ends with status 134 and no result: limit its memory by a "
            "control group instead, such as systemd-run -p MemoryMax=4G\n"
        )


def _run(arguments: Sequence[str] | None) -> int:
    try:
        with panics_as_errors():
            app(args=None if arguments is None else list(arguments), prog_name="grc-fast")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 (whatever it is, it is told in a sentence)
        return _report(error)
    return 0


def _report(error: BaseException) -> int:
    """Say in one sentence what went wrong."""
    if os.environ.get(DEBUG_VARIABLE):
        import traceback

        traceback.print_exception(error)
    sys.stderr.write(f"error: {masked(_one_line(_sentence(error)))}\n")
    return 1


def _sentence(error: BaseException) -> str:
    if isinstance(error, GrcError):
        return str(error)
    if isinstance(error, MemoryError):
        return (
            "there is not enough memory: memory grows with the number of clients and of distinct "
            "orders, so free some, or leave --order out if each row is an order"
        )
    if isinstance(error, OSError):
        return f"the operating system refused: {error}"
    return (
        f"unexpected {type(error).__name__}: {str(error).strip() or 'no message'}: this is a "
        f"fault of grc-fast, please report it (with {DEBUG_VARIABLE}=1 the traceback is shown)"
    )


def _one_line(text: str) -> str:
    """Keep a message on one line, and values in it from steering the terminal."""
    return harmless(" ".join(text.splitlines()))


def _open_what_is_closed() -> None:
    """Let what is shown go nowhere where the process has no standard output or error (`>&-`)."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The next file that is opened would get the number, and what others write to it.
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = ClosedOutput()
    if sys.stderr is None:
        sys.stderr = ClosedOutput()


def _show_every_character() -> None:
    """Write a question mark where the terminal's encoding lacks a character, rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _flush() -> None:
    """Write what is left of standard output, whose reader may have gone."""
    try:
        sys.stdout.flush()
    except OSError:
        forget_standard_output()
