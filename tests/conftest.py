"""Settings for all tests: no deadlines, since a kernel's first call compiles it."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("dealtrace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dealtrace")
