"""CSV text to Arrow text columns: only the fields that are wanted are copied.

The rules are those of `csv_rows`, and of Arrow's own reader: a quote opens a quoted stretch only at the
beginning of a field, what follows the closing quote belongs to the field, empty lines are no rows, and an
empty field without quotes is null.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from dealtrace_ext.bytemask cimport equal64, lowest_bit

cdef enum:
    _LF = 10
    _CR = 13

cdef struct Column:
    int32_t *offsets
    uint8_t *data
    uint8_t *validity
    int64_t end           # bytes of text so far
    int64_t nulls

cdef struct Reader:
    const uint8_t *text
    Column **column_of    # by field; NULL where it is not wanted
    Column *columns
    int wanted, fields
    uint8_t delimiter, quote
    bint quotes
    int64_t rows, field   # good rows so far; the field that is being read
    int64_t row_begins, field_begins, copied
    bint quoted


cdef inline void copy(Reader *reader, int64_t end) noexcept nogil:
    """Add the text from where copying stopped up to `end` to the field."""
    cdef Column *column
    cdef int64_t length = end - reader.copied
    if length > 0 and reader.field < reader.fields:
        column = reader.column_of[reader.field]
        if column != NULL:
            memcpy(column.data + column.end, reader.text + reader.copied, length)
            column.end += length


cdef inline void end_field(Reader *reader, int64_t at) noexcept nogil:
    cdef Column *column
    copy(reader, at)
    if reader.field < reader.fields:
        column = reader.column_of[reader.field]
        if column != NULL:
            column.offsets[reader.rows + 1] = column.end
            if at == reader.field_begins:
                column.validity[reader.rows >> 3] &= ~(<uint8_t> (1 << (reader.rows & 7)))
                column.nulls += 1
    reader.field += 1
    reader.field_begins = reader.copied = at + 1


cdef void undo_row(Reader *reader) noexcept nogil:
    """Forget the fields of the row that is being read."""
    cdef Column *column
    cdef uint8_t bit = 1 << (reader.rows & 7)
    cdef int i
    for i in range(reader.wanted):
        column = &reader.columns[i]
        column.end = column.offsets[reader.rows]
        column.nulls -= (column.validity[reader.rows >> 3] & bit) == 0
        column.validity[reader.rows >> 3] |= bit


cdef inline bint end_row(Reader *reader, int64_t at) noexcept nogil:
    """Return False if the row has another number of fields and was left out."""
    cdef bint good = True
    end_field(reader, at)
    if reader.field == reader.fields:
        reader.rows += 1
    else:
        undo_row(reader)
        good = False
    reader.field = 0
    return good


cdef inline int64_t on_quote(Reader *reader, int64_t at, int64_t length) noexcept nogil:
    """Open, close or copy a quote; return from where to read on."""
    if not reader.quoted:
        if at == reader.field_begins:
            reader.quoted = True
            reader.copied = at + 1
        return at + 1
    if at + 1 < length and reader.text[at + 1] == reader.quote:
        copy(reader, at + 1)
        reader.copied = at + 2
        return at + 2
    copy(reader, at)
    reader.quoted = False
    reader.copied = at + 1
    return at + 1


cdef inline uint64_t specials(Reader *reader, const uint8_t *at) noexcept nogil:
    cdef uint64_t bits = equal64(at, reader.delimiter) | equal64(at, _LF) | equal64(at, _CR)
    return bits | equal64(at, reader.quote) if reader.quotes else bits


cdef object read_rows(Reader *reader, int64_t length):
    """Read all rows; return the begin and end of those that were left out, and their number."""
    cdef uint8_t[64] tail
    cdef uint64_t bits
    cdef int64_t block, at, resume = 0, number = 0
    cdef uint8_t character
    cdef const uint8_t *here
    skipped = []
    with nogil:
        for block in range(0, length, 64):
            here = reader.text + block
            if length - block < 64:
                memset(tail, 0, 64)
                memcpy(tail, here, length - block)
                here = tail
            bits = specials(reader, here)
            while bits:
                at = block + lowest_bit(bits)
                bits &= bits - 1
                if at < resume:
                    continue
                character = reader.text[at]
                if reader.quotes and character == reader.quote:
                    resume = on_quote(reader, at, length)
                elif reader.quoted:
                    continue
                elif character == reader.delimiter:
                    end_field(reader, at)
                else:
                    if at > reader.row_begins:
                        number += 1
                        if not end_row(reader, at):
                            with gil:
                                skipped.append((number, reader.row_begins, at))
                    reader.row_begins = reader.field_begins = reader.copied = at + 1
    return skipped


def split(const uint8_t[::1] text, int delimiter, int quote, int fields, list wanted, buffers):
    """Split whole rows into fields and write those that are wanted.

    Parameters
    ----------
    text : buffer of bytes, shape (n,)
        Whole rows, every one with its line end; below 2 GiB.
    delimiter, quote : int
        Character codes; `quote` is -1 where nothing is quoted.
    fields : int
        How many a row has; rows with another number are left out.
    wanted : list of int, shape (k,)
        Distinct fields, counted from 0.
    buffers : list of (offsets, data, validity), shape (k,)
        Writable buffers for each: n // fields + 2 int32, n bytes, and an eighth of the former in bytes.

    Returns
    -------
    rows : int
        Good rows.
    nulls : list of int, shape (k,)
        Nulls in each column.
    skipped : list of (number, begin, end)
        Rows left out: their number (from 1, empty lines aside) and where they stand in the text.

    Raises
    ------
    ValueError
        Buffers are too small, or the text too long.
    """
    cdef Reader reader
    cdef int32_t[::1] offsets
    cdef uint8_t[::1] data, validity
    cdef int64_t length = text.shape[0], most = length // fields + 1
    cdef int i
    if length > 0x7FFFFFFF or not 0 < len(wanted) == len(buffers) or not all(0 <= field < fields for field in wanted):
        raise ValueError("a block of CSV text has below 2 GiB, and buffers for the wanted fields")
    reader.columns = <Column *> malloc(len(wanted) * sizeof(Column))
    reader.column_of = <Column **> malloc(fields * sizeof(Column *))
    try:
        if reader.columns == NULL or reader.column_of == NULL:
            raise MemoryError
        memset(reader.column_of, 0, fields * sizeof(Column *))
        for i in range(len(wanted)):
            offsets, data, validity = buffers[i]
            if offsets.shape[0] < most + 1 or data.shape[0] < length or validity.shape[0] < most // 8 + 1:
                raise ValueError("the buffers are too small")
            reader.columns[i].offsets, reader.columns[i].validity = &offsets[0], &validity[0]
            reader.columns[i].data = &data[0] if length else NULL
            reader.columns[i].end = reader.columns[i].nulls = offsets[0] = 0
            memset(&validity[0], 255, validity.shape[0])
            reader.column_of[<int> wanted[i]] = &reader.columns[i]
        reader.text = &text[0] if length else NULL
        reader.wanted, reader.fields = len(wanted), fields
        reader.delimiter, reader.quotes, reader.quote = delimiter, quote >= 0, quote & 255
        reader.rows = reader.field = reader.row_begins = reader.field_begins = reader.copied = 0
        reader.quoted = False
        skipped = read_rows(&reader, length)
        return reader.rows, [reader.columns[i].nulls for i in range(len(wanted))], skipped
    finally:
        free(reader.columns)
        free(reader.column_of)
