"""Opportunities: closings and what came of each, reopenings, owners, amounts, close dates."""

from datetime import date

import pytest

from dealtrace_engine.sources.dynamics.rules_opportunities import reopen_counts
from dynamics_rows import USERS, at, audit, audit_row, events, export, told

DEAL = {
    "opportunityid": "o1",
    "createdon": at(1),
    "createdby": "u1",
    "statecode": 1,
    "statuscode": 3,
    "transactioncurrencyid": "c1",
    "estimatedvalue": 100.0,
    "actualvalue": 90.0,
    "ownerid": "u2",
    "actualclosedate": date(2024, 3, 9),
    "estimatedclosedate": date(2024, 3, 31),
}
EURO = [{"transactioncurrencyid": "c1", "isocurrencycode": "EUR"}]


def close(key, when, deal="o1", **more):
    return {
        "activityid": key,
        "opportunityid": deal,
        "createdon": when,
        "createdby": "u1",
        "statecode": 1,
        **more,
    }


def test_created_with_amount_and_currency():
    (event,) = events(export({"opportunity": [DEAL], "transactioncurrency": EURO}), "opportunity_created")
    assert (event["timestamp"], event["amount"], event["currency"]) == (at(1), 100.0, "EUR")


def test_created_by_audit():
    tables = export(
        {
            "opportunity": [{**DEAL, "createdon": None}],
            "audit": [audit_row("opportunity", "o1", at(1, 8), operation=1)],
        }
    )
    assert told(tables, "opportunity_created") == [("o1", at(1, 8), "D2")]


BOTH = ("opportunity_won", "opportunity_lost")


def test_the_last_closing_ended_as_the_opportunity_is_now():
    tables = export({"opportunity": [DEAL], "opportunityclose": [close("x", at(9), actualrevenue=90.0)]})
    (event,) = events(tables, *BOTH)
    assert (event["activity"], event["timestamp"], event["rule_id"]) == (
        "opportunity_won",
        at(9),
        "opportunity_won.D1",
    )
    assert (event["amount"], event["status_to"], event["source_row_id"]) == (90.0, "Won", "x")


def test_an_earlier_closing_without_a_known_end_is_no_event():
    tables = export({"opportunity": [DEAL], "opportunityclose": [close("x", at(5)), close("y", at(9))]})
    assert told(tables, *BOTH) == [("o1", at(9), "D1")]
    assert reopen_counts(tables).collect().rows() == [("o1", 1)]


def test_an_earlier_closing_ended_as_the_audit_says():
    changes = [
        audit("opportunity", "o1", "statecode", "0", "2", at(5, second=2)),
        audit("opportunity", "o1", "statuscode", "1", "5", at(5, second=2)),
        audit("opportunity", "o1", "statecode", "2", "0", at(7)),
        audit("opportunity", "o1", "statecode", "0", "1", at(9)),
    ]
    tables = export(
        {
            "opportunity": [DEAL],
            "opportunityclose": [close("x", at(5)), close("y", at(9))],
            "audit_changes": changes,
        }
    )
    found = [
        (e["activity"], e["timestamp"], e["rule_id"][-2:])
        for e in events(tables, *BOTH, "opportunity_reopened")
    ]
    assert found == [
        ("opportunity_lost", at(5), "D1"),
        ("opportunity_reopened", at(7), "D1"),
        ("opportunity_won", at(9), "D1"),
    ]
    assert reopen_counts(tables).collect().rows() == [("o1", 1)]


def test_a_closing_can_say_itself_how_it_ended():
    said = [close("x", at(5), opportunitystatecode=2, opportunitystatuscode=4), close("y", at(9))]
    tables = export({"opportunity": [DEAL], "opportunityclose": said})
    assert [(e["activity"], e["status_to"]) for e in events(tables, *BOTH)] == [
        ("opportunity_lost", "Canceled"),
        ("opportunity_won", "Won"),
    ]


def test_the_closing_of_one_that_is_open_again_has_no_end_but_was_reopened():
    tables = export({"opportunity": [{**DEAL, "statecode": 0}], "opportunityclose": [close("x", at(5))]})
    assert told(tables, *BOTH, "opportunity_reopened") == []
    assert reopen_counts(tables).collect().rows() == [("o1", 1)]


def test_the_closings_of_opportunities_that_are_gone_are_none():
    closes = [close("x", at(5), deal="gone")]
    tables = export({"opportunity": [{**DEAL, "actualclosedate": None}], "opportunityclose": closes})
    assert told(tables, *BOTH) == []


