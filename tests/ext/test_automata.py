"""Automata run over sequences as their twin does, whatever they are, and trust nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_ext.automata import Runner, find_spans, match_sequences
from naive import automata as naive

WIDTHS = (np.uint8, np.uint16, np.uint32)
CLASSES = np.array([0, 1, 1, 2], np.uint16)
SEQUENCES = st.lists(st.lists(st.integers(0, 3), max_size=7), max_size=20)


@st.composite
def machines(draw, classes=3):
    """Any automaton at all: table, flags, start and inside."""
    states = draw(st.integers(1, 5))
    state = st.integers(0, states - 1)
    table = draw(
        st.lists(st.lists(state, min_size=classes, max_size=classes), min_size=states, max_size=states)
    )
    flags = draw(st.lists(st.integers(0, 3), min_size=states, max_size=states))
    return table, flags, draw(state), draw(state)


def runner(table, flags, start=0, inside=0, settled=None):
    settled = len(flags) if settled is None else settled
    return Runner(np.array(table, np.int32), np.array(flags, np.uint8), start, inside, settled)


def packed(sequences, width):
    offsets = np.cumsum([0, *map(len, sequences)])
    return np.array([code for sequence in sequences for code in sequence], width), offsets


@given(machines(), SEQUENCES, st.sampled_from(WIDTHS))
def test_matches_are_those_of_the_twin(machine, sequences, width):
    table, flags, start, inside = machine
    codes, offsets = packed(sequences, width)
    matched = np.full(len(sequences), 7, np.uint8)
    for block in range(0, len(sequences), 4):
        last = min(block + 4, len(sequences))
        match_sequences(runner(table, flags, start, inside), codes, offsets, CLASSES, block, last, matched)
    classes = [CLASSES[sequence].tolist() for sequence in sequences]
    assert matched.tolist() == naive.match_sequences(table, flags, start, classes)


def span(backward, forward, sequence, longest):
    """The span by the twin, in positions of the sequence."""
    begins = naive.flagged_gaps(backward[0], backward[1], backward[2], sequence[::-1])
    if not begins:
        return [-1, -1]
    begin = len(sequence) - begins[-1]
    table, flags, start, inside = forward
    if begin == 0:
        found = naive.flagged_gaps(table, flags, start, sequence)
    else:
        found = naive.flagged_gaps(table, flags, inside, sequence[begin:])
    return [begin, begin + found[-1 if longest else 0] if found else -1]


@given(machines(), machines(), SEQUENCES, st.sampled_from(WIDTHS), st.booleans())
def test_spans_are_those_of_the_twin(backward, forward, sequences, width, longest):
    codes, offsets = packed(sequences, width)
    spans = np.full((len(sequences), 2), -7)
    arguments = (runner(*backward), runner(*forward), codes, offsets, CLASSES)
    find_spans(*arguments, 0, len(sequences), longest, spans)
    for case, sequence in enumerate(sequences):
        expected = span(backward, forward, CLASSES[sequence].tolist(), longest)
        assert spans[case].tolist() == [e if e < 0 else e + offsets[case] for e in expected]


def test_settled_states_end_the_reading():
    """Codes after a settled state are not looked at, not even to check them."""
    table, flags = [[0, 1], [1, 1]], [0, 3]
    matched = np.zeros(1, np.uint8)
    codes, offsets, classes = np.array([0, 1, 200], np.uint8), np.array([0, 3]), np.array([0, 1], np.uint16)
    match_sequences(runner(table, flags, settled=1), codes, offsets, classes, 0, 1, matched)
    assert matched.tolist() == [1]
    with pytest.raises(IndexError, match="2 classes"):
        match_sequences(runner(table, flags, settled=2), codes, offsets, classes, 0, 1, matched)


@pytest.mark.parametrize(
    ("table", "flags", "start", "inside", "settled"),
    [
        (np.zeros((0, 1)), [], 0, 0, 0),
        (np.zeros((1, 0)), [0], 0, 0, 0),
        ([[0]], [0, 0], 0, 0, 1),
        ([[1]], [0], 0, 0, 1),
        ([[-1]], [0], 0, 0, 1),
        ([[0]], [0], 1, 0, 1),
        ([[0]], [0], 0, -1, 1),
        ([[0]], [0], 0, 0, 2),
    ],
)
def test_automata_that_lead_nowhere_are_refused(table, flags, start, inside, settled):
    with pytest.raises(ValueError, match="state"):
        runner(table, flags, start, inside, settled)


@pytest.mark.parametrize("offsets", [[0, 9], [-1, 2], [2, 1]])
def test_sequences_outside_the_codes_are_refused(offsets):
    one, codes, offsets = runner([[0]], [0]), np.zeros(2, np.uint8), np.array(offsets)
    with pytest.raises(IndexError, match="leaves the 2 codes"):
        match_sequences(one, codes, offsets, CLASSES[:1], 0, 1, np.zeros(1, np.uint8))
    with pytest.raises(IndexError, match="leaves the 2 codes"):
        find_spans(one, one, codes, offsets, CLASSES[:1], 0, 1, False, np.zeros((1, 2), np.int64))


@pytest.mark.parametrize(("code", "classes"), [(1, [0]), (0, []), (0, [1]), (0, [0, 9])])
def test_codes_and_classes_outside_are_refused(code, classes):
    one, codes, classes = runner([[0]], [0]), np.array([code], np.uint8), np.array(classes, np.uint16)
    with pytest.raises(IndexError, match="class"):
        match_sequences(one, codes, np.array([0, 1]), classes, 0, 1, np.zeros(1, np.uint8))
    with pytest.raises(IndexError, match="class"):
        find_spans(one, one, codes, np.array([0, 1]), classes, 0, 1, True, np.zeros((1, 2), np.int64))


@pytest.mark.parametrize(("first", "last", "room"), [(-1, 1, 1), (0, 2, 2), (1, 0, 1), (0, 1, 0)])
def test_ranges_outside_are_refused(first, last, room):
    one, codes, offsets = runner([[0]], [0]), np.zeros(1, np.uint8), np.array([0, 1])
    with pytest.raises(IndexError, match="no sequences"):
        match_sequences(one, codes, offsets, CLASSES[:1], first, last, np.zeros(room, np.uint8))
    with pytest.raises(IndexError, match="no sequences"):
        find_spans(one, one, codes, offsets, CLASSES[:1], first, last, False, np.zeros((room, 2), np.int64))
    with pytest.raises(IndexError, match="no sequences"):
        find_spans(one, one, codes, offsets, CLASSES[:1], 0, 1, False, np.zeros((1, 3), np.int64))


def test_a_runner_is_needed():
    with pytest.raises(TypeError):
        match_sequences(None, np.zeros(1, np.uint8), np.array([0, 1]), CLASSES, 0, 1, np.zeros(1, np.uint8))
