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


def csv_beside(path: Path) -> Path:
    """Return the CSV file of a log's events beside its Parquet file, made now if it is not there."""
    csv = path.with_suffix(".csv")
    if not csv.exists():
        made = timed_process([sys.executable, "-m", "benchmarks.logs", str(csv), str(path)], 3600)
        if made.failure:
            raise SystemExit(f"cannot make {csv}: {made.failure}")
    return csv


def rows(python: str, log: Log) -> int:
    """Return the number of rows of a file, read in another process to keep this one small."""
    code = f"import pyarrow.parquet as pq; print(pq.ParquetFile({log.path!r}).metadata.num_rows)"
    process = timed_process([python, "-c", code], 60)
    if process.failure:
        raise SystemExit(f"cannot read {log.path}: {process.failure}")
    return int(process.output)


def write_csv(path: Path, parquet: str) -> None:
    from pyarrow.csv import CSVWriter
    from pyarrow.parquet import ParquetFile

    from dealtrace_engine.output import written_whole

    log = ParquetFile(parquet)
    with written_whole(path) as unfinished, CSVWriter(unfinished, log.schema_arrow) as writer:
        for batch in log.iter_batches():
            writer.write_batch(batch)


def main() -> None:
    from dealtrace_engine.synthetic.parquet import write_parquet

    path, made_from = Path(sys.argv[1]), sys.argv[2]
    if path.suffix == ".csv":
        write_csv(path, made_from)
    else:
        write_parquet(path, int(made_from), seed=SEED)


if __name__ == "__main__":
    main()
