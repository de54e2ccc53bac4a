"""Answers in one plain form, so that those of different tools can be compared.

An answer has sections; a section maps a key (activities joined by tabs) to its figures. Counts are integers,
times are seconds. On disk it is JSON. `python -m benchmarks.answers OURS THEIRS` prints what differs.
A script from elsewhere prints a summary instead: how many edges and variants, and throughput percentiles.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Figure = float | int | None
Answer = dict[str, dict[str, list[Figure]]]
TOLERANCE = 1e-9


def key(*activities: str) -> str:
    """Join activities to the key of an edge or a variant."""
    return "\t".join(activities)


def number(value: object) -> float | None:
    """Return a float; None for what is not a number."""
    figure = math.nan if value is None else float(value)  # type: ignore[arg-type]
    return None if math.isnan(figure) else figure


def relative(ours: Figure, theirs: Figure) -> float:
    """Return the relative difference: 0 where equal, infinite where counts differ or one is missing."""
    if ours == theirs:
        return 0.0
    if ours is None or theirs is None or (isinstance(ours, int) and isinstance(theirs, int)):
        return math.inf
    return abs(ours - theirs) / max(abs(ours), abs(theirs))


def differences(ours: Answer, theirs: Answer, tolerance: float = TOLERANCE) -> list[str]:
    """Say what differs between two answers, one line per section; empty where they are equal."""
    lines = [f"{name}: only one of them answers" for name in sorted(ours.keys() ^ theirs.keys())]
    for name in sorted(ours.keys() & theirs.keys()):
        lines += section_differences(name, ours[name], theirs[name], tolerance)
    return lines


def section_differences(
    name: str, ours: dict[str, list[Figure]], theirs: dict[str, list[Figure]], tolerance: float
) -> list[str]:
    """Say how many keys of a section differ, with the first as the example."""
    wrong = [k for k in ours.keys() | theirs.keys() if not _same(ours.get(k), theirs.get(k), tolerance)]
    if not wrong:
        return []
    first = min(wrong)
    shown = first.replace("\t", " > ")
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return [f"{name}: {len(wrong):,} of {len(ours.keys() | theirs.keys()):,} differ, such as {shown}: "
            f"{ours.get(first)} and {theirs.get(first)}"]  # fmt: skip


def _same(ours: list[Figure] | None, theirs: list[Figure] | None, tolerance: float) -> bool:
    if ours is None or theirs is None or len(ours) != len(theirs):
        return False
    return all(relative(a, b) <= tolerance for a, b in zip(ours, theirs, strict=True))


def summary_differences(ours: Answer, theirs: Mapping[str, Any], tolerance: float = TOLERANCE) -> list[str]:
    """Say what a summary has otherwise than our answer, of ``edges``, ``variants`` and ``p``."""
    sizes = {"edges": "directly_follows", "variants": "variants"}
    lines = [
        f"{name}: {len(ours[section]):,} and {theirs[name]:,}"
        for name, section in sizes.items()
        if name in theirs and len(ours[section]) != theirs[name]
    ]
    if "p" in theirs and not _same(ours["throughput"]["all"], list(theirs["p"]), tolerance):
        lines.append(f"p: {ours['throughput']['all']} and {theirs['p']}")
    return lines if theirs.keys() & {*sizes, "p"} else ["nothing to compare in what it printed"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ours", type=Path)
    parser.add_argument("theirs", type=Path)
    parser.add_argument("--summary", action="store_true", help="theirs is the line of a script")
    options = parser.parse_args()
    ours, theirs = (json.loads(path.read_text()) for path in (options.ours, options.theirs))
    print("; ".join(summary_differences(ours, theirs) if options.summary else differences(ours, theirs)))


if __name__ == "__main__":
    main()
