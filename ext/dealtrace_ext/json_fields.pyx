"""Records of JSON, a line each, to text columns: only the wanted values are kept, as they are written.

A value is wanted by the keys that lead to it. A text loses its quotation marks and escapes, a number, true, false,
an array and an object stay as they are written, null is no value. Of a key that stands twice, the last counts.
"""

from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memchr, memcmp, memcpy, memmove, memset

from dealtrace_ext cimport text_view
from dealtrace_ext.bytemask cimport equal64, lowest_bit
from dealtrace_ext.text_view cimport View, put

cdef enum:
    _LF = 10
    _QUOTE = 34
    _BACKSLASH = 92
    _DEEPEST = 64         # wanted objects inside one another

INLINE = text_view.INLINE
"""Bytes of text that fit a view."""

cdef struct Key:
    const uint8_t *text   # NULL where the slot is free
    int32_t length
    int32_t column        # -1 where only what is inside it is wanted
    int32_t node          # what is wanted inside it; -1 for nothing

cdef struct Node:
    Key *slots
    int64_t mask

cdef struct Field:
    int64_t begin
    int64_t length        # -1 for null

cdef struct Reader:
    uint8_t *text
    int64_t end           # of the line
    Node *nodes
    Field *fields         # by column, then row
    int64_t rows


cdef inline int64_t blank(const Reader *reader, int64_t at) noexcept nogil:
    while at < reader.end and (reader.text[at] == 32 or reader.text[at] == 9 or reader.text[at] == 13):
        at += 1
    return at


cdef inline int64_t text_end(const Reader *reader, int64_t at, bint *escapes) noexcept nogil:
    """Return where the text that begins at `at` has its closing mark, or -1."""
    cdef uint64_t bits
    cdef uint8_t c
    escapes[0] = False
    while at < reader.end:
        if reader.end - at >= 64:
            bits = equal64(reader.text + at, _QUOTE) | equal64(reader.text + at, _BACKSLASH)
            if bits == 0:
                at += 64
                continue
            at += lowest_bit(bits)
        c = reader.text[at]
        if c == _QUOTE:
            return at
        if c == _BACKSLASH:
            escapes[0] = True
            at += 1
        at += 1
    return -1


cdef inline int32_t four_digits(const uint8_t *text) noexcept nogil:
    """Return the number of four hexadecimal digits, or -1."""
    cdef int32_t value = 0, digit, i
    for i in range(4):
        digit = text[i]
        if 48 <= digit <= 57:
            digit -= 48
        elif 97 <= digit | 32 <= 102:
            digit = (digit | 32) - 87
        else:
            return -1
        value = value << 4 | digit
    return value


cdef inline int64_t put_character(uint8_t *out, int32_t code) noexcept nogil:
    """Write a character as UTF-8; half of a pair becomes the replacement character. Return its length."""
    if 0xD800 <= code < 0xE000:
        code = 0xFFFD
    if code < 0x80:
        out[0] = <uint8_t> code
        return 1
    if code < 0x800:
        out[0], out[1] = <uint8_t> (0xC0 | code >> 6), <uint8_t> (0x80 | code & 63)
        return 2
    if code < 0x10000:
        out[0], out[1] = <uint8_t> (0xE0 | code >> 12), <uint8_t> (0x80 | code >> 6 & 63)
        out[2] = <uint8_t> (0x80 | code & 63)
        return 3
    out[0], out[1] = <uint8_t> (0xF0 | code >> 18), <uint8_t> (0x80 | code >> 12 & 63)
    out[2], out[3] = <uint8_t> (0x80 | code >> 6 & 63), <uint8_t> (0x80 | code & 63)
    return 4


cdef inline uint8_t named(uint8_t c) noexcept nogil:
    """Return what a character behind a backslash means, or 0."""
    if c == _QUOTE or c == _BACKSLASH or c == 47:
        return c
    if c == 110:
        return 10
    if c == 114:
        return 13
    if c == 116:
        return 9
    if c == 98:
        return 8
    return 12 if c == 102 else 0


