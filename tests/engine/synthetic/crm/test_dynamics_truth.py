"""What is said to be derivable is held against the tables: the evidence of each event is looked up there."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.synthetic.crm.dynamics_directory import ORG_ZONE
from dealtrace_engine.synthetic.crm.dynamics_tables import dynamics_tables, versions
from dealtrace_engine.synthetic.crm.dynamics_truth import EVIDENCE, derivable, dynamics_truth
from dealtrace_engine.synthetic.crm.facts import facts

INSTANTS = {
    "lead_captured": ("lead", "leadid", "createdon"),
    "opportunity_created": ("opportunity", "opportunityid", "createdon"),
    "quote_created": ("quote", "quoteid", "createdon"),
    "quote_revised": ("quote", "quoteid", "createdon"),
    "quote_accepted": ("quoteclose", "quoteid", "createdon"),
    "quote_rejected": ("quoteclose", "quoteid", "createdon"),
    "sales_order_created": ("salesorder", "salesorderid", "createdon"),
    "order_canceled": ("orderclose", "salesorderid", "createdon"),
    "order_closed": ("orderclose", "salesorderid", "createdon"),
    "invoice_generated": ("invoice", "invoiceid", "createdon"),
    "opportunity_won": ("opportunityclose", "opportunityid", "createdon"),
    "payment_received": ("invoice", "invoiceid", "modifiedon"),
}
"""In-place: the column of the table that holds the instant, beside that of the record."""
DAYS = {
    "order_fulfilled": ("salesorder", "salesorderid", "datefulfilled"),
    "order_submitted": ("salesorder", "salesorderid", "submitdate"),
    "quote_issued": ("quote", "quoteid", "effectivefrom"),
}
REACHED = {
    "lead_disqualified": ("lead", "statecode", ("2",)),
    "lead_qualified": ("lead", "statecode", ("1",)),
    "quote_issued": ("quote", "statecode", ("1",)),
    "quote_accepted": ("quote", "statecode", ("2",)),
    "quote_rejected": ("quote", "statuscode", ("5",)),
    "order_submitted": ("salesorder", "statecode", ("1",)),
    "order_partially_fulfilled": ("salesorder", "statuscode", ("100002",)),
    "order_fulfilled": ("salesorder", "statuscode", ("100001",)),
    "order_canceled": ("salesorder", "statecode", ("2",)),
    "order_closed": ("salesorder", "statecode", ("4",)),
    "invoice_sent": ("invoice", "statuscode", ("4",)),
    "invoice_canceled": ("invoice", "statecode", ("3",)),
    "payment_received": ("invoice", "statuscode", ("100001", "100002")),
    "opportunity_won": ("opportunity", "statecode", ("1",)),
    "opportunity_lost": ("opportunity", "statecode", ("2",)),
    "opportunity_reopened": ("opportunity", "statecode", ("0",)),
    "amount_changed": ("opportunity", "estimatedvalue", None),
    "owner_changed": ("opportunity", "ownerid", None),
    "close_date_pushed": ("opportunity", "estimatedclosedate", None),
    "discount_changed": ("quote", "discountpercentage", None),
}
"""With audit: the change that tells the event; None is any value."""
UTC_US = pl.Datetime("us", "UTC")


@pytest.fixture(scope="module")
def made():
    return facts(2500, seed=9)


@pytest.fixture(scope="module")
def tables(made):
    return dynamics_tables(made)


@pytest.fixture(scope="module")
def told(tables):
    audit = tables["audit"].filter((pl.col("operation") == 2) & pl.col("changedata").is_not_null())
    rows = [
        (row["objecttypecode"], row["objectid"], row["createdon"], change["logicalName"], change["newValue"])
        for row in audit.iter_rows(named=True)
        for change in json.loads(row["changedata"])["changedAttributes"]
    ]
    return pl.DataFrame(rows, ["table", "record_id", "timestamp", "name", "new"], orient="row").with_columns(
        pl.col("timestamp").cast(UTC_US)
    )


def of(truth, activity, precision=None):
    mine = truth.filter((pl.col("activity") == activity) & pl.col("derivable"))
    return mine if precision is None else mine.filter(pl.col("precision") == precision)


@pytest.mark.parametrize("activity", INSTANTS)
def test_instants_that_are_in_place(made, tables, activity):
    table, record, column = INSTANTS[activity]
    events = of(derivable(made, "replica"), activity)
    evidence = tables[table].select(pl.col(record).alias("record_id"), pl.col(column).alias("timestamp"))
    if activity == "lead_captured":
        losers = (
            tables["lead"]
            .filter("merged")
            .select(pl.col("masterid").alias("record_id"), timestamp="createdon")
        )
        evidence = pl.concat([evidence, losers])
    assert len(events) > 20 or activity.startswith("order_canceled")
    assert len(events.join(evidence, ["record_id", "timestamp"], "anti")) == 0
    assert set(events["precision"]) == {"instant"}


@pytest.mark.parametrize("activity", DAYS)
def test_days_that_are_in_place(made, tables, activity):
    table, record, column = DAYS[activity]
    events = of(derivable(made, "replica"), activity, "date")
    rows = tables[table].select(pl.col(record).alias("record_id"), pl.col(column).alias("day"))
    if rows.schema["day"] != pl.Date:
        assert (rows["day"].drop_nulls().dt.convert_time_zone(ORG_ZONE).dt.hour() == 0).all()
        rows = rows.with_columns(pl.col("day").dt.convert_time_zone(ORG_ZONE).dt.date())
    found = events.join(rows, "record_id")
    assert len(found) == len(events) > 20
    assert (found["timestamp"].dt.convert_time_zone(ORG_ZONE).dt.date() == found["day"]).all()


@pytest.mark.parametrize("activity", REACHED)
def test_changes_are_in_the_audit_rows_exactly_where_they_are_said_to_be(made, told, activity):
    table, name, values = REACHED[activity]
    everything = derivable(made, "web-api").filter(pl.col("activity") == activity)
    rows = told.filter((pl.col("table") == table) & (pl.col("name") == name))
    rows = rows if values is None else rows.filter(pl.col("new").is_in(values))
    found = everything.join(rows.unique(["record_id", "timestamp"]), ["record_id", "timestamp"], "semi")
    in_place = derivable(made, "replica").filter("derivable", pl.col("precision") == "instant")
    missed = of(everything, activity, "instant").join(found, ["record_id", "timestamp"], "anti")
    assert len(missed.join(in_place, ["activity", "record_id", "timestamp"], "anti")) == 0
    gone = made["opportunities"].filter("deleted")["opportunity"].implode()
    extra = found.filter(~pl.col("derivable") & ~pl.col("case").is_in(gone))
    assert len(extra) == 0
    assert len(found) > 0


@pytest.mark.parametrize("activity", ["opportunity_stage_changed", "solution_proposed"])
def test_stages_are_told_by_the_flows(made, tables, told, activity):
    events = of(derivable(made, "web-api"), activity)
    stages = tables["processstage"].select(
        "stagename", new=pl.concat_str(pl.lit("processstage,"), "processstageid")
    )
    flows = pl.concat(
        tables[table].select("opportunityid", record_id="businessprocessflowinstanceid")
        for table in ("opportunitysalesprocess", "leadtoopportunitysalesprocess")
    )
    moves = told.filter(pl.col("name") == "activestageid").join(stages, "new").join(flows, "record_id")
    moves = moves.select("timestamp", record_id="opportunityid", value_to="stagename")
    assert len(events) > 500
    assert len(events.join(moves, ["timestamp", "record_id", "value_to"], "anti")) == 0


def test_append_only_rows_tell_all_changes(made):
    truth = derivable(made, "synapse-append")
    rows = versions(made)
    for activity, (table, name, values) in REACHED.items():
        key = f"{table}id"
        changed = rows[table].sort(key, "versionnumber").with_columns(
            pl.col(name).ne_missing(pl.col(name).shift(1).over(key)).alias("changed")
        ).filter("changed")  # fmt: skip
        if values is not None:
            changed = changed.filter(pl.col(name).cast(pl.String).is_in(values))
        found = changed.select(pl.col(key).alias("record_id"), timestamp="modifiedon").unique()
        events = of(truth, activity)
        assert len(events.join(found, ["record_id", "timestamp"], "anti")) == 0, activity
        assert set(events["precision"]) == {"instant"}, activity


def test_contacts_are_dated_as_their_activity_is(made, tables):
    truth = derivable(made, "excel").filter(
        pl.col("activity").is_in(["first_customer_contact", "customer_contact"])
    )
    kinds = ("phonecall", "appointment", "email")
    ends = pl.concat(tables[kind].select(record_id="activityid", timestamp="actualend") for kind in kinds)
    assert len(truth.filter("derivable").join(ends, ["record_id", "timestamp"], "anti")) == 0
    first = truth.filter(pl.col("activity") == "first_customer_contact")
    earliest = truth.group_by("case_object", "case").agg(pl.col("timestamp").min())
    assert len(first) == len(earliest)
    assert len(first.join(earliest, ["case_object", "case", "timestamp"], "anti")) == 0


def test_a_lead_is_qualified_when_its_opportunity_is_made(made, tables):
    truth = dynamics_truth(made)
    qualified = truth.filter(pl.col("activity") == "lead_qualified").select("record", "timestamp")
    converted = truth.filter(pl.col("activity") == "lead_converted").select("record", "timestamp")
    assert qualified.sort("record").equals(converted.sort("record"))
    deals = made["opportunities"].select(record="lead", timestamp="created")
    assert len(qualified.join(deals, ["record", "timestamp"], "anti")) == 0


def test_what_has_no_table_leaves_no_trace(made):
    truth = derivable(made, "web-api")
    none = truth.filter(pl.col("activity").str.contains("^contract|^approval|campaign|reversed"))
    assert len(none) > 100
    assert not none["derivable"].any()
    gone = made["opportunities"].filter("deleted")["opportunity"].implode()
    of_gone = truth.filter((pl.col("case_object") == "opportunity") & pl.col("case").is_in(gone))
    assert len(of_gone) > 20
    assert not of_gone["derivable"].any()


@pytest.mark.parametrize("shape", EVIDENCE)
def test_every_shape_keeps_all_events_and_says_how_exact_they_are(made, shape):
    truth = derivable(made, shape)
    assert len(truth) == len(dynamics_truth(made))
    assert truth["timestamp"].is_sorted()
    assert (truth["precision"].is_not_null() == truth["derivable"]).all()
    assert truth["timestamp"].max() < datetime(2026, 1, 1, tzinfo=UTC)
    assert truth.filter("derivable")["record_id"].null_count() == 0
    assert truth["resource_id"].null_count() == truth["resource"].null_count()


def test_an_unknown_shape_is_refused(made):
    with pytest.raises(ArgumentError, match="no shape 'csv'"):
        derivable(made, "csv")
