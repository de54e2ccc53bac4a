"""First contacts of a synthetic organisation that does not say what its activities are about."""

import polars as pl
import pytest

import dealtrace as dt
from dealtrace_engine.synthetic.crm.dynamics_tables import dynamics_tables
from dealtrace_engine.synthetic.crm.dynamics_truth import derivable
from dealtrace_engine.synthetic.crm.facts import facts

FIRST = "first_customer_contact"
ABOUT = pl.col("regardingobjecttypecode").is_in(["opportunity", "lead"])


@pytest.fixture(scope="module")
def organisation():
    made = facts(200, 5)
    tables = dynamics_tables(made)
    for kind in ("phonecall", "appointment", "email"):
        blank = [
            pl.when(~ABOUT).then(name).alias(name)
            for name in ("regardingobjectid", "regardingobjecttypecode")
        ]
        tables[kind] = tables[kind].with_columns(blank)
    truth = derivable(made, "web-api").filter(pl.col("case_object") == "opportunity")
    return tables, truth.filter(pl.col("activity").is_in([FIRST, "customer_contact"]))


def found(tables, *rules):
    log = dt.read_dynamics(tables=tables, mapping={"ladders": {FIRST: list(rules)}})
    events = log.to_polars(["activity_id", "rule_id"]).filter(pl.col("activity_id") == FIRST)
    return events.select(pl.col("case_id").cast(pl.String), "timestamp", pl.col("rule_id").cast(pl.String))


def test_without_parties_there_is_no_contact(organisation):
    tables, _ = organisation
    assert found(tables, "D1").is_empty()


def test_the_first_contacts_of_leads_are_all_found(organisation):
    tables, truth = organisation
    leads = tables["opportunity"].filter(pl.col("originatingleadid").is_not_null())
    parties = tables["activityparty"].filter(pl.col("partyobjecttypecode") == "lead")
    first = truth.filter(pl.col("activity") == FIRST).join(leads, left_on="case_id", right_on="opportunityid")
    wanted = first.join(parties, left_on="record_id", right_on="activityid").select("case_id", "timestamp")
    assert wanted.height > 10
    got = found(tables, "D2").select("case_id", "timestamp")
    assert wanted.join(got, on=["case_id", "timestamp"], how="anti").is_empty()


@pytest.mark.parametrize("rules", [("D2",), ("D3",), ("D4",), ("D1", "D2", "D3", "D4")])
def test_no_contact_is_invented_and_each_case_has_one(organisation, rules):
    tables, truth = organisation
    got = found(tables, *rules)
    assert got["case_id"].is_unique().all()
    assert got.join(truth, on=["case_id", "timestamp"], how="anti").rows() == []
    if "D3" in rules:
        assert got.filter(pl.col("rule_id") == f"{FIRST}.D3").height > 5
