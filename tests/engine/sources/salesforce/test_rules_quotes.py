"""Quotes of both kinds: created, issued, revised, accepted, rejected, expired; their discounts."""

from __future__ import annotations

import pytest

from dealtrace_engine.sources.crm.mapping import CrmMapping
from small_salesforce import at, found, record, tables

DEAL = record("006", 1)
QUOTE, SECOND = record("0Q0", 1), record("0Q0", 2)
ANN = record("005", 1)


def quote(number=1, status="Draft", when=None, **more):
    return {
        "Id": record("0Q0", number),
        "OpportunityId": DEAL,
        "Status": status,
        "CreatedDate": when or at(number),
        "CreatedById": ANN,
        **more,
    }


def change(number, field, before, after, when, of=QUOTE):
    return {
        "Id": record("017", number), "QuoteId": of, "Field": field, "OldValue": before, "NewValue": after,
        "CreatedDate": when, "CreatedById": ANN,
    }  # fmt: skip


def test_created_with_its_terms():
    export = tables(Quote=[quote(GrandTotal=90, Discount=10, CurrencyIsoCode="EUR")])
    columns = ("record_id", "timestamp", "amount", "discount_pct", "currency")
    assert found(export, "quote_created", columns=columns) == [
        ("quote_created", "SF1", QUOTE, at(1), 90.0, 10.0, "EUR")
    ]


STATUSES = [
    ("quote_issued", "Presented"),
    ("quote_accepted", "Accepted"),
    ("quote_accepted", "受理済み"),
    ("quote_rejected", "Denied"),
]


@pytest.mark.parametrize(("activity", "status"), STATUSES)
def test_a_status_in_the_history(activity, status):
    export = tables(Quote=[quote(status=status, GrandTotal=90)],
                    QuoteHistory=[change(1, "Status", "Draft", status, at(3))])  # fmt: skip
    columns = ("record_id", "timestamp", "status_to", "amount")
    assert found(export, activity, columns=columns) == [(activity, "SF1", QUOTE, at(3), status, 90.0)]


def test_rejected_inside_the_house_is_not_rejected_by_the_customer():
    export = tables(Quote=[quote(status="Rejected")],
                    QuoteHistory=[change(1, "Status", "In Review", "Rejected", at(3))])  # fmt: skip
    assert found(export, "quote_rejected") == []


def test_without_a_history_a_status_has_no_instant_unless_the_last_change_is_taken_for_it():
    export = tables(Quote=[quote(status="Accepted", LastModifiedDate=at(9))])
    assert found(export, "quote_accepted", "quote_issued") == []
    mapping = CrmMapping(ladders={"quote_accepted": ["SF1", "SF2"], "quote_issued": ["SF4"]})
    columns = ("timestamp", "ts_quality")
    assert found(export, "quote_accepted", "quote_issued", mapping=mapping, columns=columns) == [
        ("quote_issued", "SF4", at(9), "modified"),
        ("quote_accepted", "SF2", at(9), "modified"),
    ]


def test_issued_by_the_first_mail_to_the_customer_else_by_the_first_document():
    mails = [
        {"Id": record("02s", 1), "RelatedToId": QUOTE, "Incoming": True, "MessageDate": at(2)},
        {"Id": record("02s", 2), "RelatedToId": QUOTE, "Incoming": False, "MessageDate": at(5)},
        {"Id": record("02s", 3), "RelatedToId": QUOTE, "Incoming": False, "MessageDate": at(4)},
    ]
    documents = [
        {"Id": record("0QD", 1), "QuoteId": QUOTE, "CreatedDate": at(3)},
        {"Id": record("0QD", 2), "QuoteId": SECOND, "CreatedDate": at(7)},
        {"Id": record("0QD", 3), "QuoteId": SECOND, "CreatedDate": at(6)},
    ]
    export = tables(Quote=[quote(), quote(2)], EmailMessage=mails, QuoteDocument=documents)
    assert found(export, "quote_issued", columns=("record_id", "timestamp")) == [
        ("quote_issued", "SF2", QUOTE, at(4)),
        ("quote_issued", "SF3", SECOND, at(6)),
    ]


