"""Opportunities: their stages, closings and reopenings, and what changes beside."""

from __future__ import annotations

from datetime import date

import pytest

from dealtrace_engine.sources.crm.mapping import CrmMapping
from small_salesforce import at, events, found, reasons, record, tables

DEAL, OTHER = record("006", 1), record("006", 2)
ANN, BOB = record("005", 1), record("005", 2)
CHANGED, WON, LOST = "opportunity_stage_changed", "opportunity_won", "opportunity_lost"
STAGES = [
    {"ApiName": name, "MasterLabel": name, "SortOrder": place, "IsClosed": place > 3, "IsWon": place == 4,
     "IsActive": True}
    for place, name in enumerate(("New", "Value Proposition", "Talks", "Closed Won", "Closed Lost"), 1)
]  # fmt: skip


def deal(stage="New", number=1, **more):
    return {
        "Id": record("006", number), "StageName": stage, "CreatedDate": at(1), "CreatedById": ANN,
        "CloseDate": date(2024, 3, 31), **more,
    }  # fmt: skip


def snapshot(number, stage, when, deal=DEAL, **more):
    return {
        "Id": record("008", number), "OpportunityId": deal, "StageName": stage, "CreatedDate": when,
        "CreatedById": BOB, **more,
    }  # fmt: skip


def change(number, field, before, after, when, deal=DEAL, **more):
    return {
        "Id": record("017", number), "OpportunityId": deal, "Field": field, "OldValue": before,
        "NewValue": after, "CreatedDate": when, "CreatedById": BOB, **more,
    }  # fmt: skip


def test_created_with_the_stage_that_it_began_in():
    export = tables(
        OpportunityStage=STAGES, User=[{"Id": ANN, "Name": "Ann A"}],
        Opportunity=[deal(CurrencyIsoCode="EUR", Amount=5)],
        OpportunityHistory=[snapshot(1, "New", at(1), Amount=3), snapshot(2, "Talks", at(4), Amount=5)],
    )  # fmt: skip
    columns = ("timestamp", "resource_id", "resource_name", "stage_to", "amount", "currency")
    assert found(export, "opportunity_created", columns=columns) == [
        ("opportunity_created", "SF1", at(1), ANN, "Ann A", "New", 3.0, "EUR")
    ]


def test_created_by_its_history_where_the_record_does_not_say():
    rows = [
        change(1, "created", None, None, at(2)),
        change(2, "opportunityCreatedFromLead", None, None, at(2)),
    ]
    export = tables(Opportunity=[{"Id": DEAL, "StageName": "New"}], OpportunityFieldHistory=rows)
    assert found(export, "opportunity_created") == [("opportunity_created", "SF2", at(2))]


def test_snapshots_without_a_new_stage_are_no_changes_of_it():
    export = tables(
        OpportunityStage=STAGES,
        Opportunity=[deal("Talks")],
        OpportunityHistory=[
            snapshot(1, "New", at(1), Amount=1),
            snapshot(2, "New", at(2), Amount=2),
            snapshot(3, "Talks", at(3), Amount=2),
            snapshot(4, "Talks", at(4), Amount=9),
            snapshot(5, "New", at(5), Amount=9),
            snapshot(6, "Talks", at(6), Amount=9),
        ],
    )
    columns = ("timestamp", "stage_from", "stage_to", "direction", "amount", "resource_id")
    assert found(export, CHANGED, columns=columns) == [
        (CHANGED, "SF1", at(3), "New", "Talks", 1, 2.0, BOB),
        (CHANGED, "SF1", at(5), "Talks", "New", -1, 9.0, BOB),
        (CHANGED, "SF1", at(6), "New", "Talks", 1, 9.0, BOB),
    ]
    columns = ("timestamp", "amount", "amount_delta")
    assert found(export, "amount_changed", columns=columns) == [
        ("amount_changed", "SF1", at(2), 2.0, 1.0),
        ("amount_changed", "SF1", at(4), 9.0, 7.0),
    ]


