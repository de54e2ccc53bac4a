"""Changes of fields: the first value, two rows of one change, values that are not kept, gaps, archives."""

from __future__ import annotations

from dealtrace_engine.sources.salesforce.transitions import changes, gaps, lookup_changes
from small_salesforce import at, reasons, record, tables

DEAL, OTHER = record("006", 1), record("006", 2)
ANN, BOB = record("005", 1), record("005", 2)


def change(number, field, before, after, day, deal=DEAL, **more):
    return {
        "Id": record("017", number), "OpportunityId": deal, "Field": field, "OldValue": before,
        "NewValue": after, "CreatedDate": at(day), "CreatedById": ANN, **more,
    }  # fmt: skip


def deal(stage="Won", **more):
    return {"Id": DEAL, "StageName": stage, "CreatedDate": at(1), "CreatedById": BOB, **more}


def rows(frame, *columns):
    return frame.collect().select(columns).rows()


def test_a_last_change_that_is_not_to_the_present_value_is_a_gap():
    export = tables(Opportunity=[deal("Lost")], OpportunityFieldHistory=[change(1, "StageName", "A", "B", 3)])
    gaps(export, "Opportunity", "StageName")
    reason = "Opportunity.StageName is not what OpportunityFieldHistory says last: changes are missing"
    assert reasons(export) == {reason: 1}


def test_two_changes_in_one_second_are_no_gap_whichever_row_comes_first():
    export = tables(
        Opportunity=[deal("B")],
        OpportunityFieldHistory=[change(2, "StageName", "A", "B", 3), change(9, "StageName", "0", "A", 3)],
    )
    gaps(export, "Opportunity", "StageName")
    assert not reasons(export)


def test_the_row_of_ids_and_that_of_names_are_one_change():
    export = tables(
        Opportunity=[deal()],
        OpportunityFieldHistory=[
            change(1, "Owner", "Ann A", "Bob B", 3),
            change(2, "Owner", ANN, BOB, 3),
            change(3, "Owner", BOB[:15], ANN[:15], 4),
            change(4, "Owner", "Bob B", "Christophersons", 5),
            change(5, "Owner", "x", "y", 6, DataType="EntityId"),
        ],
    )
    found = rows(lookup_changes(export, "Opportunity", "Owner").sort("at"), "from", "to", "from_id", "to_id")
    assert found == [
        ("Ann A", "Bob B", ANN, BOB),
        (None, None, BOB[:15], ANN[:15]),
        ("Bob B", "Christophersons", None, None),
        (None, None, "x", "y"),
    ]


def test_two_changes_of_a_lookup_in_one_second_stay_two():
    names, ids = (("Ann", "Bob"), ("Bob", "Ann")), ((ANN, BOB), (BOB, ANN))
    export = tables(
        Opportunity=[deal()],
        OpportunityFieldHistory=[change(n, "Owner", *pair, 3) for n, pair in enumerate((*names, *ids))],
    )
    found = rows(lookup_changes(export, "Opportunity", "Owner"), "from", "to", "from_id", "to_id")
    assert sorted(found) == [("Ann", "Bob", ANN, BOB), ("Bob", "Ann", BOB, ANN)]


def test_a_long_text_has_changed_though_its_values_are_not_kept():
    export = tables(
        Opportunity=[deal()],
        OpportunityFieldHistory=[
            change(1, "Description", None, None, 3),
            change(2, "Description", "same", "same", 4),
        ],
    )
    assert rows(changes(export, "Opportunity", "Description"), "from", "to", "at") == [(None, None, at(3))]


def test_the_archive_is_read_too_and_what_is_in_both_counts_once():
    archived = [
        {"FieldHistoryType": "Opportunity", "ParentId": DEAL, "Field": "StageName", "OldValue": "0",
         "NewValue": "A", "CreatedDate": at(2), "CreatedById": BOB},
        {"FieldHistoryType": "Opportunity", "ParentId": DEAL, "Field": "StageName", "OldValue": "A",
         "NewValue": "B", "CreatedDate": at(3), "CreatedById": ANN},
        {"FieldHistoryType": "Account", "ParentId": DEAL, "Field": "StageName", "OldValue": "x",
         "NewValue": "y", "CreatedDate": at(4), "CreatedById": ANN},
    ]  # fmt: skip
    export = tables(
        Opportunity=[deal("B")], OpportunityFieldHistory=[change(1, "StageName", "A", "B", 3)],
        FieldHistoryArchive=archived,
    )  # fmt: skip
    found = rows(changes(export, "Opportunity", "StageName").sort("at"), "from", "to", "source_object")
    assert found == [("0", "A", "FieldHistoryArchive"), ("A", "B", "OpportunityFieldHistory")]


def test_the_history_of_a_deleted_record_is_left_out_and_the_record_counted():
    export = tables(
        Opportunity=[deal(IsDeleted=True)], OpportunityFieldHistory=[change(1, "StageName", "A", "B", 3)]
    )
    assert rows(changes(export, "Opportunity", "StageName"), "to") == []
    assert reasons(export) == {"Opportunity is deleted; left out": 1}


def test_the_history_of_an_unknown_record_is_kept():
    export = tables(Opportunity=[deal("B")],
                    OpportunityFieldHistory=[change(1, "StageName", "A", "B", 3, deal=OTHER)])  # fmt: skip
    assert rows(changes(export, "Opportunity", "StageName"), "record_id") == [(OTHER,)]
