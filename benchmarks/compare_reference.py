"""Compare all figures of reference files with ours: a table of logs by figures, non-zero on any difference.

    python -m benchmarks.compare_reference FOLDER_OF_REFERENCES FOLDER_OF_LOGS [NAME ...]

A reference NAME.json names its log in `log`, and its net, which stands beside it, in `replay`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import dealtrace as dt
from benchmarks.reference import Comparison, comparisons


def read(path: Path) -> dt.EventLog:
    """Read a log by what its name ends with."""
    if path.name.endswith((".xes", ".xes.gz")):
        return dt.read_xes(path)
    return dt.read_parquet(path) if path.suffix == ".parquet" else dt.read_csv(path)


def compared(reference_file: Path, logs: Path) -> list[Comparison]:
    """Return the comparisons of one reference; one that cannot be read at all counts as a difference."""
    reference: dict[str, Any] = json.loads(reference_file.read_text("utf-8"))
    try:
        log = read(logs / reference["log"])
        net = reference.get("replay", {}).get("net")
        replay = dt.token_replay(log, dt.read_pnml(reference_file.parent / net)) if net else None
    except dt.DealtraceError as error:
        return [Comparison("log", 0, float("inf"), str(error))]
    return comparisons(log, reference, replay)


def row(name: str, found: list[Comparison], figures: list[str]) -> str:
    """Write how far the figures of one log are apart: ``=`` where equal to the last bit."""
    cells = {c.figure: "=" if c.worst == 0 else f"{c.worst:.0e}" if c.equal else "DIFFERS" for c in found}
    return f"| {name} | {sum(c.values for c in found):,} | {' | '.join(cells.get(f, '-') for f in figures)} |"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("references", type=Path)
    parser.add_argument("logs", type=Path)
    parser.add_argument("names", nargs="*", help="only these references")
    options = parser.parse_args()
    files = [f for f in sorted(options.references.glob("*.json")) if f.stem in (options.names or [f.stem])]
    found = {file.stem: compared(file, options.logs) for file in files}
    figures = list(dict.fromkeys(c.figure for own in found.values() for c in own))
    print("| log | values | " + " | ".join(figures) + " |\n|---" + "|---" * (len(figures) + 1) + "|")
    for name, own in found.items():
        print(row(name, own, figures))
    wrong = [f"{name} {c.figure}: {c}" for name, own in found.items() for c in own if not c.equal]
    print("\n".join(["", *wrong]) if wrong else f"\n{len(files)} logs, no difference.")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main())
