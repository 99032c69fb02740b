"""LibreOffice without a screen: what a spreadsheet makes of a file."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

import pytest

_PROGRAM = shutil.which("soffice")
needs_libreoffice = pytest.mark.skipif(
    _PROGRAM is None, reason="LibreOffice (libreoffice-calc-nogui) is not installed"
)


def opened(path: Path, filters: str = "") -> list[list[str]]:
    """Return the cells of the first sheet of a file as LibreOffice shows them.

    `filters` says how it reads a CSV file; by default as a double click does.
    """
    assert _PROGRAM is not None
    folder = path.parent / f"{path.name} opened"
    reading = [f"--infilter=CSV:{filters}"] if filters else []
    subprocess.run(
        [
            _PROGRAM, f"-env:UserInstallation={(path.parent / 'profile').as_uri()}", "--headless",
            *reading, "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true",
            "--outdir", str(folder), str(path),
        ],
        check=True, capture_output=True, timeout=240,
    )  # fmt: skip
    with (folder / f"{path.stem}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))
