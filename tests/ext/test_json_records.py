"""Records of JSON text: every depth, cut at every byte, against the standard library."""

import json
import random

import numpy as np
import pytest

from dealtrace_ext.json_records import records
from naive.json_records import records as plain

TEXTS = ["", "a", 'q"q', "\\", '\\"', "{", "}]", "\n", "ü", "日本"]


def lines(text, depth, sizes):
    """Feed a text in pieces; return its records and the state at the end."""
    data, state, at, rest, found = text.encode(), np.zeros(4, np.int64), 0, b"", []
    while at < len(data):
        piece = data[at : at + next(sizes)]
        at += len(piece)
        out = np.empty(2 * len(piece), np.uint8)
        written, whole = records(piece, depth, state, out)
        done = rest + out[:whole].tobytes() if whole else b""
        rest = out[whole:written].tobytes() if whole else rest + out[:written].tobytes()
        found += done.splitlines()
    return [json.loads(line) for line in found], state


def sizes(dice):
    while True:
        yield dice.randint(1, 9)


def value(dice, depth):
    kind = dice.randrange(6 if depth else 4)
    if kind < 2:
        return dice.choice(TEXTS)
    if kind < 4:
        return dice.choice([1, -2.5, True, None])
    if kind == 4:
        return [value(dice, depth - 1) for _ in range(dice.randrange(4))]
    return {dice.choice(TEXTS): value(dice, depth - 1) for _ in range(dice.randrange(4))}


@pytest.mark.parametrize("seed", range(40))
def test_random_values_at_every_depth_in_pieces_of_any_size(seed):
    dice = random.Random(seed)
    values = [value(dice, 5) for _ in range(6)]
    text = "\n".join(json.dumps(v, indent=dice.choice([None, 1]), ensure_ascii=False) for v in values)
    for depth in range(4):
        found, state = lines(text, depth, sizes(dice))
        assert found == plain(text, depth)
        assert not state.any()


def test_text_that_is_cut_off_leaves_a_state():
    found, state = lines('[{"a": "x"}, {"a": "y', 1, sizes(random.Random(1)))
    assert found == [{"a": "x"}]
    assert state.tolist() == [2, 1, 0, 1]


def test_room_is_checked():
    with pytest.raises(ValueError, match="no room"):
        records(b"{}", 0, np.zeros(4, np.int64), np.empty(3, np.uint8))
    assert records(b"", 0, np.zeros(4, np.int64), np.empty(0, np.uint8)) == (0, 0)
