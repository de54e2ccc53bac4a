"""The README's examples run, its commands are understood, and what it points to is there."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

import dealtrace
from dealtrace.cli import main
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the files that the README speaks of."""
    events = lead_to_cash(3_000, seed=3).events
    names = {"case_id": "Key", "activity": "Activity"}
    pq.write_table(events.rename_columns(names), tmp_path / "events.parquet")
    shutil.copy(ROOT / "tests" / "reference" / "lead-to-cash-300.pnml", tmp_path / "model.pnml")
    ready = ROOT / "engine" / "dealtrace_engine" / "lead_to_cash" / "rules.toml"
    shutil.copy(ready, tmp_path / "rules.toml")
    (tmp_path / "hours.toml").write_text('zone = "Europe/Berlin"\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_example_runs(folder):
    example, *_ = blocks("python")
    names: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), names)
    assert names["dfg"].edges.num_rows > 50
    assert names["bids"].count(names["log"]) > 0
    for attribute in re.findall(r"\b(dfg|var|thr|rep)\.(\w+)", README):
        assert hasattr(names[attribute[0]], attribute[1]), attribute


def test_the_columns_are_as_listed(folder):
    example, *_ = blocks("python")
    names: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), names)
    listed = dict(re.findall(r"^\| `((?:dfg|var|thr)\.\w+)` \| (.*?) \|$", README, re.M))
    assert len(listed) == 4
    for table, columns in listed.items():
        result, attribute = table.split(".")
        assert getattr(names[result], attribute).column_names == columns.split(", ")


def test_the_commands_are_understood(folder, capsys):
    lines = [line.partition("#")[0] for block in blocks("sh") for line in block.splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith("dealtrace ")]
    told = {"analyze", "check", "demo", "import", "info", "kpis", "mapping", "warmup"}
    assert {command[1] for command in commands} == told
    events = pq.read_table("events.parquet", columns=["Key", "Activity", "timestamp"])
    import pyarrow.csv

    pyarrow.csv.write_csv(events.rename_columns(["Opportunity Id", "Step", "Changed At"]), "events.csv")
    given = ["--case", "Opportunity Id", "--activity", "Step", "--time", "Changed At"]
    for command in commands:
        if command[1:3] == ["import", "events.csv"]:
            command += given
        if "--deals" in command:
            command[command.index("--deals") + 1] = "200"  # what is read of it is told by the same words
        assert main(command[1:]) == (command[1] == "check"), command  # the log breaks rules
    assert "every column is what was saved" in capsys.readouterr().out


def test_the_example_of_crm_exports_runs(folder):
    _, example, _ = blocks("python")
    assert main(["demo", "--crm", "salesforce", "--deals", "100", "-o", "acme"]) == 0
    assert main(["mapping", "acme/export", "-o", "mapping.toml"]) == 0
    created = {
        "opportunityid": ["7dcd5fc7-1d7b-4a11-8784-8c74aa000001"],
        "createdon": ["2024-01-08T09:30:00Z"],
    }
    names = {"dt": dealtrace, "frame": pl.DataFrame(created), "audit": pl.DataFrame({"auditid": []})}
    exec(compile(example, "README.md", "exec"), names)
    assert names["log"].case_table().num_rows == 1


def test_what_sales_and_finance_ask_runs(folder):
    *_, example = blocks("python")
    log = dealtrace.from_arrow(lead_to_cash(1_000, seed=3).events)
    exec(compile(example, "README.md", "exec"), {"dt": dealtrace, "log": log})


def test_what_it_points_to_is_there():
    for target in re.findall(r"\]\(([^)]+)\)|src=\"([^\"]+)\"", README):
        assert (ROOT / (target[0] or target[1])).exists(), target


def test_every_module_of_ext_has_its_row_and_no_other_has_one():
    rows = (ROOT / "ext" / "README.md").read_text("utf-8").partition("## ")[0].splitlines()
    named = [
        name for row in rows if row.startswith("| `") for name in re.findall(r"`(\w+)`", row.split("|")[1])
    ]
    assert sorted(named) == sorted(path.stem for path in (ROOT / "ext" / "dealtrace_ext").glob("*.pyx"))


def test_the_two_commands_make_their_own_environment():
    setups = [block for block in blocks("sh") if "pip install" in block]
    assert len(setups) == 2
    assert all(block.startswith("python3 -m venv .venv && . .venv/bin/activate && ") for block in setups)


PAGE = (ROOT / "bindings" / "LEAD_TO_CASH.md").read_text("utf-8")


def test_every_question_names_a_call_that_there_is():
    assert re.findall(r"^\| C(\d+) \|", PAGE, re.M) == [str(number) for number in range(1, 34)]
    for name in re.findall(r"\bdt\.(\w+)", PAGE):
        assert hasattr(dealtrace, name), name


@pytest.mark.parametrize("crm", [False, True], ids=["built-in log", "Salesforce export"])
def test_every_call_of_the_page_runs(crm, folder):
    if crm:
        assert main(["demo", "--crm", "salesforce", "--deals", "150", "-o", "acme"]) == 0
        log = dealtrace.read_salesforce("acme/export")
    else:
        log = dealtrace.from_arrow(lead_to_cash(500, seed=3).events)
    names = {
        "dt": dealtrace, "log": log, "case_id": log.case_table()["case_id"][0].as_py(), "target": "is_won",
        "net": dealtrace.read_pnml("model.pnml"), "day": "2025-01-01", "value": "amount",
        "changes": [dealtrace.Cap("quote_issued", "quote_accepted", "5 d")],
        "expression": dealtrace.where.contains("Quote Accepted"),
    }  # fmt: skip
    calls = set(re.findall(r"`((?:dt|log)\.\w+\([^`]*)`", PAGE))
    assert len(calls) > 30
    for call in sorted(calls):
        eval(
            call.replace("by=...", 'by="region"').replace("limits=...", 'limits={"K18.w": (0.5, None)}'),
            names,
        )
