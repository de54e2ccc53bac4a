# Arrow's view of a text: a short text stands in its view, of a longer one the view says where it is.
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memcpy

cdef enum:
    INLINE = 12           # bytes of text that fit a view

cdef struct View:
    int32_t length
    uint8_t[12] text      # or its first four bytes, the buffer, and where in it


cdef inline void refer(View *view, const uint8_t *text, int64_t length, int32_t place) noexcept nogil:
    """Write the view of a text that is too long for it and stands at `place` of the buffer."""
    cdef int32_t first = 0
    view.length = <int32_t> length
    memcpy(view.text, text, 4)
    memcpy(view.text + 4, &first, 4)
    memcpy(view.text + 8, &place, 4)


cdef inline int64_t put(View *view, const uint8_t *text, int64_t length, uint8_t *out, int64_t at) noexcept nogil:
    """Write a view, zeros before, and a text that is too long for it to the buffer; return where the next one goes."""
    if length <= INLINE:
        view.length = <int32_t> length
        if length:
            memcpy(view.text, text, length)
        return at
    refer(view, text, length, <int32_t> at)
    memcpy(out + at, text, length)
    return at + length
