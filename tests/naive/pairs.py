"""Pairs of neighbouring codes in groups of (code, time)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Group = Sequence[tuple[int, int]]


def differences(groups: Sequence[Group]) -> dict[tuple[int, int], list[int]]:
    """Times between neighbours, by pair."""
    found: dict[tuple[int, int], list[int]] = {}
    for group in groups:
        for (source, begin), (target, end) in pairwise(group):
            found.setdefault((source, target), []).append(end - begin)
    return found


def count_pairs(groups: Sequence[Group]) -> dict[tuple[int, int], tuple[int, int]]:
    """How often each pair occurs, and in how many groups."""
    each = [differences([group]) for group in groups]
    pairs = {pair for found in each for pair in found}
    return {
        pair: (sum(len(found.get(pair, ())) for found in each), sum(pair in found for found in each))
        for pair in pairs
    }


def count_singles(groups: Sequence[Group]) -> dict[int, tuple[int, int, int]]:
    """Groups with each code, that start with it, and that end with it."""
    codes = {code for group in groups for code, _ in group}
    full = [group for group in groups if group]
    return {
        code: (
            sum(any(code == own for own, _ in group) for group in full),
            sum(group[0][0] == code for group in full),
            sum(group[-1][0] == code for group in full),
        )
        for code in codes
    }


def bucket(value: int, bits: int) -> int:
    """The bucket of a value: exact below ``2**bits``, then ``2**bits`` of them for each doubling."""
    above = max(value.bit_length() - bits - 1, 0)
    return value if value < 2**bits else (above + 1) * 2**bits + (value >> above) - 2**bits
