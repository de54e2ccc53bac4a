"""Integer sequences to sequence numbers, in order of first appearance: hashed, and every hit compared."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp

from dealtrace_ext.hashing cimport DT_GOLDEN, DT_ODD, dt_mix, dt_prefetch

cdef enum:
    AHEAD = 12                     # sequences between the steps that bring in what is needed
    FEW = 1024

ctypedef fused Code:
    uint8_t
    uint16_t
    uint32_t


cdef struct Slot:
    uint64_t hash
    int32_t number                 # number + 1; 0 is an empty slot
    int32_t first                  # the first sequence that has it


def hash_sequences(
    const Code[::1] codes, const int64_t[::1] offsets, const uint64_t[::1] words, int64_t first, int64_t last,
    uint64_t[::1] hashes,
):
    """Write a 64-bit hash of each of the sequences `first` to `last`.

    Parameters
    ----------
    codes : uint8, uint16 or uint32 buffer, shape (n,)
    offsets : int64 buffer, shape (sequences + 1,)
    words : uint64 buffer, shape (distinct codes,)
        What stands for each code; the hash depends on these, not on the codes.
    first, last : int
        The sequences from `first` up to, not including, `last`.
    hashes : uint64 buffer, shape (sequences,)

    Raises
    ------
    IndexError
        A sequence leaves the codes, or a code has no word.
    """
    cdef int64_t sequence, i, bad = -1, n = codes.shape[0], distinct = words.shape[0]
    cdef uint64_t value
    if not 0 <= first <= last < offsets.shape[0] or hashes.shape[0] < last:
        raise IndexError(f"there are no sequences {first} to {last}")
    with nogil:
        for sequence in range(first, last):
            if not 0 <= offsets[sequence] <= offsets[sequence + 1] <= n:
                bad = sequence
                break
            value = DT_GOLDEN
            for i in range(offsets[sequence], offsets[sequence + 1]):
                if codes[i] >= distinct:
                    bad = sequence
                    break
                value = dt_mix(value ^ words[codes[i]], DT_ODD)
                # A zero would swallow what comes next.
                value += DT_GOLDEN
            hashes[sequence] = value
    if bad >= 0:
        raise IndexError(f"sequence {bad} leaves the {n} codes or the {distinct} words")


def number_sequences(
    const Code[::1] codes, const int64_t[::1] offsets, const uint64_t[::1] hashes, int32_t[::1] numbers,
    int32_t[::1] firsts,
):
    """Give equal sequences the same number, counting from 0 in order of first appearance.

    Parameters
    ----------
    codes : uint8, uint16 or uint32 buffer, shape (n,)
    offsets : int64 buffer, shape (sequences + 1,)
    hashes : uint64 buffer, shape (sequences,)
        Equal for equal sequences. Two sequences with one hash are compared and stay two.
    numbers : int32 buffer, shape (sequences,)
        The number of each sequence.
    firsts : int32 buffer, shape (sequences,)
        ``firsts[k]`` is the first sequence with number k, for the numbers given.

    Returns
    -------
    int
        How many distinct sequences there are.

    Raises
    ------
    IndexError
        A sequence leaves the codes.

    Examples
    --------
    >>> import numpy as np
    >>> codes, offsets = np.array([1, 2, 1, 1, 2], dtype=np.uint8), np.array([0, 2, 3, 5])
    >>> numbers, firsts = np.empty(3, np.int32), np.empty(3, np.int32)
    >>> number_sequences(codes, offsets, np.zeros(3, np.uint64), numbers, firsts), numbers.tolist()
    (2, [0, 1, 0])
    """
    cdef int64_t n = offsets.shape[0] - 1, count
    if n < 0 or n > 0x7FFFFFFE:
        raise OverflowError(f"{n:,} sequences cannot be numbered in 32 bits")
    if hashes.shape[0] != n or numbers.shape[0] != n or firsts.shape[0] != n:
        raise ValueError(f"{n} sequences need as many hashes, numbers and firsts")
    _check(offsets, codes.shape[0])
    if n == 0:
        return 0
    with nogil:
        count = _number(
            &codes[0] if codes.shape[0] else NULL, &offsets[0], &hashes[0], n, &numbers[0], &firsts[0]
        )
    if count < 0:
        raise MemoryError(f"no memory for a table of {n:,} sequences")
    return count


cdef int64_t _number(
    const Code *codes, const int64_t *offsets, const uint64_t *hashes, int64_t n, int32_t *numbers,
    int32_t *firsts,
) noexcept nogil:
    """Number the sequences; return how many differ, or -1 where there is no memory.

    What is compared lies anywhere, so it is brought in ahead, step by step: the slot, where the sequence found
    there begins, the sequence itself.
    """
    cdef uint64_t room = FEW, mask = FEW - 1
    cdef Slot *slots = <Slot *> calloc(room, sizeof(Slot))
    cdef Slot *slot
    cdef int64_t i
    cdef int32_t count = 0
    if slots == NULL:
        return -1
    for i in range(n):
        if i + 3 * AHEAD < n:
            dt_prefetch(&slots[hashes[i + 3 * AHEAD] & mask])
            dt_prefetch(&offsets[slots[hashes[i + 2 * AHEAD] & mask].first])
            dt_prefetch(codes + offsets[slots[hashes[i + AHEAD] & mask].first])
        slot = _find(slots, mask, codes, offsets, hashes, i)
        if slot.number == 0:
            firsts[count] = <int32_t> i
            count += 1
            slot.hash, slot.number, slot.first = hashes[i], count, <int32_t> i
        numbers[i] = slot.number - 1
        if <uint64_t> count * 2 > room:
            slots = _larger(slots, room)
            if slots == NULL:
                return -1
            room *= 4
            mask = room - 1
    free(slots)
    return count


cdef Slot *_larger(Slot *slots, uint64_t room) noexcept nogil:
    """Move a table into one of four times the room."""
    cdef uint64_t mask = 4 * room - 1, at, i
    cdef Slot *larger = <Slot *> calloc(4 * room, sizeof(Slot))
    if larger != NULL:
        for i in range(room):
            if slots[i].number:
                at = slots[i].hash & mask
                while larger[at].number:
                    at = (at + 1) & mask
                larger[at] = slots[i]
    free(slots)
    return larger


cdef int _check(const int64_t[::1] offsets, int64_t n) except -1:
    cdef int64_t i
    for i in range(offsets.shape[0] - 1):
        if not 0 <= offsets[i] <= offsets[i + 1] <= n:
            raise IndexError(f"sequence {i} leaves the {n} codes")
    return 0


cdef inline Slot *_find(
    Slot *slots, uint64_t mask, const Code *codes, const int64_t *offsets, const uint64_t *hashes, int64_t i
) noexcept nogil:
    """Return the slot of sequence i, or the empty one where it belongs."""
    cdef uint64_t at = hashes[i] & mask
    cdef int64_t length = offsets[i + 1] - offsets[i], other
    while slots[at].number != 0:
        if slots[at].hash == hashes[i]:
            other = slots[at].first
            if offsets[other + 1] - offsets[other] == length and (
                length == 0
                or memcmp(codes + offsets[i], codes + offsets[other], length * sizeof(Code)) == 0
            ):
                break
        at = (at + 1) & mask
    return &slots[at]
