"""Databases as sources and as outputs: the same bytes, one sentence, one transaction."""

import datetime as dt
import random
import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from urllib.parse import quote

import duckdb
import polars as pl
import pytest
from adbc_driver_postgresql import dbapi

import grc_fast as grc
from grc_fast.cli import main
from grc_fast.io.databases.source import DatabasePart
from grc_fast.io.write import write_frame
from postgres_server import PASSWORD
from same_rows import AS_OF, FLOATS, messy_sales, scored_bytes, to_duckdb, to_postgresql, to_sqlite
from sizes import full_size, size

# How often a run is killed.
KILLS = size("GRC_FAST_KILLS", quick=2, full=5)


@pytest.fixture
def sources(tmp_path, server):
    """The same sales in each kind of database."""
    frame = messy_sales()
    return {
        "PostgreSQL": to_postgresql(server, "sales", frame, FLOATS),
        "DuckDB": to_duckdb(tmp_path / "base.duckdb", "sales", frame),
        "SQLite": to_sqlite(tmp_path / "base.sqlite", "sales", frame),
    }


def test_a_query_is_read_like_a_table(sources):
    expected = scored_bytes(messy_sales().filter(pl.col("ticket") > 20))
    for kind, source in sources.items():
        address = source.removesuffix("#sales")
        database = grc.Database(address, query="SELECT * FROM sales WHERE ticket > 20 -- recent")
        assert scored_bytes(database) == expected, kind


def test_any_driver_of_adbc_will_do(sources):
    path = sources["SQLite"].removesuffix("#sales")
    facts = grc.facts(
        grc.Database(f"adbc:sqlite:{path}", table="sales"), facts=["total", "lines"], as_of=AS_OF
    )
    expected = grc.facts(messy_sales(), facts=["total", "lines"], as_of=AS_OF)
    assert facts.frame.equals(expected.frame)
    with pytest.raises(grc.SourceError, match=r"cannot be read: .*no such table: sale"):
        grc.facts(f"adbc:sqlite:{path}#sale", facts=["total"], as_of=AS_OF)
    with pytest.raises(grc.SourceError, match=r"adbc:nothing:.* cannot be reached: "):
        grc.facts("adbc:nothing:uri#sales", facts=["total"], as_of=AS_OF)
    with pytest.raises(grc.OptionError, match="write adbc:DRIVER:URI"):
        grc.facts("adbc:sqlite#sales", facts=["total"], as_of=AS_OF)


def test_exact_decimals_stay_exact(tmp_path, server):
    exact = Decimal("123456789012345.6789")
    frame = pl.DataFrame(
        {
            "client_id": [1, 1, 2],
            "date": [dt.date(2026, 1, day) for day in (1, 2, 3)],
            "amount": [exact, Decimal("0.0001"), Decimal("-0.5")],
        },
        schema_overrides={"amount": pl.Decimal(20, 4)},
    )
    expected = grc.facts(frame, facts=["total"], as_of=AS_OF).frame
    assert expected["total"][0] == Decimal("123456789012345.6790")
    types = "client_id bigint, date date, amount numeric(20,4)"
    in_postgresql = to_postgresql(server, "exact", frame, types)
    in_duckdb = to_duckdb(tmp_path / "exact.duckdb", "exact", frame)
    address = server.address()
    for source in (
        in_postgresql,
        in_duckdb,
        grc.Database(address, query="SELECT client_id, date, amount FROM exact"),
        # Of no declared scale: as many decimals as there are.
        grc.Database(address, query="SELECT client_id, date, amount::numeric FROM exact"),
    ):
        found = grc.facts(source, facts=["total"], as_of=AS_OF).frame
        assert found.to_dicts() == expected.to_dicts()


