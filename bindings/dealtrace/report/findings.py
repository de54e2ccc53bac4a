"""The findings of a lead-to-cash log, for the terminal and for a result folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dealtrace.report.terminal import Joined, heading, safe
from dealtrace.report.terminal_words import TerminalWords

if TYPE_CHECKING:
    from dealtrace_engine.lead_to_cash.findings import Findings

FILES = ("findings.json", "findings.parquet", "findings_cases.parquet")


def findings_section(found: Findings, most: int = 10, folder: str | None = None) -> Iterator[RenderableType]:
    """Show findings, one per row, with their rank and currency, and say where their cases are.

    Parameters
    ----------
    found : Findings
    most : int
        So many; of several currencies, the first of each, then the second of each, and so on, and at least
        one of each.
    folder : str, optional
        Where they are written.

    Examples
    --------
    >>> from dealtrace_engine.lead_to_cash.findings import findings
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
    >>> found = findings(from_arrow(lead_to_cash(300).events), most=1)
    >>> [type(part).__name__ for part in findings_section(found)]
    ['Text', 'Table', 'Joined']
    """
    words = TerminalWords(found.language)
    yield heading(words.heading("findings"))
    if not len(found):
        yield Text(words.said("no_finding"))
        return
    shown = Table(box=None, show_header=False, pad_edge=False)
    shown.add_column(justify="right", no_wrap=True)
    shown.add_column(overflow="fold")  # Japanese and Chinese have no spaces at which lines may end
    rows = found.table.select(["rank", "currency", "sentence"]).to_pylist()
    named = [words.said("no_currency") if row["currency"] is None else safe(row["currency"]) for row in rows]
    several = len(set(named)) > 1
    in_turn = sorted(range(len(rows)), key=lambda place: rows[place]["rank"])  # currency after currency
    chosen = set(in_turn[: max(most, len(set(named)))])
    for place in sorted(chosen):
        currency = f"{named[place]}: " if several else ""
        row = rows[place]
        shown.add_row(Text(str(row["rank"])), Joined(f"{currency}{safe(row['sentence'])}"))
    yield shown
    left = Counter(name for place, name in enumerate(named) if place not in chosen)
    if left:
        more = ", ".join(f"{name} {count}" if several else str(count) for name, count in left.items())
        yield Joined(words.said("further", more=more, file=_place(FILES[0], folder, words)))
    yield Joined(words.said("cases_in", file=_place(FILES[2], folder, words)))
    for note in found.notes:
        yield Joined(safe(note.replace("value=", "--value")), style="dim")


def _place(file: str, folder: str | None, words: TerminalWords) -> str:
    """Return where a file is, or how it gets there."""
    return words.said("unwritten", file=file) if folder is None else safe(Path(folder) / file)


def write_findings(found: Findings, folder: Path) -> list[str]:
    """Write findings.json (all of it), findings.parquet (the table) and their cases; return the names.

    findings_cases.parquet has the ids of the cases of every finding, as findings.json says under ``cases``.
    To be called before the manifest is written.

    Parameters
    ----------
    found : Findings
    folder : Path

    Raises
    ------
    OSError
        The disk does not take them.
    """
    import json

    import pyarrow.parquet as pq

    from dealtrace.report.schemas import documented, labelled

    content = {**found.to_dict(), "cases": {"file": FILES[2], "by": ["rank", "currency"]}}
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)
    (folder / FILES[0]).write_text(text + "\n", encoding="utf-8")
    for file, table, name in ((FILES[1], found.table, "table"), (FILES[2], found.all_cases, "all_cases")):
        told = labelled(table, documented(type(found), name), question="findings",
                        definition=found.definition, log_fingerprint=found.log_fingerprint)  # fmt: skip
        pq.write_table(told, folder / file, compression="zstd")
    return list(FILES)
