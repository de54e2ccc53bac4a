"""Sequence numbers, and the variants of a log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence


def number_sequences(sequences: Sequence[Sequence[Hashable]]) -> tuple[list[int], list[int]]:
    """The number of each sequence by first appearance, and where each number appears first."""
    number: dict[tuple[Hashable, ...], int] = {}
    numbers = [number.setdefault(tuple(sequence), len(number)) for sequence in sequences]
    return numbers, [numbers.index(k) for k in range(len(number))]


def variants(traces: Sequence[Sequence[str]]) -> list[tuple[list[str], int]]:
    """Distinct traces and their cases: by cases, largest first, then by the bytes of their texts."""
    counts = Counter(map(tuple, traces))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], [text.encode() for text in item[0]]))
    return [(list(trace), count) for trace, count in ranked]
