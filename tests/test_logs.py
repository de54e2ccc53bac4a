"""The logs that the other tests stand on."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given

from logs import BY_HAND, EPOCH_2024, Event, by_case, event_logs, log, random_log, reordered, table, traces


def test_ties_keep_file_order():
    assert traces(BY_HAND["file order breaks ties"]) == [("b", "a", "c")]


def test_cases_come_in_order_of_first_appearance():
    assert list(by_case(BY_HAND["interleaved"])) == ["2", "10", "9"]


def test_a_case_is_ordered_by_time_whatever_the_rows():
    assert traces(BY_HAND["rows backwards"]) == [("a", "b", "c"), ("a", "b")]


def test_table_writes_rows_in_file_order():
    events = log(("1", "a", EPOCH_2024), ("2", "b", EPOCH_2024 - 1))
    assert table(reversed(events)).column("case_id").to_pylist() == ["1", "2"]
    assert str(table(events).schema.field("timestamp").type) == "timestamp[us, tz=UTC]"


@given(event_logs())
def test_by_case_keeps_every_event_once_and_in_order(events: list[Event]):
    cases = by_case(events)
    assert sorted((e for own in cases.values() for e in own), key=lambda e: e.row) == events
    for own in cases.values():
        assert [(e.time_us, e.row) for e in own] == sorted((e.time_us, e.row) for e in own)


@given(event_logs(max_cases=3, max_events=10))
def test_reordering_the_rows_keeps_the_events(events: list[Event]):
    shuffled = reordered(events, random.Random(1))
    assert sorted(e[:3] for e in shuffled) == sorted(e[:3] for e in events)
    assert [e.row for e in shuffled] == list(range(len(events)))


@pytest.mark.parametrize("seed", range(4))
def test_random_log_is_seeded_and_has_ties(seed: int):
    events = random_log(seed)
    assert events == random_log(seed) != random_log(seed + 1)
    own = [e for case in by_case(events).values() for e in pairwise(case)]
    assert any(before.time_us == after.time_us for before, after in own)
