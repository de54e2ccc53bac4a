"""Contacts with customers: the first of each case, dated as well as each can be."""

from __future__ import annotations

from dealtrace_engine.sources.crm.mapping import CrmMapping
from small_salesforce import at, found, reasons, record, tables

DEAL, OTHER = record("006", 1), record("006", 2)
LEAD, QUOTE = record("00Q", 1), record("0Q0", 1)
ANN = record("005", 1)
FIRST, EACH = "first_customer_contact", "customer_contact"


def deal(number=1):
    return {"Id": record("006", number), "StageName": "New", "CreatedDate": at(1), "SystemModstamp": at(28)}


def task(number, **more):
    return {
        "Id": record("00T", number), "WhatId": DEAL, "OwnerId": ANN, "IsClosed": True, "TaskSubtype": "Call",
        "CreatedDate": at(number), **more,
    }  # fmt: skip


def meeting(number, start, **more):
    return {"Id": record("00U", number), "WhatId": DEAL, "OwnerId": ANN, "StartDateTime": start, **more}


def mail(number, when, **more):
    return {"Id": record("02s", number), "RelatedToId": DEAL, "MessageDate": when, "Incoming": True, **more}


def first(columns=("timestamp", "source_row_id"), mapping=None, **objects):
    return found(tables(Opportunity=[deal(), deal(2)], **objects), FIRST, columns=columns, mapping=mapping)


def test_the_first_of_all_kinds_is_told_of_the_case():
    columns = ("object", "record_id", "timestamp", "end_timestamp", "source_object", "resource_id")
    objects = {
        "Event": [meeting(1, at(5, 9), EndDateTime=at(5, 10))], "EmailMessage": [mail(1, at(6))],
        "Task": [task(7, CompletedDateTime=at(8))],
    }  # fmt: skip
    assert first(columns, **objects) == [
        (FIRST, "SF1", "opportunity", DEAL, at(5, 9), at(5, 10), "Event", ANN)
    ]


def test_a_logged_call_happened_when_it_was_written_down():
    assert first(("timestamp", "ts_quality"), Task=[task(4)]) == [(FIRST, "SF2", at(4), "created")]


def test_of_a_meeting_that_is_only_a_task_the_day_is_known():
    rows = [task(4, TaskSubtype="Task", Type="Meeting", ActivityDate="2024-03-03")]
    assert first(("timestamp", "ts_precision"), Task=rows) == [(FIRST, "SF3", at(3), "date")]


def test_each_contact_is_dated_as_well_as_it_can_be_before_the_first_is_chosen():
    assert first(Task=[task(4), task(2, CompletedDateTime=at(9))]) == [
        (FIRST, "SF2", at(4), record("00T", 4))
    ]


def test_rules_that_are_not_used_have_no_say_in_which_is_the_first():
    mapping = CrmMapping(ladders={FIRST: ["SF1"]})
    rows = [task(4), task(2, CompletedDateTime=at(9))]
    assert first(Task=rows, mapping=mapping) == [(FIRST, "SF1", at(9), record("00T", 2))]


def test_what_is_no_contact():
    rows = [
        task(1, IsClosed=False),
        task(2, TaskSubtype="Task"),
        task(3, IsDeleted=True),
        task(4, IsRecurrence=True),
    ]
    events = [meeting(1, at(2), IsChild=True), meeting(2, at(2), IsRecurrence=True)]
    assert first(Task=rows, Event=events, EmailMessage=[mail(1, at(2), Status="5")]) == []


def test_a_mail_and_the_task_that_was_made_of_it_are_one():
    rows = {
        "Task": [task(2, TaskSubtype="Email")],
        "EmailMessage": [mail(1, at(3), ActivityId=record("00T", 2))],
    }
    assert first(**rows) == [(FIRST, "SF1", at(3), record("02s", 1))]


