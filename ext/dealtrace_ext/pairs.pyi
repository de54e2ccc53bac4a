from typing import Any

from numpy import int64
from numpy.typing import NDArray

Codes = NDArray[Any]
"""uint8, uint16 or uint32."""

def count_neighbours(
    codes: Codes,
    offsets: NDArray[int64],
    first: int,
    last: int,
    width: int,
    pairs: NDArray[int64],
    ends: NDArray[int64],
) -> None: ...
def count_groups(
    codes: Codes, offsets: NDArray[int64], first: int, last: int, width: int, tallies: NDArray[int64]
) -> None: ...
def times_between(
    codes: Codes,
    times: NDArray[int64],
    offsets: NDArray[int64],
    first: int,
    last: int,
    width: int,
    tallies: NDArray[int64],
    out: NDArray[int64],
) -> None: ...
