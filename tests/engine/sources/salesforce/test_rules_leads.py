"""Leads: captured once though merged, qualified, and converted by the best trace that there is."""

from __future__ import annotations

import pytest

from dealtrace_engine.sources.crm.mapping import CrmMapping
from small_salesforce import at, found, reasons, record, tables

LEAD, SECOND, THIRD = (record("00Q", number) for number in (1, 2, 3))
DEAL = record("006", 1)
ANN, BOB = record("005", 1), record("005", 2)
CAPTURED, CONVERTED = "lead_captured", "lead_converted"


def lead(number=1, when=None, **more):
    return {"Id": record("00Q", number), "CreatedDate": when or at(number), "CreatedById": ANN, **more}


def change(number, field, before, after, when, of=LEAD):
    return {
        "Id": record("017", number), "LeadId": of, "Field": field, "OldValue": before, "NewValue": after,
        "CreatedDate": when, "CreatedById": BOB,
    }  # fmt: skip


def test_captured_when_it_was_created():
    assert found(tables(Lead=[lead()]), CAPTURED, columns=("record_id", "timestamp", "resource_id")) == [
        (CAPTURED, "SF1", LEAD, at(1), ANN)
    ]


def test_a_merged_lead_was_captured_when_the_first_of_its_cluster_was():
    export = tables(
        Lead=[
            lead(3),
            lead(2, IsDeleted=True, MasterRecordId=THIRD, CreatedById=BOB),
            lead(1, when=at(2, 1), IsDeleted=True, MasterRecordId=SECOND),
        ]
    )
    assert found(export, CAPTURED, columns=("record_id", "timestamp", "resource_id", "source_row_id")) == [
        (CAPTURED, "SF1", THIRD, at(2), BOB, SECOND)
    ]
    assert not reasons(export)


def test_a_cycle_of_merges_is_broken_and_counted():
    export = tables(
        Lead=[
            lead(1, IsDeleted=True, MasterRecordId=SECOND),
            lead(2, IsDeleted=True, MasterRecordId=LEAD),
            lead(3),
        ]
    )
    assert found(export, CAPTURED, columns=("record_id", "timestamp")) == [
        (CAPTURED, "SF1", LEAD, at(1)),
        (CAPTURED, "SF1", THIRD, at(3)),
    ]
    assert reasons(export) == {"Lead.MasterRecordId goes round in a cycle; broken": 1}


def test_a_deleted_lead_is_left_out_and_counted():
    export = tables(
        Lead=[lead(1, IsDeleted=True), lead(2)], LeadHistory=[change(1, "created", None, None, at(1))]
    )
    assert found(export, CAPTURED, columns=("record_id",)) == [(CAPTURED, "SF1", SECOND)]
    assert reasons(export) == {"Lead is deleted; left out": 1}


def test_a_lead_without_a_creation_is_captured_by_its_history():
    export = tables(
        Lead=[{"Id": LEAD, "Status": "New"}], LeadHistory=[change(1, "created", None, None, at(4))]
    )
    assert found(export, CAPTURED) == [(CAPTURED, "SF2", at(4))]


def test_qualified_and_disqualified_by_status_in_any_language():
    export = tables(
        Lead=[lead(1, Status="Qualified"), lead(2, Status="Closed - Not Converted")],
        LeadHistory=[
            change(1, "Status", "Open - Not Contacted", "Working - Contacted", at(2)),
            change(2, "Status", "Working - Contacted", "Qualifiziert", at(3)),
            change(3, "Status", "Qualifiziert", "Qualified", at(4)),
            change(4, "Status", "Working - Contacted", "closed - not converted", at(5), of=SECOND),
        ],
    )
    columns = ("timestamp", "status_from", "status_to", "resource_id")
    assert found(export, "lead_qualified", "lead_disqualified", columns=columns) == [
        ("lead_qualified", "SF1", at(3), "Working - Contacted", "Qualifiziert", BOB),
        ("lead_disqualified", "SF1", at(5), "Working - Contacted", "closed - not converted", BOB),
    ]


def test_a_lead_that_is_disqualified_now_was_at_its_last_change_where_no_history_tells_when():
    export = tables(
        Lead=[
            lead(1, Status="Closed - Not Converted", LastModifiedDate=at(9), LastModifiedById=BOB),
            lead(2, Status="Closed - Not Converted", LastModifiedDate=at(9)),
            lead(3, Status="Working - Contacted", LastModifiedDate=at(9)),
        ],
        LeadHistory=[change(1, "Status", "New", "Closed - Not Converted", at(5), of=SECOND)],
    )
    columns = ("timestamp", "ts_quality", "record_id", "resource_id")
    assert found(export, "lead_disqualified", columns=columns) == [
        ("lead_disqualified", "SF1", at(5), "history", SECOND, BOB),
        ("lead_disqualified", "SF2", at(9), "modified", LEAD, BOB),
    ]


