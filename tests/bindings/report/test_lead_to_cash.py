"""What sales and finance ask, in a result folder: the files are there, whole, and say their schema."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dealtrace as dt
from dealtrace.cli import main
from dealtrace.report.lead_to_cash import answers, write_answers


@contextmanager
def step(_):
    yield None


@pytest.fixture(scope="module")
def events():
    return dt.lead_to_cash(300, seed=2).events


def test_every_question_has_its_file(events, tmp_path):
    found = answers(dt.from_arrow(events), None, step)
    assert found.unanswered == {}
    names = write_answers(found, tmp_path)
    assert set(names) == {"lead_to_cash.json", *(f"{name}.parquet" for name in found.results)}
    told = json.loads((tmp_path / "lead_to_cash.json").read_text("utf-8"))
    assert told["schema"] == "dealtrace.lead_to_cash/1"
    for name, answer in told["answers"].items():
        table = pq.read_table(tmp_path / f"{name}.parquet")
        assert [column["name"] for column in answer["columns"]] == table.column_names
        assert answer["rows"] == table.num_rows >= len(answer["table"]) > 0


def test_what_a_log_cannot_tell_is_named():
    bare = pa.table({"case": ["1", "1"], "activity": ["a", "b"], "time": ["2024-01-01", "2024-01-02"]})
    found = answers(dt.from_arrow(bare), None, step)
    assert {"stages", "funnel", "receivables", "discounts", "rep_benchmark"} <= set(found.unanswered)
    assert all(found.unanswered.values())
    assert "bottlenecks" in found.results


@pytest.mark.parametrize("asked", [True, False])
def test_analyze_writes_them_where_asked(events, tmp_path, capsys, asked):
    pq.write_table(events, tmp_path / "events.parquet")
    words = ["analyze", str(tmp_path / "events.parquet"), "-o", str(tmp_path / "out")]
    assert main([*words, "--findings", "--lang", "de"] if asked else words) == 0
    told = capsys.readouterr().out
    assert ("Was am meisten zählt" in told) is asked
    written = {file.name for file in (tmp_path / "out").iterdir()}
    assert ({"findings.json", "kpis.parquet", "rules.parquet", "lead_to_cash.json"} <= written) is asked
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert ("kpis 1" in manifest["definitions"]) is asked
