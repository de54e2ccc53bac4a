"""JSON that lists changed attributes to those that are wanted, and where their old and new values stand.

Understood is what is plain: ``{"changedAttributes": [{"logicalName": ..., "oldValue": ..., "newValue": ...}]}``
with texts and nulls, in any order and with any white space. A text in which something else stands, or a wanted value
with a backslash, is marked, and nothing of it is kept.
"""

from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcmp, memcpy

from dealtrace_ext.columns cimport Views

cdef enum:
    LONGEST = 128                  # bytes of a wanted name
    NOTHING = -1                   # begin of a null
    FIGURES = 6


cdef struct Span:
    int64_t begin, end             # `begin` is NOTHING for null
    bint escaped                   # a backslash is in it


cdef struct Change:
    Span name, old, new


cdef inline bint is_space(uint8_t c) noexcept nogil:
    return c == 32 or c == 9 or c == 10 or c == 13


cdef inline int64_t spaces(const uint8_t *data, int64_t at, int64_t end) noexcept nogil:
    while at < end and is_space(data[at]):
        at += 1
    return at


cdef inline int64_t mark(const uint8_t *data, int64_t at, int64_t end, uint8_t wanted) noexcept nogil:
    """Return what comes behind a character and the white space around it, or -1 where another one stands."""
    at = spaces(data, at, end)
    if at >= end or data[at] != wanted:
        return -1
    return spaces(data, at + 1, end)


cdef inline int64_t text(const uint8_t *data, int64_t at, int64_t end, Span *span) noexcept nogil:
    """Read a text in quotation marks; return what comes behind it, or -1."""
    if at >= end or data[at] != 34:
        return -1
    at += 1
    span.begin, span.escaped = at, False
    while at < end and data[at] != 34:
        if data[at] == 92:
            span.escaped = True
            at += 1
        at += 1
    if at >= end:
        return -1
    span.end = at
    return at + 1


cdef inline int64_t text_or_null(const uint8_t *data, int64_t at, int64_t end, Span *span) noexcept nogil:
    if at + 4 <= end and memcmp(data + at, b"null", 4) == 0:
        span.begin = span.end = NOTHING
        span.escaped = False
        return at + 4
    return text(data, at, end, span)


cdef inline bint is_key(const uint8_t *data, const Span *span, const char *key, int64_t size) noexcept nogil:
    return not span.escaped and span.end - span.begin == size and memcmp(data + span.begin, key, size) == 0


cdef int64_t change_at(const uint8_t *data, int64_t at, int64_t end, Change *change) noexcept nogil:
    """Read an object with a name and two values; return what comes behind it, or -1."""
    cdef Span key
    cdef Span *into
    change.name.begin = change.old.begin = change.new.begin = NOTHING
    change.name.escaped = change.old.escaped = change.new.escaped = False
    at = mark(data, at, end, 123)
    while at >= 0:
        at = text(data, at, end, &key)
        at = mark(data, at, end, 58) if at >= 0 else -1
        if at < 0:
            return -1
        if is_key(data, &key, b"logicalName", 11):
            into = &change.name
        elif is_key(data, &key, b"oldValue", 8):
            into = &change.old
        elif is_key(data, &key, b"newValue", 8):
            into = &change.new
        else:
            return -1
        at = text_or_null(data, at, end, into)
        if at < 0:
            return -1
        at = spaces(data, at, end)
        if at < end and data[at] == 125:
            return at + 1
        at = mark(data, at, end, 44)
    return -1


cdef inline int64_t wanted_name(
    const uint8_t *data, const Span *span, const uint8_t *names, const int64_t *ends, const int64_t *firsts
) noexcept nogil:
    """Return the number of a wanted name, whatever its capitals, or -1; names come by length."""
    cdef int64_t size = span.end - span.begin, name, i
    cdef const uint8_t *written = data + span.begin
    cdef const uint8_t *wanted
    cdef uint8_t c
    if span.begin == NOTHING or size > LONGEST:
        return -1
    for name in range(firsts[size], firsts[size + 1]):
        wanted = names + ends[name] - size
        for i in range(size):
            c = written[i]
            if c != wanted[i] and not (65 <= c <= 90 and c + 32 == wanted[i]):
                break
        else:
            return name
    return -1


cdef int64_t row_changes(
    const uint8_t *data, int64_t at, int64_t end, const uint8_t *names, const int64_t *ends,
    const int64_t *firsts, int64_t row, int64_t *found, int64_t count, int64_t room,
) noexcept nogil:
    """Add the wanted changes of one text to `found`, as far as there is room; return how many there are then.

    -1 where the text is not understood.
    """
    cdef Span key
    cdef Change change
    cdef int64_t name
    cdef int64_t *into
    at = mark(data, at, end, 123)
    if at < 0:
        return -1
    at = text(data, at, end, &key)
    if at < 0 or not is_key(data, &key, b"changedAttributes", 17):
        return -1
    at = mark(data, at, end, 58)
    at = mark(data, at, end, 91) if at >= 0 else -1
    if at >= 0 and at < end and data[at] == 93:
        at = mark(data, at + 1, end, 125)
        return count if at == end else -1
    while at >= 0:
        at = change_at(data, at, end, &change)
        if at < 0 or change.name.escaped:
            return -1
        name = wanted_name(data, &change.name, names, ends, firsts)
        if name >= 0:
            if change.old.escaped or change.new.escaped:
                return -1
            if count < room:
                into = found + FIGURES * count
                into[0], into[1] = row, name
                into[2], into[3] = change.old.begin, change.old.end
                into[4], into[5] = change.new.begin, change.new.end
            count += 1
        at = spaces(data, at, end)
        if at < end and data[at] == 93:
            at = mark(data, at + 1, end, 125)
            return count if at == end else -1
        at = mark(data, at, end, 44)
    return -1


