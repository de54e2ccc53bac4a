"""A warm-up compiles every kernel, in every form in which the library calls it."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import every_filter
from dealtrace_engine import kernels as package
from dealtrace_engine import warmup
from dealtrace_engine.errors import Cancelled, OutputError
from dealtrace_engine.filters.json_form import KINDS
from dealtrace_engine.warmup import forms_of, kernels, warm_up

KERNEL = """
from typing import Any
import numpy as np
from numpy.typing import NDArray
from dealtrace_engine._jit import kernel

@kernel
def doubled(activities: NDArray[Any], out: NDArray[np.int64]) -> None:
    for event in range(len(activities)):
        out[event] = 2 * activities[event]
"""
AFTER_A_WARM_UP = """
import sys
from pathlib import Path
import pyarrow.parquet as pq
import every_filter, logs
from dealtrace_engine.warmup import kernels, warm_up
import dealtrace as dt

def forms():
    return {name: sorted(map(str, kernel.signatures)) for name, kernel in kernels().items()}

def ask(log):
    for expression in (None, *every_filter.FILTERS):
        part = log if expression is None else every_filter.kept(log, expression)
        if part is not None:
            dt.directly_follows(part), dt.variants(part).table, dt.throughput_times(part).table
            part.attribute("region"), part.attribute("amount")
    for pattern in every_filter.PATTERNS:
        dt.compile_pattern(pattern).find(log)

warm_up()
before = forms()
file = Path(sys.argv[1]) / "log.parquet"
tables = [every_filter.table(logs.random_log(3)), *map(every_filter.wide_table, (700, 65_600))]
for number, table in enumerate(tables):
    log = dt.from_arrow(table)
    codes = log.activity_codes.dtype.name
    ask(log)
    if number < 2:
        pq.write_table(table, file)
        dt.read_parquet(file).save(file.with_suffix(".dealtrace"), columns=["region", "amount"])
        ask(dt.read_parquet(file)), ask(dt.open(file.with_suffix(".dealtrace")))
    print(codes)
after = forms()
print([(name, set(after[name]) - set(before[name])) for name in after if after[name] != before[name]])
"""


def test_every_kind_of_filter_is_among_the_filters_of_the_tests():
    def kinds(expression):
        parts = getattr(expression, "of", getattr(expression, "events", ()))
        parts = parts if isinstance(parts, tuple) else (parts,)
        return {type(expression)}.union(*(kinds(part) for part in parts))

    assert set().union(*map(kinds, every_filter.FILTERS)) == set(KINDS)


def test_every_function_of_every_kernel_file_is_warmed():
    done = warm_up()
    written = {
        f"{path.stem}.{line.split('(')[0].removeprefix('def ')}"
        for path in Path(package.__file__).parent.glob("*.py")
        for line in path.read_text().splitlines()
        if line.startswith("def ")
    }
    assert set(done.kernels) == written
    for name, kernel in kernels().items():
        assert len(kernel.signatures) >= len(list(forms_of(kernel))) > 0, name


def test_a_new_kernel_is_found_compiled_and_kept(tmp_path, monkeypatch):
    (tmp_path / "newest.py").write_text(KERNEL)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    try:
        done = warm_up()
        assert "newest.doubled" in done.kernels
        assert done.compiled == 3
        assert len(list(tmp_path.rglob("*.nbc"))) == 3 or "NUMBA_CACHE_DIR" in os.environ
    finally:
        sys.modules.pop("dealtrace_engine.kernels.newest", None)


def test_an_argument_that_is_not_understood():
    def kernel(name: str) -> None: ...

    with pytest.raises(TypeError, match="name of a kernel is an array, int or bool"):
        list(forms_of(kernel))


def test_forms():
    def kernel(activities: NDArray[Any], least: int, flag: bool, out: NDArray[np.bool_]) -> None: ...

    forms = list(forms_of(kernel))
    assert [[a.dtype.name for a in (form[0], form[3])] for form in forms] == [
        [codes, "bool"] for codes in ("uint8", "uint16", "uint32")
    ]
    assert forms[0][1:3] == (0, False)
    assert not forms[0][0].flags.writeable
    assert forms[0][3].flags.writeable


def test_progress_goes_to_the_end_and_cancels():
    told: list[tuple[int, int]] = []
    warm_up(lambda done, of: told.append((done, of)))
    assert [done for done, _ in told] == list(range(1, told[-1][1] + 1))
    with pytest.raises(Cancelled):
        warm_up(lambda done, of: done < 3)


def test_nothing_is_compiled_after_a_warm_up(tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", AFTER_A_WARM_UP, str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert found.stdout.splitlines() == ["uint8", "uint16", "uint32", "[]"], found.stderr


def test_the_second_warm_up_finds_all_there():
    first, second = warm_up(), warm_up()
    assert (second.compiled, second.loaded) == (0, first.compiled + first.loaded)


def test_with_the_compiler_off_there_is_nothing_to_warm(monkeypatch):
    monkeypatch.setattr(
        warmup, "kernels", lambda: {"a.plain": inspect.unwrap(kernels()["conditions.occurs"])}
    )
    with pytest.raises(OutputError, match="while the compiler is off"):
        warm_up()
