"""Right under load: many threads on one log, counts past 31 bits, sums of microseconds past 63."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

import every_filter
import logs
from dealtrace_engine.analyses import edges, follows
from dealtrace_engine.analyses.follows import directly_follows
from dealtrace_engine.analyses.throughput import throughput_times
from dealtrace_engine.analyses.token_replay import replay, token_replay
from dealtrace_engine.analyses.variants import variants
from dealtrace_engine.filters import where as w
from dealtrace_engine.log import EventLog
from dealtrace_engine.models.petri_net import PetriNetBuilder
from dealtrace_engine.patterns.pattern import compile_pattern
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_ext.pairs import count_groups, count_neighbours, times_between


def net():
    builder = PetriNetBuilder().place("start", initial=1).place("end", final=1)
    builder = builder.transition("skip", None, inputs=["start"], outputs=["end"])
    return builder.transition("a", "a", inputs=["start"], outputs=["end"]).build()


def filtered(expression: w.Expression) -> Callable[[EventLog, int], str]:
    """What is left by a filter, and what follows what in it."""

    def ask(log: EventLog, threads: int) -> str:
        part = every_filter.kept(log, expression, threads)
        return "" if part is None else part.fingerprint + directly_follows(part, threads=threads).to_json()

    return ask


def matched(text: str) -> Callable[[EventLog, int], str]:
    """Where a pattern is found; it is compiled anew each time."""

    def ask(log: EventLog, threads: int) -> str:
        pattern = compile_pattern(text)
        return repr([pattern.count(log, threads=threads), str(pattern.find(log, threads=threads))])

    return ask


def answers(model) -> dict[str, Callable[[EventLog, int], str]]:
    return {
        **{repr(expression): filtered(expression) for expression in every_filter.FILTERS},
        **{text: matched(text) for text in every_filter.PATTERNS},
        **analyses(model),
    }


def analyses(model) -> dict[str, Callable[[EventLog, int], str]]:
    return {
        "follows": lambda log, threads: directly_follows(log, threads=threads).to_json(),
        "variants": lambda log, threads: variants(log, threads=threads).to_json(),
        "throughput": lambda log, threads: throughput_times(log, threads=threads).to_json(),
        "replay": lambda log, threads: token_replay(log, model, threads=threads).to_json(),
        "quality": lambda log, _: repr(log.quality),
        "fingerprint": lambda log, _: log.fingerprint,
    }


def hammered(seconds: float, workers: int, events: int) -> int:
    """Call every analysis, filter and pattern on one log from many threads; return how many agreed."""
    table = every_filter.table(logs.random_log(7, events=events, cases=events // 12))
    log, asked = from_arrow(table), answers(net())
    expected = {name: ask(from_arrow(table), 1) for name, ask in asked.items()}
    end = time.monotonic() + seconds

    def hammer(worker: int) -> int:
        calls, names = 0, list(asked)
        while time.monotonic() < end or (worker == 0 and calls < len(names)):
            name = names[(worker + calls) % len(names)]
            assert asked[name](log, 1 + (worker + calls) % 3) == expected[name]
            calls += 1
        return calls

    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(hammer, range(workers)))


def test_threads_agree_for_a_moment():
    assert hammered(2.0, 8, 2_000) >= len(answers(net()))


@pytest.mark.slow
def test_threads_agree_for_a_minute():
    assert hammered(60.0, 8, 20_000) >= 8 * len(answers(net()))


SPAN = 315_000_000_000_000_000
"""Almost 10,000 years; 30 of them pass 2**63 microseconds."""
LENGTHS = [SPAN - 1_000_003 * case for case in range(64)]


def long_log(*, filtered: bool) -> EventLog:
    """Cases of two events that far apart; or a log that is that once shorter cases are left out."""
    first = -62_000_000_000_000_000
    rows = [(str(case), first, first + length) for case, length in enumerate(LENGTHS)]
    if filtered:
        rows[7:7] = [(f"short {case}", 0, 1) for case in range(5)]
    table = pa.table(
        {
            "case": [case for case, *_ in rows for _ in "ab"],
            "activity": ["a", "b"] * len(rows),
            "time": pa.array([time for _, *times in rows for time in times], pa.timestamp("us")),
        }
    )
    log = from_arrow(table)
    return log.filter(w.throughput_time(at_least="1h")) if filtered else log


@pytest.mark.parametrize("filtered", [False, True])
@pytest.mark.parametrize("dense", [True, False])
def test_sums_past_63_bits(monkeypatch, dense, filtered):
    monkeypatch.setattr(follows, "DENSE_ACTIVITIES", 512 if dense else 0)
    log = long_log(filtered=filtered)
    (edge,) = directly_follows(log).edges.to_pylist()
    mean = Fraction(sum(LENGTHS), len(LENGTHS))
    variance = sum((length - mean) ** 2 for length in LENGTHS) / (len(LENGTHS) - 1)
    assert sum(LENGTHS) > 2**63
    assert edge["sum_s"] == float(Fraction(sum(LENGTHS), 10**6))
    assert edge["mean_s"] == float(mean / 10**6)
    assert edge["stdev_s"] == pytest.approx(float(variance) ** 0.5 / 1e6, rel=1e-12)
    assert variants(log).table["mean_s"].to_pylist() == [float(mean / 10**6)]


@pytest.mark.parametrize("filtered", [False, True])
def test_percentiles_of_spans_whose_sum_is_past_63_bits(filtered):
    log = long_log(filtered=filtered)
    wanted = np.percentile(np.array(LENGTHS) / 1e6, [0, 50, 90, 100]).tolist()
    assert throughput_times(log).percentiles([0, 50, 90, 100]) == wanted
    (edge,) = directly_follows(log).edges.to_pylist()
    assert [edge[name] for name in ("min_s", "median_s", "p90_s", "max_s")] == wanted


BEFORE = 2**31 - 2


def counts_more(real: Callable[..., None], places: Callable[..., list[np.ndarray]]) -> Callable[..., None]:
    """A kernel that says it had found 2**31 - 2 before of all that it found."""

    def call(*arguments):
        real(*arguments)
        for counts in places(*arguments):
            counts[counts > 0] += BEFORE

    return call


@pytest.mark.parametrize("filtered", [False, True])
def test_counts_past_31_bits_on_one_edge(monkeypatch, filtered):
    """Totals of the shares hold them, and so does the table of activities."""
    monkeypatch.setattr(
        "dealtrace_ext.pairs.count_neighbours", counts_more(count_neighbours, lambda *a: [a[-2], a[-1]])
    )
    monkeypatch.setattr(
        "dealtrace_ext.pairs.count_groups", counts_more(count_groups, lambda *a: [a[-1][:, 0]])
    )
    monkeypatch.setattr("dealtrace_engine.parallel.EVENTS_PER_BLOCK", 32)
    log = long_log(filtered=filtered)
    counted = edges.dense_counts(log, 2)
    total = 64 + len(counted.spans) * BEFORE
    assert len(counted.spans) > 1
    assert counted.counts.tolist() == [total]
    assert counted.counts[0] > 2**32
    assert counted.activities.tolist() == [[total, total, total, 0], [total, total, 0, total]]


@pytest.mark.parametrize("filtered", [False, True])
def test_cases_past_31_bits_on_one_edge(monkeypatch, filtered):
    monkeypatch.setattr(
        "dealtrace_ext.pairs.times_between", counts_more(times_between, lambda *a: [a[-2][:, 1]])
    )
    monkeypatch.setattr("dealtrace_engine.parallel.EVENTS_PER_BLOCK", 32)
    log = long_log(filtered=filtered)
    counted = edges.dense_counts(log, 2)
    found = edges.dense_edges(log, (0, 100), counted, 2)
    assert counted.counts.tolist() == found.counts.tolist() == [64]
    assert found.cases.tolist() == [64 + len(counted.spans) * BEFORE]
    assert found.cases[0] > 2**32
    assert found.moments == [(sum(LENGTHS), sum(length * length for length in LENGTHS))]


def test_replay_of_more_than_31_bits_of_cases():
    weight = 2**40
    played = replay(net(), ["a", "b"], [0, 1, 0], [0, 1, 3], [weight, 3])
    (fit, unfit) = replay(net(), ["a"], [0], [0, 1], [1]), replay(net(), ["a", "b"], [1, 0], [0, 2], [1])
    for name in ("produced", "consumed", "missing", "remaining"):
        assert getattr(played, name) == weight * getattr(fit, name) + 3 * getattr(unfit, name)
    assert played.fit_cases == weight + 3 * unfit.fit_cases


def test_counts_past_31_bits():
    codes, offsets, most = np.zeros(3, np.uint8), np.array([0, 3]), 2**31 - 1
    counts, ends = np.array([most]), np.array([[most] * 2])
    count_neighbours(codes, offsets, 0, 1, 1, counts, ends)
    assert (counts.tolist(), ends.tolist()) == ([2**31 + 1], [[2**31] * 2])
    tallies = np.array([[most, 0]])
    count_groups(codes, offsets, 0, 1, 1, tallies)
    assert tallies[0, 0] == 2**31
    tallies, out = np.array([[0, most, 0]]), np.empty(2, np.int64)
    times_between(codes, np.array([0, 2**40, 2**41]), offsets, 0, 1, 1, tallies, out)
    assert (tallies[0, :2].tolist(), out.tolist()) == ([2, 2**31], [2**40] * 2)
