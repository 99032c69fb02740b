"""What every bench does with a case: measure it, show it, and see that it reaches its goals."""

from grc_fast.bench.harness import Case, Comparison, Verdict, measure
from grc_fast.bench.table import in_unit


def reach(case: Case, rounds: int, scale: int) -> Comparison:
    """Measure a case and print its medians; at full size every "must" has to be met."""
    done = measure(case, rounds)

    print(f"\n{done.name}")
    for way, median in done.medians.items():
        print(f"  {way:<28} {in_unit(median, done.unit)}")
    for verdict in done.verdicts:
        print(f"  {_in_words(verdict, done)}")
    assert all(values for values in done.rounds.values())
    if scale == 1:
        assert not [
            verdict for verdict in done.verdicts if verdict.meets(verdict.goal.must) is False
        ]
    return done


def _in_words(verdict: Verdict, done: Comparison) -> str:
    """Say one figure, and what it is to reach."""
    if verdict.opponent is None:
        figure, unit = in_unit(verdict.figure, done.unit), lambda goal: in_unit(goal, done.unit)
    else:
        figure, unit = f"{verdict.figure:.1f}x {verdict.opponent}", "{:g}x".format
    goals = (("must", verdict.goal.must), ("aim", verdict.goal.aim))
    said = [f"{name} {verdict.goal.bound} {unit(goal)}" for name, goal in goals if goal is not None]
    return f"{figure}{': ' if said else ''}{', '.join(said)}"
