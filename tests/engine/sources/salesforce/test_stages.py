"""What stages mean, told from their own table, from records, from the forecast, and last from names."""

from __future__ import annotations

import pytest

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.stage_names import FormerStage, StageNames
from dealtrace_engine.sources.salesforce.stage_names import stage_names
from dealtrace_engine.sources.salesforce.stages import FORMER, stage_table, unknown_stages
from dealtrace_engine.sources.salesforce.statuses import unmapped
from small_salesforce import at, found, reasons, record, tables


def deal(number, stage, **more):
    return {"Id": record("006", number), "StageName": stage, "CreatedDate": at(number), **more}


def meaning(export, mapping=None):
    rows = stage_table(export, mapping or CrmMapping()).sort("place", "stage").collect()
    return [(row["stage"], row["is_closed"], row["is_won"], row["known_by"])
            for row in rows.iter_rows(named=True)]  # fmt: skip


def test_the_table_of_stages_counts_first_whatever_stages_are_called():
    stages = [
        {
            "ApiName": "Handshake",
            "MasterLabel": "Shake",
            "SortOrder": 2,
            "IsClosed": True,
            "IsWon": True,
            "IsActive": True,
        },
        {
            "ApiName": "Closed Won",
            "MasterLabel": "Closed Won",
            "SortOrder": 1,
            "IsClosed": False,
            "IsWon": False,
            "IsActive": True,
        },
    ]
    export = tables(
        OpportunityStage=stages,
        Opportunity=[deal(1, "Handshake"), deal(2, "Closed Won"), deal(3, "Shake", IsClosed=False)],
    )
    assert meaning(export) == [
        ("Closed Won", False, False, "metadata"),
        ("Handshake", True, True, "metadata"),
        ("Shake", True, True, "metadata"),
    ]


def test_without_that_table_stages_are_learnt_from_the_records_in_them():
    export = tables(
        Opportunity=[
            deal(1, "Signed", IsClosed=True, IsWon=True, Probability=100),
            deal(2, "Dead", IsClosed=True, IsWon=False, Probability=0),
            deal(3, "Won", IsClosed=False, IsWon=False, Probability=20),
        ]
    )
    assert meaning(export) == [
        ("Dead", True, False, "records"),
        ("Won", False, False, "records"),
        ("Signed", True, True, "records"),
    ]


def test_a_stage_of_which_records_disagree_is_not_learnt_from_them():
    export = tables(
        Opportunity=[deal(1, "Odd", IsClosed=True, IsWon=True), deal(2, "Odd", IsClosed=False, IsWon=False)]
    )
    assert meaning(export) == [("Odd", None, None, None)]
    assert unknown_stages(export, CrmMapping()) == {"Odd": 2}
    assert unmapped(export, CrmMapping()) == {"Opportunity.StageName": {"Odd": 2}}


def test_then_from_the_forecast_of_records_and_of_their_history():
    export = tables(
        Opportunity=[deal(1, "Signed", ForecastCategory="Closed", Probability=100)],
        OpportunityHistory=[
            {
                "OpportunityId": record("006", 1),
                "StageName": "Dead",
                "ForecastCategory": "Omitted",
                "Probability": 0,
            },
            {
                "OpportunityId": record("006", 1),
                "StageName": "Talk",
                "ForecastCategory": "BestCase",
                "Probability": 40,
            },
        ],
    )
    assert meaning(export) == [
        ("Dead", True, False, "forecast"),
        ("Talk", False, False, "forecast"),
        ("Signed", True, True, "forecast"),
    ]


@pytest.mark.parametrize(
    ("name", "won"),
    [("Closed Won", True), ("受注", True), ("„Geschlossen und verloren“", False), ("Perdue", False)],
)
def test_and_last_from_names_which_is_said(name, won):
    export = tables(Opportunity=[deal(1, name)])
    assert meaning(export) == [(name, True, won, "name")]


def test_the_order_of_stages_is_that_of_the_mapping_if_it_has_one():
    export = tables(Opportunity=[deal(1, "A", StageSortOrder=1), deal(2, "B", StageSortOrder=2)])
    assert [row[0] for row in meaning(export)] == ["A", "B"]
    assert [row[0] for row in meaning(export, CrmMapping(stage_order=("B", "A")))] == ["B", "A"]


def snapshot(number, stage, day):
    return {
        "Id": record("008", number),
        "OpportunityId": record("006", 1),
        "StageName": stage,
        "CreatedDate": at(day),
    }


def test_a_stage_that_was_renamed_half_way_has_not_changed():
    export = tables(
        Opportunity=[deal(1, "Talks", IsClosed=False)],
        OpportunityHistory=[snapshot(1, "New", 1), snapshot(2, "Negotiation", 3), snapshot(3, "Talks", 5)],
    )
    changed = "opportunity_stage_changed"
    assert len(found(export, changed)) == 2
    renamed = CrmMapping(stage_aliases={"Negotiation": "Talks"})
    columns = ("timestamp", "stage_from", "stage_to")
    assert found(export, changed, mapping=renamed, columns=columns) == [
        (changed, "SF1", at(3), "New", "Talks")
    ]


def renamed_export(**more):
    """Haggle became Negotiation; Prototype went without a successor; Demo is switched off."""
    names = (("Won", 9, True), ("Negotiation", 3, True), ("New", 1, True), ("Demo", 2, False))
    stages = [{"ApiName": name, "SortOrder": place, "IsActive": on, "IsClosed": name == "Won",
               "IsWon": name == "Won"} for name, place, on in names]  # fmt: skip
    courses = (
        (1, ((1, "New"), (2, "Haggle"), (3, "Won"))),
        (2, ((2, "New"), (4, "Haggle"), (5, "Won"))),
        (4, ((4, "New"), (6, "Negotiation"), (7, "Won"))),
        (5, ((5, "Prototype"), (6, "New"), (7, "Negotiation"), (8, "Demo"), (9, "Won"))),
    )
    rows = [
        {**snapshot(100 * number + day, stage, day), "OpportunityId": record("006", number),
         "ForecastCategory": "Pipeline", "Probability": 50}
        for number, course in courses for day, stage in course
    ]  # fmt: skip
    return tables(
        Opportunity=[deal(number, "Won") for number, _ in courses],
        OpportunityHistory=rows,
        **{"OpportunityStage": stages, **more},
    )


def test_former_names_of_stages_are_told_with_what_they_are_called_now():
    export = renamed_export()
    told = (("Haggle", 4, "Negotiation"), ("Prototype", 5, None), ("Demo", 8, None))
    former = [FormerStage(name, at(day).date(), now) for name, day, now in told]
    assert stage_names(export, CrmMapping()) == StageNames(["New", "Negotiation", "Won"], former)
    assert reasons(export)[FORMER] == 3
    places = dict(stage_table(export, CrmMapping()).select("stage", "place").collect().iter_rows())
    assert places == {"New": 1, "Negotiation": 3, "Won": 9, "Demo": 2, "Haggle": None, "Prototype": None}
    mapping = CrmMapping(stage_aliases={"Haggle": "Negotiation"})
    assert stage_names(renamed_export(), mapping).former == former[1:]


def test_without_the_table_of_stages_their_order_is_that_of_deals_and_no_name_is_a_former_one():
    names = stage_names(renamed_export(OpportunityStage=[]), CrmMapping())
    assert names.order == ["New", "Prototype", "Haggle", "Negotiation", "Won", "Demo"]
    assert names.former == []
