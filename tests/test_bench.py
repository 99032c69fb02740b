"""The comparison: its opponents give our results, and its command keeps its word."""

import dataclasses
import gc
import html
import importlib
import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import get_args

import duckdb
import polars as pl
import publish
import pytest
from goals import GOALS, Goal
from polars.testing import assert_frame_equal
from pyarrow import parquet

import grc_fast as grc
from grc_fast.bench import (
    chart,
    container,
    facts,
    harness,
    machine,
    memory,
    our_side,
    pandas_baseline,
    quantiles,
    suite,
    whole_job,
)
from grc_fast.bench.harness import OURS, SAME, Case, Comparison, Measure, check_equal, measure
from grc_fast.bench.sales import IDS, Ids, sales_file, write_sales
from grc_fast.bench.setting import AS_OF, CODEC, Setting, even_threads, in_words, require_extra
from grc_fast.bench.suite import SUBJECTS, cases_of, run_suite
from grc_fast.bench.table import figure_rows, in_ratio
from grc_fast.bench.worker import Worker
from grc_fast.cli import main
from grc_fast.errors import DataError, GrcError, OptionError

ROOT = Path(__file__).resolve().parent.parent


def grc_fast(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "grc_fast", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def grc_fast_here(capsys, monkeypatch):
    """Runs a command in this process, since what ends at once takes less time than to start one."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        status = main(list(map(str, arguments)))
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, status, said.out, said.err)

    return run


class HereAtOnce:
    """Does the work of a `Worker` in this process: data are small, and a start takes longer."""

    def __init__(self, job, arguments, *, threads):
        self._work = job(**arguments)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def seconds(self):
        self._work()


@pytest.fixture
def setting(tmp_path, monkeypatch):
    monkeypatch.setattr("grc_fast.bench.sales.Worker", HereAtOnce)
    return Setting(threads=2, directory=tmp_path, rounds=1, scale=5_000)


@pytest.fixture(scope="module", autouse=True)
def a_small_heap():
    """Rounds begin with a collection, which need not go through what other tests have left."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


# The harness


def case_of(taken, **options):
    """A case of ways that take what is told, round by round."""

    @contextmanager
    def opened() -> Iterator[Mapping[str, Measure]]:
        yield {way: iter(values).__next__ for way, values in taken.items()}

    return Case("made", "made up", opened, **options)


def test_medians_and_figures_are_those_of_the_rounds():
    case = case_of(
        {"ours": [1.0, 9.0, 2.0], "slow": [8.0, 8.0, 8.0], "fast": [5.0, 4.0, 60.0]},
        opponents={"all": ("slow", "fast", "absent"), "one": ("slow",), "none": ("absent",)},
    )

    best, only = measure(dataclasses.replace(case, rounds=3), 1).figures

    assert (best.against, best.opponent) == ("all", "fast")
    assert (best.ours, best.theirs, best.ratio) == (2.0, 5.0, 2.5)
    assert (best.our_range, best.their_range) == ((1.0, 9.0), (4.0, 60.0))
    assert (only.against, only.opponent, only.ratio) == ("one", "slow", 4.0)


def test_a_goal_bounds_a_ratio_from_below_and_our_own_figure_from_above():
    ratio, alone = Goal("*", "all", must=2.5, aim=3), Goal("*", None, must=2, aim=1)
    assert (ratio.meets(2.5, 2.5), ratio.meets(2.5, 3), ratio.meets(2.5, None)) == (
        True,
        False,
        None,
    )
    assert (alone.meets(2.0, 2), alone.meets(2.0, 1), alone.meets(2.0, None)) == (True, False, None)
    assert (ratio.in_words(2.5, "s"), alone.in_words(2.5, "s"), alone.in_words(None, "s")) == (
        "2.5x",
        "2.50 s",
        "",
    )


def test_every_goal_is_of_a_figure_that_is_measured(tmp_path):
    cases = cases_of(SUBJECTS, Setting(threads=2, directory=tmp_path))
    of_others = {"lifetimes", "fit and value from facts, *"}  # benches/bench_value.py
    for goal in GOALS:
        named = [case for case in cases if fnmatchcase(case.name, goal.cases)]
        assert named or {goal.against, goal.cases} & of_others, goal
        assert all(goal.against is None or goal.against in case.opponents for case in named), goal


def test_ways_run_in_turn_as_often_as_asked(monkeypatch):
    called = []

    @contextmanager
    def opened():
        yield {name: lambda name=name: called.append(name) or 1.0 for name in "ab"}

    monkeypatch.setattr(harness, "SHORT", 0.0)
    done = measure(Case("made", "made up", opened, {}), 3)

    assert called == ["a", "b"] * 3
    assert done.rounds == {"a": [1.0] * 3, "b": [1.0] * 3}


def test_short_rounds_are_more():
    case = case_of({"ours": [5.0, 1.0, 3.0, 2.0, 4.0], "theirs": [9.0] * 5}, opponents={})
    done = measure(case, 2)
    assert done.medians == {"ours": 3.0, "theirs": 9.0}
    assert done.ranges == {"ours": (1.0, 5.0), "theirs": (9.0, 9.0)}


def test_a_case_may_say_how_often_it_runs():
    done = measure(case_of({"ours": [7.0]}, opponents={}, unit="B", rounds=1), 5)
    assert done.medians == {"ours": 7.0}


def test_a_way_with_another_result_is_named():
    found = [("ours", 1), ("theirs", 1), ("odd one", 2)]
    with pytest.raises(DataError, match=r"^odd one gives another result than ours"):
        check_equal(found, lambda ours, theirs: ours == theirs)


# The opponents


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_case_of_the_comparison_finds_its_results_equal(setting, monkeypatch, subject):
    monkeypatch.setattr(harness, "SHORT", 0.0)  # one round is enough to compare results
    cases = cases_of([subject], setting)

    done = [measure(case, 1) for case in cases]

    assert {case.subject for case in cases} == {subject}
    assert all(value > 0 for each in done for values in each.rounds.values() for value in values)
    assert [len(each.figures) for each in done] == [
        sum(group != "pandas" or "pandas" in each.rounds for group in case.opponents)
        for case, each in zip(cases, done, strict=True)
    ]


@pytest.mark.parametrize(("lines", "clients"), [(40_000, 4_000), (3_000, 2_000), (500, 3)])
def test_the_pandas_baseline_scores_every_client_as_the_package_does(tmp_path, lines, clients):
    sales = tmp_path / "sales.parquet"
    grc.simulate_sales(lines, clients, seed=5).write_parquet(sales)

    pandas_baseline.score_file(str(sales), str(tmp_path / "scores.parquet"), AS_OF)()

    theirs = pl.read_parquet(tmp_path / "scores.parquet").with_columns(
        pl.col("first_purchase", "last_purchase").cast(pl.Date), pl.col("segment").cast(pl.String)
    )
    ours = grc.score_rfm(sales, as_of=AS_OF).scores.cast({"segment": pl.String})
    assert_frame_equal(theirs, ours, check_exact=True)


def test_the_pandas_baseline_runs_alone(tmp_path):
    sales, scores = tmp_path / "sales.parquet", tmp_path / "scores.parquet"
    grc.simulate_sales(2_000, 200).write_parquet(sales)
    script = Path(pandas_baseline.__file__)

    subprocess.run([sys.executable, script, sales, scores, AS_OF], check=True, cwd=tmp_path)

    assert pl.read_parquet(scores)["client_id"].is_sorted()
    assert not re.search(
        r"^(import|from) (grc_fast|polars)", script.read_text("utf-8"), re.MULTILINE
    )


def test_every_side_of_the_whole_job_compresses_its_scores_alike(setting):
    names = tuple(whole_job.JOBS)
    with (
        sales_file(setting, 1_000, 100) as sales,
        whole_job.workers(setting, sales, names) as found,
    ):
        whole_job.check_scores(found)
        for name, (_, scores) in found.items():
            group = parquet.read_metadata(scores).row_group(0)
            codecs = {group.column(place).compression for place in range(group.num_columns)}
            assert codecs == {CODEC.upper()}, name


def test_opponents_that_are_wrong_are_not_measured(setting, monkeypatch):
    honest = facts.polars_side.read_facts
    monkeypatch.setattr(
        facts.polars_side,
        "read_facts",
        lambda *given, **options: honest(*given, **options).with_columns(pl.col("orders") + 1),
    )
    with pytest.raises(DataError, match="Polars, in memory gives another result"):
        measure(facts.cases(setting)[0], 1)


@pytest.mark.parametrize("number", [100, 101, 1_003])
def test_every_quantile_opponent_gives_our_bands(tmp_path, number):
    scale = quantiles.SIZES[0] // number
    setting = Setting(threads=1, directory=tmp_path, scale=scale)
    assert quantiles.SIZES[0] // scale >= number
    for case in quantiles.cases(setting)[: len(quantiles.COLUMNS) + 1]:
        with case.open() as ways:
            assert next(iter(ways)) == OURS
            assert all(set(group) & set(ways) for group in case.opponents.values())


# Data, processes and the machine


@pytest.mark.parametrize(("ids", "length"), [("12 bytes", 12), ("20 bytes", 20)])
def test_text_ids_are_as_long_as_their_kind_says(setting, ids, length):
    with sales_file(setting, 1_000, 100, ids) as path:
        sales = pl.read_parquet(path)
    assert not path.exists()
    assert sales["client_id"].str.len_bytes().unique().to_list() == [length]
    numbers = pl.col("client_id").str.extract(r"0*(\d+)$").cast(pl.Int64)
    assert sales.with_columns(numbers).equals(grc.simulate_sales(1_000, 100))


def test_every_kind_of_ids_is_known():
    assert set(IDS) == set(get_args(Ids))


def written(tmp_path, **options):
    """The sales of a case, 1,000 lines of 100 clients."""
    path = tmp_path / "sales.parquet"
    write_sales(str(path), 1_000, 100, **({"ids": "integers", "sorted_by": None} | options))()
    return pl.read_parquet(path)


@pytest.mark.parametrize("ids", IDS)
def test_ids_of_every_kind_tell_the_same_clients_apart(tmp_path, ids):
    found = written(tmp_path, ids=ids)["client_id"]
    pairs = pl.DataFrame({"id": found, "client": grc.simulate_sales(1_000, 100)["client_id"]})
    assert pairs.n_unique() == pairs["id"].n_unique() == pairs["client"].n_unique()


@pytest.mark.parametrize(("ids", "share"), [("1 in 1", 1), ("1 in 7", 7), ("1 in 100", 100)])
def test_so_many_whole_numbers_have_a_client_as_their_kind_says(tmp_path, ids, share):
    clients = written(tmp_path, ids=f"integers, {ids}")["client_id"].unique().sort()
    runs = (clients - 1) // share
    assert runs.to_list() == list(range(len(clients)))


@pytest.mark.parametrize("column", ["date", "client_id"])
def test_sales_may_be_sorted(tmp_path, column):
    sales = written(tmp_path, sorted_by=column)
    assert sales[column].is_sorted()
    assert sales.sort(sales.columns).equals(grc.simulate_sales(1_000, 100).sort(sales.columns))


def hold(megabytes: int):
    """A job for a worker: holds memory, and lets go of it."""
    return lambda: len(b"\1" * (megabytes * 2**20))


def test_a_worker_tells_its_own_memory_and_not_that_of_who_started_it(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *sys.path]))
    ours = bytearray(400 * 2**20)
    ours[:] = b"\1" * len(ours)

    with (
        Worker(hold, {"megabytes": 1}, threads=1) as small,
        Worker(hold, {"megabytes": 300}, threads=1) as large,
    ):
        least, most = small.peak_bytes(), large.peak_bytes()

    assert machine.peak_memory() > 400 * 2**20
    assert least < 400 * 2**20
    assert most - least > 200 * 2**20


