# What the hash tables share: a 64-bit mixer by a 128-bit product, two odd constants, and the prefetch hint.
from libc.stdint cimport uint64_t

cdef extern from *:
    """
    #ifndef DEALTRACE_HASHING
    #define DEALTRACE_HASHING
    #include <stdint.h>
    #define DT_GOLDEN UINT64_C(0x9E3779B97F4A7C15)
    #define DT_ODD UINT64_C(0xD6E8FEB86659FD93)
    static inline uint64_t dt_mix(uint64_t a, uint64_t b) {
        unsigned __int128 product = (unsigned __int128)a * b;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    #define dt_prefetch(address) __builtin_prefetch((address), 1, 3)
    #endif
    """
    const uint64_t DT_GOLDEN
    const uint64_t DT_ODD
    uint64_t dt_mix(uint64_t a, uint64_t b) noexcept nogil
    void dt_prefetch(const void *address) noexcept nogil
