"""Text to int32 codes, in order of first appearance; the table lives across chunks.

A slot is half a cache line and holds keys of up to 24 bytes itself, so that a hit costs one cache miss;
the slots of a batch of values are prefetched before any is looked at.
"""

cimport cython
from cpython.buffer cimport PyBuffer_FillInfo
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t, uint8_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset

from dealtrace_ext.columns cimport Text
from dealtrace_ext.hashing cimport DT_GOLDEN, DT_ODD, dt_mix, dt_prefetch

import os

cdef extern from *:
    """
    #include <stdlib.h>
    #if defined(__linux__)
    #include <sys/mman.h>
    /* Zeroed by the kernel when first touched, in huge pages where it has them. */
    static inline void *dt_table(size_t bytes) {
        if (bytes < ((size_t)1 << 21)) return calloc(1, bytes);
        void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) return NULL;
        madvise(memory, bytes, MADV_HUGEPAGE);
        return memory;
    }
    static inline void dt_free(void *memory, size_t bytes) {
        if (bytes < ((size_t)1 << 21)) free(memory);
        else if (memory != NULL) munmap(memory, bytes);
    }
    /* Larger, what is new is zero; what is there is moved with its pages, so that none is touched anew. */
    static inline void *dt_enlarged(void *memory, size_t bytes, size_t larger) {
        if (bytes >= ((size_t)1 << 21)) {
            void *moved = mremap(memory, bytes, larger, MREMAP_MAYMOVE);
            return moved == MAP_FAILED ? NULL : moved;
        }
        void *copy = dt_table(larger);
        if (copy == NULL) return NULL;
        memcpy(copy, memory, bytes);
        dt_free(memory, bytes);
        return copy;
    }
    #else
    static inline void *dt_table(size_t bytes) { return calloc(1, bytes); }
    static inline void dt_free(void *memory, size_t bytes) { free(memory); }
    static inline void *dt_enlarged(void *memory, size_t bytes, size_t larger) {
        void *copy = realloc(memory, larger);
        if (copy != NULL) memset((char *)copy + bytes, 0, larger - bytes);
        return copy;
    }
    #endif
    """
    void *dt_table(size_t size) noexcept nogil
    void *dt_enlarged(void *memory, size_t size, size_t larger) noexcept nogil
    void dt_free(void *memory, size_t size) noexcept nogil

cdef enum:
    INLINE = 24
    BATCH = 64
    LONG = 255
    TWOFOLD = 1 << 16              # slots from which on a table grows to twice its size, not four times


cdef uint64_t HIGH_BITS = 0x8080808080808080


cdef struct Slot:
    uint64_t key[3]   # zero-padded bytes; of a longer key: its hash, length and nothing
    uint32_t tag      # high bits of the hash | length, LONG where the key is not inline
    int32_t code      # code + 1; 0 is an empty slot


cdef struct Key:
    uint64_t word[3]
    uint64_t hash
    uint32_t tag
    const uint8_t *text
    int64_t length