def test_where_the_system_does_not_tell_peaks_there_is_time_alone(setting, monkeypatch):
    monkeypatch.setattr(machine, "_kilobytes", lambda path, name: None)
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *sys.path]))

    assert machine.peak_memory() is None
    assert memory.cases(setting) == []
    with Worker(hold, {"megabytes": 1}, threads=1) as worker:
        monkeypatch.setattr(worker, "_ask", lambda place=0: {"seconds": 1.0, "peak_bytes": None})
        assert worker.seconds() == 1.0
        with pytest.raises(DataError, match="does not say how much memory"):
            worker.peak_bytes()


def hold_each(megabytes: list[int]):
    """A job of several works."""
    return tuple(hold(one) for one in megabytes)


def test_works_of_one_process_are_told_apart(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *sys.path]))
    with Worker(hold_each, {"megabytes": [1, 300]}, threads=1) as worker:
        assert worker.seconds() > 0
        small = worker.peak_bytes()
        assert worker.seconds(1) > 0
        assert worker.peak_bytes() - small > 200 * 2**20


def test_a_worker_that_dies_is_one_sentence(tmp_path, capfd):
    arguments = {"sales": str(tmp_path / "none.parquet"), "threads": 1}
    with (
        pytest.raises(DataError, match="ended with 1 instead of an answer"),
        Worker(
            our_side.read_facts,
            arguments,
            threads=1,
        ) as worker,
    ):
        worker.seconds()
    assert "none.parquet" in capfd.readouterr().err


