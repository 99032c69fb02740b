"""The extension module: facts, bands and cells over Arrow columns, in Rust.

Columns come in as any object with `__arrow_c_stream__` or `__arrow_c_array__`, such as a Polars
Series, and go out as such objects.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Protocol, TypeAlias, TypedDict, final

__all__ = [
    "ArrowColumns",
    "ArrowStream",
    "BehaviourBuilder",
    "ColumnError",
    "ContactOffers",
    "CsvReader",
    "DataError",
    "FactsBuilder",
    "FieldForm",
    "GrcError",
    "ModelError",
    "OptionError",
    "OutputError",
    "ProfileBuilder",
    "SourceError",
    "StopSwitch",
    "bands",
    "bands_by_pair",
    "beta_quantile",
    "cell_counts",
    "cell_lookup",
    "check_page_pattern",
    "check_page_patterns",
    "client_intervals",
    "expected_spend",
    "fit_purchases",
    "fit_spend",
    "keyed_hashes",
    "order_of_offers",
    "parse_dates",
    "parse_duration",
    "parse_numbers",
    "period_end",
    "predict_purchases",
    "quantile_bands",
    "salted_hashes",
    "simulate_clients",
    "simulate_sales",
    "simulate_totals",
    "split_bands",
    "window_start",
    "without_words",
]

class _ArrowArray(Protocol):
    def __arrow_c_array__(self, requested_schema: Any = ..., /) -> Any: ...

class _ArrowStream(Protocol):
    def __arrow_c_stream__(self, requested_schema: Any = ..., /) -> Any: ...

_Column: TypeAlias = _ArrowStream | _ArrowArray
_Edge: TypeAlias = int | float

class GrcError(Exception): ...
class SourceError(GrcError): ...
class ColumnError(GrcError): ...
class DataError(GrcError): ...
class OptionError(GrcError): ...
class ModelError(GrcError): ...
class OutputError(GrcError): ...

@final
class ArrowStream:
    """A table of another library, of which some columns are read, and checked as they come.

    Attributes
    ----------
    columns
        Each column: its name, its type as Arrow writes it, and whether there is a way to read it.
    """

    def __new__(cls, source: _ArrowStream | _ArrowArray) -> ArrowStream: ...
    @property
    def columns(self) -> list[tuple[str, str, bool]]: ...
    def time_zones(self, column: int) -> list[str]: ...
    def in_utc(self, column: int) -> bool: ...
    def empty(self, column: int) -> ArrowColumns: ...
    def select(self, columns: Sequence[int]) -> ArrowColumns: ...

@final
class ArrowColumns:
    """Columns of a table of another library, to be read once."""

    @property
    def all_rows(self) -> int | None: ...
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...

class _Account(TypedDict):
    rows_read: int
    rows_used: int
    dropped: dict[str, tuple[int, int]]
    money_used: int
    money_read: int
    returns: tuple[int, int]
    clients: int
    clients_returns_only: int
    clients_never_bought: int
    clients_outside_base: int
    orders_on_two_dates: int
    rows_without_order: int
    base_rows_dropped: int
    first_day: int | None
    last_day: int | None
    first_day_read: int | None
    as_of: int | None
    money_scale: int

@final
class FactsBuilder:
    def __new__(
        cls,
        *,
        facts: Sequence[tuple[str, str | None]],
        as_of: int | None,
        returns: str = "net",
        order: bool = False,
        money_scale: int = 4,
        timezone: str = "UTC",
        plain_integer_ids: bool = False,
        threads: int | None = None,
    ) -> FactsBuilder: ...
    def push(
        self,
        client: _Column,
        date: _Column,
        amount: _Column,
        order: Sequence[_Column] | None = None,
        keep: _Column | None = None,
    ) -> None: ...
    def add_clients(self, client: _Column) -> None: ...
    def add_states(self, states: _ArrowStream) -> None: ...
    @property
    def is_mergeable(self) -> bool: ...
    @property
    def clients(self) -> int: ...
    @property
    def rows_read(self) -> int: ...
    def finish(self, *, returns_only: bool, base: bool) -> tuple[_ArrowStream, _Account]: ...
    def finish_states(self) -> tuple[_ArrowStream, _Account]: ...

class _EventAccount(TypedDict):
    rows_read: int
    rows_used: int
    dropped: dict[str, int]
    bot_visits: int
    clients: int
    kinds: list[tuple[str, int]]
    rules: list[tuple[int, int]]
    unwon_pages: list[tuple[str, int]]
    unwon_kinds: list[tuple[str, int]]
    pages: int
    first_event: int | None
    last_event: int | None
    as_of: int
    zoned: bool
    spilled: int
    phases: list[str]
    outcomes: list[str]

@final
class BehaviourBuilder:
    def __new__(
        cls,
        *,
        rules: Mapping[str, Any],
        as_of: int | None,
        as_of_is_utc: bool = False,
        resume_from: tuple[int, bool] | None = None,
        timezone: str = "UTC",
        plain_integer_ids: bool = False,
        memory: int | None = None,
        directory: str | None = None,
        threads: int | None = None,
        ledger: bool = False,
        state: bool = False,
    ) -> BehaviourBuilder: ...
    def push(
        self,
        client: _Column,
        timestamp: _Column,
        kind: _Column,
        *,
        page: _Column | None = None,
        dwell: _Column | None = None,
        clicks: _Column | None = None,
        channel: _Column | None = None,
        message: _Column | None = None,
        event_id: _Column | None = None,
        machine_open: _Column | None = None,
        keep: _Column | None = None,
        consented: _Column | None = None,
    ) -> None: ...
    def resume(self, state: _ArrowStream) -> None: ...
    @property
    def rows_read(self) -> int: ...
    def finish(
        self,
    ) -> tuple[_ArrowStream, _ArrowStream | None, _ArrowStream | None, _EventAccount]: ...

@final
class ProfileBuilder:
    """A pass over purchases and events in progress: batches in, what is counted of a client out.

    Every row has a client and an instant, in microseconds (Int64). A line that lacks an order id is
    an order of its own. On each axis an event is a hit (true), none (false), or does not count.
    """

    def __new__(
        cls, *, plain_integer_ids: bool = False, threads: int | None = None
    ) -> ProfileBuilder: ...
    def push_purchases(
        self,
        client: _Column,
        instant: _Column,
        *,
        order: Sequence[_Column] | None = None,
        category: _Column | None = None,
        channel: _Column | None = None,
        promo: _Column | None = None,
    ) -> None: ...
    def push_events(
        self, client: _Column, instant: _Column, *, active: _Column, relational: _Column
    ) -> None: ...
    def finish(self) -> _ArrowStream: ...

class _Certificate(TypedDict):
    value: float
    bound: float
    gap: float
    cost: float
    contacts: list[int]
    price_of_money: float
    prices_of_contacts: list[float]

@final
class ContactOffers:
    def __new__(
        cls,
        order: _Column,
        client: _Column,
        household: _Column | None,
        channel: _Column,
        gain: _Column,
        cost: _Column,
        pressure: _Column | None,
        *,
        channels: Sequence[str],
        threads: int | None = None,
    ) -> ContactOffers: ...
    def plan(
        self,
        *,
        budget: float | None,
        capacity: Sequence[int | None],
        minimum: Sequence[int],
        max_contacts: int | None,
    ) -> tuple[_ArrowArray, _Certificate]: ...
    def sweep(
        self,
        budgets: Sequence[float],
        *,
        capacity: Sequence[int | None],
        minimum: Sequence[int],
        max_contacts: int | None,
    ) -> list[_Certificate]: ...

def keyed_hashes(
    texts: _Column, key: bytes, purpose: str, *, threads: int | None = None
) -> _ArrowArray: ...
def order_of_offers(client: _Column, channel: _Column) -> tuple[_ArrowArray, _ArrowArray]: ...
def salted_hashes(texts: _Column, salt: str, *, threads: int | None = None) -> _ArrowArray: ...

class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...

@final
class FieldForm:
    @staticmethod
    def text(null_words: Sequence[str]) -> FieldForm: ...
    @staticmethod
    def numbers(
        *,
        decimal: str | None,
        thousands: str | None,
        currency: str | None,
        null_words: Sequence[str],
    ) -> FieldForm: ...
    @staticmethod
    def dates(*, form: str, zoned: bool, null_words: Sequence[str]) -> FieldForm: ...

@final
class StopSwitch:
    def __new__(cls) -> StopSwitch: ...
    def __enter__(self) -> None: ...
    def __exit__(
        self,
        type_: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    def stop(self) -> None: ...

@final
class CsvReader:
    def __new__(
        cls,
        source: str | _Readable,
        *,
        separator: str,
        newline: Literal["lf", "cr"],
        encoding: Literal["utf-8", "cp1252"],
        skip_lines: int,
        threads: int | None,
        block_bytes: int | None = None,
    ) -> CsvReader: ...
    @property
    def header(self) -> list[str]: ...
    @property
    def rows(self) -> int: ...
    @property
    def blank_lines(self) -> int: ...
    def read(
        self, columns: Sequence[tuple[int, FieldForm | None]]
    ) -> tuple[_ArrowStream, bool, list[list[int]]] | None: ...
    def line_of_row(self, row: int) -> int | None: ...

def check_page_pattern(pattern: str) -> None: ...
def check_page_patterns(patterns: Sequence[str], *, ignore_case: bool) -> None: ...
def parse_duration(text: str) -> tuple[int, str]: ...
def period_end(day: int, period: str) -> int: ...
def window_start(as_of: int, window: str) -> int: ...
def quantile_bands(
    values: _Column, bins: int, *, method: str, threads: int | None = None
) -> tuple[list[Any], _ArrowArray]: ...
def bands(
    values: _Column, edges: Sequence[_Edge], *, closed: str = "right", threads: int | None = None
) -> _ArrowArray: ...
def split_bands(
    values: _Column, ids: Any, bins: int, *, threads: int | None = None
) -> tuple[list[tuple[Any, Any]], _ArrowArray]: ...
def bands_by_pair(
    values: _Column, ids: Any, edges: Sequence[tuple[_Edge, Any]], *, threads: int | None = None
) -> _ArrowArray: ...
def cell_counts(
    bands: Sequence[_Column], sizes: Sequence[int], *, threads: int | None = None
) -> list[int]: ...
def cell_lookup(
    bands: Sequence[_Column],
    sizes: Sequence[int],
    tables: Sequence[_Column],
    *,
    threads: int | None = None,
) -> list[_ArrowArray]: ...
def parse_numbers(
    column: _Column,
    *,
    decimal: str | None,
    thousands: str | None,
    currency: str | None,
    null_words: Sequence[str],
    threads: int | None = None,
) -> tuple[_ArrowStream, int]: ...
def parse_dates(
    column: _Column,
    *,
    form: str,
    null_words: Sequence[str],
    zoned: bool | None = None,
    threads: int | None = None,
) -> tuple[_ArrowStream, int, bool | None]: ...
def without_words(
    column: _Column, words: Sequence[str], threads: int | None = None
) -> tuple[_ArrowStream, int]: ...
def simulate_sales(
    *, lines: int, clients: int, first_day: int, days: int, seed: int
) -> _ArrowStream: ...

class _Estimate(TypedDict):
    parameters: list[float]
    covariance: list[list[float]]
    standard_errors: list[float]
    log_likelihood: float
    clients: int

class _PurchaseEstimate(_Estimate):
    limits: list[str]
    regularity: int
    tried: dict[int, float]
    prior: bool

class _SpendEstimate(_Estimate):
    correlation: float | None
    one_price: bool
    prior: bool

def fit_purchases(
    repeats: _Column,
    last: _Column,
    observed: _Column,
    *,
    model: str,
    unit: float,
    regularity: int | None = None,
    log_gaps: _Column | None = None,
    threads: int | None = None,
) -> _PurchaseEstimate: ...
def fit_spend(
    repeats: _Column, means: _Column, *, threads: int | None = None
) -> _SpendEstimate: ...
def predict_purchases(
    repeats: _Column,
    last: _Column,
    observed: _Column,
    *,
    model: str,
    regularity: int,
    parameters: Sequence[float],
    unit: float,
    period_ends: Sequence[float],
    discount_factors: Sequence[float],
    horizons: Sequence[int],
    threads: int | None = None,
) -> tuple[_ArrowArray, list[_ArrowArray], list[_ArrowArray]]: ...
def expected_spend(
    repeats: _Column, means: _Column, *, parameters: Sequence[float], threads: int | None = None
) -> _ArrowArray: ...
def simulate_totals(
    repeats: _Column,
    last: _Column,
    observed: _Column,
    counts: _Column,
    means: _Column,
    shares: _Column,
    outlook: Mapping[str, Any],
    *,
    threads: int | None = None,
) -> tuple[list[list[float]], list[list[float]], float]: ...
def client_intervals(
    repeats: _Column,
    last: _Column,
    observed: _Column,
    counts: _Column,
    means: _Column,
    shares: _Column,
    outlook: Mapping[str, Any],
    *,
    level: float,
    threads: int | None = None,
) -> list[tuple[_ArrowArray, _ArrowArray]]: ...
def beta_quantile(a: float, b: float, probability: float) -> float: ...
def simulate_clients(
    clients: int,
    *,
    model: str,
    regularity: int,
    purchases: Sequence[float],
    spend: Sequence[float],
    unit: float,
    shortest: int,
    longest: int,
    horizon: int,
    seed: int,
    threads: int | None = None,
) -> _ArrowStream: ...
