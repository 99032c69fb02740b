"""SQL in options and models: an expression over the columns of a table, and nothing else.

Polars opens the files that SQL names when it parses it, and takes a subquery in any expression.
Conditions come from files that anyone may have written, so that what is not known to be harmless
is refused before Polars sees it.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

import polars as pl

# SQL that computes over several rows: aggregates, window functions and subqueries.
SEVERAL_ROWS = re.compile(
    r"\b(over|select)\b|\b(sum|avg|min|max|count|first|last|median|std\w*|var\w*|quantile\w*"
    r"|corr|covar\w*|(array|string|bool|bit)_\w+)\s*\(",
    re.IGNORECASE,
)
DAY_LITERAL = re.compile(r"(?:\bDATE\s*)?'(\d{4}-\d{2}-\d{2})'", re.IGNORECASE)
QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")

# The tokens of an expression, as the generic dialect of SQL has them: comments, dollar quotes and
# whatever else could hide a token from us are none of them.
_TOKEN: Final = re.compile(
    r"""(?P<blank>[ \t\r\n]+)
    |(?P<text>'(?:[^']|'')*')
    |(?P<name>"(?:[^"]|"")*"|`[^`"]*`)
    |(?P<word>(?:[^\W\d]|[@#])[\w@#$]*)
    |(?P<number>\.?\d[\w.]*)
    |(?P<sign>--|/\*|[-+*/%<>=!|~^&:.,()\[\]])""",
    re.VERBOSE,
)
_COMMENTS: Final = ("--", "/*")
# Polars takes a time that grows with the square of the operators and more, and a stack that grows
# with them: 500 take seconds, thousands an hour, and some more end the process.
_MOST_OPERATORS: Final = 500
# A hundred thousand ids in a list.
_MOST_CHARACTERS: Final = 1_000_000
# Brackets within brackets: the parser of Polars gives up soon after.
_MOST_NESTED: Final = 40
_NO_OPERATORS: Final = frozenset(",.()[]:")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that stand before a bracket and call nothing.
_BEFORE_BRACKETS: Final = _words(
    "and as between both case distinct div else escape filter for from ilike in is leading like not"
    " or over placing regexp rlike then trailing when xor"
)
_TYPES: Final = _words(
    "binary blob char character clob datetime dec decimal double float nchar numeric nvarchar"
    " string text time timestamp timestamptz varbinary varchar varying"
)
# The functions of Polars that compute values from values; none of them reads a table.
_FUNCTIONS: Final = _words(
    "abs acos acosd asin asind atan atan2 atan2d atand cbrt ceil ceiling cos cosd cot cotd degrees"
    " div exp floor ln log log10 log1p log2 mod pi pow power radians round sign sin sind sqrt tan"
    " tand trunc truncate"
    " bit_and bit_count bit_length bit_not bit_or bit_xor bitand bitcount bitnot bitor bitxor"
    " date date_part date_trunc datetime day dayofweek dayofyear extract hour minute month now"
    " quarter second strftime strptime time timestamp week year"
    " char_length character_length concat concat_ws ends_with initcap left length lower lpad ltrim"
    " normalize octet_length position regexp_like regexp_replace replace reverse right rpad rtrim"
    " split_part starts_with string_to_array strpos substr substring trim upper"
    " cast coalesce greatest if ifnull least nullif try_cast"
    " array_contains array_get array_length array_lower array_mean array_reverse array_sum"
    " array_to_string array_unique array_upper"
    # Of several rows or columns: who takes one value alone says so.
    " array_agg avg columns corr count covar covar_pop covar_samp dense_rank first first_value lag"
    " last last_value lead max median min ntile quantile_cont quantile_disc rank row_number stddev"
    " stddev_samp sum var var_samp variance"
)
_CALLABLE: Final = _BEFORE_BRACKETS | _TYPES | _FUNCTIONS
_OPERATORS: Final = _words("and between case div ilike in is like not or regexp rlike when xor")
# What compares, parts or opens, so that a minus behind it is that of a number.
_COMPARING: Final = frozenset("<>=!(,")
_BEFORE_COMPARED: Final = _words("and between in not or")
_COMPUTING: Final = _words("case cast div ilike interval like regexp rlike similar xor")
_BEGINS_QUERIES: Final = ("FROM", "TABLE", "WITH")
_TAKES_QUERIES: Final = ("ALL", "ANY", "EXISTS", "SOME")


def sql_expression(sql: str) -> pl.Expr:
    """Parse an SQL expression over the columns of a table.

    Raises
    ------
    polars.exceptions.PolarsError
        If it is none that Polars can read, or it has a subquery, a comment, or a function that is
        not known to compute a value from values.

    Examples
    --------
    >>> from grc_fast.io.sql import sql_expression
    >>> sql_expression("quantity * price").meta.root_names()
    ['quantity', 'price']
    >>> sql_expression("(SELECT price FROM read_csv('/etc/passwd'))")
    Traceback (most recent call last):
    ...
    polars.exceptions.SQLInterfaceError: it has a subquery: write an expression over columns
    """
    if (refusal := _refusal(sql)) is not None:
        raise pl.exceptions.SQLInterfaceError(refusal)
    return pl.sql_expr(sql)


def roots_or_nothing(sql: str) -> frozenset[str]:
    """Return the columns that an expression reads; none if it cannot be parsed."""
    try:
        return frozenset(sql_expression(sql).meta.root_names())
    except pl.exceptions.PolarsError:
        return frozenset()


def compared_literals(sql: str) -> list[str | float] | None:
    """Return the literals with which a condition compares columns.

    None if it does anything but compare and combine: computes, calls a function, matches a pattern.

    Examples
    --------
    >>> from grc_fast.io.sql import compared_literals
    >>> compared_literals("town IN ('Lille', 'Nice') AND NOT (visits <= -2.5)")
    ['Lille', 'Nice', -2.5]
    >>> compared_literals("visits * 2 > 5") is None
    True
    """
    found: list[str | float] = []
    tokens = [
        (str(token.lastgroup), token[0])
        for token in _TOKEN.finditer(sql)
        if token.lastgroup != "blank"
    ]
    before = ("sign", "")
    for token, after in pairwise([*tokens, ("sign", "")]):
        kind, written = token
        is_minus = written == "-" and after[0] == "number" and before[1] in _COMPARING
        if kind == "sign" and not (written in _COMPARING or written == ")" or is_minus):
            return None
        if kind == "word" and (
            written.lower() in _COMPUTING
            or (after[1] == "(" and written.lower() not in _BEFORE_COMPARED)
        ):
            return None
        if kind == "text":
            found.append(written[1:-1].replace("''", "'"))
        if kind == "number":
            try:
                found.append(float(written) * (-1 if before[1] == "-" else 1))
            except ValueError:
                return None
        before = token
    return found


def _refusal(sql: str) -> str | None:
    """Say why an expression must not be parsed, or nothing."""
    if len(sql) > _MOST_CHARACTERS:
        return (
            f"it has {len(sql):,} characters, and {_MOST_CHARACTERS:,} are the most: join a table "
            "in the place of a long list"
        )
    tokens: list[tuple[str, str]] = [("sign", "")]
    position = 0
    while position < len(sql):
        found = _TOKEN.match(sql, position)
        if found is None:
            return (
                f"{sql[position]!r} at character {position + 1} belongs to no expression: put "
                "names of columns between double quotes"
            )
        kind, token = str(found.lastgroup), found[0]
        if token in _COMMENTS:
            return f"it has a comment ({token}): leave it out"
        if kind in ("text", "name") and _is_prefix(sql[max(position - 3, 0) : position]):
            return f"it has a letter or & right before {token[0]}: put a blank there"
        if kind != "blank":
            tokens.append((kind, token))
        position = found.end()
    if (refusal := _refusal_of_size(tokens)) is not None:
        return refusal
    pairs = pairwise(tokens)
    return next((refusal for pair in pairs if (refusal := _refusal_of_pair(*pair))), None)


def _refusal_of_size(tokens: list[tuple[str, str]]) -> str | None:
    """Refuse what would take Polars for ever, or all of its stack."""
    depth = operators = 0
    for kind, token in tokens[1:]:
        if token in ("(", "["):
            depth += 1
        elif token in (")", "]"):
            depth -= 1
        elif (kind == "sign" and token not in _NO_OPERATORS) or (
            kind == "word" and token.lower() in _OPERATORS
        ):
            operators += 1
        if depth > _MOST_NESTED:
            return f"its brackets are nested more than {_MOST_NESTED} deep: write it in fewer"
    if operators > _MOST_OPERATORS:
        return (
            f"it has {operators:,} operators, and {_MOST_OPERATORS} are the most: compute it as a "
            "column, or compare with a list (client_id IN (1, 2, 3))"
        )
    return None


def _is_prefix(before: str) -> bool:
    """Tell whether letters give a text in quotes another meaning, as in E'…' and U&'…'."""
    return bool(re.search(r"(?:(?<![\w@#$])\w{1,2}|&)$", before))


def _refusal_of_pair(first: tuple[str, str], second: tuple[str, str]) -> str | None:
    # In capitals, as the parser compares keywords: some letters become others then.
    (kind, token), word = first, second[1].upper()
    begins = word == "SELECT" or (token == "(" and word in _BEGINS_QUERIES)
    if (begins and second[0] == "word") or (word == "(" and token.upper() in _TAKES_QUERIES):
        return "it has a subquery: write an expression over columns"
    if word == "(" and kind in ("word", "name", "number") and token.lower() not in _CALLABLE:
        return f"{token} is no function that expressions may call"
    return None
