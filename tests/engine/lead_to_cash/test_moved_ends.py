"""Ready times between other ends: named by the caller, or by the mapping file of the export."""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
import pytest

import dealtrace as dt
from deal_logs import log_of, row
from dealtrace.cli import main
from dealtrace_engine.analyses.segment_ends import SegmentEnd
from dealtrace_engine.coverage import Coverage
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.lead_to_cash.kpi_comparison import compare_periods
from dealtrace_engine.lead_to_cash.kpi_registry import REGISTRY, chosen
from dealtrace_engine.lead_to_cash.kpis import kpis
from dealtrace_engine.lead_to_cash.milestones import LEAD_TO_CASH_SEGMENTS
from dealtrace_engine.lead_to_cash.segments import segments
from dealtrace_engine.lead_to_cash.survival import segment_survival
from dealtrace_engine.sources.crm.mapping_ends import MOVABLE
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

MAPPING = """\
format = 1
[ends.K1.w]
from = "lead_captured"
[ends.K16]
s = { to = ["payment_received", "Visited"], last = false }
[ends."k7.t"]
to = "quote_issued"
"""


@pytest.fixture
def log():
    return log_of(
        ("a", "lead_captured", 0), ("a", "opportunity_created", 2), ("a", "quote_created", 5),
        ("a", "quote_issued", 9), ("a", "opportunity_won", 12), ("a", "invoice_sent", 23),
        ("a", "payment_received", 30), ("a", "payment_received", 40),
        ("b", "opportunity_created", 4), ("b", "opportunity_won", 10),
    )  # fmt: skip


def medians(found):
    return {one["id"]: one["value"] for one in found.table.to_pylist()}


def test_what_can_be_moved_is_every_time_between_activities():
    times = {kpi.id for kpi in REGISTRY if kpi.kind == "median" and kpi.start}
    assert times <= set(MOVABLE)
    others = {name.casefold() for name in MOVABLE} - {name.casefold() for name in times}
    ready = {segment.id.casefold() for segment in LEAD_TO_CASH_SEGMENTS}
    assert others <= ready
    assert ready - {name.casefold() for name in MOVABLE} == {"k6", "k7"}  # K6.o and K7.t move these


def test_by_the_caller(log):
    ends = {"K1.W": ("lead_captured", "opportunity_won"), "K16.s": ("invoice_sent", "payment_received")}
    found = kpis(log, ["K1.w", "K16.s"], ends=ends)
    assert medians(found) == {"K1.w": 12.0, "K16.s": 7.0}
    assert medians(kpis(log, ["K1.w", "K16.s"])) == {"K1.w": 8.0, "K16.s": 17.0}
    assert row(found, "K1.w")["cases"] == 1
    assert found.definitions["definition"][0].as_py() == (
        "Median days from the first Lead Captured to the first Opportunity Closed Won, of those with Lead "
        "Captured that got there."
    )
    last = kpis(log, "K16.s", ends={"K16.s": ("invoice_sent", SegmentEnd(("payment_received",), "last"))})
    assert medians(last) == {"K16.s": 17.0}
    either = kpis(log, "K7.t", ends={"K7.t": {"to": ["quote_issued", "Quote Revised"]}})
    assert medians(either) == {"K7.t": 7.0}
    missing = kpis(log, "K13", ends={"K13": ("Handed over", "sales_order_created")})
    assert row(missing, "K13")["note"] == "the log has no activity 'Handed over'"


def test_by_the_mapping_file(log, tmp_path):
    path = tmp_path / "mapping.toml"
    path.write_text(MAPPING, "utf-8")
    ends = dt.read_mapping(path).ends
    wanted = {"K1.w": 12.0, "K7.t": 7.0, "K16.s": 7.0}
    assert medians(kpis(log, list(wanted), ends=ends)) == wanted
    object.__setattr__(log, "origin", replace(log.origin, coverage=Coverage("salesforce", "x", ends=ends)))
    assert medians(kpis(log, list(wanted))) == wanted
    assert medians(kpis(log, "K1.w", ends={})) == {"K1.w": 8.0}  # the caller has the last word
    rows = {one["segment"]: one for one in segments(log).table.to_pylist()}
    assert (rows["K1.W"]["p50_s"], rows["K7"]["p50_s"], rows["K16.S"]["p50_s"]) == (
        12 * 86_400, 7 * 86_400, 7 * 86_400,
    )  # fmt: skip
    assert segment_survival(log).of("K1.W").table["reached"].to_pylist() == [1]
    compared = compare_periods(log, "1970-01-02", "K1.w").table.to_pylist()[0]
    assert (compared["cases_before"] or 0) + (compared["cases_after"] or 0) <= 1


def test_equal_to_polars():
    events = lead_to_cash(300, seed=2).events
    first = (
        pl.DataFrame(events).filter(pl.col("activity").is_in(["Lead Qualified", "Quote Created"]))
        .group_by("case_id", "activity").agg(pl.col("timestamp").min())
    )  # fmt: skip
    made, quoted = (first.filter(activity=name) for name in ("Lead Qualified", "Quote Created"))
    pairs = made.join(quoted, on="case_id").filter(pl.col("timestamp_right") >= pl.col("timestamp"))
    days = (pairs["timestamp_right"] - pairs["timestamp"]).dt.total_microseconds().median() / 86_400e6
    found = kpis(from_arrow(events), "K7.t", ends={"K7.t": ("lead_qualified", "quote_created")})
    assert row(found, "K7.t")["value"] == pytest.approx(days)
    assert row(found, "K7.t")["numerator"] == pairs.height


