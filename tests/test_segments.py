"""Segment tables and the catalogue of labels."""

import copy
import json
import pickle
from fractions import Fraction
from itertools import product
from math import ceil
from string import Formatter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grc_fast as grc
from grc_fast.errors import OptionError
from grc_fast.labels import catalogue as labels
from grc_fast.rfm.segments.evaluate import on_five
from grc_fast.rfm.segments.rule import SegmentCondition, SegmentRule
from grc_fast.rfm.segments.table import SegmentTable

BASE = pl.DataFrame(
    {
        "client_id": range(60),
        "recency": [i * 7 % 60 for i in range(60)],
        "frequency": [1 + i * 11 % 60 for i in range(60)],
        "monetary": [float(i * 13 % 60) for i in range(60)],
        "total": range(60),
    }
)
CODES = list(product(range(1, 6), repeat=3))
CODES_OF_CLASSIC = {
    "champions": 8,
    "cant_lose": 8,
    "loyal": 22,
    "new": 4,
    "potential_loyalist": 20,
    "promising": 6,
    "need_attention": 6,
    "about_to_sleep": 9,
    "lost": 6,
    "hibernating": 12,
    "at_risk": 24,
}
ENGLISH_OF_CLASSIC = [
    "champions",
    "can't lose",
    "loyal",
    "new",
    "potential loyalist",
    "promising",
    "need attention",
    "about to sleep",
    "lost",
    "hibernating",
    "at risk",
]
FRENCH_OF_CLASSIC = [
    "champions",
    "à ne pas perdre",
    "fidèles",
    "nouveaux",
    "fidèles en devenir",
    "prometteurs",
    "à surveiller",
    "bientôt endormis",
    "perdus",
    "en sommeil",
    "à risque",
]
REST = {"name": "rest"}


def classic_by_hand(r, f, m, tenure):
    """The table of the design, written without any of the machinery."""
    return next(
        name
        for name, holds in [
            ("champions", r >= 4 and f >= 4 and m >= 4),
            ("cant_lose", r <= 2 and f >= 4 and m >= 4),
            ("loyal", r >= 3 and f >= 4),
            ("new", (tenure is not None and tenure <= 90) or (r >= 4 and f == 1 and m <= 2)),
            ("potential_loyalist", r >= 4 and f in (2, 3)),
            ("promising", r >= 4 and f == 1 and m >= 3),
            ("need_attention", r == 3 and f in (2, 3) and m >= 3),
            ("about_to_sleep", r == 3 and f <= 3),
            ("lost", r == 1 and f <= 3 and m <= 2),
            ("hibernating", r <= 2 and f <= 3 and m <= 3),
            ("at_risk", r <= 2),
        ]
        if holds
    )


def segments_of(table, frame, *, lang="en", **given_columns):
    """Evaluate a table on the columns r, f, m of an eager or lazy frame."""
    expr = table.expr(pl.col("r"), pl.col("f"), pl.col("m"), lang=lang, **given_columns)
    return frame.lazy().select(expr).collect().get_column("segment")


@pytest.fixture(scope="module")
def classic():
    return SegmentTable.named("classic")


@pytest.fixture(scope="module")
def response():
    return SegmentTable.named("response")


# ------------------------------------------------------------------------- shipped tables


def test_classic_wins_the_codes_of_the_design(classic):
    assert classic.codes_won() == CODES_OF_CLASSIC
    assert sum(classic.codes_won().values()) == 125


def test_nobody_falls_out_of_classic(classic):
    codes = classic.codes()
    assert codes.select("r", "f", "m").rows() == CODES
    assert codes.get_column("segment").null_count() == 0


def test_classic_equals_plain_python_on_every_code_and_tenure(classic):
    tenures = [None, 0, 1, 89, 90, 91, 4000]
    rows = [(*code, tenure) for code in CODES for tenure in tenures]
    frame = pl.DataFrame(rows, schema=["r", "f", "m", "tenure"], orient="row")
    label = dict(zip(classic.names, classic.labels(), strict=True))

    found = segments_of(classic, frame, tenure=pl.col("tenure"))

    assert found.to_list() == [label[classic_by_hand(*row)] for row in rows]


