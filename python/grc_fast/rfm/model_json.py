"""A model as plain JSON: what is written, and what is refused when it is read back."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any, Final, cast

from grc_fast._typing import Number
from grc_fast.errors import GrcError, ModelError
from grc_fast.rfm.bands import Banding, FittedBands, Pair, TieRun
from grc_fast.rfm.criteria import Criterion, Frequency, Monetary, Recency, whole_weights
from grc_fast.rfm.fitted import FittedModel
from grc_fast.rfm.segments.table import SegmentTable
from grc_fast.rfm.specification import MOST_POINTS, Specification

FORMAT: Final = "grc_fast.rfm"
VERSION: Final = 1
_CRITERIA: Final = {"recency": Recency, "frequency": Frequency, "monetary": Monetary}
_OPTIONS: Final = ("bins", "ties", "edges", "groups", "returns", "lang")
# JSON has no infinities, and an edge may be one.
_INFINITIES: Final = {math.inf: "inf", -math.inf: "-inf"}


def model_to_dict(model: FittedModel) -> dict[str, Any]:
    """Return the model in types that JSON knows."""
    spec = model.rfm
    criteria = {name: _criterion_to_dict(getattr(spec, name)) for name in _CRITERIA}
    return {
        "format": FORMAT,
        "version": VERSION,
        "spec": {**criteria, **{option: getattr(spec, option) for option in _OPTIONS}},
        "bands": {bands.criterion.name: _bands_to_dict(bands) for bands in model.fitted},
        "group_floors": [_number_out(floor) for floor in model.group_floors],
        "segments": spec.table.to_dict(),
        "fit": {
            "clients": model.clients,
            "as_of": None if model.as_of is None else model.as_of.isoformat(),
            "band_sizes": {bands.criterion.name: list(bands.counts) for bands in model.fitted},
            "ties": {
                bands.criterion.name: [
                    [run.first, run.last, _number_out(run.value), run.clients] for run in bands.ties
                ]
                for bands in model.fitted
            },
            "grc_fast": model.package,
        },
    }


def model_from_dict(data: object, where: str) -> FittedModel:
    """Make a model of what `model_to_dict` returned; anything else is a ModelError."""
    _check_format(data, where)
    reader = _Reader(where)
    top = reader.table(data, "the file", ("format", "version", *_PARTS))
    fit = reader.table(top["fit"], "fit", ("clients", "as_of", "band_sizes", "ties", "grc_fast"))
    spec = _spec(reader, top["spec"], top["segments"])
    names = [criterion.name for criterion in spec.criteria]
    bands, sizes, ties = (
        reader.table(part, title, names)
        for part, title in (
            (top["bands"], "bands"),
            (fit["band_sizes"], "fit.band_sizes"),
            (fit["ties"], "fit.ties"),
        )
    )
    fitted = tuple(
        _bands(reader, banding, bands[name], sizes[name], ties[name])
        for name, banding in zip(names, spec.bandings, strict=True)
    )
    clients = reader.count(fit["clients"], "fit.clients", least=1)
    _check_sizes(reader, fitted, clients)
    return FittedModel(
        rfm=spec,
        fitted=fitted,
        group_floors=_floors(reader, top["group_floors"], spec),
        clients=clients,
        as_of=reader.day(fit["as_of"], "fit.as_of"),
        package=reader.text(fit["grc_fast"], "fit.grc_fast"),
    )


_PARTS: Final = ("spec", "bands", "group_floors", "segments", "fit")


class _Reader:
    """Takes parts of a model file, and says where the first wrong one is."""

    def __init__(self, where: str) -> None:
        self._where = where

    def error(self, message: str) -> ModelError:
        return ModelError(f"{self._where} is not a whole RFM model: {message}")

    def table(self, value: object, title: str, keys: Sequence[str]) -> dict[str, Any]:
        """Take a JSON object with just these keys."""
        if not isinstance(value, Mapping):
            raise self.error(f"{title} must be an object, not {_shown(value)}")
        for key in keys:
            if key not in value:
                raise self.error(f"{title} has no key {key!r}")
        for key in value:
            if key not in keys:
                raise self.error(f"{title} has an unknown key {key!r}")
        return dict(value)

    def array(self, value: object, title: str) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise self.error(f"{title} must be a list, not {_shown(value)}")
        return list(value)

    def number(self, value: object, title: str) -> Number:
        for number, written in _INFINITIES.items():
            if value == written:
                return number
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise self.error(f"{title} must be a number, not {_shown(value)}")
        return value

    def count(self, value: object, title: str, *, least: int = 0) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.error(f"{title} must be a whole number from {least}, not {_shown(value)}")
        return value

    def text(self, value: object, title: str) -> str:
        if not isinstance(value, str):
            raise self.error(f"{title} must be text, not {_shown(value)}")
        return value

    def day(self, value: object, title: str) -> dt.date | None:
        if value is None:
            return None
        try:
            return dt.date.fromisoformat(self.text(value, title))
        except ValueError:
            raise self.error(f"{title} must be a day as 2026-11-01, not {value!r}") from None


def _check_format(data: object, where: str) -> None:
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        raise ModelError(
            f'{where} is not an RFM model: its "format" is not "{FORMAT}"; save one with '
            "model.save(…)"
        )
    version = data.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ModelError(f'{where} is not a whole RFM model: its "version" is {_shown(version)}')
    if version > VERSION:
        raise ModelError(
            f"{where} was written by a newer grc_fast (format version {version}; this one reads "
            f"up to {VERSION}): upgrade with pip install -U grc-fast"
        )


def _spec(reader: _Reader, data: object, segments: object) -> Specification:
    spec = reader.table(data, "spec", (*_CRITERIA, *_OPTIONS))
    try:
        table = SegmentTable.from_dict(cast(Any, segments), name="segments")
        criteria = {
            name: None if spec[name] is None else _criterion(reader, name, spec[name])
            for name in _CRITERIA
        }
        options = {option: spec[option] for option in _OPTIONS}
        return Specification(**cast(Any, criteria), **options, segments=table)
    except ModelError:
        raise
    except GrcError as error:
        raise reader.error(str(error)) from None


def _criterion(reader: _Reader, name: str, data: object) -> Criterion:
    made = _CRITERIA[name]
    options = reader.table(data, f"spec.{name}", [field.name for field in _fields(made)])
    return cast(Criterion, made(**options))


def _criterion_to_dict(criterion: Criterion | None) -> dict[str, Any] | None:
    if criterion is None:
        return None
    written = {field.name: getattr(criterion, field.name) for field in _fields(type(criterion))}
    return {key: list(v) if isinstance(v, tuple) else v for key, v in written.items()}


def _fields(criterion: type[Criterion]) -> list[Any]:
    return list(fields(criterion))


def _bands_to_dict(bands: FittedBands) -> dict[str, Any]:
    return {
        "kind": bands.kind,
        "size": bands.size,
        "edges": [_number_out(edge) for edge in bands.edges],
        "pairs": [[_number_out(value), client] for value, client in bands.pairs],
    }


def _bands(
    reader: _Reader, banding: Banding, data: object, sizes: object, ties: object
) -> FittedBands:
    name = banding.criterion.name
    title = f"bands.{name}"
    bands = reader.table(data, title, ("kind", "size", "edges", "pairs"))
    if (bands["kind"], bands["size"]) != (banding.kind, banding.size):
        raise reader.error(f"{title} does not go with spec: {banding.size} bands by {banding.kind}")
    edges = [reader.number(e, f"{title}.edges") for e in reader.array(bands["edges"], title)]
    pairs = [_pair(reader, pair, title) for pair in reader.array(bands["pairs"], title)]
    wanted = {0, banding.size - 1} if banding.kind == "quantiles" else {0}
    if len(edges) not in wanted or len(pairs) > (banding.size - 1) * (banding.kind == "split"):
        raise reader.error(f"{title} has {len(edges) + len(pairs)} edges for {banding.size} bands")
    _check_ascending(reader, edges, title)
    _check_pairs(reader, pairs, title)
    counts = [reader.count(c, "fit.band_sizes") for c in reader.array(sizes, "fit.band_sizes")]
    if len(counts) != banding.size:
        raise reader.error(f"fit.band_sizes has {len(counts)} sizes for {banding.size} bands")
    return FittedBands(
        banding.criterion,
        banding.size,
        banding.kind,
        edges=tuple(edges),
        pairs=tuple(pairs),
        counts=tuple(counts),
        ties=tuple(_tie_run(reader, run) for run in reader.array(ties, "fit.ties")),
    )


def _tie_run(reader: _Reader, data: object) -> TieRun:
    run = reader.array(data, "fit.ties")
    if len(run) != 4:
        raise reader.error(
            f"fit.ties holds {_shown(run)}, not a first band, last band, value, count"
        )
    first, last, value, clients = run
    counts = [reader.count(count, "fit.ties") for count in (first, last, clients)]
    return TieRun(counts[0], counts[1], reader.number(value, "fit.ties"), counts[2])


def _pair(reader: _Reader, data: object, title: str) -> Pair:
    pair = reader.array(data, f"{title}.pairs")
    if len(pair) != 2 or isinstance(pair[1], bool) or not isinstance(pair[1], int | str):
        raise reader.error(f"{title}.pairs holds {_shown(pair)}, not a value and a client id")
    return reader.number(pair[0], f"{title}.pairs"), pair[1]


def _check_ascending(reader: _Reader, edges: Sequence[Number], title: str) -> None:
    # Equal edges are ties.
    for low, high in pairwise(edges):
        if high < low:
            raise reader.error(f"{title}.edges must be ascending, but {high} comes after {low}")


def _check_pairs(reader: _Reader, pairs: Sequence[Pair], title: str) -> None:
    if len({type(client) for _, client in pairs}) > 1:
        raise reader.error(f"{title}.pairs mixes client ids that are numbers and text")
    # Equal edges close bands that fewer clients than bands left empty.
    for low, high in pairwise(pairs):
        if cast(Any, high) < cast(Any, low):
            raise reader.error(f"{title}.pairs must be ascending, but {high} comes after {low}")


def _check_sizes(reader: _Reader, fitted: Sequence[FittedBands], clients: int) -> None:
    for bands in fitted:
        total = sum(bands.counts)
        if total != clients:
            raise reader.error(
                f"fit.band_sizes of {bands.criterion.name} add up to {total:,} clients, "
                f"and fit.clients is {clients:,}"
            )


def _floors(reader: _Reader, data: object, spec: Specification) -> tuple[Number, ...]:
    floors = [reader.number(f, "group_floors") for f in reader.array(data, "group_floors")]
    if len(floors) != spec.groups - 1:
        raise reader.error(f"group_floors has {len(floors)} scores for {spec.groups} groups")
    if whole_weights(spec.criteria):
        for floor in floors:
            if not (0 <= floor <= MOST_POINTS and float(floor).is_integer()):
                raise reader.error(
                    f"group_floors must be whole scores from 0 to {MOST_POINTS:,}, as every weight "
                    "is whole, not "
                    f"{_shown(_number_out(floor))}"
                )
        floors = [int(floor) for floor in floors]
    for high, low in pairwise(floors):
        if low > high:
            raise reader.error(f"group_floors must go down, but {low} comes after {high}")
    return tuple(floors)


def _number_out(value: Number) -> Number | str:
    return _INFINITIES.get(value, value)


def _shown(value: object) -> str:
    """Show a value of a file, cut if it is long."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:37]}…"