cdef int64_t unescape(uint8_t *text, int64_t length) noexcept nogil:
    """Replace escapes where they stand; return the new length, or -1. What they mean is never longer."""
    cdef int64_t i = 0, out = 0, run
    cdef int32_t code, low
    cdef const uint8_t *found
    while i < length:
        found = <const uint8_t *> memchr(text + i, _BACKSLASH, length - i)
        run = length - i if found == NULL else found - text - i
        if run and out != i:
            memmove(text + out, text + i, run)
        out += run
        i += run
        if i == length:
            break
        if length - i < 2:
            return -1
        if text[i + 1] != 117:  # u
            text[out] = named(text[i + 1])
            if text[out] == 0:
                return -1
            out += 1
            i += 2
            continue
        code = four_digits(text + i + 2) if length - i >= 6 else -1
        if code < 0:
            return -1
        i += 6
        if 0xD800 <= code < 0xDC00 and length - i >= 6 and text[i] == _BACKSLASH and text[i + 1] == 117:
            low = four_digits(text + i + 2)
            if 0xDC00 <= low < 0xE000:
                code = 0x10000 + (code - 0xD800 << 10) + low - 0xDC00
                i += 6
        out += put_character(text + out, code)
    return out


cdef inline int64_t digits(const uint8_t *text, int64_t at, int64_t length) noexcept nogil:
    """Return where the digits that begin at `at` end, or -1 where there are none."""
    cdef int64_t begin = at
    while at < length and 48 <= text[at] <= 57:
        at += 1
    return at if at > begin else -1


cdef inline bint is_number(const uint8_t *text, int64_t length) noexcept nogil:
    cdef int64_t at = digits(text, 1 if length and text[0] == 45 else 0, length)
    if 0 < at < length and text[at] == 46:
        at = digits(text, at + 1, length)
    if 0 < at < length and text[at] | 32 == 101:
        at += 1
        at = digits(text, at + 1 if at < length and (text[at] == 43 or text[at] == 45) else at, length)
    return at == length


cdef int64_t nested_end(const Reader *reader, int64_t at) noexcept nogil:
    """Return where the array or object that begins at `at` ends, or -1."""
    cdef int64_t level = 0
    cdef bint escapes
    cdef uint8_t c
    while at < reader.end:
        c = reader.text[at]
        if c == _QUOTE:
            at = text_end(reader, at + 1, &escapes)
            if at < 0:
                return -1
        elif c == 123 or c == 91:
            level += 1
        elif c == 125 or c == 93:
            level -= 1
            if level == 0:
                return at + 1
        at += 1
    return -1


cdef inline const Key *wanted_key(const Node *node, const uint8_t *text, int64_t length) noexcept nogil:
    """Return the wanted key that a text is, or NULL."""
    cdef int64_t slot = slot_of(text, length) & node.mask
    while node.slots[slot].text != NULL:
        if node.slots[slot].length == length and memcmp(node.slots[slot].text, text, length) == 0:
            return &node.slots[slot]
        slot = (slot + 1) & node.mask
    return NULL


cdef inline int64_t slot_of(const uint8_t *text, int64_t length) noexcept nogil:
    """Return a hash of the ends, the middle and the length of a key."""
    cdef uint64_t first = 0, last = 0
    cdef int64_t size = min(length, <int64_t> 8)
    memcpy(&first, text, size)
    memcpy(&last, text + length - size, size)
    first = (first ^ <uint64_t> length) * <uint64_t> 0x9E3779B97F4A7C15
    first = (first ^ first >> 29 ^ last) * <uint64_t> 0xBF58476D1CE4E5B9
    if length > 16:
        memcpy(&last, text + (length >> 1) - 4, 8)
        first = (first ^ first >> 31 ^ last) * <uint64_t> 0x94D049BB133111EB
    return <int64_t> (first >> 33)


