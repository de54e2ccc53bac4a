from __future__ import annotations

import threading

import numpy as np
import pytest

from dealtrace_ext.tokens import TokenGame

# start -A-> middle -silent-> ready -B-> end
NET = (
    [[(0, 1)], [(1, 1)], [(2, 1)]], [[(1, 1)], [(2, 1)], [(3, 1)]], [[], [1], [], []], [0, -1, 1],
    [1, 0, 0, 0], [0, 0, 0, 1],
)  # fmt: skip


def played(game, codes, offsets, label_of=(0, 1), last=None):
    count = len(offsets) - 1
    arrays = [np.full(count, -1, dtype=np.int64) for _ in range(4)] + [np.full(count, 9, dtype=np.uint8)]
    game.run(
        np.array(codes, np.uint8), np.array(offsets, np.int64), np.array(label_of, np.int32),
        0, count if last is None else last, *arrays,
    )  # fmt: skip
    return np.stack(arrays, axis=1).tolist()


def test_counts_of_three_sequences():
    game = TokenGame(*NET, 100)
    assert played(game, [0, 1, 1], [0, 2, 3, 3]) == [[0, 4, 4, 0, 1], [1, 2, 2, 1, 0], [1, 1, 1, 1, 0]]
    assert game.states == 4


def test_tally_counts_by_place_and_transition():
    codes, offsets = np.array([0, 1, 1], dtype=np.uint8), np.array([0, 2, 3], dtype=np.int64)
    counts = TokenGame(*NET, 100).tally(codes, offsets, np.array([0, 1], np.int32), np.array([5, 7]))
    assert counts == ([0, 0, 7, 0], [7, 0, 0, 0], [5, 5, 12], [0, 0, 7])


@pytest.mark.parametrize(
    ("codes", "offsets"), [([2], [0, 1]), ([0], [0, 2]), ([0], [-1, 1]), ([0, 0], [0, 2, 1])]
)
def test_input_that_does_not_fit_is_refused(codes, offsets):
    with pytest.raises(ValueError, match="a code has no label"):
        played(TokenGame(*NET, 100), codes, offsets)
    with pytest.raises(ValueError, match="a code has no label"):
        TokenGame(*NET, 100).tally(
            np.array(codes, np.uint8), np.array(offsets, np.int64), np.array([0, 1], np.int32),
            np.ones(len(offsets) - 1, np.int64),
        )  # fmt: skip


def test_a_range_outside_the_sequences_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        played(TokenGame(*NET, 100), [0], [0, 1], last=2)


def test_a_silent_path_of_more_than_fifty_steps_is_not_taken():
    def chain(steps):
        inputs = [[(i, 1)] for i in range(steps + 1)]
        outputs = [[(i + 1, 1)] for i in range(steps + 1)]
        marked = [1] + [0] * (steps + 1)
        silent = [*([i] for i in range(steps)), [], []]
        return TokenGame(inputs, outputs, silent, [-1] * steps + [0], marked, marked[::-1], 100)

    assert played(chain(50), [0], [0, 1], [0])[0][4] == 1
    assert played(chain(51), [0], [0, 1], [0])[0][4] == 0


def test_threads_may_share_a_game():
    game = TokenGame(*NET, 3)
    codes, offsets = [0, 1, 1, 0] * 500, list(range(0, 2001, 4))
    expected, seen = played(TokenGame(*NET, 100), codes, offsets), []
    threads = [threading.Thread(target=lambda: seen.append(played(game, codes, offsets))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [expected] * 4
