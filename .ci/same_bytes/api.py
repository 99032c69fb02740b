"""The public interface: each statement is a case, and what it gives, or its error, is recorded.

`session.py` reads this file statement by statement, in a directory that holds the inputs.
"""
# ruff: noqa: B018, E731

import copy
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
from grc_fast.segments import SegmentCondition, SegmentRule, SegmentTable

import grc_fast as grc

DAY = dt.date(2026, 11, 1)
sales = pl.read_parquet("sales.parquet")
events = pl.read_csv("events.csv", try_parse_dates=True)
SOURCES = {
    "path": lambda: "sales.parquet",
    "paths": lambda: ["parts/0.csv", Path("parts/1.csv")],
    "frame": lambda: sales,
    "lazy": sales.lazy,
    "pandas": sales.to_pandas,
    "pandas with gaps": lambda: pd.read_csv("sales.csv", parse_dates=["date"]),
    "pyarrow": lambda: pa.table(sales),
    "stream": lambda: pa.RecordBatchReader.from_stream(sales),
    "duckdb": lambda: duckdb.sql("FROM 'sales.parquet'"),
    "chunks": lambda: pl.concat([sales[:7], sales[7:900], sales[900:]], rechunk=False),
}


def each(call: Callable[[Any], Any], values: Any) -> dict[str, Any]:
    """Return what a call gives for each value, or its error."""
    given = values if isinstance(values, dict) else {repr(value): value for value in values}
    return {name: outcome(call, value) for name, value in given.items()}


def outcome(call: Callable[[Any], Any], value: Any) -> Any:
    """Return what a call gives for a value, or its error."""
    try:
        return call(value)
    except Exception as error:  # noqa: BLE001 (any error is what the case is about)
        return error


def edited(document: Any, path: str, value: Any) -> Any:
    """Return a copy of a document in which the value at a path, such as `spec.bins`, is another."""
    whole = copy.deepcopy(document)
    *way, last = (int(key) if key.isdigit() else key for key in path.split("."))
    part = whole
    for key in way:
        part = part[key]
    part[last] = value
    return whole


# -- names -----------------------------------------------------------------------------------------

sorted(grc.__all__)
grc.__version__
each(lambda name: getattr(grc, name).__mro__, [name for name in grc.__all__ if "Error" in name])
[SegmentCondition is grc.SegmentCondition, SegmentRule is grc.SegmentRule]

# -- facts -----------------------------------------------------------------------------------------

FACTS = [
    *("first_purchase", "last_purchase", "orders", "lines", "active_days", "total", "mean_basket"),
    *("last_basket", "max_basket", "first_day_total", "returns_total"),
]
every = lambda source, **options: grc.facts(source, **{"as_of": DAY, "facts": FACTS} | options)
each(lambda source: grc.facts(source(), as_of=DAY), SOURCES)
every(sales, order="ticket")
every(sales, as_of="2026-05-31", order=["ticket", "store"], window="3mo", returns="drop")
every(sales, returns="keep", clients="base.csv", threads=1, where="store = 'A'")
every(sales, amount="quantity * price", clients=pl.read_csv("base.csv"), money_scale=1)
every("cards.csv", client="card", date="day", amount="net", order="slip")
every("decimal.parquet", order="ticket")
every("categories.parquet", order=["store", "ticket"])
every("zeros.parquet")
every("zoned.parquet", timezone="Pacific/Auckland", money_scale=6)
every(sales.clear())
each(lambda options: every(sales, **options), [
    {"as_of": "01/03/2026"}, {"as_of": None}, {"as_of": "2020-01-01"}, {"facts": ["order"]},
    {"facts": []}, {"facts": ["orders", "orders"]}, {"facts": None}, {"returns": "ignore"},
    {"window": 12}, {"window": "12 parsecs"}, {"money_scale": -1}, {"money_scale": True},
    {"threads": 0}, {"threads": 2.0}, {"order": 3}, {"order": []}, {"order": ["ticket", "tills"]},
    {"timezone": None}, {"timezone": "Europe/Nowhere"}, {"client": "Client"}, {"client": 3},
    {"date": "when"}, {"date": "amount"}, {"amount": "amount *"}, {"amount": "amount * qty"},
    {"amount": "SUM(amount)"}, {"where": "amount"}, {"where": "shop = 1"}, {"clients": 3},
])  # fmt: skip
each(every, [3, None, [], "", "absent.csv", b"sales.csv", ["sales.csv", 3]])
each(lambda column: every(sales.with_columns(column)), {
    "list": pl.lit([1]).alias("client_id"), "half": pl.col("client_id") + 0.5,
    "date": pl.lit("11/12/10").alias("date"), "huge": pl.lit(1e18).alias("amount"),
    "bytes": pl.lit(b"a").alias("amount"), "days": pl.col("date").alias("amount"),
})  # fmt: skip
isinstance(outcome(lambda name: every(sales, **{name: "card"}), "clinet"), TypeError)
each(lambda dtypes: every(sales.cast(dtypes)).frame, [
    {"amount": pl.Float32}, {"amount": pl.Int128}, {"date": pl.String}, {"date": pl.Datetime("ms")},
    {"client_id": pl.Float64}, {"client_id": pl.Int128}, {"client_id": pl.UInt8},
    {"client_id": pl.String}, {"client_id": pl.Boolean},
])  # fmt: skip
each(lambda name: every(sales.with_columns(pl.lit(None).alias(name))).frame, sales.columns[:3])
table = sales.drop_nulls().to_pandas()
each(lambda dtypes: every(table.astype(dtypes)).frame, [
    {"client_id": "Int64"}, {"client_id": "string"}, {"client_id": object},
    {"client_id": "category"}, {"amount": "Float64"}, {"amount": "float32"}, {"amount": "float16"},
    {"amount": "complex128"}, {"date": "datetime64[s]"}, {"date": object},
    {"client_id": "double[pyarrow]"}, {"date": "timestamp[us][pyarrow]"},
])  # fmt: skip
every(table.assign(date=table["date"].dt.tz_localize("Europe/Paris"))).frame
each(lambda column: every(table[:2].assign(**column)).frame, [
    {"client_id": [(1, 2), (3, 4)]}, {"client_id": [2**70, 1]}, {"client_id": ["a", 1]},
    {"client_id": [2**63, 1]}, {"amount": [1, "a"]}, {"date": [1, dt.date(2026, 1, 1)]},
])  # fmt: skip
each(lambda base: every(sales, clients=base).frame, {
    "text": pl.DataFrame({"client_id": ["1", "a"]}), "one column": pl.DataFrame({"card": [1, 500]}),
    "two columns": pl.DataFrame({"card": [1], "name": ["a"]}), "plain text": "card_base.csv",
})  # fmt: skip
each(every, [["decimal.parquet", "sales.parquet"], ["decimal.parquet", "whole.parquet"]])
each(every, [sales.to_dict(as_series=False), sales.select(), duckdb.sql("SELECT 1 AS a")])
each(every, ["stream.ipc", "blank.csv", "late.ndjson", "words.ndjson", ["sales.csv", "small.csv"]])
rows_read = []
[every(sales, progress=rows_read.append).quality.rows_read, rows_read[-1]]
quality = every("sales.csv", order="ticket", clients="base.csv").quality
[quality.to_dict(), quality.frame]

