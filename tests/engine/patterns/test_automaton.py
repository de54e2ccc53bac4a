"""Automata are small where they can be, and no pattern takes long, whatever it says."""

from __future__ import annotations

import itertools
import time
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.errors import ParseError
from dealtrace_engine.patterns import automaton as module
from dealtrace_engine.patterns import covering
from dealtrace_engine.patterns.automaton import automaton
from dealtrace_engine.patterns.expression import Expression, Repeat, Step, chain, choice, reversed_expression
from dealtrace_engine.patterns.parser import parse
from dealtrace_engine.patterns.pattern import compile_pattern
from dealtrace_engine.patterns.positions import name_classes
from naive import automata as naive
from naive import patterns

SECONDS = 60
"""Ten to a hundred times what the slowest takes, so that a busy machine is no failure."""


def nested(text, depth, sign):
    for _ in range(depth):
        text = f"({text}){sign}"
    return text


NUMBERED = [f"n{i}" for i in range(900)]
QUICK = {
    "star in star": "(a*)* -> b",
    "the same twice": "(a | a)* -> b",
    "stars in stars": nested("a", 50, "*"),
    "many ways": nested("a? | b?", 8, "{0,2}"),
    "all optional": "(a?){1000}",
    "optional in a star": "((a? -> b?){500})*",
    "stars in a row": "a* -> " * 1_600 + "b",
    "gaps in a row": "... -> " * 1_400 + "b",
    "nothing, often": nested("(^)?", 3, "{10}"),
    "many names": " -> ".join(NUMBERED),
    "one of many names": " | ".join(NUMBERED),
    "soon after": "a -> .{0,300} -> b",
    "within and within": "(a -> !b{0,30} -> c){3,5}",
    "remainders": " | ".join(f"^ (.{{{n}}})+ -> a $" for n in (2, 3, 5, 7, 11)),
}
TOO_LARGE = {
    "fifty times fifty": ("(a{50}){50}", "more than 2,000 steps"),
    "fifty to the third": ("((a{50}){50}){50}", "more than 2,000 steps"),
    "a thousand to the fiftieth": (nested("a", 50, "{1000}"), "more than 2,000 steps"),
    "nothing to the fiftieth": (nested("a{0}", 49, "{1000}"), "more than 2,000 steps"),
    "doubled fifty times": (nested("a", 50, "{1,2}"), "more than 2,000 steps"),
    "all subsets": ("a -> .{20} -> b", "more than 10,000 states"),
    "in any order": (
        "(" + " | ".join(f"... -> {name} -> ..." for name in NUMBERED[:15]) + "){15}",
        "more than 10,000 states",
    ),
    "large remainders": (
        " | ".join(f"^ (.{{{n}}})* $" for n in (2, 3, 5, 7, 11, 13, 17)),
        "more than 10,000 states",
    ),
    "many others": (" -> ".join(f"!{name}" for name in NUMBERED), "set operations"),
}


@pytest.mark.parametrize("name", QUICK)
def test_no_pattern_takes_long(name):
    began = time.monotonic()
    compile_pattern(QUICK[name])
    assert time.monotonic() - began < SECONDS


@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_is_too_large_says_so_soon(name):
    text, what = TOO_LARGE[name]
    began = time.monotonic()
    with pytest.raises(ParseError, match=what) as error:
        compile_pattern(text)
    assert time.monotonic() - began < SECONDS
    assert "; " in str(error.value), "a hint"


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("a", 2),
        ("a -> ... -> b", 3),
        ("...", 1),
        ("a | a -> b", 2),
        ("^ a $", 3),
        ("a -> b -> c", 4),
        ("(a*)* -> b", 2),
        ("a -> .{0,20} -> b", 23),
        ("(a | b)* -> c | !a* -> c", 2),
    ],
)
def test_automata_are_minimal(text, states):
    made = automaton(parse(text), anywhere=True, once=True)
    assert made.table.shape == (states, max(name_classes(parse(text)).values(), default=0) + 1)