def test_types_of_postgresql_are_read_or_refused_in_a_sentence(server):
    server.run(
        "DROP TABLE IF EXISTS many",
        "DROP TYPE IF EXISTS mood",
        "DROP DOMAIN IF EXISTS price",
        "CREATE TYPE mood AS ENUM ('calm', 'gay')",
        "CREATE DOMAIN price AS numeric(10,2)",
        "CREATE TABLE many (client_id char(5), small smallint, uuid uuid, mood mood, date date, "
        "moment timestamptz, naive timestamp, amount price, money money, real real, "
        "span interval, list int[], json jsonb, flag boolean, bytes bytea, day_time time)",
        "INSERT INTO many VALUES ('ab', 7, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'gay', "
        "'2026-01-02', '2026-01-02 23:30+00', '2026-01-02 10:00', 12.5, 12.5, 1.5, '3 days', "
        "'{1,2}', '{}', true, 'x', '10:00')",
    )
    source = f"{server.address()}#many"

    def facts(**reading):
        return grc.facts(source, facts=["total", "last_purchase"], as_of=AS_OF, **reading).frame

    assert facts().rows() == [("ab", Decimal("12.50"), dt.date(2026, 1, 2))]
    assert facts(client="uuid")["client_id"][0] == "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    assert facts(client="mood", amount="real").rows()[0][:2] == ("gay", 1.5)
    assert facts(client="small")["client_id"].to_list() == [7]
    assert facts(date="moment", timezone="Europe/Paris")["last_purchase"][0] == dt.date(2026, 1, 3)
    assert facts(date="naive")["last_purchase"][0] == dt.date(2026, 1, 2)
    # `money` is shown in the currency of the server: its text is no number of ours to guess.
    with pytest.raises(grc.ColumnError, match=r"'money' of .* holds text"):
        facts(amount="money")
    for wrong in ("span", "list", "json", "flag", "bytes", "day_time"):
        with pytest.raises(grc.GrcError):
            facts(amount=wrong)


@pytest.mark.parametrize(
    ("statement", "reading", "sentence"),
    [
        ("", {"table": "sale"}, r"has no table 'sale' \(did you mean 'sales'\?\); its tables are"),
        ("", {"table": "no_schema.sales_"}, r"has no table 'no_schema.sales_'"),
        ("", {"query": "SELEC 1"}, r"cannot be read: syntax error at or near"),
        ("", {"query": "SELECT 1; SELECT 2"}, "cannot be read: "),
        (
            "",
            {"query": "SELECT client_id, date, 1 / (50 - ticket) AS amount FROM sales"},
            "cannot be read: division by zero",
        ),
        ("", {"query": "DELETE FROM sales RETURNING *"}, "cannot be read: "),
        ("", {"query": "SELECT 1 AS client_id"}, "has no column 'date'"),
    ],
)
def test_what_a_database_refuses_is_one_sentence(sources, server, statement, reading, sentence):
    with pytest.raises(grc.GrcError, match=sentence) as error:
        grc.facts(grc.Database(server.address(), **reading), facts=["total"], as_of=AS_OF)
    assert "\n" not in str(error.value)
    assert server.run("SELECT count(*) FROM sales") == [(400,)]


@pytest.fixture
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, capsys) -> tuple[int, str]:
    status = main(list(arguments))
    captured = capsys.readouterr()
    return status, captured.out + captured.err


@pytest.mark.parametrize("encoded", [True, False], ids=["encoded", "as it is"])
@pytest.mark.usefixtures("sources", "in_a_folder")
def test_no_password_is_ever_shown(server, capsys, encoded):
    right = server.address(encoded=encoded)
    nowhere = right.replace(f":{server.port}/", ":1/")
    for address, more in (
        (f"{right}#sales", []),
        (f"{right}#sale", []),
        (right, []),
        (right, ["--query", "SELECT nothing"]),
        (f"{nowhere}#sales", []),
        (f"{server.address('wr:o/n@g', encoded=encoded)}#sales", []),
        (f"{right}&sslmode=no#sales", []),
    ):
        for output in ("out.parquet", f"{address.partition('#')[0]}#scores"):
            _, said = run("score", address, "-o", output, "--as-of", AS_OF, *more, capsys=capsys)
            assert said
            for piece in (PASSWORD, "se:cr", "et@1", "se%3Acr", "wr:o", "n@g", "wr%3Ao", "g@1"):
                assert piece not in said, said


