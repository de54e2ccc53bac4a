"""Markdown tables of the figures, put between markers of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.measure import Run
from benchmarks.questions import QUESTIONS

START, END = "<!-- benchmark table -->", "<!-- /benchmark table -->"


@dataclass
class Cell:
    """One rival on one question: its runs, what differs from our answer, and the share a filter keeps."""

    runs: list[Run] = field(default_factory=list)
    differs: str = ""
    kept: str = ""

    @property
    def failure(self) -> str:
        return next((run.failure for run in self.runs if run.failure), "")

    @property
    def seconds(self) -> float:
        return median(run.seconds for run in self.runs)

    @property
    def peak_mb(self) -> float:
        return median(run.peak_mb for run in self.runs)


Cells = Mapping[tuple[str, str], Cell]
"""(question, rival) to cell, for one log."""


def duration(seconds: float) -> str:
    """Write seconds with three digits and a fitting unit.

    Examples
    --------
    >>> duration(0.00235), duration(1.234), duration(706.2)
    ('2.35 ms', '1.23 s', '706 s')
    """
    scaled, unit = (seconds * 1000, "ms") if seconds < 1 else (seconds, "s")
    digits = 0 if scaled >= 100 else 1 if scaled >= 10 else 2
    return f"{scaled:.{digits}f} {unit}"


def ratio(theirs: float, ours: float) -> str:
    """Write how many times longer theirs is."""
    times = theirs / ours
    return f"{times:,.0f}x" if times >= 10 else f"{times:.1f}x"


def shown(cell: Cell | None, ours: Cell | None, from_file: bool) -> str:
    """Write a cell: time, ratio to ours, and peak memory where the file is read."""
    if cell is None or not cell.runs:
        return ""
    if cell.failure:
        return cell.failure
    times = "" if cell is ours or ours is None or ours.failure else f" ({ratio(cell.seconds, ours.seconds)})"
    peak = f", {cell.peak_mb:,.0f} MB" if from_file else ""
    return f"{duration(cell.seconds)}{times}{peak}" + (" **differs**" if cell.differs else "")


def beside(cells: Cells, rival: str) -> str:
    """Write how many times longer the whole job takes with replay."""
    without, replayed = cells.get(("everything", rival)), cells.get(("everything_replay", rival))
    if not (without and replayed and without.runs and replayed.runs) or without.failure or replayed.failure:
        return ""
    return f", {replayed.seconds / without.seconds:.2f}x all but replay"


def markdown(cells: Cells, questions: Sequence[str], rivals: Sequence[str]) -> str:
    """Write one log's table: a row per question, a column per rival."""
    lines = ["| |" + "".join(f" {name} |" for name in rivals), "|---" * (len(rivals) + 1) + "|"]
    for question in questions:
        ours = cells.get((question, "ours"))
        columns = [shown(cells.get((question, r)), ours, QUESTIONS[question].from_file) for r in rivals]
        if question == "everything_replay":
            columns = [column + beside(cells, rival) for column, rival in zip(columns, rivals, strict=True)]
        kept = f", {ours.kept}" if ours and ours.kept else ""
        lines.append(f"| {QUESTIONS[question].title}{kept} |" + "".join(f" {column} |" for column in columns))
    return "\n".join(lines)


def differences(cells: Cells) -> list[str]:
    """Say for each rival whose answer differs what differs."""
    return [f"- {rival}, {QUESTIONS[question].title}: {cell.differs}"
            for (question, rival), cell in cells.items() if cell.differs]  # fmt: skip


def put(path: Path, text: str, markers: tuple[str, str] = (START, END)) -> None:
    """Replace what is between the markers of a file; add the markers at its end if it has none."""
    old, (start, end) = path.read_text() if path.exists() else "", markers
    block = f"{start}\n{text.strip()}\n{end}"
    if start in old and end in old:
        before, rest = old.split(start, 1)
        path.write_text(before + block + rest.split(end, 1)[1])
    else:
        path.write_text(f"{old.rstrip()}\n\n{block}\n".lstrip())
