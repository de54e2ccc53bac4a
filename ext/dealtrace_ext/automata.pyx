"""Deterministic automata over integer sequences: one table look-up a code, until the state is settled."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

cdef enum:
    HERE = 1       # flag of a state: there is a match up to here
    AT_LAST = 2    # there is one if the sequence ends here

ctypedef fused Code:
    uint8_t
    uint16_t
    uint32_t


cdef class Runner:
    """An automaton laid out for running: checked once, its own memory, never changed.

    Parameters
    ----------
    table : int32 buffer, shape (states, classes)
        The next state by state and class.
    flags : uint8 buffer, shape (states,)
        1: there is a match up to here; 2: there is one if the sequence ends here.
    start, inside : int
        The state before the first code of a sequence, and before any other where reading begins there.
    settled : int
        From this state on, nothing that follows is looked at.

    Raises
    ------
    ValueError
        A state is none of the table's, or the sizes differ.
    """

    cdef int32_t *table      # by state and class; a state is its number times 2^shift
    cdef uint8_t *flags
    cdef int32_t start, inside, settled, classes
    cdef int shift

    def __cinit__(
        self, const int32_t[:, ::1] table, const uint8_t[::1] flags, int64_t start, int64_t inside, int64_t settled
    ):
        cdef int64_t states = table.shape[0], s, c
        self.shift = 0
        while (<int64_t> 1 << self.shift) < table.shape[1] and self.shift < 31:
            self.shift += 1
        if states < 1 or table.shape[1] < 1 or flags.shape[0] != states or states << self.shift >= 0x7FFFFFFF:
            raise ValueError(f"{states} states, {flags.shape[0]} flags, {table.shape[1]} classes")
        if not (0 <= start < states and 0 <= inside < states and 0 <= settled <= states):
            raise ValueError(f"{start}, {inside} or {settled} is none of {states} states")
        self.table = <int32_t *> malloc((states << self.shift) * sizeof(int32_t))
        self.flags = <uint8_t *> malloc(states)
        if self.table == NULL or self.flags == NULL:
            raise MemoryError(f"no memory for an automaton of {states:,} states")
        memset(self.table, 0, (states << self.shift) * sizeof(int32_t))
        for s in range(states):
            self.flags[s] = flags[s]
            for c in range(table.shape[1]):
                if not 0 <= table[s, c] < states:
                    raise ValueError(f"state {s} leads to {table[s, c]}, there are {states} states")
                self.table[(s << self.shift) + c] = table[s, c] << self.shift
        self.classes = <int32_t> table.shape[1]
        self.start = <int32_t> (start << self.shift)
        self.inside = <int32_t> (inside << self.shift)
        self.settled = <int32_t> (settled << self.shift)

    def __dealloc__(self):
        free(self.table)
        free(self.flags)

    cdef int check(self, const uint16_t[::1] classes) except -1:
        cdef int64_t i
        for i in range(classes.shape[0]):
            if classes[i] >= self.classes:
                raise IndexError(f"code {i} is of class {classes[i]}, there are {self.classes} classes")
        return 0


def match_sequences(
    Runner runner not None, const Code[::1] codes, const int64_t[::1] offsets, const uint16_t[::1] classes,
    int64_t first, int64_t last, uint8_t[::1] matched,
):
    """Write whether the automaton's last state has a flag, for each of the sequences `first` to `last`.

    Parameters
    ----------
    runner : Runner
    codes : uint8, uint16 or uint32 buffer, shape (n,)
    offsets : int64 buffer, shape (sequences + 1,)
    classes : uint16 buffer, shape (distinct codes,)
        The automaton's class of each code.
    first, last : int
        The sequences from `first` up to, not including, `last`.
    matched : uint8 buffer, shape (sequences,)
        1 or 0.

    Raises
    ------
    IndexError
        A sequence leaves the codes, a code has no class, or the automaton lacks a class.

    Examples
    --------
    >>> import numpy as np
    >>> table = np.array([[0, 1], [1, 1]], np.int32)  # a code of class 1 occurs
    >>> runner, matched = Runner(table, np.array([0, 3], np.uint8), 0, 0, 1), np.empty(2, np.uint8)
    >>> codes, classes = np.array([5, 4, 4], np.uint8), np.array([0, 0, 0, 0, 0, 1], np.uint16)
    >>> match_sequences(runner, codes, np.array([0, 2, 3]), classes, 0, 2, matched)
    >>> matched.tolist()
    [1, 0]
    """
    cdef int64_t sequence, i, end, bad = -1, n = codes.shape[0]
    cdef uint32_t distinct = <uint32_t> min(classes.shape[0], <int64_t> 0xFFFFFFFF)
    cdef int32_t state, settled = runner.settled
    cdef const int32_t *table = runner.table
    if not 0 <= first <= last < offsets.shape[0] or matched.shape[0] < last:
        raise IndexError(f"there are no sequences {first} to {last}")
    runner.check(classes)
    with nogil:
        for sequence in range(first, last):
            i, end = offsets[sequence], offsets[sequence + 1]
            if not 0 <= i <= end <= n:
                bad = sequence
                break
            state = runner.start
            while i < end and state < settled:
                if codes[i] >= distinct:
                    bad = sequence
                    break
                state = table[state + classes[codes[i]]]
                i += 1
            matched[sequence] = runner.flags[state >> runner.shift] != 0
    if bad >= 0:
        raise IndexError(f"sequence {bad} leaves the {n} codes or the {distinct} classes")


def find_spans(
    Runner backward not None, Runner forward not None, const Code[::1] codes, const int64_t[::1] offsets,
    const uint16_t[::1] classes, int64_t first, int64_t last, bint longest, int64_t[:, ::1] spans,
):
    """Write the first match in each of the sequences `first` to `last`: earliest start, then first or last end.

    Parameters
    ----------
    backward : Runner
        Reads a sequence from its end; has a flag wherever a match begins.
    forward : Runner
        Reads from where a match begins; has a flag wherever one ends.
    codes, offsets, classes, first, last
        As in `match_sequences`.
    longest : bool
        The last end rather than the first.
    spans : int64 buffer, shape (sequences, 2)
        Positions in `codes` of the match's start and of what follows it; -1 and -1 without a match.

    Raises
    ------
    IndexError
        As in `match_sequences`.
    """
    cdef int64_t sequence, i, begin, bad = -1, n = codes.shape[0]
    cdef int64_t distinct = classes.shape[0]
    if not 0 <= first <= last < offsets.shape[0] or spans.shape[0] < last or spans.shape[1] != 2:
        raise IndexError(f"there are no sequences {first} to {last}")
    backward.check(classes)
    forward.check(classes)
    with nogil:
        for sequence in range(first, last):
            if not 0 <= offsets[sequence] <= offsets[sequence + 1] <= n:
                bad = sequence
                break
            for i in range(offsets[sequence], offsets[sequence + 1]):
                if codes[i] >= distinct:
                    bad = sequence
                    break
            if bad >= 0:
                break
            begin = _begin(backward, codes, offsets[sequence], offsets[sequence + 1], classes)
            spans[sequence, 0] = spans[sequence, 1] = begin
            if begin >= 0:
                spans[sequence, 1] = _end(
                    forward, codes, begin, offsets[sequence], offsets[sequence + 1], classes, longest
                )
    if bad >= 0:
        raise IndexError(f"sequence {bad} leaves the {n} codes or the {distinct} classes")


cdef int64_t _begin(
    Runner backward, const Code[::1] codes, int64_t first, int64_t last, const uint16_t[::1] classes
) noexcept nogil:
    """Return where the earliest match begins, or -1."""
    cdef int64_t i = last, found = -1
    cdef int32_t state = backward.start
    cdef uint8_t flags
    while True:
        flags = backward.flags[state >> backward.shift]
        if flags & HERE or (i == first and flags & AT_LAST):
            found = i
        if i == first or state >= backward.settled:
            return found
        i -= 1
        state = backward.table[state + classes[codes[i]]]


cdef int64_t _end(
    Runner forward, const Code[::1] codes, int64_t begin, int64_t first, int64_t last,
    const uint16_t[::1] classes, bint longest,
) noexcept nogil:
    """Return the first or last end of a match that begins here, or -1."""
    cdef int64_t i = begin, found = -1
    cdef int32_t state = forward.start if begin == first else forward.inside
    cdef uint8_t flags
    while True:
        flags = forward.flags[state >> forward.shift]
        if flags & HERE or (i == last and flags & AT_LAST):
            found = i
            if not longest:
                return found
        if i == last or state >= forward.settled:
            return found
        state = forward.table[state + classes[codes[i]]]
        i += 1
