"""Leads: each rule of each ladder, and what must not become an event."""

from dynamics_rows import USERS, at, audit, audit_row, events, export, told

LEADS = [
    {
        "leadid": "l1",
        "createdon": at(1),
        "createdby": "u1",
        "statecode": 1,
        "modifiedon": at(9),
        "modifiedby": "u2",
    },
    {
        "leadid": "l2",
        "createdon": at(2),
        "createdby": "u2",
        "statecode": 2,
        "modifiedon": at(9),
        "modifiedby": "u2",
    },
]
DEAL = {"opportunityid": "o1", "originatingleadid": "l1", "createdon": at(4), "createdby": "u2"}


def test_captured_by_its_creation_with_the_name_of_the_user():
    (first, _) = events(export({"lead": LEADS, "systemuser": USERS}), "lead_captured")
    assert (first["record_id"], first["timestamp"], first["resource_id"], first["resource_name"]) == (
        "l1",
        at(1),
        "u1",
        "Ada",
    )
    assert (first["rule_id"], first["ts_quality"], first["object"]) == ("lead_captured.D1", "created", "lead")


def test_captured_by_audit_where_the_lead_has_no_time():
    tables = export(
        {
            "lead": [{**LEADS[0], "createdon": None}, LEADS[1]],
            "audit": [
                audit_row("lead", "l1", at(1, 11), operation=1),
                audit_row("lead", "l2", at(1), operation=1),
            ],
        }
    )
    assert told(tables, "lead_captured") == [("l1", at(1, 11), "D2"), ("l2", at(2), "D1")]


def test_qualified_by_the_change_of_its_state():
    changes = [audit("lead", "l1", "statecode", "0", "1", at(4), by="u2")]
    leads = [{**LEADS[0], "statuscode": 3}]
    tables = export({"lead": leads, "opportunity": [DEAL], "audit_changes": changes})
    (event,) = events(tables, "lead_qualified")
    assert (event["timestamp"], event["resource_id"], event["ts_quality"]) == (at(4), "u2", "audit")
    assert event["status_to"] == "Qualified"


def test_qualified_by_its_opportunity_else_by_its_last_change():
    tables = export(
        {"lead": LEADS, "opportunity": [DEAL, {**DEAL, "opportunityid": "o2", "createdon": at(3)}]}
    )
    assert told(tables, "lead_qualified") == [("l1", at(3), "D2")]
    assert told(export({"lead": LEADS}), "lead_qualified") == [("l1", at(9), "D3")]


def test_an_opportunity_that_was_there_before_tells_nothing():
    tables = export({"lead": LEADS, "opportunity": [{**DEAL, "createdon": at(1, 9)}]})
    assert told(tables, "lead_qualified") == [("l1", at(9), "D3")]
    assert told(tables, "lead_converted") == []


def test_disqualified_with_its_reason():
    changes = [
        audit("lead", "l2", "statecode", "0", "2", at(6)),
        audit("lead", "l2", "statuscode", "1", "5", at(6)),
    ]
    (event,) = events(export({"lead": LEADS, "audit_changes": changes}), "lead_disqualified")
    assert (event["record_id"], event["timestamp"], event["status_to"]) == ("l2", at(6), "Cannot Contact")


def test_a_lead_that_was_merged_away_was_not_disqualified():
    leads = [LEADS[0], {**LEADS[1], "masterid": "l1", "merged": True}]
    changes = [audit("lead", "l2", "statecode", "0", "2", at(6))]
    assert told(export({"lead": leads, "audit_changes": changes}), "lead_disqualified") == []


def test_converted_only_where_an_opportunity_came_of_it():
    changes = [audit("lead", lead, "statecode", "0", "1", at(4)) for lead in ("l1", "l2")]
    tables = export({"lead": LEADS, "opportunity": [DEAL], "audit_changes": changes})
    assert told(tables, "lead_converted") == [("l1", at(4), "D1")]
    assert told(export({"lead": LEADS, "opportunity": [DEAL]}), "lead_converted") == [("l1", at(4), "D2")]
    back = [{**LEADS[0], "qualifyingopportunityid": "o1"}, LEADS[1]]
    deal = [{**DEAL, "originatingleadid": None}]
    tables = export({"lead": back, "opportunity": deal, "audit_changes": changes})
    assert told(tables, "lead_converted") == [("l1", at(4), "D1")]


def test_a_lead_qualified_twice_is_two_events():
    changes = [
        audit("lead", "l1", "statecode", "0", "1", at(4)),
        audit("lead", "l1", "statecode", "1", "0", at(5)),
        audit("lead", "l1", "statecode", "0", "1", at(6)),
    ]
    tables = export({"lead": LEADS, "audit_changes": changes})
    assert told(tables, "lead_qualified") == [("l1", at(4), "D1"), ("l1", at(6), "D1")]
