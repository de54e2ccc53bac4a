from typing import Any

from numpy import int32, int64, uint8, uint32
from numpy.typing import NDArray

DATA: int
DICTIONARY: int
DATA_V2: int
PLAIN: int
PLAIN_DICTIONARY: int
RLE_DICTIONARY: int

def page_headers(chunk: NDArray[uint8]) -> list[tuple[int, int, int, int, int, int, int, int, bool]]: ...
def after_levels(page: NDArray[uint8], values: int) -> int: ...
def unpack(page: NDArray[uint8], begin: int, out: NDArray[uint32]) -> None: ...
def text_positions(page: NDArray[uint8], begin: int, out: NDArray[int64]) -> None: ...
def first_uses(
    indices: NDArray[uint32], codes: NDArray[int32], used: NDArray[uint8], out: NDArray[uint32]
) -> int: ...
def take(values: NDArray[Any], indices: NDArray[uint32], out: NDArray[Any]) -> None: ...
