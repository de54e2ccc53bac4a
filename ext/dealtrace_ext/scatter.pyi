from typing import Any

from numpy import int32, int64, uint8, uint32
from numpy.typing import NDArray

Codes = NDArray[Any]
"""uint8, uint16 or uint32."""

def count_keys(
    keys: NDArray[int32], counts: NDArray[int64], key_of: NDArray[int32] | None = None
) -> None: ...
def scatter(
    keys: NDArray[int32],
    codes: Codes,
    times: NDArray[int64],
    first_row: int,
    cursors: NDArray[int64],
    codes_out: Codes,
    times_out: NDArray[int64],
    rows_out: NDArray[uint32],
    key_of: NDArray[int32] | None = None,
    code_of: Codes | None = None,
    first: int = 0,
    last: int = 0x80000000,
) -> None: ...
def sort_within(
    offsets: NDArray[int64],
    codes: Codes,
    times: NDArray[int64],
    rows: NDArray[uint32],
    first: int,
    last: int,
    left_over: NDArray[uint8],
) -> int: ...
