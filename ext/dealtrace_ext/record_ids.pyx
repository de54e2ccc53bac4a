"""Record ids of CRMs in their one canonical form: Salesforce's 18 characters, lower-case GUIDs.

A Salesforce id is 15 characters that count in base 62 and, in its long form, 3 that tell which of the 15 are
capitals: five bits each, the first character lowest, written as one of A-Z and 0-5.
"""

from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from dealtrace_ext.columns cimport Text
from dealtrace_ext.guid_numbers cimport eight, guid_number

cdef extern from *:
    """
    #include <stdint.h>
    /* Of 36 bytes: 0 no GUID in lower case, 1 a GUID, 2 the one of zeros; without a branch, so that it is vectors. */
    static inline int dt_plain_guid(const uint8_t *value) {
        static const uint8_t dash[36] = {0,0,0,0,0,0,0,0,1,0,0,0,0,1,0,0,0,0,1,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0};
        uint8_t bad = 0, some = 0;
        for (int i = 0; i < 36; i++) {
            uint8_t c = value[i];
            uint8_t hex = (uint8_t)((uint8_t)(c - 48) < 10) | (uint8_t)((uint8_t)(c - 97) < 6);
            bad |= dash[i] ? (uint8_t)(c != 45) : (uint8_t)!hex;
            some |= dash[i] ? (uint8_t)0 : (uint8_t)(c != 48);
        }
        return bad ? 0 : some ? 1 : 2;
    }
    """
    int dt_plain_guid(const uint8_t *value) noexcept nogil

cdef int[32] DIGIT_AT = [
    0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17,
    19, 20, 21, 22, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,
]  # of a GUID's 36 characters
cdef const uint8_t *DIGITS = b"0123456789abcdef"

cdef packed struct View:
    int32_t length
    int32_t prefix
    int32_t buffer
    int32_t offset

cdef enum:
    C_MISSING = 0
    C_GOOD = 1
    C_COMPLETED = 2
    C_REPAIRED = 3
    C_DAMAGED = 4
    C_OTHER = 5
    C_SCIENTIFIC = 6

MISSING, GOOD, COMPLETED, REPAIRED, DAMAGED, OTHER, SCIENTIFIC = range(7)

cdef const uint8_t *CHECKSUM = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def salesforce_ids(column, uint8_t[::1] out, int64_t[::1] offsets, uint8_t[::1] states):
    """Write each id with 18 characters, and say what it was.

    Parameters
    ----------
    column : Arrow text array, shape (n,)
    out : uint8 buffer
        At least as long as the texts and 3 bytes for each.
    offsets : int64 buffer, shape (n + 1,)
        Where each written id starts in `out`.
    states : uint8 buffer, shape (n,)
        MISSING: null, empty, or the id of nothing (zeros), written as nothing. GOOD. COMPLETED: had 15
        characters. REPAIRED: had lost its case, all of it, and the last three told it. DAMAGED: the last three
        do not fit; written as it is. OTHER: no id at all; written as it is. SCIENTIFIC: a number such as
        5.0E+11, what spreadsheets make of some ids, written as nothing.

    Raises
    ------
    ValueError
        A buffer is too small, or the array's offsets are broken.
    """
    cdef Text text = Text(column)
    cdef int64_t done
    _check(text, 3, out, offsets, states)
    if text.length == 0:
        return
    with nogil:
        done = _salesforce(text, &out[0] if out.shape[0] else NULL, &offsets[0], &states[0])
    if done < 0:
        raise ValueError("the Arrow text array's offsets run backwards")


def guids(column, uint8_t[::1] out, int64_t[::1] offsets, uint8_t[::1] states):
    """Write each GUID in lower case without braces, and say what it was.

    Parameters
    ----------
    column : Arrow text array, shape (n,)
    out : uint8 buffer
        At least as long as the texts.
    offsets : int64 buffer, shape (n + 1,)
    states : uint8 buffer, shape (n,)
        MISSING: null, empty or all zeros, written as nothing. GOOD. REPAIRED: had braces or capitals. OTHER: no
        GUID; written as it is.

    Raises
    ------
    ValueError
        A buffer is too small, or the array's offsets are broken.
    """
    cdef Text text = Text(column)
    cdef int64_t done
    _check(text, 0, out, offsets, states)
    if text.length == 0:
        return
    with nogil:
        done = _guids(text, &out[0] if out.shape[0] else NULL, &offsets[0], &states[0])
    if done < 0:
        raise ValueError("the Arrow text array's offsets run backwards")