# -- many clients, by kind of id -------------------------------------------------------------------

many = grc.simulate_sales(200_000, 30_000, seed=3)
many
grc.simulate_sales(50, 7, first_day=dt.date(2025, 1, 1), days=90, seed=1)
each(lambda lines: grc.simulate_sales(lines, 7), [0, -1])
number = pl.col("client_id").cast(pl.Int64)
IDS = {
    "dense": number,
    "sparse": number * 1_009 - 5_000_000,
    "wide": number * 301_034_001_111_003,
    "unsigned": number.cast(pl.UInt64) + 2**63,
    "narrow": number.cast(pl.Int32),
    "numbered": pl.format("C{}", number.cast(pl.String).str.zfill(7)),
    "long": pl.format("client-{}-{}", number.hash(1), number.hash(2)),
    "digits": number.cast(pl.String),
}
by_id = lambda run: each(lambda ids: run(many.lazy().with_columns(client_id=ids)), IDS)
by_id(lambda lines: every(lines, as_of="2026-01-01").frame)
by_id(lambda lines: grc.score_rfm(lines, as_of="2026-01-01", threads=2).scores)
by_id(lambda lines: grc.score_rfm(lines, as_of="2026-01-01", ties="split", order="date").segments)

# -- scores ----------------------------------------------------------------------------------------

