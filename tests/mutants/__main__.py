"""`make mutants`: plant every fault alone, run its test, name those that nobody notices.

    PYTHONPATH=tests python -m mutants [WORD ...]     only faults whose name, file or test holds one of the words

Exit status 0: every fault was noticed; 1: some were not, or no longer fit the code.
"""

import sys
import time
from pathlib import Path

from mutants.faults import read_faults
from mutants.running import Verdict, run_faults

CHECKOUT = Path(__file__).resolve().parents[2]


def main(words: list[str]) -> int:
    """Run the faults asked for and say what became of them."""
    faults = [f for f in read_faults() if not words or any(w in f"{f.name} {f.file} {f.test}" for w in words)]
    if not faults:
        print(f"no planted fault goes by {' or '.join(words)}; the lists are in tests/mutants/lists")
        return 1
    began, done = time.monotonic(), 0

    def say(verdict: Verdict) -> None:
        nonlocal done
        done += 1
        mark = "NOT NOTICED" if verdict.problem else "noticed"
        print(f"{done:3}/{len(faults)} {mark} in {verdict.seconds:.1f} s: {verdict.fault.name}", flush=True)

    verdicts = run_faults(faults, CHECKOUT, said=say)
    survivors = [verdict for verdict in verdicts if verdict.problem]
    for verdict in survivors:
        print(f"\n{verdict.fault.name}\n  {verdict.fault.file}, {verdict.fault.test}\n  {verdict.problem}")
    minutes = (time.monotonic() - began) / 60
    print(f"\n{len(faults) - len(survivors)} of {len(faults)} faults were noticed, in {minutes:.1f} minutes")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