def guid_numbers(column, uint64_t[::1] high, uint64_t[::1] low):
    """Read GUIDs as the numbers of 128 bits that they write; their order is that of the texts.

    Parameters
    ----------
    column : Arrow text array, shape (n,)
    high, low : uint64 buffers, shape (n,)
        The first and the last 64 bits; 0 for null.

    Returns
    -------
    bool
        Whether every text is a GUID in lower case, or null. If not, what the buffers hold means nothing.

    Raises
    ------
    ValueError
        A buffer has another length, or the array's offsets are broken.
    """
    return _numbers(Text(column), high, low, True)


def salesforce_numbers(column, uint64_t[::1] high, uint64_t[::1] low):
    """Read ids of 18 characters as numbers of 128 bits, the first 15 as bytes; their order is that of the texts.

    See `guid_numbers`: every text is to be an id whose last three characters fit.
    """
    return _numbers(Text(column), high, low, False)


cdef bint _numbers(Text text, uint64_t[::1] high, uint64_t[::1] low, bint guids) except -1:
    cdef int found
    if high.shape[0] != text.length or low.shape[0] != text.length:
        raise ValueError(f"{text.length} ids need as many numbers, high and low")
    if text.length == 0:
        return True
    with nogil:
        found = _read_numbers(text, &high[0], &low[0], guids)
    if found < 0:
        raise ValueError("the Arrow text array's offsets run backwards")
    return found == 1


def guid_texts(const uint64_t[::1] high, const uint64_t[::1] low, uint8_t[::1] out, View[::1] views=None):
    """Write numbers of 128 bits as GUIDs, one after the other, and where each is as Arrow's views say it.

    Parameters
    ----------
    high, low : uint64 buffers, shape (n,)
    out : uint8 buffer, shape (36 * n,)
    views : buffer of the four int32 of a view, shape (n,), optional

    Raises
    ------
    ValueError
        The buffers' lengths do not fit, or are too long for a view.
    """
    _texts(high, low, out, views, 36)


def salesforce_texts(const uint64_t[::1] high, const uint64_t[::1] low, uint8_t[::1] out, View[::1] views=None):
    """Write what `salesforce_numbers` read as ids of 18 characters; see `guid_texts`."""
    _texts(high, low, out, views, 18)


cdef int _texts(
    const uint64_t[::1] high, const uint64_t[::1] low, uint8_t[::1] out, View[::1] views, int size
) except -1:
    cdef int64_t i
    cdef bint viewed = views is not None
    if low.shape[0] != high.shape[0] or out.shape[0] != size * high.shape[0]:
        raise ValueError(f"{high.shape[0]} ids need as many low numbers, and {size} bytes each")
    if viewed and (views.shape[0] != high.shape[0] or out.shape[0] > INT32_MAX):
        raise ValueError(f"{high.shape[0]} ids need as many views, or are too many for a buffer with views")
    with nogil:
        for i in range(high.shape[0]):
            if size == 36:
                _write_number(high[i], low[i], &out[size * i])
            else:
                _write_id(high[i], low[i], &out[size * i])
            if viewed:
                views[i].length, views[i].buffer, views[i].offset = size, 0, <int32_t> (size * i)
                memcpy(&views[i].prefix, &out[size * i], 4)
    return 0


