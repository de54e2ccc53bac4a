"""Arrow PyCapsules to checked, borrowed buffers."""

from cpython.pycapsule cimport PyCapsule_GetPointer


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
        schema_capsule, array_capsule = column.__arrow_c_array__()
        self._capsules = (schema_capsule, array_capsule)
        cdef ArrowSchema *schema = <ArrowSchema *> PyCapsule_GetPointer(schema_capsule, "arrow_schema")
        cdef ArrowArray *array = <ArrowArray *> PyCapsule_GetPointer(array_capsule, "arrow_array")
        cdef bytes kind = schema.format
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
