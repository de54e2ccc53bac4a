"""Due dates: days, midnights, instants, and what is none."""

from __future__ import annotations

from datetime import date, datetime

import pyarrow as pa
import pytest

import dealtrace as dt
from dealtrace_engine.analyses.check_rules import check_rules
from dealtrace_engine.analyses.rule_deadlines import deadlines
from dealtrace_engine.models.rules import Rule, Rules
from dealtrace_engine.readings import NOT_A_TIME
from dealtrace_engine.sources.memory import from_arrow
from rule_logs import rows, small

pytestmark = pytest.mark.kernels


def test_due_dates():
    events = [("1", "pay", 5), ("1", "pay", 9), ("2", "pay", 5), ("3", "bill", 2), ("4", "bill", 12)]
    due = [date(2024, 1, 8)] * 2 + [date(2024, 1, 5), date(2024, 1, 3), None]
    pack = Rules((
        Rule("late", "on_time", "pay", attribute="due"), Rule("open", "not_overdue", "pay", attribute="due"),
        Rule("first", "on_time", "pay", attribute="due", occurrence="first"),
        Rule("graceful", "on_time", "pay", attribute="due", grace="1d"),
    ))  # fmt: skip
    for kind in (pa.date32(), pa.date64(), pa.timestamp("us"), pa.timestamp("s", "UTC"), pa.string()):
        values = pa.array(due, pa.date32()).cast(kind)
        told = rows(check_rules(small(events, due=values), pack))
        broken = [told[rule]["violating_cases"] for rule in ("late", "open", "first", "graceful")]
        assert broken == [1, 1, 0, 0]
        assert told["open"]["applicable_cases"] == 3
        assert told["late"]["days_lost"] == pytest.approx(0, abs=1e-9)  # a day is on time until it ends


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("kind", [pa.timestamp("us"), pa.date32(), pa.string()])
def test_midnight_is_a_day_as_receivables_have_it(zone, kind):
    times = [datetime(2024, 1, 1), datetime(2024, 1, 10, 10)]
    due = pa.array([datetime(2024, 1, 10)] * 2).cast(kind)
    events = {"case": ["1", "1"], "activity": ["invoice_sent", "payment_received"], "time": times}
    log = from_arrow(pa.table({**events, "due_date": due}), timezone=zone)
    assert rows(check_rules(log))["paid-late"]["status"] == "conforming"
    assert dt.receivables(log, value=None).table["late"].to_pylist() == [0]
    if kind != pa.date32():  # another time of day is an instant in the zone of the log
        due = pa.array([datetime(2024, 1, 10, 9, 30)] * 2).cast(kind)
        log = from_arrow(pa.table({**events, "due_date": due}), timezone=zone)
        assert rows(check_rules(log))["paid-late"]["days_lost"] == 0.5 / 24


@pytest.mark.parametrize(
    "due",
    [
        pa.array([-(2**31), 2**31 - 1, 0, 1], pa.int32()).cast(pa.date32()),
        pa.array([2**60, -(2**60), 0, 1], pa.timestamp("s")),
        pa.array([2**63 - 1, 1 - 2**63, 0, 1], pa.timestamp("us")),
        pa.array(["garbage", "soon", "1970-01-01", "1970-01-02"]),
    ],
)
def test_dates_that_are_none_are_told_and_not_known(due):
    log = small([(case, "pay", 5) for case in "1234"], due=due)
    limits, finding = deadlines(log, "due", grace=2**63 - 1)
    assert (limits == NOT_A_TIME).tolist() == [True, True, False, False]
    assert finding.count == 2
    rules = [Rule(name, "on_time", "pay", attribute="due", grace=name) for name in ("1d", "2d")]
    found = check_rules(log, Rules(tuple(rules)))
    assert [(one.reason, one.count) for one in found.findings] == [("no date can be read in 'due'", 2)]
    assert rows(found)["1d"]["applicable_cases"] == 2


def test_delays_of_many_cases_are_added_without_limit():
    log = small([(str(case), "pay", 5) for case in range(200)], due=[date(1, 1, 1)] * 200)
    found = rows(check_rules(log, Rules((Rule("late", "on_time", "pay", attribute="due"),))))
    assert found["late"]["days_lost"] == pytest.approx(200 * (date(2024, 1, 5) - date(1, 1, 2)).days)
