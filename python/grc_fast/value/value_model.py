"""A purchase model and a spend model together, and their JSON."""

from __future__ import annotations

import datetime as dt
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from grc_fast.errors import ModelError
from grc_fast.saved import load_json, save_json

from . import purchases, spend
from .purchases import ModelName, PurchaseModel
from .spend import SpendModel

FORMAT: Final = "grc_fast.value"
VERSION: Final = 1

_SPEND: Final = "gamma_gamma"


@dataclass(frozen=True)
class ValueModel:
    """What is needed to value clients: how often they buy, and what a purchase is worth.

    Attributes
    ----------
    purchases
        The BG/NBD or MBG/NBD model.
    spend
        The Gamma-Gamma model; None if only purchases are predicted.

    Examples
    --------
    >>> import grc_fast as grc
    >>> purchases = grc.PurchaseModel("mbgnbd", 0.525, 6.183, 0.891, 1.614)
    >>> model = grc.ValueModel(purchases, grc.SpendModel(6.25, 3.74, 15.44))
    >>> grc.ValueModel.from_dict(model.to_dict()) == model
    True
    """

    purchases: PurchaseModel
    spend: SpendModel | None

    @property
    def warnings(self) -> list[str]:
        """What to beware of."""
        return self.purchases.warnings + ([] if self.spend is None else self.spend.warnings)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model as JSON, whole or not at all.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        save_parts(self.purchases, self.spend, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ValueModel:
        """Read a model that `save` wrote.

        Raises
        ------
        ModelError
            If the file cannot be read, or is no value model: the sentence says where and why.
        """
        return cls._of(*load_parts(path), os.fspath(path))

    def to_dict(self) -> dict[str, Any]:
        """Return the model in types that JSON knows."""
        return _to_dict(self.purchases, self.spend)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ValueModel:
        """Make a model of what `to_dict` returned.

        Raises
        ------
        ModelError
            If it is anything else.
        """
        return cls._of(*_from_dict(data, "the model"), "the model")

    @classmethod
    def _of(cls, bought: PurchaseModel | None, spent: SpendModel | None, where: str) -> ValueModel:
        if bought is None:
            raise ModelError(
                f"{where} holds no purchase model: fit MBGNBD() or BGNBD() and save it"
            )
        return cls(bought, spent)


def save_parts(
    bought: PurchaseModel | None, spent: SpendModel | None, path: str | os.PathLike[str]
) -> None:
    """Write what there is of a model beside its target, and rename it when it is complete."""
    save_json(_to_dict(bought, spent), path)


def load_parts(path: str | os.PathLike[str]) -> tuple[PurchaseModel | None, SpendModel | None]:
    """Read what there is of a model, and say which file is wrong and how if it is not one."""
    return _from_dict(load_json(path, "a value model"), os.fspath(path))


def _to_dict(bought: PurchaseModel | None, spent: SpendModel | None) -> dict[str, Any]:
    written: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    if bought is not None:
        written[bought.name] = {
            **bought.parameters,
            "log_likelihood": bought.log_likelihood,
            "standard_errors": dict(bought.standard_errors),
            "clients": bought.clients,
            "time_scaler": bought.time_scaler,
            "as_of": None if bought.as_of is None else bought.as_of.isoformat(),
        }
    if spent is not None:
        written[_SPEND] = {
            **spent.parameters,
            "log_likelihood": spent.log_likelihood,
            "standard_errors": dict(spent.standard_errors),
            "clients": spent.clients,
            "correlation": spent.correlation,
        }
    return written


def _from_dict(data: object, where: str) -> tuple[PurchaseModel | None, SpendModel | None]:
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
    names = [name for name in purchases.TITLES if name in data]
    unknown = set(data) - {"format", "version", _SPEND, *names}
    if unknown or len(names) > 1 or not (names or _SPEND in data):
        raise reader.error(
            f"it must hold one of {', '.join(purchases.TITLES)}, {_SPEND} or both, and it holds "
            f"{', '.join(sorted(map(str, data)))}"
        )
    bought = _purchases(reader, cast(ModelName, names[0]), data[names[0]]) if names else None
    spent = _spend(reader, data[_SPEND]) if _SPEND in data else None
    return bought, spent


def _purchases(reader: _Reader, name: ModelName, data: object) -> PurchaseModel:
    part = reader.table(data, name)
    day = part.get("as_of")
    try:
        as_of = None if day is None else dt.date.fromisoformat(cast(str, day))
    except (TypeError, ValueError):
        raise reader.error(f"{name}.as_of must be a day as 2026-11-01, not {day!r}") from None
    return PurchaseModel(
        name,
        *reader.parameters(part, name, purchases.PARAMETERS),
        log_likelihood=reader.number(part, name, "log_likelihood"),
        standard_errors=reader.errors(part, name),
        clients=reader.count(part, name),
        time_scaler=reader.positive(part, name, "time_scaler", default=7.0),
        as_of=as_of,
    )


def _spend(reader: _Reader, data: object) -> SpendModel:
    part = reader.table(data, _SPEND)
    p, q, v = reader.parameters(part, _SPEND, spend.PARAMETERS)
    if q <= 1:
        raise reader.error(f"{_SPEND}.q must be above 1, or the mean spend is infinite, not {q}")
    return SpendModel(
        p,
        q,
        v,
        log_likelihood=reader.number(part, _SPEND, "log_likelihood"),
        standard_errors=reader.errors(part, _SPEND),
        clients=reader.count(part, _SPEND),
        correlation=reader.number(part, _SPEND, "correlation"),
    )


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

    def parameters(self, part: Mapping[str, Any], title: str, names: Sequence[str]) -> list[float]:
        return [self.positive(part, title, name) for name in names]

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
