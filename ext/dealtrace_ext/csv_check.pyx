"""Whether CSV text can be read by any reader: its rows counted, and what readers understand differently.

On the way the latest of the times in some columns is found, which needs no second look at the text. The rules are those of `csv_rows`: a quote opens a quoted stretch only at the beginning of a field, and empty
lines are no rows.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from dealtrace_ext.bytemask cimport equal64, lowest_bit

cdef enum:
    _LF = 10
    _CR = 13
    _LONGEST = 32  # characters of a time
    _HELD = 36  # with quotes around it
    _MOST = 16  # columns that are followed
    _SECONDS = 19  # of 2024-06-30T12:00:00, behind which fractions and an offset may be


cdef struct Latest:
    # The greatest value of a column so far: text of `length` characters, 0 where there was none yet. From
    # `fixed` on all values have the same characters. `others` are written otherwise than the first.
    int64_t length, fixed, others
    uint8_t[_LONGEST] text


cdef inline bint _is_digit(uint8_t character) noexcept nogil:
    return 48 <= character <= 57


cdef void _put(Latest *latest, const uint8_t *text, int64_t length) noexcept nogil:
    """Take up one more value: it is written as the first one if it differs from that in digits only."""
    cdef int64_t at, order = 0
    if latest.length == 0 and length <= _LONGEST:
        latest.length, latest.fixed, order = length, _SECONDS, 1
        while latest.fixed < length and (text[latest.fixed] == 46 or _is_digit(text[latest.fixed])):
            latest.fixed += 1
    elif latest.length != length:
        latest.others += 1
        return
    else:
        for at in range(length):
            if text[at] != latest.text[at]:
                if at >= latest.fixed or not (_is_digit(text[at]) and _is_digit(latest.text[at])):
                    latest.others += 1
                    return
                if order == 0:
                    order = 1 if text[at] > latest.text[at] else -1
    if order > 0:
        memcpy(latest.text, text, length)


cdef class RowCheck:
    """Checks text that comes in pieces, cut anywhere.

    Parameters
    ----------
    delimiter, quote : int
        Character codes; `quote` is -1 where nothing is quoted.
    fields : int
        How many a row should have.
    followed : sequence of int
        Places of columns of times, 16 at most.

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
    cdef bint quotes, quoted, follows
    cdef const uint8_t *piece
    cdef uint8_t[::1] slots  # of each column 1 and its place among those that are followed, or 0
    cdef Latest[_MOST] found
    cdef uint8_t[_HELD] begin  # of the field that is open where a piece ends
    cdef int64_t held

    def __init__(self, int delimiter, int quote, int64_t fields, followed=()):
        self.delimiter, self.quote, self.quotes = delimiter, quote & 255, quote >= 0
        self.fields, self.first_odd = fields, -1
        self.closed = self.carriage = -2
        self.slots, self.follows = bytearray(fields), len(followed) > 0
        if len(followed) > _MOST:
            raise ValueError(f"at most {_MOST} columns can be followed")
        for slot, column in enumerate(followed):
            self.slots[column] = slot + 1

    @property
    def open(self):
        """Whether a quote is open."""
        return self.quoted

    def latest(self, int slot):
        """Return the greatest value of a column that is followed, the header aside.

        Parameters
        ----------
        slot : int
            Its place in `followed`.

        Returns
        -------
        bytes or None
            None where there is none, or where one is written otherwise than the others, apart from digits: it
            could be greater though it comes first as text.
        """
        cdef Latest *of = &self.found[slot]
        return None if of.others or of.length == 0 else (<char *> of.text)[: of.length]

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
        self.piece = data
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
        if self.follows:
            self.hold(data, length)

    cdef void hold(self, const uint8_t *data, int64_t length) noexcept nogil:
        """Keep the beginning of the field that is open at the end of a piece."""
        cdef int64_t open_for = self.begun - self.field_begins, more = open_for
        if more > length:
            more = length
        else:
            self.held = 0
        if self.held + more > _HELD:
            more = _HELD - self.held
        if more > 0:
            memcpy(&self.begin[self.held], data + length - (open_for if open_for < length else length), more)
            self.held += more

    cdef void follow(self, int64_t at) noexcept nogil:
        """Take up the field that ends here."""
        cdef int64_t length = at - self.field_begins
        cdef const uint8_t *text = self.piece + (self.field_begins - self.begun)
        if self.field_begins < self.begun:
            text = self.begin
            if length > _HELD:
                length = _HELD
            memcpy(&self.begin[self.held], self.piece, length - self.held)
        if self.quotes and length > 1 and text[0] == self.quote and text[length - 1] == self.quote:
            text, length = text + 1, length - 2
        if length > 0:
            _put(&self.found[self.slots[self.width] - 1], text, length)

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
        if self.follows and self.rows and self.width < self.fields and self.slots[self.width]:
            self.follow(at)
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
