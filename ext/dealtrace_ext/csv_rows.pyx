"""Where the rows of CSV text end, so that it can be cut into blocks and parsed in any order.

A quote opens a quoted stretch only at the beginning of a field; inside, two quotes stand for one. Line
feed, carriage return and both together end a row. Text has to begin at the beginning of a row.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from dealtrace_ext.bytemask cimport Classes, classes64, count_bits, highest_bit, lowest_bit
from dealtrace_ext.csv_quotes cimport Quotes, begin_quotes, inside_quotes, opens

cdef enum:
    _LF = 10
    _CR = 13
    _SPACE = 32


cdef struct Scan:
    int64_t last          # the last row end
    int64_t nul           # the first NUL
    int64_t lines         # line feeds and carriage returns that are not quoted
    bint high             # whether a byte is beyond ASCII
    Quotes quotes


cdef Scan scan_rows(const uint8_t *data, int64_t length, uint8_t delimiter, int quote, uint8_t line_end) noexcept nogil:
    """Look at 64 bytes at a time."""
    cdef uint8_t[64] tail
    cdef const uint8_t *here
    cdef uint64_t ends, outside
    cdef int64_t block
    cdef Classes found
    cdef Scan scan
    scan.last = scan.nul = -1
    scan.lines = 0
    scan.high = False
    begin_quotes(&scan.quotes)
    for block in range(0, length, 64):
        here = data + block
        if length - block < 64:
            memset(tail, _SPACE, 64)
            memcpy(tail, here, length - block)
            here = tail
        classes64(here, delimiter, quote & 255, &found)
        if found.nuls and scan.nul < 0:
            scan.nul = block + lowest_bit(found.nuls)
        scan.high |= found.high
        if quote < 0:
            found.quotes = 0
        outside = ~inside_quotes(&scan.quotes, data, block, &found, delimiter)
        ends = (found.feeds | found.returns) & outside
        if ends:
            scan.lines += count_bits(ends)
            ends = (found.returns if line_end == _CR else found.feeds) & outside
            if ends:
                scan.last = block + highest_bit(ends)
    return scan


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
    nul : int
        Position of the first NUL, or -1.
    ascii : bool
        Whether all bytes are ASCII.
    lines : int
        How many line feeds and carriage returns are not quoted: there are no more rows.
    """
    cdef int64_t length = text.shape[0]
    cdef Scan scan
    if length == 0:
        return 0, -1, -1, True, 0
    with nogil:
        scan = scan_rows(&text[0], length, delimiter, quote, line_end)
    return scan.last + 1, scan.quotes.opened if scan.quotes.quoted else -1, scan.nul, not scan.high, scan.lines


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
    cdef int64_t length = text.shape[0], at = -1, resume = 0, found = -1
    cdef bint quoted = False
    cdef uint8_t c
    with nogil:
        while at < length - 1:
            at += 1
            c = text[at]
            if quote >= 0 and c == quote:
                if at < resume:
                    continue
                if not quoted:
                    quoted = opens(&text[0], at, delimiter)
                elif at + 1 < length and text[at + 1] == quote:
                    resume = at + 2
                else:
                    quoted = False
            elif c == _LF and not quoted and at + 1 >= stop:
                found = at
                break
    return found + 1 if found >= 0 else -1
