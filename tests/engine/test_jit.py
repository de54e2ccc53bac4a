"""Kernels compile where no cache can be written, and are plain functions with the compiler off."""

from __future__ import annotations

import os
import subprocess
import sys
from unittest import mock

import numba
import pytest

from dealtrace_engine import _jit


def test_without_a_place_for_the_cache():
    real = numba.njit

    def no_cache(cache=False, **flags):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(**flags)

    with mock.patch.object(numba, "njit", no_cache):
        twice = _jit.kernel(lambda x: 2 * x)
    assert twice(21) == 42


@pytest.mark.parametrize("off", ["0", "1"])
def test_the_compiler_can_be_turned_off(off):
    code = "from dealtrace_engine.kernels.follows import count_activities as k; print(type(k).__name__)"
    environment = os.environ | {"NUMBA_DISABLE_JIT": off, "PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert found.stdout.strip() == ("function" if off == "1" else "CPUDispatcher")
