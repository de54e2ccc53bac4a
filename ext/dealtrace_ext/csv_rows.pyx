"""Where the rows of CSV text end, so that it can be cut into blocks and parsed in any order.

A quote opens a quoted stretch only at the beginning of a field; inside, two quotes stand for one. Line
feed, carriage return and both together end a row. Text has to begin at the beginning of a row.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from dealtrace_ext.bytemask cimport equal64, lowest_bit

cdef enum:
    _LF = 10
    _CR = 13


cdef inline int64_t find_last(const uint8_t *data, uint8_t character, int64_t begin, int64_t end) noexcept nogil:
    while end > begin:
        end -= 1
        if data[end] == character:
            return end
    return -1


cdef inline bint opens(const uint8_t *data, int64_t at, uint8_t delimiter) noexcept nogil:
    return at == 0 or data[at - 1] == delimiter or data[at - 1] == _LF or data[at - 1] == _CR


cdef struct Quotes:
    int64_t begin         # where the stretch that is not quoted began
    int64_t last          # the last row end before it
    int64_t opened        # the quote that is open, or -1
    int64_t resume        # what stands before has been dealt with


cdef inline void on_quote(
    Quotes *state, const uint8_t *data, int64_t at, int64_t length, uint8_t delimiter, uint8_t line_end
) noexcept nogil:
    cdef int64_t hit
    if state.opened < 0:
        if opens(data, at, delimiter):
            hit = find_last(data, line_end, state.begin, at)
            state.last = hit if hit >= 0 else state.last
            state.opened = at
    elif at + 1 < length and data[at + 1] == data[at]:
        state.resume = at + 2
    else:
        state.opened, state.begin = -1, at + 1


cdef void scan_quotes(
    Quotes *state, const uint8_t *data, int64_t length, uint8_t quote, uint8_t delimiter, uint8_t line_end
) noexcept nogil:
    cdef uint8_t[64] tail
    cdef const uint8_t *here
    cdef uint64_t bits
    cdef int64_t block, at
    for block in range(0, length, 64):
        here = data + block
        if length - block < 64:
            memset(tail, ~quote & 255, 64)
            memcpy(tail, here, length - block)
            here = tail
        bits = equal64(here, quote)
        while bits:
            at = block + lowest_bit(bits)
            bits &= bits - 1
            if at >= state.resume:
                on_quote(state, data, at, length, delimiter, line_end)


def whole_rows(const uint8_t[::1] text, int delimiter, int quote, int line_end):
    """Find the end of the last whole row.

    Parameters
    ----------
    text : buffer of bytes, shape (n,)
        In an encoding that keeps ASCII, beginning with a row.
    delimiter, quote : int
        Character codes; `quote` is -1 where nothing is quoted.
    line_end : {10, 13}
        The character that ends the rows (10 for both together).

    Returns
    -------
    end : int
        Bytes in whole rows.
    open_quote : int
        Position of a quote that is not closed, or -1.
    """
    cdef int64_t length = text.shape[0], hit
    cdef Quotes state
    if length == 0:
        return 0, -1
    state.begin, state.last, state.opened, state.resume = 0, -1, -1, 0
    with nogil:
        if quote >= 0:
            scan_quotes(&state, &text[0], length, quote, delimiter, line_end)
        if state.opened < 0:
            hit = find_last(&text[0], line_end, state.begin, length)
            state.last = hit if hit >= 0 else state.last
    return state.last + 1, state.opened


def count_rows(const uint8_t[::1] text, int delimiter, int quote, int64_t most=-1):
    """Count rows that end, empty lines aside.

    Parameters
    ----------
    text, delimiter, quote
        See `whole_rows`.
    most : int
        Stop after so many rows; all of them if below zero.

    Returns
    -------
    rows : int
    end : int
        Position behind the last of them.
    """
    cdef int64_t length = text.shape[0], i = 0, rows = 0, end = 0
    cdef bint quoted = False, empty = True, field_begins = True
    cdef uint8_t c
    with nogil:
        while i < length and rows != most:
            c = text[i]
            i += 1
            if quoted:
                if c == quote:
                    if i < length and text[i] == quote:
                        i += 1
                    else:
                        quoted = False
            elif c == _LF or c == _CR:
                if c == _CR and i < length and text[i] == _LF:
                    i += 1
                if not empty:
                    rows += 1
                    end = i
                empty = field_begins = True
            else:
                quoted = field_begins and c == quote
                field_begins = c == delimiter
                empty = False
    return rows, end
