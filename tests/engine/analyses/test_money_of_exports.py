"""Late payers and the discounting rep that are planted in exports of a CRM are found, with their size."""

from __future__ import annotations

import pytest

from dealtrace_engine.analyses.discounts import discounts
from dealtrace_engine.analyses.receivables import receivables
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.crm.readers import read_salesforce
from dealtrace_engine.synthetic.crm.writing import write_organisation


@pytest.fixture(scope="module")
def organisation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("organisation") / "org"
    made = write_organisation("salesforce", "data-export", 2500, 1, folder)
    return made.planted["findings"], read_salesforce(folder)


def test_late_payers(organisation):
    findings, log = organisation
    theirs = findings["late_payers"]
    rows = receivables(log, by="account").table.to_pylist()

    def share(of):
        return sum(row["late"] for row in of) / sum(row["paid"] for row in of)

    own = [row for row in rows if row["account"] in theirs["accounts"]]
    others = [row for row in rows if row["account"] not in theirs["accounts"]]
    assert share(own) == pytest.approx(theirs["share"], abs=0.1)
    assert share(others) == pytest.approx(theirs["share_of_others"], abs=0.1)


def test_late_payers_by_invoice_are_those_that_were_planted(organisation):
    findings, log = organisation
    theirs = findings["late_payers"]
    found = receivables(
        log, by="account", invoice="record_id", value="event_amount", currency="event_currency"
    )
    rows = [row for row in found.table.to_pylist() if row["account"] in theirs["accounts"]]
    assert (sum(row["paid"] for row in rows), sum(row["late"] for row in rows)) == (
        theirs["paid_invoices"], theirs["late"],
    )  # fmt: skip
    others = [row for row in found.table.to_pylist() if row["account"] not in theirs["accounts"]]
    rate = sum(row["late"] for row in others) / sum(row["paid"] for row in others)
    assert rate == pytest.approx(theirs["share_of_others"], abs=0.02)


def test_the_discounting_rep(organisation):
    findings, log = organisation
    found = discounts(log, by="owner", where=w.contains("Quote Accepted"))
    deals, points = {}, {}
    for row in found.table.to_pylist():  # a row per currency
        deals[row["owner"]] = deals.get(row["owner"], 0) + row["deals"]
        points[row["owner"]] = points.get(row["owner"], 0) + row["deals"] * row["mean_discount"]
    means = {owner: points[owner] / deals[owner] for owner in deals if deals[owner] >= 3}
    rep = findings["discounting_rep"]
    assert max(means, key=means.get) == rep["name"]
    assert means[rep["name"]] == pytest.approx(rep["mean_percent"], abs=3)
    assert all("association, not proof" in text for text in found.associations["sentence"].to_pylist())


def test_money_is_told_by_currency(organisation):
    _, log = organisation
    rows = receivables(log).table.to_pylist()
    assert len({row["currency"] for row in rows}) == len(rows) > 3