def test_a_closing_that_was_canceled_by_reopening_still_is_one():
    changes = [audit("opportunity", "o1", "statecode", "0", "2", at(5))]
    closes = [{**close("x", at(5)), "statecode": 2}, close("y", at(9))]
    tables = export({"opportunity": [DEAL], "opportunityclose": closes, "audit_changes": changes})
    assert [(e["activity"], e["timestamp"]) for e in events(tables, *BOTH)] == [
        ("opportunity_lost", at(5)),
        ("opportunity_won", at(9)),
    ]


def test_closed_by_regarding_only():
    closes = [{**close("x", at(9), deal=None), "regardingobjectid": "o1"}]
    assert told(export({"opportunity": [DEAL], "opportunityclose": closes}), *BOTH) == [("o1", at(9), "D1")]


def test_closed_by_the_change_of_state_else_on_its_day():
    changes = [audit("opportunity", "o1", "statecode", "0", "1", at(9, 15))]
    tables = export({"opportunity": [DEAL], "audit_changes": changes})
    assert told(tables, *BOTH) == [("o1", at(9, 15), "D2")]
    (event,) = events(export({"opportunity": [DEAL]}), *BOTH)
    assert (event["rule_id"], event["ts_precision"], event["timestamp"]) == (
        "opportunity_won.D3",
        "date",
        at(9, 0),
    )
    assert event["amount"] == 90.0


def test_won_and_lost_by_versions_of_the_row():
    versions = [
        {
            "opportunityid": "o1",
            "statecode": state,
            "statuscode": status,
            "modifiedon": at(day),
            "modifiedby": "u2",
        }
        for day, state, status in ((1, 0, 1), (4, 2, 5), (6, 0, 1), (9, 1, 3))
    ]
    tables = export({"opportunity": [DEAL], "systemuser": USERS}, {"opportunity": versions})
    found = events(tables, *BOTH, "opportunity_reopened")
    assert [(e["activity"], e["timestamp"], e["status_to"]) for e in found] == [
        ("opportunity_lost", at(4), "Out-Sold"),
        ("opportunity_reopened", at(6), None),
        ("opportunity_won", at(9), "Won"),
    ]
    assert {e["ts_quality"] for e in found} == {"history"}
    assert {e["resource_name"] for e in found} == {"Bo"}
    assert {e["source_object"] for e in found} == {"opportunity"}


def test_owner_changed_from_a_user_to_a_team():
    changes = [audit("opportunity", "o1", "ownerid", "systemuser,u2", "team,t1", at(3))]
    rows = {
        "opportunity": [{**DEAL, "ownerid": "t1"}],
        "systemuser": USERS,
        "team": [{"teamid": "t1", "name": "East"}],
    }
    (event,) = events(export({**rows, "audit_changes": changes}), "owner_changed")
    assert (event["status_from"], event["status_to"], event["timestamp"]) == ("Bo", "East", at(3))


def test_amount_changed_by_how_much():
    changes = [audit("opportunity", "o1", "estimatedvalue", "80.00", "100", at(3))]
    rows = {"opportunity": [DEAL], "transactioncurrency": EURO, "audit_changes": changes}
    (event,) = events(export(rows), "amount_changed")
    assert (event["amount"], event["amount_delta"], event["currency"]) == (100.0, 20.0, "EUR")


def test_close_date_pushed_only_to_a_later_day():
    changes = [
        audit("opportunity", "o1", "estimatedclosedate", "2024-03-20", "2024-03-10", at(3)),
        audit("opportunity", "o1", "estimatedclosedate", "2024-03-10", "2024-03-31", at(4)),
        audit("opportunity", "o1", "estimatedclosedate", None, "2024-03-20", at(2)),
    ]
    (event,) = events(export({"opportunity": [DEAL], "audit_changes": changes}), "close_date_pushed")
    assert (event["timestamp"], event["close_date"]) == (at(4), date(2024, 3, 31))


@pytest.mark.parametrize(("precision", "expected"), [("minute", at(1)), ("date", at(1, 0))])
def test_instants_are_known_as_well_as_the_export_writes_them(precision, expected):
    (event,) = events(export({"opportunity": [DEAL]}, precision=precision), "opportunity_created")
    assert (event["ts_precision"], event["timestamp"]) == (precision, expected)
