# The compact protocol of Thrift, in which Parquet has its page headers and its footer: steps over bytes that stop
# at the end and mark what is broken. Reference:
# https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef enum:
    MOST_DEPTH = 8                 # of structs and lists in each other that are passed over


cdef struct Reader:
    const uint8_t *data
    int64_t at, end
    bint bad


cdef inline uint64_t varint(Reader *reader) noexcept nogil:
    cdef uint64_t value = 0, byte
    cdef int shift = 0
    while reader.at < reader.end and shift < 64:
        byte = reader.data[reader.at]
        reader.at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value
        shift += 7
    reader.bad = True
    return 0


cdef inline int64_t integer(Reader *reader) noexcept nogil:
    cdef uint64_t value = varint(reader)
    return <int64_t> (value >> 1) ^ -<int64_t> (value & 1)


cdef inline int64_t size_of(Reader *reader, uint64_t size) noexcept nogil:
    """Return a number of bytes or of elements, of which each has a byte at least; 0 where they are not there."""
    if reader.bad or size > <uint64_t> (reader.end - reader.at):
        reader.bad = True
        return 0
    return <int64_t> size


cdef inline int next_field(Reader *reader, int64_t *field) noexcept nogil:
    """Return the type of a struct's next field and write its number; 0 after the last."""
    cdef uint8_t byte
    if reader.bad or reader.at >= reader.end:
        reader.bad = True
        return 0
    byte = reader.data[reader.at]
    reader.at += 1
    if byte == 0:
        return 0
    field[0] = field[0] + (byte >> 4) if byte >> 4 else integer(reader)
    if byte & 15 == 0 or not 0 <= field[0] <= 0x7FFF:
        reader.bad = True
    return 0 if reader.bad else byte & 15


cdef inline int64_t list_size(Reader *reader, int *kind) noexcept nogil:
    """Return how many elements a list has and write their type."""
    cdef uint8_t byte
    if reader.at >= reader.end:
        reader.bad = True
        return 0
    byte = reader.data[reader.at]
    reader.at += 1
    kind[0] = byte & 15
    if byte & 15 > 12:
        reader.bad = True
    return size_of(reader, byte >> 4 if byte >> 4 < 15 else varint(reader))


cdef inline void skip(Reader *reader, int kind, int depth) noexcept nogil:
    """Pass over a value."""
    cdef int64_t field = 0, i
    cdef int inner = 0
    if depth > MOST_DEPTH:
        reader.bad = True
    elif kind == 1 or kind == 2:                      # the value is in the type
        pass
    elif kind == 3:
        reader.at += 1
    elif 4 <= kind <= 6:
        varint(reader)
    elif kind == 7:
        reader.at += 8
    elif kind == 8:
        i = size_of(reader, varint(reader))
        reader.at += i
    elif kind == 9 or kind == 10:
        for i in range(list_size(reader, &inner)):
            skip(reader, 3 if inner == 1 or inner == 2 else inner, depth + 1)
            if reader.bad:
                break
    elif kind == 12:
        inner = next_field(reader, &field)
        while inner:
            skip(reader, inner, depth + 1)
            inner = next_field(reader, &field)
    else:                                             # maps: Parquet has none
        reader.bad = True
    if reader.at > reader.end:
        reader.bad = True
