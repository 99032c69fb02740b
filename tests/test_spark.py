"""Facts, bands and scores on Spark: the bits of one machine, whatever the cluster does."""

from __future__ import annotations

import datetime as dt
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import grc_fast as grc
from grc_fast import _core
from grc_fast import spark as on_spark
from grc_fast.errors import ColumnError, DataError, OptionError, SourceError
from grc_fast.facts.table import FACTS
from grc_fast.spark import edges, workers
from grc_fast.spark.account import ACCOUNT
from spark_sessions import KINDS, sessions

pytestmark = [
    # PySpark's own, of versions of pandas and of sockets that it leaves open.
    pytest.mark.filterwarnings("ignore:.*pandas:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

AS_OF = dt.date(2026, 3, 1)
MERGEABLE = [
    "first_purchase",
    "recency",
    "orders",
    "lines",
    "total",
    "mean_basket",
    "max_basket",
    "returns_total",
]
# What an account says of one machine alone: rows of files and of frames, and what they look like.
OF_ONE_MACHINE = ("notes", "warnings", "files", "skipped_files")


@pytest.fixture(scope="module")
def clusters() -> Iterator[dict[str, Any]]:
    with sessions() as started:
        yield started


def to_spark(spark: Any, frame: pl.DataFrame) -> Any:
    return spark.createDataFrame(frame.to_arrow(compat_level=pl.CompatLevel.oldest()))


def to_polars(frame: Any, like: pl.DataFrame) -> pl.DataFrame:
    """Give a table of Spark in the types of one machine; a value that does not fit is an error."""
    found = pl.DataFrame(frame.toArrow())
    assert found.columns == like.columns
    return found.cast(dict(like.schema), strict=True).sort("client_id")


def messy_sales(ids: pl.Series, rows: int = 600) -> pl.DataFrame:
    """Sales of which some are dropped, returns, or of no order; a third of them of one client."""
    number = pl.int_range(rows, eager=True)
    client = pl.Series("client_id", ids.gather((number * number * 7 + number // 3) % len(ids)))
    days = (number * 37) % 500
    frame = pl.DataFrame({"client_id": client, "n": number}).with_columns(
        client_id=pl.when(pl.col("n") % 3 == 0)
        .then(pl.lit(ids[0], dtype=ids.dtype))
        .otherwise(pl.col("client_id")),
        date=pl.lit(AS_OF) - pl.duration(days=days - 20),
        amount=((pl.col("n") * 31) % 1000 - 150) / 8,
        quantity=(pl.col("n") % 4).cast(pl.Int32),
        order=pl.col("n") // 2 % 90,
    )
    return frame.with_columns(
        client_id=pl.when(pl.col("n") % 29 != 5).then("client_id"),
        date=pl.when(pl.col("n") % 31 != 7).then("date"),
        amount=pl.when(pl.col("n") % 37 == 1)
        .then(pl.when(pl.col("n") % 2 == 0).then(float("nan")).otherwise(float("inf")))
        .when(pl.col("n") % 41 != 3)
        .then("amount"),
        order=pl.when(pl.col("n") % 23 != 2).then("order"),
    ).drop("n")


TEXT_IDS = pl.Series([f"client {i} of the shop" if i % 2 else f"C{i:03}" for i in range(40)] + [""])
INT_IDS = pl.Series([2**31 - 1, -5, *range(30)], dtype=pl.Int32)
LONG_IDS = pl.Series([2**62, -(2**63), *range(30)], dtype=pl.Int64)
DECIMAL_IDS = pl.Series(range(1, 30)).cast(pl.Decimal(10, 0))
FLOAT_IDS = pl.Series([0.0, -0.0, 2.0**53, -7.0, *map(float, range(9, 20))])

CASES: dict[str, tuple[pl.Series, dict[str, Any]]] = {
    "states of text ids": (TEXT_IDS, {"spec": MERGEABLE, "window": "6mo", "money_scale": 2}),
    "states of integers": (INT_IDS, {"spec": MERGEABLE, "returns": "keep"}),
    "states of decimals": (DECIMAL_IDS, {"spec": MERGEABLE, "amount": "amount * quantity"}),
    "states of floats": (FLOAT_IDS, {"spec": grc.RFM(recency=grc.Recency(window="3mo"))}),
    "lines of text ids": (TEXT_IDS, {"spec": FACTS, "order": "order", "returns": "drop"}),
    "lines of long ids": (LONG_IDS, {"spec": FACTS, "window": "1y", "where": "quantity > 0"}),
    "lines of decimals": (DECIMAL_IDS, {"spec": FACTS, "order": ["order", "date"]}),
    "lines of floats": (
        FLOAT_IDS,
        {"spec": grc.RFM(frequency=grc.Frequency("active_days", window="12mo")), "order": "order"},
    ),
}


def on_one_machine(
    sales: pl.DataFrame, spec: Any, as_of: dt.date = AS_OF, **options: Any
) -> grc.Facts:
    if isinstance(spec, grc.RFM):
        return spec.facts(sales, as_of=as_of, **options)
    return grc.facts(sales, as_of=as_of, facts=spec, **options)


def check_same(found: on_spark.SparkFacts, expected: grc.Facts) -> None:
    frame = to_polars(found.frame, expected.frame)
    assert_frame_equal(frame, expected.frame, check_exact=True)
    here, there = found.quality.to_dict(), expected.quality.to_dict()
    for name in OF_ONE_MACHINE:
        del here[name], there[name]
    assert here == there
    assert found.as_of == expected.as_of


# Connect runs what a classic session does, on the same cluster: two cases show that it gets there.
KINDS_OF_CASES = [
    (kind, case)
    for case in CASES
    for kind in KINDS
    if kind != "connect" or case in ("states of text ids", "lines of text ids")
]


@pytest.mark.parametrize(("kind", "case"), KINDS_OF_CASES)
def test_facts_and_account_are_those_of_one_machine(clusters: Any, kind: str, case: str):
    ids, options = CASES[case]
    sales = messy_sales(ids)
    expected = on_one_machine(sales, **options)
    table = to_spark(clusters[kind], sales).repartition(3)
    found = on_spark.facts(table, as_of=AS_OF, **options)
    check_same(found, expected)
    found.unpersist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", [None, "order"])
def test_a_client_base_gives_every_client_a_status(clusters: Any, kind: str, order: str | None):
    sales = messy_sales(INT_IDS)
    base = pl.DataFrame({"client_id": [-5, 3, 3, None, 77, 2**40, 2**31 - 1]})
    spec = grc.RFM(recency=grc.Recency(window="1mo"))
    expected = on_one_machine(sales, spec, order=order, clients=base)
    assert expected.frame.schema["client_id"] == pl.Int64
    found = on_spark.facts(
        to_spark(clusters[kind], sales),
        spec,
        as_of=AS_OF,
        order=order,
        clients=to_spark(clusters[kind], base),
    )
    check_same(found, expected)
    model = spec.fit(expected)
    scores = to_polars(on_spark.score(found, model).sort("client_id"), model.score(expected))
    assert_frame_equal(scores, model.score(expected), check_exact=True)


@pytest.mark.parametrize("order", [None, "order"])
@pytest.mark.parametrize("partitions", [1, 7, 64])
def test_partitions_leave_no_trace(clusters: Any, partitions: int, order: str | None):
    sales = messy_sales(TEXT_IDS)
    options: dict[str, Any] = {"spec": MERGEABLE, "order": order}
    # By client: most partitions of 64 are empty, and one holds a third of the lines.
    table = to_spark(clusters["classic"], sales).repartition(partitions, "client_id")
    found = on_spark.facts(table, as_of=AS_OF, partitions=partitions, **options)
    check_same(found, on_one_machine(sales, **options))
    found.unpersist()


def test_a_small_table_is_kept_in_few_partitions(clusters: Any):
    spark = clusters["classic"]
    setting = "spark.sql.optimizer.canChangeCachedPlanOutputPartitioning"
    before = spark.conf.get(setting)
    spark.conf.set("spark.sql.shuffle.partitions", "30")
    try:
        found = on_spark.facts(to_spark(spark, messy_sales(TEXT_IDS)), MERGEABLE, as_of=AS_OF)
        assert found.frame.rdd.getNumPartitions() < 5
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", "3")
    assert spark.conf.get(setting) == before


@pytest.mark.parametrize("order", [None, "order"])
def test_a_table_without_rows_gives_no_client(clusters: Any, order: str | None):
    sales = messy_sales(TEXT_IDS).clear()
    found = on_spark.facts(
        to_spark(clusters["classic"], sales), MERGEABLE, as_of=AS_OF, order=order
    )
    check_same(found, on_one_machine(sales, MERGEABLE, order=order))


def test_states_that_are_given_on_early_leave_no_trace(
    clusters: Any, monkeypatch: pytest.MonkeyPatch
):
    # Sail's workers are threads of this process, so that they see this.
    monkeypatch.setattr("grc_fast.spark.sales._CLIENTS_A_FLUSH", 5)
    monkeypatch.setattr("grc_fast.spark.workers._ROWS_IN", 50)
    sales = messy_sales(TEXT_IDS)
    found = on_spark.facts(to_spark(clusters["sail"], sales), MERGEABLE, as_of=AS_OF)
    check_same(found, on_one_machine(sales, MERGEABLE))


@pytest.mark.parametrize("order", [None, "order"])
def test_a_task_that_is_tried_again_counts_once(clusters: Any, tmp_path: Any, order: str | None):
    sales = messy_sales(TEXT_IDS)
    table = to_spark(clusters["classic"], sales).repartition(4)
    failed = tmp_path / "failed"

    def fails_once(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from batches
        try:
            failed.touch(exist_ok=False)
        except FileExistsError:
            return
        raise RuntimeError("this task fails once")

    broken = table.mapInArrow(fails_once, table.schema)
    found = on_spark.facts(broken, MERGEABLE, as_of=AS_OF, order=order)
    check_same(found, on_one_machine(sales, MERGEABLE, order=order))
    assert failed.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_bands_points_and_segments_are_those_of_one_machine(clusters: Any, kind: str):
    sales = messy_sales(TEXT_IDS)
    spec = grc.RFM(
        recency=grc.Recency(["3w", "2mo", "6mo", "1y"]),
        frequency=grc.Frequency("mean_gap"),
        monetary=grc.Monetary("mean_basket", weight=2.5),
        bins=3,
    )
    expected = spec.facts(sales, as_of=AS_OF, order="order")
    found = on_spark.facts(to_spark(clusters[kind], sales), spec, as_of=AS_OF, order="order")
    model = on_spark.fit(found, spec)
    assert model.to_dict() == spec.fit(expected).to_dict()
    scores = on_spark.score(found, model, lang="fr")
    one = model.score(expected, lang="fr")
    assert_frame_equal(to_polars(scores, one), one, check_exact=True)


def test_ties_that_fill_bands_are_told(clusters: Any):
    clients = pl.DataFrame({"client_id": range(100), "monetary": [1.5] * 77 + [9.25] * 23})
    spec = grc.RFM(None, None, grc.Monetary())
    model = on_spark.fit(to_spark(clusters["classic"], clients), spec)
    assert model.to_dict() == spec.fit(clients).to_dict()
    assert model.warnings == spec.fit(clients).warnings != []


numbers = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=80),
    st.lists(st.one_of(st.none(), st.floats(), st.sampled_from([0.0, -0.0, 1.5])), max_size=80),
    st.lists(st.integers(0, 4), min_size=1, max_size=200),
)


@given(values=numbers, bins=st.integers(2, 12), parts=st.integers(1, 6), points=st.integers(1, 9))
def test_edges_of_counts_are_those_of_the_values(
    values: list[Any], bins: int, parts: int, points: int
):
    dtype = pl.Float64() if any(isinstance(v, float) for v in values) else pl.Int64()
    clients = pl.DataFrame(
        {"client_id": range(len(values)), "monetary": pl.Series(values, dtype=dtype)}
    )
    spec = grc.RFM(None, None, grc.Monetary())
    tables = [pa.table(clients[start::parts]) for start in range(parts)]
    before, edges._POINTS = edges._POINTS, points
    try:
        summary = together(edges.SummariseValues(spec, ("monetary",)), tables)
    finally:
        edges._POINTS = before
    total = 0 if summary is None else int(summary["clients"].sum())
    expected = _core.quantile_bands(clients["monetary"], bins, method="inverted_cdf")[0]
    if summary is None or total == 0:
        assert not expected
        return
    ranks = [-(-j * total // bins) for j in range(1, bins)]
    brackets = edges.brackets_of(summary, ranks)
    counts = together(edges.CountValues(spec, {"monetary": tuple(brackets)}), tables)
    found = []
    for number, rank in enumerate(ranks):
        key, clients_there = edges.key_of_rank(counts.filter(pl.col("bracket") == number), rank)
        value = edges.value_of(key, is_float=dtype.is_float())
        found.append(value)
        assert clients_there == int((clients["monetary"] == value).sum())
    assert found == list(expected)


def together(job: Any, tables: list[pa.Table]) -> Any:
    """Give the counts of several workers, added up as Spark does."""
    given_ = [table for part in tables for table in job.run([part])]
    if not given_:
        return None
    keys = [name for name in given_[0].columns if name != "clients"]
    return pl.concat(given_).group_by(keys).agg(pl.col("clients").sum())


# ---------------------------------------------------------------------------------------------
# Errors: one sentence, on the driver
# ---------------------------------------------------------------------------------------------


def test_a_missing_column_is_told_before_anything_runs(clusters: Any):
    table = to_spark(clusters["classic"], messy_sales(TEXT_IDS))
    with pytest.raises(ColumnError, match=r"has no column 'ammount'.*'amount'"):
        on_spark.facts(table, MERGEABLE, as_of=AS_OF, amount="ammount")


def test_a_column_of_a_wrong_type_is_told_before_anything_runs(clusters: Any):
    table = clusters["connect"].sql("select array(1) as client_id, current_date as date, 1 amount")
    with pytest.raises(ColumnError, match=r"'client_id' of the sales is of the type array<int>"):
        on_spark.facts(table, MERGEABLE, as_of=AS_OF)


@pytest.mark.parametrize(("kind", "order"), [*((kind, None) for kind in KINDS), ("sail", "order")])
def test_a_wrong_value_is_one_sentence(clusters: Any, kind: str, order: str | None):
    sales = messy_sales(TEXT_IDS).with_columns(date=pl.col("date").cast(pl.String))
    sales[200, "date"] = "yesterday"
    with pytest.raises(DataError) as here:
        on_one_machine(sales, MERGEABLE, order=order)
    with pytest.raises(DataError) as there:
        on_spark.facts(to_spark(clusters[kind], sales), MERGEABLE, as_of=AS_OF, order=order)
    assert 'the date "yesterday" cannot be read' in str(there.value)
    assert str(there.value) == str(here.value).replace(" of the frame, row 201", "")


def test_conditions_and_days_are_checked_on_all_rows(clusters: Any):
    table = to_spark(clusters["sail"], messy_sales(TEXT_IDS))
    with pytest.raises(DataError, match="no row of 600 meets the condition"):
        on_spark.facts(table, MERGEABLE, as_of=AS_OF, where="quantity > 7")
    with pytest.raises(DataError, match="as_of 2020-01-01 is before every sale"):
        on_spark.facts(table, MERGEABLE, as_of="2020-01-01")


def test_what_is_no_table_of_spark_is_refused():
    with pytest.raises(SourceError, match="the sales must be a DataFrame of Spark, and not a "):
        on_spark.facts(pl.DataFrame(), MERGEABLE, as_of=AS_OF)


def test_options_that_spark_cannot_follow_are_refused(clusters: Any):
    table = to_spark(clusters["sail"], messy_sales(TEXT_IDS))
    with pytest.raises(OptionError, match="client is the expression 'LOWER"):
        on_spark.facts(table, MERGEABLE, as_of=AS_OF, client="LOWER(client_id)")
    with pytest.raises(OptionError, match="window cannot go with an RFM"):
        on_spark.facts(table, grc.RFM(), as_of=AS_OF, window="1y")
    with pytest.raises(OptionError, match="ties='split' cannot be learnt on Spark"):
        on_spark.fit(table, grc.RFM(ties="split"))
    with pytest.raises(OptionError, match="edges='linear' cannot be learnt on Spark"):
        on_spark.fit(table, grc.RFM(edges="linear"))


ELSEWHERE = """
import pickle, sys
sys.modules["grc_fast"] = None if {missing} else __import__("types").ModuleType("grc_fast")
import pyarrow as pa
run = pickle.loads(sys.stdin.buffer.read())
rows = [row for batch in run(iter([])) for row in batch.to_pylist()]
sys.stdout.write(repr(rows))
"""


def test_an_executor_without_the_package_says_so():
    cloudpickle = pytest.importorskip("pyspark.cloudpickle")
    output = pa.schema([("client_id", pa.string()), (ACCOUNT, pa.string())])
    run = workers._on_worker(pickle.dumps(None), output, "9.9", ACCOUNT)
    told = subprocess.run(
        [sys.executable, "-c", ELSEWHERE.format(missing=True)],
        input=cloudpickle.dumps(run),
        capture_output=True,
        check=True,
    )
    [row] = eval(told.stdout)
    kind, sentence = json.loads(row[ACCOUNT])["fault"]
    assert (row["client_id"], kind) == (None, "SourceError")
    assert sentence.startswith("the executors cannot import grc_fast")
    assert "install grc-fast[spark] 9.9" in sentence


def test_an_executor_with_another_version_says_so():
    output = pa.schema([("client_id", pa.string()), (ACCOUNT, pa.string())])
    run = workers._on_worker(pickle.dumps(None), output, "9.9", ACCOUNT)
    [batch] = run(iter([]))
    _, sentence = json.loads(batch[ACCOUNT][0].as_py())["fault"]
    assert sentence.endswith("the driver has 9.9: install one version on all of them")
    run = workers._on_worker(pickle.dumps(None), output.remove(1), "9.9", ACCOUNT)
    with pytest.raises(
        RuntimeError, match=r"the executors have grc_fast .* and the driver has 9.9"
    ):
        list(run(iter([])))
