"""The token game as a finite automaton over markings, built on demand.

A step is a function of the marking and the label alone, so each is played once and its cost kept: from then
on a code is one table look-up. The table is bounded: when it is full it is emptied and built anew, which
costs time in nets without bound and changes no number.
"""

import threading

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy, memset

from dealtrace_ext.hashing cimport DT_GOLDEN, DT_ODD, dt_mix
from dealtrace_ext.token_rules cimport TokenRules, resize, zeros

cdef enum:
    NO_MEMORY = -1
    BAD_INPUT = -2
    FULL = -3

ctypedef fused Code:
    uint8_t
    uint16_t
    uint32_t

cdef struct Step:             # in one cache line
    int32_t next              # state + 1; 0: not yet played
    int32_t missing
    int32_t consumed
    int32_t produced

cdef struct Ending:
    int64_t missing
    int64_t consumed
    int64_t produced
    int64_t remaining
    bint known


cdef class TokenGame(TokenRules):
    """The token game on one net, for many sequences of codes.

    Parameters
    ----------
    inputs, outputs, silent, labels, initial, final
        The net, as in `TokenRules`.
    max_states : int
        Markings kept before the table is emptied; at least 3.
    """

    cdef readonly int64_t states, emptied, max_states
    cdef object _lock
    cdef int64_t capacity, slot_count
    cdef int64_t *markings
    cdef uint64_t *hashes
    cdef int32_t *slots
    cdef uint64_t *keys           # what the tokens of each place are multiplied with in the hash of a marking
    cdef Step *steps              # by state and label
    cdef Ending *endings          # by state
    cdef int64_t *step_weights    # only while tallying, as the next
    cdef int64_t *ending_weights

    def __cinit__(
        self, list inputs, list outputs, list silent, list labels, list initial, list final, int64_t max_states
    ):
        cdef uint64_t place
        self._lock = threading.Lock()
        self.max_states = max(<int64_t> 3, min(max_states, <int64_t> (1 << 30)))
        self.keys = <uint64_t *> zeros(self.places, sizeof(uint64_t))
        for place in range(<uint64_t> self.places):
            self.keys[place] = dt_mix((place + 1) * DT_GOLDEN, DT_ODD) | 1
        if self._grow(min(<int64_t> 256, self.max_states)) < 0 or self._restart() < 0:
            raise MemoryError

    def __dealloc__(self):
        free(self.markings)
        free(self.hashes)
        free(self.slots)
        free(self.keys)
        free(self.steps)
        free(self.endings)
        free(self.step_weights)
        free(self.ending_weights)

    def run(
        self, const Code[::1] codes, const int64_t[::1] offsets, const int32_t[::1] label_of,
        int64_t first, int64_t last, int64_t[::1] missing, int64_t[::1] consumed,
        int64_t[::1] produced, int64_t[::1] remaining, uint8_t[::1] fit,
    ):
        """Play the sequences first..last and write one value each to the five outputs."""
        if not 0 <= first <= last < offsets.shape[0] or min(
            missing.shape[0], consumed.shape[0], produced.shape[0], remaining.shape[0], fit.shape[0]
        ) < last:
            raise ValueError("the sequences do not fit the offsets or the outputs")
        if first == last:
            return
        cdef const Code *code = &codes[0] if codes.shape[0] else NULL
        cdef const int32_t *label = &label_of[0] if label_of.shape[0] else NULL
        cdef Ending total
        cdef bint fits
        cdef int64_t s
        cdef int status = 0
        with self._lock, nogil:
            for s in range(first, last):
                if offsets[s] < 0 or offsets[s] > offsets[s + 1] or offsets[s + 1] > codes.shape[0]:
                    status = BAD_INPUT
                    break
                status = self._play(
                    code + offsets[s], offsets[s + 1] - offsets[s], label, label_of.shape[0], &total, &fits, 0
                )
                if status < 0:
                    break
                missing[s], consumed[s] = total.missing, total.consumed
                produced[s], remaining[s], fit[s] = total.produced, total.remaining, fits
        _check(status)

    def tally(
        self, const Code[::1] codes, const int64_t[::1] offsets, const int32_t[::1] label_of,
        const int64_t[::1] weights,
    ):
        """Play all sequences, each `weights` times, and count by place and transition.

        Returns
        -------
        tuple of list of int
            Missing tokens and remaining tokens of each place, firings and problems of each transition.
        """
        if offsets.shape[0] != weights.shape[0] + 1:
            raise ValueError("one weight for each sequence is needed")
        cdef const Code *code = &codes[0] if codes.shape[0] else NULL
        cdef const int32_t *label = &label_of[0] if label_of.shape[0] else NULL
        cdef Ending total
        cdef bint fits
        cdef int64_t s
        cdef int status = 0
        with self._lock:
            self._begin_tally()
            with nogil:
                for s in range(weights.shape[0]):
                    if offsets[s] < 0 or offsets[s] > offsets[s + 1] or offsets[s + 1] > codes.shape[0]:
                        status = BAD_INPUT
                        break
                    status = self._play(
                        code + offsets[s], offsets[s + 1] - offsets[s], label, label_of.shape[0],
                        &total, &fits, weights[s],
                    )
                    if status < 0:
                        break
                self._settle()
            counts = self._end_tally()
        _check(status)
        return counts

    cdef _begin_tally(self):
        self.step_weights = <int64_t *> zeros(self.capacity * self.label_count, sizeof(int64_t))
        self.ending_weights = <int64_t *> zeros(self.capacity, sizeof(int64_t))
        memset(self.missing_at, 0, self.places * sizeof(int64_t))
        memset(self.remaining_at, 0, self.places * sizeof(int64_t))
        memset(self.fired, 0, self.transitions * sizeof(int64_t))
        memset(self.problems, 0, self.transitions * sizeof(int64_t))

    cdef tuple _end_tally(self):
        free(self.step_weights)
        free(self.ending_weights)
        self.step_weights = self.ending_weights = NULL
        return (
            [self.missing_at[p] for p in range(self.places)],
            [self.remaining_at[p] for p in range(self.places)],
            [self.fired[t] for t in range(self.transitions)],
            [self.problems[t] for t in range(self.transitions)],
        )

    # --- the automaton -------------------------------------------------------------------------------

    cdef int _play(
        self, const Code *codes, int64_t length, const int32_t *label_of, int64_t label_count,
        Ending *total, bint *fits, int64_t weight,
    ) noexcept nogil:
        cdef int64_t missing = 0, consumed = 0, produced = 0, i
        cdef int64_t width = self.label_count, at
        cdef int32_t state = 0, label
        cdef Ending *ending
        for i in range(length):
            if <int64_t> codes[i] >= label_count:
                return BAD_INPUT
            label = label_of[codes[i]]
            if label < 0:
                continue
            at = state * width + label
            if self.steps[at].next == 0:
                at = self._played(state, label)
                if at < 0 or self.out_of_memory:
                    return NO_MEMORY
            if weight:
                self.step_weights[at] += weight
            missing += self.steps[at].missing
            consumed += self.steps[at].consumed
            produced += self.steps[at].produced
            state = self.steps[at].next - 1
        ending = self._ending(state)
        if self.out_of_memory:
            return NO_MEMORY
        if weight:
            self.ending_weights[state] += weight
        fits[0] = missing == 0 and ending.remaining == 0
        total.missing = missing + ending.missing
        total.consumed = consumed + ending.consumed
        total.produced = produced + ending.produced
        total.remaining = ending.remaining
        return 0

    cdef int64_t _played(self, int32_t here, int32_t label) noexcept nogil:
        """Play a step for the first time; return its place in the table, which may have been emptied."""
        cdef int32_t there
        cdef int64_t at
        cdef Step step
        memcpy(self.marking, self.markings + here * self.places, self.places * sizeof(int64_t))
        self.step(label)
        step.missing, step.consumed = <int32_t> self.missing, <int32_t> self.consumed
        step.produced = <int32_t> self.produced
        there = self._state()
        if there == FULL:
            here = self._emptied(here)
            if here < 0:
                return NO_MEMORY
            there = self._state()
        if there < 0:
            return NO_MEMORY
        at = here * <int64_t> self.label_count + label
        step.next = there + 1
        self.steps[at] = step
        return at

    cdef int32_t _emptied(self, int32_t here) noexcept nogil:
        """Empty the table but for the initial marking and `here`; return the new number of `here`."""
        cdef int64_t size = self.places * sizeof(int64_t)
        cdef int64_t *kept = <int64_t *> malloc(2 * size + 1)
        cdef int32_t number
        if kept == NULL:
            return NO_MEMORY
        memcpy(kept, self.marking, size)
        memcpy(kept + self.places, self.markings + here * self.places, size)
        self._settle()
        self.emptied += 1
        number = self._restart()
        if number >= 0:
            memcpy(self.marking, kept + self.places, size)
            number = self._state()
            memcpy(self.marking, kept, size)
        free(kept)
        return number

    cdef Ending *_ending(self, int32_t state) noexcept nogil:
        cdef Ending *ending = self.endings + state
        if not ending.known:
            memcpy(self.marking, self.markings + state * self.places, self.places * sizeof(int64_t))
            self.end()
            ending.missing, ending.consumed = self.missing, self.consumed
            ending.produced, ending.remaining, ending.known = self.produced, self.remaining, True
        return ending

    cdef int32_t _state(self) noexcept nogil:
        """Number of the current marking, new or known; FULL where the table is full."""
        cdef uint64_t hashed = _hash(self.marking, self.keys, self.places)
        cdef int64_t slot = hashed & (self.slot_count - 1)
        cdef int64_t size = self.places * sizeof(int64_t)
        cdef int32_t state = self.slots[slot]
        while state >= 0:
            if self.hashes[state] == hashed and not memcmp(self.markings + state * self.places, self.marking, size):
                return state
            slot = (slot + 1) & (self.slot_count - 1)
            state = self.slots[slot]
        if self.states == self.max_states:
            return FULL
        if self.states == self.capacity:
            if self._grow(min(2 * self.capacity, self.max_states)) < 0:
                return NO_MEMORY
            return self._state()
        state = <int32_t> self.states
        self.states += 1
        self.slots[slot] = state
        self.hashes[state] = hashed
        memcpy(self.markings + state * self.places, self.marking, size)
        return state

    cdef int _grow(self, int64_t capacity) noexcept nogil:
        cdef int64_t width = self.label_count, old = self.capacity, slots = 4, i, slot
        while slots < 2 * capacity:
            slots *= 2
        if (
            resize(<void **> &self.markings, old * self.places, capacity * self.places, sizeof(int64_t)) < 0
            or resize(<void **> &self.hashes, old, capacity, sizeof(uint64_t)) < 0
            or resize(<void **> &self.steps, old * width, capacity * width, sizeof(Step)) < 0
            or resize(<void **> &self.endings, old, capacity, sizeof(Ending)) < 0
            or resize(<void **> &self.slots, 0, slots, sizeof(int32_t)) < 0
        ):
            return NO_MEMORY
        if self.step_weights != NULL and (
            resize(<void **> &self.step_weights, old * width, capacity * width, sizeof(int64_t)) < 0
            or resize(<void **> &self.ending_weights, old, capacity, sizeof(int64_t)) < 0
        ):
            return NO_MEMORY
        memset(self.slots, 255, slots * sizeof(int32_t))
        for i in range(self.states):
            slot = self.hashes[i] & (slots - 1)
            while self.slots[slot] >= 0:
                slot = (slot + 1) & (slots - 1)
            self.slots[slot] = <int32_t> i
        self.capacity, self.slot_count = capacity, slots
        return 0

    cdef int32_t _restart(self) noexcept nogil:
        """Forget all states but the initial marking, which is state 0."""
        memset(self.steps, 0, self.states * self.label_count * sizeof(Step))
        memset(self.endings, 0, self.states * sizeof(Ending))
        memset(self.slots, 255, self.slot_count * sizeof(int32_t))
        self.states = 0
        memcpy(self.marking, self.initial, self.places * sizeof(int64_t))
        return self._state()

    cdef void _settle(self) noexcept nogil:
        """Play every counted step and ending once more, with its weight, for the counts by place."""
        cdef int64_t state, label, at
        if self.step_weights == NULL:
            return
        for state in range(self.states):
            for label in range(self.label_count):
                at = state * self.label_count + label
                if self.step_weights[at]:
                    self.weight, self.step_weights[at] = self.step_weights[at], 0
                    memcpy(self.marking, self.markings + state * self.places, self.places * sizeof(int64_t))
                    self.step(<int32_t> label)
            if self.ending_weights[state]:
                self.weight, self.ending_weights[state] = self.ending_weights[state], 0
                memcpy(self.marking, self.markings + state * self.places, self.places * sizeof(int64_t))
                self.end()
        self.weight = 0


cdef uint64_t _hash(const int64_t *marking, const uint64_t *keys, int64_t places) noexcept nogil:
    cdef uint64_t hashed = DT_GOLDEN
    cdef int64_t p
    for p in range(places):
        hashed += <uint64_t> marking[p] * keys[p]
    return dt_mix(hashed, DT_ODD)


cdef _check(int status):
    if status == NO_MEMORY:
        raise MemoryError
    if status == BAD_INPUT:
        raise ValueError("a code has no label, or the offsets run outside the codes")
