"""Every figure of a coverage report, counted by hand on three deals."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest

from dealtrace_engine.coverage import Coverage
from dealtrace_engine.errors import LogError
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.read import log_of
from fake_crm import D1, D2, D3, FRAMES, SYSTEM, raw_of


def coverage(mapping=None, raw=None, **changed):
    """The report on `FRAMES` with some columns, or whole tables (None), exchanged."""
    frames = {name: dict(columns) for name, columns in FRAMES.items()}
    for name, columns in changed.items():
        if columns is None:
            del frames[name]
        else:
            frames[name] = {**frames.get(name, {}), **columns}
    log = log_of(SYSTEM, raw or raw_of(frames), mapping or CrmMapping())
    return log.quality.coverage


def test_what_was_exported():
    found = coverage()
    assert (found.system, found.shape, found.how_recognised) == ("salesforce", "tables", "given")
    assert found.exported == "2024-05-01T00:00:00"
    assert found.zone == "UTC"
    assert coverage(CrmMapping(zone="Asia/Tokyo")).zone == "Asia/Tokyo"
    assert found.objects == {"Deal": 3, "DealHistory": 3, "Quote": 3, "Prospect": 2}


def test_the_export_time_that_the_export_says_comes_first():
    raw = raw_of(FRAMES)
    object.__setattr__(raw, "exported", datetime(2024, 5, 2, 3, tzinfo=UTC))
    assert coverage(raw=raw).exported == "2024-05-02T03:00:00"
    assert coverage(Deal={"Touched": [""] * 3}).exported is None


def test_what_is_missing_and_what_cannot_be_told():
    found = coverage()
    assert found.missing == ["Signature"]
    assert found.underivable == {"contract_signed": "needs Signature.On, which the export has not"}
    assert coverage(Prospect=None).missing == ["Prospect", "Signature"]
    found = coverage(Quote={"DealId": ["", "", ""]})
    assert found.underivable["quote_created"] == "only of records that have no case"
    found = coverage(Quote={"Created": ["", "", ""]})
    assert found.underivable["quote_created"] == "the export has what is needed, but no such record"
    frames = {**FRAMES, "DealHistory": {k: v for k, v in FRAMES["DealHistory"].items() if k != "Stage"}}
    assert "DealHistory.Stage" in coverage(raw=raw_of(frames)).missing


def test_what_the_case_table_and_the_history_lack_is_missing_and_no_table_of_a_mapping_is():
    system = replace(SYSTEM, described_by=("Deal.Amount", "Deal.Stage"))
    frames = {**FRAMES, "Deal": {name: c for name, c in FRAMES["Deal"].items() if name != "Amount"}}
    frames["DealHistory"] = {name: c for name, c in FRAMES["DealHistory"].items() if name != "At"}
    found = log_of(system, raw_of(frames), CrmMapping()).quality.coverage
    assert found.missing == ["Deal.Amount", "DealHistory.At", "Signature"]
    own = replace(SYSTEM.rules[-1], activity="contract_created", needs=("a table that the mapping names",))
    found = log_of(replace(SYSTEM, rules=(*SYSTEM.rules, own)), raw_of(FRAMES), CrmMapping()).quality.coverage
    assert found.missing == ["Signature"]


def test_stamps_of_the_future_are_counted_and_no_export_time():
    touched = ["2090-01-01 00:00:00", "2024-05-01 00:00:00", "2090-01-02 00:00:00"]
    log = log_of(SYSTEM, raw_of({**FRAMES, "Deal": {**FRAMES["Deal"], "Touched": touched}}), CrmMapping())
    assert log.quality.coverage.exported == "2024-05-01T00:00:00"
    assert ("Deal.Touched lies in the future", 2) in [(f.reason, f.count) for f in log.quality.noted]
    assert coverage(Deal={"Touched": touched[:1] * 3}).exported == "2090-01-01T00:00:00"


def test_activities_by_rule_quality_and_precision():
    found = coverage().activities
    assert list(found) == ["lead_captured", "opportunity_created", "opportunity_stage_changed",
                           "quote_created", "opportunity_won"]  # fmt: skip
    assert found["opportunity_won"] == {
        "rule_id": {"opportunity_won.F1": 1, "opportunity_won.F2": 1},
        "ts_quality": {"field": 1, "history": 1},
        "ts_precision": {"date": 1, "instant": 1},
    }
    assert found["quote_created"]["rule_id"] == {"quote_created.F1": 2}


def test_rules_that_no_vendor_documents():
    assert coverage().unverified == ["opportunity_won.F2"]
    assert coverage(Deal={"Outcome": ["Won", "Open", "Open"]}).unverified == []


def test_history_and_since_when_it_is_kept():
    found = coverage()
    assert found.history == {"DealHistory": {"rows": 3, "first": "2024-03-02T10:00:00",
                                             "last": "2024-03-20T09:00:00", "older_cases": 1}}  # fmt: skip
    assert (found.horizon, found.left_truncated) == ("2024-03-02T10:00:00", 1)
    young = coverage(Deal={"Created": ["2024-02-28 00:00:00"] * 3})
    assert (young.horizon, young.left_truncated) == (None, 0)
    assert coverage(DealHistory=None).history == {}
    assert coverage(DealHistory=None).horizon is None


def test_since_when_activities_are_known_that_only_history_tells():
    since = "2024-03-02T10:00:00"
    assert coverage().horizons == {"opportunity_stage_changed": since}  # one was won by its close date
    unsold = coverage(Deal={"Outcome": ["Won", "Open", "Open"]})
    assert unsold.horizons == {"opportunity_stage_changed": since, "opportunity_won": since}
    assert dict(unsold.lines())["known since"] == f"{since}: opportunity_stage_changed, opportunity_won"
    assert coverage(Deal={"Created": ["2024-02-28 00:00:00"] * 3}).horizons == {}
    audited = tuple(replace(rule, quality="audit", source_object="log") if rule.quality == "history" else rule
                    for rule in SYSTEM.rules)  # fmt: skip
    found = log_of(replace(SYSTEM, rules=audited), raw_of(FRAMES), CrmMapping()).quality.coverage
    assert found.horizons == coverage().horizons


def test_closings():
    found = coverage()
    assert (found.closed, found.closed_with_change) == (2, 1)
    assert found.cases_without_history == 1
    assert coverage(Deal={"Outcome": ["Won", "Lost", "Lost"]}).closed == 3


def test_orphans_shared_and_several():
    found = coverage()
    assert found.orphans == {"lead": {"records": 1, "events": 1}, "quote": {"records": 1, "events": 1}}
    assert found.shared_events == 0
    assert found.several == {"quote": 1}
    assert found.leads_without_case == 1
    shared = coverage(Quote={"Id": ["q1", "q1", "q3"], "DealId": [D1, D2, D3]})
    assert shared.shared_events == 2  # both rows of the one quote are in two cases
    assert shared.several == {}


def test_odd_times():
    assert (coverage().before_creation, coverage().after_export) == (0, 0)
    early = coverage(Quote={"Created": ["2023-12-31 00:00:00", "2024-03-07 08:00:00", ""]})
    assert early.before_creation == 1  # the lead was before the deal, as it should be
    late = coverage(Quote={"Created": ["2024-06-01 00:00:00", "2024-03-07 08:00:00", ""]})
    assert late.after_export == 1
    assert coverage(Deal={"CloseDate": ["2024-03-20", "2024-05-01", ""]}).after_export == 0
    assert coverage(Deal={"CloseDate": ["2024-03-20", "2024-05-02", ""]}).after_export == 1


def test_values_that_nothing_or_too_much_is_known_of():
    found = coverage()
    assert found.unmapped == {"Prospect.Status": {"odd": 2}}
    assert found.ambiguous_labels == {"Quote.Status Needs Review": ["quote.draft", "quote.in_approval"]}
    settled = CrmMapping(statuses={"quote.draft": ["draft"]})
    assert coverage(settled).ambiguous_labels == {}


def test_migrated_currencies_and_rates():
    found = coverage()
    assert (found.migrated, found.currencies, found.rates) == (1, {"EUR": 2, "USD": 1}, False)
    assert coverage(Rate={"Currency": ["EUR"], "Rate": ["1"]}).rates


def test_the_order_of_events():
    found = coverage().ambiguous
    assert found["pairs"] == 8
    assert found["tied"] == 2  # won and its stage, created and its stage
    assert found["within_day"] == found["within_minute"] == 0
    assert found["throughput"]["p50_s"][0] <= found["throughput"]["p50_s"][2]


def test_a_report_is_plain_and_comes_back():
    found = coverage()
    assert Coverage.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    told = dict(found.lines())
    assert told["export"] == "salesforce, tables (given)"
    assert told["closings"] == "1 of 2 found in history (50.0%)"
    assert "EUR 2, USD 1 (no rates" in told["currencies"]


def test_no_event_at_all_says_what_is_there_and_what_is_missing():
    raw = raw_of({"Quote": {"Id": ["q1"], "Status": ["Draft"]}})
    with pytest.raises(LogError, match=r"for any opportunity: the export has Quote \(1\); missing: Deal, "):
        log_of(SYSTEM, raw, CrmMapping())


def test_a_case_that_is_there_twice_is_counted():
    frames = {**FRAMES, "Deal": {name: [*values, values[0]] for name, values in FRAMES["Deal"].items()}}
    log = log_of(SYSTEM, raw_of(frames), CrmMapping())
    assert log.cases == 3
    assert [f.count for f in log.quality.noted if "more than once" in f.reason] == [1]
    assert pl.from_arrow(log.case_table(["amount"]))["amount"].to_list() == [100.0, 20.5, None]
