"""Waits between events that follow each other, in groups of waits called rows.

A pair of events that follow each other in a case has the position of its second event, less the cases that
began until then: case c has the pairs from ``case_offsets[c] - c`` to below ``case_offsets[c + 1] - c - 1``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel


@kernel
def waits(
    timestamps: NDArray[np.int64],
    starts: NDArray[np.int64],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    out: NDArray[np.int64],
) -> None:
    """Write the time from each event until the next one starts, not below zero; `out`: shape (pairs,)."""
    for case in range(first, last):
        for event in range(case_offsets[case] + 1, case_offsets[case + 1]):
            out[event - case - 1] = max(starts[event] - timestamps[event - 1], 0)


@kernel
def pair_rows(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    width: int,
    places: NDArray[np.int32],
    edges: int,
    cells: NDArray[np.int32],
    out: NDArray[np.int32],
) -> None:
    """Write the row of each pair: its edge, counted on from cell to cell of the cases; `out`: shape (pairs,).

    `places`, shape (width * width,), has the number of each pair of activities.
    """
    for case in range(first, last):
        begin = cells[case] * edges
        for event in range(case_offsets[case] + 1, case_offsets[case + 1]):
            pair = np.int64(activities[event - 1]) * width + activities[event]
            out[event - case - 1] = begin + places[pair]


@kernel
def distinct_cases(
    cases: NDArray[np.int32], offsets: NDArray[np.int64], first: int, last: int, out: NDArray[np.int64]
) -> None:
    """Write how many cases each row has; equal ones are beside each other."""
    for row in range(first, last):
        count = 0
        for at in range(offsets[row], offsets[row + 1]):
            if at == offsets[row] or cases[at] != cases[at - 1]:
                count += 1
        out[row] = count


@kernel
def amount_times(
    times: NDArray[np.int64],
    cases: NDArray[np.int32],
    offsets: NDArray[np.int64],
    units: NDArray[np.int64],
    first: int,
    last: int,
    limbs: NDArray[np.int64],
) -> None:
    """Write the exact sum over each row of the time x the amount of its case.

    `units`, shape (cases,): amounts below 2**62; times are not below zero. `limbs`, shape (4 * rows,): the
    sum is ``sum(limbs[4 * row + k] * 2 ** (31 * k))``.
    """
    mask = np.int64(0x7FFFFFFF)
    for row in range(first, last):
        one, two, three, four = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
        for at in range(offsets[row], offsets[row + 1]):
            amount, time = units[cases[at]], times[at]
            amount_high, time_high = amount >> 31, time >> 31
            amount_low, time_low = amount & mask, time & mask
            one += amount_low * time_low
            two += one >> 31
            one &= mask
            two += amount_low * time_high
            three += two >> 31
            two &= mask
            two += amount_high * time_low
            three += two >> 31
            two &= mask
            three += amount_high * time_high
            four += three >> 31
            three &= mask
        limbs[4 * row] = one
        limbs[4 * row + 1] = two
        limbs[4 * row + 2] = three
        limbs[4 * row + 3] = four


@kernel
def amount_times_by_row(
    times: NDArray[np.int64],
    rows: NDArray[np.int32],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    units: NDArray[np.int64],
    limbs: NDArray[np.int64],
) -> None:
    """Add the time x the amount of its case to the row of each pair; see `amount_times`.

    `times` and `rows`, shape (pairs,), are in the order of the log.
    """
    mask = np.int64(0x7FFFFFFF)
    for case in range(first, last):
        high, low = units[case] >> 31, units[case] & mask
        for pair in range(case_offsets[case] - case, case_offsets[case + 1] - case - 1):
            time_high, time_low, at = times[pair] >> 31, times[pair] & mask, 4 * rows[pair]
            one = limbs[at] + low * time_low
            two = limbs[at + 1] + (one >> 31) + low * time_high
            three = limbs[at + 2] + (two >> 31)
            two = (two & mask) + high * time_low
            three += two >> 31
            three += high * time_high
            limbs[at] = one & mask
            limbs[at + 1] = two & mask
            limbs[at + 2] = three & mask
            limbs[at + 3] += three >> 31


@kernel
def changes_by_period(
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    origin: int,
    length: int,
    periods: int,
    arrivals: NDArray[np.int64],
    departures: NDArray[np.int64],
) -> None:
    """Count what begins and what ends in each period of each row; what ends outside of all never does.

    `arrivals` and `departures`, shape (rows * periods,), hold zeros at first.
    """
    for row in range(first, last):
        for at in range(offsets[row], offsets[row + 1]):
            begin = (begins[at] - origin) // length
            if 0 <= begin < periods:
                arrivals[row * periods + begin] += 1
            if ends[at] >= origin:
                end = (ends[at] - origin) // length
                if end < periods:
                    departures[row * periods + end] += 1


@kernel
def ranked_of_others(
    values: NDArray[np.int64],
    whole: NDArray[np.int64],
    parts: NDArray[np.int64],
    offsets: NDArray[np.int64],
    parents: NDArray[np.int64],
    ranks: NDArray[np.int64],
    each: int,
    first: int,
    last: int,
    out: NDArray[np.int64],
) -> None:
    """Write those values of certain ranks among the values of a row's parent that are not its own.

    Parameters
    ----------
    values : ndarray of int64, shape (n,)
        Sorted within each parent.
    whole : ndarray of int64, shape (parents + 1,)
        Where each parent begins in `values`.
    parts : ndarray of int64, shape (n,)
        The same values, sorted within each row.
    offsets : ndarray of int64, shape (rows + 1,)
    parents : ndarray of int64, shape (rows,)
    ranks : ndarray of int64, shape (rows * each,)
        From 0 to one less than there are others.
    each : int
        How many ranks a row has.
    first, last : int
        Rows.
    out : ndarray of int64, shape (rows * each,)
        Not written where a row has all values of its parent.
    """
    for row in range(first, last):
        begin, end = whole[parents[row]], whole[parents[row] + 1]
        if end - begin == offsets[row + 1] - offsets[row]:
            continue
        for at in range(row * each, (row + 1) * each):
            low, high = begin, end - 1  # the first value up to which there are more others than the rank
            while low < high:
                middle = (low + high) // 2
                value = values[middle]
                upto = np.searchsorted(values[begin:end], value, side="right")
                own = np.searchsorted(parts[offsets[row] : offsets[row + 1]], value, side="right")
                if upto - own > ranks[at]:
                    high = middle
                else:
                    low = middle + 1
            out[at] = values[low]