def test_a_meeting_that_is_to_come_is_no_event_but_counted():
    export = tables(Opportunity=[deal()], Event=[meeting(1, at(4, month=9))])
    assert found(export, FIRST) == []
    assert reasons(export) == {"Event.StartDateTime lies after the export: planned, no event": 1}


def test_a_meeting_of_all_day_is_known_to_the_day():
    rows = [meeting(1, None, IsAllDayEvent=True, ActivityDate="2024-03-07")]
    assert first(("timestamp", "ts_precision"), Event=rows) == [(FIRST, "SF3", at(7), "date")]


def test_contacts_come_to_cases_by_quotes_leads_and_relations():
    objects = {
        "Quote": [{"Id": QUOTE, "OpportunityId": DEAL, "CreatedDate": at(1)}],
        "Lead": [{"Id": LEAD, "IsConverted": True, "ConvertedOpportunityId": OTHER, "CreatedDate": at(1)}],
        "EmailMessage": [mail(1, at(6), RelatedToId=QUOTE)],
        "Event": [meeting(1, at(5), WhatId=None, WhoId=LEAD), meeting(2, at(4), WhatId=None)],
        "EventRelation": [
            {"Id": record("0RE", 1), "EventId": record("00U", 2), "RelationId": DEAL, "IsWhat": True}
        ],
    }
    assert first(("record_id", "timestamp"), **objects) == [
        (FIRST, "SF1", DEAL, at(4)),
        (FIRST, "SF1", OTHER, at(5)),
    ]


def test_a_message_about_an_invoice_is_no_contact_of_the_deal():
    """A reminder to pay says nothing of the selling before, and may be all that is written down."""
    order, invoice = record("801", 1), record("3tt", 1)
    objects = {
        "Order": [{"Id": order, "OpportunityId": DEAL, "CreatedDate": at(2)}],
        "Invoice": [{"Id": invoice, "ReferenceEntityId": order, "CreatedDate": at(3)}],
        "EmailMessage": [mail(1, at(6), RelatedToId=invoice), mail(2, at(7), RelatedToId=order)],
    }
    assert first(("record_id", "timestamp"), **objects) == [(FIRST, "SF1", DEAL, at(7))]


def test_further_contacts_where_they_are_asked_for():
    """The first of a case is told as the first, and not again."""
    objects = {"EmailMessage": [mail(1, at(6)), mail(2, at(7))], "Task": [task(3)]}
    export = tables(Opportunity=[deal()], **objects)
    assert found(export, EACH) == []
    columns = ("object", "record_id", "timestamp")
    assert found(export, EACH, mapping=CrmMapping(every_contact=True), columns=columns) == [
        (EACH, "SF1", "contact", record("02s", 1), at(6)), (EACH, "SF1", "contact", record("02s", 2), at(7)),
    ]  # fmt: skip


def test_the_first_contact_of_one_case_can_be_a_further_one_of_another():
    relations = [
        {"Id": record("0RE", n), "EventId": record("00U", 2), "RelationId": what, "IsWhat": True}
        for n, what in enumerate((DEAL, OTHER), 1)
    ]
    events = [meeting(1, at(4)), meeting(2, at(5), WhatId=None)]
    export = tables(Opportunity=[deal(), deal(2)], Event=events, EventRelation=relations)
    assert found(export, FIRST, columns=("record_id", "timestamp")) == [
        (FIRST, "SF1", DEAL, at(4)),
        (FIRST, "SF1", OTHER, at(5)),
    ]
    mapping = CrmMapping(every_contact=True)
    assert found(export, EACH, mapping=mapping, columns=("record_id",)) == [(EACH, "SF1", record("00U", 2))]


def test_support_cases():
    case = {
        "Id": record("500", 1),
        "CreatedDate": at(3),
        "CreatedById": ANN,
        "ClosedDate": at(5),
        "Status": "Closed",
    }
    assert found(tables(Case=[case]), "case_opened", "case_closed", columns=("object", "timestamp")) == [
        ("case_opened", "SF1", "case", at(3)), ("case_closed", "SF1", "case", at(5)),
    ]  # fmt: skip
