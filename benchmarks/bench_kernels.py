"""Times of kernels and ext functions: `pytest benchmarks/bench_kernels.py`, not part of the tests.

One thread, compiled, warm, on a generated lead-to-cash log. `extra_info` holds the ns per event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import dealtrace as dt
from benchmarks.logs import NET
from benchmarks.questions import HALF
from dealtrace import where as w
from dealtrace_engine.analyses.edges import dense_counts, dense_edges
from dealtrace_engine.buffers import one_array
from dealtrace_engine.models.token_game import token_game
from dealtrace_engine.patterns.pattern import compile_pattern
from dealtrace_engine.percentiles import group_percentiles, values_at
from dealtrace_engine.selection import select_cases, select_events
from dealtrace_engine.traces import sequence_hashes
from dealtrace_ext.columns import Text
from dealtrace_ext.groups import copy_groups, first_to_last, mark_codes
from dealtrace_ext.intern import Interner
from dealtrace_ext.moments import exact_moments
from dealtrace_ext.pairs import count_groups, count_neighbours, times_between
from dealtrace_ext.scatter import count_keys, scatter, sort_within
from dealtrace_ext.sequences import hash_sequences, number_sequences
from dealtrace_ext.timestamps import parse

OPPORTUNITIES = 20_000
PERCENTILES = (0, 50, 90, 95, 99, 100)


@dataclass(frozen=True)
class Made:
    """A log and the columns it was made from."""

    log: dt.EventLog
    case_ids: pa.Array
    timestamps: pa.Array
    cases: Any
    durations: Any
    hashes: Any


@pytest.fixture(scope="module")
def made() -> Made:
    events = dt.lead_to_cash(OPPORTUNITIES).events
    log = dt.from_arrow(events)
    case_ids = one_array(events["case_id"].cast(pa.large_string()))
    cases = np.empty(len(case_ids), dtype=np.int32)
    Interner().encode(case_ids, cases)
    stamps = one_array(pc.strftime(events["timestamp"], "%Y-%m-%dT%H:%M:%SZ").cast(pa.large_string()))
    return Made(log, case_ids, stamps, cases, np.diff(log.timestamps), sequence_hashes(log))


@pytest.fixture
def per_event(benchmark: Any, made: Made) -> Callable[..., Any]:
    """Run something under the benchmark, and note its time per event."""

    def run(function: Callable[..., Any], *arguments: Any, setup: Callable[[], Any] | None = None) -> Any:
        if setup is None:
            result = benchmark(function, *arguments)
        else:
            result = benchmark.pedantic(function, setup=setup, rounds=20, warmup_rounds=2)
        if benchmark.stats:  # none under --benchmark-disable
            ns = 1e9 * benchmark.stats["median"] / made.log.events
            benchmark.extra_info["ns_per_event"] = round(ns, 2)
        return result

    return run


def test_intern(per_event: Any, made: Made) -> None:
    codes = np.empty(len(made.case_ids), dtype=np.int32)
    per_event(lambda: Interner().encode(made.case_ids, codes))


def test_parse_timestamps(per_event: Any, made: Made) -> None:
    rows = len(made.timestamps)
    times, nanoseconds = np.empty(rows, np.int64), np.empty(rows, np.uint16)
    offsets, status = np.empty(rows, np.int16), np.empty(rows, np.uint8)
    per_event(lambda: parse(Text(made.timestamps), "ymd", "-", times, nanoseconds, offsets, status))


def test_count_keys(per_event: Any, made: Made) -> None:
    per_event(count_keys, made.cases, np.zeros(made.log.cases, dtype=np.int64))


def test_scatter(per_event: Any, made: Made) -> None:
    log = made.log
    codes, times = np.empty_like(log.activity_codes), np.empty_like(log.timestamps)
    rows = np.empty_like(log.rows)

    def once() -> None:
        cursors = log.case_offsets[:-1].copy()
        scatter(made.cases, log.activity_codes, log.timestamps, 0, cursors, codes, times, rows)

    per_event(once)


@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_sort_within(per_event: Any, made: Made, order: str) -> None:
    log = made.log
    left_over = np.zeros(log.cases, dtype=np.uint8)
    times = log.timestamps.copy()
    if order == "shuffled":
        np.random.default_rng(1).shuffle(times)

    def setup() -> tuple[tuple[Any, ...], dict[str, Any]]:
        columns = (log.activity_codes.copy(), times.copy(), log.rows.copy())
        return (log.case_offsets, *columns, 0, log.cases, left_over), {}

    per_event(sort_within, setup=setup)


def test_hash_sequences(per_event: Any, made: Made) -> None:
    log = made.log
    words = np.random.default_rng(1).integers(0, 1 << 63, len(log.activities)).astype(np.uint64)
    out = np.empty(log.cases, dtype=np.uint64)
    per_event(hash_sequences, log.activity_codes, log.case_offsets, words, 0, log.cases, out)


def test_number_sequences(per_event: Any, made: Made) -> None:
    log = made.log
    numbers, firsts = np.empty(log.cases, dtype=np.int32), np.empty(log.cases, dtype=np.int32)
    per_event(number_sequences, log.activity_codes, log.case_offsets, made.hashes, numbers, firsts)


def test_count_neighbours(per_event: Any, made: Made) -> None:
    log, width = made.log, len(made.log.activities)
    pairs, ends = np.zeros(width * width, np.int64), np.zeros((width, 2), np.int64)
    per_event(count_neighbours, log.activity_codes, log.case_offsets, 0, log.cases, width, pairs, ends)


def test_count_groups(per_event: Any, made: Made) -> None:
    log, width = made.log, len(made.log.activities)
    tallies = np.zeros((width, 2), np.int64)
    per_event(count_groups, log.activity_codes, log.case_offsets, 0, log.cases, width, tallies)


def test_times_between(per_event: Any, made: Made) -> None:
    log, counted, width = made.log, dense_counts(made.log, 1), len(made.log.activities)
    tallies, times = np.zeros((width * width, 3), np.int64), np.empty(counted.counts.sum(), np.int64)
    tallies[counted.found, 0] = np.cumsum(counted.counts) - counted.counts
    columns = (log.activity_codes, log.timestamps, log.case_offsets, 0, log.cases, width)
    per_event(lambda: times_between(*columns, tallies.copy(), times))


def test_dense_edges(per_event: Any, made: Made) -> None:
    per_event(dense_edges, made.log, PERCENTILES, dense_counts(made.log, 1), 1)


@pytest.mark.parametrize("groups", ["one", "cases"])
def test_values_at(per_event: Any, made: Made, groups: str) -> None:
    """The median and the largest of all, and of every case."""
    values, offsets = made.log.timestamps, made.log.case_offsets
    offsets = np.array([0, len(values)]) if groups == "one" else offsets
    sizes = np.diff(offsets)
    per_event(values_at, values, offsets, np.column_stack((sizes // 2, sizes - 1)), 1)


def test_copy_groups(per_event: Any, made: Made) -> None:
    """Every other case: codes, and which of them occur."""
    log, groups = made.log, np.arange(0, made.log.cases, 2)
    ends = np.concatenate(([0], np.cumsum(np.diff(log.case_offsets)[groups])))
    out, marks = np.empty(ends[-1], log.activity_codes.dtype), np.zeros(len(log.activities), np.uint8)

    def once() -> None:
        copy_groups(log.activity_codes, log.case_offsets, groups, ends, 0, len(groups), out)
        mark_codes(out, 0, len(out), marks)

    per_event(once)


def test_first_to_last(per_event: Any, made: Made) -> None:
    log = made.log
    out = np.empty(log.cases, dtype=np.int64)
    per_event(first_to_last, log.timestamps, log.case_offsets, 0, log.cases, out)


def test_exact_moments(per_event: Any, made: Made) -> None:
    per_event(exact_moments, made.durations, np.array([0, len(made.durations)]))


def test_group_percentiles(per_event: Any, made: Made) -> None:
    def setup() -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (made.durations.copy(), np.array([0, len(made.durations)]), PERCENTILES), {"threads": 1}

    per_event(group_percentiles, setup=setup)


@pytest.mark.parametrize("automaton", ["new", "built"])
def test_token_game(per_event: Any, made: Made, automaton: str) -> None:
    net, found = dt.read_pnml(NET), dt.variants(made.log)
    number = {label: i for i, label in enumerate(net.labels)}
    label_of = np.array([number.get(name, -1) for name in made.log.activities.to_pylist()], dtype=np.int32)
    missing, consumed, produced, remaining = (np.zeros(len(found), dtype=np.int64) for _ in range(4))
    fit = np.zeros(len(found), dtype=np.uint8)
    built = token_game(net)

    def once() -> None:
        game = token_game(net) if automaton == "new" else built
        game.run(
            found.codes, found.offsets, label_of, 0, len(found), missing, consumed, produced, remaining, fit
        )

    once()
    per_event(once)


@pytest.mark.parametrize("question", ["matches", "find"])
@pytest.mark.parametrize(
    "text", ["Quote Created -> ... -> Quote Revised+ -> Quote Accepted", "^ . -> !Opportunity Closed Won* $"]
)
def test_pattern(per_event: Any, made: Made, text: str, question: str) -> None:
    ask = getattr(compile_pattern(text), question)
    ask(made.log, threads=1)
    per_event(lambda: ask(made.log, threads=1))


FILTERS = {
    "rework": w.rework(),
    "self_loop": w.self_loop(),
    "contains": w.contains("Quote Revised"),
    "directly_followed": w.directly_followed("Quote Created", "Quote Accepted", at_most="30d"),
    "eventually_followed": w.eventually_followed("Quote Created", "Quote Accepted", at_most="90d"),
    "region": w.case("region").is_in(HALF),
    "throughput_time": w.throughput_time(at_least="30d"),
    "top_variants": w.top_variants(10),
}


@pytest.mark.parametrize("name", FILTERS)
def test_mask(per_event: Any, made: Made, name: str) -> None:
    FILTERS[name].mask(made.log, 1)
    per_event(FILTERS[name].mask, made.log, 1)


@pytest.mark.parametrize("what", ["cases", "events"])
def test_select(per_event: Any, made: Made, what: str) -> None:
    """What is kept is gathered to new columns: half of the cases; of all cases the events up to a quote."""
    chosen = FILTERS["region"] if what == "cases" else w.between("Lead Captured", "Quote Created")
    mask, select = chosen.mask(made.log, 1), select_cases if what == "cases" else select_events
    select(made.log, mask, "", 1)
    per_event(lambda: select(made.log, mask, "", 1))


@pytest.mark.parametrize("question", ["directly_follows", "variants", "throughput_times"])
def test_analysis(per_event: Any, made: Made, question: str) -> None:
    per_event(getattr(dt, question), made.log)


def test_codes_are_what_the_log_was_made_from(made: Made) -> None:
    """The inputs above are a real log: sorting them gives the log again."""
    counts = np.zeros(made.log.cases, dtype=np.int64)
    count_keys(made.cases, counts)
    assert np.array_equal(np.cumsum(counts), made.log.case_offsets[1:])
