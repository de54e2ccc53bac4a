# Buckets of a log-linear histogram: 32 for each doubling, in the order of the values; exact below 64.
#
# The three loops over all values are compiled for several instruction sets where the compiler can choose among
# them when the library is loaded: with AVX-512 they take half the time.
from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef extern from *:
    """
    #ifndef DEALTRACE_BUCKETS
    #define DEALTRACE_BUCKETS
    #include <stdint.h>
    #define DT_BUCKETS ((64 - 5 + 1) << 5)
    #if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 9 && defined(__x86_64__) && defined(__gnu_linux__)
    #define DT_DISPATCHED __attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default")))
    #else
    #define DT_DISPATCHED
    #endif

    typedef struct {
        uint32_t size;    /* values in it */
        uint32_t wanted;  /* whether a rank lies in it, 1 or 0 */
        int64_t next;     /* where its next value goes */
    } dt_bucket;

    static inline uint32_t dt_bucket_of(uint64_t value) {
        int above = 58 - __builtin_clzll(value | 32);
        return ((uint32_t)above << 5) + (uint32_t)(value >> above);
    }

    DT_DISPATCHED static void dt_range(const int64_t *values, int64_t n, int64_t *lowest, int64_t *highest) {
        int64_t low = values[0], high = values[0];
        for (int64_t i = 0; i < n; i++) {
            low = values[i] < low ? values[i] : low;
            high = values[i] > high ? values[i] : high;
        }
        *lowest = low;
        *highest = high;
    }

    DT_DISPATCHED static void dt_count(const int64_t *values, int64_t n, int64_t lowest, dt_bucket *buckets) {
        for (int64_t i = 0; i < n; i++)
            buckets[dt_bucket_of((uint64_t)values[i] - (uint64_t)lowest)].size++;
    }

    /* Without a branch: what is not wanted is all written to the place after the last. */
    DT_DISPATCHED static void dt_gather(
        const int64_t *values, int64_t n, int64_t lowest, dt_bucket *buckets, int64_t *out
    ) {
        for (int64_t i = 0; i < n; i++) {
            dt_bucket *bucket = &buckets[dt_bucket_of((uint64_t)values[i] - (uint64_t)lowest)];
            out[bucket->next] = values[i];
            bucket->next += bucket->wanted;
        }
    }
    #endif
    """
    enum:
        DT_BUCKETS
    ctypedef struct dt_bucket:
        uint32_t size, wanted
        int64_t next
    void dt_range(const int64_t *values, int64_t n, int64_t *lowest, int64_t *highest) noexcept nogil
    void dt_count(const int64_t *values, int64_t n, int64_t lowest, dt_bucket *buckets) noexcept nogil
    void dt_gather(
        const int64_t *values, int64_t n, int64_t lowest, dt_bucket *buckets, int64_t *out
    ) noexcept nogil
