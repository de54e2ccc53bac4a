"""Rules in one pass against their plain twins, every template on random traces; compiled and interpreted."""

from __future__ import annotations

from collections import Counter
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_engine.analyses import rule_pass
from dealtrace_engine.analyses.rule_pass import Ranked, RulePass
from dealtrace_engine.buffers import read_only, view
from dealtrace_engine.kernels import rule_suspects, rule_walks
from dealtrace_engine.kernels import rules as kernels
from dealtrace_engine.kernels.rule_suspects import (
    know_cases,
    list_suspects,
    note_plain,
    plain_suspects,
)
from dealtrace_engine.kernels.rule_values import skips_of
from dealtrace_engine.kernels.rule_walks import turn_round
from dealtrace_engine.kernels.rules import judge_traces
from naive import rule_suspects as naive_suspects
from naive import rule_walks as naive_walks
from naive import rules as naive
from naive.rules import Event

pytestmark = pytest.mark.kernels
ACTIVITIES = 4
PEOPLE = 3
EVENTS = st.builds(
    Event, st.integers(0, ACTIVITIES - 1), st.integers(0, 9),
    st.one_of(st.none(), st.integers(0, PEOPLE - 1)),
    st.one_of(st.none(), st.integers(0, 4).map(float)), st.booleans(),
)  # fmt: skip
TRACES = st.lists(st.lists(EVENTS, min_size=1, max_size=8), min_size=1, max_size=4).map(
    lambda traces: [sorted(trace, key=lambda event: event.time) for trace in traces]
)
SYMBOLS = st.tuples(st.sets(st.integers(0, ACTIVITIES - 1)), st.booleans())
"""Activities, and whether only marked events count."""
LIMITS = st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 6)))
NEEDS_B = sorted(set(naive.TEMPLATES) - {
    "count", "init", "end", "on_time", "not_overdue", "condition", "never_falls", "no_skip",
})  # fmt: skip


def which(symbol):
    activities, marked = symbol
    return lambda event: event.activity in activities and (event.marked or not marked)


@st.composite
def worlds(draw, template):
    """Traces and a few rules of one template, as the twin takes them."""
    traces = draw(TRACES)
    per_case = {"min_size": len(traces), "max_size": len(traces)}
    drawn = []
    for _ in range(draw(st.integers(1, 3))):
        a, b = draw(SYMBOLS), draw(SYMBOLS)
        least, most = draw(LIMITS)
        low, high = draw(st.integers(0, 2)), draw(st.one_of(st.none(), st.integers(0, 3)))
        with_b = template in NEEDS_B and not (template == "same_person" and draw(st.booleans()))
        drawn.append({
            "template": template, "symbols": (a, b if with_b else None, draw(st.one_of(st.none(), SYMBOLS))),
            "least": least, "most": most, "low": low, "high": high,
            "occurrence": draw(st.sampled_from([0, -1])),
            "now": draw(st.integers(9, 14)),
            "deadline": draw(st.lists(st.one_of(st.none(), st.integers(0, 12)), **per_case)),
            "holds": draw(st.lists(st.booleans(), **per_case)),
            "scope": draw(st.one_of(st.none(), st.lists(st.booleans(), **per_case))),
        })  # fmt: skip
    for rule in drawn:
        rule["now"] = drawn[0]["now"]
        rule["a"], rule["b"], rule["given"] = (s and which(s) for s in rule["symbols"])
    return traces, drawn


def program(traces, rules):
    """Arguments of the kernel, but for the range of cases and what it writes."""
    symbols = sorted({s for rule in rules for s in (tuple(map(freeze, rule["symbols"]))) if s})
    place = {symbol: number for number, symbol in enumerate(symbols)}
    events = [event for trace in traces for event in trace]
    member = np.array([[a in s[0] for a in range(ACTIVITIES)] for s in symbols], np.bool_)
    member = member.reshape(len(symbols), ACTIVITIES)
    table = np.full((len(rules), kernels.PROGRAM_COLUMNS), -1)
    for number, rule in enumerate(rules):
        a, b, given_ = (place[freeze(s)] if s else -1 for s in rule["symbols"])
        scope = 2 * number if rule["scope"] is not None else -1
        is_condition = rule["template"] == "condition"
        row = [
            getattr(kernels, rule["template"].upper()), a, b, given_, scope, rule["low"],
            -1 if rule["high"] is None else rule["high"], rule["least"],
            -1 if rule["most"] is None else rule["most"],
            2 * number + 1 if is_condition else number, int(rule["occurrence"] == -1),
        ]  # fmt: skip
        if rule["template"] not in ("on_time", "not_overdue", "condition"):
            row[kernels.COLUMN] = 0
        table[number] = row
    scopes = [part for rule in rules for part in (rule["scope"] or [True] * len(traces), rule["holds"])]
    deadlines = [[rule_suspects.UNKNOWN if d is None else d for d in rule["deadline"]] for rule in rules]
    return {
        "activities": np.array([e.activity for e in events], np.uint8),
        "timestamps": np.array([e.time for e in events], np.int64),
        "case_offsets": np.cumsum([0, *map(len, traces)]),
        "member": member, "condition_of": np.array([0 if s[1] else -1 for s in symbols], np.int64),
        "marks": np.array([[e.marked for e in events]]), "rules": table, "scopes": np.array(scopes),
        "deadlines": np.array(deadlines, np.int64),
        "people": np.array([[-1 if e.person is None else e.person for e in events]], np.int32),
        "values": np.array([[np.nan if e.value is None else e.value for e in events]]),
    }  # fmt: skip


