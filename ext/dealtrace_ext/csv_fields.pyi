from collections.abc import Sequence

from numpy import int32, uint8
from numpy.typing import NDArray

def split(
    text: bytes | memoryview,
    delimiter: int,
    quote: int,
    fields: int,
    wanted: list[int],
    buffers: Sequence[tuple[NDArray[int32], NDArray[uint8], NDArray[uint8]]],
) -> tuple[int, list[int], list[tuple[int, int, int]]]: ...