def test_snapshots_of_two_deals_do_not_mix_and_their_order_in_the_file_does_not_matter():
    export = tables(
        OpportunityStage=STAGES, Opportunity=[deal("Talks"), deal("New", 2)],
        OpportunityHistory=[
            snapshot(4, "Talks", at(3)), snapshot(2, "New", at(1), deal=OTHER), snapshot(1, "New", at(1)),
        ],
    )  # fmt: skip
    assert found(export, CHANGED, columns=("record_id", "timestamp")) == [(CHANGED, "SF1", DEAL, at(3))]


def test_the_history_of_the_field_where_an_opportunity_has_no_snapshots():
    export = tables(
        OpportunityStage=STAGES, Opportunity=[deal("Talks"), deal("Talks", 2)],
        OpportunityHistory=[snapshot(1, "New", at(1)), snapshot(2, "Talks", at(3))],
        OpportunityFieldHistory=[
            change(1, "StageName", "New", "Talks", at(3)),
            change(2, "StageName", "New", "Talks", at(5), deal=OTHER),
        ],
    )  # fmt: skip
    columns = ("record_id", "source_object")
    assert found(export, CHANGED, columns=columns) == [
        (CHANGED, "SF1", DEAL, "OpportunityHistory"), (CHANGED, "SF2", OTHER, "OpportunityFieldHistory"),
    ]  # fmt: skip


def test_without_any_history_the_last_change_is_known_but_not_one_at_the_creation():
    export = tables(
        OpportunityStage=STAGES,
        Opportunity=[
            deal("Talks", LastStageChangeDate=at(7, 12)),
            deal("New", 2, LastStageChangeDate=at(1)),
            deal("New", 3),
        ],
    )
    columns = ("timestamp", "stage_to", "ts_quality")
    assert found(export, CHANGED, columns=columns) == [(CHANGED, "SF3", at(7, 12), "Talks", "field")]


def test_a_first_snapshot_after_the_creation_is_a_change_only_where_that_is_known():
    first = [snapshot(1, "Talks", at(4))]
    assert found(tables(Opportunity=[deal("Talks")], OpportunityHistory=first), CHANGED) == []
    told = tables(Opportunity=[deal("Talks", LastStageChangeDate=at(4))], OpportunityHistory=first)
    assert found(told, CHANGED) == [(CHANGED, "SF1", at(4))]
    named = [{**first[0], "FromOpportunityStageName": "New"}]
    named = tables(Opportunity=[deal("Talks")], OpportunityHistory=named)
    assert found(named, CHANGED, columns=("stage_from",)) == [(CHANGED, "SF1", "New")]


def test_closed_reopened_and_closed_again_are_all_kept():
    export = tables(
        OpportunityStage=STAGES,
        Opportunity=[deal("Closed Won", LastStageChangeDate=at(9))],
        OpportunityHistory=[
            snapshot(1, "New", at(1)),
            snapshot(2, "Closed Lost", at(3)),
            snapshot(3, "Talks", at(5)),
            snapshot(4, "Closed Won", at(7)),
            snapshot(5, "Closed Lost", at(8)),
            snapshot(6, "Closed Won", at(9)),
        ],
    )
    assert found(export, WON, LOST, "opportunity_reopened") == [
        (LOST, "SF1", at(3)),
        ("opportunity_reopened", "SF1", at(5)),
        (WON, "SF1", at(7)),
        (LOST, "SF1", at(8)),
        (WON, "SF1", at(9)),
    ]


def test_from_one_won_stage_to_another_is_not_won_again():
    stages = [*STAGES, {"ApiName": "Live", "SortOrder": 6, "IsClosed": True, "IsWon": True, "IsActive": True}]
    export = tables(
        OpportunityStage=stages, Opportunity=[deal("Live")],
        OpportunityHistory=[
            snapshot(1, "New", at(1)), snapshot(2, "Closed Won", at(3)), snapshot(3, "Live", at(5)),
        ],
    )  # fmt: skip
    assert found(export, WON) == [(WON, "SF1", at(3))]


