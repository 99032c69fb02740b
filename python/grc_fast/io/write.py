"""Frames and reports written to files, whole or not at all."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import polars as pl

from grc_fast._typing import AnyPath
from grc_fast.errors import OutputError
from grc_fast.io.atomic import atomic_paths, naming, reason
from grc_fast.io.csv_output import write_csv
from grc_fast.io.databases.address import is_database
from grc_fast.io.databases.replace import output_table, replace_table
from grc_fast.io.output_style import PLAIN, OutputStyle
from grc_fast.io.xlsx import write_xlsx
from grc_fast.labels.coded_columns import in_words

FrameWriter = Callable[[pl.DataFrame, BinaryIO, OutputStyle], None]
STDOUT: Final = "-"
"""The path that stands for standard output."""
# Fixed, so that the same frame gives the same row groups whatever the engine's own default is.
_ROW_GROUP: Final = 262_144
# Rows turned into CSV text at a time for standard output: a few megabytes.
_CSV_ROWS: Final = 65_536
# Rows written as text at a time: signals are seen between two calls of Polars, and not within one.
_TEXT_ROWS: Final = 1_048_576


class ClosedOutput(io.StringIO):
    """A standard output that is closed: what is shown goes nowhere, results are refused."""

    def write(self, text: str, /) -> int:
        """Drop a text."""
        return len(text)


def check_standard_output() -> None:
    """Refuse to write a result where there is no standard output.

    Raises
    ------
    OutputError
        If standard output is closed.
    """
    if sys.stdout is None or isinstance(sys.stdout, ClosedOutput):
        raise OutputError("standard output is closed: name a file for the result")


def write_frame(frame: pl.DataFrame, path: AnyPath, style: OutputStyle = PLAIN) -> None:
    r"""Write a frame in the format of its path's extension, whole or not at all.

    Parameters
    ----------
    frame
        Any frame; CSV takes no nested columns.
    path
        `.parquet`, `.csv`, `.ndjson` or `.jsonl`, `.arrow`, `.ipc` or `.feather`, `.xlsx`; `-`
        writes CSV to standard output. An existing file is replaced. `postgresql://host/base#table`
        or `base.duckdb#table` replaces a table, in one transaction.
    style
        How it is written, within its format.

    Raises
    ------
    OutputError
        The extension is unknown, the directory is missing or read-only, the disk is full, or the
        format cannot hold the frame. Nothing is left behind.

    Notes
    -----
    In XLSX, a text that a spreadsheet would run as a formula gets a leading apostrophe, and ids
    and integers beyond 2^53 are written as text. A plain CSV is data and is left as it is.

    Examples
    --------
    >>> import polars as pl, tempfile, pathlib
    >>> from grc_fast.io.write import write_frame
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     target = pathlib.Path(directory, "scores.csv")
    ...     write_frame(pl.DataFrame({"client_id": [1, 2], "points": [15, 3]}), target)
    ...     target.read_text()
    'client_id,points\n1,15\n2,3\n'
    """
    name = os.fspath(path)
    if name == STDOUT:
        _write_standard_output(frame, style)
    elif is_database(name):
        replace_table(frame, output_table(name))
    else:
        write_outputs({path: frame_writer(frame, path, style)})


def write_outputs(
    outputs: Mapping[AnyPath, Callable[[Path], None]],
    last: Callable[[], None] | None = None,
    *,
    sealed: bool = False,
) -> None:
    """Write several files of one run: all of them appear, or none.

    Parameters
    ----------
    outputs
        For each target, the function that writes it to the path it is given (a temporary file
        beside the target).
    last
        What else must succeed (a result on standard output) before the files get their names.
    sealed
        Whether the last target vouches for the others (see `atomic_paths`).

    Raises
    ------
    OutputError
        One of them cannot be written; the others are then left as they were.
    """
    with atomic_paths(list(outputs), sealed=sealed) as temporaries:
        for (target, write), temporary in zip(outputs.items(), temporaries, strict=True):
            with naming(target):
                write(temporary)
        if last is not None:
            last()


def write_result(
    frame: pl.DataFrame,
    path: AnyPath,
    beside: Mapping[AnyPath, Callable[[Path], None]],
    style: OutputStyle = PLAIN,
) -> None:
    """Write the result of a run to a file, a table or standard output, and files beside it.

    Parameters
    ----------
    frame
        The result.
    path
        Where it goes; `STDOUT` writes CSV to standard output, and the address of a database with
        `#table` replaces that table.
    beside
        As for `write_outputs`: all files appear, or none.
    style
        How the result is written, within its format.

    Raises
    ------
    OutputError
        One of them cannot be written; the others are then left as they were.
    """
    name = os.fspath(path)
    if name == STDOUT:
        write_outputs(beside, last=lambda: write_frame(frame, STDOUT, style))
    elif is_database(name):
        write_outputs(beside, last=lambda: replace_table(frame, output_table(name)))
    else:
        write_outputs({path: frame_writer(frame, path, style), **beside})


def frame_writer(
    frame: pl.DataFrame, path: AnyPath, style: OutputStyle = PLAIN
) -> Callable[[Path], None]:
    """Return the function that writes a frame in the format of `path`, for `write_outputs`."""
    write = format_of(path)
    return lambda temporary: _write_file(frame, temporary, write, style)


def json_writer(content: Mapping[str, Any]) -> Callable[[Path], None]:
    """Return the function that writes `content` as JSON, for `write_outputs`."""
    return text_writer(json_text(content))


def text_writer(text: str) -> Callable[[Path], None]:
    """Return the function that writes a text, for `write_outputs`."""

    def write(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8", newline="\n")

    return write


def json_text(content: Mapping[str, Any]) -> str:
    """Return JSON for readers and programs: indented, in plain letters, one line end at the end."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _write_file(frame: pl.DataFrame, path: Path, write: FrameWriter, style: OutputStyle) -> None:
    with path.open("wb") as file:
        # In one chunk, so that the bytes do not depend on how the frame was made.
        write(frame.rechunk(), file, style)


