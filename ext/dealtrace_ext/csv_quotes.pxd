# Which bytes of CSV text are quoted. A quote opens a quoted stretch only at the beginning of a field; inside, two
# quotes stand for one, the first of which closes the stretch and the second opens it again.
from libc.stdint cimport int64_t, uint8_t, uint64_t

from dealtrace_ext.bytemask cimport Classes, highest_bit, lowest_bit, odd_up_to

cdef struct Quotes:
    int64_t opened        # the quote at the beginning of the last quoted stretch, or -1
    int64_t closed        # the last quote that closed one, if only for a second quote to open it again
    bint quoted           # whether that stretch is still open


cdef inline void begin_quotes(Quotes *state) noexcept nogil:
    state.opened, state.closed, state.quoted = -1, -2, False


cdef inline bint opens(const uint8_t *data, int64_t at, uint8_t delimiter) noexcept nogil:
    return at == 0 or data[at - 1] == delimiter or data[at - 1] == 10 or data[at - 1] == 13


cdef inline uint64_t inside_quotes(
    Quotes *state, const uint8_t *data, int64_t block, const Classes *found, uint8_t delimiter
) noexcept nogil:
    """Return which of 64 bytes are in quoted stretches, their first quotes among them.

    Where all quotes mean something, every second one closes a stretch.
    """
    cdef uint64_t quotes = found.quotes, inside, opening, begins, again
    if quotes == 0:
        return -<uint64_t> state.quoted
    inside = odd_up_to(quotes) ^ -<uint64_t> state.quoted
    opening = quotes & inside
    begins = opening & ((found.delimiters | found.feeds | found.returns) << 1 | opens(data, block, delimiter))
    again = opening & (quotes << 1 | (state.closed == block - 1))
    if opening & ~(begins | again):
        return one_by_one(state, data, block, quotes, delimiter)
    if begins:
        state.opened = block + highest_bit(begins)
    if quotes & ~inside:
        state.closed = block + highest_bit(quotes & ~inside)
    state.quoted = inside >> 63
    return inside


cdef inline uint64_t one_by_one(
    Quotes *state, const uint8_t *data, int64_t block, uint64_t quotes, uint8_t delimiter
) noexcept nogil:
    """Do the same for quotes some of which are text, as they do not begin a field."""
    cdef uint64_t before = -<uint64_t> state.quoted, meant = 0
    cdef int64_t at
    while quotes:
        at = block + lowest_bit(quotes)
        if state.quoted:
            state.quoted, state.closed = False, at
            meant |= quotes & -quotes
        elif opens(data, at, delimiter):
            state.quoted, state.opened = True, at
            meant |= quotes & -quotes
        elif state.closed == at - 1:
            state.quoted = True
            meant |= quotes & -quotes
        quotes &= quotes - 1
    return odd_up_to(meant) ^ before