score = lambda source, **options: grc.score_rfm(source, **{"as_of": DAY} | options)
result = score(sales, order="ticket")
result
each(lambda source: score(source()).scores, SOURCES)
score(sales, clients="base.csv", lang="fr", segments="response", threads=1)
score(sales, ties="split", bins=10, groups=4, returns="drop")
score("decimal.parquet", edges="linear", monetary=grc.Monetary("max_basket"), order="ticket")
score("zeros.parquet", bins=2)
score(sales, rfm=grc.RFM(monetary=None, bins=4))
spec = grc.RFM(
    grc.Recency(["3w", "2mo", "6mo"], window="2y", weight=0.5),
    grc.Frequency("mean_gap", bins=3),
    grc.Monetary("last_basket", bands=[10, 50.5], weight=2),
    segments="segments.toml",
    lang="fr",
)
spec
score(sales, rfm=spec, order="ticket", clients="base.csv")
spec.score(sales, as_of="2026-06-30", where="store = 'B'", money_scale=2)
facts = spec.facts("sales.csv", as_of=DAY, order="ticket")
facts
spec.fit_score(facts)
model = spec.fit(facts)
model
model.score(facts, lang="en")
model.score(facts.frame.lazy(), as_of=DAY)
model.score(facts.frame.to_pandas(), as_of=DAY)
model.score(pa.table(facts.frame), as_of="2026-12-01", threads=2)
each(lambda client: model.explain(facts, client_id=client), [1, 17, 40, 999, "7", None])
each(lambda lang: str(model.explain(facts, client_id=17, lang=lang)), ["en", "fr", "de"])
[model.explain(facts, client_id=17).to_dict(), model.explain(facts, client_id=17).frame]
[model.bands, model.warnings, model.to_dict()]
model.save("model.json")
[grc.RFMModel.load("model.json") == model, grc.RFMModel.from_dict(model.to_dict()) == model]
split = grc.RFM(recency=grc.Recency(window="1y"), ties="split").fit(
    grc.RFM().facts(sales, as_of=DAY)
)
[split, split.to_dict(), outcome(split.score, facts.frame.lazy())]
everyone = grc.RFM().facts("sales.csv", as_of=DAY, order="ticket", clients="base.csv")
models = {
    "default": grc.RFM().fit(everyone),
    "seven": grc.RFM(bins=7, groups=7, segments="response", ties="split").fit(everyone),
    "three": grc.RFM(bins=3, groups=3, monetary=None, edges="linear").fit(everyone),
    "bands": grc.RFM(grc.Recency(["1mo", "1y"]), grc.Frequency(bands=[2, 5]), bins=2).fit(everyone),
}
in_words = lambda fit, client, lang: str(fit.explain(everyone, client_id=client, lang=lang))
each(lambda m: each(lambda c: in_words(m, c, "en").splitlines(), range(1, 221, 9)), models)
each(lambda m: each(lambda c: in_words(m, c, "fr").splitlines(), range(1, 221, 9)), models)
clients = pl.DataFrame(
    {
        "client_id": ["a", "b", "c", "d", "e"],
        "recency": [3, 40, 200, None, 3],
        "frequency": [12.0, 5.0, 1.0, float("nan"), 12.0],
        "monetary": [840.0, -0.0, 0.0, 25.0, 840.0],
    }
)
grc.RFM(bins=3).fit(clients).score(clients)
grc.RFM(bins=3, ties="split").fit_score(clients.to_pandas())
grc.RFM(bins=3).fit_score(clients.reverse().lazy())
known_days = clients.with_columns(
    first_purchase=dt.date(2026, 1, 1), last_purchase=dt.date(2026, 5, 1), recency=pl.lit(9)
)
[grc.RFM(bins=2).fit_score(known_days)[1], grc.RFM(bins=2).fit_score(known_days, as_of=DAY)[1]]
str(grc.RFM(bins=2).fit(clients).explain(clients, client_id="b", lang="fr"))
each(lambda options: score(sales, **options), [
    {"bins": 1}, {"groups": 0}, {"lang": "de"}, {"rfm": spec, "bins": 4},
    {"recency": None, "frequency": None, "monetary": None}, {"ties": "both"}, {"edges": "square"},
    {"ties": "split", "edges": "linear"}, {"returns": "no"}, {"segments": "clasic"}, {"recency": 3},
])  # fmt: skip
each(lambda options: grc.Recency(**options), [
    {"bands": ["3m"]}, {"bands": ["6mo", "3w"]}, {"window": "x"}, {"weight": -1}, {"bands": "3w"},
])  # fmt: skip
each(lambda options: grc.Frequency(**options), [
    {"measure": "often"}, {"bands": [3, 2]}, {"bands": [1], "bins": 3}, {"bins": True},
])  # fmt: skip
each(lambda options: grc.Monetary(**options), [
    {"measure": "much"}, {"weight": float("nan")}, {"bands": ["a"]}, {"ties": 3}, {"window": "1h"},
])  # fmt: skip
each(grc.RFM().fit, {
    "other": 3, "none": clients.clear(), "less": clients.drop("recency"), "twice": clients[[0, 0]],
})  # fmt: skip
each(model.score, {"without dates": clients, "other": 3, "none": facts.frame.clear()})
each(grc.RFMModel.load, ["none.json", "broken.json", "newer.json", "absent.json"])
each(lambda edit: grc.RFMModel.from_dict(edited(model.to_dict(), *edit)), [
    ("more", 1), ("version", 0), ("version", "1"), ("spec", 3), ("spec.more", 1), ("spec.bins", 1),
    ("spec.bins", 4), ("spec.ties", "both"), ("spec.recency.bands", ["3m"]), ("spec.lang", 1),
    ("spec.recency", []), ("bands.recency", 3), ("bands.recency.kind", "split"), ("fit", {}),
    ("bands.frequency.edges", [3, 2]), ("bands.frequency.edges", [1]), ("bands.frequency.size", 9),
    ("bands.frequency.edges", "a"), ("bands.frequency.edges", ["a", "b"]), ("group_floors", [1]),
    ("group_floors", [1, 2, 3, 4]), ("group_floors", 3), ("segments", 3), ("segments.segment", []),
    ("segments.segment.0.r", [5, 4]), ("fit.clients", -1), ("fit.clients", 9),
    ("fit.as_of", "soon"), ("fit.as_of", 3), ("fit.as_of", None), ("fit.grc_fast", 3),
    ("fit.band_sizes.recency", [1]), ("fit.ties.recency", [[1]]),
])  # fmt: skip
each(lambda edit: grc.RFMModel.from_dict(edited(split.to_dict(), *edit)), [
    ("bands.recency.pairs.0", [1]), ("bands.recency.pairs.0", [1, "a"]),
    ("bands.recency.pairs.0", [1e9, 1]), ("group_floors", [9.5, 8, 7, 6]),
])  # fmt: skip
each(lambda column: grc.RFM().fit_score(clients.with_columns(column))[1], {
    "float ids": pl.Series("client_id", [1.0, 2.0, 3.0, 4.0, 5.0]),
    "half ids": pl.Series("client_id", [1.5, 2.0, 3.0, 4.0, 5.0]),
    "list ids": pl.lit([1]).alias("client_id"), "null ids": pl.lit(None).alias("client_id"),
    "text": pl.lit("a").alias("recency"), "negative": pl.lit(-3).alias("recency"),
    "half days": pl.lit(1.5).alias("recency"), "nulls": pl.lit(None).alias("monetary"),
    "decimals": pl.lit(1).cast(pl.Decimal(9, 2)).alias("monetary"),
    "half orders": pl.lit(0.5).alias("frequency"),
})  # fmt: skip
each(model.save, ["absent/model.json", ".", ""])