def failing(error):
    """A case that ends with an error when it is opened."""

    @contextmanager
    def opened():
        raise error
        yield {}

    return Case("made", "broken", opened, {})


GOOD = case_of({"ours": [1.0] * 9, "theirs": [3.0] * 9}, opponents={"others": ("theirs",)})


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (DataError("it went away"), "it went away"),
        (MemoryError(), "MemoryError"),
        (OSError(28, "No space\nleft"), "OSError: [Errno 28] No space left"),
        (duckdb.OutOfMemoryException("too much"), "OutOfMemoryException: too much"),
        (pl.exceptions.PanicException("overflow"), "PanicException: overflow"),
    ],
)
def test_a_case_that_fails_is_told_and_the_others_are_kept(monkeypatch, error, why):
    monkeypatch.setattr(suite, "cases_of", lambda subjects, setting: [failing(error), GOOD])

    run = run_suite(subjects=["facts"], rounds=1, threads=1)

    assert run["failed"] == [{"subject": "made", "name": "broken", "why": why}]
    assert [case["name"] for case in run["cases"]] == ["made up"]
    assert run["cases"][0]["figures"][0]["ratio"] == 3.0
    first, second = figure_rows(run)
    assert first[0] == "made up"
    assert (second[0], second[-1], len(second)) == ("broken", "not measured", len(first))


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_a_run_that_is_stopped_has_kept_what_was_measured(monkeypatch, tmp_path, stop):
    from grc_fast.cli import bench as benching

    cases = [GOOD, failing(DataError("it went away")), failing(stop)]
    monkeypatch.setattr(suite, "cases_of", lambda subjects, setting: cases)

    with pytest.raises(KeyboardInterrupt):
        run_suite(
            subjects=["facts"],
            rounds=1,
            threads=1,
            keep=lambda so_far: benching.keep(so_far, tmp_path),
        )

    run = json.loads((tmp_path / "bench.json").read_text("utf-8"))
    assert [case["name"] for case in run["cases"]] == ["made up"]
    assert [case["why"] for case in run["failed"]] == ["it went away"]
    assert run["finished"] is None


