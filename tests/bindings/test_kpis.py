"""`dealtrace kpis`."""

from __future__ import annotations

import json

import pytest

import dealtrace as dt
from dealtrace.cli import main
from dealtrace_engine.lead_to_cash.kpi_registry import REGISTRY


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    import pyarrow.parquet as pq

    path = tmp_path_factory.mktemp("kpis") / "log.parquet"
    pq.write_table(dt.lead_to_cash(300, seed=1).events, path)
    return str(path)


def test_one_document(log, capsys):
    assert main(["kpis", log, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == "dealtrace.kpis/1"
    assert [row["id"] for row in answer["kpis"]] == [kpi.id for kpi in REGISTRY]
    assert {"id", "name", "value", "unit", "grain", "cases"} <= set(answer["kpis"][0])
    truths = dt.lead_to_cash(300, seed=1).truths
    (won,) = [row for row in answer["kpis"] if row["id"] == "K18.w"]
    assert won["value"] == truths["won"] / (truths["won"] + truths["lost"])


def test_groups_periods_and_targets(log, capsys):
    asked = ["--ids", "K18.w,K1", "--by", "region", "--period", "year", "--target", "K18.w=0.5", "--json"]
    assert main(["kpis", log, *asked]) == 0
    rows = json.loads(capsys.readouterr().out)["kpis"]
    assert {row["id"] for row in rows} == {"K1.s", "K1.d", "K1.w", "K18.w"}
    assert {row["period"] for row in rows} == {"2024", "2025"}
    assert {row["met"] for row in rows if row["id"] == "K18.w"} <= {True, False, None}
    assert all("region" in row for row in rows)


def test_for_people(log, capsys):
    assert main(["kpis", log, "--lang", "DE", "--value", "amount", "--target", "K18.w=0.1"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    read = dt.read_parquet(log)
    counted = f"K27.n Varianten {dt.variants(read).table.num_rows} {read.cases}"
    named = "K25.n Anteil offener Opportunities"
    for part in ("Kennzahl Wert 95 % von offen Ziel", "K18.w Gewinnquote", "10,0 % erreicht", "K13 Zeit vom",
                 " Tage ", "Nicht ermittelbar", "außerhalb des Logs: not computable",
                 counted, named):  # fmt: skip
        assert part in said
    assert main(["kpis", log, "--quiet"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("is_terminal", [False, True])
def test_nothing_is_cut(log, capsys, monkeypatch, is_terminal):
    """Whole lines where nobody looks; on a terminal names are folded, figures never."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    monkeypatch.setenv("COLUMNS", "80")
    asked = ["--ids", "K16,K18.w", "--by", "region,segment", "--period", "quarter", "--target", "K18.w=0.5"]
    assert main(["kpis", log, *asked]) == 0
    out = capsys.readouterr().out
    assert "…" not in out
    assert ("K16.s Invoice-to-payment time (from sending) " in out) is not is_terminal
    assert "K16.s Invoice-to-payment" in out
    assert "needs --value, the attribute" in out
    for row in dt.kpis(dt.from_arrow(dt.lead_to_cash(300, seed=1).events), "K16.s",
                       by=["region", "segment"], period="quarter").table.to_pylist():  # fmt: skip
        assert row["value"] is None or f" {row['value']:.1f} d " in out


def test_working_time_and_currency(log, tmp_path, capsys):
    hours = tmp_path / "hours.toml"
    hours.write_text('zone = "Europe/Berlin"\n', "utf-8")
    asked = [
        "--ids",
        "K1.w",
        "--value",
        "amount",
        "--currency",
        "segment",
        "--calendar",
        str(hours),
        "--json",
    ]
    assert main(["kpis", log, *asked]) == 0
    rows = json.loads(capsys.readouterr().out)["kpis"]
    read = dt.read_parquet(log)
    given = {"value": "amount", "currency": "segment", "calendar": dt.WorkingCalendar("Europe/Berlin")}
    expected = dt.kpis(read, "K1.w", **given).table
    assert [row["currency"] for row in rows] == expected["currency"].to_pylist()
    assert [row["value"] for row in rows] == expected["value"].to_pylist()
    by_clock = dt.kpis(read, "K1.w", value="amount", currency="segment").table
    assert expected["value"].to_pylist() != by_clock["value"].to_pylist()
    hours.write_text('zone = "Berlin"\n', "utf-8")
    assert main(["kpis", log, "--calendar", str(hours)]) == 1
    assert "hours.toml, line 1: key 'zone'" in capsys.readouterr().err


def test_as_of(log, capsys):
    overdue = []
    for as_of in ([], ["--as-of", "2035-01-01"]):
        assert main(["kpis", log, "--ids", "K17.o", "--json", *as_of]) == 0
        overdue += json.loads(capsys.readouterr().out)["kpis"]
    assert overdue[0]["value"] < overdue[1]["value"]


def test_a_filter(log, capsys):
    won = '{"version": 1, "filter": {"op": "contains", "activity": "Opportunity Closed Won"}}'
    assert main(["kpis", log, "--filter", won, "--ids", "K1.w", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["kpis"]
    assert row["cases"] == row["numerator"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--ids", "K99"], "there is no KPI 'K99'"),
        (["--target", "K1"], "no target: 'K1'"),
        (["--value", "region"], "has no amounts but text"),
        (["--by", "colour"], "there is no column 'colour'"),
        (["--lang", "xx"], "there is no language 'xx'; choose from en, de, fr, it, ja, zh"),
        (["--as-of", "2020-01-01"], "--as-of is before the last event"),
    ],
)
def test_what_is_wrong(log, capsys, asked, said):
    assert main(["kpis", log, *asked]) == 1
    assert said in capsys.readouterr().err


def test_an_export(tmp_path, capsys):
    assert main(["demo", "--crm", "salesforce", "--deals", "60", "-o", str(tmp_path), "--quiet"]) == 0
    capsys.readouterr()
    asked = ["--ids", "K3,K10,K18.w", "--json"]
    assert main(["kpis", str(tmp_path / "export"), *asked]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)["kpis"]}
    assert "not in this log" in rows["K3"]["note"]
    assert rows["K10"]["counted"] == "record"
    assert main(["kpis", str(tmp_path / "export"), "--ids", "K3"]) == 0
    assert "not in this log; read it with --case-object lead\n" in capsys.readouterr().out
    assert main(["kpis", str(tmp_path / "export"), "--case-object", "lead", *asked]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)["kpis"]}
    assert 0 < rows["K3"]["value"] < 1