# -- quantiles -------------------------------------------------------------------------------------

values = pl.Series(
    [5, 1, 1, 1, None, -0.0, 0.0, float("nan"), float("inf"), -3.5, 7, 7], dtype=pl.Float64
)
[
    grc.quantile_scores(values, bins, best=best, ties=ties, threads=1).to_list()
    for bins in (2, 5, 100)
    for best in ("high", "low")
    for ties in ("together", "split")
]
each(
    lambda some: grc.quantile_scores(some, 3, edges="linear"),
    [[3, 40, 400], range(9), [], ["a"]],
)
[grc.quantile_scores(many[name], 7) for name in ("amount", "client_id")]
grc.quantile_scores(sales["amount"].cast(pl.Decimal(12, 2)), 4)
sales.select(
    grc.quantile_score("amount", 4), grc.quantile_score("price", 3, best="low").over("store")
)
sales.lazy().select(pl.col("amount").grc.quantile_score(7, edges="linear"))
each(lambda options: grc.quantile_scores(values, **options), [
    {"bins": 1}, {"bins": 101}, {"best": "up"}, {"ties": "split", "edges": "linear"},
    {"threads": 0},
])  # fmt: skip
each(grc.quantile_score, [3, [1]])

# -- segments --------------------------------------------------------------------------------------

built = SegmentTable(
    [
        SegmentRule("vip", labels={"fr": "privilégiés"}, r=(4, 5), m=(5, 5), group=(1, 2)),
        SegmentRule(
            "early", any=(SegmentCondition(tenure_max=30), SegmentCondition(points=(12, 15)))
        ),
        {"name": "rich", "where": "monetary > 300", "labels": {"en": "Rich"}},
        SegmentRule.from_dict({"name": "rest", "r": [1, 5]}),
    ][1:],
    name="built",
)
tables = {
    "classic": SegmentTable.named("classic"),
    "response": SegmentTable.named("response"),
    "mine": SegmentTable.load("segments.toml"),
    "built": built,
}
each(
    lambda t: [t.name, t.source, t.names, t.columns, t.tenure_limits, t.rules, t.to_dict()], tables
)
each(lambda t: [t.uses_group, t.uses_points, t.uses_columns, t.codes(), t.codes_won()], tables)
each(lambda t: [repr(t), t.labels(), t.dtype(), t.dtype("en")], tables)
each(lambda t: [t.labels("fr"), t.dtype("fr")], tables)
each(lambda t: [t.describe(name) for name in t.names], tables)
each(lambda t: [t.describe(name, "fr") for name in t.names], tables)
each(lambda t: [t.rule_of(r, f, 4, group=2, tenure=90) for r in (1, 3, 5) for f in (1, 5)], tables)
each(lambda t: [(rule.label(), rule.to_dict(), [*rule.conditions()]) for rule in t.rules], tables)
tables["mine"].rule("welcome")
each(lambda t: t.check_columns(["monetary", "frequency"]), tables)
each(lambda t: t.check_columns(["freqency"]), tables)
each(lambda t: SegmentTable.from_dict(t.to_dict(), name="again").to_dict() == t.to_dict(), tables)
each(lambda t: SegmentTable.resolve(t) is t, tables)
each(lambda t: score(sales, segments=t).segments, tables)
points = {name: pl.col(name) for name in ("group", "points")}
each(lambda t: result.scores.select(t.expr(*map(pl.col, "rfm"), **points)), tables)
tables["mine"].rule_of(5, 5, 1, row=pl.DataFrame({"monetary": [400.0], "frequency": [2]}))
SegmentCondition(r=(1, 2), where="a > 1").to_dict()
each(lambda name: SegmentTable.load(f"{name}.toml"), [
    "unreachable", "uncovered", "reversed", "near_key", "half_french", "no_toml", "rules", "absent",
])  # fmt: skip
each(SegmentTable.named, ["clasic", 3])
each(SegmentTable, {"none": [], "twice": [SegmentRule("a"), SegmentRule("a")], "other": [3]})
each(lambda options: SegmentRule("a", **options), [
    {"r": (0, 5)}, {"r": "4-5"}, {"where": "total >"}, {"any": ()}, {"any": ({"f": [3, 2]},)},
    {"labels": {"de": "b"}}, {"tenure_max": -1}, {"points": (3, 1)}, {"group": (0, 1)}, {"r": True},
    {"labels": "b"}, {"labels": {"en": " "}}, {"points": "a"}, {"any": (3,)}, {"any": ({},)},
    {"any": ({"q": 1},)}, {"where": 3}, {"where": "*"}, {"where": "SUM(a) > 1"},
    {"tenure_max": "a"},
])  # fmt: skip
sql_table = lambda sql: SegmentTable([{"name": "a", "where": sql}, {"name": "b"}])
each(lambda sql: score(sales, segments=sql_table(sql)).segments, [
    "monetary", "monetary > 'a'", "recency > AVG(recency)", "nothing = 1", "monetary > 90",
])  # fmt: skip
each(SegmentTable.from_dict, [{}, {"segment": 3}, {"segment": [3]}, {"segment": [{}]}, {"a": []}])
each(lambda name: SegmentTable([SegmentRule("a")], name=name), ["", 3, "fine"])
each(SegmentRule, ["", " a", 3, "two\nlines"])
[built == tables["mine"], built == 3, built == SegmentTable(built.rules, name="built")]
each(built.rule, ["vpi"])
each(lambda name: built.describe(name, "de"), ["rest"])
each(lambda r: built.rule_of(r, 1, 1), [0, 6])
each(lambda table: table.rule_of(1, 1, 1), tables)

