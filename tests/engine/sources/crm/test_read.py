"""The whole way from tables to a log, on a CRM of three deals."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from time import sleep

import polars as pl
import pytest

from dealtrace_engine.errors import Cancelled, LogError, MappingError, ParseError, SchemaError
from dealtrace_engine.sources.crm import read
from dealtrace_engine.sources.crm.assemble import assembled
from dealtrace_engine.sources.crm.custom import custom_rules
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.read import log_of, raw_export
from dealtrace_engine.sources.crm.tables import CrmTables, Kind
from fake_crm import D1, D2, D3, FRAMES, SYSTEM, raw_of


def log(mapping=None, frames=FRAMES, **more):
    return log_of(SYSTEM, raw_of(frames), mapping or CrmMapping(), **more)


def path(log, case):
    trace = log.case(case).table
    return list(zip(trace["activity"].to_pylist(), trace["timestamp"].to_pylist(), strict=True))


def at(day, hour, minute=0, second=0, month=3):
    return datetime(2024, month, day, hour, minute, second, tzinfo=UTC)


def test_the_events_of_a_deal_in_their_order():
    assert path(log(), D1) == [
        ("Lead Captured", datetime(2023, 12, 24, 8, tzinfo=UTC)),
        ("Opportunity Created", at(1, 10, month=1)),
        ("Opportunity Stage Changed", at(5, 12)),
        ("Quote Created", at(6, 8)),
        ("Quote Created", at(7, 8)),
        ("Opportunity Stage Changed", at(20, 9)),
        ("Opportunity Closed Won", at(20, 9)),
    ]
    assert path(log(), D2)[1] == ("Opportunity Closed Won", at(25, 23, 59, 59))
    assert path(log(), D3)[0] == ("Opportunity Created", at(2, 10))


def test_the_log_does_not_depend_on_the_order_of_rows():
    turned = {name: {column: values[::-1] for column, values in columns.items()}
              for name, columns in FRAMES.items()}  # fmt: skip
    assert log(frames=turned).fingerprint == log().fingerprint


def test_roles_and_attributes_of_events():
    found = log()
    events = found.to_polars(
        ["activity_id", "resource_name", "event_amount", "source_object", "share", "via"]
    )
    won = events.filter(pl.col("activity_id") == "opportunity_won").row(0, named=True)
    assert (won["resource_name"], won["source_object"], won["share"], won["via"]) == (
        "bob", "DealHistory", 1.0, "Id",
    )  # fmt: skip
    assert events["event_amount"].to_list().count(100.0) == 1
    assert found.origin.roles["resource"] == "resource_name"
    assert "fact" not in found.attribute_names
    assert "end_timestamp" not in found.attribute_names  # nothing in it


def test_the_case_table():
    table = pl.from_arrow(log().case_table(["amount", "currency", "outcome", "created", "quote_count"]))
    assert table.filter(pl.col("case_id").cast(str) == D1).row(0) == (D1, 100.0, "EUR", "Won",
                                                                       at(1, 10, month=1), 2)  # fmt: skip


@pytest.mark.parametrize(
    ("language", "name"), [("de", "Opportunity gewonnen"), ("ja", "商談受注"), ("zh", "赢单")]
)
def test_activities_in_other_languages(language, name):
    assert name in log(language=language).activities.to_pylist()
    assert name in log(CrmMapping(language=language)).activities.to_pylist()
    assert name not in log(CrmMapping(language=language), language="en").activities.to_pylist()
    ids = [
        set(found.attribute("activity_id").values.to_pylist()) for found in (log(), log(language=language))
    ]
    assert ids[0] == ids[1]


def test_an_unknown_language():
    with pytest.raises(SchemaError, match="choose from en, de"):
        log(language="es")


def test_stages_by_name():
    named = log(CrmMapping(stage_activity="Phase: <to> (von <from>)"))
    assert "Phase: Negotiation (von ?)" in named.activities.to_pylist()
    assert "Opportunity Stage Changed" not in named.activities.to_pylist()


def test_a_table_of_ones_own():
    mapping = CrmMapping(
        objects={"Esign__c": {"id": "Id", "case": "Deal__c", "contract_signed": "On__c", "resource": "By__c",
                              "amount": "Sum__c"}},
        fields={"Deal.Region__c": "region"},
    )  # fmt: skip
    frames = {**FRAMES, "Deal": {**FRAMES["Deal"], "Region__c": ["DACH", "DACH", ""]},
              "Esign__c": {"Id": ["e1", "e2"], "Deal__c": [D1, D2], "On__c": ["2024-03-19", "2024-03-24"],
                           "By__c": ["cy", "cy"], "Sum__c": ["99", ""]}}  # fmt: skip
    found = log(mapping, frames)
    assert path(found, D1)[-3] == ("Contract Signed", at(19, 23, 59, 59))
    signed = found.quality.coverage.activities["contract_signed"]
    assert signed["rule_id"] == {"contract_signed.Esign__c": 2}
    assert signed["ts_precision"] == {"date": 2}
    assert found.quality.coverage.unverified == ["opportunity_won.F2"]
    assert found.attribute("region").values.to_pylist().count("DACH") == 2
    frames["Esign__c"]["On__c"] = ["2024-03-19 10:30:00", "2024-03-24"]
    assert path(log(mapping, frames), D1)[-3] == ("Contract Signed", at(19, 10, 30))


@pytest.mark.parametrize(
    ("meanings", "what"),
    [
        ({"id": "Id", "case": "D"}, "names no activity"),
        ({"id": "Id", "contract_signed": "On"}, "which column is 'case'"),
        ({"case": "D", "contract_signed": "On"}, "which column is 'id'"),
        ({"id": "Id", "case": "D", "contract_singed": "On"}, "nearest: 'contract_signed'"),
    ],
)
def test_a_table_of_ones_own_that_is_not_understood(meanings, what):
    with pytest.raises(MappingError, match=what):
        custom_rules(CrmMapping(objects={"Esign__c": meanings}))


def test_a_field_of_ones_own_needs_its_object():
    with pytest.raises(MappingError, match=r"'Region__c' is not of the form Object\.Field"):
        log(CrmMapping(fields={"Region__c": "region"}))


def test_findings_and_rows_are_told():
    frames = {**FRAMES, "Quote": {**FRAMES["Quote"], "Created": ["yesterday", "2024-03-07 08:00:00", ""]}}
    found = log(frames=frames)
    reasons = [finding.reason for finding in found.quality.noted]
    assert "Quote.Created is no instant" in reasons
    assert found.quality.rows_dropped == 0


def test_progress_can_stop_it():
    steps = []
    log(progress=lambda done, of: steps.append((done, of)))
    assert steps[-1] == (5, 5)
    with pytest.raises(Cancelled):
        log(progress=lambda done, of: False)


def test_a_mapping_that_switches_every_rule_off():
    none = {rule.activity: () for rule in SYSTEM.rules}
    with pytest.raises(LogError, match="no event could be derived for any opportunity"):
        log(CrmMapping(ladders=none))


def test_no_events_at_all():
    with pytest.raises(LogError, match="no event could be derived for any case"):
        assembled(pl.DataFrame({"case_id": []}), pl.DataFrame({"case_id": []}), label="memory")


def test_what_is_at_a_path(tmp_path):
    with pytest.raises(ParseError, match="there is no such file or folder"):
        raw_export(SYSTEM, tmp_path / "none", None, CrmMapping())
    with pytest.raises(ParseError, match=r"does not look like an export of salesforce; .*folder"):
        raw_export(SYSTEM, tmp_path, None, CrmMapping())
    with pytest.raises(ParseError, match=r"no exports of the shape 'bulk'; there are folder"):
        raw_export(SYSTEM, tmp_path, "bulk", CrmMapping())
    (tmp_path / "Deal.csv").write_text("Id,Created\n1,2024-01-01\n")
    raw, how = raw_export(SYSTEM, tmp_path, None, CrmMapping())
    assert (raw.shape, how) == ("folder", "recognised")
    assert raw_export(SYSTEM, tmp_path, "folder", CrmMapping())[1] == "given"


def test_what_several_threads_ask_for_is_made_once():
    tables = CrmTables(raw_of(FRAMES), SYSTEM.catalog)
    made, begun = [], Barrier(4)

    def make():
        made.append(1)
        sleep(0.01)
        return pl.LazyFrame({"a": [1]})

    def ask(_):
        begun.wait()
        return tables.once("what", make).collect().item()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [1] * 4
    assert made == [1]


def test_findings_do_not_depend_on_how_many_threads_there_are():
    assert log(threads=1).quality == log(threads=2).quality


def test_a_span_is_not_known_before_it_is_looked_up():
    tables = CrmTables(raw_of(FRAMES), SYSTEM.catalog)
    name, column = next(
        (name, column) for name, kinds in SYSTEM.catalog.items() for column, kind in kinds.items()
        if kind is Kind.INSTANT and tables.has(name, column)
    )  # fmt: skip
    seen = []
    only = CrmTables.only
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CrmTables, "only", lambda *a: seen.append(tables.knows(name, column)) or only(*a))
        assert tables.span(name, column)[0] is not None
    assert seen == [False]


def test_ladders_one_after_the_other_find_the_same(monkeypatch):
    side_by_side = log()
    monkeypatch.setattr(read, "SIDE_BY_SIDE", 0)
    assert log().to_arrow().equals(side_by_side.to_arrow())