def write_text(text: str) -> None:
    """Write text on standard output; a reader that has gone is no error."""
    with _standard_output():
        sys.stdout.write(text)


def _write_standard_output(frame: pl.DataFrame, style: OutputStyle) -> None:
    check_standard_output()
    with _standard_output():
        for start in range(0, max(frame.height, 1), _CSV_ROWS):
            part = io.BytesIO()
            write_csv(frame.slice(start, _CSV_ROWS), part, style.csv, is_first=start == 0)
            # Past the text layer, which would turn line ends into those of the platform.
            sys.stdout.flush()
            sys.stdout.buffer.write(part.getvalue())


@contextmanager
def _standard_output() -> Iterator[None]:
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        forget_standard_output()
    except (OSError, pl.exceptions.PolarsError) as error:
        forget_standard_output()
        raise OutputError(f"standard output cannot be written: {reason(error)}") from error


def forget_standard_output() -> None:
    """Point standard output at nothing, so that the flush at exit does not fail again."""
    with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())


def _parquet(frame: pl.DataFrame, file: BinaryIO, style: OutputStyle) -> None:
    # Snappy: every reader takes it, and it costs a fifth less processor time than zstd.
    frame.write_parquet(
        file,
        row_group_size=_ROW_GROUP,
        compression="snappy",
        metadata=dict(style.metadata) if style.metadata else None,
    )


def _csv(frame: pl.DataFrame, file: BinaryIO, style: OutputStyle) -> None:
    if style.csv != "plain":
        frame = in_words(frame, style.lang)
    for start in range(0, max(frame.height, 1), _TEXT_ROWS):
        write_csv(frame.slice(start, _TEXT_ROWS), file, style.csv, is_first=start == 0)


def _ndjson(frame: pl.DataFrame, file: BinaryIO, _style: OutputStyle) -> None:
    for start in range(0, frame.height, _TEXT_ROWS):
        frame.slice(start, _TEXT_ROWS).write_ndjson(file)


def _arrow(frame: pl.DataFrame, file: BinaryIO, _style: OutputStyle) -> None:
    # Arrow files hold validity bitmaps as they are: only those of a frame that is put together anew
    # are sure to have zeros for unused bits.
    frame = pl.concat([frame.slice(0, 1), frame.slice(1)], rechunk=True)
    # Without string views, which Spark and older Arrow readers do not take.
    frame.write_ipc(file, compat_level=pl.CompatLevel.oldest())


def _xlsx(frame: pl.DataFrame, file: BinaryIO, style: OutputStyle) -> None:
    write_xlsx(in_words(frame, style.lang), file, style.lang)


_FORMATS: Final[Mapping[str, FrameWriter]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".ndjson": _ndjson,
    ".jsonl": _ndjson,
    ".arrow": _arrow,
    ".ipc": _arrow,
    ".feather": _arrow,
    ".xlsx": _xlsx,
}


def format_of(path: AnyPath) -> FrameWriter:
    """Return the function that writes the format of an extension."""
    extension = Path(path).suffix.lower()
    try:
        return _FORMATS[extension]
    except KeyError:
        has = f"has the unknown extension {extension!r}" if extension else "has no extension"
        raise OutputError(
            f"output {os.fspath(path)!r} {has}: name it with one of {', '.join(_FORMATS)}, "
            "or use - for CSV on standard output"
        ) from None
