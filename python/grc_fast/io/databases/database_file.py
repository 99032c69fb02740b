"""The file of a database that is one."""

from __future__ import annotations

from pathlib import Path

from grc_fast.errors import SourceError
from grc_fast.io.databases.address import Database
from grc_fast.io.paths import expand


def database_file(database: Database) -> str:
    """Return the path of a database's file.

    Raises
    ------
    SourceError
        If there is none.
    """
    path = Path(database.path)
    if not path.exists():
        expand(str(path))
    if not path.is_file():
        raise SourceError(f"{database.shown} is no file: give the path of one database")
    return str(path)
