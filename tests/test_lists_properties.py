"""Lists of random plans, policies and client files: who is on them, and that nobody is lost."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

import grc_fast as grc

CHANNELS = ("email", "phone", "post", "sms")
DAY = dt.date(2026, 12, 1)
IDS = st.integers(0, 30).map("client-{:03}".format)
POLICY = """
name = "random"
[[pressure]]
most = {most}
window = "30d"
"""
RULE = """
[channels.{channel}]
consent = "{consent}"
bases = ["opt_in", "contract", "existing_client"]
source = "us"
read_on = 2026-11-30
"""


def frame(columns: dict[str, pl.DataType], rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=columns, orient="row")


OFFERS = st.lists(
    st.tuples(
        IDS,
        st.sampled_from(CHANNELS),
        st.integers(-5, 50).map(float),
        st.sampled_from(["chosen", "chosen", "budget", "no_consent"]),
    ),
    min_size=1,
    max_size=60,
    unique_by=lambda row: row[:2],
).map(
    lambda rows: frame(
        {"client_id": pl.String(), "channel": pl.String(), "gain": pl.Float64(),
         "reason": pl.String()},
        rows,
    ).with_columns(cost=pl.lit(0.5), chosen=pl.col("reason") == "chosen")
)  # fmt: skip
CLIENTS = st.lists(
    st.tuples(
        IDS,
        st.sampled_from(["Ada", "=Bea", None]),
        st.integers(0, 20).map("{}@example.org".format) | st.none(),
        st.integers(0, 20).map("06000000{:02}".format) | st.none(),
        st.sampled_from(["1 rue Haute", None]),
    ),
    max_size=40,
    unique_by=lambda row: row[0],
).map(
    lambda rows: frame(
        dict.fromkeys(("client_id", "name", "email", "phone", "address"), pl.String()), rows
    )
)
CONSENTS = st.lists(
    st.tuples(
        IDS,
        st.sampled_from(CHANNELS),
        st.sampled_from(["granted", "denied", "unknown"]),
        st.dates(dt.date(2026, 1, 1), dt.date(2027, 1, 1)) | st.none(),
    ),
    max_size=80,
).map(
    lambda rows: frame(
        {"client_id": pl.String(), "channel": pl.String(), "status": pl.String(),
         "collected_at": pl.Date()},
        rows,
    )
)  # fmt: skip
CONTACTS = st.lists(
    st.tuples(IDS, st.sampled_from(CHANNELS), st.dates(dt.date(2026, 10, 1), DAY)), max_size=40
).map(
    lambda rows: frame(
        {"client_id": pl.String(), "channel": pl.String(), "contacted_on": pl.Date()}, rows
    )
)


@st.composite
def permissions(draw: st.DrawFn) -> dict[str, object]:
    """Draw what is known of clients, and the text of a policy where one is needed."""
    found: dict[str, object] = {}
    if draw(st.booleans()):
        rules = [
            RULE.format(channel=channel, consent=draw(st.sampled_from(["opt_in", "opt_out"])))
            for channel in CHANNELS
        ]
        policy = POLICY.format(most=draw(st.integers(0, 3)))
        found |= {"policy": "".join([policy, *rules]), "consent": draw(CONSENTS)}
        found |= {"contacts": draw(CONTACTS), "as_of": DAY}
    if draw(st.booleans()):
        found["suppress"] = pl.DataFrame({"client_id": draw(st.lists(IDS, min_size=1))})
    if draw(st.booleans()):
        held = pl.DataFrame({"client_id": draw(st.lists(IDS, min_size=1, unique=True))})
        found["control"] = held.with_columns(control=pl.lit(value=True))
    return found


@given(OFFERS, CLIENTS, permissions(), st.booleans(), st.sampled_from(["csv", "xlsx"]))
def test_every_row_is_a_chosen_offer_and_nobody_is_lost_or_told(
    offers: pl.DataFrame, clients: pl.DataFrame, known: dict[str, object], hidden: bool, form: str
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "policy" in known:
            (folder / "policy.toml").write_text(str(known["policy"]))
            known = {**known, "policy": folder / "policy.toml"}
        (folder / "key").write_text("0123456789abcdef")
        key = folder / "key" if hidden else None
        lists = grc.channel_lists(offers, clients, pseudonym_key=key, **known)
        paths = lists.write(folder / "out", format=form)
        manifest = json.loads(paths[-1].read_text("utf-8"))
        told = b"".join(path.read_bytes() for path in paths)

    assert manifest["offers"] == offers.height
    assert sum(manifest["rows"].values()) + sum(manifest["refused"].values()) == offers.height
    for channel, table in lists.tables.items():
        assert manifest["rows"][channel] == table.height
        if hidden:
            continue
        chosen = offers.filter(pl.col("chosen") & (pl.col("channel") == channel))
        assert set(table["client_id"]) <= set(chosen["client_id"]) & set(clients["client_id"])
        assert table["client_id"].is_unique().all()
        for refused in ("suppress", "control"):
            if refused in known:
                assert not set(table["client_id"]) & set(known[refused]["client_id"])
    if hidden:
        everything = told + repr([table.rows() for table in lists.tables.values()]).encode()
        assert b"client-" not in everything
