"""Stable counting sort of events by case, with prefetch, then a check of each case's order.

Chunks come one after the other: `count_keys` for each, offsets from the counts, then `scatter` for each.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from dealtrace_ext.hashing cimport dt_prefetch

cdef enum:
    BLOCK = 128
    SHORT = 48

ctypedef fused Code:
    uint8_t
    uint16_t
    uint32_t


def count_keys(const int32_t[::1] keys, int64_t[::1] counts, const int32_t[::1] key_of=None):
    """Add to ``counts[k]`` how often each key k >= 0 occurs.

    Parameters
    ----------
    keys : int32 buffer, shape (n,)
    counts : int64 buffer, shape (largest key + 1,)
    key_of : int32 buffer, optional
        What the keys stand for: ``key_of[key]`` is the key that counts.

    Raises
    ------
    IndexError
        A key has no place in `counts`, or stands for nothing.
    """
    cdef int64_t i, key, bad = -1, n = counts.shape[0], entries = 0 if key_of is None else key_of.shape[0]
    cdef bint mapped = key_of is not None
    with nogil:
        for i in range(keys.shape[0]):
            key = keys[i]
            if mapped and key >= 0:
                if key >= entries:
                    bad = i
                    break
                key = key_of[key]
            if key >= n:
                bad = i
                break
            if key >= 0:
                counts[key] += 1
    if bad >= 0:
        raise IndexError(f"key {keys[bad]} at {bad} has no place in {n} counts")


def scatter(
    const int32_t[::1] keys, const Code[::1] codes, const int64_t[::1] times, int64_t first_row,
    int64_t[::1] cursors, Code[::1] codes_out, int64_t[::1] times_out, uint32_t[::1] rows_out,
    const int32_t[::1] key_of=None, const Code[::1] code_of=None, int64_t first=0, int64_t last=0x80000000,
):
    """Move each event with a key from `first` to `last` to the cursor of its key, and advance the cursor.

    Threads may share the outputs if each has a range of keys of its own.

    Parameters
    ----------
    keys : int32 buffer, shape (n,)
    codes, times : buffers, shape (n,)
    first_row : int
        Source row of the first event of the chunk.
    cursors : int64 buffer, shape (keys,)
        Where the next event of each key goes; at first the start of the key's range.
    codes_out, times_out, rows_out : buffers, shape (events,)
    key_of : int32 buffer, optional
        What the keys stand for: ``key_of[key]`` is the key that counts.
    code_of : buffer, optional
        The same for the codes.
    first, last : int
        Keys from `first` up to, not including, `last`; never those below zero.

    Raises
    ------
    IndexError
        A key has no cursor, a cursor leaves the output, or a code or key stands for nothing.
    """
    cdef int64_t n = keys.shape[0], bad = -1
    cdef Tables tables
    if codes.shape[0] != n or times.shape[0] != n:
        raise ValueError("keys, codes and times, and the three outputs, must be of one length each")
    if codes_out.shape[0] != times_out.shape[0] or rows_out.shape[0] != times_out.shape[0]:
        raise ValueError("keys, codes and times, and the three outputs, must be of one length each")
    if first_row + n > 0xFFFFFFFF:
        raise OverflowError("rows beyond 4,294,967,295 do not fit 32 bits")
    tables.keys = 0 if key_of is None else key_of.shape[0]
    tables.codes = 0 if code_of is None else code_of.shape[0]
    tables.key_of = &key_of[0] if tables.keys else NULL
    tables.code_of = <const void *> &code_of[0] if tables.codes else NULL
    tables.mapped, tables.translated = key_of is not None, code_of is not None
    tables.first, tables.last = max(first, 0), min(last, cursors.shape[0])
    tables.places, tables.room = cursors.shape[0], times_out.shape[0]
    if n:
        with nogil:
            bad = _scatter(&keys[0], &codes[0], &times[0], n, first_row, &cursors[0] if tables.places else NULL,
                           &codes_out[0] if tables.room else NULL, &times_out[0] if tables.room else NULL,
                           &rows_out[0] if tables.room else NULL, &tables, last)
    if bad >= 0:
        raise IndexError(f"the event at {bad} has no place in the output of {times_out.shape[0]}")


cdef struct Tables:
    const int32_t *key_of
    const void *code_of
    int64_t keys, codes, first, last, places, room
    bint mapped, translated


cdef int64_t _scatter(
    const int32_t *keys, const Code *codes, const int64_t *times, int64_t n, int64_t first_row, int64_t *cursors,
    Code *codes_out, int64_t *times_out, uint32_t *rows_out, const Tables *tables, int64_t last,
) noexcept nogil:
    """Move the events block by block, each step for a whole block; return the first bad event or -1."""
    cdef int64_t picked[BLOCK]
    cdef int64_t places[BLOCK]
    cdef int64_t begin = 0, end, i, j, key, at, count
    cdef Code code
    cdef const Code *code_of = <const Code *> tables.code_of
    while begin < n:
        end, count = min(begin + BLOCK, n), 0
        for i in range(begin, end):
            key = keys[i]
            if key >= 0 and tables.mapped:
                if key >= tables.keys:
                    return i
                key = tables.key_of[key]
            if tables.places <= key < last:
                return i
            picked[count], places[count] = i, key
            count += tables.first <= key < tables.last
        for j in range(count):
            dt_prefetch(&cursors[places[j]])
        for j in range(count):
            at = cursors[places[j]]
            if not 0 <= at < tables.room:
                return picked[j]
            cursors[places[j]] = at + 1
            places[j] = at
            dt_prefetch(&times_out[at])
            dt_prefetch(&codes_out[at])
            dt_prefetch(&rows_out[at])
        for j in range(count):
            i, at = picked[j], places[j]
            code = codes[i]
            if tables.translated:
                if code >= tables.codes:
                    return i
                code = code_of[code]
            codes_out[at], times_out[at], rows_out[at] = code, times[i], <uint32_t> (first_row + i)
        begin = end
    return -1


def sort_within(
    const int64_t[::1] offsets, Code[::1] codes, int64_t[::1] times, uint32_t[::1] rows,
    int64_t first, int64_t last, uint8_t[::1] left_over,
):
    """Order the events of the cases `first` to `last` by time; equal times keep their order.

    Nearly sorted and short cases are sorted here, by insertion. A long case that is far from sorted is
    marked in `left_over` for a sort that is not quadratic.

    Parameters
    ----------
    offsets : int64 buffer, shape (cases + 1,)
    codes, times, rows : buffers, shape (events,)
    first, last : int
        The cases from `first` up to, not including, `last`.
    left_over : uint8 buffer, shape (cases,)

    Returns
    -------
    int
        How many cases are left over.

    Raises
    ------
    IndexError
        A case leaves the columns.
    """
    cdef int64_t case, left = 0, bad = -1, n = times.shape[0]
    if codes.shape[0] != n or rows.shape[0] != n:
        raise ValueError("codes, times and rows must be of one length")
    if not 0 <= first <= last < offsets.shape[0] or left_over.shape[0] < last:
        raise IndexError(f"there are no cases {first} to {last}")
    with nogil:
        for case in range(first, last):
            if not 0 <= offsets[case] <= offsets[case + 1] <= n:
                bad = case
                break
            if not _insertion_sort(&codes[0], &times[0], &rows[0], offsets[case], offsets[case + 1]):
                left_over[case] = 1
                left += 1
    if bad >= 0:
        raise IndexError(f"case {bad} leaves the {n} events")
    return left


cdef bint _insertion_sort(Code *codes, int64_t *times, uint32_t *rows, int64_t begin, int64_t end) noexcept nogil:
    """Sort a range; give up, with every event still there, once the moves are many more than the events."""
    cdef int64_t i, j, moves = 0, bound = 8 * (end - begin) + SHORT * SHORT
    cdef int64_t time
    cdef Code code
    cdef uint32_t row
    for i in range(begin + 1, end):
        time = times[i]
        if times[i - 1] <= time:
            continue
        code, row, j = codes[i], rows[i], i
        while j > begin and times[j - 1] > time:
            times[j], codes[j], rows[j] = times[j - 1], codes[j - 1], rows[j - 1]
            j -= 1
        times[j], codes[j], rows[j] = time, code, row
        moves += i - j
        if moves > bound:
            return False
    return True