def ranked(traces):
    """The values of events as codes, null where there is none, behind some that are not of these events."""
    values = [event.value and int(event.value) for trace in traces for event in trace]
    codes = pa.array([None, 1, 2, *values], pa.int32()).slice(3)
    bits = np.frombuffer(codes.buffers()[0], np.uint8)
    if not codes.null_count:
        bits = bits[:0]
    return [
        Ranked(
            read_only(view(codes.fill_null(0)).view(np.uint32)),
            bits,
            3,
            np.array([0, 1, 2, 3, 4, -1], np.int16),
        )
    ]


def freeze(symbol):
    return symbol and (tuple(sorted(symbol[0])), symbol[1])


def run(traces, rules, cuts):
    """What the kernels find: to which (case, rule) each applies, and their rows."""
    given_ = program(traces, rules)
    columns = [given_.pop(name) for name in ("activities", "timestamps", "case_offsets")]
    groups = np.arange(len(traces), dtype=np.int32)
    keys = [tuple(e.activity for e in trace) for trace in traces]
    if any(symbol and symbol[1] for rule in rules for symbol in rule["symbols"]):
        keys = list(range(len(traces)))  # a condition on events
    distinct = list(dict.fromkeys(keys))
    numbers = np.array([distinct.index(key) for key in keys], np.uint32)
    firsts = np.array([keys.index(key) for key in distinct], np.int32)
    passing = RulePass(
        *columns, given_, ranked(traces), rules[0]["now"], groups, len(traces), numbers, firsts
    )
    applicable, rows = passing.check(cuts, threads=1)
    places = list(zip(*rows[:3].tolist(), strict=True))
    assert places == sorted(places)
    return applicable, list(zip(*rows.tolist(), strict=True))


@pytest.mark.parametrize("template", sorted(naive.TEMPLATES))
@settings(max_examples=30)
@given(data=st.data())
def test_every_template_is_its_twin(template, data):
    traces, rules = data.draw(worlds(template))
    offsets = np.cumsum([0, *map(len, traces)]).tolist()
    expected_applicable, expected = np.zeros((len(traces), len(rules)), np.int64), Counter()
    for number, rule in enumerate(rules):
        for case, broken in enumerate(naive.check_cases(traces, rule)):
            expected_applicable[case, number] = broken is not None
            for place, other, late in broken or ():
                at = [-1 if p is None else p + offsets[case] for p in (place, other)]
                expected[(number, case, *at, -1 if late is None else late)] += 1
    each = [(case, case + 1) for case in range(len(traces))]
    whole = [(0, len(traces))]
    for cuts, room, tile in ((whole, 1 << 10, 64), (each, 1 << 10, 64), (whole, 1, 1), (whole, 1, 2)):
        with patch.multiple(rule_pass, EVENTS=room, TRACES=room, TILE=tile, CASES=tile):
            applicable, found = run(traces, rules, cuts)
        assert applicable.tolist() == expected_applicable.tolist()
        assert Counter(found) == expected


def test_every_template_has_a_twin():
    names = {name.lower() for name in vars(kernels) if name.isupper()}
    assert {name for name in naive.TEMPLATES if name not in names} == set()
    assert len(naive.TEMPLATES) == 26
    assert judge_traces.__doc__


@pytest.mark.parametrize("module", [rule_suspects, rule_walks])
def test_numbers_of_columns_and_templates_are_the_same(module):
    shared = [name for name in vars(module) if name.isupper() and hasattr(kernels, name)]
    assert {"TEMPLATE", "RESPONSE", "ON_TIME"} <= set(shared)
    assert {name: getattr(kernels, name) for name in shared} == {
        name: getattr(module, name) for name in shared
    }


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_what_is_turned_round_is_its_twin(pairs):
    rows = np.array(pairs, np.int64).reshape(-1, 2).T.copy()
    turn_round(rows)
    assert list(zip(*rows.tolist(), strict=True)) == naive_walks.turn_round(pairs)


@given(st.lists(st.integers(0, 7), min_size=1), st.lists(st.integers(0, 9)), st.integers(0, 9))
def test_what_is_known_of_cases_is_its_twin(judged, drawn, first):
    numbers = [number % len(judged) for number in drawn]
    known, suspects = np.empty(len(numbers), np.uint8), np.empty(len(numbers), np.int64)
    some = know_cases(np.array(judged, np.uint8), np.array(numbers, np.uint32), known)
    assert known.tolist() == naive_suspects.know_cases(judged, numbers)
    assert some == np.bitwise_or.reduce(known, initial=0)
    count = list_suspects(known, first, suspects)
    assert suspects[:count].tolist() == naive_suspects.list_suspects(known.tolist(), first)


