"""Every filter keeps what its twin keeps, obeys the laws of sets, and goes to JSON and back."""

from __future__ import annotations

import json
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import logs
from dealtrace_engine import parallel
from dealtrace_engine.analyses.follows import directly_follows
from dealtrace_engine.analyses.variants import variants
from dealtrace_engine.errors import LogError
from dealtrace_engine.filters import where as w
from dealtrace_engine.filters.expressions import Expression, marked_cases
from naive import filters as naive

from . import expressions as made


def ids_of(log) -> dict[tuple[str, ...], str]:
    return {tuple(row["activities"]): row["variant"] for row in variants(log).table.to_pylist()}


def rows_kept(expression, log) -> set[int]:
    """Source rows of the events that pass."""
    mask = expression.mask(log)
    marks = marked_cases(log, mask) if expression.level == "case" else mask
    return set(log.rows[marks].tolist())


def expected_rows(expression, events, log) -> set[int]:
    node = json.loads(expression.to_json())["filter"]
    return naive.kept(node, logs.by_case(events), made.value, ids_of(log))


def traces_of(log) -> dict[str, list[tuple[str, int, int]]]:
    names = log.activities.to_pylist()
    events = [
        (names[code], time, row)
        for code, time, row in zip(
            log.activity_codes.tolist(), log.timestamps.tolist(), log.rows.tolist(), strict=True
        )
    ]
    spots = log.case_offsets.tolist()
    return {
        case: events[begin:end]
        for case, begin, end in zip(log.case_ids.to_pylist(), spots, spots[1:], strict=False)
    }


@settings(max_examples=400)
@given(made.LOGS, made.FILTERS)
def test_a_filter_keeps_what_its_twin_keeps(events, expression):
    log = made.log_of(events)
    rows = expected_rows(expression, events, log)
    assert rows_kept(expression, log) == rows
    if not rows:
        with pytest.raises(LogError, match="no case passes"):
            log.filter(expression)
        return
    cases = logs.by_case(events)
    left = {
        case: [(e.activity, e.time_us, e.row) for e in own if e.row in rows] for case, own in cases.items()
    }
    filtered = log.filter(expression)
    assert traces_of(filtered) == {case: own for case, own in left.items() if own}
    assert filtered.quality.rows_kept == len(rows)


@settings(max_examples=100)
@given(made.LOGS, made.CASE_FILTERS)
def test_a_filtered_log_is_the_log_of_its_rows(events, expression):
    log = made.log_of(events)
    rows = rows_kept(expression, log)
    if not rows or not log.cases:
        return
    filtered = log.filter(expression)
    again = made.log_of([event for event in events if event.row in rows])
    assert filtered.fingerprint == again.fingerprint
    for analysis in (directly_follows, variants):
        assert analysis(filtered).to_json() == analysis(again).to_json()
    for name in log.attribute_names:
        assert filtered.attribute(name).level == again.attribute(name).level
        assert filtered.attribute(name).values.to_pylist() == again.attribute(name).values.to_pylist()


@given(made.LOGS, made.FILTERS, made.FILTERS)
def test_the_laws_of_sets(events, a, b):
    log = made.log_of(events)
    everything = set(range(len(events)))
    rows_a, rows_b = rows_kept(a, log), rows_kept(b, log)
    assert rows_kept(a & b, log) == rows_kept(b & a, log) == rows_a & rows_b
    assert rows_kept(a | b, log) == rows_kept(b | a, log) == rows_a | rows_b
    assert rows_kept(~a, log) == everything - rows_a
    assert rows_kept(~~a, log) == rows_a
    assert len(rows_a) + len(rows_kept(~a, log)) == len(events)
    assert rows_kept(~(a & b), log) == rows_kept(~a | ~b, log)


@given(made.FILTERS)
def test_json_and_repr_say_the_same(expression):
    again = Expression.from_json(expression.to_json())
    assert again == expression
    assert again.to_json() == expression.to_json()
    assert eval(repr(expression), {"w": w}) == expression
    assert json.loads(expression.to_json(indent=2)) == json.loads(expression.to_json())


@given(made.LOGS, made.FILTERS, st.sampled_from([1, 2, 3, 8]), st.sampled_from([1, 5]))
def test_the_same_for_any_number_of_threads(events, expression, threads, block):
    log = made.log_of(events)
    whole = expression.mask(log, threads=1)
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", block):
        assert np.array_equal(expression.mask(log, threads=threads), whole)
        if whole.any():
            parts, one = log.filter(expression, threads=threads), log.filter(expression, threads=1)
            assert parts.fingerprint == one.fingerprint
            assert np.array_equal(parts.rows, one.rows)


@given(made.LOGS, made.CASE_FILTERS, made.CASE_FILTERS)
def test_filtering_twice_by_conditions_on_single_cases_is_filtering_by_both(events, a, b):
    if "variant" in repr(a & b):
        return
    log = made.log_of(events)
    both = (a & b).mask(log)
    if both.any():
        assert log.filter(a).filter(b).fingerprint == log.filter(a & b).fingerprint
        assert np.array_equal(log.filter(a).filter(b).rows, log.filter(a & b).rows)


@given(made.LOGS)
def test_variants_by_id(events):
    log = made.log_of(events)
    for trace, number in ids_of(log).items():
        expected = {e.row for own in logs.by_case(events).values() for e in own
                    if tuple(x.activity for x in own) == trace}  # fmt: skip
        assert rows_kept(w.variant(number, "0123456789abcdef"), log) == expected


@given(made.LOGS, st.sampled_from([0, 7]))
def test_colliding_hashes_mix_no_variants(events, hash_value):
    same = np.full(len(logs.by_case(events)), hash_value, np.uint64)
    with (
        mock.patch("dealtrace_engine.traces.sequence_hashes", return_value=same),
        mock.patch("dealtrace_engine.analyses.variants.sequence_hashes", return_value=same),
    ):
        log = made.log_of(events)
        for expression in (w.variant(next(iter(ids_of(log).values()))), w.top_variants(2)):
            assert rows_kept(expression, log) == expected_rows(expression, events, log)


@given(made.LOGS, st.integers(1, 12), st.integers(0, 3))
def test_a_sample_has_its_size_and_its_seed(events, size, seed):
    log = made.log_of(events)
    mask = w.sample(size, seed=seed).mask(log)
    assert mask.sum() == min(size, log.cases)
    assert np.array_equal(mask, w.sample(size, seed=seed).mask(log, threads=1))
    smaller = w.sample(max(size - 1, 1), seed=seed).mask(log)
    assert not (smaller & ~mask).any()


def test_a_share_is_of_each_case_whatever_the_log():
    log = made.log_of(logs.random_log(3, cases=2000, events=6000))
    half, tenth = (w.sample(share=share, seed=5).mask(log) for share in (0.5, 0.1))
    assert 0.45 < half.mean() < 0.55
    assert 0.07 < tenth.mean() < 0.13
    assert not (tenth & ~half).any()
    assert w.sample(share=1).mask(log).all()
    assert not np.array_equal(half, w.sample(share=0.5, seed=6).mask(log))
    part = log.filter(w.case("region") == "UK")
    both = (w.sample(share=0.5, seed=5) & (w.case("region") == "UK")).mask(log)
    assert part.filter(w.sample(share=0.5, seed=5)).cases == both.sum()


def test_a_sample_is_the_same_in_every_version():
    log = made.log_of(logs.log(*((str(case), "a", case) for case in range(40))))
    assert log.filter(w.sample(5, seed=1)).case_ids.to_pylist() == ["5", "9", "32", "37", "39"]
