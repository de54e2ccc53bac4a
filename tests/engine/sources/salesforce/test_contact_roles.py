"""Contacts that are about no deal come to that in which somebody who took part has a role, if asked for."""

from __future__ import annotations

import polars as pl
import pytest

import dealtrace as dt
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.salesforce.links import links
from dealtrace_engine.sources.salesforce.objects import CATALOG
from dealtrace_engine.synthetic.crm.facts import facts
from dealtrace_engine.synthetic.crm.salesforce_tables import salesforce_tables
from dealtrace_engine.synthetic.crm.salesforce_truth import salesforce_truth
from small_salesforce import at, found, record, tables

FIRST, EACH = "first_customer_contact", "customer_contact"
LADDER = ["SF1", "SF2", "SF3", "SF4"]
ASKED = CrmMapping(ladders={FIRST: LADDER}, zone="Europe/Berlin")
DEAL, OTHER, ACCOUNT = record("006", 1), record("006", 2), record("001", 1)
EVE, BOB = record("003", 1), record("003", 2)


def deal(number=1, **more):
    return {
        "Id": record("006", number), "StageName": "New", "CreatedDate": at(4, 12), "IsClosed": False,
        "IsWon": False, "CloseDate": "2024-09-30", "SystemModstamp": at(28), **more,
    }  # fmt: skip


def closed(number=1, **more):
    return deal(
        number, IsClosed=True, StageName="Closed Won", IsWon=True, CloseDate="2024-03-10",
        LastStageChangeDate=at(9, 12), **more,
    )  # fmt: skip


def role(person, number=1, **more):
    return {
        "Id": record("00K", number * 10 + (person == BOB)), "OpportunityId": record("006", number),
        "ContactId": person, **more,
    }  # fmt: skip


def call(number, when, who=EVE, **more):
    return {
        "Id": record("00T", number), "WhoId": who, "IsClosed": True, "TaskSubtype": "Call",
        "CompletedDateTime": when, "CreatedDate": at(1), **more,
    }  # fmt: skip


ONE_DEAL, HER_ROLE = (deal(),), (role(EVE),)


def by_role(*calls, deals=ONE_DEAL, roles=HER_ROLE, mapping=ASKED, **more):
    """The contacts that come to a deal by a role: which, to which deal."""
    objects = {"Opportunity": list(deals), "OpportunityContactRole": list(roles), "Task": list(calls), **more}
    rows = links(tables(**objects), mapping).filter(pl.col("via").cast(pl.String).str.contains("Role"))
    assert rows.is_empty() or rows.select("object", "confidence").unique().rows() == [("contact", 0.8)]
    return rows.select("record_id", "case_id").sort("record_id").rows()


def test_only_where_it_is_asked_for():
    assert by_role(call(1, at(5))) == [(record("00T", 1), DEAL)]
    assert by_role(call(1, at(5)), mapping=CrmMapping()) == []


def test_opportunities_must_be_the_cases():
    mapping = CrmMapping(ladders={FIRST: LADDER}, leading="quote")
    assert by_role(call(1, at(5)), mapping=mapping) == []


@pytest.mark.parametrize(
    ("when", "is_told"), [(at(4, 11), False), (at(4, 12), True), (at(9, 22, 59), True), (at(9, 23), False)]
)
def test_while_the_deal_is_open_to_the_end_of_the_day_on_which_it_is_closed(when, is_told):
    """Berlin is an hour ahead; the close date, which anybody can edit, does not count."""
    assert bool(by_role(call(1, when), deals=[closed()])) is is_told


@pytest.mark.parametrize(("day", "is_told"), [("03", False), ("04", True), ("09", True), ("10", False)])
def test_days_count_where_only_the_day_is_known(day, is_told):
    meeting = call(
        1, None, TaskSubtype="Task", Type="Meeting", CompletedDateTime=None, ActivityDate=f"2024-03-{day}"
    )
    assert bool(by_role(meeting, deals=[closed()])) is is_told


def test_the_close_date_counts_where_the_last_change_of_stage_is_not_known():
    deals = [closed() | {"LastStageChangeDate": None}]
    calls = (call(1, at(10, 22)), call(2, at(10, 23)))
    assert by_role(*calls, deals=deals) == [(record("00T", 1), DEAL)]


def test_several_deals_that_are_open_tell_none():
    roles = [role(EVE), role(EVE, 2)]
    assert by_role(call(1, at(5)), deals=[deal(), deal(2)], roles=roles) == []
    later = deal(2, CreatedDate=at(6))
    calls = (call(1, at(5)), call(2, at(7)))
    assert by_role(*calls, deals=[deal(), later], roles=roles) == [(record("00T", 1), DEAL)]
    assert by_role(call(3, at(11)), deals=[closed(), deal(2)], roles=roles) == [(record("00T", 3), OTHER)]


def test_two_people_of_one_deal_tell_it_and_of_two_deals_none():
    meeting = {"Id": record("00U", 1), "WhoId": EVE, "StartDateTime": at(5, 9)}
    also = [{"Id": record("0RE", 1), "EventId": record("00U", 1), "RelationId": BOB, "IsWhat": False}]
    told = {"Event": [meeting], "EventRelation": also}
    assert by_role(roles=[role(EVE), role(BOB)], **told) == [(record("00U", 1), DEAL)]
    assert by_role(roles=[role(BOB)], **told) == [(record("00U", 1), DEAL)]
    assert by_role(deals=[deal(), deal(2)], roles=[role(EVE), role(BOB, 2)], **told) == []


