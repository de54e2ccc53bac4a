"""How dealtrace grows: with the events, with a second thread, and how its generator does.

For each size the whole job from the Parquet file is run in fresh processes, exec to exit; the sizes take
turns. Bytes an event are what the process held at most beyond a process that only imports. Threads are
compared in one warm process, reading and analyses, the number of threads taking turns.
`python -m benchmarks.scale --help`.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks import machine, table
from benchmarks.logs import SEED, generated, rows
from benchmarks.measure import ROOT, Bench, Process, timed_process
from benchmarks.questions import PERCENTILES, Log
from benchmarks.run import note, public

START, END = "<!-- scale table -->", "<!-- /scale table -->"
IMPORTS = "import dealtrace, numpy, pyarrow.parquet; dealtrace.read_parquet; dealtrace.directly_follows"


@dataclass
class Size:
    """The whole job at one size: events, then seconds and MB of each run."""

    path: Path
    events: int
    seconds: list[float] = field(default_factory=list)
    peaks_mb: list[float] = field(default_factory=list)

    @property
    def ns_per_event(self) -> float:
        return 1e9 * median(self.seconds) / self.events

    def bytes_per_event(self, imports_mb: float) -> float:
        return (median(self.peaks_mb) - imports_mb) * 2**20 / self.events


def measure(sizes: list[Size], runs: int, limit_s: float) -> None:
    """Run the whole job at all sizes in turn; one run before each size's first is not counted."""
    for turn in range(-1, runs):
        for size in sizes:
            run = Bench(Log(str(size.path)), sys.executable, limit_s).run("ours", "everything")
            if run.failure:
                raise SystemExit(f"{size.path.name}: {run.failure}")
            note(f"  {size.events:,} events: {run.seconds:.3f} s, {run.peak_mb:.0f} MB")
            if turn >= 0:
                size.seconds.append(run.seconds)
                size.peaks_mb.append(run.peak_mb)


def imports_mb(runs: int) -> float:
    """Return the peak memory of a process that only imports."""
    processes = [timed_process([sys.executable, "-c", IMPORTS], 60) for _ in range(runs)]
    return median(process.peak_mb for process in processes)


def warm(path: str, runs: int, threads: tuple[int, ...]) -> dict[str, dict[int, float]]:
    """Return the median seconds of reading and of analyses per number of threads, in this process."""
    import dealtrace as dt

    def reading(count: int | None = None) -> dt.EventLog:
        return dt.read_parquet(
            path, case_id="case_id", activity="activity", timestamp="timestamp", threads=count
        )

    log = reading()

    def analyses(count: int) -> None:
        _ = dt.directly_follows(log, threads=count).edges
        dt.variants(log, threads=count)
        dt.throughput_times(log, threads=count).percentiles(PERCENTILES)

    parts: dict[str, Callable[[int], object]] = {
        "reading": reading,
        "analyses": analyses,
    }
    return {name: in_turn(part, runs, threads) for name, part in parts.items()}


def in_turn(part: Callable[[int], object], runs: int, threads: tuple[int, ...]) -> dict[int, float]:
    taken: dict[int, list[float]] = {count: [] for count in threads}
    for turn in range(-1, runs):
        for count in threads:
            start = perf_counter()
            part(count)
            if turn >= 0:
                taken[count].append(perf_counter() - start)
    return {count: median(seconds) for count, seconds in taken.items()}


def sizes_table(sizes: list[Size], imports: float) -> str:
    lines = ["| events | time | ns an event | peak memory | bytes an event |", "|---|---|---|---|---|"]
    lines += [
        f"| {size.events:,} | {table.duration(median(size.seconds))} | {size.ns_per_event:.1f} "
        f"| {median(size.peaks_mb):,.0f} MB | {size.bytes_per_event(imports):.1f} |"
        for size in sizes
    ]
    *smaller, largest = sizes
    if smaller:
        ratios = [f"{size.events:,}: {largest.ns_per_event / size.ns_per_event:.2f}x" for size in smaller]
        lines += ["", f"ns an event at {largest.events:,} events, against those at {', '.join(ratios)}."]
    return "\n".join(lines)


