"""Pages of Parquet column chunks: headers, levels and values, as integers and positions of texts.

What is not understood is a ValueError; the caller then asks a full reader. Reference:
https://parquet.apache.org/docs/file-format/data-pages/encodings/ and parquet.thrift (compact protocol).
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from dealtrace_ext.thrift cimport Reader, integer, next_field, skip, varint

DATA, DICTIONARY, DATA_V2 = 0, 2, 3
PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY = 0, 2, 8

cdef enum:
    WIDE = 32                      # bytes that are copied at once, whatever is needed of them


cdef struct Header:
    int64_t kind, uncompressed, compressed, values, encoding, nulls, level_bytes, compressed_values


cdef void _fields(Reader *reader, Header *header, int depth) noexcept nogil:
    """Read the fields of a struct: into `header` where they belong there, else over them."""
    cdef int64_t field = 0
    cdef int kind = next_field(reader, &field)
    while kind:
        _field(reader, header, field, kind, depth)
        kind = next_field(reader, &field)


cdef void _field(Reader *reader, Header *header, int64_t field, int kind, int depth) noexcept nogil:
    if depth == 0 and kind == 5 and field == 1:
        header.kind = integer(reader)
    elif depth == 0 and kind == 5 and field == 2:
        header.uncompressed = integer(reader)
    elif depth == 0 and kind == 5 and field == 3:
        header.compressed = integer(reader)
    elif depth == 0 and kind == 12 and field in (5, 7):
        _fields(reader, header, 1)
    elif depth == 0 and kind == 12 and field == 8:
        _fields(reader, header, 2)
    elif depth > 0 and kind == 5 and field == 1:
        header.values = integer(reader)
    elif depth == 1 and kind == 5 and field == 2 or depth == 2 and kind == 5 and field == 4:
        header.encoding = integer(reader)
    elif depth == 2 and kind == 5 and field == 2:
        header.nulls = integer(reader)
    elif depth == 2 and kind == 5 and field in (5, 6):
        header.level_bytes += integer(reader)
    elif depth == 2 and kind in (1, 2) and field == 7:
        header.compressed_values = kind == 1
    else:
        skip(reader, kind, 0)


def page_headers(const uint8_t[::1] chunk):
    """Return what the header of each page of a column chunk says.

    Parameters
    ----------
    chunk : uint8 buffer, shape (n,)
        All pages, the dictionary first where there is one.

    Returns
    -------
    list of (kind, begin, compressed, uncompressed, values, encoding, nulls, level_bytes, is_compressed)
        `begin` is where the page starts after its header; sizes are in bytes. `nulls` is -1 where it is not
        known; `level_bytes` of a page of version 2 stand before its values, not compressed.

    Raises
    ------
    ValueError
        A header is broken or a page leaves the chunk.
    """
    cdef Reader reader
    cdef Header header
    cdef list found = []
    reader.data, reader.at, reader.end, reader.bad = &chunk[0] if chunk.shape[0] else NULL, 0, chunk.shape[0], False
    while reader.at < reader.end:
        header.kind = header.uncompressed = header.compressed = header.values = header.encoding = -1
        header.nulls, header.level_bytes, header.compressed_values = -1, 0, 1
        _fields(&reader, &header, 0)
        if reader.bad or min(header.kind, header.uncompressed, header.compressed, header.values) < 0 \
                or header.compressed > reader.end - reader.at \
                or not 0 <= header.level_bytes <= min(header.compressed, header.uncompressed):
            raise ValueError(f"the page header before byte {reader.at} is broken")
        found.append((header.kind, reader.at, header.compressed, header.uncompressed, header.values,
                      header.encoding, header.nulls, header.level_bytes, bool(header.compressed_values)))
        reader.at += header.compressed
    return found


def after_levels(const uint8_t[::1] page, int64_t values):
    """Return where the values of a page of version 1 begin, after definition levels that are all 1.

    Parameters
    ----------
    page : uint8 buffer, shape (n,)
        Of a column without repetition, one level deep.
    values : int

    Raises
    ------
    ValueError
        A value is null, or the levels leave the page.
    """
    cdef uint32_t size
    if page.shape[0] < 4:
        raise ValueError("the levels leave the page")
    memcpy(&size, &page[0], 4)
    if size > page.shape[0] - 4:
        raise ValueError("the levels leave the page")
    cdef Reader reader
    reader.data, reader.at, reader.end, reader.bad = &page[0], 4, 4 + <int64_t> size, False
    if not _all_ones(&reader, values):
        raise ValueError("a value is null")
    return 4 + <int64_t> size


cdef bint _all_ones(Reader *reader, int64_t values) noexcept nogil:
    cdef uint64_t run
    cdef int64_t i, n
    while values > 0 and not reader.bad:
        run = varint(reader)
        if reader.bad or run >> 33:
            return False
        if run & 1:
            n = <int64_t> (run >> 1)
            if n == 0 or n > reader.end - reader.at:
                return False
            for i in range(min(values, 8 * n)):
                if not (reader.data[reader.at + (i >> 3)] >> (i & 7)) & 1:
                    return False
            reader.at += n
            values -= 8 * n
        else:
            if reader.at >= reader.end or reader.data[reader.at] != 1 or run == 0:
                return False
            reader.at += 1
            values -= <int64_t> (run >> 1)
    return not reader.bad


ctypedef fused Index:
    uint8_t
    uint32_t


def unpack(const uint8_t[::1] page, int64_t begin, Index[::1] out):
    """Write the indices of a dictionary-encoded page: a byte with their width, then runs.

    Parameters
    ----------
    page : uint8 buffer, shape (n,)
    begin : int
        Where the width stands.
    out : uint8 or uint32 buffer, shape (values,)

    Raises
    ------
    ValueError
        The runs are broken or too few, or the indices have more bits than `out`.
    """
    cdef Reader reader
    cdef int width
    cdef bint done
    if not 0 <= begin < page.shape[0]:
        raise ValueError("the indices leave the page")
    width = page[begin]
    if width > <int> sizeof(Index) * 8:
        raise ValueError(f"indices of {width} bits")
    if out.shape[0] == 0:
        return
    reader.data, reader.at, reader.end, reader.bad = &page[0], begin + 1, page.shape[0], False
    with nogil:
        done = _unpack(&reader, width, &out[0], out.shape[0])
    if not done:
        raise ValueError("the indices are broken or too few")


cdef bint _unpack(Reader *reader, int width, Index *out, int64_t n) noexcept nogil:
    cdef int64_t at = 0, count, i
    cdef uint64_t run
    cdef uint32_t value
    while at < n:
        run = varint(reader)
        if reader.bad or run >> 33 or run >> 1 == 0:
            return False
        if run & 1:
            count = <int64_t> (run >> 1) * width       # bytes
            if count > reader.end - reader.at:
                return False
            i = min(n - at, <int64_t> (run >> 1) * 8)
            _unpack_bits(reader.data + reader.at, reader.end - reader.at, width, out + at, i)
            reader.at += count
            at += i
        else:
            value = 0
            if (width + 7) // 8 > reader.end - reader.at:
                return False
            memcpy(&value, reader.data + reader.at, (width + 7) // 8)
            reader.at += (width + 7) // 8
            count = min(n - at, <int64_t> (run >> 1))
            for i in range(count):
                out[at + i] = <Index> value
            at += count
    return True


cdef void _unpack_bits(const uint8_t *data, int64_t readable, int width, Index *out, int64_t n) noexcept nogil:
    cdef uint64_t word, mask = (<uint64_t> 1 << width) - 1
    cdef int64_t i = 0, bit
    if width <= 8:                                    # eight of them are in one word
        while i + 8 <= n and (i >> 3) * width + 8 <= readable:
            memcpy(&word, data + (i >> 3) * width, 8)
            for bit in range(8):
                out[i + bit] = <Index> (word & mask)
                word >>= width
            i += 8
    bit = i * width
    for i in range(i, n):
        word = 0
        if (bit >> 3) + 8 <= readable:
            memcpy(&word, data + (bit >> 3), 8)
        else:
            memcpy(&word, data + (bit >> 3), readable - (bit >> 3))
        out[i] = <Index> ((word >> (bit & 7)) & mask)
        bit += width


def text_positions(const uint8_t[::1] page, int64_t begin, int64_t[::1] out):
    """Write where each text of a plain page starts; its length stands in the 4 bytes before.

    Parameters
    ----------
    page : uint8 buffer, shape (n,)
    begin : int
        Where the first length stands.
    out : int64 buffer, shape (values,)

    Raises
    ------
    ValueError
        A text leaves the page, bytes are left over, or a text is empty.
    """
    cdef int64_t i, at = begin, end = page.shape[0]
    cdef uint32_t size = 0
    cdef bint good = begin >= 0
    with nogil:
        for i in range(out.shape[0]):
            good = good and at + 4 <= end
            if not good:
                break
            memcpy(&size, &page[at], 4)
            out[i] = at + 4
            at += 4 + <int64_t> size
            good = size > 0
    if not good or at != end:
        raise ValueError("the texts of the page are broken, or one is empty")


def copy_texts(const uint8_t[::1] page, int64_t begin, int64_t at, uint8_t[::1] data, int32_t[::1] ends):
    """Copy the texts of a plain page, one after the other without their lengths, as Arrow has them.

    Parameters
    ----------
    page : uint8 buffer, shape (n,)
    begin : int
        Where the first length stands.
    at : int
        Where the first text goes in `data`.
    data : uint8 buffer, shape (m,)
    ends : int32 buffer, shape (values,)
        Gets where each text ends in `data`.

    Returns
    -------
    int
        Where the last text ends.

    Raises
    ------
    ValueError
        A text leaves the page or the room, bytes are left over, or a text is empty.
    """
    cdef int64_t i, n = ends.shape[0], room = data.shape[0], size = page.shape[0], next_at = begin
    cdef bint good = 0 <= begin <= size and 0 <= at <= room <= 0x7FFFFFFF
    if good and n and size and room:
        with nogil:
            good = _copy_texts(&page[0], size, &next_at, &at, &data[0], room, &ends[0], n)
    elif n:
        good = False
    if not good or next_at != size:
        raise ValueError("the texts of the page are broken, or one is empty")
    return at


cdef bint _copy_texts(const uint8_t *page, int64_t size, int64_t *begin, int64_t *at, uint8_t *data, int64_t room,
                      int32_t *ends, int64_t n) noexcept nogil:
    cdef int64_t i, source = begin[0], target = at[0]
    cdef uint32_t length
    for i in range(n):
        if source + 4 > size:
            return False
        memcpy(&length, page + source, 4)
        source += 4
        if length == 0 or <int64_t> length > size - source or <int64_t> length > room - target:
            return False
        if length <= WIDE and WIDE <= size - source and WIDE <= room - target:
            memcpy(data + target, page + source, WIDE)   # what is too much is overwritten by the next
        else:
            memcpy(data + target, page + source, length)
        source += length
        target += length
        ends[i] = <int32_t> target
    begin[0], at[0] = source, target
    return True


def first_uses(const Index[::1] indices, uint32_t[::1] out):
    """Write which entries of a dictionary occur, in order of first appearance.

    Looks no further than where the last of them has appeared.

    Parameters
    ----------
    indices : uint8 or uint32 buffer, shape (n,)
    out : uint32 buffer, shape (entries,)

    Returns
    -------
    int
        How many were written.

    Raises
    ------
    ValueError
        An index has no entry.
    """
    cdef int64_t i, count = 0, entries = out.shape[0], bad = -1
    cdef bytearray seen = bytearray(entries)
    cdef uint8_t[::1] used = seen
    with nogil:
        for i in range(indices.shape[0]):
            if indices[i] >= entries:
                bad = i
                break
            if not used[indices[i]]:
                used[indices[i]] = 1
                out[count] = indices[i]
                count += 1
                if count == entries:
                    break
    if bad >= 0:
        raise ValueError(f"index {indices[bad]} at {bad} has no entry")
    return count


ctypedef fused Value:
    int32_t
    int64_t


def take(const Value[::1] values, const uint32_t[::1] indices, Value[::1] out):
    """Write ``values[indices]``.

    Parameters
    ----------
    values : int32 or int64 buffer, shape (entries,)
    indices : uint32 buffer, shape (n,)
    out : buffer of the same type, shape (n,)

    Raises
    ------
    ValueError
        An index has no entry.
    """
    cdef int64_t i, n = indices.shape[0], entries = values.shape[0], bad = -1
    if out.shape[0] != n:
        raise ValueError(f"{n} indices need as much room")
    with nogil:
        for i in range(n):
            if indices[i] >= entries:
                bad = i
                break
            out[i] = values[indices[i]]
    if bad >= 0:
        raise ValueError(f"index {indices[bad]} at {bad} has no entry")
