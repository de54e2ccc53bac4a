"""Patterns match what brute force says they match, in any log, on any threads."""

from __future__ import annotations

import pickle
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import logs
from dealtrace_engine import parallel
from dealtrace_engine.errors import Cancelled, SchemaError
from dealtrace_engine.patterns.expression import ANY, END, GAP, START, Repeat, Step, chain, choice, written
from dealtrace_engine.patterns.parser import parse
from dealtrace_engine.patterns.pattern import compile_pattern
from dealtrace_engine.sources.memory import from_arrow
from naive import patterns as naive

NAMES = ("a", "b", "見積 送付", "d -> e")
STEPS = st.builds(
    lambda names, negated: Step(tuple(sorted(names)), negated),
    st.sets(st.sampled_from(NAMES[:3]), min_size=1, max_size=2), st.booleans(),
)  # fmt: skip
LEAVES = st.one_of(STEPS, STEPS, st.sampled_from([ANY, GAP, START, END]))
COUNTS = st.one_of(
    st.sampled_from([(0, None), (1, None), (0, 1), (0, 0)]),
    st.tuples(st.integers(0, 3), st.none()),
    st.tuples(st.integers(0, 2), st.integers(0, 2)).map(lambda pair: (pair[0], sum(pair))),
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(chain),
        st.lists(inner, min_size=2, max_size=3).map(choice),
        st.builds(lambda part, counts: Repeat(part, *counts), inner, COUNTS),
    ),
    max_leaves=7,
)
TRACES = st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=7), min_size=1, max_size=12)


def log_of(traces):
    rows = [(str(case), name, time) for case, trace in enumerate(traces) for time, name in enumerate(trace)]
    return from_arrow(logs.table(logs.log(*rows)))


@given(EXPRESSIONS, TRACES)
@example(parse("(^ | a)* -> b"), [["a", "b"], ["b"], ["d -> e", "b"]])
@example(parse("a -> (... $ | b)"), [["a"], ["a", "b"], ["b"]])
def test_equal_to_the_twin(expression, traces):
    pattern, log = compile_pattern(written(expression)), log_of(traces)
    matched = pattern.matches(log, allow_unknown=True)
    assert matched.dtype == np.bool_
    assert matched.tolist() == [naive.matches(expression, trace) for trace in traces]
    assert pattern.count(log, allow_unknown=True) == matched.sum()
    for longest in (False, True):
        spans = pattern.find(log, longest=longest, allow_unknown=True)
        expected = [naive.find(expression, trace, longest=longest) for trace in traces]
        begins = np.where(spans[:, 0] < 0, 0, log.case_offsets[:-1])
        assert (spans - begins[:, None]).tolist() == list(map(list, expected))


@given(EXPRESSIONS, TRACES)
def test_equal_to_regular_expressions_of_python(expression, traces):
    spans = compile_pattern(written(expression)).find(log_of(traces), allow_unknown=True)
    found = [naive.search(expression, trace, NAMES) for trace in traces]
    begins = np.where(spans[:, 0] < 0, 0, np.cumsum([0, *map(len, traces)])[:-1])
    assert (spans[:, 0] - begins).tolist() == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "a ab ba aab bab"),
        ("a -> b", "ab aab bab"),
        ("b -> a", "ba bab"),
        ("b -> ... -> b", "bab"),
        ("a+ -> b", "ab aab bab"),
        ("^ a+ -> b $", "ab aab"),
        ("^ a{2} -> b", "aab"),
        ("^ a{2,}", "aab"),
        ("^ . $", "a b"),
        ("^ .{2} $", "ab ba"),
        ("a $", "a ba"),
        ("^ (a | b -> a) $", "a ba"),
        ("!a", "ab b ba aab bab"),
        ("^ !a", "b ba bab"),
        ("^ ![a | b]", ""),
        ("^ [a | b] $", "a b"),
        ("^ $", ""),
        ("^", "a ab b ba aab bab"),
        ("...", "a ab b ba aab bab"),
        ("a{0}", "a ab b ba aab bab"),
        ("^ a{0} $", ""),
        ("^ a? -> b? $", "a ab b"),
        ("(^ a | b) -> b", "ab"),
    ],
)
def test_by_hand(text, expected):
    traces = ["a", "ab", "b", "ba", "aab", "bab"]
    matched = compile_pattern(text).matches(log_of(traces))
    assert [trace for trace, yes in zip(traces, matched, strict=True) if yes] == expected.split()


