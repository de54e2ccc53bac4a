"""Contacts and support cases."""

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dynamics_rows import at, audit, events, export, told

BASE = {
    "lead": [{"leadid": "l1", "createdon": at(1)}],
    "opportunity": [
        {"opportunityid": "o1", "originatingleadid": "l1", "createdon": at(3)},
        {"opportunityid": "o2", "createdon": at(3)},
    ],
    "quote": [{"quoteid": "q1", "opportunityid": "o2"}],
}


def contact(key, regarding, state=1, **more):
    return {"activityid": key, "regardingobjectid": regarding, "statecode": state, "ownerid": "u1", **more}


CONTACTS = {
    "phonecall": [
        contact("p1", "o1", actualstart=at(5, 9), actualend=at(5)),
        contact("p0", "o1", state=0, scheduledstart=at(2)),
        contact("p3", "nothing", actualend=at(1)),
        contact("p4", "q1", actualend=at(7, 11)),
    ],
    "email": [contact("m1", "l1", senton=at(4), createdon=at(2)), contact("m2", "q1", senton=at(7))],
    "appointment": [contact("a1", "o2", actualstart=at(6)), contact("a2", "o2", createdon=at(8))],
}
FIRST, EACH = "first_customer_contact", "customer_contact"


def test_the_first_contact_of_each_case_through_its_lead_or_quote_too():
    found = events(export({**BASE, **CONTACTS}), FIRST)
    assert [(e["record_id"], e["timestamp"], e["source_object"], e["source_row_id"]) for e in found] == [
        ("o1", at(4), "email", "m1"),
        ("o2", at(6), "appointment", "a1"),
    ]
    assert {e["object"] for e in found} == {"opportunity"}


def test_further_contacts_only_if_asked_for():
    assert told(export({**BASE, **CONTACTS}), EACH) == []
    found = events(export({**BASE, **CONTACTS}), EACH, mapping=CrmMapping(every_contact=True))
    assert [(e["record_id"], e["timestamp"], e["end_timestamp"]) for e in found] == [
        ("p3", at(1), at(1)),
        ("p1", at(5), at(5)),
        ("p4", at(7, 11), at(7, 11)),
        ("a2", at(8), None),
    ]


def test_the_first_contact_of_a_second_case_is_a_further_one_of_the_first():
    deals = [{"opportunityid": f"o{n}", "originatingleadid": "l1", "createdon": at(3)} for n in (1, 2)]
    calls = [contact("p1", "o1", actualend=at(2)), contact("p2", "l1", actualend=at(4))]
    rows = {**BASE, "opportunity": deals, "phonecall": calls}
    mapping = CrmMapping(every_contact=True)
    assert told(export(rows), FIRST, mapping=mapping) == [("o1", at(2), "D1"), ("o2", at(4), "D1")]
    assert told(export(rows), EACH, mapping=mapping) == [("p2", at(4), "D1")]


def test_the_first_contact_of_a_lead_where_that_is_the_case():
    found = events(export({**BASE, **CONTACTS}), FIRST, mapping=CrmMapping(leading="lead"))
    assert [(e["object"], e["record_id"], e["timestamp"]) for e in found] == [("lead", "l1", at(4))]


CASES = {
    "incident": [
        {
            "incidentid": "c1",
            "createdon": at(5),
            "createdby": "u1",
            "statecode": 1,
            "statuscode": 5,
            "modifiedon": at(9),
        },
        {
            "incidentid": "c2",
            "createdon": at(6),
            "createdby": "u1",
            "statecode": 0,
            "statuscode": 1,
            "modifiedon": at(9),
        },
    ]
}


def test_support_cases_opened_and_closed():
    tables = export(CASES)
    assert told(tables, "case_opened", "case_closed") == [("c1", at(5), "D1"), ("c2", at(6), "D1")]
    resolution = [{"activityid": "r1", "incidentid": "c1", "createdon": at(8)}]
    assert told(export({**CASES, "incidentresolution": resolution}), "case_closed") == [("c1", at(8), "D2")]
    changes = [audit("incident", "c1", "statecode", "0", "1", at(7))]
    rows = {**CASES, "incidentresolution": resolution, "audit_changes": changes}
    (event,) = events(export(rows), "case_closed")
    assert (event["timestamp"], event["object"], event["status_to"]) == (at(7), "case", "Problem Solved")
    late = CrmMapping(ladders={"case_closed": ["D3"]})
    assert told(tables, "case_closed", mapping=late) == [("c1", at(9), "D3")]
