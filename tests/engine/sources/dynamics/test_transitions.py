"""Changes of an attribute: from audit rows, from versions, with what is missing counted."""

from datetime import date

import polars as pl
import pytest

from dealtrace_engine.sources.dynamics.transitions import as_of, audited_creations, became, transitions
from dynamics_rows import at, audit, audit_row, export, findings

DEALS = [{"opportunityid": "o1", "statecode": 1, "statuscode": 3}, {"opportunityid": "o2", "statecode": 0}]


def rows(tables, table="opportunity", attribute="statecode"):
    return [
        (row["record_id"], row["old"], row["new"], row["at"], row["by"])
        for row in transitions(tables, table, attribute).collect().to_dicts()
    ]


def test_audit_rows_in_the_order_of_time():
    tables = export(
        {
            "opportunity": DEALS,
            "audit_changes": [
                audit("opportunity", "o1", "statecode", "2", "0", at(5)),
                audit("opportunity", "o1", "statecode", "0", "1", at(7), by="u2"),
                audit("opportunity", "o1", "statecode", "0", "2", at(3)),
                audit("quote", "o1", "statecode", "0", "1", at(4)),
                audit("opportunity", "o1", "statuscode", "1", "3", at(7)),
            ],
        }
    )
    assert rows(tables) == [("o1", 0, 2, at(3), "u1"), ("o1", 2, 0, at(5), "u1"), ("o1", 0, 1, at(7), "u2")]
    assert findings(tables) == []


def test_what_a_row_was_created_with_is_no_change():
    created = {**audit("opportunity", "o1", "statecode", None, "1", at(1)), "operation": 1}
    assert rows(export({"opportunity": DEALS, "audit_changes": [created]})) == []


def test_an_old_value_that_is_not_said_is_the_new_one_before():
    changes = [
        audit("opportunity", "o1", "statecode", None, "2", at(3)),
        audit("opportunity", "o1", "statecode", None, "2", at(4)),
        audit("opportunity", "o1", "statecode", None, "1", at(7)),
    ]
    found = rows(export({"opportunity": DEALS, "audit_changes": changes}))
    assert [row[1:4] for row in found] == [(None, 2, at(3)), (2, 1, at(7))]


VERSIONS = [
    {"opportunityid": "o2", "statecode": 0, "modifiedon": at(1), "modifiedby": "u1", "versionnumber": 1},
    {"opportunityid": "o1", "statecode": 1, "modifiedon": at(4), "modifiedby": "u2", "versionnumber": 9},
    {"opportunityid": "o1", "statecode": 0, "modifiedon": at(2), "modifiedby": "u1", "versionnumber": 3},
    {"opportunityid": "o1", "statecode": 0, "modifiedon": at(2), "modifiedby": "u1", "versionnumber": 3},
    {"opportunityid": "o1", "statecode": 0, "modifiedon": at(3), "modifiedby": "u1", "versionnumber": 5},
]


def test_versions_are_compared_with_the_one_before():
    found = export({"opportunity": DEALS}, {"opportunity": VERSIONS})
    assert rows(found) == [("o1", 0, 1, at(4), "u2")]
    assert transitions(found, "opportunity", "statecode").collect()["ts_quality"].to_list() == ["history"]


def test_two_versions_of_one_second_are_in_the_order_of_their_numbers():
    later = [{**VERSIONS[1], "modifiedon": at(2), "versionnumber": 4}, *VERSIONS[2:4]]
    assert [row[1:3] for row in rows(export({"opportunity": DEALS}, {"opportunity": later}))] == [(0, 1)]


def test_a_version_without_a_time_of_change_has_the_time_that_it_was_kept_since():
    kept = [{**row, "modifiedon": None, "version_at": row["modifiedon"]} for row in VERSIONS]
    assert [row[3] for row in rows(export({"opportunity": DEALS}, {"opportunity": kept}))] == [at(4)]


def test_audit_comes_before_versions_of_the_same_record_only():
    changes = [audit("opportunity", "o1", "statecode", "0", "1", at(4, 1))]
    more = [{**VERSIONS[0], "statecode": 2, "modifiedon": at(6)}, *VERSIONS]
    deals = [DEALS[0], {**DEALS[1], "statecode": 2}]
    found = rows(export({"opportunity": deals, "audit_changes": changes}, {"opportunity": more}))
    assert [(row[0], row[3]) for row in found] == [("o1", at(4, 1)), ("o2", at(6))]


