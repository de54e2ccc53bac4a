from datetime import UTC, date, datetime, time, timedelta
from random import Random

import polars as pl
import pytest

from dealtrace_engine.sources.crm.dating import placed
from dealtrace_engine.sources.crm.events import RANKS, START_LIKE


def frame(*rows):
    """Rows (case, activity, when): a date is known to the day only."""
    return pl.DataFrame(
        [
            {
                "case_id": case, "activity": activity, "order_rank": RANKS[activity],
                "timestamp": when if isinstance(when, datetime) else datetime.combine(when, time.min, UTC),
                "ts_precision": "instant" if isinstance(when, datetime) else "date",
            }
            for case, activity, when in rows
        ],
        schema={"case_id": pl.String, "activity": pl.String, "order_rank": pl.Int32,
                "timestamp": pl.Datetime("us", "UTC"), "ts_precision": pl.String},
    )  # fmt: skip


def at(hour, minute=0, day=5):
    return datetime(2024, 3, day, hour, minute, tzinfo=UTC)


DAY = date(2024, 3, 5)


def spots(*rows, zone="UTC"):
    return placed(frame(*rows), zone)["timestamp"].to_list()


def test_after_the_last_event_of_the_day_that_ranks_before():
    found = spots(
        ("1", "quote_accepted", at(10)), ("1", "quote_issued", at(8)), ("1", "contract_signed", DAY)
    )
    assert found[2] == at(10)


def test_before_the_first_that_ranks_after_where_nothing_ranks_before():
    assert spots(("1", "opportunity_won", at(15)), ("1", "contract_signed", DAY))[1] == at(15)


def test_alone_at_the_end_of_the_day_or_at_its_start_if_it_begins_something():
    assert spots(("1", "contract_signed", DAY))[0] == at(23, 59) + timedelta(seconds=59)
    assert spots(("1", "invoice_generated", DAY))[0] == at(0)


def test_other_cases_and_other_days_do_not_matter():
    found = spots(
        ("2", "quote_accepted", at(10)), ("1", "quote_accepted", at(10, day=4)), ("1", "contract_signed", DAY)
    )
    assert found[2] == at(23, 59) + timedelta(seconds=59)


def test_two_known_to_the_day_keep_the_order_of_their_ranks():
    signed, invoiced = spots(("1", "contract_signed", DAY), ("1", "invoice_generated", DAY))
    assert signed <= invoiced


def test_a_day_is_a_day_in_the_zone_of_the_organisation():
    (found,) = spots(("1", "invoice_generated", DAY), zone="Asia/Tokyo")
    assert found == datetime(2024, 3, 4, 15, tzinfo=UTC)
    late_evening_before = datetime(2024, 3, 4, 16, tzinfo=UTC)  # the 5th in Tokyo
    found = spots(
        ("1", "quote_accepted", late_evening_before), ("1", "contract_signed", DAY), zone="Asia/Tokyo"
    )
    assert found[1] == late_evening_before


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "Africa/Cairo"])
def test_a_day_whose_midnight_does_not_exist(zone):
    day = date(2018, 11, 4) if zone == "America/Sao_Paulo" else date(2024, 4, 26)
    (found,) = spots(("1", "invoice_generated", day), zone=zone)
    assert found is not None


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        ("Europe/Berlin", date(2025, 3, 30), datetime(2025, 3, 29, 23, tzinfo=UTC), 23),
        ("Europe/Berlin", date(2025, 10, 26), datetime(2025, 10, 25, 22, tzinfo=UTC), 25),
        ("Pacific/Apia", date(2011, 12, 29), datetime(2011, 12, 29, 10, tzinfo=UTC), 24),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(zone, day, begins, hours):
    found = placed(frame(("1", "contract_signed", day)), zone)
    last = begins + timedelta(hours=hours, seconds=-1)
    assert found.select("day_start", "day_end", "timestamp").rows() == [(begins, last, last)]


def test_bounds_are_the_day_and_rows_keep_their_order():
    result = placed(frame(("1", "quote_accepted", at(10)), ("1", "contract_signed", DAY)), "UTC")
    assert result["activity"].to_list() == ["quote_accepted", "contract_signed"]
    assert result["day_start"].to_list() == [None, at(0)]
    assert result["day_end"].to_list() == [None, at(23, 59) + timedelta(seconds=59)]


def naive(rows):
    """Place one event after the other, in the order of ranks."""
    found = {}
    for index, (case, activity, when) in sorted(
        enumerate(rows), key=lambda item: (RANKS[item[1][1]], item[0])
    ):
        if isinstance(when, datetime):
            continue
        rank, start = RANKS[activity], datetime(when.year, when.month, when.day, tzinfo=UTC)
        mates = [
            (RANKS[a], i, w)
            for i, (c, a, w) in enumerate(rows)
            if c == case and isinstance(w, datetime) and w.date() == when
        ]
        before = [w for r, i, w in mates if (r, i) < (rank, index)]
        after = [w for r, i, w in mates if (r, i) > (rank, index)]
        alone = start if activity in START_LIKE else start + timedelta(hours=23, minutes=59, seconds=59)
        spot = max(before) if before else min([*after, alone])
        earlier = [found[i] for i in found if rows[i][0] == case and rows[i][2] == when]
        found[index] = max([spot, *earlier])
    return found


@pytest.mark.parametrize("seed", range(30))
def test_random_days_against_the_naive_twin(seed):
    random = Random(seed)
    rows = []
    for _ in range(random.randrange(1, 25)):
        activity, day = random.choice(list(RANKS)), random.randrange(1, 4)
        when = (
            date(2024, 3, day)
            if random.random() < 0.4
            else at(random.randrange(24), random.randrange(60), day)
        )
        rows.append((random.choice("12"), activity, when))
    found = spots(*rows)
    expected = naive(rows)
    for index, (_, _, when) in enumerate(rows):
        assert found[index] == expected.get(index, when)
