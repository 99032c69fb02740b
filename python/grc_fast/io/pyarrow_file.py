"""Files with a column that Polars has no type for, whose other columns PyArrow reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from grc_fast.io.arrow_streams import ArrowTable, arrow_part, has_strange_columns
from grc_fast.io.roles import TableRoles
from grc_fast.io.source import Part, redact

_BATCH_ROWS: Final = 100_000


def pyarrow_part(path: str, kind: str, roles: TableRoles) -> Part | None:
    """Open a file of this machine that Polars cannot read, one batch in memory at a time.

    Parameters
    ----------
    path
        The file.
    kind
        What it is: `Parquet`, `Arrow` or `Arrow stream`.
    roles
        What is read of it.

    Returns
    -------
    Part or None
        None where PyArrow is not installed, or the types of the columns are not what is in the way.

    Raises
    ------
    ColumnError
        If a column that is needed is of a type that cannot be read.
    """
    try:
        file = _OPENED[kind](path)
        is_of_use = has_strange_columns(file, path)
    except Exception:  # noqa: BLE001 (it is missing, or the file is damaged in any way)
        return None
    return arrow_part(redact(path), file, roles) if is_of_use else None


class _ParquetFile(ArrowTable):
    def __init__(self, path: str) -> None:
        from pyarrow import parquet

        self._file: Any = parquet.ParquetFile(path, memory_map=False)
        self.rows = self._file.metadata.num_rows

    def give(self, names: Sequence[str] | None) -> Any:
        import pyarrow as pa

        schema = self._file.schema_arrow
        if names is not None:
            schema = pa.schema([schema.field(name) for name in names])
        columns = None if names is None else list(names)
        batches = self._file.iter_batches(_BATCH_ROWS, columns=columns)
        in_order = (batch.select(schema.names) for batch in batches)
        return pa.RecordBatchReader.from_batches(schema, in_order)


class _ArrowFile(ArrowTable):
    def __init__(self, path: str) -> None:
        self._path = path
        self._schema: Any = self._open(None).schema

    def give(self, names: Sequence[str] | None) -> Any:
        import pyarrow as pa

        file = self._open(names)
        return pa.RecordBatchReader.from_batches(file.schema, self._batches(file))

    def _open(self, names: Sequence[str] | None) -> Any:
        import pyarrow as pa
        from pyarrow import ipc

        fields = None if names is None else [self._schema.get_field_index(name) for name in names]
        options = ipc.IpcReadOptions(included_fields=fields)
        return self._reader()(pa.OSFile(self._path), options=options)

    @staticmethod
    def _reader() -> Any:
        from pyarrow import ipc

        return ipc.open_file

    @staticmethod
    def _batches(file: Any) -> Iterator[Any]:
        return (file.get_batch(number) for number in range(file.num_record_batches))


class _ArrowStreamFile(_ArrowFile):
    @staticmethod
    def _reader() -> Any:
        from pyarrow import ipc

        return ipc.open_stream

    @staticmethod
    def _batches(file: Any) -> Iterator[Any]:
        return iter(file)


_OPENED: Final[Mapping[str, Callable[[str], ArrowTable]]] = {
    "Parquet": _ParquetFile,
    "Arrow": _ArrowFile,
    "Arrow stream": _ArrowStreamFile,
}
