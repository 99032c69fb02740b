"""Results on disk: one format an extension, whole files or none, refused before any work."""

import errno
import io
import os
import resource
import signal
import stat
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from grc_fast.errors import OutputError
from grc_fast.io.atomic import atomic_path, atomic_paths
from grc_fast.io.output_checks import check_outputs, check_writable
from grc_fast.io.write import frame_writer, write_frame, write_outputs

READERS: dict[str, Callable[..., pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    ".csv": pl.read_csv,
    ".ndjson": pl.read_ndjson,
    ".jsonl": pl.read_ndjson,
    ".arrow": pl.read_ipc,
    ".ipc": pl.read_ipc,
    ".feather": pl.read_ipc,
}
TEXT_FORMATS = {".csv", ".ndjson", ".jsonl"}
XLSX_ROWS = 1_048_576


@pytest.fixture
def frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "client_id": [1, 2, 3],
            "last_purchase": [date(2026, 1, 31), None, date(1999, 12, 31)],
            "monetary": [1.5, -0.25, None],
            "segment": ["champions", "lost", None],
        }
    )


def _files(directory: Path) -> list[str]:
    """Every file of a directory, hidden ones included."""
    return sorted(path.name for path in directory.rglob("*") if not path.is_dir())


@contextmanager
def _files_no_larger_than(size: int) -> Iterator[None]:
    """Let the operating system refuse to write more: what a full disk or a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# --- formats --------------------------------------------------------------------------------------


@pytest.mark.parametrize("extension", READERS)
def test_each_extension_writes_its_format(
    tmp_path: Path, frame: pl.DataFrame, extension: str
) -> None:
    target = tmp_path / f"scores{extension}"

    write_frame(frame, target)

    types = {"schema": frame.schema} if extension in TEXT_FORMATS else {}
    assert_frame_equal(READERS[extension](target, **types), frame)
    assert _files(tmp_path) == [target.name]


@pytest.mark.parametrize("rows", [0, 1, 6, 7])
def test_text_that_is_written_in_parts_is_that_of_the_whole(
    rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["plain", 'with "quotes"', "with, comma", "", None, "line\nend", "é"]
    frame = pl.DataFrame({"client_id": range(7), "text": texts, "money": 0.1}).head(rows)
    whole = {".csv": io.BytesIO(), ".ndjson": io.BytesIO()}
    frame.write_csv(whole[".csv"])
    frame.write_ndjson(whole[".ndjson"])
    monkeypatch.setattr("grc_fast.io.write._TEXT_ROWS", 3)

    for extension, expected in whole.items():
        write_frame(frame, tmp_path / f"part{extension}")
        assert (tmp_path / f"part{extension}").read_bytes() == expected.getvalue()


def test_the_extension_is_read_without_case(tmp_path: Path, frame: pl.DataFrame) -> None:
    write_frame(frame, tmp_path / "SCORES.PARQUET")

    assert_frame_equal(pl.read_parquet(tmp_path / "SCORES.PARQUET"), frame)


@pytest.mark.parametrize("extension", [".parquet", ".csv", ".ndjson", ".arrow", ".xlsx"])
def test_the_same_frame_gives_the_same_bytes_however_it_is_chunked(
    tmp_path: Path, frame: pl.DataFrame, extension: str
) -> None:
    if extension == ".xlsx":
        pytest.importorskip("xlsxwriter")
    pieces = pl.concat([frame[:1], frame[1:]], rechunk=False)
    assert pieces.n_chunks() == 2

    write_frame(frame, tmp_path / f"whole{extension}")
    write_frame(pieces, tmp_path / f"pieces{extension}")

    whole, in_pieces = (tmp_path / f"{name}{extension}" for name in ("whole", "pieces"))
    assert whole.read_bytes() == in_pieces.read_bytes()


@pytest.mark.parametrize("name", ["scores.txt", "scores", "scores.csv.gz", ".csv"])
def test_an_unknown_extension_names_those_taken(
    tmp_path: Path, frame: pl.DataFrame, name: str
) -> None:
    with pytest.raises(OutputError, match=r"\.parquet, \.csv, \.ndjson.*\.xlsx"):
        write_frame(frame, tmp_path / name)
    with pytest.raises(OutputError, match=r"extension"):
        check_writable(tmp_path / name)
    assert _files(tmp_path) == []


def test_a_column_that_the_format_cannot_hold_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"nested"):
        write_frame(pl.DataFrame({"a": [[1, 2]]}), tmp_path / "a.csv")
    assert _files(tmp_path) == []


def test_csv_goes_to_standard_output(
    frame: pl.DataFrame, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    write_frame(frame, "-")

    assert capfdbinary.readouterr().out == frame.write_csv().encode()


def test_an_empty_frame_still_has_its_header(
    frame: pl.DataFrame, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    write_frame(frame.clear(), "-")

    assert capfdbinary.readouterr().out == b"client_id,last_purchase,monetary,segment\n"


WRITE_MUCH = (
    "import polars as pl; from grc_fast.io.write import write_frame; "
    "write_frame(pl.select(a=pl.int_range(1_000_000)), '-')"
)


def test_a_closed_pipe_is_no_error() -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITE_MUCH], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert writer.stdout is not None
    assert writer.stderr is not None

    assert writer.stdout.readline() == b"a\n"
    writer.stdout.close()

    assert writer.stderr.read() == b""
    assert writer.wait() == 0
    writer.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_standard_output_is_one_sentence() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", WRITE_MUCH], stdout=full, stderr=subprocess.PIPE, check=False
        )

    last = done.stderr.decode().splitlines()[-1]
    assert "OutputError: standard output cannot be written: no space left on device" in last


# --- XLSX -----------------------------------------------------------------------------------------


def _sheet(path: Path) -> pl.DataFrame:
    """Read a sheet back, every cell as the text that it holds."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with ZipFile(path) as archive:
        strings = [
            "".join(item.itertext()) for item in ET.fromstring(archive.read("xl/sharedStrings.xml"))
        ]
        sheet = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    assert not list(sheet.iter(f"{space}f")), "the sheet holds a formula"
    rows = []
    for row in sheet.iter(f"{space}row"):
        cells = []
        for cell in row:
            value = cell.findtext(f"{space}v")
            match cell.get("t"):
                case "s":
                    value = strings[int(value or 0)]
                case "inlineStr":
                    value = "".join(cell.itertext())
            cells.append(value)
        rows.append(cells)
    return pl.DataFrame(rows[1:], schema=rows[0], orient="row")


