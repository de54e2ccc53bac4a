# Which of 64 bytes equal one, as bits: the way to jump from one special character to the next.
from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    /* Of 64 bytes; high: whether any is beyond ASCII. */
    typedef struct { uint64_t delimiters, quotes, feeds, returns, nuls; int high; } dt_classes;
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
    static inline uint64_t dt_bits(__m128i a, __m128i b, __m128i c, __m128i d) {
        return (uint64_t) (uint32_t) _mm_movemask_epi8(a) | (uint64_t) (uint32_t) _mm_movemask_epi8(b) << 16
            | (uint64_t) (uint32_t) _mm_movemask_epi8(c) << 32 | (uint64_t) (uint32_t) _mm_movemask_epi8(d) << 48;
    }
    #define DT_EQUAL(w) dt_bits(_mm_cmpeq_epi8(a, w), _mm_cmpeq_epi8(b, w), _mm_cmpeq_epi8(c, w), _mm_cmpeq_epi8(d, w))
    static inline void dt_classes64(const uint8_t *at, uint8_t delimiter, uint8_t quote, dt_classes *out) {
        const __m128i *from = (const __m128i *) at;
        const __m128i a = _mm_loadu_si128(from), b = _mm_loadu_si128(from + 1);
        const __m128i c = _mm_loadu_si128(from + 2), d = _mm_loadu_si128(from + 3);
        const __m128i low = _mm_min_epu8(_mm_min_epu8(a, b), _mm_min_epu8(c, d)), nul = _mm_setzero_si128();
        out->delimiters = DT_EQUAL(_mm_set1_epi8((char) delimiter));
        out->quotes = DT_EQUAL(_mm_set1_epi8((char) quote));
        out->feeds = DT_EQUAL(_mm_set1_epi8(10));
        const __m128i cr = _mm_set1_epi8(13);
        const __m128i any = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(a, cr), _mm_cmpeq_epi8(b, cr)),
                                         _mm_or_si128(_mm_cmpeq_epi8(c, cr), _mm_cmpeq_epi8(d, cr)));
        out->returns = _mm_movemask_epi8(any) ? DT_EQUAL(cr) : 0;
        out->nuls = _mm_movemask_epi8(_mm_cmpeq_epi8(low, nul)) ? DT_EQUAL(nul) : 0;
        out->high = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))) != 0;
    }
    #else
    static inline uint64_t dt_equal64(const uint8_t *at, uint8_t byte) {
        uint64_t bits = 0;
        for (int i = 0; i < 64; i++) bits |= (uint64_t) (at[i] == byte) << i;
        return bits;
    }
    static inline void dt_classes64(const uint8_t *at, uint8_t delimiter, uint8_t quote, dt_classes *out) {
        out->delimiters = dt_equal64(at, delimiter);
        out->quotes = dt_equal64(at, quote);
        out->feeds = dt_equal64(at, 10);
        out->returns = dt_equal64(at, 13);
        out->nuls = dt_equal64(at, 0);
        out->high = 0;
        for (int i = 0; i < 64; i++) out->high |= at[i] >> 7;
    }
    #endif
    static inline int dt_count_bits(uint64_t bits) {  /* the builtin is a call where the CPU is not known */
        bits -= bits >> 1 & 0x5555555555555555;
        bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
        return (int) (((bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0F) * 0x0101010101010101 >> 56);
    }
    static inline int dt_lowest_bit(uint64_t bits) { return __builtin_ctzll(bits); }
    static inline int dt_highest_bit(uint64_t bits) { return 63 - __builtin_clzll(bits); }
    static inline uint64_t dt_odd_up_to(uint64_t bits) {  /* is the number of bits from the lowest to here odd? */
        bits ^= bits << 1;
        bits ^= bits << 2;
        bits ^= bits << 4;
        bits ^= bits << 8;
        bits ^= bits << 16;
        return bits ^ bits << 32;
    }
    """
    uint64_t equal64 "dt_equal64"(const uint8_t *at, uint8_t byte) noexcept nogil
    int lowest_bit "dt_lowest_bit"(uint64_t bits) noexcept nogil
    int highest_bit "dt_highest_bit"(uint64_t bits) noexcept nogil
    uint64_t odd_up_to "dt_odd_up_to"(uint64_t bits) noexcept nogil
    int count_bits "dt_count_bits"(uint64_t bits) noexcept nogil
    ctypedef struct Classes "dt_classes":
        uint64_t delimiters, quotes, feeds, returns, nuls
        int high
    void classes64 "dt_classes64"(const uint8_t *at, uint8_t delimiter, uint8_t quote, Classes *out) noexcept nogil