cdef int _read_numbers(Text text, uint64_t *high, uint64_t *low, bint guids) noexcept nogil:
    """Return 1 if all are ids in their one form, 0 if one is none, -1 where offsets run backwards."""
    cdef int64_t i, begin, end
    cdef const uint8_t *value
    for i in range(text.length):
        begin, end = text.begin(i), text.begin(i + 1)
        if end < begin or end > text.data_end:
            return -1
        high[i], low[i] = 0, 0
        if text.is_null(i):
            continue
        value = text.data + begin
        if guids:
            if end - begin != 36 or not guid_number(value, &high[i], &low[i]):
                return 0
        elif end - begin != 18 or _salesforce_state(value, 18) != C_GOOD:
            return 0
        else:
            high[i], low[i] = eight(value, value + 4), eight(value + 8, value + 12) & ~<uint64_t> 0xff
    return 1


cdef void _write_id(uint64_t high, uint64_t low, uint8_t *out) noexcept nogil:
    cdef int place
    for place in range(8):
        out[place] = <uint8_t> (high >> (56 - 8 * place))
        if place < 7:
            out[8 + place] = <uint8_t> (low >> (56 - 8 * place))
    _write_checksum(out, out + 15)


cdef void _write_number(uint64_t high, uint64_t low, uint8_t *out) noexcept nogil:
    cdef int place
    out[8] = out[13] = out[18] = out[23] = c"-"
    for place in range(16):
        out[DIGIT_AT[place]] = DIGITS[high >> (60 - 4 * place) & 15]
        out[DIGIT_AT[16 + place]] = DIGITS[low >> (60 - 4 * place) & 15]


cdef int _check(Text text, int64_t more, uint8_t[::1] out, int64_t[::1] offsets, uint8_t[::1] states) except -1:
    cdef int64_t size = text.data_end - text.begin(0) if text.length else 0
    if states.shape[0] != text.length or offsets.shape[0] != text.length + 1:
        raise ValueError(f"{text.length} ids need as many states and one more offset")
    if out.shape[0] < size + more * text.length:
        raise ValueError(f"the ids may need {size + more * text.length} bytes, got room for {out.shape[0]}")
    offsets[0] = 0
    return 0


cdef int64_t _salesforce(Text text, uint8_t *out, int64_t *offsets, uint8_t *states) noexcept nogil:
    cdef int64_t i, begin, end, at = 0
    cdef const uint8_t *value
    for i in range(text.length):
        begin, end = text.begin(i), text.begin(i + 1)
        if end < begin or end > text.data_end:
            return -1
        value = text.data + begin
        states[i] = C_MISSING if text.is_null(i) else _salesforce_state(value, end - begin)
        if states[i] == C_COMPLETED or states[i] == C_GOOD:
            memcpy(out + at, value, 15)
            _write_checksum(value, out + at + 15)
            at += 18
        elif states[i] == C_REPAIRED:
            _restore_case(value, out + at)
            at += 18
        elif states[i] == C_DAMAGED or states[i] == C_OTHER:
            memcpy(out + at, value, end - begin)
            at += end - begin
        offsets[i + 1] = at
    return at


cdef uint8_t _salesforce_state(const uint8_t *value, int64_t length) noexcept nogil:
    cdef uint8_t checksum[3]
    cdef int64_t i
    cdef bint upper = False, lower = False, zeros = True
    if length == 0:
        return C_MISSING
    if length != 15 and length != 18:
        return C_SCIENTIFIC if _is_scientific(value, length) else C_OTHER
    for i in range(length):
        if not (_is_digit(value[i]) or _is_upper(value[i]) or _is_lower(value[i])):
            return C_SCIENTIFIC if _is_scientific(value, length) else C_OTHER
        upper, lower = upper or _is_upper(value[i]), lower or _is_lower(value[i])
        zeros = zeros and (value[i] == c"0" or i >= 15)
    if zeros:
        return C_MISSING
    if length == 15:
        return C_COMPLETED
    _write_checksum(value, checksum)
    if checksum[0] == value[15] and checksum[1] == value[16] and checksum[2] == value[17]:
        return C_GOOD
    if not (upper and lower) and _fits_some_case(value):
        return C_REPAIRED
    return C_DAMAGED


