"""Models, rules and segment tables that others wrote: they are read, or refused in a sentence."""

from __future__ import annotations

import copy
import json
import tempfile
import time
import tomllib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import example, given, settings

import grc_fast as grc
from grc_fast.behaviour.rules import preset_text

AS_OF = "2026-11-01"
RULES = """
[kinds]
purchase = ["achat"]
[session]
timeout = "30m"
max_events_per_minute = 100
[density]
min_dwell = "10s"
theme = ["/tarifs*", "re:^/a"]
[decay]
half_life = "30d"
[score]
min = 0
[groups.web]
cap = 100
[[rule]]
name = "price"
group = "web"
kind = ["page_view", "search"]
page = "*/tarifs/*"
points = 10
repeat = "2 per 7d"
category = "hot"
"""
SEGMENTS = files("grc_fast.rfm.segments").joinpath("tables", "classic.toml").read_text()
# What stands where something else is expected, the ends of ranges above all.
SCALARS = st.sampled_from(
    [None, True, 0, -1, 1, 5, 2**31, 2**63, 10**400, 0.5, 1e-320, 1e308, float("nan")]
) | st.sampled_from(["", "a", "r", "3mo", "2026-11-01", "re:(", "*{{{", "1 >", "(" * 60, "\0"])
ANYTHING = SCALARS | st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


def deep(levels: int) -> Any:
    nested: Any = 1
    for level in range(levels):
        nested = [nested] if level % 2 else {"a": nested}
    return nested


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested lists and dictionaries."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, part in inner:
        found.append((*path, key))
        if isinstance(part, dict | list):
            found += places(part, (*path, key))
    return found


@st.composite
def mutated(draw: st.DrawFn, valid: dict[str, Any]) -> dict[str, Any]:
    """What is valid, but for some places."""
    changed = copy.deepcopy(valid)
    for _ in range(draw(st.integers(1, 3))):
        if not (known := places(changed)):
            break
        *path, key = draw(st.sampled_from(known))
        holder: Any = changed
        for part in path:
            holder = holder[part]
        match draw(st.sampled_from(["replace", "remove", "add", "nest"])):
            case "replace":
                holder[key] = draw(ANYTHING)
            case "remove":
                del holder[key]
            case "nest":
                holder[key] = deep(draw(st.integers(1, 60)))
            case _ if isinstance(holder, dict):
                holder[draw(st.text(max_size=4))] = draw(ANYTHING)
            case _:
                holder.append(draw(ANYTHING))
    return changed


@st.composite
def rewritten(draw: st.DrawFn, valid: str) -> str:
    """The text of a file, with some of it cut out, said twice or written otherwise."""
    text = valid
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        with_ = draw(
            st.sampled_from(["", text[start:end] * 2, "[" * 1000, "a." * 1000 + "b = 1\n", "é"])
            | st.text("[]{}=\"'\\\n#.,01-ae", max_size=6)
        )
        text = text[:start] + with_ + text[end:]
    return text


def only_one_sentence(read: Callable[[], object]) -> None:
    told = ""
    try:
        read()
    except grc.GrcError as error:
        told = str(error)
    assert "\n" not in told
    assert len(told) < 2_000


def in_a_file(suffix: str, text: str, load: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"file{suffix}")
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        only_one_sentence(lambda: load(path))


def clients() -> pl.DataFrame:
    return grc.simulate_clients(60, as_of=AS_OF, seed=1)


def rfm_model() -> dict[str, Any]:
    sales = grc.simulate_sales(2_000, 100, seed=1)
    rfm = grc.RFM()
    return rfm.fit(rfm.facts(sales, as_of="2025-12-31")).to_dict()


def value_model() -> dict[str, Any]:
    purchases = grc.PurchaseModel("mbgnbd", 0.525, 6.183, 0.891, 1.614)
    return grc.ValueModel(purchases, grc.SpendModel(6.25, 3.74, 15.44)).to_dict()


RFM_MODEL, VALUE_MODEL, CLIENTS = rfm_model(), value_model(), clients()


def use_value_model(data: dict[str, Any]) -> None:
    """Predict by a model that may be any that is taken: chances stay chances."""
    model = grc.ValueModel.from_dict(data)
    alive = model.purchases.p_alive(CLIENTS, as_of=AS_OF)["p_alive"]
    assert alive.is_between(0, 1).all()
    bought = model.purchases.predict("12mo", CLIENTS, as_of=AS_OF).to_series(1)
    assert bought.is_finite().all()


