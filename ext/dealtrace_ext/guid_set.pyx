"""Which GUIDs were not there before: a growing set of numbers of 128 bits, 16 bytes a slot."""

cimport cython
from libc.stdint cimport int64_t, uint64_t, uint8_t
from libc.stdlib cimport calloc, free

from dealtrace_ext.hashing cimport DT_GOLDEN, dt_mix, dt_prefetch

import os

cdef enum:
    AHEAD = 16


cdef struct Slot:
    uint64_t high, low   # both 0 where it is empty


@cython.final
cdef class GuidSet:
    """A growing set of numbers of 128 bits.

    Parameters
    ----------
    hash_bits : int
        For tests: keep so few bits of each hash that collisions are certain.

    Examples
    --------
    >>> import numpy as np
    >>> known, first = GuidSet(), np.empty(3, np.uint8)
    >>> known.add(np.array([1, 2, 1], np.uint64), np.array([5, 5, 5], np.uint64), first)
    >>> first.tolist(), len(known)
    ([1, 1, 0], 2)
    """

    cdef Slot *slots
    cdef uint64_t mask
    cdef uint64_t seed
    cdef uint64_t hash_mask
    cdef int64_t count
    cdef bint has_zero         # 0 looks like an empty slot

    def __cinit__(self, int hash_bits=64):
        if not 1 <= hash_bits <= 64:
            raise ValueError(f"no table with {hash_bits} bits of hash")
        self.mask = 1023
        # A seed of its own for each table: no input can be made to collide on purpose.
        self.seed = int.from_bytes(os.urandom(8), "little") | 1
        self.hash_mask = (~<uint64_t> 0) >> (64 - hash_bits)
        self.slots = <Slot *> calloc(self.mask + 1, sizeof(Slot))
        if self.slots == NULL:
            raise MemoryError("no memory for the set of GUIDs")

    def __dealloc__(self):
        free(self.slots)

    def __len__(self):
        return self.count + self.has_zero

    def add(self, const uint64_t[::1] high, const uint64_t[::1] low, uint8_t[::1] first):
        """Add numbers, and say of each whether it was not there before.

        Parameters
        ----------
        high, low : uint64 buffers, shape (n,)
        first : uint8 buffer, shape (n,)
            1 where it was not there, also not earlier in the same call; else 0.

        Raises
        ------
        ValueError
            The buffers' lengths differ.
        """
        cdef int64_t i, n = high.shape[0]
        if low.shape[0] != n or first.shape[0] != n:
            raise ValueError(f"{n} numbers need as many low halves and places for what is found")
        with nogil:
            for i in range(n):
                # three quarters are taken at most
                if self.count + 1 > <int64_t> (self.mask + 1) // 4 * 3 and not self._grow():
                    with gil:
                        raise MemoryError(f"no memory for {self.count:,} GUIDs")
                if i + AHEAD < n:
                    dt_prefetch(&self.slots[self._place(high[i + AHEAD], low[i + AHEAD])])
                first[i] = self._add(high[i], low[i])

    cdef inline uint64_t _place(self, uint64_t high, uint64_t low) noexcept nogil:
        return dt_mix(dt_mix(high ^ self.seed, DT_GOLDEN) ^ low, self.seed) & self.hash_mask & self.mask

    cdef inline bint _add(self, uint64_t high, uint64_t low) noexcept nogil:
        cdef uint64_t at = self._place(high, low)
        cdef bint known
        if high == 0 and low == 0:
            known, self.has_zero = self.has_zero, True
            return not known
        while self.slots[at].high or self.slots[at].low:
            if self.slots[at].high == high and self.slots[at].low == low:
                return False
            at = (at + 1) & self.mask
        self.slots[at].high, self.slots[at].low = high, low
        self.count += 1
        return True

    cdef bint _grow(self) noexcept nogil:
        cdef uint64_t i, room = self.mask + 1
        cdef Slot *before = self.slots
        cdef Slot *slots = <Slot *> calloc(2 * room, sizeof(Slot))
        if slots == NULL:
            return False
        self.slots, self.mask, self.count = slots, 2 * room - 1, 0
        for i in range(room):
            if before[i].high or before[i].low:
                self._add(before[i].high, before[i].low)
        free(before)
        return True
