"""Which cases records belong to, by the first link that leads to one, whatever the case is."""

import pytest

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.dynamics.links import links
from dynamics_rows import at, export


def cases(rows, **mapping):
    """Object and record to its cases."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in links(export(rows), CrmMapping(**mapping)).sort("object", "record_id", "case_id").to_dicts():
        found.setdefault((row["object"], row["record_id"]), []).append(row["case_id"])
    return found


def via(rows, what, **mapping):
    table = links(export(rows), CrmMapping(**mapping))
    return [
        (r["record_id"], r["case_id"], r["via"], r["confidence"])
        for r in table.to_dicts()
        if r["object"] == what
    ]


def deal(key, lead=None, **more):
    return {"opportunityid": key, "originatingleadid": lead, **more}


CHAIN = {
    "lead": [{"leadid": "l1"}, {"leadid": "l2", "masterid": "l1"}, {"leadid": "l3"}],
    "opportunity": [deal("o1", "l2"), deal("o2", "l1")],
    "quote": [{"quoteid": "q1", "opportunityid": "o1"}, {"quoteid": "q9", "opportunityid": "gone"}],
    "salesorder": [{"salesorderid": "s1", "opportunityid": "o1", "quoteid": "q1"}],
    "invoice": [{"invoiceid": "i1", "salesorderid": "s1"}, {"invoiceid": "i2", "salesorderid": "s1"}],
}


def test_the_chain_with_the_opportunity_as_the_case():
    assert cases(CHAIN) == {
        ("lead", "l1"): ["o1", "o2"],
        ("lead", "l2"): ["o1", "o2"],
        ("opportunity", "o1"): ["o1"],
        ("opportunity", "o2"): ["o2"],
        ("quote", "q1"): ["o1"],
        ("order", "s1"): ["o1"],
        ("invoice", "i1"): ["o1"],
        ("invoice", "i2"): ["o1"],
    }


def test_other_kinds_of_cases():
    lead = cases(CHAIN, leading="lead")
    assert lead["invoice", "i1"] == ["l1"] == lead["opportunity", "o2"] == lead["lead", "l2"]
    assert lead["lead", "l3"] == ["l3"]
    order = cases(CHAIN, leading="order")
    assert order["lead", "l1"] == ["s1"] == order["quote", "q1"] == order["invoice", "i2"]
    assert ("opportunity", "o2") not in order
    invoice = cases(CHAIN, leading="invoice")
    assert invoice["order", "s1"] == ["i1", "i2"] == invoice["lead", "l1"]
    assert cases(CHAIN, leading="quote")["order", "s1"] == ["q1"]


def test_leads_by_each_link_in_turn():
    flow = [{"businessprocessflowinstanceid": "f1", "leadid": "l1", "opportunityid": "o3"}]
    rows = {
        "lead": [{"leadid": "l1", "qualifyingopportunityid": "o2"}],
        "opportunity": [deal("o1", "l1"), deal("o2"), deal("o3")],
        "leadtoopportunitysalesprocess": flow,
    }
    assert via(rows, "lead") == [("l1", "o1", "opportunity.originatingleadid", 1.0)]
    rows["opportunity"][0] = deal("o1")
    assert via(rows, "lead") == [("l1", "o2", "lead.qualifyingopportunityid", 1.0)]
    rows["lead"] = [{"leadid": "l1"}]
    assert via(rows, "lead") == [("l1", "o3", "leadtoopportunitysalesprocess", 1.0)]


def test_two_leads_of_one_opportunity_are_both_in_its_case():
    rows = {
        "lead": [{"leadid": "l1"}, {"leadid": "l2", "qualifyingopportunityid": "o1"}],
        "opportunity": [deal("o1", "l1")],
    }
    assert cases(rows)["lead", "l2"] == ["o1"] == cases(rows)["lead", "l1"]


def test_an_order_by_its_opportunity_its_quote_or_its_lines():
    rows = {
        "opportunity": [deal("o1"), deal("o2")],
        "quote": [{"quoteid": "q2", "opportunityid": "o2"}],
        "quotedetail": [{"quotedetailid": "d2", "quoteid": "q2"}],
        "salesorder": [
            {"salesorderid": "s1", "opportunityid": "o1", "quoteid": "q2"},
            {"salesorderid": "s2", "quoteid": "q2"},
            {"salesorderid": "s3"},
            {"salesorderid": "s4", "opportunityid": "gone", "quoteid": "q2"},
            {"salesorderid": "s5"},
        ],
        "salesorderdetail": [{"salesorderdetailid": "x", "salesorderid": "s3", "quotedetailid": "d2"}],
    }
    assert [(record, case) for record, case, *_ in sorted(via(rows, "order"))] == [
        ("s1", "o1"),
        ("s2", "o2"),
        ("s3", "o2"),
        ("s4", "o2"),
    ]


def test_an_invoice_by_the_lines_of_an_order():
    rows = {
        "opportunity": [deal("o1")],
        "salesorder": [{"salesorderid": "s1", "opportunityid": "o1"}],
        "salesorderdetail": [{"salesorderdetailid": "x", "salesorderid": "s1"}],
        "invoice": [{"invoiceid": "i1"}],
        "invoicedetail": [{"invoicedetailid": "y", "invoiceid": "i1", "salesorderdetailid": "x"}],
    }
    ((record, case, way, _),) = via(rows, "invoice")
    assert (record, case) == ("i1", "o1")
    assert way.startswith("invoicedetail.salesorderdetailid > ")


def test_contacts_by_what_they_are_about():
    rows = {
        **CHAIN,
        "phonecall": [
            {"activityid": "p1", "regardingobjectid": "l2"},
            {"activityid": "p2", "regardingobjectid": "x"},
            {"activityid": "p3", "regardingobjectid": "i2"},
        ],
        "email": [
            {"activityid": "m1", "regardingobjectid": "i2"},
            {"activityid": "m2", "regardingobjectid": "o2"},
        ],
        "appointment": [{"activityid": "a1", "regardingobjectid": "o2"}],
    }
    found = {key: case for key, case in cases(rows).items() if key[0] == "contact"}
    assert found == {
        ("contact", "p1"): ["o1", "o2"],
        ("contact", "p3"): ["o1"],
        ("contact", "m2"): ["o2"],
        ("contact", "a1"): ["o2"],
    }


ACCOUNTS = {
    "opportunity": [
        deal("o1", parentaccountid="k1", createdon=at(2)),
        deal("o2", customerid="k1", createdon=at(6)),
        deal("o3", customerid="k2", createdon=at(1)),
    ],
    "account": [{"accountid": "k1"}, {"accountid": "k2"}, {"accountid": "k9", "masterid": "k2"}],
    "salesorder": [
        {"salesorderid": "s1", "customerid": "k1", "createdon": at(4)},
        {"salesorderid": "s2", "customerid": "k1", "createdon": at(8)},
        {"salesorderid": "s3", "customerid": "k1", "createdon": at(1)},
        {"salesorderid": "s4", "customerid": "k9", "createdon": at(9)},
        {"salesorderid": "s5", "customerid": "k1", "createdon": at(9), "opportunityid": "o3"},
    ],
    "invoice": [{"invoiceid": "i1", "salesorderid": "s2"}],
    "incident": [{"incidentid": "c1", "customerid": "k2", "createdon": at(9)}],
}


def test_by_account_and_time_only_if_asked_for_and_never_surely():
    assert [record for record, *_ in via(ACCOUNTS, "order")] == ["s5"]
    assert sorted((r, c, p) for r, c, _, p in via(ACCOUNTS, "order", link_by_account=True)) == [
        ("s1", "o1", 0.8),
        ("s2", "o2", 0.4),
        ("s4", "o3", 0.8),
        ("s5", "o3", 1.0),
    ]
    ((*_, way, sure),) = via(ACCOUNTS, "invoice", link_by_account=True)
    assert (way, sure) == ("invoice.salesorderid > account and time", 0.4)
    assert via(ACCOUNTS, "case") == []
    assert via(ACCOUNTS, "case", link_by_account=True)[0][:2] == ("c1", "o3")


def test_the_main_quote_only():
    rows = {
        "opportunity": [deal("o1"), deal("o2")],
        "quote": [
            {"quoteid": "q1", "opportunityid": "o1", "statecode": 3, "createdon": at(5)},
            {"quoteid": "q2", "opportunityid": "o1", "statecode": 2, "createdon": at(2)},
            {"quoteid": "q3", "opportunityid": "o2", "statecode": 0, "createdon": at(2)},
            {"quoteid": "q4", "opportunityid": "o2", "statecode": 0, "createdon": at(3)},
        ],
        "salesorder": [
            {"salesorderid": "s1", "quoteid": "q1"},
            {"salesorderid": "s2", "quoteid": "q2"},
            {"salesorderid": "s3", "opportunityid": "o1"},
        ],
        "invoice": [{"invoiceid": "i1", "salesorderid": "s1"}, {"invoiceid": "i2", "salesorderid": "s2"}],
    }
    found = {
        record for what, record in cases(rows, flatten="primary") if what in ("quote", "order", "invoice")
    }
    assert found == {"q2", "q4", "s2", "s3", "i2"}


@pytest.mark.parametrize("leading", ["opportunity", "lead", "quote", "order", "invoice"])
def test_nothing_of_nothing(leading):
    assert links(export({}), CrmMapping(leading=leading)).rows() == []
