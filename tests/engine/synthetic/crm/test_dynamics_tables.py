"""The Dynamics tables of a synthetic organisation: references, states, times, counts."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import polars as pl
import pytest

from dealtrace_engine.synthetic.crm.dynamics_auditing import CHANGES
from dealtrace_engine.synthetic.crm.dynamics_bpf import LEAD_FLOW, OPPORTUNITY_FLOW
from dealtrace_engine.synthetic.crm.dynamics_codes import OPTIONS, STATUSES
from dealtrace_engine.synthetic.crm.dynamics_tables import HISTORIES, MONEY, Tables, dynamics_tables, versions
from dealtrace_engine.synthetic.crm.facts import facts

EXPORTED = datetime(2026, 1, 1, tzinfo=UTC)
LOOKUPS = {
    "lead": {"ownerid": "systemuser", "masterid": "lead", "parentaccountid": "account"},
    "opportunity": {
        "ownerid": "systemuser", "modifiedby": "systemuser", "owningbusinessunit": "businessunit",
        "originatingleadid": "lead", "customerid": "account", "parentcontactid": "contact",
        "transactioncurrencyid": "transactioncurrency",
    },
    "opportunityclose": {"opportunityid": "opportunity", "competitorid": "competitor"},
    "opportunityproduct": {"opportunityid": "opportunity", "productid": "product"},
    "quote": {"customerid": "account", "ownerid": "systemuser"},
    "quoteclose": {"quoteid": "quote", "createdby": "systemuser"},
    "quotedetail": {"quoteid": "quote", "productid": "product"},
    "salesorder": {"quoteid": "quote", "customerid": "account"},
    "salesorderdetail": {"salesorderid": "salesorder", "quotedetailid": "quotedetail"},
    "orderclose": {"salesorderid": "salesorder"},
    "invoice": {"salesorderid": "salesorder", "customerid": "account"},
    "invoicedetail": {"invoiceid": "invoice", "salesorderdetailid": "salesorderdetail"},
    "contact": {"parentcustomerid": "account"},
    "account": {"masterid": "account", "territoryid": "territory"},
    "incident": {"customerid": "account"},
    "systemuser": {
        "businessunitid": "businessunit", "territoryid": "territory", "parentsystemuserid": "systemuser",
    },
    "team": {"businessunitid": "businessunit"},
    "businessunit": {"parentbusinessunitid": "businessunit"},
    "territory": {"managerid": "systemuser"},
    "processstage": {"processid": "workflow"},
    OPPORTUNITY_FLOW: {
        "opportunityid": "opportunity", "activestageid": "processstage", "processid": "workflow",
    },
    LEAD_FLOW: {"leadid": "lead", "opportunityid": "opportunity", "activestageid": "processstage"},
    "msdyn_flow_approvalrequest": {"msdyn_flow_approvalrequest_approval": "msdyn_flow_approval"},
    "msdyn_flow_approvalresponse": {"msdyn_flow_approvalresponse_approval": "msdyn_flow_approval"},
    "audit": {"userid": "systemuser"},
}  # fmt: skip
"""Columns that always point to a row that is there, or to none."""
TO_DEALS = ("quote", "salesorder", "invoice")
KEYS = {
    "activityid": (
        "opportunityclose",
        "quoteclose",
        "orderclose",
        "phonecall",
        "email",
        "appointment",
        "task",
    ),
    "businessprocessflowinstanceid": (OPPORTUNITY_FLOW, LEAD_FLOW),
}


def key_of(table):
    return next((key for key, tables in KEYS.items() if table in tables), f"{table}id")


@pytest.fixture(scope="module")
def made():
    return facts(3000, seed=3)


@pytest.fixture(scope="module")
def tables(made):
    return dynamics_tables(made)


@pytest.mark.parametrize(
    "table", sorted(set(HISTORIES) | {"systemuser", "team", "stringmap", "audit", "workflow"})
)
def test_ids_are_unique_lower_case_and_never_null(tables, table):
    ids = tables[table][key_of(table)]
    assert ids.null_count() == 0
    assert ids.is_unique().all()
    assert ids.str.contains(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$").all()


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table, columns in LOOKUPS.items() for column in columns]
)
def test_lookups_point_to_rows_that_are_there(tables, table, column):
    target = LOOKUPS[table][column]
    pointed = tables[table][column].drop_nulls()
    assert len(pointed), f"{table}.{column} is empty"
    assert pointed.is_in(tables[target][key_of(target)].implode()).all()


def test_deleted_opportunities_are_gone_but_their_documents_still_point_to_them(made, tables):
    deleted = made["opportunities"].filter("deleted")
    assert len(tables["opportunity"]) == len(made["opportunities"]) - len(deleted)
    there = tables["opportunity"]["opportunityid"].implode()
    dangling = sum(
        tables[table]["opportunityid"].drop_nulls().is_in(there).not_().sum() for table in TO_DEALS
    )
    quotes = made["quotes"].join(deleted, "opportunity", "semi")
    assert dangling >= len(quotes) > 0


@pytest.mark.parametrize("table", sorted(set(STATUSES) & set(HISTORIES)))
def test_states_and_reasons_fit_each_other(tables, table):
    reasons = {reason: state for reason, (state, _) in STATUSES[table].reasons.items()}
    pairs = tables[table].select("statecode", "statuscode").unique().rows()
    assert pairs
    assert all(reasons[reason] == state for state, reason in pairs)


@pytest.mark.parametrize(("table", "column"), sorted(set(OPTIONS) - {("audit", "operation")}))
def test_options_are_numbers_of_their_set(tables, table, column):
    values = tables[table][column].drop_nulls()
    assert values.dtype == pl.Int32
    assert set(values) <= set(OPTIONS[table, column])


@pytest.mark.parametrize("table", HISTORIES)
def test_nothing_is_modified_before_it_is_created_or_after_the_export(tables, table):
    rows = tables[table]
    assert (rows["modifiedon"] >= rows["createdon"]).all()
    assert rows["modifiedon"].max() <= EXPORTED


@pytest.mark.parametrize("table", MONEY)
def test_money_has_a_twin_in_the_currency_of_the_organisation(tables, table):
    rows = tables[table]
    for column in MONEY[table]:
        expected = (rows[column] / rows["exchangerate"]).round(2)
        assert rows[f"{column}_base"].equals(expected.alias(f"{column}_base"), null_equal=True)
    rates = rows.join(tables["transactioncurrency"], "transactioncurrencyid")
    assert rates["exchangerate"].equals(rates["exchangerate_right"].alias("exchangerate"))
    assert rates["transactioncurrencyid"].n_unique() > 3


def test_revisions_of_a_quote_share_its_number(made, tables):
    quotes = tables["quote"]
    grouped = quotes.group_by("quotenumber").agg(
        "revisionnumber", pl.col("opportunityid").n_unique(), "statecode", "statuscode"
    )
    assert (grouped["opportunityid"] == 1).all()
    for revisions in grouped["revisionnumber"]:
        assert sorted(revisions) == list(range(len(revisions)))
    assert quotes["quotenumber"].n_unique() == made["quotes"]["number"].n_unique()
    last = quotes.group_by("quotenumber").agg(last=pl.col("revisionnumber").max())
    replaced = quotes.join(last, "quotenumber").filter(pl.col("revisionnumber") < pl.col("last"))
    assert (replaced["statecode"] == 3).all()
    assert set(replaced["statuscode"]) == {5, 7}


def test_states_count_what_was_planted(made, tables):
    deals = made["opportunities"].filter(~pl.col("deleted"))
    assert tables["opportunity"]["statecode"].value_counts().sort("statecode").rows() == [
        (state, (deals["outcome"] == outcome).sum()) for state, outcome in enumerate(("Open", "Won", "Lost"))
    ]
    leads, of_lead = made["leads"], tables["lead"]
    assert (of_lead["statecode"] == 1).sum() == leads["converted"].is_not_null().sum()
    assert of_lead["merged"].sum() == of_lead["masterid"].is_not_null().sum() == leads["merged_into"].count()
    quotes = made["quotes"]
    assert (tables["quote"]["statecode"] == 2).sum() == quotes["accepted"].count()
    assert (tables["quote"]["statuscode"] == 5).sum() == quotes["rejected"].count()
    assert (tables["salesorder"]["statecode"] == 2).sum() == made["orders"]["canceled"].count()
    assert (tables["invoice"]["statuscode"] == 100001).sum() == made["invoices"]["paid"].count()
    migrated = tables["opportunity"].filter(pl.col("overriddencreatedon").is_not_null())
    assert len(migrated) == deals["migrated"].sum() > 0
    assert (migrated["overriddencreatedon"] > migrated["createdon"]).all()


def test_every_closing_has_an_activity_and_reopening_cancels_it(made, tables):
    changes = made["changes"].filter((pl.col("object") == "opportunity") & (pl.col("field") == "stage"))
    alive = made["opportunities"].filter(~pl.col("deleted")).select(record="opportunity")
    changes = changes.join(alive, "record", "semi")
    closings, reopenings = (
        changes.filter(pl.col(side).is_in(["Closed Won", "Closed Lost"])) for side in ("new", "old")
    )
    closes = tables["opportunityclose"]
    assert sorted(closes["createdon"]) == sorted(closings["at"])
    assert (closes["statecode"] == 2).sum() == len(reopenings) > 0
    closed = tables["opportunity"].filter(pl.col("statecode") != 0)
    last = closes.filter(pl.col("statecode") == 1)
    assert sorted(closed["opportunityid"]) == sorted(last["opportunityid"])


def test_deleted_activities_are_gone(made, tables):
    alive = made["contacts"].filter(~pl.col("deleted"))
    assert len(tables["phonecall"]) == (alive["kind"] == "call").sum()
    assert len(tables["appointment"]) == (alive["kind"] == "meeting").sum()
    regarding = tables["email"].filter(pl.col("regardingobjecttypecode").is_in(["opportunity", "lead"]))
    assert len(regarding) == (alive["kind"] == "email").sum() < len(tables["email"])


def test_the_path_of_a_flow_ends_in_its_active_stage(tables):
    stages = dict(tables["processstage"].select("processstageid", "processid").rows())
    for table in (OPPORTUNITY_FLOW, LEAD_FLOW):
        for path, active, process in (
            tables[table].select("traversedpath", "activestageid", "processid").rows()
        ):
            steps = path.split(",")
            assert steps[-1] == active
            assert {stages[step] for step in steps} == {process}
            assert all(one != other for one, other in itertools.pairwise(steps))


def test_a_few_deals_began_in_the_wrong_flow(tables):
    counts = pl.concat([tables[table].select("opportunityid") for table in (OPPORTUNITY_FLOW, LEAD_FLOW)])
    several = counts.drop_nulls().group_by("opportunityid").len().filter(pl.col("len") > 1)
    assert 0 < len(several) < 0.1 * len(tables[OPPORTUNITY_FLOW])
    assert set(counts.drop_nulls()["opportunityid"]) == set(tables["opportunity"]["opportunityid"])


def test_approvals_link_to_what_is_to_be_approved(made, tables):
    discounts = made["approvals"].filter(pl.col("process") == "Discount Approval")
    approvals = tables["msdyn_flow_approval"]
    links = (
        approvals["msdyn_flow_approval_itemlink"].str.extract_groups(r"etn=(\w+)&.*id=(.*)$").struct.unnest()
    )
    for table, ids in links.group_by("1"):
        alive = tables[table[0]][key_of(table[0])]
        assert ids["2"].is_in(alive.implode()).mean() > 0.9
    assert len(approvals) == len(discounts)
    results = approvals["msdyn_flow_approval_result"].value_counts().drop_nulls().rows()
    assert dict(results)["Approve"] == (discounts["decision"] == "Approved").sum()
    assert (
        len(tables["msdyn_flow_approvalresponse"])
        == discounts["decision"].is_in(["Approved", "Rejected"]).sum()
    )


@pytest.mark.parametrize("table", HISTORIES)
def test_the_last_version_is_the_current_row(made, tables, table):
    rows = versions(made)[table]
    assert rows["versionnumber"].n_unique() == len(rows)
    assert rows["modifiedon"].is_sorted()
    last = rows.sort("versionnumber").group_by(key_of(table), maintain_order=True).last()
    alive = last.filter(~pl.col("IsDelete")).drop("IsDelete")
    current = tables[table]
    assert alive.select(current.columns).sort(key_of(table)).equals(current.sort(key_of(table)))


def test_versions_are_a_mapping_of_the_tables_with_a_history(made):
    rows = versions(Tables(made))
    assert set(rows) == set(HISTORIES)
    assert len(rows) == len(HISTORIES)


def test_the_same_seed_gives_the_same_tables(made, tables):
    again = dynamics_tables(facts(3000, seed=3))
    assert set(again) == set(tables)
    for table, rows in tables.items():
        assert rows.equals(again[table]), table
    other = dynamics_tables(facts(40, seed=4))
    assert not set(other["opportunity"]["opportunityid"]) & set(tables["opportunity"]["opportunityid"])


@pytest.mark.parametrize("deals", [1, 2, 15])
def test_small_organisations_have_the_same_columns(tables, deals):
    small = dynamics_tables(facts(deals, seed=1))
    for table, rows in tables.items():
        assert small[table].schema == rows.schema, table


def test_audited_columns_are_columns(tables):
    for table, columns in CHANGES.items():
        assert {column.name for column in columns} <= set(tables[table].columns)
