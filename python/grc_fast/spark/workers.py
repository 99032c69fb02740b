"""The way to the workers of Spark and back: jobs there, tables and one-sentence errors here."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol

from grc_fast._utils.version import __version__
from grc_fast.errors import GrcError
from grc_fast.spark.account import ACCOUNT, fault
from grc_fast.spark.tables import Table, as_batches, spark_columns

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

# Spark hands rows over ten thousand at a time, and a call of a kernel costs as much for few.
_ROWS_IN: Final = 500_000


class Job(Protocol):
    """What a worker does with its share of the rows.

    Attributes
    ----------
    output
        The columns of what it gives. With `ACCOUNT` among them an error is a row, too.
    """

    @property
    def output(self) -> pa.Schema:
        """The columns of what it gives."""
        ...

    def run(self, tables: Iterable[pa.Table]) -> Iterator[Table]:
        """Take the rows in, table by table, and give others."""
        ...


def map_in_workers(frame: DataFrame, job: Job) -> DataFrame:
    """Let a job run over every partition of a table of Spark."""
    run = _on_worker(pickle.dumps(job), job.output, __version__, ACCOUNT)
    return frame.mapInArrow(run, spark_columns(job.output))


def run_job(pickled: bytes, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Run a job in a worker."""
    job: Job = pickle.loads(pickled)
    try:
        for table in job.run(_joined(batches)):
            yield from as_batches(table, job.output)
    except GrcError as error:
        if ACCOUNT not in job.output.names:
            raise
        yield from as_batches(account_row(fault(error)), job.output)


def account_row(account: dict[str, Any]) -> Table:
    """Return an account as a row beside the data."""
    import pyarrow as pa

    return pa.table({ACCOUNT: [json.dumps(account)]})


def _joined(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= _ROWS_IN:
            yield pa.Table.from_batches(held)
            held, rows = [], 0
    if held:
        yield pa.Table.from_batches(held)


def _on_worker(
    pickled: bytes, output: pa.Schema, version: str, account: str
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what workers are sent: it says so itself where they lack the package.

    Python pickles a function within a function whole, so that a worker need not import the module
    that it stands in; that also holds of all that it refers to here.
    """

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import json
        import os

        import pyarrow as pa

        # Spark gives each task a core, and Polars reads this when it is imported.
        os.environ.setdefault("POLARS_MAX_THREADS", "1")
        told = None
        try:
            from grc_fast._utils.version import __version__ as here
            from grc_fast.spark.workers import run_job
        except ImportError as error:
            told = (
                f"the executors cannot import grc_fast ({error}): install grc-fast[spark] "
                f"{version}, the version of the driver, on every executor"
            )
        else:
            if here != version:
                told = (
                    f"the executors have grc_fast {here} and the driver has {version}: install one "
                    "version on all of them"
                )
        if told is None:
            yield from run_job(pickled, batches)
        elif account in output.names:
            row = json.dumps({"fault": ["SourceError", told]})
            columns = [
                pa.array([row]) if field.name == account else pa.nulls(1, field.type)
                for field in output
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=output)
        else:
            raise RuntimeError(told)

    return run
