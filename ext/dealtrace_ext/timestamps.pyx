"""Date text to int64 microseconds since 1970-01-01 UTC.

A layout is the order of the date's parts (``"ymd"``, ``"dmy"``, ``"mdy"``) and the separator between them.
The grammar, spaces around it allowed::

    date [("T" | [","] " ") time [[" "] ("AM" | "PM")] [[" "] offset]]
    date:   year of 4 digits, month and day of 1 or 2, in the layout's order
    time:   H:MM | HH:MM, then [:SS [("." | ",") 1 to 9 digits]]; hour 24 only as 24:00:00; no second 60
    offset: "Z" | "UTC" | +hh | +hhmm | +hh:mm, at most 18 hours

``-`` with ``"ymd"`` contains ISO 8601's extended format. Nothing is guessed: what does not fit is `UNPARSED`.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint64_t
from libc.string cimport memcpy

from dealtrace_ext.columns cimport Text
from dealtrace_ext.date_text cimport (
    _MICRO, _NAIVE, Cursor, Layout, Moment, days_since_epoch, microseconds_of, read_any, read_fraction,
    read_offset, take, valid,
)

cdef enum:
    _OK = 0
    _MISSING = 1
    _UNPARSED = 2
    _OUT_OF_RANGE = 3

cdef int64_t _NOT_A_TIME = <int64_t> 1 << 63
cdef int64_t _EARLIEST = -62135596800 * <int64_t> _MICRO               # 0001-01-01
cdef int64_t _LATEST = 253402300800 * <int64_t> _MICRO - 1             # 9999-12-31T23:59:59.999999

OK, MISSING, UNPARSED, OUT_OF_RANGE = _OK, _MISSING, _UNPARSED, _OUT_OF_RANGE
NAIVE = _NAIVE
NOT_A_TIME, EARLIEST, LATEST = _NOT_A_TIME, _EARLIEST, _LATEST

cdef uint16_t _one = 1
cdef bint _little_endian = (<uint8_t *> &_one)[0] == 1

cdef struct Day:          # the last date that was read
    bint known
    uint64_t text
    uint8_t tens, ones
    int64_t microseconds


cdef inline uint64_t eight(const uint8_t *at) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, at, 8)
    return word


cdef inline uint64_t not_in_shape(uint64_t lanes, uint64_t slack) noexcept nogil:
    """Return bits where a lane is above 9 (slack 0x76, a digit) or above 0 (slack 0x7f, a separator)."""
    return ((lanes + slack) | lanes) & <uint64_t> 0x8080808080808080


cdef inline bint read_day(const uint8_t *at, Day *day) noexcept nogil:
    """Read ``yyyy-mm-dd``, the same as last time for nothing."""
    cdef uint64_t date = eight(at)
    cdef uint8_t tens = at[8] - 48, ones = at[9] - 48
    cdef Moment moment
    if day.known and date == day.text and at[8] == day.tens and at[9] == day.ones:
        return True
    day.known, day.text, day.tens, day.ones = False, date, at[8], at[9]
    date ^= <uint64_t> 0x2D30302D30303030                              # yyyy-mm-
    if not_in_shape(date, <uint64_t> 0x7F76767F76767676) or tens > 9 or ones > 9:
        return False
    date = date * 10 + (date >> 8)                                     # two digits in a lane
    moment.year, moment.month = (date & 255) * 100 + (date >> 16 & 255), date >> 40 & 255
    moment.day = tens * 10 + ones
    moment.hour = moment.minute = moment.second = 0
    if moment.year == 0 or not valid(&moment):
        return False
    day.microseconds = days_since_epoch(moment.year, moment.month, moment.day) * 86400 * _MICRO
    day.known = True
    return True


cdef inline bint read_micro_utc(const uint8_t *at, Moment *moment) noexcept nogil:
    """Read ``.ffffffZ``, which most programs write."""
    cdef uint64_t digits = eight(at) ^ <uint64_t> 0x5A3030303030302E
    if not_in_shape(digits, <uint64_t> 0x7F7676767676767F):
        return False
    digits >>= 8
    digits = digits * 10 + (digits >> 8)                               # two digits in a lane
    moment.micro = (digits & 255) * 10000 + (digits >> 16 & 255) * 100 + (digits >> 32 & 255)
    moment.offset = 0
    return True


cdef inline bint read_iso(Cursor text, Day *day, Moment *moment, int64_t *out) noexcept nogil:
    """Read ``yyyy-mm-ddThh:mm:ss[.fraction][Z|+hh:mm]``, eight bytes at a time; False: leave it to `read_any`."""
    cdef uint64_t clock
    cdef int32_t hours, minutes, seconds
    if text.end - text.at < 19 or not _little_endian or (text.at[10] != 32 and text.at[10] != 84):
        return False
    clock = eight(text.at + 11) ^ <uint64_t> 0x30303A30303A3030        # hh:mm:ss
    if not_in_shape(clock, <uint64_t> 0x76767F76767F7676) or not read_day(text.at, day):
        return False
    clock = clock * 10 + (clock >> 8)
    hours, minutes, seconds = clock & 255, clock >> 24 & 255, clock >> 48 & 255
    if hours > 23 or minutes > 59 or seconds > 59:
        return False
    text.at += 19
    moment.micro = moment.nano = 0
    moment.offset = _NAIVE
    if text.end - text.at == 8 and read_micro_utc(text.at, moment):
        text.at = text.end
    elif (take(&text, 46) or take(&text, 44)) and not read_fraction(&text, moment):
        return False
    if text.at < text.end and not (read_offset(&text, moment) and text.at == text.end):
        return False
    out[0] = day.microseconds + (hours * 3600 + minutes * 60 + seconds) * <int64_t> _MICRO + moment.micro
    if moment.offset != _NAIVE:
        out[0] -= moment.offset * <int64_t> 60 * _MICRO
    return _EARLIEST <= out[0] <= _LATEST


cdef inline uint8_t read_value(Cursor text, Layout *layout, Moment *moment, int64_t *out) noexcept nogil:
    while text.at < text.end and text.at[0] == 32:
        text.at += 1
    while text.at < text.end and (text.end - 1)[0] == 32:
        text.end -= 1
    moment.hour = moment.minute = moment.second = moment.micro = moment.nano = 0
    moment.offset = _NAIVE
    if not read_any(&text, layout, moment) or not valid(moment):
        return _UNPARSED
    out[0] = microseconds_of(moment)
    return _OK if moment.year > 0 and _EARLIEST <= out[0] <= _LATEST else _OUT_OF_RANGE


cdef inline bint borrow(Text text, int64_t i, Cursor *value) noexcept nogil:
    """Point `value` at the text of value `i`; False where its offsets leave the buffer."""
    cdef int64_t begin = text.begin(i), end = text.begin(i + 1)
    if begin < 0 or end < begin or end > text.data_end:
        return False
    value.at, value.end = text.data + begin, text.data + end
    return True


cdef Layout layout_of(str order, str separator, bint two_digit_years) except *:
    cdef Layout layout
    if order not in ("ymd", "dmy", "mdy") or separator not in ("-", "/", "."):
        raise ValueError(f"no such layout: {order!r} with {separator!r}")
    layout.year_at, layout.day_at = order.index("y"), order.index("d")
    layout.separator = ord(separator)
    layout.year_digits = 2 if two_digit_years else 4
    return layout


def parse(
    Text text,
    str order,
    str separator,
    int64_t[::1] microseconds,
    uint16_t[::1] nanoseconds,
    int16_t[::1] offsets,
    uint8_t[::1] status,
    *,
    bint two_digit_years=False,
):
    """Read the dates of a text column; write one value, remainder, offset and status each.

    Parameters
    ----------
    text : Text, shape (n,)
        The column.
    order : {"ymd", "dmy", "mdy"}
        Order of the date's parts.
    separator : {"-", "/", "."}
        What stands between them.
    microseconds : writable buffer of int64, shape (n,)
        Since 1970-01-01 UTC; a value without an offset as if it were UTC; `NOT_A_TIME` where the status is
        not `OK`.
    nanoseconds : writable buffer of uint16, shape (n,)
        0 to 999 beyond the microsecond.
    offsets : writable buffer of int16, shape (n,)
        Minutes east of UTC as written; `NAIVE` where there is none.
    status : writable buffer of uint8, shape (n,)
        `OK`, `MISSING`, `UNPARSED`, or `OUT_OF_RANGE` (outside the years 1 to 9999 UTC).
    two_digit_years : bool
        The year has two digits and means 1969 to 2068.

    Returns
    -------
    rejected : int
        Values whose status is not `OK`.
    has_nanoseconds : bool
        Whether any remainder is not zero.
    lowest, highest : int
        Of the offsets of the values that are `OK`; `NAIVE` is the lowest there is. (0, `NAIVE`) where there
        is no such value.

    Raises
    ------
    ValueError
        Another layout, or buffers of another length.
    """
    cdef Layout layout = layout_of(order, separator, two_digit_years)
    cdef bint iso = order == "ymd" and separator == "-" and not two_digit_years
    cdef int64_t i, rejected = 0
    cdef int32_t lowest = 0, highest = _NAIVE
    cdef uint16_t any_nanos = 0
    cdef uint8_t state
    cdef Moment moment
    cdef Cursor value
    cdef Day day
    day.known, day.text, day.tens, day.ones, day.microseconds = False, 0, 0, 0, 0
    if not (text.length == microseconds.shape[0] == nanoseconds.shape[0] == offsets.shape[0] == status.shape[0]):
        raise ValueError(f"expected buffers of {text.length} values")
    with nogil:
        for i in range(text.length):
            if text.is_null(i):
                state = _MISSING
            elif not borrow(text, i, &value):
                state = _UNPARSED
            elif iso and read_iso(value, &day, &moment, &microseconds[i]):
                state = _OK
            else:
                state = read_value(value, &layout, &moment, &microseconds[i])
            status[i] = state
            if state == _OK:
                nanoseconds[i], offsets[i] = moment.nano, moment.offset
                any_nanos |= moment.nano
                highest = max(highest, moment.offset)
                lowest = moment.offset if rejected == i else min(lowest, moment.offset)
            else:
                microseconds[i], nanoseconds[i], offsets[i] = _NOT_A_TIME, 0, _NAIVE
                rejected += 1
    return rejected, any_nanos != 0, lowest, highest


cdef inline uint8_t read_integer(Cursor text, int64_t *out) noexcept nogil:
    cdef bint negative = False
    cdef uint64_t value = 0, limit = <uint64_t> 0x7FFFFFFFFFFFFFFF
    cdef uint8_t digit
    while text.at < text.end and text.at[0] == 32:
        text.at += 1
    while text.at < text.end and (text.end - 1)[0] == 32:
        text.end -= 1
    if not take(&text, 43):
        negative = take(&text, 45)
    if text.at == text.end:
        return _UNPARSED
    while text.at < text.end:
        digit = text.at[0] - 48
        if digit > 9:
            return _UNPARSED
        value = min(limit, value * 10 + digit) if value <= limit // 10 else limit
        text.at += 1
    out[0] = -<int64_t> value if negative else <int64_t> value
    return _OUT_OF_RANGE if value == limit else _OK


def integers(Text text, int64_t[::1] values, uint8_t[::1] status):
    """Read whole numbers, with or without a sign; what does not fit 64 bits is `OUT_OF_RANGE`.

    Parameters
    ----------
    text : Text, shape (n,)
        The column.
    values : writable buffer of int64, shape (n,)
        The numbers; `NOT_A_TIME` where the status is not `OK`.
    status : writable buffer of uint8, shape (n,)
        `OK`, `MISSING`, `UNPARSED` or `OUT_OF_RANGE`.

    Returns
    -------
    int
        Values whose status is not `OK`.
    """
    cdef int64_t i, rejected = 0
    cdef uint8_t state
    cdef Cursor value
    if not (text.length == values.shape[0] == status.shape[0]):
        raise ValueError(f"expected buffers of {text.length} values")
    with nogil:
        for i in range(text.length):
            if text.is_null(i):
                state = _MISSING
            elif borrow(text, i, &value):
                state = read_integer(value, &values[i])
            else:
                state = _UNPARSED
            status[i] = state
            if state != _OK:
                values[i] = _NOT_A_TIME
                rejected += 1
    return rejected
