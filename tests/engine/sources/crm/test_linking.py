"""Events come to the cases of their records: none, one or several."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import polars as pl
import pytest

from dealtrace_engine.sources.crm.linking import flattened, linked

KINDS = {"object": pl.String, "record_id": pl.String, "activity": pl.String, "fact": pl.String,
         "timestamp": pl.Datetime("us", "UTC")}  # fmt: skip


def events(*rows):
    """Rows (object, record, activity, day of January)."""
    return pl.DataFrame(
        [(what, record, activity, record, datetime(2024, 1, day, tzinfo=UTC))
         for what, record, activity, day in rows], schema=KINDS, orient="row",
    )  # fmt: skip


def links(*rows):
    """Rows (object, record, case, via)."""
    kinds = dict.fromkeys(("object", "record_id", "case_id", "via"), pl.String)
    return pl.DataFrame(rows, schema=kinds, orient="row").with_columns(confidence=pl.lit(1.0))


QUOTED = ("quote", "q1", "quote_created", 3)


def test_an_event_of_several_cases_is_in_each_with_its_share():
    found = linked(events(QUOTED), links(("quote", "q1", "A", "x"), ("quote", "q1", "B", "x")))
    assert found.events.select("case_id", "share").rows() == [("A", 0.5), ("B", 0.5)]
    assert (found.shared, found.orphans) == (1, {})


def test_the_first_of_two_ways_to_one_case_counts():
    found = linked(events(QUOTED), links(("quote", "q1", "A", "Quote.Deal"), ("quote", "q1", "A", "synced")))
    assert found.events.select("case_id", "via", "share").rows() == [("A", "Quote.Deal", 1.0)]
    assert found.shared == 0


def test_what_has_no_case_is_an_orphan():
    rows = events(QUOTED, ("quote", "q1", "quote_issued", 4), ("order", "q1", "sales_order_created", 5))
    found = linked(rows, links(("order", "o9", "A", "x")))
    assert found.events.height == 0
    assert found.orphans == {"order": 1, "quote": 2}
    assert found.orphan_records == {"order": 1, "quote": 1}


def test_a_link_to_no_case_is_no_link():
    found = linked(events(QUOTED), links(("quote", "q1", None, "x"), ("quote", "q1", "A", "y")))
    assert found.events.select("case_id", "share").rows() == [("A", 1.0)]
    assert linked(events(QUOTED), links(("quote", "q1", None, "x"))).orphans == {"quote": 1}


def test_two_quotes_of_a_case_as_first_and_as_last():
    rows = events(("quote", "q1", "quote_created", 3), ("quote", "q2", "quote_created", 5),
                  ("quote", "q3", "quote_created", 3), ("opportunity", "A", "owner_changed", 1),
                  ("opportunity", "A", "owner_changed", 2))  # fmt: skip
    cases = linked(rows, links(*(("quote", q, "A", "x") for q in ("q1", "q2", "q3")),
                               ("opportunity", "A", "A", "x"))).events  # fmt: skip
    for how, days in {"all": [3, 5, 3, 1, 2], "primary": [3, 5, 3, 1, 2], "first": [3, 1, 2],
                      "last": [5, 1, 2]}.items():  # fmt: skip
        assert flattened(cases, how)["timestamp"].dt.day().to_list() == days, how


@pytest.mark.parametrize("seed", range(10))
def test_random_links_against_a_naive_twin(seed):
    random = Random(seed)
    rows = [("quote", random.choice("abcde"), "quote_created", random.randrange(1, 28)) for _ in range(20)]
    ways = [("quote", random.choice("abcd"), random.choice(["A", "B", "C", None]), str(n)) for n in range(9)]
    expected = []
    for _, record, _, day in rows:
        cases = list(dict.fromkeys(case for _, r, case, _ in ways if r == record and case is not None))
        expected += [(record, case, day, 1 / len(cases)) for case in cases]
    found = linked(events(*rows), links(*ways)).events
    told = found.select("record_id", "case_id", pl.col("timestamp").dt.day().cast(int), "share").rows()
    assert sorted(told) == sorted(expected)
