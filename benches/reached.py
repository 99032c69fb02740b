"""What every bench does with a case: measure it, show it, and see that it reaches its goals."""

from goals import goals_of

from grc_fast.bench.harness import Case, Comparison, measure
from grc_fast.bench.table import in_ratio, in_unit


def reach(case: Case, rounds: int, scale: int) -> Comparison:
    """Measure a case and print its medians; at full size every "must" has to be met."""
    done = measure(case, rounds)

    print(f"\n{done.name}")
    for way, median in done.medians.items():
        print(f"  {way:<28} {in_unit(median, done.unit)}")
    for figure in done.figures:
        print(f"  {in_ratio(figure.ratio)} {figure.opponent}")
    assert all(values for values in done.rounds.values())
    if scale == 1:
        ours = next(iter(done.medians.values()))
        ratios = {figure.against: figure.ratio for figure in done.figures}
        goals = goals_of(done.name, ours, ratios)
        assert not [goal for goal, found in goals if goal.meets(found, goal.must) is False]
    return done
