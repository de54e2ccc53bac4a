# The grammar of dates in text (see timestamps.pyx), read from left to right.
from libc.stdint cimport int32_t, int64_t, uint8_t

cdef enum:
    _NAIVE = -32768
    _MICRO = 1000000

cdef struct Layout:
    uint8_t year_at       # 0: year first, 2: year last
    uint8_t day_at        # 0, 1 or 2
    uint8_t separator
    uint8_t year_digits   # 4, or 2 for 1969-2068

cdef struct Cursor:
    const uint8_t *at
    const uint8_t *end

cdef struct Moment:
    int32_t year, month, day, hour, minute, second
    int32_t micro, nano   # of the second; beyond the microsecond
    int32_t offset        # minutes east of UTC, or _NAIVE


cdef inline bint leap(int32_t year) noexcept nogil:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


cdef inline int64_t days_since_epoch(int32_t year, int32_t month, int32_t day) noexcept nogil:
    cdef int32_t past = year - 1
    cdef int64_t days = past * 365 + past // 4 - past // 100 + past // 400 - 719162
    if month > 2:
        days -= 1 if leap(year) else 2
    return days + (367 * month - 362) // 12 + day - 1


cdef inline bint take(Cursor *text, uint8_t character) noexcept nogil:
    if text.at < text.end and text.at[0] == character:
        text.at += 1
        return True
    return False


cdef inline int32_t number(Cursor *text, int least, int most) noexcept nogil:
    """Return the number written in the next `least` to `most` digits, -1 where there are fewer."""
    cdef int32_t value = 0
    cdef int digits = 0
    while digits < most and text.at < text.end and <uint8_t> (text.at[0] - 48) <= 9:
        value = value * 10 + (text.at[0] - 48)
        text.at += 1
        digits += 1
    return value if digits >= least else -1


cdef inline bint read_fraction(Cursor *text, Moment *moment) noexcept nogil:
    cdef const uint8_t *start = text.at
    cdef int32_t value = number(text, 1, 9)
    cdef int missing = 9 - <int> (text.at - start)
    if value < 0:
        return False
    while missing > 0:
        value *= 10
        missing -= 1
    moment.micro, moment.nano = value // 1000, value % 1000
    return True


cdef inline bint read_half(Cursor *text, Moment *moment) noexcept nogil:
    """Read AM or PM, if there; the hour must then be 1 to 12."""
    cdef Cursor ahead = text[0]
    cdef uint8_t half
    take(&ahead, 32)
    if ahead.end - ahead.at < 2 or (ahead.at[1] | 32) != 109:
        return True
    half = ahead.at[0] | 32
    if half != 97 and half != 112:
        return True
    if moment.hour < 1 or moment.hour > 12:
        return False
    moment.hour = moment.hour % 12 + (12 if half == 112 else 0)
    text.at = ahead.at + 2
    return True


cdef inline bint read_offset(Cursor *text, Moment *moment) noexcept nogil:
    cdef int32_t hours, minutes = 0
    cdef int sign
    take(text, 32)
    if text.at == text.end:
        return False
    if take(text, 90) or take(text, 122):                              # Z, z
        moment.offset = 0
        return True
    if text.end - text.at == 3 and text.at[0] == 85 and text.at[1] == 84 and text.at[2] == 67:  # UTC
        text.at += 3
        moment.offset = 0
        return True
    sign = 44 - <int> text.at[0]                                       # '+' is 43, '-' is 45
    if sign != 1 and sign != -1:
        return False
    text.at += 1
    hours = number(text, 2, 2)
    if take(text, 58) or text.at < text.end:
        minutes = number(text, 2, 2)
    moment.offset = sign * (hours * 60 + minutes)
    return hours >= 0 and 0 <= minutes <= 59 and hours * 60 + minutes <= 1080


cdef inline bint read_rest(Cursor *text, Moment *moment) noexcept nogil:
    """Read what may follow the minutes or whole seconds: AM, PM, an offset, the end."""
    if text.at == text.end:
        return True
    if not read_half(text, moment):
        return False
    return text.at == text.end or (read_offset(text, moment) and text.at == text.end)


cdef inline bint read_time(Cursor *text, Moment *moment) noexcept nogil:
    moment.hour = number(text, 1, 2)
    if moment.hour < 0 or not take(text, 58):
        return False
    moment.minute = number(text, 2, 2)
    if moment.minute < 0:
        return False
    if take(text, 58):
        moment.second = number(text, 2, 2)
        if moment.second < 0:
            return False
        if (take(text, 46) or take(text, 44)) and not read_fraction(text, moment):
            return False
    return read_rest(text, moment)


cdef inline bint read_date(Cursor *text, Layout *layout, Moment *moment) noexcept nogil:
    cdef int32_t[3] part
    cdef int i
    for i in range(3):
        if i and not take(text, layout.separator):
            return False
        if i == layout.year_at:
            part[i] = number(text, layout.year_digits, layout.year_digits)
        else:
            part[i] = number(text, 1, 2)
        if part[i] < 0:
            return False
    moment.year, moment.day = part[layout.year_at], part[layout.day_at]
    moment.month = part[3 - layout.year_at - layout.day_at]
    if layout.year_digits == 2:
        moment.year += 1900 if moment.year >= 69 else 2000
    return True


cdef inline bint read_any(Cursor *text, Layout *layout, Moment *moment) noexcept nogil:
    if not read_date(text, layout, moment):
        return False
    if text.at == text.end:
        return True
    if not take(text, 84):                                             # T
        take(text, 44)
        if not take(text, 32):
            return False
    return read_time(text, moment)


cdef inline bint valid(Moment *moment) noexcept nogil:
    cdef int32_t longest
    if moment.month < 1 or moment.month > 12 or moment.minute > 59 or moment.second > 59:
        return False
    longest = 30 + ((moment.month + (moment.month >> 3)) & 1)
    if moment.month == 2:
        longest = 29 if leap(moment.year) else 28
    if moment.day < 1 or moment.day > longest:
        return False
    if moment.hour == 24:
        return moment.minute == 0 and moment.second == 0 and moment.micro == 0 and moment.nano == 0
    return moment.hour < 24


cdef inline int64_t microseconds_of(Moment *moment) noexcept nogil:
    cdef int64_t seconds = days_since_epoch(moment.year, moment.month, moment.day) * 86400
    seconds += moment.hour * 3600 + moment.minute * 60 + moment.second
    if moment.offset != _NAIVE:
        seconds -= moment.offset * 60
    return seconds * _MICRO + moment.micro
