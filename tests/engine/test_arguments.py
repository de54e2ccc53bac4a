"""Arguments out of their range are an `ArgumentError`, which is a `ValueError` too, whatever is called."""

from __future__ import annotations

import math

import numpy as np
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

import dealtrace as dt
import logs
from dealtrace import where as w
from dealtrace_engine.models.petri_net import PetriNetBuilder
from dealtrace_engine.synthetic.parquet import write_parquet


@pytest.fixture(scope="module")
def log():
    return dt.from_arrow(logs.table(logs.random_log(1)))


def net():
    builder = PetriNetBuilder().place("start", initial=1).place("end", final=1)
    return builder.transition("a", "a", inputs=["start"], outputs=["end"]).build()


def written(folder, kind):
    table, path = logs.table(logs.random_log(1)), folder / f"log.{kind}"
    csv.write_csv(table, path) if kind == "csv" else pq.write_table(table, path)
    return path


WITH_THREADS = {
    "directly_follows": lambda log, _, threads: dt.directly_follows(log, threads=threads),
    "variants": lambda log, _, threads: dt.variants(log, threads=threads),
    "throughput_times": lambda log, _, threads: dt.throughput_times(log, threads=threads),
    "token_replay": lambda log, _, threads: dt.token_replay(log, net(), threads=threads),
    "from_arrow": lambda log, _, threads: dt.from_arrow(logs.table(logs.random_log(1)), threads=threads),
    "read_csv": lambda _, folder, threads: dt.read_csv(written(folder, "csv"), threads=threads),
    "read_parquet": lambda _, folder, threads: dt.read_parquet(written(folder, "parquet"), threads=threads),
    "filter": lambda log, _, threads: log.filter(w.contains("a"), threads=threads),
    "filter that keeps all": lambda log, _, threads: log.filter(w.case_id(*log.case_ids.to_pylist()),
                                                                threads=threads),
    "pattern": lambda log, _, threads: dt.compile_pattern("a").count(log, threads=threads),
}  # fmt: skip
OTHERS = {
    "percentiles": lambda log: dt.throughput_times(log).percentiles([50, 101]),
    "percentiles below": lambda log: dt.throughput_times(log).percentiles([-0.1]),
    "percentiles by": lambda log: dt.throughput_times(log).percentiles([math.nan]),
    "percentiles of text": lambda log: dt.throughput_times(log).percentiles(["median"]),
    "one percentile": lambda log: dt.throughput_times(log).percentiles(50),
    "unknown": lambda log: dt.token_replay(log, net(), unknown="ignore"),
    "opportunities": lambda _: dt.lead_to_cash(0),
    "seed": lambda _: dt.lead_to_cash(1, seed=-1),
    "precision": lambda _: dt.lead_to_cash(1, precision="century"),
}


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2"])
@pytest.mark.parametrize("name", WITH_THREADS)
def test_threads(log, tmp_path, name, threads):
    with pytest.raises(dt.ArgumentError, match="threads is a whole number of at least 1") as caught:
        WITH_THREADS[name](log, tmp_path, threads)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, dt.DealtraceError)


@pytest.mark.parametrize("name", OTHERS)
def test_others(log, name):
    with pytest.raises(dt.ArgumentError):
        OTHERS[name](log)


def test_row_groups(tmp_path):
    with pytest.raises(dt.ArgumentError, match="row_group is at least 1"):
        write_parquet(tmp_path / "log.parquet", 10, row_group=0)
    assert not list(tmp_path.iterdir())


def test_numpy_numbers_are_numbers(log):
    found = dt.directly_follows(log, threads=np.int64(2))
    assert found.to_json() == dt.directly_follows(log, threads=1).to_json()


@pytest.mark.parametrize("name", [None, 1, b"amount"])
def test_columns_are_named_by_texts(log, name):
    with pytest.raises(dt.ArgumentError, match="named by a text"):
        log.attribute(name)