def test_text_that_a_spreadsheet_would_run_is_neutralised(tmp_path: Path) -> None:
    pytest.importorskip("xlsxwriter")
    texts = ["=1+1", "+33 6", "-5", "@SUM(A1)", "\tx", "\rx", "plain", "a=b", "00123"]
    frame = pl.DataFrame({"client_id": texts, "=header": pl.Series(texts, dtype=pl.Enum(texts))})

    write_frame(frame, tmp_path / "list.xlsx")

    sheet = _sheet(tmp_path / "list.xlsx")
    assert sheet.columns == ["client_id", "'=header"]
    expected = ["'=1+1", "'+33 6", "'-5", "'@SUM(A1)", "'\tx", "'\rx", "plain", "a=b", "00123"]
    for column in sheet:
        # A carriage return in XML is written by its number or read as a line feed.
        read = [text.replace("_x000D_", "\r").replace("\n", "\r") for text in column]
        assert read == expected


def test_a_scores_csv_is_left_as_it_is(tmp_path: Path) -> None:
    write_frame(pl.DataFrame({"client_id": ["=1+1", "-5"]}), tmp_path / "scores.csv")

    assert (tmp_path / "scores.csv").read_text() == "client_id\n=1+1\n-5\n"


def test_integers_that_a_spreadsheet_cannot_hold_are_written_as_text(tmp_path: Path) -> None:
    pytest.importorskip("xlsxwriter")
    ids = [2**53 + 1, -(2**62), 7]

    write_frame(pl.DataFrame({"client_id": ids}), tmp_path / "list.xlsx")

    assert _sheet(tmp_path / "list.xlsx")["client_id"].to_list() == [str(i) for i in ids]


def test_more_rows_than_a_sheet_holds_name_another_format(tmp_path: Path) -> None:
    pytest.importorskip("xlsxwriter")

    with pytest.raises(OutputError, match=r"1,048,576 rows.*use \.parquet or \.csv"):
        write_frame(pl.select(a=pl.int_range(XLSX_ROWS)), tmp_path / "list.xlsx")
    assert _files(tmp_path) == []


