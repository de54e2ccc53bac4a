from typing import Any

from numpy import int32, int64, uint64
from numpy.typing import NDArray

Codes = NDArray[Any]
"""uint8, uint16 or uint32."""

def hash_sequences(
    codes: Codes,
    offsets: NDArray[int64],
    words: NDArray[uint64],
    first: int,
    last: int,
    hashes: NDArray[uint64],
) -> None: ...
def number_sequences(
    codes: Codes,
    offsets: NDArray[int64],
    hashes: NDArray[uint64],
    numbers: NDArray[int32],
    firsts: NDArray[int32],
) -> int: ...
