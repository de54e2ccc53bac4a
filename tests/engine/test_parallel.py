"""Blocks cover every case once; the pool keeps order, passes errors on and survives fork and spawn."""

from __future__ import annotations

import multiprocessing
import threading
import time
import warnings
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine import parallel
from dealtrace_engine.analyses.follows import directly_follows
from dealtrace_engine.errors import ArgumentError, Cancelled
from dealtrace_engine.parallel import (
    MOST_BLOCKS,
    ahead,
    blocks,
    closed_after,
    cut_evenly,
    map_ahead,
    map_blocks,
    thread_count,
)
from dealtrace_engine.sources.memory import from_arrow


@given(st.lists(st.integers(1, 50), min_size=1, max_size=300), st.integers(1, 200))
def test_blocks_cover_every_case_once(sizes, least):
    offsets = np.cumsum([0, *sizes])
    found = blocks(offsets, least)
    assert [first for first, _ in found] == [0, *(last for _, last in found[:-1])]
    assert found[-1][1] == len(sizes)
    assert all(first < last for first, last in found)
    assert all(offsets[last] - offsets[first] >= min(least, 1) for first, last in found)
    assert len(found) <= MOST_BLOCKS


@given(st.lists(st.integers(1, 50), min_size=1, max_size=300), st.integers(1, 9))
def test_even_cuts_cover_every_case_once(sizes, parts):
    offsets = np.cumsum([0, *sizes])
    found = cut_evenly(offsets, parts)
    assert [first for first, _ in found] == [0, *(last for _, last in found[:-1])]
    assert found[-1][1] == len(sizes)
    assert len(found) <= parts
    assert all(offsets[last] - offsets[first] <= offsets[-1] / parts + max(sizes) for first, last in found)


@pytest.mark.parametrize("threads", [1, 2, 3, 8, None])
def test_made_ahead_they_come_in_order(threads):
    def slow_first(item):
        time.sleep(0.02 if item == 0 else 0)
        return item * item

    assert list(map_ahead(slow_first, range(20), threads=threads)) == [item * item for item in range(20)]
    made = map_ahead(slow_first, range(20), threads=threads)
    assert next(made) == 0
    made.close()  # what nobody asks for is not waited for


@pytest.mark.parametrize("threads", [1, 3])
def test_what_fails_ahead_fails_here(threads):
    def fails(item):
        if item == 5:
            raise KeyError(item)
        return item

    found = []
    with pytest.raises(KeyError, match="5"):
        found.extend(map_ahead(fails, range(20), threads=threads))


def test_no_cases_no_blocks():
    assert blocks(np.array([0])) == []


@pytest.mark.parametrize("threads", [1, 2, 3, 8, None])
@pytest.mark.parametrize("slow", [{0}, {19}, {0, 19}, {7, 8}, set()])
def test_results_come_in_order(threads, slow):
    called = []

    def square(item):
        called.append(item)
        time.sleep(0.02 if item in slow else 0)
        return item * item

    assert map_blocks(square, range(20), threads=threads) == [item * item for item in range(20)]
    assert sorted(called) == [*range(20)]
    assert map_blocks(square, [], threads=threads) == []


