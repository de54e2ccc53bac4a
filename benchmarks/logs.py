"""The logs of the benchmark: an existing Parquet file, or one made by dealtrace's own generator."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.measure import ROOT, timed_process
from benchmarks.questions import ATTRIBUTES, Log

SEED = 7
NET = ROOT / "tests" / "reference" / "lead-to-cash-300.pnml"
"""Discovered from a small log of the same generator; the generated logs are replayed on it."""


def generated(events: int, folder: Path) -> Path:
    """Return the file of a generated log of about `events` events, made now if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"lead-to-cash-{events}-{SEED}.parquet"
    if not path.exists():
        made = timed_process([sys.executable, "-m", "benchmarks.logs", str(path), str(events)], 3600)
        if made.failure:
            raise SystemExit(f"cannot make {path}: {made.failure}")
    return path


def own_file(path: Path, folder: Path) -> Path:
    """Return the same log as dealtrace's own file, with what interactive questions filter by."""
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / f"{path.stem}.dealtrace"
    if not own.exists() or own.stat().st_mtime < path.stat().st_mtime:
        code = (
            "import sys, dealtrace\n"
            "log = dealtrace.read_parquet(sys.argv[1], case_id='case_id', activity='activity',"
            " timestamp='timestamp')\n"
            "log.save(sys.argv[2], sys.argv[3:])"
        )
        made = timed_process([sys.executable, "-c", code, str(path), str(own), *ATTRIBUTES], 3600)
        if made.failure:
            raise SystemExit(f"cannot make {own}: {made.failure}")
    return own


def rows(python: str, log: Log) -> int:
    """Return the number of rows of a file, read in another process to keep this one small."""
    code = f"import pyarrow.parquet as pq; print(pq.ParquetFile({log.path!r}).metadata.num_rows)"
    process = timed_process([python, "-c", code], 60)
    if process.failure:
        raise SystemExit(f"cannot read {log.path}: {process.failure}")
    return int(process.output)


def main() -> None:
    from dealtrace_engine.synthetic.parquet import write_parquet

    write_parquet(sys.argv[1], int(sys.argv[2]), seed=SEED)


if __name__ == "__main__":
    main()
