"""How long the first run takes, and later ones: `python -m benchmarks.cold_start [--events 1e5] [--write]`.

The first run ever after an installation has no compiled kernels in Numba's cache; an empty cache folder of
its own stands for that. `--write` puts the table into README.md, between its markers.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.logs import generated
from benchmarks.machine import OURS, machine, versions
from benchmarks.measure import timed_process
from benchmarks.table import duration, put, ratio

LIMIT_S = 300
FILE = Path(__file__).with_name("README.md")
MARKERS = "<!-- cold start table -->", "<!-- /cold start table -->"
FILTER = {"version": 1, "filter": {"op": "and", "of": [
    {"op": "contains", "activity": "Quote Revised"}, {"op": "rework"}]}}  # fmt: skip
"""Needs three kernels of the ordinary width; `dealtrace analyze` without a filter needs next to none."""
DEALTRACE = (sys.executable, "-m", "dealtrace")


class Took(NamedTuple):
    """Seconds from exec to exit, and seconds of all cores, which a busy machine changes less."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Row:
    """One line of the table: what took how long, and what it is compared with."""

    title: str
    took: Took
    beside: Took | None = None

    def __str__(self) -> str:
        times = "" if self.beside is None else ratio(self.took.cpu, self.beside.cpu)
        return f"| {self.title} | {duration(self.took.wall)} | {duration(self.took.cpu)} | {times} |"


def took(command: Sequence[str], cache: Path) -> Took:
    """Run a command; end with what it said when it fails."""
    before = _cpu_of_children()
    process = timed_process(list(command), LIMIT_S, NUMBA_CACHE_DIR=str(cache))
    if process.failure:
        raise SystemExit(f"{' '.join(command)}: {process.failure}")
    return Took(process.seconds, _cpu_of_children() - before)


def _cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def middle(runs: Sequence[Took]) -> Took:
    """Return the medians."""
    return Took(median(run.wall for run in runs), median(run.cpu for run in runs))


@contextmanager
def empty_cache() -> Iterator[Path]:
    """Give a folder that no kernel was ever kept in."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def first_and_later(command: Sequence[str], runs: int) -> tuple[Took, Took]:
    """Return medians of runs with an empty cache, and of runs with the cache that these have left."""
    first, later = [], []
    for _ in range(runs):
        with empty_cache() as cache:
            first.append(took(command, cache))
            later.append(took(command, cache))
    return middle(first), middle(later)


def imported(runs: int) -> Took:
    """Return what `import dealtrace` adds to an interpreter that does nothing, in alternation."""
    with empty_cache() as cache:
        codes = ("", "import dealtrace") * runs
        found = [took([sys.executable, "-c", code], cache) for code in codes]
    nothing, package = middle(found[::2]), middle(found[1::2])
    return Took(package.wall - nothing.wall, package.cpu - nothing.cpu)


def measured(log: Path, runs: int) -> Iterator[Row]:
    """Measure everything, row by row."""
    with tempfile.TemporaryDirectory() as folder:
        analyze = [*DEALTRACE, "analyze", str(log), "-o", str(Path(folder) / "out")]
        filtered = [*analyze, "--filter", json.dumps(FILTER)]
        yield Row("`import dealtrace`, beyond the interpreter", imported(runs))
        first, later = first_and_later(analyze, runs)
        yield Row("`dealtrace analyze`, later runs", later)
        yield Row("`dealtrace analyze`, first run ever", first, later)
        first, filtered_later = first_and_later(filtered, runs)
        yield Row("with `--filter`, later runs", filtered_later, later)
        yield Row("with `--filter`, first run ever", first, later)
        with empty_cache() as cache:
            warmup = took([*DEALTRACE, "warmup"], cache)
            warm = middle([took(filtered, cache) for _ in range(runs)])
        yield Row("with `--filter`, first run after `dealtrace warmup`", warm, later)
        yield Row("`dealtrace warmup`, cache empty", warmup, later)


def command(options: argparse.Namespace) -> str:
    """Return what was typed, without folders of this machine."""
    return f"python -m benchmarks.cold_start --events {options.events:g} --runs {options.runs} --write"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=float, default=1e5)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cache", default=str(Path(tempfile.gettempdir()) / "dealtrace-benchmarks"))
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    events = int(options.events)
    rows = measured(generated(events, Path(options.cache)), options.runs)
    title = f"{events:,} events from Parquet, median of {options.runs}"
    head = f"| {title} | exec to exit | CPU | CPU, beside later runs |"
    table = "\n".join([head, "|---|---|---|---|", *map(str, rows)])
    print(table)
    if options.write:
        tools = ", ".join(f"{name} {version}" for name, version in versions(OURS).items())
        put(FILE, f"{table}\n\nMachine: {machine()}. {tools}. Command: `{command(options)}`.", MARKERS)


if __name__ == "__main__":
    main()
