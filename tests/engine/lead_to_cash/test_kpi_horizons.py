"""KPIs of what is older than the history that tells its end: by hand, and by what happened in truth."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

import dealtrace as dt
from deal_logs import DEALS, log_of, row
from dealtrace_engine.analyses.check_rules import check_rules
from dealtrace_engine.coverage import Coverage
from dealtrace_engine.lead_to_cash.kpi_comparison import compare_periods
from dealtrace_engine.lead_to_cash.kpis import kpis
from dealtrace_engine.lead_to_cash.rule_pack import lead_to_cash_rules
from dealtrace_engine.synthetic.crm.writing import EXPORT, TRUTH, write_organisation


@pytest.mark.parametrize(
    ("kpi", "value", "cases", "numerator", "open_", "left_out"),
    [
        ("K10", None, 0, 0, 0, 3),  # the quote c was created on day 41, before it is known which are accepted
        ("K9.d", None, 0, 0, 0, 3),
        ("K15.s", 3.0, 2, 1, 0, 0),  # its end is always known
        ("K1.w", 5.0, 2, 1, 1, 2),  # of c and e
        ("K22.r", 0.5, 2, 1, 0, 2),
        ("K18.w", 0.0, 1, 0, 0, 2),  # of a and b it cannot be told in general how they ended
        ("K18.a", 0.0, 1, 0, 0, 2),
        ("K25.n", 0.5, 2, 1, 0, 2),
        ("K16.d", 365.0, 1, 1, 0, 1),
        ("K17.o", 1.0, 1, 1, 0, 1),  # of a, only by luck
    ],
)
def test_what_began_before_the_history_that_tells_its_end(kpi, value, cases, numerator, open_, left_out):
    horizons = {"quote_accepted": "1970-02-20", "opportunity_won": "1970-02-01"}
    horizons |= dict.fromkeys(("opportunity_reopened", "payment_received"), horizons["opportunity_won"])
    known = Coverage("salesforce", "csv", horizons=horizons)
    log = log_of(*DEALS, amount=[100.0] * len(DEALS), due_date=["1970-02-01"] * len(DEALS))
    log = replace(log, origin=replace(log.origin, coverage=known))
    worth = "amount" if kpi in ("K18.a", "K16.d") else None
    found = row(kpis(log, kpi, value=worth), kpi)
    assert (found["value"], found["cases"], found["numerator"], found["open"]) == (
        value, cases, numerator, open_,
    )  # fmt: skip
    since = horizons["quote_accepted" if kpi in ("K10", "K9.d") else "opportunity_won"]
    said = (
        f"{left_out} began before {since}, since when this is known, and {'is' if left_out == 1 else 'are'}"
    )
    assert (said in (found["note"] or "")) == (left_out > 0)
    if kpi in ("K18.a", "K16.d", "K25.n", "K17.o"):
        return  # by amounts, or of the end of the log: no periods are compared
    compared = row(compare_periods(log, "1970-01-20", kpi), kpi)
    assert (said in (compared["note"] or "")) == (left_out > 0)


def test_what_an_export_without_old_history_tells(tmp_path):
    """By what happened in truth: nothing is called broken, or open, that only an old history told."""
    written = write_organisation("salesforce", None, 400, 2, tmp_path / "made")
    log = dt.read_salesforce(written.folder / EXPORT)
    truth = pl.read_parquet(written.folder / TRUTH).filter(pl.col("case_object") == "opportunity")
    counted = ("quote_created", "quote_accepted", "sales_order_created", "order_fulfilled")
    records = {name: set(truth.filter(pl.col("activity") == name)["record_id"]) for name in counted}
    fulfilled = set(truth.filter(pl.col("activity") == "order_fulfilled")["case_id"])
    checked = check_rules(log, lead_to_cash_rules().only("invoice-without-fulfilment"))
    assert not fulfilled & set(checked.violations["case_id"].to_pylist())
    assert checked.findings[0].count > 40
    sentences = dt.findings(log, value="amount").table["sentence"].to_pylist()
    assert sentences
    assert not any("Invoice without fulfilment" in sentence for sentence in sentences)
    found = kpis(log, ["K10", "K14"], value="amount").table.to_pylist()
    accepted, of = (sum(one[n] for one in found if one["id"] == "K10") for n in ("numerator", "cases"))
    share = len(records["quote_accepted"] & records["quote_created"]) / len(records["quote_created"])
    assert accepted / of == pytest.approx(share, abs=0.06)
    still, orders = (sum(one[n] for one in found if one["id"] == "K14") for n in ("open", "cases"))
    unfulfilled = records["sales_order_created"] - records["order_fulfilled"]
    assert 0 < still <= len(unfulfilled)
    assert orders < len(records["sales_order_created"])
    compared = compare_periods(log, "2024-11-01", ["K10"]).table.to_pylist()[0]
    assert not compared["significant"]
