"""Synthetic organisations of a CRM in the cache of the benchmark, each made once in a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.logs import SEED
from benchmarks.measure import ROOT, environment
from benchmarks.run import note

APPENDED = ("synapse-append", "synapse-incremental")
"""Shapes that keep every version of a row, which is their history."""
TOLD = 50_000
"""Larger organisations tell how far they are while they are made."""
ME = (sys.executable, "-m", "benchmarks.crm_organisations")


@dataclass(frozen=True)
class Export:
    """An organisation in the cache, and what was made of it.

    Attributes
    ----------
    folder : str
        Of the export.
    system, shape : str
    deals, history : int
        History: rows of the tables of changes, or of the audit; where a shape keeps every version of a row
        instead, these.
    zone : str or None
        In which its times are, if it does not say.
    size : int
        Of the export; bytes.
    """

    folder: str
    system: str
    shape: str
    deals: int
    history: int
    zone: str | None
    size: int

    @property
    def title(self) -> str:
        return f"{self.system.title()}, {self.shape}"


def organisation(system: str, shape: str, deals: int, cache: Path, limit_s: float) -> Export:
    """Return an organisation of the cache, made now if it is not there."""
    folder = cached(cache, system, shape, deals)
    said = folder / "made.json"
    if not said.exists():
        cache.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        command = [
            sys.executable,
            "-m",
            "benchmarks.crm_organisations",
            system,
            shape,
            str(deals),
            str(folder),
        ]
        # what it tells on the way goes to the terminal
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=limit_s, cwd=ROOT, env=environment())
        if done.returncode:
            raise SystemExit(f"{system} {shape}, {deals:,} deals: could not be made")
        said.write_bytes(done.stdout.splitlines()[-1])
    return Export(**json.loads(said.read_text()))


def cached(cache: Path, system: str, shape: str, deals: int) -> Path:
    """Return where the cache holds an organisation."""
    return cache / f"{system}-{shape}-{deals}-{SEED}"


def check_room(plan: Iterable[tuple[str, str, int]], cache: Path, discard: bool) -> None:
    """Refuse organisations that the disk of the cache has no room for, before the first is made."""
    from dealtrace_engine.synthetic.crm.room import room_of

    missing = [key for key in plan if not (cached(cache, *key) / "made.json").exists()]
    rooms = [room_of(*key) for key in missing]
    wanted = max(rooms, default=0) if discard else sum(rooms)
    cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache).free
    if wanted > free:
        hint = "fewer or smaller ones" if discard else "--discard, or fewer or smaller ones"
        raise SystemExit(
            f"the organisations take about {wanted / 1e9:.1f} GB, "
            f"and there are {free / 1e9:.1f} GB of room in {cache}: {hint}"
        )


class Told:
    """Says every tenth of each step of a long work, and how long it took so far."""

    def __init__(self, title: str) -> None:
        self._title, self._start, self._last = title, perf_counter(), 0

    def __call__(self, done: int, of: int) -> bool:
        tenths = 10 * done // max(of, 1)
        if tenths != self._last:
            note(f"  {self._title}: {done:,} of {of:,} after {perf_counter() - self._start:.0f} s")
            self._last = tenths
        return True


def make(system: str, shape: str, deals: int, folder: Path) -> dict[str, Any]:
    """Write an organisation, and say what `Export` holds."""
    from dealtrace_engine.synthetic.crm.writing import EXPORT, write_organisation

    progress = Told(f"{system} {shape}, {deals:,} deals") if deals > TOLD else None
    made = write_organisation(system, shape, deals, SEED, folder, progress=progress)
    (folder / "truth.parquet").unlink()
    rows = [n for name, n in made.rows.items() if name == "audit" or name.endswith("History")]
    history = sum(map(_lines, (folder / EXPORT).rglob("*.csv"))) if shape in APPENDED else sum(rows)
    return {
        "folder": str(folder / EXPORT), "system": system, "shape": shape, "deals": deals,
        "history": history, "zone": made.zone, "size": made.size,
    }  # fmt: skip


def _lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)


def main() -> None:
    system, shape, deals, folder = sys.argv[1:]
    print(json.dumps(make(system, shape, int(deals), Path(folder))))


if __name__ == "__main__":
    main()