# -- value -----------------------------------------------------------------------------------------

worth = lambda source, **options: grc.predict_value(source, **{"as_of": DAY} | options)
value = worth(sales, order="ticket")
value
each(lambda source: worth(source()).values, SOURCES)
worth("sales.csv", horizons=["1mo", "90d"], margin="margin", discount=0.1, model="bgnbd")
worth(sales.lazy(), time_scaler=1.0, clients="base.csv", returns="drop", threads=1)
worth(sales.to_pandas(), as_of="2026-08-01", model=value.model, where="store = 'A'")
NEEDED = ["first_purchase", "last_purchase", "active_days", "total", "first_day_total"]
known = grc.facts(sales, as_of=DAY, facts=NEEDED)
grc.predict_value(known, horizons=["6mo"], margin=0.2)
worth(known.frame, discount=0.05)
worth(known.frame.with_columns(share=pl.col("active_days") / 100), margin="share")
value.model.save("value.json")
[grc.ValueModel.load("value.json") == value.model, grc.ValueModel.from_dict(value.model.to_dict())]
bought = grc.MBGNBD().fit(known)
[bought, bought.parameters, bought.warnings, bought.p_alive(), bought.predict("6mo")]
[bought.predict("10d", known), bought.p_alive(known.frame.to_pandas(), as_of=DAY)]
grc.BGNBD(time_scaler=1).fit(known.frame, as_of=DAY, threads=2)
bought.save("purchases.json")
grc.PurchaseModel.load("purchases.json")
spent = grc.GammaGamma().fit(known)
[spent, spent.parameters, spent.population_mean, spent.warnings, spent.expected_spend()]
spent.expected_spend(known.frame, as_of=DAY, threads=1)
spent.save("spend.json")
grc.SpendModel.load("spend.json")
simulated = grc.simulate_clients(3_000, as_of=DAY, seed=5)
[simulated, grc.MBGNBD().fit(simulated, as_of=DAY), grc.BGNBD().fit(simulated, as_of=DAY)]
grc.simulate_clients(
    *(40,), as_of="2026-01-01", model="bgnbd", parameters={"r": 1, "alpha": 5, "a": 0.8, "b": 2},
    days=(10, 90), horizon=30, time_scaler=1.0, threads=1,
)  # fmt: skip
holdout = lambda source, **options: grc.holdout_value(source, **{"as_of": DAY} | options)
report = holdout(sales, order="ticket")
[report, report.ranking, report.to_dict()]
each(report.save, ["holdout.json", "holdout.svg", "holdout.png", "holdout.pdf"])
report.writer("again.json")(Path("again.json"))
holdout("sales.csv", holdout="90d", horizons=["1mo"], margin=0.1, model="bgnbd", returns="keep")
each(lambda options: worth(sales, **options), [
    {"horizons": []}, {"horizons": ["3m"]}, {"margin": 2}, {"margin": "marign"}, {"model": "nbd"},
    {"discount": -1}, {"time_scaler": 0}, {"as_of": None}, {"margin": "quantity"}, {"where": "no"},
])  # fmt: skip
each(worth, {"few": sales[:9], "facts without a day": known.frame.lazy(), "other": 3})
each(
    lambda options: grc.predict_value(known, **options),
    [{"client": "card"}, {"as_of": "2020-01-01"}],
)
each(
    lambda options: holdout(sales, **options),
    [{"holdout": "9y"}, {"margin": "margin"}, {"model": 3}],
)
for kind in (grc.ValueModel, grc.PurchaseModel, grc.SpendModel):
    print(
        each(
            kind.load, ["purchases.json", "spend.json", "none.json", "newer_value.json", "rfm.json"]
        )
    )