cdef int64_t read_value(Reader *reader, int64_t at, const Key *key, int64_t row, int depth) noexcept nogil:
    """Read the value that begins at `at`, and keep what is wanted of it; return where it ends, or -1."""
    cdef Field *field = NULL
    cdef int64_t end, length
    cdef bint escapes
    cdef uint8_t c
    if at >= reader.end:
        return -1
    if key != NULL and key.column >= 0:
        field = &reader.fields[key.column * reader.rows + row]
    c = reader.text[at]
    if c == _QUOTE:
        end = text_end(reader, at + 1, &escapes)
        if end < 0:
            return -1
        if field != NULL:
            length = unescape(reader.text + at + 1, end - at - 1) if escapes else end - at - 1
            if length < 0:
                return -1
            field.begin, field.length = at + 1, length
        return end + 1
    if c == 123 or c == 91:
        if c == 123 and key != NULL and key.node >= 0:
            return read_object(reader, at, key.node, row, depth + 1) if depth < _DEEPEST else -1
        end = nested_end(reader, at)
        if end >= 0 and field != NULL:
            field.begin, field.length = at, end - at
        return end
    end = at
    while end < reader.end and reader.text[end] > 32 and reader.text[end] != 44 and reader.text[end] != 125:
        end += 1
    length = end - at
    if length == 4 and memcmp(reader.text + at, b"null", 4) == 0:
        if field != NULL:
            field.length = -1
        return end
    if not (is_number(reader.text + at, length) or length == 4 and memcmp(reader.text + at, b"true", 4) == 0
            or length == 5 and memcmp(reader.text + at, b"false", 5) == 0):
        return -1
    if field != NULL:
        field.begin, field.length = at, length
    return end


cdef int64_t read_object(Reader *reader, int64_t at, int32_t node, int64_t row, int depth) noexcept nogil:
    """Read the object that begins at `at`; return where it ends, or -1."""
    cdef int64_t end, length
    cdef bint escapes
    cdef const Key *key
    if at >= reader.end or reader.text[at] != 123:
        return -1
    at = blank(reader, at + 1)
    if at < reader.end and reader.text[at] == 125:
        return at + 1
    while True:
        if at >= reader.end or reader.text[at] != _QUOTE:
            return -1
        end = text_end(reader, at + 1, &escapes)
        if end < 0:
            return -1
        length = unescape(reader.text + at + 1, end - at - 1) if escapes else end - at - 1
        if length < 0:
            return -1
        key = wanted_key(&reader.nodes[node], reader.text + at + 1, length)
        at = blank(reader, end + 1)
        if at >= reader.end or reader.text[at] != 58:
            return -1
        at = read_value(reader, blank(reader, at + 1), key, row, depth)
        if at < 0:
            return -1
        at = blank(reader, at)
        if at >= reader.end or reader.text[at] != 44 and reader.text[at] != 125:
            return -1
        if reader.text[at] == 125:
            return at + 1
        at = blank(reader, at + 1)


cdef int64_t read_lines(Reader *reader, int64_t length, uint8_t *broken) noexcept nogil:
    """Read all lines; return how many, or -1 if there is no room for them."""
    cdef int64_t begin = 0, row = 0, at
    cdef uint8_t *found
    while begin < length:
        if row == reader.rows:
            return -1
        found = <uint8_t *> memchr(reader.text + begin, _LF, length - begin)
        reader.end = length if found == NULL else found - reader.text
        at = read_object(reader, blank(reader, begin), 0, row, 0)
        broken[row] = at < 0 or blank(reader, at) != reader.end
        row += 1
        begin = reader.end + 1
    return row


cdef class Wanted:
    """Which values of records are wanted.

    Parameters
    ----------
    paths : sequence of tuple of bytes
        The keys that lead to each, from the outside; different ones.
    """

    cdef Node *nodes
    cdef int64_t count
    cdef readonly int columns
    cdef list _texts       # what the keys' pointers point to

    def __cinit__(self, paths):
        inner, leaves = [{}], [{}]
        for column, (*outer, last) in enumerate(paths):
            node = 0
            for part in outer:
                if part not in inner[node]:
                    inner[node][part] = len(inner)
                    inner.append({})
                    leaves.append({})
                node = inner[node][part]
            leaves[node][last] = column
        self.columns, self.count, self._texts = len(paths), len(inner), []
        self.nodes = <Node *> calloc(self.count, sizeof(Node))
        if self.nodes == NULL:
            raise MemoryError
        for node in range(len(inner)):
            self._fill(node, leaves[node], inner[node])

    cdef _fill(self, int64_t number, dict leaves, dict inner):
        cdef Node *node = &self.nodes[number]
        cdef bytes text
        cdef int64_t slot, size = 4
        keys = {**leaves, **inner}
        while size < 2 * len(keys):
            size *= 2
        node.slots, node.mask = <Key *> calloc(size, sizeof(Key)), size - 1
        if node.slots == NULL:
            raise MemoryError
        for text in keys:
            self._texts.append(text)
            slot = slot_of(text, len(text)) & node.mask
            while node.slots[slot].text != NULL:
                slot = (slot + 1) & node.mask
            node.slots[slot].text, node.slots[slot].length = text, <int32_t> len(text)
            node.slots[slot].column, node.slots[slot].node = leaves.get(text, -1), inner.get(text, -1)

    def __dealloc__(self):
        cdef int64_t i
        if self.nodes != NULL:
            for i in range(self.count):
                free(self.nodes[i].slots)
            free(self.nodes)


