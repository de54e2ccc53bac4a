"""Arrow PyCapsules to checked, borrowed buffers."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.string cimport memcpy

from dealtrace_ext.text_view cimport INLINE


cdef bytes format_of(capsules):
    return (<ArrowSchema *> PyCapsule_GetPointer(capsules[0], "arrow_schema")).format


cdef ArrowArray *array_of(capsules) except NULL:
    return <ArrowArray *> PyCapsule_GetPointer(capsules[1], "arrow_array")


cdef class Text:
    """A text column behind the Arrow PyCapsule protocol, its buffers borrowed.

    Parameters
    ----------
    column : object with ``__arrow_c_array__``
        A utf8, large_utf8, binary or large_binary array.

    Raises
    ------
    TypeError
        Another Arrow type.
    """

    def __init__(self, column):
        self._capsules = column.__arrow_c_array__()
        cdef bytes kind = format_of(self._capsules)
        cdef ArrowArray *array = array_of(self._capsules)
        if kind not in (b"u", b"U", b"z", b"Z") or array.n_buffers != 3:
            raise TypeError(f"expected an Arrow text array, got format {kind.decode()!r}")
        self.length, self.offset = array.length, array.offset
        self.validity = <const uint8_t *> array.buffers[0] if array.null_count != 0 else NULL
        self.offsets32 = <const int32_t *> array.buffers[1] if kind in (b"u", b"z") else NULL
        self.offsets64 = <const int64_t *> array.buffers[1] if kind in (b"U", b"Z") else NULL
        self.data = <const uint8_t *> array.buffers[2]
        if self.length and self.offsets32 == NULL and self.offsets64 == NULL:
            raise TypeError("the Arrow text array has no offsets")
        self.data_end = self.begin(self.length) if self.length else 0
        if self.length and (self.begin(0) < 0 or self.data_end < self.begin(0)):
            raise ValueError("the Arrow text array's offsets run backwards")

    def __len__(self):
        return self.length


cdef class Views:
    """A text column of views behind the Arrow PyCapsule protocol, its buffers borrowed.

    Parameters
    ----------
    column : object with ``__arrow_c_array__``
        A string_view or binary_view array.

    Raises
    ------
    TypeError
        Another Arrow type.
    """

    def __init__(self, column):
        self._capsules = column.__arrow_c_array__()
        cdef bytes kind = format_of(self._capsules)
        cdef ArrowArray *array = array_of(self._capsules)
        if kind not in (b"vu", b"vz") or array.n_buffers < 3:
            raise TypeError(f"expected an Arrow array of views, got format {kind.decode()!r}")
        self.length, self.offset, self.buffer_count = array.length, array.offset, array.n_buffers - 3
        self.validity = <const uint8_t *> array.buffers[0] if array.null_count != 0 else NULL
        self.views = <const View *> array.buffers[1]
        self.buffers = <const uint8_t **> array.buffers + 2
        self.sizes = <const int64_t *> array.buffers[array.n_buffers - 1]

    def __len__(self):
        return self.length

    cdef bint text(self, int64_t i, const uint8_t **begin, int64_t *size) noexcept nogil:
        """Find a text, NULL for null; return False where its view points out of the buffers."""
        cdef int64_t j = self.offset + i
        cdef const View *view = &self.views[j]
        cdef int32_t[2] place
        begin[0], size[0] = NULL, 0
        if self.validity != NULL and not (self.validity[j >> 3] >> (j & 7)) & 1:
            return True
        if view.length <= INLINE:
            begin[0], size[0] = view.text, view.length
            return view.length >= 0
        memcpy(place, view.text + 4, 8)
        if not 0 <= place[0] < self.buffer_count or not 0 <= place[1] <= self.sizes[place[0]] - view.length:
            return False
        begin[0], size[0] = self.buffers[place[0]] + place[1], view.length
        return True
