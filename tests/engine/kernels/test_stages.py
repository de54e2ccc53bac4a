"""Visits to stages, against the plain twins; run compiled and interpreted."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dealtrace_engine.kernels.stages import (
    count_kept,
    first_entries,
    group_kept,
    next_origin,
    pair_counts,
    stage_visits,
    stages_of_cases,
    visit_counts,
    visit_kinds,
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
    found, shifts, unseen = [], [], 0
    for block in blocks:
        kinds = (np.int32, np.int32, np.int64, np.int64, np.int8)
        columns = [np.full(len(events), 77, kind) for kind in kinds]
        counts, changes = np.zeros(2, np.int64), np.full(3 * len(events), 77, np.int32)
        codes, effects = coded([event["stage"] for event in events]), np.arange(7, dtype=np.uint8)
        stage_visits(
            activities, times, offsets, codes, origins, *block, until, known_from, effects, over, *columns,
            changes, counts,
        )  # fmt: skip
        found += list(zip(*(column[: counts[0]].tolist() for column in columns), strict=True))
        shifts += changes.reshape(-1, 3)[: counts[0]].tolist()
        unseen += int(counts[1])
    return [(*visit, *own) for visit, own in zip(found, shifts, strict=True)], unseen


@given(CASES, st.sets(st.integers(0, 2)), st.integers(3, 9), st.integers(0, 6), st.booleans())
@example([REOPENED], set(), 9, 0, True)
def test_stage_visits(cases, closed, until, known_from, with_origins):
    ordered = [sorted(case, key=lambda event: event["time"]) for case in cases]
    if not with_origins:
        ordered = [[event | {"origin": None} for event in case] for case in ordered]
        known_from = 10  # no column tells what the stage was
    expected = [
        (case, v["stage"], v["begin"], until if v["end"] is None else v["end"], v["state"], v["push"],
         v["amount"], v["owner"])
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


@given(RANKS)
def test_first_entries(sequences):
    cases, ranks, _, _ = flat(sequences)
    entered, votes = np.zeros(5, np.int64), np.zeros(25, np.int64)
    first_entries(cases, ranks, np.full(5, -1), np.zeros(5, np.int32), entered, votes)
    assert entered.tolist() == np.bincount(ranks, minlength=5).tolist()
    pairs = [naive.first_entries([rank for rank, *_ in own]) for own in sequences]
    expected = [[sum((a, b) in found for found in pairs) for b in range(5)] for a in range(5)]
    assert votes.reshape(5, 5).tolist() == expected


@given(RANKS, st.integers(0, 5))
@example([[(0, 1, 0), (3, 1, 0)]], 5)
def test_kinds_and_stages_of_cases(sequences, open_stages):
    cases, ranks, states, dwell = flat(sequences)
    origins, kinds = np.zeros(len(cases), np.int32), np.zeros(len(cases), np.int8)
    visit_kinds(cases, ranks, states, open_stages, origins, kinds)
    expected = [
        pair
        for own in sequences
        for pair in naive.visit_kinds([v[0] for v in own], [v[1] != 1 for v in own], open_stages)
    ]
    assert list(zip(origins.tolist(), kinds.tolist(), strict=True)) == expected
    room = len(cases) + len(sequences) * open_stages
    pairs, counts = np.zeros(len(cases), np.int32), np.zeros(1, np.int64)
    columns = [np.full(room, 77, kind) for kind in (*[np.int32] * 4, np.int64, np.int64)]
    lost, group_rows = np.arange(5) == 4, np.zeros(len(cases), np.int64)
    groups = np.arange(len(sequences), dtype=np.int32) % 2
    stages_of_cases(cases, ranks, states, kinds, origins, dwell, groups, open_stages, lost, np.full(5, -1),
                    group_rows, pairs, *columns, counts)  # fmt: skip
    assert group_rows.tolist() == (groups[cases] * 5 + ranks).tolist()
    *columns, pair_rows = (column[: counts[0]] for column in columns)
    assert pair_rows.tolist() == (groups[columns[0]] * 5 + columns[1]).tolist()
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    assert [rows[pair][:2] for pair in pairs] == list(zip(cases.tolist(), ranks.tolist(), strict=True))
    by_case = {case: list(own) for case, own in groupby(rows, key=lambda row: row[0])}
    for case, own in enumerate(sequences):
        mine = [
            {"rank": rank, "state": state, "dwell": length, "origin": origin}
            for (rank, state, length), origin in zip(own, origins[cases == case].tolist(), strict=True)
        ]
        told = {rank: figures for _, rank, *figures in map(list, by_case.get(case, ()))}
        expected = naive.stages_of_cases(mine, open_stages, {4})
        assert {rank: tuple(figures) for rank, figures in told.items()} == expected
        assert len(told) == len(by_case.get(case, ()))


@given(st.lists(EVENT, max_size=5))
def test_next_origin(events):
    codes, origins = (coded([event[name] for event in events]) for name in ("stage", "origin"))
    expected = naive.next_origin(events)
    assert next_origin(codes, origins, 0, len(events)) == (-1 if expected is None else expected)


COUNTED = st.tuples(
    st.integers(0, 1), st.integers(0, 2), st.integers(0, 2), st.integers(0, 5), st.integers(0, 3),
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)),
)  # fmt: skip


@given(st.lists(COUNTED, max_size=8))
def test_visit_counts(visits):
    group, stage, origin, kind, state = (np.array([v[i] for v in visits], np.int32) for i in range(5))
    changes = np.array([number for v in visits for number in v[5]], np.int32)
    counts = np.zeros(6 * 8, np.int64)
    visit_counts(group.astype(np.int64) * 3 + stage, stage, origin, kind.astype(np.int8),
                 state.astype(np.int8), changes, counts)  # fmt: skip
    plain = [
        {"row": g * 3 + s, "origin_row": g * 3 + o, "kind": k, "state": now, "changes": c}
        for g, s, o, k, now, c in visits
    ]
    assert counts.reshape(6, 8).tolist() == naive.visit_counts(plain, 6)


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(0, 9)), max_size=9))
def test_what_is_kept(pairs):
    rows, kept, values = ([pair[i] for pair in pairs] for i in range(3))
    expected = naive.group_kept(rows, kept, values, 3)
    offsets = np.cumsum([0, *map(len, expected)])
    out = np.zeros(offsets[-1], np.int64)
    group_kept(np.array(rows, np.int64), np.array(kept, np.bool_), np.array(values, np.int64),
               offsets[:-1].copy(), out)  # fmt: skip
    assert out.tolist() == [value for own in expected for value in own]
    counts = np.zeros(6, np.int64)
    count_kept(np.array(rows, np.int64), np.array(kept, np.bool_), counts)
    assert counts.tolist() == naive.count_kept(rows, kept, 3)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)), max_size=9))
def test_pair_counts(pairs):
    pairs = [(row, visits, min(still, visits)) for row, visits, still in pairs]
    rows, visits, still = (np.array([pair[i] for pair in pairs], np.int32) for i in range(3))
    kept, counts = np.ones(len(pairs), np.bool_), np.zeros(9, np.int64)
    pair_counts(rows.astype(np.int64), visits, still, kept, counts)
    assert kept.tolist() == [naive.pair_state(*pair[1:]) == "left" for pair in pairs]
    assert counts.reshape(3, 3).tolist() == naive.pair_counts(pairs, 3)
