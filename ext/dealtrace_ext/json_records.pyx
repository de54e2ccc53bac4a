"""The objects of JSON text that open at one depth, each on a line of its own, piece after piece of the text.

An array of records, pages of records and lines of records differ only in how deep the records are. What is
outside of them is left out; line ends inside of them, which can only be white space, become spaces.
"""

from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy

cdef struct Place:
    int64_t level         # brackets that are open
    bint in_text          # between quotation marks
    bint escaped          # behind a backslash there
    bint in_record


cdef inline void move(Place *place, uint8_t c, int64_t depth) noexcept nogil:
    if place.in_text:
        if place.escaped:
            place.escaped = False
        elif c == 92:  # backslash
            place.escaped = True
        elif c == 34:  # quotation mark
            place.in_text = False
    elif c == 34:
        place.in_text = True
    elif c == 123 or c == 91:  # { [
        if c == 123 and place.level == depth:
            place.in_record = True
        place.level += 1
    elif c == 125 or c == 93:  # } ]
        place.level -= 1


cdef inline int64_t plain_text(const uint8_t *text, int64_t length) noexcept nogil:
    """Return how many bytes there are before a quotation mark, a backslash or a line end."""
    cdef int64_t i
    cdef uint8_t c
    for i in range(length):
        c = text[i]
        if c == 34 or c == 92 or c == 10 or c == 13:
            return i
    return length


cdef int64_t scan(
    const uint8_t *text, int64_t length, int64_t depth, Place *place, uint8_t *out, int64_t *whole
) noexcept nogil:
    cdef int64_t i = 0, run, written = 0
    cdef uint8_t c
    while i < length:
        if place.in_text and not place.escaped:
            run = plain_text(text + i, length - i)
            if place.in_record:
                memcpy(out + written, text + i, run)
                written += run
            i += run
            if i == length:
                break
        c = text[i]
        i += 1
        move(place, c, depth)
        if place.in_record:
            out[written] = 32 if c == 10 or c == 13 else c
            written += 1
            if place.level == depth:
                place.in_record = False
                out[written] = 10
                written += 1
                whole[0] = written
    return written


def records(const uint8_t[::1] text, int64_t depth, int64_t[::1] state, uint8_t[::1] out):
    """Write the records in a piece of JSON text, a line each.

    Parameters
    ----------
    text : buffer of bytes, shape (n,)
        UTF-8. The next piece of the text, cut anywhere.
    depth : int
        How many brackets are open around a record: 0 for lines, 1 for an array, 2 for pages.
    state : int64, shape (4,)
        Zeros at first; carries over from piece to piece: brackets that are open, whether inside quotation
        marks, behind a backslash, in a record. The text is whole if all are 0 at its end.
    out : uint8, shape (2 * n or more,)

    Returns
    -------
    written : int
        Bytes in `out`, a record that has begun included.
    whole : int
        Bytes of them that are whole lines.
    """
    cdef int64_t length = text.shape[0], written = 0, whole = 0
    cdef Place place
    if out.shape[0] < 2 * length or state.shape[0] < 4:
        raise ValueError("no room for the records")
    if length:
        place.level, place.in_text, place.escaped, place.in_record = state[0], state[1] != 0, state[2] != 0, state[3] != 0
        with nogil:
            written = scan(&text[0], length, depth, &place, &out[0], &whole)
        state[0], state[1], state[2], state[3] = place.level, place.in_text, place.escaped, place.in_record
    return written, whole