@pytest.mark.parametrize(
    ("needs", "why"),
    [({"memory": 3 * 10**9}, "3.0 GB of memory"), ({"disk": 10**18}, "GB on the disk of ")],
)
def test_a_case_without_room_is_not_begun(monkeypatch, needs, why):
    case = dataclasses.replace(failing(AssertionError("it was begun")), **needs)
    monkeypatch.setattr(suite, "cases_of", lambda subjects, setting: [case])
    monkeypatch.setattr(suite, "available_memory", lambda: 2 * 10**9)

    (failed,) = run_suite(subjects=["facts"], rounds=1, threads=1)["failed"]

    assert why in failed["why"]
    assert "--scale" in failed["why"]


def test_cases_of_full_size_say_what_they_take(tmp_path):
    cases = cases_of(SUBJECTS, Setting(threads=2, directory=tmp_path))
    large = [case for case in cases if "50 M" in case.name or "100 M" in case.name]
    assert len(large) >= 7
    assert all(10**9 < case.memory < 24 * 10**9 for case in large)
    assert all(10**8 < case.disk < 10**10 for case in large)


# The container


def in_container(monkeypatch, tmp_path, own, files):
    """Let the process find itself in these control groups."""
    (tmp_path / "own").write_text(own)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(container, "_OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(container, "_GROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)


