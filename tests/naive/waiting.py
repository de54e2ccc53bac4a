"""Waits between events that follow each other; a case is its list of (activity, time, start)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Case = Sequence[tuple[int, int, int]]


def waits(case: Case) -> list[int]:
    """From each event until the next one starts, or nothing where that was earlier."""
    return [max(start - before, 0) for (_, before, _), (_, _, start) in pairwise(case)]


def pair_rows(case: Case, cell: int, edges: int, place: dict[tuple[int, int], int]) -> list[int]:
    """The cell and the pair of activities, as one number."""
    return [cell * edges + place[one, other] for (one, _, _), (other, _, _) in pairwise(case)]


def distinct_cases(cases: Sequence[int]) -> int:
    """How many cases there are."""
    return len(set(cases))


def amount_times(times: Sequence[int], amounts: Sequence[int]) -> int:
    """The sum of the products."""
    return sum(time * amount for time, amount in zip(times, amounts, strict=True))


def amount_times_by_row(cases: Sequence[Sequence[tuple[int, int]]], amounts: Sequence[int], row: int) -> int:
    """The sum of the products of the (time, row) pairs of cases that are of a row."""
    pairs = [
        (time, amount) for case, amount in zip(cases, amounts, strict=True) for time, at in case if at == row
    ]
    return amount_times(*zip(*pairs, strict=True)) if pairs else 0


def changes_by_period(
    spans: Sequence[tuple[int, int]], origin: int, length: int, periods: int
) -> tuple[list[int], list[int]]:
    """How many of the spans begin in each period, and how many end there."""
    bounds = [(origin + n * length, origin + (n + 1) * length) for n in range(periods)]
    begun = [sum(low <= begin < high for begin, _ in spans) for low, high in bounds]
    ended = [sum(low <= end < high for _, end in spans) for low, high in bounds]
    return begun, ended


def ranked_of_others(whole: Sequence[int], own: Sequence[int]) -> list[int]:
    """The values that are not the own ones, sorted."""
    others = sorted(whole)
    for value in own:
        others.remove(value)
    return others
