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


cdef inline bint opens(const uint8_t *data, int64_t at, uint8_t delimiter) noexcept nogil:
    return at == 0 or data[at - 1] == delimiter or data[at - 1] == _LF or data[at - 1] == _CR


cdef struct Scan:
    int64_t last          # the last row end
    int64_t opened        # the quote that is open, or -1
    int64_t resume        # what stands before has been dealt with


cdef inline void on_quote(Scan *scan, const uint8_t *data, int64_t at, int64_t length, uint8_t delimiter) noexcept nogil:
    if scan.opened < 0:
        if opens(data, at, delimiter):
            scan.opened = at
    elif at + 1 < length and data[at + 1] == data[at]:
        scan.resume = at + 2
    else:
        scan.opened = -1


cdef Scan scan_rows(const uint8_t *data, int64_t length, uint8_t delimiter, uint8_t quote, uint8_t line_end) noexcept nogil:
    cdef uint8_t[64] tail
    cdef const uint8_t *here
    cdef uint64_t bits
    cdef int64_t block, at
    cdef Scan scan
    scan.last, scan.opened, scan.resume = -1, -1, 0
    for block in range(0, length, 64):
        here = data + block
        if length - block < 64:
            memset(tail, 0, 64)
            memcpy(tail, here, length - block)
            here = tail
        bits = equal64(here, quote) | equal64(here, line_end)
        while bits:
            at = block + lowest_bit(bits)
            bits &= bits - 1
            if data[at] == line_end:
                scan.last = at if scan.opened < 0 else scan.last
            elif at >= scan.resume:
                on_quote(&scan, data, at, length, delimiter)
    return scan


cdef int64_t last_of(const uint8_t *data, int64_t length, uint8_t character) noexcept nogil:
    while length > 0:
        length -= 1
        if data[length] == character:
            return length
    return -1


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
    cdef int64_t length = text.shape[0]
    cdef Scan scan
    if length == 0:
        return 0, -1
    with nogil:
        if quote >= 0:
            scan = scan_rows(&text[0], length, delimiter, quote, line_end)
        else:
            scan.last, scan.opened = last_of(&text[0], length, line_end), -1
    return scan.last + 1, scan.opened


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


def row_end(const uint8_t[::1] text, int64_t stop, int delimiter, int quote):
    """Find the end of the first row that a line feed ends at `stop` or behind.

    Parameters
    ----------
    text : buffer of bytes, shape (n,)
        See `whole_rows`.
    stop : int
        A position in the text.
    delimiter, quote : int
        See `whole_rows`.

    Returns
    -------
    int
        Position behind the line feed, or -1 where there is none.
    """
    cdef int64_t length = text.shape[0], at = -1
    cdef uint8_t c
    cdef Scan scan
    scan.last, scan.opened, scan.resume = -1, -1, 0
    with nogil:
        while at < length - 1:
            at += 1
            c = text[at]
            if quote >= 0 and c == quote:
                if at >= scan.resume:
                    on_quote(&scan, &text[0], at, length, delimiter)
            elif c == _LF and scan.opened < 0 and at + 1 >= stop:
                scan.last = at
                break
    return scan.last + 1 if scan.last >= 0 else -1
