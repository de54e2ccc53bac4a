from libc.stdint cimport int32_t, int64_t


cdef struct Candidate:        # a silent path between two places
    int32_t source
    int32_t target
    int32_t length

cdef struct Paths:            # from one place: the last silent step to each place, and the place before it
    int32_t *via
    int32_t *before
    int32_t *length           # 0: no path

cdef struct Bag:              # weighted arcs of all transitions, one after the other
    int32_t *first
    int32_t *place
    int32_t *weight


cdef class TokenRules:
    """One net and one marking of it: what a step and the end of a case do to it, and what that costs."""
    cdef readonly int32_t places, transitions, label_count
    cdef Bag inputs, outputs
    cdef int32_t *final
    cdef int32_t *labelled          # transitions by label, ascending
    cdef int32_t *labelled_first
    cdef int32_t *silent            # silent transitions by input place, in the order of the arcs
    cdef int32_t *silent_first
    cdef int32_t *leading           # the places that silent transitions take from
    cdef int32_t leading_count
    cdef int32_t sink               # the only place without outgoing arc, where it is final, or -1
    cdef Paths *paths
    cdef int64_t *initial
    cdef int64_t *marking
    cdef int64_t missing, consumed, produced, remaining
    cdef bint out_of_memory
    # scratch
    cdef int64_t *visited           # number of the step in which a silent transition was last used
    cdef int64_t stamp, area, most_inputs
    cdef Candidate *candidates      # one area for the ending and one for each depth
    cdef int32_t *short_of
    cdef int32_t *sources           # the leading places that are marked
    # counts over all steps and endings played, each `weight` times
    cdef int64_t weight
    cdef int64_t *fired
    cdef int64_t *problems
    cdef int64_t *missing_at
    cdef int64_t *remaining_at

    cdef _index(self, list inputs, list silent, list labels)
    cdef _allocate(self, int64_t most_inputs)
    cdef void step(self, int32_t label) noexcept nogil
    cdef void end(self) noexcept nogil
    cdef bint _enabled(self, int32_t t) noexcept nogil
    cdef void _fire(self, int32_t t) noexcept nogil
    cdef void _prepare(self, int32_t t, int depth, bint watchful) noexcept nogil
    cdef bint _follow(self, Candidate path, int depth, bint *watch) noexcept nogil
    cdef void _walk(self, int32_t targets) noexcept nogil
    cdef bint _reached(self) noexcept nogil
    cdef int32_t _candidates(self, Candidate *found, int32_t *targets, int32_t count) noexcept nogil
    cdef void _spell(self, Candidate path, int32_t *steps) noexcept nogil
    cdef bint _known(self, int32_t source) noexcept nogil
    cdef int32_t _reach(
        self, Paths *row, int32_t place, int32_t length, int32_t *queue, int32_t count
    ) noexcept nogil


cdef void *zeros(int64_t count, size_t size) except NULL
cdef int resize(void **memory, int64_t old, int64_t new, size_t size) noexcept nogil
