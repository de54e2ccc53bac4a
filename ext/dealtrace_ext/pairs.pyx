"""Pairs of neighbouring codes in groups: how often each occurs, in how many groups, and the times between them.

`count_neighbours` says how much room each pair needs; `times_between` then writes the times pair by pair.
What is added up are integers, so groups may be cut anywhere.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

cdef enum:
    MOST = 1 << 30                 # neighbours that are counted in 32 bits
    WIDEST = 0x7FFFFFFF            # so that the number of pairs does not wrap

ctypedef fused Code:
    uint8_t
    uint16_t
    uint32_t


cdef struct CodeTally:
    int64_t groups, last           # the last group that had it, from 1


cdef struct PairTally:
    int64_t next, groups, last     # where the next time goes; as above


cdef int _check(const int64_t[::1] offsets, int64_t first, int64_t last, int64_t n) except -1:
    cdef int64_t group, bad = -1
    if not 0 <= first <= last < offsets.shape[0]:
        raise IndexError(f"there are no groups {first} to {last}")
    with nogil:
        for group in range(first, last):
            if not 0 <= offsets[group] <= offsets[group + 1] <= n:
                bad = group
                break
    if bad >= 0:
        raise IndexError(f"group {bad} leaves the {n} codes")
    return 0


def count_neighbours(
    const Code[::1] codes, const int64_t[::1] offsets, int64_t first, int64_t last, int64_t width,
    int64_t[::1] pairs, int64_t[:, ::1] ends,
):
    """Count pairs of neighbours, and the codes that groups start and end with.

    A branch at the end of every group costs more than all else, so neighbours are counted across the groups,
    and those of two groups are taken off again.

    Parameters
    ----------
    codes : uint8, uint16 or uint32 buffer, shape (n,)
    offsets : int64 buffer, shape (groups + 1,)
    first, last : int
        The groups from `first` up to, not including, `last`.
    width : int
        Codes are below it.
    pairs : int64 buffer, shape (width * width,)
        To ``a * width + b`` is added how often b follows a.
    ends : int64 buffer, shape (width, 2)
        To row a are added the groups that start and that end with it.

    Raises
    ------
    IndexError
        A group leaves the codes, or a code is too large.

    Examples
    --------
    >>> import numpy as np
    >>> pairs, ends = np.zeros(4, np.int64), np.zeros((2, 2), np.int64)
    >>> count_neighbours(np.array([0, 1, 0, 1], np.uint8), np.array([0, 3, 4]), 0, 2, 2, pairs, ends)
    >>> pairs.tolist(), ends.tolist()
    ([0, 1, 1, 0], [[1, 1], [1, 1]])
    """
    cdef int64_t begin, end, until, bad
    cdef uint32_t *counts
    _check(offsets, first, last, codes.shape[0])
    if not 0 <= width <= WIDEST or pairs.shape[0] < width * width or ends.shape[0] < width or ends.shape[1] != 2:
        raise ValueError(f"{width} codes have {width * width} pairs, and 2 figures each")
    begin, end = offsets[first], offsets[last]
    if begin == end:
        return
    bad = _too_large(&codes[0], begin, end, width)
    if bad >= 0:
        raise IndexError(f"code {codes[bad]} at {bad} is not below {width}")
    counts = <uint32_t *> calloc(2 * width * width, sizeof(uint32_t))
    if counts == NULL:
        raise MemoryError(f"no memory for {width * width:,} pairs")
    with nogil:
        while begin < end:
            until = min(end, begin + MOST)
            _neighbours(&codes[0], begin, until, width, counts, counts + width * width)
            _settle(counts, width * width, &pairs[0])
            # The next one starts with the last event of this one.
            begin = until if until == end else until - 1
        _ends(&codes[0], &offsets[0], first, last, width, &pairs[0], &ends[0, 0])
        free(counts)


cdef int64_t _too_large(const Code *codes, int64_t begin, int64_t end, int64_t width) noexcept nogil:
    """Return the position of a code that is not below `width`, or -1."""
    cdef Code largest = 0
    cdef int64_t i
    for i in range(begin, end):
        largest = max(largest, codes[i])
    if <int64_t> largest < width:
        return -1
    for i in range(begin, end):
        if <int64_t> codes[i] >= width:
            return i
    return -1


cdef void _neighbours(
    const Code *codes, int64_t begin, int64_t end, uint64_t width, uint32_t *even, uint32_t *odd
) noexcept nogil:
    """Count in turns in two tables, so that no addition waits for the one before."""
    cdef uint64_t before = codes[begin], code, after
    cdef int64_t i = begin + 1
    while i + 1 < end:
        code, after = codes[i], codes[i + 1]
        even[before * width + code] += 1
        odd[code * width + after] += 1
        before = after
        i += 2
    if i < end:
        even[before * width + codes[i]] += 1


cdef void _settle(uint32_t *counts, int64_t n, int64_t *pairs) noexcept nogil:
    """Move the counts of both tables to `pairs`."""
    cdef int64_t i
    for i in range(n):
        pairs[i] += <int64_t> counts[i] + counts[n + i]
    for i in range(2 * n):
        counts[i] = 0


cdef void _ends(
    const Code *codes, const int64_t *offsets, int64_t first, int64_t last, uint64_t width, int64_t *pairs,
    int64_t *ends,
) noexcept nogil:
    """Count starts and ends, and take off the pairs of two groups."""
    cdef int64_t group, begin, end
    for group in range(first, last):
        begin, end = offsets[group], offsets[group + 1]
        if begin == end:
            continue
        ends[2 * <uint64_t> codes[begin]] += 1
        ends[2 * <uint64_t> codes[end - 1] + 1] += 1
        if begin > offsets[first]:
            pairs[codes[begin - 1] * width + codes[begin]] -= 1


def count_groups(
    const Code[::1] codes, const int64_t[::1] offsets, int64_t first, int64_t last, int64_t width,
    int64_t[:, ::1] tallies,
):
    """Count in how many groups each code is.

    Parameters
    ----------
    codes : uint8, uint16 or uint32 buffer, shape (n,)
    offsets : int64 buffer, shape (groups + 1,)
    first, last : int
        The groups from `first` up to, not including, `last`.
    width : int
        Codes are below it.
    tallies : int64 buffer, shape (width, 2)
        To the first figure of row a are added the groups with a; the second is for the function's own use, zero
        at first.

    Raises
    ------
    IndexError
        A group leaves the codes, or a code is too large.

    Examples
    --------
    >>> import numpy as np
    >>> tallies = np.zeros((2, 2), np.int64)
    >>> count_groups(np.array([0, 1, 0, 0], np.uint8), np.array([0, 3, 4]), 0, 2, 2, tallies)
    >>> tallies[:, 0].tolist()
    [2, 1]
    """
    cdef int64_t bad
    _check(offsets, first, last, codes.shape[0])
    if width < 0 or tallies.shape[0] < width or tallies.shape[1] != 2:
        raise ValueError(f"{width} codes have 2 figures each")
    if offsets[first] == offsets[last]:
        return
    bad = _too_large(&codes[0], offsets[first], offsets[last], width)
    if bad >= 0:
        raise IndexError(f"code {codes[bad]} at {bad} is not below {width}")
    with nogil:
        _groups(&codes[0], &offsets[0], first, last, <CodeTally *> &tallies[0, 0])


cdef void _groups(
    const Code *codes, const int64_t *offsets, int64_t first, int64_t last, CodeTally *tallies
) noexcept nogil:
    cdef int64_t group, i
    cdef CodeTally *tally
    for group in range(first, last):
        for i in range(offsets[group], offsets[group + 1]):
            tally = &tallies[codes[i]]
            tally.groups += tally.last != group + 1
            tally.last = group + 1


def times_between(
    const Code[::1] codes, const int64_t[::1] times, const int64_t[::1] offsets, int64_t first, int64_t last,
    int64_t width, int64_t[:, ::1] tallies, int64_t[::1] out,
):
    """Write the time between neighbours to where their pair's times go, and count the groups with each pair.

    Parameters
    ----------
    codes : uint8, uint16 or uint32 buffer, shape (n,)
    times : int64 buffer, shape (n,)
    offsets : int64 buffer, shape (groups + 1,)
    first, last : int
        The groups from `first` up to, not including, `last`.
    width : int
        Codes are below it.
    tallies : int64 buffer, shape (width * width, 3)
        In row ``a * width + b``: where in `out` the first time from a to b goes, which becomes where the next
        would go; to the second are added the groups with the pair; the third is the function's own, zero at
        first.
    out : int64 buffer, shape (m,)

    Raises
    ------
    IndexError
        A group leaves the codes, a code is too large, or a time has no place in `out`.

    Examples
    --------
    >>> import numpy as np
    >>> tallies, out = np.zeros((4, 3), np.int64), np.empty(3, np.int64)
    >>> tallies[:, 0] = 3, 0, 2, 3  # from 0 to 1 there are two, from 1 to 0 there is one
    >>> codes, times = np.array([0, 1, 0, 1], np.uint8), np.array([10, 15, 17, 20])
    >>> times_between(codes, times, np.array([0, 4]), 0, 1, 2, tallies, out)
    >>> out.tolist(), tallies[:, 1].tolist()
    ([5, 3, 2], [0, 1, 1, 0])
    """
    cdef int64_t bad
    _check(offsets, first, last, codes.shape[0])
    if times.shape[0] != codes.shape[0]:
        raise ValueError(f"{codes.shape[0]} codes need as many times, got {times.shape[0]}")
    if not 0 <= width <= WIDEST or tallies.shape[0] < width * width or tallies.shape[1] != 3:
        raise ValueError(f"{width} codes have {width * width} pairs of 3 figures each")
    if offsets[first] == offsets[last]:
        return
    bad = _too_large(&codes[0], offsets[first], offsets[last], width)
    if bad >= 0:
        raise IndexError(f"code {codes[bad]} at {bad} is not below {width}")
    with nogil:
        bad = _times_between(
            &codes[0], &times[0], &offsets[0], first, last, width, <PairTally *> &tallies[0, 0],
            &out[0] if out.shape[0] else NULL, out.shape[0],
        )
    if bad >= 0:
        raise IndexError(f"the time before {bad} has no place among {out.shape[0]}")


cdef int64_t _times_between(
    const Code *codes, const int64_t *times, const int64_t *offsets, int64_t first, int64_t last,
    uint64_t width, PairTally *tallies, int64_t *out, uint64_t room,
) noexcept nogil:
    """Write, and return the position after a time that has no place, or -1."""
    cdef int64_t group, i, begin
    cdef uint64_t at, row, before, now, code
    cdef PairTally *tally
    for group in range(first, last):
        begin = offsets[group]
        if begin == offsets[group + 1]:
            continue
        row, before = codes[begin] * width, <uint64_t> times[begin]
        for i in range(begin + 1, offsets[group + 1]):
            code, now = codes[i], <uint64_t> times[i]
            tally = tallies + row + code
            at = <uint64_t> tally.next
            if at >= room:
                return i
            # Wraps where a difference leaves 64 bits, as the numbers do everywhere else.
            out[at] = <int64_t> (now - before)
            tally.next = <int64_t> (at + 1)
            tally.groups += tally.last != group + 1
            tally.last = group + 1
            row, before = code * width, now
    return -1
