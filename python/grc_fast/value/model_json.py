"""Value models as JSON."""

from __future__ import annotations

import datetime as dt
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from grc_fast.errors import ModelError
from grc_fast.io.json_file import load_json, save_json

FORMAT: Final = "grc_fast.value"
VERSION: Final = 1
#: The purchase models by their names in files and options.
TITLES: Final = {"mbgnbd": "MBG/NBD", "bgnbd": "BG/NBD"}
PURCHASE_PARAMETERS: Final = ("r", "alpha", "a", "b")
#: The spend model, by its name in files.
SPEND: Final = "gamma_gamma"
SPEND_PARAMETERS: Final = ("p", "q", "v")

# The models of a file by name, each as the options that make it.
Parts: TypeAlias = dict[str, dict[str, Any]]


def save_parts(parts: Parts, path: str | os.PathLike[str]) -> None:
    """Write what there is of a model beside its target, and rename it when it is complete."""
    save_json(to_dict(parts), path)


def load_parts(path: str | os.PathLike[str]) -> Parts:
    """Read what there is of a model, and say which file is wrong and how if it is not one."""
    return from_dict(load_json(path, "a value model"), os.fspath(path))


def to_dict(parts: Parts) -> dict[str, Any]:
    """Return the models of a file in types that JSON knows."""
    written = {
        name: {
            key: value.isoformat() if isinstance(value, dt.date) else value
            for key, value in part.items()
        }
        for name, part in parts.items()
    }
    return {"format": FORMAT, "version": VERSION, **written}


def from_dict(data: object, where: str) -> Parts:
    """Check what `to_dict` returned, and return the models that it holds."""
    reader = _Reader(where)
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        raise ModelError(
            f'{where} is not a value model: its "format" is not "{FORMAT}"; save one with '
            "model.save(…)"
        )
    if data.get("version") != VERSION:
        raise ModelError(
            f"{where} has the format version {data.get('version')!r}, and this grc_fast reads "
            f"{VERSION}: upgrade with pip install -U grc-fast"
        )
    names = [name for name in TITLES if name in data]
    unknown = set(data) - {"format", "version", SPEND, *names}
    if unknown or len(names) > 1 or not (names or SPEND in data):
        raise reader.error(
            f"it must hold one of {', '.join(TITLES)}, {SPEND} or both, and it holds "
            f"{', '.join(sorted(map(str, data)))}"
        )
    parts = {name: _purchases(reader, name, data[name]) for name in names}
    if SPEND in data:
        parts[SPEND] = _spend(reader, data[SPEND])
    return parts


def _purchases(reader: _Reader, name: str, data: object) -> dict[str, Any]:
    part = reader.table(data, name)
    day = part.get("as_of")
    try:
        as_of = None if day is None else dt.date.fromisoformat(cast(str, day))
    except (TypeError, ValueError):
        raise reader.error(f"{name}.as_of must be a day as 2026-11-01, not {day!r}") from None
    return {
        **reader.parameters(part, name, PURCHASE_PARAMETERS),
        "log_likelihood": reader.number(part, name, "log_likelihood"),
        "standard_errors": reader.errors(part, name),
        "clients": reader.count(part, name),
        "time_scaler": reader.positive(part, name, "time_scaler", default=7.0),
        "as_of": as_of,
    }


def _spend(reader: _Reader, data: object) -> dict[str, Any]:
    part = reader.table(data, SPEND)
    parameters = reader.parameters(part, SPEND, SPEND_PARAMETERS)
    if parameters["q"] <= 1:
        raise reader.error(
            f"{SPEND}.q must be above 1, or the mean spend is infinite, not {parameters['q']}"
        )
    return {
        **parameters,
        "log_likelihood": reader.number(part, SPEND, "log_likelihood"),
        "standard_errors": reader.errors(part, SPEND),
        "clients": reader.count(part, SPEND),
        "correlation": reader.number(part, SPEND, "correlation"),
    }


class _Reader:
    """Takes parts of a model file, and says where the first wrong one is."""

    def __init__(self, where: str) -> None:
        self._where = where

    def error(self, message: str) -> ModelError:
        return ModelError(f"{self._where} is not a whole value model: {message}")

    def table(self, value: object, title: str) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise self.error(f"{title} must be an object, not {value!r}")
        return value

    def parameters(
        self, part: Mapping[str, Any], title: str, names: Sequence[str]
    ) -> dict[str, float]:
        return {name: self.positive(part, title, name) for name in names}

    def positive(
        self, part: Mapping[str, Any], title: str, name: str, default: float | None = None
    ) -> float:
        value = part.get(name, default)
        number = _finite(value)
        if number is None or number <= 0:
            raise self.error(f"{title}.{name} must be a number above 0, not {value!r}")
        return number

    def number(self, part: Mapping[str, Any], title: str, name: str) -> float | None:
        value = part.get(name)
        number = _finite(value)
        if value is not None and number is None:
            raise self.error(f"{title}.{name} must be a number, not {value!r}")
        return number

    def count(self, part: Mapping[str, Any], title: str) -> int:
        value = part.get("clients", 0)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.error(f"{title}.clients must be a whole number from 0, not {value!r}")
        return value

    def errors(self, part: Mapping[str, Any], title: str) -> dict[str, float]:
        errors = self.table(part.get("standard_errors", {}), f"{title}.standard_errors")
        return {name: self.positive(errors, f"{title}.standard_errors", name) for name in errors}


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