cdef void _write_checksum(const uint8_t *value, uint8_t *out) noexcept nogil:
    cdef int block, i, bits
    for block in range(3):
        bits = 0
        for i in range(5):
            bits |= _is_upper(value[5 * block + i]) << i
        out[block] = CHECKSUM[bits]


cdef bint _fits_some_case(const uint8_t *value) noexcept nogil:
    """Whether the last three ask for capitals only where there are letters."""
    cdef int block, i, bits
    for block in range(3):
        bits = _checksum_bits(value[15 + block])
        if bits < 0:
            return False
        for i in range(5):
            if bits >> i & 1 and _is_digit(value[5 * block + i]):
                return False
    return True


cdef void _restore_case(const uint8_t *value, uint8_t *out) noexcept nogil:
    cdef int block, i, bits
    cdef uint8_t character
    for block in range(3):
        bits = _checksum_bits(value[15 + block])
        for i in range(5):
            character = value[5 * block + i]
            if not _is_digit(character):
                character = character & 0xDF if bits >> i & 1 else character | 0x20
            out[5 * block + i] = character
        out[15 + block] = CHECKSUM[bits]


cdef int _checksum_bits(uint8_t character) noexcept nogil:
    if _is_upper(character):
        return character - c"A"
    if _is_lower(character):
        return character - c"a"
    if c"0" <= character <= c"5":
        return character - c"0" + 26
    return -1


cdef bint _is_scientific(const uint8_t *value, int64_t length) noexcept nogil:
    """Whether a text is digits, perhaps a point or comma among them, and an exponent."""
    cdef int64_t i = 0, digits = 0
    while i < length and (_is_digit(value[i]) or value[i] == c"." or value[i] == c","):
        digits += _is_digit(value[i])
        i += 1
    if digits == 0 or i + 2 >= length or value[i] & 0xDF != c"E" or value[i + 1] not in (c"+", c"-"):
        return False
    for i in range(i + 2, length):
        if not _is_digit(value[i]):
            return False
    return True


cdef int64_t _guids(Text text, uint8_t *out, int64_t *offsets, uint8_t *states) noexcept nogil:
    cdef int64_t i, begin, end, length, at = 0
    cdef const uint8_t *value
    for i in range(text.length):
        begin, end = text.begin(i), text.begin(i + 1)
        if end < begin or end > text.data_end:
            return -1
        value, length = text.data + begin, end - begin
        if text.is_null(i) or length == 0:
            states[i] = C_MISSING
        else:
            states[i] = C_GOOD
            if length == 38 and value[0] == c"{" and value[37] == c"}":
                value, length = value + 1, 36
                states[i] = C_REPAIRED
            at += _write_guid(value, length, out + at, &states[i])
        offsets[i + 1] = at
    return at


cdef int64_t _write_guid(const uint8_t *value, int64_t length, uint8_t *out, uint8_t *state) noexcept nogil:
    """Write a text that may be a GUID, and return its length as written."""
    cdef int64_t i
    cdef uint8_t character
    cdef bint zeros = True, good = length == 36
    if good and dt_plain_guid(value) == 1:
        memcpy(out, value, 36)
        return 36
    if good:
        for i in range(36):
            character = value[i]
            if i in (8, 13, 18, 23):
                good = good and character == c"-"
            else:
                good = good and (_is_digit(character) or c"a" <= character | 0x20 <= c"f")
                zeros = zeros and character == c"0"
            if _is_upper(character):
                state[0] = C_REPAIRED
            out[i] = character | 0x20 if _is_upper(character) else character
    if not good:
        if state[0] == C_REPAIRED and length == 36 and value[-1] == c"{":
            value, length = value - 1, 38
        memcpy(out, value, length)
        state[0] = C_OTHER
        return length
    if zeros:
        state[0] = C_MISSING
        return 0
    return 36


cdef inline bint _is_digit(uint8_t character) noexcept nogil:
    return c"0" <= character <= c"9"


cdef inline bint _is_upper(uint8_t character) noexcept nogil:
    return c"A" <= character <= c"Z"


cdef inline bint _is_lower(uint8_t character) noexcept nogil:
    return c"a" <= character <= c"z"
