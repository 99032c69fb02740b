"""Columns of every type from every source: read to the right values, or refused in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import column_types
from column_types import AMOUNTS, DAY, KINDS, ROLES, SOURCES

LONGEST = 400
# Where every type is held as what it is; elsewhere another type, often text, is what is read.
FAITHFUL = {"PyArrow table", "PyArrow reader", "Parquet", "Arrow file", "Arrow stream in a file"}


class Reader:
    """A process that reads every type from the sources it is told, so that it alone may abort."""

    def __init__(self, folder: Path) -> None:
        self._said = (folder / "said").open("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, column_types.__file__, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )
        self._found: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}

    def outcomes(self, source: str) -> dict[tuple[str, str], dict[str, Any]]:
        if source not in self._found:
            assert self._process.poll() is None, f"it ended at another source: {self._told()}"
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            print(source, file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
            assert line, self._told()
            self._found[source] = {(kind, role): found for kind, role, found in json.loads(line)}
        return self._found[source]

    def close(self) -> None:
        self._process.communicate(timeout=60)
        self._said.close()

    def _told(self) -> str:
        self._said.seek(0)
        return self._said.read()[-2000:]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with closing(Reader(tmp_path_factory.mktemp("types"))) as reader:
        yield reader


@pytest.mark.parametrize("source", SOURCES)
def test_a_column_that_nobody_reads_may_be_of_any_type(source: str, reader: Reader) -> None:
    found = {
        kind: outcome
        for (kind, role), outcome in reader.outcomes(source).items()
        if role == "unread" and outcome["has"]
    }
    assert len(found) > 20
    for kind, outcome in found.items():
        assert outcome.get("clients") == [1, 2, 3], (kind, outcome)
        assert outcome["totals"] == AMOUNTS, (kind, outcome)


@pytest.mark.parametrize("role", ROLES[1:])
@pytest.mark.parametrize("source", SOURCES)
def test_a_column_is_read_to_the_right_values_or_refused_in_a_sentence(
    source: str, role: str, reader: Reader
) -> None:
    found = reader.outcomes(source)
    for kind in KINDS:
        outcome = found.get((kind, role), {"has": False})
        if not outcome["has"]:
            continue
        if "error" in outcome:
            assert outcome["is_ours"], (kind, outcome)
            assert "\n" not in outcome["error"], (kind, outcome)
            assert len(outcome["error"]) <= LONGEST, (kind, outcome)
            assert "Exception" not in outcome["error"], (kind, outcome)
        else:
            check_values(source, kind, role, outcome)


def check_values(source: str, kind: str, role: str, outcome: dict[str, Any]) -> None:
    expected, told = KINDS[kind], (source, kind, outcome)
    if kind == "null":
        assert outcome["clients"] == [], told
    elif role == "client_id" and expected.clients is not None:
        assert sorted(map(str, outcome["clients"])) == sorted(map(str, expected.clients)), told
        assert outcome["totals"] == AMOUNTS, told
    elif role == "client_id":
        assert sum(outcome["totals"]) == sum(AMOUNTS), told
    elif role == "date":
        assert expected.is_date, told
        assert outcome["days"] == [str(DAY)] * 3, told
    elif expected.amounts is not None:
        assert outcome["totals"] == list(expected.amounts), told
    else:
        assert source not in FAITHFUL or kind == "bool8", told


@pytest.mark.parametrize("source", sorted(FAITHFUL))
def test_what_a_role_can_take_is_read(source: str, reader: Reader) -> None:
    found = reader.outcomes(source)
    for kind, expected in KINDS.items():
        if kind == "decimal256":
            continue  # no more than 38 digits are taken
        for role, is_taken in (
            ("client_id", expected.clients is not None),
            ("date", expected.is_date),
            ("amount", expected.amounts is not None),
        ):
            if is_taken and found[kind, role]["has"]:
                assert "error" not in found[kind, role], (kind, role, found[kind, role])
