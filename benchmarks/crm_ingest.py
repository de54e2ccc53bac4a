"""How fast exports of a CRM become a log, and how much memory that takes, shape by shape.

For each shape an organisation with about so many rows of history is made once into the cache, and read in
fresh processes. Each reads a tiny one of the same shape first, so that everything is imported; from then on
its clock runs, and its bytes are what it held at most beyond that. `dealtrace analyze` is timed from exec to
exit. `python -m benchmarks.crm_ingest --help`.
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks import machine, table
from benchmarks.crm_organisations import APPENDED, Export, check_room, organisation
from benchmarks.logs import SEED
from benchmarks.measure import ROOT, timed_process
from benchmarks.run import note, public

MARKERS = "<!-- crm table -->", "<!-- /crm table -->"
TINY = 20
"""Deals of the organisation that is read first."""
PACKAGES = (*machine.OURS, "polars")
ME = (sys.executable, "-m", "benchmarks.crm_ingest")


@dataclass
class Row:
    """An export that is read: seconds, peak bytes beyond the tiny one's, and peak MB in all, of each run."""

    export: Export
    events: int = 0
    seconds: list[float] = field(default_factory=list)
    bytes: list[float] = field(default_factory=list)
    peaks_mb: list[float] = field(default_factory=list)

    @property
    def ns(self) -> float:
        return 1e9 * median(self.seconds) / self.export.history

    @property
    def bytes_per_row(self) -> float:
        return median(self.bytes) / self.export.history


def ours(words: Iterable[str], limit_s: float) -> dict[str, Any]:
    """Run this script in a process of its own and return what it says."""
    process = timed_process([*ME, *words], limit_s)
    if process.failure:
        raise SystemExit(f"{' '.join(words)}: {process.failure}")
    found: dict[str, Any] = json.loads(process.output.strip().splitlines()[-1])
    return found


def read(export: Export, tiny: Export) -> dict[str, Any]:
    """Read an export after a tiny one, and say what it took beyond that."""
    import dealtrace as dt

    reader = {"salesforce": dt.read_salesforce, "dynamics": dt.read_dynamics}[export.system]
    reader(tiny.folder, shape=tiny.shape, timezone=tiny.zone)
    before = _peak()
    start = perf_counter()
    log = reader(export.folder, shape=export.shape, timezone=export.zone)
    seconds = perf_counter() - start
    return {"seconds": seconds, "events": log.events, "bytes": _peak() - before, "peak_mb": _peak() / 2**20}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(export: Export, tiny: Export, runs: int, limit_s: float) -> Row:
    """Read an export so many times."""
    row = Row(export)
    for _ in range(runs):
        found = ours(["--read", json.dumps([asdict(export), asdict(tiny)])], limit_s)
        row.events = found["events"]
        row.seconds.append(found["seconds"])
        row.bytes.append(found["bytes"])
        row.peaks_mb.append(found["peak_mb"])
        took = f"{found['seconds']:.2f} s, {found['peak_mb']:.0f} MB"
        note(f"  {export.title}, {export.history:,} rows: {took}")
    return row


def analysed(export: Export, limit_s: float) -> tuple[float, float]:
    """Return the seconds and the peak MB of `dealtrace analyze` with all its files."""
    with tempfile.TemporaryDirectory() as out:
        zone = ["--timezone", export.zone] if export.zone else []
        words = ["analyze", export.folder, "--quiet", *zone, "-o", str(Path(out, "result"))]
        process = timed_process([sys.executable, "-m", "dealtrace", *words], limit_s)
    if process.failure:
        raise SystemExit(f"{export.title}: {process.failure}")
    note(f"  {export.title}, analyze: {process.seconds:.2f} s, {process.peak_mb:.0f} MB")
    return process.seconds, process.peak_mb


def rows_table(rows: list[Row]) -> str:
    """Write a line per export; each is set against the smallest of its shape."""
    lines = ["| export | history rows | events | read | ns a row | of the smallest's | peak | bytes a row |"]
    lines.append("|---" * 8 + "|")
    smallest: dict[str, Row] = {}
    for row in rows:
        first = smallest.setdefault(row.export.title, row)
        times = "" if first is row else f"{row.ns / first.ns:.2f}x"
        lines.append(
            f"| {row.export.title} | {row.export.history:,} | {row.events:,} "
            f"| {table.duration(median(row.seconds))} | {row.ns:,.0f} | {times} "
            f"| {median(row.peaks_mb):,.0f} MB | {row.bytes_per_row:,.0f} |"
        )
    return "\n".join(lines)


def analyses_table(found: list[tuple[Export, float, float]]) -> str:
    lines = ["| `dealtrace analyze` | deals | history rows | exec to exit | peak |", "|---" * 5 + "|"]
    lines += [
        f"| {export.title} | {export.deals:,} | {export.history:,} | {table.duration(seconds)} "
        f"| {mb:,.0f} MB |"
        for export, seconds, mb in found
    ]
    return "\n".join(lines)


