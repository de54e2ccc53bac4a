"""Stages: by the audit of a process, its versions, the columns of the opportunity, the path; proposals."""

from datetime import date

import polars as pl

from dealtrace_engine.sources.crm.ladder import derived
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.dynamics.rules import RULES
from dealtrace_engine.sources.dynamics.stages import ordered_stages
from dynamics_rows import at, audit, events, export, told

STAGES = [
    {"processstageid": f"s{place}", "stagename": name, "stagecategory": place}
    for place, name in enumerate(("Qualify", "Develop", "Propose", "Close"))
]
DEAL = {
    "opportunityid": "o1",
    "createdon": at(1),
    "statecode": 0,
    "closeprobability": 60.0,
    "estimatedvalue": 100.0,
    "estimatedclosedate": date(2024, 3, 31),
}
FLOW = {
    "businessprocessflowinstanceid": "i1",
    "opportunityid": "o1",
    "createdon": at(1),
    "modifiedon": at(9),
    "modifiedby": "u1",
    "activestageid": "s1",
    "activestagestartedon": at(9),
    "traversedpath": "s0,s1,s2,s1",
}
MOVES = [("s0", "s1", at(3)), ("s1", "s2", at(5)), ("s2", "s1", at(9))]
AUDITED = [
    audit(
        "opportunitysalesprocess", "i1", "activestageid", f"processstage,{old}", f"processstage,{new}", when
    )
    for old, new, when in MOVES
]
STAGE = "opportunity_stage_changed"


def moves(tables, mapping=None):
    return [
        (e["timestamp"], e["stage_from"], e["stage_to"], e["direction"])
        for e in events(tables, STAGE, mapping=mapping)
    ]


EXPECTED = [
    (at(3), "Qualify", "Develop", 1),
    (at(5), "Develop", "Propose", 1),
    (at(9), "Propose", "Develop", -1),
]


def rows(**more):
    return {"opportunity": [DEAL], "processstage": STAGES, "opportunitysalesprocess": [FLOW], **more}


def test_by_the_audit_of_the_process():
    tables = export(rows(audit_changes=AUDITED))
    assert moves(tables) == EXPECTED
    (first, *_) = events(tables, STAGE)
    assert (first["record_id"], first["object"], first["rule_id"]) == ("o1", "opportunity", f"{STAGE}.D1")
    assert (first["ts_quality"], first["source_object"]) == ("audit", "audit")


VERSIONS = [
    {**FLOW, "activestageid": stage, "modifiedon": when, "versionnumber": number}
    for number, (stage, when) in enumerate(
        [("s0", at(1)), ("s0", at(2)), ("s1", at(3)), ("s2", at(5)), ("s1", at(9))]
    )
]


def test_by_the_versions_of_the_process():
    tables = export(rows(), {"opportunitysalesprocess": VERSIONS})
    assert moves(tables) == EXPECTED
    (first, *_) = events(tables, STAGE)
    assert (first["rule_id"], first["ts_quality"]) == (f"{STAGE}.D2", "history")
    assert first["source_object"] == "opportunitysalesprocess"


def test_one_source_for_the_whole_history_of_an_opportunity():
    """What the opportunity's own column says is not told a second time."""
    column = [audit("opportunity", "o1", "salesstage", "0", "1", at(3, 11))]
    assert moves(export(rows(audit_changes=[*AUDITED, *column]))) == EXPECTED


def test_a_process_whose_versions_are_kept_tells_that_its_stage_never_changed():
    column = [audit("opportunity", "o1", "salesstage", "0", "3", at(9))]
    still = {"opportunitysalesprocess": [VERSIONS[0]]}
    assert moves(export(rows(audit_changes=column), still)) == []
    assert moves(export(rows(audit_changes=column))) == [(at(9), "Qualify", "Close", 1)]


def test_by_the_column_of_the_opportunity():
    changes = [
        audit("opportunity", "o1", "salesstage", "0", "2", at(3)),
        audit("opportunity", "o1", "salesstage", "2", "1", at(4)),
        audit("opportunity", "o1", "stepname", "1-Qualify", "2-Develop", at(3)),
    ]
    tables = export({"opportunity": [DEAL], "audit_changes": changes})
    assert moves(tables) == [(at(3), "Qualify", "Propose", 1), (at(4), "Propose", "Develop", -1)]
    assert {rule for *_, rule in told(tables, STAGE)} == {"D3"}


def test_a_step_name_and_a_stage_id_of_the_opportunity():
    step = [audit("opportunity", "o1", "stepname", "1-Qualify", "2-Develop", at(3))]
    assert moves(export({"opportunity": [DEAL], "audit_changes": step})) == [
        (at(3), "1-Qualify", "2-Develop", 0)
    ]
    stage = [audit("opportunity", "o1", "stageid", "processstage,s0", "processstage,s9", at(3))]
    tables = export({"opportunity": [DEAL], "processstage": STAGES, "audit_changes": stage})
    assert moves(tables) == [(at(3), "Qualify", "s9", 0)]


