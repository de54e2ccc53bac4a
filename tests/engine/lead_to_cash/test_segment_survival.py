"""The ready segments with their open cases, on a synthetic log."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dealtrace_engine.analyses.survival import survival
from dealtrace_engine.errors import ArgumentError, Cancelled
from dealtrace_engine.lead_to_cash.milestones import OUTCOMES, REOPENED
from dealtrace_engine.lead_to_cash.segments import segments
from dealtrace_engine.lead_to_cash.survival import segment_survival
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash


@pytest.fixture(scope="module")
def made():
    return lead_to_cash(800, seed=4)


@pytest.fixture(scope="module")
def log(made):
    return from_arrow(made.events)


def test_the_same_cases_as_the_segments(log):
    found = segment_survival(log)
    times = {row["segment"]: row for row in segments(log).table.to_pylist()}
    assert found.table.column_names[:2] == ["segment", "name"]
    for row in found.table.to_pylist():
        own = times[row["segment"]]
        assert row["cases"] == own["cases"] - own["reversed"]
        assert row["reached"] + row["stopped"] + row["open"] == row["cases"]
        assert own["reached"] - row["reached"] in range(3)  # lost and not reopened, yet later there
        assert row["p50_s"] is None or row["p50_s"] >= 0.9 * own["p50_s"]
    assert len(found.of("K14").ageing()) == found.of("K14").table["open"][0].as_py()
    assert "20 segments" in repr(found)


def test_later_losses_and_reopenings_change_nothing():
    names = ("Created", "Closed Lost", "Reopened", "Closed Lost", "Created", "Closed Won")
    days = ("01-01", "01-10", "02-10", "03-01", "01-01", "01-12")
    log = from_arrow(pa.table({"case": ["1"] * 4 + ["2"] * 2, "time": [f"2024-{day}" for day in days],
                               "activity": [f"Opportunity {name}" for name in names]}))  # fmt: skip
    for until, stopped in (("2024-01-20", 1), ("2024-02-15", 0), (None, 1)):
        (row,) = segment_survival(log, until=until).of("K1.W").table.to_pylist()
        assert (row["reached"], row["stopped"], row["open"]) == (1, stopped, 1 - stopped)


def test_a_log_that_does_not_say_what_is_lost(log):
    assert segment_survival(log).notes == []
    plain = from_arrow(pa.table({"case": ["1"] * 2, "activity": ["Opportunity Created", "Quote Created"],
                                 "time": ["2024-01-01", "2024-01-03"]}))  # fmt: skip
    found = segment_survival(plain)
    assert found.notes[0].startswith("no activity says that a case is lost")
    assert found.to_dict()["notes"] == found.notes


def test_outcomes_are_those_of_the_generator(made, log):
    result = survival(log, "opportunity_created", OUTCOMES, reopened=REOPENED)
    cases = {row["cause"]: row["cases"] for row in result.shares.to_pylist()}
    assert (cases["won"], cases["lost"]) == (made.truths["won"], made.truths["lost"])


def test_bad_arguments(log):
    with pytest.raises(ArgumentError, match="no segment 'K99'"):
        segment_survival(log, ends={"K99": ("a", "b")})
    with pytest.raises(ArgumentError, match="no segment 'K11'"):
        segment_survival(log).of("K11")
    with pytest.raises(Cancelled):
        segment_survival(log, progress=lambda done, of: False)
