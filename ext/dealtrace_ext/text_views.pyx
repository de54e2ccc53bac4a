"""Text columns as Arrow's views: a short text stands in its view, of a longer one the view says where it is."""

from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint8_t
from libc.string cimport memset

from dealtrace_ext cimport text_view
from dealtrace_ext.columns cimport Text
from dealtrace_ext.text_view cimport View, put

INLINE = text_view.INLINE


def text_views(column, int64_t start, uint8_t[::1] out, int32_t[::1] views):
    """Copy the texts that are too long for a view, and say where each text is.

    Parameters
    ----------
    column : Arrow text array, shape (n,)
    start : int
        How many bytes of such texts stand before those of `out` in the buffer that the views point to.
    out : uint8 buffer
        At least as long as the texts.
    views : int32 buffer, shape (4 * n,)
        All zeros for null.

    Returns
    -------
    int
        How much of `out` is written.

    Raises
    ------
    ValueError
        A buffer is too small or too long for a view, or the array's offsets are broken.
    """
    cdef Text text = Text(column)
    cdef int64_t size = text.data_end - text.begin(0) if text.length else 0, done
    if views.shape[0] != 4 * text.length or out.shape[0] < size:
        raise ValueError(f"{text.length} texts need {4 * text.length} numbers and {size} bytes")
    if start < 0 or start + size > INT32_MAX:
        raise ValueError(f"{start} and {size} bytes do not fit a buffer with views")
    if text.length == 0:
        return 0
    with nogil:
        done = _write(text, start, &out[0] if out.shape[0] else NULL, <View *> &views[0])
    if done < 0:
        raise ValueError("the Arrow text array's offsets run backwards")
    return done


cdef int64_t _write(Text text, int64_t start, uint8_t *out, View *views) noexcept nogil:
    cdef int64_t i, begin, end, at = 0
    memset(views, 0, text.length * sizeof(View))
    for i in range(text.length):
        begin, end = text.begin(i), text.begin(i + 1)
        if end < begin or end > text.data_end:
            return -1
        if text.is_null(i):
            continue
        at = put(&views[i], text.data + begin, end - begin, out, start, at)
    return at
