"""The objects of JSON text that open at one depth, each on a line of its own, piece after piece of the text.

An array of records, pages of records and lines of records differ only in how deep the records are. What is
outside of them is left out; line ends inside of them, which can only be white space, become spaces.

Text is looked at 64 bytes at a time, as masks of bits: Langdale and Lemire, Parsing gigabytes of JSON per second,
VLDB Journal 28 (2019), 3.1.1.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from dealtrace_ext.bytemask cimport equal64, lowest_bit, odd_up_to

cdef enum:
    _LF = 10
    _CR = 13
    _QUOTE = 34
    _OPENS = 91           # [, and { with the bit of lower case
    _BACKSLASH = 92
    _CLOSES = 93          # ], and } with that bit
    _OPENS_OBJECT = 123

cdef struct Place:
    int64_t level         # brackets that are open
    bint in_text          # between quotation marks
    bint escaped          # behind a backslash there
    bint in_record


cdef inline uint64_t behind_backslashes(uint64_t backslashes, int64_t last, bint *escaped) noexcept nogil:
    """Return which bytes stand behind a backslash that is not itself behind one, and whether the next one does."""
    cdef uint64_t bit, found = 0
    if escaped[0]:
        found = 1
        backslashes &= ~<uint64_t> 1
        escaped[0] = False
    while backslashes:
        bit = backslashes & (~backslashes + 1)
        found |= bit << 1
        backslashes &= ~(bit | bit << 1)
        if bit >> last:
            escaped[0] = True
    return found


cdef inline uint64_t inside_texts(const uint8_t *here, int64_t size, Place *place) noexcept nogil:
    """Return which of 64 bytes are between quotation marks, the opening one with them."""
    cdef uint64_t quotes = equal64(here, _QUOTE), backslashes = equal64(here, _BACKSLASH), inside
    if backslashes or place.escaped:
        quotes &= ~behind_backslashes(backslashes, size - 1, &place.escaped)
    inside = odd_up_to(quotes)
    if place.in_text:
        inside = ~inside
    place.in_text = inside >> 63
    return inside


cdef void no_line_ends(uint8_t *out, int64_t length) noexcept nogil:
    cdef int64_t i
    for i in range(length):
        out[i] = 32 if out[i] == _LF or out[i] == _CR else out[i]


cdef int64_t scan(
    const uint8_t *text, int64_t length, int64_t depth, Place *place, uint8_t *out, int64_t *whole
) noexcept nogil:
    cdef int64_t block, at, begin = 0, written = 0, size
    cdef uint64_t brackets, ends, within
    cdef const uint8_t *here
    cdef uint8_t[64] tail
    cdef uint8_t c
    cdef bint broken = False     # line ends in what is to be copied
    for block in range(0, length, 64):
        here, size = text + block, min(<int64_t> 64, length - block)
        if size < 64:
            memset(tail, 32, 64)
            memcpy(tail, here, size)
            here = tail
        within = inside_texts(here, size, place)
        brackets = equal64(here, _OPENS) | equal64(here, _OPENS | 32)
        brackets = (brackets | equal64(here, _CLOSES) | equal64(here, _CLOSES | 32)) & ~within
        broken = broken or equal64(here, _LF) != 0 or equal64(here, _CR) != 0
        while brackets:
            at = block + lowest_bit(brackets)
            brackets &= brackets - 1
            c = text[at]
            if (c | 32) == (_OPENS | 32):
                if c == _OPENS_OBJECT and place.level == depth:
                    place.in_record, begin = True, at
                place.level += 1
                continue
            place.level -= 1
            if place.in_record and place.level == depth:
                memcpy(out + written, text + begin, at + 1 - begin)
                if broken:
                    no_line_ends(out + written, at + 1 - begin)
                written += at + 2 - begin
                out[written - 1] = _LF
                whole[0], place.in_record, broken = written, False, equal64(here, _LF) != 0 or equal64(here, _CR) != 0
    if place.in_record:
        memcpy(out + written, text + begin, length - begin)
        if broken:
            no_line_ends(out + written, length - begin)
        written += length - begin
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
