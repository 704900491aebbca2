"""How often the testbed's 95 % intervals hold the truth where there are few seeds, as the report says.

A condition of truth 0.5 is made up again and again: seeds scatter about it, and one draw over prompts, the same for all
seeds, shifts them all. The share of intervals (`testbed_statistics.resample`) that hold the truth is counted.

Run: python benchmarks/seed_coverage.py [--trials 1500] [--out benchmarks/results/seed_coverage.json]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import numpy as np
from common import SEED, versions, write_result

from paper_repro.report.table import Estimate
from paper_repro.report.testbed_statistics import interval, resample
from paper_repro.score.statistics import Z95

TRUTH, PROMPTS = 0.5, 400
SEEDS, SCATTERS = (2, 3, 6), (0.03, 0.06, 0.1)


def coverage(seeds: int, scatter: float, trials: int) -> float:
    """Share of trials whose interval holds the truth; `scatter` is the standard deviation of seeds."""
    random = np.random.default_rng([SEED, seeds, round(1000 * scatter)])
    over_prompts = (TRUTH * (1 - TRUTH) / PROMPTS) ** 0.5
    held = 0
    for trial in range(trials):
        shift = random.normal() * over_prompts
        values = TRUTH + shift + random.normal(size=seeds) * scatter
        half = Z95 * over_prompts
        units = [Estimate(float(value), float(value - half), float(value + half)) for value in values]
        low, high = interval(resample(f"{seeds}|{scatter}|{trial}", units))
        held += low <= TRUTH <= high
    return round(held / trials, 3)


def main() -> None:
    """Count, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1_500)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "seed_coverage.json")
    given = parser.parse_args()
    found = {str(n): {str(scatter): coverage(n, scatter, given.trials) for scatter in SCATTERS} for n in SEEDS}
    write_result(
        given.out,
        {
            "what": f"share of 95 % intervals that hold the truth, by number of seeds and their standard deviation; "
            f"{PROMPTS} prompts, {given.trials} trials each",
            "coverage": found,
            "versions": versions("numpy"),
        },
    )


if __name__ == "__main__":
    main()
