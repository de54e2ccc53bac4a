"""Pairs of neighbouring codes in groups: how often each occurs, and exact ranks of the times between them.

Passes: `count_neighbours`; `count_pairs`, which also counts in how many groups; `spread`, which puts every
difference into a bucket of a log-linear histogram; and `collect`, which keeps only the differences of those
buckets that hold a wanted rank. What is added up are integers, so groups may be cut anywhere.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc

from dealtrace_ext.buckets cimport DT_BUCKETS, dt_bucket

cdef extern from *:
    """
    typedef __int128 dt_int128;
    typedef unsigned __int128 dt_uint128;
    """
    ctypedef int dt_int128
    ctypedef int dt_uint128

cdef enum:
    NOWHERE = 0xFFFFFFFF
    MOST = 1 << 30                 # neighbours that are counted in 32 bits
    CHUNK = 512

BUCKETS = DT_BUCKETS
"""Buckets of a histogram of 64-bit values."""

ctypedef fused Code:
    uint8_t
    uint16_t
    uint32_t


cdef struct PairTally:
    int64_t count, groups, last    # the last group that had it, from 1


cdef struct CodeTally:
    int64_t groups, starts, ends, last


cdef struct Place:
    uint32_t pair, first, mask     # number of the pair, its first bucket, all ones where it has more than one


cdef struct Sums:
    uint64_t low, high, square_low, square_middle, square_high


cdef struct Small:                 # sums that are known not to overflow
    uint64_t low, square_low, square_middle


cdef inline void _add(Sums *sums, int64_t value) noexcept nogil:
    cdef dt_int128 total = (<dt_int128> <int64_t> sums.high << 64) | sums.low
    cdef dt_uint128 square = <dt_uint128> (<dt_int128> value * value)
    cdef dt_uint128 squares = (<dt_uint128> sums.square_middle << 64) | sums.square_low
    total += value
    squares += square
    sums.low, sums.high = <uint64_t> total, <uint64_t> (total >> 64)
    sums.square_high += squares < square
    sums.square_low, sums.square_middle = <uint64_t> squares, <uint64_t> (squares >> 64)


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
    if width < 0 or pairs.shape[0] < width * width or ends.shape[0] < width or ends.shape[1] != 2:
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


def count_pairs(
    const Code[::1] codes, const int64_t[::1] offsets, int64_t first, int64_t last, int64_t width,
    int64_t[:, ::1] pairs, int64_t[:, ::1] singles,
):
    """Count pairs of neighbours, and the codes that groups start and end with.

    Parameters
    ----------
    codes : uint8, uint16 or uint32 buffer, shape (n,)
    offsets : int64 buffer, shape (groups + 1,)
    first, last : int
        The groups from `first` up to, not including, `last`.
    width : int
        Codes are below it.
    pairs : int64 buffer, shape (width * width, 3)
        To row ``a * width + b`` are added: how often b follows a; in how many groups. The third is for the
        function's own use; zero at first, as the others.
    singles : int64 buffer, shape (width, 4)
        To row a are added: groups with a, groups that start with it, that end with it; the fourth is its own.

    Raises
    ------
    IndexError
        A group leaves the codes, or a code is too large.

    Examples
    --------
    >>> import numpy as np
    >>> pairs, singles = np.zeros((4, 3), np.int64), np.zeros((2, 4), np.int64)
    >>> count_pairs(np.array([0, 1, 0, 1], np.uint8), np.array([0, 4]), 0, 1, 2, pairs, singles)
    >>> pairs[:, :2].tolist(), singles[:, :3].tolist()
    ([[0, 0], [2, 1], [1, 1], [0, 0]], [[1, 1, 0], [1, 0, 1]])
    """
    cdef int64_t bad
    _check(offsets, first, last, codes.shape[0])
    if width < 0 or pairs.shape[0] < width * width or pairs.shape[1] != 3:
        raise ValueError(f"{width} codes have {width * width} pairs of 3 figures each")
    if singles.shape[0] < width or singles.shape[1] != 4:
        raise ValueError(f"{width} codes have 4 figures each")
    if first == last or codes.shape[0] == 0:
        return
    with nogil:
        bad = _count(&codes[0], &offsets[0], first, last, width, <PairTally *> &pairs[0, 0] if width else NULL,
                     <CodeTally *> &singles[0, 0] if width else NULL)
    if bad >= 0:
        raise IndexError(f"code {codes[bad]} at {bad} is not below {width}")


cdef int64_t _count(
    const Code *codes, const int64_t *offsets, int64_t first, int64_t last, uint64_t width,
    PairTally *pairs, CodeTally *singles,
) noexcept nogil:
    """Count, and return the position of a code that is too large, or -1."""
    cdef int64_t group, i
    cdef uint64_t before, code
    cdef PairTally *pair
    cdef CodeTally *single
    for group in range(first, last):
        before = width
        for i in range(offsets[group], offsets[group + 1]):
            code = codes[i]
            if code >= width:
                return i
            single = &singles[code]
            single.groups += single.last != group + 1
            single.last = group + 1
            if before == width:
                single.starts += 1
            else:
                pair = &pairs[before * width + code]
                pair.count += 1
                pair.groups += pair.last != group + 1
                pair.last = group + 1
            before = code
        if before != width:
            singles[before].ends += 1
    return -1


def spread(
    const Code[::1] codes, const int64_t[::1] times, const int64_t[::1] offsets, int64_t first, int64_t last,
    int64_t width, const uint32_t[:, ::1] places, uint32_t[::1] histogram, uint64_t[:, ::1] sums,
):
    """Add the time between the neighbours of each pair to its histogram and to its sums.

    Parameters
    ----------
    codes : uint8, uint16 or uint32 buffer, shape (n,)
    times : int64 buffer, shape (n,)
        Never falling within a group.
    offsets : int64 buffer, shape (groups + 1,)
    first, last : int
        The groups from `first` up to, not including, `last`.
    width : int
        Codes are below it.
    places : uint32 buffer, shape (width * width, 3)
        Of each pair: its row in `sums`, its first bucket, and the mask of its buckets: ``2**32 - 1`` for
        `BUCKETS` of them, 0 for a single one. A row of ``2**32 - 1`` is a pair that does not occur.
    histogram : uint32 buffer, shape (buckets,)
    sums : uint64 buffer, shape (rows, 5)
        The sum in two's complement, and the sum of squares, low words first.

    Raises
    ------
    IndexError
        A group leaves the codes, a code is too large, or a pair has no place.
    """
    cdef int64_t bad
    cdef Small *small = NULL
    cdef uint64_t rows = sums.shape[0], room = histogram.shape[0]
    _check_places(codes.shape[0], times.shape[0], offsets, first, last, width, places)
    if sums.shape[1] != 5:
        raise ValueError("sums have 5 words each")
    if offsets[first] == offsets[last] or width == 0:
        return
    bad = _too_large(&codes[0], offsets[first], offsets[last], width)
    if bad < 0 and _stay_small(&times[0], &offsets[0], first, last):
        small = <Small *> calloc(max(rows, <uint64_t> 1), sizeof(Small))
        if small == NULL:
            raise MemoryError(f"no memory for {rows:,} sums")
    if bad < 0:
        with nogil:
            bad = _spread(
                &codes[0], &times[0], &offsets[0], first, last, width, <const Place *> &places[0, 0],
                &histogram[0] if room else NULL, room, <Sums *> &sums[0, 0] if rows else NULL, small, rows,
            )
            if small != NULL:
                _take_over(small, sums)
                free(small)
    if bad >= 0:
        raise IndexError(f"the pair before {bad} has no place")


cdef bint _stay_small(const int64_t *times, const int64_t *offsets, int64_t first, int64_t last) noexcept nogil:
    """Whether all differences together stay below 2**62, so that their squares together stay below 2**124."""
    cdef double total = 0
    cdef int64_t group
    for group in range(first, last):
        if offsets[group] < offsets[group + 1]:
            total += <double> (<uint64_t> times[offsets[group + 1] - 1] - <uint64_t> times[offsets[group]])
    return total < 4611686018427387904.0


cdef int64_t _spread(
    const Code *codes, const int64_t *times, const int64_t *offsets, int64_t first, int64_t last,
    uint64_t width, const Place *places, uint32_t *histogram, uint64_t room, Sums *sums, Small *small,
    uint64_t rows,
) noexcept nogil:
    """Fill the histogram, and `small` where there is one, else `sums`."""
    cdef int64_t group, i, begin
    cdef uint64_t at, value, code, row, before
    cdef const Place *place
    for group in range(first, last):
        begin = offsets[group]
        if begin == offsets[group + 1]:
            continue
        row, before = codes[begin] * width, <uint64_t> times[begin]
        for i in range(begin + 1, offsets[group + 1]):
            code, value = codes[i], <uint64_t> times[i] - before
            place, row, before = places + row + code, code * width, <uint64_t> times[i]
            at = place.first + <uint64_t> (dt_bucket(value) & place.mask)
            if at >= room or place.pair >= rows:
                return i
            histogram[at] += 1
            if small != NULL:
                _add_small(small + place.pair, value)
            else:
                _add(sums + place.pair, <int64_t> value)
    return -1


cdef inline void _add_small(Small *small, uint64_t value) noexcept nogil:
    cdef dt_uint128 squares = (<dt_uint128> small.square_middle << 64) | small.square_low
    squares += <dt_uint128> value * value
    small.low += value
    small.square_low, small.square_middle = <uint64_t> squares, <uint64_t> (squares >> 64)


cdef void _take_over(const Small *small, uint64_t[:, ::1] sums) noexcept nogil:
    """Add the small sums to the large ones."""
    cdef int64_t row
    cdef Sums *into
    cdef dt_uint128 total, squares, more
    for row in range(sums.shape[0]):
        into = <Sums *> &sums[row, 0]
        total = ((<dt_uint128> into.high << 64) | into.low) + small[row].low
        more = (<dt_uint128> small[row].square_middle << 64) | small[row].square_low
        squares = ((<dt_uint128> into.square_middle << 64) | into.square_low) + more
        into.low, into.high = <uint64_t> total, <uint64_t> (total >> 64)
        into.square_high += squares < more
        into.square_low, into.square_middle = <uint64_t> squares, <uint64_t> (squares >> 64)


def collect(
    const Code[::1] codes, const int64_t[::1] times, const int64_t[::1] offsets, int64_t first, int64_t last,
    int64_t width, const uint32_t[:, ::1] places, uint32_t[::1] cursors, int64_t[::1] out,
):
    """Write the times between neighbours to where the cursor of their bucket stands, and advance it.

    Parameters
    ----------
    codes, times : buffers, shape (n,)
    offsets : int64 buffer, shape (groups + 1,)
    first, last, width : int
    places : uint32 buffer, shape (width * width, 3)
        As for `spread`.
    cursors : uint32 buffer, shape (buckets,)
        ``2**32 - 1`` where the bucket is not wanted.
    out : int64 buffer, shape (m,)

    Raises
    ------
    IndexError
        As for `spread`, or a cursor leaves `out`.
    """
    cdef int64_t bad
    _check_places(codes.shape[0], times.shape[0], offsets, first, last, width, places)
    if offsets[first] == offsets[last] or width == 0:
        return
    bad = _too_large(&codes[0], offsets[first], offsets[last], width)
    cdef int64_t bucket, room = cursors.shape[0]
    cdef uint8_t *wanted
    if bad < 0:
        wanted = <uint8_t *> malloc(room + 1)
        if wanted == NULL:
            raise MemoryError(f"no memory for {room:,} buckets")
        with nogil:
            for bucket in range(room):
                wanted[bucket] = cursors[bucket] != NOWHERE
            # What has no place comes to light in the list of what is wanted.
            wanted[room] = 1
            bad = _collect(
                &codes[0], &times[0], &offsets[0], first, last, width, <const Place *> &places[0, 0], wanted,
                &cursors[0] if room else NULL, room, &out[0] if out.shape[0] else NULL, out.shape[0],
            )
            free(wanted)
    if bad >= 0:
        raise IndexError(f"the pair before {bad} has no place")


cdef int64_t _collect(
    const Code *codes, const int64_t *times, const int64_t *offsets, int64_t first, int64_t last,
    uint64_t width, const Place *places, const uint8_t *wanted, uint32_t *cursors, uint64_t room, int64_t *out,
    uint64_t size,
) noexcept nogil:
    """List what is wanted of a chunk without a branch, across the groups; then leave out where one starts."""
    cdef uint64_t ats[CHUNK]
    cdef uint64_t values[CHUNK]
    cdef int64_t spots[CHUNK]
    cdef int64_t i, j, n, begin = offsets[first] + 1, until, end = offsets[last], group = first
    cdef uint64_t at, value, code, row = codes[offsets[first]] * width, before = <uint64_t> times[offsets[first]]
    cdef const Place *place
    while begin < end:
        until, n = min(end, begin + CHUNK), 0
        for i in range(begin, until):
            code, value = codes[i], <uint64_t> times[i] - before
            place, row, before = places + row + code, code * width, <uint64_t> times[i]
            at = min(place.first + <uint64_t> (dt_bucket(value) & place.mask), room)
            ats[n], values[n], spots[n] = at, value, i
            n += wanted[at]
        for j in range(n):
            while group < last and offsets[group] < spots[j]:
                group += 1
            if group < last and offsets[group] == spots[j]:
                continue
            if ats[j] == room or cursors[ats[j]] >= size:
                return spots[j]
            out[cursors[ats[j]]] = <int64_t> values[j]
            cursors[ats[j]] += 1
        begin = until
    return -1


cdef int _check_places(
    int64_t n, int64_t stamps, const int64_t[::1] offsets, int64_t first, int64_t last, int64_t width,
    const uint32_t[:, ::1] places,
) except -1:
    _check(offsets, first, last, n)
    if stamps != n:
        raise ValueError(f"{n} codes need as many times, got {stamps}")
    if width < 0 or places.shape[0] < width * width or places.shape[1] != 3:
        raise ValueError(f"{width} codes have {width * width} pairs of 3 figures each")
    return 0
