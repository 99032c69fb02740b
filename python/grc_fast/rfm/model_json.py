"""A model as plain JSON: what is written, and what is refused when it is read back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Annotated, Any, Final

from pydantic import Field, PlainValidator, create_model

from grc_fast._typing import Number
from grc_fast._utils.validation import Count, Day, Section, part_of, saying, shown
from grc_fast.errors import ModelError
from grc_fast.io.json_file import ModelFormat
from grc_fast.rfm.bands import Banding, FittedBands, TieRun
from grc_fast.rfm.criteria import Criterion, Frequency, Monetary, Recency, whole_weights
from grc_fast.rfm.fitted import FittedModel
from grc_fast.rfm.segments.rule import SCALE
from grc_fast.rfm.segments.table import SegmentTable
from grc_fast.rfm.specification import MOST_POINTS, Specification

# Version 1 did not count the clients of groups, and rescaled points for segments otherwise.
FORMAT: Final = ModelFormat("grc_fast.rfm", 2, "an", "RFM model")
_CRITERIA: Final = {"recency": Recency, "frequency": Frequency, "monetary": Monetary}
_OPTIONS: Final = ("bins", "ties", "edges", "groups", "returns", "lang")
# JSON has no infinities, and an edge may be one.
_INFINITIES: Final = {math.inf: "inf", -math.inf: "-inf"}


def _number(value: object) -> object:
    number = next((number for number, name in _INFINITIES.items() if value == name), value)
    if isinstance(number, bool) or not isinstance(number, int | float) or math.isnan(number):
        raise ValueError(f"must be a number, not {shown(value)}")
    return number


_Value = Annotated[Number, PlainValidator(_number)]
_Pair = Annotated[
    tuple[_Value, int | str],
    Field(strict=False),
    saying("holds {given}, not a value and a client id"),
]
_Run = Annotated[
    tuple[Count, Count, _Value, Count],
    Field(strict=False),
    saying("holds {given}, not a first band, last band, value, count"),
]


class _Bands(Section):
    kind: Any
    size: Any
    edges: list[_Value]
    pairs: list[_Pair]


class _Fit(Section):
    clients: Annotated[int, Field(ge=1), saying("must be a whole number from 1, not {given}")]
    as_of: Day | None
    band_sizes: Any
    ties: Any
    group_sizes: list[Count]
    grc_fast: str


class _File(Section):
    format: str
    version: int
    spec: Any
    bands: Any
    group_floors: list[_Value | None]
    segments: Any
    fit: _Fit


def _with_keys(keys: Iterable[str], kind: Any = Any) -> type[Section]:
    """Return a model of just these keys, whose values are all of a kind."""
    definitions: dict[str, Any] = dict.fromkeys(keys, (kind, ...))
    return create_model("Keys", __base__=Section, **definitions)


def model_to_dict(model: FittedModel) -> dict[str, Any]:
    """Return the model in types that JSON knows."""
    spec = model.rfm
    criteria = {name: _criterion_to_dict(getattr(spec, name)) for name in _CRITERIA}
    return {
        "format": FORMAT.name,
        "version": FORMAT.version,
        "spec": {**criteria, **{option: getattr(spec, option) for option in _OPTIONS}},
        "bands": {bands.criterion.name: _bands_to_dict(bands) for bands in model.fitted},
        "group_floors": [
            None if floor is None else _number_out(floor) for floor in model.group_floors
        ],
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
            "group_sizes": list(model.group_sizes),
            "grc_fast": model.package,
        },
    }


def model_from_dict(data: object, where: str) -> FittedModel:
    """Make a model of what `model_to_dict` returned; anything else is a ModelError."""
    with FORMAT.reading(data, where):
        model = _model(part_of(_File, _with_group_sizes(data)))
    _refuse_old_scale(model, where)
    return model


def _with_group_sizes(data: object) -> object:
    """Add to a file of version 1 what it does not know: that it did not count groups."""
    if not isinstance(data, Mapping) or data.get("version") != 1:
        return data
    fit = data.get("fit")
    return {**data, "fit": {**fit, "group_sizes": []}} if isinstance(fit, Mapping) else data


def _refuse_old_scale(model: FittedModel, where: str) -> None:
    """Refuse a file of version 1 whose segments another scale would change.

    It rescaled points to ⌈5p/k⌉, which is ⌈5(p − ½)/k⌉ only where k is a multiple of five.
    """
    if model.group_sizes:
        return
    sizes: list[tuple[str, int]] = [(bands.criterion.name, bands.size) for bands in model.fitted]
    if model.rfm.table.uses_group:
        sizes.append(("group", model.rfm.groups))
    for name, size in sizes:
        if size % SCALE:
            raise ModelError(
                f"{where} was fitted by grc_fast {model.package}, which put the {size} bands of "
                f"{name} on the scale of segments in another way: fit the model again"
            )


def _model(file: _File) -> FittedModel:
    spec, fit = _specification(file), file.fit
    names = [criterion.name for criterion in spec.criteria]
    bands, sizes, ties = (
        part_of(_with_keys(names, kind), part, title)
        for kind, part, title in (
            (_Bands, file.bands, "bands"),
            (list[Count], fit.band_sizes, "fit.band_sizes"),
            (list[_Run], fit.ties, "fit.ties"),
        )
    )
    fitted = tuple(
        _fitted(banding, getattr(bands, name), getattr(sizes, name), getattr(ties, name))
        for name, banding in zip(names, spec.bandings, strict=True)
    )
    _check_sizes(fitted, fit.clients)
    if file.version > 1:
        _check_group_sizes(fit, spec.groups)
    return FittedModel(
        rfm=spec,
        fitted=fitted,
        group_floors=_floors(file.group_floors, spec),
        clients=fit.clients,
        as_of=fit.as_of,
        package=fit.grc_fast,
        group_sizes=tuple(fit.group_sizes),
    )


def _specification(file: _File) -> Specification:
    table = SegmentTable.from_dict(file.segments, name="segments")
    options = dict(part_of(_with_keys((*_CRITERIA, *_OPTIONS)), file.spec, "spec"))
    for name, kind in _CRITERIA.items():
        if options[name] is not None:
            keys = _with_keys(field.name for field in _fields(kind))
            options[name] = kind(**dict(part_of(keys, options[name], f"spec.{name}")))
    return Specification(**options, segments=table)


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


def _fitted(banding: Banding, bands: _Bands, sizes: list[int], ties: list[Any]) -> FittedBands:
    title = f"bands.{banding.criterion.name}"
    edges, pairs = bands.edges, bands.pairs
    if (bands.kind, bands.size) != (banding.kind, banding.size):
        raise ValueError(f"{title} does not go with spec: {banding.size} bands by {banding.kind}")
    wanted = {0, banding.size - 1} if banding.kind in ("quantiles", "r-rfm") else {0}
    is_split = banding.kind in ("split", "split_descending")
    if len(edges) not in wanted or len(pairs) > (banding.size - 1) * is_split:
        raise ValueError(f"{title} has {len(edges) + len(pairs)} edges for {banding.size} bands")
    if len({type(client) for _, client in pairs}) > 1:
        raise ValueError(f"{title}.pairs mixes client ids that are numbers and text")
    _check_ascending(edges, f"{title}.edges")
    if banding.kind == "split_descending":
        _check_ascending([(-value, client) for value, client in pairs], f"{title}.pairs by -value")
    else:
        _check_ascending(pairs, f"{title}.pairs")
    if len(sizes) != banding.size:
        raise ValueError(f"fit.band_sizes has {len(sizes)} sizes for {banding.size} bands")
    return FittedBands(
        banding.criterion,
        banding.size,
        banding.kind,
        edges=tuple(edges),
        pairs=tuple(pairs),
        counts=tuple(sizes),
        ties=tuple(TieRun(*run) for run in ties),
    )


def _check_ascending(edges: Sequence[Any], title: str) -> None:
    # Equal edges are ties, or close bands that fewer clients than bands left empty.
    for low, high in pairwise(edges):
        if high < low:
            raise ValueError(f"{title} must be ascending, but {high} comes after {low}")


def _check_sizes(fitted: Sequence[FittedBands], clients: int) -> None:
    for bands in fitted:
        total = sum(bands.counts)
        if total != clients:
            raise ValueError(
                f"fit.band_sizes of {bands.criterion.name} add up to {total:,} clients, "
                f"and fit.clients is {clients:,}"
            )


def _check_group_sizes(fit: _Fit, groups: int) -> None:
    if len(fit.group_sizes) != groups:
        raise ValueError(f"fit.group_sizes has {len(fit.group_sizes)} sizes for {groups} groups")
    total = sum(fit.group_sizes)
    if total != fit.clients:
        raise ValueError(
            f"fit.group_sizes add up to {total:,} clients, and fit.clients is {fit.clients:,}"
        )


def _floors(floors: Sequence[Number | None], spec: Specification) -> tuple[Number | None, ...]:
    if len(floors) != spec.groups - 1:
        raise ValueError(f"group_floors has {len(floors)} scores for {spec.groups} groups")
    # No score reaches a group above the best score alone.
    reached = [floor for floor in floors if floor is not None]
    unreached: list[None] = [None] * (len(floors) - len(reached))
    if [*unreached, *reached] != list(floors):
        raise ValueError("group_floors must go down, but a null comes after a score")
    if whole_weights(spec.criteria):
        for floor in reached:
            if not (0 <= floor <= MOST_POINTS and float(floor).is_integer()):
                raise ValueError(
                    f"group_floors must be whole scores from 0 to {MOST_POINTS:,}, as every weight "
                    f"is whole, not {shown(_number_out(floor))}"
                )
        reached = [int(floor) for floor in reached]
    for high, low in pairwise(reached):
        if low > high:
            raise ValueError(f"group_floors must go down, but {low} comes after {high}")
    return (*unreached, *reached)


def _number_out(value: Number) -> Number | str:
    return _INFINITIES.get(value, value)
