"""Coverage of the 95 % intervals of replicated Sobol' indices on functions with known indices.

    python -m benchmarks.sensitivity [repeats] [runs]

Prints, for every input, the share of repeats whose interval holds the truth, and the time of one analysis.
"""

import sys
import time

from tests.experiments.sensitivity.published import ALL, coverage


def main(repeats: int = 200, runs: int = 5200) -> None:
    for case in ALL:
        began = time.perf_counter()
        table = coverage(case, repeats, runs)
        each = 1000 * (time.perf_counter() - began) / repeats
        print(f"{case.name}: {repeats} repeats of at most {runs} runs, {each:.0f} ms each")
        print(table.assign(S1_true=case.first, ST_true=case.total).round(3).to_string(index=False), end="\n\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