@given(data=mutated(VALUE_MODEL))
def test_value_models_are_read_or_refused(data):
    only_one_sentence(lambda: use_value_model(data))


@given(data=mutated(RFM_MODEL))
def test_rfm_models_are_read_or_refused(data):
    only_one_sentence(lambda: grc.RFMModel.from_dict(data).to_dict())


@settings(max_examples=settings.default.max_examples // 2)
@given(text=rewritten(json.dumps(VALUE_MODEL)) | rewritten(json.dumps(RFM_MODEL)))
def test_files_of_models_are_read_or_refused(text):
    in_a_file(".json", text, grc.ValueModel.load)
    in_a_file(".json", text, grc.RFMModel.load)


@given(data=mutated(tomllib.loads(RULES)))
def test_rules_are_read_or_refused(data):
    only_one_sentence(lambda: grc.BehaviourRules.from_dict(data).compiled())


@given(text=rewritten(RULES) | rewritten(preset_text("course")))
@example(text=RULES + "[groups.a" + ".a" * 5_000 + "]\n")
@example(text="rule." + "a." * 5_000 + "a = 1\n")
def test_files_of_rules_are_read_or_refused(text):
    in_a_file(".toml", text, grc.BehaviourRules.load)


@given(data=mutated(tomllib.loads(SEGMENTS)))
def test_segment_tables_are_read_or_refused(data):
    only_one_sentence(lambda: grc.SegmentTable.from_dict(data))


@given(text=rewritten(SEGMENTS))
@example(text="a" + ".a" * 5_000 + " = 1\n")
def test_files_of_segment_tables_are_read_or_refused(text):
    in_a_file(".toml", text, lambda path: grc.RFM(segments=path))


@pytest.mark.parametrize("levels", [100, 900, 5_000])
@pytest.mark.parametrize(
    "read",
    [
        lambda deep: grc.ValueModel.from_dict({**VALUE_MODEL, "mbgnbd": deep}),
        lambda deep: grc.RFMModel.from_dict({**RFM_MODEL, "spec": deep}),
        lambda deep: grc.RFMModel.from_dict({**RFM_MODEL, "segments": deep}),
        lambda deep: grc.BehaviourRules.from_dict({**tomllib.loads(RULES), "kinds": deep}),
        lambda deep: grc.BehaviourRules.from_dict({"rule": deep}),
        lambda deep: grc.BehaviourRules.from_dict({"rule": [{"name": deep}]}),
        lambda deep: grc.SegmentTable.from_dict({**tomllib.loads(SEGMENTS), "segment": deep}),
    ],
)
def test_what_is_nested_too_deeply_is_refused(levels, read):
    with pytest.raises(grc.GrcError) as caught:
        read(deep(levels))
    assert "nested too deeply" in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "line",
    [
        "[" + " " * 200_000,
        "a" * 200_000,
        "a." * 50_000 + "a = 1",
        '"' + "a" * 200_000,
        "[[" + " " * 200_000,
    ],
)
def test_a_long_line_of_toml_is_read_at_once(line):
    begun = time.monotonic()
    in_a_file(".toml", RULES + f'\nnote = """\n{line}\n"""\n', grc.BehaviourRules.load)
    in_a_file(".toml", f"{line}\n{RULES}", grc.BehaviourRules.load)
    in_a_file(".toml", f"{line}\n{SEGMENTS}", lambda path: grc.RFM(segments=path))
    assert time.monotonic() - begun < 20


def test_a_number_of_too_many_digits_is_refused():
    digits = "9" * 5_000
    in_a_file(".toml", RULES.replace("100", digits, 1), grc.BehaviourRules.load)
    in_a_file(".toml", SEGMENTS + f"\nx = {digits}\n", lambda path: grc.RFM(segments=path))
    in_a_file(".json", json.dumps(VALUE_MODEL).replace("0.525", digits), grc.ValueModel.load)


@pytest.mark.parametrize("levels", [100, 900, 5_000, 100_000])
@pytest.mark.parametrize("load", [grc.ValueModel.load, grc.RFMModel.load])
def test_a_model_nested_too_deeply_is_refused(levels, load):
    text = json.dumps(VALUE_MODEL)[:-1] + ', "more": ' + "[" * levels + "]" * levels + "}"
    in_a_file(".json", text, load)
