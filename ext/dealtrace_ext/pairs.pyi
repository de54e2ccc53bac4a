from typing import Any

from numpy import int64, uint32, uint64
from numpy.typing import NDArray

Codes = NDArray[Any]
"""uint8, uint16 or uint32."""

BUCKETS: int

def count_neighbours(
    codes: Codes,
    offsets: NDArray[int64],
    first: int,
    last: int,
    width: int,
    pairs: NDArray[int64],
    ends: NDArray[int64],
) -> None: ...
def count_pairs(
    codes: Codes,
    offsets: NDArray[int64],
    first: int,
    last: int,
    width: int,
    pairs: NDArray[int64],
    singles: NDArray[int64],
) -> None: ...
def spread(
    codes: Codes,
    times: NDArray[int64],
    offsets: NDArray[int64],
    first: int,
    last: int,
    width: int,
    places: NDArray[uint32],
    histogram: NDArray[uint32],
    sums: NDArray[uint64],
) -> None: ...
def collect(
    codes: Codes,
    times: NDArray[int64],
    offsets: NDArray[int64],
    first: int,
    last: int,
    width: int,
    places: NDArray[uint32],
    cursors: NDArray[uint32],
    out: NDArray[int64],
) -> None: ...
