"""CSV text to cells of 16 bytes: the wanted fields as Arrow's views of texts, or as the numbers that GUIDs write.

The rules are those of `csv_rows`: what follows the closing quote belongs to the field, empty lines are no rows.
"""

from libc.stdint cimport INT32_MAX, INT64_MAX, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from dealtrace_ext.bytemask cimport Classes, classes64, equal64, lowest_bit
from dealtrace_ext.csv_quotes cimport Quotes, begin_quotes, inside_quotes
from dealtrace_ext.guid_numbers cimport guid_number
from dealtrace_ext.text_view cimport INLINE, View, put, refer

cdef enum:
    _LOWEST = 32          # bits of a number below which no GUID is packed: it is left for ids of other forms
    _GUID = 36
    _TEXT = 0
    _PACKED = 1
    _ODD = 2

TEXT, PACKED, ODD = _TEXT, _PACKED, _ODD
"""What a column is: texts; GUIDs; GUIDs wanted, but others found."""
SPARE = 64
"""Bytes that long texts need beyond them."""

cdef struct Cell:
    uint64_t low, high

cdef struct Column:
    uint8_t kind
    Cell *cells
    uint8_t *long_texts
    int64_t end           # of the long texts so far

cdef struct Reader:
    const uint8_t *text
    int64_t length
    uint8_t delimiter
    int quote, fields
    Column **column_of    # by field; NULL where it is not wanted
    int64_t row, most     # the row that is being read; there are cells for so many


cdef inline int64_t unquoted(const uint8_t *text, int64_t at, int64_t end, int64_t length, uint8_t quote, uint8_t *out) noexcept nogil:
    """Write what a field means whose opening quote stands before `at`, and up to 63 bytes more; return its length."""
    cdef uint64_t bits
    cdef int64_t run, written = 0
    while at < end:
        if length - at >= 64:
            bits = equal64(text + at, quote)
            run = lowest_bit(bits) if bits else 64
            memcpy(out + written, text + at, 64)
        else:
            run = 0
            while at + run < end and text[at + run] != quote:
                out[written + run] = text[at + run]
                run += 1
        if run >= end - at:
            return written + end - at
        at += run
        written += run
        if text[at] != quote:
            continue
        if at + 1 < end and text[at + 1] == quote:
            out[written] = quote
            written += 1
            at += 2
            continue
        memcpy(out + written, text + at + 1, end - at - 1)
        return written + end - at - 1
    return written


cdef inline void read_text(Reader *reader, Column *column, int64_t begin, int64_t end) noexcept nogil:
    cdef Cell *cell = &column.cells[reader.row]
    cdef View *view = <View *> cell
    cdef uint8_t *out = column.long_texts + column.end
    cdef int64_t size
    cell.low = cell.high = 0
    if reader.text[begin] != reader.quote:
        column.end = put(view, reader.text + begin, end - begin, column.long_texts, column.end)
        return
    size = unquoted(reader.text, begin + 1, end, reader.length, reader.quote, out)
    if size <= INLINE:
        put(view, out, size, column.long_texts, column.end)
    else:
        refer(view, out, size, <int32_t> column.end)
        column.end += size


cdef inline void read_guid(Reader *reader, Column *column, int64_t begin, int64_t end) noexcept nogil:
    cdef Cell *cell = &column.cells[reader.row]
    cell.low = cell.high = 0
    if end - begin >= 2 and reader.text[begin] == reader.quote and reader.text[end - 1] == reader.quote:
        begin, end = begin + 1, end - 1
    if end == begin:
        return
    if end - begin != _GUID or not guid_number(reader.text + begin, &cell.high, &cell.low):
        column.kind = _ODD
    elif cell.high >> _LOWEST == 0 and cell.high | cell.low:
        column.kind = _ODD


