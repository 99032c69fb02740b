"""How deep to mail: chosen on some clients, judged on others.

The depth that looks best owes some of its looks to luck: of ten groups that all bring less than a
contact costs, some seem to pay. So the profit of the best depth is not taken from the clients who
chose it. Clients are dealt out into ten folds by a hash of their id; a depth is chosen without each
fold, and judged on it (cross-fitting: Stone 1974, "Cross-validatory choice and assessment of
statistical predictions", JRSS B 36; Chernozhukov et al. 2018, "Double/debiased machine learning",
Econometrics Journal 21). The sum over folds is what this way of choosing brings to clients who had
no say in it.

Its interval has the variance of all places that are chosen with all clients or without any fold,
each as if it were always chosen: where folds disagree about a place, their profits go together,
which the sum of their variances would not see.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import numpy as np
import polars as pl

from grc_fast.campaigns.break_even import Money
from grc_fast.campaigns.cell_keys import key
from grc_fast.campaigns.levels import Level
from grc_fast.campaigns.panel import Panel
from grc_fast.campaigns.repeats import contrasts, repetition
from grc_fast.campaigns.strata import Codes, Flags, Numbers, Strata, ratio, summed

#: Into how many parts clients are dealt out.
FOLDS: Final = 10
#: Design effects of those contacted and of those left alone.
Effects: TypeAlias = tuple[float, float]
# Standard deviations to either end of a 90 % interval.
_Z90: Final = 1.644_853_626_951_472_2


@dataclass(frozen=True)
class JudgedProfit:
    """The profit of mailing to the best depth, by clients who did not choose it.

    Attributes
    ----------
    profit
        Of the contacts that were made.
    low, high
        Its 90 % interval.
    """

    profit: float
    low: float
    high: float


def depth_table(
    table: pl.DataFrame, level: str, expected: str, money: Money | None
) -> pl.DataFrame:
    """Return what mailing the best places only would have caught, and brought.

    Places come by the rate that they are expected to bring, not by the one observed, which would
    pick places for their luck.

    Parameters
    ----------
    table
        The rates of a level.
    level
        Its name.
    expected
        The column of the rate that contacts are expected to bring.
    money
        Cost and margin.
    """
    ordered = table.with_columns(expected=pl.col(expected)).sort(
        "expected", "contacts", pl.col(level).cast(pl.String), descending=[True, True, False]
    )
    # Without a control group the answers are known; what contacts added is known by its rate alone.
    answers = (
        pl.col("responses").cast(pl.Float64)
        if expected == "shrunk"
        else pl.col("expected") * pl.col("contacts")
    )
    depth = ordered.select(
        key(ordered[level]),
        "contacts",
        "responses",
        "expected",
        share=pl.col("contacts").cum_sum() / pl.col("contacts").sum(),
        caught=pl.when(answers.sum() > 0).then(answers.cum_sum() / answers.sum()),
    )
    if money is not None:
        worth = pl.col("expected") * money.margin - money.cost
        gains = ordered.select(profit=(worth * pl.col("contacts")).cum_sum())["profit"]
        best = gains.arg_max() if (gains > 0).any() else None
        chosen = (pl.int_range(pl.len()) == pl.lit(best, pl.Int64)).fill_null(value=False)
        depth = depth.with_columns(profit=gains, best=chosen)
    return depth.with_columns(kind=ordered["kind"])


def judged_profit(
    panel: Panel, level: Level, money: Money, *, incremental: bool
) -> JudgedProfit | None:
    """Choose a depth without each fold of clients, and judge it on the fold.

    Parameters
    ----------
    panel, level
        Contacts, and the places that can be mailed.
    money
        Cost and margin.
    incremental
        Whether a contact is worth what it adds, or each answer counts.

    Returns
    -------
    JudgedProfit or None
        None where there are too few clients to judge by.
    """
    fold = folds_of(panel)
    parts = [panel.sums(panel.answered, fold == number) for number in range(FOLDS)]
    effects = partial(_effects_added if incremental else _effects, panel, level)
    return judged_by_parts(level, panel.answers, parts, money, effects, incremental=incremental)


def judged_by_parts(
    level: Level,
    whole: Strata,
    parts: Sequence[Strata],
    money: Money,
    effects: Callable[[Flags], Effects] = lambda _: (1.0, 1.0),
    *,
    incremental: bool,
) -> JudgedProfit | None:
    """Choose a depth without each part of the contacts, and judge it on the part.

    Parameters
    ----------
    level
        The places that can be mailed.
    whole, parts
        Answers by stratum, of all contacts and of each part.
    money, incremental
        As for `judged_profit`.
    effects
        By how much repeated contacts multiply the variances of those contacted and of those left
        alone, at some places together.
    """
    choose, judge = (_choose_added, _judge_added) if incremental else (_choose, _judge)
    parts = [part for part in parts if _contacts(level, part).sum() > 0]
    if len(parts) < 2:
        return None
    chosen = [choose(level, whole - part, money) for part in parts]
    profits = [judge(level, part, own, money) for part, own in zip(parts, chosen, strict=True)]
    known = [
        (profit, _contacts(level, part).sum())
        for profit, part in zip(profits, parts, strict=True)
        if profit is not None
    ]
    if not known:
        return None
    # Folds that cannot judge, for want of a control group, bring what the others do.
    judged = sum(contacts for _, contacts in known)
    scale = float(_contacts(level, whole).sum() / judged)
    profit = math.fsum(profit for profit, _ in known) * scale
    ever = np.logical_or.reduce([choose(level, whole, money), *chosen])
    variance = (_variance_added if incremental else _variance)(level, whole, ever, effects)
    half = _Z90 * money.margin * math.sqrt(variance)
    return JudgedProfit(profit, profit - half, profit + half)


def folds_of(panel: Panel) -> Codes:
    """Deal clients out by a hash of their ids as text, the same today and tomorrow."""
    ids = panel.contacts["client_id"]
    texts = ids.cast(pl.String).cast(pl.Binary)
    first = pl.DataFrame({"code": panel.clients.code, "id": texts}).unique("code")
    hashed = np.array(list(map(zlib.crc32, first["id"].to_list())), dtype=np.uint64)
    # The finalizer of splitmix64 (Steele, Lea and Flood 2014): a CRC alone is linear in its text.
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        hashed = (hashed ^ (hashed >> np.uint64(shift))) * np.uint64(factor)
    hashed ^= hashed >> np.uint64(31)
    fold = np.empty(panel.clients.count, dtype=np.int64)
    fold[first["code"].to_numpy()] = (hashed % np.uint64(FOLDS)).astype(np.int64)
    return fold[panel.clients.code]


def _contacts(level: Level, strata: Strata) -> Numbers:
    return _by_place(level, strata.contacts)


def _by_place(level: Level, sums: Numbers) -> Numbers:
    used = level.place >= 0
    return summed(level.place[used], sums[used], len(level.keys))


def _pays(rate: Numbers, contacts: Numbers, money: Money) -> Flags:
    """Return the places down to the best depth: those that pay."""
    return np.asarray((rate * money.margin > money.cost) & (contacts > 0))


def _choose(level: Level, strata: Strata, money: Money) -> Flags:
    contacts = _contacts(level, strata)
    return _pays(level.mean_rates(contacts, _by_place(level, strata.total)), contacts, money)


def _judge(level: Level, strata: Strata, chosen: Flags, money: Money) -> float:
    gains = money.margin * _by_place(level, strata.total) - money.cost * _contacts(level, strata)
    return float(gains[chosen].sum())


def _choose_added(level: Level, strata: Strata, money: Money) -> Flags:
    contacts = _contacts(level, strata)
    if not level.sides(strata).known.any():
        return np.zeros(len(contacts), dtype=bool)
    return _pays(level.answers_added(strata)[1].rate, contacts, money)


def _judge_added(level: Level, strata: Strata, chosen: Flags, money: Money) -> float | None:
    """Return the profit of a fold; what a place without control adds is what the others do."""
    if not chosen.any():
        return 0.0
    found, contacts = level.sides(strata), _contacts(level, strata)
    known = chosen & found.known
    asked = float(contacts[known].sum())
    if not asked:
        return None
    added = float((contacts * found.difference)[known].sum()) / asked
    return float(contacts[chosen].sum()) * (money.margin * added - money.cost)


def _variance(
    level: Level, strata: Strata, chosen: Flags, effects: Callable[[Flags], Effects]
) -> float:
    """Return the variance of the answers of all contacts at some places."""
    contacts = _contacts(level, strata)
    rate = level.mean_rates(contacts, _by_place(level, strata.total))
    return effects(chosen)[0] * float((contacts * rate * (1 - rate))[chosen].sum())


def _variance_added(
    level: Level, strata: Strata, chosen: Flags, effects: Callable[[Flags], Effects]
) -> float:
    """Return the variance of what contacts add to the answers at some places.

    The rate of either side is that of both together, less or more by what is added as it is shrunk:
    the answers of a small control group alone would say little of how much they vary.
    """
    found, lines, rate = level.answers_added(strata)
    known = chosen & found.known
    if not known.any():
        return 0.0
    contacts, both = _contacts(level, strata), found.size + found.control_size
    total = 0.0
    for effect, size, moved in zip(
        effects(known),
        (found.size, found.control_size),
        (lines.rate * ratio(found.control_size, both), -lines.rate * ratio(found.size, both)),
        strict=True,
    ):
        own = np.clip(rate + moved, rate / 4, 1.0)
        total += effect * float(ratio(contacts**2 * own * (1 - own), size)[known].sum())
    # Places without a control group are judged by the others.
    return total * float(contacts[chosen].sum() / contacts[known].sum()) ** 2


def _effects(panel: Panel, level: Level, chosen: Flags) -> Effects:
    """Return what repeated contacts do to the variance of answers at some places."""
    place = np.where(panel.treated & _within(panel, level, chosen), 0, -1)
    [repeated] = repetition(panel.clients, place, 1, np.ones(len(place)))
    return 1 + panel.likeness_of_answers * max(float(repeated) - 1, 0.0), 1.0


def _effects_added(panel: Panel, level: Level, chosen: Flags) -> Effects:
    """Return what repeated contacts do to the variance of what they add at some places."""
    within = _within(panel, level, chosen)
    per_place = ratio(_contacts(level, panel.answers), level.sides(panel.answers).weight)
    size = np.abs(contrasts(panel.stratum, panel.treated, panel.answers))
    size = size * np.where(within, per_place[level.place][panel.stratum], 0.0)
    likeness = panel.repeats_of_answers.likeness, panel.repeats_of_answers.control_likeness
    treated, control = (
        1 + alike * max(float(repetition(panel.clients, place, 1, size)[0]) - 1, 0.0)
        for alike, place in zip(
            likeness,
            (np.where(side & within, 0, -1) for side in (panel.treated, ~panel.treated)),
            strict=True,
        )
    )
    return treated, control


def _within(panel: Panel, level: Level, chosen: Flags) -> Flags:
    """Tell which rows are at some places."""
    inside = (level.place >= 0) & chosen[level.place]
    return np.asarray(inside[panel.stratum])
