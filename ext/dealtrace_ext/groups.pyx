"""Values in groups: from first to last, order within small groups, ranks of large ones, and equal neighbours."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

from dealtrace_ext.buckets cimport DT_BUCKETS, dt_bucket

cdef enum:
    MOST = 1024                    # values of a group that is sorted here
    RUN = 16
    NOWHERE = 0xFFFFFFFF

LARGEST = MOST
"""Members of the largest group that `sort_small_groups` sorts."""

ctypedef fused Code:
    uint8_t
    uint16_t
    uint32_t


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
        raise IndexError(f"group {bad} leaves the {n} values")
    return 0


def first_to_last(
    const int64_t[::1] values, const int64_t[::1] offsets, int64_t first, int64_t last, int64_t[::1] out
):
    """Write the last minus the first value of each of the groups `first` to `last`, 0 for an empty one.

    Parameters
    ----------
    values : int64 buffer, shape (n,)
    offsets : int64 buffer, shape (groups + 1,)
    first, last : int
        The groups from `first` up to, not including, `last`.
    out : int64 buffer, shape (groups,)

    Raises
    ------
    IndexError
        A group leaves the values.

    Examples
    --------
    >>> import numpy as np
    >>> out = np.empty(2, np.int64)
    >>> first_to_last(np.array([3, 4, 9]), np.array([0, 2, 3]), 0, 2, out)
    >>> out.tolist()
    [1, 0]
    """
    cdef int64_t group, begin, end
    _check(offsets, first, last, values.shape[0])
    if out.shape[0] < last:
        raise IndexError(f"no room for group {last - 1}")
    with nogil:
        for group in range(first, last):
            begin, end = offsets[group], offsets[group + 1]
            out[group] = values[end - 1] - values[begin] if end > begin else 0


def sort_small_groups(int64_t[::1] values, const int64_t[::1] offsets, int64_t first, int64_t last, int64_t largest):
    """Sort each group with at most `largest` members, in place.

    Parameters
    ----------
    values : int64 buffer, shape (n,)
    offsets : int64 buffer, shape (groups + 1,)
    first, last : int
        The groups from `first` up to, not including, `last`.
    largest : int
        At most `LARGEST`.

    Raises
    ------
    IndexError
        A group leaves the values.
    """
    cdef int64_t group, size
    _check(offsets, first, last, values.shape[0])
    if largest > MOST:
        raise ValueError(f"groups of up to {MOST} members are sorted here, not {largest}")
    with nogil:
        for group in range(first, last):
            size = offsets[group + 1] - offsets[group]
            if 1 < size <= largest:
                _sort(&values[offsets[group]], size)


cdef void _sort(int64_t *values, int64_t n) noexcept nogil:
    """Sort runs by insertion, then merge them, each time twice as long."""
    cdef int64_t spare[MOST]
    cdef int64_t begin = 0, run = RUN
    while begin < n:
        _insert(values + begin, min(run, n - begin))
        begin += run
    while run < n:
        begin = 0
        while begin + run < n:
            _merge(values + begin, run, min(2 * run, n - begin), spare)
            begin += 2 * run
        run *= 2


cdef inline void _insert(int64_t *values, int64_t n) noexcept nogil:
    cdef int64_t i, j, value
    for i in range(1, n):
        value, j = values[i], i
        while j > 0 and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value


cdef inline void _merge(int64_t *values, int64_t middle, int64_t end, int64_t *spare) noexcept nogil:
    """Merge two sorted runs: the left one is copied out of the way."""
    cdef int64_t left = 0, right = middle, at = 0
    memcpy(spare, values, middle * sizeof(int64_t))
    while left < middle:
        if right < end and values[right] < spare[left]:
            values[at] = values[right]
            right += 1
        else:
            values[at] = spare[left]
            left += 1
        at += 1


def ranked(const int64_t[::1] values, const int64_t[::1] ranks, int64_t[::1] out):
    """Write the values at `ranks`, as if the values were sorted.

    A histogram says in which buckets the ranks lie; only the values of these are looked at again.

    Parameters
    ----------
    values : int64 buffer, shape (n,)
    ranks : int64 buffer, shape (k,)
        From 0 to n - 1, none smaller than the one before.
    out : int64 buffer, shape (k,)

    Raises
    ------
    IndexError
        A rank is outside or smaller than the one before.
    OverflowError
        There are 2**32 - 1 values or more.

    Examples
    --------
    >>> import numpy as np
    >>> out = np.empty(2, np.int64)
    >>> ranked(np.array([30, -10, 20]), np.array([0, 1]), out)
    >>> out.tolist()
    [-10, 20]
    """
    cdef int64_t n = values.shape[0], count = ranks.shape[0], before = 0
    cdef int status
    if n >= NOWHERE:
        raise OverflowError(f"{n:,} values cannot be counted in 32 bits")
    if out.shape[0] != count:
        raise ValueError(f"{count} ranks need as many places")
    for rank in ranks:
        if not before <= rank < n:
            raise IndexError(f"rank {rank} is not from {before} to {n - 1}")
        before = rank
    if count == 0:
        return
    with nogil:
        status = _ranked(&values[0], n, &ranks[0], count, 0, &out[0])
    if status < 0:
        raise MemoryError(f"no memory for the buckets of {n:,} values")


cdef int _ranked(
    const int64_t *values, int64_t n, const int64_t *ranks, int64_t count, int64_t less, int64_t *out
) noexcept nogil:
    """Find ranks, of which `less` lie below all values; -1 where there is no memory."""
    cdef int64_t lowest = values[0], highest = values[0], i
    cdef uint32_t *buckets
    cdef int status
    if n <= MOST:
        _ranked_few(values, n, ranks, count, less, out)
        return 0
    for i in range(n):
        lowest, highest = min(lowest, values[i]), max(highest, values[i])
    if lowest == highest:
        for i in range(count):
            out[i] = lowest
        return 0
    buckets = <uint32_t *> calloc(2 * DT_BUCKETS, sizeof(uint32_t))
    if buckets == NULL:
        return -1
    for i in range(n):
        buckets[dt_bucket(<uint64_t> values[i] - <uint64_t> lowest)] += 1
    status = _ranked_in(values, n, lowest, ranks, count, less, buckets, buckets + DT_BUCKETS, out)
    free(buckets)
    return status


cdef int _ranked_in(
    const int64_t *values, int64_t n, int64_t lowest, const int64_t *ranks, int64_t count, int64_t less,
    const uint32_t *sizes, uint32_t *cursors, int64_t *out,
) noexcept nogil:
    """Gather the values of the buckets in which ranks lie, and find them there."""
    cdef int64_t bucket, i, first, room = 0, at = less, rank = 0
    cdef int64_t *gathered
    cdef int status = 0
    for bucket in range(DT_BUCKETS):
        cursors[bucket] = NOWHERE
        if rank < count and ranks[rank] < at + sizes[bucket]:
            cursors[bucket] = <uint32_t> room
            room += sizes[bucket]
        at += sizes[bucket]
        while rank < count and ranks[rank] < at:
            rank += 1
    gathered = <int64_t *> malloc(room * sizeof(int64_t))
    if gathered == NULL:
        return -1
    for i in range(n):
        bucket = dt_bucket(<uint64_t> values[i] - <uint64_t> lowest)
        if cursors[bucket] != NOWHERE:
            gathered[cursors[bucket]] = values[i]
            cursors[bucket] += 1
    at, rank = less, 0
    for bucket in range(DT_BUCKETS):
        at += sizes[bucket]
        first = rank
        while rank < count and ranks[rank] < at:
            rank += 1
        # The values are at most a 32nd as far apart as before, so that this ends.
        if rank > first and status == 0:
            status = _ranked(
                gathered + cursors[bucket] - sizes[bucket], sizes[bucket], ranks + first, rank - first,
                at - sizes[bucket], out + first,
            )
    free(gathered)
    return status


cdef void _ranked_few(
    const int64_t *values, int64_t n, const int64_t *ranks, int64_t count, int64_t less, int64_t *out
) noexcept nogil:
    cdef int64_t ordered[MOST]
    cdef int64_t i
    memcpy(ordered, values, n * sizeof(int64_t))
    _sort(ordered, n)
    for i in range(count):
        out[i] = ordered[ranks[i] - less]


def count_ties(
    const Code[::1] codes, const int64_t[::1] times, const int64_t[::1] offsets, int64_t first, int64_t last,
    int64_t[::1] seen, int64_t[::1] out,
):
    """Add to ``out[0]`` the events at the time of the one before, to ``out[1]`` those of them whose code was there.

    Parameters
    ----------
    codes : uint8, uint16 or uint32 buffer, shape (n,)
    times : int64 buffer, shape (n,)
    offsets : int64 buffer, shape (groups + 1,)
    first, last : int
        The groups from `first` up to, not including, `last`.
    seen : int64 buffer, shape (codes,)
        -1 at first.
    out : int64 buffer, shape (2,)

    Raises
    ------
    IndexError
        A group leaves the values, or a code has no place in `seen`.
    """
    cdef int64_t bad
    _check(offsets, first, last, codes.shape[0])
    if times.shape[0] != codes.shape[0] or out.shape[0] != 2:
        raise ValueError("codes and times must be of one length, and there are two counts")
    with nogil:
        bad = _count_ties(codes, times, offsets, first, last, seen, out)
    if bad >= 0:
        raise IndexError(f"code {codes[bad]} at {bad} has no place")


cdef int64_t _count_ties(
    const Code[::1] codes, const int64_t[::1] times, const int64_t[::1] offsets, int64_t first, int64_t last,
    int64_t[::1] seen, int64_t[::1] out,
) noexcept nogil:
    cdef int64_t group, i, begin, start
    for group in range(first, last):
        begin = start = offsets[group]
        for i in range(begin, offsets[group + 1]):
            if codes[i] >= seen.shape[0]:
                return i
            if i > begin and times[i] == times[i - 1]:
                out[0] += 1
                out[1] += seen[codes[i]] == start
            else:
                start = i
            seen[codes[i]] = start
    return -1