def test_won_by_the_last_change_of_the_stage_else_by_the_close_date():
    export = tables(
        OpportunityStage=STAGES,
        Opportunity=[
            deal("Closed Won", LastStageChangeDate=at(20, 15)), deal("Closed Won", 2, CloseDate="2024-03-05"),
            deal("Talks", 3, LastStageChangeDate=at(21)),
        ],
    )  # fmt: skip
    assert found(export, WON, columns=("record_id", "timestamp", "ts_precision")) == [
        (WON, "SF3", OTHER, at(5), "date"), (WON, "SF2", DEAL, at(20, 15), "instant"),
    ]  # fmt: skip


def test_a_deal_recorded_after_it_was_closed_was_closed_on_its_close_date():
    before, same = "2024-02-10", "2024-03-01"
    export = tables(
        OpportunityStage=STAGES,
        Opportunity=[
            deal("Closed Won", CloseDate=before, LastStageChangeDate=at(1)),
            deal("Closed Won", 2, CloseDate=same),
        ],
        OpportunityHistory=[snapshot(1, "Closed Won", at(1)), snapshot(2, "Closed Won", at(1), deal=OTHER)],
    )
    assert found(export, WON, columns=("record_id", "timestamp", "ts_precision")) == [
        (WON, "SF3", DEAL, at(10, month=2), "date"), (WON, "SF1", OTHER, at(1), "instant"),
    ]  # fmt: skip


def test_a_close_date_after_the_export_is_a_plan_and_no_event():
    export = tables(
        OpportunityStage=STAGES,
        Opportunity=[deal("Closed Won", CloseDate="2031-01-01", LastModifiedDate=at(8))],
    )
    assert found(export, WON) == []
    assert reasons(export) == {"Opportunity.CloseDate lies after the export: planned, no event": 1}


def test_a_stage_known_by_its_name_alone_is_found_by_a_rule_that_says_so():
    export = tables(
        Opportunity=[deal("Closed Won")],
        OpportunityHistory=[snapshot(1, "New", at(1)), snapshot(2, "Closed Won", at(3))],
    )
    assert found(export, WON) == [(WON, "SF1N", at(3))]


def test_the_own_flags_of_an_opportunity_count_before_its_stage():
    export = tables(Opportunity=[deal("Done", IsClosed=True, IsWon=False, LastStageChangeDate=at(4))])
    assert found(export, WON, LOST) == [(LOST, "SF2", at(4))]


def test_a_solution_is_proposed_by_a_stage_else_by_a_presented_quote():
    quotes = {
        "Quote": [
            {"Id": record("0Q0", 1), "OpportunityId": DEAL, "Status": "Presented", "CreatedDate": at(2)}
        ],
        "QuoteHistory": [
            {
                "Id": record("017", 9),
                "QuoteId": record("0Q0", 1),
                "Field": "Status",
                "OldValue": "Draft",
                "NewValue": "Presented",
                "CreatedDate": at(4),
            }
        ],
    }
    by_stage = tables(
        OpportunityStage=STAGES,
        Opportunity=[deal("Talks")],
        OpportunityHistory=[
            snapshot(1, "New", at(1)),
            snapshot(2, "Value Proposition", at(3)),
            snapshot(3, "Talks", at(5)),
        ],
        **quotes,
    )
    assert found(by_stage, "solution_proposed") == [("solution_proposed", "SF1", at(3))]
    assert found(tables(Opportunity=[deal("Talks")], **quotes), "solution_proposed") == [
        ("solution_proposed", "SF2", at(4))
    ]


def test_a_change_of_the_owner_is_one_event_though_it_writes_two_rows():
    export = tables(
        Opportunity=[deal()], User=[{"Id": BOB, "FirstName": "Bob", "LastName": "B"}],
        OpportunityFieldHistory=[
            change(1, "Owner", "Ann A", "Bob B", at(3)), change(2, "Owner", ANN, BOB, at(3)),
            change(3, "created", None, None, at(1)),
        ],
    )  # fmt: skip
    columns = ("timestamp", "status_from", "status_to", "resource_name")
    assert found(export, "owner_changed", columns=columns) == [
        ("owner_changed", "SF1", at(3), "Ann A", "Bob B", "Bob B")
    ]


