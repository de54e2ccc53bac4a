from typing import Any

from numpy import int64
from numpy.typing import NDArray

Codes = NDArray[Any]
"""uint8, uint16 or uint32."""

LARGEST: int

def first_to_last(
    values: NDArray[int64], offsets: NDArray[int64], first: int, last: int, out: NDArray[int64]
) -> None: ...
def sort_small_groups(
    values: NDArray[int64], offsets: NDArray[int64], first: int, last: int, largest: int
) -> None: ...
def ranked(values: NDArray[int64], ranks: NDArray[int64], out: NDArray[int64]) -> None: ...
def count_ties(
    codes: Codes,
    times: NDArray[int64],
    offsets: NDArray[int64],
    first: int,
    last: int,
    seen: NDArray[int64],
    out: NDArray[int64],
) -> None: ...
