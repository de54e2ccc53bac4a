"""Exact sums of int64 values and of their squares, group by group."""

from libc.stdint cimport int64_t, uint64_t

cdef extern from *:
    """
    typedef __int128 dt_int128;
    typedef unsigned __int128 dt_uint128;
    """
    ctypedef int dt_int128
    ctypedef int dt_uint128


cdef struct Sums:
    uint64_t low, high                          # two's complement
    uint64_t square_low, square_middle, square_high


cdef Sums _sums(const int64_t *values, int64_t n) noexcept nogil:
    cdef dt_int128 total = 0
    cdef dt_uint128 squares = 0, square
    cdef uint64_t carry = 0
    cdef int64_t i
    cdef Sums sums
    for i in range(n):
        total += values[i]
        square = <dt_uint128> (<dt_int128> values[i] * values[i])
        squares += square
        carry += squares < square
    sums.low, sums.high = <uint64_t> total, <uint64_t> (total >> 64)
    sums.square_low, sums.square_middle, sums.square_high = <uint64_t> squares, <uint64_t> (squares >> 64), carry
    return sums


def exact_moments(const int64_t[::1] values, const int64_t[::1] offsets):
    """Return the sum and the sum of squares of each group, as Python integers.

    Parameters
    ----------
    values : int64 buffer, shape (n,)
    offsets : int64 buffer, shape (groups + 1,)
        Group g is ``values[offsets[g]:offsets[g + 1]]``.

    Returns
    -------
    list of (int, int)

    Examples
    --------
    >>> import numpy as np
    >>> exact_moments(np.array([3, 4, -2**62]), np.array([0, 2, 3]))
    [(7, 25), (-4611686018427387904, 21267647932558653966460912964485513216)]
    """
    cdef int64_t group, n = values.shape[0], groups = offsets.shape[0] - 1
    cdef Sums sums
    cdef list moments = []
    for group in range(groups):
        if not 0 <= offsets[group] <= offsets[group + 1] <= n:
            raise ValueError(f"the offsets of group {group} leave the {n} values")
        if offsets[group] == offsets[group + 1]:
            moments.append((0, 0))
            continue
        with nogil:
            sums = _sums(&values[offsets[group]], offsets[group + 1] - offsets[group])
        moments.append((
            (<int64_t> sums.high) * 2**64 + int(sums.low),
            (int(sums.square_high) << 128) + (int(sums.square_middle) << 64) + int(sums.square_low),
        ))
    return moments
