"""Approvals: of discounts where their process says so, of anything else under the general names."""

from __future__ import annotations

from dealtrace_engine.sources.crm.mapping import CrmMapping
from small_salesforce import at, found, record, tables

DEAL, QUOTE = record("006", 1), record("0Q0", 1)
REP, BOSS, CHIEF = (record("005", number) for number in (1, 2, 3))
DISCOUNT, OTHER = record("04a", 1), record("04a", 2)
DEFINITIONS = [
    {"Id": DISCOUNT, "Name": "Großer Rabatt", "DeveloperName": "big"},
    {"Id": OTHER, "Name": "Legal", "DeveloperName": "legal"},
]


def run(number, status, completed=None, target=QUOTE, process=DISCOUNT, **more):
    return {
        "Id": record("04g", number), "TargetObjectId": target, "Status": status, "SubmittedById": REP,
        "CreatedDate": at(number), "CompletedDate": completed, "ProcessDefinitionId": process, **more,
    }  # fmt: skip


def step(number, of, status, when, actor=BOSS):
    return {
        "Id": record("04h", number), "ProcessInstanceId": record("04g", of), "StepStatus": status,
        "ActorId": actor, "CreatedDate": when,
    }  # fmt: skip


def approvals(export, mapping=None, columns=("timestamp", "resource_id")):
    names = [f"{about}approval_{what}" for about in ("discount_", "")
             for what in ("requested", "approved", "rejected", "recalled")]  # fmt: skip
    return found(export, *names, mapping=mapping, columns=columns)


def test_one_process_of_each_end():
    export = tables(
        ProcessDefinition=DEFINITIONS,
        ProcessInstance=[run(1, "Approved", at(4)), run(2, "Rejected", at(5)), run(3, "Removed", at(6))],
        ProcessInstanceStep=[
            step(1, 1, "Started", at(1), REP), step(2, 1, "Approved", at(4)), step(3, 2, "Rejected", at(5)),
            step(4, 3, "Removed", at(6), REP), step(5, 1, "NoResponse", at(4), CHIEF),
        ],
    )  # fmt: skip
    assert approvals(export) == [
        ("discount_approval_requested", "SF1", at(1), REP),
        ("discount_approval_requested", "SF1", at(2), REP),
        ("discount_approval_requested", "SF1", at(3), REP),
        ("discount_approval_approved", "SF1", at(4), BOSS),
        ("discount_approval_rejected", "SF1", at(5), BOSS),
        ("discount_approval_recalled", "SF1", at(6), REP),
    ]


def test_the_first_of_two_steps_is_partial():
    export = tables(
        ProcessDefinition=DEFINITIONS,
        ProcessInstance=[run(1, "Approved", at(5))],
        ProcessInstanceStep=[step(1, 1, "Approved", at(3)), step(2, 1, "Approved", at(5), CHIEF)],
    )
    columns = ("timestamp", "resource_id", "partial", "object", "record_id")
    assert approvals(export, columns=columns)[1:] == [
        ("discount_approval_approved", "SF1", at(3), BOSS, True, "quote", QUOTE),
        ("discount_approval_approved", "SF1", at(5), CHIEF, None, "quote", QUOTE),
    ]


def test_an_old_process_without_a_completion_ends_with_its_last_step():
    export = tables(ProcessInstance=[run(1, "Approved")], ProcessInstanceStep=[step(1, 1, "Approved", at(7))])
    assert approvals(export)[1] == ("approval_approved", "SF1", at(7), BOSS)


def test_a_pending_process_is_requested_only():
    assert approvals(tables(ProcessInstance=[run(1, "Pending")])) == [
        ("approval_requested", "SF1", at(1), REP)
    ]


def test_without_steps_the_last_actor_did_it():
    export = tables(ProcessInstance=[run(1, "Approved", at(3), LastActorId=CHIEF)])
    assert approvals(export)[1] == ("approval_approved", "SF1", at(3), CHIEF)


