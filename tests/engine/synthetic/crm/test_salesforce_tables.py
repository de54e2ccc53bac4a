"""The Salesforce tables of a synthetic organisation: references, traps, and what they tell of the truth."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime

import polars as pl
import pytest

from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.facts import facts
from dealtrace_engine.synthetic.crm.salesforce_derivable import derivable
from dealtrace_engine.synthetic.crm.salesforce_ids import PREFIXES
from dealtrace_engine.synthetic.crm.salesforce_org import TRACKED, SalesforceSetup
from dealtrace_engine.synthetic.crm.salesforce_planted import salesforce_dirt
from dealtrace_engine.synthetic.crm.salesforce_tables import salesforce_tables
from dealtrace_engine.synthetic.crm.salesforce_truth import salesforce_truth
from shared_data import SHARED, needs_shared

ELSEWHERE = {"Pricebook2", "PricebookEntry", "Profile"}
"""Objects that are pointed to but not part of the extract."""
UTC_US = pl.Datetime("us", "UTC")


@pytest.fixture(scope="module")
def made():
    return facts(3000, seed=3)


@pytest.fixture(scope="module")
def tables(made):
    return salesforce_tables(made)


@pytest.fixture(scope="module")
def truth(made):
    return salesforce_truth(made)


def checksum(text):
    """The last three characters of an id: which of five are capitals, as bits, the first lowest."""
    marks = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    blocks = (text[start : start + 5] for start in (0, 5, 10))
    return "".join(marks[sum(1 << place for place, c in enumerate(block) if c.isupper())] for block in blocks)


def test_ids_are_unique_and_have_their_checksum(tables):
    for name, table in tables.items():
        ids = table["Id"]
        assert ids.is_unique().all(), name
        assert (ids.str.len_chars() == 18).all(), name
        assert ids.str.starts_with(PREFIXES[name]).all(), name
        assert all(one[15:] == checksum(one) for one in ids.head(50)), name


def test_references_point_to_rows_of_their_object(tables):
    known = {PREFIXES[name]: set(table["Id"]) for name, table in tables.items()}
    known["01J"] = set(tables["LeadStatus"]["Id"]) | set(tables["OpportunityStage"]["Id"])
    outside = {PREFIXES[name] for name in ELSEWHERE}
    pointers = 0
    for name, table in tables.items():
        for column in table.columns:
            if (
                not column.endswith(("Id", "__c"))
                or table[column].dtype != pl.String
                or column == "TableEnumOrId"
            ):
                continue
            values = table[column].drop_nulls().unique()
            for value in values.filter(values.str.contains("^[0-9A-Za-z]{3}5g0[0-9A-Za-z]{12}$")):
                if value[:3] not in outside:
                    assert value in known[value[:3]], (name, column)
                    pointers += 1
    assert pointers > 50_000


def test_the_same_facts_give_the_same_tables(made, tables):
    again = salesforce_tables(made)
    assert list(again) == list(tables)
    assert all(table.equals(again[name]) for name, table in tables.items())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("deals", [1, 2, 5])
def test_the_smallest_organisations_have_the_same_columns(tables, deals, seed):
    small = facts(deals, seed)
    assert {name: table.schema for name, table in salesforce_tables(small).items()} == {
        name: table.schema for name, table in tables.items()
    }
    assert len(salesforce_truth(small)) == len(small["truth"])


def test_every_table_has_plain_types(tables):
    plain = {pl.String, pl.Int64, pl.Int32, pl.Int8, pl.Float64, pl.Boolean, pl.Date, pl.Null}
    for name, table in tables.items():
        for column, kind in table.schema.items():
            assert kind == UTC_US or kind.base_type() in plain, (name, column, kind)


def test_nothing_of_the_records_is_from_after_the_export(tables):
    end = datetime(2026, 1, 1, tzinfo=UTC)
    for name, table in tables.items():
        for column in ("CreatedDate", "LastModifiedDate", "SystemModstamp"):
            if column in table.columns:
                assert table[column].max() < end, (name, column)
        if {"CreatedDate", "LastModifiedDate"} <= set(table.columns):
            assert table.filter(pl.col("LastModifiedDate") < pl.col("CreatedDate")).is_empty(), name


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


def test_stages_are_marked_closed_and_won(tables):
    stages = tables["OpportunityStage"]
    assert stages.filter("IsWon")["ApiName"].to_list() == ["Closed Won"]
    assert stages.filter("IsClosed")["ApiName"].to_list() == ["Closed Won", "Closed Lost"]
    joined = tables["Opportunity"].join(stages, left_on="StageName", right_on="ApiName")
    assert len(joined) == len(tables["Opportunity"])
    assert (joined["IsWon"] == joined["IsWon_right"]).all()


def test_merged_leads_and_accounts_point_to_a_living_master(tables):
    for name in ("Lead", "Account"):
        losers = tables[name].filter(pl.col("MasterRecordId").is_not_null())
        assert len(losers) > 5
        assert losers["IsDeleted"].all()
        masters = tables[name].filter(pl.col("Id").is_in(losers["MasterRecordId"].implode()))
        assert not masters["IsDeleted"].any()


def test_a_revision_sets_the_quote_back_to_draft(made, tables):
    quotes, history = made["quotes"], tables["QuoteHistory"]
    assert len(tables["Quote"]) == quotes["root"].n_unique() < len(quotes)
    assert "Revised" not in tables["Quote"]["Status"].to_list()
    back = history.filter((pl.col("Field") == "Status") & (pl.col("NewValue") == "Draft"))
    horizon = SalesforceSetup().horizon("Quote")
    revised = made["truth"].filter((pl.col("activity") == "quote_revised") & (pl.col("timestamp") >= horizon))
    assert set(revised["timestamp"]) <= set(back["CreatedDate"])


def test_payments_are_linked_to_invoices_and_some_taken_back(made, tables):
    lines = tables["PaymentLineInvoice"]
    applied, back = (lines.filter(pl.col("Type") == kind) for kind in ("Applied", "Unapplied"))
    assert len(applied) == len(tables["Payment"])
    assert 0 < len(back) == (lines["HasBeenUnapplied"] == "Yes").sum()
    assert back["AssociatedPaymentLineId"].null_count() == 0
    assert applied["AppliedDate"].null_count() > 0
    assert set(tables["Invoice"]["Status"].unique()) == {"Draft", "Posted", "Canceled"}
    settled = tables["Invoice"].filter(pl.col("SettlementStatus") == "Settled")
    assert (settled["Balance"].abs() < 0.01).all()


def test_approvals_move_from_processes_to_flows(made, tables):
    since = SalesforceSetup().flow_approvals_since
    contracts = made["approvals"].filter(pl.col("process") == "Contract Approval")
    assert len(tables["ApprovalSubmission"]) == (contracts["requested"].dt.date() >= since).sum() > 0
    assert len(tables["ProcessInstance"]) + len(tables["ApprovalSubmission"]) == len(made["approvals"])
    steps = tables["ProcessInstanceStep"]
    assert (steps["StepStatus"] == "Started").sum() == len(tables["ProcessInstance"])
    assert (steps["OriginalActorId"] != steps["ActorId"]).sum() > 0
    assert "Removed" in tables["ProcessInstance"]["Status"].to_list()


def test_half_of_the_mails_are_tasks_too_and_some_tasks_are_no_contacts(tables):
    mails, tasks = tables["EmailMessage"], tables["Task"]
    both = mails.filter(pl.col("ActivityId").is_not_null()).join(tasks, left_on="ActivityId", right_on="Id")
    assert len(both) > 300
    assert (both["MessageDate"] == both["CompletedDateTime"]).all()
    assert (
        tasks.filter(~pl.col("IsClosed"))["CompletedDateTime"].null_count() == (~tasks["IsClosed"]).sum() > 0
    )
    assert (tables["Event"]["StartDateTime"] >= datetime(2026, 1, 1, tzinfo=UTC)).sum() > 0


def test_some_contracts_and_orders_are_linked_from_the_other_side(tables):
    contracts = tables["Contract"].filter(pl.col("SourceOpportunityId").is_null())
    named = set(tables["Opportunity"]["ContractId"].drop_nulls())
    assert len(contracts) > 50
    assert set(contracts["Id"]) == named
    silent = tables["Order"].filter(pl.col("OpportunityId").is_null() & (pl.col("Type") == "New"))
    assert len(silent) > 50
    assert silent["QuoteId"].null_count() == 0


def test_dates_have_no_time_and_signatures_lie_before_activation(tables):
    contracts = tables["Contract"].filter(pl.col("ActivatedDate").is_not_null())
    assert contracts.schema["CustomerSignedDate"] == pl.Date
    assert (contracts["CustomerSignedDate"] <= contracts["ActivatedDate"].dt.date()).all()
    assert tables["Lead"].schema["ConvertedDate"] == pl.Date


def test_amounts_of_foreign_currencies_have_a_rate(tables):
    rates = dict(tables["CurrencyType"].select("IsoCode", "ConversionRate").iter_rows())
    assert set(tables["Opportunity"]["CurrencyIsoCode"]) == set(rates)
    assert [code for code, rate in rates.items() if rate == 1.0] == ["EUR"]


def test_the_truth_has_the_ids_of_the_tables(tables, truth):
    names = {"lead": ["Lead"], "opportunity": ["Opportunity"], "quote": ["Quote"], "contract": ["Contract"],
             "order": ["Order"], "invoice": ["Invoice"], "payment": ["Payment"], "case": ["Case"],
             "contact": ["Task", "Event", "EmailMessage"]}  # fmt: skip
    for kind, objects in names.items():
        ids = pl.concat([tables[name]["Id"] for name in objects])
        records = truth.filter(pl.col("object") == kind)["record_id"]
        assert len(records) > 0
        assert records.null_count() == 0
        assert records.is_in(ids.implode()).all(), kind
    assert (
        truth["case_id"]
        .drop_nulls()
        .is_in(pl.concat([tables["Opportunity"]["Id"], tables["Lead"]["Id"]]).implode())
        .all()
    )
    assert truth.filter(pl.col("case_id").is_null())["object"].is_in(["order", "invoice", "payment"]).all()


@pytest.mark.parametrize(
    ("activity", "table", "column", "condition"),
    [
        ("quote_accepted", "QuoteHistory", "QuoteId", pl.col("NewValue") == "Accepted"),
        ("quote_rejected", "QuoteHistory", "QuoteId", pl.col("NewValue") == "Denied"),
        ("lead_qualified", "LeadHistory", "LeadId", pl.col("NewValue") == "Qualified"),
        ("lead_disqualified", "LeadHistory", "LeadId", pl.col("NewValue") == "Closed - Not Converted"),
        ("order_fulfilled", "OrderHistory", "OrderId", pl.col("NewValue") == "Fulfilled"),
        ("order_closed", "OrderHistory", "OrderId", pl.col("NewValue") == "Closed"),
        ("invoice_canceled", "InvoiceHistory", "InvoiceId", pl.col("NewValue") == "Canceled"),
        (
            "contract_sent_for_approval",
            "ContractHistory",
            "ContractId",
            pl.col("NewValue") == "In Approval Process",
        ),
    ],
)
def test_what_is_derivable_has_its_row_and_what_is_not_has_none(
    tables, truth, activity, table, column, condition
):
    rows = tables[table].filter((pl.col("Field") == "Status") & condition)
    found = rows.select(record_id=column, timestamp="CreatedDate").unique().with_columns(found=True)
    events = truth.filter(pl.col("activity") == activity).join(
        found, on=["record_id", "timestamp"], how="left"
    )
    assert events.filter("derivable")["found"].all()
    assert events.filter("derivable").height > 10
    gone = tables["Opportunity"].filter("IsDeleted")["Id"]
    untold = events.filter(~pl.col("derivable") & ~pl.col("case_id").is_in(gone.implode()))
    assert untold["found"].null_count() == len(untold) > 0


def test_an_invoice_sent_before_its_history_is_known_to_the_day(tables, truth):
    sent = truth.filter((pl.col("activity") == "invoice_sent") & (pl.col("precision") == "date"))
    joined = sent.join(tables["Invoice"], left_on="record_id", right_on="Id")
    assert len(joined) > 100
    assert (joined["timestamp"].dt.date() == joined["PostedDate"]).all()


def test_without_deleted_rows_the_first_capture_of_merged_leads_is_unknown(made):
    full, partial = derivable(made), derivable(made, deleted_rows=False)
    lost = made["truth"].filter(full["derivable"] & ~partial["derivable"])
    assert set(lost["activity"]) == {"lead_captured"}
    assert len(lost) > 5


@needs_shared
@pytest.mark.parametrize(
    "name", ["Account", "Campaign", "Contract", "Lead", "Opportunity", "OpportunityHistory", "Order"]
)
def test_the_columns_are_those_of_a_real_export_in_their_order(tables, name):
    assert SHARED is not None
    with (SHARED / "data/crm/salesforce_data_export" / f"{name}.csv").open() as lines:
        real = [column for column in next(csv.reader(lines)) if not column.endswith("__c")]
    assert [column for column in tables[name].columns if column in real] == real


@needs_shared
@pytest.mark.parametrize("name", ["Lead", "Opportunity", "OpportunityHistory", "Account"])
def test_the_values_have_the_shapes_of_a_real_export(tables, name):
    assert SHARED is not None
    real = pl.read_csv(SHARED / "data/crm/salesforce_data_export" / f"{name}.csv", infer_schema_length=0)
    for column in set(real.columns) & set(tables[name].columns):
        mine, theirs = tables[name][column].drop_nulls(), real[column].drop_nulls()
        theirs = theirs.filter((theirs != "") & (theirs != "000000000000000AAA"))
        if not len(mine) or not len(theirs):
            continue
        if mine.dtype == pl.Boolean:
            assert set(theirs) <= {"0", "1"}, column
        elif mine.dtype == UTC_US or mine.dtype == pl.Date:
            assert theirs.str.contains(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$").all(), column
        elif mine.dtype.is_numeric():
            assert theirs.cast(pl.Float64, strict=False).null_count() == 0, column
        elif column.endswith("Id"):
            assert (
                theirs.str.len_chars().unique().to_list() == [18] == mine.str.len_chars().unique().to_list()
            ), column