JUDGED = st.integers(1, 5).flatmap(
    lambda traces: st.lists(
        st.lists(st.integers(0, 3), min_size=traces, max_size=traces), min_size=1, max_size=64
    )
)


@given(JUDGED, st.lists(st.integers(0, 99), max_size=20), st.data())
def test_plain_rules_are_their_twin(judged, drawn, data):
    traces = len(judged[0])
    numbers = [number % traces for number in drawn]
    chosen = data.draw(st.lists(st.sampled_from(range(len(judged))), unique=True).map(sorted))
    applicable, bits = np.zeros((1, len(judged)), np.int64), np.zeros(traces, np.uint64)
    rules, whole = np.array(chosen, np.int64), np.zeros(len(chosen), np.bool_)
    counts = np.bincount(np.array(numbers, np.int64), minlength=traces)
    note_plain(np.array(judged, np.uint8), rules, counts, applicable, bits, whole)
    expected, all_suspect = naive_suspects.note_plain(judged, chosen, numbers)
    assert (applicable[0, rules].tolist(), whole.tolist()) == (expected, all_suspect)
    filled, suspects = np.zeros(len(judged), np.int64), np.empty((len(judged), len(numbers)), np.int64)
    cut = data.draw(st.integers(0, len(numbers)))
    for first, last in ((0, cut), (cut, len(numbers))):
        plain_suspects(rules, np.array(numbers, np.uint32), bits, first, last, suspects, filled)
    for place, rule in enumerate(chosen):
        found = suspects[rule, : filled[rule]].tolist()
        assert found == ([] if whole[place] else naive_suspects.plain_suspects(judged, rule, numbers))


@given(st.lists(st.one_of(st.none(), st.integers(0, 4)), min_size=1), st.integers(0, 9))
def test_codes_with_and_without_gaps_have_their_ranks(codes, skipped):
    values = pa.array([None, *range(skipped), *codes], pa.int32()).slice(1 + skipped)
    gaps = np.frombuffer(values.buffers()[0], np.uint8) if values.null_count else np.empty(0, np.uint8)
    ranks = np.array([2, 0, 1, 3, 9, -1], np.int16)
    asked, applicable = np.array([[-1, -1, 0, 0]]), np.zeros((1, 1), np.int64)
    rows, reached = np.empty((5, len(codes)), np.int64), np.zeros(1, np.int64)
    skips_of(
        np.zeros(len(codes), np.uint8), np.array([0, len(codes)]), np.empty((0, 1), np.bool_),
        np.empty(0, np.int64), np.empty((0, len(codes)), np.bool_), asked,
        read_only(view(values.fill_null(4)).view(np.uint32)), gaps, values.offset, ranks,
        np.zeros(1, np.int32), 0, np.array([0]), applicable, rows, reached,
    )  # fmt: skip
    trace = [Event(0, 0, value=None if code is None else float(ranks[code])) for code in codes]
    broken = naive.no_skip(trace, {"a": lambda _: True})
    assert rows[2, : reached[0]].tolist() == [place for place, _, _ in broken or ()]
    assert bool(applicable[0, 0]) == (broken is not None)


@pytest.mark.parametrize(("low", "high"), [(0, 0), (0, 1), (0, 2), (2, None), (3, None), (2, 2), (1, 1)])
def test_counts_up_to_four(low, high):
    traces = [[Event(0, 0)] * count + [Event(1, 1)] for count in range(5)]
    rule = {
        "template": "count", "symbols": (({0}, False), None, None), "low": low, "high": high, "least": 0,
        "most": None, "occurrence": 0, "now": 9, "deadline": [None] * 5, "holds": [True] * 5, "scope": None,
    }  # fmt: skip
    _, found = run(traces, [rule], [(0, 5)])
    counts = Counter(case for _, case, *_ in found)
    too_many = [max(count - high, 0) if high is not None else 0 for count in range(5)]
    assert [counts[case] for case in range(5)] == [
        1 if case < low else too_many[case] for case in range(5)
    ]  # fmt: skip


def test_times_and_values_by_hand():
    traces = [
        [Event(0, 0, value=3.0), Event(1, 1, value=None), Event(0, 1, value=1.0), Event(1, 3, value=2.0)],
        [Event(0, 0), Event(1, 9)],
        [Event(0, 0), Event(1, 2)],
    ]
    plain = {
        "low": 0, "high": None, "least": 0, "most": None, "occurrence": 0, "now": 9, "deadline": [None] * 3,
        "holds": [True] * 3, "scope": None,
    }  # fmt: skip
    a, b = ({0}, False), ({1}, False)
    soon = {**plain, "template": "response", "symbols": (a, b, None), "most": 2}
    falls = {**plain, "template": "never_falls", "symbols": (a, None, None)}
    skips = {**plain, "template": "no_skip", "symbols": (a, None, None)}
    applicable, found = run(traces, [soon, falls, skips], [(0, 3)])
    assert applicable.tolist() == [[1, 1, 1], [1, 0, 0], [1, 0, 0]]
    assert found == [(0, 1, 4, 5, 7), (1, 0, 2, 0, -1)]
