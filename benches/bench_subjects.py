"""Every case of the comparison as a test: results are equal, and what must be reached is reached.

`grc-fast bench` measures the same cases; here one of them is picked by its name:

    pytest benches/bench_subjects.py -k "facts and bytes" --capture=no
"""

from grc_fast.bench.harness import Case, measure
from grc_fast.bench.table import in_unit


def test_case(case: Case, rounds: int, scale: int) -> None:
    done = measure(case, rounds)

    print(f"\n{done.name}")
    for way, median in done.medians.items():
        print(f"  {way:<28} {in_unit(median, done.unit)}")
    assert all(values for values in done.rounds.values())
    if scale == 1:
        assert not [
            verdict for verdict in done.verdicts if verdict.meets(verdict.goal.must) is False
        ]
