"""The footer of a Parquet file: the fields that are wanted of its nested structs, in one pass.

What is broken, or of another type than is wanted, is a ValueError; nothing is set aside for a number of elements
that only the bytes claim. Reference: parquet.thrift (compact protocol).
"""

from libc.stdint cimport int64_t, uint8_t

from dealtrace_ext.thrift cimport Reader, integer, list_size, next_field, size_of, skip, varint

NEEDED = 0
REFUSED, BOOL, BYTE, I32, I64, BINARY = 0, 1, 3, 5, 6, 8

cdef enum:
    _LIST = 9
    _STRUCT = 12


def fields(const uint8_t[::1] data, dict wanted):
    """Return fields of the struct that the bytes hold.

    Parameters
    ----------
    data : uint8 buffer, shape (n,)
        The struct and nothing after it.
    wanted : dict
        By the number of a field what it must be: `BOOL`, `BYTE`, `I32`, `I64`, `BINARY`, a dict of the fields of
        a struct, or a list of one of these, but `BOOL`. One that is `REFUSED` must not be there; those in the
        tuple at `NEEDED` must. Other fields are passed over.

    Returns
    -------
    dict
        By number the wanted fields that are there: bool, int, bytes, dict or list.

    Raises
    ------
    ValueError
        The bytes are broken, a field has another type than is wanted, is missing, or is there twice.

    Examples
    --------
    >>> import numpy as np
    >>> data = np.frombuffer(bytes([0x15, 6, 0x19, 0x28, 1, 97, 1, 98, 0]), np.uint8)
    >>> fields(data, {1: I32, 2: [BINARY]})
    {1: 3, 2: [b'a', b'b']}
    """
    cdef Reader reader
    reader.data, reader.at, reader.end, reader.bad = &data[0] if data.shape[0] else NULL, 0, data.shape[0], False
    found = _struct(&reader, wanted)
    if reader.at != reader.end:
        raise ValueError(f"{reader.end - reader.at} bytes follow the struct")
    return found


cdef dict _struct(Reader *reader, dict wanted):
    cdef dict found = {}
    cdef int64_t field = 0
    cdef int kind = next_field(reader, &field)
    while kind:
        what = wanted.get(field)
        if what is None:
            skip(reader, kind, 0)
        elif field in found:
            raise ValueError(f"field {field} is there twice")
        else:
            found[field] = _value(reader, kind, what)
        kind = next_field(reader, &field)
    _check(reader)
    for number in wanted.get(NEEDED, ()):
        if number not in found:
            raise ValueError(f"field {number} of a struct before byte {reader.at} is missing")
    return found


cdef object _value(Reader *reader, int kind, object what):
    if type(what) is dict and kind == _STRUCT:
        return _struct(reader, <dict> what)
    if type(what) is list and kind == _LIST and len(<list> what) == 1:
        return _list(reader, (<list> what)[0])
    if kind not in (1, 2, 3, 5, 6, 8) or type(what) is not int or what != (1 if kind == 2 else kind):
        raise ValueError(f"a field of type {kind} before byte {reader.at} is not understood")
    return kind == 1 if kind <= 2 else _scalar(reader, kind)


cdef object _scalar(Reader *reader, int kind):
    cdef int64_t value, size
    if kind == 8:
        size = size_of(reader, varint(reader))
        _check(reader)
        reader.at += size
        return reader.data[reader.at - size:reader.at]
    if kind == 3:
        size = size_of(reader, 1)
        _check(reader)
        reader.at += size
        return reader.data[reader.at - 1]
    value = integer(reader)
    if kind == 5 and not -0x80000000 <= value <= 0x7FFFFFFF:
        reader.bad = True
    _check(reader)
    return value


cdef list _list(Reader *reader, object what):
    cdef list found = []
    cdef int kind = 0
    cdef int64_t i
    for i in range(list_size(reader, &kind)):
        if kind <= 2:
            raise ValueError(f"a list of type {kind} before byte {reader.at} is not understood")
        found.append(_value(reader, kind, what))
    _check(reader)
    return found


cdef int _check(Reader *reader) except -1:
    if reader.bad:
        raise ValueError(f"the footer is broken before its byte {reader.at}")
    return 0
