"""Models as JSON files: written whole or not at all, and read back as what they hold."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grc_fast.errors import ModelError
from grc_fast.io.write import json_writer, write_outputs


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
            f"{where} is not {kind}: it is not JSON ({error}); save one with model.save(…)"
        ) from None