def test_codes_equal_plain_python_without_tenure(classic):
    expected = [(*code, classic_by_hand(*code, None)) for code in CODES]
    assert classic.codes().rows() == expected


@pytest.mark.parametrize("tenure", [None, 0, 90, 91])
def test_rule_of_one_client_equals_plain_python(classic, tenure):
    for code in CODES[::7]:
        assert classic.rule_of(*code, tenure=tenure) == classic_by_hand(*code, tenure)


def test_tenure_arm_takes_what_the_rules_above_leave(classic):
    assert classic.tenure_limits == (90,)
    assert classic.rule_of(5, 5, 5, tenure=10) == "champions"
    assert classic.rule_of(1, 1, 1, tenure=90) == "new"
    assert classic.rule_of(1, 1, 1, tenure=91) == "lost"
    assert classic.rule_of(1, 1, 1, tenure=None) == "lost"


def test_labels_of_classic_in_both_languages(classic):
    assert classic.labels() == ENGLISH_OF_CLASSIC
    assert classic.labels("fr") == FRENCH_OF_CLASSIC
    assert classic.dtype("fr") == pl.Enum(FRENCH_OF_CLASSIC)


def test_response_has_one_segment_a_group(response):
    frame = pl.DataFrame({"r": [3] * 5, "f": [3] * 5, "m": [3] * 5, "g": [1, 2, 3, 4, 5]})
    for lang in labels.LANGUAGES:
        found = segments_of(response, frame, group=pl.col("g"), lang=lang)
        assert found.to_list() == [labels.group(n, 5, lang) for n in range(1, 6)]
    assert response.uses_group
    assert set(response.codes_won().values()) == {125}


def test_response_in_french(response):
    assert response.labels("fr")[0] == "réponse attendue : très favorable"


def test_shipped_tables_use_no_columns(classic, response):
    for table in (classic, response):
        assert not table.uses_columns
        assert not table.uses_points
        assert table.columns == []


# ----------------------------------------------------------------------------- evaluation


def test_expr_is_an_enum_of_the_labels_in_table_order(classic):
    frame = pl.LazyFrame({"r": [1], "f": [1], "m": [1]}, schema=dict.fromkeys("rfm", pl.UInt8))
    query = frame.select(classic.expr(pl.col("r"), pl.col("f"), pl.col("m"), lang="fr"))
    assert query.collect_schema() == {"segment": pl.Enum(FRENCH_OF_CLASSIC)}
    assert query.collect().item() == "perdus"


def test_a_client_without_points_has_no_segment():
    table = SegmentTable([{"name": "all"}])
    frame = pl.DataFrame({"r": [1, None, 1, 1], "f": [1, 1, None, 1], "m": [1, 1, 1, None]})
    assert segments_of(table, frame).to_list() == ["all", None, None, None]


def test_a_criterion_left_out_is_a_literal_three(classic):
    frame = pl.DataFrame({"r": [5, 1], "f": [5, 1]})
    expr = classic.expr(pl.col("r"), pl.col("f"), pl.lit(3))
    assert frame.select(expr).to_series().to_list() == ["loyal", "hibernating"]


def test_a_null_where_is_false():
    table = SegmentTable([{"name": "rich", "where": "total > 100"}, REST])
    frame = pl.DataFrame({"r": [1] * 3, "f": [1] * 3, "m": [1] * 3, "total": [101, 100, None]})
    assert segments_of(table, frame).to_list() == ["rich", "rest", "rest"]


def test_a_null_where_does_not_hide_another_alternative():
    any_of = [{"where": "total > 100"}, {"r": [5, 5]}]
    table = SegmentTable([{"name": "either", "any": any_of}, REST])
    frame = pl.DataFrame({"r": [5, 4], "f": [1] * 2, "m": [1] * 2, "total": [None, None]})
    frame = frame.with_columns(pl.col("total").cast(pl.Int64))
    assert segments_of(table, frame).to_list() == ["either", "rest"]


def test_own_conditions_and_alternatives_must_both_hold():
    rule = {"name": "x", "m": [5, 5], "any": [{"r": [5, 5]}, {"f": [5, 5]}]}
    table = SegmentTable([rule, REST])
    assert table.codes_won() == {"x": 9, "rest": 116}