def threads_table(found: dict[str, dict[int, float]], events: int) -> str:
    counts = list(next(iter(found.values())))
    lines = [f"| {events:,} events, warm | {' | '.join(f'{n} threads' for n in counts)} | speed-up |"]
    lines.append("|---" * (len(counts) + 2) + "|")
    for name, seconds in found.items():
        times = " | ".join(table.duration(seconds[n]) for n in counts)
        lines.append(f"| {name} | {times} | {seconds[counts[0]] / seconds[counts[-1]]:.2f}x |")
    return "\n".join(lines).replace("1 threads", "1 thread")


def generator_line(events: int, process: Process, size: int) -> str:
    return (
        f"The generator wrote {events:,} events in {process.seconds:.0f} s with {process.peak_mb:,.0f} MB of "
        f"memory at most, as a Parquet file of {size / 2**20:,.0f} MB ({size / events:.1f} bytes an event)."
    )


def generate(events: int, folder: Path, limit_s: float) -> str:
    """Make a log of so many events, say how, and delete it."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        path = Path(made, "generated.parquet")
        command = [sys.executable, "-m", "benchmarks.logs", str(path), str(events)]
        process = timed_process(command, limit_s)
        if process.failure:
            raise SystemExit(f"the generator: {process.failure}")
        made_events = rows(sys.executable, Log(str(path)))
        return generator_line(made_events, process, path.stat().st_size)


def threads_of(path: Path, runs: int, limit_s: float) -> dict[str, dict[int, float]]:
    """Run `warm` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale", "--warm", str(path), "--runs", str(runs)]
    process = timed_process(command, limit_s)
    if process.failure:
        raise SystemExit(f"threads: {process.failure}")
    found = json.loads(process.output.strip().splitlines()[-1])
    return {name: {int(n): s for n, s in seconds.items()} for name, seconds in found.items()}


def arguments() -> argparse.Namespace:
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    add = parser.add_argument
    add("--sizes", default="1e6,1e7,5e7", help="events of generated logs, rising")
    add("--threads-size", type=float, default=1e7, help="events of the log on which threads are compared")
    add("--generate", type=float, default=0, help="also time the generator at so many events, such as 1e8")
    add("--runs", type=int, default=5)
    add("--limit", type=float, default=3600, help="seconds of one run")
    add("--cache", default=str(Path(tempfile.gettempdir()) / "dealtrace-benchmarks"))
    add("--no-write", action="store_true", help="print the tables, change no README")
    add("--warm", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if options.warm:
        print(json.dumps(warm(options.warm, options.runs, (1, 2))))
        return
    folder = Path(options.cache)
    paths = [generated(int(float(size)), folder) for size in options.sizes.split(",")]
    sizes = [Size(path, rows(sys.executable, Log(str(path)))) for path in paths]
    measure(sizes, options.runs, options.limit)
    text = [
        f"From Parquet to graph, percentiles and variants, in a fresh process; median of {options.runs}.",
        sizes_table(sizes, imports_mb(options.runs)),
    ]
    shared = generated(int(options.threads_size), folder)
    found = threads_of(shared, options.runs, options.limit)
    text.append(threads_table(found, rows(sys.executable, Log(str(shared)))))
    if options.generate:
        text.append(generate(int(options.generate), folder, options.limit))
    command = shlex.join(["python", "-m", "benchmarks.scale", *public(sys.argv[1:])])
    versions = machine.versions(machine.OURS).items()
    ours = ", ".join(f"{name} {version}" for name, version in versions)
    text.append(f"Seed {SEED}. {machine.machine()}; {ours}. Command: `{command}`.")
    print("\n\n".join(text))
    if not options.no_write:
        table.put(ROOT / "benchmarks" / "README.md", "\n\n".join(text), (START, END))


if __name__ == "__main__":
    main()
