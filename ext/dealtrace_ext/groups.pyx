"""Values in groups: copied, from first to last, at ranks, and equal neighbours."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from dealtrace_ext.buckets cimport DT_BUCKETS, dt_bucket, dt_count, dt_gather, dt_range

cdef enum:
    MOST = 1024                    # values that are sorted to find ranks
    RUN = 16

ctypedef fused Code:
    uint8_t
    uint16_t
    uint32_t

ctypedef fused Value:
    uint8_t
    uint16_t
    uint32_t
    int64_t


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


def copy_groups(
    const Value[::1] values, const int64_t[::1] offsets, const int64_t[::1] groups,
    const int64_t[::1] new_offsets, int64_t first, int64_t last, Value[::1] out,
):
    """Copy ``groups[first:last]`` to where `new_offsets` says.

    Parameters
    ----------
    values : uint8, uint16, uint32 or int64 buffer, shape (n,)
    offsets : int64 buffer, shape (all groups + 1,)
    groups : int64 buffer, shape (m,)
        In any order; one may be copied more than once.
    new_offsets : int64 buffer, shape (m + 1,)
        As far apart as the groups are long.
    first, last : int
    out : buffer of the type of `values`, shape (k,)

    Raises
    ------
    IndexError
        There is no such group, it leaves the values, or its copy leaves `out`.

    Examples
    --------
    >>> import numpy as np
    >>> out = np.zeros(3, np.int64)
    >>> copy_groups(np.array([5, 6, 7]), np.array([0, 1, 3]), np.array([1, 0]), np.array([0, 2, 3]), 0, 2, out)
    >>> out.tolist()
    [6, 7, 5]
    """
    cdef int64_t new, group, begin, size, bad = -1
    if not 0 <= first <= last <= groups.shape[0] or new_offsets.shape[0] <= last:
        raise IndexError(f"there are no groups {first} to {last}")
    with nogil:
        for new in range(first, last):
            group = groups[new]
            if not 0 <= group < offsets.shape[0] - 1:
                bad = new
                break
            begin, size = offsets[group], offsets[group + 1] - offsets[group]
            if (
                size < 0 or not 0 <= begin <= values.shape[0] - size
                or not 0 <= new_offsets[new] <= out.shape[0] - size
                or new_offsets[new + 1] - new_offsets[new] != size
            ):
                bad = new
                break
            if size:
                memcpy(&out[new_offsets[new]], &values[begin], size * sizeof(Value))
    if bad >= 0:
        raise IndexError(f"there is no group {groups[bad]}, or it does not fit its place {bad}")


def mark_codes(const Code[::1] codes, int64_t first, int64_t last, uint8_t[::1] marks):
    """Set the marks of the codes that occur in ``codes[first:last]`` to 1.

    Raises
    ------
    IndexError
        The range leaves the codes, or a code has no mark.

    Examples
    --------
    >>> import numpy as np
    >>> marks = np.zeros(3, np.uint8)
    >>> mark_codes(np.array([2, 0, 2], np.uint8), 0, 3, marks)
    >>> marks.tolist()
    [1, 0, 1]
    """
    cdef int64_t i, bad = -1
    if not 0 <= first <= last <= codes.shape[0]:
        raise IndexError(f"there are no codes {first} to {last}")
    with nogil:
        for i in range(first, last):
            if codes[i] >= marks.shape[0]:
                bad = i
                break
            marks[codes[i]] = 1
    if bad >= 0:
        raise IndexError(f"code {codes[bad]} at {bad} has no mark")


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


def ranked(
    const int64_t[::1] values, const int64_t[::1] offsets, int64_t first, int64_t last,
    const int64_t[:, ::1] ranks, int64_t[:, ::1] out,
):
    """Write the values at `ranks` of each group, as if its values were sorted.

    A histogram says in which buckets the ranks lie; only the values of these are looked at again.

    Parameters
    ----------
    values : int64 buffer, shape (n,)
    offsets : int64 buffer, shape (groups + 1,)
    first, last : int
        The groups from `first` up to, not including, `last`.
    ranks : int64 buffer, shape (groups, k)
        From 0 to below the size of the group, none smaller than the one before.
    out : int64 buffer, shape (groups, k)
        Zeros are written for an empty group, whatever its ranks.

    Raises
    ------
    IndexError
        A group leaves the values, or a rank is outside or smaller than the one before.
    OverflowError
        A group has 2**32 values or more.

    Examples
    --------
    >>> import numpy as np
    >>> out = np.empty((2, 2), np.int64)
    >>> ranked(np.array([30, -10, 20, 7]), np.array([0, 3, 4]), 0, 2, np.array([[0, 1], [0, 0]]), out)
    >>> out.tolist()
    [[-10, 20], [7, 7]]
    """
    cdef int64_t group, size, count = ranks.shape[1], bad
    cdef int status = 0
    _check(offsets, first, last, values.shape[0])
    if ranks.shape[0] < last or out.shape[0] < last or out.shape[1] != count:
        raise ValueError(f"{last} groups need as many rows of ranks, and as many places")
    if count == 0:
        return
    bad = _badly_ranked(&offsets[0], first, last, &ranks[0, 0] if last else NULL, count)
    if bad >= 0:
        raise IndexError(
            f"ranks {list(ranks[bad])} of group {bad} do not rise from 0 to {offsets[bad + 1] - offsets[bad] - 1}"
        )
    with nogil:
        for group in range(first, last):
            size = offsets[group + 1] - offsets[group]
            if size > <int64_t> 0xFFFFFFFF:
                status = -2
                break
            if size == 0:
                memset(&out[group, 0], 0, count * sizeof(int64_t))
            else:
                status = _ranked(&values[offsets[group]], size, &ranks[group, 0], count, 0, &out[group, 0])
            if status < 0:
                break
    if status == -1:
        raise MemoryError(f"no memory for the buckets of group {group}")
    if status == -2:
        raise OverflowError(f"the {size:,} values of group {group} cannot be counted in 32 bits")


cdef int64_t _badly_ranked(
    const int64_t *offsets, int64_t first, int64_t last, const int64_t *ranks, int64_t count
) noexcept nogil:
    """Return a group with a rank that is outside or smaller than the one before, or -1."""
    cdef int64_t group, i, before, size
    for group in range(first, last):
        before, size = 0, offsets[group + 1] - offsets[group]
        for i in range(group * count, (group + 1) * count):
            if size and not before <= ranks[i] < size:
                return group
            before = ranks[i]
    return -1


cdef int _ranked(
    const int64_t *values, int64_t n, const int64_t *ranks, int64_t count, int64_t less, int64_t *out
) noexcept nogil:
    """Find ranks, of which `less` lie below all values; -1 where there is no memory."""
    cdef int64_t lowest, highest, i
    cdef dt_bucket *buckets
    cdef int status
    if n <= MOST:
        _ranked_few(values, n, ranks, count, less, out)
        return 0
    dt_range(values, n, &lowest, &highest)
    if lowest == highest:
        for i in range(count):
            out[i] = lowest
        return 0
    buckets = <dt_bucket *> calloc(DT_BUCKETS, sizeof(dt_bucket))
    if buckets == NULL:
        return -1
    dt_count(values, n, lowest, buckets)
    status = _ranked_in(values, n, lowest, ranks, count, less, buckets, out)
    free(buckets)
    return status


cdef int _ranked_in(
    const int64_t *values, int64_t n, int64_t lowest, const int64_t *ranks, int64_t count, int64_t less,
    dt_bucket *buckets, int64_t *out,
) noexcept nogil:
    """Gather the values of the buckets in which ranks lie, and find them there."""
    cdef int64_t b, first, room = 0, at = less, rank = 0
    cdef int64_t *gathered
    cdef dt_bucket *bucket
    cdef int status = 0
    for b in range(DT_BUCKETS):
        buckets[b].next = room
        if rank < count and ranks[rank] < at + buckets[b].size:
            buckets[b].wanted = 1
            room += buckets[b].size
        at += buckets[b].size
        while rank < count and ranks[rank] < at:
            rank += 1
    gathered = <int64_t *> malloc((room + 1) * sizeof(int64_t))
    if gathered == NULL:
        return -1
    for b in range(DT_BUCKETS):
        if not buckets[b].wanted:
            buckets[b].next = room
    dt_gather(values, n, lowest, buckets, gathered)
    at, rank = less, 0
    for b in range(DT_BUCKETS):
        bucket = &buckets[b]
        at += bucket.size
        first = rank
        while rank < count and ranks[rank] < at:
            rank += 1
        # The values are at most a 32nd as far apart as before, so that this ends.
        if rank > first and status == 0:
            status = _ranked(
                gathered + bucket.next - bucket.size, bucket.size, ranks + first, rank - first, at - bucket.size,
                out + first,
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