def test_the_process_from_lead_to_opportunity_is_told_of_the_opportunity():
    flow = {**FLOW, "leadid": "l1"}
    changes = [{**row, "objecttypecode": "leadtoopportunitysalesprocess"} for row in AUDITED]
    tables = export(
        {
            "opportunity": [DEAL],
            "processstage": STAGES,
            "leadtoopportunitysalesprocess": [flow],
            "audit_changes": changes,
        }
    )
    assert moves(tables) == EXPECTED


def test_the_first_stage_of_an_opportunity_that_a_lead_became_is_no_change():
    first = audit(
        "leadtoopportunitysalesprocess",
        "i1",
        "activestageid",
        "processstage,s0",
        "processstage,s1",
        at(1, second=1),
    )
    flow = {**FLOW, "leadid": "l1"}
    rows = {"opportunity": [DEAL], "processstage": STAGES, "leadtoopportunitysalesprocess": [flow]}
    assert moves(export({**rows, "audit_changes": [first]})) == []


def test_what_an_opportunity_was_then_only_where_its_changes_are_known():
    amount = [audit("opportunity", "o1", "estimatedvalue", "40", "100", at(4))]
    found = events(export(rows(audit_changes=[*AUDITED, *amount])), STAGE)
    assert [e["amount"] for e in found] == [40.0, 100.0, 100.0]
    assert {e["probability"] for e in found} == {None} == {e["close_date"] for e in found}


def test_the_order_and_the_names_of_stages_are_the_mappings():
    mapping = CrmMapping(stage_order=["Propose", "Develop", "Start"], stage_aliases={"qualify": "Start"})
    assert moves(export(rows(audit_changes=AUDITED)), mapping) == [
        (at(3), "Start", "Develop", -1),
        (at(5), "Develop", "Propose", -1),
        (at(9), "Propose", "Develop", 1),
    ]


def test_a_renamed_stage_is_no_change():
    mapping = CrmMapping(stage_aliases={"2-Develop": "Develop"})
    step = [audit("opportunity", "o1", "stepname", "2-Develop", "Develop", at(3))]
    assert moves(export({"opportunity": [DEAL], "audit_changes": step}), mapping) == []


def test_the_order_of_stages_is_that_in_which_they_are_come_to():
    stages = [{**stage, "stagecategory": None} for stage in STAGES]
    assert moves(export(rows(processstage=stages, audit_changes=AUDITED))) == EXPECTED
    names = [stage["stagename"] for stage in STAGES]
    assert ordered_stages(export(rows()), CrmMapping()).order == names
    backwards = CrmMapping(stage_order=tuple(reversed(names)))
    assert ordered_stages(export(rows()), backwards).order == names[::-1]


def test_the_path_only_if_asked_for():
    assert told(export(rows()), STAGE) == []
    found = events(export(rows()), STAGE, mapping=CrmMapping(ladders={STAGE: ["D4"]}))
    assert [(e["timestamp"], e["stage_to"], e["ts_quality"]) for e in found] == [
        (at(4, 2), "Develop", "inferred"),
        (at(6, 18), "Propose", "inferred"),
        (at(9), "Develop", "field"),
    ]


def test_proposed_by_the_stage_else_by_the_mark():
    assert told(export(rows(audit_changes=AUDITED)), "solution_proposed") == [("o1", at(5), "D1")]
    marks = [
        audit("opportunity", "o1", "presentproposal", "False", "True", at(4)),
        audit("opportunity", "o1", "presentfinalproposal", "False", "True", at(6)),
        audit("opportunity", "o1", "presentproposal", "True", "False", at(7)),
    ]
    tables = export({"opportunity": [DEAL], "audit_changes": marks})
    assert told(tables, "solution_proposed") == [("o1", at(4), "D2"), ("o1", at(6), "D2")]


def test_proposed_by_the_stages_that_the_mapping_wants_whatever_else_it_wants():
    mapping = CrmMapping(ladders={STAGE: ["D4"], "quote_accepted": ["D3"], "solution_proposed": ["D1"]})
    rules = [rule for rule in RULES if rule.activity in mapping.ladders]
    found = derived(rules, export(rows()), mapping)
    proposed = found.filter(pl.col("activity") == "solution_proposed")
    assert proposed.select("timestamp", "stage_to").rows() == [(at(6, 18), "Propose")]


def test_a_planned_meeting_only_if_asked_for_and_if_it_was_before_the_export():
    deals = [
        {**DEAL, "scheduleproposalmeeting": at(4), "modifiedon": at(9)},
        {**DEAL, "opportunityid": "o2", "scheduleproposalmeeting": at(20)},
    ]
    mapping = CrmMapping(ladders={"solution_proposed": ["D3"]})
    tables = export({"opportunity": deals})
    assert told(tables, "solution_proposed") == []
    assert told(tables, "solution_proposed", mapping=mapping) == [("o1", at(4), "D3")]
    assert [f.count for f in tables.raw.findings if "planned" in f.reason] == [1]
