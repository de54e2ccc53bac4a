"""Visits to stages, against the plain twins; run compiled and interpreted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dealtrace_engine.kernels.stages import (
    first_entries,
    next_origin,
    stage_visits,
    telling_events,
)
from naive import stages as naive

pytestmark = pytest.mark.kernels
EFFECTS = (None, "push", "amount", "owner", "close", "open", "win")
STAGE = st.sampled_from([None, None, 0, 1, 2])
EVENT = st.fixed_dictionaries(
    {"time": st.integers(0, 9), "stage": STAGE, "origin": STAGE, "effect": st.sampled_from(EFFECTS)}
)
REOPENED = [
    {"time": 0, "stage": None, "origin": None, "effect": "open"},
    {"time": 1, "stage": 1, "origin": 0, "effect": None},
]
CASES = st.lists(st.lists(EVENT, min_size=1, max_size=7), min_size=1, max_size=4)


def coded(values):
    return np.array([-1 if value is None else value for value in values], np.int32)


def visits_by_kernel(cases, closed, until, known_from, with_origins, blocks):
    events = [event for case in cases for event in case]
    activities = np.array([EFFECTS.index(event["effect"]) for event in events], np.uint8)
    times = np.array([event["time"] for event in events], np.int64)
    offsets = np.cumsum([0, *map(len, cases)])
    origins = coded([event["origin"] for event in events] if with_origins else [])
    over = np.isin(np.arange(3), list(closed))
    found, unseen = [], 0
    for block in blocks:
        kinds = (np.int32, np.int32, np.int64, np.int64, np.int8, np.int32, np.int8)
        columns = [np.full(len(events), 77, kind) for kind in kinds]
        codes, effects = coded([event["stage"] for event in events]), np.arange(7, dtype=np.uint8)
        counts = np.zeros(3, np.int64)
        stage_visits(
            activities, times, offsets, codes, origins, *block, until, known_from, effects, over, *columns,
            np.zeros(9, np.int32), counts,
        )  # fmt: skip
        *columns, changed, changes = (column.tolist() for column in columns)
        told = list(zip(changed[: counts[2]], changes[: counts[2]], strict=True))
        assert changed[: counts[2]] == sorted(changed[: counts[2]])
        own = [tuple(told.count((visit, kind)) for kind in range(3)) for visit in range(counts[0])]
        found += zip(*(column[: counts[0]] for column in columns), own, strict=True)
        unseen += int(counts[1])
    return found, unseen


@given(CASES, st.sets(st.integers(0, 2)), st.integers(3, 9), st.integers(0, 6), st.booleans())
@example([REOPENED], set(), 9, 0, True)
def test_stage_visits(cases, closed, until, known_from, with_origins):
    ordered = [sorted(case, key=lambda event: event["time"]) for case in cases]
    if not with_origins:
        ordered = [[event | {"origin": None} for event in case] for case in ordered]
        known_from = 10  # no column tells what the stage was
    expected = [
        (case, v["stage"], v["begin"], (until if v["end"] is None else v["end"]) - v["begin"], v["state"],
         (v["push"], v["amount"], v["owner"]))
        for case, events in enumerate(ordered)
        for v in naive.stage_visits(events, closed, until, known_from)
    ]  # fmt: skip
    unseen = sum(v["unseen"] for case in ordered for v in naive.stage_visits(case, closed, until, known_from))
    for blocks in ([(0, len(cases))], [(case, case + 1) for case in range(len(cases))]):
        found = visits_by_kernel(ordered, closed, until, known_from, with_origins, blocks)
        assert found == (expected, unseen)


VISIT = st.tuples(st.integers(0, 4), st.sampled_from([0, 1, 2, 3]), st.integers(0, 9))
RANKS = st.lists(st.lists(VISIT, max_size=6), max_size=4)


def flat(sequences):
    cases = np.array([case for case, own in enumerate(sequences) for _ in own], np.int32)
    ranks, states, dwell = (np.array([v[i] for own in sequences for v in own], np.int64) for i in (0, 1, 2))
    return cases, ranks.astype(np.int32), states.astype(np.int8), dwell


@pytest.mark.parametrize("room", [0, 5 << 5])
@given(RANKS)
def test_first_entries(room, sequences):
    cases, ranks, _, _ = flat(sequences)
    entered, votes = np.zeros(5, np.int64), np.zeros(25, np.int64)
    after = np.zeros(room, np.int64)
    first_entries(cases, ranks, np.full(5, -1), np.zeros(5, np.int32), after, entered, votes)
    assert entered.tolist() == np.bincount(ranks, minlength=5).tolist()
    pairs = [naive.first_entries([rank for rank, *_ in own]) for own in sequences]
    expected = [[sum((a, b) in found for found in pairs) for b in range(5)] for a in range(5)]
    assert votes.reshape(5, 5).tolist() == expected


@given(st.lists(EVENT, max_size=5))
def test_next_origin(events):
    codes, origins = (coded([event[name] for event in events]) for name in ("stage", "origin"))
    expected = naive.next_origin(events)
    assert next_origin(codes, origins, 0, len(events)) == (-1 if expected is None else expected)


@given(CASES)
def test_telling_events(cases):
    events = [event for case in cases for event in case]
    activities = np.array([EFFECTS.index(event["effect"]) for event in events], np.uint8)
    codes, ends = coded([event["stage"] for event in events]), np.cumsum([0, *map(len, cases)])
    for begin, end, case in zip(ends[:-1], ends[1:], cases, strict=True):
        found = np.zeros(len(case), np.int32)
        count = telling_events(activities, codes, np.arange(7, dtype=np.uint8), begin, end, found)
        assert found[:count].tolist() == naive.telling_events(case)