def test_points_are_the_weighted_sum():
    table = SegmentTable([{"name": "top", "points": [12.5, 20]}, REST])
    frame = pl.DataFrame({"r": [1] * 3, "f": [1] * 3, "m": [1] * 3, "p": [12.4, 12.5, None]})
    assert table.uses_points
    found = segments_of(table, frame, points=pl.col("p"))
    assert found.to_list() == ["rest", "top", "rest"]
    assert table.rule_of(1, 1, 1, points=13) == "top"


def test_group_and_points_must_be_given_where_the_table_speaks_of_them(response):
    with pytest.raises(OptionError, match=r"segment table 'response': group is missing"):
        response.expr(pl.col("r"), pl.col("f"), pl.col("m"))
    table = SegmentTable([{"name": "top", "points": [12, 15]}, REST])
    with pytest.raises(OptionError, match="points are missing"):
        table.expr(pl.col("r"), pl.col("f"), pl.col("m"))


def test_rule_of_reads_the_row_for_sql():
    table = SegmentTable([{"name": "rich", "where": "total > 100"}, REST])
    row = pl.DataFrame({"total": [150]})
    assert table.rule_of(1, 1, 1, row=row) == "rich"
    with pytest.raises(OptionError, match="row is missing"):
        table.rule_of(1, 1, 1)
    with pytest.raises(OptionError, match="row has 2 rows"):
        table.rule_of(1, 1, 1, row=pl.concat([row, row]))


def test_tenure_limits_are_distinct_and_sorted():
    rules = [
        {"name": "a", "tenure_max": 365, "r": 5},
        {"name": "b", "any": [{"tenure_max": 30}, {"tenure_max": 365, "f": 5}]},
        REST,
    ]
    assert SegmentTable(rules).tenure_limits == (30, 365)


@pytest.mark.parametrize("bins", [2, 3, 4, 5, 7, 10, 100])
def test_on_five_is_the_fifth_of_the_middle_of_the_band(bins):
    points = pl.Series("p", range(1, bins + 1), dtype=pl.UInt8)
    found = pl.select(on_five(pl.lit(points), bins)).to_series()
    middles = [Fraction(2 * p - 1, 2 * bins) for p in range(1, bins + 1)]
    assert found.to_list() == [ceil(5 * middle) for middle in middles]
    # The scale is kept to both ends alike.
    assert found.to_list() == [6 - five for five in reversed(found.to_list())]
    assert found.dtype == pl.UInt8


# ------------------------------------------------- random tables against a plain Python loop

spans = st.tuples(st.integers(1, 5), st.integers(1, 5)).map(sorted)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "r": spans,
        "f": spans,
        "m": spans,
        "group": spans,
        "points": st.tuples(st.integers(3, 15), st.integers(3, 15)).map(sorted),
        "tenure_max": st.integers(0, 6),
        "where": st.sampled_from(["x > 2", "x = 1 OR y IS NULL", "y AND x < 3"]),
    },
)
rules_without_name = st.tuples(
    conditions, st.none() | st.lists(conditions.filter(bool), min_size=1, max_size=3)
)
clients = st.fixed_dictionaries(
    {
        "r": st.integers(1, 5),
        "f": st.integers(1, 5),
        "m": st.integers(1, 5),
        "group": st.integers(1, 5),
        "points": st.integers(3, 15),
        "tenure": st.none() | st.integers(0, 8),
        "x": st.none() | st.integers(0, 4),
        "y": st.none() | st.booleans(),
    }
)
SCHEMA = {**dict.fromkeys(["r", "f", "m", "group", "points", "tenure", "x"], pl.Int64), "y": bool}


def sql_by_hand(sql, client):
    x, y = client["x"], client["y"]
    match sql:
        case "x > 2":
            return x is not None and x > 2
        case "x = 1 OR y IS NULL":
            return x == 1 or y is None
        case "y AND x < 3":
            return y is True and x is not None and x < 3
    raise AssertionError(sql)


def holds_by_hand(condition, client, unknown=None):
    for key, wanted in condition.items():
        if key == "tenure_max":
            met = client["tenure"] is not None and client["tenure"] <= wanted
        elif key in ("where", "points") and unknown is not None:
            met = unknown
        elif key == "where":
            met = sql_by_hand(wanted, client)
        else:
            met = wanted[0] <= client[key] <= wanted[1]
        if not met:
            return False
    return True


