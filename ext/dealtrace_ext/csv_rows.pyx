"""Where the rows of CSV text end, so that it can be cut into blocks and parsed in any order.

A quote opens a quoted stretch only at the beginning of a field; inside, two quotes stand for one. Line
feed, carriage return and both together end a row. Text has to begin at the beginning of a row.
"""

from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memchr

cdef enum:
    _LF = 10
    _CR = 13


cdef inline int64_t find(const uint8_t *data, uint8_t character, int64_t begin, int64_t end) noexcept nogil:
    """Return the first position of `character` in `data[begin:end]`, -1 if it is not there."""
    cdef const uint8_t *hit
    if begin >= end:
        return -1
    hit = <const uint8_t *> memchr(data + begin, character, end - begin)
    return -1 if hit == NULL else hit - data


cdef inline int64_t find_last(const uint8_t *data, uint8_t character, int64_t begin, int64_t end) noexcept nogil:
    while end > begin:
        end -= 1
        if data[end] == character:
            return end
    return -1


cdef inline bint opens(const uint8_t *data, int64_t at, uint8_t delimiter) noexcept nogil:
    return at == 0 or data[at - 1] == delimiter or data[at - 1] == _LF or data[at - 1] == _CR


cdef int64_t closing(const uint8_t *data, uint8_t quote, int64_t begin, int64_t end) noexcept nogil:
    """Return the position of the quote that ends a quoted stretch, -1 if it is not there."""
    cdef int64_t at = find(data, quote, begin, end)
    while at >= 0 and at + 1 < end and data[at + 1] == quote:
        at = find(data, quote, at + 2, end)
    return at


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
    cdef int64_t length = text.shape[0], begin = 0, search = 0, last = -1, at, close, hit
    cdef int64_t open_quote = -1
    cdef const uint8_t *data
    if length == 0:
        return 0, -1
    data = &text[0]
    with nogil:
        while quote >= 0:                       # data[begin:at] is never quoted
            at = find(data, quote, search, length)
            if at < 0:
                break
            search = at + 1
            if not opens(data, at, delimiter):
                continue
            hit = find_last(data, line_end, begin, at)
            last = hit if hit >= 0 else last
            close = closing(data, quote, at + 1, length)
            if close < 0:
                open_quote = at
                break
            begin = search = close + 1
        if open_quote < 0:
            hit = find_last(data, line_end, begin, length)
            last = hit if hit >= 0 else last
    return last + 1, open_quote


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
