"""Value models as JSON."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field, FiniteFloat

from grc_fast._utils.validation import Count, Day, Section, part_of, saying
from grc_fast.io.json_file import ModelFormat, load_json, save_json
from grc_fast.value.histories import Basket

_FORMAT: Final = ModelFormat("grc_fast.value", 1, "a", "value model")
#: The purchase models by their names in files and options.
TITLES: Final = {"mbgnbd": "MBG/NBD", "bgnbd": "BG/NBD"}
PURCHASE_PARAMETERS: Final = ("r", "alpha", "a", "b")
#: The spend model, by its name in files.
SPEND: Final = "gamma_gamma"
SPEND_PARAMETERS: Final = ("p", "q", "v")

#: The most steps to a purchase.
MAX_REGULARITY: Final = 20
#: What parameters can be: beyond that series do not end, and numbers overflow.
PARAMETERS: Final = (1e-12, 1e15)
#: The same of v, which is money.
MONEY: Final = (1e-30, 1e30)
#: What a unit of time can be, in days: a minute and a half, to a century.
UNITS: Final = (0.001, 36_525.0)


# The models of a file by name, each as the options that make it.
Parts: TypeAlias = dict[str, dict[str, Any]]

_Positive = Annotated[
    float, Field(gt=0, allow_inf_nan=False), saying("must be a number above 0, not {given}")
]
_Finite = Annotated[FiniteFloat, saying("must be a number, not {given}")]
_MeanIsFinite = Annotated[
    FiniteFloat,
    Field(gt=1, le=PARAMETERS[1]),
    saying("must be above 1, or the mean spend is infinite, and up to 1e+15, not {given}"),
]


_Parameter = Annotated[
    float,
    Field(ge=PARAMETERS[0], le=PARAMETERS[1]),
    saying("must be a number from 1e-12 to 1e+15, not {given}"),
]
_Money = Annotated[
    float,
    Field(ge=MONEY[0], le=MONEY[1]),
    saying("must be a number from 1e-30 to 1e+30, not {given}"),
]
_Unit = Annotated[
    float,
    Field(ge=UNITS[0], le=UNITS[1]),
    saying("must be a number from 0.001 to 36525, not {given}"),
]
_Limit = Annotated[
    Literal["no_dropout", "common_dropout", "one_rate"],
    saying("must be no_dropout, common_dropout or one_rate, not {given}"),
]
_Regularity = Annotated[
    int,
    Field(ge=1, le=MAX_REGULARITY),
    saying(f"must be a whole number from 1 to {MAX_REGULARITY}, not {{given}}"),
]
_Basket = Annotated[Basket, saying("must be all or repeat, not {given}")]
# A parameter that is left out is no number.
_NEEDED: Final[Any] = None


class _Fitted(Section):
    """What both kinds of model know of their fit."""

    model_config = ConfigDict(validate_default=True)

    log_likelihood: _Finite | None = None
    standard_errors: dict[str, _Positive] = Field(default_factory=dict)
    clients: Count = 0
    prior: bool = False
    # Rows of the covariance of the parameters; null where one is given.
    covariance: list[list[_Finite | None]] = Field(default_factory=list)


class _Purchases(_Fitted):
    r: _Parameter = _NEEDED
    alpha: _Parameter = _NEEDED
    a: _Parameter = _NEEDED
    b: _Parameter = _NEEDED
    limits: list[_Limit] = Field(default_factory=list)
    regularity: _Regularity = 1
    time_scaler: _Unit = 7.0
    as_of: Day | None = None


class _Spend(_Fitted):
    p: _Parameter = _NEEDED
    q: _MeanIsFinite = _NEEDED
    v: _Money = _NEEDED
    correlation: _Finite | None = None
    one_price: bool = False
    basket: _Basket = "repeat"


_PARTS: Final[Mapping[str, type[_Fitted]]] = {**dict.fromkeys(TITLES, _Purchases), SPEND: _Spend}


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
    return {"format": _FORMAT.name, "version": _FORMAT.version, **written}


def from_dict(data: Any, where: str) -> Parts:
    """Check what `to_dict` returned, and return the models that it holds."""
    with _FORMAT.reading(data, where):
        names = set(data) - {"format", "version"}
        if not names or not names <= set(_PARTS) or names >= set(TITLES):
            raise ValueError(
                f"it must hold one of {', '.join(TITLES)}, {SPEND} or both, and it holds "
                f"{', '.join(sorted(map(str, data)))}"
            )
        return {
            name: part_of(model, data[name], name).model_dump()
            for name, model in _PARTS.items()
            if name in names
        }
