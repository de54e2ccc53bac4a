"""Approvals by statuses of the organisation's own, by the audit's actions, by Power Automate."""

import pytest

from dynamics_rows import USERS, at, audit, audit_row, events, export, told

QUOTE = {"quoteid": "12345678-aaaa-4bbb-8ccc-1234567890ab", "statecode": 0, "statuscode": 1}
ID = QUOTE["quoteid"]


def labels(**names):
    return [
        {
            "objecttypecode": "quote",
            "attributename": "statuscode",
            "attributevalue": int(code[1:]),
            "value": name,
            "langid": 1033,
        }
        for code, name in names.items()
    ]


STEPS = [
    f"{kind}approval_{step}"
    for kind in ("", "discount_")
    for step in ("requested", "approved", "rejected", "recalled")
]


def by_step(tables):
    return [(e["activity"], e["timestamp"], e["rule_id"].split(".")[1]) for e in events(tables, *STEPS)]


def test_by_statuses_of_the_organisations_own():
    tables = export(
        {
            "quote": [QUOTE],
            "stringmap": labels(
                s901="In Review", s902="Approved", s903="Discount in approval", s904="Discount rejected"
            ),
            "audit_changes": [
                audit("quote", ID, "statuscode", old, new, at(day))
                for day, (old, new) in enumerate(
                    [("1", "901"), ("901", "902"), ("902", "903"), ("903", "904")], 2
                )
            ],
        }
    )
    assert by_step(tables) == [
        ("approval_requested", at(2), "D1"),
        ("approval_approved", at(3), "D1"),
        ("discount_approval_requested", at(4), "D1"),
        ("discount_approval_rejected", at(5), "D1"),
    ]


def test_the_statuses_that_come_with_the_product_are_no_approvals():
    changes = [audit("quote", ID, "statuscode", "1", str(code), at(code)) for code in range(2, 8)]
    assert by_step(export({"quote": [QUOTE], "audit_changes": changes})) == []


def test_by_the_actions_of_the_audit():
    rows = [audit_row("quote", ID, at(3), action=28), audit_row("opportunity", "o1", at(4), action=27)]
    found = events(export({"quote": [QUOTE], "audit": rows}), "approval_approved", "approval_rejected")
    assert [(e["activity"], e["object"], e["rule_id"][-2:]) for e in found] == [
        ("approval_approved", "quote", "D2"),
        ("approval_rejected", "opportunity", "D2"),
    ]


@pytest.mark.parametrize(
    ("title", "result", "expected"),
    [
        (
            "Discount of 20 % for QUO-1",
            "Approve",
            ["discount_approval_requested", "discount_approval_approved"],
        ),
        ("Credit check", "Reject", ["approval_requested", "approval_rejected"]),
        ("Rabatt 1", "Canceled", ["approval_requested", "approval_recalled"]),
        ("Rabatt", None, ["discount_approval_requested"]),
    ],
)
def test_by_power_automate(title, result, expected):
    approval = {
        "msdyn_flow_approvalid": "f1",
        "msdyn_flow_approval_title": title,
        "createdon": at(2),
        "createdby": "u1",
        "msdyn_flow_approval_itemlink": f"https://org.crm4.dynamics.com/main.aspx?etn=quote&id=%7B{ID.upper()}%7D",
        "msdyn_flow_approval_result": result,
        "msdyn_flow_approval_completedon": at(4) if result else None,
        "modifiedon": at(5),
    }
    answers = [
        {
            "msdyn_flow_approvalresponseid": "r1",
            "msdyn_flow_approvalresponse_approval": "f1",
            "ownerid": "u2",
            "createdon": at(4),
        }
    ]
    tables = export(
        {
            "quote": [QUOTE],
            "msdyn_flow_approval": [approval],
            "msdyn_flow_approvalresponse": answers,
            "systemuser": USERS,
        }
    )
    if title == "Rabatt 1":
        expected = [name.replace("approval", "discount_approval") for name in expected]
    found = [(e["activity"], e["record_id"], e["resource_name"]) for e in events(tables, *STEPS)]
    assert found == list(zip(expected, [ID, ID], ["Ada", "Bo"], strict=False))


def test_an_approval_of_something_else_is_none():
    approval = {"msdyn_flow_approvalid": "f1", "createdon": at(2), "msdyn_flow_approval_itemlink": f"id={ID}"}
    assert by_step(export({"msdyn_flow_approval": [approval]})) == []


def test_a_contract_is_signed_nowhere():
    assert told(export({"quote": [QUOTE]}), "contract_signed") == []
