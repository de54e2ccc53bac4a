# Arrow's view of a text: a short text stands in its view, of a longer one the view says where it is.
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memcpy

cdef enum:
    INLINE = 12           # bytes of text that fit a view

cdef struct View:
    int32_t length
    uint8_t[12] text      # or its first four bytes, the buffer, and where in it


cdef inline int64_t put(View *view, const uint8_t *text, int64_t length, uint8_t *out, int64_t start, int64_t at) noexcept nogil:
    """Write a view, zeros before, and a text that is too long for it to `out`; return where the next one goes.

    `start` bytes stand before those of `out` in the buffer that views point to.
    """
    cdef int32_t place
    view.length = <int32_t> length
    if length <= INLINE:
        if length:
            memcpy(view.text, text, length)
        return at
    place = <int32_t> (start + at)
    memcpy(view.text, text, 4)
    memcpy(view.text + 8, &place, 4)
    memcpy(out + at, text, length)
    return at + length
