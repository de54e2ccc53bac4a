"""Record ids of CRMs in their one canonical form: Salesforce's 18 characters, lower-case GUIDs.

A Salesforce id is 15 characters that count in base 62 and, in its long form, 3 that tell which of the 15 are
capitals: five bits each, the first character lowest, written as one of A-Z and 0-5.
"""

from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy

from dealtrace_ext.columns cimport Text

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
