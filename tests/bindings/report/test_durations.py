"""Durations as people say them."""

import math

import pytest

from dealtrace.report.durations import readable


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (0.001, "1 ms"), (1, "1 s"), (59.96, "60 s"), (60, "1 min"), (3599, "60 min"), (3600, "1 h"),
     (172_799, "48 h"), (172_800, "2 d"), (-90, "-1.5 min"), (1e9, "32 y"), (math.nan, "-"), (None, "-")],
)  # fmt: skip
def test_readable(seconds, said):
    assert readable(seconds) == said