def test_a_text_longer_than_a_cell_is_refused_and_not_cut(tmp_path: Path) -> None:
    pytest.importorskip("xlsxwriter")

    with pytest.raises(OutputError, match=r"column 'a' has a text of 32,768 characters"):
        write_frame(pl.DataFrame({"a": ["x" * 32_768]}), tmp_path / "list.xlsx")


def test_a_missing_extra_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grc_fast.io.xlsx.find_spec", lambda _name: None)

    with pytest.raises(OutputError, match=r'pip install "grc-fast\[xlsx\]"'):
        check_writable(tmp_path / "list.xlsx")


# --- whole files or none --------------------------------------------------------------------------


def test_the_target_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    target.write_text("old")

    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")

    assert target.read_text() == "new"
    assert _files(tmp_path) == ["a.csv"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    target = tmp_path / "a.csv"
    target.write_text("old")

    def write_half() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise failure

    with pytest.raises(failure):
        write_half()

    assert target.read_text() == "old"
    assert _files(tmp_path) == ["a.csv"]


def test_a_symbolic_link_is_followed_and_the_mode_is_kept(tmp_path: Path) -> None:
    target, link = tmp_path / "a.csv", tmp_path / "link.csv"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)

    with atomic_path(link) as temporary:
        temporary.write_text("new")

    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_name_as_long_as_the_file_system_takes(tmp_path: Path) -> None:
    target = tmp_path / f"{'é' * 120}.csv"

    with atomic_path(target) as temporary:
        temporary.write_text("x")

    assert target.read_text() == "x"


def test_several_outputs_all_appear(tmp_path: Path, frame: pl.DataFrame) -> None:
    scores, model = tmp_path / "scores.csv", tmp_path / "model.json"

    write_outputs(
        {scores: frame_writer(frame, scores), model: lambda path: path.write_text("{}") and None}
    )

    assert _files(tmp_path) == ["model.json", "scores.csv"]


def test_several_outputs_none_appears_if_one_fails(tmp_path: Path, frame: pl.DataFrame) -> None:
    scores, model = tmp_path / "scores.csv", tmp_path / "model.json"
    scores.write_text("old")

    def fail(_path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError, match=r"model\.json' cannot be written: no space left"):
        write_outputs({scores: frame_writer(frame, scores), model: fail})

    assert _files(tmp_path) == ["scores.csv"]
    assert scores.read_text() == "old"


def test_several_outputs_are_put_back_if_the_last_cannot_be_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, last = (tmp_path / name for name in ("old.csv", "new.csv", "last.csv"))
    old.write_text("old")
    replace = Path.replace

    def refuse_last(source: Path, target: Path) -> None:
        if target == last:
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(Path, "replace", refuse_last)

    def write_all() -> None:
        with atomic_paths([old, new, last]) as temporaries:
            for temporary in temporaries:
                temporary.write_text("new")

    with pytest.raises(KeyboardInterrupt):
        write_all()

    assert _files(tmp_path) == ["old.csv"]
    assert old.read_text() == "old"


@pytest.mark.parametrize("extension", [".parquet", ".csv", ".ndjson", ".arrow", ".xlsx"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path, extension: str) -> None:
    if extension == ".xlsx":
        pytest.importorskip("xlsxwriter")
    frame = pl.select(a=pl.int_range(5_000)).with_columns(b=pl.col("a").hash())
    target = tmp_path / f"scores{extension}"
    target.write_text("old")

    with _files_no_larger_than(20_000), pytest.raises(OutputError) as caught:
        write_frame(frame, target)

    assert "cannot be written: file too large: free some space" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert _files(tmp_path) == [target.name]
    assert target.read_text() == "old"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        OSError("No space left on device (os error 28)"),
        pl.exceptions.ComputeError("parquet: underlying IO error: x (os error 28)\nmore lines"),
    ],
)
def test_every_way_of_saying_that_the_disk_is_full_reads_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(pl.DataFrame, "write_csv", fail)

    with pytest.raises(OutputError, match=r"cannot be written: no space left on device: free"):
        write_frame(pl.DataFrame({"a": [1]}), tmp_path / "a.csv")
    assert _files(tmp_path) == []


# --- checks before any work -----------------------------------------------------------------------


