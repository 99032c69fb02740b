"""How long plans take and how good they are, beside a linear program and a greedy rule.

    python benches/plan_table.py                     # tables for people, on standard output
    python benches/plan_table.py --clients 1000000   # plans of one size alone

Clients have an offer in each of six channels; worth is log-normal, the chances of an answer are
beta-distributed, all seeded. The linear program is the same plan with contacts that may be cut into
parts, solved by HiGHS through SciPy; what it is worth bounds every plan. The greedy rule takes
offers by gain ÷ cost as long as they fit.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from scipy.optimize import linprog
from scipy.sparse import coo_array, vstack

import grc_fast as grc

SEEDS: Final = (1, 2, 3)
COMPARED: Final = 100_000
LARGE: Final = (1_000_000, 5_000_000)
MAX_CONTACTS: Final = 2
CHANNELS: Final = {
    "email": 0.01,
    "sms": 0.06,
    "phone": 3.0,
    "post": 0.8,
    "push": 0.001,
    "visit": 12.0,
}
PULL: Final = (1.0, 1.2, 4.0, 2.0, 0.6, 8.0)
# Clients that are simulated at a time: the table of many must not take more than they do.
AT_A_TIME: Final = 250_000


def offers_of(clients: int, seed: int) -> pl.DataFrame:
    """Simulate offers."""
    draw = np.random.default_rng(seed)
    tables = []
    for first in range(0, clients, AT_A_TIME):
        count = min(AT_A_TIME, clients - first)
        worth = np.repeat(draw.lognormal(1, 1, count), len(CHANNELS))
        chance = draw.beta(1, 12, count * len(CHANNELS)) * np.tile(PULL, count)
        tables.append(
            pl.DataFrame(
                {
                    "client_id": np.repeat(np.arange(first, first + count), len(CHANNELS)),
                    "channel": pl.Series([*CHANNELS] * count),
                    "gain": 5 * worth * chance,
                    "cost": np.tile([*CHANNELS.values()], count),
                }
            )
        )
    return pl.concat(tables)


def limits_of(clients: int) -> dict[str, Any]:
    """Return limits that bind."""
    capacity = {"phone": clients // 100, "visit": clients // 1000, "sms": clients // 5}
    return {"budget": 0.3 * clients, "capacity": capacity}


def memory(what: str) -> float:
    """Return the memory of this process in GB: `VmRSS` now, `VmHWM` at most."""
    status = Path("/proc/self/status").read_text("utf-8")
    [line] = [line for line in status.splitlines() if line.startswith(what)]
    return int(line.split()[1]) * 1024 / 1e9


def measure(path: str, clients: int) -> dict[str, Any]:
    """Plan the contacts of a file of offers in this process, and say what it takes (Linux)."""
    offers = pl.read_parquet(path)
    before = memory("VmRSS")
    begin = time.perf_counter()
    result = grc.plan_contacts(offers, max_contacts=MAX_CONTACTS, **limits_of(clients))
    seconds = time.perf_counter() - begin
    return {
        "seconds": seconds,
        "gb_with_offers": before,
        "gb_at_most": memory("VmHWM"),
        "value": result.certificate.value,
        "gap": result.certificate.gap,
    }


def planned(path: Path, clients: int) -> dict[str, Any]:
    """Plan in a process of its own, whose memory is then the plan's."""
    command = [sys.executable, __file__, "--measure", str(path), "--clients", str(clients)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def linear_program(offers: pl.DataFrame, clients: int) -> tuple[float, float]:
    """Solve the relaxation: its value, and the seconds."""
    begin = time.perf_counter()
    limits, rows = limits_of(clients), np.arange(offers.height)
    value = (offers["gain"] - offers["cost"]).to_numpy()
    ones = np.ones(offers.height)
    budget = coo_array(offers["cost"].to_numpy()[None, :])
    capacities = [
        coo_array((offers["channel"] == channel).to_numpy().astype(float)[None, :])
        for channel in limits["capacity"]
    ]
    of_client = coo_array((ones, (offers["client_id"].to_numpy(), rows)))
    most = [limits["budget"], *limits["capacity"].values(), *[MAX_CONTACTS] * clients]
    matrix = vstack([budget, *capacities, of_client]).tocsr()
    found = linprog(-value, A_ub=matrix, b_ub=most, bounds=(0, 1), method="highs")
    return -found.fun, time.perf_counter() - begin


def greedy(offers: pl.DataFrame, clients: int) -> float:
    """Take offers by gain ÷ cost as long as they fit: what that is worth."""
    limits = limits_of(clients)
    left, room = limits["budget"], dict(limits["capacity"])
    contacts = [0] * clients
    total = 0.0
    by = (pl.col("gain") / pl.col("cost")).alias("by")
    order = offers.filter(pl.col("gain") > pl.col("cost")).with_columns(by)
    order = order.sort("by", "client_id", descending=[True, False]).drop("by")
    for client, channel, gain, cost in order.iter_rows():
        if cost <= left and contacts[client] < MAX_CONTACTS and room.get(channel, 1) > 0:
            left -= cost
            contacts[client] += 1
            total += gain - cost
            if channel in room:
                room[channel] -= 1
    return total


def compare(folder: Path, seed: int) -> dict[str, Any]:
    """Plan 100,000 clients, beside the linear program and the greedy rule."""
    offers = offers_of(COMPARED, seed)
    path = folder / "offers.parquet"
    offers.write_parquet(path)
    found = planned(path, COMPARED)
    bound, seconds = linear_program(offers, COMPARED)
    return {
        "seed": seed,
        "plan_seconds": found["seconds"],
        "highs_seconds": seconds,
        "plan_below_bound": 1 - found["value"] / bound,
        "greedy_below_bound": 1 - greedy(offers, COMPARED) / bound,
    }


def size(folder: Path, clients: int, seed: int) -> dict[str, Any]:
    """Plan many clients."""
    path = folder / "offers.parquet"
    offers_of(clients, seed).write_parquet(path)
    return {"clients": clients, "seed": seed, **planned(path, clients)}


def show(rows: list[dict[str, Any]]) -> None:
    """Print a table, and keep what was measured in view while more is."""
    with pl.Config(tbl_rows=-1, tbl_cols=-1, float_precision=7, tbl_hide_dataframe_shape=True):
        print(pl.DataFrame(rows), flush=True)


def main() -> None:
    """Make the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, help="plan so many clients, and compare nothing")
    parser.add_argument("--measure", metavar="FILE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        print(json.dumps(measure(options.measure, options.clients)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.clients is None:
            show([compare(folder, seed) for seed in SEEDS])
        sizes = LARGE if options.clients is None else (options.clients,)
        show([size(folder, clients, seed) for clients in sizes for seed in SEEDS])


if __name__ == "__main__":
    main()