def test_two_threads_share_equal_items_about_evenly():
    """Neither waits for the other: each has a quarter of them at least."""

    def work(_):
        time.sleep(0.002)
        return threading.get_ident()

    found = Counter(map_blocks(work, range(40), threads=2))
    assert len(found) == 2
    assert threading.get_ident() in found
    assert min(found.values()) >= 10


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("bad", range(4))
def test_errors_come_through_and_the_pool_goes_on(threads, bad):
    with pytest.raises(ZeroDivisionError):
        map_blocks(lambda item: 1 // (item - bad), range(4), threads=threads)
    assert map_blocks(str, [1, 2, 3], threads=threads) == ["1", "2", "3"]


def test_after_an_error_what_has_not_begun_is_left():
    called = []

    def fails(item):
        called.append(item)
        time.sleep(0.002)
        if item == 39:  # the caller begins with it
            raise KeyError(item)

    with pytest.raises(KeyError, match="39"):
        map_blocks(fails, range(40), threads=2)
    assert map_blocks(str, range(9), threads=2) == [*map(str, range(9))]  # the pool is free again
    assert len(called) < 20


@pytest.mark.parametrize("threads", [1, 2])
def test_progress_is_told_and_can_cancel(threads):
    told = []
    map_blocks(str, range(4), threads=threads, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with pytest.raises(Cancelled, match="after 2 of 4"):
        map_blocks(str, range(4), threads=threads, progress=lambda done, _: done < 2)
    assert map_blocks(str, [1], threads=threads, progress=lambda *_: None) == ["1"]  # None goes on
    with pytest.raises(ArgumentError, match="progress is told by a call"):
        map_blocks(str, range(4), threads=threads, progress=5)


@pytest.mark.parametrize("wrong", [0, -1])
def test_no_threads_are_refused(wrong):
    with pytest.raises(ValueError, match="at least 1"):
        thread_count(wrong)


def test_a_block_may_ask_for_blocks_itself():
    """A worker that waits for its own pool would wait for ever."""

    def outer(item):
        return sum(map_blocks(lambda inner: inner * item, range(10), threads=2))

    done: list[list[int]] = []
    thread = threading.Thread(target=lambda: done.append(map_blocks(outer, range(8), threads=2)), daemon=True)
    thread.start()
    thread.join(20)
    assert done == [[45 * item for item in range(8)]]


def test_two_threads_may_share_the_pool():
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(map_blocks(str, range(200), threads=2)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == [[str(item) for item in range(200)]] * 4


def test_ahead_yields_all_in_order_on_another_thread():
    makers = set()

    def items():
        for item in range(5):
            makers.add(threading.get_ident())
            yield item

    assert list(ahead(items())) == [0, 1, 2, 3, 4]
    assert threading.get_ident() not in makers
    assert list(ahead([])) == []


def test_ahead_passes_errors_on_after_what_came_before():
    def items():
        yield 1
        raise OSError("gone")

    taken = []
    with pytest.raises(OSError, match="gone"):
        taken.extend(ahead(items()))
    iterator = ahead(items())
    assert next(iterator) == 1
    iterator.close()


def _log():
    n = 5000
    return from_arrow(
        pa.table(
            {
                "case_id": [str(row % 97) for row in range(n)],
                "activity": ["abc"[row % 3] for row in range(n)],
                "timestamp": pa.array(range(n), pa.timestamp("us")),
            }
        )
    )


def _edges(log):
    map_blocks(str, range(10), threads=2)
    return directly_follows(log, threads=2).edges.to_pylist()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_the_pool_survives_new_processes(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    log = _log()
    here = str(_edges(log))  # the pool has threads now
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: fork beside threads
        with multiprocessing.get_context(method).Pool(1) as pool:
            assert str(pool.apply_async(_edges, (log,)).get(timeout=100)) == here
    assert str(_edges(log)) == here


def test_the_caller_takes_part_as_a_worker():
    """Two items that wait for each other need two threads at once, of which one is the caller's."""
    barrier, caller = threading.Barrier(2, timeout=20), threading.get_ident()

    def work(_):
        barrier.wait()
        return threading.get_ident(), map_blocks(lambda _: threading.get_ident(), [0, 1], threads=2)

    found = map_blocks(work, [0, 1], threads=2)
    assert caller in {thread for thread, _ in found}
    assert all(inner == [thread, thread] for thread, inner in found)
    assert not hasattr(parallel._this_thread, "works")


def test_a_generator_is_closed_on_this_thread_however_the_block_ends():
    closed_on = []

    def items():
        try:
            yield from range(9)
        finally:
            closed_on.append(threading.current_thread())

    def reads_some():
        with closed_after(items()) as read:
            raise ValueError(f"{next(read)} is enough")

    with pytest.raises(ValueError, match="enough"):
        reads_some()
    with closed_after(items()) as read:
        next(read)
    with closed_after(iter([1, 2])) as plain:
        assert list(plain) == [1, 2]
    assert closed_on == [threading.current_thread()] * 2


def test_no_thread_outlives_a_build_that_fails():
    """Whether the source or the builder raises, the threads that read ahead are gone afterwards."""
    before = set(threading.enumerate())

    def failing(item):
        if item == 5:
            raise ValueError("item 5")
        return item

    made = map_ahead(failing, range(9), threads=2)
    early = ahead(made)

    def reads_all():
        with closed_after(made), closed_after(early):
            list(early)

    with pytest.raises(ValueError, match="item 5"):
        reads_all()
    assert {t for t in threading.enumerate() if t.name.startswith("dealtrace-ahead")} <= before


def test_an_error_on_the_pool_stops_the_caller_too():
    done = []

    def fails_first(item):
        if item == 0:
            raise KeyError(item)
        time.sleep(0.005)
        done.append(item)

    with pytest.raises(KeyError):
        map_blocks(fails_first, range(60), threads=2)
    assert len(done) < 30
