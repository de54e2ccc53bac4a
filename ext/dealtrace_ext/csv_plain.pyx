"""CSV text that is written plainly, straight to columns: 64 bytes at a time, without a branch for each quote.

Plain is: line feeds end rows (a carriage return may stand before each), every row has all fields, quotes
open at the beginning of a field and close at its end, no wanted field is empty without quotes, no NUL. For such
text a byte is inside quotes if the number of quotes before it is odd. Whatever is not plain is said so, and left
to `csv_fields`, whose rules are the same.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memmove

from dealtrace_ext.bytemask cimport Classes, classes64, count_bits, lowest_bit
from dealtrace_ext.hashing cimport DT_GOLDEN

cdef enum:
    _NOT_PLAIN = -1
    _UNFINISHED = -2
    _MANY_TEXTS = -3
    _LF = 10
    _CR = 13
    _PAD = 64             # bytes behind text and columns that may be read or written
    _SLOTS = 1024         # of the table of a column of codes
    _DISTINCT = 256       # texts that it takes
    _WAITING = 4096       # separators that are collected before rows are made of them

NOT_PLAIN, UNFINISHED, MANY_TEXTS = _NOT_PLAIN, _UNFINISHED, _MANY_TEXTS
PAD, DISTINCT = _PAD, _DISTINCT

cdef struct Column:
    int32_t field
    bint coded
    int32_t *out          # offsets of the texts, or the code of each
    uint8_t *data         # the texts, or the distinct ones
    int64_t end           # bytes of text so far
    int64_t distinct
    int32_t *offsets      # of the distinct texts
    int32_t *slots        # code + 1 of a distinct text; 0 is an empty slot

cdef struct Reader:
    const uint8_t *text
    Column *columns
    int32_t *separators   # where fields end
    int wanted, fields
    int64_t waiting       # separators
    int64_t row_begins
    int64_t rows, line_ends
    uint8_t quote
    bint quotes, doubled  # whether there are quotes; whether two of them stand for one somewhere


cdef inline int64_t copy(uint8_t *to, const uint8_t *text, int64_t length) noexcept nogil:
    if length <= 32:
        memcpy(to, text, 32)
    else:
        memcpy(to, text, length)
    return length


cdef int64_t copy_doubled(uint8_t *to, const uint8_t *text, int64_t length, uint8_t quote) noexcept nogil:
    """Copy what stands in quotes: of two quotes one."""
    cdef int64_t i = 0, n = 0
    while i < length:
        to[n] = text[i]
        i += 2 if text[i] == quote else 1
        n += 1
    return n


cdef inline uint64_t word_at(const uint8_t *text, int64_t length) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, text, 8)
    return word if length >= 8 else word & ((<uint64_t> 1 << (8 * length)) - 1)


cdef inline bint same(const uint8_t *a, const uint8_t *b, int64_t length) noexcept nogil:
    """Compare without a call: the texts are short, and 8 bytes behind them can be read."""
    while length > 8:
        if word_at(a, 8) != word_at(b, 8):
            return False
        a += 8
        b += 8
        length -= 8
    return word_at(a, length) == word_at(b, length)


cdef inline int32_t code_of(Column *column, const uint8_t *text, int64_t length) noexcept nogil:
    """Return the code of a text; -1 if it is one too many. The text may stand behind the distinct ones."""
    cdef uint64_t hash = word_at(text, length) ^ <uint64_t> length << 56
    cdef int32_t code
    if length > 8:
        hash ^= word_at(text + length - 8, 8) * 3
    if length > 16:
        hash ^= word_at(text + 8, 8) * 5
    cdef uint64_t at = (hash * DT_GOLDEN) >> 54
    while column.slots[at] != 0:
        code = column.slots[at] - 1
        if column.offsets[code + 1] - column.offsets[code] == length \
                and same(column.data + column.offsets[code], text, length):
            return code
        at = (at + 1) & (_SLOTS - 1)
    if column.distinct == _DISTINCT:
        return -1
    memmove(column.data + column.end, text, length)
    column.distinct += 1
    column.end += length
    column.offsets[column.distinct] = <int32_t> column.end
    column.slots[at] = <int32_t> column.distinct
    return <int32_t> column.distinct - 1


cdef inline int take(Reader *reader, Column *column, const uint8_t *text, int64_t length) noexcept nogil:
    """Take a text, which stands behind the others of its column already unless that has codes."""
    if column.coded:
        column.out[reader.rows] = code_of(column, text, length)
        return _MANY_TEXTS if column.out[reader.rows] < 0 else 0
    column.end += length
    column.out[reader.rows + 1] = <int32_t> column.end
    return 0


cdef inline int write(Reader *reader, Column *column, int64_t row_begins, const int32_t *ends) noexcept nogil:
    """Write a field of the row whose fields end at `ends`; 0 if all is well."""
    cdef int64_t begin = ends[column.field - 1] + 1 if column.field else row_begins
    cdef int64_t end = ends[column.field], length
    cdef uint8_t *to = column.data + column.end
    if column.field == reader.fields - 1 and end > begin and reader.text[end - 1] == _CR:
        end -= 1
    if begin == end:
        return _NOT_PLAIN
    if reader.quotes and reader.text[begin] == reader.quote:
        begin += 1
        end -= 1
        if reader.doubled:
            length = copy_doubled(to, reader.text + begin, end - begin, reader.quote)
            return take(reader, column, to, length)
    if column.coded:
        return take(reader, column, reader.text + begin, end - begin)
    return take(reader, column, to, copy(to, reader.text + begin, end - begin))


cdef int write_rows(Reader *reader) noexcept nogil:
    """Write the rows of which all separators are there, and keep the other separators."""
    cdef int32_t *ends = reader.separators
    cdef int64_t rest = reader.waiting
    cdef int i, bad
    while rest >= reader.fields:
        if reader.text[ends[reader.fields - 1]] != _LF:
            return _NOT_PLAIN
        for i in range(reader.wanted):
            bad = write(reader, &reader.columns[i], reader.row_begins, ends)
            if bad:
                return bad
        reader.row_begins = ends[reader.fields - 1] + 1
        reader.rows += 1
        ends += reader.fields
        rest -= reader.fields
    memmove(reader.separators, ends, rest * sizeof(int32_t))
    reader.waiting = rest
    return 0


cdef inline uint64_t odd(uint64_t bits) noexcept nogil:
    """Return bits where the number of bits up to and with this one is odd."""
    bits ^= bits << 1
    bits ^= bits << 2
    bits ^= bits << 4
    bits ^= bits << 8
    bits ^= bits << 16
    return bits ^ bits << 32


cdef inline void collect(Reader *reader, int64_t block, uint64_t bits) noexcept nogil:
    """Collect separators; always six steps at least, for a branch that is guessed wrong costs more."""
    cdef int32_t *to = reader.separators + reader.waiting
    cdef int i, found = count_bits(bits)
    reader.waiting += found
    for i in range(6):
        to[i] = <int32_t> (block + lowest_bit(bits | <uint64_t> 1 << 63))
        bits &= bits - 1
    while bits:
        to[6] = <int32_t> (block + lowest_bit(bits))
        to += 1
        bits &= bits - 1


cdef int64_t read_rows(Reader *reader, int64_t begin, int64_t stop, int64_t length, uint8_t delimiter, bint *high) noexcept nogil:
    """Read rows up to the first that ends at `stop` or behind; return where it ends, or what is wrong."""
    cdef Classes at
    cdef uint64_t inside, carry = 0, separators, ends, opens, closes, keep, after = 1, closed = 0, returned = 0
    cdef uint64_t returns, bits
    cdef int64_t block = begin
    cdef int bad
    while block < length:
        classes64(reader.text + block, delimiter, reader.quote, &at)
        keep = ~<uint64_t> 0 if length - block >= 64 else (<uint64_t> 1 << (length - block)) - 1
        if not reader.quotes:
            at.quotes = 0
        at.quotes &= keep
        inside = odd(at.quotes) ^ carry
        carry = 0 - (inside >> 63)
        ends = at.feeds & ~inside & keep
        if block + 64 >= stop:                                      # the last row may end here
            bits = ends if block >= stop - 1 else ends & ~((<uint64_t> 1 << (stop - 1 - block)) - 1)
            if bits:
                keep &= bits ^ (bits - 1)                           # up to the lowest of them, and it
                at.quotes &= keep
                ends &= keep
        else:
            bits = 0
        separators = (at.delimiters & ~inside & keep) | ends
        returns = at.returns & ~inside & keep
        opens, closes = at.quotes & inside, at.quotes & ~inside
        if (opens & ~((separators | closes) << 1 | after | closed)) \
                | ((closes << 1 | closed) & keep & ~(separators | at.quotes | returns)) \
                | ((returns << 1 | returned) & keep & ~ends) | (at.nuls & keep):
            return _NOT_PLAIN
        reader.doubled |= (opens & (closes << 1 | closed)) != 0
        after, closed, returned = separators >> 63, closes >> 63, returns >> 63
        high[0] |= at.high
        reader.line_ends += count_bits(ends)
        collect(reader, block, separators)
        if bits or reader.waiting > _WAITING:
            bad = write_rows(reader)
            if bad:
                return bad
        if bits:
            return block + lowest_bit(bits) + 1 if reader.waiting == 0 and reader.rows == reader.line_ends else _NOT_PLAIN
        block += 64
    return _UNFINISHED


def split(const uint8_t[::1] text, int64_t begin, int64_t stop, int64_t length, int delimiter, int quote, int fields,
          list wanted, buffers):
    """Split the rows from `begin` to the first row end at or behind `stop`.

    Parameters
    ----------
    text : buffer of bytes, shape (at least length + PAD,)
        See `length`.
    begin, stop : int
        Where a row begins; a position behind that.
    length : int
        Bytes of the text that count; below 2 GiB.
    delimiter, quote : int
        Character codes; `quote` is -1 where nothing is quoted.
    fields : int
        How many a row has; at least 2.
    wanted : list of (field, coded), shape (k,)
        Fields, counted from 0, and whether as codes of their distinct texts, in order of first appearance.
    buffers : list of (out, data, offsets), shape (k,)
        Writable buffers for each: (length - begin) // fields + 2 int32 for the offsets of the texts or the
        codes, length - begin + PAD bytes for the texts, and DISTINCT + 1 int32 for the offsets of distinct ones.

    Returns
    -------
    end : int
        Where the last row ends, or `NOT_PLAIN`, `UNFINISHED` (no row ends at or behind `stop`), or `MANY_TEXTS`
        (more than `DISTINCT` in a column of codes).
    rows : int
    high : bool
        Whether there may be bytes beyond ASCII, which are not checked.
    distinct : list of int, shape (k,)
        Texts in each column of codes.

    Raises
    ------
    ValueError
        Buffers are too small, or positions make no sense.
    """
    cdef Reader reader
    cdef int32_t[::1] out, offsets
    cdef uint8_t[::1] data
    cdef int64_t end
    cdef int i, most
    cdef bint high = False
    if not 0 <= begin < stop <= length <= 0x7FFFFFFF - _PAD or text.shape[0] < length + _PAD or fields < 2 \
            or not 0 < len(wanted) == len(buffers) or not all(0 <= field < fields for field, _ in wanted):
        raise ValueError("no such stretch of text, or no buffers for the wanted fields")
    most = len(wanted)
    reader.columns = <Column *> malloc(most * sizeof(Column))
    reader.separators = <int32_t *> malloc((_WAITING + 2 * _PAD + fields) * sizeof(int32_t))
    slots = bytearray(most * _SLOTS * sizeof(int32_t))
    cdef uint8_t[::1] tables = slots
    try:
        if reader.columns == NULL or reader.separators == NULL:
            raise MemoryError
        for i in range(most):
            out, data, offsets = buffers[i]
            if out.shape[0] < (length - begin) // fields + 2 or data.shape[0] < length - begin + _PAD \
                    or offsets.shape[0] < _DISTINCT + 1:
                raise ValueError("the buffers are too small")
            reader.columns[i].field, reader.columns[i].coded = wanted[i]
            reader.columns[i].out, reader.columns[i].data, reader.columns[i].offsets = &out[0], &data[0], &offsets[0]
            reader.columns[i].slots = <int32_t *> &tables[i * _SLOTS * sizeof(int32_t)]
            reader.columns[i].end = reader.columns[i].distinct = out[0] = offsets[0] = 0
        reader.text, reader.row_begins = &text[0], begin
        reader.wanted, reader.fields = most, fields
        reader.quotes, reader.quote = quote >= 0, quote & 255
        reader.waiting = reader.rows = reader.line_ends = 0
        reader.doubled = False
        with nogil:
            end = read_rows(&reader, begin, stop, length, delimiter, &high)
        return end, reader.rows, high, [reader.columns[i].distinct for i in range(most)]
    finally:
        free(reader.columns)
        free(reader.separators)
