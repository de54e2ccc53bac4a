"""Findings on the terminal and in a result folder."""

from __future__ import annotations

import io
import json

import pyarrow.parquet as pq
from rich.console import Console

from dealtrace.report.findings import findings_section, write_findings
from dealtrace_engine.lead_to_cash.findings import findings
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash


def test_shown_and_written(tmp_path):
    found = findings(from_arrow(lead_to_cash(300).events), language="de", most=4)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(*findings_section(found, most=2))
    shown = console.export_text()
    assert "Was am meisten zählt" in shown
    assert " ".join(found.sentences[1].split())[:30] in " ".join(shown.split())
    assert write_findings(found, tmp_path) == ["findings.json", "findings.parquet"]
    written = json.loads((tmp_path / "findings.json").read_text("utf-8"))
    assert written["definition"] == "findings 2"
    assert [row["sentence"] for row in written["findings"]] == found.sentences
    assert pq.read_table(tmp_path / "findings.parquet").equals(found.table)


def test_nothing_to_show():
    found = findings(from_arrow(lead_to_cash(300).events), sources=[])
    assert list(findings_section(found)) == []
