"""Orders: submitted, fulfilled in part and whole, canceled, closed; days as the organisation has them."""

from datetime import date

import pytest

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dynamics_rows import at, audit, events, export, told

ORDER = {
    "salesorderid": "s1", "createdon": at(1), "createdby": "u1", "statecode": 3, "statuscode": 100001,
    "submitdate": date(2024, 3, 2), "datefulfilled": date(2024, 3, 8), "totalamount": 50.0,
}  # fmt: skip


def changes(*steps):
    return [audit("salesorder", "s1", attribute, old, new, when) for attribute, old, new, when in steps]


def test_created():
    (event,) = events(export({"salesorder": [ORDER]}), "sales_order_created")
    assert (event["object"], event["record_id"], event["timestamp"], event["amount"]) == (
        "order",
        "s1",
        at(1),
        50.0,
    )


def test_submitted_by_the_change_else_on_its_day():
    (event,) = events(export({"salesorder": [ORDER]}), "order_submitted")
    assert (event["timestamp"], event["ts_precision"], event["rule_id"]) == (
        at(2, 0),
        "date",
        "order_submitted.D2",
    )
    audited = changes(("statecode", "0", "1", at(2)))
    rows = {"salesorder": [ORDER], "audit_changes": audited}
    assert told(export(rows), "order_submitted") == [("s1", at(2), "D1")]


def test_fulfilled_in_part_and_then_whole():
    audited = changes(
        ("statecode", "1", "3", at(5)),
        ("statuscode", "3", "100002", at(5)),
        ("statuscode", "100002", "100001", at(8)),
    )
    found = events(
        export({"salesorder": [ORDER], "audit_changes": audited}),
        "order_fulfilled",
        "order_partially_fulfilled",
    )
    assert [(e["activity"], e["timestamp"], e["partial"], e["status_to"]) for e in found] == [
        ("order_partially_fulfilled", at(5), True, "Partial"), ("order_fulfilled", at(8), None, "Complete"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "activity"), [(100001, "order_fulfilled"), (100002, "order_partially_fulfilled")]
)
def test_fulfilled_on_its_day(status, activity):
    rows = {"salesorder": [{**ORDER, "statuscode": status}]}
    (event,) = events(export(rows), "order_fulfilled", "order_partially_fulfilled")
    assert (event["activity"], event["timestamp"], event["ts_precision"]) == (activity, at(8, 0), "date")


def test_a_day_of_an_order_that_is_not_fulfilled_is_no_event():
    assert told(export({"salesorder": [{**ORDER, "statecode": 1}]}), "order_fulfilled") == []


def test_a_day_after_the_export_is_planned():
    rows = {"salesorder": [{**ORDER, "modifiedon": at(7)}]}
    assert told(export(rows), "order_fulfilled") == []
    rows = {"salesorder": [{**ORDER, "modifiedon": at(7, 23)}]}
    mapping = CrmMapping(zone="Europe/Berlin")
    assert told(export(rows), "order_fulfilled", mapping=mapping) == [("s1", at(8, 0), "D2")]


def test_fulfilled_when_the_last_line_was_delivered():
    rows = {
        "salesorder": [{**ORDER, "datefulfilled": None}],
        "invoice": [{"invoiceid": "i1", "salesorderid": "s1"}],
        "invoicedetail": [
            {"invoicedetailid": f"d{day}", "invoiceid": "i1", "actualdeliveryon": date(2024, 3, day)}
            for day in (6, 7)
        ],
    }
    assert told(export(rows), "order_fulfilled") == [("s1", at(7, 0), "D3")]


@pytest.mark.parametrize(
    ("state", "activity"), [(2, "order_canceled"), (3, "order_closed"), (4, "order_closed"), (1, None)]
)
def test_a_closing_cancels_or_closes_as_the_order_is_now(state, activity):
    rows = {
        "salesorder": [{**ORDER, "statecode": state}],
        "orderclose": [
            {"activityid": f"c{day}", "salesorderid": "s1", "createdon": at(day), "createdby": "u1"}
            for day in (9, 6)
        ],
    }
    found = [(e["activity"], e["timestamp"]) for e in events(export(rows), "order_canceled", "order_closed")]
    assert found == ([(activity, at(9))] if activity else [])


def test_canceled_and_invoiced_by_the_change_of_state():
    for state, activity in (("2", "order_canceled"), ("4", "order_closed")):
        rows = {
            "salesorder": [{**ORDER, "statecode": int(state)}],
            "audit_changes": changes(("statecode", "1", state, at(4))),
        }
        assert told(export(rows), "order_canceled", "order_closed") == [("s1", at(4), "D1")], activity
