"""Invoices: generated, sent, canceled, paid in part and whole."""

from datetime import date

import pytest

from dynamics_rows import at, audit, events, export, told

BILL = {
    "invoiceid": "i1",
    "createdon": at(1),
    "createdby": "u1",
    "statecode": 2,
    "statuscode": 100001,
    "modifiedon": at(9),
    "modifiedby": "u2",
    "totalamount": 70.0,
    "duedate": date(2024, 3, 30),
    "paymenttermscode": 1,
}


def changes(*steps):
    return [audit("invoice", "i1", attribute, old, new, when) for attribute, old, new, when in steps]


def test_generated_with_due_date_and_terms():
    (event,) = events(export({"invoice": [BILL]}), "invoice_generated")
    assert (event["amount"], event["due_date"], event["payment_terms"]) == (70.0, date(2024, 3, 30), "Net 30")


def test_sent_by_each_rule_in_turn():
    rows = {"invoice": [{**BILL, "lastbackofficesubmit": at(5)}]}
    assert told(export(rows), "invoice_sent") == [("i1", at(5), "D3")]
    rows["audit_changes"] = changes(("statuscode", "1", "4", at(4)))
    assert told(export(rows), "invoice_sent") == [("i1", at(4), "D2")]
    rows["email"] = [
        {"activityid": "m", "regardingobjectid": "i1", "senton": at(3), "statuscode": 3, "statecode": 1}
    ]
    (event,) = events(export(rows), "invoice_sent")
    assert (event["timestamp"], event["rule_id"], event["amount"]) == (at(3), "invoice_sent.D1", 70.0)
    assert event["due_date"] == date(2024, 3, 30)


@pytest.mark.parametrize(
    ("state", "status", "count"), [("3", "100003", 1), ("1", "3", 1), ("1", "7", 0), ("2", "100001", 0)]
)
def test_canceled_now_and_in_the_way_of_before(state, status, count):
    audited = changes(("statecode", "0", state, at(4)), ("statuscode", "1", status, at(4)))
    rows = {
        "invoice": [{**BILL, "statecode": int(state), "statuscode": int(status)}],
        "audit_changes": audited,
    }
    assert told(export(rows), "invoice_canceled") == [("i1", at(4), "D1")] * count


def test_paid_in_part_is_not_the_last_payment():
    audited = changes(
        ("statecode", "0", "2", at(4)),
        ("statuscode", "4", "100002", at(4)),
        ("statuscode", "100002", "100001", at(7)),
    )
    found = events(export({"invoice": [BILL], "audit_changes": audited}), "payment_received")
    assert [(e["timestamp"], e["partial"], e["amount"]) for e in found] == [
        (at(4), True, None),
        (at(7), False, 70.0),
    ]
    assert {(e["object"], e["payment_terms"]) for e in found} == {("invoice", "Net 30")}


def test_a_payment_that_was_undone():
    audited = changes(
        ("statecode", "0", "2", at(4)),
        ("statuscode", "4", "100001", at(4)),
        ("statecode", "2", "0", at(6)),
        ("statuscode", "100001", "4", at(6)),
        ("statecode", "0", "2", at(8)),
        ("statuscode", "4", "100001", at(8)),
    )
    names = ("payment_received", "payment_completed", "payment_reversed", "invoice_sent")
    found = events(export({"invoice": [BILL], "audit_changes": audited}), *names)
    assert [(e["activity"], e["timestamp"].day) for e in found] == [
        ("payment_received", 4),
        ("payment_reversed", 6),
        ("payment_completed", 8),
        ("payment_received", 8),
    ]


def test_paid_in_the_way_of_before():
    audited = changes(("statecode", "0", "1", at(4)), ("statuscode", "1", "7", at(4)))
    rows = {"invoice": [{**BILL, "statecode": 1, "statuscode": 7}], "audit_changes": audited}
    assert told(export(rows), "payment_received") == [("i1", at(4), "D1")]


@pytest.mark.parametrize(("status", "partial", "amount"), [(100001, False, 70.0), (100002, True, None)])
def test_paid_by_the_last_change(status, partial, amount):
    (event,) = events(export({"invoice": [{**BILL, "statuscode": status}]}), "payment_received")
    assert (event["timestamp"], event["ts_quality"], event["partial"], event["amount"]) == (
        at(9),
        "modified",
        partial,
        amount,
    )
    assert told(export({"invoice": [{**BILL, "statecode": 0}]}), "payment_received") == []