def rule_holds_by_hand(rule, client, unknown=None):
    own, alternatives = rule
    return holds_by_hand(own, client, unknown) and (
        alternatives is None or any(holds_by_hand(a, client, unknown) for a in alternatives)
    )


CELLS = [
    dict(zip(["r", "f", "m", "group", "tenure"], cell, strict=True))
    for cell in product(range(1, 6), range(1, 6), range(1, 6), range(1, 6), [*range(7), None])
]


def followed_by_hand(rules):
    """Return the numbers of the rules that cannot be reached, and whether a cell is left over."""
    free, unreachable = CELLS, []
    for number, rule in enumerate(rules):
        if not any(rule_holds_by_hand(rule, cell, unknown=True) for cell in free):
            unreachable.append(number)
        free = [cell for cell in free if not rule_holds_by_hand(rule, cell, unknown=False)]
    return unreachable, bool(free)


def as_dictionary(number, rule):
    own, alternatives = rule
    return {"name": f"s{number}", **own} | ({} if alternatives is None else {"any": alternatives})


@settings(max_examples=3 * settings.default.max_examples // 2)
@given(st.lists(rules_without_name, max_size=5), st.lists(clients, min_size=1, max_size=30))
def test_random_tables_equal_a_plain_loop(drawn, base):
    rules = [*drawn, ({}, None)] if followed_by_hand(drawn)[1] else drawn
    table = SegmentTable([as_dictionary(n, rule) for n, rule in enumerate(rules)])
    frame = pl.DataFrame(base, schema=SCHEMA)

    found = segments_of(table, frame, **{key: pl.col(key) for key in ("group", "tenure", "points")})

    expected = [
        next(f"s{n}" for n, rule in enumerate(rules) if rule_holds_by_hand(rule, client))
        for client in base
    ]
    assert found.to_list() == expected
    assert SegmentTable.from_dict(json.loads(json.dumps(table.to_dict()))) == table


@given(st.lists(rules_without_name, min_size=1, max_size=4))
def test_a_random_table_is_refused_or_warned_of_when_and_only_when_the_loop_says_so(drawn):
    unreachable, left_over = followed_by_hand(drawn)
    rules = [as_dictionary(n, rule) for n, rule in enumerate(drawn)]
    if left_over:
        with pytest.raises(OptionError, match="have no segment"):
            SegmentTable(rules)
    else:
        warned = [sentence.split("'")[3] for sentence in SegmentTable(rules).warnings]
        assert warned == [f"s{number}" for number in unreachable]


# ------------------------------------------------------------------- files and round trips


def test_a_table_written_in_toml(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        '[[segment]]\nname = "vip"\nlabels = { fr = "privilégiés" }\nr = [4, 5]\n'
        '[[segment]]\nname = "rest"\nlabels = { fr = "autres" }\n',
        encoding="utf-8-sig",
    )
    for table in (SegmentTable.load(file), SegmentTable.resolve(str(file))):
        assert (table.name, table.source) == ("mine", str(file))
        assert table.labels() == ["vip", "rest"]
        assert table.labels("fr") == ["privilégiés", "autres"]


@pytest.mark.parametrize("name", ["classic", "response"])
def test_round_trip_through_json(name):
    table = SegmentTable.named(name)
    back = SegmentTable.from_dict(json.loads(json.dumps(table.to_dict())))
    assert back == table
    assert hash(back) == hash(table)
    assert back.labels("fr") == table.labels("fr")


def test_tables_are_copied_and_pickled(classic):
    assert pickle.loads(pickle.dumps(classic)) == classic
    assert copy.deepcopy(classic) == classic


def test_tables_differ_by_their_rules(classic):
    other = SegmentRule("others", labels={"fr": "autres"})
    assert classic != SegmentTable((*classic.rules[:-1], other), name="classic")
    assert classic != "classic"


def test_dataclasses_and_dictionaries_make_the_same_table():
    by_class = SegmentTable(
        [
            SegmentRule("new", labels={"fr": "nouveaux"}, any=(SegmentCondition(tenure_max=9),)),
            SegmentRule("rest", labels={"fr": "autres"}, r=(1, 5)),
        ]
    )
    by_dictionary = SegmentTable(
        [
            {"name": "new", "labels": {"fr": "nouveaux"}, "any": [{"tenure_max": 9}]},
            {"name": "rest", "labels": {"fr": "autres"}, "r": [1, 5]},
        ]
    )
    assert by_class == by_dictionary


def test_a_single_number_is_a_range_of_one():
    assert SegmentRule.from_dict({"name": "x", "r": 4}).r == (4, 4)


def test_resolve_takes_a_table_as_it_is(classic):
    assert SegmentTable.resolve(classic) is classic
    assert SegmentTable.resolve("classic") is classic


# --------------------------------------------------------------------------- descriptions


def test_describe_says_the_conditions(classic):
    assert classic.describe("new") == "tenure <= 90 d, or r 4\u20135, f 1, m 1\u20132"
    assert classic.describe("new", "fr") == "ancienneté <= 90 j, ou r 4\u20135, f 1, m 1\u20132"
    assert classic.describe("loyal") == "r 3\u20135, f 4\u20135"


def test_describe_says_sql_points_and_mixed_conditions():
    rules = [
        {"name": "a", "points": [12, 15], "where": "total > 3"},
        {"name": "b", "r": 5, "any": [{"f": 5}, {"m": 5}]},
        REST,
    ]
    table = SegmentTable(rules)
    assert table.describe("a") == "points 12\u201315, where total > 3"
    assert table.describe("b") == "r 5, and (f 5, or m 5)"
    assert table.describe("rest", "fr") == "tous les clients restants"


def test_describe_names_the_nearest_segment(classic):
    with pytest.raises(OptionError, match=r"no segment is called 'champion'.*'champions'"):
        classic.describe("champion")


# ------------------------------------------------------------------------------ validation


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"name": "a", "recency": [4, 5]}, "segment 'a': unknown key 'recency'; the valid names"),
        ({"name": "a", "tenure": 90}, "unknown key 'tenure'; did you mean 'tenure_max'?"),
        ({"name": "a", "R": [4, 5]}, "unknown key 'R'; did you mean 'r'?"),
        ({"name": "a", "r": [0, 5]}, "segment 'a': r = [0, 5] is outside the scale"),
        ({"name": "a", "f": [1, 6]}, "f = [1, 6] is outside the scale"),
        ({"name": "a", "m": [5, 4]}, "m = [5, 4] is reversed: write m = [4, 5]"),
        ({"name": "a", "r": [1.0, 5]}, "r = [1.0, 5] is not a range"),
        ({"name": "a", "r": [True, 5]}, "r = [True, 5] is not a range"),
        ({"name": "a", "r": "4-5"}, "r = '4-5' is not a range: write two whole numbers"),
        ({"name": "a", "r": [1, 2, 3]}, "r = [1, 2, 3] is not a range"),
        ({"name": "a", "group": [0, 1]}, "group = [0, 1] is outside the scale"),
        ({"name": "a", "points": [15, 12]}, "points = [15, 12] is reversed"),
        ({"name": "a", "points": ["x", 12]}, "points = ['x', 12] is not a range"),
        ({"name": "a", "points": 12}, "points = 12 is not a range"),
        ({"name": "a", "tenure_max": -1}, "tenure_max = -1 is not a number of days"),
        ({"name": "a", "tenure_max": "90d"}, "tenure_max = '90d' is not a number of days"),
        ({"name": "a", "tenure_max": True}, "tenure_max = True is not a number of days"),
        ({"name": "a", "where": "total >"}, "where = 'total >' is not a SQL condition"),
        ({"name": "a", "where": ""}, "where = '' is not a SQL condition"),
        ({"name": "a", "where": 3}, "where = 3 is not text"),
        ({"name": "a", "where": "COLUMNS('x') > 1"}, "has several values"),
        ({"name": "a", "any": []}, "any = [] is not a list of alternatives"),
        ({"name": "a", "any": {"r": 1}}, "any = {'r': 1} is not a list of alternatives"),
        ({"name": "a", "any": [3]}, "segment 'a': alternative 1 of any: 3 is not a condition"),
        ({"name": "a", "any": [{}]}, "alternative 1 of any: it has no condition"),
        (
            {"name": "a", "any": [{"r": 1}, {"f": [3, 2]}]},
            "segment 'a': alternative 2 of any: f = [3, 2] is reversed: write f = [2, 3]",
        ),
        ({"name": "a", "any": [{"any": []}]}, "alternative 1 of any: unknown key 'any'"),
        ({"name": "a", "labels": "vip"}, "labels = 'vip' is not a label a language"),
        ({"name": "a", "labels": {"de": "x"}}, "labels: unknown language 'de'"),
        ({"name": "a", "labels": {"fr": ""}}, "labels.fr = '' is not a label"),
        ({"name": "a", "labels": {"en": "x\ny"}}, "labels.en = 'x\\ny' is not a label"),
        ({"r": [4, 5]}, "segment number 1: name is missing"),
        ({"name": ""}, "segment number 1: name = '' is not a segment's name"),
        ({"name": 3}, "segment number 1: name = 3 is not a segment's name"),
        ("vip", "segment number 1: 'vip' is not a segment"),
    ],
)
def test_a_wrong_rule_is_refused_in_one_sentence(rule, message):
    with pytest.raises(OptionError) as caught:
        SegmentTable([rule, REST], name="mine")
    assert str(caught.value).startswith("segment table 'mine': segment ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([], "segments are missing"),
        (
            [{"name": "a", "r": 1}, {"name": "a"}],
            "name = 'a' is used by segments number 1 and 2",
        ),
        (
            [{"name": "a", "r": 1, "labels": {"en": "b"}}, {"name": "b"}],
            "labels.en = 'b' is used by segments number 1 and 2",
        ),
        (
            [
                {"name": "a", "r": 1, "labels": {"fr": "x"}},
                {"name": "b", "labels": {"fr": "x"}},
            ],
            "labels.fr = 'x' is used by segments number 1 and 2",
        ),
        (
            [{"name": "a", "r": 1, "labels": {"fr": "x"}}, {"name": "b"}],
            "segment 'b': labels.fr is missing",
        ),
        (
            [{"name": "a", "r": [2, 5]}, {"name": "b", "f": [1, 1]}, {"name": "c", "m": [1, 2]}],
            "12 of the 125 codes have no segment, the first is r=1 f=2 m=3: end the table",
        ),
        (
            [{"name": "a", "group": [2, 5]}],
            "125 of the 125 codes have no segment, the first is r=1 f=1 m=1 group=1: end",
        ),
        (
            [{"name": "a", "tenure_max": 30}, {"name": "b", "tenure_max": 90}],
            "the first is r=1 f=1 m=1 with a tenure above 90 days or unknown: end",
        ),
        (
            [{"name": "a", "r": [2, 5]}, {"name": "b", "where": "true"}],
            "no segment, not counting conditions in SQL or on points, the first is r=1 f=1 m=1: ",
        ),
    ],
)
def test_a_wrong_table_is_refused_in_one_sentence(rules, message):
    with pytest.raises(OptionError) as caught:
        SegmentTable(rules, name="mine")
    assert str(caught.value).startswith("segment table 'mine': ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("rules", "warning"),
    [
        (
            [{"name": "a", "r": [1, 3]}, {"name": "b", "r": [4, 5]}, {"name": "c", "f": 1}],
            "segment 'c' can never be reached: 'a', 'b' above it take all its codes",
        ),
        (
            [{"name": "a"}, {"name": "b", "where": "total > 3"}],
            "segment 'b' can never be reached: 'a' above it takes all its codes",
        ),
        (
            [{"name": "a", "tenure_max": 90}, {"name": "b", "tenure_max": 30}, REST],
            "segment 'b' can never be reached: 'a' above it takes all its codes",
        ),
        (
            [{"name": "a", "r": [1, 2], "any": [{"r": [4, 5]}]}, REST],
            "segment 'a' can never be reached: its own conditions exclude one another",
        ),
    ],
)
def test_a_segment_that_no_client_can_reach_is_warned_of(rules, warning):
    table = SegmentTable(rules, name="mine")

    (told,) = table.warnings
    assert told.partition(", so move it up or remove it")[0] == f"segment table 'mine': {warning}"
    assert told in grc.RFM(segments=table).fit(BASE).warnings
    assert SegmentTable.from_dict(table.to_dict()).warnings == table.warnings


