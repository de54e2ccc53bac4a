"""The findings of a lead-to-cash log, for the terminal and for a result folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dealtrace.report.terminal import Joined, heading, safe

if TYPE_CHECKING:
    from dealtrace_engine.lead_to_cash.findings import Findings

HEADINGS = {
    "en": "What matters most", "de": "Was am meisten zählt", "fr": "Ce qui compte le plus",
    "it": "Ciò che conta di più", "ja": "最も重要な発見", "zh": "最重要的发现",
}  # fmt: skip
NOTHING = {
    "en": "Nothing stands out, or there are too few cases to tell.",
    "de": "Nichts fällt auf, oder es gibt zu wenige Fälle dafür.",
    "fr": "Rien ne ressort, ou il y a trop peu de dossiers pour le dire.",
    "it": "Nulla spicca, o ci sono troppo pochi casi per dirlo.",
    "ja": "目立った点はないか、判断するには件数が少なすぎます。",
    "zh": "没有突出的发现，或案例太少而无法判断。",
}  # fmt: skip
FILES = ("findings.json", "findings.parquet")


def findings_section(found: Findings, most: int = 10) -> Iterator[RenderableType]:
    """Show findings, one per row, with their rank and currency.

    Examples
    --------
    >>> from rich.console import Console
    >>> from dealtrace_engine.lead_to_cash.findings import findings
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
    >>> found = findings(from_arrow(lead_to_cash(300).events), most=1)
    >>> [type(part).__name__ for part in findings_section(found)]
    ['Text', 'Table']
    """
    yield heading(HEADINGS[found.language])
    if not len(found):
        yield Text(NOTHING[found.language])
        return
    shown = Table(box=None, show_header=False, pad_edge=False)
    shown.add_column(justify="right")
    shown.add_column()
    several = len(set(found.table["currency"].to_pylist())) > 1
    for row in found.table.slice(0, most).to_pylist():
        currency = f"{safe(row['currency'])}: " if several and row["currency"] is not None else ""
        shown.add_row(Text(str(row["rank"])), Joined(f"{currency}{safe(row['sentence'])}"))
    yield shown
    for note in found.findings:
        yield Text(f"{safe(note.reason)}: {note.count:,}", style="dim")


def write_findings(found: Findings, folder: Path) -> list[str]:
    """Write findings.json (all of it) and findings.parquet (the table) into a folder; return the names.

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
    import pyarrow.parquet as pq

    from dealtrace.report.schemas import documented, labelled

    (folder / FILES[0]).write_text(found.to_json(indent=1) + "\n", encoding="utf-8")
    table = labelled(found.to_arrow(), documented(type(found), "table"), question="findings",
                     definition=found.definition, log_fingerprint=found.log_fingerprint)  # fmt: skip
    pq.write_table(table, folder / FILES[1], compression="zstd")
    return list(FILES)
