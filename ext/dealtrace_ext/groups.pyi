from typing import Any

from numpy import int64, uint8
from numpy.typing import NDArray

Codes = NDArray[Any]
"""uint8, uint16 or uint32."""

def copy_groups(
    values: NDArray[Any],
    offsets: NDArray[int64],
    groups: NDArray[int64],
    new_offsets: NDArray[int64],
    first: int,
    last: int,
    out: NDArray[Any],
) -> None: ...
def mark_codes(codes: Codes, first: int, last: int, marks: NDArray[uint8]) -> None: ...
def first_to_last(
    values: NDArray[int64], offsets: NDArray[int64], first: int, last: int, out: NDArray[int64]
) -> None: ...
def ranked(
    values: NDArray[int64],
    offsets: NDArray[int64],
    first: int,
    last: int,
    ranks: NDArray[int64],
    out: NDArray[int64],
) -> None: ...
def count_ties(
    codes: Codes,
    times: NDArray[int64],
    offsets: NDArray[int64],
    first: int,
    last: int,
    seen: NDArray[int64],
    out: NDArray[int64],
) -> None: ...
