"""The state that a run leaves for the next: Parquet, with a format version."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from grc_fast._utils.panics import panics_as_errors
from grc_fast._utils.processes import check_process
from grc_fast.errors import ModelError
from grc_fast.io.atomic import atomic_path
from grc_fast.io.content_digest import content_digest
from grc_fast.io.locks import FileLock
from grc_fast.io.paths import read_address

_FORMAT: Final = "grc_fast.behaviour_state"
_VERSION: Final = 4
_KEY: Final = "grc_fast"
_COLUMNS: Final[Mapping[str, Any]] = {
    "part": pl.UInt8,
    "instant": pl.Int64,
    "code": pl.UInt32,
    "number": pl.UInt64,
    "value": pl.Float64,
    "kind": pl.String,
    "page": pl.String,
    "message": pl.String,
}
# The ids of events have the type in which they came.
_ID_TYPES: Final = (pl.Int64, pl.UInt64, pl.String)
# What the metadata of a file says, beside its format and version.
_ABOUT: Final[Mapping[str, type]] = {"as_of": int, "zoned": bool, "timezone": str, "rules": str}
_DIGEST: Final = "digest"


@dataclass(frozen=True, eq=False)
class BehaviourState:
    """What a later run has to know of the events up to `as_of`.

    Attributes
    ----------
    frame
        A row a thing known: for the extension, not for readers. It holds the ids of all events
        so far, where they have some.
    as_of
        The instant up to which events are in it, in microseconds as timestamps are read.
    zoned, timezone
        Whether timestamps have a zone, and the zone whose days count.
    fingerprint
        The digest of the rules.
    """

    frame: pl.DataFrame
    as_of: int
    zoned: bool
    timezone: str
    fingerprint: str

    @panics_as_errors()
    def save(self, path: str | Path) -> None:
        """Write the state as Parquet, whole or not at all.

        Raises
        ------
        ModelError
            If another run goes on from the state that is there, or that one holds later events.
        OutputError
            If the file cannot be written.
        """
        check_process()
        with state_held(path), atomic_path(path) as temporary:
            self.check_not_before(path)
            self.write(temporary)

    def write(self, path: Path) -> None:
        """Write the state to a path as it is."""
        about = {
            "format": _FORMAT,
            "version": _VERSION,
            "as_of": self.as_of,
            "zoned": self.zoned,
            "timezone": self.timezone,
            "rules": self.fingerprint,
        }
        about[_DIGEST] = _digest(self.frame, about)
        self.frame.write_parquet(path, metadata={_KEY: json.dumps(about)})

    def check_not_before(self, path: str | Path) -> None:
        """Refuse to replace a state of later events: another run has gone on from it since.

        Raises
        ------
        ModelError
            If the file holds such a state.
        """
        try:
            about = json.loads(pl.read_parquet_metadata(path).get(_KEY, "{}"))
            later = about["format"] == _FORMAT and about["as_of"] > self.as_of
        except (OSError, ValueError, LookupError, TypeError, pl.exceptions.PolarsError):
            return  # no state
        if later:
            raise ModelError(
                f"the state {str(path)!r} is of a later instant than the one to be saved: give "
                "another file, or remove it first"
            )

    @classmethod
    @panics_as_errors()
    def load(cls, path: str | Path) -> BehaviourState:
        """Read a state.

        Raises
        ------
        ModelError
            If the file is none, or newer than this version of the package.
        """
        try:
            about = json.loads(pl.read_parquet_metadata(path).get(_KEY, "{}"))
            frame = pl.read_parquet(read_address(str(path)))
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            reason = str(getattr(error, "strerror", None) or error).splitlines()[0]
            raise ModelError(f"the state {str(path)!r} cannot be read: {reason}") from None
        if not isinstance(about, dict) or about.get("format") != _FORMAT:
            raise ModelError(f"{str(path)!r} is no state of behaviour scores")
        _check_version(about.get("version"), path)
        damaged = [name for name, kind in _ABOUT.items() if not isinstance(about.get(name), kind)]
        if damaged:
            raise ModelError(
                f"the state {str(path)!r} is damaged: what it says of {damaged[0]!r} is missing or "
                "wrong; score all events again"
            )
        if not _has_columns(frame):
            raise ModelError(f"the state {str(path)!r} is damaged: its columns are not those saved")
        if about.get(_DIGEST) != _digest(frame, about):
            raise ModelError(
                f"the state {str(path)!r} is damaged: it does not hold what was saved; score all "
                "events again"
            )
        return cls(frame, about["as_of"], about["zoned"], about["timezone"], about["rules"])

    def check(self, fingerprint: str, timezone: str) -> None:
        """Refuse to go on with other rules or in another zone."""
        if self.fingerprint != fingerprint:
            raise ModelError(
                "the state was saved with other rules: score all events again, or go back to the "
                "rules of then"
            )
        if self.zoned and self.timezone != timezone:
            raise ModelError(
                f"the state was saved with the timezone {self.timezone}, not {timezone}: score all "
                "events again, or go back to it"
            )


@contextmanager
def state_held(path: str | Path) -> Iterator[None]:
    """Keep other runs from going on from a state, or replacing it, while a block runs.

    Raises
    ------
    ModelError
        If another run does so already.
    """
    lock = None
    with suppress(OSError):  # a file that is not there, or that cannot be read, holds nobody up
        try:
            lock = FileLock.on(Path(path))
            while lock.is_held and not lock.is_on(Path(path)):  # replaced meanwhile
                lock.close()
                lock = FileLock.on(Path(path))
        except BlockingIOError:
            raise ModelError(
                f"another run goes on from the state {str(path)!r}: wait until it has finished"
            ) from None
    try:
        yield
    finally:
        if lock is not None:
            lock.close()


def _digest(frame: pl.DataFrame, about: Mapping[str, Any]) -> str:
    said = {name: value for name, value in about.items() if name != _DIGEST}
    return content_digest(frame, json.dumps(said, sort_keys=True))


def _check_version(version: object, path: str | Path) -> None:
    if version == _VERSION:
        return
    if not isinstance(version, int):
        raise ModelError(f"the state {str(path)!r} is damaged: it has no version of its format")
    do = "install a newer one" if version > _VERSION else "score all events again"
    raise ModelError(
        f"the state {str(path)!r} has format {version}, and this version of grc_fast reads "
        f"{_VERSION}: {do}"
    )


def _has_columns(frame: pl.DataFrame) -> bool:
    """Whether a frame has the columns of a state, in their types."""
    schema = dict(frame.schema)
    event_id, seen = schema.pop("event_id", None), schema.pop("seen", None)
    client = schema.pop("client_id", None)
    return (
        schema == dict(_COLUMNS)
        and client is not None
        and event_id in _ID_TYPES
        and seen == pl.List(event_id)
    )