cdef int64_t read_rows(Reader *reader) noexcept nogil:
    """Return how many rows there are then, or -1 where one has another number of fields, -2 where there is no room."""
    cdef uint8_t[64] tail
    cdef const uint8_t *here
    cdef uint64_t bits, ends
    cdef int64_t block, at, row_begins = 0, field_begins = 0
    cdef int field = 0
    cdef bint ends_row
    cdef Column *column
    cdef Classes found
    cdef Quotes quotes
    begin_quotes(&quotes)
    for block in range(0, reader.length, 64):
        here = reader.text + block
        if reader.length - block < 64:
            memset(tail, 0, 64)
            memcpy(tail, here, reader.length - block)
            here = tail
        classes64(here, reader.delimiter, reader.quote & 255, &found)
        if reader.quote < 0:
            found.quotes = 0
        ends = found.feeds | found.returns
        bits = (found.delimiters | ends) & ~inside_quotes(&quotes, reader.text, block, &found, reader.delimiter)
        while bits:
            at = block + lowest_bit(bits)
            ends_row = (ends & bits & -bits) != 0
            bits &= bits - 1
            if not (ends_row and at == row_begins):
                if ends_row != (field == reader.fields - 1):
                    return -1
                if reader.row == reader.most:
                    return -2
                column = reader.column_of[field]
                if column != NULL:
                    if column.kind == _TEXT:
                        read_text(reader, column, field_begins, at)
                    else:
                        read_guid(reader, column, field_begins, at)
                field += 1
            if ends_row:
                reader.row += field > 0
                field = 0
                row_begins = at + 1
            field_begins = at + 1
    return reader.row if row_begins == reader.length else -1


def read_cells(
    const uint8_t[::1] text, int delimiter, int quote, int fields, wanted, uint8_t[::1] kinds, int64_t start,
    cells, long_texts, int64_t[::1] ends,
):
    """Read the wanted fields of whole rows.

    Parameters
    ----------
    text : buffer of bytes, shape (n,)
        Whole rows, every one with its line end.
    delimiter, quote : int
        Character codes; `quote` is -1 where nothing is quoted.
    fields : int
        How many each row has.
    wanted : sequence of int, shape (k,)
        Distinct fields, counted from 0.
    kinds : uint8, shape (k,)
        TEXT, or PACKED for GUIDs, in which ODD is written where something else was found: cells of it mean
        nothing. No GUID in lower case is odd, and the empty text, but those below 2 ** 96 other than zero.
    start : int
        How many rows are in `cells` so far.
    cells : sequence of uint64 buffers, shape (k,), each of shape (most, 2)
        Get a view of each text, all zeros where the field is empty, or the last 64 bits of each GUID and the
        first, zeros where the field is empty.
    long_texts : sequence of uint8 buffers, shape (k,)
        Get the texts that are too long for a view, from `ends` on: n bytes and `SPARE` more, 2 GiB at most.
    ends : int64, shape (k,)
        How many bytes are in `long_texts` so far, and then.

    Returns
    -------
    int
        How many rows are in `cells` then; -1 where a row has another number of fields, or does not end.

    Raises
    ------
    ValueError
        Buffers are too small or too long, or there are more rows than cells.
    """
    cdef Reader reader
    cdef int64_t length = text.shape[0], rows
    cdef int i, count = len(wanted)
    cdef uint8_t[::1] room
    cdef uint64_t[:, ::1] cell
    cdef Column *columns
    if fields < 1 or count == 0 or not all(0 <= field < fields for field in wanted):
        raise ValueError("wanted fields are some of the fields of a row")
    if not count == kinds.shape[0] == ends.shape[0] == len(long_texts) == len(cells):
        raise ValueError(f"{count} columns need as many buffers")
    columns = <Column *> malloc(count * sizeof(Column))
    reader.column_of = <Column **> malloc(fields * sizeof(Column *))
    try:
        if columns == NULL or reader.column_of == NULL:
            raise MemoryError
        memset(reader.column_of, 0, fields * sizeof(Column *))
        reader.row, reader.most = start, INT64_MAX
        for i in range(count):
            room, cell = long_texts[i], cells[i]
            if not 0 <= ends[i] <= room.shape[0] - length - SPARE or room.shape[0] > INT32_MAX:
                raise ValueError("the long texts need more room, or less than 2 GiB")
            if cell.shape[1] != 2 or not 0 <= start <= cell.shape[0]:
                raise ValueError("cells are two numbers, and behind those that are there")
            reader.column_of[<int> wanted[i]] = &columns[i]
            reader.most = min(reader.most, cell.shape[0])
            columns[i].kind, columns[i].end = kinds[i], ends[i]
            columns[i].long_texts, columns[i].cells = &room[0], <Cell *> &cell[0, 0] if cell.shape[0] else NULL
        reader.text, reader.length = &text[0] if length else NULL, length
        reader.delimiter, reader.quote, reader.fields = delimiter, quote, fields
        with nogil:
            rows = read_rows(&reader)
        for i in range(count):
            kinds[i], ends[i] = columns[i].kind, columns[i].end
        if rows == -2:
            raise ValueError(f"there are more than {reader.most} rows")
        return rows
    finally:
        free(columns)
        free(reader.column_of)
