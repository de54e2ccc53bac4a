"""Quotes: created and revised, issued, accepted, rejected; discounts."""

from datetime import date

import pytest

from dynamics_rows import at, audit, audit_row, events, export, told

QUOTE = {
    "quoteid": "q1",
    "quotenumber": "QUO-1",
    "revisionnumber": 0,
    "createdon": at(1),
    "createdby": "u1",
    "statecode": 2,
    "statuscode": 4,
    "effectivefrom": date(2024, 3, 2),
    "closedon": date(2024, 3, 8),
    "totalamount": 500.0,
    "discountpercentage": 5.0,
}
REVISION = {**QUOTE, "quoteid": "q2", "revisionnumber": 1, "createdon": at(4)}


def test_the_first_revision_is_created_and_later_ones_are_revisions():
    tables = export({"quote": [QUOTE, REVISION]})
    assert told(tables, "quote_created", "quote_revised") == [("q1", at(1), "D1"), ("q2", at(4), "D1")]
    (created,) = events(tables, "quote_created")
    assert (created["amount"], created["discount_pct"]) == (500.0, 5.0)


def test_a_quote_without_a_revision_number_is_created():
    assert told(export({"quote": [{**QUOTE, "revisionnumber": None}]}), "quote_created") == [
        ("q1", at(1), "D1")
    ]


def test_a_revision_is_told_once_by_its_row_or_by_the_action():
    action = [audit_row("quote", "q1", at(4), action=43)]
    assert told(export({"quote": [QUOTE, REVISION], "audit": action}), "quote_revised") == [
        ("q2", at(4), "D1")
    ]
    assert told(export({"quote": [QUOTE], "audit": action}), "quote_revised") == [("q1", at(4), "D2")]


def test_issued_by_the_change_of_state():
    changes = [audit("quote", "q1", "statecode", "0", "1", at(2))]
    assert told(export({"quote": [QUOTE], "audit_changes": changes}), "quote_issued") == [("q1", at(2), "D1")]


def mail(key, when, regarding="q1", status=3, out=True):
    return {
        "activityid": key,
        "regardingobjectid": regarding,
        "senton": when,
        "statuscode": status,
        "statecode": 1,
        "directioncode": out,
        "ownerid": "u2",
    }


def test_issued_by_the_first_message_out():
    mails = [
        mail("m0", at(1), status=4, out=False),
        mail("m2", at(6)),
        mail("m1", at(3)),
        mail("m3", at(2), regarding="o1"),
        mail("m4", at(1), status=1),
    ]
    (event,) = events(export({"quote": [QUOTE], "email": mails}), "quote_issued")
    assert (event["timestamp"], event["rule_id"], event["source_row_id"]) == (at(3), "quote_issued.D2", "m1")


def test_issued_on_the_day_from_which_it_is_valid_if_it_left_its_draft():
    draft = {**QUOTE, "quoteid": "q9", "quotenumber": "QUO-9", "statecode": 0}
    (event,) = events(export({"quote": [QUOTE, draft]}), "quote_issued")
    assert (event["record_id"], event["timestamp"], event["ts_precision"]) == ("q1", at(2, 0), "date")


ACCEPTED = "quote_accepted"


def test_accepted_by_each_rule_in_turn():
    rows = {"quote": [QUOTE]}
    assert told(export(rows), ACCEPTED) == [("q1", at(8, 0), "D3")]
    orders = [
        {"salesorderid": f"s{day}", "quoteid": "q1", "createdon": at(day), "createdby": "u1"}
        for day in (9, 7)
    ]
    rows["salesorder"] = orders
    assert told(export(rows), ACCEPTED) == [("q1", at(7), "D2")]
    rows["quoteclose"] = [{"activityid": "c1", "quoteid": "q1", "createdon": at(6), "createdby": "u2"}]
    assert told(export(rows), ACCEPTED) == [("q1", at(6), "D1b")]
    rows["audit_changes"] = [audit("quote", "q1", "statecode", "1", "2", at(5))]
    assert told(export(rows), ACCEPTED) == [("q1", at(5), "D1")]


def test_the_closing_of_a_quote_that_is_not_won_accepts_nothing():
    rows = {
        "quote": [{**QUOTE, "statecode": 3, "statuscode": 7, "closedon": None}],
        "quoteclose": [{"activityid": "c1", "quoteid": "q1", "createdon": at(6)}],
    }
    assert told(export(rows), ACCEPTED, "quote_rejected") == []


@pytest.mark.parametrize(("status", "count"), [(5, 1), (6, 0), (7, 0)])
def test_rejected_only_if_it_was_lost(status, count):
    quote = [{**QUOTE, "statecode": 3, "statuscode": status}]
    closes = [{"activityid": "c1", "quoteid": "q1", "createdon": at(6)}]
    changes = [
        audit("quote", "q1", "statecode", "1", "3", at(5)),
        audit("quote", "q1", "statuscode", "3", str(status), at(5)),
    ]
    rules = [
        [rule for *_, rule in told(export({"quote": quote, **more}), "quote_rejected")]
        for more in ({}, {"quoteclose": closes}, {"quoteclose": closes, "audit_changes": changes})
    ]
    assert rules == [["D2"] * count, ["D1b"] * count, ["D1"] * count]


def test_rejected_by_a_status_of_the_organisations_own():
    labels = [
        {
            "objecttypecode": "quote",
            "attributename": "statuscode",
            "attributevalue": 880,
            "value": "Denied",
            "langid": 1033,
        }
    ]
    rows = {"quote": [{**QUOTE, "statecode": 3, "statuscode": 880}], "stringmap": labels}
    assert told(export(rows), "quote_rejected") == [("q1", at(8, 0), "D2")]


def test_discounts_that_change_at_once_are_one_event_of_their_quote():
    rows = {
        "quote": [QUOTE],
        "opportunity": [{"opportunityid": "o1"}],
        "quotedetail": [{"quotedetailid": "d1", "quoteid": "q1"}],
        "audit_changes": [
            audit("quote", "q1", "discountpercentage", "0", "5", at(3)),
            audit("quote", "q1", "discountamount", "0", "25", at(3)),
            audit("quotedetail", "d1", "manualdiscountamount", None, "10", at(4)),
            audit("opportunity", "o1", "discountpercentage", "5", "7.5", at(2)),
        ],
    }
    found = events(export(rows), "discount_changed")
    assert [(e["object"], e["record_id"], e["timestamp"], e["discount_pct"]) for e in found] == [
        ("opportunity", "o1", at(2), 7.5),
        ("quote", "q1", at(3), 5.0),
        ("quote", "q1", at(4), None),
    ]
