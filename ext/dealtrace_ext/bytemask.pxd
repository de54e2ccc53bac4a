# Which of 64 bytes equal one, as bits: the way to jump from one special character to the next.
from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #if defined(__SSE2__)
    #include <emmintrin.h>
    static inline uint64_t dt_equal16(const uint8_t *at, __m128i wanted) {
        return (uint32_t) _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *) at), wanted));
    }
    static inline uint64_t dt_equal64(const uint8_t *at, uint8_t byte) {
        const __m128i wanted = _mm_set1_epi8((char) byte);
        return dt_equal16(at, wanted) | dt_equal16(at + 16, wanted) << 16
            | dt_equal16(at + 32, wanted) << 32 | dt_equal16(at + 48, wanted) << 48;
    }
    #else
    static inline uint64_t dt_equal64(const uint8_t *at, uint8_t byte) {
        uint64_t bits = 0;
        for (int i = 0; i < 64; i++) bits |= (uint64_t) (at[i] == byte) << i;
        return bits;
    }
    #endif
    static inline int dt_lowest_bit(uint64_t bits) { return __builtin_ctzll(bits); }
    """
    uint64_t equal64 "dt_equal64"(const uint8_t *at, uint8_t byte) noexcept nogil
    int lowest_bit "dt_lowest_bit"(uint64_t bits) noexcept nogil