def test_records_stand_for_times_of_their_own_events_only():
    log = log_of(
        ("a", "quote_created", 1), ("a", "quote_created", 2), ("a", "quote_accepted", 5),
        ("a", "contract_signed", 9), object=["quote"] * 3 + ["contract"], record_id=["q", "r", "r", "c"],
    )  # fmt: skip
    plain, moved = kpis(log, "K9.d"), kpis(log, "K9.d", ends={"K9.d": {"to": "contract_signed"}})
    assert (row(plain, "K9.d")["counted"], row(plain, "K9.d")["value"]) == ("record", 3.0)
    assert (row(moved, "K9.d")["counted"], row(moved, "K9.d")["value"]) == ("case", 8.0)
    assert "its ends are not those of quotes: one per case" in row(moved, "K9.d")["note"]


@pytest.mark.parametrize(
    ("ends", "what"),
    [
        ({"K99": ("a", "b")}, "no segment 'K99'"),
        ({"K18.w": ("a", "b")}, "'K18.w' is no time between activities"),
        ({"K13": "quote_accepted"}, "lies between a source and a target"),
        ({"K13": ("a",)}, "lies between a source and a target"),
        ({"K13": (1, "b")}, "one activity or several"),
        ({"K13": {"form": "a"}}, "from, to, last"),
        ({"K13": {}}, "from, to, last"),
        ({"K13": (SegmentEnd(("a",), "last"), "b")}, "from the first start"),
        ({"K13": ("a", SegmentEnd(("b",), timestamp="start"))}, "when activities ended"),
    ],
)
def test_bad_ends(log, ends, what):
    with pytest.raises(ArgumentError, match=what):
        kpis(log, "K13", ends=ends)


@pytest.mark.parametrize(
    ("ends", "what"),
    [
        ({"K6.L": ("a", "b"), "K11.D": ("a", "b")}, r"as the KPI 'K6\.L' is; kpis\(log, ends=...\) moves it"),
        ({"K13": ("a", "b"), "k13": ("a", "b")}, "ends of 'k13' are given twice"),
        ({"K6.o": ("a", "b"), "K6": ("a", "b")}, "ends of 'K6' are given twice"),
    ],
)
def test_ends_that_would_change_nothing(log, ends, what):
    for measured in (segments, segment_survival):
        with pytest.raises(ArgumentError, match=what):
            measured(log, ends=ends)
    object.__setattr__(log, "origin", replace(log.origin, coverage=Coverage("salesforce", "x", ends={
        "K6.L": {"from": "quote_created"}, "K7.t": {"to": "quote_issued"},
    })))  # fmt: skip
    rows = {one["segment"]: one for one in segments(log).table.to_pylist()}
    assert rows["K7"]["p50_s"] == 7 * 86_400  # a mapping file moves KPIs too


def test_on_the_command_line(log, tmp_path, capsys):
    import pyarrow.parquet as pq

    mapping, path = tmp_path / "mapping.toml", tmp_path / "log.parquet"
    mapping.write_text(MAPPING, "utf-8")
    pq.write_table(log.to_arrow(), path)
    asked = ["kpis", str(path), "--ids", "K1.w", "--json"]
    values = []
    for more in ([], ["--mapping", str(mapping)]):
        assert main([*asked, *more]) == 0
        values.append(json.loads(capsys.readouterr().out)["kpis"][0]["value"])
    assert values == [8.0, 12.0]
    mapping.write_text(MAPPING.replace("lead_captured", "lead_catpured"), "utf-8")
    assert main([*asked, "--mapping", str(mapping)]) != 0
    said = capsys.readouterr()
    assert "line 3" in said.out + said.err
    assert "lead_captured" in said.out + said.err


def test_of_an_export(tmp_path):
    assert (
        main(["demo", "--crm", "salesforce", "--deals", "60", "-o", str(tmp_path / "acme"), "--quiet"]) == 0
    )
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('format = 1\n[ends.K1.w]\nfrom = "lead_captured"\n', "utf-8")
    export = tmp_path / "acme" / "export"
    plain, moved = dt.read_salesforce(export), dt.read_salesforce(export, mapping=mapping)
    assert dt.kpis(moved, "K1.w").table.equals(
        dt.kpis(plain, "K1.w", ends={"K1.w": ("lead_captured", "opportunity_won")}).table
    )
    assert chosen("K1.w")[0].numerator != dt.kpis(moved, "K1.w").kpis[0].numerator
    assert ("moved", "K1.w: from lead_captured") in list(moved.quality.coverage.lines())
    moved.save(tmp_path / "own.dealtrace")
    again = dt.open(tmp_path / "own.dealtrace")
    assert dt.kpis(again, "K1.w").table.equals(dt.kpis(moved, "K1.w").table)
