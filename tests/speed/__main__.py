"""`PYTHONPATH=tests python -m speed [name ...]`: run every measurement, or those named."""

import subprocess
import sys
from pathlib import Path

HEAVY = {"full_build", "large_sets"}  # many minutes to hours: only by name


def main(names: list[str]) -> int:
    """Run the measurements; return 2 where a name is unknown, 1 where a promised ratio was missed."""
    known = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"error: no measurement {unknown[0]!r}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    missed = 0
    for name in names or [name for name in known if name not in HEAVY]:
        print(f"== {name}", flush=True)
        # a process each: the threads that torch leaves behind in one would be in the way of numpy's in the next
        run = f"import sys, speed.{name} as measurement; sys.exit(measurement.main())"
        missed += bool(subprocess.run([sys.executable, "-c", run]).returncode)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
