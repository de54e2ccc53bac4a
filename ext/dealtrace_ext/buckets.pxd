# Buckets of a log-linear histogram: 32 for each doubling, in the order of the values; exact below 64.
from libc.stdint cimport uint32_t, uint64_t

cdef extern from *:
    """
    #ifndef DEALTRACE_BUCKETS
    #define DEALTRACE_BUCKETS
    #include <stdint.h>
    #define DT_BUCKETS ((64 - 5 + 1) << 5)
    static inline uint32_t dt_bucket(uint64_t value) {
        int above = 58 - __builtin_clzll(value | 32);
        return ((uint32_t)above << 5) + (uint32_t)(value >> above);
    }
    #endif
    """
    enum:
        DT_BUCKETS
    uint32_t dt_bucket(uint64_t value) noexcept nogil