def test_lead_to_cash():
    traces = [
        ["Quote Issued", "Call", "Quote Revised", "Quote Revised", "Quote Accepted"],
        ["Quote Issued", "Quote Accepted"],
        ["Quote Issued", "Quote Revised", "Call", "Quote Accepted"],
    ]
    pattern = compile_pattern("Quote Issued -> ... -> Quote Revised+ -> Quote Accepted")
    assert pattern.matches(log_of(traces)).tolist() == [True, False, False]
    assert pattern.find(log_of(traces)).tolist() == [[0, 5], [-1, -1], [-1, -1]]
    assert pattern.activities == ("Quote Accepted", "Quote Issued", "Quote Revised")


def test_the_first_match_and_its_ends():
    log = log_of([list("xabbxab")])
    assert compile_pattern("a -> b+").find(log).tolist() == [[1, 3]]
    assert compile_pattern("a -> b+").find(log, longest=True).tolist() == [[1, 4]]
    assert compile_pattern("b $").find(log).tolist() == [[6, 7]]
    assert compile_pattern("$").find(log).tolist() == [[7, 7]]


@pytest.mark.parametrize("count", [300, 70_000])
def test_wide_codes(count):
    log = log_of([[f"{step:05}" for step in range(count)], ["00007", "00003"]])
    assert compile_pattern(f"00000 -> ... -> {count - 1:05} $").matches(log).tolist() == [True, False]
    assert compile_pattern("00007 -> 00003").find(log).tolist() == [[-1, -1], [count, count + 2]]


@given(logs.event_logs(), st.sampled_from([1, 2, 3, 8]), st.sampled_from([1, 5, 1 << 18]))
def test_neither_threads_nor_blocks_matter(events, threads, block):
    log, pattern = from_arrow(logs.table(events)), compile_pattern("a -> ... -> [b | c] -> !a*")
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", block):
        matched = pattern.matches(log, threads=threads, allow_unknown=True)
        spans = pattern.find(log, threads=threads, allow_unknown=True)
    assert matched.tolist() == [naive.matches(pattern.expression, trace) for trace in logs.traces(events)]
    assert (spans[:, 0] >= 0).tolist() == matched.tolist()


def test_activities_that_the_log_lacks():
    log = log_of([["Quote Issued", "Quote Accepted"]])
    with pytest.raises(SchemaError, match="no activity 'Quote Isued'; nearest: 'Quote Issued'") as error:
        compile_pattern("Quote Isued").matches(log)
    assert "columns" not in str(error.value)
    with pytest.raises(SchemaError, match="'quote issued'"):
        compile_pattern("quote issued").find(log)
    assert compile_pattern("!Zzz").matches(log, allow_unknown=True).tolist() == [True]
    assert compile_pattern("Zzz").count(log, allow_unknown=True) == 0
    assert compile_pattern("Zzz").find(log, allow_unknown=True).tolist() == [[-1, -1]]


def test_patterns_are_values():
    one, other = compile_pattern('"a"->(b)'), compile_pattern("a -> b")
    assert one == other
    assert hash(one) == hash(other)
    assert one != compile_pattern("b -> a")
    assert str(one) == "a -> b"
    assert repr(one) == "compile_pattern('a -> b')"
    again = pickle.loads(pickle.dumps(one))
    assert again == one
    assert again.matches(log_of(["ab", "ba"])).tolist() == [True, False]
    with pytest.raises(AttributeError):
        one.expression = other.expression


def test_cancelled():
    with pytest.raises(Cancelled):
        compile_pattern("a").matches(log_of(["ab"]), progress=lambda *_: False)