@pytest.mark.parametrize("source", ["OpportunityHistory", "OpportunityFieldHistory"])
def test_amount_and_close_date_by_either_history(source):
    snapshots = [
        snapshot(1, "New", at(1), Amount=10, CloseDate="2024-04-01"),
        snapshot(2, "New", at(2), Amount=10, CloseDate="2024-05-01"),
        snapshot(3, "New", at(3), Amount=None, CloseDate="2024-04-15"),
        snapshot(4, "New", at(4), Amount=7, CloseDate="2024-04-15"),
    ]
    fields = [
        change(1, "CloseDate", "2024-04-01", "2024-05-01", at(2)),
        change(2, "CloseDate", "2024-05-01", "2024-04-15", at(3)), change(3, "Amount", "10", None, at(3)),
        change(4, "Amount", None, "7", at(4)),
    ]  # fmt: skip
    rows = snapshots if source == "OpportunityHistory" else fields
    export = tables(Opportunity=[deal(Amount=7)], **{source: rows})
    place = "SF1" if source == "OpportunityHistory" else "SF2"
    assert found(export, "close_date_pushed", columns=("timestamp", "close_date")) == [
        ("close_date_pushed", place, at(2), date(2024, 5, 1))
    ]
    assert found(export, "amount_changed", columns=("timestamp", "amount", "amount_delta")) == [
        ("amount_changed", place, at(3), None, None), ("amount_changed", place, at(4), 7.0, None),
    ]  # fmt: skip


def test_the_first_snapshot_tells_a_change_of_the_amount_by_the_amount_before():
    rows = [snapshot(1, "New", at(4), Amount=10, PrevAmount=4)]
    export = tables(Opportunity=[deal()], OpportunityHistory=rows)
    assert found(export, "amount_changed", columns=("amount_delta",)) == [("amount_changed", "SF1", 6.0)]


def test_a_deleted_opportunity_has_no_events():
    export = tables(
        OpportunityStage=STAGES, Opportunity=[deal("Closed Won", IsDeleted=True)],
        OpportunityHistory=[snapshot(1, "New", at(1)), snapshot(2, "Closed Won", at(3))],
    )  # fmt: skip
    assert events(export).height == 0
    assert reasons(export) == {"Opportunity is deleted; left out": 1}


def test_the_mapping_may_choose_the_rule():
    export = tables(
        OpportunityStage=STAGES, Opportunity=[deal("Closed Won", CloseDate="2024-03-05")],
        OpportunityHistory=[snapshot(1, "New", at(1)), snapshot(2, "Closed Won", at(7))],
    )  # fmt: skip
    by_date = CrmMapping(ladders={WON: ["SF3", "SF1"]})
    assert found(export, WON, mapping=by_date) == [(WON, "SF3", at(5))]


def test_an_export_to_the_minute_has_events_to_the_minute():
    from dataclasses import replace

    from dealtrace_engine.sources.crm.tables import CrmTables

    export = tables(Opportunity=[deal()])
    export = CrmTables(replace(export.raw, precision="minute"), export.catalog)
    assert events(export)["ts_precision"].to_list() == ["minute"]


def test_rows_of_a_report_have_no_ids_and_say_themselves_what_was_before():
    rows = [
        {
            "OpportunityId": DEAL,
            "StageName": after,
            "FromOpportunityStageName": before,
            "CreatedDate": at(3, 9),
            "CreatedBy.Name": "Ann",
        }
        for before, after in (("Talks", "Closed Won"), ("New", "Talks"))
    ]
    export = tables(OpportunityStage=STAGES, Opportunity=[deal("Closed Won")], OpportunityHistory=rows)
    columns = ("stage_from", "stage_to", "resource_name")
    assert sorted(found(export, CHANGED, columns=columns)) == [
        (CHANGED, "SF1", "New", "Talks", "Ann"), (CHANGED, "SF1", "Talks", "Closed Won", "Ann"),
    ]  # fmt: skip
    assert found(export, "amount_changed") == []