def test_revised_when_it_goes_back_to_a_draft_or_its_terms_change_after_it_was_issued():
    history = [
        change(1, "Discount", "0", "5", at(2)),  # before it was issued
        change(2, "Status", "Draft", "Presented", at(3)),
        change(3, "Status", "Presented", "Draft", at(4)),
        change(4, "Discount", "5", "9", at(5)),
        change(5, "GrandTotal", "95", "91", at(5)),  # saved together
        change(6, "Status", "Draft", "Needs Review", at(6)),
    ]
    export = tables(Quote=[quote(status="Needs Review")], QuoteHistory=history)
    assert found(export, "quote_revised", columns=("timestamp", "status_to")) == [
        ("quote_revised", "SF1", at(4), "Draft"),
        ("quote_revised", "SF1", at(5), None),
    ]
    assert found(export, "discount_changed", columns=("timestamp", "discount_pct")) == [
        ("discount_changed", "SF1", at(2), 5.0),
        ("discount_changed", "SF1", at(5), 9.0),
    ]


def test_a_further_quote_of_an_opportunity_is_a_revision_where_no_history_tells():
    alone = quote(3, OpportunityId=record("006", 2))
    export = tables(Quote=[quote(2), quote(1), alone])
    assert found(export, "quote_revised", columns=("record_id", "timestamp", "ts_quality")) == [
        ("quote_revised", "SF2", SECOND, at(2), "inferred")
    ]
    assert len(found(export, "quote_created")) == 3
    told = tables(Quote=[quote(2), quote(1)], QuoteHistory=[change(1, "Name", "a", "b", at(3))])
    assert found(told, "quote_revised") == []


def test_a_denied_quote_that_becomes_a_draft_again_is_revised():
    history = [
        change(1, "Status", "Presented", "Denied", at(3)),
        change(2, "Status", "Denied", "Draft", at(4)),
    ]
    export = tables(Quote=[quote()], QuoteHistory=history)
    assert found(export, "quote_revised") == [("quote_revised", "SF1", at(4))]


def test_expired_only_where_it_is_asked_for_and_nobody_decided():
    export = tables(
        Quote=[
            quote(1, ExpirationDate="2024-03-05"),
            quote(2, "Accepted", ExpirationDate="2024-03-05"),
            quote(3, ExpirationDate="2024-12-24", LastModifiedDate=at(20)),
        ]
    )
    assert found(export, "quote_expired") == []
    mapping = CrmMapping(ladders={"quote_expired": ["SF1"]})
    columns = ("record_id", "timestamp", "ts_precision")
    assert found(export, "quote_expired", mapping=mapping, columns=columns) == [
        ("quote_expired", "SF1", QUOTE, at(5), "date")
    ]


PACKAGED = record("a0Q", 1)


def packaged_change(number, field, before, after, when):
    return {
        "Id": record("017", number),
        "ParentId": PACKAGED,
        "Field": field,
        "OldValue": before,
        "NewValue": after,
        "CreatedDate": when,
    }


def test_quotes_of_cpq_take_the_same_way():
    row = {"Id": PACKAGED, "SBQQ__Opportunity2__c": DEAL, "SBQQ__Status__c": "Accepted", "CreatedDate": at(1),
           "SBQQ__NetAmount__c": 80, "SBQQ__CustomerDiscount__c": 20}  # fmt: skip
    history = [
        packaged_change(1, "SBQQ__Status__c", "Draft", "Presented", at(2)),
        packaged_change(2, "SBQQ__CustomerDiscount__c", "10", "20", at(3)),
        packaged_change(3, "SBQQ__Status__c", "Presented", "Accepted", at(4)),
    ]
    export = tables(SBQQ__Quote__c=[row], SBQQ__Quote__History=history)
    activities = ("quote_created", "quote_issued", "quote_revised", "quote_accepted")
    assert found(export, *activities, columns=("record_id", "timestamp", "discount_pct")) == [
        ("quote_created", "SF1C", PACKAGED, at(1), 20.0),
        ("quote_issued", "SF1C", PACKAGED, at(2), 20.0),
        ("quote_revised", "SF1C", PACKAGED, at(3), 20.0),
        ("quote_accepted", "SF1C", PACKAGED, at(4), 20.0),
    ]


def test_a_quote_of_cpq_that_was_ordered_was_accepted():
    row = {"Id": PACKAGED, "SBQQ__Opportunity2__c": DEAL, "SBQQ__Status__c": "Approved", "CreatedDate": at(1)}
    export = tables(
        SBQQ__Quote__c=[row],
        SBQQ__Quote__History=[packaged_change(1, "SBQQ__Ordered__c", "false", "true", at(6))],
    )
    assert found(export, "quote_accepted") == [("quote_accepted", "SF1O", at(6))]


def test_quotes_of_a_deleted_one_are_no_events():
    export = tables(
        Quote=[quote(IsDeleted=True)], QuoteHistory=[change(1, "Status", "Draft", "Accepted", at(3))]
    )
    assert found(export, "quote_created", "quote_accepted") == []
