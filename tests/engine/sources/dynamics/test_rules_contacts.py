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


def party(activity, who, role=2):
    return {"activitypartyid": f"{activity}-{who}", "activityid": activity, "partyid": who,
            "participationtypemask": role}  # fmt: skip


def by_parties(rows, *rules, **more):
    mapping = CrmMapping(ladders={FIRST: rules or ("D1", "D2", "D3", "D4")}, **more)
    return told(export(rows), FIRST, mapping=mapping)


DEALS = [
    {"opportunityid": "o1", "originatingleadid": "l1", "createdon": at(3), "parentcontactid": "c1",
     "customerid": "a1", "statecode": 1, "actualclosedate": at(9).date()},
    {"opportunityid": "o2", "createdon": at(5), "customerid": "c2", "parentaccountid": "a2", "statecode": 0},
]  # fmt: skip
PEOPLE = [{"contactid": name, "parentcustomerid": "a2"} for name in ("c2", "c3")]


def met(*parties, about=None, **contacts_):
    """A call for each name, at a day, and who took part."""
    calls = [contact(name, about, actualend=at(day)) for name, day in contacts_.items()]
    return {"lead": BASE["lead"], "opportunity": DEALS, "contact": PEOPLE, "phonecall": calls,
            "activityparty": list(parties)}  # fmt: skip


def test_who_took_part_tells_the_case_only_if_asked_for():
    rows = met(party("p1", "l1"), party("p2", "c2"), p1=2, p2=6)
    assert told(export(rows), FIRST) == []
    assert by_parties(rows) == [("o1", at(2), "D2"), ("o2", at(6), "D3")]


def test_what_a_contact_is_about_comes_before_who_took_part():
    rows = met(party("p1", "l1"), p1=2)
    rows["phonecall"].append(contact("p2", "o1", actualend=at(8)))
    assert by_parties(rows) == [("o1", at(8), "D1")]
    assert by_parties(rows, "D2", "D1") == [("o1", at(2), "D2")]


def test_a_contact_about_something_else_is_not_told_by_who_took_part():
    assert by_parties(met(party("p1", "c2"), about="a2", p1=6)) == []
    assert by_parties(met(party("p1", "c2"), about="q9", p1=6)) == []


def test_a_contact_about_a_lead_without_a_case_may_be_with_the_customer_of_one():
    rows = met(party("p1", "c2"), about="l9", p1=6)
    assert by_parties(rows) == []
    assert by_parties({**rows, "lead": [*BASE["lead"], {"leadid": "l9"}]}) == [("o2", at(6), "D3")]


def test_a_customer_takes_part_in_a_deal_from_its_creation_to_the_day_it_is_closed():
    times = {"p1": 2, "p2": 9, "p3": 10}
    assert by_parties(met(*(party(p, "c1") for p in times), **times)) == [("o1", at(9), "D3")]
    assert by_parties(met(party("p3", "c1"), p3=10)) == []
    assert by_parties(met(party("p3", "l1"), p3=10)) == [("o1", at(10), "D2")]


def test_colleagues_of_the_customer_and_the_account_itself_come_last():
    assert by_parties(met(party("p1", "c3"), p1=6)) == [("o2", at(6), "D4")]
    assert by_parties(met(party("p1", "a2"), p1=6)) == [("o2", at(6), "D4")]
    assert by_parties(met(party("p1", "a1"), p1=6)) == [("o1", at(6), "D4")]
    assert by_parties(met(party("p1", "c3"), party("p2", "c2"), p1=6, p2=7)) == [("o2", at(7), "D3")]


def test_an_account_that_was_merged_is_the_one_it_was_merged_into():
    rows = met(party("p1", "a9"), p1=6)
    accounts = [{"accountid": "a2", "masterid": None}, {"accountid": "a9", "masterid": "a2"}]
    assert by_parties({**rows, "account": accounts}) == [("o2", at(6), "D4")]


def test_a_customer_with_two_deals_at_a_time_tells_none():
    rows = met(party("p1", "c2"), p1=6)
    second = {"opportunityid": "o3", "createdon": at(4), "parentcontactid": "c2", "statecode": 0}
    assert by_parties({**rows, "opportunity": [*DEALS, second]}) == []
    second["createdon"] = at(7)
    assert by_parties({**rows, "opportunity": [*DEALS, second]}) == [("o2", at(6), "D3")]


def test_owners_and_what_an_activity_is_about_take_no_part():
    assert by_parties(met(*(party("p1", "c2", role) for role in (8, 9, 10)), p1=6)) == []
    assert by_parties(met(party("p1", "c2", None), p1=6)) == [("o2", at(6), "D3")]


def test_a_lead_that_was_merged_is_a_party_too():
    rows = met(party("p1", "l2"), p1=2)
    leads = [{"leadid": "l1", "masterid": None}, {"leadid": "l2", "masterid": "l1"}]
    assert by_parties({**rows, "lead": leads}) == [("o1", at(2), "D2")]


def test_no_contact_is_told_twice():
    rows = met(party("p1", "l1"), party("p2", "c2"), party("p3", "c2"), p1=2, p2=6, p3=7)
    mapping = CrmMapping(ladders={FIRST: ("D1", "D2", "D3")}, every_contact=True)
    assert told(export(rows), FIRST, EACH, mapping=mapping) == [
        ("o1", at(2), "D2"), ("o2", at(6), "D3"), ("p3", at(7), "D1"),
    ]  # fmt: skip


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