def test_an_unreachable_database_leaves_nothing_behind(server, sources, tmp_path, capsys):
    output = tmp_path / "scores.parquet"
    nowhere = server.address().replace(f":{server.port}/", ":1/")
    status, said = run("score", f"{nowhere}#sales", "-o", str(output), capsys=capsys)
    assert status == 1
    assert "cannot be reached: Connection refused" in said
    assert not list(tmp_path.glob("*.parquet"))


def test_a_connection_that_is_cut_is_no_end_of_the_rows(server, tmp_path):
    """The rows of a query that the server ends are refused, however many came before."""
    query = (
        "SELECT (i % 1000) AS client_id, DATE '2026-01-01' AS date, 1.5::float8 AS amount "
        "FROM (SELECT generate_series(1, 300000000) AS i) AS numbers"
    )
    script = textwrap.dedent(
        """
        import sys, grc_fast as grc
        grc.facts(grc.Database(sys.argv[1], query=sys.argv[2]), facts=["total"], as_of="2026-07-01",
                  progress=lambda rows: print(rows, flush=True))
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, server.address(), query],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout is not None
        assert reader.stderr is not None
        assert int(reader.stdout.readline()) > 0
        server.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query LIKE '%generate_series%' AND pid <> pg_backend_pid()"
        )
        said = reader.stderr.read()
    assert reader.returncode == 1
    assert "SourceError: the query of postgresql://127.0.0.1:" in said.splitlines()[-1]


# -- outputs --------------------------------------------------------------------------------------


@pytest.fixture(params=["PostgreSQL", "DuckDB"])
def base(request, tmp_path, server):
    """The address of an empty database."""
    if request.param == "DuckDB":
        return str(tmp_path / "out.duckdb")
    server.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    return server.address()


def every_type() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": ["é'\"\\", None],
            "u8": pl.Series([1, 255], dtype=pl.UInt8),
            "u16": pl.Series([1, None], dtype=pl.UInt16),
            "u32": pl.Series([0, 2**32 - 1], dtype=pl.UInt32),
            "u64": pl.Series([0, 2**64 - 1], dtype=pl.UInt64),
            "i8": pl.Series([-128, 127], dtype=pl.Int8),
            "i32": pl.Series([-(2**31), None], dtype=pl.Int32),
            "i64": [-(2**63), 2**63 - 1],
            "float": [0.1, None],
            "float32": pl.Series([0.5, 1.5], dtype=pl.Float32),
            "yes": [True, None],
            "day": [dt.date(1969, 12, 31), None],
            "moment": [dt.datetime.fromisoformat("2026-01-01T01:02:03.456789"), None],
            "zoned": [dt.datetime(2026, 1, 1, tzinfo=dt.UTC), None],
            "money": pl.Series([Decimal("12.50"), None], dtype=pl.Decimal(38, 2)),
            "segment": pl.Series(["x", None], dtype=pl.Categorical),
            "nothing": [None, None],
        }
    )


def held(address: str, table: str) -> list[tuple]:
    if address.endswith(".duckdb"):
        with duckdb.connect(address, read_only=True) as found:
            rows = pl.scan_arrow_c_stream(found.sql(f"FROM {table}")).collect()
            return rows.rows()
    with dbapi.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        return cursor.fetchall()


def test_a_table_holds_what_is_written(base):
    frame = every_type()
    write_frame(frame, f"{base}#main_out")

    def plain(value):
        return Decimal(value) if isinstance(value, str) and value.isdigit() else value

    expected = frame.with_columns(pl.col("segment").cast(pl.String)).rows()
    found = [tuple(map(plain, row)) for row in held(base, "main_out")]
    for row, wanted in zip(found, expected, strict=True):
        for name, value, other in zip(frame.columns, row, wanted, strict=True):
            if name == "zoned" and other is not None:
                other = other.replace(tzinfo=dt.UTC)  # noqa: PLW2901
                value = value.astimezone(dt.UTC)  # noqa: PLW2901
            if name == "money" and value is not None:
                value = Decimal(value)  # noqa: PLW2901
            assert value == other, name


def test_a_table_is_replaced_whole(base):
    for frame in (
        pl.DataFrame({"a": [1, 2, 3]}),
        pl.DataFrame({"a": [4]}),
        pl.DataFrame({"a": ["x"], "b": [1.5]}),
        pl.DataFrame({"a": ["x"], "b": [1.5]}).clear(),
    ):
        write_frame(frame, f"{base}#scores")
        assert held(base, "scores") == frame.rows()


def test_scores_go_from_a_table_to_a_table(base, tmp_path, capsys):
    frame = messy_sales().drop_nulls()
    write_frame(frame, f"{base}#sales")
    status, said = run(
        "score", base, "--table", "sales", "--order", "ticket", "--as-of", AS_OF,
        "-o", f"{base}#scores", capsys=capsys,
    )  # fmt: skip
    assert status == 0, said
    assert PASSWORD not in said
    expected = grc.score_rfm(frame, as_of=AS_OF, order="ticket").scores
    assert [row[0] for row in held(base, "scores")] == expected["client_id"].to_list()
    assert scored_bytes(f"{base}#sales") == scored_bytes(frame)


def test_a_table_of_the_same_columns_keeps_its_rights_and_views(server):
    server.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    address = f"{server.address()}#scores"
    write_frame(pl.DataFrame({"a": [1], "b": ["x"]}), address)
    server.run(
        "DROP ROLE IF EXISTS counter",
        "CREATE ROLE counter",
        "GRANT SELECT ON scores TO counter",
        "CREATE VIEW best AS SELECT a FROM scores",
    )
    write_frame(pl.DataFrame({"a": [2], "b": ["y"]}), address)
    assert server.run("SELECT a FROM best") == [(2,)]
    assert server.run("SELECT has_table_privilege('counter', 'scores', 'SELECT')") == [(True,)]
    with pytest.raises(grc.OutputError, match="cannot be written: cannot drop table scores"):
        write_frame(pl.DataFrame({"other": [3]}), address)
    assert server.run("SELECT a FROM best") == [(2,)]


def test_who_reads_meanwhile_sees_the_old_rows(server):
    server.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    address = f"{server.address()}#scores"
    write_frame(pl.DataFrame({"a": [1]}), address)
    with dbapi.connect(server.address()) as reader, reader.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT a FROM scores")
        assert cursor.fetchall() == [(1,)]
        write_frame(pl.DataFrame({"a": [2]}), address)
        cursor.execute("SELECT a FROM scores")
        assert cursor.fetchall() == [(1,)]
    assert server.run("SELECT a FROM scores") == [(2,)]


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("{postgres}", "is a database: name the table after it, as in postgresql://127.0.0.1"),
        ("{postgres}#nowhere.scores", "has no schema 'nowhere': make it first"),
        ("{folder}/out.duckdb", r"is a database: name the table after it"),
        ("{folder}/no/out.duckdb#scores", "is not a directory: make it first"),
        ("{folder}/out.duckdb#nowhere.scores", "has no schema 'nowhere': make it first"),
        ("{folder}/out.sqlite#scores", "is a database that is only read"),
        ("{folder}/taken.duckdb#scores", "cannot be written: "),
    ],
)
def test_what_cannot_be_written_is_refused_before_any_work(
    server, tmp_path, capsys, output, sentence
):
    (tmp_path / "taken.duckdb").write_bytes(b"not a database, but long enough to be one" * 200)
    target = output.format(postgres=server.address(), folder=tmp_path)
    status, said = run("score", str(tmp_path / "none.csv"), "-o", target, capsys=capsys)
    assert status != 0
    assert re.search(sentence, said), said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken.duckdb"]


def test_lists_and_records_are_refused(base):
    with pytest.raises(grc.OutputError, match=r"'a' holds lists .* write a Parquet file"):
        write_frame(pl.DataFrame({"a": [[1]]}), f"{base}#scores")


@full_size
def test_a_killed_run_leaves_the_old_table_or_the_new_one(base):
    script = textwrap.dedent(
        """
        import itertools, sys, polars as pl
        from grc_fast.io.write import write_frame
        for version in itertools.count(1):
            frame = pl.DataFrame({"version": pl.Series([version]).new_from_index(0, 40_000)})
            write_frame(frame, sys.argv[1])
            print(version, flush=True)
        """
    )
    draw = random.Random(11)
    for _ in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", script, f"{base}#scores"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as writer:
            assert writer.stdout is not None
            done = int(writer.stdout.readline())
            time.sleep(draw.random() * 0.2)
            writer.send_signal(signal.SIGKILL)
            done = max([done, *map(int, writer.stdout.read().split())])
        versions = {row[0] for row in held(base, "scores")}
        assert len(held(base, "scores")) == 40_000
        assert len(versions) == 1
        # Committed, and perhaps not said any more.
        assert versions <= {done, done + 1}


# -- at the edges ---------------------------------------------------------------------------------


def facts_of(source, **reading):
    return grc.facts(source, facts=["total"], as_of=AS_OF, **reading).frame.rows()


@pytest.mark.parametrize("kind", ["DuckDB", "ADBC", "SQLite", "PostgreSQL"])
def test_a_reading_that_ends_early_ends(tmp_path, server, kind):
    """A bad date far down, twice in one process: nothing crashes, and nothing waits."""
    frame = pl.DataFrame(
        {
            "client_id": pl.Series([1]).new_from_index(0, 300_000),
            "date": ["2026-01-01"] * 250_000 + ["no date"] * 50_000,
            "amount": pl.Series([1.0]).new_from_index(0, 300_000),
        }
    )
    source = {
        "DuckDB": lambda: to_duckdb(tmp_path / "early.duckdb", "early", frame),
        "SQLite": lambda: to_sqlite(tmp_path / "early.sqlite", "early", frame),
        "ADBC": lambda: "adbc:sqlite:" + to_sqlite(tmp_path / "early.sqlite", "early", frame),
        "PostgreSQL": lambda: to_postgresql(
            server, "early", frame, "client_id bigint, date text, amount double precision"
        ),
    }[kind]()
    for _ in range(2):
        with pytest.raises(grc.DataError, match=r"row 250,001: the column 'date' holds 'no date'"):
            facts_of(source)


def test_one_run_sees_one_state_of_the_database(server, monkeypatch):
    """Numbers that come while a table is looked at are not read, let alone rounded."""
    server.run(
        "DROP TABLE IF EXISTS moving",
        "CREATE TABLE moving (client_id int, date date, amount numeric)",
        "INSERT INTO moving VALUES (1, '2026-01-01', 10)",
    )
    found = DatabasePart.select

    def later(part, projection):
        server.run("INSERT INTO moving VALUES (1, '2026-01-02', 0.75)")
        return found(part, projection)

    monkeypatch.setattr(DatabasePart, "select", later)
    assert facts_of(f"{server.address()}#moving") == [(1, Decimal(10))]
    assert facts_of(f"{server.address()}#moving") == [(1, Decimal("10.75"))]


def test_numbers_that_are_none_count_as_missing(server):
    server.run(
        "DROP TABLE IF EXISTS odd",
        "CREATE TABLE odd (client_id int, date date, amount numeric)",
        "INSERT INTO odd VALUES (1, '2026-01-01', 1.5), (1, '2026-01-01', 'NaN'), "
        "(1, '2026-01-01', 'Infinity')",
    )
    facts = grc.facts(f"{server.address()}#odd", facts=["total"], as_of=AS_OF)
    assert facts.frame.rows() == [(1, Decimal("1.5"))]
    assert facts.quality.dropped["amount"] == 2
    server.run("INSERT INTO odd VALUES (1, '2026-01-01', 1e30), (1, '2026-01-01', 1e-20)")
    with pytest.raises(grc.SourceError, match="has 31 digits before the point and 20 behind it"):
        facts_of(f"{server.address()}#odd")


def test_values_of_sqlite_are_read_as_what_they_are(tmp_path):
    path = tmp_path / "kinds.sqlite"
    with closing(sqlite3.connect(path)) as base, base:
        base.execute('CREATE TABLE "my.sales" (client_id, date, amount, photo)')
        rows = [
            (9007199254740993, "2026-01-01", 1, b"\xff\xd8\xff"),
            (9007199254740992, "2026-01-01", 2, "ok"),
            (3.0, "2026-01-01", 4, None),
        ]
        base.executemany('INSERT INTO "my.sales" VALUES (?, ?, ?, ?)', rows)
    expected = [("3.0", 4.0), ("9007199254740992", 2.0), ("9007199254740993", 1.0)]
    for source in (str(path), f'{path}#"my.sales"', f'{path}#main."My.Sales"'):
        assert [(client, float(total)) for client, total in facts_of(source)] == expected


def test_names_with_points_and_quotes_are_names(base):
    for name in ('"a.b"', '"a""b"'):
        write_frame(pl.DataFrame({"client_id": [1], "date": ["2026-01-01"], "amount": [2.0]}),
                    f"{base}#{name}")  # fmt: skip
        assert facts_of(f"{base}#{name}") == [(1, 2.0)]


def test_rows_that_others_hang_on_are_not_replaced(server):
    server.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    server.run("CREATE TABLE parent (a bigint)", "CREATE TABLE child () INHERITS (parent)")
    server.run("INSERT INTO child VALUES (7)", "CREATE VIEW seen AS SELECT 1 AS a")
    server.run("CREATE TABLE keyed (a bigint PRIMARY KEY)", "INSERT INTO keyed VALUES (1)")
    server.run("CREATE TABLE referring (a bigint REFERENCES keyed ON DELETE CASCADE)")
    for table, sentence in (
        ("parent", "is a view or has parts"),
        ("seen", "is a view or has parts"),
        ("keyed", "is one that other tables refer to by a foreign key"),
    ):
        with pytest.raises(grc.OutputError, match=sentence):
            write_frame(pl.DataFrame({"a": [1]}), f"{server.address()}#{table}")
    assert server.run("SELECT * FROM child") == [(7,)]


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
def test_writers_come_one_after_the_other(server, isolation):
    server.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    setting = quote(f"-cdefault_transaction_isolation={isolation.replace(' ', chr(92) + ' ')}")
    address = f"{server.address()}?options={setting}#scores"
    frames = [pl.DataFrame({"a": [number] * 20_000}) for number in range(6)]
    with ThreadPoolExecutor(6) as writers:
        list(writers.map(lambda frame: write_frame(frame, address), frames))
    rows = server.run("SELECT count(*), count(DISTINCT a) FROM scores")
    assert rows == [(20_000, 1)]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:sEc'ret@host/base", "postgresql://host/base"),
        ('postgresql://me:sEc"ret@host/base', "postgresql://host/base"),
        ("postgresql://me:sEc ret@host/base", "postgresql://host/base"),
        ("postgresql://me:s/E@c:ret@host:5432/base", "postgresql://host:5432/base"),
        ("postgresql://host:5432/base?user=me@corp&password=sEc", "postgresql://host:5432/base"),
        ("postgresql://host/base", "postgresql://host/base"),
        ("postgresql://me@host/base", "postgresql://host/base"),
        ("adbc:snowflake:me:sEc@account/base", "adbc:snowflake:…"),
        ("base.duckdb", "base.duckdb"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address, shown):
    database = grc.Database(address, table="t")
    assert database.shown == shown
    assert repr(database) == f"Database({shown!r}, table='t')"
    told = database.without_secrets(f"no {address} and no {database.encoded}")
    assert "sEc" not in told
    assert "ret@" not in told


@pytest.mark.parametrize(
    ("address", "encoded"),
    [
        ("postgresql://me:a/b@c:d@host/base", "postgresql://me:a%2Fb%40c%3Ad@host/base"),
        ("postgresql://host:5432/base?user=me@corp", "postgresql://host:5432/base?user=me@corp"),
        ("postgresql://host/base", "postgresql://host/base"),
        ("postgresql://me:p%40w@host/base", "postgresql://me:p%40w@host/base"),
    ],
)
def test_libraries_get_an_address_that_they_understand(address, encoded):
    assert grc.Database(address).encoded == encoded
