"""Settings for all tests: no deadlines, since a kernel's first call compiles it.

Interpreted kernels are held against full coverage, so their examples are the same in every run.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "dealtrace",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("NUMBA_DISABLE_JIT") == "1",
)
settings.load_profile("dealtrace")
