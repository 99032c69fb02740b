"""Models as JSON files: written whole or not at all, and read back as what they hold."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grc_fast._utils.messages import first_clause
from grc_fast._utils.validation import is_nested_deeply, shown
from grc_fast.errors import GrcError, ModelError
from grc_fast.io.write import json_writer, write_outputs


@dataclass(frozen=True)
class ModelFormat:
    """A kind of model file in JSON: the name and version in it, and what errors call it."""

    name: str
    version: int
    article: str
    title: str

    @contextmanager
    def reading(self, data: object, where: str) -> Iterator[None]:
        """Check the format of a file; what is wrong with its parts becomes a `ModelError`."""
        if not isinstance(data, Mapping) or data.get("format") != self.name:
            raise ModelError(
                f'{where} is not {self.article} {self.title}: its "format" is not "{self.name}"; '
                "save one with model.save(…)"
            )
        whole = f"{where} is not a whole {self.title}"
        if is_nested_deeply(data):
            raise ModelError(f"{whole}: it is nested too deeply to be read")
        version = data.get("version")
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            raise ModelError(f'{whole}: its "version" is {shown(version)}')
        if version > self.version:
            raise ModelError(
                f"{where} was written by a newer grc_fast (format version {version}; this one "
                f"reads up to {self.version}): upgrade with pip install -U grc-fast"
            )
        try:
            yield
        except (GrcError, ValueError) as error:
            raise ModelError(f"{whole}: {error}") from None


def save_json(content: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a model's content beside its target, and rename it when it is complete.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_outputs({path: json_writer(content)})


def load_json(path: str | os.PathLike[str], kind: str) -> Any:
    """Read a file that should hold a model of a kind, such as "an RFM model".

    Raises
    ------
    ModelError
        If it cannot be read or is not JSON: the sentence names the file.
    """
    where = os.fspath(path)
    try:
        written = Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"{where}: cannot be read ({error.strerror or error})") from None
    try:
        return json.loads(written.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"{where} is not {kind}: it is not JSON ({first_clause(error)}); save one with "
            "model.save(…)"
        ) from None
