"""What does not fit into memory is refused before it is taken."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine import build, memory_limit
from dealtrace_engine.errors import LogError
from dealtrace_engine.memory_limit import RESERVE, UNLIMITED, available_memory, require_memory
from dealtrace_engine.schema import recognise
from dealtrace_engine.sources import memory
from dealtrace_engine.sources.memory import from_arrow

GB = 10**9


@given(st.integers(0, 10 * GB), st.integers(0, 10 * GB))
def test_too_much_is_an_error_with_both_figures(needed, available):
    if needed <= RESERVE or needed <= available - RESERVE:
        require_memory(needed, "7 rows", available=available)
    else:
        with pytest.raises(LogError) as raised:
            require_memory(needed, "7 rows", file="a.csv", available=available)
        for part in ("a.csv: 7 rows", f"{needed / GB:,.1f} GB", f"{available / GB:,.1f} GB", "split"):
            assert part in str(raised.value)


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


MEMINFO = {"proc/meminfo": "MemTotal: 9000 kB\nMemAvailable:  5000 kB\n"}
CGROUP_2 = {
    "proc/self/cgroup": "0::/a/b\n",
    "sys/fs/cgroup/a/b/memory.max": "max\n",
    "sys/fs/cgroup/a/b/memory.current": "10\n",
    "sys/fs/cgroup/a/memory.max": "3000\n",
    "sys/fs/cgroup/a/memory.current": "1800\n",
    "sys/fs/cgroup/a/memory.stat": "anon 1000\nfile 800\n",
}
CGROUP_1 = {
    "proc/self/cgroup": "5:cpu:/\n4:hugetlb,memory:/x\n",
    "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "4000\n",
    "sys/fs/cgroup/memory/x/memory.usage_in_bytes": "3900\n",
    "sys/fs/cgroup/memory/x/memory.stat": "cache 1\ntotal_cache 900\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{UNLIMITED * 4}\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "5000\n",
}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        (MEMINFO, 5000 * 1024),
        ({"proc/meminfo": "MemAvailable: much\nMemTotal:"}, None),
        ({**MEMINFO, **CGROUP_2}, 2000),
        ({**MEMINFO, **CGROUP_1}, 1000),
        ({**CGROUP_2, "sys/fs/cgroup/a/memory.current": "99999"}, 0),
        ({**CGROUP_2, "sys/fs/cgroup/a/memory.max": "odd"}, None),
    ],
)
def test_what_the_system_says(tmp_path, files, expected):
    write(tmp_path, files)
    assert available_memory(tmp_path) == expected


def test_this_system():
    found = available_memory()
    assert found is None or 0 <= found < 1 << 50


def test_a_log_that_does_not_fit_ends_early(monkeypatch):
    """Where the rows are known, before the first is read; where the sort takes its columns, before that."""
    rows = 1000
    table = pa.table({
        "case_id": [f"c{n % 50}" for n in range(rows)], "activity": ["a"] * rows,
        "timestamp": pa.array(np.arange(rows)).cast(pa.timestamp("us")),
    })  # fmt: skip
    assert from_arrow(table).events == rows
    monkeypatch.setattr(memory_limit, "RESERVE", 0)
    monkeypatch.setattr(memory_limit, "available_memory", lambda: rows * build.BYTES_AN_EVENT - 1)
    with pytest.raises(LogError, match=r"1,000 rows need about .* GB of memory and .* GB are available"):
        from_arrow(table)
    monkeypatch.setattr(memory_limit, "available_memory", lambda: rows * 13 - 1)
    monkeypatch.setattr(build, "BYTES_AN_EVENT", 0)
    with pytest.raises(LogError, match="1,000 sorted events need about"):
        from_arrow(table)


def test_rows_of_unknown_number_are_looked_at_on_the_way(monkeypatch):
    table = pa.table({"case_id": ["a"] * 100, "activity": ["b"] * 100, "timestamp": ["2020-01-01"] * 100})
    monkeypatch.setattr(memory_limit, "RESERVE", 0)
    monkeypatch.setattr(build, "ROWS_PER_CHECK", 10)
    monkeypatch.setattr(memory, "ROWS_PER_BATCH", 8)
    source = memory.TableSource(table)
    builder = build.LogBuilder(source, recognise(source.names, {}, file="t"))
    monkeypatch.setattr(memory_limit, "available_memory", lambda: 50 * build.BYTES_AN_EVENT // 2)
    with pytest.raises(LogError, match="the first 56 rows, sorted, need about"):
        build.build_log(builder)
