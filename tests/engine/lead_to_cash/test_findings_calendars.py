"""Findings by working calendars: days are of work, money goes by the clock."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dealtrace_engine.analyses.check_rules import check_rules
from dealtrace_engine.calendar import Calendars, WorkingCalendar
from dealtrace_engine.errors import ArgumentError, SchemaError
from dealtrace_engine.lead_to_cash import findings_rules
from dealtrace_engine.lead_to_cash.findings import findings
from dealtrace_engine.lead_to_cash.findings_causes import slow_drivers
from dealtrace_engine.lead_to_cash.findings_delays import (
    quote_revisions,
    slow_approvers,
    slow_groups,
    slow_steps,
    stalled_deals,
)
from dealtrace_engine.lead_to_cash.findings_rules import broken_rules
from dealtrace_engine.lead_to_cash.findings_stages import stage_findings
from dealtrace_engine.lead_to_cash.findings_words import _words
from dealtrace_engine.sources.labels import LANGUAGES
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

OFFICE = WorkingCalendar("UTC", {"mon-fri": "09:00-17:00"})
ALWAYS = WorkingCalendar("UTC", {"mon-sun": "00:00-24:00"})
MONDAY, FRIDAY = datetime(2024, 1, 8, 9), datetime(2024, 1, 5, 16)
FAST = (MONDAY, MONDAY + timedelta(hours=1))
"""An hour, of work too."""
SLOW = (FRIDAY, MONDAY + timedelta(hours=1))
"""66 hours, two of them of work."""
EVENTS = lead_to_cash(2_000, seed=4).events


@pytest.fixture(scope="module")
def company():
    return from_arrow(EVENTS)


def told(row, which):
    return {one["name"]: one["value"] for one in row[which]}


def log_of(*steps, still=()):
    """Sixty fast cases and thirty slow ones of 365 each, a minute apart.

    Parameters
    ----------
    *steps : (activity, stage, place)
        At the first (0) or the second (1) instant of the case.
    still : sequence of (case, activity, time)
        Of further cases.
    """
    events = []
    for case in range(90):
        times = FAST if case < 60 else SLOW
        for activity, stage, place in steps:
            events.append((f"{case}", activity, times[place] + timedelta(minutes=case % 30), stage))
    events += [(*event, None) for event in still]
    slow = [case.isdecimal() and int(case) >= 60 for case, *_ in events]
    columns = dict(zip(("case_id", "activity", "timestamp", "stage"), zip(*events, strict=True), strict=True))
    return from_arrow(pa.table({
        **columns, "resource": ["Slow" if one else "Fast" for one in slow],
        "region": ["Slow" if one else "Fast" for one in slow], "amount": [365.0] * len(events),
    }))  # fmt: skip


QUOTE = (("Quote Issued", "x", 0), ("Quote Accepted", "x", 1))
APPROVAL = (("Discount Approval Requested", "x", 0), ("Discount Approved", "x", 1))
DEAL = (("Opportunity Created", "x", 0), ("Opportunity Closed Won", "x", 1))
REVISION = (("Quote Issued", "x", 0), ("Quote Revised", "x", 1), ("Opportunity Closed Won", "x", 1))
BACK = (("Opportunity Stage Changed", "Demo", 0), ("Opportunity Stage Changed", "Offer", 0),
        ("Opportunity Stage Changed", "Demo", 1), ("Opportunity Closed Won", "Closed Won", 1))  # fmt: skip


@pytest.mark.parametrize(
    ("source", "kind", "steps", "worked", "elapsed"),
    [
        (slow_steps, "slow_step", QUOTE, 30, 30 * 65),
        (slow_approvers, "slow_approver", APPROVAL, 30, 30 * 65),
        (slow_groups, "slow_group", DEAL, 30, 30 * 65),
        (quote_revisions, "quote_revisions", REVISION, 60 + 30 * 2, 60 + 30 * 66),
        (stage_findings, "stage_returns", BACK, 60 + 30 * 2, 60 + 30 * 66),
    ],
)
def test_by_hand(source, kind, steps, worked, elapsed):
    log = log_of(*steps)
    for calendar, hours in ((None, elapsed), (OFFICE, worked), (ALWAYS, elapsed)):
        found = findings(log, calendar=calendar, sources=[source], most=1)
        (row,) = found.table.to_pylist()
        assert row["kind"] == kind
        assert row["days"] == pytest.approx(hours / 24)
        assert row["money"] == pytest.approx(elapsed / 24 * 0.08)
        assert told(row, "numbers").get("day_hours") == (None if calendar is None else 24)
        assert ("A day here is 24 working hours." in row["sentence"]) is (calendar is not None)


def test_deals_are_stalled_by_working_time():
    """Closed ones waited for 66 hours at most, but for two of work; some open ones wait for three of both."""
    still = [(f"open {case}", "Opportunity Created", FAST[1]) for case in range(4)]
    still.append(("new", "Opportunity Created", MONDAY + timedelta(hours=4)))
    log = log_of(*DEAL, still=still)
    assert len(findings(log, sources=[stalled_deals])) == 0
    (row,) = findings(log, calendar=OFFICE, sources=[stalled_deals]).table.to_pylist()
    assert row["cases"] == 4
    assert row["days"] == pytest.approx(4 * 3 / 24)
    assert told(row, "numbers") == {"limit_days": pytest.approx(2 / 24), "idle_days": 3 / 24, "day_hours": 24}


def test_what_goes_with_slow_deals_costs_by_the_clock(company):
    rows = [findings(company, calendar=by, sources=[slow_drivers]).table.to_pylist() for by in (None, OFFICE)]
    plain = {str(row["names"]): told(row, "numbers") for row in rows[0]}
    assert rows[1]
    for row in rows[1]:
        own, clock = told(row, "numbers"), plain[str(row["names"])]
        longer = clock["own_days"] - clock["others_days"]
        assert row["money"] == pytest.approx(row["amount"] * longer * 0.08 / 365)
        assert row["days"] == pytest.approx(row["cases"] * (own["own_days"] - own["others_days"]))
        assert own["own_days"] < clock["own_days"] / 2


def test_only_times_change(company):
    plain = findings(company, most=60).table
    always = findings(company, calendar=ALWAYS, most=60).table
    changed = ["sentence", "numbers", "filter"]
    assert always.drop_columns(changed).equals(plain.drop_columns(changed))
    office = findings(company, calendar=OFFICE, most=60)
    own, others = ({row["kind"]: row for row in table.to_pylist()} for table in (office.table, plain))
    assert own.keys() == others.keys()
    for kind, row in own.items():
        if "day_hours" in told(row, "numbers"):
            assert row["days"] < others[kind]["days"] / 2
            assert kind in {"slow_step", "slow_approver", "slow_group", "quote_revisions", "stalled_deals",
                            "stage_returns", "stuck_stage", "slow_driver", "slow_pattern"}  # fmt: skip
        else:
            assert row == others[kind]
    assert own["quote_revisions"]["money"] == others["quote_revisions"]["money"]
    assert findings(company, calendar=OFFICE, most=60, threads=1).to_json() == office.to_json()


def test_limits_of_rules_are_of_working_time(company, monkeypatch):
    """Of the ready rules, only such have limits of time that are not grave, and so not told by default."""
    monkeypatch.setattr(findings_rules, "GRAVE", ("critical", "high", "medium", "low"))
    counts = []
    for calendar in (None, OFFICE):
        told = findings(company, calendar=calendar, sources=[broken_rules], most=60).table.to_pylist()
        checked = check_rules(company, calendar=calendar).table.to_pylist()
        (wanted,) = [row["violating_cases"] for row in checked if row["rule"] == "first-response-late"]
        counts.append([row["cases"] for row in told if "2 days" in row["sentence"]])
        assert counts[-1] == ([wanted] if wanted else [])
    assert sum(counts[1]) < sum(counts[0])


def test_each_currency_has_its_calendars():
    money = pc.if_else(pc.equal(EVENTS["region"], "Japan"), "JPY", "EUR")
    log = from_arrow(EVENTS.append_column("currency", money))
    each = Calendars({"Japan": ALWAYS}, by="region", default=OFFICE)
    kinds = [{row["kind"]: row["days"] for row in findings(log, calendar=by, most=60).table.to_pylist()
              if row["currency"] == "JPY"} for by in (None, each, OFFICE)]  # fmt: skip
    assert kinds[0] == kinds[1] != kinds[2]


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_say_what_a_day_is(company, language):
    said = _words()["units"]["working_days"][language].format(day_hours=24)
    for row in findings(company, calendar=OFFICE, language=language, most=60).table.to_pylist():
        assert row["sentence"].count(said) == ("day_hours" in told(row, "numbers"))


def test_bad_calendars(company):
    with pytest.raises(ArgumentError, match="no calendar for"):
        findings(company, calendar=Calendars({"Mars": OFFICE}, by="region"), sources=[])
    with pytest.raises(ArgumentError, match="a calendar is"):
        findings(company, calendar="9-17")
    with pytest.raises(SchemaError):
        findings(company, calendar=Calendars({"Mars": OFFICE}, by="regoin"))
