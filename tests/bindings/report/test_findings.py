"""Findings on the terminal and in a result folder."""

from __future__ import annotations

import io
import json
import re
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
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
    files = ["findings.json", "findings.parquet", "findings_cases.parquet"]
    assert write_findings(found, tmp_path) == files
    written = json.loads((tmp_path / "findings.json").read_text("utf-8"))
    assert written["cases"] == {"file": "findings_cases.parquet", "by": ["rank", "currency"]}
    cases = pq.read_table(tmp_path / "findings_cases.parquet")
    assert cases.column_names == ["rank", "currency", "kind", "case_id"]
    for place, rank in enumerate(found.table["rank"].to_pylist()):
        own = cases.filter(pc.equal(cases["rank"], rank))
        assert own["case_id"].to_pylist() == found.cases(place).to_pylist()
    assert written["definition"] == "findings 4"
    assert written["notes"] == []
    assert [row["sentence"] for row in written["findings"]] == found.sentences
    assert pq.read_table(tmp_path / "findings.parquet").equals(found.table)


def test_nothing_to_show():
    found = findings(from_arrow(lead_to_cash(300).events), sources=[])
    assert [str(part).strip() for part in findings_section(found)] == [
        "What matters most",
        "Nothing stands out, or there are too few cases to tell.",
    ]


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
        assert "pas de montant dans « amount » (1 dossier)" in " ".join(shown.split())


@pytest.mark.parametrize("language", ["ja", "zh"])
def test_languages_without_spaces_are_whole_and_break_no_figure(language):
    found = findings(from_arrow(lead_to_cash(300).events), language=language)
    for width in (40, 57, 80):
        console = Console(width=width, record=True, file=io.StringIO())
        console.print(*findings_section(found))
        lines = [line.strip() for line in console.export_text().splitlines()]
        shown = "".join(lines).replace(" ", "")
        assert all(said.replace(" ", "") in shown for said in found.sentences)
        assert not [line for line in lines if line[:1] in tuple("、。」），")]
        assert all(
            number in "\n".join(lines) for number in re.findall(r"\d[\d,.]*", "".join(found.sentences))
        )


@pytest.mark.parametrize(
    ("language", "further", "where", "unwritten"),
    [
        ("en", "Further findings: EUR 9, JPY 6", "Cases of each finding", "with -o FOLDER"),
        ("de", "Weitere Befunde: EUR 9, JPY 6", "Fälle jedes Befunds", "mit -o ORDNER"),
        ("ja", "その他の発見：EUR 9, JPY 6", "各発見の案件", "-o フォルダー を指定"),
    ],
)
def test_what_is_not_shown_and_where_the_cases_are(language, further, where, unwritten):
    events = lead_to_cash(300).events
    currency = pc.if_else(pc.equal(events["region"], "Japan"), "JPY", "EUR")
    found = findings(from_arrow(events.append_column("currency", currency)), language=language)
    counts = Counter(found.table["currency"].to_pylist())
    for most, shown in ((1, (1, 1)), (5, (3, 2)), (100, tuple(counts.values()))):
        console = Console(width=300, record=True, file=io.StringIO())
        for part in findings_section(found, most=most):
            console.print(part)
        lines = console.export_text().splitlines()
        assert [sum(f" {one}: " in line for line in lines) for one in counts] == list(shown)
        if most == 1:
            assert list(counts.values()) == [10, 7]
            (told,) = [line for line in lines if line.startswith(further)]
            assert {"findings.json" in told, unwritten in told} == {True}
        (told,) = [line for line in lines if line.startswith(where)]
        assert {"findings_cases.parquet" in told, unwritten in told} == {True}
        assert any(line.startswith(re.split("[:：]", further)[0]) for line in lines) is (most < 100)
    console.print(*findings_section(found, most=5, folder="out"), soft_wrap=True)
    told = console.export_text()
    assert {f"out/findings{one}" in told for one in ("_cases.parquet", ".json")} == {True}
    assert unwritten not in told


def test_currencies_are_named_where_there_are_several():
    events = lead_to_cash(300).events
    currency = pc.if_else(pc.equal(events["region"], "Japan"), "JPY", "EUR")
    unknown = pc.if_else(pc.equal(events["region"], "Japan"), pa.scalar(None, pa.string()), "EUR")
    for money, wanted in (
        (currency, ("1  EUR: ", "1  JPY: ")),
        (unknown, ("1  EUR: ", "1  no currency: ")),
        (pa.array(["EUR"] * len(events)), ()),
    ):
        console = Console(width=100, record=True, file=io.StringIO())
        console.print(*findings_section(findings(from_arrow(events.append_column("currency", money)))))
        told = console.export_text()
        assert [one in told for one in ("1  EUR: ", *wanted)] == [bool(wanted)] * (1 + len(wanted))