def fields(uint8_t[::1] text, Wanted wanted, int64_t[:, :, ::1] found, uint8_t[::1] broken):
    """Find the wanted values of records.

    Parameters
    ----------
    text : writable buffer of bytes, shape (n,)
        Records, a line each. Escapes are replaced where they stand.
    wanted : Wanted
    found : int64, shape (columns, lines or more, 2)
        Where in `text` each value begins, and its length, -1 where there is none.
    broken : uint8, shape (lines or more,)
        1 for lines that are no record; what was found in them means nothing.

    Returns
    -------
    int
        How many lines there are.

    Raises
    ------
    ValueError
        A buffer is too small.
    """
    cdef Reader reader
    cdef int64_t i, lines
    if found.shape[0] != wanted.columns or found.shape[2] != 2 or broken.shape[0] < found.shape[1]:
        raise ValueError(f"no room for {wanted.columns} columns")
    if text.shape[0] == 0:
        return 0
    if found.shape[1] == 0:
        raise ValueError("no room for the lines")
    reader.text, reader.nodes, reader.rows = &text[0], wanted.nodes, found.shape[1]
    reader.fields = <Field *> &found[0, 0, 0] if found.shape[0] else NULL
    with nogil:
        for i in range(found.shape[0] * found.shape[1]):
            reader.fields[i].length = -1
        lines = read_lines(&reader, text.shape[0], &broken[0])
    if lines < 0:
        raise ValueError("no room for the lines")
    return lines


def views(const uint8_t[::1] text, const int64_t[:, ::1] places, uint8_t[::1] out, int32_t[::1] made, uint8_t[::1] valid):
    """Make Arrow's views of texts, and copy those that are too long for one.

    Parameters
    ----------
    text : buffer of bytes
    places : int64, shape (n, 2)
        As `fields` found them.
    out : uint8 buffer
        As long as the long texts together.
    made : int32, shape (4 * n,)
    valid : uint8, shape (n / 8, rounded up,)
        A bit for each, 0 for null.

    Returns
    -------
    nulls : int

    Raises
    ------
    ValueError
        A buffer is too small, a place outside of the text, or the long texts have 2 GiB or more.
    """
    cdef int64_t i, begin, length, at = 0, nulls = 0, count = places.shape[0]
    cdef bint good = True
    cdef const uint8_t *data = &text[0] if text.shape[0] else NULL
    cdef uint8_t *room = &out[0] if out.shape[0] else NULL
    if made.shape[0] != 4 * count or valid.shape[0] != (count + 7) // 8 or out.shape[0] > INT32_MAX:
        raise ValueError(f"{count} texts need {4 * count} numbers and {(count + 7) // 8} bytes, and below 2 GiB")
    if count == 0:
        return 0
    with nogil:
        memset(&made[0], 0, count * sizeof(View))
        memset(&valid[0], 0, valid.shape[0])
        for i in range(count):
            begin, length = places[i, 0], places[i, 1]
            if length < 0:
                nulls += 1
                continue
            if begin < 0 or length > text.shape[0] - begin or length > text_view.INLINE and length > out.shape[0] - at:
                good = False
                break
            valid[i >> 3] |= <uint8_t> (1 << (i & 7))
            at = put(<View *> &made[4 * i], data + begin, length, room, at)
    if not good:
        raise ValueError("a text is outside of the buffer, or the long ones need more room")
    return nulls