# The examples in the documentation of R's package rfm: names, and first and last points.
PUBLISHED_IN_R = {
    "0.2": [
        ("Champions", (4, 5), (4, 5), (4, 5)),
        ("Loyal Customers", (2, 5), (3, 5), (3, 5)),
        ("Potential Loyalist", (3, 5), (1, 3), (1, 3)),
        ("New Customers", (4, 5), (1, 1), (1, 1)),
        ("Promising", (3, 4), (1, 1), (1, 1)),
        ("Need Attention", (2, 3), (2, 3), (2, 3)),
        ("About To Sleep", (2, 3), (1, 2), (1, 2)),
        ("At Risk", (1, 2), (2, 5), (2, 5)),
        ("Can't Lose Them", (1, 1), (4, 5), (4, 5)),
        ("Lost", (1, 2), (1, 2), (1, 2)),
    ],
    "0.3": [
        ("Champions", (5, 5), (5, 5), (5, 5)),
        ("Potential Loyalist", (3, 5), (3, 5), (2, 5)),
        ("Loyal Customers", (2, 4), (2, 4), (2, 4)),
        ("Promising", (3, 4), (1, 3), (3, 5)),
        ("New Customers", (4, 5), (1, 3), (1, 5)),
        ("Can't Lose Them", (1, 2), (3, 4), (4, 5)),
        ("At Risk", (1, 2), (2, 5), (4, 5)),
        ("Need Attention", (1, 3), (3, 5), (3, 5)),
        ("About To Sleep", (2, 3), (1, 3), (1, 4)),
        ("Lost", (1, 1), (1, 5), (1, 5)),
    ],
}


