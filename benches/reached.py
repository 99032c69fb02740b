"""What every bench does with a case: measure it, show it, and see that it reaches its goals."""

from grc_fast.bench.harness import Case, Comparison, measure
from grc_fast.bench.table import in_unit


def reach(case: Case, rounds: int, scale: int) -> Comparison:
    """Measure a case and print its medians; at full size every "must" has to be met."""
    done = measure(case, rounds)

    print(f"\n{done.name}")
    for way, median in done.medians.items():
        print(f"  {way:<28} {in_unit(median, done.unit)}")
    assert all(values for values in done.rounds.values())
    if scale == 1:
        assert not [
            verdict for verdict in done.verdicts if verdict.meets(verdict.goal.must) is False
        ]
    return done
