"""How long the first run takes, and later ones: `python -m benchmarks.cold_start [--events 1e5]`.

The first run ever after an installation has no compiled kernels in Numba's cache; an empty cache folder of
its own stands for that.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.logs import generated
from benchmarks.measure import timed_process
from benchmarks.table import duration

LIMIT_S = 300


def seconds(command: list[str], **variables: str) -> float:
    """Return exec to exit; end with what the command said when it fails."""
    process = timed_process(command, LIMIT_S, **variables)
    if process.failure:
        raise SystemExit(f"{' '.join(command)}: {process.failure}")
    return process.seconds


def rows(log: Path, runs: int) -> dict[str, float]:
    """Return what was measured, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        analyze = [sys.executable, "-m", "dealtrace", "analyze", str(log), "-o", str(Path(folder) / "out")]
        cache = {"NUMBA_CACHE_DIR": str(Path(folder) / "cache")}
        first = seconds(analyze, **cache)
        later = [seconds(analyze, **cache) for _ in range(runs)]
        nothing = [seconds([sys.executable, "-c", ""]) for _ in range(runs)]
        imported = [seconds([sys.executable, "-c", "import dealtrace"]) for _ in range(runs)]
    return {
        "`import dealtrace`, beyond the interpreter": median(imported) - median(nothing),
        "`dealtrace analyze`, first run ever": first,
        "`dealtrace analyze`, later runs": median(later),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=float, default=1e5)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cache", default=str(Path(tempfile.gettempdir()) / "dealtrace-benchmarks"))
    options = parser.parse_args()
    log = generated(int(options.events), Path(options.cache))
    print(f"| {int(options.events):,} events from Parquet | |\n|---|---|")
    for name, value in rows(log, options.runs).items():
        print(f"| {name} | {duration(value)} |")


if __name__ == "__main__":
    main()
