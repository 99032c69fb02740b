"""Columns of every type from every source: read to the right values, or refused in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import column_types
from column_types import AMOUNTS, DAY, KINDS, ROLES, SOURCES

LONGEST = 400
# Where every type is held as what it is; elsewhere another type, often text, is what is read.
FAITHFUL = {"PyArrow table", "PyArrow reader", "Parquet", "Arrow file", "Arrow stream in a file"}


@cache
def outcomes(source: str, folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    command = [sys.executable, column_types.__file__, source, str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    lines = map(json.loads, run.stdout.splitlines())
    return {(kind, role): outcome for kind, role, outcome in lines}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("types")


@pytest.mark.parametrize("source", SOURCES)
def test_a_column_that_nobody_reads_may_be_of_any_type(source: str, folder: Path) -> None:
    found = {
        kind: outcome
        for (kind, role), outcome in outcomes(source, folder).items()
        if role == "unread" and outcome["has"]
    }
    assert len(found) > 20
    for kind, outcome in found.items():
        assert outcome.get("clients") == [1, 2, 3], (kind, outcome)
        assert outcome["totals"] == AMOUNTS, (kind, outcome)


@pytest.mark.parametrize("role", ROLES[1:])
@pytest.mark.parametrize("source", SOURCES)
def test_a_column_is_read_to_the_right_values_or_refused_in_a_sentence(
    source: str, role: str, folder: Path
) -> None:
    found = outcomes(source, folder)
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
def test_what_a_role_can_take_is_read(source: str, folder: Path) -> None:
    found = outcomes(source, folder)
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