@pytest.mark.parametrize(
    ("deals", "changes"),
    [
        (DEALS, [("0", "2", at(3))]),
        (DEALS, [("0", "2", at(3)), ("0", "1", at(4))]),
        (DEALS, [("0", "1", at(3)), ("0", "1", at(4))]),
    ],
    ids=["the last is not its value now", "a change is missing between two", "a reopening is missing"],
)
def test_gaps_are_counted(deals, changes):
    audited = [audit("opportunity", "o1", "statecode", *change) for change in changes]
    tables = export({"opportunity": deals, "audit_changes": audited})
    rows(tables), rows(tables)
    (finding,) = findings(tables)
    assert finding.count == 1
    assert finding.example == "o1"
    assert "opportunity.statecode" in finding.reason


def test_records_that_are_gone_are_left_out():
    changes = [audit("opportunity", record, "statecode", "0", "1", at(3)) for record in ("o1", "gone")]
    assert [row[0] for row in rows(export({"opportunity": DEALS, "audit_changes": changes}))] == ["o1"]


def test_without_the_table_audit_says_what_was_deleted():
    tables = export(
        {
            "audit_changes": [audit("lead", record, "statecode", "0", "1", at(3)) for record in ("l1", "l2")],
            "audit": [
                audit_row("lead", "l2", at(9), operation=3),
                audit_row("lead", "l1", at(1), operation=1),
                audit_row("lead", "l2", at(1), operation=1),
            ],
        }
    )
    assert [row[0] for row in rows(tables, "lead")] == ["l1"]
    assert audited_creations(tables, "lead").collect()["record_id"].to_list() == ["l1"]


def test_values_are_of_the_kind_of_their_column():
    tables = export(
        {
            "opportunity": DEALS,
            "audit_changes": [
                audit("opportunity", "o1", "ownerid", "systemuser,{U1}", "team,T9", at(3)),
                audit("opportunity", "o1", "estimatedclosedate", "2024-03-01", "2024-05-02T00:00:00Z", at(3)),
                audit("opportunity", "o1", "presentproposal", "False", "True", at(3)),
                audit("opportunity", "o1", "estimatedvalue", "100.50", "90", at(3)),
            ],
        }
    )
    values = {
        name: transitions(tables, "opportunity", name).select("old", "new").collect().row(0)
        for name in ("ownerid", "estimatedclosedate", "presentproposal", "estimatedvalue")
    }
    assert values == {
        "ownerid": ("u1", "t9"),
        "estimatedclosedate": (date(2024, 3, 1), date(2024, 5, 2)),
        "presentproposal": (False, True),
        "estimatedvalue": (100.5, 90.0),
    }


def test_flows_of_an_organisations_own_are_audited_under_their_own_name():
    tables = export(
        {
            "customsalesprocess": [
                {"businessprocessflowinstanceid": "i1", "bpf_table": "new_flow", "activestageid": "s2"}
            ],
            "audit_changes": [
                audit("new_flow", "i1", "activestageid", "processstage,s1", "processstage,s2", at(3))
            ],
        }
    )
    assert [row[1:3] for row in rows(tables, "customsalesprocess", "activestageid")] == [("s1", "s2")]


def test_what_an_attribute_was_at_a_time():
    tables = export(
        {
            "opportunity": [
                {"opportunityid": "o1", "statuscode": 4},
                {"opportunityid": "o2", "statuscode": 7},
            ],
            "audit_changes": [
                audit("opportunity", "o1", "statuscode", "1", "2", at(3)),
                audit("opportunity", "o1", "statuscode", "2", "4", at(5)),
            ],
        }
    )
    asked = pl.LazyFrame(
        {
            "record_id": ["o1", "o2", "o1", "o1", "o1"],
            "at": [at(5), at(1), at(2), at(3), at(4)],
        }
    )
    assert as_of(asked, tables, "opportunity", "statuscode").collect()["statuscode"].to_list() == [
        4,
        7,
        1,
        2,
        2,
    ]


def test_became_keeps_the_changes_to_some_values():
    tables = export(
        {
            "opportunity": DEALS,
            "audit_changes": [
                audit("opportunity", "o1", "statecode", "0", "2", at(3)),
                audit("opportunity", "o1", "statecode", "2", "1", at(4)),
                audit("opportunity", "o1", "statuscode", "5", "3", at(4)),
            ],
        }
    )
    found = became(tables, "opportunity", "statecode", [2], beside=["statuscode"]).collect()
    assert found.select("at", "statuscode").rows() == [(at(3), 5.0)]
