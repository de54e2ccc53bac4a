"""Record ids as Salesforce writes them: 15 characters that count in base 62, and 3 that tell their case."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.synthetic.dice import Ints

_DIGITS = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", np.uint8)
_CHECKSUM = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", np.uint8)
_PREFIX = 6
"""Characters before the count: three of the object, three of the server."""


def record_ids(prefixes: tuple[bytes, ...], prefix: Ints, count: Ints) -> pa.StringArray:
    """Return 18-character ids.

    Parameters
    ----------
    prefixes : tuple of bytes
        Possible first six characters.
    prefix : ndarray of int64
        Which of them each id begins with.
    count : ndarray of int64
        The number that the next nine characters write, below 62**9.

    Returns
    -------
    pyarrow.StringArray

    Examples
    --------
    >>> record_ids((b"0065g0",), np.array([0]), np.array([61 * 62**8 + 36])).to_pylist()
    ['0065g0z0000000aAAA']
    """
    text = np.empty((len(count), 18), np.uint8)
    text[:, :_PREFIX] = np.frombuffer(b"".join(prefixes), np.uint8).reshape(-1, _PREFIX)[prefix]
    rest = count
    for place in range(14, _PREFIX - 1, -1):
        rest, digit = rest // 62, rest % 62
        text[:, place] = _DIGITS[digit]
    text[:, 15:] = _checksums(text[:, :15])
    offsets = np.arange(len(text) + 1, dtype=np.int32) * 18
    return pa.StringArray.from_buffers(len(text), pa.py_buffer(offsets.data), pa.py_buffer(text.data))


def _checksums(text: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a character for each five: which of them are capitals, as bits, the first lowest."""
    capital = (text >= ord("A")) & (text <= ord("Z"))
    bits = capital.reshape(-1, 3, 5) @ np.array([1, 2, 4, 8, 16])
    return np.asarray(_CHECKSUM[bits])
