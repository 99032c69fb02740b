"""Files of one JSON array, a record an element."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from grc_fast._utils.messages import first_line
from grc_fast.errors import SourceError
from grc_fast.io.object_store import open_bytes
from grc_fast.io.source import FramePart
from grc_fast.io.store_faults import is_in_object_store

_BLANKS = b" \t\r\n"


class JsonArrayPart(FramePart):
    """The records of a JSON array."""

    dates_are_written = True


def is_json_array(path: str) -> bool:
    """Tell whether a file begins as an array does."""
    if "://" in path and not is_in_object_store(path):
        return False
    with open_bytes(path) as file:
        head = file.read(4096)
    return head.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANKS).startswith(b"[")


def json_array_part(path: str, place: str) -> JsonArrayPart:
    """Read a JSON array whole; the types of all its records decide those of its columns.

    Raises
    ------
    SourceError
        If it is no array of records.
    """
    try:
        # Its bytes: a file that is named would be mapped, and might be shortened meanwhile.
        frame = pl.read_json(Path(path).read_bytes(), infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{place} cannot be read as a JSON array: {first_line(error)}") from None
    return JsonArrayPart(place, frame.schema, frame=frame)