VERSION_2 = (
    "0::/pod/box\n",
    {
        "pod/box/cpu.max": "350000 100000\n",
        "pod/cpu.max": "max 100000\n",
        "pod/box/memory.max": "max\n",
        "pod/box/memory.current": "7\n",
        "pod/memory.max": "2000\n",
        "pod/memory.current": "1500\n",
        "pod/memory.stat": "anon 900\ninactive_file 600\n",
    },
)
VERSION_1 = (
    "4:memory:/box\n1:cpu,cpuacct:/box\n0::/\n",
    {
        "cpu/cpu.cfs_quota_us": "350000\n",
        "cpu/cpu.cfs_period_us": "100000\n",
        "cpu/box/cpu.cfs_quota_us": "-1\n",
        "cpu/box/cpu.cfs_period_us": "100000\n",
        "memory/box/memory.limit_in_bytes": "2000\n",
        "memory/box/memory.usage_in_bytes": "1500\n",
        "memory/box/memory.stat": "inactive_file 1\ntotal_inactive_file 600\n",
        "memory/memory.limit_in_bytes": "9223372036854771712\n",
        "memory/memory.usage_in_bytes": "1\n",
    },
)


@pytest.mark.parametrize(("own", "files"), [VERSION_2, VERSION_1], ids=["2", "1"])
def test_cores_and_memory_are_those_of_the_container(monkeypatch, tmp_path, own, files):
    in_container(monkeypatch, tmp_path, own, files)

    assert container.cores() == 3
    assert (container.memory_limit(), container.memory_left()) == (2000, 1100)
    assert (machine.machine()["cores"], machine.machine()["memory"]) == (3, 2000)
    assert machine.available_memory() == 1100


def test_without_limits_cores_are_those_the_process_may_use(monkeypatch, tmp_path):
    in_container(monkeypatch, tmp_path, "0::/\n", {"cpu.max": "max 100000\n"})
    assert container.cores() == 8
    assert (container.memory_limit(), container.memory_left()) == (None, None)


def test_less_than_a_core_is_one(monkeypatch, tmp_path):
    in_container(monkeypatch, tmp_path, "0::/\n", {"cpu.max": "20000 100000\n"})
    assert container.cores() == 1


def test_every_side_has_as_many_threads(monkeypatch):
    monkeypatch.setattr("grc_fast.bench.setting.cores", lambda: 3)
    assert [even_threads(asked) for asked in (None, 1, 12)] == [3, 1, 12]
    with pytest.raises(OptionError, match=r"^13 threads are more than the 12 .* on 3 cores"):
        even_threads(13)


