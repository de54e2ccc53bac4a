"""Rules run family by family: each table is read once, and what is asked for after its family is there."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import polars as pl
import pytest

from dealtrace_engine.sources.crm.mapping import LEADING, CrmMapping
from dealtrace_engine.sources.crm.read import log_of, raw_export
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.asked import asked
from dealtrace_engine.sources.salesforce.objects import CATALOG
from dealtrace_engine.sources.salesforce.system import SYSTEM
from dealtrace_engine.synthetic.crm.writing import EXPORT, SYSTEMS, write_organisation


def export_of(shape, folder):
    write_organisation("salesforce", shape, 30, 5, folder)
    return folder / EXPORT


@pytest.fixture(scope="module", params=SYSTEMS["salesforce"])
def any_export(request, tmp_path_factory):
    return export_of(request.param, tmp_path_factory.mktemp("families") / "organisation")


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return export_of("data-loader", tmp_path_factory.mktemp("families") / "organisation")


@pytest.fixture
def reads(monkeypatch):
    """How often each object was read."""
    counts = Counter()
    typed = CrmTables._typed

    def counted(tables, name, frame, **more):
        counts[name] += 1
        return typed(tables, name, frame, **more)

    monkeypatch.setattr(CrmTables, "_typed", counted)
    return counts


def log(export, mapping, system=SYSTEM):
    return log_of(system, raw_export(system, export, None, mapping)[0], mapping)


MAPPINGS = (
    *(CrmMapping(leading=leading) for leading in LEADING),
    CrmMapping(flatten="primary", every_contact=True),
    CrmMapping(link_by_account=True),
    CrmMapping(ladders={"first_customer_contact": ("SF1", "SF2", "SF3", "SF4")}),
    CrmMapping(ladders={"first_customer_contact": (), "opportunity_won": ("SF3",)}),
    CrmMapping(stage_aliases={"Qualification": "Prospecting"}, zone="Europe/Berlin"),
)
ASKING = (
    *(CrmMapping(leading=leading, link_by_account=leading == "quote") for leading in LEADING[1:]),
    CrmMapping(link_by_account=True, every_contact=True),
    CrmMapping(ladders={activity: [rule.id for rule in SYSTEM.rules if rule.activity == activity][::-1]
                        for activity in {rule.activity for rule in SYSTEM.rules}}),
    CrmMapping(fields={"Account.Rating": "rating", "User.Title": "title", "Opportunity.PushCount": "pushed",
                       "Quote.ContactId": "opportunity_id", "Lead.ConvertedContactId": "opportunity_id"}),
    CrmMapping(objects={"Quote": {"id": "Id", "case": "OpportunityId", "contract_signed": "LastModifiedDate",
                                  "resource": "ContactId", "amount": "Tax"},
                        "Campaign": {"id": "Id", "case": "OwnerId", "invoice_sent": "StartDate"}}),
)  # fmt: skip
"""Mappings that ask for different columns: for other cases, by every rule, by fields, by tables."""


def test_no_object_of_any_shape_is_read_twice(any_export, reads):
    log(any_export, CrmMapping())
    assert {name: count for name, count in reads.items() if count > 1} == {}


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_no_object_is_read_twice_whatever_the_mapping(export, reads, mapping):
    log(export, mapping)
    assert {name: count for name, count in reads.items() if count > 1} == {}


def test_objects_of_which_nothing_is_asked_are_not_read(export, reads):
    found = log(export, CrmMapping())
    assert not {"Campaign", "OpportunityContactRole", "LeadStatus"} & set(reads)
    assert found.quality.coverage.objects["OpportunityContactRole"] > 0


def test_a_table_may_tell_of_what_is_found_after_its_family(export):
    late = {"id": "Id", "case": "OpportunityId", "lead_captured": "LastModifiedDate"}
    mapping = CrmMapping(objects={"Quote": late}, ladders={"lead_captured": ("Quote",)})
    rules = log(export, mapping).to_polars(["rule_id"])["rule_id"].cast(pl.String)
    told = set(rules.filter(rules.str.starts_with("lead_captured")))
    assert told == {"lead_captured.Quote"}


def test_a_field_of_the_mapping_is_there_to_the_end(export):
    mapping = CrmMapping(
        fields={"Opportunity.ForecastCategory": "forecast", "Quote.ContactId": "opportunity_id"}
    )
    assert "forecast" in log(export, mapping).case_table().column_names


def assert_same_of_all_columns(export, mapping):
    """Hold the log against that of all columns of the catalogue, cases and coverage report too."""
    found, whole = log(export, mapping), log(export, mapping, replace(SYSTEM, asked=None))
    assert found.attribute_names == whole.attribute_names
    names = list(whole.attribute_names)
    assert found.to_polars(names).equals(whole.to_polars(names))
    assert found.case_table().equals(whole.case_table())
    assert found.quality.coverage == whole.quality.coverage


def test_columns_that_are_not_read_change_nothing_in_any_shape(any_export):
    assert_same_of_all_columns(any_export, CrmMapping())


@pytest.mark.parametrize("mapping", ASKING)
def test_columns_that_are_not_read_change_nothing_whatever_the_mapping(export, mapping):
    assert_same_of_all_columns(export, mapping)


@pytest.mark.parametrize("leading", LEADING)
def test_what_rules_need_is_read(leading):
    needs = {need for rule in SYSTEM.rules for need in rule.needs} | {*SYSTEM.described_by, *SYSTEM.statuses}
    columns = asked(CrmMapping(leading=leading, link_by_account=True))
    for table, _, column in (need.partition(".") for need in needs):
        assert column in columns.get(table, CATALOG[table]), f"{table}.{column}"
    for table, names in columns.items():
        assert set(names) <= set(CATALOG[table])
        stamps = set(CATALOG[table]).intersection(SYSTEM.stamps)
        assert stamps <= set(names), "coverage asks when the export was made"
