"""What lists exported to Excel tell, whose rows name each other: all that a name tells, and nothing is lost
without a reason.

They are held to what the same tables tell where ids link them. What is missing must be due to a name that
several records have, a merge, or a table that has no list, and is bounded.
"""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest

import dealtrace as dt
from dealtrace_engine.synthetic.crm.dynamics_truth import derivable
from dealtrace_engine.synthetic.crm.facts import facts
from dealtrace_engine.synthetic.crm.locales import ORGANISATION_ZONE
from dealtrace_engine.synthetic.crm.writing import EXPORT, write_organisation
from test_crm_truth import UNITS, derived, happened, without

pytest.importorskip("fastexcel")

DEALS, SEED = 200, 3
BY_ID = "replica"
"""A shape that holds the same tables as they are, with ids."""
OF_LEADS = ("first_customer_contact", "lead_captured", "lead_qualified", "lead_converted")
MOST = {
    "several deals have the name": 0.04,
    "several leads have the name": 0.01,
    "a lead that others were merged into": 0.005,
    "approvals have no list": 0.04,
    "known to the day": 0.05,
}
"""Reasons why an event is not found at its time, and of which share of the events at most."""


@pytest.fixture(scope="module")
def made():
    return facts(DEALS, SEED)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names") / "organisation"
    write_organisation("dynamics", "excel", DEALS, SEED, folder)
    return dt.read_dynamics(folder / EXPORT, timezone=ORGANISATION_ZONE)


@pytest.fixture(scope="module")
def wanted(made):
    return happened(derivable(made, BY_ID), ORGANISATION_ZONE).filter("derivable")


def shared(records, key):
    """Return the records whose name another one has."""
    name = pl.col("name").str.to_lowercase().str.strip_chars()
    return set(records.filter(pl.len().over(name) > 1)[key])


def reasons(made, missing, by_day):
    """Return why each event is missing, None where nothing says why."""
    deals, leads = shared(made["opportunities"], "opportunity"), shared(made["leads"], "lead")
    lead_of = dict(made["opportunities"].select("opportunity", "lead").iter_rows())
    winners = set(made["leads"]["merged_into"].drop_nulls())
    for event in missing.to_dicts():
        activity = event["activity"]
        lead = event["record"] if event["object"] == "lead" else lead_of.get(event["case"])
        if activity.startswith("discount_approval"):
            yield "approvals have no list"
        elif event["case"] in deals:
            yield "several deals have the name"
        elif activity in OF_LEADS and lead in leads:
            yield "several leads have the name"
        elif activity == "lead_captured" and lead in winners:
            yield "a lead that others were merged into"
        elif activity == "quote_issued" and (event["case_id"], event["date"]) in by_day:
            yield "known to the day"  # the message names the quote, and all revisions have its name
        else:
            yield None


def test_what_is_missing_is_due_to_names(made, log, wanted):
    found = derived(log, ORGANISATION_ZONE)
    missing = pl.concat(without(wanted.filter(pl.col("precision") == p), found, p) for p in UNITS)
    issued = found.filter(pl.col("activity") == "quote_issued")
    counts = Counter(reasons(made, missing, set(issued.select("case_id", "date").iter_rows())))
    assert wanted.height > 2000
    assert counts[None] == 0
    for reason, share in MOST.items():
        assert counts[reason] <= share * wanted.height, (reason, counts)


def test_deals_whose_names_are_their_own_lose_nothing_but_how_exact_an_issue_is(made, log, wanted):
    ambiguous = shared(made["opportunities"], "opportunity")
    own = wanted.filter(
        ~pl.col("case").is_in(ambiguous),
        ~pl.col("activity").is_in(OF_LEADS),
        ~pl.col("activity").str.starts_with("discount_approval"),
    )
    found = derived(log, ORGANISATION_ZONE)
    assert own.height > 0.6 * wanted.height
    assert without(own, found, "date").rows() == []
    exact = own.filter(pl.col("precision") == "instant", pl.col("activity") != "quote_issued")
    assert without(exact, found, "instant").rows() == []


def test_what_a_name_leaves_open_is_counted(log):
    told = {finding.reason: finding.count for finding in log.quality.noted}
    assert told["quote.opportunityid: not linked, several records have that name"] > 0
