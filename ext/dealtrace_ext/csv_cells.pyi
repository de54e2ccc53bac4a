from collections.abc import Sequence

from numpy import int64, uint8, uint64
from numpy.typing import NDArray

TEXT: int
PACKED: int
ODD: int
SPARE: int

def read_cells(
    text: memoryview | bytes,
    delimiter: int,
    quote: int,
    fields: int,
    wanted: Sequence[int],
    kinds: NDArray[uint8],
    start: int,
    cells: Sequence[NDArray[uint64]],
    long_texts: Sequence[NDArray[uint8]],
    ends: NDArray[int64],
) -> int: ...
