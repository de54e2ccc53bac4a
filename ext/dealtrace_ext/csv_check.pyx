"""Whether CSV text can be read by any reader: its rows counted, and what readers understand differently.

The rules are those of `csv_rows`: a quote opens a quoted stretch only at the beginning of a field, and empty
lines are no rows.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from dealtrace_ext.bytemask cimport equal64, lowest_bit

cdef enum:
    _LF = 10
    _CR = 13


cdef class RowCheck:
    """Checks text that comes in pieces, cut anywhere.

    Parameters
    ----------
    delimiter, quote : int
        Character codes; `quote` is -1 where nothing is quoted.
    fields : int
        How many a row should have.

    Attributes
    ----------
    rows : int
        Rows that have ended, the header too, empty lines aside.
    odd : int
        Rows with another number of fields.
    first_odd, first_width : int
        The first of them, counted from 0 for the header, or -1; and how many fields it has.
    stray : int
        Quotes that stand neither around a field nor doubled in one that is quoted.
    lone : int
        Carriage returns that end a row without a line feed.
    empty : int
        Empty lines.
    """

    cdef readonly int64_t rows, odd, first_odd, first_width, stray, lone, empty
    cdef int64_t fields, width, begun, row_begins, field_begins, closed, carriage
    cdef uint8_t delimiter, quote
    cdef bint quotes, quoted

    def __init__(self, int delimiter, int quote, int64_t fields):
        self.delimiter, self.quote, self.quotes = delimiter, quote & 255, quote >= 0
        self.fields, self.first_odd = fields, -1
        self.closed = self.carriage = -2

    @property
    def open(self):
        """Whether a quote is open."""
        return self.quoted

    def feed(self, const uint8_t[::1] text):
        """Check the next piece."""
        cdef int64_t length = text.shape[0]
        if length:
            with nogil:
                self.read(&text[0], length)

    def finish(self):
        """End the last row, if no line end does."""
        if self.begun > self.row_begins:
            self.end_row(self.begun)

    cdef void read(self, const uint8_t *data, int64_t length) noexcept nogil:
        cdef uint8_t[64] tail
        cdef const uint8_t *here
        cdef uint64_t bits
        cdef int64_t block, at
        for block in range(0, length, 64):
            here = data + block
            if length - block < 64:
                memset(tail, self.delimiter ^ 1, 64)
                memcpy(tail, here, length - block)
                here = tail
            bits = equal64(here, self.delimiter) | equal64(here, _LF) | equal64(here, _CR)
            if self.quotes:
                bits |= equal64(here, self.quote)
            while bits:
                at = lowest_bit(bits)
                bits &= bits - 1
                if block + at < length:
                    self.on_special(here[at], self.begun + block + at)
        self.begun += length

    cdef void on_special(self, uint8_t character, int64_t at) noexcept nogil:
        if self.quotes and character == self.quote:
            self.on_quote(at)
        elif self.quoted:
            return
        elif character == self.delimiter:
            self.end_field(at)
        elif character == _LF and self.carriage == at - 1:
            self.lone -= 1
            self.carriage = -2
            self.row_begins = self.field_begins = at + 1
        else:
            if character == _CR:
                self.lone += 1
                self.carriage = at
            if at > self.row_begins:
                self.end_row(at)
            else:
                self.empty += 1
            self.row_begins = self.field_begins = at + 1

    cdef inline void on_quote(self, int64_t at) noexcept nogil:
        if self.quoted:
            self.quoted = False
            self.closed = at
        elif at == self.field_begins or at == self.closed + 1:
            self.quoted = True
        else:
            self.stray += 1

    cdef inline void end_field(self, int64_t at) noexcept nogil:
        if self.closed >= self.field_begins and self.closed + 1 != at:
            self.stray += 1
        self.width += 1
        self.field_begins = at + 1

    cdef void end_row(self, int64_t at) noexcept nogil:
        self.end_field(at)
        if self.width != self.fields:
            if self.odd == 0:
                self.first_odd, self.first_width = self.rows, self.width
            self.odd += 1
        self.rows += 1
        self.width = 0
