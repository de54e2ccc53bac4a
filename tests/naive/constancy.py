"""Whether a column is an attribute of the case."""

from __future__ import annotations

from collections.abc import Sequence


def constant_within_cases(cases: Sequence[Sequence[object]]) -> bool:
    """Whether no case has two values."""
    return all(len(set(values)) == 1 for values in cases)
