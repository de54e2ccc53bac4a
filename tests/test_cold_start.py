"""What is imported, and so waited for, before the first answer; how long that takes is for the benchmark."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

import every_filter
import logs

ANALYTIC = {"numba", "llvmlite", "scipy", "pandas", "polars", "duckdb"}
"""Of these, each costs more than all that dealtrace does with a small log."""
HEAVY = {*ANALYTIC, "numpy", "pyarrow", "rich"}
LIBRARY = """
log = dt.read_parquet(sys.argv[1])
dfg, var, thr = dt.directly_follows(log), dt.variants(log), dt.throughput_times(log)
dfg.edges, dfg.activities, var.table, var.of_case, thr.table, thr.percentiles([50, 90])
net = dt.read_pnml(sys.argv[2])
dt.token_replay(log, net).table
"""
OPENED = """
log = dt.open(sys.argv[3])
dt.directly_follows(log).edges, dt.variants(log).table
dt.compile_pattern("a -> ... -> b").count(log)
"""
COMMAND = """
from dealtrace.cli import main
assert main(["analyze", sys.argv[1], "--quiet", "-o", sys.argv[4]]) == 0
"""
SUMMARY = """
from dealtrace.cli import main
assert main(["analyze", sys.argv[1], "--net", sys.argv[2], "--json"]) == 0
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    import dealtrace as dt
    from dealtrace_engine.models.petri_net import PetriNetBuilder

    folder = tmp_path_factory.mktemp("cold")
    table = every_filter.table(logs.random_log(5))
    pq.write_table(table, folder / "log.parquet")
    dt.from_arrow(table).save(folder / "log.dealtrace")
    builder = PetriNetBuilder().place("start", initial=1).place("end", final=1)
    dt.write_pnml(
        builder.transition("a", "a", inputs=["start"], outputs=["end"]).build(), folder / "net.pnml"
    )
    return [str(folder / name) for name in ("log.parquet", "net.pnml", "log.dealtrace", "out")]


def imported(code: str, *arguments: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter has imported after this."""
    tell = "print('\\n' + json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    command = [sys.executable, "-c", f"import json, sys\nimport dealtrace as dt\n{code}\n{tell}", *arguments]
    around = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    found = subprocess.run(command, capture_output=True, text=True, env=around)
    assert found.returncode == 0, found.stderr
    return set(json.loads(found.stdout.splitlines()[-1]))


def test_importing_the_package_imports_nothing_heavy():
    assert not imported("") & HEAVY
    assert not imported("dir(dt), dt.DealtraceError, dt.__version__") & HEAVY


@pytest.mark.parametrize(
    "code", [LIBRARY, OPENED, COMMAND, SUMMARY], ids=["library", "opened", "files", "json"]
)
def test_the_main_job_waits_for_no_compiler_and_no_other_engine(files, code):
    assert not imported(code, *files) & ANALYTIC


def test_the_test_would_see_it():
    assert {"numba", "numpy"} <= imported("from dealtrace_engine.kernels import selection")
