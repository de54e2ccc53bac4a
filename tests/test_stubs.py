"""The stubs are right, and the check would notice if they were not."""

from __future__ import annotations

import ast

import pytest

from check_stubs import all_differences, differences
from dealtrace_ext import moments


def test_stubs_match_the_compiled_modules():
    assert all_differences() == []


@pytest.mark.parametrize(
    ("stub", "problem"),
    [
        ("", "exact_moments is not in the stub"),
        ("def exact_moments(values, offsets): ...\ndef gone(): ...", "gone is in the stub only"),
        ("def exact_moments(values): ...", "compiled"),
        ("def exact_moments(offsets, values): ...", "compiled"),
        ("def exact_moments(values, offsets=None): ...", "compiled"),
    ],
)
def test_the_check_notices(stub, problem):
    (found,) = differences("moments", moments, ast.parse(stub).body)
    assert problem in found
