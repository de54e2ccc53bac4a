from libc.stdint cimport int32_t, int64_t, uint8_t

from dealtrace_ext.arrow_abi cimport ArrowArray, ArrowSchema
from dealtrace_ext.text_view cimport View


cdef class Text:
    """A borrowed Arrow text column; it holds the capsules, so the buffers live as long as it does."""
    cdef object _capsules
    cdef const uint8_t *validity     # NULL where no value is null
    cdef const int32_t *offsets32    # one of the two is NULL
    cdef const int64_t *offsets64
    cdef const uint8_t *data
    cdef int64_t offset              # first value, in values
    cdef int64_t data_end            # bytes that may be read from `data`
    cdef readonly int64_t length

    cdef inline bint is_null(self, int64_t i) noexcept nogil:
        cdef int64_t j = self.offset + i
        return self.validity != NULL and not (self.validity[j >> 3] >> (j & 7)) & 1

    cdef inline int64_t begin(self, int64_t i) noexcept nogil:
        cdef int64_t j = self.offset + i
        return self.offsets32[j] if self.offsets32 != NULL else self.offsets64[j]


cdef class Views:
    """A borrowed Arrow column of texts as views; see `Text`."""
    cdef object _capsules
    cdef const uint8_t *validity     # NULL where no value is null
    cdef const View *views
    cdef const uint8_t **buffers     # what longer texts stand in
    cdef const int64_t *sizes        # bytes of each
    cdef int64_t buffer_count
    cdef int64_t offset
    cdef readonly int64_t length

    cdef bint text(self, int64_t i, const uint8_t **begin, int64_t *size) noexcept nogil