@cython.final                     # so that its methods are called directly
cdef class Interner:
    """A growing dictionary of distinct texts.

    Parameters
    ----------
    expected : int
        Distinct texts to make room for at once; more are fine.
    hash_bits : int
        For tests: keep so few bits of each hash that collisions are certain.

    Examples
    --------
    >>> import numpy as np, pyarrow as pa
    >>> codes = np.empty(4, dtype=np.int32)
    >>> interner = Interner()
    >>> interner.encode(pa.array(["b", "a", None, "b"]), codes)
    >>> codes.tolist(), len(interner)
    ([0, 1, -1, 0], 2)
    """

    cdef Slot *slots
    cdef uint64_t mask
    cdef uint64_t seed
    cdef uint64_t hash_mask
    cdef int64_t *offsets      # of the distinct texts in `data`
    cdef int64_t offsets_room
    cdef uint8_t *data
    cdef int64_t data_room
    cdef int64_t count
    cdef uint64_t bits         # all bytes so far, one over the other

    def __cinit__(self, int64_t expected=1024, int hash_bits=64):
        cdef uint64_t room = 1024
        if not 1 <= hash_bits <= 64 or not 0 <= expected <= 0x7FFFFFFF:
            raise ValueError(f"no table for {expected} texts with {hash_bits} bits of hash")
        while _fill(room - 1) < expected:
            room *= 2
        self.mask = room - 1
        # A seed of its own for each table: no input can be made to collide on purpose.
        self.seed = int.from_bytes(os.urandom(8), "little") | 1
        self.hash_mask = (~<uint64_t> 0) >> (64 - hash_bits)
        self.slots = <Slot *> dt_table(room * sizeof(Slot))
        if self.slots == NULL or not self._new_texts():
            raise MemoryError("no memory for the dictionary of texts")

    cdef bint _new_texts(self) noexcept nogil:
        """Begin anew, with memory for a few texts."""
        self.count, self.bits = 0, 0
        self.offsets_room, self.data_room = 1024, 1 << 14
        self.offsets = <int64_t *> malloc(self.offsets_room * sizeof(int64_t))
        self.data = <uint8_t *> malloc(self.data_room)
        if self.offsets == NULL or self.data == NULL:
            return False
        self.offsets[0] = 0
        return True

    def __dealloc__(self):
        dt_free(self.slots, (self.mask + 1) * sizeof(Slot))
        free(self.offsets)
        free(self.data)

    def __len__(self):
        return self.count

    def encode(self, column, int32_t[::1] codes, const uint32_t[::1] picks=None):
        """Write the code of each text of `column` to `codes`, -1 for null.

        Parameters
        ----------
        column : Arrow text array, shape (n,)
        codes : int32 buffer, shape (n,) or that of `picks`
        picks : uint32 buffer, optional
            Take the texts at these positions instead of all.

        Raises
        ------
        OverflowError
            More than 2**31 - 2 distinct texts.
        ValueError
            `codes` has another length, a pick is no position, or the array's offsets are broken.
        """
        cdef Text text = Text(column)
        cdef int64_t done = 0, n = text.length if picks is None else picks.shape[0]
        if codes.shape[0] != n:
            raise ValueError(f"{n} texts need as many codes, got room for {codes.shape[0]}")
        if n == 0:
            return
        cdef const uint32_t *which = NULL if picks is None else &picks[0]
        with nogil:
            while 0 <= done < n:
                done = self._encode_batch(text, which, done, min(done + BATCH, n), &codes[0])
        self._raise(done, "the Arrow text array's offsets run backwards, or a pick leaves it")

    def encode_at(self, const uint8_t[::1] data, const int64_t[::1] positions, int32_t[::1] codes):
        """Write the code of each of the texts at `positions`.

        Parameters
        ----------
        data : uint8 buffer, shape (m,)
        positions : int64 buffer, shape (n,)
            Where each text starts; its length stands in the 4 bytes before, little-endian.
        codes : int32 buffer, shape (n,)

        Raises
        ------
        OverflowError
            More than 2**31 - 2 distinct texts.
        ValueError
            `codes` has another length, or a text leaves `data`.
        """
        cdef int64_t n = positions.shape[0], done = 0
        if codes.shape[0] != n:
            raise ValueError(f"{n} texts need as many codes, got room for {codes.shape[0]}")
        if n == 0:
            return
        if data.shape[0] == 0:
            raise ValueError("a text leaves the data")
        with nogil:
            while 0 <= done < n:
                done = self._encode_batch_at(&data[0], data.shape[0], &positions[0], done, min(done + BATCH, n),
                                             &codes[0])
        self._raise(done, "a text leaves the data")

    cdef int _raise(self, int64_t done, broken) except -1:
        """Say what ended a loop over batches early."""
        if done == -1:
            raise MemoryError(f"no memory for {self.count:,} distinct texts")
        if done == -3:
            raise ValueError(broken)
        if done == -2:
            raise OverflowError("more than 2,147,483,646 distinct texts do not fit 32-bit codes")
        return 0

    cdef int64_t _encode_batch_at(
        self, const uint8_t *data, int64_t end, const int64_t *positions, int64_t first, int64_t last, int32_t *codes,
    ) noexcept nogil:
        cdef Key keys[BATCH]
        cdef int64_t i, begin
        cdef uint32_t length
        for i in range(first, last):
            begin = positions[i]
            if not 4 <= begin <= end:
                return -3
            memcpy(&length, data + begin - 4, 4)
            if <int64_t> length > end - begin:
                return -3
            _load(&keys[i - first], data + begin, length, end - begin, self.seed, self.hash_mask)
            dt_prefetch(&self.slots[keys[i - first].hash & self.mask])
        if self.count + BATCH > _fill(self.mask) and not self._grow():
            return -1
        for i in range(first, last):
            codes[i] = self._code(&keys[i - first])
            if codes[i] < 0:
                return codes[i]
        return last

    def clear(self):
        """Forget every text, and keep the memory."""
        memset(self.slots, 0, (self.mask + 1) * sizeof(Slot))
        self.count = 0
        self.bits = 0

    cdef int64_t _encode_batch(
        self, Text text, const uint32_t *which, int64_t first, int64_t last, int32_t *codes,
    ) noexcept nogil:
        cdef Key keys[BATCH]
        cdef int64_t i, at, begin, end
        cdef int32_t code
        for i in range(first, last):
            at = i if which == NULL else which[i]
            if at >= text.length:
                return -3
            begin, end = text.begin(at), text.begin(at + 1)
            if begin < 0 or end < begin or end > text.data_end:
                return -3
            _load(&keys[i - first], text.data + begin, end - begin, text.data_end - begin, self.seed,
                  self.hash_mask)
            dt_prefetch(&self.slots[keys[i - first].hash & self.mask])
        if self.count + BATCH > _fill(self.mask):
            if not self._grow():
                return -1
        for i in range(first, last):
            if text.is_null(i if which == NULL else which[i]):
                codes[i] = -1
                continue
            code = self._code(&keys[i - first])
            if code < 0:
                return code
            codes[i] = code
        return last

    cdef inline int32_t _code(self, Key *key) noexcept nogil:
        cdef uint64_t at = key.hash & self.mask
        cdef Slot *slot
        while True:
            slot = &self.slots[at]
            if slot.code == 0:
                return self._insert(slot, key)
            if slot.tag == key.tag and slot.key[0] == key.word[0] and slot.key[1] == key.word[1] \
                    and slot.key[2] == key.word[2] and self._same(slot, key):
                return slot.code - 1
            at = (at + 1) & self.mask

    cdef inline bint _same(self, Slot *slot, Key *key) noexcept nogil:
        if key.tag & 255 != LONG:
            return True
        return memcmp(self.data + self.offsets[slot.code - 1], key.text, key.length) == 0

    cdef int32_t _insert(self, Slot *slot, Key *key) noexcept nogil:
        cdef int64_t end = self.offsets[self.count] + key.length
        if self.count >= 0x7FFFFFFE:
            return -2
        if end > self.data_room or self.count + 2 > self.offsets_room:
            if not self._make_room(end):
                return -1
        if key.length:
            memcpy(self.data + self.offsets[self.count], key.text, key.length)
        slot.key[0], slot.key[1], slot.key[2] = key.word[0], key.word[1], key.word[2]
        slot.tag = key.tag
        self.bits |= _ored(key)
        self.count += 1
        self.offsets[self.count] = end
        slot.code = <int32_t> self.count
        return slot.code - 1

    cdef bint _make_room(self, int64_t end) noexcept nogil:
        cdef void *memory
        if end > self.data_room:
            memory = realloc(self.data, max(end, self.data_room * 2))
            if memory == NULL:
                return False
            self.data, self.data_room = <uint8_t *> memory, max(end, self.data_room * 2)
        if self.count + 2 > self.offsets_room:
            memory = realloc(self.offsets, self.offsets_room * 2 * sizeof(int64_t))
            if memory == NULL:
                return False
            self.offsets, self.offsets_room = <int64_t *> memory, self.offsets_room * 2
        return True

    cdef bint _grow(self) noexcept nogil:
        """Make the table larger and put every key where it belongs then, in place.

        In the order of the slots, beginning behind an empty one, a key never passes one that has not moved yet.
        Those before that one, some of which probed past the end, are set aside and come last.
        """
        cdef uint64_t old_mask = self.mask, room = (self.mask + 1) * (4 if self.mask < TWOFOLD else 2)
        cdef uint64_t first = 0, at
        cdef Slot *aside
        cdef Slot *slots
        cdef Slot moving
        while self.slots[first].code != 0:
            first += 1
        aside = <Slot *> malloc((first + 1) * sizeof(Slot))
        if aside == NULL:
            return False
        slots = <Slot *> dt_enlarged(self.slots, (old_mask + 1) * sizeof(Slot), room * sizeof(Slot))
        if slots == NULL:
            free(aside)
            return False
        self.slots, self.mask = slots, room - 1
        memcpy(aside, slots, first * sizeof(Slot))
        memset(slots, 0, first * sizeof(Slot))
        for at in range(first + 1, old_mask + 1):
            if slots[at].code != 0:
                moving = slots[at]
                slots[at].code = 0
                self._put(&moving)
        for at in range(first):
            self._put(&aside[at])
        free(aside)
        return True

    cdef inline void _put(self, const Slot *moving) noexcept nogil:
        """Put a key that is not in the table into the first free slot from its own."""
        cdef uint64_t at = _hash_of(moving, self.seed, self.hash_mask) & self.mask
        while self.slots[at].code != 0:
            at = (at + 1) & self.mask
        self.slots[at] = moving[0]

    @property
    def is_ascii(self):
        """Whether no text so far has a byte beyond 127; such texts are valid UTF-8 unseen."""
        return self.bits & HIGH_BITS == 0

    def take_texts(self):
        """Hand over the distinct texts, in the order of their codes, and forget them.

        Returns
        -------
        offsets : memoryview
            Of int64, shape (texts + 1,), as an Arrow large_utf8 array wants them.
        data : memoryview
            The texts, one after the other.
        """
        cdef _Memory offsets = _Memory(), data = _Memory()
        offsets.at, offsets.size = self.offsets, (self.count + 1) * sizeof(int64_t)
        data.at, data.size = self.data, self.offsets[self.count]
        self.offsets, self.data = NULL, NULL
        dt_free(self.slots, (self.mask + 1) * sizeof(Slot))
        self.mask = 1023
        self.slots = <Slot *> dt_table((self.mask + 1) * sizeof(Slot))
        if self.slots == NULL or not self._new_texts():
            raise MemoryError("no memory for the dictionary of texts")
        return memoryview(offsets), memoryview(data)


