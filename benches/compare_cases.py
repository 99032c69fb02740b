"""Every case of the comparison as a test: results are equal, and what must be reached is reached.

`grc-fast bench` measures the same cases; here one of them is picked by its name:

    pytest benches/compare_cases.py -k "facts and bytes" --capture=no
"""

from reached import reach

from grc_fast.bench.harness import Case


def test_case(case: Case, rounds: int, scale: int) -> None:
    reach(case, rounds, scale)
