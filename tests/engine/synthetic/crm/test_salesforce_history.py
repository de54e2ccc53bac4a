"""The Salesforce tables of what changed: snapshots, field history, and the dirt counted in them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.facts import facts
from dealtrace_engine.synthetic.crm.salesforce_org import TRACKED, SalesforceSetup
from dealtrace_engine.synthetic.crm.salesforce_planted import salesforce_dirt
from dealtrace_engine.synthetic.crm.salesforce_tables import salesforce_tables
from dealtrace_engine.synthetic.crm.salesforce_truth import salesforce_truth


@pytest.fixture(scope="module")
def made():
    return facts(3000, seed=3)


@pytest.fixture(scope="module")
def tables(made):
    return salesforce_tables(made)


@pytest.fixture(scope="module")
def truth(made):
    return salesforce_truth(made)


def test_at_most_twenty_fields_of_an_object_are_tracked(tables):
    assert tables["FieldHistory"].group_by("TableEnumOrId").len()["len"].max() == 20
    assert all(len(fields) <= 20 for fields in TRACKED.values())


@pytest.mark.parametrize("name", ["Lead", "Opportunity", "Quote", "Contract", "Order", "Invoice"])
def test_history_begins_at_its_horizon_and_is_in_order(tables, name):
    history = tables["OpportunityFieldHistory" if name == "Opportunity" else f"{name}History"]
    horizon = SalesforceSetup().horizon(name)
    assert history["CreatedDate"].min() >= horizon
    assert (history["CreatedDate"].min() - horizon).days < 5
    assert history["CreatedDate"].is_sorted()
    assert history["Id"].is_sorted() or len(history) > 3000  # ids count in base 62, text order is not theirs


def test_more_months_are_kept_on_request(made):
    more = salesforce_tables(made, SalesforceSetup(retention_months=24, history_on={}))
    assert more["QuoteHistory"]["CreatedDate"].min() < datetime(2024, 2, 1, tzinfo=UTC)
    assert SalesforceSetup().horizon("Quote") == datetime(2024, 7, 1, tzinfo=UTC)
    assert SalesforceSetup(history_on={"Quote": date(2025, 5, 6)}).horizon("Quote") == datetime(
        2025, 5, 6, tzinfo=UTC
    )


def test_a_changed_owner_leaves_a_row_of_names_and_a_row_of_ids(tables):
    rows = tables["OpportunityFieldHistory"].filter(pl.col("Field") == "Owner")
    pairs = rows.group_by("OpportunityId", "CreatedDate", "CreatedById").agg(
        "DataType", "OldValue", "NewValue"
    )
    names = set(tables["User"]["Name"])
    assert len(pairs) > 50
    for kinds, old, new in pairs.select("DataType", "OldValue", "NewValue").iter_rows():
        by_kind = dict(zip(kinds, zip(old, new, strict=True), strict=True))
        assert set(by_kind) == {"Text", "EntityId"}
        assert set(by_kind["Text"]) <= names
        assert all(value.startswith("005") for value in by_kind["EntityId"])


def test_special_tokens_and_long_texts_have_no_values(tables):
    empty = pl.col("OldValue").is_null() & pl.col("NewValue").is_null()
    for name, tokens in (
        ("LeadHistory", {"created", "leadConverted", "leadMerged"}),
        ("OpportunityFieldHistory", {"created", "opportunityCreatedFromLead", "Description"}),
        ("QuoteHistory", {"created"}),
    ):
        assert set(tables[name].filter(empty)["Field"].unique()) == tokens, name
    assert "ownerAssignment" in tables["LeadHistory"]["Field"].to_list()


def test_snapshots_begin_at_creation_and_end_in_the_present(tables):
    snapshots = tables["OpportunityHistory"].sort("OpportunityId", "CreatedDate", maintain_order=True)
    first = snapshots.unique("OpportunityId", keep="first")
    last = snapshots.unique("OpportunityId", keep="last", maintain_order=True)
    deals = tables["Opportunity"]
    assert (
        first.join(deals, left_on="OpportunityId", right_on="Id")
        .select((pl.col("CreatedDate") == pl.col("CreatedDate_right")).all())
        .item()
    )
    joined = last.join(deals, left_on="OpportunityId", right_on="Id")
    assert len(joined) == len(deals)
    old_name = pl.col("StageName") == company.RENAMED_STAGE[1]
    assert joined.filter((pl.col("StageName") != pl.col("StageName_right")) & ~old_name).is_empty()
    for column in ("Amount", "CloseDate"):
        assert (joined[column] == joined[f"{column}_right"]).all(), column


def test_some_snapshots_repeat_the_one_before(tables):
    snapshots = tables["OpportunityHistory"].sort("OpportunityId", "CreatedDate", maintain_order=True)
    state = ["StageName", "Amount", "CloseDate"]
    same = pl.all_horizontal(pl.col(c) == pl.col(c).shift().over("OpportunityId") for c in state)
    assert 50 < snapshots.select(same.fill_null(False).sum()).item() < len(snapshots) / 5


@pytest.fixture(scope="module")
def snapshots(tables):
    """The snapshots of each opportunity in their order, a renamed stage under its new name."""
    rows = tables["OpportunityHistory"].with_row_index("row").sort("OpportunityId", "CreatedDate", "row")
    place, old_name = company.RENAMED_STAGE
    return rows.with_columns(pl.col("StageName").replace(old_name, company.STAGES[place]))


@pytest.mark.parametrize(
    ("activity", "column", "pushed"),
    [
        ("opportunity_stage_changed", "StageName", False),
        ("amount_changed", "Amount", False),
        ("close_date_pushed", "CloseDate", True),
    ],
)
def test_snapshots_tell_every_change_and_no_other(snapshots, truth, activity, column, pushed):
    before = pl.col(column).shift().over("OpportunityId")
    changed = snapshots.filter((pl.col(column) > before) if pushed else (pl.col(column) != before))
    told = changed.select(record_id="OpportunityId", timestamp="CreatedDate").sort(pl.all())
    events = truth.filter(pl.col("activity") == activity).select("record_id", "timestamp").sort(pl.all())
    assert len(events) > 100
    assert told.equals(events)


def test_the_dirt_is_counted(made, tables, snapshots):
    dirt = salesforce_dirt(tables)
    assert dirt["lead_history_since"] == "2024-07-01"
    assert all(count > 0 for name, count in dirt.items() if not name.endswith("since")), dirt
    stays = pl.col("StageName") == pl.col("StageName").shift().over("OpportunityId")
    stay = int(snapshots.select(stays.fill_null(False).sum()).item())
    assert stay == dirt["snapshots_without_a_new_stage"] + dirt["snapshots_with_a_stage_only_renamed"]
    owners = made["changes"].filter(
        (pl.col("field") == "owner") & (pl.col("at") >= SalesforceSetup().horizon(""))
    )
    assigned = (tables["LeadHistory"]["Field"] == "ownerAssignment").sum() // 2
    assert dirt["rows_of_ids_beside_rows_of_names"] == len(owners) + assigned
    assert salesforce_dirt(salesforce_tables(made, SalesforceSetup(packaged=True))) == dirt


def test_a_renamed_stage_has_its_old_name_in_older_rows_only(tables):
    rows = tables["OpportunityHistory"]
    old = rows.filter(pl.col("StageName") == company.RENAMED_STAGE[1])
    assert len(old) > 50
    assert old["CreatedDate"].max().date() < company.STAGE_RENAMED
