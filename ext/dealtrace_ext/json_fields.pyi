from collections.abc import Sequence

from numpy import int32, int64, uint8
from numpy.typing import NDArray

INLINE: int

class Wanted:
    columns: int
    def __init__(self, paths: Sequence[tuple[bytes, ...]]) -> None: ...

def fields(text: NDArray[uint8], wanted: Wanted, found: NDArray[int64], broken: NDArray[uint8]) -> int: ...
def views(
    text: NDArray[uint8],
    places: NDArray[int64],
    out: NDArray[uint8],
    made: NDArray[int32],
    valid: NDArray[uint8],
) -> int: ...
