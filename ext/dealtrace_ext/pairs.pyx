"""Pairs of neighbouring codes in groups: how often each occurs, and exact ranks of the times between them.

Three passes: `count_pairs`; `spread`, which puts every difference into a bucket of a log-linear histogram; and
`collect`, which keeps only the differences of those buckets that hold a wanted rank. What is added up are
integers, so groups may be cut anywhere.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    typedef __int128 dt_int128;
    typedef unsigned __int128 dt_uint128;
    #define dt_bit_length(value) (64 - __builtin_clzll(value))
    """
    ctypedef int dt_int128
    ctypedef int dt_uint128
    int dt_bit_length(uint64_t value) noexcept nogil

cdef enum:
    BITS = 5                       # of a value that its bucket keeps, beyond the first
    NOWHERE = 0xFFFFFFFF

BUCKETS = (64 - BITS + 1) << BITS
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


cdef inline uint32_t _bucket(uint64_t value) noexcept nogil:
    """Return the bucket of a value: buckets follow the order of values."""
    cdef int above
    if value >> BITS == 0:
        return <uint32_t> value
    above = dt_bit_length(value) - BITS - 1
    return (<uint32_t> (above + 1) << BITS) + <uint32_t> ((value >> above) & ((1 << BITS) - 1))


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
    _check_places(codes.shape[0], times.shape[0], offsets, first, last, width, places)
    if sums.shape[1] != 5:
        raise ValueError("sums have 5 words each")
    if first == last or codes.shape[0] == 0 or width == 0:
        return
    with nogil:
        bad = _spread(codes, times, offsets, first, last, width, <const Place *> &places[0, 0], histogram, sums)
    if bad >= 0:
        raise IndexError(f"the pair before {bad} has no place")


cdef int64_t _spread(
    const Code[::1] codes, const int64_t[::1] times, const int64_t[::1] offsets, int64_t first, int64_t last,
    uint64_t width, const Place *places, uint32_t[::1] histogram, uint64_t[:, ::1] sums,
) noexcept nogil:
    cdef int64_t group, i
    cdef uint64_t at, rows = sums.shape[0], room = histogram.shape[0]
    cdef Place place
    for group in range(first, last):
        for i in range(offsets[group] + 1, offsets[group + 1]):
            if codes[i] >= width or codes[i - 1] >= width:
                return i
            place = places[codes[i - 1] * width + codes[i]]
            at = place.first + <uint64_t> (_bucket(<uint64_t> times[i] - <uint64_t> times[i - 1]) & place.mask)
            if place.pair >= rows or at >= room:
                return i
            histogram[at] += 1
            _add(<Sums *> &sums[place.pair, 0], <int64_t> (<uint64_t> times[i] - <uint64_t> times[i - 1]))
    return -1


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
    if first == last or codes.shape[0] == 0 or width == 0:
        return
    with nogil:
        bad = _collect(codes, times, offsets, first, last, width, <const Place *> &places[0, 0], cursors, out)
    if bad >= 0:
        raise IndexError(f"the pair before {bad} has no place")


cdef int64_t _collect(
    const Code[::1] codes, const int64_t[::1] times, const int64_t[::1] offsets, int64_t first, int64_t last,
    uint64_t width, const Place *places, uint32_t[::1] cursors, int64_t[::1] out,
) noexcept nogil:
    cdef int64_t group, i
    cdef uint64_t at, value, room = cursors.shape[0], end = out.shape[0]
    cdef Place place
    for group in range(first, last):
        for i in range(offsets[group] + 1, offsets[group + 1]):
            if codes[i] >= width or codes[i - 1] >= width:
                return i
            value = <uint64_t> times[i] - <uint64_t> times[i - 1]
            place = places[codes[i - 1] * width + codes[i]]
            at = place.first + <uint64_t> (_bucket(value) & place.mask)
            if at >= room:
                return i
            if cursors[at] == NOWHERE:
                continue
            if cursors[at] >= end:
                return i
            out[cursors[at]] = <int64_t> value
            cursors[at] += 1
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