@pytest.fixture
def sales(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory `in` with the input `in/a.csv`, in the current directory."""
    monkeypatch.chdir(tmp_path)
    path = Path("in/a.csv")
    path.parent.mkdir()
    path.write_text("a\n1\n")
    Path("out").mkdir()
    return path


@pytest.mark.parametrize(
    ("output", "source"),
    [
        ("in/a.csv", "in/a.csv"),
        ("./out/../in/a.csv", "in/a.csv"),
        ("{absolute}", "in/a.csv"),
        ("in/a.csv", "file://{absolute}"),
        ("link.csv", "in/a.csv"),
        ("in/a.csv", "link.csv"),
        ("hard.csv", "in/a.csv"),
        ("hard.csv", "in/*.csv"),
        ("hard.csv", "in"),
    ],
)
def test_an_output_equal_to_an_input_is_refused(sales: Path, output: str, source: str) -> None:
    Path("link.csv").symlink_to(sales)
    os.link(sales, "hard.csv")
    absolute = str(sales.resolve())

    with pytest.raises(OutputError, match=r"input"):
        check_writable(
            output.replace("{absolute}", absolute), [source.replace("{absolute}", absolute)]
        )
    assert sales.read_text() == "a\n1\n"


@pytest.mark.parametrize(
    ("output", "source"),
    [
        ("in/new.csv", "in"),
        ("in/new.csv", "in/"),
        ("in/new.csv", "in/*.csv"),
        ("in/new.csv", "i?/[mn]*.csv"),
        ("in/new.csv", "**/*.csv"),
        ("new.csv", "*.csv"),
        ("new.csv", "."),
        ("link/new.csv", "in/*.csv"),
    ],
)
def test_an_output_among_the_inputs_is_refused(sales: Path, output: str, source: str) -> None:
    Path("link").symlink_to("in")

    with pytest.raises(OutputError, match=r"input"):
        check_writable(output, [source])
    assert _files(sales.parent) == ["a.csv"]


@pytest.mark.parametrize(
    ("output", "source"),
    [
        ("out/a.csv", "in"),
        ("out/a.csv", "in/*.csv"),
        ("in/scores.parquet", "in/*.csv"),
        ("out/a.csv", "s3://bucket/out/a.csv"),
        ("out/a.csv", "postgresql://host/out"),
        ("in.csv", "in"),
    ],
)
@pytest.mark.usefixtures("sales")
def test_an_output_beside_the_inputs_is_taken(output: str, source: str) -> None:
    check_writable(output, [source, pl.DataFrame(), pl.LazyFrame(), None])

    assert not Path(output).exists()


def test_what_exists_is_left_as_it_is_by_the_checks(sales: Path) -> None:
    Path("out/a.csv").write_text("old")

    check_writable("out/a.csv", [sales])

    assert Path("out/a.csv").read_text() == "old"
    assert _files(Path("out")) == ["a.csv"]


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("missing/a.csv", "not a directory: make it first"),
        ("in/a.csv/b.csv", "not a directory: make it first"),
        ("out", "is a directory: name a file in it"),
        ("pipe.csv", "a device or a pipe"),
        ("", "no name"),
    ],
)
@pytest.mark.usefixtures("sales")
def test_a_place_that_takes_no_file_is_refused(output: str, says: str) -> None:
    os.mkfifo("pipe.csv")

    with pytest.raises(OutputError, match=says):
        check_outputs([], [output], [])


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="the system has no /proc")
def test_a_directory_that_takes_no_file_is_refused_even_for_root() -> None:
    with pytest.raises(OutputError, match=r"'/proc/self/a\.csv' cannot be written"):
        check_writable("/proc/self/a.csv")


def test_a_read_only_directory_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write to read-only directories, as root may")
        with pytest.raises(OutputError, match=r"permission denied: choose a directory"):
            check_writable(tmp_path / "a.csv")
    finally:
        tmp_path.chmod(0o700)


def test_a_read_only_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "open", refuse)

    with pytest.raises(OutputError, match=r"read-only file system: choose a directory"):
        check_writable(tmp_path / "a.csv")


def test_two_outputs_of_one_name_are_refused(tmp_path: Path) -> None:
    twin = tmp_path / "x" / ".." / "a.csv"
    (tmp_path / "x").mkdir()

    with pytest.raises(OutputError, match=r"same output file"):
        check_outputs([tmp_path / "a.csv"], [twin], [])


def test_standard_output_is_always_writable(capfd: pytest.CaptureFixture[str]) -> None:
    check_writable("-", ["-"])

    assert capfd.readouterr().out == ""


def test_a_model_cannot_go_to_standard_output() -> None:
    with pytest.raises(OutputError, match=r"name a file"):
        check_outputs(["-"], ["-"], [])


def test_standard_output_may_be_no_real_file(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw))

    write_frame(pl.DataFrame({"a": [1]}), "-")

    assert raw.getvalue() == b"a\n1\n"


# --- what killed runs leave -----------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from grc_fast.io.atomic import atomic_paths

killed_at = sys.argv[1]
replace = Path.replace

def replace_one(source, target):
    replace(source, target)
    os.kill(os.getpid(), signal.SIGKILL)

if killed_at == "renaming":
    Path.replace = replace_one
with atomic_paths(sys.argv[2:]) as temporaries:
    for temporary in temporaries:
        temporary.write_text("new")
    if killed_at == "waiting":
        print("waiting", flush=True)
        sys.stdin.read()
    if killed_at == "writing":
        os.kill(os.getpid(), signal.SIGKILL)
"""


def ended(killed_at: str, *paths: Path) -> None:
    """Run a process that is killed while it writes some files."""
    done = subprocess.run([sys.executable, "-c", KILLED, killed_at, *paths], check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take files for settled as soon as they are made."""
    monkeypatch.setattr("grc_fast.io.leftovers._SETTLED", -1.0)


@pytest.mark.usefixtures("at_once")
def test_what_a_killed_run_left_is_removed_and_said(tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    ended("writing", target)
    [left] = _files(tmp_path)

    notes = check_outputs([target], [], [])

    assert notes == [
        f"an earlier run was killed while it wrote {str(target)!r}; removed what it left: {left}"
    ]
    assert _files(tmp_path) == []


@pytest.mark.usefixtures("at_once")
def test_outputs_that_may_be_of_two_runs_are_said(tmp_path: Path) -> None:
    scores, model = tmp_path / "scores.csv", tmp_path / "model.json"
    for path in (scores, model):
        path.write_text("old")
    ended("renaming", scores, model)
    assert (scores.read_text(), model.read_text()) == ("new", "old")

    notes = check_outputs([scores], [model], [])

    assert "its outputs may be of two runs" in "".join(notes)
    assert _files(tmp_path) == ["model.json", "scores.csv"]


@pytest.mark.usefixtures("at_once")
def test_what_is_being_written_by_a_running_process_stays(tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    target.write_text("old")
    command = [sys.executable, "-c", KILLED, "waiting", target]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"waiting\n"
        assert len(_files(tmp_path)) == 2

        assert check_outputs([target], [], []) == []

        assert len(_files(tmp_path)) == 2
        running.communicate(b"")
    assert target.read_text() == "new"


@pytest.mark.usefixtures("at_once")
def test_files_of_others_stay(tmp_path: Path) -> None:
    others = [".scores.csv.mine.tmp", ".scores.csv.0123456789abcdef.txt", ".other.csv.tmp"]
    for name in others:
        (tmp_path / name).write_text("x")
    with atomic_path(tmp_path / "scores.csv") as temporary:
        temporary.write_text("new")

    assert _files(tmp_path) == sorted([*others, "scores.csv"])


def test_a_file_just_made_is_left_to_its_maker(tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    ended("writing", target)

    assert check_outputs([target], [], []) == []
    assert len(_files(tmp_path)) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give")
def test_owner_and_group_of_a_replaced_file_are_kept(tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    target.write_text("old")
    os.chown(target, 1234, 4321)
    target.chmod(0o640)

    with atomic_path(target) as temporary:
        temporary.write_text("new")

    found = target.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1234, 4321, 0o640)


def test_a_group_that_may_be_given_is_kept_where_the_owner_may_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "scores.csv"
    target.write_text("old")
    given = []

    def give(_path: Path, owner: int, group: int) -> None:
        if owner != -1:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        given.append(group)

    monkeypatch.setattr(os, "chown", give)
    with atomic_path(target) as temporary:
        temporary.write_text("new")

    assert given == [target.stat().st_gid]