def test_a_process_that_does_not_say_discount_is_an_approval_of_something_else():
    export = tables(ProcessDefinition=DEFINITIONS, ProcessInstance=[run(1, "Approved", at(3), process=OTHER)])
    assert [row[0] for row in approvals(export)] == ["approval_requested", "approval_approved"]
    mapping = CrmMapping(statuses={"approval.discount": ["legal"]})
    assert [row[0] for row in approvals(export, mapping)] == [
        "discount_approval_requested", "discount_approval_approved",
    ]  # fmt: skip


def test_approvals_of_what_is_no_part_of_the_sale_are_none_of_ours():
    runs = [
        run(1, "Approved", at(3), target=record("00Q", 1)),
        run(2, "Approved", at(3), target=record("a99", 1)),
    ]
    assert approvals(tables(ProcessInstance=runs)) == []


def test_a_packaged_quote_is_known_by_the_prefix_of_its_ids():
    quote = {"Id": record("a0Q", 7), "CreatedDate": at(1)}
    export = tables(SBQQ__Quote__c=[quote], ProcessInstance=[run(1, "Pending", target=quote["Id"])])
    assert approvals(export, columns=("object", "record_id")) == [
        ("approval_requested", "SF1", "quote", quote["Id"])
    ]


def test_the_approval_of_a_deleted_quote_is_left_out():
    export = tables(Quote=[{"Id": QUOTE, "IsDeleted": True}], ProcessInstance=[run(1, "Pending")])
    assert approvals(export) == []


def test_approval_flows():
    submission = {
        "Id": record("0As", 1), "RelatedRecordId": DEAL, "Status": "Approved", "SubmittedById": REP,
        "CreatedDate": at(2), "Name": "AS-1", "Comments": "Discount over 20 %",
    }  # fmt: skip
    items = [
        {
            "Id": record("0Aw", n),
            "ApprovalSubmissionId": submission["Id"],
            "Status": "Approved",
            "ReviewedById": by,
            "ReviewedDate": at(n),
        }
        for n, by in ((4, BOSS), (5, CHIEF))
    ]
    assert approvals(tables(ApprovalSubmission=[submission], ApprovalWorkItem=items)) == [
        ("discount_approval_requested", "SF2", at(2), REP),
        ("discount_approval_approved", "SF2", at(5), CHIEF),
    ]


def test_advanced_approvals():
    row = {
        "Id": record("a3A", 1), "SBQQ__Quote__c": record("a0Q", 7), "sbaa__Status__c": "Rejected",
        "CreatedDate": at(2), "CreatedById": REP, "sbaa__RejectedDate__c": at(3), "sbaa__RejectedBy__c": BOSS,
    }  # fmt: skip
    quote = {"Id": record("a0Q", 7), "CreatedDate": at(1)}
    assert approvals(tables(SBQQ__Quote__c=[quote], sbaa__Approval__c=[row])) == [
        ("discount_approval_requested", "SF3", at(2), REP),
        ("discount_approval_rejected", "SF3", at(3), BOSS),
    ]


def status(number, before, after, of=QUOTE):
    return {
        "Id": record("017", number), "QuoteId": of, "Field": "Status", "OldValue": before, "NewValue": after,
        "CreatedDate": at(number), "CreatedById": REP,
    }  # fmt: skip


def test_statuses_of_quotes_that_no_process_approves():
    second = record("0Q0", 2)
    export = tables(
        Quote=[{"Id": QUOTE, "Status": "Approved"}, {"Id": second, "Status": "Approved"}],
        QuoteHistory=[
            status(1, "Draft", "Needs Review"),
            status(2, "Needs Review", "In Review"),
            status(3, "In Review", "Rejected"),
            status(4, "Rejected", "Approved"),
            status(5, "Draft", "Approved", second),
        ],
        ProcessInstance=[run(1, "Pending", target=second, process=OTHER)],
    )
    assert approvals(export, columns=("timestamp",)) == [
        ("approval_requested", "SF1", at(1)), ("discount_approval_requested", "SF4", at(1)),
        ("discount_approval_rejected", "SF4", at(3)), ("discount_approval_approved", "SF4", at(4)),
    ]  # fmt: skip