def test_settled_states_come_last():
    made = automaton(parse("^ a -> b"), anywhere=True, once=True)
    assert made.settled == len(made.table) - 2
    for state in range(made.settled, len(made.table)):
        assert set(made.table[state].tolist()) == {state}
    assert sorted(made.flags[made.settled :].tolist()) == [0, 3]


def test_names_that_no_step_tells_apart_share_a_class():
    assert name_classes(parse("[a | b] -> !c -> [b | a]")) == {"a": 1, "b": 1, "c": 2}
    assert name_classes(parse("a -> [a | b]")) == {"a": 1, "b": 2}
    assert name_classes(parse(". -> ...")) == {}


STEPS = st.sampled_from([Step(("a",)), Step(("b",)), Step(("a", "b")), Step(("a",), True), Step((), True)])
EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    st.one_of(STEPS, STEPS, st.sampled_from([parse("^"), parse("$")])),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(chain),
        st.lists(inner, min_size=2, max_size=3).map(choice),
        st.builds(Repeat, inner, st.integers(0, 2), st.sampled_from([None, 2, 3])),
    ),
    max_leaves=7,
)
WORDS = [list(word) for length in range(5) for word in itertools.product("abx", repeat=length)]


def classes(expression, word):
    class_of = name_classes(expression)
    return [class_of.get(name, 0) for name in word]


@given(EXPRESSIONS)
def test_all_short_words_also_the_empty_one(expression):
    made = automaton(expression, anywhere=True, once=True)
    words = [classes(expression, word) for word in WORDS]
    found = naive.match_sequences(made.table, made.flags, made.start, words)
    assert found == [patterns.matches(expression, word) for word in WORDS]


@given(EXPRESSIONS)
def test_reading_from_one_place_finds_all_ends(expression):
    made = automaton(expression, anywhere=False, once=False)
    for word in WORDS[::3]:
        for begin in range(len(word) + 1):
            state = made.start if begin == 0 else made.inside
            read = classes(expression, word)[begin:]
            ends = {begin + gap for gap in naive.flagged_gaps(made.table, made.flags, state, read)}
            assert ends == patterns.ends(expression, word, {begin})


@given(EXPRESSIONS)
def test_reading_backwards_finds_all_starts(expression):
    backward = reversed_expression(expression)
    assert name_classes(backward) == name_classes(expression)
    made = automaton(backward, anywhere=True, once=False)
    for word in WORDS[::3]:
        read = classes(expression, word)[::-1]
        starts = {len(word) - gap for gap in naive.flagged_gaps(made.table, made.flags, made.start, read)}
        assert starts == {start for start, _ in patterns.spans(expression, word)}


@given(EXPRESSIONS)
def test_neither_merging_nor_leaving_out_changes_what_matches(expression):
    words = [classes(expression, word) for word in WORDS]
    small = automaton(expression, anywhere=True, once=True)
    with mock.patch.object(module, "MOST_MERGING", -1), mock.patch.object(covering, "MOST_POSITIONS", 0):
        plain = automaton(expression, anywhere=True, once=True)
    assert len(plain.table) >= len(small.table)
    one, other = (naive.match_sequences(made.table, made.flags, made.start, words) for made in (small, plain))
    assert one == other


def test_covering_gives_up_where_it_would_take_long():
    expression = parse("a -> .{0,5} -> b")
    with mock.patch.object(covering, "MOST_WORK", 3):
        assert len(automaton(expression, anywhere=True, once=True).table) == 8, "merging finds them too"
        with mock.patch.object(module, "MOST_STATES", 20), pytest.raises(ParseError, match="than 20 states"):
            automaton(expression, anywhere=True, once=True)
    with mock.patch.object(module, "MOST_STATES", 20):
        assert len(automaton(expression, anywhere=True, once=True).table) == 8
