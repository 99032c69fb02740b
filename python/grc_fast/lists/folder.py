"""The folder of lists: every file whole or none, and the manifest when all are there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from grc_fast._typing import AnyPath
from grc_fast._utils.messages import quoted
from grc_fast._utils.side_by_side import side_by_side
from grc_fast.errors import DataError, OutputError
from grc_fast.io.atomic import make_directory
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.output_style import OutputStyle
from grc_fast.io.write import frame_writer, json_writer, write_outputs
from grc_fast.io.xlsx import require_xlsxwriter
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase
from grc_fast.lists.cell_text import as_cells

ListFormat = Literal["csv", "xlsx", "parquet"]
FORMATS: Final = ("csv", "xlsx", "parquet")
MANIFEST: Final = "manifest.json"
# Names that every system takes, of letters of any alphabet; those of devices are Windows's.
_PLAIN_NAME: Final = re.compile(r"(?!\.)[\w .&+-]{1,60}(?<![ .])")
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def file_stem(name: str, what: str) -> str:
    """Return the name of a channel, or of whatever else there is a file of, as that of the file.

    Raises
    ------
    DataError
        If no file can have it.

    Examples
    --------
    >>> file_stem("email", "the channel")
    'email'
    """
    if _PLAIN_NAME.fullmatch(name) is None or _DEVICE.fullmatch(name):
        raise DataError(
            f"{what} {quoted(name)} cannot be the name of a file: rename it with letters, digits, "
            "blanks and - _ . & +"
        )
    return name


def file_stems(names: Iterable[str], what: str) -> dict[str, str]:
    """Return names of channels, or of whatever else there are files of, as those of the files.

    Raises
    ------
    DataError
        If no file can have a name, or two cannot be told apart by every system.
    """
    stems = {name: file_stem(name, f"the {what}") for name in names}
    folded: dict[str, str] = {}
    for name, stem in stems.items():
        twin = folded.setdefault(stem.casefold(), name)
        if twin is not name:
            raise DataError(
                f"the {what}s {twin!r} and {name!r} differ in capitals alone, and so would their "
                "files: rename one"
            )
    return stems


def check_folder(
    directory: AnyPath, list_format: ListFormat, inputs: Iterable[Any]
) -> list[Wording]:
    """Refuse a folder that could not be written, as far as can be said before any work.

    Returns
    -------
    list of Wording
        What to know of what is there.

    Raises
    ------
    OutputError
        If it is a file or cannot be written to, or the format needs an extra that is missing.
    """
    folder = Path(directory)
    if list_format == "xlsx":
        require_xlsxwriter()
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{str(folder)!r} is a file, and lists go into a folder: name one")
    return check_outputs([], [folder / MANIFEST], inputs) if folder.is_dir() else []


def list_writers(
    tables: Mapping[str, pl.DataFrame], list_format: ListFormat, style: OutputStyle
) -> dict[str, Callable[[Path], None]]:
    """Return the functions that write lists, by the name of the file.

    Raises
    ------
    DataError
        If a list's name cannot be that of a file, or two cannot be told apart by every system.
    """
    stems = file_stems(tables, "channel")
    shown = list(tables.values())
    if list_format != "parquet" and shown:
        shown = side_by_side(as_cells, shown)
    names = [f"{stem}.{list_format}" for stem in stems.values()]
    return {
        name: frame_writer(table, name, style) for name, table in zip(names, shown, strict=True)
    }


def write_folder(
    directory: AnyPath,
    files: Mapping[str, Callable[[Path], None]],
    manifest: Mapping[str, Any],
    inputs: Iterable[Any] = (),
) -> tuple[tuple[Path, ...], tuple[Wording, ...]]:
    """Write files and then their manifest into a folder, which is made if it is not there.

    Returns
    -------
    tuple of Path, tuple of str
        What was written, the manifest last, and what to know of the folder.

    Raises
    ------
    OutputError
        If one of them cannot be written; all are then as they were.
    """
    folder = make_directory(directory, "--out")
    writers: dict[AnyPath, Callable[[Path], None]] = {}
    for name, write in files.items():
        writers[folder / name] = write
    writers[folder / MANIFEST] = json_writer(manifest)
    notes = check_outputs([], writers, inputs)
    others = sorted(
        path.name
        for path in folder.iterdir()
        if path.is_file() and not path.name.startswith(".") and path not in writers
    )
    if others:
        left = Phrase("note.left_in_folder", folder=repr(str(folder)), files=", ".join(others))
        notes.append(left)
    write_outputs(writers, sealed=True)
    return tuple(Path(path) for path in writers), tuple(notes)