@cython.final
cdef class _Memory:
    """Bytes that are freed when nothing looks at them, behind the buffer protocol; read-only."""

    cdef void *at
    cdef Py_ssize_t size

    def __dealloc__(self):
        free(self.at)

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.at, self.size, True, flags)


cdef inline int64_t _fill(uint64_t mask) noexcept nogil:
    """Return how many of the slots may be taken: memory that is touched costs more than a few probes."""
    return <int64_t> ((mask + 1) // 16 * 10)


cdef inline uint64_t _short_hash(const uint64_t *word, int64_t length, uint64_t seed) noexcept nogil:
    cdef uint64_t value = dt_mix(word[0] ^ seed, word[1] ^ (seed << 32 | seed >> 32))
    return dt_mix(value ^ word[2], seed ^ <uint64_t> length ^ DT_ODD)


cdef inline uint64_t _hash_of(const Slot *slot, uint64_t seed, uint64_t hash_mask) noexcept nogil:
    """Return the hash of the key in a slot; that of a long key stands in its first word."""
    if slot.tag & 255 == LONG:
        return slot.key[0]
    return _short_hash(&slot.key[0], slot.tag & 255, seed) & hash_mask


cdef inline uint64_t _ored(const Key *key) noexcept nogil:
    """Return bytes that together have every bit of the text."""
    cdef uint64_t all_bits = 0
    cdef int64_t i
    if key.tag & 255 != LONG:
        return key.word[0] | key.word[1] | key.word[2]
    for i in range(key.length):
        all_bits |= key.text[i]
    return all_bits


cdef inline void _load(Key *key, const uint8_t *text, int64_t length, int64_t readable, uint64_t seed,
                       uint64_t hash_mask) noexcept nogil:
    """Put a text into `key`: its words where it is short, its hash always."""
    cdef uint64_t rest
    key.text, key.length = text, length
    if length <= INLINE:
        if readable >= INLINE:
            memcpy(&key.word[0], text, INLINE)
            _blank(key, length)
        else:
            memset(&key.word[0], 0, INLINE)
            if length:
                memcpy(&key.word[0], text, length)
        key.hash = _short_hash(&key.word[0], length, seed) & hash_mask
        key.tag = <uint32_t> ((key.hash >> 32) & ~<uint64_t> 255) | <uint32_t> length
        return
    key.hash = seed
    while length >= 8:
        memcpy(&rest, text, 8)
        key.hash = dt_mix(key.hash ^ rest, DT_GOLDEN)
        text += 8
        length -= 8
    rest = 0
    memcpy(&rest, text, length)
    key.hash = dt_mix(key.hash ^ rest, seed ^ <uint64_t> key.length ^ DT_ODD) & hash_mask
    key.word[0], key.word[1], key.word[2] = key.hash, <uint64_t> key.length, 0
    key.tag = <uint32_t> ((key.hash >> 32) & ~<uint64_t> 255) | LONG


cdef inline void _blank(Key *key, int64_t length) noexcept nogil:
    """Zero the bytes of the three words beyond `length`."""
    if length < 8:
        key.word[0] &= (<uint64_t> 1 << (8 * length)) - 1
        key.word[1] = 0
        key.word[2] = 0
    elif length < 16:
        key.word[1] &= (<uint64_t> 1 << (8 * (length - 8))) - 1
        key.word[2] = 0
    elif length < 24:
        key.word[2] &= (<uint64_t> 1 << (8 * (length - 16))) - 1