def wanted(options: argparse.Namespace) -> list[tuple[str, str, list[float]]]:
    """Return system, shape and rising sizes of what is to be measured."""
    from dealtrace_engine.synthetic.crm.writing import SYSTEMS

    everything = {shape: system for system, shapes in SYSTEMS.items() for shape in shapes}
    both = {f"{system}:{shape}": (system, shape) for system, shapes in SYSTEMS.items() for shape in shapes}
    big = dict(part.split("=") for part in options.big.split(",") if part)
    names = list(both) if options.shapes == "all" else [n for n in options.shapes.split(",") if n]
    unknown = [name for name in (*names, *big) if name not in both and name not in everything]
    if unknown:
        raise SystemExit(f"there are no shapes {', '.join(unknown)}; choose from {', '.join(both)}")
    sizes = [float(size) for size in options.rows.split(",")]
    found = []
    for name in names:
        system, shape = both.get(name, (everything.get(name, ""), name))
        more = [float(rows) for told, rows in big.items() if told in (shape, f"{system}:{shape}")]
        found.append((system, shape, sorted([*sizes, *more])))
    return found


def arguments() -> argparse.Namespace:
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    add = parser.add_argument
    add("--rows", default="5e5,5e6", help="rows of history, rising")
    add("--shapes", default="all", help="such as data-export,dynamics:replica; 'replica' alone is Dynamics'")
    add("--big", default="", metavar="SHAPE=ROWS", help="one more size of a shape, such as data-export=5e7")
    add("--deals", type=float, default=2e5, help="of `dealtrace analyze` on both CRMs; 0 leaves it out")
    add("--runs", type=int, default=3)
    add("--limit", type=float, default=7200, help="seconds of one run")
    add("--cache", default=str(Path(tempfile.gettempdir()) / "dealtrace-benchmarks"))
    add("--discard", action="store_true", help="remove each organisation once it is measured")
    add("--write", action="store_true", help="put the tables into README.md")
    add("--read", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def all_read(options: argparse.Namespace) -> list[Row]:
    """Measure every shape at every size, those of one shape after each other."""
    rows = []
    made = partial(organisation, cache=Path(options.cache), limit_s=options.limit)
    for system, shape, sizes in wanted(options):
        tiny = made(system, shape, TINY)
        for size in sizes:
            export = made(system, shape, _deals(system, shape, size))
            rows.append(measure(export, tiny, options.runs, options.limit))
            _discarded(export, options.discard)
    return rows


def planned(options: argparse.Namespace) -> list[tuple[str, str, int]]:
    """Return system, shape and deals of the organisations to be made."""
    from dealtrace_engine.synthetic.crm.writing import SYSTEMS

    found = [
        (system, shape, _deals(system, shape, size))
        for system, shape, sizes in wanted(options)
        for size in sizes
    ]
    if options.deals:
        found += [(system, shapes[0], int(options.deals)) for system, shapes in SYSTEMS.items()]
    return found


def _deals(system: str, shape: str, rows: float) -> int:
    """Return how many deals have about so many rows of history."""
    return max(TINY, round(rows / _rows_of_a_deal(system, shape)))


def _rows_of_a_deal(system: str, shape: str) -> float:
    """Return about how many rows of history the generator makes of a deal."""
    if system == "salesforce":
        return 19.0
    return 37.7 if shape in APPENDED else 15.5


def all_analysed(options: argparse.Namespace) -> list[tuple[Export, float, float]]:
    """Measure `dealtrace analyze` on the first shape of both CRMs."""
    from dealtrace_engine.synthetic.crm.writing import SYSTEMS

    found = []
    for system, shapes in SYSTEMS.items() if options.deals else ():
        export = organisation(system, shapes[0], int(options.deals), Path(options.cache), options.limit)
        times = [analysed(export, options.limit) for _ in range(options.runs)]
        found.append((export, median(s for s, _ in times), median(mb for _, mb in times)))
        _discarded(export, options.discard)
    return found


def _discarded(export: Export, wanted: bool) -> None:
    if wanted:
        shutil.rmtree(Path(export.folder).parent)


def main() -> None:
    options = arguments()
    if options.read:
        print(json.dumps(read(*(Export(**told) for told in json.loads(options.read)))))
        return
    check_room(dict.fromkeys(planned(options)), Path(options.cache), options.discard)
    text = [f"From export to log, in a fresh process that has read a tiny one; median of {options.runs}."]
    text.append(rows_table(all_read(options)))
    if found := all_analysed(options):
        text.append(analyses_table(found))
    command = shlex.join(["python", "-m", "benchmarks.crm_ingest", *public(sys.argv[1:])])
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions(PACKAGES).items())
    text.append(f"Seed {SEED}. {machine.machine()}; {versions}. Command: `{command}`.")
    print("\n\n".join(text))
    if options.write:
        table.put(ROOT / "benchmarks" / "README.md", "\n\n".join(text), MARKERS)


if __name__ == "__main__":
    main()
