"""The files that a folder or a glob names, and what else is there: all is accounted for."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from grc_fast.errors import SourceError
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, first_of

# How many names a sentence lists.
_NAMED: Final = 10
_HIDDEN: Final = (".", "_")


@dataclass(frozen=True)
class Listing:
    """The files of a source.

    Attributes
    ----------
    read
        Those that are read.
    skipped
        What else a folder or a glob holds: hidden files, files of no known format, folders.
    """

    read: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def phrases(self) -> list[Wording]:
        """Their names for a reader, where there is more to say than one name."""
        found: list[Wording] = []
        if len(self.read) > 1:
            names = first_of(self.read, _NAMED)
            found.append(Phrase("note.files_read", files=len(self.read), names=names))
        if self.skipped:
            found.append(Phrase("note.files_skipped", names=first_of(self.skipped, _NAMED)))
        return found


def folder_listing(folder: Path, is_table: Callable[[str], bool]) -> Listing:
    """List the files of a folder and of those below it, linked ones included.

    What begins with a point or an underscore is skipped, as the tools that write such files do.

    Parameters
    ----------
    folder
        The folder.
    is_table
        Whether a file of some name holds a table.

    Raises
    ------
    SourceError
        If a folder cannot be read, or a link leads nowhere.
    """
    read: list[Path] = []
    skipped: list[str] = []
    entered: set[str] = set()

    def enter(folder: Path) -> None:
        entered.add(os.path.realpath(folder))
        for path in _entries(folder):
            is_folder = path.is_dir()
            if path.name.startswith(_HIDDEN):
                skipped.append(_shown(path))
            elif is_folder and os.path.realpath(path) in entered:
                skipped.append(f"{path}/ (a link to a folder that is read)")
            elif is_folder:
                enter(path)
            elif is_file(path) and is_table(str(path)):
                read.append(path)
            else:
                skipped.append(str(path))

    enter(folder)
    return Listing(tuple(map(str, sorted(read))), tuple(skipped))


def glob_listing(pattern: str, packed: Sequence[str]) -> Listing:
    """List the files that a glob matches; `**` stands for any folders.

    Those that it would match but for an extension of `packed` are named as skipped.

    Raises
    ------
    SourceError
        If a folder cannot be read, or a link leads nowhere.
    """
    whole = Path(pattern)
    bases = {Path(whole.anchor)}
    for part in whole.parent.relative_to(whole.anchor).parts:
        bases = {path for base in bases for path in _matching(base, part)}
    found = {path for base in bases for path in _matching(base, whole.name)}
    read = {path for path in found if is_file(path)}
    # Whoever asks for all of `*.csv` may well mean those that are packed.
    found |= {
        path for base in bases for end in packed for path in _matching(base, whole.name + end)
    }
    return Listing(
        tuple(map(str, sorted(read))),
        tuple(f"{path}/" if path.is_dir() else str(path) for path in sorted(found - read)),
    )


def _matching(base: Path, part: str) -> Iterator[Path]:
    """Give what one part of a glob matches in a folder."""
    if part == "**":
        yield from _folders(base)
    elif not glob.has_magic(part):
        if os.path.lexists(base / part):
            yield base / part
    elif base.is_dir():
        for path in _entries(base):
            hides = path.name.startswith(".") and not part.startswith(".")
            if not hides and fnmatchcase(path.name, part):
                yield path


def _folders(base: Path) -> Iterator[Path]:
    """Give a folder and those below it; links are not followed, as they may lead around."""
    if not base.is_dir():
        return
    yield base
    for path in _entries(base):
        if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            yield from _folders(path)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise SourceError(
            f"the folder {str(folder)!r} cannot be read: {error.strerror or error}"
        ) from None


def is_file(path: Path) -> bool:
    """Tell whether there is a file; a link to nothing is refused."""
    if path.is_symlink() and not path.exists():
        raise SourceError(
            f"{path} is a link to {str(path.readlink())!r}, which leads to no file: mend or remove "
            "it"
        )
    return path.is_file()


def _shown(path: Path) -> str:
    return f"{path}/" if path.is_dir() else str(path)