@pytest.mark.parametrize(
    ("version", "unreachable"),
    [("0.2", ["New Customers", "Promising", "Can't Lose Them"]), ("0.3", [])],
)
def test_the_tables_published_with_the_r_package_load(version, unreachable):
    rules = [{"name": name, "r": r, "f": f, "m": m} for name, r, f, m in PUBLISHED_IN_R[version]]

    table = SegmentTable([*rules, {"name": "Others"}], name="rfm")

    told = [f"segment table 'rfm': segment {name!r} can never be reached" for name in unreachable]
    assert [warning.partition(":")[0] for warning in table.warnings] == [
        "segment table 'rfm'"
    ] * len(told)
    assert all(map(str.startswith, table.warnings, told))
    assert grc.RFM(segments=table, edges="r-rfm").fit(BASE).score(BASE).height == BASE.height
    with pytest.raises(OptionError, match="of the 125 codes have no segment"):
        SegmentTable(rules)


def test_sql_does_not_make_later_segments_unreachable():
    table = SegmentTable([{"name": "a", "where": "total > 3"}, {"name": "b"}])
    assert table.codes_won() == {"a": 0, "b": 125}


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("[[segment]\n", "not valid TOML"),
        ('[[segments]]\nname = "a"\n', "unknown key 'segments'; did you mean 'segment'?"),
        ('name = "x"\n', "segments are missing: begin each one with a line [[segment]]"),
        ('[segment]\nname = "a"\n', "segments are missing: begin each one with a line"),
        ('name = ""\n[[segment]]\nname = "a"\n', "name = '' is not a table's name"),
        ('[[segment]]\nname = "a"\nr = [5, 1]\n', "segment 'a': r = [5, 1] is reversed"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, written, message):
    file = tmp_path / "mine.toml"
    file.write_text(written)
    with pytest.raises(OptionError) as caught:
        SegmentTable.load(file)
    assert str(caught.value).startswith(f"segment table {file}: ")
    assert message in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(OptionError, match=r"absent\.toml: cannot be read \(No such file"):
        SegmentTable.load(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes('name = "à"'.encode("latin-1"))
    with pytest.raises(OptionError, match=r"latin\.toml: byte 8 is not UTF-8"):
        SegmentTable.load(tmp_path / "latin.toml")


def test_an_unknown_table_names_the_nearest():
    with pytest.raises(OptionError, match=r"'clasic' is not a segment table; did you mean 'cl"):
        SegmentTable.resolve("clasic")
    with pytest.raises(OptionError, match=r"segments = 3 is not a segment table"):
        SegmentTable.resolve(3)


def test_from_dict_refuses_what_is_not_a_table():
    with pytest.raises(OptionError, match="is not a table of segments"):
        SegmentTable.from_dict([REST])


def test_columns_of_sql_are_checked():
    table = SegmentTable(
        [{"name": "a", "any": [{"where": "basket > 3 AND stor = 'x'"}]}, REST], name="mine"
    )
    assert table.uses_columns
    assert table.columns == ["basket", "stor"]
    with pytest.raises(OptionError) as caught:
        table.check_columns(["basket", "store"])
    assert str(caught.value) == (
        "segment table 'mine': segment 'a': where = \"basket > 3 AND stor = 'x'\": no column"
        " 'stor'; did you mean 'store'?"
    )
    table.check_columns(["basket", "stor"])
    table.check_columns(pl.Schema({"basket": pl.Int8, "stor": pl.String}))


def test_the_type_of_sql_is_checked_with_a_schema():
    number = SegmentTable([{"name": "a", "where": "basket + 1"}, REST])
    number.check_columns(["basket"])
    with pytest.raises(OptionError, match=r"gives Int8, not true or false"):
        number.check_columns({"basket": pl.Int8})
    wrong = SegmentTable([{"name": "a", "where": "basket > 'x'"}, REST])
    with pytest.raises(OptionError, match="cannot be computed"):
        wrong.check_columns({"basket": pl.Int8})


def test_a_table_in_one_language_says_so_when_asked_for_the_other():
    table = SegmentTable([{"name": "a", "r": 1}, {"name": "b"}], name="mine")
    assert table.labels() == ["a", "b"]
    with pytest.raises(OptionError, match=r"'mine': segment 'a': labels\.fr is missing, add it"):
        table.labels("fr")


# ---------------------------------------------------------------------------------- labels


def test_both_languages_have_the_same_keys():
    for key, words in labels._catalogue().items():
        assert tuple(words) == labels.LANGUAGES, key
        assert all(word.strip() == word and word for word in words.values()), key


def test_both_languages_fill_the_same_braces():
    def braces(phrase):
        return {name for _, name, _, _ in Formatter().parse(phrase) if name is not None}

    for key, words in labels._catalogue().items():
        assert braces(words["en"]) == braces(words["fr"]), key


def test_every_output_column_and_status_has_a_caption():
    columns = ["client_id", "status", "first_purchase", "last_purchase", "recency", "frequency"]
    columns += ["monetary", "r", "f", "m", "rfm", "points", "group", "segment"]
    assert set(columns) <= set(labels.section("column", "fr"))
    assert list(labels.section("status")) == [
        "scored",
        "returns_only",
        "never_bought",
        "out_of_window",
    ]


def test_columns_can_be_renamed_by_the_catalogue():
    for lang in labels.LANGUAGES:
        captions = list(labels.section("column", lang).values())
        assert len(captions) == len(set(captions))


def test_groups_of_the_course():
    assert labels.group(1) == "expected to answer very favourably"
    assert labels.group(5, 5, "fr") == "réponse attendue : très défavorable"
    assert labels.group(10, 10) == "group 10 of 10: expected to answer very unfavourably"
    assert "very" not in labels.group(1, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: labels.text("column.recency", "de"), "lang = 'de' is not a language"),
        (lambda: labels.section("column", "FR"), "lang = 'FR' is not a language"),
        (lambda: labels.group(1, 5, "xx"), "lang = 'xx' is not a language"),
        (lambda: SegmentTable.named("classic").labels("de"), "lang = 'de' is not a language"),
        (lambda: labels.text("column.recenci"), "did you mean 'column.recency'?"),
        (lambda: labels.section("colum"), "did you mean 'column'?"),
        (lambda: labels.text("band.below"), "the label 'band.below' needs a value for 'high'"),
        (lambda: labels.group(6), "group 6 does not exist: the groups run from 1 to 5"),
        (lambda: labels.group(0), "group 0 does not exist"),
    ],
)
def test_a_label_that_does_not_exist_is_refused(call, message):
    with pytest.raises(OptionError) as caught:
        call()
    assert message in str(caught.value)
