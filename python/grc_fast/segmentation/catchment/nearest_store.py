"""The nearest store to each place, by great-circle distance."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import polars as pl

from grc_fast._utils.extras import import_extra

#: Mean radius of the earth, in km (IUGG).
EARTH_RADIUS: Final = 6371.0088
# Distances are whole millimetres: two that are as long but for rounding tie.
MILLIMETRES: Final = 1_000_000
DECIMALS_OF_KM: Final = 6
# Chords of unit vectors that may stand for the same millimetre: one of the earth is 1.6e-10.
_SAME_CHORD: Final = 2e-10
# Beyond this chord it hardly grows with the arc, which it then no longer gives to the millimetre.
_FAR_CHORD: Final = 1.9
# Places that a thread handles at a time: a run that is stopped ends with them.
_CHUNK: Final = 100_000
# Distances computed at a time where several stores may be equally near.
_PAIRS: Final = 4_000_000


def nearest_stores(
    places: pl.DataFrame, stores: pl.DataFrame, threads: int | None
) -> tuple[pl.Series, pl.Series]:
    """Return the position of the store that each place is nearest to, and how far it is.

    Parameters
    ----------
    places, stores
        `latitude`, `longitude` in degrees, no nulls. Of stores at the same distance the first one
        is taken.
    threads
        Threads to use; every core by default.

    Returns
    -------
    tuple of polars.Series
        UInt32, and Int64 in millimetres.

    Raises
    ------
    SourceError
        If SciPy is not installed.

    Notes
    -----
    A KD-tree finds the two nearest stores by the chords between unit vectors, which are in the
    order of the arcs. Where both might be as far to the millimetre, or the nearest is beyond a
    third of the globe, every distance is computed by the haversine formula.
    """
    numpy = import_extra("numpy", "catchment", "the nearest store")
    spatial = import_extra("scipy.spatial", "catchment", "the nearest store")
    there = _radians(stores)
    tree = spatial.KDTree(_unit_vectors(numpy, there))

    def look_up(start: int) -> tuple[Any, Any]:
        return _nearest_of_chunk(numpy, tree, _radians(places.slice(start, _CHUNK)), there)

    # NumPy and SciPy let go of the interpreter while they compute.
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        found = list(pool.map(look_up, range(0, max(places.height, 1), _CHUNK)))
    nearest, distances = (numpy.concatenate(parts) for parts in zip(*found, strict=True))
    return pl.Series("store", nearest.astype(numpy.uint32)), pl.Series("distance", distances)


def _nearest_of_chunk(numpy: Any, tree: Any, here: Any, there: Any) -> tuple[Any, Any]:
    """Return the position of the nearest store of each of some places, and its distance."""
    # Places side by side go down the same branches, which are then at hand.
    order = numpy.argsort(here[0])
    here = here[:, order]
    chords, found = tree.query(_unit_vectors(numpy, here), k=2)
    chord, first = chords[:, 0], found[:, 0]
    distance = _millimetres(numpy, chord / 2)
    unclear = (chords[:, 1] - chord <= _SAME_CHORD) | (chord > _FAR_CHORD)
    rows = numpy.flatnonzero(unclear)
    step = max(_PAIRS // there.shape[1], 1)
    for some in (rows[at : at + step] for at in range(0, len(rows), step)):
        every = _haversine(numpy, here[:, some, None], there[:, None, :])
        first[some] = every.argmin(axis=1)
        distance[some] = every.min(axis=1)
    nearest, distances = numpy.empty_like(first), numpy.empty_like(distance)
    nearest[order], distances[order] = first, distance
    return nearest, distances


def _radians(places: pl.DataFrame) -> Any:
    """Return latitudes and longitudes as the two rows of an array."""
    return places.select(pl.col("latitude", "longitude").radians()).to_numpy().T


def _unit_vectors(numpy: Any, where: Any) -> Any:
    latitude, longitude = where
    across = numpy.cos(latitude)
    parts = (across * numpy.cos(longitude), across * numpy.sin(longitude), numpy.sin(latitude))
    return numpy.stack(parts, axis=-1)


def _haversine(numpy: Any, here: Any, there: Any) -> Any:
    """Return great-circle distances in whole millimetres."""
    half = (there - here) / 2
    across = numpy.cos(here[0]) * numpy.cos(there[0]) * numpy.sin(half[1]) ** 2
    square = numpy.sin(half[0]) ** 2 + across
    return _millimetres(numpy, numpy.sqrt(square))


def _millimetres(numpy: Any, half_chord: Any) -> Any:
    """Return the arcs of halves of chords."""
    arc = 2 * numpy.arcsin(numpy.minimum(half_chord, 1.0))
    return numpy.rint(arc * (EARTH_RADIUS * MILLIMETRES)).astype(numpy.int64)