each(lambda edit: grc.ValueModel.from_dict(edited(value.model.to_dict(), *edit)), [
    ("more", 1), ("version", 2), ("bgnbd", {}), ("mbgnbd", 3), ("mbgnbd.r", 0), ("mbgnbd.r", "a"),
    ("mbgnbd.as_of", "soon"), ("mbgnbd.clients", -1), ("mbgnbd.log_likelihood", "a"),
    ("mbgnbd.standard_errors", 3), ("mbgnbd.standard_errors.r", -1), ("mbgnbd.time_scaler", 0),
    ("gamma_gamma.q", 0.5), ("gamma_gamma", []), ("gamma_gamma.correlation", True),
])  # fmt: skip
each(lambda column: worth(known.frame.with_columns(column)).values, {
    "text": pl.lit("a").alias("total"), "halves": pl.lit(1.5).alias("active_days"),
    "no total": pl.lit(None, pl.Float64).alias("total"), "once": pl.lit(1).alias("active_days"),
    "later": pl.lit(dt.date(2030, 1, 1)).alias("first_purchase"),
})  # fmt: skip
each(lambda share: worth(known.frame.with_columns(share=share), margin="share").values, {
    "text": pl.lit("a"), "nulls": pl.lit(None, pl.Float64), "above 1": pl.lit(2.0),
})  # fmt: skip
each(lambda sql: worth(sales, margin=sql).values, [
    "amount * 2", "amount * -1", "0.3 + 0 * amount", "0.1 * price", "store",
])  # fmt: skip
each(lambda horizons: worth(sales, horizons=horizons), ["3mo", ["1y", "1y"], ["900y"]])
each(
    lambda spend: worth(sales, model=grc.ValueModel(bought, spend)).values,
    {"none": None, "own": spent},
)
even = known.frame.with_columns(total=pl.col("active_days") * 5.0, first_day_total=pl.lit(5.0))
rising = even.with_columns(total=pl.col("active_days").cast(pl.Float64) ** 3 * pl.col("client_id"))
each(lambda frame: grc.GammaGamma().fit(frame, as_of=DAY), {"even": even, "rising": rising})
each(grc.MBGNBD().fit, {"no day": known.frame, "less": known.frame.drop("active_days"), "other": 3})
each(grc.GammaGamma().fit, {"none": simulated[:0], "other": 3, "less": known.frame.drop("total")})
each(bought.predict, ["soon", "0d", 3])
each(lambda options: grc.simulate_clients(9, as_of=DAY, **options), [
    {"parameters": {"r": 1}}, {"days": (9, 1)}, {"model": "nbd"}, {"horizon": 0}, {"seed": -1},
])  # fmt: skip

# -- response --------------------------------------------------------------------------------------

campaigns = pl.read_csv("campaigns.csv", try_parse_dates=True)
raw = campaigns.drop("control", "spend")
mailings = campaigns.select("client_id", "campaign", "contacted_on")
answers = pl.read_csv("answers.csv", try_parse_dates=True)
before = grc.score_before_campaigns(sales, campaigns, order="ticket")
before
each(lambda source: grc.score_before_campaigns(source(), raw), SOURCES)
grc.score_before_campaigns("sales.csv", raw, rfm=grc.RFM(bins=3, lang="fr"), where="store = 'A'")
controlled = grc.response(before, campaigns, cost=0.5, margin=10)
[controlled, controlled.table, controlled.to_dict()]
each(controlled.save, ["response.json", "response.svg", "response.png", "response.doc"])
plain = grc.response(result.scores, raw)
plain
each(lambda level: plain.calibrate(result.scores, by=level), ["cell", "group", "segment", "town"])
grc.calibrate(controlled, result.scores.to_pandas())
attributed = lambda rule: grc.response(
    result.scores, mailings, responses=answers.drop("campaign"), window="40d", overlap=rule
)
each(attributed, ["last", "first", "all", "none"])
few = pa.table(result.scores.drop("segment"))
grc.response(few, mailings.to_pandas(), responses=answers, window="1mo")
grc.response(result.scores.select("client_id", "group"), raw, cost=1, margin=3).depth
each(lambda options: grc.break_even(**options), [
    {"cost": 0.55, "margin": 40}, {"cost": 0, "margin": 5}, {"cost": 1, "margin": 0},
])  # fmt: skip
each(lambda rate: grc.break_even_index(rate, cost=0.55, margin=40), [0.025, 0, 1, 2, "a"])
each(lambda options: grc.response(before, mailings, **options), [
    {}, {"responses": answers}, {"responses": answers, "window": "long"}, {"responses": 3},
    {"responses": answers, "window": "1mo", "overlap": "all"},
])  # fmt: skip
each(lambda options: grc.response(before, raw, **options), [
    {"window": "30d"}, {"overlap": "first"}, {"cost": 1}, {"cost": -1, "margin": 2},
])  # fmt: skip
each(lambda contacts: grc.response(before, contacts), {
    "none": raw.clear(), "other": 3, "text ids": raw.cast({"client_id": pl.String}),
    "words": raw.with_columns(responded=pl.lit("yes")), "less": raw.drop("contacted_on"),
    "nulls": campaigns.with_columns(control=pl.lit(None, pl.Boolean)),
})  # fmt: skip
each(lambda scores: grc.response(scores, raw), {"other": 3, "less": before.drop("client_id")})
each(lambda scores: grc.calibrate(plain, scores), {
    "twice": before, "other": 3, "no cell": result.scores.select("client_id"),
    "larger": score(sales, bins=10).scores, "french": score(sales, lang="fr").scores,
})  # fmt: skip
each(lambda scores: grc.calibrate(plain, scores, by="segment"), {
    "french": score(sales, lang="fr").scores, "none": result.scores.drop("segment"),
})  # fmt: skip
each(lambda column: grc.response(before, campaigns.with_columns(column)).groups, {
    "floats": pl.col("client_id").cast(pl.Float64), "halves": pl.col("client_id") + 0.5,
    "numbers": pl.col("responded").cast(pl.Int8), "twos": pl.lit(2).alias("responded"),
    "nulls": pl.lit(None, pl.Boolean).alias("responded"), "day": pl.lit("a").alias("contacted_on"),
    "spend": pl.lit("a").alias("spend"), "infinite": pl.lit(float("inf")).alias("spend"),
    "campaigns": pl.lit(1.5).alias("campaign"), "lists": pl.lit([1]).alias("client_id"),
})  # fmt: skip
each(lambda scores: grc.response(scores, raw).groups, {
    "lazy": before.lazy(), "halves": before.with_columns(group=1.5), "none": before.clear(),
    "text": before.with_columns(group=pl.lit("a")), "twice": before[[0, 0]],
    "strangers": before.with_columns(pl.col("client_id") + 10_000),
    "no cells": before.drop("r", "f", "m"),
    "nulls": before.with_columns(client_id=pl.lit(None, pl.Int64)),
})  # fmt: skip
each(lambda options: grc.score_before_campaigns(sales, raw, **options), [
    {"as_of": DAY}, {"clinet": "a"}, {"clients": "base.csv"},
])  # fmt: skip
early = raw.with_columns(contacted_on=dt.date(2020, 1, 1))
each(
    lambda contacts: grc.score_before_campaigns(sales, contacts),
    {"early": early, "none": raw.clear()},
)
strangers = answers.with_columns(pl.col("client_id") + 10_000)
grc.response(before, mailings, responses=strangers, window="1mo")
each(lambda contacts: grc.score_before_campaigns(sales, contacts), {"less": raw.drop("campaign")})

