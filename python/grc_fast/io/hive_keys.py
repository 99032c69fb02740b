"""Columns that stand in the names of folders: `year=2026/part.parquet`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from grc_fast.errors import SourceError
from grc_fast.io.ids import plain_integers
from grc_fast.io.roles import TableRoles
from grc_fast.io.source import needed_columns, redact

# What writers put in place of a value that is null.
_NULL = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class HiveKeys:
    """The keys in the names of the folders of some files, and what roles need of them.

    Attributes
    ----------
    needed
        The keys that roles read.
    ids
        The types of those among them that are ids: text, unless all are plain integers.
    """

    needed: frozenset[str]
    ids: Mapping[str, pl.DataType]

    @classmethod
    def of(cls, files: Sequence[str], roles: TableRoles) -> HiveKeys:
        """Find the keys of files, and the types of those that are ids."""
        values: dict[str, set[str]] = {}
        for file in files:
            for name, value in _keys(file).items():
                values.setdefault(name, set()).add(value)
        ids = {name for _, name, _ in roles.id_columns()} | roles.sql_text_columns(values)
        types = {name: _id_type(values[name]) for name in sorted(ids & set(values))}
        return cls(needed_columns(roles, values) | frozenset(types), types)

    def types(self, schema: pl.Schema) -> pl.Schema:
        """Give ids in a schema the type that they have in all files."""
        ids = {name: dtype for name, dtype in self.ids.items() if name in schema}
        return pl.Schema({**schema, **ids})

    def stand_in(self, file: str, own: Iterable[str]) -> bool:
        """Tell whether a file has the columns of its own that its folders name, too.

        Raises
        ------
        SourceError
            If it has some of those that are needed, and others stand in the folders alone.
        """
        keys = self.needed & set(_keys(file))
        both = sorted(keys & set(own))
        if both and len(both) < len(keys):
            raise SourceError(
                f"{redact(file)} has a column {both[0]!r}, which the name of its folder gives as "
                "well: rename one of them"
            )
        return bool(both)


def _keys(file: str) -> dict[str, str]:
    parts = (part.partition("=") for part in Path(file).parts[:-1])
    return {name: unquote(value) for name, sign, value in parts if name and sign}


def _id_type(values: Iterable[str]) -> pl.DataType:
    known = pl.Series([value for value in values if value != _NULL], dtype=pl.String)
    return pl.String() if plain_integers(known) is None else pl.Int64()
