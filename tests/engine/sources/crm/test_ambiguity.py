from datetime import UTC, datetime, timedelta
from random import Random

import polars as pl
import pytest

from dealtrace_engine.sources.crm.ambiguity import ambiguity

MONDAY = datetime(2024, 3, 4, tzinfo=UTC)


def events(*rows):
    """Rows (case, hours after Monday, precision); of a day its hours are a multiple of 24."""
    found = []
    for case, hours, precision in rows:
        at = MONDAY + timedelta(hours=hours)
        day = precision == "date"
        found.append(
            {
                "case_id": case, "ts_precision": precision, "timestamp": at,
                "day_start": at if day else None,
                "day_end": at + timedelta(hours=24, seconds=-1) if day else None,
            }
        )  # fmt: skip
    instant = pl.Datetime("us", "UTC")
    kinds = {
        "case_id": pl.String,
        "ts_precision": pl.String,
        "timestamp": instant,
        "day_start": instant,
        "day_end": instant,
    }
    return pl.DataFrame(found, schema=kinds)


def test_equal_instants_are_ties_and_others_are_certain():
    found = ambiguity(
        events(("1", 0, "instant"), ("1", 0, "instant"), ("1", 5, "instant"), ("2", 5, "instant"))
    )
    assert (found.pairs, found.tied, found.within_day, found.within_minute) == (2, 1, 0, 0)
    assert found.throughput["mean_s"] == (9000.0, 9000.0, 9000.0)


def test_a_day_is_ambiguous_with_what_lies_in_it_only():
    found = ambiguity(
        events(("1", 0, "instant"), ("1", 24, "date"), ("1", 30, "instant"), ("1", 60, "instant"))
    )
    assert (found.pairs, found.within_day, found.ambiguous) == (3, 1, 1)


def test_minutes_are_counted_apart():
    found = ambiguity(events(("1", 0, "minute"), ("1", 0, "minute"), ("1", 1, "minute")))
    assert (found.tied, found.within_minute) == (0, 1)


def test_how_far_a_throughput_time_could_move():
    found = ambiguity(events(("1", 0, "instant"), ("1", 48, "date")))
    least, told, most = found.throughput["p50_s"]
    assert (least, told, most) == (48 * 3600, 48 * 3600, 72 * 3600 - 1)


def test_no_event_at_all():
    found = ambiguity(events())
    assert found.pairs == found.ambiguous == 0
    assert found.throughput == {}


@pytest.mark.parametrize("seed", range(10))
def test_figures_lie_within_their_bounds(seed):
    random = Random(seed)
    rows = []
    for case in "123456":
        hours = 0
        for _ in range(random.randrange(1, 8)):
            precision = random.choice(["instant", "minute", "date"])
            hours += random.randrange(40)
            if precision == "date":
                hours = -(-hours // 24) * 24
            rows.append((case, hours, precision))
    for least, told, most in ambiguity(events(*rows)).throughput.values():
        assert 0 <= least <= told <= most