# The command


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of one subject by the command, and where it wrote."""
    directory = tmp_path_factory.mktemp("bench") / "made"
    done = grc_fast(
        "bench", "--subjects", "scoring,memory", "--scale", 5_000, "--rounds", 3, "-o", directory
    )
    return done, directory


def test_the_command_prints_a_row_for_every_figure(finished):
    done, directory = finished
    run = json.loads((directory / "bench.json").read_text("utf-8"))
    rows = list(figure_rows(run))
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(rows) + 1
    assert all(row[0] in line for row, line in zip(rows, done.stdout.splitlines()[1:], strict=True))
    assert f"written: {directory / 'bench.json'}" in done.stderr


def test_bench_json_holds_every_round_the_medians_and_the_machine(finished):
    _, directory = finished
    run = json.loads((directory / "bench.json").read_text("utf-8"))
    setting = Setting(threads=run["settings"]["threads"], directory=directory, scale=5_000)
    opponents = {case.name: case.opponents for case in cases_of(SUBJECTS, setting)}
    assert run["format"] == suite.FORMAT
    assert run["settings"]["subjects"] == ["scoring", "memory"]
    assert (run["settings"]["scale"], run["settings"]["rounds"]) == (5_000, 3)
    assert run["machine"]["cores"] == container.cores()
    assert run["versions"]["polars"] == pl.__version__
    assert run["failed"] == []
    assert run["run"]["begun"] <= run["cases"][0]["measured"] <= run["finished"]
    assert all(case["run"] == run["run"] for case in run["cases"])
    for case in run["cases"]:
        for way, rounds in case["rounds"].items():
            assert len(rounds) == (1 if case["subject"] == "memory" else 7)
            assert case["medians"][way] == statistics.median(rounds)
            assert case["ranges"][way] == [min(rounds), max(rounds)]
        for figure in case["figures"]:
            assert figure["ratio"] == figure["theirs"] / figure["ours"]
            assert figure["theirs"] == min(
                case["medians"][way] for way in opponents[case["name"]][figure["against"]]
            )
    assert {case["unit"] for case in run["cases"]} == {"s", "B"}


def test_the_chart_is_the_same_bytes_for_the_same_run(finished, tmp_path):
    _, directory = finished
    run = json.loads((directory / "bench.json").read_text("utf-8"))
    chart.chart_writer(run)(tmp_path / "again.svg")
    drawn = (tmp_path / "again.svg").read_bytes()
    assert drawn == (directory / "bench.svg").read_bytes()
    assert all(case["name"].encode() in drawn for case in run["cases"] if case["unit"] == "s")


def test_an_unknown_subject_is_one_sentence_that_names_the_nearest(grc_fast_here, tmp_path):
    done = grc_fast_here("bench", "--subjects", "facts,quantile", "-o", tmp_path)
    assert done.returncode == 1
    assert done.stderr == "error: there is no subject 'quantile'; did you mean 'quantiles'?\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("subjects", ["", " , "])
def test_no_subject_at_all_is_one_sentence(grc_fast_here, tmp_path, subjects):
    done = grc_fast_here("bench", "--subjects", subjects, "-o", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: name a subject at least: facts, quantiles")


def test_a_directory_that_cannot_be_made_is_one_sentence(grc_fast_here, tmp_path):
    (tmp_path / "file").touch()
    done = grc_fast_here("bench", "-o", tmp_path / "file" / "deeper")
    assert done.returncode == 1
    assert re.match(r"error: the directory '.*deeper' cannot be made", done.stderr)


@pytest.mark.parametrize("option", ["--scale", "--rounds", "--threads"])
def test_numbers_below_one_are_refused(grc_fast_here, option):
    assert grc_fast_here("bench", option, 0).returncode == 2


def test_a_missing_extra_is_named(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "grc_fast.bench.setting.find_spec", lambda name: None if name == "duckdb" else found(name)
    )
    with pytest.raises(OptionError, match=r'needs duckdb, .*pip install "grc-fast\[bench\]"$'):
        require_extra()


def test_without_matplotlib_there_is_a_warning_and_no_chart(tmp_path, monkeypatch, capsys):
    from grc_fast.cli import bench as benching
    from grc_fast.cli.console import Messages

    monkeypatch.setattr(benching, "has_matplotlib", lambda: False)
    comparison = Comparison("made", "made up", "s", {"ours": [1.0]}, {})
    run = {
        "cases": [],
        "failed": [],
        "machine": machine.machine(),
        "versions": machine.versions(),
        "settings": {"threads": 1, "rounds": 1, "scale": 1},
    }
    messages = Messages(quiet=False)

    benching.note(comparison, messages)
    benching.write(run, tmp_path, messages)

    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"]
    assert 'pip install "grc-fast[bench]"' in capsys.readouterr().err


def test_a_failed_case_ends_the_command_with_its_reason():
    from grc_fast.cli import bench as benching

    run = {"cases": [{}], "failed": [{"subject": "s", "name": "the job", "why": "it went away"}]}
    with pytest.raises(GrcError, match=r'^1 of 2 cases .* "the job": it went away$'):
        benching.check(run)


def test_the_help_names_every_subject(grc_fast_here):
    helped = grc_fast_here("bench", "--help").stdout
    assert not [subject for subject in SUBJECTS if subject not in helped]


# What is written of it


def test_readme_and_guide_say_what_was_measured():
    done = subprocess.run(
        [sys.executable, ROOT / "benches" / "publish.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def made_run(hour, *cases):
    """A run of full size, of cases with a ratio against each group of opponents."""
    run = {"begun": f"2026-11-22T{hour}:00:00+00:00", "machine": "made"}
    return {
        "run": run,
        "machine": machine.machine(),
        "versions": machine.versions(),
        "settings": {"threads": 1, "rounds": 1, "scale": 1},
        "cases": [
            {
                "subject": "made",
                "name": name,
                "unit": "s",
                "rounds": {"ours": [ours]},
                "medians": {"ours": ours},
                "run": run,
                "figures": [
                    {
                        "against": against,
                        "ours": ours,
                        "our_range": [ours, ours],
                        "opponent": f"x{hour}",
                        "theirs": ratio * ours,
                        "their_range": [ratio * ours, ratio * ours],
                        "ratio": ratio,
                    }
                    for against, ratio in ratios.items()
                ],
            }
            for name, ours, ratios in cases
        ],
    }


def test_each_figure_is_of_the_run_that_favours_us_least():
    runs = [
        made_run("01", ("a", 1.0, {"same": 4.0, "shortest": 1.5}), ("b", 1.0, {"same": 2.0})),
        made_run("09", ("a", 2.0, {"same": 5.0, "shortest": 1.2}), ("b", 3.0, {"same": 1.9})),
    ]

    a, b = publish.least_favourable(runs)

    assert [(f["against"], f["ratio"], f["opponent"]) for f in a["figures"]] == [
        ("same", 4.0, "x01"),
        ("shortest", 1.2, "x09"),
    ]
    assert [(f["ratio"], f["ours"]) for f in b["figures"]] == [(1.9, 3.0)]
    assert (a["ours"], b["ours"]) == (2.0, 3.0)
    assert runs[0]["cases"][0]["figures"][1]["ratio"] == 1.5


def test_a_page_says_how_many_runs_there_were_and_when():
    runs = [made_run(hour, ("a", 1.0, {"same": 4.0})) for hour in ("01", "09", "17")]
    one, three = publish.conditions_of(runs[:1]), publish.conditions_of(runs)
    assert one.startswith("One full run (2026-11-22 01:00 UTC): ")
    assert three.startswith(
        "The least favourable of three full runs (2026-11-22 01:00 UTC; 2026-11-22 09:00 UTC; "
        "2026-11-22 17:00 UTC): "
    )
    assert machine.machine()["processor"] in one


def test_a_page_says_which_cases_were_measured_again():
    run = made_run("01", ("a", 1.0, {"same": 4.0}), ("b", 1.0, {"same": 4.0}))
    run["cases"][1]["run"] = made_run("02")["run"]
    said = publish.conditions_of([run])
    assert said.startswith(
        "One full run (2026-11-22 01:00 UTC, 1 of 2 cases again 2026-11-22 02:00): "
    )


@pytest.mark.parametrize("changed", ["machine", "versions", "settings"])
def test_runs_of_different_things_are_not_put_together(monkeypatch, tmp_path, changed):
    runs = [made_run("01"), made_run("09") | {changed: {"scale": 1}}]
    for number, run in enumerate(runs, 1):
        (tmp_path / f"run-{number}.json").write_text(json.dumps(run), "utf-8")
    monkeypatch.setattr(publish, "MEASURED", tmp_path)
    with pytest.raises(SystemExit, match=f"differ in their {changed}"):
        publish.read_runs()


def test_readme_has_the_shortest_query_where_it_was_measured():
    line = publish.LINES[0]
    others = [(other.case, 1.0, {SAME: 2.0}) for other in publish.LINES]
    without = [made_run("01", *others)]
    beside = [made_run("01", *others, (line.shortest, 0.5, {"shortest query": 1.25}))]

    tables = [publish.headline(runs, publish.least_favourable(runs)) for runs in (without, beside)]

    first, second = (table.splitlines()[2] for table in tables)
    assert first == f"| {line.job} | 1.00 s | x01: 2.00 s | 2.0x | not measured yet |  |"
    assert second.endswith("| 2.0x | x01: 625 ms to our 500 ms | 1.2x |")
    assert all(len(table.split("\n\n")[0].splitlines()) == 2 + 6 for table in tables)


def test_goals_name_every_figure_that_misses_them():
    name = "quantile kernel, 5 M values, continuous"
    cases = [
        ("quantile kernel, 1 M values, cents", 1.0, {SAME: 1.9}),
        ("quantile kernel, 1 M values, sorted", 1.0, {SAME: 9.0}),
        (name, 1.0, {SAME: 4.0, "one call": 50.0, "numpy.sum": 0.01}),
        ("quantile kernel, 7 M values, unknown", 1.0, {SAME: 0.1}),
    ]

    said, table = publish.goals_table(publish.least_favourable([made_run("01", *cases)])).split(
        "\n\n"
    )

    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert [(row[0], row[1], row[-1]) for row in rows] == [
        (cases[0][0], SAME, "missed"),
        (cases[1][0], SAME, "met"),
        (name, "one call", "met"),
        (name, SAME, "aim missed"),
        (name, "numpy.sum", "missed"),
    ]
    assert said == "Missed: 2 of 5 required figures, and 3 of 5 aims, which are higher."


def labels_of(chart_file):
    texts = re.findall(r">([^<]*)</text>", chart_file.read_text("utf-8"))
    return {html.unescape(text) for text in texts}


def test_the_charts_of_the_guide_are_those_of_what_was_measured():
    measured = ROOT / "docs" / "performance"
    curves = json.loads((measured / "curves.json").read_text("utf-8"))
    figures = [
        (case["name"], figure)
        for case in publish.least_favourable(publish.read_runs())
        for figure in case["figures"]
    ]
    labels = {f"{name}  ·  {figure['opponent']}" for name, figure in figures}
    values = {f" {in_ratio(figure['ratio'])}" for _, figure in figures}
    assert labels | values <= labels_of(measured / "ratios.svg")
    for name, points in (("time", "time"), ("memory", "memory_by_lines")):
        sizes = {in_words(point["lines"]) for point in curves[points]}
        assert sizes <= labels_of(measured / f"curves-{name}.svg")
