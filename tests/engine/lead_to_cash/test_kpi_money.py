"""Amounts in KPIs: those that do not count, and why a figure cannot be told."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from deal_logs import DEALS, log_of, row
from dealtrace_engine.lead_to_cash.kpis import kpis

AMOUNT = {"a": 1000.0, "b": 500.0, "c": 200.5, "e": 300.0}
MONEY = ["K16.d", "K18.a", "K19.v", "K22.m", "K23.m", "K25.p", "K25.f"]


def test_amounts_below_zero_are_not_counted_and_said():
    """But for K16.d, where credit notes reduce what is owed."""
    more = [("n", "opportunity_created", 1), ("n", "quote_revised", 2)]
    more += [("m", "opportunity_created", 1), ("m", "opportunity_won", 2)]
    amounts = AMOUNT | {"n": -10.0, "m": -20.0}
    given = {"until": datetime(1970, 3, 1, tzinfo=UTC), "value": "amount"}
    off = {"discount_percent": {"m": 50.0, "a": 50.0}}
    with_, without = (
        kpis(log_of(*DEALS, *more, amount=some, **off), MONEY, **given)
        for some in (amounts, AMOUNT | {"n": None, "m": None})
    )
    for kpi in ("K18.a", "K19.v", "K22.m", "K23.m", "K25.p", "K25.f"):
        one, other = row(with_, kpi), row(without, kpi)
        assert (one["value"], one["amount"]) == (other["value"], other["amount"])
        assert "negative amount" in one["note"]
        assert "no amount and" in other["note"]


@pytest.mark.parametrize(
    ("worth", "said"), [(None, "has no amount|have no amount"), (-1.0, "negative amount|less than 0")]
)
def test_money_that_cannot_be_told_is_null_with_its_reason(worth, said):
    amounts = dict.fromkeys(AMOUNT, worth)
    amounts["z"] = 1.0  # so that there are numbers
    log = log_of(*DEALS, ("z", "lead_captured", 0), amount=amounts, discount_percent={"a": 50.0})
    for told in kpis(log, MONEY, value="amount").table.to_pylist():
        assert (told["value"], told["amount"], told["amount_numerator"]) == (None, None, None)
        assert told["note"].startswith("not enough data: ")
        assert re.search(said, told["note"])
        assert "got there" not in told["note"]
