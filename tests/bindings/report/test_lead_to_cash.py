"""What sales and finance ask, in a result folder: the files are there, whole, and say their schema."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import dealtrace as dt
from dealtrace.cli import main
from dealtrace.report.lead_to_cash import answers, write_answers
from dealtrace_engine.results import plain


@contextmanager
def step(_):
    yield None


def numbers_without_unit(folder):
    """Columns of numbers in the tables of a folder that do not say their unit."""
    return [
        f"{file.name}: {field.name}"
        for file in sorted(folder.glob("*.parquet"))
        for field in pq.read_schema(file)
        if b"unit" not in (field.metadata or {})
        and (pa.types.is_integer(field.type) or pa.types.is_floating(field.type))
    ]  # fmt: skip


@pytest.fixture(scope="module")
def events():
    return dt.lead_to_cash(300, seed=2).events


def test_every_question_has_its_file(events, tmp_path):
    found = answers(dt.from_arrow(events), None, step)
    assert (found.unanswered, found.notes) == ({}, [])
    names = write_answers(found, tmp_path)
    assert set(names) == {"lead_to_cash.json", *(f"{name}.parquet" for name in found.tables)}
    assert set(found.results) < set(found.tables)
    further = {
        "discounts_associations",
        "receivables_ageing",
        "kpis_definitions",
        "drivers_won_apart",
        "bottlenecks_resources",
        "forecast_new_deals",
        "forecast_backtest",
    }
    assert further <= set(found.tables)
    told = json.loads((tmp_path / "lead_to_cash.json").read_text("utf-8"))
    assert told["schema"] == "dealtrace.lead_to_cash/2"
    assert "dealtrace.what_if(log, changes)" in told["left_out"]["what_if"]
    for name, answer in told["answers"].items():
        table = pq.read_table(tmp_path / f"{name}.parquet")
        assert [column["name"] for column in answer["columns"]] == table.column_names
        assert answer["rows"] == table.num_rows >= len(answer["table"])
        assert answer["table"] or name not in found.results or name == "drivers_won"  # few deals tell nothing


def test_times_are_working_time_where_a_calendar_is_given(events, tmp_path, capsys):
    log, hours = dt.from_arrow(events), dt.WorkingCalendar("Europe/Berlin")
    found = answers(log, None, step, hours)
    assert found.unanswered == {}
    for name in (
        "segments",
        "survival",
        "stages",
        "funnel",
        "bottlenecks",
        "rework",
        "handovers",
        "journeys",
    ):
        call = dt.segment_survival if name == "survival" else getattr(dt, name)
        worth = {} if name in ("survival", "handovers") else {"value": "amount"}
        told = [call(log, calendar=one, **worth).to_arrow() for one in (hours, None)]
        assert [found.tables[name].equals(table) for table in told] == [True, False]
    assert "days of 24 working hours" in found.results["drivers_throughput"].target
    path, file = tmp_path / "log.parquet", tmp_path / "hours.toml"
    pq.write_table(events, path)
    file.write_text('by = "region"\n[calendars.DACH]\nzone = "Europe/Berlin"\n', "utf-8")
    words = ["analyze", str(path), "--calendar", str(file)]
    for more, said in (
        ([], "give --findings"),
        (["--findings"], "no calendar for"),
        (["--findings", "-o", str(tmp_path / "out")], "no calendar for"),
    ):
        assert main([*words, *more]) == 1
        assert said in capsys.readouterr().err
    file.write_text('zone = "Europe/Berlin"\n', "utf-8")
    assert main([*words, "--findings", "-o", str(tmp_path / "out"), "--quiet"]) == 0
    assert pq.read_table(tmp_path / "out" / "segments.parquet").equals(found.tables["segments"])
    told = dt.findings(log, calendar=hours).table
    assert pq.read_table(tmp_path / "out" / "findings.parquet").equals(told)
    capsys.readouterr()
    assert main([*words, "--findings", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"]["findings"] == plain(told)
    assert numbers_without_unit(tmp_path / "out") == []
    run = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert any(one.get("role") == "calendar" for one in run["inputs"])


def test_tables_say_what_they_are(events, tmp_path):
    log = dt.from_arrow(events)
    write_answers(answers(log, None, step), tmp_path)
    assert numbers_without_unit(tmp_path) == []
    schema = pq.read_schema(tmp_path / "receivables.parquet")
    about = {name.decode(): said.decode() for name, said in schema.metadata.items()}
    assert about["schema"] == "dealtrace.table/1"
    assert (about["question"], about["definition"]) == ("receivables", dt.receivables(log).definition)
    assert (about["log_fingerprint"], about["dealtrace"]) == (log.fingerprint, dt.__version__)
    assert about["description"].startswith("A row per group and currency")
    column = schema.field("cash_delayed").metadata
    assert column == {b"unit": b"currency x days"}
    assert "cash_delayed: amount times days late of those paid late" in about["description"]
    (same,) = [one for one in json.loads((tmp_path / "lead_to_cash.json").read_text("utf-8"))["answers"][
        "receivables"]["columns"] if one["name"] == "cash_delayed"]  # fmt: skip
    assert same["unit"] == "currency x days"
    forecast = pq.read_schema(tmp_path / "forecast.parquet")
    assert forecast.metadata[b"description"].startswith(b"A row per group and currency")
    units = {name: (forecast.field(name).metadata or {}).get(b"unit") for name in forecast.names}
    assert (units["expected"], units["wins_low"], units["note"]) == (b"currency", b"count", None)
    units = {
        (name, field.name): (field.metadata or {}).get(b"unit", b"").decode()
        for name in ("drivers_won", "drivers_won_apart", "journeys_steps", "rep_benchmark",
                     "discounts_associations", "stages_stuck")
        for field in pq.read_schema(tmp_path / f"{name}.parquet")
    }  # fmt: skip
    assert units["drivers_won", "effect_low"] == "as the target"
    assert units["drivers_won_apart", "with_it"] == units["journeys_steps", "low"] == "share"
    assert units["rep_benchmark", "difference"] == "as in column unit"
    assert units["discounts_associations", "high"] == "as in column measure"
    assert units["drivers_won", "odds_ratio"] == units["stages_stuck", "times_limit"] == "1"
    definitions = pq.read_table(tmp_path / "kpis_definitions.parquet")
    assert {"id", "definition", "numerator", "denominator"} <= set(definitions.column_names)


def test_each_amount_is_in_the_currency_that_is_named(events):
    """Also where the export has converted ones, by which only findings are ranked."""
    money = pc.if_else(pc.equal(events["region"], "Japan"), "JPY", "EUR")
    table = events.append_column("currency", money)
    table = table.append_column("amount_corporate", pc.multiply(events["amount"], 0.01))
    log = dt.from_arrow(table)
    found = answers(log, None, step)
    asked = {"kpis": dt.kpis, "segments": dt.segments, "rules": dt.check_rules, "journeys": dt.journeys,
             "receivables": partial(dt.receivables, period_days=365)}  # fmt: skip
    for name, ask in asked.items():
        made = ask(log, value="amount").to_arrow()
        assert {"EUR", "JPY"} <= set(made["currency"].to_pylist())
        assert found.results[name].to_arrow().equals(made)


def test_the_amount_and_its_currency_can_be_named(events, tmp_path, capsys):
    """For the findings and the answers; without one of a usual name, findings say how to name it."""
    names = [{"amount": "NetValue"}.get(name, name) for name in events.column_names]
    unit = pc.if_else(pc.equal(events["region"], "Japan"), "JPY", "EUR")
    pq.write_table(events.rename_columns(names).append_column("unit", unit), tmp_path / "log.parquet")
    words, out = ["analyze", str(tmp_path / "log.parquet")], tmp_path / "out"
    assert main([*words, "--value", "NetValue", "--currency", "unit"]) == 1
    assert "--value and --currency only for what sales asks" in capsys.readouterr().err
    for option, name in (("--value", "amuont"), ("--currency", "unti")):
        assert main([*words, "--findings", option, name]) == 1
        assert name in capsys.readouterr().err
    assert main([*words, "--findings", "--lang", "de"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "ohne Geldbeträge, da keine nutzbare Spalte „amount“, „value“ oder ähnlich heißt" in told
    assert "anzugeben mit --value (" in told
    named = ["--value", "NetValue", "--currency", "unit"]
    assert main([*words, "--findings", *named, "-o", str(out), "--quiet"]) == 0
    log = dt.read_parquet(tmp_path / "log.parquet")
    money = {"value": "NetValue", "currency": "unit"}
    assert pq.read_table(out / "findings.parquet").equals(dt.findings(log, **money).table)
    assert pq.read_table(out / "kpis.parquet").equals(dt.kpis(log, **money).to_arrow())
    assert pq.read_table(out / "discounts.parquet").equals(dt.discounts(log, **money).to_arrow())
    parameters = json.loads((out / "manifest.json").read_text())["parameters"]
    assert {name: parameters[name] for name in money} == money
    for wrong in ({"value": "amuont"}, {"value": "NetValue", "currency": "unti"}):
        with pytest.raises(dt.SchemaError, match=r"amuont|unti"):
            answers(log, None, step, **wrong)


@pytest.mark.parametrize(
    ("spoil", "notes"),
    [
        (lambda t: t.set_column(t.column_names.index("amount"), "amount", pa.array(range(len(t)))),
         ["varies within cases", "name one with value="]),
        (lambda t: t.rename_columns({"amount": "value"}).set_column(
            t.column_names.index("amount"), "value", pa.array(["much"] * len(t))),
         ["has no numbers", "name one with value="]),
        (lambda t: t.drop_columns(["amount"]), ["name one with value="]),
        (lambda t: t.rename_columns({"amount": "opportunity_value"}), []),
    ],
)  # fmt: skip
def test_an_amount_that_cannot_be_used_takes_no_answer_away(events, spoil, notes):
    log = dt.from_arrow(spoil(events))
    found = answers(log, None, step)
    has_money = "opportunity_value" in log.attribute_names
    assert set(found.unanswered) == (set() if has_money else {"discounts"})
    assert [note in one for note, one in zip(notes, found.notes, strict=True)] == [True] * len(notes)
    owed = found.results["receivables"].to_arrow()["amount_open"].to_pylist()
    assert (None not in owed) is has_money


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
