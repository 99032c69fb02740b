"""SQL in options and models: expressions over columns, which open no file and read no table."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import polars as pl
import pytest

import grc_fast as grc
from grc_fast.io import sql as sql_module
from grc_fast.io.sql import sql_expression

SALES = pl.DataFrame({"client_id": [1, 2], "date": [dt.date(2026, 1, 1)] * 2, "amount": [1.0, 2.0]})

QUERIES = [
    "client_id IN (SELECT x FROM {0})",
    "client_id IN (select x from {0})",
    "EXISTS (FROM {0})",
    "EXISTS ( \n FROM {0} SELECT 1)",
    "EXISTS ((FROM {0}))",
    "EXISTS (WITH t AS (FROM {0}) FROM t)",
    "client_id = ANY(SELECT x FROM {0})",
    "(SELECT x FROM {0}) = client_id",
    "{0} = 1",
    "\"read_csv\"('{1}') = 1",
    "`read_csv`('{1}') = 1",
    "EXISTS (/* */ FROM {0})",
    "EXISTS (-- x\n FROM {0})",
    "EXISTS (\u017felect 1 FROM {0})",
    "E'\\' = ' OR EXISTS (FROM {0}) OR E' = \\''  = 'x'",
    "e'\\' = ' OR EXISTS (FROM {0}) OR e' = \\''  = 'x'",
    "U&'\\' = ' OR EXISTS (FROM {0}) OR U&' = \\''  = 'x'",
    "$$'$$ = ' OR EXISTS (FROM {0}) OR $$'$$ = 'x'",
    "client_id IN (SELECT x FROM read_parquet('{1}'))",
    "EXISTS (FROM scan_csv('{1}'))",
    "1read_csv('{1}') = 1",
]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.csv"
    path.write_text("root:x:0:0\n")
    return path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect what reaches the parser of Polars, which opens files."""
    parse, found = pl.sql_expr, []

    def spy(sql: str) -> pl.Expr:
        found.append(sql)
        return parse(sql)

    monkeypatch.setattr(pl, "sql_expr", spy)
    return found


@pytest.mark.parametrize("query", QUERIES)
def test_sql_that_names_a_file_never_reaches_the_parser(
    query: str, secret: Path, opened: list[str]
) -> None:
    sql = query.format(f"read_csv('{secret}')", secret)

    for options in ({"where": sql}, {"client": sql}, {"amount": sql}, {"order": sql}):
        with pytest.raises(grc.GrcError) as caught:
            grc.facts(SALES, as_of="2026-02-01", **options)
        assert "root:x" not in str(caught.value)
    assert not [sql for sql in opened if str(secret) in sql]


@pytest.mark.parametrize("query", QUERIES)
def test_a_segment_cannot_name_a_file(query: str, secret: Path, opened: list[str]) -> None:
    sql = query.format(f"read_csv('{secret}')", secret)

    with pytest.raises(grc.OptionError, match="is not a SQL condition"):
        grc.SegmentRule(name="x", where=sql, labels={"en": "x"})
    assert not opened


def test_the_refusal_says_what_is_wrong() -> None:
    for sql, says in {
        "amount IN (SELECT 1)": "it has a subquery: write an expression over columns",
        "getenv('HOME') = 'x'": "getenv is no function that expressions may call",
        "amount > 1 -- or so": "it has a comment (--): leave it out",
        "amount > 1; DROP": "';' at character 11 belongs to no expression: put names of columns",
    }.items():
        with pytest.raises(grc.OptionError, match=re.escape(says)):
            grc.facts(SALES, as_of="2026-02-01", where=sql)


EXPRESSIONS = [
    "a + b * 2 - -1 % 3",
    "a > 1 AND (b < 2 OR NOT(a = b))",
    "CASE WHEN a > 1 THEN 'x' ELSE 'it''s -- no comment, (SELECT)' END",
    "a IN (1, 2, 3) AND a NOT IN (4) AND b BETWEEN (1) AND (2)",
    "LOWER(TRIM(\"e-mail (select)\")) LIKE '%\\d'",
    "TRIM(BOTH ' ' FROM (s)) || s",
    "EXTRACT(YEAR FROM d) = 2026 AND DATE_PART('month', d) = 1",
    "CAST(a AS DECIMAL(10, 2)) + a::int",
    "CAST(d AS TIMESTAMP WITH TIME ZONE) IS NOT NULL",
    "d >= DATE '2026-01-01' AND d < DATE'2026-02-01' + INTERVAL '1 day'",
    "COALESCE(a, 0) IS DISTINCT FROM (b)",
    "s RLIKE '^\\w+$' AND s ~ 'x'",
    "(values > 3) AND `from` = 1 AND card#no = 2 AND größe = 3",
    "POSITION('a' IN (s)) = 1 AND LEFT(s, 2) = 'ab' AND IF(a > 1, b, 0) = 1",
    "a = .5 OR a = 1e-3",
]


@pytest.mark.parametrize("sql", EXPRESSIONS)
def test_expressions_are_read_as_polars_reads_them(sql: str) -> None:
    assert str(sql_expression(sql)) == str(pl.sql_expr(sql))


def test_every_function_is_one_that_polars_has() -> None:
    for name in sorted(sql_module._FUNCTIONS - sql_module._BEFORE_BRACKETS):
        forms = ("(a)", "()", "(a, 1)", "(a, 'x')", "('day', a)", "(a, 'x', 'y')", "(a, 1, 2)")
        special = ("(a AS INT)", "(YEAR FROM a)", "('x' IN a)", "(a) OVER (ORDER BY a)")
        faults = []
        for form in (*forms, *special):
            try:
                pl.sql_expr(f"{name}{form}")
                break
            except pl.exceptions.PolarsError as error:
                faults.append(str(error))
        else:
            assert not any("unsupported function" in fault for fault in faults), name


def test_a_saved_model_opens_no_file(secret: Path, opened: list[str], tmp_path: Path) -> None:
    model = grc.score_rfm(SALES, as_of="2026-02-01").model
    path = tmp_path / "model.json"
    model.save(path)
    text = path.read_text()
    assert '"where"' not in text
    condition = f"EXISTS (FROM read_csv('{secret}'))"
    named = '"name": "champions",'
    path.write_text(text.replace(named, f'{named} "where": "{condition}",'))
    assert condition in path.read_text()

    with pytest.raises(grc.ModelError, match=r"it has a subquery"):
        grc.RFMModel.load(path)
    assert not [sql for sql in opened if str(secret) in sql]


def test_nothing_else_parses_sql() -> None:
    package = Path(grc.__file__).parent
    parsing = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"\bsql_expr\(|SQLContext|\bpl\.sql\(", path.read_text("utf-8"))
    ]
    # The other one reads constants of its own.
    assert sorted(parsing) == ["bench/polars_side.py", "io/sql.py"]