def test_what_is_about_something_else_is_not_about_the_deal():
    accounts = {"Account": [{"Id": ACCOUNT, "CreatedDate": at(1)}]}
    calls = [call(1, at(5), WhatId=ACCOUNT), call(2, at(5), WhatId=record("701", 1))]
    assert by_role(*calls, **accounts) == [(record("00T", 1), DEAL)]
    assert by_role(call(1, at(5), WhatId=OTHER), deals=[deal(), deal(2)]) == []


def test_what_is_deleted_does_not_count():
    assert by_role(call(1, at(5)), roles=[role(EVE, IsDeleted=True)]) == []
    assert by_role(call(1, at(5)), deals=[deal(IsDeleted=True)]) == []
    assert by_role(call(1, at(5), IsDeleted=True)) == []


def test_the_first_by_role_is_told_of_the_contact_where_nothing_else_tells_a_first():
    calls = [call(1, at(6)), call(2, at(5)), call(3, at(7), who=BOB), call(4, at(8), WhatId=OTHER)]
    export = tables(
        Opportunity=[deal(), deal(2)], OpportunityContactRole=[role(EVE), role(BOB, 2)], Task=calls
    )
    columns = ("object", "record_id", "timestamp", "source_object")
    assert found(export, FIRST, mapping=ASKED, columns=columns) == [
        (FIRST, "SF4", "contact", record("00T", 2), at(5), "Task"),
        (FIRST, "SF1", "opportunity", OTHER, at(8), "Task"),
    ]
    assert found(export, FIRST, columns=columns) == [
        (FIRST, "SF1", "opportunity", OTHER, at(8), "Task"),
    ]
    every = CrmMapping(ladders={FIRST: LADDER}, every_contact=True)
    told = found(export, FIRST, EACH, mapping=every, columns=("record_id",))
    assert [row for row in told if row[0] == EACH] == [
        (EACH, "SF1", record("00T", 1)), (EACH, "SF1", record("00T", 3)),
    ]  # fmt: skip


def test_the_rule_alone_takes_contacts_however_they_are_dated():
    export = tables(
        Opportunity=[deal()], OpportunityContactRole=[role(EVE)], Task=[call(1, at(6)), call(2, None)]
    )
    mapping = CrmMapping(ladders={FIRST: ["SF4"]})
    assert found(export, FIRST, mapping=mapping) == [(FIRST, "SF4", at(6))]


@pytest.fixture(scope="module")
def organisation():
    """One that does not say what calls and meetings with people are about."""
    made = facts(200, 5)
    known = {name: table for name, table in salesforce_tables(made).items() if name in CATALOG}
    with_people = pl.col("WhoId").str.starts_with("003")
    for name in ("Task", "Event"):
        known[name] = known[name].with_columns(WhatId=pl.when(~with_people).then("WhatId"))
    known["Task"] = known["Task"].filter(pl.col("TaskSubtype") == "Call")
    del known["EmailMessage"]
    truth = salesforce_truth(made).filter(pl.col("activity").is_in([FIRST, EACH]))
    return known, truth


def read(organisation, **mapping):
    log = dt.read_salesforce(tables=organisation[0], mapping=mapping)
    columns = ["activity_id", "rule_id", "source_row_id", "via", "confidence"]
    events = log.to_polars(columns).with_columns(pl.col(pl.Categorical).cast(pl.String))
    return log, events.filter(pl.col("activity_id").is_in([FIRST, EACH]))


def about(organisation):
    """Contacts with people, by the deal that they were about, and whether the person has a role in it."""
    known, truth = organisation
    people = pl.concat(known[name].select("WhoId", record_id="Id") for name in ("Task", "Event"))
    met = truth.join(people.filter(pl.col("WhoId").str.starts_with("003")), on="record_id")
    roles = known["OpportunityContactRole"].select(WhoId="ContactId", case_id="OpportunityId", role="Role")
    return met.join(roles, on=["WhoId", "case_id"], how="left")


EVERY = {"ladders": {FIRST: LADDER}, "cases": {"every_contact": True}}


def test_a_contact_comes_to_another_deal_only_if_that_which_it_was_about_has_no_such_role(organisation):
    log, events = read(organisation, **EVERY)
    by_role = events.filter(pl.col("confidence") < 1)
    assert by_role.filter(pl.col("rule_id") == f"{FIRST}.SF4").height > 10
    assert by_role.filter(pl.col("activity_id") == EACH).height > 10
    told = events.select(source_row_id="source_row_id", told=pl.col("case_id").cast(pl.String))
    wrong = told.join(about(organisation), left_on="source_row_id", right_on="record_id")
    wrong = wrong.filter(pl.col("told") != pl.col("case_id"))
    assert wrong.filter(pl.col("role").is_not_null()).rows() == []
    assert wrong.height <= 0.05 * by_role.height
    assert f"{FIRST}.SF4" in log.quality.coverage.unverified


def test_each_contact_of_somebody_with_one_role_only_is_found_but_those_before_the_deal(organisation):
    _, events = read(organisation, **EVERY)
    roles = organisation[0]["OpportunityContactRole"]
    begun = organisation[0]["Opportunity"].select("CreatedDate", case_id="Id")
    one_role = roles.filter(pl.len().over("ContactId") == 1).select(WhoId="ContactId")
    sure = about(organisation).filter(pl.col("role").is_not_null() & pl.col("derivable"))
    sure = sure.join(one_role, on="WhoId", how="semi").join(begun, on="case_id")
    sure = sure.filter(pl.col("timestamp") >= pl.col("CreatedDate"))
    assert sure.height > 10
    told = events.filter(pl.col("confidence") < 1).select(pl.col("case_id").cast(pl.String), "source_row_id")
    assert sure.join(told, left_on=["case_id", "record_id"], right_on=told.columns, how="anti").rows() == []
