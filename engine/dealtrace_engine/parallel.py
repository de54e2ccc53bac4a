"""Blocks of cases on a thread pool; the results come back in block order."""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.errors import ArgumentError, Cancelled

Progress = Callable[[int, int], object]
"""Called with (done, of); returning False cancels."""

Item = TypeVar("Item")
Result = TypeVar("Result")

EVENTS_PER_BLOCK = 1 << 18
"""Large enough to hide the cost of a task, small enough to share out on a few cores."""
MOST_BLOCKS = 32
"""Bounds the memory of partial results."""

_pools: dict[int, ThreadPoolExecutor] = {}
_this_thread = threading.local()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)  # threads do not survive a fork


def thread_count(threads: int | None = None) -> int:
    """Return `threads`, or the number of CPUs this process may use; raise `ArgumentError` below one."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not isinstance(threads, int | np.integer) or threads < 1:
        raise ArgumentError(f"threads is a whole number of at least 1, got {threads!r}",
                            hint="leave it out for all CPUs")  # fmt: skip
    return int(threads)


def blocks(case_offsets: NDArray[np.int64], events_per_block: int | None = None) -> list[tuple[int, int]]:
    """Cut the cases into ranges (first, last) of at least so many events, whatever the threads."""
    cases, events = len(case_offsets) - 1, int(case_offsets[-1])
    events_per_block = max(events_per_block or EVENTS_PER_BLOCK, -(-events // MOST_BLOCKS))
    cuts = np.searchsorted(case_offsets, np.arange(events_per_block, events, events_per_block))
    return list(pairwise(sorted({0, *cuts.tolist(), cases})))


def cut_evenly(case_offsets: NDArray[np.int64], parts: int) -> list[tuple[int, int]]:
    """Cut the cases into at most `parts` ranges (first, last) of about as many events each.

    Examples
    --------
    >>> cut_evenly(np.array([0, 5, 6, 8]), 2)
    [(0, 1), (1, 3)]
    """
    cases, events = len(case_offsets) - 1, int(case_offsets[-1])
    cuts = np.searchsorted(case_offsets, np.arange(1, parts) * events // parts)
    return list(pairwise(sorted({0, *cuts.tolist(), cases})))


def tick(progress: Progress | None, done: int, of: int) -> None:
    """Report progress; raise `Cancelled` if the callback returned False.

    Raises
    ------
    Cancelled
    ArgumentError
        It cannot be called.
    """
    if progress is not None and not callable(progress):
        raise ArgumentError(f"progress is told by a call of (done, of), got {progress!r}")
    if progress is not None and progress(done, of) is False:
        raise Cancelled(f"cancelled after {done:,} of {of:,} steps")


def map_blocks(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> list[Result]:
    """Call `function` on every item and return the results in the order of the items.

    The calling thread takes part: to wake another costs as much as to count 100,000 events.

    Called from within such a `function` it works serially: a worker that waits for its own
    pool waits forever.
    """
    workers = 1 if hasattr(_this_thread, "works") else min(thread_count(threads), len(items))
    results: list[Result] = []
    if workers <= 1:
        for done, item in enumerate(items, 1):
            results.append(function(item))
            tick(progress, done, len(items))
        return results
    pool = _pool(workers - 1)
    futures = [pool.submit(function, item) for item in items]
    told = itertools.count(1)
    try:
        own: list[Result] = []
        # The pool takes from the front: to wait for its next one would be to follow one step behind.
        while len(own) < len(futures) and futures[-1 - len(own)].cancel():
            own.append(_here(function, items[-1 - len(own)]))
            tick(progress, next(told), len(items))
            while futures[len(results)].done() and len(results) + len(own) < len(items):
                results.append(futures[len(results)].result())
                tick(progress, next(told), len(items))
        for future in futures[len(results) : len(futures) - len(own)]:
            results.append(future.result())
            tick(progress, next(told), len(items))
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    return results + own[::-1]


def _here(function: Callable[[Item], Result], item: Item) -> Result:
    """Call a function as a worker would."""
    _this_thread.works = True
    try:
        return function(item)
    finally:
        del _this_thread.works


@contextmanager
def closed_after(items: Iterator[Item]) -> Iterator[Iterator[Item]]:
    """Close a generator when the block ends, also by an error.

    Left to the garbage collector, it may end on a thread of its own pool, which cannot wait for itself.
    """
    try:
        yield items
    finally:
        if isinstance(items, Generator):
            items.close()


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yield `items`, making the next one on another thread while the last one is used."""
    end = object()
    source = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="dealtrace-ahead") as pool:
        future = pool.submit(next, source, end)
        while (item := future.result()) is not end:
            future = pool.submit(next, source, end)
            yield cast(Item, item)


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], *, threads: int | None = None
) -> Iterator[Result]:
    """Yield ``function(item)`` in the order of the items, a few of them made ahead on threads.

    The calling thread takes part while the next result is not ready, and only then.
    """
    workers = thread_count(threads) - 1
    if workers == 0:
        yield from map(function, items)
        return
    left = iter(items)
    waiting: deque[_Ahead[Item, Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="dealtrace-ahead") as pool:
        try:
            while True:
                for item in itertools.islice(left, workers + 2 - len(waiting)):
                    waiting.append(_Ahead(item, pool.submit(function, item)))
                if not waiting:
                    return
                while not waiting[0].done():
                    unbegun = (later for later in waiting if not later.made and later.future.cancel())
                    if (mine := next(unbegun, None)) is None:
                        break
                    mine.made = [function(mine.item)]
                yield waiting.popleft().result()
        finally:
            for later in waiting:
                later.future.cancel()


@dataclass
class _Ahead(Generic[Item, Result]):
    """What `map_ahead` has begun, on its pool or, cancelled there, here."""

    item: Item
    future: Future[Result]
    made: list[Result] = field(default_factory=list)

    def done(self) -> bool:
        return bool(self.made) or self.future.done()

    def result(self) -> Result:
        return self.made[0] if self.made else self.future.result()


def _pool(workers: int) -> ThreadPoolExecutor:
    if workers not in _pools:
        _pools[workers] = ThreadPoolExecutor(workers, "dealtrace", initializer=_mark_worker)
    return _pools[workers]


def _mark_worker() -> None:
    _this_thread.works = True
