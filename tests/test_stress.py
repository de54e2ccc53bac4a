"""Right under load: many threads on one log, counts past 31 bits, sums of microseconds past 63."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

import logs
from dealtrace_engine.analyses import follows
from dealtrace_engine.analyses.follows import directly_follows
from dealtrace_engine.analyses.throughput import throughput_times
from dealtrace_engine.analyses.token_replay import token_replay
from dealtrace_engine.analyses.variants import variants
from dealtrace_engine.log import EventLog
from dealtrace_engine.models.petri_net import PetriNetBuilder
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_ext.pairs import count_pairs


def net():
    builder = PetriNetBuilder().place("start", initial=1).place("end", final=1)
    builder = builder.transition("skip", None, inputs=["start"], outputs=["end"])
    return builder.transition("a", "a", inputs=["start"], outputs=["end"]).build()


def answers(model) -> dict[str, Callable[[EventLog, int], str]]:
    return {
        "follows": lambda log, threads: directly_follows(log, threads=threads).to_json(),
        "variants": lambda log, threads: variants(log, threads=threads).to_json(),
        "throughput": lambda log, threads: throughput_times(log, threads=threads).to_json(),
        "replay": lambda log, threads: token_replay(log, model, threads=threads).to_json(),
        "quality": lambda log, _: repr(log.quality),
        "fingerprint": lambda log, _: log.fingerprint,
    }


def hammered(seconds: float, workers: int) -> int:
    """Call every analysis on one log from many threads; return how many calls gave the one right answer."""
    table = logs.table(logs.random_log(7, events=20_000, cases=1_500))
    log, asked = from_arrow(table), answers(net())
    expected = {name: ask(from_arrow(table), 1) for name, ask in asked.items()}
    end = time.monotonic() + seconds

    def hammer(worker: int) -> int:
        calls, names = 0, list(asked)
        while time.monotonic() < end or calls < len(names):
            name = names[(worker + calls) % len(names)]
            assert asked[name](log, 1 + (worker + calls) % 3) == expected[name]
            calls += 1
        return calls

    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(hammer, range(workers)))


def test_threads_agree_for_a_moment():
    assert hammered(1.0, 8) >= 8 * len(answers(net()))


@pytest.mark.slow
def test_threads_agree_for_a_minute():
    assert hammered(60.0, 8) >= 8 * len(answers(net()))


@pytest.mark.parametrize("dense", [True, False])
def test_sums_past_63_bits(monkeypatch, dense):
    monkeypatch.setattr(follows, "DENSE_ACTIVITIES", 512 if dense else 0)
    span = 315_000_000_000_000_000  # almost 10,000 years; 30 of them pass 2**63 microseconds
    first = -62_000_000_000_000_000
    lengths = [span - 1_000_003 * i for i in range(64)]
    times = np.array([[first, first + length] for length in lengths]).ravel()
    table = pa.table(
        {
            "case": [str(i // 2) for i in range(len(times))],
            "activity": ["a", "b"] * len(lengths),
            "time": pa.array(times, pa.timestamp("us")),
        }
    )
    log = from_arrow(table)
    (edge,) = directly_follows(log).edges.to_pylist()
    mean = Fraction(sum(lengths), len(lengths))
    variance = sum((length - mean) ** 2 for length in lengths) / (len(lengths) - 1)
    assert sum(lengths) > 2**63
    assert edge["sum_s"] == float(Fraction(sum(lengths), 10**6))
    assert edge["mean_s"] == float(mean / 10**6)
    assert edge["stdev_s"] == pytest.approx(float(variance) ** 0.5 / 1e6, rel=1e-12)
    assert variants(log).table["mean_s"].to_pylist() == [float(mean / 10**6)]


def test_counts_past_31_bits():
    codes, offsets = np.array([0, 0, 0], np.uint8), np.array([0, 3], np.int64)
    pairs, singles = np.array([[2**31 - 1, 2**31 - 1, 0]]), np.array([[2**31 - 1] * 3 + [0]])
    count_pairs(codes, offsets, 0, 1, 1, pairs, singles)
    assert pairs[0, :2].tolist() == [2**31 + 1, 2**31]
    assert singles[0, :3].tolist() == [2**31] * 3
