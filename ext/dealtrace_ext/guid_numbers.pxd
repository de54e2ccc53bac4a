# GUIDs in lower case as the numbers of 128 bits that they write.
from libc.stdint cimport uint8_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    /* Eight characters, four and four, as one number, the first highest. */
    static inline uint64_t dt_eight(const uint8_t *first, const uint8_t *last) {
        uint32_t high, low;
        memcpy(&high, first, 4);
        memcpy(&low, last, 4);
    #if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        high = __builtin_bswap32(high);
        low = __builtin_bswap32(low);
    #endif
        return (uint64_t)high << 32 | low;
    }
    #define DT_EACH(c) ((uint64_t)(c) * 0x0101010101010101u)
    /* The number that eight hexadecimal digits in lower case write, all of them at once; `bad` gets bits if some are none. */
    static inline uint64_t dt_eight_digits(uint64_t x, uint64_t *bad) {
        uint64_t y = x & DT_EACH(0x7f);
        uint64_t digits = (y + DT_EACH(0x80 - '0')) & ~(y + DT_EACH(0x80 - ':'));
        uint64_t letters = (y + DT_EACH(0x80 - 'a')) & ~(y + DT_EACH(0x80 - 'g'));
        *bad |= (~(digits | letters) | x) & DT_EACH(0x80);
        x = (x & DT_EACH(0x0f)) + 9 * (x >> 6 & DT_EACH(1));
        x = (x | x >> 4) & 0x00ff00ff00ff00ffu;
        x = (x | x >> 8) & 0x0000ffff0000ffffu;
        return (x | x >> 16) & 0xffffffffu;
    }
    /* Whether 36 bytes are a GUID in lower case; its first and last 64 bits. */
    static inline int dt_guid_number(const uint8_t *value, uint64_t *high, uint64_t *low) {
        uint64_t bad = (value[8] ^ '-') | (value[13] ^ '-') | (value[18] ^ '-') | (value[23] ^ '-');
        *high = dt_eight_digits(dt_eight(value, value + 4), &bad) << 32
            | dt_eight_digits(dt_eight(value + 9, value + 14), &bad);
        *low = dt_eight_digits(dt_eight(value + 19, value + 24), &bad) << 32
            | dt_eight_digits(dt_eight(value + 28, value + 32), &bad);
        return bad == 0;
    }
    """
    uint64_t eight "dt_eight"(const uint8_t *first, const uint8_t *last) noexcept nogil
    bint guid_number "dt_guid_number"(const uint8_t *value, uint64_t *high, uint64_t *low) noexcept nogil
