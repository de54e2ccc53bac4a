"""From tables to a log: one sale from the lead to the payment, and what lies beside it."""

from __future__ import annotations

import polars as pl
import pytest

from dealtrace_engine.errors import LogError
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.read import log_of
from dealtrace_engine.sources.salesforce.system import SYSTEM
from shared_data import SHARED, needs_shared
from small_salesforce import at, raw, record

ANN, BOB = record("005", 1), record("005", 2)
LEAD, DEAL, QUOTE, CONTRACT = record("00Q", 1), record("006", 1), record("0Q0", 1), record("800", 1)
ORDER, INVOICE, PAYMENT = record("801", 1), record("3tt", 1), record("0aQ", 1)


def change(number, parent, of, field, before, after, when):
    return {
        "Id": record("017", number), parent: of, "Field": field, "OldValue": before, "NewValue": after,
        "CreatedDate": when, "CreatedById": ANN,
    }  # fmt: skip


def snapshot(number, stage, when):
    return {
        "Id": record("008", number), "OpportunityId": DEAL, "StageName": stage, "CreatedDate": when,
        "CreatedById": ANN, "Amount": 100,
    }  # fmt: skip


SALE = {
    "User": [{"Id": ANN, "Name": "Ann"}, {"Id": BOB, "Name": "Bob"}],
    "Lead": [
        {
            "Id": LEAD,
            "CreatedDate": at(1, 8),
            "CreatedById": BOB,
            "IsConverted": True,
            "ConvertedDate": "2024-03-02",
            "ConvertedOpportunityId": DEAL,
            "SystemModstamp": at(30),
        },
        {"Id": record("00Q", 2), "CreatedDate": at(1, 9), "CreatedById": BOB},
    ],
    "LeadHistory": [
        change(1, "LeadId", LEAD, "Status", "New", "Qualified", at(2, 8)),
        change(2, "LeadId", LEAD, "leadConverted", None, None, at(2, 9)),
    ],
    "Opportunity": [
        {
            "Id": DEAL,
            "StageName": "Closed Won",
            "CreatedDate": at(2, 9),
            "CreatedById": ANN,
            "OwnerId": ANN,
            "IsClosed": True,
            "IsWon": True,
            "CloseDate": "2024-03-10",
            "Amount": 100,
        }
    ],
    "OpportunityHistory": [
        snapshot(1, "Prospecting", at(2, 9)),
        snapshot(2, "Proposal", at(5, 9)),
        snapshot(3, "Closed Won", at(10, 9)),
    ],
    "Task": [
        {
            "Id": record("00T", 1),
            "WhatId": DEAL,
            "TaskSubtype": "Call",
            "IsClosed": True,
            "OwnerId": ANN,
            "CompletedDateTime": at(3, 9),
            "CreatedDate": at(3, 8),
        }
    ],
    "Quote": [
        {
            "Id": QUOTE,
            "OpportunityId": DEAL,
            "Status": "Accepted",
            "CreatedDate": at(6),
            "CreatedById": ANN,
            "Discount": 12,
        }
    ],
    "QuoteHistory": [
        change(3, "QuoteId", QUOTE, "Status", "Draft", "Presented", at(7)),
        change(4, "QuoteId", QUOTE, "Status", "Presented", "Accepted", at(10, 9)),
    ],
    "Contract": [
        {
            "Id": CONTRACT,
            "SourceOpportunityId": DEAL,
            "CreatedDate": at(8),
            "CreatedById": ANN,
            "CustomerSignedDate": "2024-03-10",
        }
    ],
    "Order": [{"Id": ORDER, "OpportunityId": DEAL, "CreatedDate": at(11), "CreatedById": ANN}],
    "OrderHistory": [change(5, "OrderId", ORDER, "Status", "Activated", "Fulfilled", at(13))],
    "Invoice": [
        {
            "Id": INVOICE,
            "ReferenceEntityId": ORDER,
            "CreatedDate": at(14),
            "PostedDate": "2024-03-15",
            "TotalAmount": 88,
            "CreatedById": ANN,
        },
        {"Id": record("3tt", 2), "CreatedDate": at(15), "CreatedById": ANN},
    ],
    "PaymentLineInvoice": [
        {
            "Id": record("1PL", 1),
            "PaymentId": PAYMENT,
            "InvoiceId": INVOICE,
            "Amount": 88,
            "Type": "Applied",
            "AppliedDate": at(28),
            "CreatedDate": at(28),
        }
    ],
}
PATH = [
    "lead_captured",
    "lead_qualified",
    "lead_converted",
    "opportunity_created",
    "first_customer_contact",
    "opportunity_stage_changed",
    "solution_proposed",
    "quote_created",
    "quote_issued",
    "contract_created",
    "opportunity_stage_changed",
    "quote_accepted",
    "contract_signed",
    "opportunity_won",
    "sales_order_created",
    "order_fulfilled",
    "invoice_generated",
    "invoice_sent",
    "payment_received",
    "payment_completed",
]


def log(mapping=None, objects=SALE, **more):
    return log_of(SYSTEM, raw(objects), mapping or CrmMapping(), **more)


def test_a_sale_from_the_lead_to_the_payment():
    events = log().to_polars(["activity_id", "resource_name", "rule_id"])
    assert events["activity_id"].to_list() == PATH
    assert events["resource_name"].unique().sort().to_list() == [None, "Ann", "Bob"]


def test_an_event_that_is_known_to_the_day_lies_in_its_place_in_that_day():
    events = log().to_polars(["activity_id", "ts_precision"])
    signed = events.filter(pl.col("activity_id") == "contract_signed").row(0, named=True)
    assert (signed["ts_precision"], signed["timestamp"]) == ("date", at(10, 9))


def test_what_the_coverage_report_says():
    found = log().origin.coverage
    assert found.orphans == {
        "invoice": {"records": 1, "events": 1}, "lead": {"records": 1, "events": 1},
    }  # fmt: skip
    assert (found.closed, found.closed_with_change, found.cases_without_history) == (1, 1, 0)
    assert found.leads_without_case == 1
    assert found.underivable["opportunity_lost"] == "the export has what is needed, but no such record"
    assert "needs OpportunityFieldHistory" in found.underivable["owner_changed"]
    assert {"lead_qualified.SF1", "solution_proposed.SF1", "order_fulfilled.SF3"} <= set(found.unverified)
    assert found.unmapped == {"Opportunity.StageName": {"Proposal": 1, "Prospecting": 1}}


def test_leads_as_cases_keep_those_that_never_convert():
    found = log(CrmMapping(leading="lead"))
    assert len(found.case_ids) == 2
    assert found.case(record("00Q", 2)).table.num_rows == 1


def test_no_events_without_an_opportunity():
    with pytest.raises(LogError, match="no event could be derived"):
        log(objects={"User": SALE["User"]})


def test_the_order_of_rows_does_not_matter():
    turned = {name: rows[::-1] for name, rows in SALE.items()}
    assert log(objects=turned).fingerprint == log().fingerprint


@needs_shared
def test_the_public_data_export_gives_a_log():
    folder = SHARED / "data/crm/salesforce_data_export"
    mapping = CrmMapping()
    shape = SYSTEM.recognise(folder)
    found = log_of(SYSTEM, SYSTEM.read_raw(folder, shape, mapping), mapping)
    rules = found.to_polars(["rule_id"])["rule_id"].value_counts().sort("rule_id").rows()
    assert dict(rules) == {
        "close_date_pushed.SF1": 31, "opportunity_created.SF1": 31, "opportunity_won.SF3": 18,
    }  # fmt: skip
