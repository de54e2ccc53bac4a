"""Where the rows of CSV text end, so that it can be cut into blocks and parsed in any order.

A quote opens a quoted stretch only at the beginning of a field; inside, two quotes stand for one. Line
feed, carriage return and both together end a row. Text has to begin at the beginning of a row.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from dealtrace_ext.bytemask cimport Classes, classes64, highest_bit, lowest_bit, odd_up_to

cdef enum:
    _LF = 10
    _CR = 13
    _SPACE = 32


cdef inline bint opens(const uint8_t *data, int64_t at, uint8_t delimiter) noexcept nogil:
    return at == 0 or data[at - 1] == delimiter or data[at - 1] == _LF or data[at - 1] == _CR


cdef struct Scan:
    int64_t last          # the last row end
    int64_t opened        # the quote at the beginning of the last quoted stretch
    int64_t closed        # the last quote that closed one, if only for a second quote to open it again
    bint quoted           # whether that stretch is still open
    int64_t nul           # the first NUL
    bint high             # whether a byte is beyond ASCII


cdef void on_quotes(
    Scan *scan, const uint8_t *data, int64_t block, uint64_t quotes, uint64_t ends, uint8_t delimiter
) noexcept nogil:
    """Look at each quote of a block, some of which are text as they do not begin a field."""
    cdef uint64_t bits = quotes | ends
    cdef int64_t at
    while bits:
        at = block + lowest_bit(bits)
        if ends & bits & -bits:
            scan.last = scan.last if scan.quoted else at
        elif scan.quoted:
            scan.quoted, scan.closed = False, at
        elif opens(data, at, delimiter):
            scan.quoted, scan.opened = True, at
        elif scan.closed == at - 1:
            scan.quoted = True
        bits &= bits - 1


cdef Scan scan_rows(const uint8_t *data, int64_t length, uint8_t delimiter, int quote, uint8_t line_end) noexcept nogil:
    """Look at 64 bytes at a time: where all quotes mean something, every second one closes a stretch."""
    cdef uint8_t[64] tail
    cdef const uint8_t *here
    cdef uint64_t ends, quotes, inside, opening, begins, again
    cdef int64_t block
    cdef Classes found
    cdef Scan scan
    scan.last = scan.opened = scan.nul = -1
    scan.closed = -2
    scan.quoted = scan.high = False
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
        ends = found.returns if line_end == _CR else found.feeds
        quotes = found.quotes if quote >= 0 else 0
        inside = odd_up_to(quotes) ^ -<uint64_t> scan.quoted
        opening = quotes & inside
        begins = opening & ((found.delimiters | found.feeds | found.returns) << 1 | opens(data, block, delimiter))
        again = opening & (quotes << 1 | (scan.closed == block - 1))
        if opening & ~(begins | again):
            on_quotes(&scan, data, block, quotes, ends, delimiter)
            continue
        if begins:
            scan.opened = block + highest_bit(begins)
        if quotes & ~inside:
            scan.closed = block + highest_bit(quotes & ~inside)
        if ends & ~inside:
            scan.last = block + highest_bit(ends & ~inside)
        scan.quoted = inside >> 63
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
    """
    cdef int64_t length = text.shape[0]
    cdef Scan scan
    if length == 0:
        return 0, -1, -1, True
    with nogil:
        scan = scan_rows(&text[0], length, delimiter, quote, line_end)
    return scan.last + 1, scan.opened if scan.quoted else -1, scan.nul, not scan.high


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