def test_an_organisation_has_its_own_name_for_qualified():
    export = tables(Lead=[lead(Status="SQL")], LeadHistory=[change(1, "Status", "MQL", "SQL", at(2))])
    assert found(export, "lead_qualified") == []
    mapping = CrmMapping(statuses={"lead.qualified": ["sql"]})
    assert found(export, "lead_qualified", mapping=mapping) == [("lead_qualified", "SF1", at(2))]


def test_the_history_of_a_merged_lead_is_the_winners():
    export = tables(
        Lead=[lead(2, Status="Qualified"), lead(1, IsDeleted=True, MasterRecordId=SECOND)],
        LeadHistory=[change(1, "Status", "New", "Qualified", at(5), of=LEAD)],
    )
    assert found(export, "lead_qualified", columns=("record_id",)) == [("lead_qualified", "SF1", SECOND)]


def converted(**more):
    return lead(IsConverted=True, ConvertedDate="2024-03-10", ConvertedOpportunityId=DEAL, **more)


def deal(when):
    return {"Id": DEAL, "StageName": "New", "CreatedDate": when, "CreatedById": BOB}


def test_converted_by_its_own_history_first_and_once():
    export = tables(
        Lead=[converted()],
        Opportunity=[deal(at(10, 9))],
        LeadHistory=[
            change(2, "leadConverted", None, "Acme", at(10, 9)),
            change(1, "leadConverted", None, None, at(10, 9)),
        ],
        OpportunityFieldHistory=[
            {
                "Id": record("017", 5),
                "OpportunityId": DEAL,
                "Field": "opportunityCreatedFromLead",
                "CreatedDate": at(10, 10),
            }
        ],
    )
    columns = ("record_id", "timestamp", "resource_id")
    assert found(export, CONVERTED, columns=columns) == [(CONVERTED, "SF1", LEAD, at(10, 9), BOB)]


def test_converted_by_the_mark_in_the_history_of_the_opportunity():
    mark = {
        "Id": record("017", 5),
        "OpportunityId": DEAL,
        "Field": "opportunityCreatedFromLead",
        "CreatedDate": at(10, 10),
        "CreatedById": BOB,
    }
    export = tables(Lead=[converted()], Opportunity=[deal(at(10, 9))], OpportunityFieldHistory=[mark])
    columns = ("record_id", "timestamp", "object")
    assert found(export, CONVERTED, columns=columns) == [(CONVERTED, "SF2", LEAD, at(10, 10), "lead")]


def test_converted_when_the_opportunity_was_made_that_day():
    export = tables(Lead=[converted()], Opportunity=[deal(at(10, 9))])
    columns = ("timestamp", "ts_quality", "ts_precision")
    assert found(export, CONVERTED, columns=columns) == [(CONVERTED, "SF3", at(10, 9), "created", "instant")]


def test_converted_into_an_older_opportunity_only_the_day_is_known():
    export = tables(Lead=[converted(LastModifiedDate=at(10, 9))], Opportunity=[deal(at(2))])
    columns = ("timestamp", "ts_precision")
    assert found(export, CONVERTED, columns=columns) == [(CONVERTED, "SF4", at(10), "date")]


@pytest.mark.parametrize(("zone", "rule"), [("UTC", "SF4"), ("Europe/Berlin", "SF3")])
def test_the_day_of_the_conversion_is_one_of_the_organisation(zone, rule):
    export = tables(Lead=[converted(LastModifiedDate=at(11))], Opportunity=[deal(at(9, 23, 30))])
    assert found(export, CONVERTED, mapping=CrmMapping(zone=zone), columns=()) == [(CONVERTED, rule)]


def test_what_is_not_converted_is_not_whatever_its_history_says():
    export = tables(
        Lead=[lead(IsConverted=False, ConvertedDate="2024-03-10")],
        LeadHistory=[change(1, "leadConverted", None, None, at(10))],
    )
    assert found(export, CONVERTED) == []


def test_two_leads_of_one_opportunity_are_two_conversions():
    both = [converted(), {**converted(), "Id": SECOND}]
    export = tables(Lead=both, Opportunity=[deal(at(10, 9))])
    assert found(export, CONVERTED, columns=("record_id",)) == [
        (CONVERTED, "SF3", LEAD),
        (CONVERTED, "SF3", SECOND),
    ]


def test_a_response_to_a_campaign_is_the_leads():
    members = [
        {"Id": record("00v", 1), "LeadId": SECOND, "CreatedDate": at(1), "Status": "Responded"},
        {"Id": record("00v", 2), "ContactId": record("003", 1), "CreatedDate": at(2)},
    ]
    export = tables(Lead=[lead(1), lead(2, IsDeleted=True, MasterRecordId=LEAD)], CampaignMember=members)
    assert found(export, "campaign_response", columns=("record_id", "timestamp")) == [
        ("campaign_response", "SF3", LEAD, at(1))
    ]
