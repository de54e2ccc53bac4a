"""Kernels compile where no cache can be written, and are plain functions with the compiler off."""

from __future__ import annotations

import os
import subprocess
import sys
from unittest import mock

import pytest

from dealtrace_engine import _jit

KERNEL = """
from dealtrace_engine._jit import kernel

@kernel
def twice(x: int) -> int:
    return 2 * x
"""


def test_without_a_place_for_the_cache(monkeypatch):
    monkeypatch.setattr(_jit, "_cache", lambda places, function: None)
    twice = _jit.kernel(lambda x: 2 * x)
    assert twice(21) == 42
    assert _jit.cache_of(twice).cache_path is None


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), PermissionError(13, "no")])
def test_what_cannot_be_kept_or_read_is_compiled(error):
    broken = mock.Mock(**{"load_overload.side_effect": error, "save_overload.side_effect": error})
    twice = _jit.kernel(lambda x: 2 * x)
    _jit.cache_of(twice).kept = _jit.cache_of(twice).given = broken
    assert twice(21) == 42
    assert broken.save_overload.called


def test_a_damaged_cache_is_compiled_anew(tmp_path):
    (tmp_path / "damaged.py").write_text(KERNEL)
    code = "import damaged; print(damaged.twice(21), sum(damaged.twice.stats.cache_misses.values()))"
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    environment = {name: text for name, text in os.environ.items() if name != "NUMBA_CACHE_DIR"}

    def run() -> str:
        command = [sys.executable, "-c", code]
        around = environment | {"PYTHONPATH": paths}
        return subprocess.run(command, capture_output=True, text=True, check=True, env=around).stdout.strip()

    assert (run(), run()) == ("42 1", "42 0")
    for suffix in ("nbc", "nbi"):
        for path in (tmp_path / "__pycache__").glob(f"*.{suffix}"):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert (run(), run()) == ("42 1", "42 0")


@pytest.mark.parametrize("off", ["0", "1"])
def test_the_compiler_can_be_turned_off(off):
    code = "from dealtrace_engine.kernels.selection import mark_cases as k; print(type(k).__name__)"
    environment = os.environ | {"NUMBA_DISABLE_JIT": off, "PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert found.stdout.strip() == ("function" if off == "1" else "CPUDispatcher")