# -- behaviour -------------------------------------------------------------------------------------

END = dt.datetime(2026, 5, 1)  # noqa: DTZ001 (the timestamps have no zone)
EVENTS = {
    "path": lambda: "events.csv",
    "frame": lambda: events,
    "lazy": events.lazy,
    "pandas": events.to_pandas,
    "pyarrow": lambda: pa.table(events),
}
NAMED = {
    "source": "named_events.csv", "client": "user", "timestamp": "at", "kind": "what",
    "page": "url", "dwell": "seconds", "clicks": "hits", "channel": "medium", "event_id": "key",
    "machine_open": "robot",
}  # fmt: skip
rules = grc.BehaviourRules.load("rules.toml")
always = grc.BehaviourRules.from_toml(Path("plain.toml").read_text("utf-8"))
course = grc.BehaviourRules.named("course")
for given in (rules, always, course):
    print(given, given.group_names, given.bypass, sorted(given.known_kinds), given.fingerprint)
act = lambda source, given=rules, **options: grc.score_behaviour(
    source, given, **{"as_of": END} | options
)
each(lambda source: act(source()), EVENTS)
act(events, "course", as_of="2026-04-01", where="kind <> 'search'", threads=1)
act(events, "linear.toml", as_of=dt.date(2026, 4, 1), memory="1KB", threads=2)
act("zoned_events.parquet", always, as_of="2026-03-04", timezone="Asia/Tokyo")
act(**NAMED)
first = act(
    events.filter(pl.col("timestamp") < dt.date(2026, 3, 10)), as_of="2026-03-09", keep_state=True
)
first
first.state.save("state.parquet")
first.state.write(Path("again.parquet"))
state = grc.BehaviourState.load("state.parquet")
[state, state.frame.equals(first.state.frame), state.check(rules.fingerprint, "UTC")]
act(events, state=state, keep_state=True)
act(events, state="state.parquet").phases
grc.behaviour_ledger(events, rules, as_of=END)
grc.behaviour_ledger(events, rules, as_of=END, state=state)
grc.behaviour_ledger(rules=always, as_of=END, **NAMED)
explain = lambda client: grc.explain_behaviour(events, rules, client_id=client, as_of=END)
each(explain, [7, 11, 999, "x", 1.5])
[explain(7).to_dict(), explain(7).title, explain(7).sums, explain(7).score, explain(7).phase]
scored = act(events)
[scored.quality.to_dict(), scored.phases]
grc.combine(result, scored)
grc.combine(result.scores, scored.scores.to_pandas(), lang="fr")
lapsed = score(sales, groups=3, clients="base.csv", recency=grc.Recency(window="1mo"))
grc.combine(lapsed, scored)
each(lambda name: grc.BehaviourRules.load(f"{name}.toml"), [
    "rule_key", "rule_value", "rule_kind", "no_rules", "no_toml", "segments", "absent",
])  # fmt: skip
each(grc.BehaviourRules.named, ["curse"])
each(grc.BehaviourRules.from_dict, [
    {}, {"rule": []}, {"rule": [{"name": "a", "group": "web", "ponits": 1}]}, {"rules": 1},
])  # fmt: skip
sections = {name: {} for name in ("session", "density", "decay", "score", "phase")}
small = {"rule": [{"name": "a", "group": "web", "points": 1}], "groups": {"web": {}}} | sections
each(lambda edit: grc.BehaviourRules.from_dict(edited(small, *edit)), [
    ("rule.0.points", "a"), ("rule.0.points", 1e300), ("rule.0.points", float("nan")),
    ("rule.0.name", ""), ("rule.0.kind", []), ("rule.0.kind", 3), ("rule.0.kind", [""]),
    ("rule.0.page", "re:("), ("rule.0", 3), ("rule.0.repeat", "every 0d"),
    ("rule.0.repeat", "0 per 1d"), ("rule.0.repeat", "2 per 1y"), ("rule.0.category", "hto"),
    ("rule.0.group", "wbe"), ("rule", 3), ("rule", small["rule"] * 2),
    ("groups.web", {"floor": 3, "cap": 1}), ("groups.web", 3), ("groups.web", {"cap": -1}),
    ("groups", 3), ("score", {"min": 3, "max": 1}), ("score", {"min": "a"}), ("score", {"mni": 1}),
    ("phase.window", "0d"), ("decay", {"linear": "3d", "window": "4d"}),
    ("decay.half_life", "soon"), ("density.mode", "both"), ("density.min_clicks", 1.5),
    ("density.theme", ["re:["]), ("session.max_events_per_minute", 0),
    ("session.max_events_per_minute", True), ("session.timeout", 30), ("session.kinds", "view"),
    ("session.max_events_per_minute", False), ("density.bypass", []), ("more", 1),
    ("decay.window", "9d"),
])  # fmt: skip
toml = Path("rules.toml").read_text("utf-8")
each(lambda change: grc.BehaviourRules.from_toml(toml.replace(*change)), [
    ('"jobs"', '"paper"'), ("cap = 40", "cap = -40"), ("[groups.web]", "[groups.wbe]"),
    ("min = -5", "mni = -5"), ('"20s"', '"20 s"'), ('name = "open"', ""), ("[decay]", "[decya]"),
    ("points = 20", "points = true"),
])  # fmt: skip
each(lambda given: act(events, given), [3, None, "curse", "absent.toml"])
each(lambda options: act(events, **options), [
    {"as_of": "soon"}, {"as_of": None}, {"as_of": "2020-01-01"}, {"kind": "knid"}, {"threads": 0},
    {"memory": "much"}, {"timezone": "Mars"}, {"state": 3}, {"state": "rules.toml"}, {"page": "no"},
    {"state": state, "as_of": "2026-03-01"}, {"given": always, "state": state}, {"where": "no"},
])  # fmt: skip
each(lambda column: act(events.with_columns(column)), {
    "dwell": pl.lit(-1).alias("dwell"), "text": pl.lit("a").alias("clicks"),
    "instant": pl.lit("noon").alias("timestamp"), "days": pl.col("timestamp").dt.date(),
    "zoned": pl.col("timestamp").dt.replace_time_zone("UTC"), "kinds": pl.lit(3).alias("kind"),
    "flags": pl.lit(0).alias("machine_open"), "lists": pl.lit([1]).alias("page"),
    "numbers": pl.lit(1.5).alias("timestamp"), "words": pl.lit("a").alias("machine_open"),
    "text ids": pl.format("e{}", "event_id").alias("event_id"),
    "nulls": pl.lit(None).alias("dwell"), "unsigned": pl.col("event_id").cast(pl.UInt64),
    "decimals": pl.col("clicks").cast(pl.Decimal(9, 0)),
})  # fmt: skip
each(lambda names: act(names).scores, [
    ["events.csv", "zoned_events.csv"], ["plain_events.csv", "events.csv"],
    ["events.csv", "text_events.csv"], ["events.csv", "sales.csv"], [],
])  # fmt: skip
act(events.clear())
each(lambda options: grc.behaviour_ledger(events, rules, **({"as_of": END} | options)), [
    {"windw": 1}, {"keep_state": True}, {"as_of": "2020-01-01"}, {"threads": 1, "memory": "1KB"},
])  # fmt: skip
each(lambda options: grc.explain_behaviour(events, rules, client_id=7, as_of=END, **options), [
    {"state": state}, {"where": "clicks > 99"}, {"timezone": 3}, {"windw": 1},
])  # fmt: skip
each(grc.BehaviourState.load, ["rules.toml", "sales.parquet", "absent.parquet"])
saved = pl.read_parquet("state.parquet")
about = pl.read_parquet_metadata("state.parquet")["grc_fast"]
for change in [("2,", "3,"), ("2,", "1,"), ('"version": 2,', ""), ('"as_of"', '"as"'), ("{", "")]:
    saved.write_parquet("other.parquet", metadata={"grc_fast": about.replace(*change, 1)})
    print(outcome(grc.BehaviourState.load, "other.parquet"))
saved.drop("kind").write_parquet("other.parquet", metadata={"grc_fast": about})
grc.BehaviourState.load("other.parquet")
each(lambda other: grc.combine(result, other), {
    "scores": result, "phase": scored.scores.with_columns(phase=pl.lit("decided")),
    "twice": scored.scores[[0, 0]], "text": scored.scores.cast({"client_id": pl.String}),
    "unsigned": scored.scores.cast({"client_id": pl.UInt64}),
    "number": scored.scores.with_columns(phase=3),
    "narrow": scored.scores.cast({"client_id": pl.Int32}),
    "clash": scored.scores.with_columns(points=1),
})  # fmt: skip
each(lambda lang: grc.combine(result, scored, lang=lang), ["de"])
each(lambda number: grc.combine(result.scores.with_columns(group=number), scored), [9, 1.5])