def find_changes(Views texts not None, names, int64_t[:, ::1] found, uint8_t[::1] other):
    """Find the wanted changes in each text.

    Parameters
    ----------
    texts : Views, length n
        A null has no changes.
    names : list of bytes
        The wanted ones in lower case, by length.
    found : int64 buffer, shape (room, 6)
        Filled, as far as there is room, with a row for each wanted change: its text; the place of its name in
        `names`; begin and end of the old value in the text's bytes, -1 for null; of the new value.
    other : uint8 buffer, shape (n,)
        1 is written for a text that is not understood, 0 for any other.

    Returns
    -------
    int
        How many changes there are; where they are more than there is room for, call again with more.

    Raises
    ------
    ValueError
        A name is too long, or they are not in the order of their lengths, or a shape is wrong.

    Examples
    --------
    >>> import numpy as np, pyarrow as pa
    >>> from dealtrace_ext.columns import Views
    >>> text = '{"changedAttributes":[{"logicalName":"state","oldValue":null,"newValue":"1"}]}'
    >>> texts = pa.array([text, "x"], pa.string_view())
    >>> found, other = np.zeros((4, 6), np.int64), np.zeros(2, np.uint8)
    >>> find_changes(Views(texts), [b"state"], found, other), found[0].tolist(), other.tolist()
    (1, [0, 0, -1, -1, 73, 74], [0, 1])
    """
    cdef int64_t n = texts.length, row, count = 0, after, place, size, room = found.shape[0]
    cdef const uint8_t *data
    cdef int64_t ends[1024]
    cdef int64_t firsts[LONGEST + 2]
    if other.shape[0] != n or found.shape[1] != FIGURES:
        raise ValueError(f"{n} texts need as many marks, and changes have {FIGURES} figures each")
    sizes = [len(name) for name in names]
    if len(sizes) > 1024 or any(size > LONGEST for size in sizes) or sizes != sorted(sizes):
        raise ValueError(f"up to 1024 names of up to {LONGEST} bytes are wanted, in the order of their lengths")
    flat = b"".join(names)
    cdef const uint8_t *written = <const uint8_t *> <const char *> flat
    place = 0
    for i, size in enumerate(sizes):
        place += size
        ends[i] = place
    for size in range(LONGEST + 2):
        firsts[size] = sum(one < size for one in sizes)
    with nogil:
        for row in range(n):
            other[row] = 0
            if not texts.text(row, &data, &size):
                other[row] = 1
                continue
            if data == NULL:
                continue
            after = row_changes(
                data, spaces(data, 0, size), size,
                written, ends, firsts, row, &found[0, 0] if room else NULL, count, room,
            )
            if after < 0:
                other[row] = 1
            else:
                count = after
    return count


def copy_values(
    Views texts not None, const int64_t[:, ::1] found, int64_t column, int64_t[::1] offsets, uint8_t[::1] out
):
    """Copy values that `find_changes` found, one after the other; return how many bytes they have.

    Parameters
    ----------
    texts : Views
    found : int64 buffer, shape (m, 6)
    column : int
        2 for old values, 4 for new ones.
    offsets : int64 buffer, shape (m + 1,)
        Where each begins, and the end of the last; a null has no bytes.
    out : uint8 buffer
        May be empty, to learn how many bytes are needed.

    Raises
    ------
    IndexError
        A value leaves the texts.
    """
    cdef int64_t i, begin, end, size, at = 0, bad = -1, m = found.shape[0], room = out.shape[0]
    cdef const uint8_t *data
    if found.shape[1] != FIGURES or column not in (2, 4) or offsets.shape[0] != m + 1:
        raise ValueError(f"{m} changes have {FIGURES} figures each and need one offset more")
    with nogil:
        offsets[0] = 0
        for i in range(m):
            begin, end = found[i, column], found[i, column + 1]
            if begin != NOTHING:
                if not (0 <= found[i, 0] < texts.length and texts.text(found[i, 0], &data, &size)) or not 0 <= begin <= end <= size:
                    bad = i
                    break
                if at + end - begin <= room:
                    memcpy(&out[0] + at, data + begin, end - begin)
                at += end - begin
            offsets[i + 1] = at
    if bad >= 0:
        raise IndexError(f"value {bad} leaves the texts")
    return at
