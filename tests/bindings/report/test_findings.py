"""Findings on the terminal and in a result folder."""

from __future__ import annotations

import io
import json
import re

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console

from dealtrace.report.findings import HEADINGS, NOTHING, findings_section, write_findings
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
    assert written["definition"] == "findings 3"
    assert [row["sentence"] for row in written["findings"]] == found.sentences
    assert pq.read_table(tmp_path / "findings.parquet").equals(found.table)


def test_nothing_to_show():
    found = findings(from_arrow(lead_to_cash(300).events), sources=[])
    assert [str(part).strip() for part in findings_section(found)] == [HEADINGS["en"], NOTHING["en"]]


def test_figures_are_not_broken_and_notes_are_shown():
    events = lead_to_cash(300).events
    none = pa.nulls(len(events), pa.float64())
    odd = pc.if_else(pc.equal(events["case_id"], events["case_id"][0]), none, events["amount"])
    events = events.set_column(events.column_names.index("amount"), "amount", odd)
    found = findings(from_arrow(events), language="fr")
    numbers = re.findall(r"\d[\d\u202f]*\u202f[\d\u202f]*(?:\u00a0%)?|\d+\u00a0%", " ".join(found.sentences))
    assert len(numbers) > 5
    for width in range(40, 60):
        console = Console(width=width, record=True, file=io.StringIO())
        console.print(*findings_section(found))
        shown = console.export_text()
        assert all(number in shown for number in numbers)
        assert "no amount in 'amount': 1" in shown


def test_currencies_are_named_where_there_are_several():
    events = lead_to_cash(300).events
    currency = pc.if_else(pc.equal(events["region"], "Japan"), "JPY", "EUR")
    for money, wanted in ((currency, True), (pa.array(["EUR"] * len(events)), False)):
        console = Console(width=100, record=True, file=io.StringIO())
        console.print(*findings_section(findings(from_arrow(events.append_column("currency", money)))))
        assert (" 1  EUR: " in console.export_text()) is wanted
